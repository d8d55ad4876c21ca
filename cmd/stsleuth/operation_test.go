package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/audit"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// command runs the program and gives its output, errors and exit code.
func command(t *testing.T, env map[string]string, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{&o, &e, func(name string) string { return env[name] }})
	return o.String(), e.String(), code
}

// soundAccount is AWS and Slack with nothing missing, at this moment.
func soundAccount(t *testing.T) (env map[string]string, aws *awsemu.Server) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	dir := t.TempDir()
	for path, text := range map[string]string{
		"incident.yaml": "format: 1\ntitle: sound\nnow: " + now.Format(time.RFC3339) + "\naccount: \"111122223333\"\npartition: aws\nask: {role: a, region: eu-west-1}\n",
		"cloudtrail/trails.json": `{"Trails":[{"Name":"main","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main","IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,
		 "CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:trail-logs:*","Status":{"IsLogging":true,"LatestCloudWatchLogsDeliveryTime":"` + now.Add(-2*time.Minute).Format(time.RFC3339) + `"},
		 "EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true}]}]}`,
		"logs/logs.yaml": "groups:\n  - {name: /prod/app, region: eu-west-1}\n",
		"health.json":    `{"Events":[],"SubscriptionRequired":false}`,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	aws = awsemu.New(c, awsemu.Options{})
	t.Cleanup(func() { aws.Close() })
	api := httptest.NewServer(aws)
	t.Cleanup(api.Close)
	slack := slackemu.New(slackemu.Options{})
	t.Cleanup(func() { slack.Close() })
	web := httptest.NewServer(slack)
	t.Cleanup(web.Close)
	for k, v := range map[string]string{"AWS_ENDPOINT_URL": api.URL, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(k, v)
	}
	app := slackemu.DefaultWorkspace().App
	return map[string]string{"SLACK_BOT_TOKEN": app.BotToken, "SLACK_APP_TOKEN": app.AppToken, "SLACK_API_URL": web.URL + "/api/"}, aws
}

