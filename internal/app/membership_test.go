package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
)

func TestWhoeverTypesIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	for name, c := range map[string]struct{ channel, told string }{
		"public channel without the bot":      {"C0GENERAL", "The bot is not in this channel."},
		"channel shared with another company": {"C0SHARED", "shared with another company"},
		"conversation between two people":     {"D0PEOPLE", "This conversation can't hold an investigation."},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.say(oncall, c.channel, w.asks())
			if !d.Acked || d.Error != "" {
				t.Fatalf("acked %v, error %q", d.Acked, d.Error)
			}
			if all := strings.Join(w.told(c.channel, oncall), "\n"); !strings.Contains(all, c.told) {
				t.Errorf("told %q", all)
			}
			if n := len(w.parents(c.channel)); n != 0 {
				t.Errorf("%d investigations were told there", n)
			}
		})
	}
	t.Run("private channel without the bot", func(t *testing.T) {
		w.control("POST", "/_emu/channel", obj{"channel": "C0PRIVATE", "is_member": false}, nil)
		d := w.say(oncall, "C0PRIVATE", w.asks())
		if all := strings.Join(w.told("C0PRIVATE", oncall), "\n"); !d.Acked || !strings.Contains(all, "The bot is not in this channel.") {
			t.Errorf("acked %v, told %q", d.Acked, all)
		}
		if n := len(slices.DeleteFunc(w.calls("conversations.info"), func(c call) bool { return c.Args["channel"] != "C0PRIVATE" })); n != 1 {
			t.Errorf("Slack was asked about the channel %d times for one command", n)
		}
		// Invited, it works as soon as somebody can have typed it again.
		w.say(oncall, "C0PRIVATE", "/invite @stsleuth")
		invited := time.Now()
		w.until("it works", func() bool {
			return strings.Contains(w.say(oncall, "C0PRIVATE", w.asks()).text(), "Looking into")
		})
		if took := time.Since(invited); took > 5*time.Second {
			t.Errorf("it worked %s after the invitation", took)
		}
		w.until("there is a parent", func() bool { return len(w.parents("C0PRIVATE")) == 1 })
	})
	t.Run("direct message to the bot", func(t *testing.T) {
		d := w.say(oncall, "D0BOT", Command+" other-role "+w.ask.Region)
		if !d.Acked {
			t.Fatalf("%+v", d)
		}
		w.until("there is a parent", func() bool { return len(w.parents("D0BOT")) == 1 })
	})
}

// What the channel was when the command came may have changed when its parent
// is posted.
func TestAChannelThatChangesMeanwhileIsSaidToThePerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, told string }{
		"the bot was removed":      {"not_in_channel", "The bot is not in this channel."},
		"it became private":        {"channel_not_found", "The bot is not in this channel."},
		"it was archived":          {"is_archived", "This channel is archived."},
		"only some may post there": {"restricted_action_read_only_channel", "does not take messages from the bot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, set{slack: unlimited})
			w.fault(obj{"method": "chat.postMessage", "error": c.code})
			w.command(w.asks())
			w.until("the person is told", func() bool { return strings.Contains(strings.Join(w.told(incidents, oncall), "\n"), c.told) })
			f, err := w.all()[0].store.Figures(t.Context())
			if err != nil || f.Dead != 1 {
				t.Errorf("%d dead letters (%v)", f.Dead, err)
			}
		})
	}
}

func TestAChannelThatBecomesSharedGetsNothingMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 200 * time.Millisecond}})
	w.control("POST", "/_emu/channel", obj{"channel": incidents, "is_ext_shared": true}, nil)
	d := w.say(oncall, incidents, w.asks())
	if all := strings.Join(w.told(incidents, oncall), "\n"); !d.Acked || !strings.Contains(all, "shared with another company") {
		t.Errorf("acked %v, told %q", d.Acked, all)
	}
	w.settled()
	for _, m := range w.messages(incidents, "", "") {
		if m.is() != "" {
			t.Errorf("%s was told there", m.is())
		}
	}
}

// Which company sees a channel must be known before anything is posted.
func TestWithoutTheScopeNothingIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.fault(obj{"method": "conversations.info", "error": "missing_scope"})
	d := w.say(oncall, incidents, w.asks())
	if all := strings.Join(w.told(incidents, oncall), "\n"); !d.Acked || !strings.Contains(all, "channels:read") {
		t.Errorf("acked %v, told %q", d.Acked, all)
	}
}
