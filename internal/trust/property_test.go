package trust

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomPolicy draws a policy over few principals, keys and values, so that statements overlap often.
func randomPolicy(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	var out []string
	for range 1 + r.IntN(3) {
		principal := pick(`"*"`, `{"AWS":"111122223333"}`, `{"AWS":"`+roleApp+`"}`, `{"AWS":["`+roleApp+`","`+otherApp+`"]}`,
			`{"AWS":"`+roleAppID+`"}`, `{"AWS":"`+sessionApp+`"}`)
		element := "Principal"
		if r.IntN(12) == 0 && principal != `"*"` {
			element = "NotPrincipal"
		}
		var conditions []string
		seen := map[string]bool{}
		for range r.IntN(3) {
			operator := pick("StringEquals", "StringLike", "StringNotEquals", "StringEqualsIfExists", "ForAnyValue:StringEquals",
				"ForAllValues:StringLike", "NumericLessThan", "NumericGreaterThanEquals", "Null", "Bool", "StringEqualsIgnoreCase", "StringNotLike")
			if seen[operator] {
				continue
			}
			seen[operator] = true
			value := pick(`"a"`, `"b"`, `["a","b"]`, `"a*"`)
			switch {
			case strings.HasPrefix(operator, "Numeric"):
				value = pick(`"1"`, `"2"`)
			case operator == "Null" || operator == "Bool":
				value = pick(`"true"`, `"false"`)
			}
			conditions = append(conditions, fmt.Sprintf(`%q:{%q:%s}`, operator, pick("k:one", "k:two"), value))
		}
		out = append(out, fmt.Sprintf(`{"Effect":%q,%q:%s,"Action":%q,"Condition":{%s}}`, pick("Allow", "Allow", "Allow", "Deny", "ALLOW"),
			element, principal, pick("sts:AssumeRole", "sts:*", "sts:TagSession"), strings.Join(conditions, ",")))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(out, ",") + `]}`
}

// completions are all ways in which what is not known of a caller could turn out, as far as randomPolicy can tell them apart.
func completions(c Caller) []Caller {
	out := []Caller{c}
	if c.ARN == "" {
		out = out[:0]
		for _, arn := range []string{roleApp, otherApp, sessionApp, userAlice} {
			full := c
			full.ARN = arn
			if c.Account == "" || strings.Contains(arn, c.Account) {
				out = append(out, full)
			}
		}
	}
	for _, key := range []string{"k:one", "k:two"} {
		if _, ok := c.Context[key]; ok {
			continue
		}
		var more []Caller
		for _, base := range out {
			more = append(more, base.With(key))
			for _, value := range []string{"a", "b", "ab", "A", "1", "2", "0", "true", "false"} {
				more = append(more, base.With(key, value))
			}
		}
		out = more
	}
	return out
}

// What is said with little knowledge must stand whatever the rest turns out to be.
func TestAnswersHoldHoweverTheUnknownTurnsOut(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	for range 600 {
		texts := [2]string{randomPolicy(r), randomPolicy(r)}
		before, after := decode(t, texts[0]), decode(t, texts[1])
		c := []Caller{{ARN: roleApp}, {ARN: sessionApp}, {Account: "111122223333"}, {}, {ARN: otherApp}}[r.IntN(5)]
		if r.IntN(2) == 0 {
			c = c.With("k:one", "a")
		}
		change := Diff(before, after)
		d := Evaluate(before, c)
		blocks := change.Blocks(c)
		seen["allowed "+d.Allowed.String()]++
		seen["blocks "+blocks.Truth.String()]++
		for _, full := range completions(c) {
			old, new := Evaluate(before, full), Evaluate(after, full)
			if d.Allowed != Unknown && old.Allowed != Unknown && old.Allowed != d.Allowed {
				t.Fatalf("%s\nsaid %v of %+v: %s\nbut is %v for %+v", texts[0], d.Allowed, c, d.Reason, old.Allowed, full)
			}
			switch {
			case change.Empty() && old.Allowed != new.Allowed:
				t.Fatalf("no difference seen, but %v became %v for %+v\n%s\n%s", old.Allowed, new.Allowed, full, texts[0], texts[1])
			case blocks.Truth == False && old.Allowed == True && new.Allowed == False:
				t.Fatalf("said to block nothing (%s)\nbut does for %+v\n%s\n%s", blocks.Reason, full, texts[0], texts[1])
			case blocks.Truth == True && new.Allowed == True:
				t.Fatalf("said to block (%s)\nbut lets %+v in\n%s\n%s", blocks.Reason, full, texts[0], texts[1])
			}
		}
	}
	t.Log(seen)
	for _, want := range []string{"allowed true", "allowed false", "allowed unknown", "blocks true", "blocks false", "blocks unknown"} {
		if seen[want] < 20 {
			t.Errorf("%s seen only %d times: the draw is too narrow", want, seen[want])
		}
	}
}

// Splitting by principal, action and value, and shuffling, changes nothing.
func TestSplittingAndShufflingIsNoChange(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		text := randomPolicy(r)
		p := decode(t, text)
		var split Policy
		for _, s := range p.Statements {
			if s.NotPrincipal {
				split.Statements = append(split.Statements, s)
				continue
			}
			for _, who := range s.Principals {
				one := s
				one.Principals = []Principal{who}
				split.Statements = append(split.Statements, one)
			}
		}
		r.Shuffle(len(split.Statements), func(i, j int) {
			split.Statements[i], split.Statements[j] = split.Statements[j], split.Statements[i]
		})
		if change := Diff(p, split); !change.Empty() {
			t.Fatalf("%s\n%+v", text, change.Items)
		}
	}
}
