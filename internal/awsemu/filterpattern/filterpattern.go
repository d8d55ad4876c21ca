// Package filterpattern matches log messages against CloudWatch Logs filter
// patterns: the one grammar of FilterLogEvents, metric filters and
// subscription filters.
//
// In goes a pattern (Parse), then messages (Pattern.Match). A pattern is one of
// four: nothing, which matches everything; terms (terms.go); a condition on
// JSON in braces (json.go); or fields between spaces in brackets (space.go).
// What is malformed is a *SyntaxError; nothing is skipped.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
package filterpattern

import (
	"fmt"
	"strings"
)

// MaxRegexps is the number of regular expressions in one pattern. Same page.
const MaxRegexps = 2

// SyntaxError is a malformed pattern. Offset is in bytes.
type SyntaxError struct {
	Offset  int
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid filter pattern at %d: %s", e.Offset, e.Message)
}

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	match func(message string) bool
}

// Match says whether a message fits the pattern.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// Parse compiles a pattern. The error is a *SyntaxError. How long a pattern may
// be (1,024 characters) is for the caller to check.
func Parse(pattern string) (*Pattern, error) {
	p := &parser{src: strings.TrimSpace(pattern), shift: len(pattern) - len(strings.TrimLeft(pattern, " \t\r\n"))}
	var match func(string) bool
	var err error
	switch {
	case p.src == "" || isBlankPhrase(p.src):
		match = func(string) bool { return true }
	case p.src[0] == '{':
		match, err = p.json()
	case p.src[0] == '[':
		match, err = p.space()
	default:
		match, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{match}, nil
}

// isBlankPhrase recognises "" and " " in their quotes, which match everything.
func isBlankPhrase(s string) bool {
	return len(s) >= 2 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2 && strings.TrimSpace(s[1:len(s)-1]) == ""
}
