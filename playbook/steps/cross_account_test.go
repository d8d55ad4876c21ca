package steps

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func TestCrossAccount(t *testing.T) {
	statement := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`
	}
	const partner = `{"AWS":"arn:aws:iam::444455556666:root"}`
	for name, c := range map[string]struct {
		trust    string
		want     playbook.Status
		says     string
		accounts []string
		anyone   bool
	}{
		"own user only":                 {trustUser, playbook.Clear, "names 1 principal, none of another account", []string{}, false},
		"partner account":               {statement(partner, ""), playbook.Found, "lets in account 444455556666.", []string{"444455556666"}, false},
		"partner with ExternalId, MFA":  {statement(partner, `,"Condition":{"StringEquals":{"sts:ExternalId":"x"},"NumericLessThan":{"aws:MultiFactorAuthAge":"600"}}`), playbook.Found, "asks its callers for an ExternalId and MFA", []string{"444455556666"}, false},
		"anyone":                        {statement(`"*"`, ""), playbook.Found, "Anyone in any AWS account", []string{}, true},
		"anyone with MFA is anyone":     {statement(`{"AWS":"*"}`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), playbook.Found, "Anyone in any AWS account", []string{}, true},
		"anyone of one organization":    {statement(`"*"`, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`), playbook.Clear, "none of another account", []string{}, false},
		"deleted principal":             {statement(`{"AWS":"AROAEXAMPLE0000000009"}`, ""), playbook.Found, "deleted principal: AROAEXAMPLE0000000009", []string{}, false},
		"a service":                     {statement(`{"Service":"ec2.amazonaws.com"}`, ""), playbook.Clear, "none of another account", []string{}, false},
		"provider is no other account":  {statement(`{"Federated":"arn:aws:iam::444455556666:saml-provider/x"}`, ""), playbook.Clear, "none of another account", []string{}, false},
		"policy that was not read":      {"", playbook.Blind, "could not be read", []string{}, false},
		"policy that cannot be decoded": {"nonsense", playbook.Blind, "no policy document", []string{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := emulate(t, "payments-api", "eu-west-1", nil)
			e.settle(t, playbook.RoleAndHealth, playbook.Clear, facts.RoleAndHealth{Exists: playbook.Yes, Account: myAccount})
			e.settle(t, playbook.RoleConfig, playbook.Clear, facts.RoleConfig{TrustPolicy: c.trust, MaxSessionDuration: 3600})
			o := e.run(t, playbook.CrossAccount)
			wantStatus(t, o, c.want)
			f := factOf(t, facts.Access, e.done)
			if diff := cmp.Diff(c.accounts, f.Accounts); diff != "" || f.Anyone != c.anyone || !strings.Contains(o.Summary, c.says) {
				t.Errorf("accounts %s, anyone %t, summary %q", diff, f.Anyone, o.Summary)
			}
			if len(o.Unseen) == 0 || len(o.Corrections) == 0 {
				t.Error("does not say that denied calls from elsewhere are invisible, or that a trust policy cannot shorten a session")
			}
		})
	}
}

func TestPrincipalsSayWhatACallerMustBring(t *testing.T) {
	e := emulate(t, "payments-api", "eu-west-1", nil)
	e.settle(t, playbook.RoleAndHealth, playbook.Clear, facts.RoleAndHealth{Exists: playbook.Yes, Account: myAccount})
	e.settle(t, playbook.RoleConfig, playbook.Clear, facts.RoleConfig{TrustPolicy: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:role/ci"]},"Action":"sts:AssumeRole","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"600"},"StringEquals":{"aws:PrincipalOrgID":"o-1"}}},
		{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/svc"},"Action":"sts:AssumeRole"}]}`})
	e.run(t, playbook.CrossAccount)
	want := []facts.Principal{
		{Effect: "Allow", Kind: "role", Value: "arn:aws:iam::444455556666:role/ci", Account: "444455556666", Cross: true, Calls: []string{"sts:AssumeRole"}, MFA: true, MFAAge: 600, Org: true,
			Conditions: []string{"aws:MultiFactorAuthAge is less than \"600\"", "aws:PrincipalOrgID is \"o-1\""}},
		{Effect: "Deny", Kind: "everyone-but", Value: "everyone but arn:aws:iam::111122223333:user/svc", Account: myAccount, Calls: []string{"sts:AssumeRole"}},
	}
	if diff := cmp.Diff(want, factOf(t, facts.Access, e.done).Principals); diff != "" {
		t.Error(diff)
	}
}
