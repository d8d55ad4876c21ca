package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// grid is rows under a head. What of is one row, for "12 more rows".
type grid struct {
	title string
	head  []string
	rows  [][]string
}

// raw is output as it came, under a heading.
type raw struct{ heading, text string }

// detail is what a step's facts look like: the one table of its message, what is
// shown as raw output, and all rows for the file.
type detail struct {
	table grid
	raw   []raw
	all   []grid
}

// details reads the facts of a step. Facts of another version give no detail.
func details(o playbook.Outcome) detail {
	in := playbook.Outcomes{o.Step: o}
	switch o.Step {
	case playbook.RoleAndHealth:
		return with(facts.Role, in, healthDetail)
	case playbook.STSErrors:
		return with(facts.Errors, in, errorsDetail)
	case playbook.RoleConfig:
		return with(facts.Config, in, configDetail)
	case playbook.STSMetrics:
		return with(facts.Metrics, in, metricsDetail)
	case playbook.Sessions:
		return with(facts.Ledger, in, sessionsDetail)
	case playbook.AppErrors:
		return with(facts.AppLogs, in, logsDetail)
	case playbook.CrossAccount:
		return with(facts.Access, in, accessDetail)
	case playbook.TrustChanges:
		return with(facts.Changes, in, changesDetail)
	case playbook.Federation:
		return with(facts.Identity, in, identityDetail)
	}
	return detail{}
}

func with[T any](f playbook.Fact[T], in playbook.Outcomes, show func(T) detail) detail {
	v, ok := f.In(in)
	if !ok {
		return detail{}
	}
	return show(v)
}

func healthDetail(f facts.RoleAndHealth) detail {
	events := grid{title: "AWS Health", head: []string{"Since (UTC)", "Service", "Region", "Event", "State"}}
	for _, e := range f.Events {
		state := "ended " + at(e.End)
		if e.Open {
			state = "open"
		}
		events.rows = append(events.rows, []string{at(e.Start), e.Service, e.Region, strings.TrimSpace(e.Code + " " + e.Text), state})
	}
	probes := grid{title: "STS endpoints", head: []string{"Region", "Answered", "Answer"}}
	for _, p := range f.Probes {
		probes.rows = append(probes.rows, []string{p.Region, wording.Truth(p.Answered), p.Code})
	}
	d := detail{table: events, all: []grid{events, probes}}
	if len(f.Similar) > 0 {
		d.raw = []raw{{"Roles with a similar name", strings.Join(f.Similar, "\n")}}
	}
	return d
}

// errorsDetail groups failures that differ in nothing but their time: five hundred
// refusals of one caller are one row.
func errorsDetail(f facts.STSErrors) detail {
	all := grid{title: "Failed calls", head: []string{"Time (UTC)", "Call", "Error", "Caller", "Session", "Asked for", "Region", "User agent", "Event", "Message"}}
	type key struct{ event, code, caller, message string }
	groups := map[key]*group{}
	var order []key
	for _, e := range f.Failures {
		k := key{e.Event, e.Code, e.Caller.Name(), e.Message}
		if groups[k] == nil {
			groups[k] = new(group)
			order = append(order, k)
		}
		groups[k].add(e.Time)
		requested := ""
		if e.Requested > 0 {
			requested = wording.Seconds(e.Requested)
		}
		all.rows = append(all.rows, []string{e.Time.UTC().Format(time.RFC3339), e.Event, e.Code, e.Caller.Name(), e.SessionName, requested, e.Region, e.UserAgent, e.EventID, e.Message})
	}
	shown := grid{title: "Failed calls", head: []string{"Count", "First and last (UTC)", "Call and error", "Caller", "Message"}}
	slices.SortStableFunc(order, func(a, b key) int { return groups[b].n - groups[a].n })
	for _, k := range order {
		g := groups[k]
		shown.rows = append(shown.rows, []string{fmt.Sprint(g.n), g.span(), k.event + ": " + k.code, principal(k.caller), k.message})
	}
	roles := grid{title: "All roles with calls for sessions", head: []string{"Role", "Calls", "Errors"}}
	for _, r := range f.Roles {
		name := r.RoleARN
		if name == "" {
			name = "(names no role)"
		}
		roles.rows = append(roles.rows, []string{name, fmt.Sprint(r.Calls), fmt.Sprint(r.Errors)})
	}
	d := detail{table: shown, all: []grid{all, roles, trails(f.Trails)}}
	if len(shown.rows) == 0 {
		d.table = trails(f.Trails)
	}
	return d
}

