package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func TestConsistentNeedsThreeCasesAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		cases int
		past  time.Duration
		want  playbook.Verdict
	}{
		{"two cases are too few", 2, 10 * time.Second, playbook.Undetermined},
		{"three right behind the end", 3, 10 * time.Second, playbook.Supported},
		{"three at 2 % of an hour behind the end", 3, 72 * time.Second, playbook.Supported},
		{"three just beyond 2 %", 3, 73 * time.Second, playbook.Refuted},
		{"three 5 s before the end, as far as clocks may differ", 3, -5 * time.Second, playbook.Supported},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.runsOut("worker-1", c.cases, c.past)
			s.wantVerdict(playbook.Timing, c.want)
			s.want(playbook.NoRefresh)
		})
	}
}

// A line more than 5 s before the session's end is no use past its end.
func TestUseBeforeTheEndIsNotPastIt(t *testing.T) {
	s := newScene(t)
	s.runsOut("worker-1", 1, -6*time.Second)
	s.want()
	s.wantVerdict(playbook.DurationVsUsage, playbook.Refuted)
}

func TestShortSessionsHaveAMinuteOfTolerance(t *testing.T) {
	for _, c := range []struct {
		past time.Duration
		want playbook.Verdict
	}{{60 * time.Second, playbook.Supported}, {61 * time.Second, playbook.Refuted}} {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, 15*time.Minute)
			s.line(issued.Add(15*time.Minute+c.past), "worker-1", facts.SessionExpired, expiredText)
		}
		s.wantVerdict(playbook.Timing, c.want)
	}
}

// Four in five must lie at the limit.
func TestConsistentNeedsFourInFive(t *testing.T) {
	for _, c := range []struct {
		late int
		want playbook.Verdict
	}{{1, playbook.Supported}, {2, playbook.Refuted}} {
		s := newScene(t)
		s.runsOut("worker-1", 5-c.late, 10*time.Second)
		for i := range c.late {
			issued := ago(time.Duration(15+3*i) * time.Hour)
			s.session("worker-2", issued, time.Hour)
			s.line(issued.Add(100*time.Minute), "worker-2", facts.SessionExpired, expiredText)
		}
		s.wantVerdict(playbook.Timing, c.want)
	}
}

// Retries belong to the case that they repeat.
func TestRetriesAreOneCase(t *testing.T) {
	s := newScene(t)
	s.runsOut("worker-1", 2, 10*time.Second)
	for i := range 20 {
		s.line(ago(time.Hour).Add(time.Duration(20+i)*time.Second), "worker-1", facts.SessionExpired, expiredText)
	}
	s.wantVerdict(playbook.Timing, playbook.Undetermined)
}

func TestNoRefreshConfidence(t *testing.T) {
	t.Run("high when consistent, named, and refusals could be seen", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 3, 10*time.Second)
		s.wantConfidence(playbook.NoRefresh, playbook.High)
	})
	t.Run("medium below three cases", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 2, 10*time.Second)
		s.wantConfidence(playbook.NoRefresh, playbook.Medium)
	})
	t.Run("medium when refusals could not be seen", func(t *testing.T) {
		s := newScene(t).blind(playbook.STSErrors)
		s.runsOut("worker-1", 3, 10*time.Second)
		s.wantConfidence(playbook.NoRefresh, playbook.Medium)
	})
	t.Run("low when tied by time alone and not consistent", func(t *testing.T) {
		s := newScene(t)
		s.session("botocore-session-1", ago(3*time.Hour), time.Hour)
		s.line(ago(2*time.Hour).Add(10*time.Second), "pod-a", facts.SessionExpired, expiredText)
		s.wantConfidence(playbook.NoRefresh, playbook.Low)
	})
}

// Expired sessions in the log and no ledger: whether anybody renews is not known.
func TestExpiredLinesWithoutLedgerProveNothing(t *testing.T) {
	s := newScene(t).blind(playbook.Sessions, playbook.STSErrors)
	s.line(ago(time.Hour), "worker-1", facts.SessionExpired, expiredText)
	r := s.want()
	if r.Diagnosis.Verdict != playbook.InsufficientEvidence {
		t.Errorf("verdict %s", r.Diagnosis.Verdict)
	}
	s.wantVerdict(playbook.Timing, playbook.Undetermined)
	s.wantVerdict(playbook.DurationVsUsage, playbook.Undetermined)
}

