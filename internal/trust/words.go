package trust

import (
	"fmt"
	"slices"
	"strings"
)

// words says a condition in plain words: `sts:ExternalId is "a" or "b"`.
func (c Condition) words() string {
	op, ok := parseOperator(c.Operator)
	if !ok {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s (which cannot be read)", c.Operator, c.Key, quoteList(c.Values, "or")))
	}
	if op.base == "Null" {
		return c.nullInWords()
	}
	key := c.Key
	switch op.set {
	case "any":
		key = "any value of " + key
	case "all":
		key = "every value of " + key
	}
	verb := verbs[op.base]
	if op.base == "StringLike" && !slices.ContainsFunc(c.Values, hasWildcard) {
		verb = verbs["StringEquals"]
	}
	last := "or"
	text := verb[0]
	if op.negated {
		text = verb[1]
	}
	out := key + " " + text + " " + quoteList(c.Values, last)
	switch {
	case op.set == "all":
		out += ", or has none"
	case op.ifExists:
		out += ", or is absent"
	case op.negated && op.set == "":
		out += " (or is absent)"
	}
	return out
}

func (c Condition) nullInWords() string {
	absent, present := false, false
	for _, v := range c.Values {
		b, ok := parseBool(v)
		absent, present = absent || ok && b, present || ok && !b
	}
	switch {
	case absent && !present:
		return c.Key + " is absent from the request"
	case present && !absent:
		return c.Key + " is present in the request"
	}
	return c.Key + " is present or absent"
}

// verbs of each base operator: plain, and negated.
var verbs = map[string][2]string{
	"StringEquals":             {"is", "is not"},
	"StringEqualsIgnoreCase":   {"is (in any case)", "is not (in any case)"},
	"StringLike":               {"is like", "is not like"},
	"NumericEquals":            {"is", "is not"},
	"NumericLessThan":          {"is less than"},
	"NumericLessThanEquals":    {"is at most"},
	"NumericGreaterThan":       {"is more than"},
	"NumericGreaterThanEquals": {"is at least"},
	"DateEquals":               {"is", "is not"},
	"DateLessThan":             {"is before"},
	"DateLessThanEquals":       {"is not after"},
	"DateGreaterThan":          {"is after"},
	"DateGreaterThanEquals":    {"is not before"},
	"Bool":                     {"is"},
	"IpAddress":                {"is within", "is outside"},
	"ArnEquals":                {"is like", "is not like"},
	"ArnLike":                  {"is like", "is not like"},
}
