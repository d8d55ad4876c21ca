package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// dropped is a scene in which user batch was taken out of the trust policy six
// hours ago; it had a session before.
func dropped(t *testing.T) *scene {
	s := newScene(t)
	s.edit(ago(6*time.Hour), letting(userARN("svc"), userARN("batch")), letting(userARN("svc")))
	s.session("batch", ago(8*time.Hour), time.Hour).Caller = user("batch")
	return s
}

func TestTrustPolicyChanged(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
		rule playbook.Verdict
	}{
		{"refused since the edit", func(s *scene) { s.denied(ago(5*time.Hour), 4, user("batch"), "") }, []playbook.CauseID{playbook.TrustPolicyChanged}, playbook.Supported},
		{"refused in the second of the edit", func(s *scene) { s.denied(ago(6*time.Hour), 4, user("batch"), "") }, []playbook.CauseID{playbook.TrustPolicyChanged}, playbook.Supported},
		{"refused hours later, when the session ran out", func(s *scene) { s.denied(ago(time.Hour), 2, user("batch"), "") }, []playbook.CauseID{playbook.TrustPolicyChanged}, playbook.Supported},
		{"another caller, whom no version let in", func(s *scene) { s.denied(ago(5*time.Hour), 4, user("other"), "") }, []playbook.CauseID{playbook.AccessDeniedOther}, playbook.Refuted},
		{"refused before the edit already, with no session in between", func(s *scene) {
			s.denied(ago(7*time.Hour), 1, user("batch"), "")
			s.denied(ago(5*time.Hour), 4, user("batch"), "")
		}, []playbook.CauseID{playbook.AccessDeniedOther}, playbook.Refuted},
		{"no refusal at all", func(s *scene) {}, nil, playbook.Refuted},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := dropped(t)
			c.make(s)
			s.want(c.want...)
			s.wantVerdict(playbook.TrustChange, c.rule)
		})
	}
}

// A second edit that lets the caller in again ends the first one's blame.
func TestRefusalAfterTheNextEditIsNotTheFirstOnes(t *testing.T) {
	s := dropped(t)
	s.edit(ago(4*time.Hour), letting(userARN("svc")), letting(userARN("svc"), userARN("batch")))
	s.config.TrustPolicy = letting(userARN("svc"), userARN("batch"))
	s.denied(ago(3*time.Hour), 4, user("batch"), "")
	s.want(playbook.AccessDeniedOther)
}

func TestEditWithoutEarlierVersion(t *testing.T) {
	t.Run("a session from before says that the caller was let in", func(t *testing.T) {
		s := newScene(t)
		s.edit(ago(6*time.Hour), "", letting(userARN("svc")))
		s.session("batch", ago(8*time.Hour), time.Hour).Caller = user("batch")
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		s.want(playbook.TrustPolicyChanged)
	})
	t.Run("without one it cannot be told", func(t *testing.T) {
		s := newScene(t)
		s.edit(ago(6*time.Hour), "", letting(userARN("svc")))
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		s.want(playbook.AccessDeniedOther)
		s.wantVerdict(playbook.TrustChange, playbook.Undetermined)
	})
}

// A condition whose value CloudTrail does not show blocks a caller probably.
func TestConditionThatCannotBeSeen(t *testing.T) {
	vpc := `{"StringEquals":{"aws:SourceVpc":"vpc-0a1b2c3d"}}`
	s := newScene(t)
	s.config.TrustPolicy = lettingIf(vpc, userARN("svc"))
	s.edit(ago(6*time.Hour), letting(userARN("svc")), s.config.TrustPolicy)
	s.session("work", ago(8*time.Hour), time.Hour)
	s.denied(ago(5*time.Hour), 4, user("svc"), "")
	s.want(playbook.TrustPolicyChanged)
	s.wantConfidence(playbook.TrustPolicyChanged, playbook.Medium)

	s.session("work", ago(4*time.Hour), time.Hour) // it got one since: the condition can be met
	if got := causesOf(s.judge()); len(got) != 1 || got[0] == playbook.TrustPolicyChanged {
		t.Errorf("causes %v", got)
	}
	s.wantVerdict(playbook.TrustChange, playbook.Undetermined)
}

