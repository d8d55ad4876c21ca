package app

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

func TestProbesSayWhatIsSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: time.Millisecond}})
	get := func(path string) (int, string) {
		rec := httptest.NewRecorder()
		w.all()[0].Health().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		body, err := io.ReadAll(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		return rec.Code, string(body)
	}
	if code, body := get("/readyz"); code != 200 || body != "ready\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	w.fault(obj{"method": "apps.connections.open", "status": 503})
	w.control("POST", "/_emu/disconnect", obj{"reason": "refresh_requested"}, nil)
	w.until("it is not ready", func() bool { code, _ := get("/readyz"); return code == 503 })
	w.until("it says why", func() bool { _, body := get("/readyz"); return strings.Contains(body, "Slack can't be reached") })
	if code, body := get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	w.control("DELETE", "/_emu/fault", nil, nil)
	w.until("it is ready again", func() bool { code, _ := get("/readyz"); return code == 200 })
}

// What one process leaves behind another one ends: commands, steps, messages.
func TestAnotherReplicaGoesOn(t *testing.T) {
	t.Parallel()
	shared := sharedRedis(t)
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 300 * time.Millisecond}, serving: shared})
	w.command(w.asks())
	w.until("a step has settled", func() bool {
		p := w.parents(incidents)
		return len(p) == 1 && len(w.messages(incidents, p[0].TS, "")) > 1
	})
	first := w.all()[0]
	w.start(shared)
	begun := time.Now()
	first.stop()
	t.Logf("the first replica left after %s", time.Since(begun))
	parent := w.parents(incidents)[0].TS
	w.onceEach(w.thread(incidents, parent))
}

// sharedRedis is a Redis for two replicas.
func sharedRedis(t *testing.T) func(*Serving) {
	redis := miniredis.RunT(t)
	return func(o *Serving) { o.RedisURL, o.Replicas = "redis://"+redis.Addr(), 2 }
}
