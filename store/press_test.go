package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
)

func twoPresses(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	const people = 6
	type answer struct {
		press playbook.Press
		first bool
	}
	answers := make(chan answer, people)
	var wg sync.WaitGroup
	for i := range people {
		s := replica(t, url)
		wg.Go(func() {
			by := playbook.Person{Team: "T1", User: fmt.Sprint("U", i)}
			p, first, err := s.Press(t.Context(), playbook.Delivery{Trigger: fmt.Sprint("t", i)}, id, string(playbook.MFADevices), by, 0)
			if err != nil {
				t.Error(err)
			}
			again, firstAgain, err := s.Press(t.Context(), playbook.Delivery{Trigger: fmt.Sprint("t", i)}, id, string(playbook.MFADevices), by, 0)
			if err != nil || firstAgain != first || again.ID != p.ID {
				t.Errorf("the same delivery again: %t instead of %t, %v", firstAgain, first, err)
			}
			answers <- answer{p, first}
		})
	}
	wg.Wait()
	close(answers)
	ids, firsts := map[string]bool{}, 0
	var one playbook.Press
	for a := range answers {
		ids[a.press.ID] = true
		one = a.press
		if a.first {
			firsts++
		}
	}
	if len(ids) != 1 || firsts != 1 {
		t.Errorf("%d presses, %d of them first, want one", len(ids), firsts)
	}
	if one.By.User == "" || one.Action != "mfa" || one.At.IsZero() {
		t.Errorf("the press is %+v", one)
	}
	one.State = playbook.Failed
	if _, err := s.SettlePress(t.Context(), id, one); err != nil {
		t.Fatal(err)
	}
	if p, first, err := s.Press(t.Context(), playbook.Delivery{Trigger: "later"}, id, string(playbook.MFADevices), bob, 0); err != nil || !first || p.ID == one.ID {
		t.Errorf("after one that failed: %+v, first %t, %v", p, first, err)
	}
	if _, _, err := s.Press(t.Context(), playbook.Delivery{Trigger: "x"}, "inv_none", "mfa", bob, 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("a press of what is unknown: %v", err)
	}
}

func aFollowUp(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	send(t, s)
	working(t, other, Tasks{
		Investigate: func(context.Context, playbook.Investigation) error { return nil },
		FollowUp: func(ctx context.Context, inv playbook.Investigation, p playbook.Press) error {
			o := outcome(0, "mfa")
			p.State, p.Outcome, p.Led = playbook.Finished, &o, "inv_next"
			stands, err := other.SettlePress(ctx, inv.Request.ID, p)
			if err == nil && stands.State != playbook.Finished {
				t.Errorf("what stands: %+v", stands)
			}
			second := p
			second.Led = "inv_other"
			if stands, err := other.SettlePress(ctx, inv.Request.ID, second); err != nil || stands.Led != "inv_next" {
				t.Errorf("a second end: %+v, %v", stands, err)
			}
			return err
		},
	})
	p, _, err := s.Press(t.Context(), playbook.Delivery{}, id, "mfa", bob, 0)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the follow-up", 3*time.Second, func() bool { return load(t, s, id).Presses[0].State == playbook.Finished })
	got := load(t, s, id).Presses[0]
	o := outcome(0, "mfa")
	want := playbook.Press{ID: p.ID, Action: "mfa", By: bob, At: p.At, Due: p.At, State: playbook.Finished, Outcome: &o, Led: "inv_next"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var m playbook.Message
	eventually(t, "its message", 2*time.Second, func() bool { m, _ = send(t, s); return m.Kind == playbook.FollowUpMessage })
	if m.Ref != p.ID {
		t.Errorf("the message is %+v", m)
	}
}

func aPressForLater(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	ran := make(chan time.Time, 10)
	for _, r := range []*Store{s, other} {
		working(t, r, Tasks{
			Investigate: func(context.Context, playbook.Investigation) error { return nil },
			FollowUp: func(ctx context.Context, inv playbook.Investigation, p playbook.Press) error {
				ran <- time.Now()
				p.State = playbook.Finished
				_, err := r.SettlePress(ctx, inv.Request.ID, p)
				return err
			},
		})
	}
	begun := time.Now()
	p, _, err := s.Press(t.Context(), playbook.Delivery{}, id, "look-again", bob, 1500*time.Millisecond)
	if err != nil || p.Due.Sub(p.At) != 1500*time.Millisecond {
		t.Fatalf("due %s after it was pressed, %v", p.Due.Sub(p.At), err)
	}
	if at := <-ran; at.Sub(begun) < 900*time.Millisecond { // asynq counts in whole seconds
		t.Errorf("it ran after %s", at.Sub(begun))
	}
	select {
	case <-ran:
		t.Error("it ran twice")
	case <-time.After(time.Second):
	}
}

func feedbackIsKept(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	accept(t, s, asked("billing-api"))
	for _, f := range []playbook.Feedback{{By: alice, At: noon, Right: true}, {By: bob, At: noon.Add(1), Why: "it was DNS"}, {By: alice, At: noon.Add(2), Why: "it was not"}} {
		if err := s.Feedback(t.Context(), id, f); err != nil {
			t.Fatal(err)
		}
	}
	want := []playbook.Feedback{{By: bob, At: noon.Add(1), Why: "it was DNS"}, {By: alice, At: noon.Add(2), Why: "it was not"}}
	if diff := cmp.Diff(want, load(t, s, id).Feedback); diff != "" {
		t.Error(diff)
	}
	if got, err := s.List(t.Context(), playbook.Filter{Feedback: true}); err != nil || len(got) != 1 || got[0].Request.ID != id {
		t.Errorf("listed %v, %v", got, err)
	}
	if err := s.Feedback(t.Context(), "inv_none", playbook.Feedback{By: bob}); !errors.Is(err, ErrUnknown) {
		t.Errorf("feedback on what is unknown: %v", err)
	}
}
