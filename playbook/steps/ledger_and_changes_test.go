package steps

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func TestSessions(t *testing.T) {
	h := time.Hour
	uses := func(ago time.Duration, key, code string) map[string]any {
		return record(ago, "ssm", "GetParameter", "eu-west-1", func(m map[string]any) {
			m["eventID"] = m["eventID"].(string) + key
			m["userIdentity"] = map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/payments-api/worker-1", "accountId": myAccount, "accessKeyId": key,
				"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": payments, "accountId": myAccount, "userName": "payments-api"}}}
			m["resources"] = []any{}
			if code != "" {
				m["errorCode"] = code
			}
		})
	}
	for name, c := range map[string]struct {
		files map[string]string
		set   func(e *emulated)
		want  playbook.Status
		check func(t *testing.T, o playbook.Outcome, f facts.SessionLedger)
	}{
		"issued, ended, active, last used": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(3*h, "eu-west-1", payments, nil), assume(h/2, "eu-west-1", payments, nil), assume(2*h, "eu-west-1", payments+"-admin", nil),
			uses(5*h/2, "ASIA0000000000010800", ""), uses(7*h/3, "ASIA0000000000010800", "AccessDenied"))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if f.Total != 2 || f.ActiveNow != 1 || f.Ended != 1 {
					t.Fatalf("%+v", f)
				}
				s := f.Sessions[0]
				if s.Key != "ASIA…0800" || s.Seconds != 3600 || !s.LastUse.Equal(now.Add(-7*h/3)) || s.LastFailure != "AccessDenied" || s.Chained != playbook.No || s.Name != "worker-1" || s.Endpoint != "regional" || s.RoleID != "AROAEXAMPLE0000000001" {
					t.Errorf("%+v", s)
				}
			}},
		"last use from the event history": {files: map[string]string{"cloudtrail/trails.json": "", "cloudtrail/a.jsonl": jsonl(
			assume(3*h, "eu-west-1", payments, nil), uses(5*h/2, "ASIA0000000000010800", ""))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if !f.Sessions[0].LastUse.Equal(now.Add(-5*h/2)) || o.Partial != "" {
					t.Errorf("%+v, %q", f.Sessions[0], o.Partial)
				}
			}},
		"last use of more sessions than are looked up": {files: map[string]string{"cloudtrail/trails.json": "", "cloudtrail/a.jsonl": jsonl(
			assume(3*h, "eu-west-1", payments, nil), assume(4*h, "eu-west-1", payments, nil), assume(5*h, "eu-west-1", payments, nil), assume(6*h, "eu-west-1", payments, nil),
			assume(7*h, "eu-west-1", payments, nil), assume(8*h, "eu-west-1", payments, nil), assume(9*h, "eu-west-1", payments, nil), assume(10*h, "eu-west-1", payments, nil),
			assume(11*h, "eu-west-1", payments, nil), assume(12*h, "eu-west-1", payments, nil), assume(13*h, "eu-west-1", payments, nil))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if f.Total != 11 || !strings.Contains(o.Partial, "newest 10 of 11 sessions") {
					t.Errorf("%d sessions, %q", f.Total, o.Partial)
				}
			}},
		"issued twelve hours before the window": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(35*h, "eu-west-1", payments, nil), assume(37*h, "eu-west-1", payments, nil))},
			want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if f.Total != 1 || !f.From.Equal(now.Add(-36*h)) {
					t.Errorf("%+v", f)
				}
			}},
		"a service's own session is marked": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(h/2, "eu-west-1", payments, func(m map[string]any) {
				m["userIdentity"] = map[string]any{"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
			}))},
			want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if !f.Sessions[0].Service || f.Sessions[0].Caller.Service != "ec2.amazonaws.com" {
					t.Errorf("%+v", f.Sessions[0])
				}
			}},
		"EKS Pod Identity": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			record(h/2, "eks-auth", "AssumeRoleForPodIdentity", "eu-west-1", func(m map[string]any) {
				m["requestParameters"] = map[string]any{"clusterName": "shop"}
				m["responseElements"] = map[string]any{"subject": map[string]any{"namespace": "shop", "serviceAccount": "pay"},
					"assumedRoleUser": map[string]any{"arn": "arn:aws:sts::111122223333:assumed-role/payments-api/eks-shop-pod", "assumeRoleId": "AROAEXAMPLE0000000001:eks-shop-pod"},
					"credentials":     map[string]any{"accessKeyId": "ASIA0000000000000777", "expiration": now.Add(5 * h).Format("Jan 2, 2006, 3:04:05 PM")}}
			}))},
			want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
				if f.Total != 1 || f.Sessions[0].Event != "AssumeRoleForPodIdentity" || f.Sessions[0].Name != "eks-shop-pod" || f.ActiveNow != 1 {
					t.Errorf("%+v", f.Sessions)
				}
			}},
		"a session of an earlier role of the same name is odd": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(h/2, "eu-west-1", payments, func(m map[string]any) {
				m["responseElements"].(map[string]any)["assumedRoleUser"].(map[string]any)["assumedRoleId"] = "AROAOLD00000000000001:worker-1"
			}))}, want: playbook.Found},
		"chained for exactly an hour is odd": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(h/2, "eu-west-1", payments, func(m map[string]any) {
				m["userIdentity"] = map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/ci/x", "accessKeyId": "ASIA0000000000000001"}
			}))}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.SessionLedger) {
			if f.Sessions[0].Chained != playbook.Yes {
				t.Errorf("%+v", f.Sessions[0])
			}
		}},
		"no source is blind or denied": {files: map[string]string{"cloudtrail/trails.json": ""}, set: func(e *emulated) { deny(e, "cloudtrail:LookupEvents") }, want: playbook.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := about(t, c.files)
			if c.set != nil {
				c.set(e)
			}
			o := e.run(t, playbook.Sessions)
			wantStatus(t, o, c.want)
			if whole := string(o.Facts) + strings.Join(o.Unseen, "") + o.Summary; strings.Contains(whole, "IQoJ") || strings.Contains(whole, "ASIA0") {
				t.Errorf("a token or a key is in the outcome: %s", whole)
			}
			for _, p := range o.Proof {
				if strings.Contains(p.CLI+p.Console+p.Query, "ASIA0") {
					t.Errorf("a key is in a proof: %+v", p)
				}
			}
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Ledger, e.done))
			}
		})
	}
}

