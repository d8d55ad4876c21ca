package app

import "slices"

// Actions are all IAM actions that an investigation and its follow-ups may use,
// sorted: the policy is generated from these.
func (a AWS) Actions() ([]string, error) {
	plan, err := a.Plan()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, step := range plan {
		out = append(out, step.Actions...)
	}
	checks, err := a.FollowUps()
	if err != nil {
		return nil, err
	}
	for _, f := range checks {
		out = append(out, f.Actions...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
