package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/STATE.md names every key and every transition, and no other.
func TestStateIsDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "STATE.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	source, err := parser.ParseFile(token.NewFileSet(), "keys.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, d := range source.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasSuffix(f.Name.Name, "Key") {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok {
				keys[tag+strings.Trim(lit.Value, `"`)] = true
			}
			return true
		})
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z{][^`<]*)(?:<[a-z]+>)?`")
	documented := map[string]bool{}
	section := doc[strings.Index(doc, "## Keys"):strings.Index(doc, "### Record")]
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		documented[m[1]] = true
	}
	compare(t, "key", keys, documented)

	names := map[string]bool{}
	for _, s := range scripts {
		names[s.name] = true
	}
	documented = map[string]bool{}
	section = doc[strings.Index(doc, "## Transitions"):strings.Index(doc, "## Work")]
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		documented[m[1]] = true
	}
	compare(t, "transition", names, documented)
}

func compare(t *testing.T, what string, code, doc map[string]bool) {
	t.Helper()
	if len(code) == 0 {
		t.Errorf("no %s was found in the code", what)
	}
	for name := range code {
		if !doc[name] {
			t.Errorf("%s %s is not in docs/STATE.md", what, name)
		}
	}
	for name := range doc {
		if !code[name] {
			t.Errorf("docs/STATE.md has a %s %s that is not in the code", what, name)
		}
	}
}

// Above each script stands what goes in and what comes out.
func TestScriptsSayWhatGoesInAndOut(t *testing.T) {
	packages, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range packages {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if len(v.Values) != 1 {
					continue
				}
				c, ok := v.Values[0].(*ast.CallExpr)
				if !ok {
					continue
				}
				if f, ok := c.Fun.(*ast.Ident); !ok || f.Name != "transition" {
					continue
				}
				found++
				for _, word := range []string{"KEYS[1-13]", "ARGV[1]", "Output:"} {
					if !strings.Contains(g.Doc.Text(), word) {
						t.Errorf("%s: the comment of %s has no %s", name, v.Names[0].Name, word)
					}
				}
			}
		}
	}
	if found != len(scripts) {
		t.Errorf("%d scripts were found in the source, %d are registered", found, len(scripts))
	}
}