// Close in time is not enough.
func TestChangesThatCannotBlockAreNotBlamed(t *testing.T) {
	for name, change := range map[string]func(s *scene){
		"a tag":         func(s *scene) { s.change(ago(2*time.Hour), facts.OtherEdit, "TagRole") },
		"a description": func(s *scene) { s.change(ago(2*time.Hour), facts.OtherEdit, "UpdateRoleDescription") },
		"an added principal": func(s *scene) {
			s.edit(ago(2*time.Hour), letting(userARN("svc")), letting(userARN("svc"), userARN("new")))
		},
		"the same policy":  func(s *scene) { s.edit(ago(2*time.Hour), letting(userARN("svc")), letting(userARN("svc"))) },
		"an inline policy": func(s *scene) { s.change(ago(2*time.Hour), facts.InlineEdited, "PutRolePolicy") },
		"a raised maximum": func(s *scene) {
			c := s.change(ago(2*time.Hour), facts.MaxSessionEdited, "UpdateRole")
			c.WasMax, c.NowMax = 3600, 7200
		},
		"an activated key":    func(s *scene) { s.change(ago(2*time.Hour), facts.KeyEdited, "UpdateAccessKey").After = "Active" },
		"a permission set":    func(s *scene) { s.change(ago(2*time.Hour), facts.PermissionSet, "UpdatePermissionSet") },
		"a provider's client": func(s *scene) { s.change(ago(2*time.Hour), facts.ProviderEdited, "AddClientIDToOpenIDConnectProvider") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.runsOut("worker-1", 3, 10*time.Second)
			change(s)
			s.want(playbook.NoRefresh)
			s.wantVerdict(playbook.TrustChange, playbook.Refuted)
		})
	}
}

// What another rule makes a cause of is no innocent change for this one.
func TestChangeBeforeFailuresThatItCanCause(t *testing.T) {
	for _, c := range []struct {
		name   string
		failed time.Duration // ago; the change is two hours ago
		want   playbook.Verdict
	}{{"before the failures", time.Hour, playbook.Supported}, {"after the failures", 3 * time.Hour, playbook.Refuted}} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.change(ago(2*time.Hour), facts.KeyEdited, "UpdateAccessKey").After = "Inactive"
			s.line(ago(c.failed), "worker-1", facts.InvalidCredentials, "InvalidClientTokenId").Call = "AssumeRole"
			s.want(playbook.SourceCredentials)
			s.wantVerdict(playbook.TrustChange, c.want)
		})
	}
}

func TestMaxSessionLowered(t *testing.T) {
	lower := func(s *scene, was int) {
		c := s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole")
		c.WasMax, c.NowMax = was, 3600
	}
	ask := func(s *scene, at time.Time, seconds int) {
		for i := range 3 {
			s.refused(at.Add(time.Duration(i)*20*time.Minute), facts.DurationAboveRole, user("svc"), "exceeds").Requested = seconds
		}
	}
	for _, c := range []struct {
		name string
		make func(s *scene)
		want playbook.CauseID
	}{
		{"lowered, then refused", func(s *scene) { lower(s, 14400); ask(s, ago(5*time.Hour), 14400) }, playbook.MaxSessionLowered},
		{"refused before only", func(s *scene) { lower(s, 14400); ask(s, ago(9*time.Hour), 14400) }, playbook.DurationAboveMax},
		{"set again to what it was", func(s *scene) { lower(s, 3600); ask(s, ago(5*time.Hour), 14400) }, playbook.DurationAboveMax},
		{"old value unknown, a longer session shows it", func(s *scene) {
			lower(s, 0)
			s.session("work", ago(10*time.Hour), 4*time.Hour)
			ask(s, ago(5*time.Hour), 14400)
		}, playbook.MaxSessionLowered},
		{"old value unknown, sessions of just the new maximum", func(s *scene) {
			lower(s, 0)
			s.session("work", ago(10*time.Hour), time.Hour+5*time.Second)
			ask(s, ago(5*time.Hour), 14400)
		}, playbook.DurationAboveMax},
		{"old value unknown, a service's long session shows nothing", func(s *scene) {
			lower(s, 0)
			s.session("work", ago(10*time.Hour), 6*time.Hour).Service = true
			ask(s, ago(5*time.Hour), 14400)
		}, playbook.DurationAboveMax},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.want(c.want)
		})
	}
}

