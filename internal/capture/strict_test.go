package capture_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/capture"
)

const incident = `format: 1
title: t
now: 2026-10-14T15:20:00Z
account: "111122223333"
partition: aws
ask:
  role: app
  region: eu-west-1
`

// folder writes a capture: file name to content, incident.yaml unless given.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files["incident.yaml"]; !ok {
		write(t, filepath.Join(dir, "incident.yaml"), incident)
	}
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, files map[string]string) *capture.Capture {
	t.Helper()
	c, err := capture.Load(context.Background(), folder(t, files), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestWhatContradictsTheFormatIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		file, content string
		want          []string
	}{
		"unknown key":               {"incident.yaml", incident + "severity: 1\n", []string{"incident.yaml:9", "severity"}},
		"unknown key inside":        {"incident.yaml", incident + "expect:\n  verdict: no-correlation\n  primery: x\n", []string{"incident.yaml:11", "primery"}},
		"not YAML":                  {"incident.yaml", "format: [1\n", []string{"incident.yaml:"}},
		"wrong kind":                {"incident.yaml", strings.Replace(incident, "format: 1", "format: one", 1), []string{"incident.yaml:1", "Format"}},
		"another format":            {"incident.yaml", strings.Replace(incident, "format: 1", "format: 2", 1), []string{"incident.yaml", "format 2"}},
		"empty":                     {"incident.yaml", "", []string{"incident.yaml", "format"}},
		"no moment":                 {"incident.yaml", strings.Replace(incident, "now: 2026-10-14T15:20:00Z\n", "", 1), []string{"now is missing"}},
		"a moment that is none":     {"incident.yaml", strings.Replace(incident, "2026-10-14T15:20:00Z", "yesterday", 1), []string{"incident.yaml", "yesterday", "RFC 3339"}},
		"account too short":         {"incident.yaml", strings.Replace(incident, "111122223333", "1111", 1), []string{"account"}},
		"unknown partition":         {"incident.yaml", strings.Replace(incident, "partition: aws", "partition: aws-mars", 1), []string{"partition"}},
		"no role":                   {"incident.yaml", strings.Replace(incident, "role: app", "role: \"\"", 1), []string{"ask.role"}},
		"a window that is none":     {"incident.yaml", strings.Replace(incident, "role: app", "role: app\n  window: soon", 1), []string{"window", "soon"}},
		"unknown verdict":           {"incident.yaml", incident + "expect: {verdict: solved}\n", []string{"expect.verdict"}},
		"a cause too few":           {"incident.yaml", incident + "expect: {verdict: cause-found}\n", []string{"expect.primary"}},
		"a cause too many":          {"incident.yaml", incident + "expect: {verdict: no-correlation, primary: no-refresh}\n", []string{"expect.primary"}},
		"several causes, verdict":   {"incident.yaml", incident + "expect: {verdict: cause-found, primary: a, also: [b]}\n", []string{"expect.also"}},
		"unknown key, logs":         {"logs/logs.yaml", "groups:\n  - name: a\n    region: r\n    retention: 3\n", []string{"logs.yaml:4", "retention"}},
		"a linked group of nobody":  {"logs/logs.yaml", "groups:\n  - {name: a, region: r, linked: true}\n", []string{"logs.yaml", "groups[0].linked", "account"}},
		"a group's odd account":     {"logs/logs.yaml", "groups:\n  - {name: a, region: r, account: \"12\"}\n", []string{"logs.yaml", "groups[0].account", "12 digits"}},
		"unknown class":             {"logs/logs.yaml", "groups:\n  - {name: a, region: r, class: GOLD}\n", []string{"logs.yaml", "groups[0].class", "GOLD"}},
		"a group without a name":    {"logs/logs.yaml", "groups:\n  - {region: r}\n", []string{"logs.yaml", "groups[0]"}},
		"events outside the folder": {"logs/logs.yaml", "groups:\n  - {name: a, region: r, events: ../incident.yaml}\n", []string{"not below logs/"}},
		"events that are missing":   {"logs/logs.yaml", "groups:\n  - {name: a, region: r, events: a.jsonl}\n", []string{"a.jsonl"}},
		"unknown key, faults":       {"faults.yaml", "faults:\n  - {action: \"iam:GetRole\", denied: true}\n", []string{"faults.yaml:2", "denied"}},
		"a fault of nothing":        {"faults.yaml", "faults:\n  - {action: \"iam:GetRole\"}\n", []string{"faults[0]", "nothing"}},
		"a fault of two things":     {"faults.yaml", "faults:\n  - {action: \"iam:GetRole\", deny: true, throttle: true}\n", []string{"faults[0]", "only one"}},
		"a fault of no action":      {"faults.yaml", "faults:\n  - {action: GetRole, deny: true}\n", []string{"faults[0].action"}},
		"roles that are not JSON":   {"iam/roles.json", "{\n\"Roles\": [,]}", []string{"roles.json:2"}},
		"roles of the wrong kind":   {"iam/roles.json", "{\n\"Roles\": [{\"MaxSessionDuration\": \"1h\"}]}", []string{"roles.json:2", "MaxSessionDuration"}},
		"trails that are not JSON":  {"cloudtrail/trails.json", "{", []string{"trails.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := capture.Load(context.Background(), folder(t, map[string]string{tc.file: tc.content}), capture.Options{})
			if err == nil {
				t.Fatal("loaded")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
		})
	}
	t.Run("no incident.yaml", func(t *testing.T) {
		if _, err := capture.Load(context.Background(), t.TempDir(), capture.Options{}); !os.IsNotExist(unwrapAll(err)) {
			t.Errorf("%v", err)
		}
	})
}

func unwrapAll(err error) error {
	for {
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			err = e.Unwrap()[0]
		default:
			return err
		}
	}
}