func TestRenewingThatIsTriedIsNotNoRefresh(t *testing.T) {
	t.Run("a newer session from the same address lived already", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.session("worker-1", issued.Add(55*time.Minute), time.Hour)
			s.line(issued.Add(time.Hour+20*time.Second), "worker-1", facts.SessionExpired, expiredText)
		}
		r := s.want(playbook.RefreshFailing)
		if m := ruling(t, r, playbook.Timing).Message; strings.Contains(m, "Nobody renews") {
			t.Errorf("renewing was tried: %s", m)
		}
	})
	t.Run("the newer session is of another client that shares the name", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.session("worker-1", issued.Add(55*time.Minute), time.Hour).Source = "198.51.100.99"
			s.line(issued.Add(time.Hour+20*time.Second), "worker-1", facts.SessionExpired, expiredText)
		}
		s.want(playbook.NoRefresh)
	})
	t.Run("the client logs failed renewals around the end", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.line(issued.Add(55*time.Minute), "worker-1", facts.RefreshFailed, "failed to refresh cached credentials")
			s.line(issued.Add(time.Hour+20*time.Second), "worker-1", facts.SessionExpired, expiredText)
		}
		s.want(playbook.RefreshFailing)
		s.wantConfidence(playbook.RefreshFailing, playbook.High)
	})
}

// A refused renewal is named by why it was refused.
func TestRefusedRenewalIsNamedByItsReason(t *testing.T) {
	s := newScene(t)
	s.runsOut("work", 3, 10*time.Second)
	for i := range 3 {
		f := s.refused(ago(time.Duration(1+3*i)*time.Hour).Add(-5*time.Minute), facts.DurationAboveRole, user("svc"), "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		f.Requested = 14400
	}
	if got := causesOf(s.judge()); got[0] != playbook.DurationAboveMax {
		t.Errorf("causes %v", got)
	}
}

// AWS services renew their sessions themselves.
func TestServiceSessionsAreNotTakenByTime(t *testing.T) {
	s := newScene(t)
	s.session("i-0abc", ago(8*time.Hour), 6*time.Hour).Service = true
	s.line(ago(2*time.Hour).Add(5*time.Second), "somewhere", facts.SessionExpired, expiredText)
	r := s.want()
	if r.Diagnosis.Verdict != playbook.NoCorrelation {
		t.Errorf("verdict %s", r.Diagnosis.Verdict)
	}
}

func TestRequestExpiredIsResolved(t *testing.T) {
	const text = "An error occurred (RequestExpired) when calling the DescribeInstances operation: Request has expired."
	t.Run("expiry where the session had ended", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.line(issued.Add(time.Hour+9*time.Second), "worker-1", facts.ExpiredOrSkew, text)
		}
		s.want(playbook.NoRefresh)
	})
	t.Run("skew where the same client's signatures are refused", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.line(issued.Add(time.Hour+9*time.Second), "worker-1", facts.ExpiredOrSkew, text)
			l := s.line(issued.Add(time.Hour+30*time.Second), "worker-1", facts.Skew, "Signature expired")
			l.Now, l.Until = l.Time, l.Time.Add(-20*time.Minute)
		}
		s.want(playbook.ClockSkew)
		s.wantConfidence(playbook.ClockSkew, playbook.High)
	})
	t.Run("open where a newer session could have been used", func(t *testing.T) {
		s := newScene(t)
		s.session("worker-1", ago(3*time.Hour), time.Hour)
		s.session("worker-1", ago(2*time.Hour).Add(-5*time.Minute), time.Hour)
		s.line(ago(90*time.Minute), "worker-1", facts.ExpiredOrSkew, text)
		s.want()
	})
}

func TestSkewWithoutBothTimesIsMedium(t *testing.T) {
	s := newScene(t)
	s.session("worker-1", ago(time.Hour), 2*time.Hour)
	s.line(ago(time.Hour), "worker-1", facts.Skew, "RequestTimeTooSkewed")
	s.want(playbook.ClockSkew)
	s.wantConfidence(playbook.ClockSkew, playbook.Medium)
}

