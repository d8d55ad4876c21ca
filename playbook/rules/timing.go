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

var timing = playbook.Rule{
	ID: playbook.Timing, N: 5,
	Title: "The age of sessions when they fail",
	Doc: `Takes the first failure of each session and asks how old the session was. Ages that cluster at the session's length mean that
nobody renews; ages that are spread mean that renewing is tried and fails.

Criterion for "consistent": at least three such failures, of which four in five lie within 60 seconds or 2 % (whichever is more)
behind the session's own end. Fewer than three are told, but not called consistent.

Criterion for no-refresh: a session was used past its end, and between its issue and the failure its client neither got a newer
session, nor had a request for one refused, nor logged a failed renewal. High confidence when the ages are consistent and refused
requests could have been seen; medium when the session is tied to the client by its name; low when by time alone.

Weaker, and always of low confidence: a line that names this role calls its session expired, and a whole ledger (CloudTrail was read in
every region, from the ledger's start until 15 minutes before the line, which every session lives) has no session of the role that was
issued before the line. It is of a session from before the ledger.

Criterion for refresh-failing: the client logs failed renewals, or goes on using an old session while newer ones are issued to it,
or asks for a length under STS's least, and no other cause explains those failures. A line that comes within a minute of a refusal in
CloudTrail is that refusal, seen from the other side. An SDK's warning that it could not renew early, or put off the end, counts when it
came three times or its client failed otherwise; alone it harmed nobody. Neither did a throttled call whose retry got the session. Sessions
that an AWS service takes for its instances are always renewed: a client that fails at the end of one does not read the new one.

Criterion for clock-skew: AWS's signature-time messages, which carry both clocks. EC2's RequestExpired means either an ended
session or a skewed clock; it is taken for expiry only where the session is known to have ended.`,
	Reads: []playbook.StepID{playbook.STSErrors, playbook.RoleConfig, playbook.Sessions, playbook.AppErrors},
	Eval:  evalTiming,
}

const (
	consistentLeast = 3   // failures before anything is called consistent
	consistentShare = 0.8 // of which at least this share lies at the limit
	atLimitLeast    = time.Minute
	atLimitShare    = 0.02 // of the session's length
	renewalReach    = 15 * time.Minute
)

// atLimit: the failure came right behind the session's own end.
func atLimit(f failure) bool {
	length := f.session.Expires.Sub(f.session.Issued)
	return f.past() >= -expirySlack && f.past() <= max(atLimitLeast, time.Duration(atLimitShare*float64(length)))
}

func evalTiming(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	op.Causes = append(op.Causes, s.skewed()...)

	expired := pick(s.failures, func(f failure) bool {
		return usedCredentials(f.kind) && !f.issuing && f.session != nil && f.past() >= -expirySlack
	})
	cases := episodes(expired)
	var left, tried []failure // by whether renewing was tried
	var leftCases []episode
	limited := 0
	for _, e := range cases {
		if atLimit(e.first()) {
			limited++
		}
		if s.renewing(e.first()) {
			tried = append(tried, e...)
		} else {
			left = append(left, e...)
			leftCases = append(leftCases, e)
		}
	}
	consistent := len(cases) >= consistentLeast && float64(limited) >= consistentShare*float64(len(cases))

	if len(left) > 0 {
		op.Causes = append(op.Causes, s.notRefreshed(leftCases, left, consistent))
	}
	if f, ok := s.longDead(); ok {
		op.Causes = append(op.Causes, f)
	}
	if f, ok := s.refreshFailing(tried); ok {
		op.Causes = append(op.Causes, f)
	}

	switch {
	case len(cases) > 0 && consistent:
		op.Verdict = playbook.Supported
		op.Message = fmt.Sprintf("Consistent: in %d of %d cases the first failure came right behind the session's end, at an age of %s. ", limited, len(cases), s.ages(cases))
		switch {
		case len(tried) == 0:
			op.Message += "Nobody renews before the end."
		case len(left) == 0:
			op.Message += "Renewing was tried each time, so that is what fails."
		default:
			op.Message += fmt.Sprintf("In %d of them nobody had renewed, in the others renewing was tried.", len(leftCases))
		}
	case len(cases) >= consistentLeast:
		op.Verdict = playbook.Refuted
		op.Message = fmt.Sprintf("Not clustered at the session's length: %d of %d first failures came right behind a session's end, ages %s.", limited, len(cases), s.ages(cases))
	case len(cases) > 0:
		op.Verdict = playbook.Undetermined
		op.Message = fmt.Sprintf("%s at a session age of %s: fewer than three, too few to call it consistent.", wording.Count(len(cases), "case", "cases"), s.ages(cases))
	case slices.ContainsFunc(s.failures, func(f failure) bool { return f.older && !f.issuing }):
		op.Verdict = playbook.Undetermined
		op.Message = "Expired sessions of this role are used that were issued before the ledger begins, so their age is not known."
	case s.saw(playbook.Sessions, playbook.AppErrors):
		op.Verdict = playbook.Refuted
		op.Message = "No failure can be tied to a session past its end, so there is no pattern of ages."
	default:
		op.Message = s.undetermined(playbook.Sessions, playbook.AppErrors).Message
	}
	op.Cites = cites(expired)
	if len(op.Cites) == 0 {
		op.Cites = []playbook.Cite{{Step: playbook.Sessions}, {Step: playbook.AppErrors}}
	}
	return op
}

