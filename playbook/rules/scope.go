package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var scope = playbook.Rule{
	ID: playbook.Scope, N: 4,
	Title: "One role, several roles, or the whole account",
	Doc: `Compares this role's failures with other roles' failures, each role against its own baseline: a role that always fails a
little does not count as struck. A role counts when its errors after the onset come at three times their earlier rate or more, and
are at least three.

Criterion for role-missing: IAM answers NoSuchEntity for the role (in the account that was asked; a role of another account is not
looked for in this one). Where sessions of it were issued in the window and no DeleteRole followed, that answer is contradicted: low
confidence, and any other cause comes in its place.

Criterion for sts-service-event: an open (or just closed) STS event in AWS Health or the public feed for the region (for the global
endpoint's region where the role's callers use that), or an STS endpoint that does not answer or answers with an error of its own, and failures in at least two unrelated roles. An IAM event alone is not one: IAM's control plane does
not touch sessions that are issued.

Criterion for throttled: AWS answered Throttling to calls that ask for sessions.

Criterion for region-disabled: RegionDisabledException, or invalid-token answers in an opt-in region while the account's global
endpoint hands out version 1 tokens, which are refused there; not where the role's sessions all came from regional endpoints, and not
for a caller's own key that was switched off before.

Criterion for account-wide-refresh: at least three roles, this one included, fail in the same way (ended sessions or failed renewals)
at the same time, without a service event; high confidence where they share one user agent and AWS's events could be read. Other roles' log lines count when they rise
with this role's, or, where this role fails all through the window, when they are in its own log group. It then stands in for the
single role's no-refresh.`,
	Reads: []playbook.StepID{playbook.RoleAndHealth, playbook.STSErrors, playbook.STSMetrics, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges},
	Eval:  evalScope,
}

const (
	struckLeast = 3 // errors after the onset before another role counts as struck
	sharedLeast = 2 // other roles that make a fault account-wide
)

// struck is another role whose failures rose with this one's.
type struck struct {
	rate   facts.RoleRate
	errors int // after the onset
}

func evalScope(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	b, failing := s.began, s.failing
	from := b.at
	if !failing || b.steady {
		from = c.Request.Window.From
	}
	others := s.struck(from)
	event := s.serviceEvent(from)

	if f, ok := s.missing(); ok {
		op.Causes = append(op.Causes, f)
	}
	if f, ok := s.regionOff(); ok {
		op.Causes = append(op.Causes, f)
	}
	if fs := s.throttledCalls(); len(fs) > 0 {
		op.Causes = append(op.Causes, finding(playbook.Throttled, playbook.High, fs, "Requests for sessions are throttled",
			fmt.Sprintf("AWS answers Throttling to requests for sessions (%s, first at %s). STS counts all issuing calls of the account in the region together, so one busy client can starve the others.", tally(fs), stamp(fs[0].at))))
	}
	if event != nil && len(others) >= sharedLeast && failing {
		op.Causes = append(op.Causes, s.serviceFinding(event, others))
	}
	if event == nil {
		if f, ok := s.accountWide(from, failing && !b.steady); ok {
			op.Causes = append(op.Causes, f)
		}
	}

	names := func() string {
		var n []string
		for _, o := range others {
			n = append(n, roleName(o.rate.RoleARN))
		}
		return Some(n, 4)
	}
	switch {
	case len(op.Causes) > 0:
		op.Verdict = playbook.Supported
		op.Message = op.Causes[0].Headline + "."
		op.Cites = op.Causes[0].Cites
	case !s.saw(playbook.STSErrors):
		op.Message = s.undetermined(playbook.STSErrors).Message + " Other roles cannot be compared."
	case len(others) > 0 && failing:
		op.Verdict = playbook.Supported
		op.Message = fmt.Sprintf("%s rose above their own baseline at the same time: %s. No throttling is seen, and %s.", wording.Count(len(others), "other role's errors", "other roles' errors"), names(), s.noEvent())
		op.Cites = []playbook.Cite{{Step: playbook.STSErrors, Ref: "errors of " + names()}}
	case failing && len(s.errors.Roles) <= 1:
		op.Verdict = playbook.Refuted
		op.Message = "No other role's calls for sessions are seen, so there is none that is struck too."
		op.Cites = []playbook.Cite{{Step: playbook.STSErrors, Ref: "no other role to compare with"}}
	case failing:
		op.Verdict = playbook.Refuted
		op.Message = fmt.Sprintf("Only this role is struck: none of %s with issuing calls rose above its own baseline.", wording.Count(max(len(s.errors.Roles)-1, 0), "other role", "other roles"))
		op.Cites = []playbook.Cite{{Step: playbook.STSErrors, Ref: wording.Count(len(s.errors.Roles), "role", "roles") + " compared"}}
	default:
		op.Verdict = playbook.Refuted
		op.Message = "No failing role is seen, this one included."
		op.Cites = []playbook.Cite{{Step: playbook.STSErrors, Ref: wording.Count(len(s.errors.Roles), "role", "roles") + " compared"}}
	}
	if event != nil && !slices.ContainsFunc(op.Causes, func(f playbook.Finding) bool { return f.Cause == playbook.STSServiceEvent }) {
		op.Message += fmt.Sprintf(" AWS reports trouble (%s), but unrelated roles are not struck.", event.words)
		op.Cites = append(op.Cites, event.cite)
	}
	return op
}

