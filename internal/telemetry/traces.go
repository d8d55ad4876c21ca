package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const (
	// scope names who made a span.
	scope = "github.com/stsleuth/stsleuth"
	// flushWithin bounds the last export at the end of the process.
	flushWithin = 3 * time.Second
	// grumbleEvery is how often a collector that does not take spans is logged.
	grumbleEvery = time.Minute
)

// Traces sends spans to a collector. Nil sends none and costs nothing: there is
// no provider, no exporter and no goroutine.
type Traces struct{ provider *sdktrace.TracerProvider }

// OpenTraces reads OpenTelemetry's standard variables: with an OTLP endpoint set,
// spans go there as http/protobuf, in the background, from a queue that drops
// what is too much. Without one the answer is nil. Sampling, headers, batches and
// the resource's attributes are read by OpenTelemetry itself.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func OpenTraces(ctx context.Context, env func(string) string, log *slog.Logger) (*Traces, error) {
	endpoint := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if endpoint == "" {
		if base := env("OTEL_EXPORTER_OTLP_ENDPOINT"); base != "" {
			endpoint = strings.TrimRight(base, "/") + "/v1/traces"
		}
	}
	if endpoint == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || env("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("read the OTLP endpoint: it is not a URL such as http://collector:4318") // it may hold a password: not repeated
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := env(name); p == "http/protobuf" {
			break
		} else if p != "" {
			return nil, fmt.Errorf("read %s: %q is not spoken, only http/protobuf (a collector takes it on port 4318)", name, p)
		}
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("open the OTLP exporter: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "stsleuth"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		log.Warn("OpenTelemetry's resource is incomplete", "err", err)
	}
	return &Traces{sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(&grumbling{SpanExporter: exporter, log: log}))}, nil
}

// Start begins the first span of something, about an investigation. What happens
// within the context becomes part of it. End it with [End].
func (t *Traces) Start(ctx context.Context, what, investigation string, more ...attribute.KeyValue) (context.Context, trace.Span) {
	if t == nil {
		return noop.NewTracerProvider().Tracer(scope).Start(ctx, what)
	}
	return t.provider.Tracer(scope).Start(ctx, what, trace.WithNewRoot(), trace.WithAttributes(append(more, attribute.String("investigation", investigation))...))
}

// End ends a span, as an error where why is not "": a word of our own, never an
// error's text.
func End(span trace.Span, why string) {
	if why != "" {
		span.SetStatus(codes.Error, why)
	}
	span.End()
}

// start begins a span below the context's, with the provider of that one; below
// none it does nothing.
func start(ctx context.Context, what string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scope).Start(ctx, what, o...)
}

// Close sends what is left, for a moment.
func (t *Traces) Close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// grumbling logs that spans are not taken, now and then, and is content: the SDK
// would print every error to stderr, in between lines of JSON.
type grumbling struct {
	sdktrace.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	last time.Time // guarded by mu
}

func (g *grumbling) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := g.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.last) > grumbleEvery {
		g.last = time.Now()
		g.log.Warn("spans were not taken and are lost", "spans", len(spans), "err", err)
	}
	return nil
}

// version is the build's, as Go noted it.
func version() string {
	if b, ok := debug.ReadBuildInfo(); ok {
		return b.Main.Version
	}
	return ""
}
