package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// failure is one failed call, from a CloudTrail record or an application's log
// line, tied to what it concerns as far as that can be known.
type failure struct {
	key     string // names the failure across rules
	at      time.Time
	kind    facts.Kind
	cite    playbook.Cite
	client  string // who failed: the log stream, or the caller with its session name
	issuing bool   // the failed call asks for credentials (AssumeRole…)
	call    string // its operation, where known
	text    string
	event   *facts.Failure // nil for a log line
	line    *facts.Line    // nil for a CloudTrail record

	session *facts.Session // the session that was used, nil where it can't be told
	byName  bool           // tied to the session by its name, not only by time
	newer   bool           // a newer session of that name existed when this one was used past its end
	older   bool           // no session that was issued since the ledger's start can be meant: it was issued before
	ours    bool           // tied to this role by its own words, its stream or its configuration

	occasion string // the key of the first failure of its episode
	baseline bool   // its client fails like this all along: not the incident
}

// past is how long after its session's end the failure came; 0 without a session.
func (f failure) past() time.Duration {
	if f.session == nil || f.session.Expires.IsZero() {
		return 0
	}
	return f.at.Sub(f.session.Expires)
}

// age of the session at the failure; 0 without a session.
func (f failure) age() time.Duration {
	if f.session == nil {
		return 0
	}
	return f.at.Sub(f.session.Issued)
}

// expirySlack is how far CloudTrail's `expiration` and a host's clock may lie
// apart from the truth: CloudTrail truncates to the second, hosts run NTP.
const expirySlack = 5 * time.Second

// sight is everything a rule may see, decoded once.
type sight struct {
	req     playbook.Request
	steps   playbook.Outcomes
	role    facts.RoleAndHealth
	errors  facts.STSErrors
	config  facts.RoleConfig
	ledger  facts.SessionLedger
	app     facts.AppErrors
	access  facts.CrossAccount
	changes facts.TrustChanges
	idp     facts.Federation

	failures   []failure // of this role, oldest first; look-alikes are not among them
	lookAlikes []failure
	foreign    []failure // log lines about other roles
	names      map[string][]int
	refusals   func() []refused

	began   began // of all the role's failures
	failing bool  // there are any in the window
}

func look(c playbook.Case) *sight {
	s := &sight{req: c.Request, steps: c.Steps}
	s.role, _ = facts.Role.In(c.Steps)
	s.errors, _ = facts.Errors.In(c.Steps)
	s.config, _ = facts.Config.In(c.Steps)
	s.ledger, _ = facts.Ledger.In(c.Steps)
	s.app, _ = facts.AppLogs.In(c.Steps)
	s.access, _ = facts.Access.In(c.Steps)
	s.changes, _ = facts.Changes.In(c.Steps)
	s.idp, _ = facts.Identity.In(c.Steps)
	s.names = map[string][]int{}
	for i, session := range s.ledger.Sessions {
		s.names[session.Name] = append(s.names[session.Name], i)
	}
	s.fromCloudTrail()
	s.fromLogs()
	s.fromUse()
	s.resolveAmbiguous()
	byTime := func(a, b failure) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.key, b.key)) }
	slices.SortFunc(s.failures, byTime)
	slices.SortFunc(s.lookAlikes, byTime)
	slices.SortFunc(s.foreign, byTime)
	s.markOccasions()
	s.refusals = sync.OnceValue(s.refusedCalls)
	return s
}

// markOccasions names each failure's episode, and marks clients that failed in
// the same way before the onset at a rate that did not rise with it.
func (s *sight) markOccasions() {
	at := map[string]*failure{}
	for i := range s.failures {
		at[s.failures[i].key] = &s.failures[i]
	}
	s.began, s.failing = onsetOf(s.failures, s.req.Window)
	b := s.began
	before, after := map[string][]time.Time{}, map[string]int{}
	all := episodes(s.failures)
	for _, e := range all {
		for _, f := range e {
			at[f.key].occasion = e.first().key
		}
		if k := e.first().habit(); e.first().at.Before(b.at) {
			before[k] = append(before[k], e.first().at)
		} else {
			after[k]++
		}
	}
	if !s.failing || b.steady {
		return
	}
	was, now := max(b.at.Sub(s.req.Window.From).Seconds(), 1), max(b.end.Sub(b.at).Seconds(), 1)
	for i := range s.failures {
		k := s.failures[i].habit()
		n := len(before[k])
		// What had stopped by then was an incident of its own.
		stopped := n >= onsetLeast && after[k] == 0 && quiet(before[k], before[k][n-1], b.at)
		s.failures[i].baseline = n > 0 && !stopped && float64(after[k])/now < onsetRatio*float64(n)/was
	}
}

