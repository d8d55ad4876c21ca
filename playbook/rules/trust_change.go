package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var trustChange = playbook.Rule{
	ID: playbook.TrustChange, N: 3,
	Title: "A change shortly before the onset that could cause these errors",
	Doc: `Takes each successful change of the role in the window and asks whether it could block the callers that fail. Being close in
time is not enough, and being hours earlier is no excuse: a change to sessions bites when the old ones run out.

Criterion for trust-policy-changed: a denied caller, failing after the edit and before the next, whom the policy before the edit
could let in and the policy after it does not (three-valued: high confidence when it surely does not; medium when that hinges on a
condition that was added or made stricter, the caller had got sessions before the edit and none since, but for the two minutes that a
change may take to hold everywhere). Where no earlier version
of the policy can be found, a session that the caller had got before the edit stands in for it. A caller that was already refused
before the edit is not blamed on it, and neither is one whom the edit does not touch (an added principal, another order, a tag).

Criterion for max-session-lowered: UpdateRole with a lower MaxSessionDuration (against the earlier value, or shown by a session
longer than the new maximum that was issued before), then refusals that name MaxSessionDuration, of lengths that the earlier value
allowed, to callers that were not refused so before.

Criterion for sessions-revoked: AWSRevokeOlderSessions with a cut-off in the window, and a session of the role that was alive at it.
High when access denials followed that can come from it: no later than the last session that it cut would have lived. Medium when no
denial is seen and nothing else failed either; low where in addition no such session is seen, because not all of them could be. Where
other failures are seen and no denial, everybody had new sessions in time, and the revocation is ruled out.

Criterion for principal-recreated: the role was deleted and made again in the window, shown by DeleteRole or by sessions of another
role id, or by sessions issued before the role's own CreateDate.

Changes of access keys, identity providers, the boundary, the organization's policies and STS's settings are named here where failures
of a kind that they can cause came after them; the cause itself is for the other rules to name.

That nothing failed after a change rules it out only where CloudTrail's failures and the application logs could both be seen: the
refusal of another account's caller shows in the logs, or in an organization's trail.`,
	Reads: []playbook.StepID{playbook.RoleAndHealth, playbook.STSErrors, playbook.RoleConfig, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges},
	Eval:  evalTrustChange,
}

func evalTrustChange(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	var ruledOut []string // by what failed after them, or did not
	var open bool         // a change that may or may not block: nothing could be proved

	op.Causes, ruledOut, open = s.blamedEdits()
	for _, change := range s.inWindow(facts.MaxSessionEdited) {
		if raised(change) {
			continue
		}
		f, why, unsure := s.blameMax(change)
		if f != nil {
			op.Causes = append(op.Causes, *f)
			continue
		}
		ruledOut = append(ruledOut, why)
		open = open || unsure
	}
	if f, ok, why := s.revoked(); ok {
		op.Causes = append(op.Causes, f)
	} else if why != "" {
		ruledOut = append(ruledOut, why)
	}
	if f, ok := s.recreated(); ok {
		op.Causes = append(op.Causes, f)
	}
	elsewhere, unfollowed, harmless := s.otherChanges()
	ruledOut = append(ruledOut, unfollowed...)

	switch {
	case len(op.Causes) > 0:
		op.Verdict = playbook.Supported
		op.Message = "A change before the failures explains them: " + op.Causes[0].Headline + "."
		for _, f := range op.Causes {
			op.Cites = append(op.Cites, f.Cites...)
		}
	case !s.saw(playbook.TrustChanges):
		return s.undetermined(playbook.TrustChanges)
	case len(elsewhere) > 0:
		op.Verdict = playbook.Supported
		op.Message = sentence(elsewhere)
		op.Cites = s.changeCites()
	case len(ruledOut) > 0 && !s.saw(playbook.STSErrors, playbook.AppErrors):
		// A refusal from another account may show in log lines alone.
		op.Verdict = playbook.Undetermined
		op.Message = sentence(ruledOut) + " But " + s.blindTo(playbook.STSErrors, playbook.AppErrors) + "."
		op.Cites = []playbook.Cite{{Step: playbook.TrustChanges}}
	case open:
		op.Verdict = playbook.Undetermined
		op.Message = sentence(ruledOut)
		op.Cites = []playbook.Cite{{Step: playbook.TrustChanges}}
	case len(ruledOut)+len(harmless) > 0:
		op.Verdict = playbook.Refuted
		op.Message = sentence(append(ruledOut, harmless...))
		op.Cites = s.changeCites()
	default:
		op.Verdict = playbook.Refuted
		op.Message = "Nobody changed the role, its trust policy, its session length or its identity providers in the window."
		op.Cites = []playbook.Cite{{Step: playbook.TrustChanges, Ref: "no change in the window"}}
	}
	return op
}

