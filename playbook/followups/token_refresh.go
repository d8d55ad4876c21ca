package followups

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

const tokenRefreshDoc = `How do the clients renew their sessions: early, at the edge, late, or never?

It takes step 5's ledger apart into callers (session name, who asked, from where, with which SDK) and compares when each new session
was asked for with the end of the one before. Renewals are early, at the edge (within a minute of the end, or 2 % of the length), or
late. A caller whose renewals come after the end was without credentials in between. It names the SDK's own defaults, which callers
are at risk next and when their sessions end. It makes no call of its own, unless step 5 had seen nothing: then that is asked again.

What it cannot tell: a client that died looks like one that stopped renewing, and a job that runs often looks like a late client; so a
session that was not in use towards its end counts as not renewed, and what comes more than 15 minutes or a quarter of the length after
the end as a run of its own. Sessions handed to another process, or issued on a path that CloudTrail does not show, are not seen.`

// edge is how near to its end a renewal counts as being at it.
func edge(length time.Duration) time.Duration { return max(time.Minute, length/50) }

// apart is how long after an end a session begins a run of its own.
func apart(length time.Duration) time.Duration { return max(15*time.Minute, length/4) }

const (
	// lateLeast is how many late renewals of one caller make a habit.
	lateLeast = 3
	// uncached is the share of its length after which a session that is replaced
	// was hardly used.
	uncached = 5
)

func (k check) tokenRefresh(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	e := playbook.Evidence{Unseen: []string{"Sessions that CloudTrail did not show, and what clients do with them: the ledger is a lower bound."}}
	ledger, _ := facts.Ledger.In(p.Done)
	step5 := p.Done[playbook.Sessions]
	if !step5.Status.Saw() && len(ledger.Sessions) == 0 {
		again, err := k.lookAgain(ctx, p)
		if err != nil {
			return again, err
		}
		e.Proof, e.Missing, e.Unseen = again.Proof, again.Missing, append(e.Unseen, again.Unseen...)
		step5.Status, step5.Summary, step5.Partial = again.Status, again.Summary, again.Partial
		if f, ok := again.Facts.(facts.SessionLedger); ok {
			ledger = f
		}
	}
	e.Partial = step5.Partial
	f := facts.TokenRefresh{Renewers: []facts.Renewer{}}
	lanes := lanesOf(ledger.Sessions)
	var found []playbook.Finding
	for _, l := range lanes {
		r := l.renewer(p.Request.At)
		if r.Risk != "" {
			f.AtRisk++
		}
		f.Renewers = append(f.Renewers, r)
		if late, ok := l.late(r); ok {
			found = append(found, late)
		}
	}
	slices.SortStableFunc(f.Renewers, byRisk(p.Request.At))
	f.Renewers = f.Renewers[:min(len(f.Renewers), 4*facts.MaxRows)]
	f.Chart = chartOf(lanes, f.Renewers)
	f.Table = renewalTable(f.Renewers)
	f.Rejudged = judgeAgain(p, found)
	e.Facts = f
	switch {
	case len(lanes) == 0 && !step5.Status.Saw():
		e.Status, e.Summary = cmp.Or(step5.Status, playbook.Blind), "How clients renew cannot be told: "+step5.Summary
	case len(lanes) == 0:
		e.Status, e.Summary = playbook.Clear, "No session was issued to anybody, so nobody renews."
	default:
		e.Status, e.Summary = playbook.Clear, tellRenewers(f)+concluded(f.Rejudged)
		if f.AtRisk > 0 || f.Rejudged != nil {
			e.Status = playbook.Found
		}
	}
	return e, nil
}

// lookAgain asks step 5 once more, where the first run could not see.
func (k check) lookAgain(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	s, _ := k.plan.Step(playbook.Sessions)
	return s.Run(ctx, playbook.Pass{Request: p.Request, Done: p.Done.Only(s.Needs)})
}

// lane is the sessions of one caller in their order.
type lane struct {
	name     string // session name, or the pattern of several
	sessions []facts.Session
}