// renewing reports whether the client behind a failure tried to renew: a newer
// session of its name, a refused request, or a failed renewal in its own log.
func (s *sight) renewing(f failure) bool {
	if f.newer {
		return true
	}
	u := f.session
	for i := range s.errors.Failures {
		e := &s.errors.Failures[i]
		if e.Time.Before(u.Issued) || e.Time.After(f.at) {
			continue
		}
		if e.SessionName != "" && e.SessionName == u.Name || e.SessionName == "" && e.Caller.Name() == u.Caller.Name() {
			return true
		}
	}
	return slices.ContainsFunc(s.failures, func(o failure) bool {
		if o.line == nil || f.line == nil || o.client != f.client || o.at.Before(u.Expires.Add(-renewalReach)) || o.at.After(f.at.Add(renewalReach)) {
			return false
		}
		return o.issuing || renewalKind(o.kind)
	})
}

// renewalKind: failures that can only come from asking for credentials.
func renewalKind(k facts.Kind) bool {
	switch k {
	case facts.RefreshFailed, facts.IdentityTokenExpired, facts.SSOExpired, facts.DurationAboveRole, facts.DurationAboveChain, facts.DurationInvalid,
		facts.MFAFailed, facts.IdentityProviderBad, facts.RegionOff, facts.AssumeDenied, facts.NoSuchRole:
		return true
	}
	return false
}

func (s *sight) notRefreshed(cases []episode, fs []failure, consistent bool) playbook.Finding {
	confidence := playbook.Low
	named := 0
	for _, e := range cases {
		if e.first().byName {
			named++
		}
	}
	switch {
	case consistent && named >= consistentLeast && s.saw(playbook.STSErrors, playbook.Sessions):
		confidence = playbook.High
	case named > 0 || consistent:
		confidence = playbook.Medium
	}
	u := cases[0].first().session
	who := map[string]bool{}
	for _, e := range cases {
		who[e.first().session.Name] = true
	}
	asked := "its client had asked for no new one"
	if u.Service {
		asked = "its client did not read the one that AWS had issued meanwhile"
	}
	why := fmt.Sprintf("In %s a session was used past its end and %s: first failures at an age of %s, sessions of %s set by %s. Affected: %s.",
		wording.Count(len(cases), "case", "cases"), asked, s.ages(cases), seconds(u.Seconds), s.terms(fs), clients(who))
	if !s.saw(playbook.STSErrors) {
		why += " Whether requests for a new session were refused could not be seen."
	}
	f := finding(playbook.NoRefresh, confidence, fs, fmt.Sprintf("Credentials are used past their end of %s and nobody renews them", seconds(u.Seconds)), why)
	for _, e := range cases {
		if len(f.Cites) > maxCites+2 {
			break
		}
		x := e.first().session
		f.Cites = append(f.Cites, playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("event %s: session %s issued %s, ended %s", x.EventID, x.Name, stamp(x.Issued), stamp(x.Expires))})
	}
	if hint := staticHint(cases); hint != "" {
		f.Fix += " " + hint
	}
	return f
}