// groupName is what a log group's ARN names, and whose it is.
func groupName(arn string) string {
	head, name, ok := strings.Cut(arn, ":log-group:")
	if !ok {
		return arn
	}
	return strings.TrimSuffix(name, ":*") + " of account " + head[strings.LastIndexByte(head, ':')+1:]
}

// principal is an ARN as a narrow column shows it: the account and what is of it.
// The file has it in full.
func principal(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return arn
	}
	return strings.TrimSpace(parts[4] + " " + parts[5])
}

// group is how often and when something was seen.
type group struct {
	n           int
	first, last time.Time
}

func (g *group) add(t time.Time) {
	if g.n == 0 || t.Before(g.first) {
		g.first = t
	}
	if g.n == 0 || t.After(g.last) {
		g.last = t
	}
	g.n++
}

func (g group) span() string {
	if g.n == 1 {
		return at(g.first)
	}
	return at(g.first) + " to " + at(g.last)
}

func trails(ts []facts.Trail) grid {
	g := grid{title: "Where CloudTrail was read", head: []string{"Region", "Read from", "Covered (UTC)", "Records", "Cannot show"}}
	for _, t := range ts {
		source := map[string]string{"trail-logs": "the trail's log group " + groupName(t.LogGroup), "event-history": "event history", "": "could not be read"}[t.Source]
		if source == "" {
			source = t.Source
		}
		covered := "nothing"
		if !t.To.IsZero() {
			covered = at(t.From) + " to " + at(t.To)
		}
		g.rows = append(g.rows, []string{t.Region, source, covered, fmt.Sprint(t.Records), strings.Join(t.Gaps, " ")})
	}
	return g
}

func configDetail(f facts.RoleConfig) detail {
	statements := grid{title: "Trust policy", head: []string{"Statement", "Effect", "In plain words", "Mind"}}
	for i, s := range f.Statements {
		name := s.Sid
		if name == "" {
			name = fmt.Sprintf("number %d", i+1)
		}
		statements.rows = append(statements.rows, []string{name, s.Effect, s.Text, strings.Join(s.Traps, " ")})
	}
	policies := grid{title: "Policies", head: []string{"Policy", "Kind", "Read", "Revokes sessions before (UTC)", "Denies"}}
	for _, p := range f.Policies {
		revokes, read := "", "no"
		if !p.RevokesBefore.IsZero() {
			revokes = wording.UTC(p.RevokesBefore)
		}
		if p.Read {
			read = "yes"
		}
		policies.rows = append(policies.rows, []string{p.Name, p.Kind, read, revokes, strings.Join(p.Denies, " ")})
	}
	d := detail{table: statements, all: []grid{statements, policies}}
	if f.TrustPolicy != "" {
		d.raw = append(d.raw, raw{"Trust policy as IAM holds it", indented(f.TrustPolicy)})
	}
	if lines := append(slices.Clone(f.Problems), f.DeletedPrincipals...); len(lines) > 0 {
		d.raw = append(d.raw, raw{"Odd in the document", strings.Join(lines, "\n")})
	}
	for _, p := range f.Policies {
		if p.Document != "" && (!p.RevokesBefore.IsZero() || len(p.Denies) > 0) {
			d.raw = append(d.raw, raw{"Policy " + p.Name, indented(p.Document)})
		}
	}
	return d
}

