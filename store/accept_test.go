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
	send(t, s) // the old parent is up
	in := asked("payments-api")
	in.Extends = old
	successor := accept(t, s, in)
	if got := load(t, s, old).SupersededBy; got != successor {
		t.Errorf("superseded by %q, want %q", got, successor)
	}
	if m, ok := send(t, s); !ok || !m.Update || m.Investigation != old {
		t.Errorf("the old card is not edited, but %+v", m)
	}
	if got := load(t, s, successor).Extends; got != old {
		t.Errorf("extends %q, want %q", got, old)
	}
}
