package trust

import (
	"fmt"
	"strings"
)

// Clause is one statement of a policy in plain words.
type Clause struct {
	Statement  int      `json:"n"`
	Sid        string   `json:"sid,omitempty"`
	Text       string   `json:"text"`                 // the whole statement in one sentence
	Who        []string `json:"who"`                  // each principal in words
	Calls      string   `json:"calls"`                // which calls
	Conditions []string `json:"conditions,omitempty"` // each condition in words
	Traps      []Trap   `json:"traps,omitempty"`      // what a reader easily misses, in the statement's order
}

// TrapID names what a statement easily hides. Ids are stable.
type TrapID string

const (
	TrapDeletedPrincipal TrapID = "deleted-principal"
	TrapAnyone           TrapID = "anyone"
	TrapAccount          TrapID = "whole-account"
	TrapEffect           TrapID = "effect-unreadable"
	TrapUnreadable       TrapID = "unreadable"
	TrapNotPrincipal     TrapID = "not-principal"
	TrapDuration         TrapID = "dead-duration-seconds"
	TrapMFAAge           TrapID = "mfa-age"
	TrapMFAPresent       TrapID = "mfa-present"
	TrapMFADeny          TrapID = "mfa-deny"
	TrapDateBox          TrapID = "date-box"
	TrapTokenIssueTime   TrapID = "token-issue-time"
	TrapExternalID       TrapID = "external-id"
	TrapOrganization     TrapID = "organization"
	TrapNetwork          TrapID = "network"
	TrapSessionName      TrapID = "session-name"
	TrapSourceIdentity   TrapID = "source-identity"
	TrapServiceSource    TrapID = "service-source"
	TrapTokenClaim       TrapID = "token-claim"
	TrapGitHubSubject    TrapID = "github-subject"
	TrapForAllValues     TrapID = "for-all-values"
	TrapLiteralVariable  TrapID = "literal-variable"
)

// Trap is a warning about one part of a statement.
type Trap struct {
	ID   TrapID `json:"id"`
	Key  string `json:"key,omitempty"` // the condition key or principal it is about
	Text string `json:"text"`
}

// Explain says every statement of a trust policy in plain words.
func Explain(p Policy) []Clause {
	out := []Clause{}
	for _, s := range p.Statements {
		c := Clause{Statement: s.Number, Sid: s.Sid, Who: []string{}, Calls: s.callsInWords()}
		for _, who := range s.Principals {
			c.Who = append(c.Who, who.words())
			c.Traps = append(c.Traps, who.traps(s)...)
		}
		for _, condition := range s.Conditions {
			c.Conditions = append(c.Conditions, condition.words())
			c.Traps = append(c.Traps, condition.traps(s)...)
		}
		if s.Effect == "" {
			c.Traps = append(c.Traps, Trap{TrapEffect, "", "the Effect is neither Allow nor Deny, so IAM would refuse this statement; it is not counted as an Allow"})
		}
		if s.NotPrincipal {
			c.Traps = append(c.Traps, Trap{TrapNotPrincipal, "", "NotPrincipal means everyone except the listed principals"})
		}
		c.Text = s.sentence(c)
		out = append(out, c)
	}
	return out
}

func (s Statement) sentence(c Clause) string {
	who := wordList(c.Who, "and")
	switch {
	case who == "":
		who = "whoever the policy is attached to"
	case s.NotPrincipal:
		who = "everyone but " + who
	}
	verb := map[Effect]string{Allow: "may call", Deny: "may not call", "": "may or may not (the effect cannot be read) call"}[s.Effect]
	out := fmt.Sprintf("%s %s %s", who, verb, c.Calls)
	if len(c.Conditions) > 0 {
		out += ", if " + strings.Join(c.Conditions, " and ")
	}
	return out
}

func (s Statement) callsInWords() string {
	list := wordList(s.Actions, "and")
	switch {
	case list == "":
		return "calls that are not named"
	case s.NotAction:
		return "anything but " + list
	}
	return list
}

// words says who a principal entry stands for.
func (p Principal) words() string {
	a, _ := parseARN(p.Value)
	_, path, name := a.cut()
	switch p.Kind {
	case KindAnyone:
		return "anyone in any AWS account"
	case KindAccount:
		return "any principal of account " + p.Account() + " that its own policies allow"
	case KindRole:
		return fmt.Sprintf("sessions of role %s%s of account %s", path, name, a.account)
	case KindUser:
		return fmt.Sprintf("user %s%s of account %s", path, name, a.account)
	case KindSession:
		return fmt.Sprintf("only the session named %s of role %s of account %s", name, strings.TrimSuffix(path, "/"), a.account)
	case KindFederatedUser:
		return fmt.Sprintf("federated user %s of account %s", name, a.account)
	case KindService:
		return "the AWS service " + p.Value
	case KindSAML:
		return fmt.Sprintf("bearers of an assertion of SAML provider %s of account %s", name, a.account)
	case KindOIDC:
		_, host, found := strings.Cut(p.Value, ":oidc-provider/")
		if !found {
			host = p.Value
		}
		return "bearers of a token of " + host
	case KindDeleted:
		kind := "role"
		if strings.HasPrefix(p.Value, "AIDA") {
			kind = "user"
		}
		return fmt.Sprintf("a deleted %s (id %s)", kind, p.Value)
	case KindCanonical:
		return "canonical user " + p.Value
	}
	return fmt.Sprintf("%q (which cannot be read)", p.Value)
}

func (p Principal) traps(s Statement) []Trap {
	switch p.Kind {
	case KindDeleted:
		return []Trap{{TrapDeletedPrincipal, p.Value, "the principal was deleted: IAM shows its id because it can no longer map it to an ARN. One created again under the same name has another id and is not let in until the policy names it anew"}}
	case KindAnyone:
		if s.Effect == Allow && len(s.Conditions) == 0 {
			return []Trap{{TrapAnyone, p.Value, "anyone in any AWS account may assume this role"}}
		}
	case KindAccount:
		if s.Effect == Allow {
			return []Trap{{TrapAccount, p.Value, "naming an account leaves it to that account's identity policies who may call"}}
		}
	case KindUnclear:
		return []Trap{{TrapUnreadable, p.Value, "this principal cannot be read; IAM would refuse it"}}
	}
	return nil
}
