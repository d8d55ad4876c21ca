package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var crossAccountLimits = playbook.Rule{
	ID: playbook.CrossAccountLimits, N: 6,
	Title: "Whether the caller may assume the role, and for how long in a chain",
	Doc: `Puts each refused caller to the trust policy that was in force at that moment.

Criterion for cross-account-denied: the caller is of another account, and the trust policy surely does not match it (account, ARN) or
a condition on it surely does not hold (ExternalId, organisation); medium confidence where it hinges on a condition that cannot be
seen from here. A denied call from another account is recorded in the caller's account only, so it shows here through application
logs, or through an organization's trail.

Criterion for principal-recreated: the trust policy names a principal by a bare unique id (AROA…, AIDA…), which is how IAM shows one
that was deleted, and refuses a caller that no other statement matches.

Criterion for mfa-condition: AWS says that the MFA code or device is wrong, or the statement that would let the caller in wants MFA,
or a younger MFA login, and that condition does not hold.

Criterion for role-chaining-limit: AWS refuses more than one hour "for roles assumed by role chaining"; or sessions asked for with
temporary credentials end after exactly one hour, are used past it, and the role itself would allow more. A caller with long-term keys
is never chained.

Criterion for access-denied-other: AWS names another policy (service control policy, boundary, session policy, identity policy), or
the trust policy lets the caller in or never named it inside the same account: a denial, but not an expiry. A bare "Access Denied", which
names no policy, counts only where nothing else of the role failed. Where changes of the trust policy could not be seen, and the caller
had sessions before, its refusal stays open: the policy let it in once. A caller of the account
that never had a session of this role and was refused fewer than three times, in CloudTrail alone, only tried: that is no cause.

Criterion for source-credentials: the call that asks for the session is itself answered with an expired, inactive or unknown key, or any
call of a client is answered with an unknown key after a key or user that the role trusts was switched off or deleted. Of low
confidence where only other calls of a client of the role are answered so, three times at least, and nothing else failed.`,
	Reads: []playbook.StepID{playbook.RoleAndHealth, playbook.STSErrors, playbook.RoleConfig, playbook.Sessions, playbook.AppErrors, playbook.CrossAccount, playbook.TrustChanges},
	Eval:  evalCrossAccount,
}

func evalCrossAccount(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	blamed, _, _ := s.blamedEdits()
	refusals, open := s.refusedCallers(blamed)
	op.Causes = append(op.Causes, refusals...)
	if f, ok := s.chained(); ok {
		op.Causes = append(op.Causes, f)
	}
	if f, ok := s.sourceCredentials(); ok {
		op.Causes = append(op.Causes, f)
	}
	if f, ok := s.deniedElsewhere(); ok {
		op.Causes = append(op.Causes, f)
	}
	switch {
	case len(op.Causes) == 0 && len(blamed) > 0:
		op.Verdict = playbook.Supported
		op.Message = "The caller is not allowed to assume the role since the trust policy changed; that is trust-change's finding."
		op.Cites = blamed[0].Cites
	case len(op.Causes) > 0:
		op.Verdict = playbook.Supported
		op.Message = op.Causes[0].Headline + "."
		for _, f := range op.Causes {
			op.Cites = append(op.Cites, f.Cites...)
		}
	case open != "":
		op.Verdict = playbook.Undetermined
		op.Message = wording.Capital(open) + "."
		op.Cites = cites(s.of(facts.AssumeDenied))
	case !s.saw(playbook.CrossAccount, playbook.STSErrors, playbook.Sessions):
		return s.undetermined(playbook.CrossAccount, playbook.STSErrors, playbook.Sessions)
	default:
		op.Verdict = playbook.Refuted
		nobody := "No caller"
		if len(s.refusals()) > 0 { // tries, all of them
			nobody = "Nobody who ever had a session"
		}
		op.Message = nobody + " is refused by the trust policy, and no session is cut by role chaining. A trust policy cannot shorten a session. Denied calls from other accounts are recorded there; here they show only through an organization's trail or the application's logs."
		op.Cites = []playbook.Cite{{Step: playbook.CrossAccount, Ref: wording.Count(len(s.access.Principals), "principal", "principals") + " in the trust policy"}}
	}
	return op
}

