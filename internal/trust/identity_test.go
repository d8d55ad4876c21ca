package trust

import (
	"testing"
	"time"
)

func TestRevokeTime(t *testing.T) {
	revoke := func(effect, action, resource, operator, key, value string) string {
		return `{"Effect":"` + effect + `","Action":["` + action + `"],"Resource":["` + resource + `"],"Condition":{"` + operator + `":{"` + key + `":["` + value + `"]}}}`
	}
	const at = "2026-07-01T10:00:00.000Z"
	console := revoke("Deny", "*", "*", "DateLessThan", "aws:TokenIssueTime", at)
	tests := []struct {
		name string
		list []string
		want string // empty: none
	}{
		{"as the console writes it", []string{console}, "2026-07-01T10:00:00Z"},
		{"key in another case", []string{revoke("Deny", "*", "*", "DateLessThan", "aws:tokenissuetime", at)}, "2026-07-01T10:00:00Z"},
		{"latest of two", []string{console, revoke("Deny", "*", "*", "DateLessThan", "aws:TokenIssueTime", "2026-07-02T10:00:00Z")}, "2026-07-02T10:00:00Z"},
		{"latest of two comes first", []string{revoke("Deny", "*", "*", "DateLessThan", "aws:TokenIssueTime", "2026-07-02T10:00:00Z"), console}, "2026-07-02T10:00:00Z"},
		{"an Allow", []string{revoke("Allow", "*", "*", "DateLessThan", "aws:TokenIssueTime", at)}, ""},
		{"one action only", []string{revoke("Deny", "s3:*", "*", "DateLessThan", "aws:TokenIssueTime", at)}, ""},
		{"one resource only", []string{revoke("Deny", "*", "arn:aws:s3:::b", "DateLessThan", "aws:TokenIssueTime", at)}, ""},
		{"later sessions denied", []string{revoke("Deny", "*", "*", "DateGreaterThan", "aws:TokenIssueTime", at)}, ""},
		{"another key", []string{revoke("Deny", "*", "*", "DateLessThan", "aws:CurrentTime", at)}, ""},
		{"no date", []string{revoke("Deny", "*", "*", "DateLessThan", "aws:TokenIssueTime", "soon")}, ""},
		{"no statements", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := RevokeTime(statements(t, test.list...))
			if ok != (test.want != "") || ok && got.Format(time.RFC3339) != test.want {
				t.Errorf("got %v %v, want %q", got, ok, test.want)
			}
		})
	}
}

func TestAllowsAction(t *testing.T) {
	const assume, role = "sts:AssumeRole", "arn:aws:iam::999988887777:role/target"
	tests := []struct {
		name string
		list []string
		want Truth
	}{
		{"nothing", nil, False},
		{"everything", []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`}, True},
		{"this action on this role", []string{`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + role + `"}`}, True},
		{"this action on another role", []string{`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + role + `2"}`}, False},
		{"another action", []string{`{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}`}, False},
		{"pattern", []string{`{"Effect":"Allow","Action":"sts:Assume*","Resource":"arn:aws:iam::*:role/tar*"}`}, True},
		{"everything but another action", []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, True},
		{"everything but this action", []string{`{"Effect":"Allow","NotAction":"sts:*","Resource":"*"}`}, False},
		{"everywhere but here", []string{`{"Effect":"Allow","Action":"*","NotResource":"` + role + `"}`}, False},
		{"under a condition", []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`}, Unknown},
		{"denied", []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny","Action":"sts:*","Resource":"*"}`}, False},
		{"perhaps denied", []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-07-01"}}}`}, Unknown},
		{"resource with a variable", []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/${aws:username}"}`}, Unknown},
		{"effect that cannot be read", []string{`{"Effect":"allow","Action":"*","Resource":"*"}`}, Unknown},
		{"effect that cannot be read, about something else", []string{`{"Effect":"allow","Action":"s3:*","Resource":"*"}`}, False},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := AllowsAction(statements(t, test.list...), assume, role); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestExplicitDenies(t *testing.T) {
	p := statements(t,
		`{"Sid":"a","Effect":"Deny","Action":"sts:*","Resource":"*"}`,
		`{"Sid":"b","Effect":"Deny","Action":"s3:*","Resource":"*"}`,
		`{"Sid":"c","Effect":"Allow","Action":"sts:*","Resource":"*"}`,
		`{"Sid":"d","Effect":"Deny","NotAction":"iam:*","Resource":"*"}`)
	var got string
	for _, s := range ExplicitDenies(p, "sts:AssumeRole") {
		got += s.Sid
	}
	if got != "ad" {
		t.Errorf("got %q, want ad", got)
	}
}