// settles is how long a change in IAM may take to hold everywhere: sessions that
// were got until then are of the policy before it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
const settles = 2 * time.Minute

// maxSaid bounds the changes that one sentence tells of.
const maxSaid = 6

func sentence(parts []string) string {
	if more := len(parts) - maxSaid; more > 0 {
		parts = append(parts[:maxSaid:maxSaid], fmt.Sprintf("and %d more", more))
	}
	return wording.Capital(strings.Join(parts, "; ")) + "."
}

// raised: the maximum is known to be no lower than before.
func raised(c facts.Change) bool {
	return c.Kind == facts.MaxSessionEdited && c.WasMax != 0 && c.WasMax <= c.NowMax
}

// otherChanges parts the changes that this rule does not judge itself: those that
// came before failures of a kind that they can cause, which other rules judge,
// those after which none of that kind is seen, and those that keep nobody out
// whatever could be seen.
func (s *sight) otherChanges() (elsewhere, unfollowed, harmless []string) {
	for _, c := range s.changes.Changes {
		if !c.InWindow || c.Kind == facts.TrustEdited || c.Kind == facts.MaxSessionEdited && !raised(c) {
			continue
		}
		what := fmt.Sprintf("%s at %s (%s)", c.Event, stamp(c.Time), c.Subject)
		switch {
		case raised(c):
			harmless = append(harmless, maxChange(c)+" did not lower it, so it refuses nobody")
		case slices.ContainsFunc(s.failures, func(f failure) bool { return !f.at.Before(c.Time) && canCause(c, f) }):
			elsewhere = append(elsewhere, what+" came before failures of a kind that it can cause")
		case ownPermissions(c.Kind):
			harmless = append(harmless, what+" keeps no caller from getting a session")
		default:
			unfollowed = append(unfollowed, what+" was followed by no failure that it could cause")
		}
	}
	return elsewhere, unfollowed, harmless
}

// ownPermissions: changes of what the role may do, or of nothing but its labels.
// They do not bear on who gets a session and for how long.
func ownPermissions(k facts.ChangeKind) bool {
	switch k {
	case facts.BoundaryEdited, facts.InlineEdited, facts.AttachedEdited, facts.OtherEdit:
		return true
	}
	return false
}

// canCause: whether a change other than of the trust policy or the maximum can be
// behind a failure that came after it.
func canCause(c facts.Change, f failure) bool {
	denial, _ := trust.EnrichedDenial(f.text)
	switch c.Kind {
	case facts.RoleDeleted:
		return f.kind == facts.AssumeDenied || f.kind == facts.NoSuchRole || f.kind == facts.InvalidCredentials
	case facts.KeyEdited:
		if c.Event == "DeactivateMFADevice" {
			return f.kind == facts.MFAFailed
		}
		return c.After != "Active" && f.kind == facts.InvalidCredentials
	case facts.ProviderEdited:
		return f.kind == facts.IdentityProviderBad || f.kind == facts.AssumeDenied && strings.HasPrefix(f.call, "AssumeRoleWith")
	case facts.OrgPolicyEdited:
		return denial.Reason == trust.DenialSCP || denial.Reason == trust.DenialRCP
	case facts.BoundaryEdited:
		return denial.Reason == trust.DenialBoundary
	case facts.STSSettingEdited:
		return f.kind == facts.RegionOff || f.kind == facts.InvalidCredentials
	}
	return false
}

func (s *sight) inWindow(kind facts.ChangeKind) []facts.Change {
	return pick(s.changes.Changes, func(c facts.Change) bool { return c.InWindow && c.Kind == kind })
}

func changeCite(c facts.Change) playbook.Cite {
	return playbook.Cite{Step: playbook.TrustChanges, Ref: fmt.Sprintf("event %s: %s by %s at %s", c.EventID, c.Event, c.Actor, stamp(c.Time))}
}