// varying are the parts of a session name that differ from one to the next: a time,
// a counter or an id. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
var varying = regexp.MustCompile(`[0-9a-f]{8,}|[0-9]{6,}`)

func pattern(name string) string { return varying.ReplaceAllString(name, "*") }

// lanesOf parts a ledger into callers: the same name, principal, address and user agent.
func lanesOf(sessions []facts.Session) []lane {
	var out []lane
	at := map[string]int{}
	for _, s := range sessions {
		if s.Expires.IsZero() {
			continue
		}
		key := strings.Join([]string{pattern(s.Name), principal(s.Caller.Name()), s.Source, s.UserAgent}, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, lane{name: pattern(s.Name)})
		}
		out[i].sessions = append(out[i].sessions, s)
	}
	return out
}

// renewal is one session after another of the same caller: positive when it came
// after the end.
type renewal struct {
	before, after facts.Session
	behind        time.Duration
}

func (l lane) renewals() []renewal {
	var out []renewal
	for i := 1; i < len(l.sessions); i++ {
		r := renewal{before: l.sessions[i-1], after: l.sessions[i]}
		r.behind = r.after.Issued.Sub(r.before.Expires)
		length := r.before.Expires.Sub(r.before.Issued)
		if r.behind <= apart(length) && (r.behind < -edge(length) || !idle(r.before)) {
			out = append(out, r)
		}
	}
	return out
}

// idle says that a session was certainly not in use towards its end: what comes
// after it is the next run of a job, and no renewal. Data events are not seen, so
// a session counts as in use where nothing is known of it.
func idle(s facts.Session) bool {
	return !s.LastUse.IsZero() && s.Expires.Sub(s.LastUse) > max(15*time.Minute, s.Expires.Sub(s.Issued)/4)
}

func (r renewal) how() facts.Refreshing {
	e := edge(r.before.Expires.Sub(r.before.Issued))
	switch {
	case r.behind > e:
		return facts.RefreshLate
	case r.behind >= -e:
		return facts.RefreshEdge
	}
	return facts.RefreshEarly
}

func (l lane) last() facts.Session { return l.sessions[len(l.sessions)-1] }

func (l lane) renewer(at time.Time) facts.Renewer {
	last := l.last()
	kit := sdkOf(last.UserAgent)
	r := facts.Renewer{Session: l.name, Caller: last.Caller.Name(), UserAgent: last.UserAgent, SDK: kit.name, Version: kit.version, Default: kit.habit,
		Sessions: len(l.sessions), Seconds: middle(l.sessions, func(s facts.Session) int { return s.Seconds }), LastEnd: last.Expires,
		Active: last.Expires.After(at), Service: last.Service}
	renewals := l.renewals()
	r.Interval = middle(renewals, func(x renewal) int { return int(x.after.Issued.Sub(x.before.Issued).Seconds()) })
	var lately time.Time // when it last renewed late
	for _, x := range renewals {
		switch x.how() {
		case facts.RefreshLate:
			r.Late++
			lately = x.after.Issued
		case facts.RefreshEdge:
			r.Edge++
		default:
			r.Early++
		}
	}
	ended := at.Sub(last.Expires)
	stopped := len(renewals) >= 2 && ended > apart(last.Expires.Sub(last.Issued))
	switch {
	case len(renewals) == 0 && r.Active:
		r.Habit = facts.RefreshOnce
	case len(renewals) == 0:
		r.Habit = facts.RefreshNever
	case r.Late >= max(r.Early, r.Edge):
		r.Habit = facts.RefreshLate
	case r.Edge >= r.Early:
		r.Habit = facts.RefreshEdge
	default:
		r.Habit = facts.RefreshEarly
	}
	switch {
	case r.Service:
	case stopped:
		r.Risk = fmt.Sprintf("stopped renewing: its last session ended %s ago", wording.Span(ended))
	case r.Habit == facts.RefreshLate && r.Active:
		r.Risk = fmt.Sprintf("renews only after the end, and this one ends in %s", wording.Span(-ended))
	case r.Habit == facts.RefreshLate:
		r.Risk = "renews only after the end"
	case r.Late >= lateLeast: // else a start on another machine may look like it
		r.Risk = fmt.Sprintf("asked only after the end %d times of %d, the last time at %s", r.Late, len(renewals), wording.UTC(lately))
	case r.Habit == facts.RefreshOnce && kit.fixed():
		r.Risk = fmt.Sprintf("holds fixed values, which end in %s", wording.Span(-ended))
	case r.Interval > 0 && r.Interval*uncached < r.Seconds && len(renewals) >= 2*lateLeast:
		r.Risk = fmt.Sprintf("asks every %s for a session of %s: it does not keep them, which runs into throttling, or several clients share the name", wording.Seconds(r.Interval), wording.Seconds(r.Seconds))
	case r.Habit == facts.RefreshEdge && r.Active:
		r.Risk = fmt.Sprintf("renews exactly at the end, in %s: calls in flight then fail", wording.Span(-ended))
	}
	return r
}

