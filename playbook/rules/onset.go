package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var onset = playbook.Rule{
	ID: playbook.Onset, N: 1,
	Title: "When it began, and what kind of error it is",
	Doc: `Looks for the moment from which the rate of failures left its baseline. The first error is not it: a role that is refused
once in a while has a baseline, and the incident begins where the rate changes.

Criterion: retries of one client count as one occasion. Of all occasions, the moment is taken at which splitting the window into
"before" and "after" explains the counts best (the likelihood ratio of two Poisson rates against one). It counts as an onset when
the rate after it is at least three times the rate before, and the split is worth at least 3 in log likelihood, or nothing at all
came before. With occasions before it, it takes three after it: one that happens to be the newest is no new rate. Otherwise the
failures are steady over the window and began before it. It is over when the quiet at the window's end is longer than three times
the usual gap, than any pause that came twice, and at least half an hour; the newest 15 minutes never prove an end, CloudTrail is
late. Where sessions were used past their end, the quiet must also be longer than such a session lives: a client that was restarted
works for as long. The rate of what is over is counted until one usual gap behind its last occasion.

Supported: failures were seen. Refuted: both CloudTrail and the application logs could be read and hold none. Where what reads
like expired AWS credentials is another system's token, it says so (cause not-aws); that needs at least one such line and not one
failure that is AWS's, but for a refused try or two of somebody who never had a session of the role. Where a log group is named like the role, only lines of
such groups count.

A cause that explains three occasions or more, whose own failures are over by the same measure in a source that was read to the window's
end, says when the last one was, and to check first whether it was mended.`,
	Reads: []playbook.StepID{playbook.STSErrors, playbook.AppErrors, playbook.Sessions},
	Eval:  evalOnset,
}

// began is what the onset rule finds out; other rules ask for it too.
type began struct {
	at     time.Time
	steady bool // no change of rate inside the window: it began earlier
	over   bool
	last   time.Time
	next   time.Time // failures have stopped, but who took a session then is due no earlier than this
	end    time.Time // of the stretch with the new rate: the window's end, or one usual gap behind the last
}

const (
	onsetRatio      = 3.0              // how much higher the rate must be after the onset
	onsetLikelihood = 3.0              // how much better (log likelihood) two rates must explain the counts
	onsetLeast      = 3                // occasions that make a new rate, where there were some before
	quietGaps       = 3                // times the usual gap that a quiet end must last
	quietLeast      = 30 * time.Minute // and at least this long
)

// onsetOf finds the change of rate in failures, which are sorted by time.
func onsetOf(fs []failure, w playbook.Window) (began, bool) {
	fs = pick(fs, func(f failure) bool { return w.Contains(f.at) })
	var times []time.Time
	for _, e := range episodes(fs) {
		times = append(times, e.first().at)
	}
	if len(times) == 0 {
		return began{}, false
	}
	slices.SortFunc(times, time.Time.Compare)
	b := began{at: times[0], last: fs[len(fs)-1].at}
	stopped := quiet(times, b.last, w.To)
	b.end = w.To
	if usual := usualGap(times); stopped && b.last.Add(usual).Before(w.To) {
		b.end = b.last.Add(usual)
	}
	if due := b.last.Add(lifetime(fs)); stopped && due.After(w.To.Add(-playbook.DeliveryLag)) {
		b.next = due
	}
	b.over = stopped && b.next.IsZero()
	best, ratio := -1.0, 0.0
	n := float64(len(times))
	total := max(b.end.Sub(w.From).Seconds(), 1)
	for i, t := range times {
		if i > 0 && len(times)-i < onsetLeast {
			break
		}
		n1, t1 := float64(i), max(t.Sub(w.From).Seconds(), 1)
		n2, t2 := n-n1, max(b.end.Sub(t).Seconds(), 60)
		gain := term(n1, t1) + term(n2, t2) - term(n, total)
		if gain > best && n2/t2 > n1/t1 {
			best, b.at, ratio = gain, t, (n2/t2)/max(n1/t1, 1e-12)
		}
	}
	b.steady = b.at != times[0] && (best < onsetLikelihood || ratio < onsetRatio)
	if b.steady {
		b.at = times[0]
	}
	// Failing from the window's first stretch on, at a rate under which the
	// quiet before the first occasion is nothing unusual: it began earlier.
	if b.at == times[0] && len(times) > 2 {
		b.steady = b.at.Sub(w.From) < usualGap(times)
	}
	return b, true
}

