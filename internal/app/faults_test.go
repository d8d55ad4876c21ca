package app

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
)

// Whatever happens to the calls that tell something, and to those that look
// whether it was told, the thread has each message once.
func TestEachMessageOnceThoughSlackFails(t *testing.T) {
	methods := []string{"chat.postMessage", "chat.update", "files.getUploadURLExternal", "upload", "files.completeUploadExternal", "conversations.replies", "conversations.history", "chat.getPermalink"}
	for name, faults := range map[string][]obj{
		"carried out, then failed": {{"status": 500, "after_commit": true}, {"after_commit": true}, {"error": "internal_error", "after_commit": true}}, // the second one cuts the connection
		"not carried out":          {{"status": 503}, {"status": 429, "retry_after": 1}, {"error": "service_unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, set{slack: unlimited})
			for _, fault := range faults {
				for _, method := range methods {
					f := maps.Clone(fault)
					f["method"], f["times"] = method, 1
					w.fault(f)
				}
			}
			w.command(w.asks())
			w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
			parent := w.parents(incidents)[0].TS
			w.thread(incidents, parent)
			// And once more, for the files of the report.
			for _, fault := range faults {
				f := maps.Clone(fault)
				f["method"], f["times"] = "files.completeUploadExternal", 1
				w.fault(f)
			}
			w.click(oncall, incidents, parent, "report")
			w.until("the report is in the thread", func() bool {
				return slices.ContainsFunc(w.messages(incidents, parent, ""), func(m message) bool {
					return slices.ContainsFunc(m.Files, func(f struct{ ID, Name, Title string }) bool { return strings.HasPrefix(f.Name, "report") })
				})
			})
			w.settled()
			w.onceEach(w.messages(incidents, parent, ""))
			if n := len(w.parents(incidents)); n != 1 {
				t.Errorf("%d parents", n)
			}
			failed := 0
			for _, method := range methods {
				for _, c := range w.calls(method) {
					if c.Fault {
						failed++
					}
				}
			}
			t.Logf("%d calls failed", failed)
			if failed < 3*len(faults) {
				t.Errorf("only %d calls failed: the test shows little", failed)
			}
		})
	}
}

// settled waits until the outbox is empty.
func (w *world) settled() {
	w.t.Helper()
	w.until("everything is told", func() bool {
		for _, r := range w.all() {
			f, err := r.store.Figures(w.t.Context())
			if err != nil || f.Waiting > 0 || f.Cards > 0 {
				return false
			}
		}
		return true
	})
}

func (w *world) all() []*replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replicas
}

func TestARedeliveredCommandHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	d := w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	for range 3 {
		var again delivered
		w.control("POST", "/_emu/redeliver", obj{"envelope_id": d.ID}, &again)
		if !again.Acked || again.text() != d.text() {
			t.Errorf("redelivered: acked %v with %q, first with %q", again.Acked, again.text(), d.text())
		}
	}
	w.onceEach(w.thread(incidents, w.parents(incidents)[0].TS))
	if n := len(w.parents(incidents)); n != 1 {
		t.Errorf("%d parents", n)
	}
}

func TestBlocksThatSlackDoesNotTakeAreSaidWithOlderOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.fault(obj{"method": "chat.postMessage", "error": "invalid_blocks", "times": 1}) // the parent, and so its edits
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	all := w.thread(incidents, parent)
	w.onceEach(all)
	for _, raw := range all[0].Blocks {
		var b struct{ Type string }
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
		if b.Type != "header" && b.Type != "section" && b.Type != "context" && b.Type != "actions" {
			t.Errorf("the card still has a %s block", b.Type)
		}
	}
	if d := w.click(oncall, incidents, parent, "trace"); !d.Acked {
		t.Errorf("a button of the older form: %+v", d)
	}
}

