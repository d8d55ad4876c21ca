package store

import (
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
)

// apart is what the scripts keep between two edits of one parent, less the
// fraction of a millisecond that Redis's clock does not tell.
const apart = 1499 * time.Millisecond

// workspace is the chat: it keeps what was posted, thread by thread.
type workspace struct {
	mu      sync.Mutex
	threads map[string][]playbook.MessageID // guarded by mu
}

func (w *workspace) post(m playbook.Message) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.threads[m.Investigation] = append(w.threads[m.Investigation], m.ID())
	return fmt.Sprint(len(w.threads[m.Investigation]))
}

func (w *workspace) find(m playbook.Message) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, id := range w.threads[m.Investigation] {
		if id == m.ID() {
			return fmt.Sprint(i + 1)
		}
	}
	return ""
}

// Senders on three replicas post, are refused, lose the answer to a post that
// was made, and die at every point. Each thread ends up with each message once
// and in order.
func TestEachMessageOnceAndInOrder(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	s := replica(t, url)
	const threads = 6
	ids := make([]string, threads)
	for i := range ids {
		in := asked(fmt.Sprint("role-", i))
		in.Place = playbook.Place{Team: fmt.Sprint("T", i), Channel: fmt.Sprint("C", i)}
		ids[i] = accept(t, s, in)
	}
	chat := &workspace{threads: map[string][]playbook.MessageID{}}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	over := make(chan struct{})
	var senders, workers sync.WaitGroup
	for n := range 3 {
		sender, random := replica(t, url), rand.New(rand.NewSource(seed+int64(n)))
		senders.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				unpaced(t, sender)
				ms, err := sender.Claim(t.Context(), 1+random.Intn(4))
				if err != nil {
					t.Error(err)
					return
				}
				for _, m := range ms {
					if err := deliver(t, sender, chat, m, random.Intn(10)); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for _, id := range ids {
		workers.Go(func() {
			token := begin(t, s, id)
			for n, step := range nine {
				settle(t, s, id, token, outcome(n+1, step))
			}
			if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	eventually(t, "all messages", 20*time.Second, func() bool {
		f, err := s.Figures(t.Context())
		return err == nil && f.Waiting == 0
	})
	close(over)
	senders.Wait()
	want := []playbook.MessageID{"parent"}
	for _, step := range nine {
		want = append(want, playbook.IDOf(playbook.EvidenceMessage, string(step)))
	}
	want = append(want, "timeline", "trace")
	for _, id := range ids {
		if diff := cmp.Diff(want, chat.threads[id]); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
		if got := load(t, s, id).Posted; len(got) != len(want) {
			t.Errorf("%s: %d messages are noted, want %d", id, len(got), len(want))
		}
	}
}

// deliver sends a message with the given luck.
func deliver(t *testing.T, s *Store, chat *workspace, m playbook.Message, luck int) error {
	if m.Update {
		return s.Posted(t.Context(), m, playbook.Posted{})
	}
	dies := func() error { // its lease runs out, sooner than in life
		return s.rdb.ZAdd(t.Context(), dueKey(), z(0, m.Investigation)).Err()
	}
	switch luck {
	case 0: // refused: surely not posted
		return s.Retry(t.Context(), m, 0)
	case 1: // the sender dies before it posts
		return dies()
	}
	ts := ""
	if m.Unsure {
		ts = chat.find(m)
	}
	if ts == "" {
		ts = chat.post(m)
	}
	switch luck {
	case 2: // posted, and answered with an error
		m.Unsure = true
		return s.Retry(t.Context(), m, 0)
	case 3: // posted, and the sender dies before it notes it
		return dies()
	}
	return s.Posted(t.Context(), m, playbook.Posted{Channel: m.Place.Channel, TS: ts})
}

func messagesComeInOrder(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	for n, step := range []playbook.StepID{"cc", "aa", "bb"} {
		settle(t, s, id, token, outcome(n+1, step))
	}
	if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // telling twice tells once
		if err := s.Tell(t.Context(), playbook.Message{Investigation: id, Kind: playbook.NoteMessage, Ref: "resumed"}); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Claim(t.Context(), 10)
	if err != nil || len(first) != 1 || first[0].ID() != "parent" {
		t.Fatalf("claimed %v, %v: want the parent alone", first, err)
	}
	if more, err := other.Claim(t.Context(), 10); err != nil || len(more) != 0 {
		t.Fatalf("another sender got %v, %v while the parent was being sent", more, err)
	}
	posted := playbook.Posted{Channel: "C1", TS: "17.1", At: noon}
	if err := s.Posted(t.Context(), first[0], posted); err != nil {
		t.Fatal(err)
	}
	var got []playbook.MessageID
	for len(got) < 6 {
		unpaced(t, s)
		m, ok := send(t, other)
		if !ok {
			t.Fatalf("no more messages after %v", got)
		}
		if m.Place.Thread != "17.1" {
			t.Errorf("%s is not in the parent's thread but in %q", m.ID(), m.Place.Thread)
		}
		got = append(got, m.ID())
	}
	if diff := cmp.Diff([]playbook.MessageID{"evidence/cc", "evidence/aa", "evidence/bb", "timeline", "trace", "note/resumed"}, got); diff != "" {
		t.Error(diff)
	}
	if f, err := s.Figures(t.Context()); err != nil || f.Waiting != 0 || f.Going != 0 || f.Oldest != 0 {
		t.Errorf("figures at the end: %+v, %v", f, err)
	}
	if p, ok := load(t, s, id).Message("evidence/aa"); !ok || p.TS != "1.evidence/aa" {
		t.Errorf("evidence/aa was noted as %+v", p)
	}
}

func theCardIsNeverBehind(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	begun := time.Now()
	send(t, s)
	token := begin(t, s, id)
	for n, step := range []playbook.StepID{"aa", "bb", "cc"} {
		settle(t, s, id, token, outcome(n+1, step))
	}
	if f, _ := s.Figures(t.Context()); f.Cards != 1 || f.Waiting != 3 {
		t.Errorf("%d cards and %d messages wait, want 1 and 3", f.Cards, f.Waiting)
	}
	var update playbook.Message
	eventually(t, "the card's edit", 5*time.Second, func() bool {
		ms, err := s.Claim(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if m.Update {
				update = m
			} else if err := s.Retry(t.Context(), m, 0); err != nil {
				t.Fatal(err)
			}
		}
		return update.Update
	})
	if took := time.Since(begun); took < apart {
		t.Errorf("the edit came %s after the post, want %s", took, apart)
	}
	if update.Place.Thread != "1.parent" || update.Version != 4 {
		t.Errorf("the edit is %+v, want version 4 (running, three settled) of 1.parent", update)
	}
	settle(t, s, id, token, outcome(4, "dd")) // while the edit is on its way
	if err := s.Posted(t.Context(), update, playbook.Posted{}); err != nil {
		t.Fatal(err)
	}
	if f, _ := s.Figures(t.Context()); f.Cards != 1 {
		t.Error("the step that settled meanwhile is not shown by another edit")
	}
}

func unknownFate(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	claim := func() playbook.Message {
		t.Helper()
		unpaced(t, s)
		ms, err := s.Claim(t.Context(), 1)
		if err != nil || len(ms) != 1 {
			t.Fatalf("claimed %v, %v", ms, err)
		}
		return ms[0]
	}
	m := claim()
	if m.Attempt != 1 || m.Unsure {
		t.Errorf("first claim: %+v", m)
	}
	if err := s.Retry(t.Context(), m, 0); err != nil {
		t.Fatal(err)
	}
	if m = claim(); m.Attempt != 2 || m.Unsure {
		t.Errorf("after a retry that surely was not posted: %+v", m)
	}
	m.Unsure = true
	if err := s.Retry(t.Context(), m, 0); err != nil {
		t.Fatal(err)
	}
	if m = claim(); m.Attempt != 3 || !m.Unsure {
		t.Errorf("after a retry of unknown fate: %+v", m)
	}
	// The sender dies: its lease runs out.
	if err := s.rdb.ZAdd(t.Context(), dueKey(), z(0, id)).Err(); err != nil {
		t.Fatal(err)
	}
	if m = claim(); !m.Unsure {
		t.Errorf("after a sender's death: %+v", m)
	}
	for range 2 {
		if err := s.Posted(t.Context(), m, playbook.Posted{Channel: "C1", TS: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := load(t, s, id).Posted; len(got) != 1 {
		t.Errorf("posted %v", got)
	}
}

func aDeadMessage(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	settle(t, s, id, token, outcome(1, "aa"))
	settle(t, s, id, token, outcome(2, "bb"))
	send(t, s)
	ms, err := s.Claim(t.Context(), 1)
	if err != nil || len(ms) != 1 {
		t.Fatalf("claimed %v, %v", ms, err)
	}
	if err := s.Dead(t.Context(), ms[0], "The message is too long."); err != nil {
		t.Fatal(err)
	}
	letters, err := s.DeadLetters(t.Context(), 10)
	if err != nil || len(letters) != 1 || letters[0].Message.ID() != "evidence/aa" || letters[0].Message.Investigation != id || letters[0].Reason != "The message is too long." {
		t.Fatalf("dead letters %+v, %v", letters, err)
	}
	if failed, _ := s.List(t.Context(), playbook.Filter{Failed: true}); len(failed) != 1 {
		t.Errorf("%d in the list of what failed, want 1", len(failed))
	}
	if m, _ := send(t, s); m.ID() != "evidence/bb" {
		t.Errorf("after the dead message comes %q", m.ID())
	}
	if ok, err := s.Resend(t.Context(), letters[0].Message); err != nil || !ok {
		t.Fatalf("resend: %t, %v", ok, err)
	}
	unpaced(t, s)
	if m, _ := send(t, s); m.ID() != "evidence/aa" {
		t.Errorf("sent again: %q", m.ID())
	}
	if letters, _ := s.DeadLetters(t.Context(), 10); len(letters) != 0 {
		t.Errorf("still dead: %v", letters)
	}
	// What people ask for by a button is sent again when they press it again.
	report := playbook.Message{Investigation: id, Kind: playbook.FileMessage, Ref: "report"}
	for told := range 3 {
		if err := s.Tell(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		unpaced(t, s)
		ms, err := s.Claim(t.Context(), 1)
		if err != nil || (told < 2) != (len(ms) == 1 && ms[0].ID() == "file/report") {
			t.Fatalf("asked for %d times: %v, %v", told+1, ms, err)
		}
		if told == 0 {
			err = s.Dead(t.Context(), ms[0], "Slack did not take it.")
		} else if told == 1 {
			err = s.Posted(t.Context(), ms[0], playbook.Posted{Channel: "C1", TS: "2"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if ok, _ := s.Resend(t.Context(), playbook.Message{Investigation: id, Kind: playbook.EvidenceMessage, Ref: "aa"}); ok {
		t.Error("a message that is up was sent again")
	}
}

func aCardDeadTwice(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	send(t, s)
	token := begin(t, s, id)
	claim := func() (edit playbook.Message) {
		t.Helper()
		eventually(t, "an edit", 5*time.Second, func() bool {
			unpaced(t, s)
			ms, err := s.Claim(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				if m.Update {
					edit = m
				} else if err := s.Posted(t.Context(), m, playbook.Posted{Channel: "C1", TS: "1"}); err != nil {
					t.Fatal(err)
				}
			}
			return edit.Update
		})
		return edit
	}
	for n, step := range []playbook.StepID{"aa", "bb"} {
		m := claim()
		if m.Attempt != 1 {
			t.Errorf("the edit of version %d begins with attempt %d", m.Version, m.Attempt)
		}
		for range 2 {
			if err := s.Dead(t.Context(), m, "Slack did not take it."); err != nil {
				t.Fatal(err)
			}
		}
		if f, err := s.Figures(t.Context()); err != nil || f.Cards != 0 || f.Dead != 1 {
			t.Fatalf("after death %d: %d cards are to be edited, %d are dead, %v", n+1, f.Cards, f.Dead, err)
		}
		settle(t, s, id, token, outcome(n+1, step)) // the card shows something old again
	}
	if err := s.Posted(t.Context(), claim(), playbook.Posted{}); err != nil {
		t.Fatal(err)
	}
	if f, _ := s.Figures(t.Context()); f.Dead != 0 || f.Cards != 0 {
		t.Errorf("the card was edited at last, and there are %d dead and %d waiting", f.Dead, f.Cards)
	}
}

func aLateRetry(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	claim := func(s *Store) playbook.Message {
		t.Helper()
		unpaced(t, s)
		ms, err := s.Claim(t.Context(), 1)
		if err != nil || len(ms) != 1 {
			t.Fatalf("claimed %v, %v", ms, err)
		}
		return ms[0]
	}
	late := claim(s)
	if err := s.rdb.ZAdd(t.Context(), dueKey(), z(0, id)).Err(); err != nil { // its lease runs out
		t.Fatal(err)
	}
	claim(other) // posts it, and dies before it notes so
	if err := s.Retry(t.Context(), late, 0); err != nil {
		t.Fatal(err)
	}
	if ms, err := s.Claim(t.Context(), 1); err != nil || len(ms) != 0 {
		t.Errorf("a message was handed out while another sender has it: %v, %v", ms, err)
	}
	if err := s.rdb.ZAdd(t.Context(), dueKey(), z(0, id)).Err(); err != nil {
		t.Fatal(err)
	}
	if m := claim(s); !m.Unsure {
		t.Error("a message that may be up is to be posted without a look")
	}
}

func aDeadParent(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	ms, _ := s.Claim(t.Context(), 1)
	if err := s.Dead(t.Context(), ms[0], "The channel is archived."); err != nil {
		t.Fatal(err)
	}
	settle(t, s, id, token, outcome(1, "aa"))
	if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
		t.Fatal(err)
	}
	if m, ok := send(t, s); ok {
		t.Errorf("%s was sent without a parent", m.ID())
	}
	if inv := load(t, s, id); inv.State != playbook.Failed || inv.Problem != "The channel is archived." || inv.Report == nil {
		t.Errorf("state %s, problem %q", inv.State, inv.Problem)
	}
	letters, _ := s.DeadLetters(t.Context(), 10)
	if ok, err := s.Resend(t.Context(), letters[0].Message); err != nil || !ok {
		t.Fatalf("resend: %t, %v", ok, err)
	}
	var got []playbook.MessageID
	for range 4 {
		unpaced(t, s)
		m, _ := send(t, s)
		got = append(got, m.ID())
	}
	if !slices.Equal(got, []playbook.MessageID{"parent", "evidence/aa", "timeline", "trace"}) {
		t.Errorf("after the resend: %v", got)
	}
	if inv := load(t, s, id); inv.State != playbook.Finished || inv.Problem != "" {
		t.Errorf("after the resend: state %s, problem %q", inv.State, inv.Problem)
	}
}

func sharedPace(t *testing.T, url string) {
	senders := []*Store{replica(t, url), replica(t, url)}
	for i := range 8 {
		accept(t, senders[0], asked(fmt.Sprint("role-", i)))
	}
	begun, sent := time.Now(), 0
	for time.Since(begun) < 2500*time.Millisecond {
		for _, s := range senders {
			if m, ok := send(t, s); ok && m.Update == false {
				sent++
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	// A burst of three, then one a second.
	if sent < 4 || sent > 6 {
		t.Errorf("%d posts to one channel in 2.5 s, want 5", sent)
	}
}

func aPause(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	elsewhere := asked("payments-api")
	elsewhere.Place.Channel = "C2"
	second := accept(t, s, elsewhere)
	ms, _ := s.Claim(t.Context(), 1)
	if len(ms) != 1 {
		t.Fatalf("claimed %v", ms)
	}
	// Two parents that were queued in the same millisecond have no order.
	left := second
	if ms[0].Investigation == second {
		left = id
	}
	if err := s.Paused(t.Context(), ms[0], time.Hour); err != nil {
		t.Fatal(err)
	}
	ms, _ = other.Claim(t.Context(), 10)
	if len(ms) != 1 || ms[0].Investigation != left {
		t.Errorf("claimed %v, want the other channel's message alone", ms)
	}
}

// A message that Slack answers with a pause was not told, however often that is:
// it comes back as if it had never been handed out.
func TestAPauseIsNoAttempt(t *testing.T) {
	m := miniredis.RunT(t)
	s, now := replica(t, "redis://"+m.Addr()), noon
	later := func(d time.Duration) { now = now.Add(d); m.SetTime(now) }
	later(0)
	id := accept(t, s, asked("payments-api"))
	claim := func() playbook.Message {
		t.Helper()
		ms, err := s.Claim(t.Context(), 1)
		if err != nil || len(ms) != 1 {
			t.Fatalf("claimed %v, %v", ms, err)
		}
		return ms[0]
	}
	pauses := func(what string) playbook.Message {
		t.Helper()
		for range 300 {
			if err := s.Paused(t.Context(), claim(), time.Second); err != nil {
				t.Fatal(err)
			}
			later(CallTimeout)
		}
		got := claim()
		if got.Attempt != 1 || got.Unsure {
			t.Errorf("after 300 pauses %s is %+v, want a first attempt that surely told nothing", what, got)
		}
		return got
	}
	parent := pauses("the parent")
	if err := s.Posted(t.Context(), parent, playbook.Posted{Channel: "C1", TS: "1"}); err != nil {
		t.Fatal(err)
	}
	begin(t, s, id)
	later(2 * time.Second)
	edit := pauses("the edit")
	if !edit.Update {
		t.Errorf("%+v is no edit", edit)
	}
	if err := s.Posted(t.Context(), edit, playbook.Posted{}); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Figures(t.Context()); err != nil || f.Dead != 0 || f.Waiting != 0 || f.Cards != 0 {
		t.Errorf("at the end: %+v, %v", f, err)
	}
}

// Of two pauses the longer one holds, and a pause takes nothing from another
// sender that has the message by now.
func TestAPauseIsNotCutShort(t *testing.T) {
	m := miniredis.RunT(t)
	s, now := replica(t, "redis://"+m.Addr()), noon
	later := func(d time.Duration) { now = now.Add(d); m.SetTime(now) }
	later(0)
	accept(t, s, asked("payments-api"))
	accept(t, s, asked("orders-api"))
	ms, err := s.Claim(t.Context(), 2)
	if err != nil || len(ms) != 2 {
		t.Fatalf("claimed %v, %v", ms, err)
	}
	for i, wait := range []time.Duration{30 * time.Second, time.Second} {
		if err := s.Paused(t.Context(), ms[i], wait); err != nil {
			t.Fatal(err)
		}
	}
	later(30*time.Second - time.Millisecond)
	if got, err := s.Claim(t.Context(), 2); err != nil || len(got) != 0 {
		t.Errorf("claimed %v, %v within the longer pause", got, err)
	}
	later(time.Millisecond)
	got, err := s.Claim(t.Context(), 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("claimed %v, %v after the longer pause", got, err)
	}
	later(LeaseFor)
	again, err := s.Claim(t.Context(), 2) // both senders have died
	if err != nil || len(again) != 2 || again[0].Attempt != 2 {
		t.Fatalf("claimed %v, %v", again, err)
	}
	for _, late := range got {
		if err := s.Paused(t.Context(), late, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	later(5 * time.Second)
	if more, err := s.Claim(t.Context(), 2); err != nil || len(more) != 0 {
		t.Errorf("%v, %v was handed out while another sender has it", more, err)
	}
}

// After a failover the clock may be another: what an earlier one wrote holds no
// channel up.
func TestAClockThatGoesBackHoldsNoPostUp(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	m.SetTime(noon)
	for i := range postBurst {
		accept(t, s, asked(fmt.Sprint("role-", i)))
	}
	if ms, err := s.Claim(t.Context(), 10); err != nil || len(ms) != postBurst {
		t.Fatalf("claimed %v, %v", ms, err)
	}
	m.SetTime(noon.Add(-time.Hour))
	id := accept(t, s, asked("payments-api"))
	if ms, err := s.Claim(t.Context(), 10); err != nil || len(ms) != 1 || ms[0].Investigation != id {
		t.Errorf("claimed %v, %v, want the parent of %s", ms, err, id)
	}
}

// A thread whose top was deleted gets nothing more, on any replica, and one
// sender alone learns of it first. A card that is a reply in somebody's thread
// goes without the thread, and the thread without the card.
func aGonePlace(t *testing.T, url string) {
	for name, tc := range map[string]struct {
		apart, edit   bool
		thread, cards bool // what still comes
	}{
		"a reply finds the card deleted that is its thread's top": {false, false, false, false},
		"an edit finds so":                              {false, true, false, false},
		"a reply finds somebody's thread deleted":       {true, false, false, true},
		"an edit finds its card in that thread deleted": {true, true, true, false},
	} {
		s, other := replica(t, url), replica(t, url)
		flush(t, s)
		id := accept(t, s, asked("payments-api"))
		send(t, s)
		token := begin(t, s, id)
		settle(t, s, id, token, outcome(1, "aa"))
		settle(t, s, id, token, outcome(2, "bb"))
		m := playbook.Message{Investigation: id, Kind: playbook.EvidenceMessage, Ref: "aa"}
		if tc.edit {
			m = playbook.Message{Investigation: id, Kind: playbook.ParentMessage, Update: true, Version: 1}
		}
		for i, sender := range []*Store{s, other, s} {
			if first, err := sender.Gone(t.Context(), m, tc.apart); err != nil || first != (i == 0) {
				t.Errorf("%s: told for time %d: first %t, %v", name, i+1, first, err)
			}
		}
		waiting := map[bool]int{true: 2}[tc.thread]
		if f, err := s.Figures(t.Context()); err != nil || f.Waiting != waiting || f.Dead != 0 {
			t.Errorf("%s: %d wait, want %d; %d are dead, %v", name, f.Waiting, waiting, f.Dead, err)
		}
		settle(t, s, id, token, outcome(3, "cc"))
		if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Tell(t.Context(), playbook.Message{Investigation: id, Kind: playbook.FileMessage, Ref: "report"}); err != nil {
			t.Fatal(err)
		}
		if err := s.rdb.ZAddXX(t.Context(), cardsKey(), z(0, id)).Err(); err != nil { // 1.5 s later
			t.Fatal(err)
		}
		thread, cards := 0, 0
		for range 20 {
			unpaced(t, s)
			if m, ok := send(t, s); ok && m.Update {
				cards++
			} else if ok {
				thread++
			}
		}
		if (thread == 6) != tc.thread || (thread == 0) == tc.thread || (cards > 0) != tc.cards {
			t.Errorf("%s: %d messages and %d edits came; want messages %t, edits %t", name, thread, cards, tc.thread, tc.cards)
		}
		if f, err := s.Figures(t.Context()); err != nil || f.Waiting != 0 || f.Cards != 0 || f.Dead != 0 {
			t.Errorf("%s: at the end %+v, %v", name, f, err)
		}
		if inv := load(t, s, id); inv.State != playbook.Finished {
			t.Errorf("%s: it is %s", name, inv.State)
		}
	}
	if _, err := replica(t, url).Gone(t.Context(), playbook.Message{Investigation: "inv_none"}, false); err != nil {
		t.Errorf("of an unknown investigation: %v", err)
	}
}
