// Package playbook is the vocabulary of an investigation: what is asked
// (Request), how it is looked into (Step, Plan), what a step saw (Evidence,
// Outcome), what the rules make of it (Rule, Opinion) and what people are told
// (Diagnosis, Report).
//
// It holds values and their validation, no behaviour of its own: the steps are
// in playbook/steps, the rules in playbook/rules, the graph is run by
// playbook/engine. Everything here survives JSON, because an investigation may
// change processes at any moment.
package playbook

import (
	"encoding"
	"fmt"
)

// Truth is what is known of a yes-or-no question. The zero value is Unknown:
// what was not seen must never pass for a no.
type Truth int

const (
	Unknown Truth = iota
	Yes
	No
)

var truthNames = names[Truth]{"unknown", "yes", "no"}

func (t Truth) String() string                { return truthNames.of(t) }
func (t Truth) MarshalText() ([]byte, error)  { return truthNames.marshal(t) }
func (t *Truth) UnmarshalText(b []byte) error { return truthNames.unmarshal(t, b) }

// Known turns a seen yes or no into a Truth.
func Known(yes bool) Truth {
	if yes {
		return Yes
	}
	return No
}

// names gives an int enumeration its spelling in JSON and in text.
type names[T ~int] []string

func (n names[T]) of(v T) string {
	if int(v) < 0 || int(v) >= len(n) {
		return fmt.Sprintf("invalid(%d)", int(v))
	}
	return n[v]
}

func (n names[T]) marshal(v T) ([]byte, error) {
	if int(v) < 0 || int(v) >= len(n) {
		return nil, fmt.Errorf("marshal %T: %d is not one of %q", v, int(v), []string(n))
	}
	return []byte(n[v]), nil
}

func (n names[T]) unmarshal(v *T, b []byte) error {
	for i, name := range n {
		if name == string(b) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("unmarshal %T: %q is not one of %q", *v, b, []string(n))
}

var (
	_ encoding.TextMarshaler   = Truth(0)
	_ encoding.TextUnmarshaler = (*Truth)(nil)
)
