package insights

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stsleuth/stsleuth/internal/needle"
)

// discovery finds the fields of JSON messages: leaves, with the names of the
// way to them joined by dots and items of arrays by their index. It reads in
// the order of the text, so that the cap of MaxFields always cuts the same.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
type discovery struct {
	wanted map[string]int // name to slot
	slots  []value
	text   string
	pos    int
	path   []byte
	depth  int // of path: a key can be empty
	found  int // leaves so far
	left   int // wanted names not seen yet
	buf    []byte
}

// lenient checks what encoding/json does, in a third of the time.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// fill puts the wanted fields of message into slots. A message that is not a
// JSON object has none.
func (d *discovery) fill(message string, slots []value) {
	for _, slot := range d.wanted {
		slots[slot] = none
	}
	message = strings.TrimSpace(message)
	if !strings.HasPrefix(message, "{") || len(d.wanted) == 0 {
		return
	}
	d.buf = append(d.buf[:0], message...)
	if !jsontext.Value(d.buf).IsValid(lenient...) {
		return
	}
	d.slots, d.text, d.pos, d.path, d.depth, d.found, d.left = slots, message, 0, d.path[:0], 0, 0, len(d.wanted)
	d.value()
}

func (d *discovery) done() bool { return d.left == 0 || d.found >= MaxFields }

// value reads the JSON value at pos, which is known to be valid.
func (d *discovery) value() {
	d.space()
	switch d.text[d.pos] {
	case '{':
		d.each('}', func(int) {
			key := d.quoted()
			d.space()
			d.pos++ // the colon
			if d.depth == 0 && strings.HasPrefix(key, "@") {
				d.path = append(d.path, '@')
			}
			d.path = append(d.path, key...)
		})
	case '[':
		d.each(']', func(i int) { d.path = strconv.AppendInt(d.path, int64(i), 10) })
	default:
		d.leaf()
	}
}

// each reads the members up to the closing sign; name appends the last part of
// a member's path and leaves pos before its value.
func (d *discovery) each(closing byte, name func(i int)) {
	base := len(d.path)
	d.pos++
	for i := 0; !d.done(); i++ {
		d.space()
		if d.text[d.pos] == closing {
			d.pos++
			return
		}
		if d.text[d.pos] == ',' {
			d.pos++
			d.space()
		}
		d.path = d.path[:base]
		if d.depth > 0 {
			d.path = append(d.path, '.')
		}
		name(i)
		d.depth++
		d.value()
		d.depth--
		d.path = d.path[:base]
	}
}

// leaf reads a string, number or boolean; null is no field.
func (d *discovery) leaf() {
	start := d.pos
	var v value
	if d.text[start] == '"' {
		end := d.skipString()
		d.found++
		if slot, ok := d.wanted[string(d.path)]; ok && d.slots[slot].kind == missing {
			d.slots[slot] = textOf(unquote(d.text[start:end]))
			d.left--
		}
		return
	}
	for d.pos < len(d.text) && !strings.ContainsRune(",]} \t\r\n", rune(d.text[d.pos])) {
		d.pos++
	}
	switch literal := d.text[start:d.pos]; literal {
	case "null":
		return
	case "true", "false":
		v = textOf(literal)
	default:
		v = numberText(literal)
	}
	d.found++
	if slot, ok := d.wanted[string(d.path)]; ok && d.slots[slot].kind == missing {
		d.slots[slot] = v
		d.left--
	}
}

func (d *discovery) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

func (d *discovery) quoted() string {
	start := d.pos
	return unquote(d.text[start:d.skipString()])
}

// skipString moves past the string at pos and returns where it ends.
func (d *discovery) skipString() int {
	for from := d.pos + 1; ; {
		inside := d.text[from:][:strings.IndexByte(d.text[from:], '"')]
		from += len(inside) + 1
		if slashes := len(inside) - len(strings.TrimRight(inside, `\`)); slashes%2 == 0 {
			d.pos = from
			return from
		}
	}
}

func unquote(quoted string) string {
	if !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if json.Unmarshal([]byte(quoted), &s) != nil {
		return quoted[1 : len(quoted)-1]
	}
	return s
}

// maybeKey is the raw-message test for a discovered field: its last part is a
// key of the message, unless it is an index.
func maybeKey(name string) func(*record) bool {
	key := strings.TrimLeft(name[strings.LastIndexByte(name, '.')+1:], "@")
	if key == "" || strings.Trim(key, "0123456789") == "" {
		return nil
	}
	quoted := needle.New(key + `"`)
	return func(r *record) bool {
		return quoted.In(r.message()) || strings.IndexByte(r.message(), '\\') >= 0
	}
}

// jsonParse gives the map or list that a text is, or nothing.
func jsonParse(a []value) value {
	s := strings.TrimSpace(a[0].string())
	if s == "" || s[0] != '{' && s[0] != '[' || !json.Valid([]byte(s)) {
		return none
	}
	return value{kind: structured, s: s}
}

func jsonStringify(a []value) value {
	if a[0].kind != structured {
		return none
	}
	return textOf(a[0].s)
}

// jsonAccess follows map keys and list indexes into a jsonParse result.
func jsonAccess(v value, path []string) value {
	if v.kind != structured {
		return none
	}
	raw := json.RawMessage(v.s)
	for _, part := range path {
		switch raw[0] {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(raw, &m) != nil {
				return none
			}
			raw = m[part]
		case '[':
			var list []json.RawMessage
			i, err := strconv.Atoi(part)
			if err != nil || json.Unmarshal(raw, &list) != nil || i < 0 || i >= len(list) {
				return none
			}
			raw = list[i]
		default:
			return none
		}
		if len(raw) == 0 {
			return none
		}
	}
	switch s := string(raw); {
	case s == "null":
		return none
	case s[0] == '"':
		return textOf(unquote(s))
	case s[0] == '{' || s[0] == '[':
		return value{kind: structured, s: s}
	case s == "true" || s == "false":
		return textOf(s)
	default:
		return numberText(s)
	}
}

// numberText is a JSON number, which keeps its digits; one that no float holds
// is text.
func numberText(s string) value {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return textOf(s)
	}
	return value{kind: number, s: s, n: n}
}