func TestADeletedParentIsSaidToThePersonAndNothingStrays(t *testing.T) {
	t.Parallel()
	shared := sharedRedis(t)
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 300 * time.Millisecond}, serving: shared})
	w.start(shared)
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.control("POST", "/_emu/delete", obj{"channel": incidents, "ts": w.parents(incidents)[0].TS}, nil)
	w.until("the person is told", func() bool {
		return strings.Contains(strings.Join(w.told(incidents, oncall), "\n"), "was deleted")
	})
	id := ""
	for _, c := range w.calls("chat.postMessage") {
		if meta, ok := c.Args["metadata"].(map[string]any); ok && id == "" {
			id = meta["event_payload"].(map[string]any)["id"].(string)
		}
	}
	w.until("the investigation has ended", func() bool {
		inv, err := w.all()[0].store.Load(t.Context(), id)
		return err == nil && inv.State.Ended()
	})
	w.settled()
	for _, m := range w.messages(incidents, "", "") {
		if m.is() != "" && m.ThreadTS == "" {
			t.Errorf("a stray message in the channel: %s", m.is())
		}
	}
	if n := strings.Count(strings.Join(w.told(incidents, oncall), "\n"), "was deleted"); n != 1 {
		t.Errorf("the person was told %d times", n)
	}
	if f, err := w.all()[0].store.Figures(t.Context()); err != nil || f.Dead != 0 {
		t.Errorf("%d messages count as given up on, %v", f.Dead, err)
	}
}

// The card is a reply in somebody's thread there. Without it the thread goes on.
func TestADeletedCardInSomebodysThreadLeavesTheThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 300 * time.Millisecond}})
	var line struct{ TS string }
	w.control("POST", "/_emu/say", obj{"user": payments, "channel": incidents, "text": "uploads fail in " + w.ask.Region + ": ExpiredToken for arn:aws:sts::111122223333:assumed-role/" + w.ask.Role + "/i-0abc"}, &line)
	w.control("POST", "/_emu/shortcut", obj{"user": oncall, "channel": incidents, "ts": line.TS, "callback_id": "why_expired"}, nil)
	parent := func() (ts string) {
		for _, m := range w.messages(incidents, line.TS, "") {
			if m.is() == "parent" {
				ts = m.TS
			}
		}
		return ts
	}
	w.until("there is a parent", func() bool { return parent() != "" })
	w.control("POST", "/_emu/delete", obj{"channel": incidents, "ts": parent()}, nil)
	w.until("the thread ends with its trace", func() bool {
		return slices.ContainsFunc(w.messages(incidents, line.TS, ""), func(m message) bool { return m.is() == "trace" })
	})
	w.settled()
	if n := strings.Count(strings.Join(w.told(incidents, oncall), "\n"), "was deleted"); n != 1 {
		t.Errorf("the person was told %d times", n)
	}
	if n := len(w.calls("chat.update")); n > 2 {
		t.Errorf("the card that is gone was edited %d times", n)
	}
}

// A channel that is archived while an investigation goes on refuses every state
// of the card: operators see that, and the person is not told of each.
func TestACardThatCannotBeEditedIsNotSaidToThePersonEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 300 * time.Millisecond}})
	w.fault(obj{"method": "chat.update", "error": "is_archived"})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	w.until("the thread ends with its trace", func() bool {
		return slices.ContainsFunc(w.messages(incidents, parent, ""), func(m message) bool { return m.is() == "trace" })
	})
	w.settled()
	if n := strings.Count(strings.Join(w.told(incidents, oncall), "\n"), "archived"); n != 0 {
		t.Errorf("the person was told %d times", n)
	}
	if f, err := w.all()[0].store.Figures(t.Context()); err != nil || f.Dead != 1 {
		t.Errorf("%d messages count as given up on, want the card: %v", f.Dead, err)
	}
}

// Slack's "not now" is no attempt, whoever says how often.
func TestAPauseIsNoAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.fault(obj{"method": "chat.postMessage", "status": 429, "retry_after": 1, "times": 3})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	if text := w.log.String(); strings.Count(text, "Slack asks for a pause") != 3 || strings.Contains(text, "message=parent attempt=2") {
		t.Error("a pause counts as an attempt")
	}
	w.onceEach(w.thread(incidents, w.parents(incidents)[0].TS))
}

// A report that is up is in the thread, once, whatever became of the question
// where it stands.
func TestAReportThatIsUpIsFoundThoughSlackFails(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{slack: unlimited})
	w.settled()
	w.fault(obj{"method": "conversations.replies", "status": 503, "times": 4}) // as often as one look asks
	w.click(oncall, incidents, parent, "report")
	w.until("the report is in the thread", func() bool {
		return slices.ContainsFunc(w.messages(incidents, parent, ""), func(m message) bool { return len(m.Files) > 0 && strings.HasPrefix(m.Files[0].Name, "report") })
	})
	w.settled()
	w.onceEach(w.messages(incidents, parent, ""))
	w.click(oncall, incidents, parent, "report")
	w.until("it is said where", func() bool {
		return strings.Contains(strings.Join(w.told(incidents, oncall), "\n"), "The report is in the thread.")
	})
}
