package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// at makes failures of different clients at moments before the end.
func failuresAt(moments ...time.Duration) []failure {
	var out []failure
	for i, d := range moments {
		out = append(out, failure{key: fmt.Sprint(i), client: fmt.Sprint("client-", i), kind: facts.AssumeDenied, at: ago(d)})
	}
	return out
}

func every(from, to, step time.Duration) []time.Duration {
	var out []time.Duration
	for d := from; d > to; d -= step {
		out = append(out, d)
	}
	return out
}

func TestOnsetIsTheChangeOfRate(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	for _, c := range []struct {
		name   string
		at     []time.Duration
		want   time.Duration // ago
		steady bool
	}{
		{"nothing came before the first", every(3*time.Hour, 0, 20*time.Minute), 3 * time.Hour, false},
		{"a lone failure in the morning is baseline", append([]time.Duration{20 * time.Hour}, every(3*time.Hour, 0, 20*time.Minute)...), 3 * time.Hour, false},
		{"steady over the window began before it", every(24*time.Hour-time.Minute, 0, time.Hour), 24*time.Hour - time.Minute, true},
		{"twice the rate is no onset", append(every(24*time.Hour-time.Minute, 12*time.Hour, time.Hour), every(12*time.Hour, 0, 30*time.Minute)...), 24*time.Hour - time.Minute, true},
		{"five times the rate is one", append(every(24*time.Hour-time.Minute, 12*time.Hour, time.Hour), every(12*time.Hour, 0, 12*time.Minute)...), 12 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, ok := onsetOf(failuresAt(c.at...), w)
			if !ok || b.steady != c.steady || b.at.Sub(ago(c.want)).Abs() > time.Minute {
				t.Errorf("onset %s ago, steady %v; want %s ago, steady %v", end.Sub(b.at), b.steady, c.want, c.steady)
			}
		})
	}
}

// The rate after the onset must be at least three times the rate before it.
func TestOnsetRatio(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	for _, c := range []struct {
		each   time.Duration // between failures in the last twelve hours; one an hour before
		steady bool
	}{{25 * time.Minute, true}, {15 * time.Minute, false}} {
		b, _ := onsetOf(failuresAt(append(every(24*time.Hour-time.Minute, 12*time.Hour, time.Hour), every(12*time.Hour, 0, c.each)...)...), w)
		if b.steady != c.steady {
			t.Errorf("one each %s after one an hour: steady %v, want %v", c.each, b.steady, c.steady)
		}
	}
}

func TestOnsetRetriesCountOnce(t *testing.T) {
	var fs []failure
	for i := range 50 { // one client that tries every minute
		fs = append(fs, failure{key: fmt.Sprint("a", i), client: "a", kind: facts.AssumeDenied, at: ago(10*time.Hour - time.Duration(i)*time.Minute)})
	}
	fs = append(fs, failuresAt(every(2*time.Hour, 0, 10*time.Minute)...)...)
	b, _ := onsetOf(fs, playbook.Window{From: ago(24 * time.Hour), To: end})
	if !b.at.Equal(ago(2 * time.Hour)) {
		t.Errorf("onset %s ago, want 2h", end.Sub(b.at))
	}
}

func TestOnsetIsOverAfterAQuietEnd(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	hourly := func(last time.Duration) (at []time.Duration) { // six sessions that end within five minutes, four times
		for hour := 3; hour >= 0; hour-- {
			for minute := 5; minute >= 0; minute-- {
				at = append(at, last+time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute)
			}
		}
		return at
	}
	for _, c := range []struct {
		name string
		at   []time.Duration
		over bool
	}{
		{"the newest quarter of an hour never proves an end, and half an hour must follow", []time.Duration{46 * time.Minute}, true},
		{"a minute less", []time.Duration{45 * time.Minute}, false},
		{"less than three times the usual gap", []time.Duration{9 * time.Hour, 7 * time.Hour, 5 * time.Hour}, false},
		{"more than three times the usual gap", []time.Duration{13 * time.Hour, 11 * time.Hour, 9 * time.Hour}, true},
		{"bursts each hour, and a quiet that is no longer than between them", hourly(70 * time.Minute), false},
		{"a quiet that is longer", hourly(71 * time.Minute), true},
		{"one long pause is not usual", append([]time.Duration{20 * time.Hour}, every(9*time.Hour, 8*time.Hour, 10*time.Minute)...), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, _ := onsetOf(failuresAt(c.at...), w); b.over != c.over {
				t.Errorf("over %v, want %v", b.over, c.over)
			}
		})
	}
}

