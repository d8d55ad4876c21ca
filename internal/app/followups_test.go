package app

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/playbook"
)

// ackWithin is when Slack shows a person that a press came to nothing.
// https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
const ackWithin = 3 * time.Second

// atOnce is an account whose queries do not take their time.
var atOnce = awsemu.Options{QueryDuration: -1}

// together runs cases at the same moment, however few cores there are: most of
// their time is Slack's one message a second.
func together[T any](t *testing.T, cases map[string]T, run func(*testing.T, T)) {
	t.Helper()
	var g sync.WaitGroup
	for name, c := range cases {
		g.Go(func() { t.Run(name, func(t *testing.T) { run(t, c) }) })
	}
	g.Wait()
}

// press presses a follow-up's button, which must be on the card.
func (w *world) press(user, card string, o playbook.Offer) {
	w.t.Helper()
	if d := w.click(user, incidents, card, "follow-up:"+string(o)); !d.Acked || d.Error != "" || d.AckMS >= int(ackWithin.Milliseconds()) {
		w.t.Fatalf("%s: %+v", o, d)
	}
}

// answers are what a thread says to presses.
func (w *world) answers(parent string) []message {
	return slices.DeleteFunc(w.messages(incidents, parent, ""), func(m message) bool { return !strings.HasPrefix(m.is(), "follow-up/") })
}

// at is a message of the thread as it is now.
func (w *world) at(parent, ts string) message {
	w.t.Helper()
	all := w.messages(incidents, parent, "")
	i := slices.IndexFunc(all, func(m message) bool { return m.TS == ts })
	if i < 0 {
		w.t.Fatalf("there is no message %s in the thread:\n%s", ts, describe(all))
	}
	return all[i]
}

func (m message) shows(part string) bool { return strings.Contains(strings.Join(raws(m), "\n"), part) }

// 24 hours become 48, and 48 become 7 days, in one thread; what was read is not
// asked for again.
func TestFollowUpExtensionReadsOnlyWhatWasNotRead(t *testing.T) {
	t.Parallel()
	together(t, map[string][]string{ // what each longer window says
		"follow-up-extend-finds":   {"was no-correlation, now max-session-lowered", "still max-session-lowered"},
		"follow-up-extend-nothing": {"still no-correlation"},
	}, func(t *testing.T, words []string) {
		w, parent := finished(t, set{capture: path.Base(t.Name()), slack: unlimited, aws: atOnce})
		w.settled()
		t.Logf("24 h: %d bytes scanned", w.aws.Stats().BytesScanned)
		card := w.extends(parent, parent, 24*time.Hour, "Extend to 48 h", words[0]+", with 48 h read in place of 24 h.")
		w.extended(parent, card, words[0])
		if len(words) > 1 {
			card = w.extends(parent, card.TS, 48*time.Hour, "Extend to 7 days", words[1]+", with 7 days read in place of 48 h.")
			if card.shows("follow-up:" + string(playbook.Extend48h)) {
				t.Errorf("the longest window can still be extended: %s", raws(card))
			}
		}
		if n := len(w.parents(incidents)); n != 1 {
			t.Errorf("%d threads, not 1", n)
		}
		if n := len(w.answers(parent)); n != 0 {
			t.Errorf("%d answers beside the new cards", n)
		}
	})
}

// followUpCase is a capture, the button that is pressed after its diagnosis, and
// what comes of it.
type followUpCase struct {
	offer playbook.Offer
	says  []string
	words string // both verdicts; "": nothing changes
	bare  bool   // there is nothing to put into a table
}

