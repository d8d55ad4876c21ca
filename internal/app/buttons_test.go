package app

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/playbook"
)

// finished is a world in which the capture's question was answered.
func finished(t *testing.T, s set) (*world, string) {
	t.Helper()
	w := newWorld(t, s)
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	w.thread(incidents, parent)
	return w, parent
}

// toldNow waits until somebody is told something in the incident channel.
func (w *world) toldNow(user, part string) {
	w.t.Helper()
	w.until(user+" is told "+part, func() bool {
		return slices.ContainsFunc(w.told(incidents, user), func(s string) bool { return strings.Contains(s, part) })
	})
}

func TestStopEndsARunningInvestigation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: time.Second}})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	if d := w.click(payments, incidents, parent, "stop"); !d.Acked {
		t.Fatalf("%+v", d)
	}
	w.until("the parent says that it was stopped", func() bool { return strings.Contains(w.parents(incidents)[0].Text, "Stopped") })
	w.until("the thread has a note", func() bool {
		return slices.ContainsFunc(w.messages(incidents, parent, ""), func(m message) bool { return m.is() == "note/stopped" })
	})
	w.settled()
	if d := w.click(oncall, incidents, parent, "rerun"); !d.Acked {
		t.Fatalf("a stopped one can't be run again: %+v", d)
	}
	w.until("another one began", func() bool { return len(w.parents(incidents)) == 2 })
}

func TestTheCardsButtonsDoTheirWork(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{slack: unlimited})
	card := w.parents(incidents)[0]
	can := w.all()[0].desk.FollowUps.Offers()
	for _, raw := range card.Blocks {
		for _, m := range regexp.MustCompile(`"follow-up:([^"]+)"`).FindAllSubmatch(raw, -1) {
			if !slices.Contains(can, playbook.Offer(m[1])) {
				t.Errorf("a button for a follow-up that this build can't carry out: %s", m[1])
			}
		}
	}

	w.click(oncall, incidents, parent, "trace")
	w.toldNow(oncall, "The rule trace is in the thread.")

	w.click(oncall, incidents, parent, "report")
	w.toldNow(oncall, "The report is on its way")
	var files []string
	w.until("the report is in the thread", func() bool {
		files = nil
		for _, m := range w.messages(incidents, parent, "") {
			for _, f := range m.Files {
				if strings.HasPrefix(f.Name, "report") {
					files = append(files, f.Name)
				}
			}
		}
		return len(files) == 2
	})
	w.settled()
	w.click(payments, incidents, parent, "report")
	w.toldNow(payments, "The report is in the thread.")

	w.click(oncall, incidents, parent, "look-again")
	w.toldNow(oncall, "On it.")
	w.until("the button is gone and the card says who pressed it", func() bool {
		all := string(strings.Join(raws(w.parents(incidents)[0]), ""))
		return !strings.Contains(all, `"action_id":"look-again"`) && strings.Contains(all, "<@"+oncall+">")
	})
}

func raws(m message) (out []string) {
	for _, b := range m.Blocks {
		out = append(out, string(b))
	}
	return out
}

func TestFeedbackIsKeptAndAWrongDiagnosisIsAskedAbout(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{slack: unlimited})
	var d delivered
	id := w.parents(incidents)[0].Metadata.Payload["id"]
	w.control("POST", "/_emu/click", obj{"user": oncall, "channel": incidents, "ts": parent, "action_id": "feedback", "value": id + ":right"}, &d)
	w.toldNow(oncall, "Thank you.")
	w.control("POST", "/_emu/click", obj{"user": payments, "channel": incidents, "ts": parent, "action_id": "feedback", "value": id + ":wrong"}, &d)
	w.until("a form asks why", func() bool { return len(w.views(payments)) == 1 })
	w.control("POST", "/_emu/submit", obj{"user": payments, "view_id": w.views(payments)[0].ID, "values": obj{"why": obj{"why": "It was the proxy <!here>"}}}, &d)
	if !d.Acked || len(w.views(payments)) != 0 {
		t.Fatalf("submitted: %+v, %d forms open", d, len(w.views(payments)))
	}
	list, err := w.all()[0].store.List(t.Context(), playbook.Filter{Feedback: true})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d listed, %v", len(list), err)
	}
	inv, err := w.all()[0].store.Load(t.Context(), id)
	if err != nil || len(inv.Feedback) != 2 {
		t.Fatalf("%+v, %v", inv.Feedback, err)
	}
	for _, f := range inv.Feedback {
		if f.Right != (f.By.User == oncall) || f.Right == (f.Why == "It was the proxy <!here>") {
			t.Errorf("%+v", f)
		}
	}
}

