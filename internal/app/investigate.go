package app

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/telemetry"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/store"
)

// investigate carries one investigation out, or on where another worker left it:
// what the queue calls. It logs beginning and end, counts, and makes the span to
// which those of steps and requests belong.
func (s *Service) investigate(ctx context.Context, inv playbook.Investigation) (err error) {
	id, t := inv.Request.ID, inv.Request.Target
	if inv.State == playbook.Accepted { // nobody has begun it yet
		s.metrics.Queued(time.Since(inv.Accepted))
	}
	begun := time.Now()
	ctx, span := s.traces.Start(ctx, "investigation", id, attribute.String("region", t.Region))
	traced := s.log
	if span.SpanContext().IsValid() {
		traced = s.log.With("trace_id", span.SpanContext().TraceID().String())
	}
	log := traced.With("investigation", id)
	defer func() {
		telemetry.End(span, whyNot(err))
		if err != nil { // which the store logs, where it is one
			log.Info("investigation breaks off", "why", whyNot(err))
		}
	}()
	log.Info("investigation begins", "account", t.Account, "role", t.Role, "region", t.Region)

	plan, err := s.reads.Plan(t)
	if lacks, ok := errors.AsType[*accounts.UnknownError](err); ok {
		// Whoever accepted it knew the account: the configuration is being rolled
		// out. The person has an answer and a button at once; waiting for a replica
		// that knows it would be silence of unknown length.
		log.Warn("investigation fails", "err", lacks)
		return s.store.Fail(ctx, id, lacks.Error()+" If its configuration was changed just now, run this again in a moment: another replica may know the account already.")
	}
	if err != nil {
		return err
	}
	plan, judge, err := s.after.longer(ctx, inv, plan)
	if err != nil {
		return err
	}
	e := engine.Engine{Plan: plan, Judge: judge, Journal: s.store, Log: traced, Watch: s.watch(ctx, id)}
	report, err := e.Run(ctx, inv.Request)
	if err != nil {
		return err
	}
	verdict := report.Diagnosis.Verdict.String()
	span.SetAttributes(attribute.String("verdict", verdict))
	s.metrics.Ended(verdict)
	log.Info("investigation ends", "verdict", verdict, "took", time.Since(begun).Round(time.Millisecond).String())
	return nil
}

// watch notes for the plan's display that a step has begun, and counts those that
// have settled. Should a note be lost, the step only looks as if it waited.
func (s *Service) watch(ctx context.Context, id string) func(engine.Event) {
	return func(ev engine.Event) {
		if !ev.Started {
			s.metrics.Settled(ev.Outcome)
			return
		}
		if err := s.store.Start(ctx, id, ev.Step.ID); err != nil && ctx.Err() == nil {
			s.log.Warn("a step's start was not noted", "investigation", id, "step", ev.Step.ID, "err", err)
		}
	}
}

// followUp carries a button out, below a span of its own.
func (s *Service) followUp(ctx context.Context, inv playbook.Investigation, p playbook.Press) (err error) {
	ctx, span := s.traces.Start(ctx, "follow-up", inv.Request.ID, attribute.String("action", p.Action), attribute.String("press", p.ID))
	defer func() { telemetry.End(span, whyNot(err)) }()
	return s.desk.Carry(ctx, inv, p)
}

// whyNot is an error in one of our own words, for traces: its text is for the log,
// where secrets are cut.
func whyNot(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, store.ErrStopped):
		return "stopped"
	case errors.Is(err, store.ErrHandedBack):
		return "handed back"
	case errors.Is(err, engine.ErrFenced):
		return "taken over"
	case errors.Is(err, store.ErrUnavailable):
		return "state store unreachable"
	}
	return "error"
}
