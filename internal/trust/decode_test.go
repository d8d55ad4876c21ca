package trust

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func decode(t *testing.T, text string) Policy {
	t.Helper()
	p, err := Decode(text)
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return p
}

func principalsOf(s Statement) string {
	var out []string
	for _, p := range s.Principals {
		out = append(out, string(p.Kind)+" "+p.Value)
	}
	return strings.Join(out, ", ")
}

func conditionsOfText(s Statement) string {
	var out []string
	for _, c := range s.Conditions {
		out = append(out, c.Operator+" "+c.Key+" "+strings.Join(c.Values, "|"))
	}
	return strings.Join(out, ", ")
}

func TestDecodeTakesWhatPolicyLibrariesTripOver(t *testing.T) {
	tests := map[string]struct {
		text                            string
		statements                      int
		effect                          Effect
		principals, actions, conditions string // of the first statement
		problems                        []string
	}{
		"01 bare star": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`,
			1, Allow, "anyone *", "sts:AssumeRole", "", nil},
		"02 star in a map, statement an object": {
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`,
			1, Allow, "anyone *", "sts:AssumeRole", "", nil},
		"03 every kind of principal": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","444455556666","AROAEXAMPLEROLEID"],"Service":"ec2.amazonaws.com","Federated":"arn:aws:iam::111122223333:saml-provider/Okta"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`,
			1, Allow, "account arn:aws:iam::111122223333:root, account 444455556666, deleted AROAEXAMPLEROLEID, service ec2.amazonaws.com, saml-provider arn:aws:iam::111122223333:saml-provider/Okta", "sts:AssumeRole sts:TagSession", "", nil},
		"04 NotPrincipal and NotAction": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"sts:TagSession"}]}`,
			1, Deny, "account 111122223333", "sts:TagSession", "", nil},
		"05 boolean and number keep their text": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":true},"NumericLessThan":{"aws:MultiFactorAuthAge":3600}}}]}`,
			1, Allow, "anyone *", "sts:AssumeRole", "Bool aws:MultiFactorAuthPresent true, NumericLessThan aws:MultiFactorAuthAge 3600", nil},
		"06 mixed list keeps its order": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":["a","b",7,true]}}}]}`,
			1, Allow, "anyone *", "sts:AssumeRole", "StringEquals sts:ExternalId a|b|7|true", nil},
		"07 set operators and IfExists": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"ForAnyValue:StringLike":{"oidc.eks.eu-west-1.amazonaws.com/id/AB12:sub":["a","b"]},"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}]}`,
			1, Allow, "oidc-provider arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB12", "sts:AssumeRoleWithWebIdentity", "ForAnyValue:StringLike oidc.eks.eu-west-1.amazonaws.com/id/AB12:sub a|b, BoolIfExists aws:MultiFactorAuthPresent true", nil},
		"08 account id as a number": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":123456789012},"Action":"sts:AssumeRole"}]}`,
			1, Allow, "account 123456789012", "sts:AssumeRole", "", nil},
		"09 no Version, an Id, null Condition, canonical user": {
			`{"Id":"x","Statement":[{"Effect":"Allow","Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},"Action":"sts:AssumeRole","Condition":null}]}`,
			1, Allow, "canonical-user 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", "sts:AssumeRole", "", nil},
		"10 revoked sessions": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-07-01T10:00:00.000Z"}}}]}`,
			1, Deny, "", "*", "DateLessThan aws:TokenIssueTime 2026-07-01T10:00:00.000Z", nil},
		"11 lower-case keys": {
			`{"version":"2012-10-17","statement":[{"effect":"Allow","principal":{"aws":"111122223333"},"action":"sts:AssumeRole"}]}`,
			1, Allow, "account 111122223333", "sts:AssumeRole", "", []string{
				`policy: element "Version" is spelled "version"`, `policy: element "Statement" is spelled "statement"`,
				`statement 1: element "Effect" is spelled "effect"`, `statement 1: element "Principal" is spelled "principal"`,
				`statement 1: element "Action" is spelled "action"`}},
		"12 URL-encoded, plus sign kept": {
			`%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Sid%22%3A%22a%20b%22%2C%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A111122223333%3Auser%2Fa+b%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D`,
			1, Allow, "user arn:aws:iam::111122223333:user/a+b", "sts:AssumeRole", "", nil},
		"12 plain text is not decoded twice": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"a%20b"}}}]}`,
			1, Allow, "anyone *", "sts:AssumeRole", "StringEquals sts:ExternalId a%20b", nil},
		"13 empty Statement": {`{"Version":"2012-10-17","Statement":[]}`, 0, "", "", "", "", nil},
		"15 unknown element makes the statement unclear": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Conditoin":{"Bool":{"a":"b"}}}]}`,
			1, Allow, "anyone *", "sts:AssumeRole", ` Conditoin {"Bool": {"a": "b"}}`, []string{`statement 1: unknown element "Conditoin"`}},
		"effect in capitals is no Allow": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"ALLOW","Principal":"*","Action":"sts:AssumeRole"}]}`,
			1, "", "anyone *", "sts:AssumeRole", "", []string{`statement 1: Effect is "ALLOW", neither Allow nor Deny`}},
		"no effect is no Allow": {
			`{"Version":"2012-10-17","Statement":[{"Principal":"*","Action":"sts:AssumeRole"}]}`,
			1, "", "anyone *", "sts:AssumeRole", "", []string{"statement 1: no Effect"}},
		"placeholder account": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::<account-id>:root"},"Action":"sts:AssumeRole"}]}`,
			1, Allow, " arn:aws:iam::<account-id>:root", "sts:AssumeRole", "", []string{`statement 1: principal "arn:aws:iam::<account-id>:root": account in ARN is not 12 digits`}},
		"space in front of an ARN": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":" arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`,
			1, Allow, "account arn:aws:iam::111122223333:root", "sts:AssumeRole", "", []string{`statement 1: principal "arn:aws:iam::111122223333:root": space around a principal`}},
		"bare service name": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"codebuild.amazonaws.com","Action":"sts:AssumeRole"}]}`,
			1, Allow, " codebuild.amazonaws.com", "sts:AssumeRole", "", []string{`statement 1: principal "codebuild.amazonaws.com": a bare string is no Principal, only "*" is`}},
		"wildcard inside an ARN": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app-*"},"Action":"sts:AssumeRole"}]}`,
			1, Allow, " arn:aws:iam::111122223333:role/app-*", "sts:AssumeRole", "", []string{`statement 1: principal "arn:aws:iam::111122223333:role/app-*": a wildcard may stand only for the whole principal`}},
		"both Principal and NotPrincipal": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`,
			1, Allow, "anyone *, account 111122223333", "sts:AssumeRole", " Principal and NotPrincipal ", []string{"statement 1: both Principal and NotPrincipal"}},
		"an element twice": {
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`,
			1, Deny, "anyone *", "sts:AssumeRole", ` Effect "Allow"`, []string{`statement 1: element "Effect" stands twice`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := decode(t, test.text)
			if len(p.Statements) != test.statements {
				t.Fatalf("got %d statements, want %d", len(p.Statements), test.statements)
			}
			if !slices.Equal(p.Problems, test.problems) {
				t.Errorf("problems\n got %q\nwant %q", p.Problems, test.problems)
			}
			if len(p.Statements) == 0 {
				return
			}
			s := p.Statements[0]
			if s.Effect != test.effect {
				t.Errorf("effect %q, want %q", s.Effect, test.effect)
			}
			if got := principalsOf(s); got != test.principals {
				t.Errorf("principals\n got %s\nwant %s", got, test.principals)
			}
			if got := strings.Join(s.Actions, " "); got != test.actions {
				t.Errorf("actions %s, want %s", got, test.actions)
			}
			if got := conditionsOfText(s); got != test.conditions {
				t.Errorf("conditions\n got %s\nwant %s", got, test.conditions)
			}
		})
	}
}

