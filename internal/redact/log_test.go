package redact

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

type dump struct{ Token, Region string }

func TestLogsHoldNoSecrets(t *testing.T) {
	for name, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			log := slog.New(Handler(make(&b))).With("header", "Authorization: Bearer "+jwt).WithGroup("call")
			log.Warn("got "+session, "err", fmt.Errorf("ask: %w", errors.New("key "+secret+" is old")), "password", "hunter2", "took", time.Second,
				"group", slog.GroupValue(slog.String("token", jwt)), "value", dump{session, "eu-west-1"}, "map", map[string]any{"sessionToken": "short", "n": 1}, "id", "inv_1", "bytes", []byte("abc"))
			out := b.String()
			for _, gone := range []string{session[:20], secret, jwt[:30], "hunter2", "short"} {
				if strings.Contains(out, gone) {
					t.Errorf("%q is in %s", gone, out)
				}
			}
			for _, kept := range []string{"inv_1", "eu-west-1", "ask: key [cut] is old", "call"} {
				if !strings.Contains(out, kept) {
					t.Errorf("%q is not in %s", kept, out)
				}
			}
		})
	}
}
