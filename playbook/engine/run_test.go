package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
)

type seen struct {
	Of playbook.StepID `json:"of"`
	On []string        `json:"on"`
}

// diamond is a plan in which b and c need a, and d needs both.
func diamond(run func(playbook.StepID, context.Context, playbook.Pass) (playbook.Evidence, error)) playbook.Plan {
	step := func(n int, id playbook.StepID, needs ...playbook.StepID) playbook.Step {
		return playbook.Step{N: n, ID: id, Title: "t", Doc: "d", Needs: needs, Timeout: time.Minute,
			Run: func(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) { return run(id, ctx, p) }}
	}
	return playbook.Plan{step(1, "aa"), step(2, "bb", "aa"), step(3, "cc", "aa"), step(4, "dd", "bb", "cc")}
}

func sawNeeds(id playbook.StepID, p playbook.Pass) playbook.Evidence {
	var on []string
	for need := range p.Done {
		on = append(on, string(need))
	}
	slices.Sort(on)
	return playbook.Evidence{Status: playbook.Clear, Summary: "done " + string(id), Facts: seen{id, on}}
}

func judge(r playbook.Request, done playbook.Outcomes) playbook.Report {
	report := playbook.Report{Request: r}
	for _, o := range done {
		report.Steps = append(report.Steps, o)
	}
	slices.SortFunc(report.Steps, func(a, b playbook.Outcome) int { return a.N - b.N })
	return report
}

var request = playbook.Request{ID: "inv_test"}

func summaries(r playbook.Report) []string {
	var out []string
	for _, s := range r.Steps {
		out = append(out, fmt.Sprintf("%s %s %s", s.Step, s.Status, s.Summary))
	}
	return out
}

