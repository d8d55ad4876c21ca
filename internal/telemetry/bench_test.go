package telemetry

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// What a hook costs whoever calls it.
func BenchmarkHooks(b *testing.B) {
	m := NewMetrics()
	b.Run("ack", func(b *testing.B) {
		for b.Loop() {
			m.Acked("command", time.Millisecond)
		}
	})
	b.Run("slack call", func(b *testing.B) {
		for b.Loop() {
			m.SlackCall("chat.postMessage", "ok")
		}
	})
	b.Run("span of no trace", func(b *testing.B) {
		for b.Loop() {
			_, span := start(b.Context(), "iam:GetRole")
			span.End()
		}
	})
}

// A scrape of a process that has seen a few hundred series, without Redis' part.
func BenchmarkScrape(b *testing.B) {
	m := NewMetrics()
	m.Read(Readings{Sockets: func() int { return 2 }, Sessions: func() map[string]time.Time { return nil }, Log: slog.New(slog.DiscardHandler),
		Figures: func(context.Context) (playbook.Figures, error) { return playbook.Figures{}, nil }})
	for _, action := range []string{"iam:GetRole", "logs:StartQuery", "logs:GetQueryResults", "cloudtrail:LookupEvents", "sts:AssumeRole"} {
		for _, code := range []string{"OK", "AccessDenied", "Throttling", "no-answer"} {
			m.awsCalls.WithLabelValues(action, code).Inc()
		}
	}
	for n := range 9 {
		for _, status := range []playbook.Status{playbook.Found, playbook.Clear, playbook.Blind, playbook.Denied} {
			m.Settled(playbook.Outcome{Step: playbook.StepID(string(rune('a' + n))), Status: status, TookMS: 1500})
		}
	}
	h := m.Handler()
	for b.Loop() {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
		if rec.Code != 200 {
			b.Fatal(rec.Code)
		}
	}
}