// longDead: expired sessions that the ledger does not even reach back to.
func (s *sight) longDead() (playbook.Finding, bool) {
	fs := pick(s.of(facts.SessionExpired), func(f failure) bool { return f.older && !f.issuing })
	if len(fs) == 0 {
		return playbook.Finding{}, false
	}
	f := finding(playbook.NoRefresh, playbook.Low, fs, "Credentials are used that ended long ago, and nobody renews them",
		fmt.Sprintf("The lines name this role (%s), and no session of it was issued since %s that could have ended when they came. A session lives 12 hours at most, so what is used was issued earlier and is past its end: most likely values that were copied into the environment or a file.",
			tally(fs), stamp(s.ledger.From)))
	f.Cites = append(f.Cites, playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("no session issued between %s and %s", stamp(s.ledger.From), stamp(expirable(fs[0].at)))})
	return f, true
}

func clients(names map[string]bool) string {
	var list []string
	for n := range names {
		if n != "" {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	if len(list) == 0 {
		return "one client"
	}
	return Some(list, 3)
}

// staticHint names what the failing clients' SDK does with credentials that
// were handed to it instead of a provider.
func staticHint(cases []episode) string {
	ua := strings.ToLower(cases[0].first().session.UserAgent)
	switch {
	case cases[0].first().session.Service:
		return "The SDKs' default credential chain reads the instance's, task's or pod's credentials again by itself; values that were copied from there never change."
	case strings.Contains(ua, "boto3") || strings.Contains(ua, "botocore"):
		return "In boto3, a Session built from the three credential values never renews; use a profile with role_arn, or botocore's refreshable credentials."
	case strings.Contains(ua, "aws-sdk-go"):
		return "In the Go SDK, wrap stscreds.NewAssumeRoleProvider in aws.NewCredentialsCache with an ExpiryWindow; static credentials never renew."
	case strings.Contains(ua, "aws-sdk-java"):
		return "In the Java SDK, use StsAssumeRoleCredentialsProvider with asynchronous update rather than StaticCredentialsProvider."
	case strings.Contains(ua, "aws-sdk-js") || strings.Contains(ua, "aws-sdk-nodejs"):
		return "In the JavaScript SDK, pass fromTemporaryCredentials as the provider rather than the values that one AssumeRole returned."
	}
	return ""
}

// softWarning: the SDK says that renewing failed, and goes on with credentials
// that still hold or whose end it put off. By itself nobody failed.
// https://github.com/boto/botocore/blob/develop/botocore/credentials.py
var softWarning = regexp.MustCompile(`(?i)during advisory refresh period|credential expiration has been extended|attempting credential expiration extension`)

// otherSide: a log line and CloudTrail's record of a refused call that came
// together are one attempt, seen from both sides.
const otherSide = time.Minute

// mayWrite: the client whose call CloudTrail recorded may be the one that writes a
// stream. It is not where the stream is a known session's and the record names
// another; a record without a name may be of anybody.
func (s *sight) mayWrite(stream string, e *facts.Failure) bool {
	return e.SessionName == "" || !s.streamIsOurs(stream) || sameClient(stream, e.SessionName) || sameClient(stream, sessionPart(e.Caller.ARN))
}

// renewalFailures are the log lines in which renewing fails for a reason that
// nothing else names: not the client's side of a recorded refusal, and not a
// warning that neither came again nor was followed by a failure of its client.
func (s *sight) renewalFailures() []failure {
	lines := pick(s.of(facts.RefreshFailed), func(f failure) bool {
		return f.line != nil && !slices.ContainsFunc(s.failures, func(o failure) bool {
			return o.event != nil && o.kind != facts.OtherFailure && !o.baseline && o.at.Sub(f.at).Abs() <= otherSide && s.mayWrite(f.line.Stream, o.event)
		})
	})
	soft := map[string]int{}
	for _, e := range episodes(pick(lines, func(f failure) bool { return softWarning.MatchString(f.text) })) {
		soft[e.first().client]++
	}
	return pick(lines, func(f failure) bool {
		return !softWarning.MatchString(f.text) || soft[f.client] >= consistentLeast ||
			slices.ContainsFunc(s.failures, func(o failure) bool { return o.client == f.client && !softWarning.MatchString(o.text) })
	})
}

func (s *sight) refreshFailing(tried []failure) (playbook.Finding, bool) {
	lines := s.renewalFailures()
	fs := append(slices.Clone(tried), lines...)
	fs = append(fs, pick(s.of(facts.OtherFailure), func(f failure) bool { return f.issuing })...)
	// A length that STS gives to nobody, or one that nothing shows.
	fs = append(fs, pick(s.of(facts.DurationInvalid), func(f failure) bool { return asked(f) < shortestDuration })...)
	slices.SortFunc(fs, func(a, b failure) int { return a.at.Compare(b.at) })
	if len(fs) == 0 {
		return playbook.Finding{}, false
	}
	confidence := playbook.Low
	why := fmt.Sprintf("Renewing credentials fails (%s)", tally(fs))
	short := pick(s.of(facts.DurationInvalid), func(f failure) bool { return asked(f) > 0 && asked(f) < shortestDuration })
	switch {
	case len(lines) > 0:
		confidence = playbook.Medium
		why += fmt.Sprintf(", in the client's own words: %q", gist(lines[0], 180))
		if len(episodes(lines)) >= consistentLeast {
			confidence = playbook.High
		}
	case len(short) > 0:
		confidence = playbook.High
		why += fmt.Sprintf(": the client asks for %s, and STS gives no session of less than %s", span(time.Duration(asked(short[0]))*time.Second), seconds(shortestDuration))
	}
	stale := pick(tried, func(f failure) bool { return f.newer })
	if len(stale) > 0 {
		why += fmt.Sprintf("; %s came while a newer session of the same name was already issued, so a proxy or a cache hands out the old one", wording.Count(len(stale), "failure", "failures"))
		confidence = max(confidence, playbook.Medium)
	}
	return finding(playbook.RefreshFailing, confidence, fs, "Renewing the credentials is tried and fails", why+"."), true
}

func (s *sight) skewed() []playbook.Finding {
	fs := s.of(facts.Skew)
	if len(fs) == 0 {
		return nil
	}
	var worst time.Duration
	for _, f := range fs {
		if f.line == nil || f.line.Now.IsZero() || f.line.Until.IsZero() {
			continue
		}
		if d := f.line.Until.Sub(f.line.Now); d.Abs() > worst.Abs() {
			worst = d
		}
	}
	confidence, headline := playbook.Medium, "The client's clock is off"
	why := fmt.Sprintf("AWS refuses requests because the signature's time lies outside its tolerance (%s), which is not an expired session.", tally(fs))
	if worst != 0 {
		confidence = playbook.High
		headline = fmt.Sprintf("The client's clock is %s %s", span(worst), map[bool]string{true: "behind", false: "ahead"}[worst < 0])
		why += fmt.Sprintf(" The message carries both clocks: the client's is %s from AWS's. A request that was queued or a machine that was suspended looks the same.", span(worst))
	}
	return []playbook.Finding{finding(playbook.ClockSkew, confidence, fs, headline, why)}
}

// ages gives the range of ages at the first failure.
func (s *sight) ages(cases []episode) string {
	var least, most time.Duration
	for i, e := range cases {
		a := e.first().age()
		if i == 0 || a < least {
			least = a
		}
		most = max(most, a)
	}
	if span(least) == span(most) {
		return span(least)
	}
	return span(least) + " to " + span(most)
}
