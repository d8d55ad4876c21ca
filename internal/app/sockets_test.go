package app

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// opened is how often the app asked for a socket.
func (w *world) opened() int {
	var s struct{ Opens int }
	w.control("GET", "/_emu/sockets", nil, &s)
	return s.Opens
}

type connection struct {
	ID       string
	Open     bool
	HalfOpen bool `json:"half_open"`
}

func (w *world) connections() (open []connection) {
	var s struct{ Connections []connection }
	w.control("GET", "/_emu/sockets", nil, &s)
	for _, c := range s.Connections {
		if c.Open && !c.HalfOpen {
			open = append(open, c)
		}
	}
	return open
}

// Thirty seconds of sockets that are closed right after their hello, at a
// twentieth of the time: slack-go alone would ask thousands of times.
func TestAStormOfDisconnectsOpensFewSockets(t *testing.T) {
	t.Parallel()
	const scale = 20
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: 10 * time.Millisecond}, serving: func(o *Serving) {
		o.pace.Open, o.pace.OpenMax = time.Second/scale, time.Minute/scale
	}})
	w.until("both sockets are open", func() bool { return len(w.connections()) == 2 })
	before := w.opened()
	w.control("POST", "/_emu/disconnect", obj{"reason": "too_many_websockets", "on_connect": true}, nil)
	storm := time.NewTimer(30 * time.Second / scale)
	for done := false; !done; {
		select {
		case <-storm.C:
			done = true
		case <-t.Context().Done():
			return
		}
	}
	opens := w.opened() - before
	t.Logf("%d opens in 30 s (at 1/%d of the time)", opens, scale)
	if opens > 10 {
		t.Errorf("%d opens, more than 10", opens)
	}
	if err := w.all()[0].Ready(t.Context()); err != nil && !strings.Contains(err.Error(), "10 already") {
		t.Errorf("not ready because %v", err)
	}
	w.control("DELETE", "/_emu/disconnect", nil, nil)
	w.until("the bot is back", func() bool { return len(w.connections()) > 0 && w.all()[0].Ready(t.Context()) == nil })
	w.until("commands are answered", func() bool { return w.say(oncall, incidents, Command+" help").Acked })
}

func TestASocketIsRefreshedDuringACommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: 50 * time.Millisecond}})
	w.until("both sockets are open", func() bool { return len(w.connections()) == 2 })
	refreshed := make(chan struct{})
	go func() {
		defer close(refreshed)
		for range 5 {
			for _, reason := range []string{"warning", "refresh_requested"} {
				open := w.connections()
				if len(open) < 2 {
					continue // Slack does not refresh both at once
				}
				w.control("POST", "/_emu/disconnect", obj{"reason": reason, "connection": open[0].ID}, nil)
			}
		}
	}()
	// A person whose command was lost with its socket types it again.
	w.until("the command is acknowledged", func() bool { d := w.say(oncall, incidents, w.asks()); return d.Acked && d.Error == "" })
	<-refreshed
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.onceEach(w.thread(incidents, w.parents(incidents)[0].TS))
	if n := len(w.parents(incidents)); n != 1 {
		t.Errorf("%d parents", n)
	}
}

func TestAHalfOpenSocketIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, PingInterval: 50 * time.Millisecond}, serving: func(o *Serving) {
		o.pace.Ping, o.pace.Silence = 300*time.Millisecond, 600*time.Millisecond
	}})
	w.until("both sockets are open", func() bool { return len(w.connections()) == 2 })
	w.control("POST", "/_emu/halfopen", obj{}, nil)
	w.until("both were replaced", func() bool { return len(w.connections()) == 2 })
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.onceEach(w.thread(incidents, w.parents(incidents)[0].TS))
}

func TestATokenThatSlackRefusesEndsTheProcessWithPlainWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Serving)
		words  string
	}{
		"bot token":       {func(o *Serving) { o.BotToken = "xoxb-wrong" }, "the bot token: Slack does not know it"},
		"app-level token": {func(o *Serving) { o.AppToken = "xapp-wrong" }, "the app-level token: Slack does not know it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, set{slack: unlimited})
			r, err := w.try(c.change)
			if err != nil {
				t.Fatal(err)
			}
			<-r.done
			if r.err == nil || !strings.Contains(r.err.Error(), c.words) {
				t.Errorf("ended with %v", r.err)
			}
		})
	}
}

// slack-go would retry most of these for ever.
func TestAnAuthErrorOnTheSocketEndsTheProcess(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"token_revoked", "token_expired", "not_allowed_token_type", "account_inactive"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, set{slack: unlimited})
			w.fault(obj{"method": "apps.connections.open", "error": code})
			w.control("POST", "/_emu/disconnect", obj{"reason": "refresh_requested"}, nil)
			<-w.all()[0].done
			if err := w.all()[0].err; err == nil || !strings.Contains(err.Error(), "the app-level token") || !strings.Contains(err.Error(), code) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestSocketModeSwitchedOffIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.control("POST", "/_emu/disconnect", obj{"reason": "link_disabled", "on_connect": true}, nil)
	w.control("POST", "/_emu/disconnect", obj{"reason": "link_disabled"}, nil)
	w.until("it is logged", func() bool { return strings.Contains(w.log.String(), "Socket Mode was switched off") })
	w.until("it is not ready, and says why", func() bool {
		err := w.all()[0].Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "Socket Mode was switched off")
	})
}

func TestAnotherDeploymentWithTheSameTokenIsNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.until("both sockets are open", func() bool { return len(w.connections()) == 2 })
	if strings.Contains(w.log.String(), "another deployment") {
		t.Error("logged without another deployment")
	}
	w.start(nil) // with a Redis of its own
	w.until("it is logged", func() bool {
		return strings.Contains(w.log.String(), "another deployment uses the same app-level token")
	})
}

func TestAnAcknowledgementIsNotLostAtShutdown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.fault(obj{"method": "conversations.info", "delay": "400ms"}) // the command is being decided on
	answer := make(chan delivered)
	go func() { answer <- w.say(oncall, incidents, w.asks()) }()
	w.until("the bot asks about the channel", func() bool {
		var e struct{ Envelopes []struct{ Acked bool } }
		w.control("GET", "/_emu/envelopes", nil, &e)
		return len(e.Envelopes) == 1
	})
	w.all()[0].stop()
	if d := <-answer; !d.Acked || !strings.Contains(d.text(), "Looking into") {
		t.Errorf("acked %v, error %q, %q", d.Acked, d.Error, d.text())
	}
}
