package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// Every capture of the repository, and every example where they are at hand,
// comes out as it expects, as in `stsleuth eval`. Most of the time is waiting
// between two looks at a query, so many run at once.
func TestCapturesComeOutAsExpected(t *testing.T) {
	dirs, err := capture.FindAll("../../captures")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("find captures: %d, %v", len(dirs), err)
	}
	if examples, err := capture.FindAll("../../../shared/captures"); err == nil {
		dirs = append(dirs, examples...)
	}
	const atOnce = 16
	results := make([]evaluation, len(dirs))
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, dir := range dirs {
		all.Go(func() error {
			var expects bool
			if results[i], expects = evaluate(t.Context(), dir); !expects {
				return fmt.Errorf("%s does not say what it expects", dir)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, e := range results {
		if !e.Pass {
			var b strings.Builder
			writeEval(&b, []evaluation{e}, total([]evaluation{e}))
			t.Error(b.String())
		}
	}
}

// A query that never completes is waited for until the step's time is up. Its
// partial rows are no answer, and nothing is concluded from them.
func TestQueryThatNeverCompletesIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../captures/query-ends-in-timeout")); err != nil {
		t.Fatal(err)
	}
	incident, err := os.ReadFile(filepath.Join(dir, "incident.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"incident.yaml": bytes.Replace(incident, []byte("app-errors: blind"), []byte("app-errors: timed-out"), 1),
		"faults.yaml":   []byte(`faults: [{action: "logs:GetQueryResults", stay: Running}]`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		if e, _ := evaluate(t.Context(), dir); !e.Pass {
			t.Errorf("%+v", e)
		}
	})
}
