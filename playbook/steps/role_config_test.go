package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	revoke   = `{"PolicyName":"AWSRevokeOlderSessions","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-06-01T09:00:00Z"}}}]}}`
	readS3   = `{"PolicyName":"read","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}}`
	denySTS  = `{"PolicyName":"no-chaining","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Sid":"NoChaining","Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}}`
	attached = `,"AttachedPolicies":[{"PolicyName":"ReadOnlyAccess","PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"},{"PolicyName":"own","PolicyArn":"arn:aws:iam::111122223333:policy/own"}]`
	policies = `{"Policies":[{"Arn":"arn:aws:iam::111122223333:policy/own","PolicyName":"own","DefaultVersionId":"v2","Versions":[
{"VersionId":"v2","Document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]},"CreateDate":"2025-02-11T09:31:07+00:00"},
{"VersionId":"v1","Document":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]},"CreateDate":"2025-02-10T09:31:07+00:00"}]},
{"Arn":"arn:aws:iam::111122223333:policy/edge","PolicyName":"edge","DefaultVersionId":"v1","Versions":[
{"VersionId":"v1","Document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sqs:*"],"Resource":"*"}]},"CreateDate":"2025-02-10T09:31:07+00:00"}]}]}`
	boundary = `,"PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/edge"}`
)

// trustWhere is the trust policy of trustUser under a condition.
func trustWhere(condition string) string {
	return strings.Replace(trustUser, `"Action":"sts:AssumeRole"`, `"Action":"sts:AssumeRole","Condition":`+condition, 1)
}

func TestRoleConfig(t *testing.T) {
	for name, c := range map[string]struct {
		trust, extra string
		faults       []awsemu.Fault
		want         playbook.Status
		says         string
		check        func(t *testing.T, o playbook.Outcome, f facts.RoleConfig)
	}{
		"a plain role": {trustUser, `,"InlinePolicies":[` + readS3 + `]` + attached + boundary, nil, playbook.Clear, "MaxSessionDuration is 1 h; the trust policy has 1 statement. Nothing in its policies", func(t *testing.T, o playbook.Outcome, f facts.RoleConfig) {
			var got []string
			for _, p := range f.Policies {
				got = append(got, p.Kind+" "+p.Name)
				if p.Read != (p.Name != "ReadOnlyAccess") || len(p.Denies) > 0 {
					t.Errorf("policy %+v", p)
				}
			}
			if diff := cmp.Diff([]string{"boundary edge", "inline read", "attached ReadOnlyAccess", "attached own"}, got); diff != "" {
				t.Error(diff)
			}
			if f.MaxSessionDuration != 3600 || !strings.HasPrefix(f.TrustPolicy, `{"`) || f.Boundary != "arn:aws:iam::111122223333:policy/edge" || f.Policies[0].Document == "" {
				t.Errorf("facts %+v", f)
			}
			if !slices.ContainsFunc(o.Unseen, func(s string) bool { return strings.Contains(s, "not read: ReadOnlyAccess") }) {
				t.Errorf("does not say what was not read: %q", o.Unseen)
			}
		}},
		"sessions revoked": {trustUser, `,"InlinePolicies":[` + revoke + `]`, nil, playbook.Found, "Sessions issued before 2026-06-01 09:00:00 UTC are revoked by the policy AWSRevokeOlderSessions.", func(t *testing.T, o playbook.Outcome, f facts.RoleConfig) {
			if f.Policies[0].RevokesBefore.IsZero() || f.Policies[0].Document == "" {
				t.Errorf("policy %+v", f.Policies[0])
			}
		}},
		"explicit deny of STS":     {trustUser, `,"InlinePolicies":[` + denySTS + `]`, nil, playbook.Found, `no-chaining has an explicit deny that covers STS: statement 1 ("NoChaining")`, nil},
		"deleted principal":        {strings.Replace(trustUser, "arn:aws:iam::111122223333:user/svc", "AIDAEXAMPLE0000000001", 1), "", nil, playbook.Found, "a principal that was deleted: AIDAEXAMPLE0000000001", nil},
		"MFA age":                  {trustWhere(`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), "", nil, playbook.Found, "limits the age of the caller's MFA login", nil},
		"duration in trust policy": {trustWhere(`{"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}}`), "", nil, playbook.Found, "which no request for a role session carries", nil},
		"dates that have passed":   {trustWhere(`{"DateLessThan":{"aws:CurrentTime":"2026-05-01T00:00:00Z"}}`), "", nil, playbook.Found, "and not now", nil},
		"dates that have not":      {trustWhere(`{"DateLessThan":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}}`), "", nil, playbook.Clear, "Nothing in its policies", nil},
		"an ExternalId is no find": {trustWhere(`{"StringEquals":{"sts:ExternalId":"x"}}`), "", nil, playbook.Clear, "Nothing in its policies", nil},
		"one policy refused costs that policy": {trustUser, attached, []awsemu.Fault{fault("iam:GetPolicyVersion", "", capture.Fault{Deny: true})}, playbook.Clear, "Nothing in its policies", func(t *testing.T, o playbook.Outcome, f facts.RoleConfig) {
			if o.Partial == "" || !slices.Equal(o.Missing, []string{"iam:GetPolicyVersion"}) || f.Policies[1].Read {
				t.Errorf("partial %q, missing %q", o.Partial, o.Missing)
			}
		}},
		"inline policies not listed": {trustUser, `,"InlinePolicies":[` + revoke + `]`, []awsemu.Fault{fault("iam:ListRolePolicies", "", capture.Fault{Deny: true})}, playbook.Clear, "", func(t *testing.T, o playbook.Outcome, f facts.RoleConfig) {
			if o.Partial == "" || !slices.Equal(o.Missing, []string{"iam:ListRolePolicies"}) {
				t.Errorf("partial %q, missing %q", o.Partial, o.Missing)
			}
		}},
		"GetRole refused": {trustUser, "", []awsemu.Fault{fault("iam:GetRole", "", capture.Fault{Deny: true})}, playbook.Denied, "could not be read", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t, "payments-api", "eu-west-1", map[string]string{"iam/roles.json": rolesJSON("payments-api", "/", c.trust, c.extra), "iam/policies.json": policies})
			for _, f := range c.faults {
				e.server.AddFault(f)
			}
			e.settle(t, playbook.RoleAndHealth, playbook.Clear, facts.RoleAndHealth{Exists: playbook.Yes, RoleName: "payments-api", Account: myAccount})
			o := e.run(t, playbook.RoleConfig)
			wantStatus(t, o, c.want)
			if !strings.Contains(o.Summary, c.says) {
				t.Errorf("summary %q does not say %q", o.Summary, c.says)
			}
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Config, e.done))
			}
		})
	}
}

// What step 1 settled spares calls that could only mislead.
func TestRoleConfigAsksOnlyForARoleOfOurs(t *testing.T) {
	for name, role := range map[string]facts.RoleAndHealth{
		"role of another account": {OtherAccount: true},
		"role that is not there":  {Exists: playbook.No},
	} {
		e := emulate(t, "arn:aws:iam::444455556666:role/payments-api", "eu-west-1", map[string]string{"iam/roles.json": rolesJSON("payments-api", "/", trustUser, "")})
		e.settle(t, playbook.RoleAndHealth, playbook.Found, role)
		wantStatus(t, e.run(t, playbook.RoleConfig), playbook.Blind)
		if calls := e.server.Calls(); len(calls) > 0 {
			t.Errorf("%s: asked %v", name, calls)
		}
	}
}