func TestDoctorsExitCodeIsForCI(t *testing.T) {
	env, aws := soundAccount(t)
	out, errs, code := command(t, env, "doctor")
	if code != exitDone || strings.Contains(out, "MISSING") {
		t.Fatalf("a sound account: exit %d\n%s%s", code, out, errs)
	}
	fault, err := awsemu.ParseFault([]byte(`{action: "logs:StartQuery", deny: true}`))
	if err != nil {
		t.Fatal(err)
	}
	aws.AddFault(fault)
	out, _, code = command(t, env, "doctor", "-o", "json")
	var v struct {
		Sound  bool
		Checks []struct{ ID, State, Fix string }
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitFailed || v.Sound {
		t.Fatalf("an action that is missing: exit %d, %v\n%s", code, err, out)
	}
	for _, c := range v.Checks {
		if missing := c.State == "missing"; missing != (c.ID == "aws.logs:StartQuery") || missing && !strings.Contains(c.Fix, "logs:StartQuery") {
			t.Errorf("%+v", c)
		}
	}
	env["SLACK_BOT_TOKEN"] = "xoxp-a-person's"
	if _, errs, code = command(t, env, "doctor"); code != exitFailed || !strings.Contains(errs, "slack-bot-token") {
		t.Errorf("a wrong setting: exit %d, %s", code, errs)
	}
}

// A real Redis that would drop keys: its line alone is missing, with the command.
func TestDoctorLooksIntoRedis(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not installed")
		}
		t.Skip("redis-server is not installed")
	}
	env, _ := soundAccount(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	redis := exec.CommandContext(t.Context(), "redis-server", "--port", port, "--save", "", "--appendonly", "yes", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--dir", t.TempDir())
	if err := redis.Start(); err != nil {
		t.Fatal(err)
	}
	defer redis.Wait()
	defer redis.Process.Kill()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			break
		}
	}
	env["REDIS_URL"] = "redis://127.0.0.1:" + port
	out, errs, code := command(t, env, "doctor", "-o", "json")
	var v struct {
		Checks []struct{ ID, State, Fix string }
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitFailed {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	for _, c := range v.Checks {
		switch {
		case c.ID == "redis.eviction":
			if c.State != "missing" || !strings.Contains(c.Fix, "CONFIG SET maxmemory-policy noeviction") {
				t.Errorf("%+v", c)
			}
		case c.State != "good":
			t.Errorf("%+v", c)
		}
	}
}

func TestPolicyIsNarrowedToAStepOrFollowUp(t *testing.T) {
	out, _, code := command(t, nil, "policy", "--step", "federation", "--account", "111122223333")
	if code != exitDone || strings.Contains(out, "cloudtrail:") || !strings.Contains(out, "iam:GetSAMLProvider") || !strings.Contains(out, "arn:aws:iam::111122223333:saml-provider/*") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if out, _, code = command(t, nil, "policy", "--step", "mfa"); code != exitDone || !strings.Contains(out, "iam:ListMFADevices") {
		t.Errorf("a follow-up: exit %d\n%s", code, out)
	}
	if _, errs, code := command(t, nil, "policy", "--step", "nonsense"); code != exitWrongly || !strings.Contains(errs, "nonsense") {
		t.Errorf("exit %d, %s", code, errs)
	}
	for _, format := range []string{"json", "cloudformation", "terraform"} {
		if out, errs, code := command(t, nil, "policy", "-o", format); code != exitDone || !strings.Contains(out, "iam:GetRole") {
			t.Errorf("%s: exit %d, %s", format, code, errs)
		}
	}
}

func TestManifestTakesAnotherNameAndCommand(t *testing.T) {
	out, _, code := command(t, nil, "manifest", "--name", "Sleuth", "--command", "/why")
	if code != exitDone || !strings.Contains(out, `"name": "Sleuth"`) || !strings.Contains(out, `"command": "/why"`) {
		t.Errorf("exit %d\n%s", code, out)
	}
	if _, _, code := command(t, nil, "manifest", "--command", "why"); code != exitWrongly {
		t.Errorf("a command without a slash: exit %d", code)
	}
}

func TestConfigShowsWhereEverythingCameFromAndNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("replicas: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := command(t, map[string]string{"SLACK_BOT_TOKEN": "xoxb-very-secret", "STSLEUTH_COMMAND": "/why"}, "config", "--config", file, "--log-level", "debug")
	if code != exitDone {
		t.Fatalf("exit %d, %s", code, errs)
	}
	fields := map[string]string{}
	for line := range strings.SplitSeq(out, "\n") {
		if f := strings.Fields(line); len(f) > 2 {
			fields[f[0]] = strings.Join(f[1:], " ")
		}
	}
	for name, want := range map[string]string{"slack-bot-token": "[cut] $SLACK_BOT_TOKEN", "command": "/why $STSLEUTH_COMMAND", "replicas": "2 file " + file, "log-level": "debug flag", "retention": "720h0m0s default", "redis-url": "- not set"} {
		if fields[name] != want {
			t.Errorf("%s: %q, want %q", name, fields[name], want)
		}
	}
	if strings.Contains(out, "very-secret") {
		t.Errorf("a secret is in\n%s", out)
	}
	if out, errs, code := command(t, map[string]string{"STSLEUTH_RETENTION": "soon", "STSLEUTH_REPLICAS": "99"}, "config"); code != exitFailed || !strings.Contains(out, "retention") || strings.Count(errs, "\n") < 2 {
		t.Errorf("two errors: exit %d, %s", code, errs)
	}
	if _, errs, code := command(t, nil, "config", "--slack-bot-token", "x"); code != exitWrongly {
		t.Errorf("a secret as a flag: exit %d, %s", code, errs)
	}
}

func TestAuditVerifySaysWhereAChainBreaks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := audit.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for i := range 3 {
		if last, err = l.Write(audit.Entry{Event: "command", User: fmt.Sprint("U", i), Allowed: true}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if out, errs, code := command(t, nil, "audit", "verify", "--head", last, path); code != exitDone || !strings.Contains(out, "3 entries hold") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, bytes.Replace(text, []byte("U1"), []byte("U9"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := command(t, nil, "audit", "verify", path); code != exitFailed || !strings.Contains(errs, "line 2") {
		t.Errorf("a changed line: exit %d, %s", code, errs)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(lines[:2], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := command(t, nil, "audit", "verify", "--head", last, path); code != exitFailed || !strings.Contains(errs, "number 2") {
		t.Errorf("a cut end: exit %d, %s", code, errs)
	}
}

func TestHealthAsksARunningServe(t *testing.T) {
	if _, errs, code := command(t, nil, "health", "--addr", "127.0.0.1:1"); code != exitFailed || !strings.Contains(errs, "127.0.0.1:1") {
		t.Errorf("exit %d, %s", code, errs)
	}
}