// refusedCallers judges each refusal that no edit of the trust policy explains,
// and gathers them by cause; open says of one that stays without a cause why.
func (s *sight) refusedCallers(blamed []playbook.Finding) (found []playbook.Finding, open string) {
	explained := map[string]bool{}
	for _, f := range blamed {
		for _, k := range f.Explains {
			explained[k] = true
		}
	}
	type verdict struct {
		fs         []failure
		confidence playbook.Confidence
		why        string
		headline   string
	}
	byCause := map[playbook.CauseID]*verdict{}
	var order []playbook.CauseID
	all := s.refusals()
	for _, r := range all {
		if explained[r.occasion] {
			continue
		}
		cause, confidence, headline, why := s.judgeRefusal(r)
		if cause == "" {
			open = firstText(open, why)
		}
		if cause == "" || cause == playbook.AccessDeniedOther && s.onlyTried(r, all) {
			continue
		}
		v := byCause[cause]
		if v == nil {
			v = &verdict{headline: headline, why: why}
			byCause[cause] = v
			order = append(order, cause)
		}
		if confidence > v.confidence {
			v.confidence, v.headline, v.why = confidence, headline, why
		}
		v.fs = append(v.fs, r.failure)
	}
	for _, cause := range order {
		v := byCause[cause]
		f := finding(cause, v.confidence, v.fs, begun(v.headline), fmt.Sprintf("%s (%s, first at %s).", wording.Capital(strings.TrimSuffix(v.why, ".")), tally(v.fs), stamp(v.fs[0].at)))
		if s.config.TrustPolicy != "" && cause != playbook.AccessDeniedOther {
			f.Cites = append(f.Cites, playbook.Cite{Step: playbook.CrossAccount, Ref: "trust policy: " + s.principalsWords()})
		}
		found = append(found, f)
	}
	return found, open
}

// begun makes a sentence of words that begin with a kind of principal.
func begun(words string) string {
	switch first, _, _ := strings.Cut(words, " "); first {
	case "user", "role", "account", "identity":
		return wording.Capital(words)
	}
	return words
}

// onlyTried: a caller of the same account that never had a session of this role,
// and was refused once or twice in CloudTrail alone, tried its luck. Nobody's
// credentials end by that. Where sessions could not be seen, it may have had one.
func (s *sight) onlyTried(r refused, all []refused) bool {
	if r.event == nil || s.foreignAccount(r.from) || !s.saw(playbook.Sessions) {
		return false
	}
	if _, had := s.succeeded(r.caller, s.req.Window.To); had {
		return false
	}
	var tries []failure
	for _, o := range all {
		if o.event != nil && principalOf(o.caller.Name()) == principalOf(r.caller.Name()) {
			tries = append(tries, o.failure)
		}
	}
	return len(occasions(tries)) < noiseBelow
}

// allTried: whatever failed was somebody's try.
func (s *sight) allTried() bool {
	all := s.refusals()
	return len(all) == len(s.failures) && !slices.ContainsFunc(all, func(r refused) bool { return !s.onlyTried(r, all) })
}

func (s *sight) principalsWords() string {
	var list []string
	for _, p := range s.access.Principals {
		list = append(list, p.Effect+" "+p.Value)
	}
	if len(list) == 0 {
		return "lets nobody in"
	}
	return Some(unique(list), 4)
}

