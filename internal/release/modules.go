package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// ourselves is the main module's path.
const ourselves = "github.com/stsleuth/stsleuth"

// A module of which packages are compiled in.
type module struct {
	path, version string
	dir           string   // in the module cache
	needs         []string // paths of the modules that its compiled packages import
	embeds        []string // its compiled packages that embed files
	packages      []string // folders of its compiled packages
	sources       []string // Go and assembly files of those, absolute
	licences      []string // SPDX identifiers; all of them apply
	texts         []string // licence files and notices, relative to dir
}

// A listedPackage is what `go list -json` says of one.
// https://pkg.go.dev/cmd/go#hdr-List_packages_or_modules
type listedPackage struct {
	ImportPath, Dir, ForTest             string
	Imports, EmbedFiles, GoFiles, SFiles []string
	Standard                             bool
	Module                               *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path string }
	}
}

// compiled lists the modules behind the packages that the pattern needs, by path,
// our own among them; args come before the pattern.
func compiled(ctx context.Context, root string, t target, pattern string, args ...string) (map[string]*module, error) {
	args = append([]string{"list", "-deps", "-json=ImportPath,Dir,ForTest,Imports,EmbedFiles,GoFiles,SFiles,Standard,Module"}, args...)
	out, err := output(ctx, root, t.env(), "go", append(args, pattern)...)
	if err != nil {
		return nil, err
	}
	modules, of := map[string]*module{}, map[string]string{}
	var packages []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w", err)
		}
		if p.Standard || p.Module == nil {
			continue
		}
		if p.Module.Replace != nil {
			return nil, fmt.Errorf("%s is replaced by %s: a release is built from what is published", p.Module.Path, p.Module.Replace.Path)
		}
		packages = append(packages, p)
		of[p.ImportPath] = p.Module.Path
		m := modules[p.Module.Path]
		if m == nil {
			m = &module{path: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir}
			modules[m.path] = m
		}
		m.packages = append(m.packages, p.Dir)
		if len(p.EmbedFiles) > 0 {
			m.embeds = append(m.embeds, p.ImportPath)
		}
		for _, file := range slices.Concat(p.GoFiles, p.SFiles) {
			if !filepath.IsAbs(file) { // what go test generates is absolute, in the build cache
				m.sources = append(m.sources, filepath.Join(p.Dir, file))
			}
		}
	}
	for _, p := range packages {
		m := modules[of[p.ImportPath]]
		for _, imported := range p.Imports {
			if needed := of[imported]; needed != "" && needed != m.path && !slices.Contains(m.needs, needed) {
				m.needs = append(m.needs, needed)
			}
		}
		slices.Sort(m.needs)
	}
	return modules, nil
}

// contents are the modules in b by path, with their licences; our own and the
// standard library are among them. What the sources say must be what the binary says.
func contents(ctx context.Context, src string, t target, b built) (map[string]*module, error) {
	all, err := compiled(ctx, src, t, command)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for _, d := range b.info.Deps {
		said[d.Path] = d.Version
	}
	listed := map[string]string{}
	for path, m := range all {
		if path != ourselves {
			listed[path] = m.version
		}
	}
	if !maps.Equal(said, listed) {
		return nil, fmt.Errorf("the binary names %v, its sources %v", said, listed)
	}
	std, err := standardLibrary(ctx, src, b.info.GoVersion)
	if err != nil {
		return nil, err
	}
	all[std.path] = std
	for _, m := range all {
		if err := m.readLicences(); err != nil {
			return nil, err
		}
		if bad := m.forbidden(); bad != "" {
			return nil, fmt.Errorf("%s %s is under %s, which may not be in a release", m.path, m.version, bad)
		}
	}
	return all, nil
}

// standardLibrary is Go's own, under the name that the Go vulnerability database
// gives it (https://go.dev/doc/security/vuln/database).
func standardLibrary(ctx context.Context, src, goVersion string) (*module, error) {
	goroot, err := output(ctx, src, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	dir := strings.TrimSpace(string(goroot))
	return &module{path: "stdlib", version: strings.TrimPrefix(goVersion, "go"), dir: dir, packages: []string{dir}}, nil
}
