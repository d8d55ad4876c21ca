package engine

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/stsleuth/stsleuth/playbook"
)

// spanOf begins a step's span below the run's, with the provider of that one.
// Below none it does nothing: whether there are traces is not the engine's
// affair.
func spanOf(ctx context.Context, s playbook.Step, pass playbook.Pass) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer("github.com/stsleuth/stsleuth/playbook/engine").Start(ctx, "step "+string(s.ID),
		trace.WithAttributes(attribute.String("investigation", pass.Request.ID), attribute.String("step", string(s.ID))))
}

// endSpan says how the step ended, in our own words alone: what it read and what
// went wrong are evidence, and stay where evidence is kept.
func endSpan(span trace.Span, a answer) {
	status := a.outcome.Status.String()
	if a.err != nil {
		status = "cancelled"
	}
	span.SetAttributes(attribute.String("status", status))
	switch {
	case a.err != nil, a.outcome.Status == playbook.TimedOut, a.outcome.Status == playbook.Broken, a.outcome.Status == playbook.Denied:
		span.SetStatus(codes.Error, status)
	}
	span.End()
}
