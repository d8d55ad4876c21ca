package render_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

// Every role that IAM takes can be chosen in the form, and comes back as it was:
// names have up to 64 letters, paths up to 512, Slack's options 75.
// https://docs.slack.dev/reference/block-kit/composition-objects/option-object
func TestEveryRoleCanBeChosen(t *testing.T) {
	long := strings.Repeat("payments-", 7) + "x" // 64
	for name, tc := range map[string]struct {
		role  playbook.Target
		words string
	}{
		"a short one":                           {playbook.Target{Role: "payments-api"}, "payments-api"},
		"with its path":                         {playbook.Target{Role: "payments-api", Path: "/team/"}, "/team/payments-api"},
		"with a path that leaves no room":       {playbook.Target{Role: long, Path: "/division/team/"}, long + " in /divis…"},
		"with its account":                      {playbook.Target{Role: "payments-api", Account: "111122223333"}, "111122223333: payments-api"},
		"with an account that begins with 0":    {playbook.Target{Role: "payments-api", Account: "000011112222"}, "000011112222: payments-api"},
		"the longest, with the largest account": {playbook.Target{Role: long, Account: "999999999999", Partition: "aws-us-gov"}, "999999999999: " + long[:60] + "…"},
	} {
		got := render.RoleOptions([]playbook.Target{tc.role})
		if len(got.Options) != 1 {
			t.Errorf("%s can't be chosen", name)
			continue
		}
		o := got.Options[0]
		if len(o.Value) > 75 || o.Text.Text != tc.words {
			t.Errorf("%s: %d letters of value, shown as %q, want %q", name, len(o.Value), o.Text.Text, tc.words)
		}
		if account, role := render.ReadRole(o.Value); account != tc.role.Account || role != tc.role.Role {
			t.Errorf("%s came back as %q of %q", name, role, account)
		}
	}
}

// However many roles there are and however long their names, the answer fits into
// one frame of the socket, with its envelope around it.
func TestAllRolesFitIntoOneFrame(t *testing.T) {
	const frame, envelope = 20_480, 200
	roles := make([]playbook.Target, 100)
	for i := range roles {
		roles[i] = playbook.Target{Role: strings.Repeat("x", 64), Path: "/division/team/", Account: "999999999999"}
	}
	raw, err := json.Marshal(render.RoleOptions(roles))
	if err != nil || len(raw) > frame-envelope {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}
