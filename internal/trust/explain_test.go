package trust

import (
	"slices"
	"strings"
	"testing"
)

func TestExplainSaysEveryStatementInPlainWords(t *testing.T) {
	const ar = `"sts:AssumeRole"`
	tests := []struct {
		name, statement, text string
		traps                 []TrapID
	}{
		{"a role", allow(`{"AWS":"`+rolePath+`"}`, ar, ""), "sessions of role team/app of account 111122223333 may call sts:AssumeRole", nil},
		{"an account", allow(`{"AWS":"111122223333"}`, ar, ""), "any principal of account 111122223333 that its own policies allow may call sts:AssumeRole", []TrapID{TrapAccount}},
		{"a session", allow(`{"AWS":"`+sessionApp+`"}`, ar, ""), "only the session named worker-1 of role app of account 111122223333 may call sts:AssumeRole", nil},
		{"a service", allow(`{"Service":"ec2.amazonaws.com"}`, ar, ""), "the AWS service ec2.amazonaws.com may call sts:AssumeRole", nil},
		{"anyone", allow(`"*"`, ar, ""), "anyone in any AWS account may call sts:AssumeRole", []TrapID{TrapAnyone}},
		{"anyone of an organisation", allow(`"*"`, ar, `{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}`), `anyone in any AWS account may call sts:AssumeRole, if aws:PrincipalOrgID is "o-a"`, []TrapID{TrapOrganization}},
		{"a deleted role", allow(`{"AWS":"`+roleAppID+`"}`, ar, ""), "a deleted role (id " + roleAppID + ") may call sts:AssumeRole", []TrapID{TrapDeletedPrincipal}},
		{"a deleted user", allow(`{"AWS":"`+userAliceID+`"}`, ar, ""), "a deleted user (id " + userAliceID + ") may call sts:AssumeRole", []TrapID{TrapDeletedPrincipal}},
		{"an unreadable principal", allow(`{"AWS":"<account-id>"}`, ar, ""), `"<account-id>" (which cannot be read) may call sts:AssumeRole`, []TrapID{TrapUnreadable}},
		{"an ExternalId", allow(`{"AWS":"`+otherApp+`"}`, ar, `{"StringEquals":{"sts:ExternalId":["a","b"]}}`),
			`sessions of role app of account 444455556666 may call sts:AssumeRole, if sts:ExternalId is "a" or "b"`, []TrapID{TrapExternalID}},
		{"MFA", allow(`{"AWS":"`+userAlice+`"}`, ar, `{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`),
			`user alice of account 111122223333 may call sts:AssumeRole, if aws:MultiFactorAuthPresent is "true" and aws:MultiFactorAuthAge is less than "3600"`, []TrapID{TrapMFAPresent, TrapMFAAge}},
		{"a Deny that long-term keys pass", strings.Replace(allow(`"*"`, ar, `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`), "Allow", "Deny", 1),
			`anyone in any AWS account may not call sts:AssumeRole, if aws:MultiFactorAuthPresent is "false"`, []TrapID{TrapMFADeny}},
		{"a duration that is never there", allow(`{"AWS":"`+roleApp+`"}`, ar, `{"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}}`),
			`sessions of role app of account 111122223333 may call sts:AssumeRole, if sts:DurationSeconds is at most "3600"`, []TrapID{TrapDuration}},
		{"a date box", allow(`{"AWS":"`+roleApp+`"}`, ar, `{"DateLessThan":{"aws:CurrentTime":"2026-07-01"},"DateGreaterThan":{"aws:CurrentTime":"2026-06-01"}}`),
			`sessions of role app of account 111122223333 may call sts:AssumeRole, if aws:CurrentTime is before "2026-07-01" and aws:CurrentTime is after "2026-06-01"`, []TrapID{TrapDateBox, TrapDateBox}},
		{"a GitHub workflow", allow(`{"Federated":"`+oidcGitHub+`"}`, `"sts:AssumeRoleWithWebIdentity"`, `{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},"StringLike":{"token.actions.githubusercontent.com:sub":"repo:org/repo:*"}}`),
			`bearers of a token of token.actions.githubusercontent.com may call sts:AssumeRoleWithWebIdentity, if token.actions.githubusercontent.com:aud is "sts.amazonaws.com" and token.actions.githubusercontent.com:sub is like "repo:org/repo:*"`, []TrapID{TrapTokenClaim, TrapGitHubSubject}},
		{"SAML", allow(`{"Federated":"`+samlOkta+`"}`, `"sts:AssumeRoleWithSAML"`, `{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}`),
			`bearers of an assertion of SAML provider Okta of account 999988887777 may call sts:AssumeRoleWithSAML, if SAML:aud is "https://signin.aws.amazon.com/saml"`, []TrapID{TrapTokenClaim}},
		{"ForAllValues", allow(`{"AWS":"`+roleApp+`"}`, ar, `{"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["a"]}}`),
			`sessions of role app of account 111122223333 may call sts:AssumeRole, if every value of sts:TransitiveTagKeys is "a", or has none`, []TrapID{TrapForAllValues}},
		{"Null", allow(`{"AWS":"`+roleApp+`"}`, ar, `{"Null":{"sts:ExternalId":"false"}}`),
			"sessions of role app of account 111122223333 may call sts:AssumeRole, if sts:ExternalId is present in the request", []TrapID{TrapExternalID}},
		{"NotPrincipal and NotAction", `{"Effect":"Deny","NotPrincipal":{"AWS":"` + roleApp + `"},"NotAction":"sts:TagSession"}`,
			"everyone but sessions of role app of account 111122223333 may not call anything but sts:TagSession", []TrapID{TrapNotPrincipal}},
		{"an unreadable effect", strings.Replace(allow(`{"AWS":"`+roleApp+`"}`, ar, ""), "Allow", "ALLOW", 1),
			"sessions of role app of account 111122223333 may or may not (the effect cannot be read) call sts:AssumeRole", []TrapID{TrapEffect}},
		{"an unknown operator", allow(`{"AWS":"`+roleApp+`"}`, ar, `{"StringSort":{"a:b":"c"}}`),
			`sessions of role app of account 111122223333 may call sts:AssumeRole, if StringSort a:b "c" (which cannot be read)`, []TrapID{TrapUnreadable}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clauses := Explain(statements(t, test.statement))
			if len(clauses) != 1 {
				t.Fatalf("%d clauses", len(clauses))
			}
			if clauses[0].Text != test.text {
				t.Errorf("text\n got %s\nwant %s", clauses[0].Text, test.text)
			}
			var traps []TrapID
			for _, trap := range clauses[0].Traps {
				traps = append(traps, trap.ID)
				if trap.Text == "" {
					t.Errorf("trap %s says nothing", trap.ID)
				}
			}
			if !slices.Equal(traps, test.traps) {
				t.Errorf("traps %v, want %v", traps, test.traps)
			}
		})
	}
}