// Clients that were restarted fail again when their new sessions end, not before.
func TestOnsetIsNotOverWhileSessionsLive(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	for last, over := range map[time.Duration]bool{75*time.Minute - time.Second: false, 75 * time.Minute: true} {
		fs := failuresAt(every(last+time.Hour, last, 5*time.Minute)...)
		fs = append(fs, failuresAt(last)...)
		for i := range fs {
			fs[i].kind, fs[i].session = facts.SessionExpired, &facts.Session{Seconds: 3600}
		}
		b, _ := onsetOf(fs, w)
		if b.over != over || b.next.IsZero() != over || !over && !b.next.Equal(ago(last-time.Hour)) {
			t.Errorf("sessions of an hour, quiet for %s: over %v, next at %s", last, b.over, b.next)
		}
		for i := range fs {
			fs[i].session = nil
		}
		if b, _ := onsetOf(fs, w); !b.over {
			t.Errorf("no session, quiet for %s: not over", last)
		}
	}
}

func TestNoFailuresMeansNothingWhereBlind(t *testing.T) {
	newScene(t).wantVerdict(playbook.Onset, playbook.Refuted)
	for _, id := range []playbook.StepID{playbook.STSErrors, playbook.AppErrors} {
		s := newScene(t).blind(id)
		s.wantVerdict(playbook.Onset, playbook.Undetermined)
		if v := s.judge().Diagnosis.Verdict; v != playbook.InsufficientEvidence {
			t.Errorf("%s blind: %s", id, v)
		}
	}
}

func TestNotAWS(t *testing.T) {
	t.Run("look-alikes alone", func(t *testing.T) {
		s := newScene(t)
		s.line(ago(time.Hour), "web-1", facts.LookAlike, "jwt expired")
		s.want(playbook.NotAWS)
		s.wantConfidence(playbook.NotAWS, playbook.High)
	})
	t.Run("with a refused try of somebody who never had a session", func(t *testing.T) {
		for _, c := range []struct {
			tries int
			want  playbook.CauseID
		}{{2, playbook.NotAWS}, {3, playbook.AccessDeniedOther}} {
			s := newScene(t)
			s.line(ago(time.Hour), "web-1", facts.LookAlike, "jwt expired")
			s.denied(ago(8*time.Hour), c.tries, user("colleague"), "")
			s.want(c.want)
		}
	})
	t.Run("not those of a neighbour's log group, where there is one of the role's name", func(t *testing.T) {
		for _, c := range []struct {
			groups []string
			want   []playbook.CauseID
		}{{[]string{"/prod/payments", "/prod/portal"}, nil}, {[]string{"/prod/portal"}, []playbook.CauseID{playbook.NotAWS}}} {
			s := newScene(t)
			for _, g := range c.groups {
				s.app.Groups = append(s.app.Groups, facts.LogGroup{Name: g, Chosen: "discovered"})
			}
			s.line(ago(time.Hour), "web-1", facts.LookAlike, "jwt expired").Group = "/prod/portal"
			s.want(c.want...)
		}
	})
	t.Run("with CloudTrail unseen", func(t *testing.T) {
		s := newScene(t).blind(playbook.STSErrors)
		s.line(ago(time.Hour), "web-1", facts.LookAlike, "jwt expired")
		s.wantConfidence(playbook.NotAWS, playbook.Medium)
	})
	t.Run("not beside one failure of AWS credentials", func(t *testing.T) {
		s := newScene(t)
		for i := range 20 {
			s.line(ago(time.Duration(i)*time.Hour), "web-1", facts.LookAlike, "jwt expired")
		}
		s.runsOut("worker-1", 1, 10*time.Second)
		s.want(playbook.NoRefresh)
	})
}