func TestTwoPeoplePressAtOnceOnTwoReplicas(t *testing.T) {
	t.Parallel()
	shared := sharedRedis(t)
	w, parent := finished(t, set{slack: unlimited, serving: shared})
	w.start(shared)
	w.until("four sockets are open", func() bool { return len(w.connections()) == 4 })
	var people sync.WaitGroup
	for _, user := range []string{oncall, payments} {
		people.Go(func() {
			if d := w.click(user, incidents, parent, "rerun"); !d.Acked {
				t.Errorf("%s: %+v", user, d)
			}
		})
	}
	people.Wait()
	w.until("both are answered", func() bool { return len(w.told(incidents, oncall)) > 1 && len(w.told(incidents, payments)) > 0 })
	w.until("a second one began", func() bool { return len(w.parents(incidents)) == 2 })
	w.thread(incidents, w.parents(incidents)[1].TS)
	if n := len(w.parents(incidents)); n != 2 {
		t.Errorf("%d investigations, not 2", n)
	}
	all := strings.Join(append(w.told(incidents, oncall), w.told(incidents, payments)...), "\n")
	if strings.Count(all, "On it.") != 2 || !strings.Contains(all, "already") { // one for the command, one for the first press
		t.Errorf("told %q", all)
	}
}

func TestAButtonOfARemovedInvestigationIsAnswered(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{slack: unlimited})
	w.settled()
	if n, err := w.all()[0].store.Sweep(t.Context(), 0); err != nil || n != 1 {
		t.Fatalf("removed %d: %v", n, err)
	}
	for i, action := range []string{"rerun", "trace", "report", "look-again"} {
		d := w.click(oncall, incidents, parent, action)
		if !d.Acked || d.AckMS > 3000 {
			t.Errorf("%s: %+v", action, d)
		}
		w.until(action+" is answered", func() bool {
			return strings.Count(strings.Join(w.told(incidents, oncall), ""), "no longer kept") == i+1
		})
	}
}

// The form that asks why may stand open longer than its investigation is kept.
func TestAnExplanationOfARemovedInvestigationIsAnswered(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{slack: unlimited})
	w.control("POST", "/_emu/click", obj{"user": oncall, "channel": incidents, "ts": parent, "action_id": "feedback", "value": w.parents(incidents)[0].Metadata.Payload["id"] + ":wrong"}, nil)
	w.until("a form asks why", func() bool { return len(w.views(oncall)) == 1 })
	w.settled()
	if n, err := w.all()[0].store.Sweep(t.Context(), 0); err != nil || n != 1 {
		t.Fatalf("removed %d: %v", n, err)
	}
	var d delivered
	w.control("POST", "/_emu/submit", obj{"user": oncall, "view_id": w.views(oncall)[0].ID, "values": obj{"why": obj{"why": "It was the proxy"}}}, &d)
	if !d.Acked || d.Error != "" || d.Errors["why"] != "This investigation is no longer kept." {
		t.Errorf("submitted: %+v", d)
	}
}

// A fresh run that is offered where somebody else's answer is not: it is told
// there, once, and says nothing of the first channel's card.
func TestRunAgainFromAnotherChannelIsToldThere(t *testing.T) {
	t.Parallel()
	const there = "C0PRIVATE"
	w, _ := finished(t, set{slack: unlimited})
	w.say(payments, there, w.asks())
	var offer message
	w.until("the first channel's result is offered", func() bool {
		for _, m := range w.messages(there, "", payments) {
			if strings.Contains(m.Text, "asked a few minutes ago") {
				offer = m
			}
		}
		return offer.TS != ""
	})
	w.click(payments, there, offer.TS, "rerun")
	w.click(payments, there, offer.TS, "rerun")
	w.until("it is told there", func() bool { return len(w.parents(there)) == 1 })
	w.onceEach(w.thread(there, w.parents(there)[0].TS))
	w.settled()
	if a, b := w.parents(incidents), w.parents(there); len(a) != 1 || len(b) != 1 || strings.Contains(a[0].Text, "superseded") {
		t.Errorf("%d cards here, %d there: %s", len(a), len(b), a[0].Text)
	}
}