func (s *sight) changeCites() []playbook.Cite {
	var out []playbook.Cite
	for _, c := range s.changes.Changes {
		if c.InWindow && len(out) < maxCites {
			out = append(out, changeCite(c))
		}
	}
	return out
}

// blamedEdits asks of each edit of the trust policy whether it explains refusals
// between it and the next; what does not is ruled out, or stays open.
func (s *sight) blamedEdits() (found []playbook.Finding, ruledOut []string, open bool) {
	edits := s.inWindow(facts.TrustEdited)
	for i, edit := range edits {
		until := s.req.Window.To
		if i+1 < len(edits) {
			until = edits[i+1].Time
		}
		f, why, unsure := s.blameEdit(edit, until)
		if f != nil {
			found = append(found, *f)
			continue
		}
		ruledOut = append(ruledOut, why)
		open = open || unsure
	}
	return found, ruledOut, open
}

// blameEdit asks whether one edit of the trust policy explains refusals between
// it and the next. Without a finding it says why not, and whether that is unsure.
func (s *sight) blameEdit(edit facts.Change, until time.Time) (found *playbook.Finding, why string, unsure bool) {
	after, okAfter := decode(edit.After)
	before, okBefore := decode(edit.Before)
	okBefore = okBefore && edit.BeforeIs == playbook.Yes
	what := fmt.Sprintf("the trust policy edit at %s", stamp(edit.Time))
	all := pick(s.refusals(), func(r refused) bool { return r.kind == facts.AssumeDenied })
	later := pick(all, func(r refused) bool { return !r.at.Before(edit.Time) && !r.at.After(until) })
	if len(later) == 0 {
		return nil, what + " was followed by no refused request for a session", false
	}
	if !okAfter {
		return nil, what + " could not be read", true
	}
	var blocked []failure
	var names []string
	confidence := playbook.Low
	var reason string
	for _, r := range later {
		granted, had := s.succeeded(r.caller, edit.Time)
		failedBefore := slices.ContainsFunc(all, func(o refused) bool {
			return o.at.Before(edit.Time) && o.caller.Name() == r.caller.Name() && (!had || o.at.After(granted.Issued))
		})
		if failedBefore {
			reason = firstText(reason, fmt.Sprintf("%s was already refused before it", s.callerWords(r)))
			continue
		}
		verdict, because := s.blocks(before, okBefore, after, r.caller, had)
		switch {
		case verdict == trust.True:
			confidence = playbook.High
		case verdict == trust.Unknown && had && !s.succeededAfter(r.caller, edit.Time.Add(settles)):
			confidence = max(confidence, playbook.Medium)
		case verdict == trust.Unknown:
			unsure = true
			reason = firstText(reason, "whether it blocks "+s.callerWords(r)+" cannot be told: "+because)
			continue
		default:
			reason = firstText(reason, fmt.Sprintf("it cannot block %s: %s", s.callerWords(r), because))
			continue
		}
		blocked = append(blocked, r.failure)
		names = append(names, s.callerWords(r))
		reason = because
	}
	if len(blocked) == 0 {
		return nil, what + ": " + reason, unsure
	}
	first := blocked[0]
	headline := fmt.Sprintf("A trust policy change at %s keeps %s out", edit.Time.UTC().Format("2006-01-02 15:04 UTC"), Some(unique(names), 3))
	text := fmt.Sprintf("%s edited the trust policy at %s. ", wording.Capital(principalWords(edit.Actor)), stamp(edit.Time))
	if diff := diffWords(edit); diff != "" {
		text += diff + " "
	}
	text += fmt.Sprintf("Since then it is refused (%s, first at %s): %s.", tally(blocked), stamp(first.at), reason)
	f := finding(playbook.TrustPolicyChanged, confidence, blocked, headline, text)
	f.Cites = append([]playbook.Cite{changeCite(edit)}, f.Cites...)
	return &f, "", false
}

func firstText(old, new string) string {
	if old == "" {
		return new
	}
	return old
}

func diffWords(edit facts.Change) string {
	if len(edit.Diff) == 0 {
		return ""
	}
	text := strings.TrimSuffix(Some(edit.Diff, 3), ".") + "."
	if strings.HasPrefix(text, "arn:") {
		return text
	}
	return wording.Capital(text)
}

