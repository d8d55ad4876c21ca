package trust

import (
	"cmp"
	"slices"
	"strings"
)

// grant is a statement for one principal (or one NotPrincipal list), one action and one set of conditions, in canonical
// spelling. Two policies with the same grants mean the same, however they are split, ordered or written.
type grant struct {
	Statement
	who string // principal in canonical spelling
}

func (g grant) action() string { return strings.Join(g.Actions, "") }

// slot is what a grant is about; grants of one slot are alternatives.
type slot struct {
	effect      Effect
	kind        PrincipalKind // unclear for a NotPrincipal list
	who, action string
}

func (g grant) slot() slot {
	at := slot{effect: g.Effect, who: g.who, action: g.action()}
	if len(g.Principals) == 1 && !g.NotPrincipal {
		at.kind = g.Principals[0].Kind
	}
	return at
}

// grants spells a policy out, merges what was split and drops what another grant already covers. Sorted by slot.
func (p Policy) grants() []grant {
	bySlot := map[slot][]grant{}
	for _, s := range p.Statements {
		conditions := canonicalConditions(s.Conditions)
		for _, who := range s.eachPrincipal() {
			for _, action := range s.eachAction() {
				g := grant{Statement: s, who: principalsKey(who, s.NotPrincipal)}
				g.Principals, g.Actions, g.NotAction, g.Conditions = who, action, false, conditions
				bySlot[g.slot()] = append(bySlot[g.slot()], g)
			}
		}
	}
	var out []grant
	for _, alternatives := range bySlot {
		out = append(out, absorb(mergeSplit(alternatives))...)
	}
	slices.SortStableFunc(out, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.slot().kind, b.slot().kind), cmp.Compare(a.action(), b.action()), cmp.Compare(a.Effect, b.Effect),
			slices.CompareFunc(a.Conditions, b.Conditions, compareConditions), cmp.Compare(a.Number, b.Number))
	})
	return out
}

// eachPrincipal splits the principals, in canonical spelling; a NotPrincipal list stays whole, and no principal is one grant.
func (s Statement) eachPrincipal() [][]Principal {
	var all []Principal
	for _, p := range s.Principals {
		if a, ok := parseARN(p.Value); ok && p.Kind == KindAccount && a.partition == "aws" {
			p.Value = a.account
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Principal) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	all = slices.Compact(all)
	if s.NotPrincipal || len(all) == 0 {
		return [][]Principal{all}
	}
	return slices.Collect(slices.Chunk(all, 1))
}

func principalsKey(principals []Principal, not bool) string {
	var names []string
	for _, p := range principals {
		names = append(names, p.Value)
	}
	list := wordList(names, "and")
	switch {
	case not:
		return "everyone but " + list
	case list == "":
		return "no principal"
	}
	return list
}

// eachAction spells the statement's actions out into those that a trust policy decides about; others have no effect in one. A
// statement without any action, whose meaning is not known, stays as it is.
func (s Statement) eachAction() [][]string {
	if len(s.Actions) == 0 {
		return [][]string{nil}
	}
	var out [][]string
	for _, action := range trustActions {
		if s.matchesAction(action) == True {
			out = append(out, []string{action})
		}
	}
	return out
}

// canonicalConditions spells conditions one way: IAM ignores the case of operators and keys and the order of values, treats
// ArnEquals as ArnLike, and StringLike without wildcards is StringEquals.
func canonicalConditions(conditions []Condition) []Condition {
	var out []Condition
	for _, c := range conditions {
		c.Values = slices.Clone(c.Values)
		variables := slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") })
		c.Literal = c.Literal && variables
		if op, ok := parseOperator(c.Operator); ok {
			c.Operator = op.name
			switch {
			case op.base == "ArnEquals", op.base == "StringEquals" && !variables && !slices.ContainsFunc(c.Values, hasWildcard):
				c.Operator = strings.Replace(op.name, "Equals", "Like", 1)
			}
			for i, v := range c.Values {
				c.Values[i] = canonicalValue(op.base, v)
			}
		}
		slices.Sort(c.Values)
		c.Values = slices.Compact(c.Values)
		out = append(out, c)
	}
	slices.SortFunc(out, compareConditions)
	return slices.CompactFunc(out, Condition.equals)
}

func hasWildcard(v string) bool { return strings.ContainsAny(v, "*?") }

func canonicalValue(base, value string) string {
	switch {
	case base == "Bool" || base == "Null":
		return strings.ToLower(strings.TrimSpace(value))
	case base == "IpAddress":
		if network, ok := parseNetwork(value); ok {
			return network.String()
		}
	case strings.HasPrefix(base, "Date"):
		if t, ok := parseDate(value); ok {
			return t.Format("2006-01-02T15:04:05.999999999Z07:00")
		}
	}
	return value
}

// equals is compareConditions == 0, and faster.
func (c Condition) equals(d Condition) bool {
	return c.Operator == d.Operator && c.Literal == d.Literal && strings.EqualFold(c.Key, d.Key) && slices.Equal(c.Values, d.Values)
}

func compareConditions(a, b Condition) int {
	literal := func(c Condition) int {
		if c.Literal {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(strings.ToLower(a.Key), strings.ToLower(b.Key)), cmp.Compare(a.Operator, b.Operator), slices.Compare(a.Values, b.Values), cmp.Compare(literal(a), literal(b)))
}

// mergeSplit joins alternatives that differ in the values of one positive condition: either value, in one statement or in two,
// is the same.
func mergeSplit(alternatives []grant) []grant {
	for i := 0; i < len(alternatives); i++ {
		for j := i + 1; j < len(alternatives); j++ {
			merged, ok := mergeConditions(alternatives[i].Conditions, alternatives[j].Conditions)
			if !ok {
				continue
			}
			alternatives[i].Conditions = merged
			alternatives = slices.Delete(alternatives, j, j+1)
			j = i // the merged one may fit an earlier neighbour now
		}
	}
	return alternatives
}

func mergeConditions(a, b []Condition) ([]Condition, bool) {
	if len(a) != len(b) {
		return nil, false
	}
	at := -1
	for i := range a {
		if a[i].equals(b[i]) {
			continue
		}
		if at >= 0 {
			return nil, false
		}
		at = i
	}
	if at < 0 {
		return a, true
	}
	one, two := a[at], b[at]
	op, ok := parseOperator(one.Operator)
	if !ok || one.Operator != two.Operator || !strings.EqualFold(one.Key, two.Key) || one.Literal != two.Literal || op.negated || op.set == "all" {
		return nil, false
	}
	out := slices.Clone(a)
	out[at].Values = slices.Concat(one.Values, two.Values)
	return canonicalConditions(out), true
}

// absorb drops an alternative that another one covers.
func absorb(alternatives []grant) []grant {
	for i := len(alternatives) - 1; i >= 0; i-- {
		for j, other := range alternatives {
			if i != j && allImply(alternatives[i].Conditions, other.Conditions) {
				alternatives = slices.Delete(alternatives, i, i+1)
				break
			}
		}
	}
	return alternatives
}