// judgeRefusal names the cause of one refusal by the policy in force at its time.
func (s *sight) judgeRefusal(r refused) (playbook.CauseID, playbook.Confidence, string, string) {
	who := s.callerWords(r)
	if r.kind == facts.MFAFailed {
		return playbook.MFACondition, playbook.High, "The MFA check fails", fmt.Sprintf("AWS refused the MFA code or device of %s: %s", who, shorten(r.text, 160))
	}
	if d := r.denial; d.Reason != trust.DenialUnnamed && d.Reason != trust.DenialTrustPolicy {
		return playbook.AccessDeniedOther, playbook.High, fmt.Sprintf("%s is denied by %s", who, policyWords(d.Reason)),
			fmt.Sprintf("AWS names the policy that refuses %s: %s. That is a denial, not an expiry", who, policyWords(d.Reason))
	}
	policy, ok := s.policyAt(r.at)
	if !ok {
		return "", 0, "", fmt.Sprintf("the trust policy in force at %s, when a request was refused, is not known", stamp(r.at))
	}
	if r.caller.Federated != "" {
		return s.judgeFederated(r, policy, who)
	}
	if r.caller.ARN == "" && r.caller.Account == "" && r.caller.PrincipalID == "" {
		return "", 0, "", fmt.Sprintf("a refused request at %s does not show whose it was", stamp(r.at))
	}
	d := trust.Evaluate(policy, r.caller)
	foreign := s.foreignAccount(r.from)
	mfa, other := conditions(d)
	switch {
	case d.Allowed == trust.True:
		return playbook.AccessDeniedOther, playbook.Medium, fmt.Sprintf("%s is denied by something other than the trust policy", who),
			fmt.Sprintf("the trust policy lets %s in, so its own identity policy, a boundary, a session policy or a service control policy refuses it", who)
	case mfa != "" && d.Allowed == trust.False:
		return playbook.MFACondition, playbook.High, fmt.Sprintf("The MFA condition on %s does not hold", who),
			fmt.Sprintf("the trust policy lets %s in only with %s, which does not hold at that moment", who, mfa)
	case mfa != "" && s.hadMFA(r):
		return playbook.MFACondition, playbook.Medium, fmt.Sprintf("The MFA condition on %s probably does not hold any more", who),
			fmt.Sprintf("the trust policy lets %s in only with %s; it got sessions before and is refused now", who, mfa)
	case d.Allowed == trust.False && len(trust.Deleted(policy)) > 0 && other == "" && !named(d):
		return playbook.PrincipalRecreated, playbook.High, "The trust policy names a principal that was deleted",
			fmt.Sprintf("the trust policy names %s, an id that IAM can no longer map to a principal: it was deleted. A new one of the same name, such as %s, has another id and is not let in", Some(trust.Deleted(policy), 2), who)
	case d.Allowed == trust.False && !s.saw(playbook.TrustChanges) && s.hadSession(r):
		return "", 0, "", fmt.Sprintf("%s got a session before it was refused at %s, and the trust policy as it is known does not let it in. Whether the policy was changed in between could not be seen: %s",
			who, stamp(r.at), s.blindTo(playbook.TrustChanges))
	case foreign && d.Allowed == trust.False:
		return playbook.CrossAccountDenied, playbook.High, fmt.Sprintf("%s is not let in by the trust policy", who), "the caller is of another account, and " + d.Reason
	case foreign:
		return playbook.CrossAccountDenied, playbook.Medium, fmt.Sprintf("%s is probably kept out by a condition of the trust policy", who),
			fmt.Sprintf("the caller is of another account, and whether it is let in hinges on what cannot be seen from here: %s", d.Reason)
	case d.Allowed == trust.False && !s.saw(playbook.TrustChanges):
		return playbook.AccessDeniedOther, playbook.Low, fmt.Sprintf("The trust policy does not let %s in", who), d.Reason + "; whether it was changed could not be seen"
	case d.Allowed == trust.False:
		return playbook.AccessDeniedOther, playbook.Medium, fmt.Sprintf("The trust policy does not let %s in, and did not change", who), d.Reason
	}
	return playbook.AccessDeniedOther, playbook.Low, fmt.Sprintf("%s is denied for a reason that cannot be seen from here", who), d.Reason
}

