package filterpattern

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Wildcard selectors ([*] and .*) in one selector and in one pattern.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
const (
	maxSelectorWildcards = 1
	maxPatternWildcards  = 3
)

// condition is a test of a decoded message. maybe looks at the text before it
// is decoded and answers false only where test would; nil: cannot tell.
type condition struct {
	test  func(root any) bool
	maybe func(message string) bool
}

// json reads { condition }.
func (p *parser) json() (func(string) bool, error) {
	p.pos++
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	if !p.take("}") {
		return nil, p.fail("expected }")
	}
	if p.pos != len(p.src) {
		return nil, p.fail("text after }")
	}
	return func(m string) bool {
		if !strings.HasPrefix(strings.TrimLeft(m, " \t\r\n"), "{") || c.maybe != nil && !c.maybe(m) {
			return false
		}
		var root map[string]any
		d := json.NewDecoder(strings.NewReader(m))
		d.UseNumber()
		if d.Decode(&root) != nil || strings.TrimSpace(m[d.InputOffset():]) != "" {
			return false
		}
		return c.test(root)
	}, nil
}

func (p *parser) or() (condition, error) {
	left, err := p.and()
	for err == nil {
		p.skipSpace()
		if !p.take("||") {
			return left, nil
		}
		a, b := left, condition{}
		b, err = p.and()
		left = condition{test: func(root any) bool { return a.test(root) || b.test(root) }}
		if a.maybe != nil && b.maybe != nil {
			left.maybe = func(m string) bool { return a.maybe(m) || b.maybe(m) }
		}
	}
	return left, err
}

func (p *parser) and() (condition, error) {
	left, err := p.primary()
	for err == nil {
		p.skipSpace()
		if !p.take("&&") {
			return left, nil
		}
		a, b := left, condition{}
		b, err = p.primary()
		left = condition{test: func(root any) bool { return a.test(root) && b.test(root) }}
		left.maybe = func(m string) bool {
			return (a.maybe == nil || a.maybe(m)) && (b.maybe == nil || b.maybe(m))
		}
	}
	return left, err
}

func (p *parser) primary() (condition, error) {
	p.skipSpace()
	if !p.take("(") {
		return p.comparison()
	}
	inner, err := p.or()
	if err != nil {
		return inner, err
	}
	p.skipSpace()
	if !p.take(")") {
		return inner, p.fail("expected )")
	}
	return inner, nil
}

// comparison reads one condition on one selector. It is true when any of the
// values the selector finds fits; a selector that finds nothing makes every
// condition false but NOT EXISTS.
func (p *parser) comparison() (condition, error) {
	path, err := p.selector()
	if err != nil {
		return condition{}, err
	}
	p.skipSpace()
	if p.takeWord("NOT") {
		p.skipSpace()
		if !p.takeWord("EXISTS") {
			return condition{}, p.fail("expected EXISTS")
		}
		return condition{test: func(root any) bool { return len(find(root, path, nil)) == 0 }}, nil
	}
	if p.takeWord("IS") {
		p.skipSpace()
		var want any
		switch {
		case p.takeWord("NULL"):
		case p.takeWord("TRUE"):
			want = true
		case p.takeWord("FALSE"):
			want = false
		default:
			return condition{}, p.fail("expected NULL, TRUE or FALSE")
		}
		return condition{test: func(root any) bool {
			return slices.ContainsFunc(find(root, path, nil), func(v any) bool {
				switch v.(type) {
				case nil, bool:
					return v == want
				}
				return false
			})
		}}, nil
	}
	fits, literal, err := p.operation(isJSONBare)
	if err != nil {
		return condition{}, err
	}
	c := condition{test: func(root any) bool {
		return slices.ContainsFunc(find(root, path, nil), func(v any) bool {
			switch v := v.(type) {
			case string:
				return fits(v, false)
			case json.Number:
				return fits(v.String(), true)
			case bool:
				return fits(strconv.FormatBool(v), false)
			}
			return false // no value node
		})
	}}
	if literal != "" {
		c.maybe = func(m string) bool { return strings.Contains(m, literal) || strings.IndexByte(m, '\\') >= 0 }
	}
	return c, nil
}

// isJSONBare accepts the characters of an operand without quotes. 123.123.* is
// one of the documentation's examples.
func isJSONBare(c byte) bool { return isWord(c) || strings.IndexByte(".*+-", c) >= 0 }

