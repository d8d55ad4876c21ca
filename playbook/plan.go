package playbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Plan is the steps of an investigation in the order in which people read them.
type Plan []Step

// Step finds a step by id.
func (p Plan) Step(id StepID) (Step, bool) {
	i := slices.IndexFunc(p, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return p[i], true
}

var (
	idSpelling     = regexp.MustCompile(`^[a-z][a-z0-9-]*[a-z0-9]$`)
	actionSpelling = regexp.MustCompile(`^[a-z0-9-]+:[A-Z][A-Za-z]+$`)
)

// Validate refuses a plan that could not run or could not be explained: it is
// called at start, so that a slip is found before the first incident.
func (p Plan) Validate() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[StepID]bool{}
	for i, s := range p {
		switch {
		case !idSpelling.MatchString(string(s.ID)):
			fail("step %d: id %q is not lower-case words with dashes", i+1, s.ID)
		case seen[s.ID]:
			fail("step %s: there are two of it", s.ID)
		}
		seen[s.ID] = true
		if s.N != i+1 {
			fail("step %s: number %d stands at place %d", s.ID, s.N, i+1)
		}
		if s.Title == "" {
			fail("step %s: no title", s.ID)
		}
		if s.Doc == "" {
			fail("step %s: no doc", s.ID)
		}
		if s.Timeout <= 0 {
			fail("step %s: no timeout", s.ID)
		}
		if s.Run == nil {
			fail("step %s: no run", s.ID)
		}
		for _, a := range s.Actions {
			if !actionSpelling.MatchString(a) {
				fail("step %s: %q is not an IAM action", s.ID, a)
			}
		}
	}
	for _, s := range p {
		for _, need := range s.Needs {
			if !seen[need] {
				fail("step %s: needs %s, which is not in the plan", s.ID, need)
			}
		}
	}
	if cycle := p.cycle(); cycle != nil {
		fail("steps need each other in a circle: %v", cycle)
	}
	return errors.Join(errs...)
}

// cycle finds steps that wait for each other, nil when there are none.
func (p Plan) cycle() []StepID {
	const inProgress, finished = 1, 2
	state := map[StepID]int{}
	var path []StepID
	var visit func(StepID) []StepID
	visit = func(id StepID) []StepID {
		path = append(path, id)
		defer func() { path = path[:len(path)-1] }()
		switch state[id] {
		case finished:
			return nil
		case inProgress:
			return slices.Clone(path[slices.Index(path, id):])
		}
		state[id] = inProgress
		s, _ := p.Step(id)
		for _, need := range s.Needs {
			if c := visit(need); c != nil {
				return c
			}
		}
		state[id] = finished
		return nil
	}
	for _, s := range p {
		if c := visit(s.ID); c != nil {
			return c
		}
	}
	return nil
}

// Settle turns a step's evidence into an outcome. It proves that the facts
// survive JSON: a fact that would be lost in a crash fails here, on its first
// run, and not on the first bad night.
func (s Step) Settle(e Evidence, tookMS int64) (Outcome, error) {
	o := Outcome{N: s.N, Step: s.ID, Status: e.Status, Partial: e.Partial, Summary: e.Summary, Proof: e.Proof,
		Unseen: e.Unseen, Missing: e.Missing, Corrections: e.Corrections, TookMS: tookMS}
	if e.Status == Unasked {
		return Outcome{}, fmt.Errorf("settle %s: the step did not say how it ended", s.ID)
	}
	if e.Summary == "" {
		return Outcome{}, fmt.Errorf("settle %s: the step has no summary", s.ID)
	}
	if o.Proof == nil {
		o.Proof = []Proof{}
	}
	o.Facts = json.RawMessage("{}")
	if e.Facts != nil {
		raw, err := survives(e.Facts)
		if err != nil {
			return Outcome{}, fmt.Errorf("settle %s: %w", s.ID, err)
		}
		o.Facts = raw
	}
	return o, nil
}
