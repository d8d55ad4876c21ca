package steps

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

func TestPlanIsValid(t *testing.T) {
	if err := Plan(Clients{}, Settings{}).Validate(); err != nil {
		t.Error(err)
	}
}

// onlyReads are the verbs of calls that change nothing; StartQuery and StopQuery
// concern a query of our own.
var onlyReads = regexp.MustCompile(`^(Get|List|Describe|Lookup|Filter)|^(Start|Stop)Query$`)

func TestStepsOnlyRead(t *testing.T) {
	for _, s := range Plan(Clients{}, Settings{}) {
		for _, action := range s.Actions {
			if _, operation, _ := strings.Cut(action, ":"); !onlyReads.MatchString(operation) {
				t.Errorf("%s may call %s", s.ID, action)
			}
		}
	}
}

// The steps that ask in parallel must still tell in one order.
func TestSameCaptureSameBytes(t *testing.T) {
	examples(t, func(t *testing.T, first *emulated, c *capture.Capture) {
		first.run(t, playbook.RoleAndHealth)
		first.run(t, playbook.RoleConfig)
		for _, id := range []playbook.StepID{playbook.STSErrors, playbook.Sessions, playbook.STSMetrics, playbook.CrossAccount, playbook.Federation} {
			first.run(t, id)
		}
		second := emulateCapture(t, c.Dir)
		for _, id := range []playbook.StepID{playbook.STSErrors, playbook.Sessions} { // have tests of their own, and take seconds
			second.done[id] = first.done[id]
		}
		for _, id := range []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig, playbook.STSMetrics, playbook.CrossAccount, playbook.Federation} {
			if diff := cmp.Diff(jsonOf(t, first.done[id]), jsonOf(t, second.run(t, id))); diff != "" {
				t.Errorf("%s: %s", id, diff)
			}
		}
	})
}

func jsonOf(t *testing.T, o playbook.Outcome) string {
	t.Helper()
	text, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
