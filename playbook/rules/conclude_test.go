package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// explains is a finding that explains n occasions.
func explains(id playbook.CauseID, n int) playbook.Finding {
	f := playbook.Finding{Cause: id, Cites: []playbook.Cite{{Step: playbook.STSErrors, Ref: "x"}}}
	for i := range n {
		f.Explains = append(f.Explains, fmt.Sprint(id, i))
	}
	return f
}

// Beside the largest cause another is reported from three occasions on, or from a
// third of the largest's: less is noise.
func TestNoiseBesideTheCause(t *testing.T) {
	for _, c := range []struct {
		largest, other int
		kept           bool
	}{{12, 2, false}, {12, 3, true}, {7, 2, false}, {6, 2, true}, {4, 1, false}, {3, 1, true}, {100, 3, true}} {
		t.Run(fmt.Sprintf("%d beside %d", c.other, c.largest), func(t *testing.T) {
			got := settleCauses([]playbook.Finding{explains(playbook.NoRefresh, c.largest), explains(playbook.AccessDeniedOther, c.other)})
			if kept := len(got) == 2; kept != c.kept {
				t.Errorf("kept %v, want %v", kept, c.kept)
			}
		})
	}
}

func TestMoreDirectCauseHasTheFailure(t *testing.T) {
	shared := []string{"a", "b", "c"}
	cite := []playbook.Cite{{Step: playbook.STSErrors, Ref: "x"}}
	got := settleCauses([]playbook.Finding{
		{Cause: playbook.RefreshFailing, Explains: shared, Cites: cite},
		{Cause: playbook.TrustPolicyChanged, Explains: shared, Cites: cite},
	})
	if len(got) != 1 || got[0].Cause != playbook.TrustPolicyChanged {
		t.Errorf("%+v", got)
	}
}

func TestNoCauseWithoutEvidence(t *testing.T) {
	if got := settleCauses([]playbook.Finding{{Cause: playbook.RoleMissing}}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// What a client does all day long is its baseline, and not the incident.
func TestSteadyHabitIsNotTheIncident(t *testing.T) {
	s := newScene(t)
	s.runsOut("worker-1", 3, 10*time.Second) // failures 7, 4 and 1 hours ago
	probe := roleCaller(foreign, "probe")
	for i := range 23 {
		s.denied(ago(24*time.Hour-time.Minute-time.Duration(i)*time.Hour), 1, probe, "")
	}
	s.want(playbook.CrossAccountDenied, playbook.NoRefresh) // no rise sets the steady stream apart, so it is told

	for i := range 30 { // now the incident has a rate of its own
		name := fmt.Sprintf("worker-x%d", i)
		issued := ago(150*time.Minute - time.Duration(i)*2*time.Minute)
		s.session(name, issued, time.Hour)
		s.line(issued.Add(time.Hour+5*time.Second), name, facts.SessionExpired, expiredText)
	}
	s.want(playbook.NoRefresh)
}

func TestVerdicts(t *testing.T) {
	two := newScene(t)
	two.runsOut("worker-1", 3, 10*time.Second)
	two.denied(ago(5*time.Hour), 4, roleCaller(foreign, "feeder"), "")
	one := newScene(t)
	one.runsOut("worker-1", 3, 10*time.Second)
	for _, c := range []struct {
		name  string
		scene *scene
		want  playbook.Conclusion
	}{
		{"two causes", two, playbook.SeveralCauses},
		{"one cause", one, playbook.CauseFound},
		{"all seen, nothing there", newScene(t), playbook.NoCorrelation},
		{"errors unseen", newScene(t).blind(playbook.STSErrors), playbook.InsufficientEvidence},
		{"sessions unseen", newScene(t).blind(playbook.Sessions), playbook.InsufficientEvidence},
		{"logs unseen", newScene(t).blind(playbook.AppErrors), playbook.InsufficientEvidence},
		{"changes unseen", newScene(t).blind(playbook.TrustChanges), playbook.InsufficientEvidence},
		{"health and metrics unseen, which prove no failure", newScene(t).blind(playbook.RoleAndHealth, playbook.STSMetrics), playbook.NoCorrelation},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.scene.t = t
			r := c.scene.judge()
			if r.Diagnosis.Verdict != c.want {
				t.Errorf("%s, want %s", r.Diagnosis.Verdict, c.want)
			}
			if r.Diagnosis.Verdict == playbook.NoCorrelation && !slices.Equal(r.Diagnosis.Offers, playbook.Offers()) {
				t.Errorf("where nothing fits all follow-ups are offered: %v", r.Diagnosis.Offers)
			}
		})
	}
}

// Other groups' lines do not make up for a log group of the role that was not seen.
func TestRolesOwnLogGroupMustShowTheWindow(t *testing.T) {
	for _, c := range []struct {
		name string
		own  facts.LogGroup
		want playbook.Conclusion
	}{
		{"read", facts.LogGroup{Method: "insights"}, playbook.NoCorrelation},
		{"younger than the window", facts.LogGroup{Method: "insights", Why: "It was created at 11:00."}, playbook.InsufficientEvidence},
		{"not readable", facts.LogGroup{Why: "AccessDenied"}, playbook.InsufficientEvidence},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.own.Name = "/prod/payments"
			s.app.Groups = []facts.LogGroup{c.own, {Name: "/prod/portal", Method: "insights"}}
			if v := s.judge().Diagnosis.Verdict; v != c.want {
				t.Errorf("%s, want %s", v, c.want)
			}
		})
	}
}