// late is a cause where a caller renews after the end again and again: it was
// without credentials in between, whatever its logs say.
func (l lane) late(r facts.Renewer) (playbook.Finding, bool) {
	if r.Service || r.Late < lateLeast || r.Habit != facts.RefreshLate {
		return playbook.Finding{}, false
	}
	var keys []string
	var cites []playbook.Cite
	var least, most time.Duration
	used := 0 // seen in use towards their end
	for _, x := range l.renewals() {
		if x.how() != facts.RefreshLate {
			continue
		}
		if len(keys) == 0 || x.behind < least {
			least = x.behind
		}
		most = max(most, x.behind)
		if !x.before.LastUse.IsZero() {
			used++
		}
		keys = append(keys, "late:"+x.after.EventID)
		if len(cites) < 5 {
			cites = append(cites, playbook.Cite{Step: playbook.Sessions, Ref: fmt.Sprintf("event %s: session %s ended %s, the next was asked for %s later", x.after.EventID, x.before.Name,
				x.before.Expires.UTC().Format("2006-01-02 15:04:05 UTC"), wording.Span(x.behind))})
		}
	}
	range_ := wording.Span(least) + " to " + wording.Span(most)
	if wording.Span(least) == wording.Span(most) {
		range_ = wording.Span(least)
	}
	why := fmt.Sprintf("%s asked for each new session only after the old one had ended: %d of %s came %s late, with sessions of %s. In between it had none that was valid. Its failures themselves are not recorded by CloudTrail.",
		r.Session, r.Late, wording.Count(r.Late+r.Edge+r.Early, "renewal", "renewals"), range_, wording.Seconds(r.Seconds))
	confidence := playbook.Low
	if used >= lateLeast {
		confidence = playbook.Medium
		why += fmt.Sprintf(" %s seen in use towards their end.", wording.Count(used, "of the sessions was", "of the sessions were"))
	}
	found := rules.Found(playbook.NoRefresh, confidence, fmt.Sprintf("%s renews only after its session of %s has ended", r.Session, wording.Seconds(r.Seconds)), why, cites, keys)
	found.Fix = "Have the client renew some minutes before the end, rather than when a call has failed."
	if r.Default != "" {
		found.Fix += fmt.Sprintf(" Left to itself, %s %s.", r.SDK, r.Default)
	}
	return found, true
}

// middle is the median of a number, 0 of nothing.
func middle[T any](all []T, number func(T) int) int {
	var n []int
	for _, x := range all {
		n = append(n, number(x))
	}
	if len(n) == 0 {
		return 0
	}
	slices.Sort(n)
	return n[(len(n)-1)/2]
}