func roleName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// struck lists the other roles whose errors rose after a moment against their
// own rate before it.
func (s *sight) struck(from time.Time) []struck {
	var out []struck
	w := s.req.Window
	before, after := max(from.Sub(w.From).Seconds(), 1), max(w.To.Sub(from).Seconds(), 1)
	for _, r := range s.errors.Roles {
		if r.RoleARN == "" || r.RoleARN == s.req.Target.RoleARN {
			continue
		}
		was, now := 0, 0
		for _, k := range r.Buckets {
			if k.Start.Add(facts.BucketLength).After(from) {
				now += k.Errors
			} else {
				was += k.Errors
			}
		}
		if now >= struckLeast && float64(now)/after >= onsetRatio*float64(was)/before {
			out = append(out, struck{r, now})
		}
	}
	return out
}

// trouble is AWS's own, as AWS or its endpoints show it.
type trouble struct {
	words string
	cite  playbook.Cite
}

func (s *sight) serviceEvent(from time.Time) *trouble {
	for _, e := range s.role.Events {
		near := e.Open || e.End.After(from.Add(-time.Hour))
		if near && !strings.EqualFold(e.Service, "IAM") && e.Start.Before(s.req.Window.To) && s.callsReach(e.Region) {
			return &trouble{words: strings.TrimSpace(e.Service + " " + e.Code + " in " + e.Region), cite: playbook.Cite{Step: playbook.RoleAndHealth, Ref: "health event " + e.ID}}
		}
	}
	for _, p := range s.role.Probes {
		if p.Region != s.req.Target.Region {
			continue
		}
		if p.Answered == playbook.Yes && slices.Contains(serverErrors, p.Code) {
			return &trouble{words: "the STS endpoint in " + p.Region + " answers " + p.Code, cite: playbook.Cite{Step: playbook.RoleAndHealth, Ref: "probe of sts." + p.Region + " answered " + p.Code}}
		}
		if p.Answered == playbook.No {
			return &trouble{words: "the STS endpoint in " + p.Region + " does not answer", cite: playbook.Cite{Step: playbook.RoleAndHealth, Ref: "probe of sts." + p.Region + " got no answer"}}
		}
	}
	return nil
}

// healthSeen: AWS was asked for its events, in Health or in the public feed.
func (s *sight) healthSeen() bool {
	return s.role.HealthAsked == playbook.Yes || s.role.FeedRead == playbook.Yes
}

// noEvent is what is said where no event of AWS is known.
func (s *sight) noEvent() string {
	if s.healthSeen() {
		return "AWS reports no event"
	}
	return "whether AWS reports an event could not be seen"
}

// serverErrors are what AWS answers when the fault is its own.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
var serverErrors = []string{"InternalFailure", "InternalError", "InternalServerError", "InternalServerException", "ServiceFailure", "ServiceUnavailable", "ServiceUnavailableException",
	"HTTP 500", "HTTP 502", "HTTP 503", "HTTP 504"}

// callsReach: the role's sessions come from that region. What happens where the
// global endpoint's calls are recorded touches only who calls the global one.
func (s *sight) callsReach(region string) bool {
	if region == s.req.Target.Region || region == "global" || region == "" {
		return true
	}
	return slices.ContainsFunc(s.errors.Failures, func(f facts.Failure) bool { return f.Endpoint == "global" }) ||
		slices.ContainsFunc(s.ledger.Sessions, func(u facts.Session) bool { return u.Endpoint == "global" })
}

