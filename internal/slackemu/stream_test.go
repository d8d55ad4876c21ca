package slackemu

import (
	"testing"

	"github.com/slack-go/slack"
)

func TestStreamTellsChanges(t *testing.T) {
	s := start(t, Options{})
	changes := stream(t, s)
	c := client(s)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	reply := post1(t, c, public, slack.MsgOptionText("reply", false), slack.MsgOptionTS(parent))
	if _, err := c.PostEphemeralContext(t.Context(), public, ann, slack.MsgOptionText("psst", false)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.DeleteMessageContext(t.Context(), public, reply); err != nil {
		t.Fatal(err)
	}
	for _, want := range []obj{
		{"type": "message", "channel": public, "ts": parent},
		{"type": "message", "channel": public, "ts": reply, "thread_ts": parent},
		{"type": "message_changed", "channel": public, "ts": parent, "thread_ts": parent},
		{"type": "message", "channel": public, "user": ann},
		{"type": "message_deleted", "channel": public, "ts": reply, "thread_ts": parent},
		{"type": "message_changed", "channel": public, "ts": parent},
	} {
		got := wait(t, changes)
		if want["user"] != nil {
			delete(got, "ts")
		}
		if string(encode(got)) != string(encode(want)) {
			t.Errorf("told %s, want %s", encode(got), encode(want))
		}
	}
}

// A reader that is too slow is told to read everything again, and never holds
// anybody up.
func TestSlowReaderIsToldToReadAgain(t *testing.T) {
	s := New(Options{})
	l := &listener{lines: make(chan []byte, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = true
	for range 3 {
		s.publish(obj{"type": "clock"}, nil)
	}
	if !l.lost || len(l.lines) != 1 {
		t.Errorf("lost %v with %d lines kept", l.lost, len(l.lines))
	}
}
