// Package engine runs one investigation as a graph of steps.
//
// In come a validated plan, a frozen request and a Journal; out goes a Report.
// One goroutine, the one that calls Run, owns all state: steps run in
// goroutines of their own, see copies, and answer on a channel. Each settled
// step is written to the Journal before anything that needs it starts, so a run
// that dies anywhere is resumed by calling Run again: what was settled stays
// settled, what was not is asked once more (steps only read).
//
// A run below a span makes one of every step (span.go).
//
// The engine knows neither AWS nor Redis nor Slack. Steps are in
// playbook/steps, the judgement in playbook/rules, journals in this package
// (memory, for the command line) and in store (Redis).
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

// Token proves which run of an investigation is writing. It only grows: a
// journal refuses writes that carry an older one than it has handed out.
type Token int64

// ErrFenced is a journal's answer to a stale token: another worker has taken
// over, and this one must stop without a word.
var ErrFenced = errors.New("another run of this investigation has taken over")

// Journal remembers a run. Every write is idempotent: a write of unknown fate
// may be repeated.
type Journal interface {
	// Begin takes the run over: a new token, and what is settled already.
	Begin(ctx context.Context, id string) (Token, playbook.Outcomes, error)
	// Settle stores an outcome and returns the one that stands: the given one,
	// or that of an earlier run whose write had landed. First write wins, so
	// that what people were told stays true.
	Settle(ctx context.Context, id string, t Token, o playbook.Outcome) (playbook.Outcome, error)
	// Conclude stores the finished report.
	Conclude(ctx context.Context, id string, t Token, r playbook.Report) error
}

// Event is progress for whoever watches: Started when a step begins, else the
// step's outcome as it stands in the journal.
type Event struct {
	Step    playbook.Step
	Started bool
	Outcome playbook.Outcome
}

// Engine runs investigations of one plan. All fields but Watch and Log are needed.
type Engine struct {
	Plan    playbook.Plan
	Judge   func(playbook.Request, playbook.Outcomes) playbook.Report
	Journal Journal
	Watch   func(Event) // called from Run's goroutine, in order; nil: nobody watches
	Log     *slog.Logger
}

// JournalPatience is how long a run waits for a journal that does not answer
// before it gives up; the run can be resumed afterwards.
const JournalPatience = 2 * time.Minute

type answer struct {
	step    playbook.Step
	outcome playbook.Outcome
	err     error // only from a cancelled step: nothing to settle
}

// Run asks every step that is not settled yet, judges, and stores the report.
// It returns when every goroutine that it started has ended. The error is
// ErrFenced, the context's cause, or the journal's last error.
func (e Engine) Run(ctx context.Context, req playbook.Request) (playbook.Report, error) {
	log := e.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = slog.New(redact.Handler(log.Handler())).With("investigation", req.ID)

	var token Token
	var done playbook.Outcomes
	err := e.patiently(ctx, log, "begin", func() (err error) {
		token, done, err = e.Journal.Begin(ctx, req.ID)
		return err
	})
	if err != nil {
		return playbook.Report{}, err
	}
	if done == nil {
		done = playbook.Outcomes{}
	}

	steps, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	answers := make(chan answer)
	running := map[playbook.StepID]bool{}
	start := func() {
		for _, s := range e.Plan {
			if _, settled := done[s.ID]; settled || running[s.ID] || steps.Err() != nil || !ready(s, done) {
				continue
			}
			running[s.ID] = true
			e.watch(Event{Step: s, Started: true})
			pass := playbook.Pass{Request: req, Done: done.Only(s.Needs)}
			go func() { answers <- ask(steps, log, s, pass) }()
		}
	}

	var failed error
	for start(); len(running) > 0; {
		a := <-answers
		delete(running, a.step.ID)
		if failed == nil {
			failed = e.settle(ctx, log, req.ID, token, a, done)
			if failed != nil {
				stop(failed) // the others leave; the loop waits for them
			}
		}
		if failed == nil {
			start()
		}
	}
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	if failed != nil {
		return playbook.Report{}, failed
	}

	report := e.Judge(req, done)
	err = e.patiently(ctx, log, "conclude", func() error {
		return e.Journal.Conclude(ctx, req.ID, token, report)
	})
	return report, err
}

