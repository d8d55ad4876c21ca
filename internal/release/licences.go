package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// permissive are the licences that what is in the binary may have: each lets
// anyone use, change and pass on the binary for any purpose, and asks at most for
// its text and names to come along, which they do, in the archive's licences
// folder. The reason is printed in docs/DEPENDENCIES.md.
var permissive = map[string]string{
	"Apache-2.0":   "keep the text, and the NOTICE where there is one; grants patents",
	"BSD-2-Clause": "keep the text",
	"BSD-3-Clause": "keep the text; no advertising with the authors' names",
	"BSL-1.0":      "nothing for binaries",
	"CC-BY-4.0":    "name the author; meant for works more than for programs, and asks no more of them",
	"FTL":          "keep the text, and say that FreeType's work is in the program: this page and the archives do",
	"ISC":          "keep the text",
	"MIT":          "keep the text",
	"OFL-1.1":      "fonts alone: keep the text, don't sell them by themselves",
	"Unlicense":    "nothing",
}

// choices are modules that offer several licences: the file of the one we take.
var choices = map[string]string{
	"github.com/golang/freetype": "licenses/ftl.txt", // or the GPL, its LICENSE says
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying`)
	spdxTag     = regexp.MustCompile(`SPDX-License-Identifier:[ \t]*([^\r\n*]*[^\s*])`) // https://spdx.dev/learn/handling-license-info
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents)`)
)

const (
	recognised = 75   // per cent of a licence file's words; the rest is names and years
	header     = 3000 // bytes at a source file's start in which a licence of its own would stand
)

// readLicences finds the licence files between m's root and its compiled packages,
// and the licences that those packages' sources state in their headers.
func (m *module) readLicences() error {
	ids := map[string]bool{}
	var unclear []string
	for _, folder := range m.folders() {
		entries, err := os.ReadDir(filepath.Join(m.dir, folder))
		if err != nil {
			return fmt.Errorf("look for licences of %s: %w", m.path, err)
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			switch {
			case strings.HasSuffix(name, ".go"):
			case noticeFile.MatchString(e.Name()) && !e.IsDir():
				m.texts = append(m.texts, name)
			case licenceFile.MatchString(e.Name()) && !e.IsDir():
				m.texts = append(m.texts, name)
				found, clear, err := scanLicence(filepath.Join(m.dir, name))
				if err != nil {
					return err
				}
				if clear && choices[m.path] == "" {
					add(ids, found)
				} else if choices[m.path] == "" {
					unclear = append(unclear, name)
				}
			}
		}
	}
	if chosen := choices[m.path]; chosen != "" {
		m.texts = append(m.texts, chosen)
		found, clear, err := scanLicence(filepath.Join(m.dir, chosen))
		if err != nil || !clear {
			return fmt.Errorf("%s of %s is no licence (%v)", chosen, m.path, err)
		}
		add(ids, found)
	}
	for _, name := range unclear { // such as a file that only links to the licence beside it
		found, _, err := scanLicence(filepath.Join(m.dir, name))
		if err != nil {
			return err
		}
		if len(found) == 0 || slices.ContainsFunc(found, func(id string) bool { return !ids[id] }) {
			return fmt.Errorf("%s %s: can't tell which licence %s is", m.path, m.version, name)
		}
	}
	for _, file := range m.sources {
		text, err := readStart(file, header)
		if err != nil {
			return err
		}
		for _, match := range licensecheck.Scan(text).Match {
			ids[match.ID] = true
		}
		for _, match := range spdxTag.FindAllSubmatch(text, -1) {
			ids[string(match[1])] = true
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("%s %s has no licence", m.path, m.version)
	}
	m.licences = sortedKeys(ids)
	slices.Sort(m.texts)
	return nil
}

// folders are m's root and every folder between it and a compiled package.
func (m *module) folders() []string {
	seen := map[string]bool{".": true}
	for _, p := range m.packages {
		for rel, err := filepath.Rel(m.dir, p); err == nil && !seen[rel]; rel = filepath.Dir(rel) {
			seen[rel] = true
		}
	}
	return sortedKeys(seen)
}

// forbidden is a licence of m that is not permissive, or "".
func (m *module) forbidden() string {
	for _, id := range m.licences {
		if permissive[id] == "" {
			return id
		}
	}
	return ""
}

// expression is what SPDX writes for several licences that all apply.
func (m *module) expression() string { return strings.Join(m.licences, " AND ") }

// scanLicence names the licences in a file, and whether they are nearly all of it.
func scanLicence(path string) (ids []string, clear bool, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false, err
	}
	coverage := licensecheck.Scan(text)
	for _, match := range coverage.Match {
		ids = append(ids, match.ID)
	}
	return ids, coverage.Percent >= recognised, nil
}

func readStart(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

func add(set map[string]bool, ids []string) {
	for _, id := range ids {
		set[id] = true
	}
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
