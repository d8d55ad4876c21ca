package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/awsemu/insights"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// now is when the tests' questions are asked.
var now = must(time.Parse(time.RFC3339, asked0))

// record is a CloudTrail record `ago` before now; change edits it.
func record(ago time.Duration, source, name, region string, change func(m map[string]any)) map[string]any {
	m := map[string]any{"eventVersion": "1.09", "eventTime": now.Add(-ago).Format(time.RFC3339), "eventSource": source + ".amazonaws.com", "eventName": name,
		"awsRegion": region, "eventID": fmt.Sprintf("%s-%s-%d", name, region, int(ago.Seconds())), "recipientAccountId": myAccount, "eventType": "AwsApiCall",
		"readOnly": source != "iam", "managementEvent": true, "eventCategory": "Management", "userAgent": "aws-cli/2", "sourceIPAddress": "192.0.2.7",
		"userIdentity": map[string]any{"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/svc", "accountId": myAccount, "userName": "svc", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}
	if change != nil {
		change(m)
	}
	return m
}

const payments = "arn:aws:iam::111122223333:role/payments-api"

// assume is an AssumeRole through the regional endpoint, granted for an hour.
func assume(ago time.Duration, region, role string, change func(m map[string]any)) map[string]any {
	return record(ago, "sts", "AssumeRole", region, func(m map[string]any) {
		name := role[strings.LastIndexByte(role, '/')+1:]
		key := fmt.Sprintf("ASIA%016d", int(ago.Seconds()))
		m["requestParameters"] = map[string]any{"roleArn": role, "roleSessionName": "worker-1"}
		m["responseElements"] = map[string]any{
			"credentials":     map[string]any{"accessKeyId": key, "sessionToken": "IQoJb3JpZ2luX2VjEXOFZLBn7M86mu0SqT3Z7pO7NS2HSz90VwNns5Eo3", "expiration": now.Add(time.Hour - ago).Format("Jan 2, 2006, 3:04:05 PM")},
			"assumedRoleUser": map[string]any{"assumedRoleId": "AROAEXAMPLE0000000001:worker-1", "arn": "arn:aws:sts::111122223333:assumed-role/" + name + "/worker-1"}}
		m["resources"] = []any{map[string]any{"ARN": role, "accountId": myAccount, "type": "AWS::IAM::Role"}}
		m["additionalEventData"] = map[string]any{"RequestDetails": map[string]any{"endpointType": "regional", "awsServingRegion": region}}
		if change != nil {
			change(m)
		}
	})
}

// refuse turns a granted call into a refused one.
func refuse(code, message string) func(m map[string]any) {
	return func(m map[string]any) {
		m["errorCode"], m["errorMessage"], m["responseElements"] = code, message, nil
		m["eventID"] = m["eventID"].(string) + "-" + code
	}
}

func jsonl(records ...map[string]any) string {
	var b strings.Builder
	for _, r := range records {
		raw, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		b.Write(raw)
		b.WriteByte('\n')
	}
	return b.String()
}

// trailsFile is trails.json with one trail; status and more are further keys.
func trailsFile(status, more string) string {
	if status == "" {
		status = `"IsLogging":true,"StartLoggingTime":"2024-01-18T10:02:31+00:00","LatestCloudWatchLogsDeliveryTime":"2026-06-01T11:57:00+00:00"`
	}
	return `{"Trails":[{"Name":"all","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/all","IsMultiRegionTrail":true,
"IncludeGlobalServiceEvents":true,"IsOrganizationTrail":false,"CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:trail-logs:*","Status":{` + status + `}` + more + `}]}`
}

// about emulates an account with a trail and a role payments-api.
func about(t *testing.T, files map[string]string) *emulated {
	t.Helper()
	return aboutWith(t, awsemu.Options{}, files)
}

func aboutWith(t *testing.T, options awsemu.Options, files map[string]string) *emulated {
	t.Helper()
	all := map[string]string{"iam/roles.json": rolesJSON("payments-api", "/", trustUser, ""), "cloudtrail/trails.json": trailsFile("", "")}
	for path, content := range files {
		if content == "" {
			delete(all, path)
			continue
		}
		all[path] = content
	}
	e := emulateWith(t, options, "payments-api", "eu-west-1", all)
	e.settle(t, playbook.RoleAndHealth, playbook.Clear, facts.RoleAndHealth{Exists: playbook.Yes, RoleARN: payments, RoleName: "payments-api", Path: "/", RoleID: "AROAEXAMPLE0000000001", Account: myAccount})
	e.settle(t, playbook.RoleConfig, playbook.Clear, facts.RoleConfig{})
	return e
}

func deny(e *emulated, actions ...string) {
	for _, a := range actions {
		e.server.AddFault(fault(a, "", capture.Fault{Deny: true}))
	}
}

const denied = "User: arn:aws:iam::111122223333:user/svc is not authorized to perform: sts:AssumeRole on resource: " + payments

func TestSTSErrors(t *testing.T) {
	h := time.Hour
	for name, c := range map[string]struct {
		files  map[string]string
		set    func(e *emulated)
		want   playbook.Status
		check  func(t *testing.T, o playbook.Outcome, f facts.STSErrors)
		no     []string // actions that must not be called
		called []string
	}{
		"a namesake with the same beginning is another role": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(2*h, "eu-west-1", payments+"-admin", refuse("AccessDenied", denied+"-admin")),
			assume(3*h, "eu-west-1", payments, nil))},
			want: playbook.Clear, no: []string{"cloudtrail:LookupEvents"}, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if f.Calls != 1 || len(f.Roles) != 2 || f.Roles[0].RoleARN != payments || f.Roles[1].Errors != 1 || f.Roles[1].ByKind[facts.AssumeDenied] != 1 {
					t.Errorf("calls %d, roles %+v", f.Calls, f.Roles)
				}
			}},
		"parameters null and the role in the message only": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(2*h, "eu-west-1", payments, func(m map[string]any) {
				refuse("AccessDenied", denied)(m)
				m["requestParameters"], m["resources"] = nil, nil
			}))}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
			if f.Failures[0].Matched != "message" || f.Failures[0].Caller.UserName != "svc" || f.Failures[0].Caller.Temporary != playbook.No {
				t.Errorf("%+v", f.Failures[0])
			}
		}},
		"the role among the resources only": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(2*h, "eu-west-1", payments, func(m map[string]any) {
				refuse("AccessDenied", "An unknown error occurred")(m)
				m["requestParameters"] = nil
			}))}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
			if f.Failures[0].Matched != "resources" || f.Failures[0].Kind != facts.AssumeDenied {
				t.Errorf("%+v", f.Failures[0])
			}
		}},
		"copies of one call count once, and the copy that names the caller is kept": {
			files: map[string]string{"cloudtrail/trails.json": strings.Replace(trailsFile("", ""), `"IsOrganizationTrail":false`, `"IsOrganizationTrail":true`, 1),
				"cloudtrail/a.jsonl": jsonl(
					assume(2*h, "eu-west-1", payments, func(m map[string]any) {
						m["sharedEventID"], m["eventID"] = "shared-1", "target"
						m["userIdentity"] = map[string]any{"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROACALLER000000000001:x"}
					}),
					assume(2*h, "eu-west-1", payments, func(m map[string]any) {
						m["sharedEventID"], m["eventID"], m["recipientAccountId"] = "shared-1", "caller", "444455556666"
						m["userIdentity"] = map[string]any{"type": "AssumedRole", "accountId": "444455556666", "arn": "arn:aws:sts::444455556666:assumed-role/caller/x", "accessKeyId": "ASIA0000000000000009"}
					}),
					// A refused call from outside is in the caller's account only, which the organization's trail shows.
					assume(h, "eu-west-1", payments, func(m map[string]any) {
						refuse("AccessDenied", denied)(m)
						m["recipientAccountId"] = "444455556666"
					}),
					// Another account's own business.
					assume(h, "eu-west-1", "arn:aws:iam::444455556666:role/theirs", func(m map[string]any) { m["recipientAccountId"] = "444455556666" }))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if f.Calls != 2 || f.Total != 1 || len(f.Roles) != 1 {
					t.Errorf("calls %d, failures %d, roles %+v", f.Calls, f.Total, f.Roles)
				}
			}},
		"global calls count where they were served": {files: map[string]string{"cloudtrail/a.jsonl": jsonl(
			assume(1*h, "us-east-1", payments, func(m map[string]any) { global(m, "eu-west-1"); refuse("AccessDenied", denied)(m) }),
			assume(2*h, "us-east-1", payments, func(m map[string]any) { global(m, ""); refuse("AccessDenied", denied)(m) }),
			assume(3*h, "us-east-1", payments, func(m map[string]any) { global(m, "ap-south-1"); refuse("AccessDenied", denied)(m) }),
			assume(4*h, "us-east-1", payments, refuse("AccessDenied", denied)), // us-east-1's own endpoint
			assume(5*h, "ap-south-1", payments, refuse("AccessDenied", denied)))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if f.Total != 2 || f.Failures[0].Endpoint != "global" {
					t.Errorf("%d failures: %+v", f.Total, f.Failures)
				}
			}},
		"a stopped trail is filled up from the event history": {files: map[string]string{
			"cloudtrail/trails.json": trailsFile(`"IsLogging":false,"StartLoggingTime":"2024-01-18T10:02:31+00:00","StopLoggingTime":"2026-06-01T06:00:00+00:00","LatestCloudWatchLogsDeliveryTime":"2026-06-01T06:00:00+00:00"`, ""),
			"cloudtrail/a.jsonl":     jsonl(assume(2*h, "eu-west-1", payments, refuse("AccessDenied", denied)), assume(8*h, "eu-west-1", payments, nil))},
			want: playbook.Found, called: []string{"cloudtrail:LookupEvents", "logs:StartQuery"}, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if f.Calls != 2 || o.Partial != "" || !f.Trails[0].From.Equal(now.Add(-24*h)) || !f.Trails[0].To.Equal(now.Add(-15*time.Minute)) || f.Roles[0].Calls != 2 {
					t.Errorf("calls %d, partial %q, %+v", f.Calls, o.Partial, f.Trails)
				}
			}},
		"a stopped trail and no event history is blind, not clear": {files: map[string]string{
			"cloudtrail/trails.json": trailsFile(`"IsLogging":false,"StopLoggingTime":"2026-06-01T06:00:00+00:00","LatestCloudWatchLogsDeliveryTime":"2026-06-01T06:00:00+00:00"`, ""),
			"cloudtrail/a.jsonl":     jsonl(assume(8*h, "eu-west-1", payments, nil))},
			set: func(e *emulated) { deny(e, "cloudtrail:LookupEvents") }, want: playbook.Blind, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if !strings.Contains(o.Partial, "covered only from 2026-05-31 12:00 UTC to 2026-06-01 06:00 UTC") || !slices.Contains(o.Missing, "cloudtrail:LookupEvents") {
					t.Errorf("partial %q, missing %q", o.Partial, o.Missing)
				}
			}},
		"a write-only trail has no issuing calls": {files: map[string]string{
			"cloudtrail/trails.json": trailsFile("", `,"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]`),
			"cloudtrail/a.jsonl":     jsonl(assume(2*h, "eu-west-1", payments, nil))},
			want: playbook.Clear, no: []string{"logs:StartQuery"}, called: []string{"cloudtrail:LookupEvents"}, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if f.Trails[0].Source != fromEventHistory || !strings.Contains(strings.Join(f.Trails[0].Gaps, " "), "leave out AssumeRole") || f.Calls != 1 {
					t.Errorf("%+v", f.Trails)
				}
			}},
		"a write-only trail and no event history: both reasons are told": {files: map[string]string{
			"cloudtrail/trails.json": trailsFile("", `,"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]`)},
			set: func(e *emulated) { deny(e, "cloudtrail:LookupEvents") }, want: playbook.Denied, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if !strings.Contains(o.Summary, "lack cloudtrail:LookupEvents in eu-west-1") || strings.Count(o.Summary, "leave out AssumeRole") != 1 {
					t.Errorf("%q", o.Summary)
				}
			}},
		"advanced selectors without read events": {files: map[string]string{
			"cloudtrail/trails.json": trailsFile("", `,"AdvancedEventSelectors":[{"Name":"w","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["false"]}]}]`)},
			want: playbook.Clear, no: []string{"logs:StartQuery"}},
		"a young log group is filled up from the event history": {files: map[string]string{
			"logs/logs.yaml":     "groups:\n  - {name: trail-logs, region: eu-west-1, created: 2026-06-01T10:00:00Z}\n",
			"cloudtrail/a.jsonl": jsonl(assume(h, "eu-west-1", payments, nil))},
			want: playbook.Clear, called: []string{"cloudtrail:LookupEvents", "logs:StartQuery"}, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
				if o.Partial != "" || !f.Trails[0].From.Equal(now.Add(-24*h)) {
					t.Errorf("partial %q, %+v", o.Partial, f.Trails)
				}
			}},
		"short retention and no event history is blind": {files: map[string]string{"logs/logs.yaml": "groups:\n  - {name: trail-logs, region: eu-west-1, retention_days: 1, created: 2026-06-01T11:00:00Z}\n"},
			set: func(e *emulated) { deny(e, "cloudtrail:LookupEvents") }, want: playbook.Blind},
		"no trail at all":               {files: map[string]string{"cloudtrail/trails.json": "", "cloudtrail/a.jsonl": jsonl(assume(2*h, "eu-west-1", payments, refuse("AccessDenied", denied)))}, want: playbook.Found, no: []string{"logs:StartQuery"}},
		"queries refused, history read": {set: func(e *emulated) { deny(e, "logs:StartQuery") }, want: playbook.Clear, called: []string{"cloudtrail:LookupEvents"}},
		"results refused, history read": {set: func(e *emulated) { deny(e, "logs:GetQueryResults") }, want: playbook.Clear, called: []string{"logs:StopQuery"}},
		"trails refused, history read":  {set: func(e *emulated) { deny(e, "cloudtrail:DescribeTrails") }, want: playbook.Clear, called: []string{"cloudtrail:LookupEvents"}},
		"trails and history refused":    {set: func(e *emulated) { deny(e, "cloudtrail:DescribeTrails", "cloudtrail:LookupEvents") }, want: playbook.Denied},
		"the queries' limit for a moment": {set: func(e *emulated) {
			e.server.AddFault(fault("logs:StartQuery", "", capture.Fault{Error: "LimitExceededException", Times: 4}))
		}, want: playbook.Clear, no: []string{"cloudtrail:LookupEvents"}},
		"one region refused is no clear": {files: map[string]string{"cloudtrail/trails.json": ""}, set: func(e *emulated) {
			e.server.AddFault(fault("cloudtrail:LookupEvents", "us-east-1", capture.Fault{Deny: true}))
		}, want: playbook.Blind, check: func(t *testing.T, o playbook.Outcome, f facts.STSErrors) {
			if f.Trails[0].Source != fromEventHistory || f.Trails[1].Source != "" {
				t.Errorf("%+v", f.Trails)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := about(t, c.files)
			if c.set != nil {
				c.set(e)
			}
			o := e.run(t, playbook.STSErrors)
			wantStatus(t, o, c.want)
			calls := e.server.Stats().Calls
			for _, a := range c.no {
				if calls[a] > 0 {
					t.Errorf("%s was called %d times", a, calls[a])
				}
			}
			for _, a := range c.called {
				if calls[a] == 0 {
					t.Errorf("%s was not called", a)
				}
			}
			if c.check != nil {
				c.check(t, o, factOf(t, facts.Errors, e.done))
			}
		})
	}
}

