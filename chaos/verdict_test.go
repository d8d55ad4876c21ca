package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
)

// told is what is up of an investigation, in a finished thread.
var told = []string{"parent", "evidence/role-and-health", "evidence/sts-errors", "evidence/role-config", "evidence/sts-metrics", "evidence/sessions",
	"evidence/app-errors", "evidence/cross-account", "evidence/trust-changes", "evidence/federation", "trace"}

// settled waits until every investigation has ended and everything is told.
func (w *world) settled(questions int, within time.Duration) time.Duration {
	w.t.Helper()
	var last playbook.Figures
	var all []playbook.Investigation
	defer func() {
		if w.t.Failed() {
			w.t.Logf("at the end: %+v", last)
			for _, inv := range all {
				if !inv.State.Ended() {
					w.t.Logf("%s, %s in %s, is %s", inv.Request.ID, inv.Request.Target.Role, inv.Request.Target.Region, inv.State)
				}
			}
		}
	}()
	return until(w.t, "every investigation has ended and is told", within, func() bool {
		var err error
		if last, err = w.state.Figures(w.t.Context()); err != nil {
			return false
		}
		if all, err = w.state.List(w.t.Context(), playbook.Filter{Limit: 1000}); err != nil || len(all) < questions {
			return false
		}
		return last.Going == 0 && last.Waiting == 0 && last.Cards == 0
	})
}

