package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLicencesAreReadFromFilesAndHeaders(t *testing.T) {
	mit, err := os.ReadFile(root + "/LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	const gpl = "// SPDX-License-Identifier: GPL-3.0-or-later\n\npackage p\n"
	const isc = `Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.`
	for name, c := range map[string]struct {
		path  string
		files map[string]string
		want  string // the licences, or the error's end
		bad   string // the one that may not be in the binary
	}{
		"a licence at the root":                        {files: map[string]string{"LICENSE": string(mit)}, want: "MIT"},
		"a part under another":                         {files: map[string]string{"LICENSE": string(mit), "p/COPYING": isc}, want: "ISC AND MIT"},
		"a source file under another":                  {files: map[string]string{"LICENSE": string(mit), "p/p.go": gpl}, want: "GPL-3.0-or-later AND MIT", bad: "GPL-3.0-or-later"},
		"a folder that is not compiled does not count": {files: map[string]string{"LICENSE": string(mit), "testdata/COPYING": gpl}, want: "MIT"},
		"no licence":                                   {files: map[string]string{"README.md": "free of charge"}, want: "has no licence"},
		"a text that nobody knows":                     {files: map[string]string{"LICENSE": "Ask the author."}, want: "can't tell which licence LICENSE is"},
		"the one of two that we chose": {path: "github.com/golang/freetype", files: map[string]string{
			"LICENSE": "Either of the two in licenses/.", "licenses/ftl.txt": isc, "licenses/gpl.txt": gpl}, want: "ISC"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "p"), 0o755); err != nil {
				t.Fatal(err)
			}
			m := &module{path: c.path, dir: dir, packages: []string{filepath.Join(dir, "p")}}
			for name, text := range c.files {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(name, ".go") {
					m.sources = append(m.sources, file)
				}
			}
			got := ""
			if err := m.readLicences(); err != nil {
				got = err.Error()
			} else {
				got = m.expression()
				if !slices.IsSorted(m.texts) || len(m.texts) == 0 {
					t.Errorf("ships %v", m.texts)
				}
			}
			if !strings.HasSuffix(got, c.want) || m.forbidden() != c.bad {
				t.Errorf("got %q, want %q; forbidden %q, want %q", got, c.want, m.forbidden(), c.bad)
			}
		})
	}
}
