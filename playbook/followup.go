package playbook

import (
	"context"
	"time"
)

// FollowUp is one of the checks that people ask for after a diagnosis, as a
// documented value: to a button or to `--follow-up` what a Step is to the plan.
type FollowUp struct {
	Offer   Offer
	Title   string        // what it is called in its answer
	Doc     string        // the question, the calls it makes, what they cannot tell
	Actions []string      // IAM actions it may use, "service:Operation"
	Timeout time.Duration // of the whole check, retries included
	Run     func(context.Context, FollowPass) (Evidence, error)
}

// FollowPass is all that a follow-up may look at: the finished investigation.
type FollowPass struct {
	Request Request  // of the investigation, frozen: its window and its "now"
	Done    Outcomes // its settled steps
	Report  Report   // its judgement
}

// PassOf is the pass over a finished investigation.
func PassOf(r Report) FollowPass {
	p := FollowPass{Request: r.Request, Done: Outcomes{}, Report: r}
	for _, o := range r.Steps {
		p.Done[o.Step] = o
	}
	return p
}

// Step is the follow-up as a step that looks at one investigation: it is carried
// out, timed and settled like one, and its outcome goes by the offer's id.
func (f FollowUp) Step(pass FollowPass) Step {
	return Step{ID: StepID(f.Offer), Title: f.Title, Doc: f.Doc, Actions: f.Actions, Timeout: f.Timeout,
		Run: func(ctx context.Context, _ Pass) (Evidence, error) { return f.Run(ctx, pass) }}
}

// ValidateFollowUps refuses follow-ups that could not run or not be explained.
func ValidateFollowUps(all []FollowUp) error {
	plan := make(Plan, len(all))
	for i, f := range all {
		plan[i] = f.Step(FollowPass{})
		plan[i].N = i + 1
		if f.Run == nil {
			plan[i].Run = nil
		}
	}
	return plan.Validate()
}

// NextWindow is what a window is lengthened to: 48 hours, then 7 days; 0 where it
// is as long as can be.
func NextWindow(w time.Duration) time.Duration {
	switch {
	case w < 2*DefaultWindow:
		return 2 * DefaultWindow
	case w < MaxWindow:
		return MaxWindow
	}
	return 0
}
