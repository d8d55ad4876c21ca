package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whoever builds a tag again has to get the published bytes. Two clones of the
// commit stand for two machines: with another path, zone, language, umask, build
// cache, module cache, and Go settings that would change a build. It takes
// minutes, so only `make release-check` runs it.
func TestReleasesAreTheSameBytesEverywhere(t *testing.T) {
	if os.Getenv("STSLEUTH_RELEASE") == "" {
		t.Skip("make release-check runs it")
	}
	modules, err := output(t.Context(), root, nil, "go", "env", "GOMODCACHE")
	if err != nil {
		t.Fatal(err)
	}
	head, err := output(t.Context(), root, nil, "git", "rev-parse", "HEAD") // which may move on meanwhile
	if err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(string(head))
	one := builtIn(t, commit, filepath.Join(t.TempDir(), "a"), "022", "TZ=Pacific/Auckland", "LC_ALL=C")
	elsewhere := filepath.Join(t.TempDir(), "modules")
	t.Cleanup(func() { // what Go puts there can't be removed otherwise
		if _, err := output(context.WithoutCancel(t.Context()), root, []string{"GOMODCACHE=" + elsewhere}, "go", "clean", "-modcache"); err != nil {
			t.Error(err)
		}
	})
	two := builtIn(t, commit, filepath.Join(t.TempDir(), "another", "place with spaces"), "077",
		"TZ=America/St_Johns", "LC_ALL=tr_TR.UTF-8", "GOCACHE="+t.TempDir(), "GOAMD64=v3", "CGO_ENABLED=1", "SOURCE_DATE_EPOCH=1",
		"GOFLAGS=-buildvcs=false", "GOMODCACHE="+elsewhere, "GOPROXY=file://"+filepath.ToSlash(strings.TrimSpace(string(modules)))+"/cache/download", "GOSUMDB=off")

	if names := slices.Sorted(maps.Keys(one)); !slices.Equal(names, slices.Sorted(maps.Keys(two))) || len(names) < 3 {
		t.Fatalf("built %v and %v", names, slices.Sorted(maps.Keys(two)))
	}
	for name, content := range one {
		if !bytes.Equal(content, two[name]) {
			t.Errorf("%s differs", name)
		}
		if bom, ok := strings.CutSuffix(name, ".cdx.json"); ok {
			checkBillOfMaterials(t, content)
			checkArchive(t, one[bom+".tar.gz"], content)
		}
	}
}

// builtIn clones the commit into dir, makes the release there and reads dist.
func builtIn(t *testing.T, commit, dir, umask string, env ...string) map[string][]byte {
	t.Helper()
	if _, err := output(t.Context(), root, nil, "git", "clone", "--quiet", "--no-hardlinks", ".", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := output(t.Context(), dir, nil, "git", "checkout", "--quiet", commit); err != nil {
		t.Fatal(err)
	}
	said, err := output(t.Context(), dir, env, "sh", "-c", "umask "+umask+" && go run ./internal/release "+os.Getenv("TARGETS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in %s:\n%s", dir, said)
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, "dist", e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// checkArchive looks for the licence of every module in the bill of materials, and
// for anything of this machine in the entries. Zip archives (nil) have the same files.
func checkArchive(t *testing.T, archive, bom []byte) {
	t.Helper()
	if archive == nil {
		return
	}
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if want := int64(0o644); h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Mode != want && !strings.HasSuffix(h.Name, "/stsleuth") {
			t.Errorf("%s belongs to %d:%d %q with mode %o", h.Name, h.Uid, h.Gid, h.Uname, h.Mode)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		names = append(names, name)
	}
	for _, name := range []string{"stsleuth", "LICENSE", "README.md", "DEPENDENCIES.md"} {
		if !slices.Contains(names, name) {
			t.Errorf("no %s in the archive", name)
		}
	}
	for _, c := range parse(t, bom).Components {
		of := "licences/" + c.Name + "/"
		if c.Type == "library" && !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, of) }) {
			t.Errorf("no licence of %s in the archive", c.Name)
		}
	}
}
