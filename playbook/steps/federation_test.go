package steps

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	oidcARN   = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"
	samlARN   = "arn:aws:iam::111122223333:saml-provider/corp"
	trustOIDC = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + oidcARN + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com"}}}]}`
	trustSAML = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + samlARN + `"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}`
)

func oidcJSON(arn, clientID string) string {
	return `{"OpenIDConnectProviders":[{"Arn":"` + arn + `","Url":"oidc.eks.eu-west-1.amazonaws.com/id/AAAA","ClientIDList":["` + clientID + `"],"ThumbprintList":[],"CreateDate":"2025-01-20T11:00:00+00:00"}]}`
}

func samlJSON(validUntil string) string {
	return `{"SAMLProviderList":[{"Arn":"` + samlARN + `","ValidUntil":"` + validUntil + `","CreateDate":"2025-01-20T11:00:00+00:00"}]}`
}

func TestFederation(t *testing.T) {
	inWindow := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	issued := facts.SessionLedger{Total: 2, Sessions: []facts.Session{
		{Event: "AssumeRoleWithWebIdentity", Issued: inWindow.Add(-30 * time.Hour), Caller: facts.Caller{Provider: oidcARN, UserName: "system:serviceaccount:shop:orders"}},
		{Event: "AssumeRoleWithWebIdentity", Issued: inWindow, Caller: facts.Caller{Provider: oidcARN, UserName: "system:serviceaccount:shop:orders"}}}}
	failed := facts.STSErrors{Total: 1, Failures: []facts.Failure{{Event: "AssumeRoleWithWebIdentity", Time: inWindow, Kind: facts.IdentityTokenExpired}}}
	for name, c := range map[string]struct {
		trust  string
		files  map[string]string
		errors facts.STSErrors
		ledger facts.SessionLedger
		blind  bool // CloudTrail could not be read
		faults []awsemu.Fault
		want   playbook.Status
		says   string
		check  func(t *testing.T, o playbook.Outcome, f facts.Federation)
	}{
		"no provider, no call": {trust: trustUser, want: playbook.Clear, says: "does not use an identity provider", check: func(t *testing.T, o playbook.Outcome, f facts.Federation) {
			if f.Used != playbook.No || len(o.Proof) != 0 {
				t.Errorf("used %s, proof %v", f.Used, o.Proof)
			}
		}},
		"trust policy not read": {want: playbook.Blind, says: "is not known"},
		"provider as it should be": {trust: trustOIDC, files: map[string]string{"iam/oidc-providers.json": oidcJSON(oidcARN, "sts.amazonaws.com")}, ledger: issued, want: playbook.Clear, says: "AssumeRoleWithWebIdentity: 1 call in the window, 0 of them failed", check: func(t *testing.T, o playbook.Outcome, f facts.Federation) {
			want := []facts.Provider{{ARN: oidcARN, Kind: "oidc", Exists: playbook.Yes, URL: "oidc.eks.eu-west-1.amazonaws.com/id/AAAA", ClientIDs: []string{"sts.amazonaws.com"},
				Audiences: []string{"sts.amazonaws.com"}, Listed: playbook.Yes, Created: time.Date(2025, 1, 20, 11, 0, 0, 0, time.UTC)}}
			if diff := cmp.Diff(want, f.Providers); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"system:serviceaccount:shop:orders"}, f.Subjects); diff != "" {
				t.Error(diff)
			}
		}},
		"failed exchange":    {trust: trustOIDC, files: map[string]string{"iam/oidc-providers.json": oidcJSON(oidcARN, "sts.amazonaws.com")}, errors: failed, ledger: issued, want: playbook.Found, says: "2 calls in the window, 1 of them failed"},
		"provider is gone":   {trust: trustOIDC, files: map[string]string{"iam/oidc-providers.json": oidcJSON(strings.Replace(oidcARN, "AAAA", "BBBB", 1), "sts.amazonaws.com")}, want: playbook.Found, says: "does not exist (the account has 1 other of its kind)"},
		"audience is gone":   {trust: trustOIDC, files: map[string]string{"iam/oidc-providers.json": oidcJSON(oidcARN, "other")}, want: playbook.Found, says: "wants the audience sts.amazonaws.com"},
		"SAML metadata old":  {trust: trustSAML, files: map[string]string{"iam/saml-providers.json": samlJSON("2026-05-31T00:00:00+00:00")}, want: playbook.Found, says: "was valid until 2026-05-31"},
		"SAML metadata new":  {trust: trustSAML, files: map[string]string{"iam/saml-providers.json": samlJSON("2027-05-31T00:00:00+00:00")}, want: playbook.Clear, says: "No exchange was recorded"},
		"SAML provider gone": {trust: trustSAML, want: playbook.Found, says: "the account has 0 others"},
		"reading refused": {trust: trustSAML, files: map[string]string{"iam/saml-providers.json": samlJSON("2027-05-31T00:00:00+00:00")}, faults: []awsemu.Fault{fault("iam:GetSAMLProvider", "", capture.Fault{Deny: true})}, want: playbook.Denied, check: func(t *testing.T, o playbook.Outcome, f facts.Federation) {
			if len(o.Missing) != 1 || f.Providers[0].Exists != playbook.Unknown || o.Partial == "" {
				t.Errorf("missing %q, providers %+v", o.Missing, f.Providers)
			}
		}},
		"CloudTrail not read":                {trust: trustOIDC, files: map[string]string{"iam/oidc-providers.json": oidcJSON(oidcARN, "sts.amazonaws.com")}, blind: true, want: playbook.Blind, says: "not counted"},
		"built-in provider is not asked for": {trust: strings.Replace(trustOIDC, oidcARN, "accounts.google.com", 1), want: playbook.Clear, says: "accounts.google.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t, "payments-api", "eu-west-1", c.files)
			for _, f := range c.faults {
				e.server.AddFault(f)
			}
			status := playbook.Clear
			if c.blind {
				status = playbook.Blind
			}
			e.settle(t, playbook.STSErrors, status, c.errors)
			e.settle(t, playbook.Sessions, status, c.ledger)
			e.settle(t, playbook.RoleConfig, playbook.Clear, facts.RoleConfig{TrustPolicy: c.trust, MaxSessionDuration: 3600})
			o := e.run(t, playbook.Federation)
			wantStatus(t, o, c.want)
			if !strings.Contains(o.Summary, c.says) {
				t.Errorf("summary %q does not say %q", o.Summary, c.says)
			}
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Identity, e.done))
			}
		})
	}
}
