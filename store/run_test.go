package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

func theFirstOutcomeStands(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	ctx := t.Context()
	id := accept(t, s, asked("payments-api"))
	older := begin(t, s, id)
	settle(t, s, id, older, outcome(1, "aa"))
	newer, settled, err := other.Begin(ctx, id)
	if err != nil || newer <= older || len(settled) != 1 {
		t.Fatalf("token %d after %d, %d settled, %v", newer, older, len(settled), err)
	}
	if _, err := s.Settle(ctx, id, older, outcome(2, "bb")); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the older run settles: %v", err)
	}
	if err := s.Conclude(ctx, id, older, playbook.Report{}); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the older run concludes: %v", err)
	}
	if err := s.heartbeat(ctx, id, "", older); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the older run shows that it is alive: %v", err)
	}
	if err := s.handBack(ctx, id, "", older); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the older run hands back: %v", err)
	}
	changed := outcome(1, "aa")
	changed.Summary = "something else"
	stands, err := other.Settle(ctx, id, newer, changed)
	if err != nil || stands.Summary != "looked at aa" {
		t.Errorf("a second outcome: %q stands, %v", stands.Summary, err)
	}
	if err := other.Conclude(ctx, id, newer, playbook.Report{}); err != nil {
		t.Fatal(err)
	}
	if err := other.Conclude(ctx, id, newer, playbook.Report{}); err != nil {
		t.Errorf("a repeated conclusion: %v", err)
	}
	if _, err := other.Settle(ctx, id, newer, outcome(2, "bb")); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("an outcome after the end: %v", err)
	}
	if _, _, err := s.Begin(ctx, id); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("a run of what has ended: %v", err)
	}
	if _, _, err := s.Begin(ctx, "inv_none"); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("a run of what is unknown: %v", err)
	}
}

func concludedReadsBack(t *testing.T, url string) {
	s := replica(t, url)
	in := asked("payments-api")
	id := accept(t, s, in)
	token := begin(t, s, id)
	resolved := in.Request
	resolved.Target.RoleARN = "arn:aws:iam::111122223333:role/payments-api"
	report := playbook.Report{Request: resolved,
		Rules: []playbook.Judged{{N: 1, Rule: playbook.Onset, Verdict: playbook.Supported, Message: "It began at 12:00."}},
		Diagnosis: playbook.Diagnosis{Verdict: playbook.CauseFound, Causes: []playbook.Finding{{Cause: playbook.NoRefresh, Confidence: playbook.High,
			Headline: "h", Cites: []playbook.Cite{{Step: "aa", Ref: "r"}}}}}}
	for n, step := range []playbook.StepID{"bb", "aa"} {
		o := outcome(2-n, step)
		settle(t, s, id, token, o)
		report.Steps = append([]playbook.Outcome{o}, report.Steps...)
	}
	if err := s.Conclude(t.Context(), id, token, report); err != nil {
		t.Fatal(err)
	}
	got := load(t, s, id)
	if diff := cmp.Diff(&report, got.Report); diff != "" {
		t.Error(diff)
	}
	if got.State != playbook.Finished || got.Ended.Before(got.Accepted) {
		t.Errorf("state %s, ended %s", got.State, got.Ended)
	}
}
