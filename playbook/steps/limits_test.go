package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/store"
)

// slowLimits are of a process alone.
func slowLimits(t *testing.T, lookups pace, slots int) *Limits {
	t.Helper()
	l := NewLimits(myAccount, nil)
	l.quotas.lookups, l.quotas.slots = lookups, slots
	return l
}

// A process alone sends no more than AWS takes, and serves its investigations in
// the order in which they came.
func TestTurnsOfAProcessAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimits(myAccount, nil)
		begun := time.Now()
		var mu sync.Mutex
		var at []time.Duration // guarded by mu
		var order []int        // guarded by mu
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				if err := l.turn(t.Context(), "eu-west-1", l.quotas.lookups); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				at, order = append(at, time.Since(begun)), append(order, i)
			})
			synctest.Wait() // it stands in line before the next one comes
		}
		if err := l.turn(t.Context(), "us-east-1", l.quotas.lookups); err != nil || time.Since(begun) != 0 {
			t.Errorf("another region's turn came after %s, %v", time.Since(begun), err)
		}
		all.Wait()
		for i := range at {
			if order[i] != i || at[i] != time.Duration(i)*time.Second/LookupRate {
				t.Fatalf("turns came at %v, to %v", at, order)
			}
		}
	})
}

func TestSlotsOfAProcessAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimits(myAccount, nil)
		var running, most atomic.Int64
		var all sync.WaitGroup
		for range 3 * QuerySlots {
			all.Go(func() {
				s, err := l.slot(t.Context(), "eu-west-1")
				if err != nil {
					t.Error(err)
					return
				}
				defer s.free()
				most.Store(max(most.Load(), running.Add(1)))
				<-time.After(10 * time.Second)
				running.Add(-1)
			})
		}
		all.Wait()
		if most.Load() != QuerySlots {
			t.Errorf("%d queries ran at once, want %d", most.Load(), QuerySlots)
		}
	})
}

// What the SDK repeats by itself takes turns as well.
func TestARetryTakesATurn(t *testing.T) {
	e := thirty(t)
	e.server.AddFault(fault("cloudtrail:LookupEvents", "", capture.Fault{Throttle: true, Times: 2}))
	const every = 100 * time.Millisecond
	e.clients.Limits = slowLimits(t, pace{"LookupEvents", every, 1}, 1)
	one := byName
	one.Pages = 1
	begun := time.Now()
	a := run{e.clients, e.settings}.history(t.Context(), "eu-west-1", one, now.Add(-time.Hour), now, func(string) bool { return true })
	if a.Problem != nil || a.Proof.Calls != 3 || time.Since(begun) < 2*every {
		t.Errorf("%d calls in %s, %v", a.Proof.Calls, time.Since(begun), a.Problem)
	}
}

