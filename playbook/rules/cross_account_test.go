package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// withMFA is a user with the temporary credentials of an MFA login.
func withMFA(name string, since time.Time) facts.Caller {
	c := user(name)
	c.Temporary, c.MFA, c.Since = playbook.Yes, playbook.Yes, since
	return c
}

func TestMFAAgeToTheSecond(t *testing.T) {
	policy := lettingIf(`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, userARN("svc"))
	for _, c := range []struct {
		age  time.Duration
		want playbook.CauseID
	}{
		{3599 * time.Second, playbook.AccessDeniedOther}, // the condition holds: something else refuses
		{3600 * time.Second, playbook.MFACondition},
	} {
		t.Run(c.age.String(), func(t *testing.T) {
			s := newScene(t)
			s.config.TrustPolicy = policy
			for i := range 3 {
				at := ago(5*time.Hour - time.Duration(i)*time.Hour)
				s.denied(at, 1, withMFA("svc", at.Add(-c.age)), "")
			}
			s.want(c.want)
		})
	}
}

func TestMFAPresence(t *testing.T) {
	policy := lettingIf(`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, userARN("svc"))
	t.Run("a long-term key carries none", func(t *testing.T) {
		s := newScene(t)
		s.config.TrustPolicy = policy
		s.denied(ago(5*time.Hour), 3, user("svc"), "")
		s.want(playbook.MFACondition)
		s.wantConfidence(playbook.MFACondition, playbook.High)
	})
	t.Run("a device was named, so that a code came along", func(t *testing.T) {
		s := newScene(t)
		s.config.TrustPolicy = policy
		for i := range 3 {
			s.denied(ago(5*time.Hour-time.Duration(i)*time.Hour), 1, user("svc"), "")
			s.errors.Failures[i].Serial = true
		}
		s.want(playbook.AccessDeniedOther)
	})
	t.Run("AWS says that the code is wrong", func(t *testing.T) {
		s := newScene(t)
		s.refused(ago(time.Hour), facts.MFAFailed, user("svc"), "MultiFactorAuthentication failed with invalid MFA one time pass code.")
		s.want(playbook.MFACondition)
	})
}

func TestCrossAccountDenied(t *testing.T) {
	partner := roleCaller(foreign, "feeder")
	arn := partner.IssuerARN
	for _, c := range []struct {
		name       string
		policy     string
		external   bool // one was sent
		want       playbook.CauseID
		confidence playbook.Confidence
	}{
		{"never named", letting(userARN("svc")), false, playbook.CrossAccountDenied, playbook.High},
		{"named, no ExternalId sent", lettingIf(`{"StringEquals":{"sts:ExternalId":"x-1"}}`, arn), false, playbook.CrossAccountDenied, playbook.High},
		{"named, some ExternalId sent", lettingIf(`{"StringEquals":{"sts:ExternalId":"x-1"}}`, arn), true, playbook.CrossAccountDenied, playbook.Medium},
		{"named, another organization perhaps", lettingIf(`{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`, arn), false, playbook.CrossAccountDenied, playbook.Medium},
		{"let in: its own account refuses", letting(arn), false, playbook.AccessDeniedOther, playbook.Medium},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.config.TrustPolicy = c.policy
			s.denied(ago(5*time.Hour), 3, partner, "")
			for i := range s.errors.Failures {
				s.errors.Failures[i].ExternalID = c.external
			}
			s.want(c.want)
			s.wantConfidence(c.want, c.confidence)
		})
	}
	t.Run("seen in a log line alone, as its record is in the other account", func(t *testing.T) {
		s := newScene(t)
		for i := range 3 {
			l := s.line(ago(5*time.Hour-time.Duration(i)*time.Hour), "feeder", facts.AssumeDenied, "User: "+partner.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+roleARN)
			l.Call, l.Roles, l.Accounts = "AssumeRole", []string{"feeder", "payments"}, []string{account, foreign}
		}
		s.want(playbook.CrossAccountDenied)
	})
}

func TestDeletedPrincipal(t *testing.T) {
	t.Run("refuses the one that has its name now", func(t *testing.T) {
		s := newScene(t)
		s.config.TrustPolicy = letting("AROAEXAMPLEGONE000000")
		s.denied(ago(5*time.Hour), 3, roleCaller(account, "pipeline"), "")
		s.want(playbook.PrincipalRecreated)
	})
	t.Run("is not why a caller is refused whom another statement names", func(t *testing.T) {
		s := newScene(t)
		pipeline := roleCaller(account, "pipeline")
		s.config.TrustPolicy = strings.Replace(lettingIf(`{"StringEquals":{"sts:ExternalId":"x"}}`, pipeline.IssuerARN), `"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLEGONE000000"},"Action":"sts:AssumeRole"},`, 1)
		s.denied(ago(5*time.Hour), 3, pipeline, "")
		s.want(playbook.AccessDeniedOther)
	})
}

