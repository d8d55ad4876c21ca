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
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 300 * time.Millisecond}})
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
}
