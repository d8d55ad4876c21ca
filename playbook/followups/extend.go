package followups

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const extendDoc = `Does a longer window show the cause?

It asks the steps that read a stretch of time (2, 4, 5, 6, 8 and AWS Health in 1) about the part before the window and about nothing
that was read already, joins the facts, counts step 9 anew and judges the union: 24 hours become 48, and 48 become 7 days. The window's
end and the configuration of the role stay as the first run saw them. Steps that the first run could not carry out are asked about the
whole. Before it runs it says what it will scan and cost, judged by what the first run scanned.

What it cannot tell: what happened after the first run; for that, run it again. The estimate takes the logs to be as dense before as
they were in the window.`

// Extend is the question over the next longer window, with a new id and the same
// end and "now"; false where the window is as long as can be.
func Extend(first playbook.Report) (playbook.Request, bool) {
	req := first.Request
	to := playbook.NextWindow(req.Window.Length())
	if to == 0 {
		return playbook.Request{}, false
	}
	req.ID = playbook.NewID()
	req.Window.From = req.Window.To.Add(-to)
	return req, true
}

// Plan is the plan of an investigation that lengthens a finished one: it reads
// only what that one did not. Any other pair of questions gives the plan as it is.
func Plan(plan playbook.Plan, first playbook.Report, req playbook.Request) playbook.Plan {
	was, now := first.Request.Window, req.Window
	if !now.To.Equal(was.To) || !now.From.Before(was.From) {
		return plan
	}
	return steps.Longer(plan, first)
}

// extend runs the longer investigation in this process. Where there is a store,
// it is rather accepted as an investigation of its own, with Plan.
func (k check) extend(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	req, ok := Extend(p.Report)
	estimate, _ := facts.EstimateOf(p.Report)
	if !ok {
		return playbook.Evidence{Status: playbook.Blind, Summary: fmt.Sprintf("The window is %s already, the longest that is looked at.", wording.Window(p.Request.Window.Length()))}, nil
	}
	req.ID = p.Request.ID
	e := engine.Engine{Plan: Plan(k.plan, p.Report, req), Judge: rules.Judge, Journal: new(engine.Memory)}
	report, err := e.Run(ctx, req)
	if err != nil {
		return playbook.Evidence{}, err
	}
	was, now := p.Report.Diagnosis, report.Diagnosis
	report.Was = &playbook.Earlier{ID: p.Request.ID, Window: p.Request.Window, Diagnosis: was}
	f := facts.Extension{Estimate: estimate, First: p.Report.Cost().BytesScanned, Report: report,
		Rejudged: facts.Rejudged{Was: was, Now: now, Words: playbook.Verdicts(was, now)}}
	ev := playbook.Evidence{Status: playbook.Clear}
	for _, s := range report.Steps {
		fresh := newProof(p.Done[s.Step].Proof, s.Proof)
		for _, proof := range fresh {
			f.Scanned += proof.Scanned
		}
		ev.Proof = append(ev.Proof, fresh...)
		ev.Missing = append(ev.Missing, s.Missing...)
	}
	switch {
	case said(was) != said(now):
		ev.Status = playbook.Found
	case now.Verdict == playbook.InsufficientEvidence:
		ev.Status = playbook.Blind
	}
	ev.Facts = f
	ev.Summary = fmt.Sprintf("Over %s the diagnosis %s. Only the %s before the window were read: %s scanned (estimated %s), after %s in the first run.",
		wording.Window(req.Window.Length()), verb(f.Rejudged.Words), wording.Window(p.Request.Window.From.Sub(req.Window.From)), wording.Bytes(f.Scanned), wording.Bytes(estimate.Bytes), wording.Bytes(f.First))
	return ev, nil
}

// verb makes "still x" a sentence's part.
func verb(words string) string {
	if rest, ok := strings.CutPrefix(words, "still "); ok {
		return "is still " + rest
	}
	return words
}

// newProof is what was asked beyond the first run's calls.
func newProof(was, now []playbook.Proof) []playbook.Proof {
	if len(now) >= len(was) && (len(was) == 0 || reflect.DeepEqual(was, now[:len(was)])) {
		return now[len(was):]
	}
	return now
}
