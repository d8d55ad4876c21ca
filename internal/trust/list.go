package trust

import (
	"slices"
	"strings"
)

// Entry is one principal of a trust policy with what the statement says of it.
type Entry struct {
	Principal    Principal   `json:"principal"`
	Account      string      `json:"account,omitempty"`
	Effect       Effect      `json:"effect"`
	NotPrincipal bool        `json:"not_principal,omitempty"` // the statement is about everyone but its principals
	Actions      []string    `json:"actions,omitempty"`
	NotAction    bool        `json:"not_action,omitempty"`
	Conditions   []Condition `json:"conditions,omitempty"`
	InWords      string      `json:"in_words"` // the conditions: "unconditionally", or what they ask for
	Statement    int         `json:"statement"`
}

// Principals lists who is named in a policy, one entry for each principal of each statement, in the policy's order.
func Principals(p Policy) []Entry {
	out := []Entry{}
	for _, s := range p.Statements {
		for _, who := range s.Principals {
			e := Entry{Principal: who, Account: who.Account(), Effect: s.Effect, NotPrincipal: s.NotPrincipal, Actions: s.Actions,
				NotAction: s.NotAction, Conditions: s.Conditions, InWords: conditionsInWords(s.Conditions), Statement: s.Number}
			if e.InWords == "" {
				e.InWords = unconditionally
			}
			out = append(out, e)
		}
	}
	return out
}

// OtherAccounts lists the accounts, besides the role's own, whose principals a policy allows in, sorted. Identity providers and
// services do not count: their tokens are not another account's.
func OtherAccounts(p Policy, own string) []string {
	var out []string
	for _, e := range Principals(p) {
		switch e.Principal.Kind {
		case KindAccount, KindRole, KindUser, KindSession, KindFederatedUser:
			if e.Effect == Allow && !e.NotPrincipal && e.Account != "" && e.Account != own {
				out = append(out, e.Account)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Deleted lists the ids of principals that no longer exist but are still named, sorted.
func Deleted(p Policy) []string {
	var out []string
	for _, e := range Principals(p) {
		if e.Principal.Kind == KindDeleted {
			out = append(out, e.Principal.Value)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Requires returns the conditions on a key, in any Allow statement, in the policy's order. It answers "does this role ask for an
// ExternalId" and "what does the token's audience have to be". The case of the key does not matter.
func Requires(p Policy, key string) []Condition {
	var out []Condition
	for _, s := range p.Statements {
		for _, c := range s.Conditions {
			if s.Effect == Allow && strings.EqualFold(c.Key, key) {
				out = append(out, c)
			}
		}
	}
	return out
}
