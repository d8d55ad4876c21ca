// Command release builds what a release consists of into dist/: for each target
// an archive with the static binary, the licences of everything in it and the
// README, a software bill of materials beside it, and SHA256SUMS over all.
//
//	make release                                (in the repository's root; needs git, and any Go since 1.21)
//	go run ./internal/release linux/amd64       (one target alone)
//
// In comes the commit that HEAD is at, never the working tree: it is cloned into
// an empty folder first. Out come the same bytes on every machine: the Go
// toolchain is the one named below, times are the commit's, and nothing else
// of the machine gets in (reproducible_test.go builds twice to prove it).
//
// modules.go finds what is compiled in, licences.go under which terms, sbom.go and
// archive.go write it down, page.go makes docs/DEPENDENCIES.md of the same facts.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const command = "./cmd/stsleuth"

// toolchain is what releases are built with. It is not go.mod's: who builds or
// tests need not download another Go.
const toolchain = "go1.26.8"

// A target is a system that is built for.
type target struct{ os, arch string }

var targets = []target{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

func (t target) String() string { return t.os + "/" + t.arch }

func (t target) env() []string {
	return []string{"GOOS=" + t.os, "GOARCH=" + t.arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0"}
}

// named finds targets by names such as "linux/amd64"; without names, all.
func named(names []string) (found []target, err error) {
	if len(names) == 0 {
		return targets, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(targets, func(t target) bool { return t.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("%q is none of %v", name, targets)
		}
		found = append(found, targets[i])
	}
	return found, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	chosen, err := named(os.Args[1:])
	if err == nil {
		err = release(ctx, ".", "dist", chosen, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release builds the commit at root's HEAD for each target into the folder dist,
// which it empties first, and says on out what it wrote.
func release(ctx context.Context, root, dist string, targets []target, out io.Writer) error {
	if runtime.Version() != toolchain {
		return fmt.Errorf("this is %s, and releases are built with %s: archives would differ; run `make release`, or set GOTOOLCHAIN=%[2]s", runtime.Version(), toolchain)
	}
	tmp, err := os.MkdirTemp("", "stsleuth-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	src := filepath.Join(tmp, "stsleuth")
	// Line endings as committed: files are embedded, and Git may be set to turn them.
	if _, err := output(ctx, root, nil, "git", "-c", "core.autocrlf=false", "clone", "--quiet", "--no-hardlinks", ".", src); err != nil {
		return err
	}
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}

	files := map[string][]byte{} // by name, what dist gets
	for _, t := range targets {
		binary := filepath.Join(tmp, "bin", t.os, t.arch, "stsleuth")
		b, err := build(ctx, src, binary, t)
		if err != nil {
			return fmt.Errorf("build for %s: %w", t, err)
		}
		inside, err := contents(ctx, src, t, b)
		if err != nil {
			return fmt.Errorf("list what is in the binary for %s: %w", t, err)
		}
		bom, err := billOfMaterials(b, inside)
		if err != nil {
			return fmt.Errorf("write the bill of materials for %s: %w", t, err)
		}
		packed, err := archive(src, b, inside)
		if err != nil {
			return fmt.Errorf("pack the archive for %s: %w", t, err)
		}
		files[b.name()+".cdx.json"] = bom
		files[b.archiveName()] = packed
	}
	var sums bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	files["SHA256SUMS"] = sums.Bytes()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dist, name), content, 0o644); err != nil {
			return err
		}
	}
	_, err = sums.WriteTo(out)
	return err
}

// A built binary, and what Go says of it.
type built struct {
	target
	version  string // the tag, or the pseudo-version that Go makes of the commit
	revision string
	time     time.Time // the commit's
	content  []byte
	info     *debug.BuildInfo
}

func (b built) name() string {
	return fmt.Sprintf("stsleuth_%s_%s_%s", b.version, b.os, b.arch)
}

// build compiles the command for t and reads back how it was built: a setting that
// the machine added (an experiment, a flag of `go env -w`) would change the bytes.
func build(ctx context.Context, src, binary string, t target) (built, error) {
	env := append(t.env(), "GOFLAGS=-trimpath -buildvcs=true -mod=readonly", "GOWORK=off", "GODEBUG=")
	if _, err := output(ctx, src, env, "go", "build", "-o", binary, command); err != nil {
		return built{}, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return built{}, err
	}
	got := map[string]string{}
	for _, s := range info.Settings {
		got[s.Key] = s.Value
	}
	b := built{target: t, version: info.Main.Version, revision: got["vcs.revision"], info: info}
	if b.time, err = time.Parse(time.RFC3339, got["vcs.time"]); err != nil {
		return built{}, fmt.Errorf("read the commit's time: %w", err)
	}
	want := map[string]string{
		"-buildmode": "exe", "-compiler": "gc", "-trimpath": "true", "CGO_ENABLED": "0", "GOOS": t.os, "GOARCH": t.arch,
		"vcs": "git", "vcs.revision": b.revision, "vcs.time": got["vcs.time"], "vcs.modified": "false",
	}
	if t.arch == "amd64" {
		want["GOAMD64"] = "v1"
	} else {
		want["GOARM64"] = "v8.0"
	}
	if !maps.Equal(got, want) || info.GoVersion != toolchain {
		return built{}, fmt.Errorf("built with %s %v, a release is built with %s %v: is something set with `go env -w`?", info.GoVersion, got, toolchain, want)
	}
	b.content, err = os.ReadFile(binary)
	return b, err
}

// output runs a command in dir with additions to the environment.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}
