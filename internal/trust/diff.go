package trust

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ChangeKind says what became of a principal's way in.
type ChangeKind string

const (
	AccessLost         ChangeKind = "access-lost"
	DenyAdded          ChangeKind = "deny-added"
	DenyTightened      ChangeKind = "deny-tightened" // denies more than before
	ConditionAdded     ChangeKind = "condition-added"
	ConditionTightened ChangeKind = "condition-tightened"
	ConditionChanged   ChangeKind = "condition-changed" // neither wider nor narrower
	DenyChanged        ChangeKind = "deny-changed"
	UnclearChanged     ChangeKind = "unclear-changed" // a statement whose Effect cannot be read came, went or changed
	ConditionLoosened  ChangeKind = "condition-loosened"
	ConditionRemoved   ChangeKind = "condition-removed"
	DenyLoosened       ChangeKind = "deny-loosened"
	DenyRemoved        ChangeKind = "deny-removed"
	AccessGained       ChangeKind = "access-gained"
)

// changeOrder is the order of a Change's items: what may keep somebody out comes first.
var changeOrder = []ChangeKind{AccessLost, DenyAdded, DenyTightened, ConditionAdded, ConditionTightened, ConditionChanged,
	DenyChanged, UnclearChanged, ConditionLoosened, ConditionRemoved, DenyLoosened, DenyRemoved, AccessGained}

// Restricts says that a change of this kind may keep somebody out.
func (k ChangeKind) Restricts() bool {
	at := slices.Index(changeOrder, k)
	return at >= 0 && at <= slices.Index(changeOrder, UnclearChanged)
}

// effect is the Effect of the statements that a kind of change is about.
func (k ChangeKind) effect() Effect {
	switch k {
	case DenyAdded, DenyTightened, DenyChanged, DenyLoosened, DenyRemoved:
		return Deny
	case UnclearChanged:
		return ""
	}
	return Allow
}

// ChangeItem is one difference in meaning between two policies.
type ChangeItem struct {
	Kind          ChangeKind    `json:"kind"`
	Principal     string        `json:"principal"` // in canonical spelling: an account is its 12 digits
	PrincipalKind PrincipalKind `json:"principal_kind,omitempty"`
	Actions       []string      `json:"actions"`
	Before        string        `json:"before,omitempty"` // the conditions in words
	After         string        `json:"after,omitempty"`
	// Text is one plain sentence.
	Text             string `json:"text"`
	BeforeStatements []int  `json:"before_statements,omitempty"` // their numbers in the old policy
	AfterStatements  []int  `json:"after_statements,omitempty"`
}

// Change is what a change of a policy means. Order, formatting, spelling, splitting and merging of statements mean nothing.
type Change struct {
	Items  []ChangeItem `json:"items"`
	Before Policy       `json:"before"`
	After  Policy       `json:"after"`
}

// Diff compares two trust policies by what they mean for each principal.
func Diff(before, after Policy) Change {
	change := Change{Items: []ChangeItem{}, Before: before, After: after}
	old, new := slots(before.grants()), slots(after.grants())
	all := map[slot]bool{}
	for at := range old {
		all[at] = true
	}
	for at := range new {
		all[at] = true
	}
	for at := range all {
		for _, item := range compareSlot(at.effect, old[at], new[at]) {
			item.Principal, item.PrincipalKind = at.who, at.kind
			if at.action != "" {
				item.Actions = []string{at.action}
			}
			item.BeforeStatements, item.AfterStatements = numbers(old[at]), numbers(new[at])
			change.Items = append(change.Items, item)
		}
	}
	slices.SortFunc(change.Items, compareItems)
	change.Items = joinActions(change.Items)
	for i := range change.Items {
		change.Items[i].Text = change.Items[i].sentence(before, after)
	}
	return change
}

// Empty says that the two policies mean the same.
func (c Change) Empty() bool { return len(c.Items) == 0 }

func slots(grants []grant) map[slot][]grant {
	out := map[slot][]grant{}
	for _, g := range grants {
		out[g.slot()] = append(out[g.slot()], g)
	}
	return out
}

