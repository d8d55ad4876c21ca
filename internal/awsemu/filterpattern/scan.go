package filterpattern

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser walks over a pattern.
type parser struct {
	src       string
	pos       int
	shift     int // white space cut off before src
	regexps   int
	wildcards int
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Offset: p.shift + min(p.pos, len(p.src)), Message: fmt.Sprintf(format, args...)}
}

func (p *parser) skipSpace() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// take moves past sign if it is next.
func (p *parser) take(sign string) bool {
	if !strings.HasPrefix(p.src[p.pos:], sign) {
		return false
	}
	p.pos += len(sign)
	return true
}

// takeWord moves past a keyword that is not the start of a longer word.
func (p *parser) takeWord(word string) bool {
	rest := p.src[p.pos:]
	if !strings.HasPrefix(rest, word) || len(rest) > len(word) && isWord(rest[len(word)]) {
		return false
	}
	p.pos += len(word)
	return true
}

// run takes the characters that ok accepts.
func (p *parser) run(ok func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.src) && ok(p.src[p.pos]) {
		p.pos++
	}
	return p.src[start:p.pos]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// phrase reads "…"; \" and \\ stand for the sign itself.
func (p *parser) phrase() (string, error) {
	var text strings.Builder
	for i := p.pos + 1; i < len(p.src); i++ {
		switch c := p.src[i]; {
		case c == '"':
			p.pos = i + 1
			return text.String(), nil
		case c == '\\' && i+1 < len(p.src) && (p.src[i+1] == '"' || p.src[i+1] == '\\'):
			i++
			text.WriteByte(p.src[i])
		default:
			text.WriteByte(c)
		}
	}
	return "", p.fail("quote without an end")
}

// regexp reads %…%. Only the documented characters are allowed: no parentheses,
// nothing outside of ASCII.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html#regex-expressions
func (p *parser) regexp() (*regexp.Regexp, error) {
	length := strings.IndexByte(p.src[p.pos+1:], '%')
	if length < 1 {
		return nil, p.fail("regular expression without an end or content")
	}
	text := p.src[p.pos+1 : p.pos+1+length]
	if p.regexps++; p.regexps > MaxRegexps {
		return nil, p.fail("more than %d regular expressions", MaxRegexps)
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !isWord(c) && strings.IndexByte(" :#=@/;,-^$?[]{}|\\*+.", c) < 0 {
			r, _ := utf8.DecodeRuneInString(text[i:])
			return nil, p.fail("character %q in a regular expression", r)
		}
		if c != '\\' || i+1 == len(text) {
			continue
		}
		switch next := text[i+1]; {
		case next == '\\':
			i++
		case isWord(next) && strings.IndexByte("dDsSwWx", next) < 0:
			return nil, p.fail("\\%c in a regular expression", next)
		}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, p.fail("%v", err)
	}
	p.pos += length + 2
	return re, nil
}

// textTest tests a value against text in which an asterisk at either end stands
// for anything. One in the middle is only itself: Ev*ent is no wildcard.
// https://github.com/awsdocs/amazon-cloudwatch-logs-user-guide/blob/5ae5c9aeccbdc909d7549b9260291ce7ed2a92f3/doc_source/FilterAndPatternSyntax.md
func textTest(pattern string) func(string) bool {
	before, after := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
	core := strings.TrimSuffix(strings.TrimPrefix(pattern, "*"), "*")
	switch {
	case before && after:
		return func(s string) bool { return strings.Contains(s, core) }
	case before:
		return func(s string) bool { return strings.HasSuffix(s, core) }
	case after:
		return func(s string) bool { return strings.HasPrefix(s, core) }
	default:
		return func(s string) bool { return s == core }
	}
}

// parseNumber reads an integer or decimal with a sign and an exponent.
func parseNumber(s string) (float64, bool) {
	digits := false
	for i := range len(s) {
		c := s[i]
		digits = digits || isDigit(c)
		if !isDigit(c) && strings.IndexByte("+-.eE", c) < 0 {
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && digits
}