func TestSessionsRevoked(t *testing.T) {
	const text = "User: arn:aws:sts::111122223333:assumed-role/payments/worker-1 is not authorized to perform: sqs:receivemessage with an explicit deny in an identity-based policy"
	revoke := func(s *scene, at time.Time) {
		s.config.Policies = []facts.PolicyNote{{Name: "AWSRevokeOlderSessions", Kind: "inline", RevokesBefore: at, Read: true}}
	}
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
	}{
		{"in the window, denials after it", func(s *scene) {
			revoke(s, ago(3*time.Hour))
			s.session("worker-1", ago(4*time.Hour), 2*time.Hour)
			s.line(ago(170*time.Minute), "worker-1", facts.AccessDenied, text)
		}, []playbook.CauseID{playbook.SessionsRevoked}},
		{"at the window's first second", func(s *scene) {
			revoke(s, ago(24*time.Hour))
			s.session("worker-1", ago(25*time.Hour), 2*time.Hour)
		}, []playbook.CauseID{playbook.SessionsRevoked}},
		{"a second before the window", func(s *scene) {
			revoke(s, ago(24*time.Hour+time.Second))
			s.session("worker-1", ago(25*time.Hour), 2*time.Hour)
		}, nil},
		{"nobody held a session then", func(s *scene) {
			revoke(s, ago(3*time.Hour))
			s.session("worker-1", ago(2*time.Hour), 3*time.Hour)
		}, nil},
		{"nobody is seen to hold one, in a trail that goes until then", func(s *scene) {
			revoke(s, ago(3*time.Hour))
			s.ledger.Trails[0].To = ago(3 * time.Hour)
		}, nil},
		{"nobody is seen to hold one, in a trail that stopped before", func(s *scene) {
			revoke(s, ago(3*time.Hour))
			s.ledger.Trails[0].To = ago(3*time.Hour + time.Second)
		}, []playbook.CauseID{playbook.SessionsRevoked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.want(c.want...)
		})
	}
}

func TestRoleMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *scene)
		want []playbook.CauseID
	}{
		{"made in the window, sessions of another role id", func(s *scene) {
			s.role.Created = ago(3 * time.Hour)
			s.session("worker-1", ago(5*time.Hour), 4*time.Hour).RoleID = "AROAOLD"
		}, []playbook.CauseID{playbook.PrincipalRecreated}},
		{"made in the window, for the first time", func(s *scene) {
			s.role.Created = ago(3 * time.Hour)
			s.session("worker-1", ago(2*time.Hour), 4*time.Hour)
		}, nil},
		{"made a second before the window", func(s *scene) {
			s.role.Created = ago(24*time.Hour + time.Second)
			s.session("worker-1", ago(25*time.Hour), 4*time.Hour).RoleID = "AROAOLD"
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.want(c.want...)
		})
	}
}

func TestDeletedRoleIsToldByTheTrustChangeRule(t *testing.T) {
	s := newScene(t)
	s.role.Exists = playbook.No
	s.config = facts.RoleConfig{}
	s.blind(playbook.RoleConfig, playbook.CrossAccount, playbook.Federation)
	s.change(ago(5*time.Hour), facts.RoleDeleted, "DeleteRole")
	s.denied(ago(4*time.Hour), 4, user("svc"), "")
	r := s.want(playbook.RoleMissing)
	if j := ruling(t, r, playbook.TrustChange); j.Verdict != playbook.Supported || !strings.Contains(j.Message, "DeleteRole") {
		t.Errorf("%s: %s", j.Verdict, j.Message)
	}
}

