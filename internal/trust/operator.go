package trust

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operator is a condition operator taken apart: ForAnyValue:StringNotLikeIfExists.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type operator struct {
	name     string // canonical spelling of all of it
	set      string // "", any, all
	base     string // canonical spelling without Not, as in baseOperators
	negated  bool
	ifExists bool
}

// baseOperator compares a request's value with a wanted one. Unknown means that one of the two is not of the operator's type.
type baseOperator func(have, want string) Truth

var baseOperators = map[string]baseOperator{
	"StringEquals":             func(have, want string) Truth { return truth(have == want) },
	"StringEqualsIgnoreCase":   func(have, want string) Truth { return truth(strings.EqualFold(have, want)) },
	"StringLike":               func(have, want string) Truth { return truth(wildcard(want, have)) },
	"NumericEquals":            numeric(func(d int) bool { return d == 0 }),
	"NumericLessThan":          numeric(func(d int) bool { return d < 0 }),
	"NumericLessThanEquals":    numeric(func(d int) bool { return d <= 0 }),
	"NumericGreaterThan":       numeric(func(d int) bool { return d > 0 }),
	"NumericGreaterThanEquals": numeric(func(d int) bool { return d >= 0 }),
	"DateEquals":               date(func(d int) bool { return d == 0 }),
	"DateLessThan":             date(func(d int) bool { return d < 0 }),
	"DateLessThanEquals":       date(func(d int) bool { return d <= 0 }),
	"DateGreaterThan":          date(func(d int) bool { return d > 0 }),
	"DateGreaterThanEquals":    date(func(d int) bool { return d >= 0 }),
	"Bool":                     boolean,
	"IpAddress":                ipAddress,
	"ArnEquals":                arnLike, // IAM treats the two alike
	"ArnLike":                  arnLike,
	"Null":                     nil, // looks at presence only
}

// negatedOperators maps the negated spelling to its base.
var negatedOperators = map[string]string{
	"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase", "StringNotLike": "StringLike",
	"NumericNotEquals": "NumericEquals", "DateNotEquals": "DateEquals", "NotIpAddress": "IpAddress",
	"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike",
}

// operatorNames finds an operator by its name, in canonical spelling or in lower case.
var operatorNames = func() map[string]operator {
	names := map[string]operator{}
	add := func(name string, op operator) {
		for prefix, set := range map[string]string{"": "", "ForAnyValue:": "any", "ForAllValues:": "all"} {
			for suffix, ifExists := range map[string]bool{"": false, "IfExists": true} {
				op.name, op.set, op.ifExists = prefix+name+suffix, set, ifExists
				names[op.name], names[strings.ToLower(op.name)] = op, op
			}
		}
	}
	for base := range baseOperators {
		if base != "Null" {
			add(base, operator{base: base})
		}
	}
	for name, base := range negatedOperators {
		add(name, operator{base: base, negated: true})
	}
	// Null takes neither prefix nor suffix.
	names["Null"] = operator{name: "Null", base: "Null"}
	names["null"] = names["Null"]
	return names
}()

// parseOperator takes an operator apart, whatever its case; false for one that is not known.
func parseOperator(text string) (operator, bool) {
	op, ok := operatorNames[text]
	if !ok {
		op, ok = operatorNames[strings.ToLower(strings.TrimSpace(text))]
	}
	return op, ok
}

func numeric(holds func(int) bool) baseOperator {
	return func(have, want string) Truth {
		h, err1 := strconv.ParseFloat(strings.TrimSpace(have), 64)
		w, err2 := strconv.ParseFloat(strings.TrimSpace(want), 64)
		if err1 != nil || err2 != nil || h != h || w != w {
			return Unknown
		}
		switch {
		case h < w:
			return truth(holds(-1))
		case h > w:
			return truth(holds(1))
		}
		return truth(holds(0))
	}
}

func date(holds func(int) bool) baseOperator {
	return func(have, want string) Truth {
		h, ok1 := parseDate(have)
		w, ok2 := parseDate(want)
		if !ok1 || !ok2 {
			return Unknown
		}
		return truth(holds(h.Compare(w)))
	}
}

// parseDate reads the W3C forms of ISO 8601 that IAM takes, and epoch seconds.
func parseDate(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "20060102T150405Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	// A bare year is a date to W3C; IAM reads a number as epoch seconds.
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(n, 0).UTC(), true
	}
	return time.Time{}, false
}

func boolean(have, want string) Truth {
	h, ok1 := parseBool(have)
	w, ok2 := parseBool(want)
	if !ok1 || !ok2 {
		return Unknown
	}
	return truth(h == w)
}

func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func ipAddress(have, want string) Truth {
	ip, err := netip.ParseAddr(strings.TrimSpace(have))
	if err != nil {
		return Unknown // CloudTrail may have a service's name in place of the address
	}
	network, ok := parseNetwork(want)
	if !ok {
		return Unknown
	}
	return truth(network.Contains(ip.Unmap()))
}

func parseNetwork(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), true
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err == nil
}

// arnLike compares the six parts of two ARNs one by one; wildcards do not reach across a colon, save in the last part.
func arnLike(have, want string) Truth {
	h, w := strings.SplitN(have, ":", 6), strings.SplitN(want, ":", 6)
	if want == "*" {
		return True
	}
	if len(h) != 6 || len(w) != 6 {
		return Unknown
	}
	for i := range h {
		if !wildcard(w[i], h[i]) {
			return False
		}
	}
	return True
}