// blocks puts the caller to both policies. Where the earlier one is not known, a
// session that the caller had got says that it let the caller in.
func (s *sight) blocks(before trust.Policy, known bool, after trust.Policy, c trust.Caller, had bool) (trust.Truth, string) {
	if known {
		b := trust.Diff(before, after).Blocks(c)
		return b.Truth, b.Reason
	}
	d := trust.Evaluate(after, c)
	switch {
	case d.Allowed == trust.True:
		return trust.False, d.Reason
	case !had:
		return trust.Unknown, "no earlier version of the policy and no earlier session of this caller is to be found"
	case d.Allowed == trust.False:
		return trust.True, "it had got sessions before, and after the change " + d.Reason
	}
	return trust.Unknown, d.Reason
}

func maxChange(c facts.Change) string {
	return fmt.Sprintf("the change of MaxSessionDuration to %s at %s", orUnknown(c.NowMax), stamp(c.Time))
}

// blameMax asks whether lowering MaxSessionDuration explains refused durations.
// Without a finding it says why not, and whether that is unsure.
func (s *sight) blameMax(c facts.Change) (found *playbook.Finding, why string, unsure bool) {
	what := maxChange(c)
	if c.NowMax == 0 {
		return nil, what + " gives no value", true
	}
	was, shown := c.WasMax, playbook.Cite{}
	if was == 0 {
		for _, u := range s.ledger.Sessions {
			if u.Issued.Before(c.Time) && !u.Service && u.Seconds > c.NowMax+int(expirySlack.Seconds()) && u.Seconds > was {
				was = u.Seconds
				shown = playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("event %s: session %s of %s issued %s", u.EventID, u.Name, seconds(u.Seconds), stamp(u.Issued))}
			}
		}
	}
	all := s.tooLong()
	fs := pick(all, func(f failure) bool {
		n := asked(f)
		return !f.at.Before(c.Time) && (n == 0 || n > c.NowMax && (c.WasMax == 0 || n <= c.WasMax)) &&
			!slices.ContainsFunc(all, func(o failure) bool { return o.client == f.client && o.at.Before(c.Time) })
	})
	if len(fs) == 0 {
		return nil, what + " was followed by no request that it refuses and the earlier value allowed", false
	}
	if was == 0 {
		return nil, what + " has no earlier value to compare with, and no longer session before it", true
	}
	f := finding(playbook.MaxSessionLowered, playbook.High, fs,
		fmt.Sprintf("MaxSessionDuration was lowered from %s to %s", atLeast(c.WasMax, was), seconds(c.NowMax)),
		fmt.Sprintf("%s set MaxSessionDuration to %s at %s; it was %s. Sessions that ran then were left alone, but every renewal since that asks for more is refused: %s, first at %s.",
			wording.Capital(principalWords(c.Actor)), seconds(c.NowMax), stamp(c.Time), atLeast(c.WasMax, was), tally(fs), stamp(fs[0].at)))
	f.Cites = append([]playbook.Cite{changeCite(c)}, f.Cites...)
	if shown.Ref != "" {
		f.Cites = append(f.Cites, shown)
	}
	return &f, "", false
}

func atLeast(known, seen int) string {
	if known != 0 {
		return seconds(known)
	}
	return "at least " + seconds(seen)
}

