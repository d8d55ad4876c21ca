package trust

import (
	"slices"
	"strconv"
	"strings"
)

// anyImplies is whether everything that one of the alternatives lets through is let through by one of the others. Sure when it
// says yes; a no may be only a comparison beyond it.
func anyImplies(alternatives, others [][]Condition) bool {
	for _, conditions := range alternatives {
		if !slices.ContainsFunc(others, func(other []Condition) bool { return allImply(conditions, other) }) {
			return false
		}
	}
	return true
}

// allImply is whether every request that meets all strong conditions meets all weak ones. Both in canonical spelling.
func allImply(strong, weak []Condition) bool {
	for _, w := range weak {
		if !slices.ContainsFunc(strong, func(s Condition) bool { return s.implies(w) }) {
			return false
		}
	}
	return true
}

// implies is whether every request that meets s meets w.
func (s Condition) implies(w Condition) bool {
	if s.equals(w) {
		return true
	}
	if !strings.EqualFold(s.Key, w.Key) || s.Literal != w.Literal || len(s.Values) == 0 || len(w.Values) == 0 {
		return false
	}
	a, ok1 := parseOperator(s.Operator)
	b, ok2 := parseOperator(w.Operator)
	if !ok1 || !ok2 {
		return false
	}
	if a.set != b.set || a.negated != b.negated || a.base == "Null" || b.base == "Null" || a.ifExists && !b.ifExists {
		return false
	}
	if a.base != b.base && (a.negated || a.base != "StringLike" || b.base != "StringEqualsIgnoreCase" || slices.ContainsFunc(s.Values, hasWildcard)) {
		return false
	}
	// A positive condition is stronger with fewer or narrower values, a negated one with more or wider.
	narrow, wide := s.Values, w.Values
	if a.negated {
		narrow, wide = wide, narrow
	}
	for _, n := range narrow {
		if !slices.ContainsFunc(wide, func(v string) bool { return valueWithin(b.base, n, v) }) {
			return false
		}
	}
	return true
}

// valueWithin is whether whatever matches narrow under a base operator matches wide.
func valueWithin(base, narrow, wide string) bool {
	if narrow == wide {
		return true
	}
	if strings.Contains(narrow, "${") || strings.Contains(wide, "${") {
		return false
	}
	switch base {
	case "StringLike":
		// A wildcard within narrow must fall to a star of wide.
		return wildcard(wide, narrow) && (!strings.Contains(wide, "?") || !hasWildcard(narrow))
	case "ArnLike":
		return !hasWildcard(narrow) && arnLike(narrow, wide) == True
	case "StringEqualsIgnoreCase":
		return strings.EqualFold(narrow, wide)
	case "IpAddress":
		n, ok1 := parseNetwork(narrow)
		w, ok2 := parseNetwork(wide)
		return ok1 && ok2 && w.Bits() <= n.Bits() && w.Contains(n.Addr())
	}
	order, ok := compareOrdered(base, narrow, wide)
	switch {
	case !ok:
		return false
	case strings.Contains(base, "Less"):
		return order <= 0
	case strings.Contains(base, "Greater"):
		return order >= 0
	}
	return order == 0
}

// compareOrdered compares two numbers or dates.
func compareOrdered(base, a, b string) (int, bool) {
	if strings.HasPrefix(base, "Date") {
		x, ok1 := parseDate(a)
		y, ok2 := parseDate(b)
		return x.Compare(y), ok1 && ok2
	}
	if !strings.HasPrefix(base, "Numeric") {
		return 0, false
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	switch {
	case err1 != nil || err2 != nil || x != x || y != y:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}
