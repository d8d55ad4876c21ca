package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/slackemu"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/followups"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const (
	region   = "eu-west-1"
	myself   = "111122223333"
	member   = "444455556666"
	moment   = "2026-06-01T12:00:00Z"
	external = "not-guessable-0001"
)

// sound is an account in which nothing is missing.
var sound = map[string]string{
	"incident.yaml": "format: 1\ntitle: sound\nnow: " + moment + "\naccount: \"" + myself + "\"\npartition: aws\nask: {role: a, region: " + region + "}\n",
	"cloudtrail/trails.json": `{"Trails":[{"Name":"main","HomeRegion":"` + region + `","TrailARN":"arn:aws:cloudtrail:` + region + `:` + myself + `:trail/main","IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,
	 "CloudWatchLogsLogGroupArn":"arn:aws:logs:` + region + `:` + myself + `:log-group:trail-logs:*","Status":{"IsLogging":true,"LatestCloudWatchLogsDeliveryTime":"2026-06-01T11:58:00+00:00"},
	 "EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true}]}]}`,
	"logs/logs.yaml": "groups:\n  - {name: /prod/app, region: " + region + "}\n",
	"health.json":    `{"Events":[],"SubscriptionRequired":false}`,
}

// world is what doctor looks at, whole but for what a test spoils.
type world struct {
	files   map[string]string
	faults  []string // of AWS
	slack   slackemu.Workspace
	setup   Setup
	servers []Server
	redis   error
}

func newWorld() *world {
	w := &world{files: map[string]string{}, slack: slackemu.DefaultWorkspace(),
		servers: []Server{{Addr: "redis:6379", Version: "7.2.4", Policy: "noeviction", AppendOnly: playbook.Yes}}}
	for name, text := range sound {
		w.files[name] = text
	}
	w.setup = Setup{
		Slack: &Slack{BotToken: w.slack.App.BotToken, AppToken: w.slack.App.AppToken},
		Redis: &Redis{Open: func(context.Context) error { return w.redis }, Servers: func(context.Context) ([]Server, error) { return w.servers, nil }},
		AWS:   &AWS{Regions: []string{region}},
		Now:   func() time.Time { now, _ := time.Parse(time.RFC3339, moment); return now },
	}
	return w
}

