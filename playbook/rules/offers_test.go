package rules

import (
	"slices"
	"testing"

	"github.com/stsleuth/stsleuth/playbook"
)

// A follow-up that would be as blind as the run itself is no help; one that might
// see more, or go well the next time, is.
func TestNothingIsOfferedThatCouldNotSee(t *testing.T) {
	trail := []playbook.StepID{playbook.STSErrors, playbook.Sessions, playbook.TrustChanges}
	with := func(status playbook.Status, steps ...playbook.StepID) (out []playbook.Outcome) {
		for _, s := range []playbook.StepID{playbook.RoleAndHealth, playbook.STSErrors, playbook.RoleConfig, playbook.STSMetrics, playbook.Sessions, playbook.AppErrors, playbook.CrossAccount, playbook.TrustChanges, playbook.Federation} {
			o := playbook.Outcome{Step: s, Status: playbook.Clear}
			if slices.Contains(steps, s) {
				o.Status = status
			}
			out = append(out, o)
		}
		return out
	}
	for name, tc := range map[string]struct {
		steps []playbook.Outcome
		want  []playbook.Offer
	}{
		"all could look":                        {with(playbook.Clear), playbook.Offers()},
		"CloudTrail was refused, logs were not": {with(playbook.Denied, trail...), []playbook.Offer{playbook.Extend48h, playbook.MFADevices, playbook.ChainLimits}},
		"CloudTrail timed out":                  {with(playbook.TimedOut, trail...), playbook.Offers()},
		"CloudTrail and logs were refused":      {with(playbook.Denied, append(trail, playbook.AppErrors)...), []playbook.Offer{playbook.MFADevices, playbook.ChainLimits}},
		"all were refused":                      {with(playbook.Denied, append(trail, playbook.AppErrors, playbook.RoleConfig)...), nil},
	} {
		if got := offers(nil, tc.steps); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if got := offers([]playbook.Finding{{Cause: playbook.NoRefresh}}, with(playbook.Clear)); !slices.Contains(got, playbook.TokenRefresh) || slices.Contains(got, playbook.MFADevices) {
		t.Errorf("with a cause: %v, want what confirms it", got)
	}
}