func numbers(grants []grant) []int {
	var out []int
	for _, g := range grants {
		out = append(out, g.Number)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func conditionsOf(grants []grant) [][]Condition {
	var out [][]Condition
	for _, g := range grants {
		out = append(out, g.Conditions)
	}
	return out
}

// compareSlot compares the alternatives of one principal and action.
func compareSlot(effect Effect, old, new []grant) []ChangeItem {
	a, b := conditionsOf(old), conditionsOf(new)
	narrower, wider := anyImplies(b, a), anyImplies(a, b) // the new against the old
	if narrower && wider && len(old) > 0 && len(new) > 0 {
		return nil
	}
	whole := ChangeItem{Before: alternativesInWords(a), After: alternativesInWords(b)}
	pick := func(gone, came, less, more, other ChangeKind) []ChangeItem {
		switch {
		case len(new) == 0:
			whole.Kind = gone
		case len(old) == 0:
			whole.Kind = came
		case narrower:
			whole.Kind = less
		case wider:
			whole.Kind = more
		default:
			whole.Kind = other
		}
		return []ChangeItem{whole}
	}
	switch effect {
	case Deny:
		return pick(DenyRemoved, DenyAdded, DenyLoosened, DenyTightened, DenyChanged)
	case Allow:
		a, b = differing(a, b), differing(b, a)
		if len(a) == 1 && len(b) == 1 {
			return compareConjunctions(a[0], b[0])
		}
		return pick(AccessLost, AccessGained, ConditionTightened, ConditionLoosened, ConditionChanged)
	}
	return pick(UnclearChanged, UnclearChanged, UnclearChanged, UnclearChanged, UnclearChanged)
}

// differing is the alternatives of a that b has not word for word.
func differing(a, b [][]Condition) [][]Condition {
	var out [][]Condition
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y []Condition) bool { return slices.EqualFunc(x, y, Condition.equals) }) {
			out = append(out, x)
		}
	}
	return out
}

// compareConjunctions compares two condition sets of an Allow, key by key.
func compareConjunctions(old, new []Condition) []ChangeItem {
	var keys []string
	for _, c := range slices.Concat(old, new) {
		keys = append(keys, strings.ToLower(c.Key))
	}
	slices.Sort(keys)
	var out []ChangeItem
	for _, key := range slices.Compact(keys) {
		onKey := func(all []Condition) []Condition {
			return slices.DeleteFunc(slices.Clone(all), func(c Condition) bool { return strings.ToLower(c.Key) != key })
		}
		a, b := onKey(old), onKey(new)
		narrower, wider := allImply(b, a), allImply(a, b)
		item := ChangeItem{Before: conditionsInWords(a), After: conditionsInWords(b)}
		switch {
		case narrower && wider:
			continue
		case len(a) == 0:
			item.Kind = ConditionAdded
		case len(b) == 0:
			item.Kind = ConditionRemoved
		case narrower:
			item.Kind = ConditionTightened
		case wider:
			item.Kind = ConditionLoosened
		default:
			item.Kind = ConditionChanged
		}
		out = append(out, item)
	}
	return out
}

func compareItems(a, b ChangeItem) int {
	return cmp.Or(
		cmp.Compare(slices.Index(changeOrder, a.Kind), slices.Index(changeOrder, b.Kind)),
		cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.PrincipalKind, b.PrincipalKind), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After),
		slices.Compare(a.BeforeStatements, b.BeforeStatements), slices.Compare(a.AfterStatements, b.AfterStatements),
		slices.Compare(a.Actions, b.Actions))
}

// joinActions makes one item of those that differ in the action only.
func joinActions(items []ChangeItem) []ChangeItem {
	out := items[:0]
	for _, item := range items {
		if len(out) > 0 {
			last := &out[len(out)-1]
			same := *last
			same.Actions = item.Actions
			if compareItems(same, item) == 0 {
				last.Actions = append(last.Actions, item.Actions...)
				continue
			}
		}
		out = append(out, item)
	}
	return out
}

