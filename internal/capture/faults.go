package capture

import (
	"errors"
	"fmt"
)

// Faults is faults.yaml: what goes wrong on the way. The first rule that matches wins.
type Faults struct {
	Faults  []Fault  `yaml:"faults"`
	Latency Duration `yaml:"latency"` // added to every call
}

// Fault is one rule.
type Fault struct {
	Action   string   `yaml:"action"` // cloudtrail:LookupEvents, logs:*
	Region   string   `yaml:"region"` // "" is any
	Deny     bool     `yaml:"deny"`   // AccessDenied in the service's own words
	Error    string   `yaml:"error"`  // this error code
	Throttle bool     `yaml:"throttle"`
	Times    int      `yaml:"times"`   // how many calls it meets; 0 is always
	Stay     string   `yaml:"stay"`    // the query stays in this status
	Timeout  bool     `yaml:"timeout"` // accepts the connection, never answers
	Latency  Duration `yaml:"latency"`
}

// Matches says whether the rule is about a call, as iam:GetRole in eu-west-1. A star stands for any text, as in IAM
// actions; case does not matter there either.
func (f Fault) Matches(action, region string) bool {
	return (f.Region == "" || f.Region == region) && glob(lower(f.Action), lower(action))
}

func (f Faults) check(path string) error {
	var errs []error
	for i, r := range f.Faults {
		effects := 0
		for _, set := range []bool{r.Deny, r.Error != "", r.Throttle, r.Stay != "", r.Timeout} {
			if set {
				effects++
			}
		}
		switch {
		case !actionPattern.MatchString(r.Action):
			errs = append(errs, fmt.Errorf("%s: faults[%d].action %q: want service:Operation", path, i, r.Action))
		case effects > 1:
			errs = append(errs, fmt.Errorf("%s: faults[%d]: only one of deny, error, throttle, stay and timeout", path, i))
		case effects == 0 && r.Latency == 0:
			errs = append(errs, fmt.Errorf("%s: faults[%d]: says nothing that goes wrong", path, i))
		case r.Times < 0:
			errs = append(errs, fmt.Errorf("%s: faults[%d].times is negative", path, i))
		}
	}
	return errors.Join(errs...)
}
