package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// started runs a command that serves, and returns its URL and how to stop it:
// that gives its exit code.
func started(t *testing.T, args ...string) (url string, stop func() int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready")
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append(args, "--ready-file", file), streams{&out, &errs, func(string) string { return "" }})
	}()
	t.Cleanup(cancel)
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if raw, err := os.ReadFile(file); err == nil {
			return strings.TrimSpace(string(raw)), func() int { cancel(); return <-done }
		}
		select {
		case <-tick.C:
		case code := <-done:
			t.Fatalf("%v ended with %d: %s", args, code, errs.String())
		case <-deadline:
			t.Fatalf("%v is not ready after 30 s", args)
		}
	}
}

func TestEmulateSlackServesAndStops(t *testing.T) {
	url, stop := started(t, "emulate", "slack", "--addr", "127.0.0.1:0")
	var w struct {
		App struct {
			BotToken string `json:"bot_token"`
		}
	}
	getJSON(t, url+"/_emu/workspace", &w)
	if !strings.HasPrefix(w.App.BotToken, "xoxb-") {
		t.Errorf("the workspace's app has the token %q", w.App.BotToken)
	}
	begun := time.Now()
	if code := stop(); code != exitDone || time.Since(begun) > 5*time.Second {
		t.Errorf("ended with %d after %s", code, time.Since(begun))
	}
}

// While a replica waits for its first word from Redis it lives and says what it
// waits for: else whoever watches it would kill it, again and again.
func TestAReplicaThatWaitsForRedisAnswersItsProbes(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	env := map[string]string{"SLACK_BOT_TOKEN": "xoxb-x", "SLACK_APP_TOKEN": "xapp-x", "REDIS_URL": "redis://127.0.0.1:1", "STSLEUTH_HEALTH_ADDR": addr}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, streams{&out, &out, func(name string) string { return env[name] }})
	}()
	get := func(path string) (int, string) {
		for {
			resp, err := http.Get("http://" + addr + path)
			if err != nil {
				select {
				case code := <-done:
					t.Fatalf("serve ended with %d: %s", code, out.String())
				case <-time.After(20 * time.Millisecond): // it does not listen yet
				}
				continue
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, string(body)
		}
	}
	if code, body := get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %q", code, body)
	}
	if code, body := get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "waits for the state store") {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if code, _ := get("/metrics"); code != http.StatusOK {
		t.Errorf("/metrics: %d", code)
	}
	cancel()
	if code := <-done; code != exitDone {
		t.Errorf("ended with %d: %s", code, out.String())
	}
}
