package steps

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Longer is the plan of an investigation that reaches further back than an
// earlier one, to the same end. What the earlier one read is not asked again:
// each step that reads a stretch of time reads the part before it and joins the
// facts (merge.go), steps that derive theirs derive them anew, and what the role
// is today stands as it was read. A step that came to nothing in the earlier one
// (a permission, a timeout) has read no part and is asked about all of it.
func Longer(plan playbook.Plan, first playbook.Report) playbook.Plan {
	out := slices.Clone(plan)
	for i, s := range out {
		at := slices.IndexFunc(first.Steps, func(o playbook.Outcome) bool { return o.Step == s.ID })
		if at < 0 {
			continue
		}
		before := first.Steps[at]
		if !before.Status.Saw() && before.Status != playbook.Blind || len(before.Facts) == 0 || string(before.Facts) == "{}" {
			continue
		}
		switch s.ID {
		case playbook.RoleConfig, playbook.CrossAccount:
			out[i].Run = func(context.Context, playbook.Pass) (playbook.Evidence, error) { return evidenceOf(before), nil }
		case playbook.Federation: // counts what steps 2 and 5 read
		default:
			run, join := s.Run, joins[s.ID]
			out[i].Run = func(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
				p.Read = Unread(p.Request.Window, first.Request.Window)
				older, err := run(ctx, p)
				if err != nil {
					return older, err
				}
				return join(before, older, p), nil
			}
		}
	}
	return out
}

// Unread is the part of a window before another one that is read already. Times
// of records and lines are whole milliseconds at the finest.
func Unread(window, read playbook.Window) playbook.Window {
	return playbook.Window{From: window.From, To: read.From.Add(-time.Millisecond)}
}

// joins are the steps that read a stretch of time.
var joins = map[playbook.StepID]func(before playbook.Outcome, older playbook.Evidence, p playbook.Pass) playbook.Evidence{
	playbook.RoleAndHealth: joinHealth,
	playbook.STSErrors:     joinErrors,
	playbook.STSMetrics:    joinMetrics,
	playbook.Sessions:      joinSessions,
	playbook.AppErrors:     joinLines,
	playbook.TrustChanges:  joinChanges,
}

// evidenceOf is a stored outcome as it came from its step.
func evidenceOf(o playbook.Outcome) playbook.Evidence {
	return playbook.Evidence{Status: o.Status, Partial: o.Partial, Summary: o.Summary, Facts: json.RawMessage(o.Facts), Proof: o.Proof,
		Unseen: o.Unseen, Missing: o.Missing, Corrections: o.Corrections}
}

// both takes the facts of the two parts; ok is false where the older one has none
// to join, and then the evidence is the earlier run's with the reason.
func both[T any](f playbook.Fact[T], before playbook.Outcome, older playbook.Evidence) (first, second T, e playbook.Evidence, ok bool) {
	e = evidenceOf(before)
	e.Proof = slices.Concat(before.Proof, older.Proof)
	e.Unseen, e.Missing, e.Corrections = union(before.Unseen, older.Unseen), union(before.Missing, older.Missing), union(before.Corrections, older.Corrections)
	e.Partial = sentences(older.Partial, before.Partial)
	first, known := f.In(playbook.Outcomes{before.Step: before})
	second, ok = older.Facts.(T)
	if ok = ok && known && (older.Status.Saw() || older.Status == playbook.Blind); !ok {
		e.Partial = sentences("The earlier part could not be read: "+older.Summary, before.Partial)
		if e.Status == playbook.Clear {
			e.Status = older.Status
		}
	}
	return first, second, e, ok
}

// statusOf joins how the two parts ended: silence counts only where both looked.
func statusOf(found bool, before playbook.Status, older playbook.Status) playbook.Status {
	switch {
	case found:
		return playbook.Found
	case !before.Saw():
		return before
	case !older.Saw():
		return older
	}
	return playbook.Clear
}