// judgeFederated: a web identity or SAML caller that is refused although its
// token was taken: wrong provider or audience, or a subject that is not let in.
func (s *sight) judgeFederated(r refused, policy trust.Policy, who string) (playbook.CauseID, playbook.Confidence, string, string) {
	d := trust.Evaluate(policy, r.caller)
	switch {
	case d.Allowed == trust.False && !named(d):
		return playbook.IDPConfig, playbook.High, "The trust policy names another identity provider than the caller's",
			fmt.Sprintf("the caller comes through %s, which no statement of the trust policy names", r.caller.Federated)
	case d.Allowed == trust.False:
		_, other := conditions(d)
		if strings.Contains(other, ":aud") {
			return playbook.IDPConfig, playbook.High, "The token's audience is not the one that the trust policy wants", d.Reason
		}
		return playbook.AccessDeniedOther, playbook.High, fmt.Sprintf("The trust policy does not let %s in", strings.Join(subject(r.caller), "")), d.Reason
	case d.Allowed == trust.True:
		return playbook.AccessDeniedOther, playbook.Medium, "A federated caller is denied by something other than the trust policy", d.Reason
	}
	return playbook.AccessDeniedOther, playbook.Low, "A federated caller is denied, and the deciding condition cannot be seen", d.Reason
}

// named reports whether any statement names the caller itself or its account.
func named(d trust.Decision) bool {
	return slices.ContainsFunc(d.Statements, func(st trust.StatementResult) bool {
		return st.Effect == trust.Allow && st.Principal != trust.False && st.Action != trust.False
	})
}

// conditions are the MFA condition and any other that keep the caller from
// being allowed, in words; "" where there is none.
func conditions(d trust.Decision) (mfa, other string) {
	for _, st := range d.Statements {
		if st.Principal == trust.False || st.Action == trust.False {
			continue
		}
		for _, c := range st.Conditions {
			// What keeps a caller out is an Allow's condition that fails, or a Deny's that holds.
			against := st.Effect == trust.Allow && c.Outcome != trust.True || st.Effect == trust.Deny && c.Outcome != trust.False
			if !against {
				continue
			}
			words := fmt.Sprintf("%s %s %s", c.Key, c.Operator, strings.Join(c.Wanted, " or "))
			if strings.HasPrefix(strings.ToLower(c.Key), "aws:multifactorauth") {
				mfa = firstText(mfa, words)
			} else {
				other = firstText(other, words)
			}
		}
	}
	return mfa, other
}

// hadSession: the caller got a session before it was refused.
func (s *sight) hadSession(r refused) bool {
	_, had := s.succeeded(r.caller, r.at)
	return had
}

// hadMFA: the caller got a session earlier, and is refused now.
func (s *sight) hadMFA(r refused) bool {
	return s.hadSession(r) && !s.succeededAfter(r.caller, r.at)
}

// chained looks for sessions cut to one hour because their caller's own
// credentials are temporary.
func (s *sight) chained() (playbook.Finding, bool) {
	asked := s.of(facts.DurationAboveChain)
	if len(asked) > 0 {
		return finding(playbook.RoleChainingLimit, playbook.High, asked, fmt.Sprintf("A chained call asks for %s, and chaining allows one hour", orMore(longestAsked(asked))),
			fmt.Sprintf("AWS refuses the call in so many words (%s): the caller's own credentials are temporary, and a session asked for with those lives one hour at most, whatever the role allows%s.", tally(asked), s.maxAside())), true
	}
	if s.config.MaxSessionDuration <= ChainLimit {
		return playbook.Finding{}, false
	}
	cut := pick(s.failures, func(f failure) bool {
		return usedCredentials(f.kind) && !f.issuing && f.session != nil && f.byName && f.past() >= -expirySlack &&
			f.session.Chained == playbook.Yes && !f.session.Service && abs(f.session.Seconds-ChainLimit) <= int(expirySlack.Seconds())
	})
	if len(cut) == 0 {
		return playbook.Finding{}, false
	}
	u := cut[0].session
	f := finding(playbook.RoleChainingLimit, playbook.Medium, nil, fmt.Sprintf("Role chaining caps these sessions at one hour, though the role allows %s", seconds(s.config.MaxSessionDuration)),
		fmt.Sprintf("%s asks for the session with temporary credentials of its own, so the session ends after one hour and no setting of this role makes it longer. %s ran past that.", wording.Capital(principalWords(u.Caller.Name())), wording.Count(len(episodes(cut)), "session", "sessions")))
	f.Cites = append(cites(cut), playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("event %s: %s asked with temporary credentials, %s", u.EventID, u.Caller.Name(), seconds(u.Seconds))})
	f.Cites = append(f.Cites, s.maxCite()...)
	return f, true
}

