package trust

import (
	"fmt"
	"strings"
)

// Decision is what a policy says about a call.
type Decision struct {
	// Allowed is True when a statement allows the call and none can deny it, False when a statement denies it or none can
	// allow it, Unknown when it hinges on what is not known.
	Allowed      Truth  `json:"allowed"`
	ExplicitDeny bool   `json:"explicit_deny,omitempty"` // False because of a Deny statement
	Reason       string `json:"reason"`                  // one sentence, for people
	// Statements holds one result for each statement of the policy, in its order.
	Statements []StatementResult `json:"statements"`
	// NeedsIdentityPolicy is True when a policy of the caller's own must allow the call as well: the caller comes from another
	// account, or the trust policy names only the caller's account. Unknown where that cannot be told.
	NeedsIdentityPolicy Truth `json:"needs_identity_policy"`
}

// Deciding returns the statements that the decision stands on; for a call that nothing allows, those that came closest.
func (d Decision) Deciding() []StatementResult {
	var out []StatementResult
	for _, s := range d.Statements {
		if s.Decides {
			out = append(out, s)
		}
	}
	return out
}

// StatementResult is one statement put to one call.
type StatementResult struct {
	Number     int               `json:"n"`
	Sid        string            `json:"sid,omitempty"`
	Effect     Effect            `json:"effect"`
	Principal  Truth             `json:"principal"`            // does it name the caller
	Matched    string            `json:"matched,omitempty"`    // the entry that names the caller, or may
	Note       string            `json:"note,omitempty"`       // why the principal matches only possibly, or not at all
	Action     Truth             `json:"action"`               // does it cover the call
	Conditions []ConditionResult `json:"conditions,omitempty"` // in the policy's order
	Applies    Truth             `json:"applies"`              // all of these together
	Decides    bool              `json:"decides,omitempty"`    // the decision stands on this statement
	// Direct: the entry names the caller itself, not its account or everyone.
	Direct bool `json:"direct,omitempty"`
}

// Evaluate says whether a trust policy lets a caller in.
func Evaluate(p Policy, c Caller) Decision {
	r := newRequest(c)
	d := Decision{Statements: []StatementResult{}}
	allow, deny := False, False
	for _, s := range p.Statements {
		one := s.evaluate(r)
		d.Statements = append(d.Statements, one)
		switch s.Effect {
		case Allow:
			allow = allow.Or(one.Applies)
		case Deny:
			deny = deny.Or(one.Applies)
		default: // either of the two: as unknown as a condition that cannot be read
			if one.Applies != False {
				allow, deny = allow.Or(Unknown), deny.Or(Unknown)
			}
		}
	}
	d.Allowed = allow.And(deny.Not())
	d.ExplicitDeny = deny == True
	d.markDeciding(allow, deny)
	d.NeedsIdentityPolicy = d.needsIdentityPolicy(r)
	d.Reason = d.reason(c)
	return d
}

func (s Statement) evaluate(r request) StatementResult {
	out := StatementResult{Number: s.Number, Sid: s.Sid, Effect: s.Effect, Action: s.matchesAction(r.caller.call())}
	who := s.matchPrincipals(r)
	out.Principal, out.Note, out.Matched, out.Direct = who.truth, who.note, who.entry, who.direct
	out.Applies = out.Principal.And(out.Action)
	for _, c := range s.Conditions {
		one := c.evaluate(r)
		out.Conditions = append(out.Conditions, one)
		out.Applies = out.Applies.And(one.Outcome)
	}
	return out
}

// principalMatch is the best match among a statement's principals.
type principalMatch struct {
	match
	entry string
}

func (s Statement) matchPrincipals(r request) principalMatch {
	if len(s.Principals) == 0 {
		return principalMatch{match: match{truth: Unknown, note: "the statement names no principal"}}
	}
	best := principalMatch{match: match{truth: False}}
	accountListed := False
	for _, p := range s.Principals {
		m := p.matches(r)
		if p.Kind == KindAccount || p.Kind == KindAnyone {
			accountListed = accountListed.Or(m.truth)
		}
		switch {
		case m.truth == True && (best.truth != True || m.direct && !best.direct),
			m.truth == Unknown && best.truth == False:
			best = principalMatch{m, p.Value}
		case m.truth == False && best.truth == False && best.note == "" && m.note != "":
			best.note = m.note
		}
	}
	if !s.NotPrincipal {
		return best
	}
	// A Deny exempts a user only when its account is listed beside it, and a session only when the session, its role and its
	// account are: short of that it may deny the whole account.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
	out := principalMatch{match: match{truth: best.truth.Not()}, entry: "everyone but " + s.principalNames("and")}
	exempt := r.who.kind == KindAccount || best.direct && accountListed == True && r.who.kind != KindSession
	if s.Effect != Allow && best.truth == True && r.who.isAWS() && !exempt {
		out.truth, out.note = Unknown, "whether the caller is exempted is not sure: NotPrincipal must list its session, role and account"
	}
	return out
}