// unlessBlind is a summary of both parts, or why there is none.
func unlessBlind(status playbook.Status, before playbook.Outcome, older playbook.Evidence, summary string) string {
	switch {
	case status.Saw():
		return summary
	case !before.Status.Saw():
		return before.Summary
	}
	return older.Summary
}

// sentences joins reasons, each once.
func sentences(list ...string) string {
	return strings.Join(union(list, nil), " ")
}

// union is both lists, in order, each text once.
func union(a, b []string) []string {
	var out []string
	for _, s := range slices.Concat(a, b) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func joinHealth(before playbook.Outcome, older playbook.Evidence, _ playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.Role, before, older)
	if !ok {
		return e
	}
	if len(second.Events) > 0 {
		first.Events = mergeEvents(first.Events, second.Events)
	}
	if e.Status == playbook.Clear && older.Status == playbook.Found {
		e.Status, e.Summary = playbook.Found, older.Summary
	}
	e.Facts = first
	return e
}

func joinErrors(before playbook.Outcome, older playbook.Evidence, p playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.Errors, before, older)
	if !ok {
		return e
	}
	t, _ := target(p)
	f := mergeErrors(first, second, t.RoleARN)
	e.Status = statusOf(f.Total > 0, before.Status, older.Status)
	e.Facts = f
	if !facts.OfOrganization(f.Trails) { // of one part alone: the other one's sentence holds
		e.Unseen = slices.DeleteFunc(e.Unseen, func(s string) bool { return s == deniedOutside })
	}
	e.Summary = unlessBlind(e.Status, before, older, stsErrorsSummary(f, t.Role, e.Status))
	return e
}

func joinMetrics(before playbook.Outcome, older playbook.Evidence, p playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.Metrics, before, older)
	if !ok {
		return e
	}
	f := mergeMetrics(first, second)
	if f.Source == "" {
		e.Facts = second
		return e
	}
	seen, _ := facts.Errors.In(p.Done)
	total, _ := countRates(seen.Roles, p.Request.Window)
	found := seen.Total > 0 || slices.ContainsFunc(f.Rates, risen(p.Request.Window))
	e.Status = statusOf(found, before.Status, older.Status)
	e.Summary, e.Partial, e.Facts = tellRates(f, total, p.Request.Window), older.Partial, f
	return e
}

func joinSessions(before playbook.Outcome, older playbook.Evidence, p playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.Ledger, before, older)
	if !ok {
		return e
	}
	f := mergeLedgers(first, second, p.Request.Window)
	t, _ := target(p)
	e.Status = statusOf(f.Ended > 0 || before.Status == playbook.Found || older.Status == playbook.Found, before.Status, older.Status)
	e.Summary, e.Facts = sessionsSummary(f, t.Role), f
	return e
}

func joinLines(before playbook.Outcome, older playbook.Evidence, _ playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.AppLogs, before, older)
	if !ok {
		return e
	}
	f := mergeLines(first, second)
	if len(f.Groups) == 0 {
		e.Facts = second
		return e
	}
	readable := 0
	for _, g := range f.Groups {
		if g.Method != "" {
			readable++
		}
	}
	e.Status = statusOf(f.Total > 0, before.Status, older.Status)
	e.Facts = f
	e.Summary = unlessBlind(e.Status, before, older, appErrorsSummary(f, readable))
	return e
}

func joinChanges(before playbook.Outcome, older playbook.Evidence, p playbook.Pass) playbook.Evidence {
	first, second, e, ok := both(facts.Changes, before, older)
	if !ok {
		return e
	}
	f := mergeChanges(first, second, p.Request.Window)
	t, _ := target(p)
	inside, bearing := countChanges(f)
	e.Status = statusOf(bearing > 0, before.Status, older.Status)
	e.Facts = f
	e.Summary = unlessBlind(e.Status, before, older, changesSummary(f, t.Role, inside, bearing, e.Status))
	return e
}
