package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// What metrics count: each message that is handed out says how long the pace held
// it back, on whatever replica that was.
func pacedIsTold(t *testing.T, url string) {
	var waits []time.Duration
	first, second := replica(t, url), replica(t, url)
	for _, s := range []*Store{first, second} {
		s.paced = func(d time.Duration) { waits = append(waits, d) }
	}
	for i := range postBurst + 1 {
		accept(t, first, asked(fmt.Sprint("role-", i)))
	}
	begun := time.Now()
	claim := func(s *Store) (n int) {
		for {
			ms, err := s.Claim(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(ms) == 0 {
				return n
			}
			n += len(ms)
		}
	}
	if n := claim(first); n != postBurst { // the last one is held back now
		t.Fatalf("%d messages at once", n)
	}
	eventually(t, "the last one has its turn", 5*time.Second, func() bool { return claim(second) == 1 })
	if len(waits) != postBurst+1 {
		t.Fatalf("%d messages were told of: %v", len(waits), waits)
	}
	for _, w := range waits[:postBurst] {
		if w != 0 {
			t.Errorf("one that was not held back waited %s", w)
		}
	}
	if w, most := waits[postBurst], time.Since(begun); w <= 0 || w > most {
		t.Errorf("it is said to have waited %s of %s", w, most)
	}
}

func failureIsTold(t *testing.T, url string) {
	s, failed := replica(t, url), 0
	s.failed = func() { failed++ }
	id := accept(t, s, asked("payments-api"))
	for range 2 { // the second time it has ended
		if err := s.Fail(t.Context(), id, "It can't be done."); err != nil {
			t.Fatal(err)
		}
	}
	stopped := accept(t, s, asked("other-role"))
	if ok, err := s.Cancel(t.Context(), stopped, playbook.Person{Team: "T1", User: "U1"}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if failed != 1 {
		t.Errorf("%d failures were told of", failed)
	}
}