func TestChainedLimit(t *testing.T) {
	cut := func(chained playbook.Truth, max int, length time.Duration) *scene {
		s := newScene(t)
		s.config.MaxSessionDuration = max
		for i := range 3 {
			issued := ago(time.Duration(2+3*i) * time.Hour)
			u := s.session("worker-1", issued, length)
			u.Chained = chained
			s.line(issued.Add(length+10*time.Second), "worker-1", facts.SessionExpired, expiredText)
		}
		return s
	}
	for _, c := range []struct {
		name  string
		scene *scene
		want  []playbook.CauseID
	}{
		{"chained, the role allows twelve hours", cut(playbook.Yes, 43200, time.Hour), []playbook.CauseID{playbook.NoRefresh, playbook.RoleChainingLimit}},
		{"a long-term key is never chained", cut(playbook.No, 43200, time.Hour), []playbook.CauseID{playbook.NoRefresh}},
		{"not known to be chained", cut(playbook.Unknown, 43200, time.Hour), []playbook.CauseID{playbook.NoRefresh}},
		{"the role allows one hour anyway", cut(playbook.Yes, 3600, time.Hour), []playbook.CauseID{playbook.NoRefresh}},
		{"chained, but shorter by choice", cut(playbook.Yes, 43200, 30*time.Minute), []playbook.CauseID{playbook.NoRefresh}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.scene.t = t
			c.scene.want(c.want...)
		})
	}
	t.Run("AWS refuses in so many words", func(t *testing.T) {
		s := newScene(t)
		s.refused(ago(time.Hour), facts.DurationAboveChain, roleCaller(account, "hosts"), "1 hour session limit").Requested = 43200
		s.want(playbook.RoleChainingLimit)
	})
}

func TestDenialsThatAWSNames(t *testing.T) {
	for _, c := range []struct{ because, words string }{
		{" with an explicit deny in a service control policy", "service control policy"},
		{" because no session policy allows the sts:AssumeRole action", "session policy"},
		{" because no permissions boundary allows the sts:AssumeRole action", "permissions boundary"},
		{" because no identity-based policy allows the sts:AssumeRole action", "identity-based policy"},
	} {
		t.Run(c.words, func(t *testing.T) {
			s := newScene(t)
			s.denied(ago(5*time.Hour), 3, user("svc"), c.because)
			r := s.want(playbook.AccessDeniedOther)
			if !strings.Contains(r.Diagnosis.Causes[0].Why, c.words) {
				t.Error(r.Diagnosis.Causes[0].Why)
			}
		})
	}
}

// A colleague who tried the role is not why its credentials end.
func TestWhoOnlyTriedIsNoCause(t *testing.T) {
	for _, c := range []struct {
		name  string
		tries int
		make  func(s *scene)
		want  []playbook.CauseID
	}{
		{"twice, never had a session", 2, func(*scene) {}, nil},
		{"three times", 3, func(*scene) {}, []playbook.CauseID{playbook.AccessDeniedOther}},
		{"twice, had a session before", 2, func(s *scene) { s.session("x", ago(20*time.Hour), time.Hour).Caller = user("colleague") }, []playbook.CauseID{playbook.AccessDeniedOther}},
		{"twice, sessions unseen", 2, func(s *scene) { s.blind(playbook.Sessions) }, []playbook.CauseID{playbook.AccessDeniedOther}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.denied(ago(8*time.Hour), c.tries, user("colleague"), "")
			c.make(s)
			s.want(c.want...)
		})
	}
}

func TestSourceCredentials(t *testing.T) {
	for _, c := range []struct {
		name string
		kind facts.Kind
		call string
		text string
		want []playbook.CauseID
	}{
		{"an invalid key on the issuing call", facts.InvalidCredentials, "AssumeRole", "InvalidClientTokenId", []playbook.CauseID{playbook.SourceCredentials}},
		{"an ended session on the issuing call", facts.SessionExpired, "AssumeRole", expiredText, []playbook.CauseID{playbook.SourceCredentials}},
		{"Java names the service alone", facts.SessionExpired, "", "software.amazon.awssdk.services.sts.model.StsException: The security token included in the request is expired (Service: Sts, Status Code: 403)", []playbook.CauseID{playbook.SourceCredentials}},
		{"an ended session on another call, of no session of the role", facts.SessionExpired, "GetItem", expiredText, nil},
		{"an invalid key on another call", facts.InvalidCredentials, "GetItem", "UnrecognizedClientException", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			for i := range 3 {
				s.line(ago(time.Duration(i+1)*time.Hour), "worker-1", c.kind, c.text).Call = c.call
			}
			s.want(c.want...)
		})
	}
}