// What only time ties to the role is believed of streams that fail as its
// sessions end.
func TestLinesThatOnlyTimeTies(t *testing.T) {
	for _, c := range []struct {
		name  string
		group string
		past  []time.Duration // of one stream, each behind the end of a session of its own
		want  []playbook.CauseID
	}{
		{"once, right behind the end", "/shared/gateway", []time.Duration{72 * time.Second}, []playbook.CauseID{playbook.NoRefresh}},
		{"once, a second later", "/shared/gateway", []time.Duration{73 * time.Second}, nil},
		{"again and again within a quarter of an hour", "/shared/gateway", []time.Duration{15 * time.Minute, 4 * time.Minute, 9 * time.Minute}, []playbook.CauseID{playbook.NoRefresh}},
		{"one of three a second later", "/shared/gateway", []time.Duration{15*time.Minute + time.Second, 4 * time.Minute, 9 * time.Minute}, nil},
		{"at any time, in a log group named like the role", "/prod/payments", []time.Duration{40 * time.Minute}, []playbook.CauseID{playbook.NoRefresh}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			for i, past := range c.past {
				issued := ago(time.Duration(3+3*i) * time.Hour)
				s.session("job-"+string(rune('a'+i)), issued, time.Hour)
				s.line(issued.Add(time.Hour+past), "gateway", facts.SessionExpired, expiredText).Group = c.group
			}
			s.want(c.want...)
		})
	}
}

// Clients may share a session name: the one that has a living session is the one
// that asked from the same address.
func TestSharedSessionNameIsToldApartByAddress(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []playbook.CauseID
	}{{"192.0.2.9", []playbook.CauseID{playbook.NoRefresh}}, {"198.51.100.7", nil}} {
		s := newScene(t)
		s.session("GitHubActions", ago(3*time.Hour), time.Hour)
		s.session("GitHubActions", ago(2*time.Hour+10*time.Minute), time.Hour).Source = c.source
		s.line(ago(2*time.Hour).Add(20*time.Second), "run-17", facts.SessionExpired, expiredText)
		s.want(c.want...)
	}
}

// A throttled call whose retry gets the session within a minute left nobody without.
func TestRetriesThatSucceedAreNoFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		other bool
		want  []playbook.CauseID
	}{
		{"a minute later", time.Minute, false, nil},
		{"later than that", time.Minute + time.Second, false, []playbook.CauseID{playbook.Throttled}},
		{"another caller's session", time.Second, true, []playbook.CauseID{playbook.Throttled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.refused(ago(2*time.Hour), facts.ThrottledCall, user("svc"), "Rate exceeded")
			u := s.session("work", ago(2*time.Hour).Add(c.after), time.Hour)
			if c.other {
				u.Caller = user("other")
			}
			s.want(c.want...)
		})
	}
}

// A warning that renewing early failed is a failure when it comes three times, or
// its client fails otherwise.
func TestEarlyRenewalWarnings(t *testing.T) {
	warn := func(s *scene, n int) {
		for i := range n {
			s.line(ago(time.Duration(9-i)*time.Hour), "worker-1", facts.RefreshFailed, "Refreshing temporary credentials failed during advisory refresh period")
		}
	}
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
	}{
		{"twice", func(s *scene) { warn(s, 2) }, nil},
		{"three times", func(s *scene) { warn(s, 3) }, []playbook.CauseID{playbook.RefreshFailing}},
		{"once, and the session is used past its end", func(s *scene) {
			s.session("worker-1", ago(10*time.Hour).Add(5*time.Minute), time.Hour)
			s.line(ago(9*time.Hour).Add(-5*time.Minute), "worker-1", facts.RefreshFailed, "Attempting credential expiration extension")
			s.line(ago(9*time.Hour).Add(5*time.Minute+10*time.Second), "worker-1", facts.SessionExpired, expiredText)
		}, []playbook.CauseID{playbook.RefreshFailing}},
		{"the mandatory refresh, once", func(s *scene) {
			s.line(ago(time.Hour), "worker-1", facts.RefreshFailed, "Refreshing temporary credentials failed during mandatory refresh period")
		}, []playbook.CauseID{playbook.RefreshFailing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.want(c.want...)
		})
	}
}