// tellPast says of the causes whose failures are over that they are: what is
// written for one that goes on would be read as going on. What to do about a
// state that still stands is not put off.
func (s *sight) tellPast(causes []playbook.Finding) {
	for i := range causes {
		c := &causes[i]
		mine := pick(s.failures, func(f failure) bool { return slices.Contains(c.Explains, cmp.Or(f.occasion, f.key)) })
		b, ok := onsetOf(mine, s.req.Window)
		if !ok || !b.over || len(occasions(mine)) < onsetLeast || slices.ContainsFunc(mine, s.sourceEnds) {
			continue
		}
		at := b.last.UTC().Format("2006-01-02 15:04 UTC")
		c.Headline += ", last failure at " + at
		c.Why += fmt.Sprintf(" No failure of this kind is seen after %s.", stamp(b.last))
		if slices.Contains(standing, c.Cause) {
			continue
		}
		c.Fix = "Check first whether it was mended: nothing has failed this way since " + at + ". If it comes back: " + c.Fix
	}
}

// sourceEnds: what shows this failure could not be read to the window's end, so
// that the quiet behind it proves nothing.
func (s *sight) sourceEnds(f failure) bool {
	if f.line != nil {
		return slices.ContainsFunc(s.app.Groups, func(g facts.LogGroup) bool { return g.Name == f.line.Group && g.Why != "" })
	}
	trails := s.errors.Trails
	if f.event == nil {
		trails = s.ledger.Trails
	}
	return slices.ContainsFunc(trails, func(t facts.Trail) bool {
		return t.Source == "" || t.To.Before(s.req.Window.To.Add(-playbook.DeliveryLag))
	})
}

// term is a Poisson log likelihood at its best rate, without constants.
func term(n, t float64) float64 {
	if n == 0 {
		return 0
	}
	return n * math.Log(n/t)
}

// usualGap is the mean time between occasions; 0 for a single one.
func usualGap(times []time.Time) time.Duration {
	if len(times) < 2 {
		return 0
	}
	return times[len(times)-1].Sub(times[0]) / time.Duration(len(times)-1)
}

// usualPause is the longest time between occasions that came more than once: a
// fleet whose sessions end together fails in bursts, and is quiet in between.
func usualPause(times []time.Time) time.Duration {
	if len(times) < 3 {
		return 0
	}
	var gaps []time.Duration
	for i := range times[1:] {
		gaps = append(gaps, times[i+1].Sub(times[i]))
	}
	slices.Sort(gaps)
	return gaps[len(gaps)-2]
}

// lifetime is how long the longest of the sessions lived that were used past their
// end: a client that was restarted works for as long before it fails again.
func lifetime(fs []failure) (d time.Duration) {
	for _, f := range fs {
		if f.kind == facts.SessionExpired && f.session != nil {
			d = max(d, time.Duration(f.session.Seconds)*time.Second)
		}
	}
	return d
}

func quiet(times []time.Time, last, end time.Time) bool {
	least := max(quietLeast, quietGaps*usualGap(times), usualPause(times))
	return end.Add(-playbook.DeliveryLag).Sub(last) > least
}

