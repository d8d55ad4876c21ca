package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/audit"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// workspace has a guest and a person of another company besides.
func workspace() *slackemu.Workspace {
	ws := slackemu.DefaultWorkspace()
	guest, stranger := ws.Users[0], ws.Users[0]
	guest.ID, guest.Name, guest.IsGuest = "U0GUEST", "guest", true
	stranger.ID, stranger.Name, stranger.TeamID = "U0VENDOR", "vendor", "T0VENDOR"
	ws.Users = append(ws.Users, guest, stranger)
	for i := range ws.Channels {
		if ws.Channels[i].ID == incidents || ws.Channels[i].IsExtShared {
			ws.Channels[i].Members = append([]string{guest.ID, stranger.ID}, ws.Channels[i].Members...)
		}
	}
	return &ws
}

// Who may not is told so, alone, and nothing is stored, told or asked of AWS;
// what was decided is in the audit log.
func TestWhoMayNotIsToldSoAndNothingBegins(t *testing.T) {
	t.Parallel()
	onCall := access.Policy{{Name: "on call", Groups: []string{"S0ONCALL"}}}
	for name, c := range map[string]struct {
		user, channel string
		rules         access.Policy
		fault         obj
		told          string // "" where it is allowed
	}{
		"a member, without rules":         {user: oncall, channel: incidents},
		"a guest":                         {user: "U0GUEST", channel: incidents, told: "guests of the workspace may not"},
		"a person of another company":     {user: "U0VENDOR", channel: incidents, told: "people of other companies may not"},
		"who can't be found out":          {user: oncall, channel: incidents, fault: obj{"method": "users.info", "status": 503}, told: "whether you are a member"},
		"a shared channel":                {user: oncall, channel: "C0SHARED", told: "shared with another company"},
		"a shared channel, named":         {user: oncall, channel: "C0SHARED", rules: access.Policy{{Channels: []string{"C0SHARED"}}}},
		"in the group":                    {user: payments, channel: incidents, rules: onCall},
		"not in the group":                {user: "U0SECURITY", channel: incidents, rules: onCall, told: "no rule lets you"},
		"a group that can't be looked up": {user: payments, channel: incidents, rules: onCall, fault: obj{"method": "usergroups.users.list", "status": 503}, told: "whether you are in a user group"},
		"no group, and none looked up":    {user: oncall, channel: incidents, fault: obj{"method": "usergroups.users.list", "status": 503}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "audit.jsonl")
			w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: time.Millisecond, Workspace: workspace()}, aws: awsemu.Options{QueryDuration: -1},
				serving: func(o *Serving) { o.Access, o.AuditLog = c.rules, file }})
			if c.fault != nil {
				w.fault(c.fault)
			}
			before := len(w.aws.Calls())
			d := w.say(c.user, c.channel, w.asks())
			if !d.Acked || d.Error != "" {
				t.Fatalf("acked %v, error %q", d.Acked, d.Error)
			}
			if c.told == "" {
				w.until("there is a parent", func() bool { return len(w.parents(c.channel)) == 1 })
				w.thread(c.channel, w.parents(c.channel)[0].TS)
			} else {
				if all := d.text() + strings.Join(w.told(c.channel, c.user), "\n"); !strings.Contains(all, c.told) {
					t.Errorf("told %q", all)
				}
				f, err := w.all()[0].store.Figures(t.Context())
				if n := len(w.aws.Calls()) - before; n != 0 || len(w.parents(c.channel)) != 0 || err != nil || f.Waiting != 0 {
					t.Errorf("%d calls of AWS, %d parents, %d messages waiting, %v", n, len(w.parents(c.channel)), f.Waiting, err)
				}
			}
			w.all()[0].stop()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := audit.Verify(strings.NewReader(string(raw)))
			if err != nil || s.Entries != 2 || (s.Refused == 1) != (c.told != "") || !strings.Contains(string(raw), w.asks()) {
				t.Errorf("the audit log: %+v, %v\n%s", s, err, raw)
			}
		})
	}
}

// Buttons ask too: who may investigate may not follow up where rules say so, and
// who may not investigate can't stop.
func TestButtonsAskTheRules(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: time.Millisecond, Workspace: workspace()}, aws: awsemu.Options{QueryDuration: -1},
		serving: func(o *Serving) {
			o.AuditLog, o.Access = file, access.Policy{{Users: []string{payments}}, {May: []access.Action{access.Investigate}}}
		}})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	w.thread(incidents, parent)
	refused := func(user string) int { return strings.Count(strings.Join(w.told(incidents, user), "\n"), "Refused:") }
	w.click(oncall, incidents, parent, "rerun")
	w.until("the extension is refused", func() bool { return refused(oncall) == 1 })
	w.click("U0GUEST", incidents, parent, "trace")
	w.until("the guest is refused", func() bool { return refused("U0GUEST") == 1 })
	if n := len(w.parents(incidents)); n != 1 {
		t.Errorf("%d investigations", n)
	}
	w.click(payments, incidents, parent, "rerun")
	w.until("who may extend has extended", func() bool { return len(w.parents(incidents)) == 2 })
	w.all()[0].stop()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := audit.Verify(strings.NewReader(string(raw))); err != nil || s.Entries != 5 || s.Refused != 2 {
		t.Errorf("the audit log: %+v, %v\n%s", s, err, raw)
	}
}

// The ARN picks the account, a bare name is of the default one, and an account
// that nobody named is said at once.
func TestTheARNPicksTheAccountInSlack(t *testing.T) {
	t.Parallel()
	const member = "444455556666"
	var own string
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		var err error
		own = "111122223333"
		o.Pool, err = accounts.New(o.AWS.Config, accounts.Map{own: {}, member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, own)
		if err != nil {
			t.Fatal(err)
		}
	}})
	d := w.command(Command + " arn:aws:iam::999999999999:role/" + w.ask.Role + " " + w.ask.Region)
	w.until("it is said that nobody knows the account", func() bool { // behind the acknowledgement
		all := d.text() + strings.Join(w.told(incidents, oncall), "\n")
		return strings.Contains(all, "999999999999") && strings.Contains(all, "configuration")
	})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.thread(incidents, w.parents(incidents)[0].TS)
	for _, call := range w.aws.Calls() {
		if call.Action == "sts:AssumeRole" || call.Account == member {
			t.Errorf("%s was asked of account %s", call.Action, call.Account)
		}
	}
	before := len(w.aws.Calls())
	w.command(Command + " arn:aws:iam::" + member + ":role/" + w.ask.Role + " " + w.ask.Region)
	w.until("there is another parent", func() bool { return len(w.parents(incidents)) == 2 })
	w.thread(incidents, w.parents(incidents)[1].TS)
	asked := 0
	for _, call := range w.aws.Calls()[before:] {
		if call.Action != "sts:AssumeRole" && call.Account != member {
			t.Errorf("%s was asked of account %s", call.Action, call.Account)
		}
		asked++
	}
	if asked < 2 {
		t.Errorf("%d calls", asked)
	}
}
