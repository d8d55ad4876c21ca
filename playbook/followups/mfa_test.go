package followups

import (
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// roleFile is iam/roles.json with the role app and the given trust policy.
func roleFile(trustPolicy, more string) string {
	return `{"Roles":[{"Path":"/","RoleName":"app","RoleId":"AROAEXAMPLE0000000001","Arn":"arn:aws:iam::111122223333:role/app","CreateDate":"2025-02-11T09:31:07+00:00","MaxSessionDuration":3600,"AssumeRolePolicyDocument":` + trustPolicy + `}` + more + `]}`
}

const (
	trustTwo = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/ops","arn:aws:iam::111122223333:user/left","arn:aws:iam::999988887777:user/partner"]},"Action":"sts:AssumeRole",
"Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`
	usersOne = `{"Users":[{"UserName":"ops","Arn":"arn:aws:iam::111122223333:user/ops","UserId":"AIDAEXAMPLE0000000001","CreateDate":"2025-01-01T00:00:00+00:00","MFADevices":[{"SerialNumber":"arn:aws:iam::111122223333:mfa/ops","EnableDate":"2025-06-01T00:00:00+00:00"}],"AccessKeys":[]}]}`
)

func TestUsersOfTheTrustPolicyAreLookedUp(t *testing.T) {
	a := made(t, map[string]string{"iam/roles.json": roleFile(trustTwo, ""), "iam/users.json": usersOne})
	o := a.follow(t, playbook.MFADevices, a.investigate(t, a.plan, playbook.DefaultWindow))
	f, ok := facts.MFA.In(playbook.Outcomes{o.Step: o})
	if !ok || len(f.Holders) != 2 {
		t.Fatalf("%s: %+v", o.Summary, f)
	}
	left, ops := f.Holders[0], f.Holders[1]
	if left.User != "left" || left.Exists != playbook.No || ops.Exists != playbook.Yes || len(ops.Devices) != 1 || !ops.Named {
		t.Errorf("holders %+v", f.Holders)
	}
	if len(f.Rules) != 1 || f.Rules[0].Age != 3600 || !strings.Contains(o.Summary, "at most 1 h old") || !strings.Contains(o.Summary, "does not exist any more: left") {
		t.Errorf("rules %+v, %s", f.Rules, o.Summary)
	}
	if !slices.ContainsFunc(o.Unseen, func(s string) bool {
		return strings.Contains(s, "other accounts: arn:aws:iam::999988887777:user/partner")
	}) {
		t.Errorf("another account's user is not told: %q", o.Unseen)
	}
	for _, c := range a.server.Calls() {
		if c.Parameters["UserName"] == "partner" {
			t.Error("another account's user was looked up in this one")
		}
	}
}

func TestAMissingPermissionIsNoMissingDevice(t *testing.T) {
	a := made(t, map[string]string{"iam/roles.json": roleFile(trustTwo, ""), "iam/users.json": usersOne, "faults.yaml": "faults:\n  - {action: \"iam:ListMFADevices\", deny: true}\n"})
	o := a.follow(t, playbook.MFADevices, a.investigate(t, a.plan, playbook.DefaultWindow))
	f, _ := facts.MFA.In(playbook.Outcomes{o.Step: o})
	if !slices.Contains(o.Missing, "iam:ListMFADevices") || strings.Contains(o.Summary, "No MFA device") || lacks(f.Holders[1]) {
		t.Errorf("%s, missing %v: %s", o.Status, o.Missing, o.Summary)
	}
}

func TestAnUnreadTrustPolicyIsBlind(t *testing.T) {
	a := made(t, map[string]string{"iam/roles.json": roleFile(trustTwo, ""), "faults.yaml": "faults:\n  - {action: \"iam:GetRole\", deny: true}\n"})
	o := a.follow(t, playbook.MFADevices, a.investigate(t, a.plan, playbook.DefaultWindow))
	if o.Status != playbook.Blind || strings.Contains(o.Summary, "Nothing in the trust policy") {
		t.Errorf("%s: %s", o.Status, o.Summary)
	}
}
