package policy_test

import (
	"slices"
	"testing"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/policy"
	"github.com/stsleuth/stsleuth/playbook"
)

// A monitoring account's policy reaches the log groups of linked accounts, unless
// its own groups are named: then only those, and another account's by ARN.
func TestThePolicyReachesLinkedLogGroups(t *testing.T) {
	actions, _ := declared(t)
	c, err := capture.Load(t.Context(), "../../captures/org-trail-through-link", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, tt := range map[string]struct {
		groups  []string
		missing bool
	}{
		"no group is named":         {nil, false},
		"own groups are named":      {[]string{"/prod/*"}, true},
		"others' are named by ARNs": {[]string{"/prod/*", "arn:aws:logs:*:999988887777:log-group:org/*", "arn:aws:logs:*:444455556666:log-group:/prod/*"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := policy.For(actions, policy.Scope{Partition: c.Incident.Partition, Account: c.Incident.Account, LogGroups: tt.groups})
			if err != nil {
				t.Fatal(err)
			}
			out := investigate(t, c, d)
			for _, id := range []playbook.StepID{playbook.STSErrors, playbook.AppErrors} {
				if got := slices.Contains(out[string(id)].Missing, "logs:StartQuery"); got != tt.missing {
					t.Errorf("%s: logs:StartQuery missing is %t: %s %q", id, got, out[string(id)].Summary, out[string(id)].Unseen)
				}
			}
			if o := out[string(playbook.AppErrors)]; !o.Status.Saw() {
				t.Errorf("the own groups are not read: %s %s", o.Status, o.Summary)
			}
		})
	}
}