// revoked looks for a revocation in the window, in the role's live policies or
// among the changes. Without a finding it says why one that was seen is none.
func (s *sight) revoked() (found playbook.Finding, ok bool, why string) {
	var cut time.Time
	var cite playbook.Cite
	by := "Somebody"
	for _, p := range s.config.Policies {
		if s.req.Window.Contains(p.RevokesBefore) && p.RevokesBefore.After(cut) {
			cut = p.RevokesBefore
			cite = playbook.Cite{Step: playbook.RoleConfig, Ref: fmt.Sprintf("inline policy %s denies sessions issued before %s", p.Name, stamp(cut))}
		}
	}
	for _, c := range s.inWindow(facts.SessionsCut) {
		if !c.RevokesBefore.Before(cut) {
			cut, cite, by = c.RevokesBefore, changeCite(c), principalWords(c.Actor)
		}
	}
	if cut.IsZero() {
		return playbook.Finding{}, false, ""
	}
	what := fmt.Sprintf("the revocation of sessions issued before %s", stamp(cut))
	alive := pick(s.ledger.Sessions, func(u facts.Session) bool { return u.Issued.Before(cut) && u.Expires.After(cut) })
	until := cut.Add(playbook.LongestSession) // the last that a session which it cut may live
	if len(alive) > 0 && s.saw(playbook.Sessions) {
		until = slices.MaxFunc(alive, func(a, b facts.Session) int { return a.Expires.Compare(b.Expires) }).Expires
	}
	denied := pick(s.of(facts.AccessDenied, facts.AssumeDenied), func(f failure) bool {
		if f.at.Before(cut) || f.at.After(until) {
			return false
		}
		d, ok := trust.EnrichedDenial(f.text)
		return !ok || d.Reason == trust.DenialUnnamed || d.Reason == trust.DenialIdentityPolicy
	})
	for i := range alive {
		u := alive[i]
		if strings.Contains(u.LastFailure, "AccessDenied") && u.LastUse.After(cut) {
			denied = append(denied, failure{key: "use:" + u.EventID, at: u.LastUse, kind: facts.AccessDenied,
				cite: playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("session %s (%s), issued %s, denied at %s", u.Name, u.Key, stamp(u.Issued), stamp(u.LastUse))}})
		}
	}
	confidence := playbook.Medium
	switch {
	case len(denied) > 0:
		confidence = playbook.High
	case len(alive) == 0 && s.ledgerWhole(cut):
		return playbook.Finding{}, false, what + " cut nobody: no session was alive then"
	case s.saw(playbook.AppErrors) && slices.ContainsFunc(s.failures, func(f failure) bool { return !f.at.Before(cut) && !f.baseline }):
		return playbook.Finding{}, false, what + " was followed by no denial, and what failed after it failed in another way"
	case len(alive) == 0:
		confidence = playbook.Low
	}
	held := wording.Count(len(alive), "session was", "sessions were") + " alive then"
	if len(alive) == 0 && !s.ledgerWhole(cut) {
		held = "Whether sessions were alive then could not be seen"
	}
	f := finding(playbook.SessionsRevoked, confidence, denied, fmt.Sprintf("Sessions issued before %s were revoked", stamp(cut)),
		fmt.Sprintf("%s revoked the role's sessions: everything issued before %s is denied every action until it ends, which reads like expiry. %s, %s since. New sessions are not affected, but clients that cache credentials keep the dead ones until their end.",
			by, stamp(cut), held, wording.Count(len(denied), "denial is seen", "denials are seen")))
	f.Cites = append([]playbook.Cite{cite}, f.Cites...)
	return f, true, ""
}

// recreated looks for a role that was deleted and made again.
func (s *sight) recreated() (playbook.Finding, bool) {
	if s.role.Exists != playbook.Yes || !s.req.Window.Contains(s.role.Created) {
		return playbook.Finding{}, false
	}
	var proof []playbook.Cite
	for _, c := range s.changes.Changes {
		if c.Kind == facts.RoleDeleted && !c.Time.After(s.role.Created) {
			proof = append(proof, changeCite(c))
		}
	}
	for _, u := range s.ledger.Sessions {
		if len(proof) == maxCites {
			break
		}
		if u.RoleID != "" && s.role.RoleID != "" && u.RoleID != s.role.RoleID || u.Issued.Before(s.role.Created.Add(-expirySlack)) {
			proof = append(proof, playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("event %s: session %s of the former role, issued %s", u.EventID, u.Name, stamp(u.Issued))})
		}
	}
	if len(proof) == 0 {
		return playbook.Finding{}, false
	}
	after := pick(s.of(facts.InvalidCredentials, facts.AssumeDenied, facts.AccessDenied, facts.SessionExpired, facts.RefreshFailed),
		func(f failure) bool { return f.at.After(s.role.Created.Add(-renewalReach)) })
	f := finding(playbook.PrincipalRecreated, playbook.High, after, "The role was deleted and made again",
		fmt.Sprintf("The role with this name was made at %s, inside the window, and there was one before. Sessions of the former role died with it, and policies elsewhere that trusted it hold the former role's id, which the new one does not have.", stamp(s.role.Created)))
	f.Cites = append(proof, f.Cites...)
	f.Cites = append(f.Cites, playbook.Cite{Step: playbook.RoleAndHealth, Ref: "CreateDate " + stamp(s.role.Created)})
	return f, true
}
