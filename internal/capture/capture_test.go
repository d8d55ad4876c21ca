package capture_test

import (
	"context"
	"os"
	"testing"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// shared is the folder of example captures beside the repository; tests that need it skip where it is absent.
const shared = "../../../shared/captures"

func TestExampleCapturesLoadWhole(t *testing.T) {
	dirs, err := capture.FindAll(shared)
	if os.IsNotExist(err) || len(dirs) == 0 {
		t.Skip("no example captures in " + shared)
	}
	for _, dir := range dirs {
		c, err := capture.Load(context.Background(), dir, capture.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		defer c.Close()
		if len(c.Bad) != 0 || c.Records.Len() == 0 || c.Records.Len() != c.Read.Records || c.Incident.Expect == nil {
			t.Errorf("%s: %d records of %d, %d bad %v", dir, c.Records.Len(), c.Read.Records, len(c.Bad), c.Bad)
		}
		events := 0
		for _, g := range c.Groups {
			events += len(g.Events)
		}
		kept, err := capture.Load(context.Background(), dir, capture.Options{Keep: capture.KeepFor(c.Incident.Ask.Role)})
		if err != nil {
			t.Fatal(err)
		}
		defer kept.Close()
		t.Logf("%s: %d records, %d of them for the role, %d roles, %d trails, %d log events, health %v, %d faults",
			dir, c.Records.Len(), kept.Records.Len(), len(c.IAM.Roles), len(c.Trails), events, c.Health != nil, len(c.Faults.Faults))
	}
}