func change(ago time.Duration, name string, params map[string]any, edit func(m map[string]any)) map[string]any {
	return record(ago, "iam", name, "us-east-1", func(m map[string]any) {
		if _, ok := params["roleName"]; !ok && strings.Contains(name, "Role") {
			params["roleName"] = "payments-api"
		}
		m["requestParameters"] = params
		if edit != nil {
			edit(m)
		}
	})
}

const trustCI = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/ci"},"Action":"sts:AssumeRole"}]}`

func TestTrustChanges(t *testing.T) {
	h, day := time.Hour, 24*time.Hour
	policy := func(text string) map[string]any { return map[string]any{"policyDocument": text} }
	last := func(f facts.TrustChanges) facts.Change { return f.Changes[len(f.Changes)-1] }
	for name, c := range map[string]struct {
		records []map[string]any
		files   map[string]string
		set     func(e *emulated)
		want    playbook.Status
		check   func(t *testing.T, o playbook.Outcome, f facts.TrustChanges)
	}{
		"nothing": {want: playbook.Clear},
		"trust policy with its earlier value": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(trustUser), nil), change(20*day, "UpdateAssumeRolePolicy", policy(trustCI), nil)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				x := last(f)
				if len(f.Changes) != 2 || f.Changes[0].InWindow || !x.InWindow || x.BeforeIs != playbook.Yes || len(x.Diff) != 2 || !strings.Contains(x.Diff[0], "role/ci is no longer allowed") || x.Actor != "arn:aws:iam::111122223333:user/svc" {
					t.Errorf("%+v", f.Changes)
				}
			}},
		"trust policy from the role's creation": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(trustUser), nil),
			change(20*day, "CreateRole", map[string]any{"assumeRolePolicyDocument": trustCI}, nil)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if last(f).BeforeIs != playbook.Yes {
					t.Errorf("%+v", f.Changes)
				}
			}},
		"an earlier value that nobody recorded is unknown": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(trustUser), nil)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if x := last(f); x.BeforeIs != playbook.Unknown || x.Before != "" || len(x.Diff) != 0 {
					t.Errorf("%+v", x)
				}
			}},
		"the same policy again": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(strings.ReplaceAll(trustUser, ":{", ": {")), nil), change(20*day, "UpdateAssumeRolePolicy", policy(trustUser), nil)},
			want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if x := last(f); x.BeforeIs != playbook.Yes || len(x.Diff) != 0 {
					t.Errorf("%+v", x)
				}
			}},
		"maximum lowered": {records: []map[string]any{change(3*h, "UpdateRole", map[string]any{"maxSessionDuration": 3600}, nil), change(9*day, "UpdateRole", map[string]any{"maxSessionDuration": 43200}, nil),
			change(2*day, "UpdateRole", map[string]any{"description": "x"}, nil)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if x := last(f); x.WasMax != 43200 || x.NowMax != 3600 || x.BeforeIs != playbook.Yes || x.Kind != facts.MaxSessionEdited {
					t.Errorf("%+v", x)
				}
			}},
		"maximum set, before unknown": {records: []map[string]any{change(3*h, "UpdateRole", map[string]any{"maxSessionDuration": 3600}, nil)}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
			if x := last(f); x.WasMax != 0 || x.NowMax != 3600 || x.BeforeIs != playbook.Unknown {
				t.Errorf("%+v", x)
			}
		}},
		"a refused change changed nothing": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(trustUser), func(m map[string]any) { m["errorCode"] = "AccessDenied" })},
			want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if f.Refused != 1 || len(f.Changes) != 0 {
					t.Errorf("%+v", f)
				}
			}},
		"another role's change": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", map[string]any{"roleName": "payments-api-admin", "policyDocument": trustUser}, nil)}, want: playbook.Clear},
		"a tag cannot touch sessions": {records: []map[string]any{change(3*h, "TagRole", map[string]any{"tags": []any{map[string]any{"key": "a", "value": "b"}}}, nil)}, want: playbook.Clear, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
			if len(f.Changes) != 1 || f.Changes[0].Kind != facts.OtherEdit {
				t.Errorf("%+v", f.Changes)
			}
		}},
		"sessions revoked": {records: []map[string]any{change(3*h, "PutRolePolicy", map[string]any{"policyName": "AWSRevokeOlderSessions",
			"policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-06-01T08:59:58.000Z"}}}]}`}, nil)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if x := last(f); x.Kind != facts.SessionsCut || !x.RevokesBefore.Equal(now.Add(-3*h-2*time.Second)) {
					t.Errorf("%+v", x)
				}
			}},
		"deleted and created again": {records: []map[string]any{change(3*h, "DeleteRole", map[string]any{}, nil), change(2*h, "CreateRole", map[string]any{"assumeRolePolicyDocument": trustUser}, nil)}, want: playbook.Found},
		"a policy that is attached": {records: []map[string]any{change(3*h, "AttachRolePolicy", map[string]any{"policyArn": "arn:aws:iam::aws:policy/AWSDenyAll"}, nil)}, want: playbook.Found},
		"a user of the trust policy": {records: []map[string]any{change(3*h, "UpdateAccessKey", map[string]any{"userName": "svc", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "status": "Inactive"}, nil)}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
			if x := last(f); x.Subject != "svc AKIA…MPLE" || x.After != "Inactive" {
				t.Errorf("%+v", x)
			}
		}},
		"a user that nobody lets in":             {records: []map[string]any{change(3*h, "UpdateAccessKey", map[string]any{"userName": "stranger", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "status": "Inactive"}, nil)}, want: playbook.Clear},
		"a provider that the role does not know": {records: []map[string]any{change(3*h, "DeleteOpenIDConnectProvider", map[string]any{"openIDConnectProviderArn": "arn:aws:iam::111122223333:oidc-provider/example.com"}, nil)}, want: playbook.Clear},
		"the provider of the trust policy": {files: map[string]string{"iam/roles.json": rolesJSON("payments-api", "/", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/example.com"},"Action":"sts:AssumeRoleWithWebIdentity"}]}`, "")},
			records: []map[string]any{change(3*h, "DeleteOpenIDConnectProvider", map[string]any{"openIDConnectProviderArn": "arn:aws:iam::111122223333:oidc-provider/example.com"}, nil)}, want: playbook.Found},
		"a trail without global events sees no IAM": {files: map[string]string{"cloudtrail/trails.json": strings.Replace(trailsFile("", ""), `"IncludeGlobalServiceEvents":true`, `"IncludeGlobalServiceEvents":false`, 1)},
			records: []map[string]any{change(3*h, "UpdateRole", map[string]any{"maxSessionDuration": 3600}, nil)}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
				if f.Trails[0].Source != fromEventHistory {
					t.Errorf("%+v", f.Trails)
				}
			}},
		"a newer change that has not arrived": {records: []map[string]any{change(3*h, "UpdateAssumeRolePolicy", policy(trustCI), nil)}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.TrustChanges) {
			if !strings.Contains(o.Partial, "not what the last recorded change made it") {
				t.Errorf("%q", o.Partial)
			}
		}},
		"a trail whose selectors cannot be read proves nothing": {set: func(e *emulated) { deny(e, "cloudtrail:GetEventSelectors", "cloudtrail:LookupEvents") }, want: playbook.Blind},
		"a denied history is denied":                            {files: map[string]string{"cloudtrail/trails.json": ""}, set: func(e *emulated) { deny(e, "cloudtrail:LookupEvents") }, want: playbook.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"cloudtrail/a.jsonl": jsonl(c.records...)}
			for path, text := range c.files {
				files[path] = text
			}
			e := about(t, files)
			if c.set != nil {
				c.set(e)
			}
			o := e.run(t, playbook.TrustChanges)
			wantStatus(t, o, c.want)
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Changes, e.done))
			}
		})
	}
}

