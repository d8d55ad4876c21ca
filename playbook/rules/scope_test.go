package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// neighbours are n other roles with errors of a kind in slices of five minutes:
// `was` of them early in the window, `now` in the last hour.
func (s *scene) neighbours(n, was, now int, kind facts.Kind) {
	for i := range n {
		r := facts.RoleRate{RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/other-%d", account, i), Calls: was + now, Errors: was + now, ByKind: map[facts.Kind]int{kind: was + now}, UserAgents: []string{"shared/1.0"}}
		if was > 0 {
			r.Buckets = append(r.Buckets, facts.Bucket{Start: ago(20 * time.Hour), Calls: was, Errors: was})
		}
		if now > 0 {
			r.Buckets = append(r.Buckets, facts.Bucket{Start: ago(40 * time.Minute), Calls: now, Errors: now})
		}
		s.errors.Roles = append(s.errors.Roles, r)
	}
}

// failing is a role whose renewals fail with AWS's own errors for an hour.
func failing(t *testing.T) *scene {
	s := newScene(t)
	for i := range 4 {
		s.refused(ago(time.Hour-time.Duration(i)*13*time.Minute), facts.OtherFailure, user("svc"), "The request processing has failed because of an unknown error, exception or failure.")
	}
	return s
}

func event(service, region string, open bool) facts.HealthEvent {
	return facts.HealthEvent{ID: "arn:aws:health:x", Service: service, Region: region, Code: "AWS_" + service + "_OPERATIONAL_ISSUE", Open: open, Start: ago(70 * time.Minute), End: time.Time{}}
}

func TestServiceEventNeedsEventAndUnrelatedRoles(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *scene)
		want playbook.CauseID
	}{
		{"an open event and two other roles", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("STS", "eu-west-1", true)}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.STSServiceEvent},
		{"an open event and one other role", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("STS", "eu-west-1", true)}
			s.neighbours(1, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"an open event and two roles with too few errors", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("STS", "eu-west-1", true)}
			s.neighbours(2, 0, 2, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"an open event of IAM, whose control plane touches no session", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("IAM", "us-east-1", true)}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"an event that was over long before", func(s *scene) {
			e := event("STS", "eu-west-1", false)
			e.Start, e.End = ago(12*time.Hour), ago(9*time.Hour)
			s.role.Events = []facts.HealthEvent{e}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"an open event in the global endpoint's region, which nobody here calls", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("STS", "us-east-1", true)}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"an open event in the global endpoint's region, which the callers use", func(s *scene) {
			s.role.Events = []facts.HealthEvent{event("STS", "us-east-1", true)}
			s.neighbours(2, 0, 3, facts.OtherFailure)
			s.errors.Failures[0].Endpoint = "global"
		}, playbook.STSServiceEvent},
		{"an endpoint that does not answer and two other roles", func(s *scene) {
			s.role.Probes = []facts.Probe{{Region: "eu-west-1", Answered: playbook.No}, {Region: "us-east-1", Answered: playbook.Yes}}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.STSServiceEvent},
		{"our own network is down", func(s *scene) {
			s.role.Probes = []facts.Probe{{Region: "eu-west-1", Answered: playbook.Unknown}, {Region: "us-east-1", Answered: playbook.Unknown}}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
		{"another region's endpoint is silent", func(s *scene) {
			s.role.Probes = []facts.Probe{{Region: "eu-west-1", Answered: playbook.Yes}, {Region: "us-east-1", Answered: playbook.No}}
			s.neighbours(2, 0, 3, facts.OtherFailure)
		}, playbook.RefreshFailing},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := failing(t)
			c.make(s)
			s.want(c.want)
		})
	}
}

// A role counts as struck at three times its own earlier rate: the last hour
// against the 23 before.
func TestStruckIsMeasuredAgainstTheOwnBaseline(t *testing.T) {
	for _, c := range []struct {
		was, now int
		want     int
	}{{0, 3, 1}, {0, 2, 0}, {23, 3, 1}, {24, 3, 0}, {46, 6, 1}, {48, 6, 0}} {
		t.Run(fmt.Sprintf("%d before, %d after", c.was, c.now), func(t *testing.T) {
			s := newScene(t)
			s.neighbours(1, c.was, c.now, facts.ThrottledCall)
			saw := look(playbook.Case{Request: s.request(), Steps: s.steps()})
			if got := len(saw.struck(ago(time.Hour))); got != c.want {
				t.Errorf("%d roles struck, want %d", got, c.want)
			}
		})
	}
}

