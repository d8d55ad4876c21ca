package steps

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const crossAccountDoc = `Which principals of which accounts may assume the role, and under which conditions?

It makes no call of its own: the trust policy that step 3 read is taken apart into one entry for each principal, with the account it belongs to, the calls it may make and what it must bring (ExternalId, MFA and its age, organization).

Across accounts two policies must agree: the trust policy here and the caller's identity policy there, which cannot be read from here. CloudTrail records a denied call from another account in that account alone: here it shows only through an organization's trail (step 2) or the application's logs (step 6), and an empty list of denials proves nothing about callers that neither of them covers.

A trust policy cannot shorten a session. It decides who may ask; how long the session lasts follows from the request, MaxSessionDuration and role chaining (one hour).`

// crossAccountActions: none, it reads what step 3 read.
var crossAccountActions []string

func (r run) crossAccount(_ context.Context, p playbook.Pass) (playbook.Evidence, error) {
	n := notes{
		unseen:      []string{"CloudTrail records a denied call from another account in the caller's account alone: here they show only through an organization's trail (step 2) or the application's logs (step 6)."},
		corrections: []string{"A trust policy cannot shorten a session, in other accounts or in this one: it only decides who may ask for one. The length follows from the request, MaxSessionDuration and role chaining (1 h)."},
	}
	f := facts.CrossAccount{Principals: []facts.Principal{}, Accounts: []string{}}
	config, _ := facts.Config.In(p.Done)
	if config.TrustPolicy == "" {
		return n.evidence(playbook.Blind, "The trust policy could not be read (step 3), so who may assume the role is not known.", f), nil
	}
	policy, err := trust.Decode(config.TrustPolicy)
	if err != nil {
		return n.evidence(playbook.Blind, "The trust policy cannot be read: it is no policy document that IAM would take.", f), nil
	}
	t, _ := target(p)
	if t.Account == "" {
		n.unseen = append(n.unseen, "The role's own account is not known, so principals of other accounts cannot be told from its own.")
	}
	f.Principals = principals(policy, t.Account)
	if t.Account != "" {
		f.Accounts = append(f.Accounts, trust.OtherAccounts(policy, t.Account)...)
	}
	f.Anyone = slices.ContainsFunc(trust.Principals(policy), anyone)

	status := playbook.Clear
	if len(f.Accounts) > 0 || f.Anyone || len(trust.Deleted(policy)) > 0 {
		status = playbook.Found
	}
	return n.evidence(status, tellAccess(f, trust.Deleted(policy)), f), nil
}

// principals takes a trust policy apart, in the policy's order.
func principals(policy trust.Policy, own string) []facts.Principal {
	clauses := trust.Explain(policy)
	out := []facts.Principal{}
	for _, e := range trust.Principals(policy) {
		p := facts.Principal{Effect: string(e.Effect), Kind: principalKinds[e.Principal.Kind], Value: e.Principal.Value, Account: e.Account,
			Calls: e.Actions, Conditions: clauses[e.Statement-1].Conditions}
		if e.NotAction {
			p.Calls = []string{"every call but " + strings.Join(e.Actions, ", ")}
		}
		if e.NotPrincipal {
			p.Kind, p.Value = "everyone-but", "everyone but "+p.Value
		}
		switch e.Principal.Kind {
		case trust.KindAccount, trust.KindRole, trust.KindUser, trust.KindSession, trust.KindFederatedUser:
			p.Cross = !e.NotPrincipal && own != "" && e.Account != "" && e.Account != own
		}
		for _, c := range e.Conditions {
			switch key := strings.ToLower(c.Key); key {
			case "sts:externalid":
				p.ExternalID = true
			case "aws:multifactorauthpresent":
				p.MFA = true
			case "aws:multifactorauthage":
				p.MFA, p.MFAAge = true, smallest(c.Values)
			case "aws:principalorgid", "aws:principalorgpaths":
				p.Org = true
			}
		}
		if p.Calls == nil {
			p.Calls = []string{}
		}
		out = append(out, p)
	}
	return out
}

// principalKinds are the words of facts.Principal.
var principalKinds = map[trust.PrincipalKind]string{
	trust.KindUnclear: "unclear", trust.KindAnyone: "anyone", trust.KindAccount: "account", trust.KindRole: "role", trust.KindUser: "user",
	trust.KindSession: "session", trust.KindFederatedUser: "federated-user", trust.KindService: "service", trust.KindSAML: "saml",
	trust.KindOIDC: "oidc", trust.KindDeleted: "deleted", trust.KindCanonical: "canonical",
}

func smallest(values []string) int {
	least := 0
	for _, v := range values {
		if n, err := strconv.Atoi(v); err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// narrowing are the beginnings of the condition keys that say who the caller is
// or where the call comes from. MFA and dates do not narrow who may come in.
var narrowing = []string{"aws:principal", "aws:source", "aws:vpcsource", "aws:userid", "aws:username", "aws:federatedprovider", "sts:externalid", "sts:sourceidentity"}

// anyone reports whether an entry lets in everybody of every account.
func anyone(e trust.Entry) bool {
	return e.Effect == trust.Allow && e.Principal.Kind == trust.KindAnyone && !e.NotPrincipal &&
		!slices.ContainsFunc(e.Conditions, func(c trust.Condition) bool {
			return slices.ContainsFunc(narrowing, func(prefix string) bool { return strings.HasPrefix(strings.ToLower(c.Key), prefix) })
		})
}

func tellAccess(f facts.CrossAccount, deleted []string) string {
	var out []string
	if f.Anyone {
		out = append(out, "Anyone in any AWS account may assume the role.")
	}
	switch len(f.Accounts) {
	case 0:
		out = append(out, fmt.Sprintf("The trust policy names %s, none of another account.", wording.Count(len(f.Principals), "principal", "principals")))
	default:
		out = append(out, fmt.Sprintf("The trust policy lets in account %s%s.", strings.Join(f.Accounts, ", "), underWhich(f.Principals)))
	}
	if len(deleted) > 0 {
		out = append(out, "It still names a deleted principal: "+strings.Join(deleted, ", ")+".")
	}
	return strings.Join(out, " ")
}

// underWhich says what callers from other accounts must bring.
func underWhich(principals []facts.Principal) string {
	var must []string
	add := func(is bool, what string) {
		if is && !slices.Contains(must, what) {
			must = append(must, what)
		}
	}
	for _, p := range principals {
		if p.Cross && p.Effect == string(trust.Allow) {
			add(p.ExternalID, "an ExternalId")
			add(p.MFA, "MFA")
			add(p.Org, "membership of an organization")
		}
	}
	if len(must) == 0 {
		return ""
	}
	return ", and asks its callers for " + strings.Join(must, " and ")
}
