package main

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

var update = flag.Bool("update", false, "write docs/DEPENDENCIES.md")

func TestTheDependenciesPageIsWhatGoModAndTheModulesSay(t *testing.T) {
	const path = root + "/docs/DEPENDENCIES.md"
	want, err := page(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/DEPENDENCIES.md is out of date; go test ./internal/release -update writes it\n%s", diff)
	}
}
