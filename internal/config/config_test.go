package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write puts files into a folder and gives its path.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func environment(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

const (
	botToken   = "xoxb-very-secret-bot"
	appToken   = "xapp-very-secret-app"
	externalID = "very-secret-external-id"
)

const whole = `
slack-bot-token: "@DIR/bot"
command: /sts
redis-url: redis://cache:6379/2
retention: 48h
replicas: 3
log-group: [/prod/a, /prod/b]
region:
  - eu-west-1
  - us-east-1
default-account: "111122223333"
accounts:
  "111122223333": {name: tools}
  "444455556666":
    name: production
    role_arn: arn:aws:iam::444455556666:role/stsleuth-readonly
    external_id: "@DIR/external"
access:
  - name: on call
    may: [investigate, follow-up]
    groups: [S0ONCALL]
    accounts: ["444455556666"]
`

func TestFlagsBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	dir := write(t, map[string]string{"c.yaml": whole, "bot": botToken + "\n", "external": externalID + "\n", "app": appToken})
	l, err := Load(Options{Config: filepath.Join(dir, "c.yaml"), Command: "/flagged"}, environment(map[string]string{
		"SLACK_APP_TOKEN": "@" + dir + "/app", "STSLEUTH_COMMAND": "/environment", "STSLEUTH_REPLICAS": "4", "STSLEUTH_LOG_GROUPS": "/x, /y"}))
	if err != nil {
		t.Fatal(err)
	}
	file := Origin("file " + dir + "/c.yaml")
	for name, want := range map[string]struct {
		value  any
		got    any
		origin Origin
	}{
		"command":         {"/flagged", l.Command, "flag"},
		"replicas":        {4, l.Replicas, "$STSLEUTH_REPLICAS"},
		"log-group":       {[]string{"/x", "/y"}, l.LogGroups, "$STSLEUTH_LOG_GROUPS"},
		"region":          {[]string{"eu-west-1", "us-east-1"}, l.Regions, file},
		"retention":       {48 * time.Hour, l.Retention, file},
		"redis-url":       {"redis://cache:6379/2", l.RedisURL, file},
		"health-addr":     {"127.0.0.1:8080", l.HealthAddr, "default"},
		"slack-url":       {"", l.SlackURL, ""},
		"slack-bot-token": {botToken, l.SlackBotToken.Reveal(), file},
		"slack-app-token": {appToken, l.SlackAppToken.Reveal(), "$SLACK_APP_TOKEN"},
		"accounts":        {externalID, l.Accounts["444455556666"].ExternalID, file},
		"access":          {"S0ONCALL", l.Access[0].Groups[0], file},
	} {
		if !reflect.DeepEqual(want.value, want.got) || l.Origins[name] != want.origin {
			t.Errorf("%s is %v from %q, want %v from %q", name, want.got, l.Origins[name], want.value, want.origin)
		}
	}
	if err := l.Serves(); err != nil {
		t.Error(err)
	}
}

