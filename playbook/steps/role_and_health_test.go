package steps

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func fault(action, region string, f capture.Fault) awsemu.Fault {
	f.Action, f.Region = action, region
	return awsemu.Fault{Fault: f}
}

func TestRoleAndHealth(t *testing.T) {
	const region = "eu-west-1"
	roles := rolesJSON("payments-api", "/", trustUser, `,"RoleLastUsed":{"LastUsedDate":"2026-06-01T08:00:00+00:00","Region":"eu-west-1"}`)
	well := map[string]string{"iam/roles.json": roles, "health.json": noIssues, "iam/account-summary.json": tokenTwo}
	with := func(path, content string) map[string]string {
		files := map[string]string{path: content}
		for p, c := range well {
			if _, given := files[p]; !given {
				files[p] = c
			}
		}
		return files
	}
	for name, c := range map[string]struct {
		role, region string
		files        map[string]string
		faults       []awsemu.Fault
		want         playbook.Status
		says         string
		check        func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth)
	}{
		"role there and all well": {"payments-api", region, well, nil, playbook.Clear, "STS answers in eu-west-1 and us-east-1. AWS Health has no issue", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if f.Exists != playbook.Yes || f.RoleARN != "arn:aws:iam::111122223333:role/payments-api" || f.Account != myAccount || f.GlobalTokenVersion != 2 || f.LastRegion != "eu-west-1" {
				t.Errorf("facts %+v", f)
			}
			if f.STSActive != playbook.Unknown {
				t.Error("an answer to GetCallerIdentity was taken for proof that STS is active")
			}
		}},
		"asked by ARN":             {"arn:aws:iam::111122223333:role/payments-api", region, well, nil, playbook.Clear, "exists", nil},
		"name that does not exist": {"payment-api", region, well, nil, playbook.Found, "There is no role payment-api in account 111122223333. There is payments-api.", nil},
		"namesake at another path": {"team/payments-api", region, well, nil, playbook.Found, "no role payments-api with the path /team/", nil},
		"namesake in another account": {"arn:aws:iam::444455556666:role/payments-api", region, well, nil, playbook.Blind, "of account 444455556666", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if !f.OtherAccount || f.Exists != playbook.Unknown || f.RoleID != "" || f.RoleARN != "arn:aws:iam::444455556666:role/payments-api" {
				t.Errorf("took the namesake: %+v", f)
			}
		}},
		"GetRole refused": {"payments-api", region, well, []awsemu.Fault{fault("iam:GetRole", "", capture.Fault{Deny: true})}, playbook.Denied, "could not be read", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if diff := cmp.Diff([]string{"iam:GetRole"}, o.Missing); diff != "" || f.Exists != playbook.Unknown {
				t.Errorf("missing %s, exists %s", diff, f.Exists)
			}
		}},
		"alias and summary refused cost only their part": {"payments-api", region, well, []awsemu.Fault{fault("iam:GetAccountSummary", "", capture.Fault{Deny: true}), fault("iam:ListAccountAliases", "", capture.Fault{Deny: true})},
			playbook.Clear, "exists", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
				if diff := cmp.Diff([]string{"iam:GetAccountSummary", "iam:ListAccountAliases"}, o.Missing); diff != "" {
					t.Error(diff)
				}
			}},
		"throttled once": {"payments-api", region, well, []awsemu.Fault{fault("iam:GetRole", "", capture.Fault{Throttle: true, Times: 1})}, playbook.Clear, "exists", nil},
		"open issue of STS": {"payments-api", region, with("health.json", stsTrouble), nil, playbook.Found, "AWS_STS_OPERATIONAL_ISSUE in eu-west-1 (open", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if len(f.Events) != 1 || f.Events[0].Text != "Increased error rates." {
				t.Errorf("events %+v", f.Events)
			}
		}},
		"issue that ended before the window": {"payments-api", region, with("health.json", strings.NewReplacer(`"startTime":"2026-06-01T10:00:00Z"`, `"startTime":"2026-05-20T10:00:00Z","endTime":"2026-05-20T11:00:00Z"`, `"open"`, `"closed"`).Replace(stsTrouble)),
			nil, playbook.Clear, "no issue", nil},
		"issue that ended inside the window": {"payments-api", region, with("health.json", strings.NewReplacer(`"startTime":"2026-06-01T10:00:00Z"`, `"startTime":"2026-05-20T10:00:00Z","endTime":"2026-06-01T11:00:00Z"`, `"open"`, `"closed"`).Replace(stsTrouble)),
			nil, playbook.Found, "closed", nil},
		"no support plan, feed without trouble": {"payments-api", region, map[string]string{"iam/roles.json": roles, "public-status.json": "[]"}, nil, playbook.Clear, "The public status feed has no issue", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if f.HealthAsked != playbook.No || f.FeedRead != playbook.Yes {
				t.Errorf("asked %s, feed %s", f.HealthAsked, f.FeedRead)
			}
		}},
		"no support plan, feed with trouble": {"payments-api", region, map[string]string{"iam/roles.json": roles,
			"public-status.json": `[{"date":"1780308000","arn":"arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/y","service":"iam-us-east-1","status":"2","summary":"Elevated errors – investigating"},
			{"date":1780308000,"arn":"arn:aws:health:us-east-1::event/S3/AWS_S3_OPERATIONAL_ISSUE/z","service":"s3-us-east-1","status":"3","summary":"other"}]`}, nil,
			playbook.Found, "AWS_IAM_OPERATIONAL_ISSUE in us-east-1", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
				if len(f.Events) != 1 || !f.Events[0].Open || f.Events[0].Text != "Elevated errors – investigating" {
					t.Errorf("events %+v", f.Events)
				}
			}},
		"no support plan, feed unreachable is unknown and not well": {"payments-api", region, map[string]string{"iam/roles.json": roles}, nil, playbook.Clear, "is not known", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if f.FeedRead != playbook.No || o.Partial == "" {
				t.Errorf("feed %s, partial %q", f.FeedRead, o.Partial)
			}
		}},
		"Health refused": {"payments-api", region, well, []awsemu.Fault{fault("health:DescribeEvents", "", capture.Fault{Deny: true})}, playbook.Clear, "is not known", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if len(o.Missing) != 1 || o.Missing[0] != "health:DescribeEvents" || o.Partial == "" {
				t.Errorf("missing %q, partial %q", o.Missing, o.Partial)
			}
		}},
		"STS switched off in the region": {"payments-api", region, well, []awsemu.Fault{fault("sts:*", region, capture.Fault{Error: "RegionDisabledException"})}, playbook.Found, "STS is not activated in eu-west-1", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if f.STSActive != playbook.No || f.Account != myAccount {
				t.Errorf("active %s, account %q", f.STSActive, f.Account)
			}
		}},
		"STS in trouble in the region": {"payments-api", region, well, []awsemu.Fault{fault("sts:*", region, capture.Fault{Error: "ServiceUnavailable"})}, playbook.Found, "answers ServiceUnavailable in eu-west-1 and answers in us-east-1", nil},
		"opt-in region with version 1 tokens": {"payments-api", "me-south-1", with("iam/account-summary.json", tokenOne), nil, playbook.Found, "version 1 tokens, which are not valid in me-south-1", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if !f.RegionOptIn || f.RegionEnabled != playbook.Yes || f.STSActive != playbook.Yes {
				t.Errorf("facts %+v", f)
			}
		}},
		"opt-in region with version 2 tokens":           {"payments-api", "me-south-1", well, nil, playbook.Clear, "STS answers in me-south-1", nil},
		"default region with version 1 tokens is fine":  {"payments-api", region, with("iam/account-summary.json", tokenOne), nil, playbook.Clear, "exists", nil},
		"in us-east-1 another region is probed as well": {"payments-api", "us-east-1", well, nil, playbook.Clear, "STS answers in us-east-1 and us-west-2", nil},
		"expired credentials of the tool": {"payments-api", region, well, []awsemu.Fault{fault("*:*", "", capture.Fault{Error: "ExpiredToken"})}, playbook.Blind, "stsleuth's own credentials have expired", func(t *testing.T, o playbook.Outcome, f facts.RoleAndHealth) {
			if f.Exists != playbook.Unknown || f.STSActive != playbook.Unknown {
				t.Errorf("facts %+v", f)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t, c.role, c.region, c.files)
			for _, f := range c.faults {
				e.server.AddFault(f)
			}
			o := e.run(t, playbook.RoleAndHealth)
			wantStatus(t, o, c.want)
			if !strings.Contains(o.Summary, c.says) {
				t.Errorf("summary %q does not say %q", o.Summary, c.says)
			}
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Role, e.done))
			}
		})
	}
}

