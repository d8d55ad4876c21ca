package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// onsetStamp is how the onset rule writes the moment, in its message.
var onsetStamp = regexp.MustCompile(`left its baseline at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// onset is when the failures began, where the rule could tell.
func onset(inv playbook.Investigation) (time.Time, bool) {
	if inv.Report == nil {
		return time.Time{}, false
	}
	for _, j := range inv.Report.Rules {
		if m := onsetStamp.FindStringSubmatch(j.Message); m != nil && j.Rule == playbook.Onset && j.Verdict == playbook.Supported {
			t, err := time.Parse(time.DateTime, m[1])
			return t, err == nil && inv.Request.Window.Contains(t)
		}
	}
	return time.Time{}, false
}

// course is what happened over time, as far as it could be seen.
type course struct {
	window  playbook.Window
	width   time.Duration // of a bar
	trail   []int         // failed calls in CloudTrail, a bar each
	logs    []int         // lines in the application logs, a bar each
	ends    []time.Time   // of sessions, inside the window
	changes []time.Time   // of the role, inside the window
	onset   time.Time     // zero: not known
	// What could be looked at; the picture says so where it could not.
	sawTrail, sawLogs, sawSessions, sawChanges bool
	sampled                                    bool // not all log lines were kept
}

// barWidths are tried from the finest on, until there are no more than maxBars.
var barWidths = []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}

const maxBars = 60

func courseOf(inv playbook.Investigation) course {
	o := outcomes(inv)
	c := course{window: inv.Request.Window, width: barWidths[len(barWidths)-1],
		sawTrail: o.Saw(playbook.STSErrors), sawLogs: o.Saw(playbook.AppErrors), sawSessions: o.Saw(playbook.Sessions), sawChanges: o.Saw(playbook.TrustChanges)}
	for _, w := range barWidths {
		if c.window.Length() <= maxBars*w {
			c.width = w
			break
		}
	}
	bars := int((min(max(c.window.Length(), time.Minute), playbook.MaxWindow) + c.width - 1) / c.width)
	c.trail, c.logs = make([]int, bars), make([]int, bars)
	add := func(to []int, t time.Time, n int) {
		if c.window.Contains(t) {
			to[min(int(t.Sub(c.window.From)/c.width), bars-1)] += n
		}
	}
	failures, _ := facts.Errors.In(o)
	arn := roleARN(inv)
	rate := slices.IndexFunc(failures.Roles, func(r facts.RoleRate) bool { return arn != "" && r.RoleARN == arn })
	if rate >= 0 {
		for _, b := range failures.Roles[rate].Buckets {
			add(c.trail, b.Start, max(b.Errors, 0))
		}
	} else {
		for _, f := range failures.Failures {
			add(c.trail, f.Time, 1)
		}
	}
	lines, _ := facts.AppLogs.In(o)
	for _, l := range lines.Lines {
		if l.Kind != facts.LookAlike && (len(l.Roles) == 0 || slices.Contains(l.Roles, inv.Request.Target.Role)) {
			add(c.logs, l.Time, 1)
		}
	}
	c.sampled = lines.Total > len(lines.Lines)
	ledger, _ := facts.Ledger.In(o)
	for _, s := range ledger.Sessions {
		if !s.Service && c.window.Contains(s.Expires) {
			c.ends = append(c.ends, s.Expires)
		}
	}
	changes, _ := facts.Changes.In(o)
	for _, ch := range changes.Changes {
		if c.window.Contains(ch.Time) && ch.Kind != facts.OtherEdit {
			c.changes = append(c.changes, ch.Time)
		}
	}
	slices.SortFunc(c.ends, time.Time.Compare)
	slices.SortFunc(c.changes, time.Time.Compare)
	c.onset, _ = onset(inv)
	return c
}

func roleARN(inv playbook.Investigation) string {
	if inv.Report != nil && inv.Report.Request.Target.RoleARN != "" {
		return inv.Report.Request.Target.RoleARN
	}
	if role, ok := facts.Role.In(outcomes(inv)); ok && role.RoleARN != "" {
		return role.RoleARN
	}
	return inv.Request.Target.RoleARN
}

func total(bars []int) (n int) {
	for _, b := range bars {
		n += b
	}
	return n
}

// empty says that there is nothing to draw.
func (c course) empty() bool {
	return total(c.trail)+total(c.logs)+len(c.ends)+len(c.changes) == 0 || c.window.Length() <= 0
}

// Timeline draws the incident: failures over time, when sessions ended, when the
// role was changed, when it began. alt says the same in a sentence. Without anything
// to draw the picture is nil and alt says why.
func Timeline(inv playbook.Investigation) (png []byte, alt string, err error) {
	c := courseOf(inv)
	alt = c.alt(inv)
	if c.empty() {
		return nil, alt, nil
	}
	png, err = c.draw(fmt.Sprintf("Failures of %s in %s", who(inv), where(inv)))
	if err != nil {
		return nil, alt, fmt.Errorf("draw timeline of %s: %w", inv.Request.ID, err)
	}
	return png, alt, nil
}

func (c course) alt(inv playbook.Investigation) string {
	s := fmt.Sprintf("Timeline of %s in %s from %s to %s: ", who(inv), where(inv), wording.UTC(c.window.From), wording.UTC(c.window.To))
	seen := func(could bool, n int, one, many, what string) string {
		if !could {
			return what + " could not be seen in full"
		}
		return wording.Count(n, one, many)
	}
	s += strings.Join([]string{
		seen(c.sawTrail, total(c.trail), "failed STS call in CloudTrail", "failed STS calls in CloudTrail", "failed STS calls"),
		seen(c.sawLogs, total(c.logs), "line in the application logs", "lines in the application logs", "application logs"),
		seen(c.sawSessions, len(c.ends), "session end", "session ends", "session ends"),
		seen(c.sawChanges, len(c.changes), "role change", "role changes", "role changes")}, ", ") + "."
	if !c.onset.IsZero() {
		s += " The failures began at " + wording.UTC(c.onset) + "."
	}
	if len(c.changes) > 0 {
		s += " The last change was at " + wording.UTC(c.changes[len(c.changes)-1]) + "."
	}
	if c.sampled {
		s += " Not all log lines are drawn: only some were kept."
	}
	return s
}

// TimelineMessage is the reply that carries the picture.
func TimelineMessage(inv playbook.Investigation) Message {
	png, alt, err := Timeline(inv)
	if err != nil {
		alt += " It could not be drawn."
	}
	return fit(maxWithout, func(int) Message {
		m := Message{Text: sentence(alt), Blocks: []slack.Block{paragraph(sayBold("Timeline "), data(strings.TrimPrefix(alt, "Timeline "), 900))}}
		if len(png) > 0 {
			m.Files = []File{{Name: "timeline.png", Title: "Timeline of " + who(inv), Alt: cut(alt, 1000), Bytes: png}}
		}
		return m
	})
}