// A step that gets no slot says what it waited for, and never that it saw nothing.
func TestWithoutASlotAStepSaysWhatItWaitedFor(t *testing.T) {
	e := about(t, map[string]string{"logs/logs.yaml": "groups:\n" + group("/app/a", ", events: a.jsonl"), "logs/a.jsonl": events("s", expiredLine)})
	e.clients.Limits = slowLimits(t, pace{"LookupEvents", time.Millisecond, 1}, 1)
	held, err := e.clients.Limits.slot(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	r := run{e.clients, e.settings}
	q := insightsQuery{Region: "eu-west-1", Groups: []string{"/app/a"}, Text: "fields @message", From: now.Add(-time.Hour), To: now}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, &playbook.Problem{Status: playbook.TimedOut, Text: "This step did not end within its 2m0s."})
	defer cancel()
	a := r.insights(ctx, q, nil)
	if a.Problem == nil || a.Problem.Status != playbook.TimedOut || !strings.Contains(a.Problem.Text, "waited for a free Logs Insights slot in eu-west-1") {
		t.Errorf("%v", a.Problem)
	}
	if a.Proof.Calls != 0 || !strings.HasPrefix(a.Proof.Result, "not started") {
		t.Errorf("%d calls, %s", a.Proof.Calls, a.Proof.Result)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	step, _ := Plan(e.clients, e.settings).Step(playbook.AppErrors)
	evidence, err := step.Run(ctx, playbook.Pass{Request: e.request, Done: e.done.Only(step.Needs)})
	if err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprint(evidence.Summary, evidence.Unseen, evidence.Facts)
	if evidence.Status != playbook.TimedOut || !strings.Contains(told, "waited for a free Logs Insights slot") {
		t.Errorf("%s: %s", evidence.Status, told)
	}
	if n := e.server.Stats().Calls["logs:StartQuery"]; n != 0 {
		t.Errorf("%d queries were started without a slot", n)
	}
	held.free()
	if a := r.insights(t.Context(), q, func([]logtypes.ResultField) {}); a.Problem != nil {
		t.Errorf("with the slot free: %v", a.Problem)
	}
}

// shared opens one replica's view of a Redis of the test's.
func shared(t testing.TB, m *miniredis.Miniredis) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "redis://"+m.Addr(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Without Redis each process goes by its own count: nothing fails, nothing is
// without a limit. It asks again soon.
func TestWithoutRedisTheOwnLimitHolds(t *testing.T) {
	m := miniredis.RunT(t)
	l := NewLimits(myAccount, shared(t, m))
	l.quotas.lookups, l.quotas.slots = pace{"LookupEvents", 100 * time.Millisecond, 1}, 1
	m.Close()
	begun := time.Now()
	for range 4 {
		if err := l.turn(t.Context(), "eu-west-1", l.quotas.lookups); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took < 300*time.Millisecond || took > 4*time.Second {
		t.Errorf("four turns took %s", took)
	}
	held, err := l.slot(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := l.slot(ctx, "eu-west-1"); !errors.Is(err, errNoTurn) {
		t.Errorf("a second slot of one: %v", err)
	}
	held.free()
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.alone = time.Time{}
	l.mu.Unlock()
	held, err = l.slot(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	defer held.free()
	if keys, _ := m.HKeys("{stsleuth}:slots:" + myAccount + "/eu-west-1"); len(keys) != 1 {
		t.Errorf("Redis is back and has %v", keys)
	}
}

// A run that is stopped gives its slot back at once, whether its query runs or it
// still waits; another replica has it then.
func TestAStoppedRunGivesItsSlotBack(t *testing.T) {
	m := miniredis.RunT(t)
	e := about(t, nil)
	e.server.AddFault(fault("logs:GetQueryResults", "", capture.Fault{Stay: "Running"}))
	limits := func() *Limits {
		l := NewLimits(myAccount, shared(t, m))
		l.quotas.slots = 1
		return l
	}
	e.clients.Limits = limits()
	asked := make(chan struct{}, 1)
	real := e.clients.Logs
	e.clients.Logs = func(region string) Logs { return tellsWhen{real(region), asked} }
	ctx, stop := context.WithCancelCause(t.Context())
	q := insightsQuery{Region: "eu-west-1", Groups: []string{"trail-logs"}, Text: "fields @message", From: now.Add(-time.Hour), To: now}
	var runs sync.WaitGroup
	runs.Go(func() { run{e.clients, e.settings}.insights(ctx, q, nil) })
	<-asked
	runs.Go(func() { run{e.clients, e.settings}.insights(ctx, q, nil) }) // waits
	stop(errors.New("the person pressed stop"))
	runs.Wait()
	if calls := e.server.Stats().Calls; calls["logs:StartQuery"] != 1 || calls["logs:StopQuery"] != 1 {
		t.Errorf("calls %v", calls)
	}
	begun := time.Now()
	held, err := limits().slot(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	held.free()
	if took := time.Since(begun); took > 2*time.Second { // the line's patience, at most
		t.Errorf("the other replica had it after %s", took)
	}
	if m.Exists("{stsleuth}:slots:" + myAccount + "/eu-west-1") {
		t.Error("something of it is left in Redis")
	}
}

// A lease is kept long before it is over.
func TestALeaseIsKeptInTime(t *testing.T) {
	if keepSlotEvery+slowestPoll+5*time.Second > store.SlotLease {
		t.Errorf("kept every %s, lost after %s", keepSlotEvery, store.SlotLease)
	}
}