// ended reads what became of the questions: one investigation each, and no
// other one.
func (w *world) ended(questions []question) []playbook.Investigation {
	w.t.Helper()
	listed, err := w.state.List(w.t.Context(), playbook.Filter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	count := map[string]int{}
	var all []playbook.Investigation
	for _, l := range listed {
		inv, err := w.state.Load(w.t.Context(), l.Request.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		count[about(inv)]++
		all = append(all, inv)
		if inv.State != playbook.Finished {
			w.t.Errorf("%s about %s is %s: %s", inv.Request.ID, about(inv), inv.State, inv.Problem)
		}
	}
	for _, q := range questions {
		if n := count[q.role+" "+q.region]; n != 1 {
			w.t.Errorf("%s in %s was investigated %d times", q.role, q.region, n)
		}
	}
	if len(all) != len(questions) {
		w.t.Errorf("%d investigations of %d questions", len(all), len(questions))
	}
	dead, err := w.state.DeadLetters(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range dead {
		w.t.Errorf("%s of %s was given up on: %s", d.Message.ID(), d.Message.Investigation, d.Reason)
	}
	return all
}

func about(inv playbook.Investigation) string {
	return inv.Request.Target.Role + " " + inv.Request.Target.Region
}

// once looks at all threads: each message once and in order. It returns how
// many messages there are and how many of them should not be.
func (w *world) once(all []playbook.Investigation) (messages, twice int) {
	w.t.Helper()
	parents := map[string][]message{}
	for _, channel := range channels {
		for _, m := range w.messages(channel, "") {
			switch {
			case m.Metadata == nil:
			case m.Metadata.Payload.Message == "parent":
				parents[m.Metadata.Payload.ID] = append(parents[m.Metadata.Payload.ID], m)
			default:
				w.t.Errorf("%s of %s is beside its thread", m.Metadata.Payload.Message, m.Metadata.Payload.ID)
			}
		}
	}
	for _, inv := range all {
		id := inv.Request.ID
		up := parents[id]
		delete(parents, id)
		if len(up) != 1 {
			w.t.Errorf("%s has %d parents", id, len(up))
			twice += max(0, len(up)-1)
			continue
		}
		thread := w.messages(inv.Place.Channel, up[0].TS)
		messages += len(thread)
		if len(thread) == 0 {
			w.t.Errorf("the thread of %s is empty", id)
			continue
		}
		if !strings.HasPrefix(thread[0].Text, "Diagnosis") {
			w.t.Errorf("the parent of %s does not show its diagnosis: %s", id, thread[0].Text)
		}
		twice += w.inOrder(id, thread)
	}
	for id := range parents {
		w.t.Errorf("a parent of %s, which is not stored", id)
	}
	return messages, twice
}

// inOrder compares a thread with the order in which its messages were queued.
func (w *world) inOrder(id string, thread []message) (twice int) {
	w.t.Helper()
	count := map[string]int{}
	var names []string
	var queued, before int64
	for _, m := range thread {
		for _, f := range m.Files {
			count["file "+f.Name]++
		}
		if m.Metadata == nil {
			continue
		}
		name := m.Metadata.Payload.Message
		names = append(names, name)
		count[name]++
		if queued = w.field(id, "queued:"+name); queued < before {
			w.t.Errorf("%s of %s is behind what was queued later: %v", name, id, names)
		}
		before = queued
	}
	for _, name := range told {
		if count[name] == 0 {
			w.t.Errorf("%s of %s is missing", name, id)
		}
	}
	for name, n := range count {
		if n > 1 {
			twice += n - 1
			w.t.Errorf("%s of %s is there %d times", name, id, n)
		}
	}
	if len(names) == 0 || names[0] != "parent" || names[len(names)-1] != "trace" {
		w.t.Errorf("the thread of %s is not in order: %v", id, names)
	}
	return twice
}

// undisturbed asks each question again with nothing broken, at the same moment,
// and compares what comes out. It returns how many differ.
func (w *world) undisturbed(all []playbook.Investigation) (differ int) {
	w.t.Helper()
	var mu sync.Mutex
	var asking sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, inv := range all {
		if inv.Report == nil {
			continue
		}
		asking.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			reference, err := w.investigate(w.t.Context(), inv.Request)
			if err != nil {
				w.t.Error(err)
				return
			}
			if d := cmp.Diff(essence(w.t, reference), essence(w.t, *inv.Report)); d != "" {
				w.t.Errorf("%s about %s differs from an undisturbed run:\n%s", inv.Request.ID, about(inv), d)
				mu.Lock()
				differ++
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	return differ
}

func (w *world) investigate(ctx context.Context, q playbook.Request) (r playbook.Report, err error) {
	cmd := exec.CommandContext(ctx, program, "investigate", q.Target.Role, q.Target.Region, "--at", q.At.Format(time.RFC3339), "-o", "json")
	cmd.Env = w.awsEnv()
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("investigate %s in %s undisturbed: %w", q.Target.Role, q.Target.Region, err)
	}
	return r, json.Unmarshal(out, &r)
}

// essence is what must not depend on how often something was tried: the
// diagnosis, word by word, the rules, and what each step found.
func essence(t testing.TB, r playbook.Report) any {
	t.Helper()
	type step struct {
		Step    playbook.StepID
		Status  string
		Summary string
		Facts   any
	}
	out := struct {
		Diagnosis, Rules any
		Steps            []step
	}{plain(t, r.Diagnosis), plain(t, r.Rules), nil}
	for _, o := range r.Steps {
		out.Steps = append(out.Steps, step{o.Step, o.Status.String(), o.Summary, plain(t, o.Facts)})
	}
	slices.SortFunc(out.Steps, func(a, b step) int { return strings.Compare(string(a.Step), string(b.Step)) })
	return out
}

// plain is a value as its JSON says it, so that nil and empty are the same where
// they are written the same.
func plain(t testing.TB, v any) (out any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Error(err)
	}
	if list, ok := out.([]any); ok && len(list) == 0 {
		return nil
	}
	if o, ok := out.(map[string]any); ok {
		for k, v := range o {
			if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
				delete(o, k)
			}
		}
	}
	return out
}

// met counts the calls that a fault hit.
func (w *world) met() (slack, aws int) {
	w.t.Helper()
	var s struct {
		Calls []struct{ Fault bool }
	}
	w.control(http.MethodGet, w.slack, "calls", nil, &s)
	for _, c := range s.Calls {
		if c.Fault {
			slack++
		}
	}
	var a struct {
		Calls []struct{ Code string }
	}
	w.control(http.MethodGet, w.aws, "calls", nil, &a)
	for _, c := range a.Calls {
		if slices.Contains([]string{"Throttling", "ThrottlingException", "InternalFailure", "ServiceUnavailable"}, c.Code) {
			aws++
		}
	}
	return slack, aws
}