// One or two occasions at the end of the window are no new rate, however soon
// after them the question comes; three are.
func TestNewestFailureIsNoOnset(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	hourly := every(24*time.Hour-time.Minute, 2*time.Hour, time.Hour)
	for _, c := range []struct {
		newest []time.Duration
		steady bool
	}{{[]time.Duration{time.Minute}, true}, {[]time.Duration{2 * time.Minute, time.Minute}, true}, {[]time.Duration{3 * time.Minute, 2 * time.Minute, time.Minute}, false}} {
		if b, _ := onsetOf(failuresAt(append(hourly, c.newest...)...), w); b.steady != c.steady {
			t.Errorf("%d at the end: steady %v, want %v", len(c.newest), b.steady, c.steady)
		}
	}
}

// What is over began with its first occasion, not with its last.
func TestOnsetOfWhatIsOver(t *testing.T) {
	w := playbook.Window{From: ago(24 * time.Hour), To: end}
	b, _ := onsetOf(failuresAt(every(21*time.Hour, 15*time.Hour, 66*time.Minute)...), w)
	if !b.over || b.steady || !b.at.Equal(ago(21*time.Hour)) {
		t.Errorf("over %v, steady %v, onset %s ago", b.over, b.steady, end.Sub(b.at))
	}
}

// A cause whose failures are over says so, and does not tell to mend at once what
// may have been mended.
func TestCausesOfThePastSaySo(t *testing.T) {
	const was = ", last failure at 2026-05-31 19:00 UTC"
	night := func(n int) func(s *scene) { // the last failure 17 hours ago
		return func(s *scene) {
			for i := range n {
				issued := ago(time.Duration(18+2*i) * time.Hour)
				s.session("worker-1", issued, time.Hour)
				s.line(issued.Add(time.Hour+10*time.Second), "worker-1", facts.SessionExpired, expiredText)
			}
		}
	}
	for _, c := range []struct {
		name  string
		make  func(s *scene)
		cause playbook.CauseID
		over  bool
		fix   string // how the advice begins
	}{
		{"three occasions last night", night(3), playbook.NoRefresh, true, "Check first whether it was mended: nothing has failed this way since 2026-05-31 19:00 UTC. If it comes back: Restart"},
		{"two occasions last night", night(2), playbook.NoRefresh, false, "Restart"},
		{"the last of them an hour ago", func(s *scene) { s.runsOut("worker-1", 3, 10*time.Second) }, playbook.NoRefresh, false, "Restart"},
		{"the log group was read in part", func(s *scene) {
			night(3)(s)
			s.app.Groups = []facts.LogGroup{{Name: "/prod/payments", Method: "insights", Why: "it was cut"}}
		}, playbook.NoRefresh, false, "Restart"},
		{"refusals last night", func(s *scene) { s.denied(ago(18*time.Hour), 3, user("svc"), "") }, playbook.AccessDeniedOther, true, "Check first"},
		{"refusals last night, in a trail that stopped", func(s *scene) {
			s.denied(ago(18*time.Hour), 3, user("svc"), "")
			s.errors.Trails = []facts.Trail{{Region: "eu-west-1", Source: "trail-logs", From: ago(24 * time.Hour), To: ago(playbook.DeliveryLag + time.Second)}}
		}, playbook.AccessDeniedOther, false, "Have"},
		{"a state that stands is not put off", func(s *scene) {
			s.change(ago(19*time.Hour), facts.SessionsCut, "PutRolePolicy").RevokesBefore = ago(19 * time.Hour)
			s.session("worker-1", ago(20*time.Hour), 12*time.Hour)
			for i := range 3 {
				s.line(ago(18*time.Hour-time.Duration(i)*30*time.Minute), "worker-1", facts.AccessDenied, "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied")
			}
		}, playbook.SessionsRevoked, true, "Ask who revoked them"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			f := s.want(c.cause).Diagnosis.Causes[0]
			if strings.HasSuffix(f.Headline, was) != c.over || strings.Contains(f.Why, " No failure of this kind is seen after 2026-05-31 19:00:") != c.over || !strings.HasPrefix(f.Fix, c.fix) {
				t.Errorf("%s\n%s\n%s", f.Headline, f.Why, f.Fix)
			}
		})
	}
}
