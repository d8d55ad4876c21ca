package insights

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

type kind uint8

const (
	unset      kind = iota // a slot nobody has filled yet
	missing                // no such field on this record
	text                   // s
	number                 // n; s keeps the digits as they were in the event
	boolean                // n is 0 or 1: what a function answered
	timestamp              // n is milliseconds since the epoch
	structured             // s is the JSON text of a map or list
)

// value is what an expression comes to on one record. Typing is loose: text
// that looks like a number is one where a number is asked for.
type value struct {
	kind kind
	s    string
	n    float64
}

var none = value{kind: missing}

func textOf(s string) value { return value{kind: text, s: s} }

// numberOf gives a number; what is no finite number (1/0) is missing.
func numberOf(n float64) value {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return none
	}
	return value{kind: number, n: n}
}

func boolOf(b bool) value {
	if b {
		return value{kind: boolean, n: 1}
	}
	return value{kind: boolean}
}

func timeOf(t time.Time) value {
	if t.IsZero() {
		return none
	}
	return value{kind: timestamp, n: float64(t.UnixMilli())}
}

// maxMillis bounds what is shown as a time: the year 275760.
const maxMillis = 8.64e15

func millisOf(ms float64) value {
	if math.IsNaN(ms) || math.Abs(ms) > maxMillis {
		return none
	}
	return value{kind: timestamp, n: math.Trunc(ms)}
}

func (v value) isMissing() bool { return v.kind <= missing }

// string is the value as a row shows it.
func (v value) string() string {
	switch v.kind {
	case text, structured:
		return v.s
	case number:
		if v.s != "" {
			return v.s
		}
		return strconv.FormatFloat(v.n, 'f', -1, 64)
	case boolean:
		if v.n != 0 {
			return "1"
		}
		return "0"
	case timestamp:
		return time.UnixMilli(int64(v.n)).UTC().Format("2006-01-02 15:04:05.000")
	}
	return ""
}

// number is the value where a number is asked for.
func (v value) number() (float64, bool) {
	switch v.kind {
	case number, boolean, timestamp:
		return v.n, true
	case text:
		return parseNumber(v.s)
	}
	return 0, false
}

// parseNumber takes decimal numbers only: not "inf", "0x1f" or "1_000".
func parseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 400 {
		return 0, false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// truth is the value as a condition.
func (v value) truth() bool {
	if n, ok := v.number(); ok {
		return n != 0
	}
	return v.kind == text && v.s == "true"
}

func equal(a, b value) bool {
	if a.isMissing() || b.isMissing() || a.kind == structured || b.kind == structured {
		return false
	}
	if order, ok := compareNumbers(a, b); ok {
		return order == 0
	}
	if a.kind == boolean || b.kind == boolean {
		return a.truth() == b.truth() && isTruthWord(a) && isTruthWord(b)
	}
	return a.string() == b.string()
}

func isTruthWord(v value) bool {
	return v.kind == boolean || v.s == "true" || v.s == "false"
}

// compare answers a op b. A missing side makes everything false but !=, which
// is true: Insights keeps the records that lack the field.
func compare(op string, a, b value) bool {
	switch {
	case a.kind == structured || b.kind == structured:
		return false // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
	case op == "=":
		return equal(a, b)
	case op == "!=":
		return !equal(a, b)
	case a.isMissing() || b.isMissing():
		return false
	}
	order, ok := compareNumbers(a, b)
	if !ok {
		if a.kind == timestamp || b.kind == timestamp {
			return false // human-readable times are not compared; same page
		}
		order = strings.Compare(a.string(), b.string())
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// compareNumbers compares when both sides look numeric; whole numbers exactly,
// because a 20-digit identifier does not fit a float.
func compareNumbers(a, b value) (int, bool) {
	x, ok := a.number()
	if !ok {
		return 0, false
	}
	y, ok := b.number()
	if !ok {
		return 0, false
	}
	if x == y && math.Abs(x) >= 1<<53 && a.s != "" && b.s != "" {
		return strings.Compare(a.s, b.s), true
	}
	return cmp.Compare(x, y), true
}

// compareSorted is the order of the sort command: other values before numbers,
// numbers by value, others in chunks.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
func compareSorted(a, b value) int {
	x, aNumber := a.number()
	y, bNumber := b.number()
	switch {
	case aNumber && bNumber:
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
		return strings.Compare(a.string(), b.string())
	case aNumber:
		return 1
	case bNumber:
		return -1
	}
	return compareNatural(a.string(), b.string())
}

func compareNatural(a, b string) int {
	whole := strings.Compare(a, b)
	for a != "" && b != "" {
		x, y := chunk(a), chunk(b)
		a, b = a[len(x):], b[len(y):]
		if isDigit(x[0]) && isDigit(y[0]) {
			if c := cmp.Compare(len(x), len(y)); c != 0 {
				return c
			}
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return whole
}

// chunk is the leading run of digits or of other characters.
func chunk(s string) string {
	digits := isDigit(s[0])
	for i := 1; i < len(s); i++ {
		if isDigit(s[i]) != digits {
			return s[:i]
		}
	}
	return s
}