// indented lays JSON out to be read; what is no JSON stays as it is.
func indented(s string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(s), "", "  ") != nil {
		return s
	}
	return b.String()
}

func metricsDetail(f facts.STSMetrics) detail {
	g := grid{title: "Error rates", head: []string{"Call", "Role", "Last hour", "Before that"}}
	rate := func(errors, calls int) string {
		if calls < 0 {
			return wording.Count(errors, "error", "errors")
		}
		if calls == 0 {
			return "no calls"
		}
		return fmt.Sprintf("%d of %d failed (%.1f %%)", errors, calls, 100*float64(errors)/float64(calls))
	}
	for _, r := range f.Rates {
		role := r.RoleARN
		if role == "" {
			role = "all roles"
		}
		g.rows = append(g.rows, []string{r.Event, role, rate(r.Errors, r.Calls), rate(r.WasError, r.WasCalls)})
	}
	return detail{table: g, all: []grid{g}}
}

func sessionsDetail(f facts.SessionLedger) detail {
	all := grid{title: "Sessions", head: []string{"Issued (UTC)", "Ends (UTC)", "Length", "Asked for", "Session", "Asked by", "Chained", "Last use (UTC)", "Call", "Region", "Key", "User agent", "Event"}}
	shown := grid{title: "Sessions, the newest first", head: []string{"Issued (UTC)", "Ends (UTC)", "Length", "Session", "Asked by", "Last use (UTC)"}}
	for _, s := range f.Sessions {
		requested, used := "", ""
		if s.Requested > 0 {
			requested = wording.Seconds(s.Requested)
		}
		if !s.LastUse.IsZero() {
			used = at(s.LastUse)
			if s.LastFailure != "" {
				used += " " + s.LastFailure
			}
		}
		length := wording.Seconds(s.Seconds)
		if s.Chained == playbook.Yes {
			length += ", chained"
		}
		all.rows = append(all.rows, []string{s.Issued.UTC().Format(time.RFC3339), wording.UTC(s.Expires), wording.Seconds(s.Seconds), requested, s.Name, s.Caller.Name(), wording.Truth(s.Chained), used, s.Event, s.Region, s.Key, s.UserAgent, s.EventID})
		shown.rows = append(shown.rows, []string{at(s.Issued), at(s.Expires), length, s.Name, principal(s.Caller.Name()), used})
	}
	slices.Reverse(shown.rows)
	return detail{table: shown, all: []grid{all, trails(f.Trails)}}
}

// kinds says what was seen how often, the most frequent first.
func kinds(by map[facts.Kind]int) string {
	list := slices.Sorted(maps.Keys(by))
	slices.SortStableFunc(list, func(a, b facts.Kind) int { return by[b] - by[a] })
	var parts []string
	for _, k := range list {
		parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(string(k), "-", " "), by[k]))
	}
	return strings.Join(parts, ", ")
}

// sampleLines is how many log lines a message quotes: the first of each kind.
const sampleLines = 5