func (s *sight) serviceFinding(event *trouble, others []struck) playbook.Finding {
	fs := s.of(facts.OtherFailure, facts.RefreshFailed, facts.ThrottledCall, facts.SessionExpired, facts.ExpiredOrSkew)
	f := finding(playbook.STSServiceEvent, playbook.High, fs, "STS itself is in trouble: "+event.words,
		fmt.Sprintf("%s, and %s that have nothing to do with this one fail since the same time.", wording.Capital(event.words), wording.Count(len(others), "other role", "other roles")))
	f.Cites = append([]playbook.Cite{event.cite}, f.Cites...)
	for _, o := range others[:min(len(others), 3)] {
		f.Cites = append(f.Cites, playbook.Cite{Step: playbook.STSErrors, Ref: fmt.Sprintf("%s: %s since the onset", roleName(o.rate.RoleARN), wording.Count(o.errors, "error", "errors"))})
	}
	return f
}

// issuedToAMissingRole: STS issues nothing for a role that does not exist, so
// sessions in the window without a DeleteRole after them contradict IAM's answer.
func (s *sight) issuedToAMissingRole() (last time.Time, ok bool) {
	for _, u := range s.ledger.Sessions {
		if s.req.Window.Contains(u.Issued) && u.Issued.After(last) {
			last = u.Issued
		}
	}
	deleted := slices.ContainsFunc(s.changes.Changes, func(c facts.Change) bool { return c.Kind == facts.RoleDeleted && !c.Time.Before(last) })
	return last, !last.IsZero() && !deleted && s.saw(playbook.TrustChanges)
}

func (s *sight) missing() (playbook.Finding, bool) {
	if s.role.Exists != playbook.No || s.role.OtherAccount {
		return playbook.Finding{}, false
	}
	confidence, explains := playbook.High, s.failures
	why := fmt.Sprintf("IAM has no role %s in account %s.", s.req.Target.Role, s.role.Account)
	cite := []playbook.Cite{{Step: playbook.RoleAndHealth, Ref: "iam:GetRole answers NoSuchEntity"}}
	for _, c := range slices.Backward(s.changes.Changes) {
		if c.Kind == facts.RoleDeleted {
			why += fmt.Sprintf(" %s deleted it at %s; its sessions died with it.", wording.Capital(principalWords(c.Actor)), stamp(c.Time))
			cite = append(cite, changeCite(c))
			break
		}
	}
	if len(s.role.Similar) > 0 {
		why += " Similar names: " + Some(s.role.Similar, 3) + "."
	}
	if last, ok := s.issuedToAMissingRole(); ok {
		confidence, explains = playbook.Low, nil
		why += fmt.Sprintf(" Yet sessions of it were issued until %s, and no DeleteRole is on record: it was deleted within minutes, or IAM was not asked where the role is (an export without iam/ has no roles).", stamp(last))
	}
	f := finding(playbook.RoleMissing, confidence, explains, fmt.Sprintf("The role %s does not exist", s.req.Target.Role), why)
	f.Cites = append(cite, f.Cites...)
	return f, true
}

func (s *sight) regionOff() (playbook.Finding, bool) {
	region := s.req.Target.Region
	fs := s.of(facts.RegionOff)
	if len(fs) > 0 || s.role.STSActive == playbook.No || s.role.RegionEnabled == playbook.No {
		f := finding(playbook.RegionDisabled, playbook.High, fs, "STS is not active in "+region,
			fmt.Sprintf("AWS refuses to issue credentials in %s because STS (or the region itself) is not active for the account that must issue them.", region))
		if s.role.STSActive == playbook.No || s.role.RegionEnabled == playbook.No {
			f.Cites = append(f.Cites, playbook.Cite{Step: playbook.RoleAndHealth, Ref: "STS answers RegionDisabledException, or the region is not enabled"})
		}
		return f, true
	}
	invalid := pick(s.of(facts.InvalidCredentials), s.mayBeVersion1)
	if s.role.RegionOptIn && s.role.GlobalTokenVersion == 1 && len(invalid) > 0 {
		f := finding(playbook.RegionDisabled, playbook.Medium, invalid, "Version 1 tokens are refused in the opt-in region "+region,
			fmt.Sprintf("The account's global STS endpoint hands out version 1 tokens (GlobalEndpointTokenVersion 1). Those are invalid in regions that must be enabled, such as %s, and AWS answers that the token is invalid.", region))
		f.Fix = "Use the regional STS endpoint, or set the global endpoint to version 2 tokens: aws iam set-security-token-service-preferences --global-endpoint-token-version v2Token."
		f.Cites = append(f.Cites, playbook.Cite{Step: playbook.RoleAndHealth, Ref: "GlobalEndpointTokenVersion 1"})
		return f, true
	}
	return playbook.Finding{}, false
}