func TestAllErrorsAreToldAtOnce(t *testing.T) {
	dir := write(t, map[string]string{"c.yaml": `
slack-bot-token: xoxb-in-the-file
slack-ap-token: x
redis-url: redis://user:hunter2@cache
retention: soon
replicas: 30
region: [eu-west-9]
default-account: "999999999999"
accounts:
  prod: {role_arn: nothing}
access:
  - {users: [alice], groups: ["#x"]}
`})
	l, err := Load(Options{Config: filepath.Join(dir, "c.yaml"), LogLevel: "loud", HealthAddr: "8080", SlackURL: "slack.com"},
		environment(map[string]string{"SLACK_APP_TOKEN": "@" + dir + "/missing", "STSLEUTH_COMMAND": "sts"}))
	if err == nil {
		t.Fatal("it was taken")
	}
	text := err.Error()
	for _, want := range []string{
		"slack-bot-token: a secret does not belong into the file", `no setting named "slack-ap-token"`, "redis-url: a URL with a password",
		`retention (file`, `"soon" is not a duration`, "replicas: 30", "region: eu-west-9 is not an AWS region. Did you mean", "default_account 999999999999",
		"accounts: account prod", `access: access rule 1: "alice"`, `"#x" is not a user group`, "log-level", "health-addr", "slack-url", "slack-app-token: read the secret's file", `command: "sts"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no word of %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "xoxb-in") {
		t.Errorf("a secret is in the error:\n%s", text)
	}
	if l.SlackURL != "slack.com" {
		t.Error("what was given is not shown")
	}
}

func TestFilesThatCannotBeReadSayWhere(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":              "a: [",
		"an unknown key below": "accounts:\n  \"111122223333\":\n    role: x\n",
		"a list of nothing":    "access: yes\n",
		"text for a number":    "replicas: many\n",
	} {
		dir := write(t, map[string]string{"c.yaml": text})
		if _, err := Load(Options{Config: filepath.Join(dir, "c.yaml")}, environment(nil)); err == nil || !strings.Contains(err.Error(), "c.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(Options{Config: "/does/not/exist.yaml"}, environment(nil)); err == nil {
		t.Error("a missing file was taken for an empty one")
	}
	dir := write(t, map[string]string{"c.yaml": "# nothing\n"})
	if _, err := Load(Options{Config: filepath.Join(dir, "c.yaml")}, environment(nil)); err != nil {
		t.Error(err)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	dir := write(t, map[string]string{"c.yaml": whole, "bot": botToken, "external": externalID})
	l, err := Load(Options{Config: filepath.Join(dir, "c.yaml")}, environment(map[string]string{"SLACK_APP_TOKEN": appToken, "REDIS_URL": "redis-sentinel://u:very-secret-password@a,b/0?master=m&sentinel_password=very-secret-too"}))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Print(&b); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&b, nil))
	log.Info("x", "token", l.SlackBotToken, "all", l.SlackAppToken)
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x %d", l.SlackBotToken, l.SlackBotToken, l.SlackBotToken, l.SlackBotToken, l.SlackBotToken, l.SlackBotToken, l.SlackBotToken)
	if err := json.NewEncoder(&b).Encode(map[string]any{"t": l.SlackBotToken}); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	if strings.Contains(out, "very-secret") || strings.Contains(out, fmt.Sprintf("%x", "very-secret")) {
		t.Errorf("a secret is in:\n%s", out)
	}
	for _, want := range []string{"slack-bot-token", "[cut]", "$REDIS_URL", "redis-sentinel://u:[cut]@a,b/0?", "444455556666 (production) by arn:aws:iam::444455556666:role/stsleuth-readonly, external id [cut]", "1 on call may [investigate follow-up] groups [S0ONCALL]", "default", "not set"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestAPasswordIsTakenFromTheEnvironmentOnly(t *testing.T) {
	const url = "redis://user:hunter2@cache:6379"
	if _, err := Load(Options{RedisURL: url}, environment(nil)); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("as a flag: %v", err)
	}
	if l, err := Load(Options{}, environment(map[string]string{"REDIS_URL": url})); err != nil || l.RedisURL != url {
		t.Errorf("in the environment: %v", err)
	}
	dir := write(t, map[string]string{"redis": url})
	if l, err := Load(Options{RedisURL: "@" + dir + "/redis"}, environment(nil)); err != nil || l.RedisURL != url {
		t.Errorf("in a file: %v", err)
	}
}

func TestProfilesAnswerOnLoopbackOnly(t *testing.T) {
	for addr, taken := range map[string]bool{
		"127.0.0.1:6060": true, "127.0.0.2:0": true, "[::1]:6060": true, "localhost:6060": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "10.0.0.7:6060": false, "stsleuth.internal:6060": false, "localhost.example.com:6060": false, "127.0.0.1": false, "6060": false,
	} {
		_, err := Load(Options{PprofAddr: addr}, environment(nil))
		if taken != (err == nil) || err != nil && !strings.Contains(err.Error(), "pprof-addr: \""+addr+"\" is not an address on loopback") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// Every setting has a name, and a variable unless it is too large for one.
func TestEverySettingHasOneNameEverywhere(t *testing.T) {
	seen := map[string]bool{}
	for f := range reflect.TypeFor[Options]().Fields() {
		name, variable := f.Tag.Get("name"), f.Tag.Get("var")
		if name == "" || seen[name] || variable != "" && seen[variable] {
			t.Errorf("%s: name %q, variable %q", f.Name, name, variable)
		}
		seen[name], seen[variable] = true, true
		if variable == "" && f.Type.Kind() != reflect.Map && f.Type.Kind() != reflect.Slice {
			t.Errorf("%s has no environment variable", f.Name)
		}
		secret := f.Type == reflect.TypeFor[Secret]()
		if secret != (f.Tag.Get("kong") == "-" && variable != "") {
			t.Errorf("%s: a secret is no flag", f.Name)
		}
		if !secret && variable != "" && !strings.Contains(f.Tag.Get("help"), "$"+variable) {
			t.Errorf("%s: its help does not name $%s", f.Name, variable)
		}
	}
}