func TestChangesUnseenAreUndetermined(t *testing.T) {
	s := newScene(t).blind(playbook.TrustChanges)
	s.denied(ago(5*time.Hour), 4, user("batch"), "")
	s.wantVerdict(playbook.TrustChange, playbook.Undetermined)
}

// An edit that nobody was refused after, in a CloudTrail that could not be seen,
// may have blocked somebody all the same.
func TestEditWithUnseenRefusalsIsUndetermined(t *testing.T) {
	s := dropped(t).blind(playbook.STSErrors)
	s.wantVerdict(playbook.TrustChange, playbook.Undetermined)
}

// A denial can come from a revocation until the last session that it cut would
// have ended; other failures after it say that everybody had new ones.
func TestRevocationThatEverybodySurvived(t *testing.T) {
	revoked := func(t *testing.T) *scene {
		s := newScene(t)
		s.change(ago(10*time.Hour), facts.SessionsCut, "PutRolePolicy").RevokesBefore = ago(10 * time.Hour)
		s.session("worker-1", ago(10*time.Hour+30*time.Minute), time.Hour) // would have ended 9 h 30 min ago
		return s
	}
	denied := func(s *scene, at time.Time) {
		s.session("worker-1", at.Add(-time.Minute), time.Hour)
		s.line(at, "worker-1", facts.AccessDenied, "User: arn:aws:sts::111122223333:assumed-role/payments/worker-1 is not authorized to perform: sqs:SendMessage on resource: q with an explicit deny in an identity-based policy").Roles = []string{"payments"}
	}
	for _, c := range []struct {
		name string
		make func(s *scene)
		want playbook.CauseID
	}{
		{"denied before the end of what it cut", func(s *scene) { denied(s, ago(9*time.Hour+31*time.Minute)) }, playbook.SessionsRevoked},
		{"denied after it", func(s *scene) {
			for i := range 3 {
				s.line(ago(9*time.Hour-time.Duration(i)*time.Hour), "worker-1", facts.AccessDenied, "User: arn:aws:sts::111122223333:assumed-role/payments/worker-1 is not authorized to perform: sqs:SendMessage on resource: q with an explicit deny in an identity-based policy").Roles = []string{"payments"}
			}
		}, playbook.AccessDeniedOther},
		{"nothing is denied and nothing fails", func(s *scene) {}, playbook.SessionsRevoked},
		{"later sessions run out", func(s *scene) { s.runsOut("worker-2", 2, 10*time.Second) }, playbook.NoRefresh},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := revoked(t)
			c.make(s)
			s.want(c.want)
		})
	}
}

// The permission that AWS names is the one that the edit must have taken.
func TestEditThatTookSessionTags(t *testing.T) {
	statement := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + userARN("svc") + `"},"Action":` + actions + `}]}`
	}
	s := newScene(t)
	s.config.TrustPolicy = statement(`"sts:AssumeRole"`)
	s.edit(ago(6*time.Hour), statement(`["sts:AssumeRole","sts:TagSession"]`), s.config.TrustPolicy)
	s.session("work", ago(8*time.Hour), time.Hour)
	for i := range 4 {
		s.refused(ago(5*time.Hour).Add(time.Duration(i)*time.Hour), facts.AssumeDenied, user("svc"), "User: "+userARN("svc")+" is not authorized to perform: sts:TagSession on resource: "+roleARN)
	}
	s.want(playbook.TrustPolicyChanged)
	s.wantConfidence(playbook.TrustPolicyChanged, playbook.High)
}

// The role's own account sees a foreign caller without a name: account and session
// name tell it from others.
func TestForeignCallerIsKnownByItsSession(t *testing.T) {
	org := `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`
	root := "arn:aws:iam::" + foreign + ":root"
	for _, c := range []struct {
		principal string
		want      playbook.CauseID
	}{{"AROAIMPORTER:work", playbook.TrustPolicyChanged}, {"AROAIMPORTER:other", playbook.CrossAccountDenied}} {
		s := newScene(t)
		s.config.TrustPolicy = lettingIf(org, root)
		s.edit(ago(6*time.Hour), letting(root), s.config.TrustPolicy)
		s.session("import", ago(8*time.Hour), time.Hour).Caller = facts.Caller{Type: "AWSAccount", Account: foreign, Principal: c.principal}
		for i := range 4 {
			s.line(ago(5*time.Hour).Add(time.Duration(i)*time.Hour), "import", facts.AssumeDenied, "User: "+roleCaller(foreign, "importer").ARN+" is not authorized to perform: sts:AssumeRole on resource: "+roleARN).Roles = []string{"importer", "payments"}
		}
		s.want(c.want)
	}
}

