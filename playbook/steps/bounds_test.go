package steps

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// A log line costs what its first 64 KB cost, and 500 letters are kept.
func TestALogLineIsReadAndKeptInPart(t *testing.T) {
	const telling = "ERROR: ExpiredToken: The security token included in the request is expired "
	var c lineCollection
	c.add("/g", "s", telling+strings.Repeat("x ", 8<<20), time.Now())
	c.add("/g", "s", strings.Repeat("x ", lineRead)+telling, time.Now())
	if len(c.lines) != 1 {
		t.Fatalf("%d lines, not only the one that says it in its beginning", len(c.lines))
	}
	if n := utf8.RuneCountInString(c.lines[0].Text); n > lineLength {
		t.Errorf("%d letters are kept", n)
	}
}

// A status feed without an end is not read to it.
func TestAnEndlessStatusFeedIsNotRead(t *testing.T) {
	var sent atomic.Int32 // MB
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := bytes.Repeat([]byte("x"), 1<<20)
		for r.Context().Err() == nil && sent.Load() < 256 {
			if _, err := w.Write(block); err != nil {
				return
			}
			sent.Add(1)
		}
	}))
	defer server.Close()
	if _, err := fetchFeed(t.Context(), server.Client(), server.URL); err == nil {
		t.Error("it passes for a feed")
	}
	if n := sent.Load(); n > 64 {
		t.Errorf("%d MB were read", n)
	}
}