// A failed renewal in the log and a refusal in CloudTrail at the same minute are
// one attempt; a minute and a second apart they are two.
func TestRefusalSeenFromBothSides(t *testing.T) {
	for _, c := range []struct {
		apart time.Duration
		want  []playbook.CauseID
	}{{time.Minute, []playbook.CauseID{playbook.TrustPolicyChanged}}, {time.Minute + time.Second, []playbook.CauseID{playbook.TrustPolicyChanged, playbook.RefreshFailing}}} {
		s := dropped(t)
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		for i := range 4 {
			s.line(ago(5*time.Hour).Add(time.Duration(i)*30*time.Minute+c.apart), "pod-9", facts.RefreshFailed, "failed to refresh cached credentials")
		}
		s.want(c.want...)
	}
}

// A service renews what it hands to its instances: a newer session of the same
// name says nothing about the client, a newer one of the client's own does.
func TestServicesRenewalIsNotTheClients(t *testing.T) {
	for _, c := range []struct {
		service bool
		want    playbook.CauseID
	}{{true, playbook.NoRefresh}, {false, playbook.RefreshFailing}} {
		s := newScene(t)
		for i := range 3 {
			for n := range 2 {
				u := s.session("i-0123456789abcdef0", ago(time.Duration(20-6*i)*time.Hour).Add(time.Duration(n)*50*time.Minute), time.Hour)
				u.Service, u.Source = c.service, "ec2.amazonaws.com"
			}
			s.line(ago(time.Duration(19-6*i)*time.Hour).Add(10*time.Second), "i-0123456789abcdef0", facts.SessionExpired, expiredText)
		}
		s.want(c.want)
	}
}

// A line that names the role is of a session from before the ledger only where the
// ledger is whole and none was issued before the line.
func TestSessionsFromBeforeTheLedger(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
	}{
		{"none was issued", func(s *scene) {}, []playbook.CauseID{playbook.NoRefresh}},
		{"one was issued later", func(s *scene) { s.session("work", ago(time.Hour), time.Hour) }, []playbook.CauseID{playbook.NoRefresh}},
		{"one was issued before and lives", func(s *scene) { s.session("work", ago(3*time.Hour), 12*time.Hour) }, nil},
		{"the ledger was cut", func(s *scene) { s.ledger.Total = 1 }, nil},
		{"there is no ledger", func(s *scene) { s.blind(playbook.Sessions) }, nil},
		{"another region's trail could not be read", func(s *scene) { s.ledger.Trails = append(s.ledger.Trails, facts.Trail{Region: "us-east-1"}) }, nil},
		{"no region was read", func(s *scene) { s.ledger.Trails = nil }, nil},
		{"the log group is a second younger than the ledger", func(s *scene) { s.ledger.Trails[0].From = ago(36*time.Hour - time.Second) }, nil},
		{"the trail stopped as long before the line as every session lives", func(s *scene) { s.ledger.Trails[0].To = ago(2*time.Hour + 15*time.Minute) }, []playbook.CauseID{playbook.NoRefresh}},
		{"the trail stopped a second before that", func(s *scene) { s.ledger.Trails[0].To = ago(2*time.Hour + 15*time.Minute + time.Second) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.line(ago(2*time.Hour), "host-9", facts.SessionExpired, expiredText).Roles = []string{"payments"}
			c.make(s)
			s.want(c.want...)
		})
	}
}

// Where a group is named like the role, what fails in others and names no role is
// somebody else's.
func TestNeighboursFailuresAreTheirs(t *testing.T) {
	for _, c := range []struct {
		groups []string
		want   []playbook.CauseID
	}{{[]string{"/prod/payments", "/shared/door"}, nil}, {[]string{"/shared/door"}, []playbook.CauseID{playbook.RefreshFailing}}} {
		s := newScene(t)
		for _, g := range c.groups {
			s.app.Groups = append(s.app.Groups, facts.LogGroup{Name: g, Chosen: "discovered"})
		}
		s.line(ago(time.Hour), "door-1", facts.RefreshFailed, "no EC2 IMDS role found").Group = "/shared/door"
		s.want(c.want...)
	}
}