func (s Statement) principalNames(last string) string {
	names := make([]string, len(s.Principals))
	for i, p := range s.Principals {
		names[i] = p.Value
	}
	return wordList(names, last)
}

// markDeciding sets Decides on the statements that the decision stands on.
func (d *Decision) markDeciding(allow, deny Truth) {
	var decides func(StatementResult) bool
	switch {
	case deny == True:
		decides = func(s StatementResult) bool { return s.Effect == Deny && s.Applies == True }
	case d.Allowed == True:
		decides = func(s StatementResult) bool { return s.Effect == Allow && s.Applies == True }
	case d.Allowed == Unknown:
		decides = func(s StatementResult) bool {
			return s.Applies == Unknown && (s.Effect != Allow || allow != True) || s.Effect != Deny && s.Applies == True
		}
	default: // nothing allows it: the near misses, by how far they got
		far := 0
		for _, s := range d.Statements {
			far = max(far, s.distance())
		}
		decides = func(s StatementResult) bool { return far > 0 && s.distance() == far }
	}
	for i := range d.Statements {
		d.Statements[i].Decides = decides(d.Statements[i])
	}
}

// distance is how far a statement that does not apply came to allowing the call: 2 when only a condition failed, 1 when only
// the action or only the principal fits.
func (s StatementResult) distance() int {
	switch {
	case s.Effect == Deny:
		return 0
	case s.Principal != False && s.Action != False:
		return 2
	case s.Principal != False || s.Action != False:
		return 1
	}
	return 0
}

// needsIdentityPolicy: between accounts both sides must allow. Within one, naming the caller itself is enough; naming the
// account hands the decision to its identity policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func (d Decision) needsIdentityPolicy(r request) Truth {
	target, _ := parseARN(r.caller.TargetARN)
	who, roleAccount := r.who, target.account
	if d.Allowed == False || !who.isAWS() {
		return False
	}
	if who.account != "" && roleAccount != "" && who.account != roleAccount {
		return True
	}
	out := True
	for _, s := range d.Statements {
		if s.Effect != Allow || s.Applies == False {
			continue
		}
		if s.Direct && s.Applies == True && who.account == roleAccount && roleAccount != "" {
			return False
		}
		if s.Direct || s.Matched == "*" {
			out = Unknown
		}
	}
	return out
}

func (d Decision) reason(c Caller) string {
	var names []string
	for _, s := range d.Deciding() {
		names = append(names, s.name())
	}
	list := wordList(names, "and")
	switch {
	case d.ExplicitDeny:
		return fmt.Sprintf("%s explicitly denies %s to %s", list, c.call(), c.Name())
	case d.Allowed == True:
		return fmt.Sprintf("%s allows %s to %s", list, c.call(), c.Name())
	case d.Allowed == Unknown:
		return fmt.Sprintf("whether %s may call %s hinges on %s", c.Name(), c.call(), d.hinges())
	}
	out := fmt.Sprintf("no statement allows %s to %s", c.call(), c.Name())
	if len(d.Deciding()) == 0 {
		return out
	}
	var why []string
	for _, s := range d.Deciding() {
		why = append(why, s.name()+" "+s.miss())
	}
	return out + ": " + strings.Join(why, "; ")
}

func (s StatementResult) name() string { return Statement{Number: s.Number, Sid: s.Sid}.Name() }

// miss says why a statement does not apply.
func (s StatementResult) miss() string {
	switch {
	case s.Principal == False && s.Note != "":
		return "does not name this caller (" + s.Note + ")"
	case s.Principal == False:
		return "does not name this caller"
	case s.Action == False:
		return "is about other calls"
	}
	var why []string
	for _, c := range s.Conditions {
		if c.Outcome == False {
			why = append(why, c.words())
		}
	}
	return "needs " + strings.Join(why, " and ")
}

// words says what a condition wanted and what is known: sts:ExternalId (StringEquals "a"), which is "b".
func (c ConditionResult) words() string {
	out := fmt.Sprintf("%s (%s %s), which is %s", c.Key, c.Operator, quoteList(c.Wanted, "or"), c.Known)
	if c.Note != "" {
		out += " (" + c.Note + ")"
	}
	return out
}

// hinges names what a decision that is Unknown would need to know.
func (d Decision) hinges() string {
	var why []string
	for _, s := range d.Deciding() {
		if s.Applies != Unknown {
			if s.Effect == "" {
				why = append(why, s.name()+", whose Effect cannot be read")
			}
			continue
		}
		switch {
		case s.Principal == Unknown && s.Note != "":
			why = append(why, s.name()+": "+s.Note)
		case s.Principal == Unknown:
			why = append(why, s.name()+": whether it names this caller")
		case s.Action == Unknown:
			why = append(why, s.name()+": which calls it covers")
		}
		for _, c := range s.Conditions {
			if c.Outcome == Unknown {
				why = append(why, s.name()+": "+c.words())
			}
		}
	}
	return strings.Join(why, "; ")
}
