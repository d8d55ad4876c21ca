package app

import (
	"slices"

	"github.com/stsleuth/stsleuth/playbook"
)

// Actions are all IAM actions that an investigation and its follow-ups may use,
// sorted: the policy is generated from these.
func Actions(plan playbook.Plan) []string {
	var out []string
	for _, step := range plan {
		out = append(out, step.Actions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