func evalOnset(c playbook.Case) playbook.Opinion {
	s := look(c)
	b, failing := s.began, s.failing
	if s.neighboursLookAlikes(); !failing || len(s.lookAlikes) > 0 && s.allTried() {
		return s.noFailures()
	}
	inWindow := pick(s.failures, func(f failure) bool { return c.Request.Window.Contains(f.at) })
	what := kindsSeen(inWindow)
	var msg string
	switch {
	case b.steady:
		msg = fmt.Sprintf("Failures run through the whole window at a steady rate: it began before %s.", stamp(c.Request.Window.From))
	default:
		msg = fmt.Sprintf("The rate of failures left its baseline at %s.", stamp(b.at))
		if earlier := pick(inWindow, func(f failure) bool { return f.at.Before(b.at) }); len(earlier) > 0 {
			msg += fmt.Sprintf(" %s before that: the baseline.", wording.Capital(wording.Count(len(earlier), "failure", "failures")))
		}
	}
	switch {
	case b.over:
		msg += fmt.Sprintf(" It is over: the last failure was at %s.", stamp(b.last))
	case !b.next.IsZero():
		msg += fmt.Sprintf(" The last failure was at %s. That is no end: a session taken then ends at %s, and only failures after that would tell.", stamp(b.last), stamp(b.next))
	default:
		msg += fmt.Sprintf(" It is going on: the last failure was at %s.", stamp(b.last))
	}
	return playbook.Opinion{Verdict: playbook.Supported, Message: msg + " Seen: " + what + ".",
		Cites: cites(pick(inWindow, func(f failure) bool { return !f.at.Before(b.at) }))}
}

// neighboursLookAlikes leaves out look-alikes of other log groups where a group is
// named like the role: discovery finds other teams' groups too, and users' tokens
// expire in all of them.
func (s *sight) neighboursLookAlikes() {
	s.lookAlikes = pick(s.lookAlikes, func(f failure) bool { return !s.neighbours(f.line.Group) || s.streamIsOurs(f.line.Stream) })
}

func (s *sight) noFailures() playbook.Opinion {
	if len(s.lookAlikes) > 0 {
		confidence := playbook.Medium
		if s.saw(playbook.STSErrors, playbook.AppErrors) {
			confidence = playbook.High
		}
		calls := "no AWS call of this role failed"
		if len(s.failures) > 0 {
			calls = "nobody who ever had a session of this role was refused one"
		}
		streams := map[string]bool{}
		for _, f := range s.lookAlikes {
			streams[f.client] = true
		}
		return playbook.Opinion{
			Verdict: playbook.Refuted,
			Message: fmt.Sprintf("No failure of AWS credentials was seen. %s read like expiry but come from another system's tokens.", wording.Count(len(s.lookAlikes), "log line", "log lines")),
			Cites:   cites(s.lookAlikes),
			Causes: []playbook.Finding{finding(playbook.NotAWS, confidence, s.lookAlikes,
				"The message is not about AWS credentials",
				fmt.Sprintf("%s in %s name tokens of another system (a web, OAuth, registry or presigned-URL token). None carries an AWS error code or an AWS SDK's words, and %s: %q.",
					wording.Count(len(s.lookAlikes), "line", "lines"), wording.Count(len(streams), "log stream", "log streams"), calls, shorten(s.lookAlikes[0].text, 160)))},
		}
	}
	if s.saw(playbook.STSErrors, playbook.AppErrors) {
		msg := "No failure of this role's credentials was seen, in CloudTrail or in the application logs."
		if len(s.foreign) > 0 {
			msg += fmt.Sprintf(" %s about credentials belong to other roles.", wording.Count(len(s.foreign), "log line", "log lines"))
		}
		return playbook.Opinion{Verdict: playbook.Refuted, Message: msg,
			Cites: []playbook.Cite{{Step: playbook.STSErrors, Ref: "no failed issuing call"}, {Step: playbook.AppErrors, Ref: "no matching log line"}}}
	}
	return playbook.Opinion{Verdict: playbook.Undetermined, Message: "No failure was seen, but " + s.blindTo(playbook.STSErrors, playbook.AppErrors) + ", so that proves nothing."}
}

// kindsSeen lists the kinds of failure with their counts, most frequent first.
func kindsSeen(fs []failure) string {
	counts := map[facts.Kind]int{}
	for _, f := range fs {
		counts[f.kind]++
	}
	var kinds []facts.Kind
	for k := range counts {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b facts.Kind) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%s (%s)", kindWords(k), tally(pick(fs, func(f failure) bool { return f.kind == k }))))
	}
	return Some(parts, 5)
}
