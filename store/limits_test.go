package store

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const place = "444455556666/eu-west-1"

func take(t *testing.T, s *Store, holder, asker string, slots int) bool {
	t.Helper()
	ok, err := s.TakeSlot(t.Context(), place, holder, asker, slots, time.Millisecond, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func turnsAreShared(t *testing.T, url string) {
	replicas := []*Store{replica(t, url), replica(t, url), replica(t, url)}
	book := func(s *Store, place string, within time.Duration) time.Duration {
		wait, err := s.BookTurn(t.Context(), place, "LookupEvents", 6*time.Second, 2, within)
		if err != nil {
			t.Fatal(err)
		}
		return wait.Round(3 * time.Second) // this machine may be slow
	}
	for i, want := range []time.Duration{0, 0, 6 * time.Second, 12 * time.Second} {
		if got := book(replicas[i%3], place, time.Hour); got != want {
			t.Errorf("turn %d is in %s, want %s", i+1, got, want)
		}
	}
	if got := book(replicas[0], place, time.Second); got != 18*time.Second {
		t.Errorf("a turn that comes too late is in %s", got)
	}
	if got := book(replicas[1], place, time.Hour); got != 18*time.Second {
		t.Errorf("what was too late was booked all the same: the next is in %s", got)
	}
	if got := book(replicas[2], "444455556666/us-east-1", time.Second); got != 0 {
		t.Errorf("another region's turn is in %s", got)
	}
}

func slotsAreShared(t *testing.T, url string) {
	a, b, c := replica(t, url), replica(t, url), replica(t, url)
	if !take(t, a, "a1", "a", 2) || !take(t, b, "b1", "b", 2) {
		t.Fatal("the two slots were not handed out")
	}
	if !take(t, a, "a1", "a", 2) {
		t.Error("asked again after an answer that was lost, the holder has none")
	}
	first := take(t, c, "c1", "c", 2)
	<-time.After(5 * time.Millisecond) // those who came in the same millisecond have no order
	if first || take(t, a, "a2", "a", 2) {
		t.Error("more slots than there are")
	}
	if ok, err := a.TakeSlot(t.Context(), "own/eu-west-1", "o1", "a", 2, time.Second, 1); err != nil || !ok {
		t.Errorf("another account's slots: %v, %v", ok, err)
	}
	if ok, err := a.TakeSlot(t.Context(), "own/eu-west-1", "o2", "a", 2, time.Minute, 1); err != nil || ok {
		t.Errorf("two slots at once, where one a minute is handed out: %v, %v", ok, err)
	}
	if err := b.ReturnSlot(t.Context(), place, "b1"); err != nil {
		t.Fatal(err)
	}
	if take(t, a, "a2", "a", 2) {
		t.Error("the free slot went past the one that asked first")
	}
	if !take(t, c, "c1", "c", 2) {
		t.Error("the first in the line did not get the free slot")
	}
	if err := a.KeepSlot(t.Context(), place, "a1", 2); err != nil {
		t.Error(err)
	}
}

// shadow is what the slots of one place should be, by Redis's clock in ms.
type shadow struct {
	slots  map[string]int64 // holder to the lease's end
	line   map[string]stand
	booked int64
}

type stand struct{ since, ends int64 }

func (m *shadow) sweep(now int64) {
	for h, ends := range m.slots {
		if ends <= now {
			delete(m.slots, h)
		}
	}
	for a, s := range m.line {
		if s.ends <= now {
			delete(m.line, a)
		}
	}
}

func (m *shadow) take(now int64, holder, asker string, slots int, every int64, burst int) bool {
	m.sweep(now)
	if _, has := m.slots[holder]; has {
		return true
	}
	since, before := now, 0
	if s, stands := m.line[asker]; stands {
		since = s.since
	}
	for a, s := range m.line {
		if a != asker && (s.since < since || s.since == since && a < asker) {
			before++
		}
	}
	if len(m.slots)+before >= slots || m.booked-int64(burst-1)*every > now {
		m.line[asker] = stand{since, now + askerPatience.Milliseconds()}
		return false
	}
	delete(m.line, asker)
	m.booked = max(m.booked, now) + every
	m.slots[holder] = now + SlotLease.Milliseconds()
	return true
}

func (m *shadow) keep(now int64, holder string, slots int) {
	m.sweep(now)
	if _, has := m.slots[holder]; has || len(m.slots) < slots {
		m.slots[holder] = now + SlotLease.Milliseconds()
	}
}

// Replicas ask, keep, give back and die in any order while Redis's clock goes on:
// never do more slots live than there are, a dead holder's comes back, and what is
// stored is what the model has.
func TestSlotsFollowTheModel(t *testing.T) {
	const slots, every, burst = 3, 40, 2
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	now := noon
	model := shadow{slots: map[string]int64{}, line: map[string]stand{}}
	granted, refused, died := 0, 0, 0
	for i := range 4000 {
		now = now.Add([]time.Duration{0, time.Millisecond, 30 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second, 11 * time.Second}[random.Intn(6)])
		m.SetTime(now)
		ms := now.UnixMilli()
		asker := fmt.Sprint("replica-", random.Intn(4))
		holder := fmt.Sprintf("%s-%d", asker, random.Intn(3))
		had := len(model.slots)
		switch op := random.Intn(10); {
		case op < 6:
			got, err := s.TakeSlot(t.Context(), place, holder, asker, slots, every*time.Millisecond, burst)
			if err != nil {
				t.Fatal(err)
			}
			if want := model.take(ms, holder, asker, slots, every, burst); got != want {
				t.Fatalf("call %d: %s asked for %s: %v, want %v (%+v)", i, asker, holder, got, want, model)
			}
			if got {
				granted++
			} else {
				refused++
			}
		case op < 8:
			if err := s.KeepSlot(t.Context(), place, holder, slots); err != nil {
				t.Fatal(err)
			}
			model.keep(ms, holder, slots)
		default:
			if err := s.ReturnSlot(t.Context(), place, holder); err != nil {
				t.Fatal(err)
			}
			delete(model.slots, holder)
			had = 0
		}
		if len(model.slots) < had {
			died++
		}
		living := map[string]bool{}
		for field, value := range s.rdb.HGetAll(t.Context(), slotsKey(place)).Val() {
			var since, ends int64
			if _, err := fmt.Sscan(value, &since, &ends); err != nil {
				t.Fatalf("%s is %q", field, value)
			}
			if h, ok := strings.CutPrefix(field, "slot:"); ok && ends > ms {
				living[h] = true
				if model.slots[h] != ends {
					t.Fatalf("call %d: %s ends at %d, want %d", i, h, ends, model.slots[h])
				}
			}
		}
		if len(living) > slots {
			t.Fatalf("call %d: %d slots live", i, len(living))
		}
		for h, ends := range model.slots {
			if ends > ms && !living[h] {
				t.Fatalf("call %d: %s is not stored", i, h)
			}
		}
	}
	t.Logf("%d granted, %d refused, %d died", granted, refused, died)
	if granted < 100 || refused < 100 || died < 100 {
		t.Error("too little of something happened to prove anything")
	}
}

// One replica has a hundred queries to start and asks all the time, four have one
// now and then: whoever asked first is next all the same.
func TestNoAskerStarves(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	now, got := noon, map[string]int{}
	var held []string
	ask := func(asker string) {
		now = now.Add(20 * time.Millisecond)
		m.SetTime(now)
		if holder := fmt.Sprint(asker, "-", got[asker]); take(t, s, holder, asker, 2) {
			got[asker]++
			held = append(held, holder)
		}
	}
	for range 200 {
		for range 8 {
			ask("busy")
		}
		for other := range 4 {
			ask(fmt.Sprint("other-", other))
		}
		if err := s.ReturnSlot(t.Context(), place, held[0]); err != nil {
			t.Fatal(err)
		}
		held = held[1:]
	}
	t.Logf("%v", got)
	for asker, n := range got {
		if n < 30 || n > 60 { // 40 is a fifth
			t.Errorf("%s got %d of 200 slots", asker, n)
		}
	}
}

// After a failover the clock may be another: what an earlier one wrote holds
// nobody up.
func TestAClockThatGoesBackHoldsNobodyUp(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	m.SetTime(noon)
	for range 9 {
		if _, err := s.BookTurn(t.Context(), place, "LookupEvents", time.Second, 1, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	take(t, s, "a1", "a", 1)
	m.SetTime(noon.Add(-time.Hour))
	if wait, err := s.BookTurn(t.Context(), place, "LookupEvents", time.Second, 1, time.Hour); err != nil || wait != 0 {
		t.Errorf("the next turn is in %s, %v", wait, err)
	}
	if !take(t, s, "b1", "b", 1) {
		t.Error("a slot of the other clock is still held")
	}
}

func TestLimitsSayThatRedisIsAway(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	m.Close()
	for name, call := range map[string]func(context.Context) error{
		"book":   func(ctx context.Context) error { _, err := s.BookTurn(ctx, place, "LookupEvents", 1, 1, 1); return err },
		"take":   func(ctx context.Context) error { _, err := s.TakeSlot(ctx, place, "a1", "a", 1, 1, 1); return err },
		"keep":   func(ctx context.Context) error { return s.KeepSlot(ctx, place, "a1", 1) },
		"return": func(ctx context.Context) error { return s.ReturnSlot(ctx, place, "a1") },
	} {
		if err := call(t.Context()); err == nil || !strings.Contains(err.Error(), ErrUnavailable.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "STATE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(limits) == 0 {
		t.Error("no script was found in the code")
	}
	for _, sc := range limits {
		if !strings.Contains(string(raw), "| `"+sc.name+"` |") {
			t.Errorf("docs/STATE.md does not have the script %s", sc.name)
		}
	}
}