// A trust policy that refuses the caller may have been another one before.
func TestRefusalWithChangesUnseen(t *testing.T) {
	for _, c := range []struct {
		blind      bool
		confidence playbook.Confidence
		words      string
	}{{false, playbook.Medium, "did not change"}, {true, playbook.Low, "could not be seen"}} {
		s := newScene(t)
		if c.blind {
			s.blind(playbook.TrustChanges)
		}
		s.denied(ago(5*time.Hour), 3, user("batch"), "")
		r := s.want(playbook.AccessDeniedOther)
		s.wantConfidence(playbook.AccessDeniedOther, c.confidence)
		if f := r.Diagnosis.Causes[0]; !strings.Contains(f.Headline+f.Why, c.words) {
			t.Errorf("%s: %s", f.Headline, f.Why)
		}
	}
}

// A permission that is missing is no expiry, and one that another role lacks is
// none of this role's.
func TestDeniedCallsOfTheRole(t *testing.T) {
	for _, c := range []struct {
		role string
		want []playbook.CauseID
	}{{"payments", []playbook.CauseID{playbook.AccessDeniedOther}}, {"payments-admin", nil}} {
		s := newScene(t)
		for i := range 3 {
			text := fmt.Sprintf("User: arn:aws:sts::%s:assumed-role/%s/w is not authorized to perform: s3:PutObject because no permissions boundary allows the s3:PutObject action", account, c.role)
			l := s.line(ago(time.Duration(i+1)*time.Hour), "worker-1", facts.AccessDenied, text)
			l.Roles, l.Accounts = []string{c.role}, []string{account}
		}
		s.want(c.want...)
	}
}

func TestUnseenCallsLeaveTheCallerUndetermined(t *testing.T) {
	for _, id := range []playbook.StepID{playbook.CrossAccount, playbook.STSErrors, playbook.Sessions} {
		newScene(t).blind(id).wantVerdict(playbook.CrossAccountLimits, playbook.Undetermined)
	}
	newScene(t).wantVerdict(playbook.CrossAccountLimits, playbook.Refuted)
}

// A denial without a policy's name counts only where nothing else failed.
func TestBareAccessDenied(t *testing.T) {
	bare := func(s *scene) {
		s.session("worker-1", ago(9*time.Hour), time.Hour)
		for i := range 4 {
			s.line(ago(time.Duration(8-i)*time.Hour), "worker-1", facts.AccessDenied, "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied")
		}
	}
	t.Run("alone", func(t *testing.T) {
		s := newScene(t)
		bare(s)
		s.want(playbook.AccessDeniedOther)
		s.wantConfidence(playbook.AccessDeniedOther, playbook.Low)
	})
	t.Run("beside sessions that run out", func(t *testing.T) {
		s := newScene(t)
		bare(s)
		s.runsOut("worker-2", 3, 10*time.Second)
		s.want(playbook.NoRefresh)
	})
}

// A client of the role that is answered "unknown key" again and again, and nothing
// else: three occasions name it.
func TestUnknownKeyAlone(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []playbook.CauseID
	}{{2, nil}, {3, []playbook.CauseID{playbook.SourceCredentials}}} {
		s := newScene(t)
		s.session("worker-1", ago(9*time.Hour), time.Hour)
		for i := range c.n {
			s.line(ago(time.Duration(8-i)*time.Hour), "worker-1", facts.InvalidCredentials, "UnrecognizedClientException: The security token included in the request is invalid").Call = "GetItem"
		}
		s.want(c.want...)
	}
}

// A caller that had sessions was let in once: where changes could not be seen, its
// refusal stays open, and no other policy is blamed for it.
func TestRefusalOfAFormerCallerWithChangesUnseen(t *testing.T) {
	for _, c := range []struct {
		blind bool
		want  []playbook.CauseID
		rule  playbook.Verdict
	}{{false, []playbook.CauseID{playbook.AccessDeniedOther}, playbook.Supported}, {true, nil, playbook.Undetermined}} {
		s := newScene(t)
		if c.blind {
			s.blind(playbook.TrustChanges)
		}
		s.session("batch", ago(8*time.Hour), time.Hour).Caller = user("batch")
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		r := s.want(c.want...)
		s.wantVerdict(playbook.CrossAccountLimits, c.rule)
		if c.blind && r.Diagnosis.Verdict != playbook.InsufficientEvidence {
			t.Errorf("the verdict is %s", r.Diagnosis.Verdict)
		}
	}
}

