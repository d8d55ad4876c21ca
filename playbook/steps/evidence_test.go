package steps

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

// examples runs a test over every example capture.
func examples(t *testing.T, f func(t *testing.T, e *emulated, c *capture.Capture)) {
	dirs, _ := filepath.Glob("../../../shared/captures/*/incident.yaml")
	if len(dirs) == 0 {
		t.Skip("no example captures here")
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			c, err := capture.Load(t.Context(), dir, capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			f(t, emulateCapture(t, dir), c)
		})
	}
}

// Each example says how steps must end; the facts of the others must at least
// be told.
func TestExamplesEndAsExpected(t *testing.T) {
	examples(t, func(t *testing.T, e *emulated, c *capture.Capture) {
		for _, id := range []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig, playbook.STSErrors, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges} {
			out := e.run(t, id)
			if os.Getenv("SHOW") != "" {
				t.Logf("%s %s: %s | partial %q unseen %q", id, out.Status, out.Summary, out.Partial, out.Unseen)
			}
			if want, ok := c.Incident.Expect.Steps[string(id)]; ok && out.Status.String() != want {
				t.Errorf("%s is %s, want %s: %s %s %q", id, out.Status, want, out.Summary, out.Partial, out.Unseen)
			}
		}
	})
}

// The same capture gives the same outcome, byte for byte.
func TestSameInputSameOutcome(t *testing.T) {
	examples(t, func(t *testing.T, first *emulated, c *capture.Capture) {
		if !slices.Contains([]string{"hourly-no-refresh", "trust-policy-drops-caller"}, filepath.Base(c.Dir)) {
			return // two are enough
		}
		order := []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig, playbook.STSErrors, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges}
		for _, id := range order {
			first.run(t, id)
		}
		for range 2 {
			again := emulateCapture(t, c.Dir)
			for _, id := range order {
				again.run(t, id)
				if d := cmp.Diff(first.done[id], again.done[id]); d != "" {
					t.Fatalf("%s differs:\n%s", id, d)
				}
			}
		}
	})
}