func TestFollowUpAnswersInTheThreadAndJudgesAgain(t *testing.T) {
	t.Parallel()
	together(t, map[string]followUpCase{
		"follow-up-refresh-late":          {offer: playbook.TokenRefresh, says: []string{"Token refresh review for sensor-feed in eu-central-1: Found.", "1 renews only after the end", "first sensor-feed-a: it stopped renewing"}, words: "was no-correlation, now no-refresh"},
		"follow-up-refresh-fine":          {offer: playbook.TokenRefresh, says: []string{"Token refresh review for geo-index in eu-west-1: Clear.", "Of 3 callers, 3 renew in time. None of them is at risk."}},
		"follow-up-mfa-no-device":         {offer: playbook.MFADevices, says: []string{"MFA devices for emergency-access in eu-west-1: Found.", "asks for MFA in statement 1", "No MFA device: oncall-lead."}, words: "was access-denied-other, now mfa-condition"},
		"follow-up-mfa-fine":              {offer: playbook.MFADevices, says: []string{"MFA devices for reporting-reader in eu-west-1: Clear.", "Nothing in the trust policy asks for MFA.", "has an MFA device (2)"}},
		"follow-up-session-policy-denies": {offer: playbook.SessionPolicies, says: []string{"Session policies for document-viewer in eu-west-1: Found.", "24 are not allowed by the session policy", "never shortens a session"}, words: "was no-correlation, now access-denied-other"},
		"follow-up-session-policy-none":   {offer: playbook.SessionPolicies, says: []string{"Session policies for invoice-mailer in eu-west-1: Clear.", "None of the 33 sessions", "never shortens a session"}, bare: true},
		"follow-up-calling-role-revoked":  {offer: playbook.ChainLimits, says: []string{"Cross-account duration limits for artifact-publisher in eu-west-1: Found.", "capped at 1 h by role chaining", "revoked by the policy AWSRevokeOlderSessions"}, words: "was access-denied-other, now sessions-revoked"},
		"follow-up-chains-plain":          {offer: playbook.ChainLimits, says: []string{"Cross-account duration limits for price-feed in eu-west-1: Clear.", "1 way into the role, none from another account. None is capped by role chaining."}},
	}, func(t *testing.T, c followUpCase) {
		w, parent := finished(t, set{capture: path.Base(t.Name()), slack: unlimited, aws: atOnce})
		w.settled()
		before := w.at(parent, parent)
		w.press(oncall, parent, c.offer)
		w.toldNow(oncall, "On it. "+c.offer.Title()+" runs; the answer comes into the thread.")
		w.until("the thread has the answer", func() bool { return len(w.answers(parent)) > 0 })
		w.settled()

		all := w.messages(incidents, parent, "")
		w.onceEach(all)
		told := w.answers(parent)
		if len(told) != 1 {
			t.Fatalf("%d answers, not 1:\n%s", len(told), describe(all))
		}
		answer := told[0]
		for _, part := range c.says {
			if !strings.Contains(answer.Text, part) {
				t.Errorf("the answer lacks %q: %s", part, answer.Text)
			}
		}
		if !answer.shows("<@"+oncall+">") || answer.shows(`"type":"table"`) == c.bare {
			t.Errorf("the answer has no person, or no table: %s", raws(answer))
		}
		card := w.at(parent, parent)
		if card.shows(`"action_id":"follow-up:`+string(c.offer)+`"`) || !card.shows(c.offer.Title()+": done, asked by <@"+oncall+">") {
			t.Errorf("the card does not say who pressed what: %s", raws(card))
		}
		switch again := "Judged again: " + c.offer.Title() + ": " + c.words + "."; {
		case c.words == "":
			if strings.Contains(answer.Text, "The diagnosis") || card.Text != before.Text || card.shows("Judged again") {
				t.Errorf("nothing was found, yet the diagnosis changed: %s\n%s", answer.Text, card.Text)
			}
		default:
			if !strings.Contains(answer.Text, "The diagnosis "+c.words+".") {
				t.Errorf("the answer does not judge again: %s", answer.Text)
			}
			if !strings.Contains(card.Text, again) || !card.shows("Judged again: ") || strings.Contains(before.Text, "Judged again") {
				t.Errorf("the card lacks %q: %s", again, card.Text)
			}
		}
		charts := 0
		for _, m := range all {
			for _, f := range m.Files {
				if strings.HasPrefix(f.Name, "chart") {
					charts++
				}
			}
		}
		if want := map[bool]int{true: 1}[c.offer == playbook.TokenRefresh]; charts != want {
			t.Errorf("%d charts in the thread, not %d", charts, want)
		}
		if odd := w.aws.Unexpected(); len(odd) > 0 {
			t.Errorf("AWS was asked what the emulator does not know: %v", odd)
		}
	})
}