func (e Engine) settle(ctx context.Context, log *slog.Logger, id string, t Token, a answer, done playbook.Outcomes) error {
	if a.err != nil {
		return a.err
	}
	return e.patiently(ctx, log, "settle "+string(a.step.ID), func() error {
		stands, err := e.Journal.Settle(ctx, id, t, a.outcome)
		if err == nil {
			done[a.step.ID] = stands
			e.watch(Event{Step: a.step, Outcome: stands})
		}
		return err
	})
}

func (e Engine) watch(ev Event) {
	if e.Watch != nil {
		e.Watch(ev)
	}
}

// patiently repeats a journal call that failed: a store that is away for a
// moment must not cost an investigation.
func (e Engine) patiently(ctx context.Context, log *slog.Logger, what string, call func() error) error {
	deadline := time.Now().Add(JournalPatience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := call()
		if err == nil || errors.Is(err, ErrFenced) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("%s %s: %w", what, "in the journal", err)
		}
		log.Warn("the journal did not answer, trying again", "call", what, "wait", wait, "err", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func ready(s playbook.Step, done playbook.Outcomes) bool {
	for _, need := range s.Needs {
		if _, ok := done[need]; !ok {
			return false
		}
	}
	return true
}

// Ask carries out one step by itself, without a journal: a follow-up. The error
// is the context's cause; whatever else goes wrong is in the outcome.
func Ask(ctx context.Context, log *slog.Logger, s playbook.Step, pass playbook.Pass) (playbook.Outcome, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := ask(ctx, slog.New(redact.Handler(log.Handler())), s, pass)
	return a.outcome, a.err
}

// ask runs one step within its time and turns whatever happens into an outcome.
// Only a cancelled run has none: its step has not ended, it was not asked.
func ask(ctx context.Context, log *slog.Logger, s playbook.Step, pass playbook.Pass) (a answer) {
	ctx, span := spanOf(ctx, s, pass)
	defer func() { endSpan(span, a) }()
	begun := time.Now()
	timeout := &playbook.Problem{Status: playbook.TimedOut, Text: fmt.Sprintf("This step did not end within its %s.", s.Timeout)}
	stepCtx, cancel := context.WithTimeoutCause(ctx, s.Timeout, timeout)
	defer cancel()

	evidence, err := guarded(stepCtx, log, s, pass)
	took := time.Since(begun).Milliseconds()
	if ctx.Err() != nil {
		return answer{step: s, err: context.Cause(ctx)}
	}
	if err != nil {
		log.Warn("step ended in an error", "step", s.ID, "err", err)
		evidence = failed(stepCtx, evidence, err, pass.Request.ID)
	}
	outcome, err := s.Settle(evidence, took)
	if err != nil {
		log.Error("step's evidence cannot be stored", "step", s.ID, "err", err)
		outcome, err = s.Settle(playbook.Evidence{Status: playbook.Broken, Summary: internalError(pass.Request.ID)}, took)
	}
	return answer{step: s, outcome: cut(outcome), err: err}
}

// guarded turns a panic into an error: one step's fault never stops the rest.
func guarded(ctx context.Context, log *slog.Logger, s playbook.Step, pass playbook.Pass) (ev playbook.Evidence, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("step panicked", "step", s.ID, "panic", p, "stack", string(debug.Stack()))
			ev, err = playbook.Evidence{}, fmt.Errorf("step %s panicked: %v", s.ID, p)
		}
	}()
	return s.Run(ctx, pass)
}

// failed keeps what a step had seen before its error and says how it ended.
// Only a Problem's text was written for people; of any other error they learn
// the investigation's id, under which the log has the cause.
func failed(ctx context.Context, ev playbook.Evidence, err error, id string) playbook.Evidence {
	var p *playbook.Problem
	cause := context.Cause(ctx)
	switch {
	case errors.As(err, &p):
	case ctx.Err() != nil && errors.As(cause, &p):
	default:
		p = &playbook.Problem{Status: playbook.Broken, Text: internalError(id)}
	}
	ev.Status = p.Status
	if ev.Status == playbook.Unasked {
		ev.Status = playbook.Broken
	}
	if p.Action != "" {
		ev.Missing = append(ev.Missing, p.Action)
	}
	if ev.Summary == "" {
		ev.Summary = p.Text
	} else {
		ev.Unseen = append(ev.Unseen, p.Text)
	}
	return ev
}

func internalError(id string) string {
	return "Internal error in this step; the log has the cause under " + id + "."
}