// The pod's agent says who is not let in; STS need not have recorded it.
func TestPodIdentityThatIsNotTrusted(t *testing.T) {
	pods := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	s := newScene(t)
	s.edit(ago(6*time.Hour), pods, s.config.TrustPolicy)
	for i := range 3 {
		s.line(ago(5*time.Hour).Add(time.Duration(i)*time.Hour), "pod-1", facts.AssumeDenied, "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role, fault: client")
	}
	s.want(playbook.TrustPolicyChanged)
}

// Lowering the maximum refuses what the earlier one allowed, and nobody who was
// refused before.
func TestLoweringExplainsOnlyWhatWasAllowed(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  int
		before bool
		want   playbook.CauseID
	}{
		{"asked for as much as was allowed", 7200, false, playbook.MaxSessionLowered},
		{"asked for more than that", 7201, false, playbook.DurationAboveMax},
		{"refused before already", 7200, true, playbook.DurationAboveMax},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			e := s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole")
			e.WasMax, e.NowMax = 7200, 3600
			if c.before {
				s.refused(ago(7*time.Hour), facts.DurationAboveRole, user("svc"), "exceeds").Requested = c.asked
			}
			for i := range 3 {
				s.refused(ago(5*time.Hour).Add(time.Duration(i)*time.Hour), facts.DurationAboveRole, user("svc"), "exceeds").Requested = c.asked
			}
			s.want(c.want)
		})
	}
}