func TestVariablesWithoutVersionAreATrap(t *testing.T) {
	clauses := Explain(decode(t, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"`+roleApp+`"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:RoleSessionName":"${aws:username}"}}}]}`))
	if traps := clauses[0].Traps; len(traps) != 2 || traps[0].ID != TrapLiteralVariable {
		t.Errorf("traps %v", traps)
	}
}

func TestPrincipalsAndAccounts(t *testing.T) {
	p := statements(t,
		allow(`{"AWS":["`+roleApp+`","arn:aws:iam::444455556666:root","`+roleAppID+`"],"Service":"ec2.amazonaws.com"}`, `"sts:AssumeRole"`, `{"StringEquals":{"sts:ExternalId":"a"}}`),
		allow(`{"Federated":"`+samlOkta+`"}`, `"sts:AssumeRoleWithSAML"`, ""),
		strings.Replace(allow(`{"AWS":"777766665555"}`, `"sts:AssumeRole"`, ""), "Allow", "Deny", 1))
	var got []string
	for _, e := range Principals(p) {
		got = append(got, strings.Join([]string{string(e.Effect), string(e.Principal.Kind), e.Account, e.InWords}, " "))
	}
	want := []string{
		`Allow role 111122223333 sts:ExternalId is "a"`, `Allow account 444455556666 sts:ExternalId is "a"`,
		`Allow deleted  sts:ExternalId is "a"`, `Allow service  sts:ExternalId is "a"`,
		"Allow saml-provider 999988887777 unconditionally", "Deny account 777766665555 unconditionally"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := OtherAccounts(p, "111122223333"); !slices.Equal(got, []string{"444455556666"}) {
		t.Errorf("other accounts %v", got)
	}
	if got := Deleted(p); !slices.Equal(got, []string{roleAppID}) {
		t.Errorf("deleted %v", got)
	}
	if got := Requires(p, "STS:externalid"); len(got) != 1 || got[0].Values[0] != "a" {
		t.Errorf("requires %v", got)
	}
}
