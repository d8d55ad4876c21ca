package app

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

// An organization's trail whose log group is in another account of the map is
// read there, with that account's role and nothing but its log groups; without
// that account in the map it is out of reach.
func TestTheTrailIsReadInTheAccountThatKeepsIt(t *testing.T) {
	const own, archive = "111122223333", "999988887777"
	c, err := capture.Load(t.Context(), "../../captures/org-trail-out-of-reach", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, tt := range map[string]struct {
		m       accounts.Map
		verdict playbook.Conclusion
	}{
		"in the map":     {accounts.Map{own: {}, archive: {RoleARN: "arn:aws:iam::" + archive + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, playbook.CauseFound},
		"not in the map": {accounts.Map{own: {}}, playbook.InsufficientEvidence},
		"no map":         {nil, playbook.InsufficientEvidence},
	} {
		t.Run(name, func(t *testing.T) {
			emu := awsemu.New(c, awsemu.Options{QueryDuration: -1})
			defer emu.Close()
			cfg := emu.Config("eu-west-1")
			pool, err := accounts.New(cfg, tt.m, "")
			if err != nil {
				t.Fatal(err)
			}
			all := &Accounts{AWS: AWS{Config: cfg, Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: emu.Client()}, Pool: pool}
			target, err := playbook.ParseRole(c.Incident.Ask.Role)
			if err != nil {
				t.Fatal(err)
			}
			target.Region, target.Partition = "eu-west-1", "aws"
			plan, err := all.Plan(target)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Investigate(t.Context(), plan, playbook.NewRequest("inv_x", target, c.Incident.Now, playbook.DefaultWindow), nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if r.Diagnosis.Verdict != tt.verdict {
				t.Errorf("verdict %s, want %s", r.Diagnosis.Verdict, tt.verdict)
			}
			queried := false
			for _, call := range emu.Calls() {
				if call.Account == archive {
					queried = queried || call.Action == "logs:StartQuery"
					if !strings.HasPrefix(call.Action, "logs:") {
						t.Errorf("%s was asked of the account that keeps the log group", call.Action)
					}
				}
			}
			_, inMap := tt.m[archive]
			if queried != inMap {
				t.Errorf("a query in account %s: %t, want %t", archive, queried, inMap)
			}
			for _, o := range r.Steps {
				if o.Step == playbook.STSErrors && slices.ContainsFunc(o.Unseen, func(s string) bool { return strings.Contains(s, "account "+archive+" and was not read") }) == inMap {
					t.Errorf("unseen: %q", o.Unseen)
				}
			}
		})
	}
}
