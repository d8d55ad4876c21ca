package app

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/store"
)

// Two replicas ask two accounts, one of them with the program's own credentials:
// what they do is counted together, each account by itself, and AWS refuses
// nothing.
func TestReplicasCountTogetherByAccount(t *testing.T) {
	const own, member = "111122223333", "444455556666"
	c, err := capture.Load(t.Context(), "../../captures/govcloud-new-condition", capture.Options{}) // no public feed there
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	emu := awsemu.New(c, awsemu.Options{QueryDuration: -1, Rates: awsemu.AWSRates})
	defer emu.Close()
	m := miniredis.RunT(t)
	target, err := playbook.ParseRole(c.Incident.Ask.Role)
	if err != nil {
		t.Fatal(err)
	}
	target.Region = c.Incident.Ask.Region
	var all sync.WaitGroup
	for range 2 {
		state, err := store.Open(t.Context(), "redis://"+m.Addr(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		cfg := emu.Config(c.Incident.Ask.Region)
		pool, err := accounts.New(cfg, accounts.Map{own: {}, member: {RoleARN: "arn:aws-us-gov:iam::" + member + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, "")
		if err != nil {
			t.Fatal(err)
		}
		reads := &Accounts{AWS: AWS{Config: cfg}, Pool: pool, Shared: state}
		for _, account := range []string{"", own, member} {
			asked := target
			asked.Account = account
			plan, err := reads.Plan(asked)
			if err != nil {
				t.Fatal(err)
			}
			if account == own {
				continue // asked with the same credentials as ""
			}
			plan = slices.DeleteFunc(slices.Clone(plan), func(s playbook.Step) bool {
				return s.ID != playbook.RoleAndHealth && s.ID != playbook.STSErrors // all of them would take a minute
			})
			all.Go(func() {
				if _, err := Investigate(t.Context(), plan, playbook.NewRequest("inv_x", asked, c.Incident.Now, playbook.DefaultWindow), nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		if len(reads.made) != 2 {
			t.Errorf("%d plans for two accounts", len(reads.made))
		}
	}
	all.Wait()
	fields, err := m.HKeys("{stsleuth}:pace")
	if err != nil {
		t.Fatal(err)
	}
	counted := strings.Join(fields, "\n")
	for _, want := range []string{"aws:own/us-gov-east-1/slots", "aws:own/us-gov-east-1/GetQueryResults", "aws:" + member + "/" + target.Region} {
		if !strings.Contains(counted, want) {
			t.Errorf("%s was not counted; there are\n%s", want, counted)
		}
	}
	if strings.Contains(counted, own) {
		t.Errorf("the own account is counted twice:\n%s", counted)
	}
	for _, call := range emu.Calls() {
		if strings.Contains(call.Code, "Throttl") || call.Code == "LimitExceededException" {
			t.Errorf("AWS refused %s in %s as %s", call.Action, call.Region, call.Code)
		}
	}
}
