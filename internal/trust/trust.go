// Package trust reads IAM policy documents, above all the trust policies of roles: what they say, whether they let a given
// caller in, and what a change to one means for whom.
//
// In come the policy's text as IAM or CloudTrail returns it ([Decode]) and what is known about a call ([Caller]). Out come the
// policy in plain words ([Explain]), who is named in it ([Principals]), a decision with the conditions it stands on
// ([Evaluate]), and the meaning of a change ([Diff], [Change.Blocks]). [EnrichedDenial] reads AWS's own AccessDenied text.
//
// Everything here is pure: no clock, no network, the same input gives the same output. What is not known about a request is
// not guessed: conditions have three values, and Unknown is the zero one. Nothing unclear ever counts as an Allow.
//
// Read on in decode.go (text to Policy), evaluate.go (Policy and Caller to Decision), then diff.go.
//
// How IAM decides: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package trust

import (
	"fmt"
	"strings"
)

// Truth is a three-valued answer. The zero value is Unknown.
type Truth uint8

const (
	Unknown Truth = iota // not enough is known
	True
	False
)

func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	}
	return "unknown"
}

// MarshalText writes true, false or unknown.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes and refuses anything else.
func (t *Truth) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true":
		*t = True
	case "false":
		*t = False
	case "unknown":
		*t = Unknown
	default:
		return fmt.Errorf("read truth value %q: want true, false or unknown", text)
	}
	return nil
}

// And is False when either is False, True when both are True.
func (t Truth) And(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == True && u == True:
		return True
	}
	return Unknown
}

// Or is True when either is True, False when both are False.
func (t Truth) Or(u Truth) Truth { return t.Not().And(u.Not()).Not() }

// Not swaps True and False; Unknown stays.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Policy is a decoded policy document: a trust policy, or an identity policy, boundary or session policy.
type Policy struct {
	Version    string      `json:"version,omitempty"`
	ID         string      `json:"id,omitempty"`
	Statements []Statement `json:"statements"`
	// Problems names what IAM would refuse or a reader should doubt, in document order. A policy with problems is still
	// evaluated, with Unknown wherever a problem stands.
	Problems []string `json:"problems,omitempty"`
}

// Effect is what a statement does when it applies. The zero value is an effect that could not be read: neither of the two.
type Effect string

const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Statement is one statement of a policy. Lists keep the document's order and the literal text of its values.
type Statement struct {
	Number       int         `json:"n"` // position in the document, from 1
	Sid          string      `json:"sid,omitempty"`
	Effect       Effect      `json:"effect"`
	Principals   []Principal `json:"principals,omitempty"` // empty in identity policies
	NotPrincipal bool        `json:"not_principal,omitempty"`
	Actions      []string    `json:"actions,omitempty"`
	NotAction    bool        `json:"not_action,omitempty"`
	Resources    []string    `json:"resources,omitempty"` // empty in trust policies
	NotResource  bool        `json:"not_resource,omitempty"`
	Conditions   []Condition `json:"conditions,omitempty"` // all must hold
}

// Condition is one operator on one key: it holds when the key's value matches any of Values (negated operators: none of them).
// An empty Operator is something that could not be read, named by Key; its outcome is Unknown.
type Condition struct {
	Operator string   `json:"operator"` // as written: ForAnyValue:StringLike, BoolIfExists
	Key      string   `json:"key"`      // as written; IAM ignores its case
	Values   []string `json:"values"`
	// Literal is set where the policy's version has no policy variables (2008-10-17, or none given): ${…} is plain text there.
	Literal bool `json:"literal,omitempty"`
}

// Name tells a reader which statement is meant: `statement 2 ("AllowCI")`.
func (s Statement) Name() string {
	if s.Sid == "" {
		return fmt.Sprintf("statement %d", s.Number)
	}
	return fmt.Sprintf("statement %d (%q)", s.Number, s.Sid)
}

// matchesAction says whether the statement's Action or NotAction covers an action such as sts:AssumeRole.
func (s Statement) matchesAction(action string) Truth {
	if len(s.Actions) == 0 {
		return Unknown // IAM refuses a statement without Action: nothing to go by
	}
	hit := False
	for _, pattern := range s.Actions {
		if wildcard(strings.ToLower(pattern), strings.ToLower(action)) {
			hit = True
		}
	}
	if s.NotAction {
		return hit.Not()
	}
	return hit
}

// wildcard matches IAM's patterns: * is any run of characters, ? is one.
func wildcard(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, resume := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, resume = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
