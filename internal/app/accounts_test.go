package app

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

// A question about a member account is asked through that account's role, one
// plan for all of them, and a role that can't be assumed is told as trouble of
// the bot's own: no step says anything about the role in question.
func TestEveryAccountIsAskedThroughItsOwnRole(t *testing.T) {
	const own, member = "111122223333", "444455556666"
	c, err := capture.Load(t.Context(), "../policy/testdata/captures/everything", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	emu := awsemu.New(c, awsemu.Options{QueryDuration: -1})
	defer emu.Close()
	cfg := emu.Config("eu-west-1")
	pool, err := accounts.New(cfg, accounts.Map{own: {}, member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, own)
	if err != nil {
		t.Fatal(err)
	}
	all := &Accounts{AWS: AWS{Config: cfg, Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: emu.Client()}, Pool: pool}
	asked := func(role string) playbook.Report {
		target, err := playbook.ParseRole(role)
		if err != nil {
			t.Fatal(err)
		}
		target.Region, target.Partition = "eu-west-1", "aws"
		plan, err := all.Plan(target)
		if err != nil {
			t.Fatal(err)
		}
		again, err := all.Plan(target)
		if err != nil || &again[0] != &plan[0] {
			t.Errorf("%s: the account has two plans, and so two paces (%v)", role, err)
		}
		r, err := Investigate(t.Context(), plan, playbook.NewRequest("inv_x", target, c.Incident.Now, playbook.DefaultWindow), nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if s := asked("payments-api").Steps[0]; s.Status == playbook.Blind || s.Proof == nil {
		t.Errorf("the default account: %s, %s", s.Status, s.Summary)
	}
	before := len(emu.Calls())
	asked("arn:aws:iam::" + member + ":role/payments-api")
	for _, call := range emu.Calls()[before:] {
		if call.Account != member && call.Action != "sts:AssumeRole" {
			t.Errorf("%s was asked of account %s", call.Action, call.Account)
		}
	}
	_, err = all.Plan(playbook.Target{Account: "999999999999", Region: "eu-west-1"})
	if _, ok := errors.AsType[*accounts.UnknownError](err); !ok {
		t.Errorf("an account that nobody named: %v", err)
	}

	fault, err := awsemu.ParseFault([]byte(`{action: "sts:AssumeRole", deny: true}`))
	if err != nil {
		t.Fatal(err)
	}
	emu.AddFault(fault)
	if pool, err = accounts.New(cfg, accounts.Map{member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, ""); err != nil {
		t.Fatal(err)
	}
	all = &Accounts{AWS: all.AWS, Pool: pool}
	r := asked("arn:aws:iam::" + member + ":role/payments-api")
	for _, s := range r.Steps {
		if s.Status.Saw() || s.Status == playbook.Denied {
			t.Errorf("%s is %s: %s", s.Step, s.Status, s.Summary)
		}
	}
	if r.Diagnosis.Verdict != playbook.InsufficientEvidence {
		t.Errorf("verdict %s", r.Diagnosis.Verdict)
	}
}

// A replica whose configuration lacks the account of a question that another one
// accepted ends it at once, in words; pressing the button asks again.
func TestAReplicaThatLacksTheAccountSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited, serving: func(o *Serving) {
		var err error
		if o.Pool, err = accounts.New(o.AWS.Config, accounts.Map{"111122223333": {Name: "production"}}, "111122223333"); err != nil {
			t.Fatal(err)
		}
	}})
	target, err := playbook.ParseRole("arn:aws:iam::999988887777:role/payments-api")
	if err != nil {
		t.Fatal(err)
	}
	target.Region, target.Partition = "eu-west-1", "aws"
	_, err = w.all()[0].store.Accept(t.Context(), playbook.Delivery{Envelope: "of another replica"}, playbook.Investigation{
		Request: playbook.NewRequest(playbook.NewID(), target, w.now, playbook.DefaultWindow), AskedBy: playbook.Person{User: oncall}, Place: playbook.Place{Channel: incidents}}, false)
	if err != nil {
		t.Fatal(err)
	}
	w.until("the card says why", func() bool {
		all := w.parents(incidents)
		return len(all) == 1 && strings.Contains(all[0].Text, "has not been told how to read account 999988887777") && strings.Contains(all[0].Text, "run this again in a moment")
	})
	if log := w.log.String(); strings.Contains(log, "begun again") {
		t.Errorf("it was not said at once, but after the watchdog had come round:\n%s", log)
	}
}