// extends presses the button of a card whose window has that length, and returns
// the card that comes of it.
func (w *world) extends(thread, old string, length time.Duration, title, words string) message {
	t := w.t
	t.Helper()
	begun, scanned := len(w.aws.Calls()), w.aws.Stats().BytesScanned
	was := w.at(thread, old)
	if !was.shows(title+"?") || !was.shows("Log queries will scan about ") {
		t.Errorf("the button does not say what %s costs: %s", title, raws(was))
	}
	w.press(oncall, old, playbook.Extend48h)
	w.toldNow(oncall, "On it. A longer window is being read; its card comes into the thread.")
	var card message
	w.until("a longer investigation has its card in the same thread", func() bool {
		inv, err := w.all()[0].store.Load(t.Context(), was.Metadata.Payload["id"])
		if err != nil || inv.SupersededBy == "" {
			return false
		}
		for _, m := range w.messages(incidents, thread, "") {
			if m.is() == "parent" && m.Metadata.Payload["id"] == inv.SupersededBy {
				card = m
			}
		}
		return strings.HasPrefix(card.Text, "Diagnosis")
	})
	if again := "Judged again: " + words; !strings.Contains(card.Text, again) || !card.shows(words) {
		t.Errorf("the new card lacks %q: %s", again, card.Text)
	}
	w.until("the old card says that it was superseded, and who pressed", func() bool {
		m := w.at(thread, old)
		return strings.Contains(m.Text, "It was superseded by a newer one.") && m.shows("Superseded") &&
			m.shows(title+": done, asked by <@"+oncall+">") && !m.shows("follow-up:")
	})

	read := w.now.Add(-length)
	timed := map[string]int{}
	for _, call := range w.aws.Calls()[begun:] {
		to, ok := until(t, call)
		if !ok {
			continue
		}
		timed[call.Action]++
		if to.After(read) {
			t.Errorf("%s asked up to %s, where all from %s on was read: %v", call.Action, to, read, call.Parameters)
		}
	}
	if timed["logs:StartQuery"] == 0 || timed["cloudtrail:LookupEvents"] == 0 {
		t.Errorf("the longer investigation read only %v", timed)
	}
	t.Logf("%s: %d bytes more scanned, calls about a stretch of time %v", title, w.aws.Stats().BytesScanned-scanned, timed)
	return card
}

// extended fails unless an extension is told in full, once, and its trace has
// both verdicts.
func (w *world) extended(thread string, card message, words string) {
	w.t.Helper()
	count := map[string]int{}
	var trace message
	w.until("the longer investigation is told to its end", func() bool {
		clear(count)
		for _, m := range w.messages(incidents, thread, "") {
			if m.Metadata == nil || m.Metadata.Payload["id"] != card.Metadata.Payload["id"] {
				continue
			}
			if count[m.is()]++; m.is() == "trace" {
				trace = m
			}
		}
		return count["trace"] > 0
	})
	for _, name := range append([]string{"parent", "trace"}, evidence...) {
		if count[name] != 1 {
			w.t.Errorf("%s of the longer investigation is there %d times", name, count[name])
		}
	}
	if !trace.shows(words) || !strings.Contains(trace.Text, "Judged again: "+words) {
		w.t.Errorf("the trace lacks %q: %s", words, trace.Text)
	}
}