// A region whose STS never answers, while the other does, is AWS's trouble.
func TestSilentEndpoint(t *testing.T) {
	e := emulate(t, "payments-api", "eu-west-1", map[string]string{"iam/roles.json": rolesJSON("payments-api", "/", trustUser, ""), "health.json": noIssues})
	e.server.AddFault(fault("sts:GetCallerIdentity", "eu-west-1", capture.Fault{Timeout: true}))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	got, err := run{e.clients, e.settings}.roleAndHealth(ctx, playbook.Pass{Request: e.request})
	if err != nil {
		t.Fatal(err)
	}
	f := got.Facts.(facts.RoleAndHealth)
	if got.Status != playbook.Found || f.Probes[0].Answered != playbook.No || f.Probes[1].Answered != playbook.Yes {
		t.Errorf("%s: %s, probes %+v", got.Status, got.Summary, f.Probes)
	}
}

// Without credentials the SDK's chain ends at the instance metadata service.
// Where that is silent it would wait for 13 s, and the answer is due in 3.
func TestNoCredentialsIsSaidInTime(t *testing.T) {
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", t.TempDir())
	silent := make(chan struct{})
	metadata := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer metadata.Close()
	defer close(silent)
	for name, env := range map[string][2]string{
		"silent metadata service": {"AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL},
		"metadata service is off": {"AWS_EC2_METADATA_DISABLED", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(env[0], env[1])
			e := emulate(t, "payments-api", "eu-west-1", nil)
			found, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cfg := e.server.Config("eu-west-1")
			cfg.Credentials = found.Credentials
			e.clients = clientsOf(cfg)
			start := time.Now()
			o := e.run(t, playbook.RoleAndHealth)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
			wantStatus(t, o, playbook.Blind)
			if !strings.Contains(o.Summary, "found no AWS credentials: set AWS_PROFILE") {
				t.Error(o.Summary)
			}
			if calls := e.server.Calls(); len(calls) != 0 {
				t.Errorf("AWS was asked %v", calls)
			}
			start = time.Now()
			wantStatus(t, e.run(t, playbook.RoleConfig), playbook.Blind)
			if took := time.Since(start); took > time.Second {
				t.Errorf("the next step waited again: %s", took)
			}
		})
	}
}

func FuzzParseFeed(f *testing.F) {
	f.Add([]byte("\xfe\xff\x00[\x00]"))
	f.Add([]byte(`[{"date":"1","arn":"arn:aws:health:::event/a","service":"-","status":null,"end_time":1e99}]`))
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, b []byte) { parseFeed(b) })
}