// The event history is read at a few pages a second. That many clients call for
// the role through us-east-1, where its changes are recorded, must not use up the
// time in which a change is found.
func TestABusyRolesChangesAreFound(t *testing.T) {
	records := []map[string]any{change(20*time.Hour, "UpdateAssumeRolePolicy", map[string]any{"policyDocument": trustUser}, nil)}
	for i := range 500 { // ten pages
		records = append(records, assume(time.Duration(i+1)*time.Minute, "us-east-1", payments, nil))
	}
	e := about(t, map[string]string{"cloudtrail/trails.json": "", "cloudtrail/a.jsonl": jsonl(records...)})
	o := e.run(t, playbook.TrustChanges)
	wantStatus(t, o, playbook.Found)
	if f := factOf(t, facts.Changes, e.done); len(f.Changes) != 1 || o.Partial != "" || !f.Trails[0].From.Equal(now.Add(-24*time.Hour)) {
		t.Errorf("%+v, %q", f, o.Partial)
	}
	for _, p := range o.Proof {
		if p.Action == "cloudtrail:LookupEvents" && p.Calls > 1 {
			t.Errorf("%d pages for %s", p.Calls, p.CLI)
		}
	}
}

func TestARoleOfAnotherAccount(t *testing.T) {
	e := about(t, map[string]string{"cloudtrail/a.jsonl": jsonl(assume(time.Hour, "eu-west-1", "arn:aws:iam::444455556666:role/payments-api", refuse("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/payments-api")))})
	e.request.Target, _ = playbook.ParseRole("arn:aws:iam::444455556666:role/payments-api")
	e.request.Target.Region = "eu-west-1"
	e.settle(t, playbook.RoleAndHealth, playbook.Blind, facts.RoleAndHealth{OtherAccount: true, Account: myAccount, RoleARN: e.request.Target.RoleARN})
	wantStatus(t, e.run(t, playbook.TrustChanges), playbook.Blind)
	// The caller's own account has the refused call.
	wantStatus(t, e.run(t, playbook.STSErrors), playbook.Found)
	// What other accounts were given is not in here.
	wantStatus(t, e.run(t, playbook.Sessions), playbook.Blind)
}