func TestWhatIsMissingIsNotThere(t *testing.T) {
	c := load(t, nil)
	if c.Records.Len() != 0 || len(c.IAM.Roles) != 0 || c.Trails != nil || c.Groups != nil || c.Health != nil || c.PublicStatus != nil || len(c.Bad) != 0 || c.Incident.Expect != nil {
		t.Errorf("%+v", c)
	}
	if time.Duration(c.Incident.Ask.Window) != 24*time.Hour {
		t.Errorf("window %v, want a day", time.Duration(c.Incident.Ask.Window))
	}
	if !c.Incident.Now.Equal(time.Date(2026, 10, 14, 15, 20, 0, 0, time.UTC)) {
		t.Errorf("now %v", c.Incident.Now)
	}
}

func TestEveryFileOfAFolderIsRead(t *testing.T) {
	c := load(t, map[string]string{
		"incident.yaml":      strings.Replace(incident, "region: eu-west-1", "region: eu-west-1\n  window: 3d12h", 1) + "expect:\n  verdict: several-causes\n  primary: a\n  also: [b]\n  may: [c]\n  never: [d]\n  steps: {x: clear}\n",
		"health.json":        `{"Events":[{"arn":"a","service":"STS","startTime":"2026-10-14T15:20:00+00:00"}],"SubscriptionRequired":false}`,
		"public-status.json": `[{"service":"sts-us-east-1"}]`,
		"metrics.json":       `{"Metrics":[{"Region":"r","Namespace":"n","MetricName":"m","Dimensions":[{"Name":"d","Value":"v"}],"Unit":"Count","Datapoints":[{"Timestamp":"2026-10-14T15:20:00Z","Value":2}]}]}`,
		"faults.yaml":        "latency: 80ms\nfaults:\n  - {action: \"logs:*\", region: eu-west-1, latency: 800ms, times: 2}\n  - {action: \"sts:GetCallerIdentity\", timeout: true}\n",
		"iam/users.json":     `{"Users":[{"UserName":"u","UserId":"AIDAX","AccessKeys":[{"AccessKeyId":"AKIAX","Status":"Active","CreateDate":"2025-02-11T09:31:07+00:00"}]}]}`,
		"logs/logs.yaml":     "groups:\n  - {name: g, region: r, retention_days: 30, created: 2025-01-01T00:00:00Z, stored_bytes: 7, events: g.jsonl, metric_filters: [{filterName: f}]}\n",
		"logs/g.jsonl":       `{"timestamp":"2026-10-14T15:20:00.5Z","stream":"s","message":"late"}` + "\n" + `{"timestamp":1,"message":"early"}` + "\nnonsense\n" + `{"timestamp":"noon","message":"x"}` + "\n\n" + `{"timestamp":1}` + "\n",
	})
	if e := c.Incident.Expect; e == nil || e.Verdict != "several-causes" || e.Steps["x"] != "clear" || time.Duration(c.Incident.Ask.Window) != 84*time.Hour {
		t.Errorf("%+v %v", e, time.Duration(c.Incident.Ask.Window))
	}
	if c.Health == nil || len(c.Health.Events) != 1 || c.Health.Events[0].StartTime.IsZero() || string(c.PublicStatus) != `[{"service":"sts-us-east-1"}]` {
		t.Errorf("%+v %s", c.Health, c.PublicStatus)
	}
	if len(c.Metrics) != 1 || c.Metrics[0].Datapoints[0].Value != 2 || c.Metrics[0].Dimensions[0].Value != "v" {
		t.Errorf("%+v", c.Metrics)
	}
	if f := c.Faults; time.Duration(f.Latency) != 80*time.Millisecond || len(f.Faults) != 2 || f.Faults[0].Times != 2 || time.Duration(f.Faults[0].Latency) != 800*time.Millisecond || !f.Faults[1].Timeout {
		t.Errorf("%+v", f)
	}
	if u := c.IAM.Users[0]; u.UserID != "AIDAX" || u.AccessKeys[0].AccessKeyID != "AKIAX" || u.AccessKeys[0].CreateDate.IsZero() {
		t.Errorf("%+v", u)
	}
	g := c.Groups[0]
	if d := cmp.Diff([]capture.LogEvent{{Timestamp: 1, Message: "early"}, {Timestamp: 1791991200500, Stream: "s", Message: "late"}}, g.Events); d != "" || g.Class != "STANDARD" || g.RetentionDays != 30 || g.MetricFilters[0]["filterName"] != "f" {
		t.Errorf("%s%+v", d, g)
	}
	if len(c.Bad) != 3 || c.Bad[0].Line != 3 || c.Bad[1].Line != 4 || c.Bad[2].Line != 6 || !strings.Contains(c.Bad[1].Reason, "timestamp") {
		t.Errorf("%v", c.Bad)
	}
}