// mayBeVersion1: the credentials that were refused may carry a token of the global
// endpoint. Those of the role's sessions do not where all of them came from regional
// endpoints; the caller's own do not where its key was switched off before.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func (s *sight) mayBeVersion1(f failure) bool {
	if f.issuing {
		return !slices.ContainsFunc(s.inWindow(facts.KeyEdited), func(c facts.Change) bool { return !f.at.Before(c.Time) && canCause(c, f) })
	}
	return !s.saw(playbook.Sessions) || len(s.ledger.Sessions) == 0 ||
		slices.ContainsFunc(s.ledger.Sessions, func(u facts.Session) bool { return u.Endpoint != "regional" })
}

// namesSTS finds the service's name, alone or in the host name of its endpoint.
var namesSTS = regexp.MustCompile(`(?i)\bSTS\b|security ?token ?service`)

// throttledCalls are throttled requests for sessions. A log line counts when it
// names an issuing call, or speaks of STS.
func (s *sight) throttledCalls() []failure {
	return pick(s.of(facts.ThrottledCall), func(f failure) bool {
		return f.issuing || f.line != nil && f.call == "" && namesSTS.MatchString(f.text)
	})
}

// accountWide looks for other roles that fail to renew at the same time as this
// one. Where this role's failures have an onset, another role counts when its
// own rise with it; where they run through the whole window, only what shares
// this role's log group does, for then nothing tells a neighbour's old habit from
// a common fault.
func (s *sight) accountWide(from time.Time, onset bool) (playbook.Finding, bool) {
	renewal := func(k facts.Kind) bool {
		return usedCredentials(k) || k == facts.RefreshFailed || k == facts.IdentityTokenExpired || k == facts.SSOExpired
	}
	mine := pick(s.failures, func(f failure) bool { return renewal(f.kind) && !f.at.Before(from) })
	if len(mine) == 0 {
		return playbook.Finding{}, false
	}
	ownGroups := map[string]bool{}
	for _, f := range mine {
		if f.line != nil {
			ownGroups[f.line.Group] = true
		}
	}
	lines := map[string][]failure{} // of other roles
	for _, f := range s.foreign {
		if !renewal(f.kind) || !onset && !ownGroups[f.line.Group] {
			continue
		}
		roles := f.line.Roles
		if named := s.streamOf(f.line.Stream); len(named) > 0 && len(roles) == 0 {
			roles = named[:1]
		}
		for _, role := range roles {
			lines[role] = append(lines[role], f)
		}
	}
	others := map[string]failure{}
	since := from.Add(-time.Hour)
	before, after := max(since.Sub(s.req.Window.From).Seconds(), 1), max(s.req.Window.To.Sub(since).Seconds(), 1)
	for role, fs := range lines {
		was, now := 0, 0
		for _, e := range episodes(fs) {
			if e.first().at.Before(since) {
				was++
			} else {
				now++
				others[role] = e.first()
			}
		}
		if now == 0 || float64(now)/after < onsetRatio*float64(was)/before {
			delete(others, role)
		}
	}
	agents := map[string]bool{}
	for _, u := range s.ledger.Sessions {
		agents[u.UserAgent] = true
	}
	shared := 0
	for _, o := range s.struck(from) {
		alike := false
		for k, n := range o.rate.ByKind {
			alike = alike || n > 0 && renewal(k)
		}
		if alike {
			others[roleName(o.rate.RoleARN)] = failure{cite: playbook.Cite{Step: playbook.STSErrors, Ref: fmt.Sprintf("%s: %s since the onset", roleName(o.rate.RoleARN), wording.Count(o.errors, "error", "errors"))}}
			if slices.ContainsFunc(o.rate.UserAgents, func(a string) bool { return agents[a] }) {
				shared++
			}
		}
	}
	if len(others) < sharedLeast {
		return playbook.Finding{}, false
	}
	var names []string
	for n := range others {
		names = append(names, n)
	}
	slices.Sort(names)
	confidence, agent := playbook.Medium, ""
	if shared >= sharedLeast {
		confidence, agent = playbook.High, " They share one user agent, so one library or image."
	}
	if !s.healthSeen() {
		confidence = min(confidence, playbook.Medium)
	}
	f := finding(playbook.AccountWideRefresh, confidence, mine, fmt.Sprintf("%d roles stop renewing their credentials at the same time", len(names)+1),
		fmt.Sprintf("Besides this role, %s fail in the same way since about %s, and %s. What they have in common is the client: its refresh logic, image or agent.%s", Some(names, 4), stamp(from), s.noEvent(), agent))
	for _, n := range names[:min(len(names), 3)] {
		f.Cites = append(f.Cites, others[n].cite)
	}
	return f, true
}