// Where sessions of two roles are named like a stream, the log group's name tells
// whose lines it has; where it tells nothing, they stay this role's.
func TestSharedSessionNameIsToldApartByLogGroup(t *testing.T) {
	for _, c := range []struct {
		group string
		want  []playbook.CauseID
	}{{"/prod/payments", []playbook.CauseID{playbook.NoRefresh}}, {"/prod/billing", nil}, {"/prod/all", []playbook.CauseID{playbook.NoRefresh}}} {
		s := newScene(t)
		s.errors.Roles = append(s.errors.Roles, facts.RoleRate{RoleARN: "arn:aws:iam::" + account + ":role/billing", SessionNames: []string{"worker-1"}})
		s.runsOut("worker-1", 4, 10*time.Second)
		for i := range s.app.Lines {
			s.app.Lines[i].Group = c.group
		}
		s.want(c.want...)
	}
}

// A length under 15 minutes is told from one above every maximum, and from one that
// nothing shows.
func TestLengthsThatSTSDoesNotTake(t *testing.T) {
	const tooShort = "STS gives no session of less than 15 min"
	for _, c := range []struct {
		name       string
		asked      int
		want       playbook.CauseID
		confidence playbook.Confidence
		words      string // what refresh-failing must say, "" for nothing of the length
	}{
		{"a second too short", 899, playbook.RefreshFailing, playbook.High, "asks for 14 min 59 s, and " + tooShort},
		{"too long", 90000, playbook.DurationAboveMax, playbook.High, ""},
		{"unknown", 0, playbook.RefreshFailing, playbook.Low, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			for i := range 3 {
				s.refused(ago(time.Duration(2+i)*time.Hour), facts.DurationInvalid, user("svc"), "failed to satisfy constraint").Requested = c.asked
			}
			r := s.want(c.want)
			s.wantConfidence(c.want, c.confidence)
			if why := r.Diagnosis.Causes[0].Why; !strings.Contains(why, c.words) || c.words == "" && strings.Contains(why, tooShort) {
				t.Error(why)
			}
		})
	}
	t.Run("too long, beside an old session that goes on being used", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			s.session("worker-1", issued, time.Hour)
			s.session("worker-1", issued.Add(55*time.Minute), time.Hour)
			s.line(issued.Add(time.Hour+20*time.Second), "worker-1", facts.SessionExpired, expiredText)
			s.refused(issued.Add(50*time.Minute), facts.DurationInvalid, user("svc"), "failed to satisfy constraint").Requested = 90000
		}
		for _, f := range s.want(playbook.DurationAboveMax, playbook.RefreshFailing).Diagnosis.Causes {
			if f.Cause == playbook.RefreshFailing && strings.Contains(f.Why, "asks for") {
				t.Error(f.Why)
			}
		}
	})
}

// A failed renewal is the other side of a refusal only where the refused client may
// be the one that logs it.
func TestSomebodyElsesRefusalIsNotTheOtherSide(t *testing.T) {
	for _, c := range []struct {
		name    string
		session string // that the refused request names
		want    []playbook.CauseID
	}{
		{"the same session's", "worker-1", []playbook.CauseID{playbook.AccessDeniedOther}},
		{"another session's", "elsewhere", []playbook.CauseID{playbook.RefreshFailing, playbook.AccessDeniedOther}},
		{"no session is named", "", []playbook.CauseID{playbook.AccessDeniedOther}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.session("worker-1", ago(10*time.Hour), 12*time.Hour)
			s.denied(ago(5*time.Hour), 4, user("colleague"), "")
			for i := range s.errors.Failures {
				s.errors.Failures[i].SessionName = c.session
				s.line(s.errors.Failures[i].Time.Add(20*time.Second), "worker-1", facts.RefreshFailed, "failed to refresh cached credentials")
			}
			s.want(c.want...)
		})
	}
	t.Run("a caller who is refused all day long", func(t *testing.T) {
		s := newScene(t)
		s.denied(ago(24*time.Hour), 48, user("colleague"), "")
		for i := range 4 {
			for n := range 6 {
				s.line(ago(time.Duration(4-i)*30*time.Minute), fmt.Sprintf("pod-%d", n), facts.RefreshFailed, "failed to refresh cached credentials")
			}
		}
		s.want(playbook.RefreshFailing)
	})
}