// declared are the actions of all steps and follow-ups.
func declared(cfg aws.Config) []string {
	c := steps.NewClients(cfg)
	var out []string
	for _, s := range steps.Plan(c, steps.Settings{}) {
		out = append(out, s.Actions...)
	}
	for _, f := range followups.All(c, steps.Settings{}) {
		out = append(out, f.Actions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// examine sets the world up and lets doctor look at it.
func (w *world) examine(t *testing.T, m accounts.Map) []Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range w.files {
		path := filepath.Join(dir, name)
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
	defer c.Close()
	emu := awsemu.New(c, awsemu.Options{})
	defer emu.Close()
	for _, f := range w.faults {
		fault, err := awsemu.ParseFault([]byte(f))
		if err != nil {
			t.Fatal(err)
		}
		emu.AddFault(fault)
	}
	api := httptest.NewServer(emu)
	defer api.Close()
	cfg := awsemu.Config(api.URL, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if w.setup.AWS.Pool, err = accounts.New(cfg, m, ""); err != nil {
		t.Fatal(err)
	}
	w.setup.AWS.Actions = declared(cfg)

	slack := slackemu.New(slackemu.Options{Workspace: &w.slack})
	defer slack.Close()
	web := httptest.NewServer(slack)
	defer web.Close()
	if w.setup.Slack.URL == "" {
		w.setup.Slack.URL = web.URL + "/api/"
	}
	results := Examine(t.Context(), Groups(w.setup), nil)
	if odd := emu.Unexpected(); len(odd) > 0 {
		t.Errorf("the emulator was asked what it does not know: %v", odd)
	}
	for _, call := range emu.Calls() {
		if call.Action != "sts:GetCallerIdentity" && call.Action != "sts:AssumeRole" && !slices.Contains(w.setup.AWS.Actions, call.Action) {
			t.Errorf("doctor called %s, which the policy does not allow", call.Action)
		}
	}
	return results
}

func TestAllIsGreenWhereNothingIsMissing(t *testing.T) {
	for name, m := range map[string]accounts.Map{
		"own credentials": nil,
		"two accounts":    {myself: {}, member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: external}},
	} {
		t.Run(name, func(t *testing.T) {
			results := newWorld().examine(t, m)
			for _, r := range results {
				bare := strings.HasPrefix(r.Group, "AWS "+member) && r.State == Worth // the capture has nothing of the member's
				if r.State != Good && !bare {
					t.Errorf("%s, %s is %s: %s\n%s", r.Group, r.ID, r.State, r.Found, r.Fix)
				}
			}
			var b bytes.Buffer
			if err := Text(&b, results); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), external) || strings.Contains(b.String(), "xoxb-") {
				t.Errorf("a secret is in:\n%s", b.String())
			}
			t.Log("\n" + b.String())
		})
	}
}

// Each fault turns exactly its own line, and what can't be looked at without it,
// and the line says how to mend it.
func TestAFaultTurnsExactlyItsLine(t *testing.T) {
	trail := func(from, to string) func(*world) {
		return func(w *world) {
			if !strings.Contains(w.files["cloudtrail/trails.json"], from) {
				panic("no " + from)
			}
			w.files["cloudtrail/trails.json"] = strings.Replace(w.files["cloudtrail/trails.json"], from, to, 1)
		}
	}
	without := func(scope string) func(*world) {
		return func(w *world) {
			w.slack.App.Scopes = slices.DeleteFunc(slices.Clone(w.slack.App.Scopes), func(s string) bool { return s == scope })
		}
	}
	deny := func(action string) func(*world) {
		return func(w *world) { w.faults = append(w.faults, `{action: "`+action+`", deny: true}`) }
	}
	rest := []string{"slack.scopes", "slack.socket", "slack.channels"}
	for name, tt := range map[string]struct {
		spoil func(*world)
		id    string
		state State
		fix   string // of the line
		also  []string
	}{
		"another bot token":        {func(w *world) { w.setup.Slack.BotToken = "xoxb-old" }, "slack.token", Missing, "SLACK_BOT_TOKEN", rest},
		"no bot token":             {func(w *world) { w.setup.Slack.BotToken = "" }, "slack.token", Missing, "SLACK_BOT_TOKEN", rest},
		"Slack out of reach":       {func(w *world) { w.setup.Slack.URL = "http://127.0.0.1:1/api/" }, "slack.token", Missing, "port 443", rest},
		"another app token":        {func(w *world) { w.setup.Slack.AppToken = "xapp-old" }, "slack.socket", Missing, "connections:write", nil},
		"the bot's token as app's": {func(w *world) { w.setup.Slack.AppToken = w.slack.App.BotToken }, "slack.socket", Missing, "connections:write", nil},
		"a scope too few":          {without("files:write"), "slack.scopes", Missing, "stsleuth manifest", nil},
		"an optional scope":        {without("usergroups:read"), "slack.scopes", Worth, "stsleuth manifest", nil},
		"in no channel": {func(w *world) {
			for i := range w.slack.Channels {
				w.slack.Channels[i].IsMember = false
			}
		}, "slack.channels", Missing, "/invite @stsleuth", nil},
		"not in a channel that the rules name": {func(w *world) { w.setup.Slack.Channels = []string{"C0INCIDENTS", "C0GENERAL"} }, "slack.channels", Missing, "/invite @stsleuth` in #general", nil},
		"a channel that does not exist":        {func(w *world) { w.setup.Slack.Channels = []string{"C0NOWHERE"} }, "slack.channels", Missing, "C0NOWHERE", nil},

		"Redis out of reach":  {func(w *world) { w.redis = errors.New("the state store is unreachable") }, "redis.reach", Missing, "REDIS_URL", []string{"redis.persistence", "redis.eviction"}},
		"Redis evicts":        {func(w *world) { w.servers[0].Policy = "allkeys-lru" }, "redis.eviction", Missing, "maxmemory-policy noeviction", nil},
		"Redis keeps nothing": {func(w *world) { w.servers[0].AppendOnly, w.servers[0].Snapshots = playbook.No, playbook.No }, "redis.persistence", Missing, "appendonly yes", nil},
		"Redis can't save":    {func(w *world) { w.servers[0].SaveFailed = true }, "redis.persistence", Missing, "disk", nil},
		"one of several evicts": {func(w *world) {
			w.servers = append(w.servers, Server{Addr: "b", Policy: "volatile-ttl", AppendOnly: playbook.Yes})
		}, "redis.eviction", Missing, "noeviction", nil},
		"Redis does not say":     {func(w *world) { w.servers[0].AppendOnly = playbook.No }, "redis.persistence", Worth, "appendonly", nil},
		"Redis in the process":   {func(w *world) { w.setup.Redis.Embedded = true }, "redis.reach", Worth, "REDIS_URL", nil},
		"a clock ten min behind": {func(w *world) { w.faults = append(w.faults, `{action: "sts:GetCallerIdentity", date_offset: 10m}`) }, "aws.clock", Missing, "timedatectl", nil},

		"a trail that is stopped":             {trail(`"IsLogging":true`, `"IsLogging":false`), "aws.trail", Missing, "aws cloudtrail start-logging --name arn:aws:cloudtrail:" + region + ":" + myself + ":trail/main --region " + region, nil},
		"a trail that delivers no longer":     {trail(`2026-06-01T11:58`, `2026-05-01T11:58`), "aws.trail", Missing, "get-trail-status", nil},
		"a trail that can't deliver":          {trail(`"IsLogging":true`, `"IsLogging":true,"LatestCloudWatchLogsDeliveryError":"AccessDenied"`), "aws.trail", Missing, "logs:PutLogEvents", nil},
		"a trail of writes only":              {trail(`"ReadWriteType":"All"`, `"ReadWriteType":"WriteOnly"`), "aws.trail", Missing, "put-event-selectors", nil},
		"a trail without log group":           {trail(`"CloudWatchLogsLogGroupArn":"arn:aws:logs:`+region+`:`+myself+`:log-group:trail-logs:*",`, ``), "aws.trail", Worth, "update-trail", nil},
		"a trail of one region":               {trail(`"IsMultiRegionTrail":true`, `"IsMultiRegionTrail":false`), "aws.trail", Worth, "--is-multi-region-trail", nil},
		"no trail":                            {func(w *world) { delete(w.files, "cloudtrail/trails.json") }, "aws.trail", Worth, "https://", nil},
		"no application logs":                 {func(w *world) { delete(w.files, "logs/logs.yaml") }, "aws.log-groups", Worth, "CloudWatch Logs", nil},
		"a log group that is misspelled":      {func(w *world) { w.setup.AWS.LogGroups = []string{"/prod/ap"} }, "aws.log-groups", Missing, "there is /prod/app", nil},
		"an account without business support": {func(w *world) { delete(w.files, "health.json") }, "aws.health:DescribeEvents", Worth, "", []string{"aws.health:DescribeEventDetails"}},

		"credentials that have expired": {func(w *world) {
			w.faults = append(w.faults, `{action: "sts:GetCallerIdentity", error: ExpiredToken}`)
		}, "aws.identity", Missing, "Renew", []string{"aws.*"}},
		"no permission at all": {deny("*"), "aws.identity", Missing, "", []string{"aws.*"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tt.spoil(w)
			results := w.examine(t, nil)
			seen := false
			for _, r := range results {
				switch {
				case r.ID == tt.id:
					seen = true
					if r.State != tt.state || !strings.Contains(r.Fix, tt.fix) {
						t.Errorf("%s is %s: %s\n%s", r.ID, r.State, r.Found, r.Fix)
					}
				case slices.Contains(tt.also, r.ID), slices.Contains(tt.also, "aws.*") && strings.HasPrefix(r.ID, "aws."):
				case r.State != Good:
					t.Errorf("%s is %s too: %s", r.ID, r.State, r.Found)
				}
			}
			if !seen {
				t.Errorf("there is no line %s", tt.id)
			}
			if Sound(results) && tt.state == Missing {
				t.Error("doctor calls it sound")
			}
		})
	}
}

// Every action of the policy has a line of its own, which alone turns when the
// action is refused and then names the statement that is missing.
func TestEveryActionHasALine(t *testing.T) {
	w := newWorld()
	w.examine(t, nil)
	for _, action := range w.setup.AWS.Actions {
		if action == "sts:GetCallerIdentity" {
			continue
		}
		t.Run(action, func(t *testing.T) {
			w := newWorld()
			w.faults = []string{`{action: "` + action + `", deny: true}`}
			seen := false
			for _, r := range w.examine(t, nil) {
				switch {
				case r.ID == "aws."+action:
					seen = true
					if r.State != Missing || !strings.Contains(r.Fix, `"`+action+`"`) || !strings.Contains(r.Fix, `"Effect": "Allow"`) {
						t.Errorf("%s: %s\n%s", r.State, r.Found, r.Fix)
					}
				case r.State == Worth && (r.ID == "aws.trail" || r.ID == "aws.log-groups") && strings.Contains(r.Found, "see "+action):
				case r.State != Good:
					t.Errorf("%s is %s too: %s", r.ID, r.State, r.Found)
				}
			}
			if !seen {
				t.Error("no line")
			}
		})
	}
}

func TestARoleThatCannotBeAssumedIsToldWithItsTemplate(t *testing.T) {
	w := newWorld()
	w.faults = []string{`{action: "sts:AssumeRole", deny: true}`}
	results := w.examine(t, accounts.Map{myself: {}, member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: external}})
	for _, r := range results {
		inMember := strings.HasPrefix(r.Group, "AWS "+member)
		switch {
		case inMember && r.ID == "aws.identity":
			if r.State != Missing || !strings.Contains(r.Fix, "stsleuth policy -o cloudformation") || !strings.Contains(r.Fix, `"sts:AssumeRole"`) {
				t.Errorf("%s: %s\n%s", r.State, r.Found, r.Fix)
			}
		case inMember && r.State == Good, !inMember && r.State != Good:
			t.Errorf("%s, %s is %s: %s", r.Group, r.ID, r.State, r.Found)
		}
	}
}