func TestStepsSeeWhatTheyNeedAndNothingElse(t *testing.T) {
	var j Memory
	plan := diamond(func(id playbook.StepID, _ context.Context, p playbook.Pass) (playbook.Evidence, error) {
		return sawNeeds(id, p), nil
	})
	r, err := Engine{Plan: plan, Judge: judge, Journal: &j}.Run(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Steps {
		got = append(got, string(s.Facts))
	}
	want := []string{`{"of":"aa","on":null}`, `{"of":"bb","on":["aa"]}`, `{"of":"cc","on":["aa"]}`, `{"of":"dd","on":["bb","cc"]}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if j.Report(request.ID) == nil {
		t.Error("the report was not stored")
	}
}

// Two steps that wait for each other can only both end if they run at once.
func TestIndependentStepsRunAtOnce(t *testing.T) {
	meet := make(chan struct{})
	plan := diamond(func(id playbook.StepID, ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
		switch id {
		case "bb":
			meet <- struct{}{}
		case "cc":
			<-meet
		}
		return sawNeeds(id, p), nil
	})
	if _, err := (Engine{Plan: plan, Judge: judge, Journal: new(Memory)}).Run(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

func TestOneStepsFaultNeverStopsTheRest(t *testing.T) {
	denied := &playbook.Problem{Status: playbook.Denied, Text: "AWS refused cloudtrail:LookupEvents.", Action: "cloudtrail:LookupEvents"}
	for name, tc := range map[string]struct {
		run  func(context.Context) (playbook.Evidence, error)
		want string
	}{
		"a panic is an internal error": {
			func(context.Context) (playbook.Evidence, error) { panic("boom") },
			"bb broken Internal error in this step; the log has the cause under inv_test."},
		"an error that was not written for people stays in the log": {
			func(context.Context) (playbook.Evidence, error) {
				return playbook.Evidence{}, errors.New("secret detail")
			},
			"bb broken Internal error in this step; the log has the cause under inv_test."},
		"a problem is told": {
			func(context.Context) (playbook.Evidence, error) {
				return playbook.Evidence{}, fmt.Errorf("wrapped: %w", denied)
			},
			"bb denied AWS refused cloudtrail:LookupEvents."},
		"a step that does not end is timed out": {
			func(ctx context.Context) (playbook.Evidence, error) {
				<-ctx.Done()
				return playbook.Evidence{}, ctx.Err()
			},
			"bb timed-out This step did not end within its 1m0s."},
		"a step without a status is broken": {
			func(context.Context) (playbook.Evidence, error) { return playbook.Evidence{Summary: "x"}, nil },
			"bb broken Internal error in this step; the log has the cause under inv_test."},
		"facts that JSON loses are an internal error": {
			func(context.Context) (playbook.Evidence, error) {
				return playbook.Evidence{Status: playbook.Clear, Summary: "x", Facts: map[string]any{"f": func() {}}}, nil
			},
			"bb broken Internal error in this step; the log has the cause under inv_test."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan := diamond(func(id playbook.StepID, ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
					if id == "bb" {
						return tc.run(ctx)
					}
					return sawNeeds(id, p), nil
				})
				r, err := Engine{Plan: plan, Judge: judge, Journal: new(Memory)}.Run(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				want := []string{"aa clear done aa", tc.want, "cc clear done cc", "dd clear done dd"}
				if diff := cmp.Diff(want, summaries(r)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestWhatWasSeenBeforeAnErrorIsKept(t *testing.T) {
	plan := diamond(func(id playbook.StepID, _ context.Context, p playbook.Pass) (playbook.Evidence, error) {
		ev := sawNeeds(id, p)
		if id == "cc" {
			return ev, &playbook.Problem{Status: playbook.Denied, Text: "AWS refused iam:GetPolicy.", Action: "iam:GetPolicy"}
		}
		return ev, nil
	})
	r, err := Engine{Plan: plan, Judge: judge, Journal: new(Memory)}.Run(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Steps[2]
	if c.Status != playbook.Denied || c.Summary != "done cc" || !slices.Equal(c.Missing, []string{"iam:GetPolicy"}) || !slices.Equal(c.Unseen, []string{"AWS refused iam:GetPolicy."}) {
		t.Errorf("got %+v", c)
	}
}

// Run may not return while a step is still inside AWS.
func TestCancellingWaitsForEveryStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by a person")
		var mu sync.Mutex
		left := 0
		plan := diamond(func(id playbook.StepID, ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
			if id == "aa" {
				return sawNeeds(id, p), nil
			}
			<-ctx.Done()
			time.Sleep(3 * time.Second) // fake time: a query is being stopped
			mu.Lock()
			left++
			mu.Unlock()
			return playbook.Evidence{}, ctx.Err()
		})
		var j Memory
		ended := make(chan error)
		go func() {
			_, err := Engine{Plan: plan, Judge: judge, Journal: &j}.Run(ctx, request)
			ended <- err
		}()
		synctest.Wait()
		cancel(stopped)
		if err := <-ended; !errors.Is(err, stopped) {
			t.Errorf("got %v, want the cause of the cancellation", err)
		}
		if left != 2 {
			t.Errorf("%d steps had left when Run returned, want 2", left)
		}
		_, done, _ := j.Begin(t.Context(), request.ID)
		if len(done) != 1 {
			t.Errorf("%d steps are settled, want only the one that had ended", len(done))
		}
	})
}

// faulty wraps a journal and fails one call of it, before or after it landed.
type faulty struct {
	Journal
	mu    sync.Mutex
	call  int  // counts; guarded by mu
	at    int  // the call to fail
	after bool // it lands, and the answer is lost
	times int  // how often: more than patience lasts is a crash
}

var errLost = errors.New("connection lost")

func (f *faulty) pass(do func() error) error {
	f.mu.Lock()
	f.call++
	fail := f.call >= f.at && f.call < f.at+f.times
	f.mu.Unlock()
	if fail && !f.after {
		return errLost
	}
	err := do()
	if fail {
		return errLost
	}
	return err
}

func (f *faulty) Begin(ctx context.Context, id string) (t Token, o playbook.Outcomes, err error) {
	err = f.pass(func() (err error) { t, o, err = f.Journal.Begin(ctx, id); return err })
	return t, o, err
}

func (f *faulty) Settle(ctx context.Context, id string, t Token, o playbook.Outcome) (stands playbook.Outcome, err error) {
	err = f.pass(func() (err error) { stands, err = f.Journal.Settle(ctx, id, t, o); return err })
	return stands, err
}

func (f *faulty) Conclude(ctx context.Context, id string, t Token, r playbook.Report) error {
	return f.pass(func() error { return f.Journal.Conclude(ctx, id, t, r) })
}

// Every journal call of a run is failed in turn, before and after it landed,
// for a moment (the run waits) and for good (the process is gone and another
// one resumes). Nothing is lost, nothing is there twice, and an outcome that
// has landed is never replaced by a later run's.
func TestEveryJournalFault(t *testing.T) {
	const calls = 1 + 4 + 1 // begin, four settles, conclude
	for at := 1; at <= calls; at++ {
		for _, after := range []bool{false, true} {
			for _, times := range []int{1, 3, 1 << 30} {
				name := fmt.Sprintf("call %d, landed %t, %d times", at, after, times)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { journalFault(t, at, after, times) })
				})
			}
		}
	}
}

func journalFault(t *testing.T, at int, after bool, times int) {
	var j Memory
	runs := map[playbook.StepID]int{}
	var mu sync.Mutex
	plan := diamond(func(id playbook.StepID, _ context.Context, p playbook.Pass) (playbook.Evidence, error) {
		mu.Lock()
		defer mu.Unlock()
		runs[id]++
		ev := sawNeeds(id, p)
		ev.Summary = fmt.Sprintf("%s, run %d", id, runs[id])
		return ev, nil
	})
	first := &faulty{Journal: &j, at: at, after: after, times: times}
	told := map[playbook.StepID][]string{}
	watch := func(e Event) {
		if !e.Started {
			told[e.Step.ID] = append(told[e.Step.ID], e.Outcome.Summary)
		}
	}
	r, err := Engine{Plan: plan, Judge: judge, Journal: first, Watch: watch}.Run(t.Context(), request)
	landed := map[playbook.StepID]string{}
	_, done, _ := j.Begin(t.Context(), request.ID)
	for id, o := range done {
		landed[id] = o.Summary
	}
	if err != nil {
		if times < 1<<30 {
			t.Fatalf("a fault that passes must not end a run: %v", err)
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("got %v, want the journal's error", err)
		}
		r, err = Engine{Plan: plan, Judge: judge, Journal: &j, Watch: watch}.Run(t.Context(), request)
		if err != nil {
			t.Fatalf("resume: %v", err)
		}
	}
	if len(r.Steps) != 4 {
		t.Fatalf("%d steps in the report, want 4: something was lost", len(r.Steps))
	}
	for _, s := range r.Steps {
		if was, ok := landed[s.Step]; ok && s.Summary != was {
			t.Errorf("%s: %q had landed, the report says %q", s.Step, was, s.Summary)
		}
		if len(told[s.Step]) > 1 {
			t.Errorf("%s was told %d times: %s", s.Step, len(told[s.Step]), strings.Join(told[s.Step], " / "))
		}
	}
	if got := j.Report(request.ID); got == nil {
		t.Error("the report was not stored")
	} else if diff := cmp.Diff(summaries(r), summaries(*got)); diff != "" {
		t.Errorf("stored and returned report differ:\n%s", diff)
	}
}

func TestAnOlderRunIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j Memory
		plan := diamond(func(id playbook.StepID, ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
			if id == "aa" {
				// Another worker takes over while this one is inside AWS.
				if _, _, err := j.Begin(ctx, request.ID); err != nil {
					return playbook.Evidence{}, err
				}
			}
			return sawNeeds(id, p), nil
		})
		_, err := Engine{Plan: plan, Judge: judge, Journal: &j}.Run(t.Context(), request)
		if !errors.Is(err, ErrFenced) {
			t.Fatalf("got %v, want ErrFenced", err)
		}
		if _, done, _ := j.Begin(t.Context(), request.ID); len(done) != 0 {
			t.Errorf("the fenced run wrote %d outcomes", len(done))
		}
		if j.Report(request.ID) != nil {
			t.Error("the fenced run stored a report")
		}
	})
}