// Where no step could look no rule refutes anything and no cause is named.
func TestBlindRulesRefuteNothing(t *testing.T) {
	for _, status := range []playbook.Status{playbook.Unasked, playbook.Blind, playbook.Denied, playbook.TimedOut, playbook.Broken} {
		s := newScene(t)
		for id := range s.steps() {
			s.status[id] = status
		}
		r := s.judge()
		if r.Diagnosis.Verdict != playbook.InsufficientEvidence || len(r.Diagnosis.Causes) > 0 {
			t.Errorf("%s: %s %v", status, r.Diagnosis.Verdict, causesOf(r))
		}
		for _, j := range r.Rules {
			if j.Verdict != playbook.Undetermined {
				t.Errorf("%s: %s is %s: %s", status, j.Rule, j.Verdict, j.Message)
			}
		}
		if len(r.Diagnosis.NotChecked) != 9 {
			t.Errorf("%s: %d steps are told as not checked", status, len(r.Diagnosis.NotChecked))
		}
	}
}

func TestEveryRuleIsReported(t *testing.T) {
	r := newScene(t).judge()
	if len(r.Rules) != 7 || len(r.Steps) != 9 {
		t.Fatalf("%d rules, %d steps", len(r.Rules), len(r.Steps))
	}
	for i, j := range r.Rules {
		if j.N != i+1 || j.Message == "" || len(j.Cites) == 0 {
			t.Errorf("rule %d: %+v", i+1, j)
		}
	}
}

func TestEveryCauseIsDocumentedOnce(t *testing.T) {
	ids := []playbook.CauseID{playbook.NoRefresh, playbook.RefreshFailing, playbook.DurationAboveMax, playbook.MaxSessionLowered, playbook.RoleChainingLimit, playbook.TrustPolicyChanged,
		playbook.CrossAccountDenied, playbook.PrincipalRecreated, playbook.RoleMissing, playbook.MFACondition, playbook.SessionsRevoked, playbook.IDPTokenExpired, playbook.IDPConfig,
		playbook.SSOSessionExpired, playbook.SourceCredentials, playbook.ClockSkew, playbook.RegionDisabled, playbook.Throttled, playbook.STSServiceEvent, playbook.AccountWideRefresh,
		playbook.AccessDeniedOther, playbook.NotAWS}
	if all := Causes(); len(all) != len(ids) {
		t.Errorf("%d causes are documented, want %d", len(all), len(ids))
	}
	for _, id := range ids {
		c, ok := FindCause(id)
		if !ok || c.Means == "" || c.Decisive == "" || c.Fix == "" || c.Prevent == "" || len(c.Confirm) == 0 {
			t.Errorf("%s: %+v", id, c)
		}
	}
}

// An incident that had stopped before another began is no baseline of it; what
// came seldom enough to come again is.
func TestWhatStoppedWasAnIncident(t *testing.T) {
	for _, c := range []struct {
		name  string
		early []time.Duration
		want  []playbook.CauseID
	}{
		{"three in a row, and quiet since", []time.Duration{22 * time.Hour, 20 * time.Hour, 18 * time.Hour}, []playbook.CauseID{playbook.DurationAboveMax, playbook.NoRefresh}},
		{"two", []time.Duration{22 * time.Hour, 20 * time.Hour}, []playbook.CauseID{playbook.DurationAboveMax}},
		{"three that are far apart", []time.Duration{23 * time.Hour, 17 * time.Hour, 8 * time.Hour}, []playbook.CauseID{playbook.DurationAboveMax}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			for _, d := range c.early {
				s.session("worker-1", ago(d+time.Hour), time.Hour)
				s.line(ago(d).Add(10*time.Second), "worker-1", facts.SessionExpired, expiredText)
			}
			for i := range 12 {
				s.refused(ago(6*time.Hour).Add(time.Duration(i)*30*time.Minute), facts.DurationAboveRole, user("other"), "exceeds").Requested = 7200
			}
			s.want(c.want...)
		})
	}
}

// The first cause explains at least a third of what the largest does; failed
// renewals push nobody aside, nor does a state that explains nothing stand first.
func TestFirstCauseExplainsItsShare(t *testing.T) {
	for _, c := range []struct {
		direct, other playbook.Finding
		first         playbook.CauseID
	}{
		{explains(playbook.TrustPolicyChanged, 4), explains(playbook.NoRefresh, 12), playbook.TrustPolicyChanged},
		{explains(playbook.TrustPolicyChanged, 3), explains(playbook.NoRefresh, 12), playbook.NoRefresh},
		{explains(playbook.TrustPolicyChanged, 3), explains(playbook.RefreshFailing, 12), playbook.TrustPolicyChanged},
		{explains(playbook.SessionsRevoked, 0), explains(playbook.NoRefresh, 3), playbook.NoRefresh},
	} {
		got := settleCauses([]playbook.Finding{c.direct, c.other})
		if len(got) != 2 || got[0].Cause != c.first {
			t.Errorf("%d of %s beside %d of %s: %+v", len(c.direct.Explains), c.direct.Cause, len(c.other.Explains), c.other.Cause, got)
		}
	}
}

// A ledger that was cut may lack the session that an expired line speaks of.
func TestCutLedgerProvesNothing(t *testing.T) {
	for _, c := range []struct {
		total int
		want  playbook.Conclusion
	}{{1, playbook.NoCorrelation}, {5000, playbook.InsufficientEvidence}} {
		s := newScene(t)
		s.session("item-1", ago(time.Hour), time.Hour)
		s.ledger.Total = c.total
		s.app.ByKind = map[facts.Kind]int{facts.SessionExpired: 3}
		if v := s.judge().Diagnosis.Verdict; v != c.want {
			t.Errorf("of %d sessions one kept: %s, want %s", c.total, v, c.want)
		}
	}
}