func logsDetail(f facts.AppErrors) detail {
	streams := grid{title: "Log streams", head: []string{"Log group and stream", "Seen", "First and last (UTC)"}}
	for _, s := range f.Streams {
		streams.rows = append(streams.rows, []string{s.Group + " " + s.Stream, kinds(s.ByKind), at(s.First) + " to " + at(s.Last)})
	}
	groups := grid{title: "Log groups", head: []string{"Log group", "Chosen", "Read with", "Scanned", "Why not, or only in part"}}
	for _, g := range f.Groups {
		how := map[string]string{"insights": "Logs Insights", "filter": "FilterLogEvents", "": "not read"}[g.Method]
		groups.rows = append(groups.rows, []string{g.Name, g.Chosen, how, wording.Bytes(g.Scanned), g.Why})
	}
	lines := grid{title: "Log lines", head: []string{"Time (UTC)", "Log group", "Stream", "Kind", "Line"}}
	seen := map[facts.Kind]int{}
	var sample []string
	for _, l := range f.Lines {
		lines.rows = append(lines.rows, []string{l.Time.UTC().Format(time.RFC3339), l.Group, l.Stream, string(l.Kind), l.Text})
		if seen[l.Kind]++; seen[l.Kind] <= 2 && len(sample) < sampleLines {
			sample = append(sample, at(l.Time)+" "+line(l.Text, shownLine))
		}
	}
	d := detail{table: streams, all: []grid{streams, groups, lines}}
	if len(streams.rows) == 0 {
		d.table = groups
	}
	if len(sample) > 0 {
		d.raw = []raw{{fmt.Sprintf("%s of %s, as examples", wording.Count(len(sample), "line", "lines"), fmt.Sprint(max(f.Total, len(f.Lines)))), strings.Join(sample, "\n")}}
	}
	return d
}

func accessDetail(f facts.CrossAccount) detail {
	g := grid{title: "Who the trust policy names", head: []string{"Effect", "Principal", "Account", "May call", "Conditions"}}
	for _, p := range f.Principals {
		acct := p.Account
		if p.Cross {
			acct += " (another account)"
		}
		g.rows = append(g.rows, []string{p.Effect, strings.TrimSpace(p.Kind + " " + p.Value), acct, strings.Join(p.Calls, ", "), strings.Join(p.Conditions, "; ")})
	}
	return detail{table: g, all: []grid{g}}
}

func changesDetail(f facts.TrustChanges) detail {
	shown := grid{title: "Changes", head: []string{"Time (UTC)", "Change", "By", "What"}}
	all := grid{title: "Changes", head: []string{"Time (UTC)", "Event", "Kind", "By", "User agent", "Source", "Subject", "In the window", "What", "Before", "After", "Event id"}}
	d := detail{}
	for _, c := range f.Changes {
		when := at(c.Time)
		if !c.InWindow {
			when += " (before the window)"
		}
		shown.rows = append(shown.rows, []string{when, c.Event, principal(c.Actor), strings.TrimSpace(c.Text)})
		inside := "no"
		if c.InWindow {
			inside = "yes"
		}
		all.rows = append(all.rows, []string{c.Time.UTC().Format(time.RFC3339), c.Event, string(c.Kind), c.Actor, c.UserAgent, c.Source, c.Subject, inside, c.Text, c.Before, c.After, c.EventID})
		if len(c.Diff) > 0 && c.InWindow {
			d.raw = append(d.raw, raw{"What changed at " + at(c.Time) + " UTC", strings.Join(c.Diff, "\n")})
		}
	}
	d.table, d.all = shown, []grid{all, trails(f.Trails)}
	return d
}

func identityDetail(f facts.Federation) detail {
	calls := grid{title: "Exchanges", head: []string{"Call", "Calls", "Errors", "Kinds"}}
	for _, c := range f.Calls {
		calls.rows = append(calls.rows, []string{c.Event, fmt.Sprint(c.Calls), fmt.Sprint(c.Errors), kinds(c.ByKind)})
	}
	providers := grid{title: "Identity providers", head: []string{"Provider", "Exists", "Audiences wanted", "Listed", "Metadata valid until"}}
	for _, p := range f.Providers {
		until := ""
		if !p.ValidUntil.IsZero() {
			until = wording.UTC(p.ValidUntil)
		}
		providers.rows = append(providers.rows, []string{p.ARN, wording.Truth(p.Exists), strings.Join(p.Audiences, ", "), wording.Truth(p.Listed), until})
	}
	d := detail{table: providers, all: []grid{calls, providers}}
	if len(providers.rows) == 0 {
		d.table = calls
	}
	if len(f.Subjects) > 0 {
		d.raw = []raw{{"Identities that got sessions", strings.Join(f.Subjects, "\n")}}
	}
	return d
}
