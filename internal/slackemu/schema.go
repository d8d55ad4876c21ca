package slackemu

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed schema/blocks.json
var blocksSchema []byte

//go:embed schema/extra.json
var extraSchema []byte

// schemas are compiled once and never change: by block type, and "modal" and
// "home" for views.
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	type definition = map[string]any
	var base struct {
		Definitions map[string]definition `json:"definitions"`
	}
	var extra struct {
		Definitions map[string]definition `json:"definitions"`
		Properties  map[string]definition `json:"properties"`
		Blocks      []string              `json:"blocks"`
	}
	must(decode(blocksSchema, &base))
	must(decode(extraSchema, &extra))
	defs := base.Definitions
	for name, d := range extra.Definitions {
		defs[name] = d
	}
	for name, properties := range extra.Properties {
		for field, p := range properties {
			defs[name]["properties"].(definition)[field] = p
		}
	}
	known := defs["KnownBlock"]["anyOf"].([]any)
	for _, name := range extra.Blocks {
		known = append(known, definition{"$ref": "#/definitions/" + name})
	}
	defs["KnownBlock"]["anyOf"] = known
	defs["AnyBlock"] = definition{"$ref": "#/definitions/KnownBlock"} // Slack takes no block it does not know
	whole := definition{"definitions": definition{}}
	for name, d := range defs {
		whole["definitions"].(definition)[name] = d
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(encode(whole)))
	must(err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	must(c.AddResource("blocks.json", doc))
	out := map[string]*jsonschema.Schema{
		"modal": c.MustCompile("blocks.json#/definitions/ModalView"),
		"home":  c.MustCompile("blocks.json#/definitions/HomeView"),
	}
	for _, ref := range known {
		name := strings.TrimPrefix(ref.(definition)["$ref"].(string), "#/definitions/")
		d := defs[name]
		if alternatives, ok := d["anyOf"].([]any); ok {
			d = alternatives[0].(definition)
		}
		typ := d["properties"].(definition)["type"].(definition)["const"].(string)
		out[typ] = c.MustCompile("blocks.json#/definitions/" + name)
	}
	return out
})

func must(err error) {
	if err != nil {
		panic(err) // the embedded schema is broken
	}
}

// decode keeps numbers as they were written.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

// problem is one thing Slack would refuse, in its words. blocks.validate:
// https://docs.slack.dev/reference/methods/blocks.validate
type problem struct {
	Pointer    string `json:"pointer"`
	Code       string `json:"code"`
	Message    string `json:"message"`
	Field      string `json:"field,omitempty"`
	Constraint any    `json:"constraint,omitempty"`
}

func (p problem) String() string { return fmt.Sprintf("%s [json-pointer:%s]", p.Message, p.Pointer) }

// checkSchema validates v, which sits at the pointer at.
func checkSchema(schema *jsonschema.Schema, v any, at string) []problem {
	err := schema.Validate(v)
	if err == nil {
		return nil
	}
	return translate(err.(*jsonschema.ValidationError), at)
}

// translate turns a tree of schema errors into Slack's flat list. Where several
// shapes are allowed it follows the one whose "type" fits.
func translate(e *jsonschema.ValidationError, at string) []problem {
	here := at + pointer(e.InstanceLocation)
	one := func(code, message, field string, constraint any) []problem {
		return []problem{{Pointer: here, Code: code, Message: message, Field: field, Constraint: constraint}}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		fits := slices.DeleteFunc(slices.Clone(e.Causes), func(c *jsonschema.ValidationError) bool { return wrongType(c, e.InstanceLocation) })
		if len(fits) == 1 {
			return translate(fits[0], at)
		}
		return one("no_matching_schema", "failed to match all allowed schemas", "", nil)
	case *kind.Required:
		var out []problem
		for _, f := range k.Missing {
			out = append(out, one("missing_required_field", "missing required field: "+f, f, nil)...)
		}
		return out
	case *kind.AdditionalProperties:
		var out []problem
		for _, f := range slices.Sorted(slices.Values(k.Properties)) {
			out = append(out, one("invalid_additional_property", "invalid additional property: "+f, f, nil)...)
		}
		return out
	case *kind.Type:
		return one("invalid_type", "must provide "+article(k.Want[0]), "", k.Want)
	case *kind.Enum:
		return one("invalid_enum_value", "must be a valid enum value", "", k.Want)
	case *kind.Const:
		return one("invalid_enum_value", "must be a valid enum value", "", k.Want)
	case *kind.ExclusiveMinimum, *kind.Minimum, *kind.Maximum:
		return one("out_of_range", "must be a valid number", "", nil)
	}
	var out []problem
	for _, c := range e.Causes {
		out = append(out, translate(c, at)...)
	}
	if len(out) == 0 {
		return one("no_matching_schema", "failed to match all allowed schemas", "", nil)
	}
	return out
}

// wrongType says whether a shape was refused because the object at loc is of
// another type (or no object of that type at all).
func wrongType(e *jsonschema.ValidationError, loc []string) bool {
	switch k := e.ErrorKind.(type) {
	case *kind.Const, *kind.Enum:
		return len(e.InstanceLocation) == len(loc)+1 && e.InstanceLocation[len(loc)] == "type"
	case *kind.Required:
		return len(e.InstanceLocation) == len(loc) && slices.Contains(k.Missing, "type")
	case *kind.AnyOf, *kind.OneOf:
		return len(e.InstanceLocation) == len(loc) && !slices.ContainsFunc(e.Causes, func(c *jsonschema.ValidationError) bool { return !wrongType(c, loc) })
	}
	return slices.ContainsFunc(e.Causes, func(c *jsonschema.ValidationError) bool { return wrongType(c, loc) })
}

func pointer(loc []string) string {
	var b strings.Builder
	for _, l := range loc {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(l))
	}
	return b.String()
}

func article(typ string) string {
	if strings.ContainsAny(typ[:1], "aeiou") {
		return "an " + typ
	}
	return "a " + typ
}

func itoa(n int) string { return strconv.Itoa(n) }