func TestFaultsMatch(t *testing.T) {
	for _, tc := range []struct {
		action, region, call, in string
		want                     bool
	}{
		{"iam:GetRole", "", "iam:GetRole", "us-east-1", true},
		{"iam:getrole", "", "iam:GetRole", "us-east-1", true},
		{"iam:GetRole", "", "iam:GetRolePolicy", "us-east-1", false},
		{"iam:GetRole*", "", "iam:GetRolePolicy", "us-east-1", true},
		{"iam:*Policy", "", "iam:GetRolePolicy", "us-east-1", true},
		{"iam:*Role", "", "iam:GetRolePolicy", "us-east-1", false},
		{"iam:G*R*y", "", "iam:GetRolePolicy", "us-east-1", true},
		{"*", "", "iam:GetRole", "us-east-1", true},
		{"logs:*", "eu-west-1", "logs:StartQuery", "eu-west-1", true},
		{"logs:*", "eu-west-1", "logs:StartQuery", "us-east-1", false},
		{"logs:*", "", "iam:GetRole", "us-east-1", false},
	} {
		if got := (capture.Fault{Action: tc.action, Region: tc.region}).Matches(tc.call, tc.in); got != tc.want {
			t.Errorf("%s in %q matches %s in %s: %v", tc.action, tc.region, tc.call, tc.in, got)
		}
	}
}

func FuzzLoadIncident(f *testing.F) {
	f.Add([]byte(incident))
	f.Add([]byte(incident + "expect: {verdict: cause-found, primary: a, steps: {a: b}}\n"))
	f.Add([]byte("ask: {window: 3d}\nask: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := capture.ParseIncident("incident.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "incident.yaml") {
				t.Errorf("%q does not name the file", err)
			}
			return
		}
		if in.Format != 1 || in.Now.IsZero() || in.Ask.Role == "" || in.Ask.Region == "" || in.Ask.Window <= 0 {
			t.Errorf("accepted %+v", in)
		}
	})
}
