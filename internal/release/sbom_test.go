package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestTheBillOfMaterialsIsCycloneDX(t *testing.T) {
	b, inside := sample()
	bom, err := billOfMaterials(b, inside)
	if err != nil {
		t.Fatal(err)
	}
	checkBillOfMaterials(t, bom)

	again, err := billOfMaterials(b, inside)
	if err != nil || !bytes.Equal(bom, again) {
		t.Errorf("the same binary has another bill of materials (%v)", err)
	}
	b.content = []byte("another binary")
	other, err := billOfMaterials(b, inside)
	if err != nil || serial(t, bom) == serial(t, other) {
		t.Errorf("another binary has the same serial number (%v)", err)
	}
}

// sample is a binary that there is not, with a module whose path has capitals and
// that is under two licences.
func sample() (built, map[string]*module) {
	b := built{
		target: targets[0], version: "v1.2.3", revision: "545b13b8df4b", time: time.Date(2026, 11, 23, 15, 59, 22, 0, time.UTC),
		content: []byte("a binary"),
		info: &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
			{Path: "github.com/VividCortex/ewma", Version: "v1.2.0+incompatible", Sum: "h1:f58SaIzcDXrSy3kWaHNvuJgJ3Nmz59Zji6XoJR/q1ow="},
		}},
	}
	inside := map[string]*module{
		ourselves:                     {path: ourselves, needs: []string{"github.com/VividCortex/ewma"}, licences: []string{"MIT"}},
		"github.com/VividCortex/ewma": {path: "github.com/VividCortex/ewma", version: "v1.2.0+incompatible", licences: []string{"BSD-3-Clause", "MIT"}},
		"stdlib":                      {path: "stdlib", version: "1.26.8", licences: []string{"BSD-3-Clause"}},
	}
	for _, a := range assets {
		if inside[a.module] == nil {
			inside[a.module] = &module{path: a.module, version: "v0.1.0", licences: []string{"MIT"}}
		}
	}
	return b, inside
}

// checkBillOfMaterials holds a document against CycloneDX's own schema, which
// comes with its library, and follows each dependency to a component.
func checkBillOfMaterials(t *testing.T, document []byte) {
	t.Helper()
	dir, err := output(t.Context(), root, nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://cyclonedx.org/schema/" // what the schemas call themselves
	c := jsonschema.NewCompiler()
	for name, file := range map[string]string{"bom-1.6.schema.json": "", "spdx.schema.json": "", "jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		if file == "" {
			file = name
		}
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", file))
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(base+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(base + "bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}

	bom := parse(t, document)
	known := map[string]bool{bom.Metadata.Component.Ref: true}
	for _, c := range bom.Components {
		known[c.Ref] = true
	}
	for _, d := range bom.Dependencies {
		for _, on := range d.DependsOn {
			if !known[on] {
				t.Errorf("%s depends on %q, which is no component", d.Ref, on)
			}
		}
	}
}

type bill struct {
	SerialNumber string
	Metadata     struct {
		Component struct {
			Ref string `json:"bom-ref"`
		}
	}
	Components []struct {
		Ref  string `json:"bom-ref"`
		Name string
		Type string
	}
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
}

func parse(t *testing.T, document []byte) (b bill) {
	t.Helper()
	if err := json.Unmarshal(document, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func serial(t *testing.T, document []byte) string { return parse(t, document).SerialNumber }