func TestCredentialsThatWereHandedOverAreNoticed(t *testing.T) {
	a := &asked{cfg: aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "x", SessionToken: "y", Source: "EnvConfigCredentials"}, nil
	})}}
	if f := a.lasting(t.Context()); f.State != Worth || !strings.Contains(f.Fix, "AWS_SESSION_TOKEN") {
		t.Errorf("%+v", f)
	}
}

func TestResultsAreWrittenForPeopleAndPrograms(t *testing.T) {
	results := []Result{
		{"Slack", "slack.token", "The bot token is accepted", missing("Do\nthis.", "It is not.")},
		{"Slack", "slack.scopes", "Scopes", Finding{Found: "Not looked at."}},
	}
	var text, object bytes.Buffer
	if err := errors.Join(Text(&text, results), JSON(&object, results)); err != nil {
		t.Fatal(err)
	}
	want := "Slack\n  MISSING  The bot token is accepted: It is not.\n         → Do\n           this.\n  -        Scopes: Not looked at.\n0 ok, 0 worth knowing, 1 missing, 1 not looked at\n"
	if text.String() != want {
		t.Errorf("got\n%s", text.String())
	}
	var v struct {
		Sound  bool
		Checks []struct{ ID, State string }
	}
	if err := json.Unmarshal(object.Bytes(), &v); err != nil || v.Sound || fmt.Sprint(v.Checks) != "[{slack.token missing} {slack.scopes unasked}]" {
		t.Errorf("%+v, %v", v, err)
	}
}
