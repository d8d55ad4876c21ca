package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
)

func aCommandIsStored(t *testing.T, url string) {
	s := replica(t, url)
	in := asked("payments-api")
	a, err := s.Accept(t.Context(), playbook.Delivery{Envelope: "e1", Trigger: "t1"}, in, false)
	if err != nil || a.How != playbook.New || a.Again {
		t.Fatalf("got %v, %v", a, err)
	}
	got := load(t, s, in.Request.ID)
	want := in
	want.State, want.Accepted = playbook.Accepted, got.Accepted
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Accepted.IsZero() {
		t.Error("it was not noted when it was accepted")
	}
	if waiting, err := s.queued(task{ID: in.Request.ID, Try: 1}); err != nil || !waiting {
		t.Errorf("its task: queued %t, %v", waiting, err)
	}
	if m, ok := send(t, s); !ok || m.ID() != "parent" || m.Investigation != in.Request.ID || m.Place != in.Place {
		t.Errorf("first message %+v", m)
	}
	if _, err := s.Load(t.Context(), "inv_none"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown one gives %v", err)
	}
}

func aDeliveryComesAgain(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	in := asked("payments-api")
	if _, err := s.Accept(t.Context(), playbook.Delivery{Envelope: "e1", Trigger: "t1"}, in, true); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]playbook.Delivery{
		"the same envelope":                    {Envelope: "e1", Trigger: "t1"},
		"the same trigger in another envelope": {Envelope: "e2", Trigger: "t1"},
	} {
		again := asked("payments-api") // the program that gets it makes a new id
		a, err := other.Accept(t.Context(), d, again, true)
		if err != nil || !a.Again || a.How != playbook.New || a.Investigation.Request.ID != in.Request.ID {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if all, _ := s.List(t.Context(), playbook.Filter{}); len(all) != 1 {
		t.Errorf("%d investigations are stored, want 1", len(all))
	}
}

func theSameQuestionJoins(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	first := accept(t, s, asked("payments-api"))
	ask := func(role, delivery string) playbook.Acceptance {
		t.Helper()
		a, err := other.Accept(t.Context(), playbook.Delivery{Envelope: delivery}, asked(role), false)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask("payments-api", "e1"); a.How != playbook.Joined || a.Investigation.Request.ID != first {
		t.Errorf("while it runs: %s", a.How)
	}
	if a := ask("billing-api", "e2"); a.How != playbook.New {
		t.Errorf("another role: %s", a.How)
	}
	token := begin(t, s, first)
	if err := s.Conclude(t.Context(), first, token, playbook.Report{}); err != nil {
		t.Fatal(err)
	}
	if a := ask("payments-api", "e3"); a.How != playbook.Recent || a.Investigation.Request.ID != first {
		t.Errorf("just after it finished: %s", a.How)
	}
	if err := s.rdb.HSet(t.Context(), sameKey(), "111122223333/payments-api/eu-west-1", first+" "+fmt.Sprint(time.Now().Add(-11*time.Minute).UnixMilli())).Err(); err != nil {
		t.Fatal(err)
	}
	second := ask("payments-api", "e4")
	if second.How != playbook.New {
		t.Errorf("eleven minutes later: %s", second.How)
	}
	if _, err := s.Cancel(t.Context(), second.Investigation.Request.ID, alice); err != nil {
		t.Fatal(err)
	}
	if a := ask("payments-api", "e5"); a.How != playbook.New {
		t.Errorf("after one that was stopped: %s", a.How)
	}
}

func twoAtOnceMakeOne(t *testing.T, url string) {
	const people = 8
	var wg sync.WaitGroup
	how := make(chan playbook.How, people)
	for i := range people {
		s := replica(t, url)
		wg.Go(func() {
			a, err := s.Accept(t.Context(), playbook.Delivery{Envelope: fmt.Sprint("e", i)}, asked("payments-api"), false)
			if err != nil {
				t.Error(err)
			}
			how <- a.How
		})
	}
	wg.Wait()
	close(how)
	count := map[playbook.How]int{}
	for h := range how {
		count[h]++
	}
	if count[playbook.New] != 1 || count[playbook.Joined] != people-1 {
		t.Errorf("got %v", count)
	}
}

func aSuccessor(t *testing.T, url string) {
	s := replica(t, url)
	old := accept(t, s, asked("payments-api"))
	begun := time.Now()
	send(t, s) // the old parent is up
	in := asked("payments-api")
	in.Extends = old
	successor := accept(t, s, in)
	if got := load(t, s, old).SupersededBy; got != successor {
		t.Errorf("superseded by %q, want %q", got, successor)
	}
	eventually(t, "the old card's edit", 5*time.Second, func() bool {
		m, ok := send(t, s)
		return ok && m.Update && m.Investigation == old
	})
	if took := time.Since(begun); took < apart {
		t.Errorf("the old card is edited %s after it was posted, want %s", took, apart)
	}
	if got := load(t, s, successor).Extends; got != old {
		t.Errorf("extends %q, want %q", got, old)
	}
}

// A direct message is not where somebody else can be sent.
func aDirectMessageIsItsOwn(t *testing.T, url string) {
	s := replica(t, url)
	ask := func(channel string) playbook.How {
		in := asked("payments-api")
		in.Place.Channel = channel
		a, err := s.Accept(t.Context(), playbook.Delivery{}, in, false)
		if err != nil {
			t.Fatal(err)
		}
		return a.How
	}
	for _, tc := range []struct {
		channel string
		want    playbook.How
	}{{"D1", playbook.New}, {"C1", playbook.New}, {"C2", playbook.Joined}, {"D1", playbook.Joined}, {"D2", playbook.New}} {
		if got := ask(tc.channel); got != tc.want {
			t.Errorf("asked in %s: %v, want %v", tc.channel, got, tc.want)
		}
	}
}

// The superseded card gets the link to the new one as soon as there is one, once,
// whoever dies meanwhile; of two successors the newer one's stands.
func aSuccessorsLink(t *testing.T, url string) {
	s := replica(t, url)
	old := accept(t, s, asked("payments-api"))
	send(t, s)
	next := func() (id string, parent playbook.Message) {
		t.Helper()
		in := asked("payments-api")
		in.Extends, in.ExtendsAt = old, "https://acme.slack.com/archives/C1/p1"
		id = accept(t, s, in)
		eventually(t, "the new parent", 5*time.Second, func() bool {
			unpaced(t, s)
			ms, err := s.Claim(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				if m.Investigation == id {
					parent = m
				} else if err := s.Posted(t.Context(), m, playbook.Posted{}); err != nil {
					t.Fatal(err)
				}
			}
			return parent.Investigation == id
		})
		return id, parent
	}
	up := func(m playbook.Message, link string) {
		t.Helper()
		if err := s.Posted(t.Context(), m, playbook.Posted{Channel: "C1", TS: "2", Permalink: link}); err != nil {
			t.Fatal(err)
		}
	}
	first, m := next()
	if got := load(t, s, first).ExtendsAt; got != "https://acme.slack.com/archives/C1/p1" {
		t.Errorf("the new card's link to the old one: %q", got)
	}
	if m.Extends != old {
		t.Errorf("the new parent does not say whom it succeeds: %+v", m)
	}
	second, newer := next()
	up(newer, "https://acme.slack.com/archives/C1/p3")
	version := load(t, s, old)
	for range 2 { // noted again by who had died, and of a successor that is not the newest
		up(newer, "https://acme.slack.com/archives/C1/p3")
		up(m, "https://acme.slack.com/archives/C1/p2")
	}
	if version.SupersededBy != second || version.SupersededAt != "https://acme.slack.com/archives/C1/p3" {
		t.Errorf("superseded by %s at %q", version.SupersededBy, version.SupersededAt)
	}
	if got := load(t, s, old); got.SupersededAt != version.SupersededAt {
		t.Errorf("afterwards the link is %q", got.SupersededAt)
	}
	var edits int
	eventually(t, "the old card's edit", 5*time.Second, func() bool {
		unpaced(t, s)
		m, ok := send(t, s)
		if ok && m.Update && m.Investigation == old {
			edits++
		}
		return edits > 0
	})
	if n, err := s.rdb.ZScore(t.Context(), cardsKey(), old).Result(); err == nil {
		t.Errorf("the old card is to be edited once more, at %v", n)
	}
}
