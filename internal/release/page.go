package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// page is docs/DEPENDENCIES.md: what go.mod brings, in which version, under which
// licence and what for.
func page(ctx context.Context, root string) (string, error) {
	linked, only, err := linkedAnywhere(ctx, root)
	if err != nil {
		return "", err
	}
	tested, err := compiled(ctx, root, targets[0], "./...", "-test", "-tags=image")
	if err != nil {
		return "", err
	}
	ours := linked[ourselves]
	var testing []string // what our tests and tools import besides
	for _, path := range tested[ourselves].needs {
		if linked[path] == nil {
			testing = append(testing, path)
		}
	}
	for path := range linked {
		delete(tested, path)
	}
	delete(linked, ourselves)
	for _, m := range slices.Concat(slices.Collect(maps.Values(linked)), slices.Collect(maps.Values(tested))) {
		if err := m.readLicences(); err != nil {
			return "", err
		}
	}

	direct := union(ours.needs, testing)
	for _, path := range direct {
		if purposes[path] == "" {
			err = errors.Join(err, fmt.Errorf("say in assets.go what %s is for", path))
		}
	}
	for path := range purposes {
		if !slices.Contains(direct, path) {
			err = errors.Join(err, fmt.Errorf("nothing imports %s any more: take it out of assets.go", path))
		}
	}
	if err != nil {
		return "", err
	}

	var w strings.Builder
	fmt.Fprintf(&w, `# Dependencies

Made from go.mod and the modules themselves: `+"`go test ./internal/release -update`"+` writes this page, and the same test fails while
it is out of date, when a licence is not on the list at its end, or when nobody has said what a module is for. What is in one binary
exactly, with hashes, is in the bill of materials (CycloneDX) beside each release; the licences' texts are in each archive.

stsleuth itself is under the [MIT licence](../LICENSE). Releases are built with %s, whose standard library is under BSD-3-Clause.
Portions of this software are copyright © 2010 The FreeType Project (www.freetype.org). All rights reserved.

## In the binary

| module | version | licence | for |
|---|---|---|---|
`, toolchain)
	for _, path := range ours.needs {
		row(&w, linked[path], purposes[path]+only[path])
	}
	w.WriteString(`
## What those bring along

| module | version | licence | needed by |
|---|---|---|---|
`)
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		m := linked[path]
		if bad := m.forbidden(); bad != "" {
			return "", fmt.Errorf("%s %s is under %s, which is not on the list of licences for the binary", m.path, m.version, bad)
		}
		if !slices.Contains(ours.needs, path) {
			row(&w, m, neededBy(path, linked)+only[path])
		}
	}
	w.WriteString(`
## Data in the binary

| what | in | licence | what it is |
|---|---|---|---|
`)
	for _, a := range assets {
		if a.module != "stdlib" && a.module != ourselves && linked[a.module] == nil {
			return "", fmt.Errorf("%s is not in the binary any more: take %s out of assets.go", a.module, a.name)
		}
		fmt.Fprintf(&w, "| [%s](%s) | `%s` | %s | %s |\n", a.name, a.source, strings.TrimPrefix(a.module, ourselves+"/"), a.licence, a.about)
	}
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		known := slices.ContainsFunc(assets, func(a asset) bool { return a.module == path })
		if own := ownFiles[path]; own != "" {
			fmt.Fprintf(&w, "| %s | `%s` | the module's | |\n", own, path)
		} else if len(linked[path].embeds) > 0 && !known {
			return "", fmt.Errorf("%v embed files: say in assets.go what they are and under which terms", linked[path].embeds)
		}
	}
	w.WriteString(`
## In tests and tools, not in the binary

| module | version | licence | for |
|---|---|---|---|
`)
	var brought []string
	for _, path := range slices.Sorted(maps.Keys(tested)) {
		m := tested[path]
		if !slices.Contains(testing, path) {
			brought = append(brought, fmt.Sprintf("`%s` %s (%s)", m.path, m.version, m.expression()))
			continue
		}
		row(&w, m, purposes[path])
	}
	if len(brought) > 0 {
		fmt.Fprintf(&w, "\nThey bring along %s.\n", strings.Join(brought, ", "))
	}
	required, err := requirements(root)
	if err != nil {
		return "", err
	}
	var unused []string
	for _, path := range slices.Sorted(maps.Keys(required)) {
		if linked[path] == nil && tested[path] == nil {
			unused = append(unused, fmt.Sprintf("`%s` %s", path, required[path]))
		}
	}
	if len(unused) > 0 {
		fmt.Fprintf(&w, "\ngo.mod names, to settle its version or for another system's tests, what is compiled into none of these: %s.\n", strings.Join(unused, ", "))
	}
	w.WriteString(`
The linter, the vulnerability scanner and what checks the chart and the alerts are no dependencies: the Makefile runs the first two
at a pinned version, the third is a module of its own (deploy/check).

## Licences that may be in the binary

Those that let anyone use, change and pass it on for any purpose, and ask at most for their text to come along. A module under any
other fails the test; the licences of data are looked at one by one, above. They are recognised by
[licensecheck](https://pkg.go.dev/github.com/google/licensecheck) from the licence files on the way to each compiled package and from
the heads of its source files. Where a module has parts under several, all are named. Of FreeType's two, we take the FTL.

| licence | what it asks |
|---|---|
`)
	for _, id := range slices.Sorted(maps.Keys(permissive)) {
		fmt.Fprintf(&w, "| [%s](https://spdx.org/licenses/%s.html) | %s |\n", id, id, permissive[id])
	}
	return w.String(), nil
}

// linkedAnywhere are the modules in the binary of any target, and for those that
// only some have, which.
func linkedAnywhere(ctx context.Context, root string) (all map[string]*module, only map[string]string, err error) {
	all, only = map[string]*module{}, map[string]string{}
	on := map[string][]string{}
	for _, t := range targets {
		here, err := compiled(ctx, root, t, command)
		if err != nil {
			return nil, nil, err
		}
		for path, m := range here {
			on[path] = append(on[path], t.String())
			if all[path] == nil {
				all[path] = m
				continue
			}
			all[path].packages = union(all[path].packages, m.packages)
			all[path].sources = union(all[path].sources, m.sources)
			all[path].embeds = union(all[path].embeds, m.embeds)
			all[path].needs = union(all[path].needs, m.needs)
		}
	}
	for path, where := range on {
		if len(where) < len(targets) {
			only[path] = " (on " + strings.Join(where, ", ") + ")"
		}
	}
	return all, only, nil
}

func union(a, b []string) []string {
	both := slices.Concat(a, b)
	slices.Sort(both)
	return slices.Compact(both)
}

func row(w *strings.Builder, m *module, last string) {
	fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", m.path, m.version, m.expression(), last)
}

// neededBy names the modules that import path, two at most.
func neededBy(path string, linked map[string]*module) string {
	var by []string
	for _, other := range slices.Sorted(maps.Keys(linked)) {
		if slices.Contains(linked[other].needs, path) {
			by = append(by, "`"+other+"`")
		}
	}
	if len(by) > 2 {
		return fmt.Sprintf("%s, %s and %d more", by[0], by[1], len(by)-2)
	}
	return strings.Join(by, ", ")
}

var requireLine = regexp.MustCompile(`(?m)^(?:require )?\t?(\S+\.\S+/\S+|\S+\.\S+) (v\S+)`)

// requirements are the modules and versions that go.mod requires.
func requirements(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, m := range requireLine.FindAllStringSubmatch(string(text), -1) {
		all[m[1]] = m[2]
	}
	return all, nil
}