// byRisk puts those at risk first: whose end comes next, then who has stopped the
// latest; the rest by their end.
func byRisk(at time.Time) func(a, b facts.Renewer) int {
	rank := func(r facts.Renewer) int {
		switch {
		case r.Risk != "" && r.Active:
			return 0
		case r.Risk != "":
			return 1
		case r.Active:
			return 2
		}
		return 3
	}
	return func(a, b facts.Renewer) int {
		byEnd := a.LastEnd.Compare(b.LastEnd)
		if !a.LastEnd.After(at) {
			byEnd = -byEnd
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), byEnd, cmp.Compare(a.Session, b.Session), cmp.Compare(a.Caller, b.Caller))
	}
}

func tellRenewers(f facts.TokenRefresh) string {
	const mostly facts.Refreshing = "mostly early"
	n := map[facts.Refreshing]int{}
	for _, r := range f.Renewers {
		if r.Habit == facts.RefreshEarly && r.Late > 0 {
			r.Habit = mostly
		}
		n[r.Habit]++
	}
	var parts []string
	for _, h := range []struct {
		habit     facts.Refreshing
		one, many string
	}{{facts.RefreshEarly, "renews in time", "renew in time"}, {mostly, "mostly renews in time", "mostly renew in time"}, {facts.RefreshEdge, "renews exactly at the end", "renew exactly at the end"},
		{facts.RefreshLate, "renews only after the end", "renew only after the end"}, {facts.RefreshNever, "never renewed", "never renewed"},
		{facts.RefreshOnce, "has not had to renew yet", "have not had to renew yet"}} {
		if n[h.habit] > 0 {
			parts = append(parts, wording.Count(n[h.habit], h.one, h.many))
		}
	}
	s := fmt.Sprintf("Of %s, %s.", wording.Count(len(f.Renewers), "caller", "callers"), strings.Join(parts, ", "))
	if f.AtRisk == 0 {
		return s + " None of them is at risk."
	}
	first := f.Renewers[0]
	return s + fmt.Sprintf(" %d at risk, first %s: it %s.", f.AtRisk, first.Session, first.Risk)
}

func renewalTable(all []facts.Renewer) facts.Table {
	t := facts.Table{Title: "Callers and how they renew", Columns: []string{"session", "caller", "client", "sessions", "length", "renews every", "how", "ends", "risk"}}
	for _, r := range all {
		every := "–"
		if r.Interval > 0 {
			every = wording.Seconds(r.Interval)
		}
		client := strings.TrimSpace(r.SDK + " " + r.Version)
		if r.Service {
			client = "AWS service"
		}
		how := string(r.Habit)
		if r.Early+r.Edge+r.Late > 0 {
			how = fmt.Sprintf("%s (%d early, %d at the edge, %d late)", r.Habit, r.Early, r.Edge, r.Late)
		}
		t.Rows = append(t.Rows, []string{r.Session, short(r.Caller), client, fmt.Sprint(r.Sessions), wording.Seconds(r.Seconds), every, how, wording.UTC(r.LastEnd), r.Risk})
	}
	return cut(t)
}

// chartOf shows when sessions were replaced, as a share of their length: beyond
// 100 % the caller had none.
func chartOf(lanes []lane, order []facts.Renewer) *facts.Chart {
	c := facts.Chart{Title: "When sessions were replaced", Unit: "% of the session's length", Limit: 100, Means: "the session's end"}
	for _, r := range order {
		for _, l := range lanes {
			last := l.last()
			if l.name != r.Session || last.Caller.Name() != r.Caller || !last.Expires.Equal(r.LastEnd) || len(c.Series) == facts.MaxSeries || r.Service {
				continue
			}
			s := facts.Series{Name: r.Session}
			for _, x := range l.renewals() {
				length := x.before.Expires.Sub(x.before.Issued)
				if length <= 0 {
					continue
				}
				s.Points = append(s.Points, facts.Point{At: x.after.Issued, Value: float64(int(1000*float64(x.after.Issued.Sub(x.before.Issued))/float64(length))) / 10})
			}
			s.Points = s.Points[max(0, len(s.Points)-facts.MaxPoints):]
			if len(s.Points) >= 2 {
				c.Series = append(c.Series, s)
			}
		}
	}
	if len(c.Series) == 0 {
		return nil
	}
	return &c
}
