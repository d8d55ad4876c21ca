package steps

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const appErrorsDoc = `Which application log lines show expired credentials, refreshing that fails, a clock that is off, or what only reads like it?

It reads the configured log groups, else those of the region: the trails' own are left out, groups whose name shares a word with the
role's come first, then the largest, and no more than one Logs Insights query takes (50); how many were left out is said. Groups of
the classes STANDARD, INFREQUENT_ACCESS and ESSENTIALS are read with Logs Insights; where starting a query is not allowed, STANDARD
groups are read with FilterLogEvents. Where the asked account monitors others (CloudWatch cross-account observability), the groups of
linked accounts are found and read too: the role's own account first, then those that its trust policy names, of any other account only
groups whose name shares a word with the role's. A configured group of another account is an ARN, and is read with that account's own
role where stsleuth has one, else through the link. Evidence names another account's group as account:name.

The query only finds lines with telling words; each line is then classified by an ordered table of the sentences that AWS and its
SDKs write, so that the cause inside a wrapped error counts and an application's own expired token does not pass for AWS's. Lines are
cut of secrets before anything is stored.

What it cannot tell: what was never logged, logs kept elsewhere than in CloudWatch Logs of this account and of those linked to it,
and, where groups were discovered and not configured, which of them belong to the role's callers.`

var appErrorsActions = []string{"logs:DescribeLogGroups", "logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery", "logs:FilterLogEvents",
	"cloudtrail:DescribeTrails"}

// lineLength bounds a stored log line, in letters; lineRead what is looked at, in bytes.
const (
	lineLength = 500
	lineRead   = 64 << 10
)

func (r run) appErrors(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	t, known := target(p)
	w := p.Reading()
	var n notes
	f := facts.AppErrors{Groups: []facts.LogGroup{}, Lines: []facts.Line{}, ByKind: map[facts.Kind]int{}, Streams: []facts.Stream{}}

	near := around{role: t.Account, asked: cmp.Or(known.Account, t.Account)}
	if config, ok := facts.Config.In(p.Done); ok {
		policy, _ := trust.Decode(config.TrustPolicy)
		near.callers = trust.OtherAccounts(policy, t.Account)
	}
	chosen := r.chooseGroups(ctx, t, near, &n)
	f.Skipped = chosen.skipped
	if len(chosen.groups) == 0 {
		if chosen.problem != nil {
			return n.stopped(chosen.problem, "No application log group could be found: "+chosen.problem.Text+".", f), nil
		}
		n.unseen = append(n.unseen, "Application logs: there is no log group to read. Name the groups of the role's callers in the configuration.")
		return n.evidence(playbook.Blind, fmt.Sprintf("There is no application log group in %s; configure the groups of the role's callers.", t.Region), f), nil
	}

	lines := lineCollection{own: near.asked}
	r.readLogs(ctx, chosen.groups, w, &lines, &n)
	f.Lines, f.Streams, f.Total, f.ByKind = lines.conclude()
	readable, whole, partial := 0, 0, []string(nil)
	for _, g := range chosen.groups {
		g.cover(w, p.Request.At)
		if g.fact.Method != "" {
			readable++
			if g.whole {
				whole++
			}
		}
		f.Groups = append(f.Groups, g.fact)
	}
	if unread := len(f.Groups) - readable; unread > 0 {
		partial = append(partial, fmt.Sprintf("Log groups that could not be read: %d of %d.", unread, len(f.Groups)))
	}
	if short := readable - whole; short > 0 {
		partial = append(partial, fmt.Sprintf("Log groups that do not cover the whole window: %d of %d.", short, len(f.Groups)))
	}
	if f.Skipped > 0 {
		partial = append(partial, fmt.Sprintf("%d more log groups of the region were not read: the bound is %d.", f.Skipped, r.maxDiscovered()))
	}
	if chosen.strangers > 0 {
		n.unseen = append(n.unseen, fmt.Sprintf("%s of linked accounts: the role's trust policy does not name the accounts, and the groups share no word with the role's name. Configure those that belong to its callers.",
			wording.Count(chosen.strangers, "log group", "log groups")))
	}
	if len(r.AppLogGroups) == 0 {
		n.unseen = append(n.unseen, "The log groups were discovered, not configured: which of them belong to the role's callers is not known.")
	}
	if readable == 0 {
		problem := cmp.Or(chosen.problem, firstProblem(chosen.groups))
		if problem == nil {
			problem = &playbook.Problem{Status: playbook.Blind, Text: "none of the log groups can be read"}
		}
		e := n.stopped(problem, "No application log group could be read: "+problem.Text+".", f)
		e.Partial = strings.Join(partial, " ")
		return e, nil
	}
	status := seen(f.Total > 0, whole > 0)
	e := n.evidence(status, appErrorsSummary(f, readable), f)
	e.Partial = strings.Join(partial, " ")
	return e, nil
}

