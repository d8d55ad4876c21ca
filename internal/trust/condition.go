package trust

import (
	"fmt"
	"strings"
)

// ConditionResult is one condition put to one request.
type ConditionResult struct {
	Operator string   `json:"operator"`
	Key      string   `json:"key"`
	Wanted   []string `json:"wanted"`
	Known    string   `json:"known"` // what is known of the key in the request, in words
	Outcome  Truth    `json:"outcome"`
	Note     string   `json:"note,omitempty"` // a trap that explains the outcome
}

// evaluate puts the condition to a request. An absent key makes positive operators False and negated ones True; IfExists makes
// it True; ForAllValues is True without values, ForAnyValue False. Where that is not documented the outcome is Unknown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html
func (c Condition) evaluate(r request) ConditionResult {
	have := r.lookup(c.Key)
	out := ConditionResult{Operator: c.Operator, Key: c.Key, Wanted: c.Values, Known: have.words()}
	op, ok := parseOperator(c.Operator)
	switch {
	case c.Operator == "":
		out.Note = "this part of the statement cannot be read"
		return out
	case !ok:
		out.Note = "this operator is not known here"
		return out
	case len(c.Values) == 0:
		out.Note = "the condition names no value"
		return out
	}
	if op.base == "Null" {
		out.Outcome = c.null(have)
		return out
	}
	if strings.EqualFold(c.Key, "sts:DurationSeconds") && have.absent {
		out.Note = "a request for a role session never carries sts:DurationSeconds"
	}
	switch {
	case have.absent:
		out.Outcome = absentOutcome(op)
	case len(have.values) > 0:
		out.Outcome = c.compare(op, have.values, r)
	case len(have.maybe) > 0:
		out.Outcome = c.compareMaybe(op, have.maybe, r)
	}
	return out
}

func absentOutcome(op operator) Truth {
	switch {
	case op.ifExists && op.set == "any":
		return Unknown // the two say opposite things, and nothing is documented of both
	case op.ifExists || op.set == "all":
		return True
	case op.set == "any":
		return False
	}
	return truth(op.negated)
}

// null: "true" wants the key absent, "false" wants it there.
func (c Condition) null(have known) Truth {
	present := Unknown
	switch {
	case have.absent:
		present = False
	case len(have.values) > 0 || len(have.maybe) > 0:
		present = True
	}
	out := False
	for _, want := range c.Values {
		wantAbsent, ok := parseBool(want)
		switch {
		case !ok:
			out = out.Or(Unknown)
		case wantAbsent:
			out = out.Or(present.Not())
		default:
			out = out.Or(present)
		}
	}
	return out
}

// compare holds the values of the request against those of the policy.
func (c Condition) compare(op operator, values []string, r request) Truth {
	all, anyOf := True, False
	for _, value := range values {
		one := c.matchesAny(op, value, r)
		if op.negated {
			one = one.Not()
		}
		all, anyOf = all.And(one), anyOf.Or(one)
	}
	switch op.set {
	case "all":
		return all
	case "any":
		return anyOf
	}
	if all == anyOf {
		return all
	}
	return Unknown // several values under an operator for one: not defined
}

// matchesAny is whether one value of the request matches at least one wanted value.
func (c Condition) matchesAny(op operator, have string, r request) Truth {
	out := False
	for _, want := range c.Values {
		want, ok := c.expand(want, op, r)
		if !ok {
			out = out.Or(Unknown)
			continue
		}
		out = out.Or(baseOperators[op.base](have, want))
	}
	return out
}

// compareMaybe decides where only patterns of the value are known: the value matches one of maybe. Sure only when no wanted
// value could match any of them.
func (c Condition) compareMaybe(op operator, maybe []string, r request) Truth {
	for _, want := range c.Values {
		want, ok := c.expand(want, op, r)
		if !ok {
			return Unknown
		}
		for _, pattern := range maybe {
			if overlap(pattern, want) {
				return Unknown
			}
		}
	}
	return truth(op.negated)
}

// overlap is whether some text could match both patterns.
func overlap(a, b string) bool {
	// reach[j] says that a[:i] and b[:j] can match the same text.
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := range len(b) {
		reach[j+1] = reach[j] && b[j] == '*'
	}
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		next[0] = reach[0] && a[i] == '*'
		for j := range len(b) {
			switch {
			case a[i] == '*' || b[j] == '*':
				next[j+1] = a[i] == '*' && (reach[j+1] || next[j]) || b[j] == '*' && (reach[j+1] || next[j]) || reach[j]
			default:
				next[j+1] = reach[j] && (a[i] == b[j] || a[i] == '?' || b[j] == '?')
			}
		}
		reach = next
	}
	return reach[len(b)]
}

// expand fills in policy variables such as ${aws:username}; false when one of them is not known.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (c Condition) expand(text string, op operator, r request) (string, bool) {
	if c.Literal || !strings.Contains(text, "${") {
		return text, true
	}
	if !strings.HasPrefix(op.base, "String") && !strings.HasPrefix(op.base, "Arn") {
		return text, true // variables stand only in strings and ARNs
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", false
		}
		text = after
		name, fallback, hasFallback := strings.Cut(name, ",")
		have := r.lookup(strings.TrimSpace(name))
		switch {
		case name == "*" || name == "?" || name == "$":
			// A literal character: sure only where the operator has no wildcards.
			if strings.HasSuffix(op.base, "Like") || strings.HasPrefix(op.base, "Arn") {
				return "", false
			}
			out.WriteString(name)
		case len(have.values) == 1 && !strings.ContainsAny(have.values[0], "*?"):
			out.WriteString(have.values[0])
		case have.absent && hasFallback:
			out.WriteString(strings.Trim(strings.TrimSpace(fallback), "'"))
		default:
			return "", false
		}
	}
}

// words says what is known of a key.
func (k known) words() string {
	switch {
	case k.absent:
		return "absent from the request"
	case len(k.values) > 0:
		return quoteList(k.values, "and")
	case len(k.maybe) > 0:
		return "like " + quoteList(k.maybe, "or")
	}
	return "not known"
}

// quoteList writes "a", "b" or "c".
func quoteList(values []string, last string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return wordList(quoted, last)
}

func wordList(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}