func TestThrottled(t *testing.T) {
	for _, c := range []struct {
		name string
		call string
		text string
		want []playbook.CauseID
	}{
		{"an issuing call", "AssumeRole", "Throttling: Rate exceeded", []playbook.CauseID{playbook.Throttled}},
		{"a line that speaks of STS", "", "operation error STS: Throttling: Rate exceeded", []playbook.CauseID{playbook.Throttled}},
		{"another service's call", "GetMetricData", "Throttling: Rate exceeded for credential reports", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			for i := range 3 {
				s.line(ago(time.Duration(i+1)*time.Hour), "worker-1", facts.ThrottledCall, c.text).Call = c.call
			}
			s.want(c.want...)
		})
	}
	t.Run("another role's throttling is not this role's", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 3, 10*time.Second)
		s.neighbours(1, 300, 20, facts.ThrottledCall)
		s.want(playbook.NoRefresh)
	})
}

func TestRegionDisabled(t *testing.T) {
	invalid := func(s *scene) {
		for i := range 3 {
			s.line(ago(time.Duration(i+1)*time.Hour), "worker-1", facts.InvalidCredentials, "UnrecognizedClientException: The security token included in the request is invalid.").Call = "GetItem"
		}
	}
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
	}{
		{"AWS says so to a call", func(s *scene) {
			s.line(ago(time.Hour), "worker-1", facts.RegionOff, "RegionDisabledException")
		}, []playbook.CauseID{playbook.RegionDisabled}},
		{"the probe is told so", func(s *scene) { s.role.STSActive = playbook.No }, []playbook.CauseID{playbook.RegionDisabled}},
		{"the region is not enabled", func(s *scene) { s.role.RegionOptIn, s.role.RegionEnabled = true, playbook.No }, []playbook.CauseID{playbook.RegionDisabled}},
		{"whether it is active is not known", func(s *scene) { s.role.STSActive = playbook.Unknown }, nil},
		{"version 1 tokens in an opt-in region", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 1
			invalid(s)
		}, []playbook.CauseID{playbook.RegionDisabled}},
		{"version 1 tokens, and a session of the global endpoint", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 1
			s.session("worker-1", ago(5*time.Hour), 12*time.Hour).Endpoint = "global"
			invalid(s)
		}, []playbook.CauseID{playbook.RegionDisabled}},
		{"version 1 tokens, and sessions of regional endpoints alone", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 1
			s.session("worker-1", ago(5*time.Hour), 12*time.Hour).Endpoint = "regional"
			invalid(s)
		}, []playbook.CauseID{playbook.SourceCredentials}},
		{"version 1 tokens, and the caller's key was switched off before", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 1
			s.change(ago(4*time.Hour), facts.KeyEdited, "UpdateAccessKey").After = "Inactive"
			invalid(s)
			for i := range s.app.Lines {
				s.app.Lines[i].Call = "AssumeRole"
			}
		}, []playbook.CauseID{playbook.SourceCredentials}},
		{"version 2 tokens in an opt-in region", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 2
			invalid(s)
		}, nil},
		{"version 1 tokens in a region that is on by default", func(s *scene) {
			s.role.GlobalTokenVersion = 1
			invalid(s)
		}, nil},
		{"version 1 tokens, and nothing is refused", func(s *scene) {
			s.role.RegionOptIn, s.role.RegionEnabled, s.role.GlobalTokenVersion = true, playbook.Yes, 1
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.want(c.want...)
		})
	}
}

func TestRoleMissing(t *testing.T) {
	for _, c := range []struct {
		name  string
		is    playbook.Truth
		other bool
		want  []playbook.CauseID
	}{
		{"IAM has none", playbook.No, false, []playbook.CauseID{playbook.RoleMissing}},
		{"it could not be read", playbook.Unknown, false, nil},
		{"it is another account's", playbook.Unknown, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.role.Exists, s.role.OtherAccount = c.is, c.other
			s.want(c.want...)
		})
	}
}

