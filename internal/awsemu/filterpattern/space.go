package filterpattern

import "strings"

// fieldTest is one field of a space-delimited pattern.
type fieldTest struct {
	rest bool // ...: any number of fields
	fits func(s string) bool
}

// space reads [field, field op value && …, ...]. A field without a condition
// takes anything; the last one takes all that is left of the message, so that
// [w1=ERROR, w2] fits every message whose first word is ERROR.
func (p *parser) space() (func(string) bool, error) {
	p.pos++
	var fields []fieldTest
	ellipsis := -1
	for {
		p.skipSpace()
		f, err := p.field()
		if err != nil {
			return nil, err
		}
		if f.rest {
			if ellipsis >= 0 {
				return nil, p.fail("more than one ...")
			}
			ellipsis = len(fields)
		}
		fields = append(fields, f)
		p.skipSpace()
		if p.take("]") {
			break
		}
		if !p.take(",") {
			return nil, p.fail("expected , or ]")
		}
	}
	if p.pos != len(p.src) {
		return nil, p.fail("text after ]")
	}
	if ellipsis < 0 {
		return func(m string) bool { return fit(fields, splitFields(m, len(fields))) }, nil
	}
	head, tail := fields[:ellipsis], fields[ellipsis+1:]
	return func(m string) bool {
		words := splitFields(m, -1)
		if len(words) < len(head)+len(tail) {
			return false
		}
		return fit(head, words[:len(head)]) && fit(tail, words[len(words)-len(tail):])
	}, nil
}

func fit(fields []fieldTest, words []string) bool {
	if len(fields) != len(words) {
		return false
	}
	for i, f := range fields {
		if f.fits != nil && !f.fits(words[i]) {
			return false
		}
	}
	return true
}

// field reads a name, perhaps with conditions on it. An empty name stands for
// a field of no interest.
func (p *parser) field() (fieldTest, error) {
	if p.take("...") {
		return fieldTest{rest: true}, nil
	}
	name := p.fieldName()
	p.skipSpace()
	if p.pos == len(p.src) || strings.IndexByte(",]", p.src[p.pos]) >= 0 {
		return fieldTest{}, nil
	}
	if name == "" {
		return fieldTest{}, p.fail("expected a field name")
	}
	// && binds closer than ||: a list of lists.
	var either [][]func(string, bool) bool
	var both []func(string, bool) bool
	for {
		fits, _, err := p.operation(isSpaceBare)
		if err != nil {
			return fieldTest{}, err
		}
		both = append(both, fits)
		p.skipSpace()
		or := p.take("||")
		if or {
			either, both = append(either, both), nil
		} else if !p.take("&&") {
			either = append(either, both)
			break
		}
		p.skipSpace()
		if again := p.fieldName(); again != name {
			return fieldTest{}, p.fail("conditions of one field on %q and %q", name, again)
		}
		p.skipSpace()
	}
	return fieldTest{fits: func(s string) bool {
		_, isNumber := parseNumber(s)
		for _, all := range either {
			ok := true
			for _, fits := range all {
				ok = ok && fits(s, isNumber)
			}
			if ok {
				return true
			}
		}
		return false
	}}, nil
}

func (p *parser) fieldName() string {
	return p.run(func(c byte) bool { return isWord(c) || c == '-' })
}

// isSpaceBare accepts the characters of an operand without quotes.
func isSpaceBare(c byte) bool { return isWord(c) || strings.IndexByte(".*+-/:", c) >= 0 }

// splitFields cuts a message at white space; what stands in [] or "" is one
// field, without them. The last of n fields is the rest; n -1: all fields.
func splitFields(m string, n int) []string {
	var fields []string
	for {
		m = strings.TrimLeft(m, " \t\r\n")
		if m == "" {
			return fields
		}
		closing := byte(0)
		switch m[0] {
		case '[':
			closing = ']'
		case '"':
			closing = '"'
		}
		field, after := "", ""
		if end := strings.IndexByte(m[1:], closing); closing != 0 && end >= 0 {
			field, after = m[1:1+end], m[2+end:]
		} else {
			end := strings.IndexAny(m, " \t\r\n")
			if end < 0 {
				end = len(m)
			}
			field, after = m[:end], m[end:]
		}
		if n > 0 && len(fields) == n-1 && strings.TrimSpace(after) != "" {
			return append(fields, strings.TrimRight(m, " \t\r\n"))
		}
		fields = append(fields, field)
		m = after
	}
}
