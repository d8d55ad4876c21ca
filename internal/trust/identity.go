package trust

import (
	"strings"
	"time"
)

// RevokePolicyName is the inline policy that the console's "Revoke active sessions" puts on a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
const RevokePolicyName = "AWSRevokeOlderSessions"

// RevokeTime reads an identity policy that revokes sessions: a Deny of everything with DateLessThan aws:TokenIssueTime. Sessions
// issued before the returned time are dead, later ones are not touched. The latest time counts; false when there is none.
func RevokeTime(p Policy) (time.Time, bool) {
	var latest time.Time
	for _, s := range p.Statements {
		if s.Effect != Deny || s.NotAction || s.NotResource || !covers(s.Actions) || !covers(s.Resources) || len(s.Conditions) != 1 {
			continue
		}
		c := s.Conditions[0]
		op, ok := parseOperator(c.Operator)
		if !ok || op.negated || op.base != "DateLessThan" && op.base != "DateLessThanEquals" || !strings.EqualFold(c.Key, "aws:TokenIssueTime") {
			continue
		}
		for _, value := range c.Values {
			if t, ok := parseDate(value); ok && t.After(latest) {
				latest = t
			}
		}
	}
	return latest, !latest.IsZero()
}

// covers is whether the list has the pattern for everything.
func covers(patterns []string) bool {
	for _, pattern := range patterns {
		if strings.Trim(pattern, "*") == "" && pattern != "" {
			return true
		}
	}
	return false
}

// ExplicitDenies returns the Deny statements of an identity policy that cover an action, in the policy's order, whatever their
// conditions and resources.
func ExplicitDenies(p Policy, action string) []Statement {
	var out []Statement
	for _, s := range p.Statements {
		if s.Effect == Deny && s.matchesAction(action) != False {
			out = append(out, s)
		}
	}
	return out
}

// AllowsAction is whether an identity policy or a permissions boundary allows an action on a resource ARN. Nothing is known of
// the request, so a statement with conditions gives Unknown.
func AllowsAction(p Policy, action, resource string) Truth {
	r := newRequest(Caller{Call: action})
	allow, deny := False, False
	for _, s := range p.Statements {
		applies := s.matchesAction(action).And(s.matchesResource(resource))
		for _, c := range s.Conditions {
			applies = applies.And(c.evaluate(r).Outcome)
		}
		switch s.Effect {
		case Allow:
			allow = allow.Or(applies)
		case Deny:
			deny = deny.Or(applies)
		default:
			allow, deny = allow.Or(applies.And(Unknown)), deny.Or(applies.And(Unknown))
		}
	}
	return allow.And(deny.Not())
}

func (s Statement) matchesResource(resource string) Truth {
	if len(s.Resources) == 0 {
		return Unknown
	}
	hit := False
	for _, pattern := range s.Resources {
		switch {
		case strings.Contains(pattern, "${"):
			hit = hit.Or(Unknown)
		default:
			hit = hit.Or(truth(wildcard(pattern, resource)))
		}
	}
	if s.NotResource {
		return hit.Not()
	}
	return hit
}
