package app

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/telemetry"
)

// collector takes spans as an OpenTelemetry collector does.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span // guarded by mu
	by    string          // guarded by mu: the service's name
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body := r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
			}
			body = z
		}
		raw, err := io.ReadAll(body)
		var in coltracepb.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &in)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s: %v", r.URL, r.Header.Get("Content-Type"), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range in.ResourceSpans {
			c.by = attributeOf(resource.Resource.Attributes, "service.name")
			for _, s := range resource.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
		rw.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

func attributeOf(all []*commonpb.KeyValue, key string) string {
	for _, kv := range all {
		if kv.Key == key {
			return kv.Value.GetStringValue()
		}
	}
	return ""
}

// env has OpenTelemetry's variables for a collector.
func (c *collector) env(name string) string {
	return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}[name]
}

// below are the spans that belong directly to one.
func (c *collector) below(id []byte) (all []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if string(s.ParentSpanId) == string(id) {
			all = append(all, s)
		}
	}
	return all
}

// An investigation is one trace: its nine steps below it, every request to AWS
// below the step that made it.
func TestAnInvestigationIsOneTrace(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	var traces *telemetry.Traces
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		counted(o)
		var err error
		if traces, err = telemetry.OpenTraces(t.Context(), c.env, o.Log); err != nil || traces == nil {
			t.Fatal(err)
		}
		o.Traces = traces
	}})
	w.awsFault(`{action: "iam:GetRole", deny: true}`)
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0]
	w.thread(incidents, parent.TS)
	w.click(oncall, incidents, parent.TS, "rerun")
	w.until("it runs again", func() bool { return len(w.parents(incidents)) == 2 })
	w.thread(incidents, w.parents(incidents)[1].TS)
	w.all()[0].stop()
	if err := traces.Close(); err != nil {
		t.Fatal(err)
	}

	if c.by != "stsleuth" {
		t.Errorf("the service is %q", c.by)
	}
	roots := c.below(nil)
	var runs, followUps []*tracepb.Span
	for _, s := range roots {
		switch s.Name {
		case "investigation":
			runs = append(runs, s)
		case "follow-up":
			followUps = append(followUps, s)
		default:
			t.Errorf("%s belongs to nothing", s.Name)
		}
	}
	if len(runs) != 2 || len(followUps) != 1 || attributeOf(followUps[0].Attributes, "action") != "rerun" {
		t.Fatalf("the first spans are %v", roots)
	}
	run := runs[0]
	id := parent.Metadata.Payload["id"]
	if attributeOf(run.Attributes, "investigation") != id || attributeOf(run.Attributes, "verdict") == "" || attributeOf(run.Attributes, "region") != w.ask.Region {
		t.Errorf("the investigation's span says %v", run.Attributes)
	}
	if !strings.Contains(w.log.String(), "trace_id="+hex.EncodeToString(run.TraceId)) {
		t.Error("no line of the log names the trace")
	}
	steps, calls := c.below(run.SpanId), 0
	var names []string
	for _, s := range steps {
		step := attributeOf(s.Attributes, "step")
		names = append(names, step)
		if s.Name != "step "+step || attributeOf(s.Attributes, "investigation") != id || attributeOf(s.Attributes, "status") == "" || string(s.TraceId) != string(run.TraceId) {
			t.Errorf("step %s says %v", s.Name, s.Attributes)
		}
		if s.StartTimeUnixNano < run.StartTimeUnixNano || s.EndTimeUnixNano > run.EndTimeUnixNano {
			t.Errorf("%s is not within the investigation", s.Name)
		}
		for _, call := range c.below(s.SpanId) {
			calls++
			service, operation, ok := strings.Cut(call.Name, ":")
			code := attributeOf(call.Attributes, "aws.code")
			if !ok || service != strings.ToLower(service) || operation == "" || code == "" || call.Kind != tracepb.Span_SPAN_KIND_CLIENT {
				t.Errorf("a request is %s, %v", call.Name, call.Attributes)
			}
			if (call.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR) != (code != "OK") || call.Name == "iam:GetRole" && code != "AccessDenied" {
				t.Errorf("%s has the code %s and the status %v", call.Name, code, call.Status)
			}
		}
	}
	slices.Sort(names)
	want := slices.Clone(evidence)
	for i, name := range want {
		want[i] = strings.TrimPrefix(name, "evidence/")
	}
	if slices.Sort(want); !slices.Equal(names, want) || calls < 9 {
		t.Errorf("%d requests below the steps %v", calls, names)
	}
	for _, s := range c.spans {
		for _, kv := range s.Attributes {
			if v := kv.Value.GetStringValue(); strings.Contains(v, w.ask.Role) || strings.Contains(v, "not authorized") || strings.Contains(s.Status.GetMessage(), " authorized") {
				t.Errorf("%s says %s: %q, %q", s.Name, kv.Key, v, s.Status.GetMessage())
			}
		}
	}
}

// A collector that takes nothing, for ever, is no reason to wait.
func TestACollectorThatHangsDelaysNobody(t *testing.T) {
	t.Parallel()
	asked, end := make(chan struct{}, 100), make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- struct{}{}; <-end }))
	defer hangs.Close()
	defer close(end)
	var traces *telemetry.Traces
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		var err error
		if traces, err = telemetry.OpenTraces(t.Context(), func(name string) string {
			return map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": hangs.URL + "/v1/traces"}[name]
		}, o.Log); err != nil {
			t.Fatal(err)
		}
		o.Traces = traces
	}})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.thread(incidents, w.parents(incidents)[0].TS)
	w.all()[0].stop()
	begun := time.Now()
	err := traces.Close()
	if took := time.Since(begun); err == nil || took > 5*time.Second {
		t.Errorf("the last spans took %s: %v", took, err)
	}
	<-asked
}

// Without an endpoint nothing of OpenTelemetry runs. Not in parallel: it looks at
// all goroutines.
func TestWithoutAnEndpointNothingTraces(t *testing.T) {
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		counted(o)
		var err error
		if o.Traces, err = telemetry.OpenTraces(t.Context(), func(string) string { return "" }, o.Log); err != nil || o.Traces != nil {
			t.Fatalf("%v, %v", o.Traces, err)
		}
	}})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	stacks := make([]byte, 4<<20)
	if s := string(stacks[:runtime.Stack(stacks, true)]); strings.Contains(s, "go.opentelemetry.io/otel/sdk") || strings.Contains(s, "otlptrace") {
		t.Errorf("a goroutine exports:\n%s", s)
	}
	w.thread(incidents, w.parents(incidents)[0].TS)
	if strings.Contains(w.log.String(), "trace_id") {
		t.Error("the log names a trace")
	}
}
