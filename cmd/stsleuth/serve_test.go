package main

import (
	"bytes"
	"context"
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