// global turns a call into one through the global endpoint, served for a region.
func global(m map[string]any, serving string) {
	details := map[string]any{"endpointType": "global"}
	if serving != "" {
		details["awsServingRegion"] = serving
	}
	m["additionalEventData"] = map[string]any{"RequestDetails": details}
}

// What the trail's log group shows and what the event history shows must come
// to the same.
func TestBothSourcesTellTheSame(t *testing.T) {
	examples(t, func(t *testing.T, byLogs *emulated, c *capture.Capture) {
		if len(c.Trails) == 0 {
			t.Skip("has no trail")
		}
		byHistory := emulateCapture(t, c.Dir)
		deny(byHistory, "cloudtrail:DescribeTrails")
		for _, id := range []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig, playbook.STSErrors, playbook.Sessions, playbook.TrustChanges} {
			byLogs.run(t, id)
			byHistory.run(t, id)
		}
		a, b := factOf(t, facts.Errors, byLogs.done), factOf(t, facts.Errors, byHistory.done)
		a.Trails, b.Trails = nil, nil
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("failed calls (-logs +history):\n%s", d)
		}
		x, y := factOf(t, facts.Ledger, byLogs.done), factOf(t, facts.Ledger, byHistory.done)
		x.Trails, y.Trails = nil, nil
		for _, l := range []*facts.SessionLedger{&x, &y} {
			for i := range l.Sessions {
				// The event history is asked for the newest sessions' last use only.
				l.Sessions[i].LastUse, l.Sessions[i].LastFailure = time.Time{}, ""
			}
		}
		if d := cmp.Diff(x, y); d != "" {
			t.Errorf("sessions (-logs +history):\n%s", d)
		}
		v, w := factOf(t, facts.Changes, byLogs.done), factOf(t, facts.Changes, byHistory.done)
		v.Trails, w.Trails = nil, nil
		if d := cmp.Diff(v, w); d != "" {
			t.Errorf("changes (-logs +history):\n%s", d)
		}
	})
}

