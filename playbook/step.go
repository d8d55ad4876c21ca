package playbook

import (
	"context"
	"encoding/json"
	"time"
)

// StepID names a step; the nine ids are part of the product's contract.
type StepID string

const (
	RoleAndHealth StepID = "role-and-health"
	STSErrors     StepID = "sts-errors"
	RoleConfig    StepID = "role-config"
	STSMetrics    StepID = "sts-metrics"
	Sessions      StepID = "sessions"
	AppErrors     StepID = "app-errors"
	CrossAccount  StepID = "cross-account"
	TrustChanges  StepID = "trust-changes"
	Federation    StepID = "federation"
)

// Status is how a step ended. The zero Status is Unasked: a step that never ran
// must not pass for one that found nothing.
type Status int

const (
	Unasked  Status = iota
	Found           // something that matters was seen
	Clear           // looked, could have seen it, nothing there
	Blind           // could not have seen it
	Denied          // a permission is missing; Evidence.Missing names it
	TimedOut        // did not end within the step's time
	Broken          // ended in an error that is not AWS's "no"
)

var statusNames = names[Status]{"unasked", "found", "clear", "blind", "denied", "timed-out", "broken"}

func (s Status) String() string                { return statusNames.of(s) }
func (s Status) MarshalText() ([]byte, error)  { return statusNames.marshal(s) }
func (s *Status) UnmarshalText(b []byte) error { return statusNames.unmarshal(s, b) }

// Saw reports whether the step could look: only then does silence mean absence.
func (s Status) Saw() bool { return s == Found || s == Clear }

// Step is one question of the runbook as a documented value. The IAM policy,
// `stsleuth explain` and the docs are generated from these.
type Step struct {
	ID      StepID
	N       int
	Title   string        // as the checklist shows it
	Doc     string        // the question, the calls it makes, what they cannot tell
	Needs   []StepID      // settled, however they ended, before this one starts
	Actions []string      // IAM actions it may use, "service:Operation"
	Timeout time.Duration // of the whole step, retries included
	Run     func(context.Context, Pass) (Evidence, error)
}

// Pass is all that one run of a step may look at: the frozen request and the
// outcomes of the steps it needs, no others.
type Pass struct {
	Request Request
	Done    Outcomes
	// Read is the part of the window that is not read yet, where an earlier
	// investigation read the rest. The zero Window: all of it.
	Read Window
}

// Reading is the stretch that the step asks about.
func (p Pass) Reading() Window {
	if p.Read == (Window{}) {
		return p.Request.Window
	}
	return p.Read
}

// Evidence is what a step brings back. Status and Summary are always set.
type Evidence struct {
	Status  Status
	Partial string   // why the answer is cut, "" when it is whole; a sentence for people
	Summary string   // what was seen, one or two sentences for people
	Facts   any      // the step's struct of playbook/facts; must survive JSON
	Proof   []Proof  // every AWS call that mattered, repeatable by hand
	Unseen  []string // what this step could not see and why, a sentence each
	Missing []string // IAM actions that were refused, "service:Operation"
	// Corrections are plain sentences on where AWS does not work as the runbook
	// says, for the thread ("AWS has no call that lists role sessions; …").
	Corrections []string
}

// Proof lets a reader repeat a call and compare.
type Proof struct {
	Action   string     `json:"action"` // iam:GetRole
	Region   string     `json:"region"`
	CLI      string     `json:"cli"`               // runnable aws command line
	Console  string     `json:"console,omitempty"` // link to the same view
	Query    string     `json:"query,omitempty"`   // Logs Insights text or filter pattern
	LogGroup string     `json:"log_group,omitempty"`
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`
	Result   string     `json:"result,omitempty"` // counts, or the AWS error code
	Calls    int        `json:"calls,omitempty"`  // requests this stands for, pages and retries included
	Scanned  int64      `json:"bytes_scanned,omitempty"`
}

// Outcome is a settled step as it is stored and rendered.
type Outcome struct {
	N           int             `json:"n"`
	Step        StepID          `json:"id"`
	Status      Status          `json:"status"`
	Partial     string          `json:"partial"`
	Summary     string          `json:"summary"`
	Facts       json.RawMessage `json:"facts"`
	Proof       []Proof         `json:"proof"`
	Unseen      []string        `json:"unseen,omitempty"`
	Missing     []string        `json:"missing_actions,omitempty"`
	Corrections []string        `json:"corrections,omitempty"`
	TookMS      int64           `json:"took_ms"`
}

// Outcomes are the settled steps of one investigation.
type Outcomes map[StepID]Outcome

// Only is the part of o that the given steps make up.
func (o Outcomes) Only(ids []StepID) Outcomes {
	out := make(Outcomes, len(ids))
	for _, id := range ids {
		if v, ok := o[id]; ok {
			out[id] = v
		}
	}
	return out
}

// Status of a step; Unasked where it has not settled.
func (o Outcomes) Status(id StepID) Status { return o[id].Status }

// Saw reports whether every one of the steps could look.
func (o Outcomes) Saw(ids ...StepID) bool {
	for _, id := range ids {
		if !o[id].Status.Saw() {
			return false
		}
	}
	return true
}

// Fact names what one step reports and fixes its Go type:
//
//	var Ledger = playbook.Fact[SessionLedger]{playbook.Sessions}
type Fact[T any] struct{ Step StepID }

// In reads the fact from outcomes. A step that settled without facts, or did
// not settle, gives the zero T and false.
func (f Fact[T]) In(o Outcomes) (T, bool) {
	var v T
	raw := o[f.Step].Facts
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
		return v, false
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		// The engine proved on settling that the facts survive JSON, so this is a
		// stored outcome of another version: not seen, rather than half seen.
		var zero T
		return zero, false
	}
	return v, true
}

// Problem is why a step could not look, in words for people. Steps classify
// AWS's errors into it once, at the edge; anything else that a step returns is
// Broken, and people are told "internal error".
type Problem struct {
	Status Status // Denied, Blind, TimedOut or Broken
	Text   string
	Action string // the refused IAM action, "" unless Denied
	Err    error
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Text
	}
	return p.Text + ": " + p.Err.Error()
}

func (p *Problem) Unwrap() error { return p.Err }