func TestDecodeRefusesWhatIsNoPolicy(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	tests := map[string]struct {
		text string
		want error
	}{
		"14 truncated":            {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow"`, nil},
		"16 Principal as list":    {`{"Statement":[{"Effect":"Allow","Principal":["a","b"],"Action":"sts:AssumeRole"}]}`, ErrPrincipalList},
		"empty":                   {"", ErrNotPolicy},
		"a list":                  {"[]", ErrNotPolicy},
		"a word":                  {"null", ErrNotPolicy},
		"broken percent-encoding": {"%7B%2", ErrNotPolicy},
		"text after the end":      {`{"Statement":[]} x`, ErrNotPolicy},
		"statement is a string":   {`{"Statement":["x"]}`, ErrNotPolicy},
		"nested too deep":         {deep, ErrNotPolicy},
		"longer than any policy":  {`{"Id":"` + strings.Repeat("x", maxText) + `"}`, ErrNotPolicy},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(test.text)
			if err == nil {
				t.Fatalf("decoded to %+v", p)
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if len(p.Statements) != 0 {
				t.Errorf("an error came with statements: %+v", p)
			}
		})
	}
}

// publishedPolicies are trust policies that others have published, one in a line.
func publishedPolicies(tb testing.TB) []string {
	tb.Helper()
	f, err := os.Open(filepath.FromSlash("../../../shared/data/trust-policies.jsonl"))
	if err != nil {
		tb.Skip("no published policies here: ", err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Policy json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			tb.Fatal(err)
		}
		out = append(out, string(line.Policy))
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestPublishedTrustPoliciesDecode(t *testing.T) {
	policies := publishedPolicies(t)
	statements, odd := 0, 0
	refused := map[string]int{}
	for _, text := range policies {
		p, err := Decode(text)
		switch {
		case errors.Is(err, ErrPrincipalList):
			refused["Principal is a list"]++
			continue
		case err != nil:
			t.Errorf("%v\n%s", err, text)
			continue
		}
		statements += len(p.Statements)
		if len(p.Problems) > 0 {
			odd++
			t.Log(p.Problems)
		}
		for _, s := range p.Statements {
			if s.Effect == "" && len(p.Problems) == 0 {
				t.Errorf("effect lost without a word: %s", text)
			}
		}
		if len(Explain(p)) != len(p.Statements) {
			t.Errorf("not every statement explained: %s", text)
		}
		if change := Diff(p, p); !change.Empty() {
			t.Errorf("a policy differs from itself: %v\n%s", change.Items, text)
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back Policy
		if err := json.Unmarshal(again, &back); err != nil {
			t.Fatal(err)
		}
		if change := Diff(p, back); !change.Empty() {
			t.Errorf("changed by JSON: %v", change.Items)
		}
	}
	t.Logf("%d policies: %d statements, %d with problems, refused %v", len(policies), statements, odd, refused)
	if len(policies) == 0 {
		t.Error("no policies read")
	}
}
