// Package followups holds the checks that people ask for after a diagnosis: the
// five buttons of the card, and `--follow-up` on the command line. One file, one
// check.
//
// In comes a finished investigation (playbook.FollowPass), out goes
// playbook.Evidence like a step's: status, summary, the check's struct of
// playbook/facts with a table and sometimes a chart, and the proof. A check that
// brought facts which bear on the diagnosis judges again (facts.Rejudged).
//
// [All] lists the checks and [Run] carries one out. Lengthening the window is
// also an investigation of its own, with its own steps, thread and card: see
// [Extend] and [Plan] in extend.go.
package followups

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// How long a check may take, retries included.
const (
	quick = 45 * time.Second // a handful of calls for each caller
	slow  = 3 * time.Minute  // it may have to read CloudTrail
	whole = 6 * time.Minute  // an investigation of its own
)

// All are the runbook's five follow-ups in its order.
func All(c steps.Clients, s steps.Settings) []playbook.FollowUp {
	k := check{c, steps.Plan(c, s)}
	return []playbook.FollowUp{
		{Offer: playbook.Extend48h, Title: "Longer window", Timeout: whole, Doc: extendDoc, Actions: actionsOf(k.plan), Run: k.extend},
		{Offer: playbook.TokenRefresh, Title: playbook.TokenRefresh.Title(), Timeout: slow, Doc: tokenRefreshDoc, Actions: steps.IssuedActions, Run: k.tokenRefresh},
		{Offer: playbook.MFADevices, Title: playbook.MFADevices.Title(), Timeout: quick, Doc: mfaDoc, Actions: mfaActions, Run: k.mfa},
		{Offer: playbook.SessionPolicies, Title: playbook.SessionPolicies.Title(), Timeout: slow, Doc: sessionPoliciesDoc, Actions: sessionPoliciesActions, Run: k.sessionPolicies},
		{Offer: playbook.ChainLimits, Title: playbook.ChainLimits.Title(), Timeout: quick, Doc: crossAccountDoc, Actions: crossAccountActions, Run: k.crossAccount},
	}
}

// check is what every check can reach: the checks are its methods.
type check struct {
	steps.Clients
	plan playbook.Plan
}

func actionsOf(plan playbook.Plan) []string {
	var out []string
	for _, s := range plan {
		out = append(out, s.Actions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Find looks a follow-up up by its offer.
func Find(all []playbook.FollowUp, o playbook.Offer) (playbook.FollowUp, bool) {
	i := slices.IndexFunc(all, func(f playbook.FollowUp) bool { return f.Offer == o })
	if i < 0 {
		return playbook.FollowUp{}, false
	}
	return all[i], true
}

// Run carries a follow-up out on a finished investigation. The error is the
// context's cause; whatever else goes wrong is in the outcome.
func Run(ctx context.Context, log *slog.Logger, f playbook.FollowUp, r playbook.Report) (playbook.Outcome, error) {
	return engine.Ask(ctx, log, f.Step(playbook.PassOf(r)), playbook.Pass{Request: r.Request})
}

// judgeAgain is the diagnosis with what a check found; nil where that changes
// neither the verdict nor a cause.
func judgeAgain(p playbook.FollowPass, found []playbook.Finding) *facts.Rejudged {
	if len(found) == 0 {
		return nil
	}
	was, now := p.Report.Diagnosis, rules.Again(p.Request, p.Done, found).Diagnosis
	if said(was) == said(now) {
		return nil
	}
	return &facts.Rejudged{Was: was, Now: now, Words: playbook.Verdicts(was, now)}
}

// said is a diagnosis as far as a change of it is worth telling.
func said(d playbook.Diagnosis) string {
	out := d.Verdict.String()
	for _, c := range d.Causes {
		out += " " + string(c.Cause) + " " + c.Confidence.String()
	}
	return out
}

// concluded is what a summary ends with where the check changed the diagnosis.
func concluded(r *facts.Rejudged) string {
	if r == nil {
		return ""
	}
	return " The diagnosis " + r.Words + "."
}

// cut keeps a table within its bound.
func cut(t facts.Table) facts.Table {
	if t.Rows == nil {
		t.Rows = [][]string{}
	}
	if over := len(t.Rows) - facts.MaxRows; over > 0 {
		t.Rows, t.More = t.Rows[:facts.MaxRows], over
	}
	return t
}
