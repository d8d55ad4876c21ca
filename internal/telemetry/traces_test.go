package telemetry

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhichEnvironmentSendsTraces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env    map[string]string
		traces bool
		err    string
	}{
		"none":                         {},
		"an endpoint":                  {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, traces: true},
		"an endpoint of traces":        {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, traces: true},
		"switched off":                 {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}},
		"another exporter":             {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}},
		"no URL":                       {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, err: "not a URL"},
		"a password in what is no URL": {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://user:hunter2@collector"}, err: "not a URL"},
		"grpc":                         {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, err: `"grpc" is not spoken`},
		"grpc for the others":          {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, traces: true},
	} {
		traces, err := OpenTraces(t.Context(), func(name string) string { return c.env[name] }, slog.New(slog.DiscardHandler))
		if (traces != nil) != c.traces || (err != nil) != (c.err != "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, %v", name, traces, err)
		}
		if err := traces.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A collector that refuses is a line in the log, once in a while, without what
// its URL gives away.
func TestACollectorThatRefusesIsALineInTheLog(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refuses.Close()
	var log bytes.Buffer
	traces, err := OpenTraces(t.Context(), func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": strings.Replace(refuses.URL, "http://", "http://user:hunter2@", 1)}[name]
	}, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, span := traces.Start(t.Context(), "investigation", "inv_x")
		End(span, "")
		if err := traces.provider.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := traces.Close(); err != nil {
		t.Error(err)
	}
	if s := log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "spans were not taken") || strings.Contains(s, "hunter2") {
		t.Error(s)
	}
}

func TestProfilesAnswer(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/heap": 200, "/metrics": 404} {
		rec := httptest.NewRecorder()
		Profiles().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != want {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}
