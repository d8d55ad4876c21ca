package awsemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Policy is an identity policy that the emulator enforces: an explicit Deny wins, else something must Allow. It knows
// Action, NotAction, Resource and NotResource with * and ?, and refuses a document with anything else, so that no
// condition is passed over. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
type Policy struct{ statements []statement }

type statement struct {
	effect                                       string
	actions, notActions, resources, notResources []string
}

// ParsePolicy reads a policy document.
func ParsePolicy(document []byte) (*Policy, error) {
	var doc struct {
		Version   string
		ID        string `json:"Id"`
		Statement []struct {
			Sid, Effect                              string
			Action, NotAction, Resource, NotResource oneOrMany
		}
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	var p Policy
	for i, s := range doc.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("read policy: statement %d: effect %q", i, s.Effect)
		}
		if (len(s.Action) == 0) == (len(s.NotAction) == 0) || (len(s.Resource) == 0) == (len(s.NotResource) == 0) {
			return nil, fmt.Errorf("read policy: statement %d: want one of Action and NotAction, one of Resource and NotResource", i)
		}
		p.statements = append(p.statements, statement{s.Effect, s.Action, s.NotAction, s.Resource, s.NotResource})
	}
	if len(p.statements) == 0 {
		return nil, errors.New("read policy: it has no statement")
	}
	return &p, nil
}

// oneOrMany is a string or a list of strings.
type oneOrMany []string

func (l *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// check refuses a call that the policy does not allow on each of its resources. GetCallerIdentity needs no permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (p *Policy) check(r *request, resources []string) error {
	if p == nil || r.action() == "sts:GetCallerIdentity" {
		return nil
	}
	for _, resource := range resources {
		allowed := false
		for _, s := range p.statements {
			if !s.covers(r.action(), resource) {
				continue
			}
			if s.effect == "Deny" {
				return r.denied(resource, "with an explicit deny in an identity-based policy")
			}
			allowed = true
		}
		if !allowed {
			return r.denied(resource, "because no identity-based policy allows the "+r.action()+" action")
		}
	}
	return nil
}

func (s statement) covers(action, resource string) bool {
	matches := func(s string, fold string) func(string) bool {
		return func(pattern string) bool { return wildcard(fold + pattern).MatchString(s) }
	}
	byAction := slices.ContainsFunc(s.actions, matches(action, "(?i)")) ||
		len(s.notActions) > 0 && !slices.ContainsFunc(s.notActions, matches(action, "(?i)"))
	byResource := slices.ContainsFunc(s.resources, matches(resource, "")) ||
		len(s.notResources) > 0 && !slices.ContainsFunc(s.notResources, matches(resource, ""))
	return byAction && byResource
}

// wildcard makes a regular expression of a pattern in which * stands for any text and ? for one character.
func wildcard(pattern string) *regexp.Regexp {
	flags := ""
	if rest, ok := strings.CutPrefix(pattern, "(?i)"); ok {
		flags, pattern = "(?i)", rest
	}
	q := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(flags + `^` + q + `$`)
}