// tellsWhen is Logs that say when a query is asked about for the first time.
type tellsWhen struct {
	Logs
	asked chan struct{}
}

func (l tellsWhen) GetQueryResults(ctx context.Context, in *cloudwatchlogs.GetQueryResultsInput, o ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetQueryResultsOutput, error) {
	select {
	case l.asked <- struct{}{}:
	default:
	}
	return l.Logs.GetQueryResults(ctx, in, o...)
}

func TestAQueryThatNobodyWaitsForIsStopped(t *testing.T) {
	e := about(t, nil)
	e.server.AddFault(fault("logs:GetQueryResults", "", capture.Fault{Stay: "Running"}))
	asked := make(chan struct{}, 1)
	real := e.clients.Logs
	e.clients.Logs = func(region string) Logs { return tellsWhen{real(region), asked} }
	gone := errors.New("the person pressed stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-asked; cancel(gone) }()
	r := run{e.clients, e.settings}
	a := r.insights(ctx, insightsQuery{Region: "eu-west-1", Groups: []string{"trail-logs"}, Text: "fields @message", From: now.Add(-time.Hour), To: now}, nil)
	if a.Problem == nil {
		t.Fatal("a query that never ended has an answer")
	}
	calls := e.server.Stats().Calls
	if calls["logs:StartQuery"] != 1 || calls["logs:StopQuery"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

// A running query shows partial results: none of them may be taken.
func TestPartialResultsAreNotRead(t *testing.T) {
	e := about(t, map[string]string{"cloudtrail/a.jsonl": jsonl(assume(time.Hour, "eu-west-1", payments, nil), assume(2*time.Hour, "eu-west-1", payments, nil))})
	r := run{e.clients, e.settings}
	rows := 0
	q := insightsQuery{Region: "eu-west-1", Groups: []string{"trail-logs"}, Text: "fields @message", From: now.Add(-3 * time.Hour), To: now}
	a := r.insights(t.Context(), q, func([]logtypes.ResultField) { rows++ })
	if a.Problem != nil || rows != 2 || a.Out.Rows != 2 || a.Proof.Scanned == 0 {
		t.Errorf("%d rows, %+v, %v", rows, a.Out, a.Problem)
	}
	e.server.AddFault(fault("logs:GetQueryResults", "", capture.Fault{Stay: "Running"}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	rows = 0
	if a := r.insights(ctx, q, func([]logtypes.ResultField) { rows++ }); a.Problem == nil || a.Problem.Status != playbook.TimedOut || rows != 0 {
		t.Errorf("%d rows of a query that was still running, %v", rows, a.Problem)
	}
}

// Whatever a name holds, it stays a text inside the query and means itself.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"payments-api", `a"b`, `a\`, `a\"b`, "x | limit 1", "a/b+c=d,e.f@g", "# comment", `" or 1 = 1 or "`, "\n| stats count(*)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range s {
			if c < ' ' || c > '~' {
				t.Skip("in no name of IAM's")
			}
		}
		if s == "" {
			t.Skip("every message has it")
		}
		q, err := insights.Parse("fields @message | filter @message like " + quoted(s) + " | limit 7")
		if err != nil {
			t.Fatalf("%q breaks the query: %v", s, err)
		}
		events := func(messages ...string) iter.Seq[insights.Event] {
			return func(yield func(insights.Event) bool) {
				for _, m := range messages {
					if !yield(insights.Event{Message: logLine(m)}) {
						return
					}
				}
			}
		}
		rows, _, err := q.Run(t.Context(), events("before "+s+" after", "~"), 10)
		if want := 1; err != nil || len(rows) != want && s != "~" {
			t.Errorf("%q finds %d rows, want %d (%v)", s, len(rows), want, err)
		}
	})
}

// logLine is a log event's text, as the interpreter reads one.
type logLine string

func (l logLine) Size() int           { return len(l) }
func (l logLine) Text() string        { return string(l) }
func (l logLine) Ptr() string         { return "" }
func (l logLine) Known(string) string { return "" }

// us-east-1 serves whoever calls the global endpoint from outside of AWS, so it
// does not tell where the caller is; another region does.
func TestGlobalEndpointsCallsOfARegion(t *testing.T) {
	for _, c := range []struct {
		recorded, endpoint, served string
		want                       bool
	}{
		{"us-east-1", "global", "eu-west-1", true},
		{"us-east-1", "global", "us-east-1", true},
		{"us-east-1", "global", "", true},
		{"us-east-1", "global", "ap-northeast-1", false},
		{"us-east-1", "regional", "us-east-1", false},
		{"eu-west-1", "regional", "eu-west-1", true},
	} {
		rec := cloudtrail.Record{EventSource: "sts.amazonaws.com", AWSRegion: c.recorded, HostHeader: "sts." + c.recorded + ".amazonaws.com"}
		if c.endpoint == "global" {
			rec.HostHeader = "sts.amazonaws.com"
		}
		rec.Additional.EndpointType, rec.Additional.ServingRegion = c.endpoint, c.served
		if got := ofRegion(rec, playbook.Target{Region: "eu-west-1", Partition: "aws"}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