func orMore(secs int) string {
	if secs == 0 {
		return "more"
	}
	return seconds(secs)
}

func (s *sight) maxAside() string {
	if s.config.MaxSessionDuration > ChainLimit {
		return " (it would allow " + seconds(s.config.MaxSessionDuration) + " to a caller with long-term credentials)"
	}
	return ""
}

// sourceCredentials looks for issuing calls that AWS answered with "your own
// credentials are no good". Where nothing but such answers to other calls is
// seen, again and again, the key is bad as well, but whose it is stays open.
func (s *sight) sourceCredentials() (playbook.Finding, bool) {
	caused := func(c facts.Change, f failure) bool { return !f.at.Before(c.Time) && canCause(c, f) }
	edits := s.inWindow(facts.KeyEdited)
	fs := pick(s.of(facts.InvalidCredentials, facts.SessionExpired, facts.ExpiredOrSkew), func(f failure) bool {
		return f.issuing || slices.ContainsFunc(edits, func(c facts.Change) bool { return caused(c, f) })
	})
	confidence := playbook.High
	if len(fs) == 0 && !slices.ContainsFunc(s.failures, func(f failure) bool { return f.kind != facts.InvalidCredentials && !f.baseline }) {
		if only := pick(s.of(facts.InvalidCredentials), func(f failure) bool { return f.ours }); len(occasions(only)) >= consistentLeast {
			fs, confidence = only, playbook.Low
		}
	}
	if len(fs) == 0 {
		return playbook.Finding{}, false
	}
	ended := pick(fs, func(f failure) bool { return f.kind != facts.InvalidCredentials })
	headline := "The credentials that ask for the session are themselves refused"
	why := fmt.Sprintf("The call that asks for this role's session is answered with %q: not the role's session is at fault but the credentials that the caller signs with.", gist(fs[0], 140))
	if len(ended) == len(fs) {
		headline = "The credentials that ask for the session have themselves expired"
	}
	if confidence == playbook.Low {
		headline = "The key that the client signs with is not known to AWS"
		why = fmt.Sprintf("Calls are answered with %q: the key is inactive, deleted, of another partition, or copied without its session token. No session of the role needs to have ended for that.", gist(fs[0], 140))
	}
	f := finding(playbook.SourceCredentials, confidence, fs, headline, why)
	edits = pick(edits, func(c facts.Change) bool {
		return slices.ContainsFunc(fs, func(f failure) bool { return caused(c, f) })
	})
	for _, e := range edits[:min(len(edits), 2)] {
		f.Why += fmt.Sprintf(" %s changed %s at %s.", wording.Capital(principalWords(e.Actor)), e.Subject, stamp(e.Time))
		f.Cites = append(f.Cites, changeCite(e))
	}
	return f, true
}

// deniedElsewhere: access denials of the role's own calls, which are no expiry.
// Where AWS names neither who is denied nor the policy ("Access Denied"), they
// count only if nothing else of the role failed.
func (s *sight) deniedElsewhere() (playbook.Finding, bool) {
	fs := pick(s.of(facts.AccessDenied), func(f failure) bool { return f.ours })
	named := pick(fs, func(f failure) bool { _, ok := trust.EnrichedDenial(f.text); return ok })
	confidence := playbook.Medium
	switch {
	case len(named) > 0:
		fs = named
	case slices.ContainsFunc(s.failures, func(f failure) bool { return f.kind != facts.AccessDenied && !f.baseline }):
		return playbook.Finding{}, false
	default:
		confidence = playbook.Low
	}
	if len(fs) == 0 {
		return playbook.Finding{}, false
	}
	why := "The role's own calls are refused for want of a permission; a refreshed session would be refused as well"
	if d, ok := trust.EnrichedDenial(fs[0].text); ok && d.Reason != trust.DenialUnnamed {
		why += ". AWS names the policy: " + policyWords(d.Reason)
	}
	return finding(playbook.AccessDeniedOther, confidence, fs, "Calls of the role are denied, which is not expiry", why+"."), true
}