// The address of a call is what aws:SourceIp compares, but a private one is that
// of a call through a VPC endpoint, where the key says nothing of it.
func TestAddressCondition(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []playbook.CauseID
		sure   playbook.Confidence
	}{
		{"198.51.100.7", []playbook.CauseID{playbook.TrustPolicyChanged}, playbook.High},
		{"203.0.113.7", []playbook.CauseID{playbook.AccessDeniedOther}, playbook.Medium},
		{"10.1.2.3", []playbook.CauseID{playbook.AccessDeniedOther}, playbook.Low},
	} {
		s := newScene(t)
		after := lettingIf(`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, userARN("batch"))
		s.config.TrustPolicy = after
		s.edit(ago(6*time.Hour), letting(userARN("batch")), after)
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		for i := range s.errors.Failures {
			s.errors.Failures[i].Source = c.source
		}
		s.want(c.want...)
		s.wantConfidence(c.want[0], c.sure)
	}
}

// A change takes a moment to hold everywhere: a session got within it is of the
// policy before, one got later shows that the caller is let in still.
func TestSessionsWhileAnEditSettles(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  playbook.CauseID
	}{{0, playbook.TrustPolicyChanged}, {settles - time.Second, playbook.TrustPolicyChanged}, {settles, playbook.AccessDeniedOther}} {
		s := newScene(t)
		after := lettingIf(`{"StringEquals":{"aws:PrincipalTag/team":"pay"}}`, userARN("batch"))
		s.config.TrustPolicy = after
		s.edit(ago(6*time.Hour), letting(userARN("batch")), after)
		s.session("batch", ago(8*time.Hour), time.Hour).Caller = user("batch")
		s.session("batch", ago(6*time.Hour).Add(c.after), time.Hour).Caller = user("batch")
		s.denied(ago(5*time.Hour), 4, user("batch"), "")
		s.want(c.want)
	}
}

// A revocation of sessions that could not all be seen is told with the least
// confidence, and not as one of none.
func TestRevocationWithSessionsUnseen(t *testing.T) {
	s := newScene(t)
	s.change(ago(3*time.Hour), facts.SessionsCut, "PutRolePolicy").RevokesBefore = ago(3 * time.Hour)
	s.ledger.Trails[0].Source = ""
	r := s.want(playbook.SessionsRevoked)
	s.wantConfidence(playbook.SessionsRevoked, playbook.Low)
	if why := r.Diagnosis.Causes[0].Why; !strings.Contains(why, "Whether sessions were alive then could not be seen, 0 denials are seen") {
		t.Error(why)
	}
}

// That nothing failed after a change rules it out only where failures could be seen;
// what keeps nobody out is ruled out all the same.
func TestChangesAreRuledOutOnlyBySight(t *testing.T) {
	lowered := func(s *scene) {
		c := s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole")
		c.WasMax, c.NowMax = 14400, 3600
	}
	for _, c := range []struct {
		name  string
		make  func(s *scene)
		blind []playbook.StepID
		want  playbook.Verdict
		words string
	}{
		{"lowered maximum, all seen", lowered, nil, playbook.Refuted, "was followed by no request"},
		{"lowered maximum, CloudTrail unseen", lowered, []playbook.StepID{playbook.STSErrors}, playbook.Undetermined, "But step 2 (sts-errors) could not see what it looks for."},
		{"lowered maximum, logs unseen", lowered, []playbook.StepID{playbook.AppErrors}, playbook.Undetermined, "But step 6 (app-errors) could not see what it looks for."},
		{"provider, logs unseen", func(s *scene) { s.change(ago(6*time.Hour), facts.ProviderEdited, "UpdateSAMLProvider") }, []playbook.StepID{playbook.AppErrors}, playbook.Undetermined, "But step 6"},
		{"trust policy, logs unseen", func(s *scene) { s.edit(ago(6*time.Hour), letting(userARN("svc")), letting(userARN("svc"))) }, []playbook.StepID{playbook.AppErrors}, playbook.Undetermined, "But step 6"},
		{"tag, neither seen", func(s *scene) { s.change(ago(6*time.Hour), facts.OtherEdit, "TagRole") }, []playbook.StepID{playbook.STSErrors, playbook.AppErrors}, playbook.Refuted, "keeps no caller from getting a session"},
		{"raised maximum, neither seen", func(s *scene) {
			c := s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole")
			c.WasMax, c.NowMax = 3600, 3600
		}, []playbook.StepID{playbook.STSErrors, playbook.AppErrors}, playbook.Refuted, "did not lower it"},
		{"maximum from an unknown value, and refusals that fit", func(s *scene) {
			s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole").NowMax = 3600
			s.refused(ago(5*time.Hour), facts.DurationAboveRole, user("svc"), "exceeds").Requested = 14400
		}, nil, playbook.Undetermined, "no earlier value to compare with"},
		{"maximum from an unknown value, and no refusal", func(s *scene) {
			s.change(ago(6*time.Hour), facts.MaxSessionEdited, "UpdateRole").NowMax = 3600
		}, nil, playbook.Refuted, "was followed by no request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t).blind(c.blind...)
			c.make(s)
			if j := ruling(t, s.judge(), playbook.TrustChange); j.Verdict != c.want || !strings.Contains(j.Message, c.words) {
				t.Errorf("%s: %s", j.Verdict, j.Message)
			}
		})
	}
}

// A sentence tells of six changes, however many there were.
func TestManyChangesAreCounted(t *testing.T) {
	for n, want := range map[int]string{6: "", 7: "; and 1 more.", 300: "; and 294 more."} {
		s := newScene(t)
		for i := range n {
			s.change(ago(20*time.Hour).Add(time.Duration(i)*time.Minute), facts.OtherEdit, "TagRole")
		}
		m := ruling(t, s.judge(), playbook.TrustChange).Message
		if got := strings.Count(m, "TagRole"); got != min(n, 6) || !strings.HasSuffix(m, want) || strings.Contains(m, "more") != (want != "") {
			t.Errorf("%d changes: %s", n, m)
		}
	}
}
