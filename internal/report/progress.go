package report

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

// Progress shows an investigation while it runs: on a terminal a spinner a step
// that becomes its result, elsewhere one plain line a settled step. Call done
// when the run has ended, however it ended.
func Progress(w io.Writer, plan playbook.Plan, env func(string) string) (watch func(engine.Event), done func()) {
	if !Terminal(w, env) {
		return func(e engine.Event) {
			if !e.Started {
				fmt.Fprintf(w, "%d/%d %s: %s (%s)\n", e.Step.N, len(plan), e.Step.ID, wording.Status(e.Outcome.Status), took(e.Outcome))
			}
		}, func() {}
	}
	paint := (&page{colour: env("NO_COLOR") == ""}).in
	bars := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(80*time.Millisecond))
	byStep := map[playbook.StepID]*mpb.Bar{}
	said := map[playbook.StepID]*string{}
	for _, s := range plan {
		text := paint(dim, "waits")
		said[s.ID] = &text
		byStep[s.ID] = bars.New(1, mpb.SpinnerStyle("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"),
			mpb.BarWidth(1), mpb.BarFillerOnComplete("·"),
			mpb.PrependDecorators(decor.Name(fmt.Sprintf("%d %s", s.N, s.ID), decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.OnComplete(decor.Elapsed(decor.ET_STYLE_GO), ""), settled(s.ID, said)))
	}
	return func(e engine.Event) {
			if e.Started {
				return
			}
			*said[e.Step.ID] = paint(statusStyle(e.Outcome.Status), wording.Status(e.Outcome.Status)) + paint(dim, " "+took(e.Outcome))
			byStep[e.Step.ID].SetTotal(1, true)
		}, func() {
			for _, b := range byStep {
				b.Abort(false)
			}
			bars.Wait()
		}
}

// settled shows a step's result once its bar is complete; before that the text
// is not read, so the run's goroutine may write it.
func settled(id playbook.StepID, said map[playbook.StepID]*string) decor.Decorator {
	return decor.Any(func(s decor.Statistics) string {
		if !s.Completed {
			return ""
		}
		return *said[id]
	})
}

func took(o playbook.Outcome) string {
	return (time.Duration(o.TookMS) * time.Millisecond).String()
}