// until is the end of the stretch of time that a call asks for.
func until(t *testing.T, c awsemu.Call) (time.Time, bool) {
	t.Helper()
	unit := time.Second
	switch c.Action {
	case "logs:FilterLogEvents":
		unit = time.Millisecond
	case "logs:StartQuery", "cloudtrail:LookupEvents", "cloudwatch:GetMetricData":
	default:
		return time.Time{}, false
	}
	for _, name := range []string{"endTime", "EndTime"} {
		switch v := c.Parameters[name].(type) {
		case nil:
		case time.Time:
			return v, true
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at, true
			}
		case float64, int64, uint64, json.Number:
			var n float64
			if _, err := fmt.Sscan(fmt.Sprint(v), &n); err == nil {
				return time.Unix(0, int64(n*float64(unit))), true
			}
		}
	}
	t.Errorf("%s without an end that can be read: %v", c.Action, c.Parameters)
	return time.Time{}, false
}

func TestFollowUpPressedByTwoPeopleAtOnceOnTwoReplicasRunsOnce(t *testing.T) {
	t.Parallel()
	shared := sharedRedis(t)
	w, parent := finished(t, set{capture: "follow-up-session-policy-denies", slack: unlimited, aws: atOnce, serving: shared})
	w.start(shared)
	w.until("four sockets are open", func() bool { return len(w.connections()) == 4 })
	w.settled()
	begun, greeted := len(w.aws.Calls()), len(w.told(incidents, oncall))
	var people sync.WaitGroup
	for _, user := range []string{oncall, payments} {
		people.Go(func() {
			if d := w.click(user, incidents, parent, "follow-up:"+string(playbook.SessionPolicies)); !d.Acked {
				t.Errorf("%s: %+v", user, d)
			}
		})
	}
	people.Wait()
	w.until("both are answered", func() bool {
		return len(w.told(incidents, oncall)) == greeted+1 && len(w.told(incidents, payments)) == 1
	})
	w.until("the thread has the answer", func() bool { return len(w.answers(parent)) > 0 })
	w.settled()

	first, second := w.told(incidents, oncall)[greeted], w.told(incidents, payments)[0]
	if !strings.HasPrefix(first, "On it.") {
		first, second = second, first
	}
	if !strings.HasPrefix(first, "On it.") || !strings.HasPrefix(second, "Session policies ") || !strings.Contains(second, "already; the answer") {
		t.Errorf("told %q and %q", first, second)
	}
	if n := len(w.answers(parent)); n != 1 {
		t.Errorf("%d answers in the thread, not 1", n)
	}
	inv, err := w.all()[0].store.Load(t.Context(), w.parents(incidents)[0].Metadata.Payload["id"])
	if err != nil || len(inv.Presses) != 1 || inv.Presses[0].Outcome == nil {
		t.Fatalf("%+v, %v", inv.Presses, err)
	}
	once := 0
	for _, p := range inv.Presses[0].Outcome.Proof {
		once += p.Calls
	}
	if n := len(w.aws.Calls()) - begun; n != once || n == 0 {
		t.Errorf("AWS was asked %d times, one run asks %d times", n, once)
	}
}

func TestFollowUpOfARemovedInvestigationIsAnsweredPlainly(t *testing.T) {
	t.Parallel()
	w, parent := finished(t, set{capture: "follow-up-chains-plain", slack: unlimited, aws: atOnce})
	w.settled()
	if n, err := w.all()[0].store.Sweep(t.Context(), 0); err != nil || n != 1 {
		t.Fatalf("removed %d: %v", n, err)
	}
	begun := len(w.aws.Calls())
	for i, o := range playbook.Offers() {
		pressed := time.Now()
		w.press(oncall, parent, o)
		w.until(string(o)+" is answered", func() bool {
			return strings.Count(strings.Join(w.told(incidents, oncall), ""), "This investigation is no longer kept.") == i+1
		})
		if took := time.Since(pressed); took > ackWithin {
			t.Errorf("%s was answered after %s", o, took)
		}
	}
	if n := len(w.aws.Calls()) - begun; n != 0 {
		t.Errorf("AWS was asked %d times for an investigation that is gone", n)
	}
}