func (i ChangeItem) sentence(before, after Policy) string {
	actions := wordList(i.Actions, "and")
	if actions == "" {
		actions = "calls that cannot be read"
	}
	switch i.Kind {
	case AccessLost:
		return fmt.Sprintf("%s is no longer allowed %s%s%s", i.Principal, actions, when(i.Before), i.elsewhere(after, "still let in"))
	case AccessGained:
		if i.PrincipalKind == KindDeleted {
			return fmt.Sprintf("the policy now names %s for %s%s: the id of a principal that was deleted, which lets in nobody who exists", i.Principal, actions, when(i.After))
		}
		return fmt.Sprintf("%s is now allowed %s%s%s", i.Principal, actions, when(i.After), i.elsewhere(before, "was let in before"))
	case DenyAdded:
		return fmt.Sprintf("%s is now denied %s%s", i.Principal, actions, when(i.After))
	case DenyRemoved:
		return fmt.Sprintf("%s is no longer denied %s%s", i.Principal, actions, when(i.Before))
	case DenyTightened:
		return fmt.Sprintf("the denial of %s to %s covers more: %s, was %s", actions, i.Principal, i.After, i.Before)
	case DenyLoosened:
		return fmt.Sprintf("the denial of %s to %s covers less: %s, was %s", actions, i.Principal, i.After, i.Before)
	case DenyChanged:
		return fmt.Sprintf("the denial of %s to %s changed: %s, was %s", actions, i.Principal, i.After, i.Before)
	case ConditionAdded:
		return fmt.Sprintf("for %s to %s there is a new condition: %s", actions, i.Principal, i.After)
	case ConditionRemoved:
		return fmt.Sprintf("for %s to %s a condition is gone: %s", actions, i.Principal, i.Before)
	case ConditionTightened:
		return fmt.Sprintf("for %s to %s a condition is stricter: %s, was %s", actions, i.Principal, i.After, i.Before)
	case ConditionLoosened:
		return fmt.Sprintf("for %s to %s a condition is wider: %s, was %s", actions, i.Principal, i.After, i.Before)
	case ConditionChanged:
		return fmt.Sprintf("for %s to %s a condition changed: %s, was %s", actions, i.Principal, i.After, i.Before)
	}
	return fmt.Sprintf("a statement about %s and %s whose Effect cannot be read changed", i.Principal, actions)
}

func when(conditions string) string {
	if conditions == unconditionally {
		return ""
	}
	return " when " + conditions
}

// elsewhere says that another entry of a policy lets the same principal in.
func (i ChangeItem) elsewhere(p Policy, words string) string {
	var found []string
	for _, action := range i.Actions {
		c, ok := callerNamed(i.PrincipalKind, i.Principal)
		if !ok {
			return ""
		}
		c.Call = action
		for _, s := range Evaluate(p, c).Statements {
			if s.Effect == Allow && s.Applies != False && s.Matched != "" && !slices.Contains(found, s.Matched) {
				found = append(found, s.Matched)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s by %s, if that entry's conditions and the caller's own policies allow)", words, wordList(found, "and"))
}

// callerNamed is a caller that a principal entry names; false for entries that name many or nobody.
func callerNamed(kind PrincipalKind, value string) (Caller, bool) {
	switch kind {
	case KindRole, KindUser, KindSession, KindFederatedUser:
		return Caller{ARN: value}, true
	case KindService:
		return Caller{Service: value}, true
	case KindSAML, KindOIDC:
		return Caller{Federated: value}, true
	}
	return Caller{}, false
}

const unconditionally = "unconditionally"

func alternativesInWords(alternatives [][]Condition) string {
	var out []string
	for _, conditions := range alternatives {
		words := conditionsInWords(conditions)
		if words == "" {
			words = unconditionally
		}
		out = append(out, words)
	}
	return strings.Join(out, "; or ")
}

func conditionsInWords(conditions []Condition) string {
	var out []string
	for _, c := range conditions {
		out = append(out, c.words())
	}
	return strings.Join(out, " and ")
}