// operation reads an operator and its operand. The test takes a value and
// whether it was written as a number; literal is text that every fitting value
// has in it, or nothing.
func (p *parser) operation(isBare func(byte) bool) (fits func(s string, isNumber bool) bool, literal string, err error) {
	op := ""
	for _, o := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(o) {
			op = o
			break
		}
	}
	if op == "" {
		return nil, "", p.fail("expected an operator")
	}
	p.skipSpace()
	start := p.pos
	var text string
	quoted := false
	switch {
	case strings.HasPrefix(p.src[p.pos:], "%"):
		re, err := p.regexp()
		if err == nil && op != "=" && op != "!=" {
			err = p.fail("%s with a regular expression", op)
		}
		return func(s string, _ bool) bool { return re.MatchString(s) == (op == "=") }, "", err
	case strings.HasPrefix(p.src[p.pos:], `"`):
		quoted = true
		if text, err = p.phrase(); err != nil {
			return nil, "", err
		}
	default:
		if text = p.run(isBare); text == "" {
			return nil, "", p.fail("expected a value")
		}
	}
	n, numeric := parseNumber(text)
	numeric = numeric && !quoted
	if op != "=" && op != "!=" {
		if !numeric {
			p.pos = start
			return nil, "", p.fail("%s with something that is not a number", op)
		}
		return func(s string, isNumber bool) bool {
			x, ok := parseNumber(s)
			return isNumber && ok && ordered(op, x, n)
		}, "", nil
	}
	same := textTest(text)
	equal := func(s string, isNumber bool) bool {
		if isNumber && numeric {
			x, ok := parseNumber(s)
			return ok && x == n
		}
		return same(s)
	}
	if op == "=" {
		if !numeric {
			literal = strings.Trim(text, "*")
		}
		return equal, literal, nil
	}
	return func(s string, isNumber bool) bool { return !equal(s, isNumber) }, "", nil
}

func ordered(op string, x, n float64) bool {
	switch op {
	case "<":
		return x < n
	case "<=":
		return x <= n
	case ">":
		return x > n
	default:
		return x >= n
	}
}

// part is one step of a selector.
type part struct {
	key     string
	index   int
	isIndex bool
	any     bool
}

// selector reads $.a.b[0]['c.d'][*].*
func (p *parser) selector() ([]part, error) {
	if !p.take("$") {
		return nil, p.fail("expected a selector that begins with $.")
	}
	var path []part
	wildcards := 0
	for p.pos < len(p.src) && (p.src[p.pos] == '.' || p.src[p.pos] == '[') {
		dot := p.take(".")
		var next part
		switch {
		case p.take("["):
			switch {
			case p.take("'"):
				end := strings.Index(p.src[p.pos:], "']")
				if end < 1 {
					return nil, p.fail("expected a name and ']")
				}
				next.key = p.src[p.pos : p.pos+end]
				p.pos += end + 1
			case p.take("*"):
				next.any = true
			default:
				digits := p.run(isDigit)
				i, err := strconv.Atoi(digits)
				if err != nil || dot || len(path) == 0 {
					return nil, p.fail("expected an index after a name")
				}
				next.index, next.isIndex = i, true
			}
			if !p.take("]") {
				return nil, p.fail("expected ]")
			}
		case p.take("*"):
			next.any = true
		default:
			next.key = p.run(func(c byte) bool { return isWord(c) || c == '-' })
			if next.key == "" {
				return nil, p.fail("expected a name")
			}
		}
		if next.any {
			wildcards++
			p.wildcards++
		}
		path = append(path, next)
	}
	if len(path) == 0 {
		return nil, p.fail("expected a name after $")
	}
	if wildcards > maxSelectorWildcards || p.wildcards > maxPatternWildcards {
		return nil, p.fail("too many wildcard selectors")
	}
	return path, nil
}

// find appends the values at path.
func find(at any, path []part, found []any) []any {
	if len(path) == 0 {
		return append(found, at)
	}
	next := path[0]
	switch at := at.(type) {
	case map[string]any:
		if next.any {
			for _, v := range at {
				found = find(v, path[1:], found)
			}
		} else if v, ok := at[next.key]; ok && !next.isIndex {
			found = find(v, path[1:], found)
		}
	case []any:
		if next.any {
			for _, v := range at {
				found = find(v, path[1:], found)
			}
		} else if next.isIndex && next.index < len(at) {
			found = find(at[next.index], path[1:], found)
		}
	}
	return found
}
