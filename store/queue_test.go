package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

func working(t *testing.T, s *Store, tasks Tasks) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Work(ctx, tasks); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if err := s.Watchdog(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func plan(run func(context.Context, playbook.StepID) error) playbook.Plan {
	step := func(n int, id playbook.StepID, needs ...playbook.StepID) playbook.Step {
		return playbook.Step{N: n, ID: id, Title: "t", Doc: "d", Needs: needs, Timeout: time.Minute,
			Run: func(ctx context.Context, _ playbook.Pass) (playbook.Evidence, error) {
				return playbook.Evidence{Status: playbook.Clear, Summary: "looked at " + string(id)}, run(ctx, id)
			}}
	}
	return playbook.Plan{step(1, "aa"), step(2, "bb"), step(3, "cc", "aa", "bb")}
}

func investigate(s *Store, p playbook.Plan) func(context.Context, playbook.Investigation) error {
	return func(ctx context.Context, inv playbook.Investigation) error {
		e := engine.Engine{Plan: p, Journal: s, Judge: judge, Watch: func(ev engine.Event) {
			if ev.Started {
				s.Start(ctx, inv.Request.ID, ev.Step.ID)
			}
		}}
		_, err := e.Run(ctx, inv.Request)
		return err
	}
}

func judge(r playbook.Request, done playbook.Outcomes) playbook.Report {
	report := playbook.Report{Request: r, Diagnosis: playbook.Diagnosis{Verdict: playbook.NoCorrelation}}
	for _, o := range done {
		report.Steps = append(report.Steps, o)
	}
	slices.SortFunc(report.Steps, func(a, b playbook.Outcome) int { return a.N - b.N })
	return report
}

func quick(context.Context, playbook.StepID) error { return nil }

func commandToReport(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	working(t, other, Tasks{Investigate: investigate(other, plan(quick))})
	id := accept(t, s, asked("payments-api"))
	took := eventually(t, "the report", 5*time.Second, func() bool { return load(t, s, id).State == playbook.Finished })
	inv := load(t, s, id)
	if len(inv.Report.Steps) != 3 || len(inv.Started) != 3 || inv.Started[2] != "cc" {
		t.Errorf("%d steps, started %v", len(inv.Report.Steps), inv.Started)
	}
	t.Logf("from command to report on another replica: %s", took)
}

func stuck(started chan<- struct{}) func(context.Context, playbook.StepID) error {
	return func(ctx context.Context, id playbook.StepID) error {
		if id != "cc" {
			return nil
		}
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
}

func leavingHandsBack(t *testing.T, url string) {
	first, second := replica(t, url), replica(t, url)
	started := make(chan struct{}, 1)
	left := make(chan error, 1)
	stop := working(t, first, Tasks{Investigate: func(ctx context.Context, inv playbook.Investigation) error {
		err := investigate(first, plan(stuck(started)))(ctx, inv)
		left <- context.Cause(ctx)
		return err
	}})
	id := accept(t, first, asked("payments-api"))
	<-started
	working(t, second, Tasks{Investigate: investigate(second, plan(quick))})
	begun := time.Now()
	stop()
	eventually(t, "the report of the other replica", 8*time.Second, func() bool { // a watchdog would wait 10 s
		return load(t, second, id).State == playbook.Finished
	})
	if cause := <-left; !errors.Is(cause, ErrHandedBack) {
		t.Errorf("the first one left with %v", cause)
	}
	t.Logf("from SIGTERM to the other replica's report: %s", time.Since(begun).Round(time.Millisecond))
}

func silentIsBegunAgain(t *testing.T, url string) {
	dead, s := replica(t, url), replica(t, url)
	id := accept(t, s, asked("payments-api"))
	// A worker takes the task, begins, and is gone: no heartbeat, no end.
	token := begin(t, dead, id)
	settle(t, dead, id, token, outcome(1, "aa"))
	dropTask(t, dead, id)
	if n, err := s.Resume(t.Context(), time.Hour); err != nil || n != 0 {
		t.Errorf("%d resumed before they were silent, %v", n, err)
	}
	resumed := 0
	eventually(t, "the resume", time.Second, func() bool {
		n, err := s.Resume(t.Context(), 5*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		resumed += n
		return resumed == 1
	})
	if err := dead.heartbeat(t.Context(), id, "", token); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the silent worker comes back: %v", err)
	}
	ran := make(chan playbook.StepID, 9)
	working(t, s, Tasks{Investigate: investigate(s, plan(func(_ context.Context, id playbook.StepID) error { ran <- id; return nil }))})
	eventually(t, "the report", 3*time.Second, func() bool { return load(t, s, id).State == playbook.Finished })
	if n := len(ran); n != 2 {
		t.Errorf("%d steps were run, want the 2 that had not settled", n)
	}
}

func dropTask(t *testing.T, s *Store, id string) {
	t.Helper()
	if err := s.rdb.LRem(t.Context(), "asynq:{stsleuth}:pending", 0, task{ID: id, Try: 1}.name()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.rdb.HSet(t.Context(), "asynq:{stsleuth}:t:"+task{ID: id, Try: 1}.name(), "state", "active").Err(); err != nil {
		t.Fatal(err)
	}
}

func waitingIsNotSilent(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	for range 3 {
		<-time.After(5 * time.Millisecond)
		if n, err := s.Resume(t.Context(), time.Millisecond); err != nil || n != 0 {
			t.Errorf("%d resumed, %v", n, err)
		}
	}
	// The queue lost it (a crash between storing and queueing): it is begun again.
	if err := s.rdb.Del(t.Context(), "asynq:{stsleuth}:t:"+task{ID: id, Try: 1}.name()).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the resume", time.Second, func() bool {
		n, err := s.Resume(t.Context(), time.Millisecond)
		return err == nil && n == 1
	})
}

func fallsTooOften(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	p, _, err := s.Press(t.Context(), playbook.Delivery{}, id, "mfa", bob, 0)
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	eventually(t, "giving up", 10*time.Second, func() bool {
		for _, key := range []string{"asynq:{stsleuth}:pending"} {
			for _, name := range s.rdb.LRange(t.Context(), key, 0, -1).Val() { // every task's worker is killed
				s.rdb.LRem(t.Context(), key, 0, name)
				s.rdb.HSet(t.Context(), "asynq:{stsleuth}:t:"+name, "state", "active")
			}
		}
		if _, err := s.Resume(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		tries++
		inv := load(t, s, id)
		return inv.State == playbook.Failed && inv.Presses[0].State == playbook.Failed
	})
	inv := load(t, s, id)
	if inv.Problem == "" || inv.Presses[0].Outcome == nil || inv.Presses[0].ID != p.ID {
		t.Errorf("it was not said why: %+v", inv)
	}
	if f, _ := s.Figures(t.Context()); f.Going != 0 {
		t.Errorf("%d still going", f.Going)
	}
}

func aStop(t *testing.T, url string) {
	s, other := replica(t, url), replica(t, url)
	started, left := make(chan struct{}, 1), make(chan error, 1)
	working(t, s, Tasks{Investigate: func(ctx context.Context, inv playbook.Investigation) error {
		err := investigate(s, plan(stuck(started)))(ctx, inv)
		left <- context.Cause(ctx)
		return err
	}})
	id := accept(t, s, asked("payments-api"))
	<-started
	begun := time.Now()
	if ok, err := other.Cancel(t.Context(), id, bob); err != nil || !ok {
		t.Fatalf("cancel: %t, %v", ok, err)
	}
	select {
	case cause := <-left:
		if !errors.Is(cause, ErrStopped) {
			t.Errorf("the worker left with %v", cause)
		}
		t.Logf("from the press to the worker's leaving: %s", time.Since(begun).Round(time.Millisecond))
	case <-time.After(2 * time.Second):
		t.Error("the worker still runs after 2 s")
	}
	if inv := load(t, s, id); inv.State != playbook.Stopped || inv.StoppedBy != bob {
		t.Errorf("state %s, stopped by %v", inv.State, inv.StoppedBy)
	}
	if ok, err := s.Cancel(t.Context(), id, alice); err != nil || ok {
		t.Errorf("a second stop: %t, %v", ok, err)
	}
	if _, err := s.Cancel(t.Context(), "inv_none", alice); !errors.Is(err, ErrUnknown) {
		t.Errorf("a stop of what is unknown: %v", err)
	}
}
