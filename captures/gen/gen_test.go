package main

import (
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is committed is what the generator writes. Of gzip files the contents are
// compared: how they are packed may differ between releases of Go.
func TestCommittedCapturesAreGenerated(t *testing.T) {
	fresh := t.TempDir()
	if err := generate(fresh); err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, fresh), contents(t, "..")
	for name, data := range want {
		switch have, ok := got[name]; {
		case !ok:
			t.Errorf("%s is not there; run go run ./captures/gen", name)
		case have != data:
			t.Errorf("%s differs from what is generated; run go run ./captures/gen", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is generated no more: delete it", name)
		}
	}
}

// Two runs write the same bytes, packed files included.
func TestGenerateIsDeterministic(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := generate(dir); err != nil {
			t.Fatal(err)
		}
	}
	walk(t, a, func(name string) {
		x, errA := os.ReadFile(filepath.Join(a, name))
		y, errB := os.ReadFile(filepath.Join(b, name))
		if errA != nil || errB != nil || string(x) != string(y) {
			t.Errorf("%s differs between two runs", name)
		}
	})
}

// A capture is small enough to read and to keep in the repository.
func TestCapturesAreSmall(t *testing.T) {
	const most = 40 << 10
	walk(t, "..", func(name string) {
		if info, err := os.Stat(filepath.Join("..", name)); err != nil || info.Size() > most {
			t.Errorf("%s: %d bytes, more than %d (%v)", name, info.Size(), most, err)
		}
	})
}

func walk(t *testing.T, dir string, each func(name string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || d.IsDir() || filepath.Ext(name) == ".go" || strings.HasPrefix(name, "gen"+string(filepath.Separator)) {
			return err
		}
		each(name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	walk(t, dir, func(name string) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = string(data)
	})
	return out
}
