package playbook

import (
	"errors"
	"fmt"
)

// RuleID names a rule; the seven ids are part of the product's contract.
type RuleID string

const (
	Onset              RuleID = "onset"
	DurationVsUsage    RuleID = "duration-vs-usage"
	TrustChange        RuleID = "trust-change"
	Scope              RuleID = "scope"
	Timing             RuleID = "timing"
	CrossAccountLimits RuleID = "cross-account-limits"
	IdentityProvider   RuleID = "identity-provider"
)

// Verdict is a rule's stand. The zero Verdict is Undetermined: a rule that
// could not read its evidence has not refuted anything.
type Verdict int

const (
	Undetermined Verdict = iota
	Refuted
	Supported
)

var verdictNames = names[Verdict]{"undetermined", "refuted", "supported"}

func (v Verdict) String() string                { return verdictNames.of(v) }
func (v Verdict) MarshalText() ([]byte, error)  { return verdictNames.marshal(v) }
func (v *Verdict) UnmarshalText(b []byte) error { return verdictNames.unmarshal(v, b) }

// Rule takes a stand on facts. Eval is pure: no clock, no network, no order of
// a map. It sees the steps that it says it reads and no others.
type Rule struct {
	ID    RuleID
	N     int
	Title string
	Doc   string // the question, the criterion that decides it, what it cannot tell
	Reads []StepID
	Eval  func(Case) Opinion
}

// Case is what a rule may look at.
type Case struct {
	Request Request
	Steps   Outcomes
}

// Opinion is what a rule makes of the facts.
type Opinion struct {
	Verdict Verdict
	Message string // one to three sentences for people
	Cites   []Cite
	Causes  []Finding // what it takes for a cause, each with its own citations
}

// Judged is a rule's opinion as it is stored and rendered.
type Judged struct {
	N       int      `json:"n"`
	Rule    RuleID   `json:"id"`
	Verdict Verdict  `json:"verdict"`
	Message string   `json:"message"`
	Cites   []StepID `json:"cites"`
	Refs    []Cite   `json:"refs,omitempty"`
}

// Cite points at one piece of evidence: a step, and in it the record that says
// so (event id, log line, policy statement).
type Cite struct {
	Step StepID `json:"step"`
	Ref  string `json:"ref"`
}

// ValidateRules refuses rules that could not be explained or that read a step
// which the plan does not have.
func ValidateRules(rules []Rule, plan Plan) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[RuleID]bool{}
	for i, r := range rules {
		if !idSpelling.MatchString(string(r.ID)) || seen[r.ID] {
			fail("rule %d: id %q is not lower-case words with dashes, or is there twice", i+1, r.ID)
		}
		seen[r.ID] = true
		if r.N != i+1 {
			fail("rule %s: number %d stands at place %d", r.ID, r.N, i+1)
		}
		if r.Title == "" || r.Doc == "" || r.Eval == nil {
			fail("rule %s: title, doc and eval must be there", r.ID)
		}
		if len(r.Reads) == 0 {
			fail("rule %s: reads no step", r.ID)
		}
		for _, id := range r.Reads {
			if _, ok := plan.Step(id); !ok {
				fail("rule %s: reads %s, which is not in the plan", r.ID, id)
			}
		}
	}
	return errors.Join(errs...)
}
