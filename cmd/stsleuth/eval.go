package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

type evalCmd struct {
	Dirs   []string `arg:"" type:"existingdir" help:"Folders that hold captures, at any depth."`
	Output string   `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// compared is a wanted and a given value.
type compared struct {
	Want string `json:"want"`
	Got  string `json:"got"`
}

type comparedStep struct {
	ID   playbook.StepID `json:"id"`
	Want string          `json:"want"`
	Got  string          `json:"got"`
}

// evaluation is how one capture came out; the keys are the published ones.
type evaluation struct {
	Name      string         `json:"name"`
	Pass      bool           `json:"pass"`
	Verdict   compared       `json:"verdict"`
	Primary   compared       `json:"primary"`
	Missing   []string       `json:"missing"`
	False     []string       `json:"false"`
	Forbidden []string       `json:"forbidden"`
	Steps     []comparedStep `json:"steps"`
	Error     string         `json:"error"`
}

type evalTotals struct {
	Captures     int `json:"captures"`
	Passed       int `json:"passed"`
	PrimaryRight int `json:"primary_right"`
	VerdictRight int `json:"verdict_right"`
	FalseCauses  int `json:"false_causes"`
	Forbidden    int `json:"forbidden"`
}

// Run judges every capture that says what it expects.
func (c *evalCmd) Run(ctx context.Context, s streams) error {
	dirs, err := capture.FindAll(c.Dirs...)
	if err != nil {
		return err
	}
	all := evaluateAll(ctx, dirs)
	t := total(all)
	if c.Output == "json" {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"captures": all, "totals": t}); err != nil {
			return err
		}
	} else {
		writeEval(s.out, all, t)
	}
	if t.Captures == 0 {
		return fmt.Errorf("no capture with an expect block below %v", c.Dirs)
	}
	if t.Passed != t.Captures {
		return fmt.Errorf("%d of %d captures do not come out as expected", t.Captures-t.Passed, t.Captures)
	}
	return nil
}

// evalAtOnce is how many captures run side by side: most of one is waiting.
const evalAtOnce = 8

// evaluateAll runs captures side by side; the order stays theirs.
func evaluateAll(ctx context.Context, dirs []string) []evaluation {
	results := make([]*evaluation, len(dirs))
	var g errgroup.Group
	g.SetLimit(evalAtOnce)
	for i, dir := range dirs {
		g.Go(func() error {
			if e, ok := evaluate(ctx, dir); ok {
				results[i] = &e
			}
			return nil
		})
	}
	g.Wait()
	all := []evaluation{}
	for _, e := range results {
		if e != nil {
			all = append(all, *e)
		}
	}
	return all
}

// evaluate runs one capture; false where it does not say what to expect.
func evaluate(ctx context.Context, dir string) (evaluation, bool) {
	e := evaluation{Name: filepath.Base(dir), Missing: []string{}, False: []string{}, Forbidden: []string{}, Steps: []comparedStep{}}
	o, err := openCapture(ctx, dir, "", awsemu.Options{QueryDuration: -1})
	if err != nil {
		e.Error = err.Error()
		return e, true
	}
	defer o.Close()
	if o.incident.Expect == nil {
		return e, false
	}
	req, err := o.question().request(o.incident.Now, "")
	var r playbook.Report
	var plan playbook.Plan
	if err == nil {
		plan, err = o.aws.Plan()
	}
	if err == nil {
		r, err = app.Investigate(ctx, plan, req, nil, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		e.Error = err.Error()
		return e, true
	}
	e.judge(*o.incident.Expect, r)
	return e, true
}

// judge compares by the rules of the capture format: the primary cause first,
// every "also" there, nothing beside them but what "may" be, nothing of "never".
func (e *evaluation) judge(want capture.Expect, r playbook.Report) {
	var got []string
	for _, f := range r.Diagnosis.Causes {
		got = append(got, string(f.Cause))
	}
	e.Verdict = compared{want.Verdict, r.Diagnosis.Verdict.String()}
	e.Primary.Want = want.Primary
	if len(got) > 0 {
		e.Primary.Got = got[0]
	}
	for _, id := range want.Also {
		if !slices.Contains(got, id) {
			e.Missing = append(e.Missing, id)
		}
	}
	for _, id := range got {
		if id != want.Primary && !slices.Contains(want.Also, id) && !slices.Contains(want.May, id) {
			e.False = append(e.False, id)
		}
		if slices.Contains(want.Never, id) {
			e.Forbidden = append(e.Forbidden, id)
		}
	}
	stepsRight := true
	for _, id := range slices.Sorted(maps.Keys(want.Steps)) {
		c := comparedStep{ID: playbook.StepID(id), Want: want.Steps[id], Got: playbook.Unasked.String()}
		for _, o := range r.Steps {
			if o.Step == c.ID {
				c.Got = o.Status.String()
			}
		}
		stepsRight = stepsRight && c.Got == c.Want
		e.Steps = append(e.Steps, c)
	}
	e.Pass = e.Verdict.Want == e.Verdict.Got && e.Primary.Want == e.Primary.Got &&
		len(e.Missing)+len(e.False)+len(e.Forbidden) == 0 && stepsRight
}

func total(all []evaluation) evalTotals {
	t := evalTotals{Captures: len(all)}
	for _, e := range all {
		if e.Pass {
			t.Passed++
		}
		if e.Error == "" && e.Primary.Want == e.Primary.Got {
			t.PrimaryRight++
		}
		if e.Error == "" && e.Verdict.Want == e.Verdict.Got {
			t.VerdictRight++
		}
		t.FalseCauses += len(e.False)
		t.Forbidden += len(e.Forbidden)
	}
	return t
}

func writeEval(w io.Writer, all []evaluation, t evalTotals) {
	for _, e := range all {
		mark := "pass"
		if !e.Pass {
			mark = "FAIL"
		}
		fmt.Fprintf(w, "%s  %-36s %s %s\n", mark, e.Name, e.Verdict.Got, e.Primary.Got)
		if e.Pass {
			continue
		}
		if e.Error != "" {
			fmt.Fprintf(w, "      could not run: %s\n", e.Error)
			continue
		}
		if e.Verdict.Want != e.Verdict.Got {
			fmt.Fprintf(w, "      verdict: want %s\n", e.Verdict.Want)
		}
		if e.Primary.Want != e.Primary.Got {
			fmt.Fprintf(w, "      first cause: want %q\n", e.Primary.Want)
		}
		for _, p := range []struct {
			what string
			ids  []string
		}{{"missing", e.Missing}, {"false", e.False}, {"forbidden", e.Forbidden}} {
			if len(p.ids) > 0 {
				fmt.Fprintf(w, "      %s: %v\n", p.what, p.ids)
			}
		}
		for _, c := range e.Steps {
			if c.Want != c.Got {
				fmt.Fprintf(w, "      step %s: want %s, got %s\n", c.ID, c.Want, c.Got)
			}
		}
	}
	fmt.Fprintf(w, "%d of %d captures pass; first cause right in %d, verdict right in %d, %d false, %d forbidden\n",
		t.Passed, t.Captures, t.PrimaryRight, t.VerdictRight, t.FalseCauses, t.Forbidden)
}
