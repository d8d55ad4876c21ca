package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Errors of Decode, besides those of broken JSON.
var (
	ErrNotPolicy = errors.New("not a policy document")
	// ErrPrincipalList is a Principal that is a list. IAM takes only "*" or an object, so no role has such a policy.
	ErrPrincipalList = errors.New("Principal is a list, must be \"*\" or an object")
)

const (
	// maxText is far above every IAM policy quota (10,240 characters, not counting space), also when URL-encoded:
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	maxText = 64 << 10
	// maxDepth is far above the five levels of a policy.
	maxDepth = 32
)

// Decode reads a policy document as IAM returns it (URL-encoded), as CloudTrail's request parameters have it (plain), or as
// other tools write it. It fails on what is no policy at all; whatever else is odd is kept in Problems.
//
// Text is URL-decoded only when it does not start with a brace, and by path rules: IAM encodes a space as %20 and leaves a
// plus sign alone.
func Decode(text string) (Policy, error) {
	if len(text) > maxText {
		return Policy{}, fmt.Errorf("decode policy: %w: %d bytes long", ErrNotPolicy, len(text))
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if !strings.HasPrefix(text, "{") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return Policy{}, fmt.Errorf("decode policy: %w: %w", ErrNotPolicy, err)
		}
		text = strings.TrimSpace(plain)
	}
	if !strings.HasPrefix(text, "{") {
		return Policy{}, fmt.Errorf("decode policy: %w: does not start with a brace", ErrNotPolicy)
	}
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	root, err := readNode(in, 0)
	if err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	if _, err := in.Token(); err != io.EOF {
		return Policy{}, fmt.Errorf("decode policy: %w: text after its end", ErrNotPolicy)
	}
	d := decoder{}
	if err := d.policy(root); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	return d.out, nil
}

// node is a JSON value that keeps the order and repetition of keys and the literal text of numbers.
type node struct {
	kind  byte // '{', '[', 's' for a string, 'l' for a literal (number, true, false), 'n' for null
	text  string
	keys  []string // of an object
	items []node   // of an object or list
}

func readNode(in *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("%w: nested deeper than %d levels", ErrNotPolicy, maxDepth)
	}
	token, err := in.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return node{}, err
	}
	switch token := token.(type) {
	case string:
		return node{kind: 's', text: token}, nil
	case nil:
		return node{kind: 'n'}, nil
	case json.Delim:
		n := node{kind: byte(token)}
		for in.More() {
			if token == '{' {
				key, err := in.Token()
				if err != nil {
					return node{}, err
				}
				n.keys = append(n.keys, key.(string))
			}
			item, err := readNode(in, depth+1)
			if err != nil {
				return node{}, err
			}
			n.items = append(n.items, item)
		}
		if _, err := in.Token(); err == io.EOF {
			return node{}, io.ErrUnexpectedEOF
		} else if err != nil {
			return node{}, err
		}
		return n, nil
	}
	return node{kind: 'l', text: fmt.Sprint(token)}, nil
}

// list is the node as a list: itself when it is one, else the only item.
func (n node) list() []node {
	if n.kind == '[' {
		return n.items
	}
	return []node{n}
}

// raw is the node's text again, so that two of them that cannot be read can still be compared.
func (n node) raw() string {
	switch n.kind {
	case 's':
		return fmt.Sprintf("%q", n.text)
	case 'l':
		return n.text
	case 'n':
		return "null"
	}
	var out strings.Builder
	out.WriteByte(n.kind)
	for i, item := range n.items {
		if i > 0 {
			out.WriteString(", ")
		}
		if n.kind == '{' {
			fmt.Fprintf(&out, "%q: ", n.keys[i])
		}
		out.WriteString(item.raw())
	}
	out.WriteByte(n.kind + 2) // the closing bracket of the same kind, in ASCII
	return out.String()
}

type decoder struct{ out Policy }

func (d *decoder) problem(format string, args ...any) {
	d.out.Problems = append(d.out.Problems, fmt.Sprintf(format, args...))
}

// element gives the canonical spelling of a key among names, reporting another case, a repetition, or an unknown name; "" for the last two.
func (d *decoder) element(where, key string, seen map[string]bool, names ...string) string {
	for _, name := range names {
		if !strings.EqualFold(key, name) {
			continue
		}
		if key != name {
			d.problem("%s: element %q is spelled %q", where, name, key)
		}
		if seen[name] {
			d.problem("%s: element %q stands twice", where, name)
			return ""
		}
		seen[name] = true
		return name
	}
	d.problem("%s: unknown element %q", where, key)
	return ""
}

func (d *decoder) policy(root node) error {
	seen := map[string]bool{}
	for i, key := range root.keys {
		value := root.items[i]
		switch d.element("policy", key, seen, "Version", "Id", "Statement") {
		case "Version":
			d.out.Version = d.text("policy: Version", value)
		case "Id":
			d.out.ID = d.text("policy: Id", value)
		case "Statement":
			if value.kind == 'n' {
				d.problem("policy: Statement is null")
				continue
			}
			for _, item := range value.list() {
				if err := d.statement(item); err != nil {
					return err
				}
			}
		}
	}
	if !seen["Statement"] {
		d.problem("policy: no Statement")
	}
	switch d.out.Version {
	case "2012-10-17":
	case "", "2008-10-17":
		for i := range d.out.Statements {
			for j := range d.out.Statements[i].Conditions {
				d.out.Statements[i].Conditions[j].Literal = true
			}
		}
	default:
		d.problem("policy: unknown Version %q", d.out.Version)
	}
	return nil
}

