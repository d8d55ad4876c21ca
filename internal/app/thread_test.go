package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// unlimited is a workspace that takes messages as fast as they come.
var unlimited = slackemu.Options{NoLimits: true}

func TestACommandBecomesAThreadWithItsDiagnosis(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	d := w.command(w.asks())
	if !strings.Contains(d.text(), "Looking into "+w.ask.Role+" in "+w.ask.Region) {
		t.Errorf("acknowledged with %q", d.text())
	}
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0]
	all := w.thread(incidents, parent.TS)
	w.onceEach(all)

	card := all[0]
	if !strings.Contains(card.Text, "Cause found") && !strings.Contains(card.Text, "causes found") {
		t.Errorf("the card says %q", card.Text)
	}
	if !strings.Contains(card.Versions[0].Text, "0 of 9 checks done") {
		t.Errorf("the parent began as %q", card.Versions[0].Text)
	}
	if last := all[len(all)-1]; last.is() != "trace" {
		t.Errorf("the thread ends with %s, not with the trace:\n%s", last.is(), describe(all))
	}
	for _, m := range all {
		if m.Metadata == nil && len(m.Files) == 0 {
			t.Errorf("a message has no metadata: %q", m.Text)
		}
		if m.Metadata != nil && (m.Metadata.Type != "sts_investigation" || !strings.HasPrefix(m.Metadata.Payload["id"], "inv_")) {
			t.Errorf("a message has the metadata %v", *m.Metadata)
		}
		if m.Text == "" && len(m.Files) == 0 {
			t.Errorf("%s says nothing to a screen reader", m.is())
		}
	}
	for _, method := range []string{"chat.postMessage", "chat.update", "files.completeUploadExternal"} {
		for _, c := range w.calls(method) {
			if !strings.Contains(string(c.Answer), `"ok":true`) {
				t.Errorf("%s was answered with %s", method, c.Answer)
			}
		}
	}
}

func TestTheCardDoesNotWaitForEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{}) // with Slack's limits: one message a second
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	var replies int
	w.until("the parent is the diagnosis", func() bool {
		all := w.messages(incidents, parent, "")
		replies = len(all) - 1
		return strings.HasPrefix(all[0].Text, "Diagnosis")
	})
	if replies >= 9 {
		t.Errorf("the card came after %d replies", replies)
	}
	w.onceEach(w.thread(incidents, parent))
	updates := slices.DeleteFunc(w.calls("chat.update"), func(c call) bool { return !strings.Contains(string(c.Answer), `"ok":true`) })
	for i := 1; i < len(updates); i++ {
		if gap := updates[i].At.Sub(updates[i-1].At); gap.Seconds() < 1.4 {
			t.Errorf("edits %d and %d of the parent are %s apart", i-1, i, gap)
		}
	}
}

func TestTheSameQuestionJoinsThenIsOffered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	if d := w.say(payments, "C0PRIVATE", w.asks()+" 48h"); !d.Acked {
		t.Fatalf("not acknowledged: %+v", d)
	}
	parent := w.parents(incidents)[0]
	w.until("the second person is told of the thread", func() bool {
		return slices.ContainsFunc(w.told("C0PRIVATE", payments), func(s string) bool {
			return strings.Contains(s, "Already running") || strings.Contains(s, "asked a few minutes ago")
		})
	})
	w.thread(incidents, parent.TS)
	w.command(w.asks())
	w.until("the result is offered", func() bool {
		return slices.ContainsFunc(w.told(incidents, oncall), func(s string) bool { return strings.Contains(s, "asked a few minutes ago") })
	})
	if n := len(w.parents(incidents)) + len(w.parents("C0PRIVATE")); n != 1 {
		t.Fatalf("%d investigations, not 1", n)
	}
	// The offer has a button for a fresh run.
	var offer message
	for _, m := range w.messages(incidents, "", oncall) {
		if m.To == oncall && strings.Contains(m.Text, "asked a few minutes ago") {
			offer = m
		}
	}
	if d := w.click(oncall, incidents, offer.TS, "rerun"); !d.Acked {
		t.Fatalf("the offer's button: %+v", d)
	}
	w.until("a second investigation is told", func() bool { return len(w.parents(incidents)) == 2 })
	w.onceEach(w.thread(incidents, w.parents(incidents)[1].TS))
	w.until("the old card says that it was superseded", func() bool {
		return strings.Contains(w.parents(incidents)[0].Text, "superseded")
	})
	w.until("the two cards link to each other", func() bool {
		both := w.parents(incidents)
		link := func(m message) string { return "/archives/" + incidents + "/p" + strings.ReplaceAll(m.TS, ".", "") }
		return both[0].shows(link(both[1])) && both[1].shows(link(both[0]))
	})
	if again := w.parents(incidents)[1].Text; strings.Contains(again, "Judged again") {
		t.Errorf("a repetition is told as a longer window: %s", again)
	}
}