// otherAccounts are the accounts, other than the asked one, of groups that could be read.
func otherAccounts(groups []facts.LogGroup) []string {
	var out []string
	for _, g := range groups {
		if g.Account != "" && g.Method != "" {
			out = append(out, g.Account)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func firstProblem(groups []*appGroup) *playbook.Problem {
	for _, g := range groups {
		if g.problem != nil {
			return g.problem
		}
	}
	return nil
}

func (r run) maxDiscovered() int {
	if r.MaxDiscovered > 0 {
		return r.MaxDiscovered
	}
	return DefaultMaxDiscovered
}

func appErrorsSummary(f facts.AppErrors, groups int) string {
	also := ""
	switch accounts := otherAccounts(f.Groups); len(accounts) {
	case 0:
	case 1:
		also = " Log groups of account " + accounts[0] + " were read too."
	default:
		also = fmt.Sprintf(" Log groups of %d other accounts were read too: %s.", len(accounts), strings.Join(accounts, ", "))
	}
	if f.Total == 0 {
		return fmt.Sprintf("No line about credentials in %s.", wording.Count(groups, "log group", "log groups")) + also
	}
	first, last := f.Streams[0].First, f.Streams[0].Last
	for _, s := range f.Streams {
		first, last = earlier(first, s.First), later(last, s.Last)
	}
	return fmt.Sprintf("%s about credentials in %s between %s and %s: %s.", wording.Count(f.Total, "line", "lines"), wording.Count(len(f.Streams), "log stream", "log streams"), clock(first), clock(last), kindWords(f.ByKind)) + also
}

// lineFilter finds lines with an anchor in them, whatever its case.
var lineFilter = func() string {
	var words []string
	for _, a := range anchors {
		words = append(words, strings.ToLower(a))
	}
	words = fewest(words)
	for i := range words {
		words[i] = regexp.QuoteMeta(words[i])
	}
	return "fields @timestamp, @message, @log, @logStream | filter @message like /(?i)(" + strings.Join(words, "|") + ")/ | sort @timestamp desc"
}()

// lineCollection gathers classified lines from several readers, one at a time.
type lineCollection struct {
	own   string // account whose groups go by their names alone, "" for all
	lines []facts.Line
}

// add takes one log event, if it says anything of credentials.
func (c *lineCollection) add(group, stream, message string, at time.Time) {
	message = redact.Head(message, lineRead)
	r, ok := readLine(message)
	if !ok {
		return
	}
	c.lines = append(c.lines, facts.Line{Time: at, Group: group, Stream: stream, Kind: r.Kind, Code: r.Code, Call: r.Call, Text: excerpt(message, r),
		Now: r.Now, Until: r.Until, Roles: r.Roles, Sessions: redactAll(r.Sessions), Accounts: r.Accounts})
}

func redactAll(list []string) []string {
	for i := range list {
		list[i] = said(list[i], 200)
	}
	return list
}

// excerpt is the line as it may be stored: whole if it is short, else the part
// that says it. Secrets are cut before the text is, for half a token has lost
// its shape.
func excerpt(message string, r reading) string {
	text := strings.TrimSpace(redact.String(message))
	if runes := []rune(text); len(runes) <= lineLength {
		return text
	}
	at, low := 0, strings.ToLower(text)
	for _, s := range signatures {
		if s.kind != r.Kind {
			continue
		}
		if found := s.find(text, low); found >= 0 {
			at = found
			break
		}
	}
	runes := []rune(text)
	from := max(0, min(len([]rune(text[:at]))-lineLength/3, len(runes)-lineLength+1))
	if from > 0 {
		return "…" + clip(string(runes[from:]), lineLength-1)
	}
	return clip(text, lineLength)
}

// conclude sorts and counts the lines and keeps at most facts.MaxLines of them.
func (c *lineCollection) conclude() (kept []facts.Line, streams []facts.Stream, total int, byKind map[facts.Kind]int) {
	slices.SortStableFunc(c.lines, func(a, b facts.Line) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Text, b.Text))
	})
	byKind = map[facts.Kind]int{}
	place := map[[2]string]int{}
	streams = []facts.Stream{}
	for _, l := range c.lines {
		byKind[l.Kind]++
		key := [2]string{l.Group, l.Stream}
		i, ok := place[key]
		if !ok {
			i = len(streams)
			place[key] = i
			streams = append(streams, facts.Stream{Group: l.Group, Stream: l.Stream, ByKind: map[facts.Kind]int{}, First: l.Time})
		}
		streams[i].ByKind[l.Kind]++
		streams[i].Last = l.Time
	}
	slices.SortFunc(streams, func(a, b facts.Stream) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Stream, b.Stream))
	})
	return spread(c.lines, facts.MaxLines), streams, len(c.lines), byKind
}

// spread keeps at most `most` lines: every stream and kind gets its share, what
// one does not need goes to the others, and each share is spread evenly over its
// time, ends included.
func spread(lines []facts.Line, most int) []facts.Line {
	if len(lines) <= most {
		return slices.Concat([]facts.Line{}, lines)
	}
	type share struct{ group, stream, kind string }
	places := map[share][]int{}
	for i, l := range lines {
		k := share{l.Group, l.Stream, string(l.Kind)}
		places[k] = append(places[k], i)
	}
	var sets [][]int
	for _, set := range places {
		sets = append(sets, set)
	}
	var keep []int
	for i, n := range shares(sets, most) {
		set := sets[i]
		for j := range n {
			at := 0
			if n > 1 {
				at = j * (len(set) - 1) / (n - 1)
			}
			keep = append(keep, set[at])
		}
	}
	slices.Sort(keep)
	out := make([]facts.Line, 0, len(keep))
	for _, i := range keep {
		out = append(out, lines[i])
	}
	return out
}

// logName is the group's name in @log, which reads account:name: so goes a group
// of another account than own, so that namesakes are not taken for one.
func logName(log, own string) string {
	if account, name, ok := strings.Cut(log, ":"); ok && (own == "" || account == own) {
		return name
	}
	return log
}

// row takes a row of lineFilter.
func (c *lineCollection) row(row []logtypes.ResultField) time.Time {
	at := insightsTime(column(row, "@timestamp"))
	c.add(logName(column(row, "@log"), c.own), column(row, "@logStream"), column(row, "@message"), at)
	return at
}