func (d *decoder) statement(n node) error {
	s := Statement{Number: len(d.out.Statements) + 1}
	where := fmt.Sprintf("statement %d", s.Number)
	if n.kind != '{' {
		return fmt.Errorf("%w: %s is not an object", ErrNotPolicy, where)
	}
	seen := map[string]bool{}
	for i, key := range n.keys {
		value := n.items[i]
		name := d.element(where, key, seen, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
			"Resource", "NotResource", "Condition")
		switch name {
		case "Sid":
			s.Sid = d.text(where+": Sid", value)
		case "Effect":
			switch effect := d.text(where+": Effect", value); effect {
			case string(Allow), string(Deny):
				s.Effect = Effect(effect)
			default:
				d.problem("%s: Effect is %q, neither Allow nor Deny", where, effect)
			}
		case "Principal", "NotPrincipal":
			principals, err := d.principals(where, value)
			if err != nil {
				return err
			}
			s.Principals, s.NotPrincipal = append(s.Principals, principals...), name == "NotPrincipal"
		case "Action", "NotAction":
			s.Actions, s.NotAction = append(s.Actions, d.texts(where+": "+name, value)...), name == "NotAction"
		case "Resource", "NotResource":
			s.Resources, s.NotResource = append(s.Resources, d.texts(where+": "+name, value)...), name == "NotResource"
		case "Condition":
			s.Conditions = append(s.Conditions, d.conditions(where, value)...)
		case "":
			// Perhaps a misspelt Condition: without it the statement would allow too much.
			s.Conditions = append(s.Conditions, Condition{Key: key, Values: []string{value.raw()}})
		}
	}
	d.missing(where, &s, seen)
	d.out.Statements = append(d.out.Statements, s)
	return nil
}

// missing reports what a statement must have and has not, and what it must not have together. Elements that exclude each other
// leave no safe reading: whether the statement applies becomes Unknown.
func (d *decoder) missing(where string, s *Statement, seen map[string]bool) {
	if !seen["Effect"] {
		d.problem("%s: no Effect", where)
	}
	if len(s.Actions) == 0 {
		d.problem("%s: no Action", where)
	}
	if len(s.Principals) == 0 && len(s.Resources) == 0 {
		d.problem("%s: neither Principal nor Resource", where)
	}
	for _, name := range []string{"Principal", "Action", "Resource"} {
		if seen[name] && seen["Not"+name] {
			d.problem("%s: both %s and Not%s", where, name, name)
			s.Conditions = append(s.Conditions, Condition{Key: name + " and Not" + name})
		}
	}
}

// text is a single value; its literal text when it is a number or boolean.
func (d *decoder) text(where string, n node) string {
	if n.kind != 's' {
		d.problem("%s is not a string", where)
	}
	return n.text
}

// texts is a value or a list of values, in order, each with its literal text.
func (d *decoder) texts(where string, n node) []string {
	var out []string
	for _, item := range n.list() {
		switch item.kind {
		case 's', 'l':
			out = append(out, item.text)
		default:
			d.problem("%s has a value that is neither string, number nor boolean", where)
		}
	}
	return out
}

func (d *decoder) principals(where string, n node) ([]Principal, error) {
	var out []Principal
	add := func(key, text string) {
		p, problem := readPrincipal(key, text)
		if problem != "" {
			d.problem("%s: principal %q: %s", where, p.Value, problem)
		}
		out = append(out, p)
	}
	switch n.kind {
	case '{':
		for i, key := range n.keys {
			for _, value := range d.texts(where+": Principal "+key, n.items[i]) {
				add(key, value)
			}
		}
	case '[':
		return nil, fmt.Errorf("%s: %w", where, ErrPrincipalList)
	case 'n':
		d.problem("%s: Principal is null", where)
	default:
		add("", n.text)
	}
	return out, nil
}

// conditions flattens the block. What cannot be read becomes a Condition without operator, so that it is never dropped.
func (d *decoder) conditions(where string, n node) []Condition {
	if n.kind == 'n' {
		return nil
	}
	if n.kind != '{' {
		d.problem("%s: Condition is not an object", where)
		return []Condition{{Key: "Condition", Values: []string{n.raw()}}}
	}
	var out []Condition
	for i, operator := range n.keys {
		block := n.items[i]
		if block.kind != '{' {
			d.problem("%s: Condition %s is not an object", where, operator)
			out = append(out, Condition{Key: operator, Values: []string{block.raw()}})
			continue
		}
		for j, key := range block.keys {
			c := Condition{Operator: operator, Key: key, Values: d.texts(where+": Condition "+operator+" "+key, block.items[j])}
			if _, ok := parseOperator(operator); !ok {
				d.problem("%s: unknown condition operator %q", where, operator)
			}
			out = append(out, c)
		}
	}
	return out
}