// habit is what a client keeps doing: failing in one way.
func (f failure) habit() string { return f.client + "\x00" + string(f.kind) }

// saw reports whether all of the steps could look.
func (s *sight) saw(ids ...playbook.StepID) bool { return s.steps.Saw(ids...) }

func (s *sight) fromCloudTrail() {
	for i := range s.errors.Failures {
		f := &s.errors.Failures[i]
		if s.retried(f) {
			continue
		}
		s.failures = append(s.failures, failure{
			key: "event:" + f.EventID, at: f.Time, kind: f.Kind, issuing: true, call: f.Event, text: f.Message, event: f, ours: true,
			client: f.Caller.Name() + "/" + f.SessionName,
			cite:   playbook.Cite{Step: playbook.STSErrors, Ref: fmt.Sprintf("event %s: %s %s at %s", f.EventID, f.Event, f.Code, stamp(f.Time))},
		})
	}
}

// retrySucceeds is how soon SDKs are through with their retries: a few attempts,
// at most 20 s apart. https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
const retrySucceeds = time.Minute

// retried: a call that AWS throttled or failed by a fault of its own, and whose
// retry got the session: nobody was left without.
func (s *sight) retried(f *facts.Failure) bool {
	if f.Kind != facts.ThrottledCall && f.Kind != facts.OtherFailure {
		return false
	}
	return slices.ContainsFunc(s.ledger.Sessions, func(u facts.Session) bool {
		return !u.Issued.Before(f.Time) && u.Issued.Sub(f.Time) <= retrySucceeds && u.Caller.Name() == f.Caller.Name() && (f.SessionName == "" || u.Name == f.SessionName)
	})
}

// issuingCalls are the operations that hand out credentials.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
var issuingCalls = []string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoleForPodIdentity", "AssumeRoot",
	"GetSessionToken", "GetFederationToken", "GetRoleCredentials"}

// answeredBySTS: the Java SDKs name the service that answered, and not the call.
// What an application asks STS for is a session.
var answeredBySTS = regexp.MustCompile(`\bStsException\b|\(Service: (?:Sts|AWSSecurityTokenService)\b`)

func (s *sight) fromLogs() {
	var guessed []failure // tied to a session by time alone
	for i := range s.app.Lines {
		l := &s.app.Lines[i]
		f := failure{
			key: fmt.Sprintf("line:%s/%s@%d#%d", l.Group, l.Stream, l.Time.UnixMilli(), i), at: l.Time, kind: l.Kind, line: l, text: l.Text, call: l.Call,
			client: l.Group + "/" + l.Stream, issuing: slices.Contains(issuingCalls, l.Call) || l.Call == "" && answeredBySTS.MatchString(l.Text),
			cite: playbook.Cite{Step: playbook.AppErrors, Ref: fmt.Sprintf("%s %s at %s: %s", l.Group, l.Stream, stamp(l.Time), shorten(l.Text, 160))},
		}
		if l.Kind == facts.ThrottledCall && l.Call != "" && !f.issuing {
			continue // another service's throttling
		}
		if l.Kind == facts.LookAlike {
			s.lookAlikes = append(s.lookAlikes, f)
			continue
		}
		tied, other := s.tie(l)
		if other {
			s.foreign = append(s.foreign, f)
			continue
		}
		f.ours = tied
		if !tied && !usedCredentials(l.Kind) && s.neighbours(l.Group) {
			s.foreign = append(s.foreign, f)
			continue
		}
		if usedCredentials(l.Kind) && !f.issuing {
			s.attach(&f)
			if !tied && f.session != nil && !f.byName {
				guessed = append(guessed, f)
				continue
			}
			f.older = tied && f.session == nil && s.predates(l)
			// Nothing ties the line to this role, its sessions are known, and none
			// of them was past its end: somebody else's credentials.
			if !tied && f.session == nil && s.saw(playbook.Sessions) {
				s.foreign = append(s.foreign, f)
				continue
			}
		}
		s.failures = append(s.failures, f)
	}
	s.takeGuessed(guessed)
}