// A line knows less of its caller than CloudTrail's record of the same refusal.
func TestLineOfARecordedRefusalKnowsItsCaller(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  []playbook.CauseID
	}{{otherSide, []playbook.CauseID{playbook.MFACondition}}, {otherSide + time.Second, []playbook.CauseID{playbook.MFACondition, playbook.AccessDeniedOther}}} {
		s := newScene(t)
		s.config.TrustPolicy = lettingIf(`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, userARN("batch"))
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		for _, f := range s.errors.Failures {
			s.line(f.Time.Add(c.after), "batch-1", facts.AssumeDenied, f.Message).Call = "AssumeRole"
		}
		s.want(c.want...)
	}
}

// A refusal that cannot be judged is not none.
func TestRefusalsThatCannotBeJudged(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(s *scene)
		want  playbook.Verdict
		words string
	}{
		{"nobody was refused", func(*scene) {}, playbook.Refuted, "No caller is refused"},
		{"the line does not say who", func(s *scene) {
			s.line(ago(time.Hour), "pod-1", facts.AssumeDenied, "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity").Call = "AssumeRoleWithWebIdentity"
		}, playbook.Undetermined, "A refused request at 2026-06-01 11:00:00 UTC does not show whose it was."},
		{"the policy is not known", func(s *scene) {
			s.config.TrustPolicy = ""
			s.denied(ago(time.Hour), 1, user("svc"), "")
		}, playbook.Undetermined, "The trust policy in force at 2026-06-01 11:00:00 UTC, when a request was refused, is not known."},
		{"somebody tried", func(s *scene) { s.denied(ago(time.Hour), 1, user("colleague"), "") }, playbook.Refuted, "Nobody who ever had a session is refused"},
		{"changes unseen", func(s *scene) {
			s.blind(playbook.TrustChanges).session("batch", ago(8*time.Hour), time.Hour).Caller = user("batch")
			s.denied(ago(5*time.Hour), 1, user("batch"), "")
		}, playbook.Undetermined, "User batch got a session before it was refused at 2026-06-01 07:00:00 UTC, and the trust policy as it is known does not let it in. " +
			"Whether the policy was changed in between could not be seen: step 8 (trust-changes) could not see what it looks for."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			if j := ruling(t, s.want(), playbook.CrossAccountLimits); j.Verdict != c.want || !strings.Contains(j.Message, c.words) {
				t.Errorf("%s: %s", j.Verdict, j.Message)
			}
		})
	}
}

// Only a change that can make a key unknown, before the answer that says so, lets
// another call than the issuing one name the key; and only such a change is cited.
func TestKeyChangesBeforeAnUnknownKey(t *testing.T) {
	for _, c := range []struct {
		name, event, after string
		at                 time.Duration // ago; the key is unknown an hour ago
		want               []playbook.CauseID
	}{
		{"switched off in that second", "UpdateAccessKey", "Inactive", time.Hour, []playbook.CauseID{playbook.SourceCredentials}},
		{"switched off a second later", "UpdateAccessKey", "Inactive", time.Hour - time.Second, nil},
		{"switched on", "UpdateAccessKey", "Active", 2 * time.Hour, nil},
		{"its user is deleted", "DeleteUser", "", 2 * time.Hour, []playbook.CauseID{playbook.SourceCredentials}},
		{"an MFA device is taken away", "DeactivateMFADevice", "", 2 * time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.change(ago(3*time.Hour), facts.KeyEdited, "UpdateAccessKey").After = "Active"
			s.change(ago(c.at), facts.KeyEdited, c.event).After = c.after
			s.line(ago(time.Hour), "worker-1", facts.InvalidCredentials, "InvalidClientTokenId").Call = "GetItem"
			for _, f := range s.want(c.want...).Diagnosis.Causes {
				if f.Confidence != playbook.High || slices.ContainsFunc(f.Cites, func(x playbook.Cite) bool { return strings.HasPrefix(x.Ref, "event change-0") }) ||
					!slices.ContainsFunc(f.Cites, func(x playbook.Cite) bool { return strings.HasPrefix(x.Ref, "event change-1") }) {
					t.Errorf("%s confidence, cites %v", f.Confidence, f.Cites)
				}
			}
		})
	}
}
