package insights

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokString
	tokNumber
	tokPeriod // a number and a unit, as in bin(5m)
	tokSign   // operators and punctuation
)

// token is one word of a query. text is what it means (a name without its
// backticks, a string without its quotes); start and end are byte offsets.
type token struct {
	kind       tokenKind
	text       string
	quoted     bool     // a name with backticks: never a keyword
	path       []string // the parts of a name, for access into jsonParse results
	indexed    bool     // a name with [n]
	start, end int
}

// systemToken is the name of a system field that a query leaves out, at the
// place of what implies it.
func systemToken(name string, at token) token {
	return token{kind: tokName, text: name, path: []string{name}, start: at.start, end: at.end}
}

func (t token) is(sign string) bool { return t.kind == tokSign && t.text == sign }

func (t token) keyword(word string) bool {
	return t.kind == tokName && !t.quoted && strings.EqualFold(t.text, word)
}

// lexer cuts a query into tokens on demand, because a slash is a division or
// the start of a regular expression depending on what the parser expects.
type lexer struct {
	src string
	pos int
}

func (l *lexer) fail(start, end int, format string, args ...any) *CompileError {
	return &CompileError{
		Start:   utf8.RuneCountInString(l.src[:start]),
		End:     utf8.RuneCountInString(l.src[:end]),
		Message: fmt.Sprintf(format, args...),
	}
}

func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case c == '#':
			for l.pos < len(l.src) && l.src[l.pos] != '\n' {
				l.pos++
			}
		default:
			return
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '@'
}

func (l *lexer) next() (token, error) {
	l.skipSpace()
	start := l.pos
	if start == len(l.src) {
		return token{kind: tokEnd, start: start, end: start}, nil
	}
	switch c := l.src[start]; {
	case isLetter(c) || c == '`':
		return l.name()
	case isDigit(c) || c == '.' && isDigit(l.at(start+1)):
		return l.number()
	case c == '"' || c == '\'':
		return l.string()
	}
	for _, sign := range []string{"!=", "<=", ">=", "=~", "=", "<", ">", "+", "-", "*", "/", "^", "%", "(", ")", "[", "]", ",", "|"} {
		if strings.HasPrefix(l.src[start:], sign) {
			l.pos += len(sign)
			return token{kind: tokSign, text: sign, start: start, end: l.pos}, nil
		}
	}
	_, size := utf8.DecodeRuneInString(l.src[start:])
	return token{}, l.fail(start, start+size, "unexpected character %q", l.src[start:start+size])
}

// name reads letters, digits, @, _ and dots, parts in backticks, and [n].
func (l *lexer) name() (token, error) {
	t := token{kind: tokName, start: l.pos}
	var text, part strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case isLetter(c) || isDigit(c):
			part.WriteByte(c)
			text.WriteByte(c)
			l.pos++
		case c == '.':
			t.path = append(t.path, part.String())
			part.Reset()
			text.WriteByte(c)
			l.pos++
		case c == '`':
			n := strings.IndexByte(l.src[l.pos+1:], '`')
			if n < 1 {
				return token{}, l.fail(l.pos, len(l.src), "backtick without an end or a name")
			}
			part.WriteString(l.src[l.pos+1 : l.pos+1+n])
			text.WriteString(l.src[l.pos+1 : l.pos+1+n])
			l.pos += n + 2
			t.quoted = true
		default:
			digits := 0
			if c == '[' && !strings.EqualFold(text.String(), "in") {
				for isDigit(l.at(l.pos + 1 + digits)) {
					digits++
				}
			}
			if digits == 0 || l.at(l.pos+1+digits) != ']' {
				return l.endName(t, text.String(), part.String())
			}
			t.indexed = true
			t.path = append(t.path, part.String())
			part.Reset()
			part.WriteString(l.src[l.pos+1 : l.pos+1+digits])
			text.WriteString(l.src[l.pos : l.pos+2+digits])
			l.pos += digits + 2
		}
	}
	return l.endName(t, text.String(), part.String())
}

func (l *lexer) endName(t token, text, lastPart string) (token, error) {
	t.text, t.path, t.end = text, append(t.path, lastPart), l.pos
	return t, nil
}

func (l *lexer) number() (token, error) {
	start := l.pos
	digits := func() {
		for isDigit(l.at(l.pos)) {
			l.pos++
		}
	}
	digits()
	if l.at(l.pos) == '.' {
		l.pos++
		digits()
	}
	if c := l.at(l.pos); c == 'e' || c == 'E' {
		exponent := l.pos + 1
		if s := l.at(exponent); s == '+' || s == '-' {
			exponent++
		}
		if isDigit(l.at(exponent)) {
			l.pos = exponent
			digits()
		}
	}
	kind := tokNumber
	for isLetter(l.at(l.pos)) {
		kind = tokPeriod
		l.pos++
	}
	return token{kind: kind, text: l.src[start:l.pos], start: start, end: l.pos}, nil
}

func (l *lexer) string() (token, error) {
	start, quote := l.pos, l.src[l.pos]
	var text strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == quote:
			l.pos = i + 1
			return token{kind: tokString, text: text.String(), start: start, end: l.pos}, nil
		case c == '\\' && i+1 < len(l.src):
			i++
			switch l.src[i] {
			case '"', '\'', '\\':
				text.WriteByte(l.src[i])
			case 'n':
				text.WriteByte('\n')
			case 't':
				text.WriteByte('\t')
			default:
				text.WriteByte('\\')
				text.WriteByte(l.src[i])
			}
		default:
			text.WriteByte(c)
		}
	}
	return token{}, l.fail(start, len(l.src), "string without an end")
}

// regexp reads /…/ from the given slash on; \/ stands for a slash.
func (l *lexer) regexp(start int) (string, error) {
	var text strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '/':
			l.pos = i + 1
			return text.String(), nil
		case c == '\\' && i+1 < len(l.src):
			i++
			if l.src[i] != '/' {
				text.WriteByte('\\')
			}
			text.WriteByte(l.src[i])
		default:
			text.WriteByte(c)
		}
	}
	return "", l.fail(start, len(l.src), "regular expression without an end")
}