// otherRoles makes n other roles known by their session names, and lets their
// sessions run out as this role's do.
func (s *scene) otherRoles(n int) {
	for i := range n {
		pod := fmt.Sprintf("other-pod-%d", i)
		s.errors.Roles = append(s.errors.Roles, facts.RoleRate{RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/other-%d", account, i), Calls: 1, SessionNames: []string{pod}})
		s.line(ago(59*time.Minute), pod, facts.SessionExpired, expiredText)
	}
}

func TestAccountWideRefreshNeedsThreeRoles(t *testing.T) {
	for _, c := range []struct {
		others int
		want   playbook.CauseID
	}{{1, playbook.NoRefresh}, {2, playbook.AccountWideRefresh}} {
		t.Run(fmt.Sprintf("this role and %d others", c.others), func(t *testing.T) {
			s := newScene(t)
			s.runsOut("worker-1", 1, 10*time.Second)
			s.otherRoles(c.others)
			s.want(c.want)
		})
	}
	t.Run("not beside a service event", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 1, 10*time.Second)
		s.otherRoles(2)
		s.role.Events = []facts.HealthEvent{event("STS", "eu-west-1", true)}
		s.want(playbook.NoRefresh)
	})
	t.Run("neighbours that fail all day long did not rise", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 1, 10*time.Second)
		for i := range 2 {
			pod := fmt.Sprintf("habit-pod-%d", i)
			s.errors.Roles = append(s.errors.Roles, facts.RoleRate{RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/habit-%d", account, i), SessionNames: []string{pod}})
			for h := range 23 {
				s.line(ago(time.Duration(h)*time.Hour+time.Minute), pod, facts.SessionExpired, expiredText)
			}
		}
		s.want(playbook.NoRefresh)
	})
	t.Run("of a role that fails all day long, only neighbours in its log group", func(t *testing.T) {
		for _, c := range []struct {
			group string
			want  playbook.CauseID
		}{{"/prod/payments", playbook.AccountWideRefresh}, {"/prod/elsewhere", playbook.NoRefresh}} {
			s := newScene(t)
			s.runsOut("worker-1", 8, 10*time.Second) // 22 hours ago to 1 hour ago
			for i := range 2 {
				pod := fmt.Sprintf("other-pod-%d", i)
				s.errors.Roles = append(s.errors.Roles, facts.RoleRate{RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/other-%d", account, i), SessionNames: []string{pod}})
				for h := range 8 {
					s.line(ago(time.Duration(1+3*h)*time.Hour), pod, facts.SessionExpired, expiredText).Group = c.group
				}
			}
			s.want(c.want)
		}
	})
	t.Run("another role's trouble of hours ago is not the same", func(t *testing.T) {
		s := newScene(t)
		s.runsOut("worker-1", 1, 10*time.Second)
		s.otherRoles(1)
		s.errors.Roles = append(s.errors.Roles, facts.RoleRate{RoleARN: "arn:aws:iam::" + account + ":role/early", SessionNames: []string{"early-pod-0"}})
		s.line(ago(9*time.Hour), "early-pod-0", facts.SessionExpired, expiredText)
		s.want(playbook.NoRefresh)
	})
}

func TestScopeUnseenIsUndetermined(t *testing.T) {
	newScene(t).blind(playbook.STSErrors).wantVerdict(playbook.Scope, playbook.Undetermined)
	newScene(t).wantVerdict(playbook.Scope, playbook.Refuted)
}

// IAM says that there is no role, CloudTrail that sessions of it were issued.
func TestAMissingRoleWithSessionsIsContradicted(t *testing.T) {
	began := func(t *testing.T) *scene {
		s := newScene(t)
		s.role.Exists = playbook.No
		s.runsOut("worker-1", 3, 10*time.Second)
		return s
	}
	t.Run("another cause comes in its place", func(t *testing.T) { began(t).want(playbook.NoRefresh) })
	t.Run("a deletion after them settles it", func(t *testing.T) {
		s := began(t)
		s.change(ago(time.Minute), facts.RoleDeleted, "DeleteRole")
		s.want(playbook.RoleMissing)
	})
	t.Run("so does not having seen deletions", func(t *testing.T) {
		s := began(t)
		s.blind(playbook.TrustChanges)
		s.want(playbook.RoleMissing)
	})
	t.Run("without another cause it is told with low confidence", func(t *testing.T) {
		s := newScene(t)
		s.role.Exists = playbook.No
		s.session("worker-1", ago(2*time.Hour), time.Hour)
		s.want(playbook.RoleMissing)
		s.wantConfidence(playbook.RoleMissing, playbook.Low)
	})
}

// Another service's throttling is no trouble of credentials, whatever its words.
func TestThrottlingOfOthersIsNotSTS(t *testing.T) {
	for _, c := range []struct {
		call, text string
		want       []playbook.CauseID
	}{
		{"GetParameter", "ThrottlingException: too many requests for /prod/db/credentials", nil},
		{"", "ThrottlingException: too many requests, credentials", nil},
		{"", "StsException: Rate exceeded (Service: Sts, Status Code: 400)", []playbook.CauseID{playbook.Throttled}},
		{"", "Throttling: Rate exceeded, https://sts.eu-west-1.amazonaws.com", []playbook.CauseID{playbook.Throttled}},
		{"AssumeRole", "Throttling: Rate exceeded", []playbook.CauseID{playbook.Throttled}},
	} {
		s := newScene(t)
		s.line(ago(time.Hour), "worker-1", facts.ThrottledCall, c.text).Call = c.call
		s.want(c.want...)
	}
}

// An endpoint that answers with a fault of its own is in trouble, one that says no is not.
func TestProbeThatAnswersWithAFault(t *testing.T) {
	for code, want := range map[string]bool{"ServiceUnavailable": true, "HTTP 503": true, "AccessDenied": false, "RegionDisabledException": false, "": false} {
		s := &sight{req: playbook.Request{Target: playbook.Target{Region: "eu-west-1"}}, role: facts.RoleAndHealth{Probes: []facts.Probe{
			{Region: "us-east-1", Answered: playbook.Yes, Code: "ServiceUnavailable"}, {Region: "eu-west-1", Answered: playbook.Yes, Code: code}}}}
		if got := s.serviceEvent(end) != nil; got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

// That AWS reports no event is said only where its events could be read.
func TestEventsThatWereNotRead(t *testing.T) {
	for _, c := range []struct {
		name         string
		health, feed playbook.Truth
		confidence   playbook.Confidence
		words        string
	}{
		{"Health was asked", playbook.Yes, playbook.Unknown, playbook.High, "and AWS reports no event."},
		{"the support plan has no Health, the feed was read", playbook.No, playbook.Yes, playbook.High, "and AWS reports no event."},
		{"neither", playbook.No, playbook.No, playbook.Medium, "and whether AWS reports an event could not be seen."},
		{"not known", playbook.Unknown, playbook.Unknown, playbook.Medium, "and whether AWS reports an event could not be seen."},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared := newScene(t)
			shared.role.HealthAsked, shared.role.FeedRead = c.health, c.feed
			shared.runsOut("worker-1", 1, 10*time.Second)
			shared.ledger.Sessions[0].UserAgent = "shared/1.0"
			shared.neighbours(2, 0, 3, facts.SessionExpired)
			r := shared.want(playbook.AccountWideRefresh)
			shared.wantConfidence(playbook.AccountWideRefresh, c.confidence)
			if why := r.Diagnosis.Causes[0].Why; !strings.Contains(why, c.words) {
				t.Error(why)
			}
			one := failing(t)
			one.role.HealthAsked, one.role.FeedRead = c.health, c.feed
			one.neighbours(1, 0, 3, facts.OtherFailure)
			if m := ruling(t, one.judge(), playbook.Scope).Message; !strings.HasSuffix(m, "No throttling is seen, "+c.words) {
				t.Error(m)
			}
		})
	}
}