// takeGuessed keeps, of what only time ties to a session of this role, the
// streams that fail as its sessions end: each alone right behind an end, or again
// and again within the reach of a client that works now and then. In a log group
// that is named like the role that much need not be shown. The rest are somebody
// else's credentials, of which every account has some.
func (s *sight) takeGuessed(fs []failure) {
	streams := map[string][]failure{}
	for _, f := range fs {
		streams[f.client] = append(streams[f.client], f)
	}
	believed := map[string]bool{}
	for client, of := range streams {
		cases := episodes(of)
		near := 0
		for _, e := range cases {
			if atLimit(e.first()) || len(cases) > 1 && e.first().past() <= guessReach {
				near++
			}
		}
		believed[client] = float64(near) >= consistentShare*float64(len(cases)) || facts.SharedWords(s.req.Target.Role, of[0].line.Group) > 0
	}
	for _, f := range fs {
		if believed[f.client] {
			s.failures = append(s.failures, f)
		} else {
			s.foreign = append(s.foreign, f)
		}
	}
}

// guessReach is how long after a session's end a client that works now and then
// may first notice.
const guessReach = 15 * time.Minute

// resolveAmbiguous decides what RequestExpired means, which EC2 answers to an
// ended session and to a skewed clock alike: skew where the same client's
// signatures are refused for their time; an ended session where one is known to
// have ended and no newer one was there to be used, or where the same client's
// session is called expired in so many words. Otherwise it stays open.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (s *sight) resolveAmbiguous() {
	skewed, expired := map[string]bool{}, map[string]bool{}
	for _, f := range s.failures {
		skewed[f.client] = skewed[f.client] || f.kind == facts.Skew
		expired[f.client] = expired[f.client] || f.kind == facts.SessionExpired
	}
	for i := range s.failures {
		f := &s.failures[i]
		switch {
		case f.kind != facts.ExpiredOrSkew:
		case skewed[f.client]:
			f.kind, f.session, f.byName, f.newer = facts.Skew, nil, false, false
		case f.newer && !expired[f.client]:
			f.session, f.byName, f.newer = nil, false, false
		}
	}
}

// fromUse takes the rare CloudTrail record of an expired session being used.
func (s *sight) fromUse() {
	for i := range s.ledger.Sessions {
		u := &s.ledger.Sessions[i]
		if !strings.Contains(u.LastFailure, "Expired") || u.LastUse.Before(u.Expires) || u.Expires.IsZero() {
			continue
		}
		s.failures = append(s.failures, failure{
			key: "use:" + u.EventID, at: u.LastUse, kind: facts.SessionExpired, client: "session " + u.Name, session: u, byName: true, ours: true,
			cite: playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("session %s (%s) used at %s, after its end at %s: %s", u.Name, u.Key, stamp(u.LastUse), stamp(u.Expires), u.LastFailure)},
		})
	}
}

// usedCredentials: the kinds that speak of a session used past its end.
func usedCredentials(k facts.Kind) bool { return k == facts.SessionExpired || k == facts.ExpiredOrSkew }

// of picks the failures of the given kinds.
func (s *sight) of(kinds ...facts.Kind) []failure {
	return pick(s.failures, func(f failure) bool { return slices.Contains(kinds, f.kind) })
}

func pick[T any](list []T, keep func(T) bool) []T {
	var out []T
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// episode is one occasion on which a client failed: its retries belong to it.
type episode []failure

func (e episode) first() failure { return e[0] }

// episodeGap parts two occasions of the same client when no session does.
const episodeGap = 10 * time.Minute

// episodes groups failures by client, kind and session, oldest first.
func episodes(fs []failure) []episode {
	var out []episode
	open := map[string]int{}
	for _, f := range fs {
		k := f.habit()
		i, ok := open[k]
		if ok {
			last := out[i][len(out[i])-1]
			same := f.session == last.session && (f.session != nil || f.at.Sub(last.at) <= episodeGap)
			if same {
				out[i] = append(out[i], f)
				continue
			}
		}
		open[k] = len(out)
		out = append(out, episode{f})
	}
	return out
}

// occasions are what a cause has to explain: episodes of the incident, each
// once, however often the client retried.
func occasions(fs []failure) []string {
	var out []string
	for _, f := range fs {
		if f.baseline {
			continue
		}
		k := f.occasion
		if k == "" {
			k = f.key
		}
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// maxCites is how many records a finding cites: enough to check, few enough to read.
const maxCites = 5

// cites are records of failures: one of each occasion before a second of any, for
// a client's retries prove no more than its first try.
func cites(fs []failure) []playbook.Cite {
	seen := map[string]bool{}
	var first, rest []playbook.Cite
	for _, f := range fs {
		if f.occasion == "" || !seen[f.occasion] {
			first = append(first, f.cite)
		} else {
			rest = append(rest, f.cite)
		}
		seen[f.occasion] = true
	}
	all := slices.Concat(first, rest)
	return all[:min(len(all), maxCites)]
}
