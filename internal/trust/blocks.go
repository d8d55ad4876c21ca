package trust

import (
	"fmt"
	"slices"
)

// Blocking is whether a change keeps a caller out.
type Blocking struct {
	// Truth is True when the old policy could let the call through and the new one surely does not, False when the call fares
	// no worse than before, Unknown when that hinges on a condition that was added or made stricter and is not known.
	Truth  Truth  `json:"truth"`
	Reason string `json:"reason"`
	// Items are the changes that bear on this caller, by their index in Change.Items.
	Items []int `json:"items,omitempty"`
	// Before and After are the decisions of the two policies.
	Before Decision `json:"before"`
	After  Decision `json:"after"`
}

// Blocks says whether the change could make a call fail that the policy allowed before.
func (c Change) Blocks(caller Caller) Blocking {
	out := Blocking{Before: Evaluate(c.Before, caller), After: Evaluate(c.After, caller)}
	r := newRequest(caller)
	old, new := c.Before.bearing(r), c.After.bearing(r)
	switch {
	case out.Before.Allowed == False:
		out.Truth, out.Reason = False, "already before the change "+out.Before.Reason
	case out.After.Allowed == True:
		out.Truth, out.Reason = False, "after the change "+out.After.Reason
	case new.allowsAll(old):
		out.Truth, out.Reason = False, fmt.Sprintf("nothing that lets %s in was taken away or made stricter", caller.Name())
	case out.After.Allowed == False:
		out.Truth, out.Reason = True, "after the change "+out.After.Reason
	default:
		out.Truth, out.Reason = Unknown, "after the change "+out.After.Reason
	}
	for i, item := range c.Items {
		if item.bearsOn(r, old, new) {
			out.Items = append(out.Items, i)
		}
	}
	return out
}

// bearing is what of a policy bears on one call: of each statement that may apply, what is still open.
type bearing struct {
	allow, deny, unclear [][]Condition
	slots                []slot
}

// bearing spells the policy out and leaves away what is known for this request: statements that do not apply, conditions that
// hold. Whether an unclear principal matches becomes a condition like others.
func (p Policy) bearing(r request) bearing {
	var out bearing
	for _, g := range p.grants() {
		one := g.evaluate(r)
		if one.Applies == False {
			continue
		}
		var open []Condition
		for i, c := range one.Conditions {
			if c.Outcome == Unknown {
				open = append(open, g.Conditions[i])
			}
		}
		if one.Principal == Unknown {
			open = append(open, Condition{Key: "principal " + g.who})
		}
		if one.Action == Unknown {
			open = append(open, Condition{Key: "no action"})
		}
		slices.SortFunc(open, compareConditions)
		out.slots = append(out.slots, g.slot())
		switch g.Effect {
		case Allow:
			out.allow = append(out.allow, open)
		case Deny:
			out.deny = append(out.deny, open)
		default:
			out.unclear = append(out.unclear, open)
		}
	}
	return out
}

// allowsAll is whether every request that the old policy allows is allowed by this one, whatever is not known.
func (b bearing) allowsAll(old bearing) bool {
	return anyImplies(old.allow, b.allow) && anyImplies(b.deny, old.deny) &&
		len(differing(b.unclear, old.unclear)) == 0 && len(differing(old.unclear, b.unclear)) == 0
}

// bearsOn says that a changed item is about a statement that may apply to the call, before or after.
func (i ChangeItem) bearsOn(r request, old, new bearing) bool {
	for _, at := range slices.Concat(old.slots, new.slots) {
		if at.who == i.Principal && at.kind == i.PrincipalKind && at.effect == i.Kind.effect() && (at.action == "" || slices.Contains(i.Actions, at.action)) {
			return true
		}
	}
	return false
}
