package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	// describedGroups bounds discovery: 100 requests of 50 groups.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
	describedGroups = 5000
	// triedAlone is how many groups are queried one by one where a query over all
	// of them is refused: permissions are often given by a prefix of names.
	triedAlone = 10
	// filterPattern is the length of a filter pattern, filterPages how many pages
	// are read of one.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
	filterPattern = 1024
	filterPages   = 200
)

// appGroup is a log group on its way through the step.
type appGroup struct {
	fact    facts.LogGroup
	id      string // ARN without ":*", or the name
	problem *playbook.Problem
	cut     string // what was not read because there was too much
	whole   bool   // covers the window
}

type chosenGroups struct {
	groups  []*appGroup
	skipped int
	problem *playbook.Problem
}

// chooseGroups are the configured groups, else the discovered ones.
func (r run) chooseGroups(ctx context.Context, t playbook.Target, n *notes) chosenGroups {
	if len(r.AppLogGroups) > 0 {
		return r.configuredGroups(ctx, t, n)
	}
	var (
		all   sync.WaitGroup
		found answer[[]logtypes.LogGroup]
		own   notes
		trail map[string]bool
	)
	all.Go(func() { found = r.discoverGroups(ctx, t.Region) })
	all.Go(func() {
		trail = map[string]bool{}
		for _, tr := range r.describeTrails(ctx, []string{t.Region}, &own) {
			trail[strings.TrimSuffix(aws.ToString(tr.CloudWatchLogsLogGroupArn), ":*")] = true
		}
	})
	all.Wait()
	n.take(found.Proof, found.Problem, "The log groups of "+t.Region)
	n.proof = append(n.proof, own.proof...)
	n.missing = append(n.missing, own.missing...)
	if found.Problem != nil {
		return chosenGroups{problem: found.Problem}
	}
	groups := slices.DeleteFunc(found.Out, func(g logtypes.LogGroup) bool {
		return trail[groupID(g)] || strings.Contains(strings.ToLower(aws.ToString(g.LogGroupName)), "cloudtrail")
	})
	words := nameWords(t.Role)
	slices.SortFunc(groups, func(a, b logtypes.LogGroup) int {
		return cmp.Or(-cmp.Compare(affinity(words, aws.ToString(a.LogGroupName)), affinity(words, aws.ToString(b.LogGroupName))),
			-cmp.Compare(aws.ToInt64(a.StoredBytes), aws.ToInt64(b.StoredBytes)), cmp.Compare(aws.ToString(a.LogGroupName), aws.ToString(b.LogGroupName)))
	})
	var out chosenGroups
	most := r.maxDiscovered()
	out.skipped = max(0, len(groups)-most)
	for _, g := range groups[:min(most, len(groups))] {
		out.groups = append(out.groups, newAppGroup(g, t.Region, "discovered"))
	}
	return out
}

func newAppGroup(g logtypes.LogGroup, region, chosen string) *appGroup {
	return &appGroup{id: groupID(g), fact: facts.LogGroup{Name: aws.ToString(g.LogGroupName), Region: region, Class: string(classOf(g)),
		Created: millis(g.CreationTime), Retention: int(aws.ToInt32(g.RetentionInDays)), Chosen: chosen}}
}

func groupID(g logtypes.LogGroup) string {
	return strings.TrimSuffix(cmp.Or(aws.ToString(g.LogGroupArn), aws.ToString(g.Arn), aws.ToString(g.LogGroupName)), ":*")
}

func (r run) discoverGroups(ctx context.Context, region string) answer[[]logtypes.LogGroup] {
	more := false
	a := ask(ctx, call{Action: "logs:DescribeLogGroups", Region: region, Console: console(region, "cloudwatch", "logsV2:log-groups")},
		func(ctx context.Context) ([]logtypes.LogGroup, error) {
			var all []logtypes.LogGroup
			pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.Logs(region), &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(50)})
			for pages.HasMorePages() {
				if more = len(all) >= describedGroups; more {
					break
				}
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				all = append(all, page.LogGroups...)
			}
			return all, nil
		})
	if a.Problem == nil {
		a.Proof.Result = fmt.Sprintf("%d log groups", len(a.Out))
		if more {
			a.Proof.Result += ", and more that were not listed"
		}
	}
	return a
}

// configuredGroups describes the groups that the operator named, by name or ARN.
func (r run) configuredGroups(ctx context.Context, t playbook.Target, n *notes) chosenGroups {
	groups := make([]*appGroup, len(r.AppLogGroups))
	answers := make([]answer[*logtypes.LogGroup], len(groups))
	var all sync.WaitGroup
	for i, name := range r.AppLogGroups {
		region, id := t.Region, name
		if parts := strings.SplitN(strings.TrimSuffix(name, ":*"), ":", 7); len(parts) == 7 && parts[5] == "log-group" {
			region, name, id = parts[3], parts[6], strings.Join(parts, ":")
		}
		groups[i] = &appGroup{id: id, fact: facts.LogGroup{Name: name, Region: region, Chosen: "configured"}}
		all.Go(func() { answers[i] = r.describeGroup(ctx, region, name) })
	}
	all.Wait()
	for i, a := range answers {
		n.take(a.Proof, nil, "")
		g := groups[i]
		switch {
		case a.Out != nil:
			groups[i] = newAppGroup(*a.Out, g.fact.Region, "configured")
		case a.Problem == nil:
			g.fact.Why = "There is no such log group."
			g.problem = &playbook.Problem{Status: playbook.Blind, Text: "there is no log group " + g.fact.Name + " in " + g.fact.Region}
		case a.Problem.Status == playbook.Denied:
			// Its class and age stay unknown; it may be readable all the same.
			n.proof = n.proof[:len(n.proof)-1]
			n.take(a.Proof, a.Problem, "")
			g.fact.Class = string(logtypes.LogGroupClassStandard)
		default:
			g.fact.Why, g.problem = a.Problem.Text, a.Problem
		}
	}
	return chosenGroups{groups: groups}
}

// nameWords are the words of a name that tell something.
func nameWords(name string) []string {
	var words []string
	var b strings.Builder
	end := func() {
		if w := strings.ToLower(b.String()); len(w) >= 3 && !slices.Contains([]string{"aws", "role", "prod", "iam", "the", "log", "logs", "app", "application", "service", "svc", "dev", "stage", "staging", "test", "lambda", "ecs", "eks"}, w) {
			words = append(words, w)
		}
		b.Reset()
	}
	last := ' '
	for _, c := range name {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) || unicode.IsUpper(c) && unicode.IsLower(last) {
			end()
		}
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			b.WriteRune(c)
		}
		last = c
	}
	end()
	slices.Sort(words)
	return slices.Compact(words)
}

// affinity is how many of the words a log group's name shares.
func affinity(words []string, group string) int {
	n := 0
	for _, w := range nameWords(group) {
		if slices.Contains(words, w) {
			n++
		}
	}
	return n
}

// cover says whether the group shows the whole window, and why not.
func (g *appGroup) cover(w playbook.Window, at time.Time) {
	if g.fact.Method == "" {
		return
	}
	from := w.From
	why := ""
	if g.fact.Created.After(from) {
		from, why = g.fact.Created, "It was created at "+clock(g.fact.Created)+"."
	}
	if g.fact.Retention > 0 {
		if kept := at.AddDate(0, 0, -g.fact.Retention); kept.After(from) {
			from, why = kept, fmt.Sprintf("It keeps %d days.", g.fact.Retention)
		}
	}
	g.whole = !from.After(w.From) && g.cut == ""
	g.fact.Why = strings.Join(strings.Fields(g.fact.Why+" "+why+" "+g.cut), " ")
}

// readLogs reads all groups: each class and region in as few queries as AWS
// takes, all at once.
func (r run) readLogs(ctx context.Context, groups []*appGroup, w playbook.Window, lines *lineCollection, n *notes) {
	batches := map[[2]string][]*appGroup{}
	for _, g := range groups {
		if g.problem != nil {
			continue
		}
		if g.fact.Class == string(logtypes.LogGroupClassDelivery) {
			g.fact.Why = "Groups of the class DELIVERY cannot be queried."
			g.problem = &playbook.Problem{Status: playbook.Blind, Text: "the log group " + g.fact.Name + " is of the class DELIVERY, which no query reads"}
			continue
		}
		key := [2]string{g.fact.Region, g.fact.Class}
		batches[key] = append(batches[key], g)
	}
	var work [][]*appGroup
	for _, b := range batches {
		work = append(work, slices.Collect(slices.Chunk(b, insightsGroups))...)
	}
	slices.SortFunc(work, func(a, b []*appGroup) int {
		return cmp.Or(cmp.Compare(a[0].fact.Region, b[0].fact.Region), cmp.Compare(a[0].fact.Class, b[0].fact.Class), cmp.Compare(a[0].fact.Name, b[0].fact.Name))
	})
	read := logReading{run: r, window: w, lines: lines}
	results := make([][]answer[insightsStats], len(work))
	var all sync.WaitGroup
	for i, batch := range work {
		all.Go(func() { results[i] = read.batch(ctx, batch) })
	}
	all.Wait()
	for _, list := range results {
		for _, a := range list {
			n.take(a.Proof, a.Problem, "Log lines of "+a.Proof.LogGroup)
		}
	}
	n.unseen = slices.Compact(n.unseen)
}

// logReading reads batches of log groups into one collection of lines.
type logReading struct {
	run
	window playbook.Window
	mu     sync.Mutex
	lines  *lineCollection // guarded by mu
}

// batch reads groups of one region and class with one query. Where that is
// refused, the first of them are tried alone, and what is still refused is read
// the older way, which only STANDARD groups have.
func (l *logReading) batch(ctx context.Context, groups []*appGroup) []answer[insightsStats] {
	a := l.query(ctx, groups)
	out := []answer[insightsStats]{a}
	if a.Problem == nil || a.Problem.Status != playbook.Denied && awsCode(a.Problem.Err) != "ResourceNotFoundException" {
		return out
	}
	if len(groups) > 1 {
		alone := groups[:min(triedAlone, len(groups))]
		answers := make([]answer[insightsStats], len(alone))
		var all sync.WaitGroup
		for i, g := range alone {
			all.Go(func() { answers[i] = l.query(ctx, []*appGroup{g}) })
		}
		all.Wait()
		out = append(out, answers...)
	}
	if a.Problem.Status != playbook.Denied || groups[0].fact.Class != string(logtypes.LogGroupClassStandard) {
		return out
	}
	filtered := 0
	for _, g := range groups {
		if g.fact.Method == "" && filtered < triedAlone {
			filtered++
			out = append(out, l.filter(ctx, g)...)
		}
	}
	return out
}

func (l *logReading) query(ctx context.Context, groups []*appGroup) answer[insightsStats] {
	q := insightsQuery{Region: groups[0].fact.Region, Text: lineFilter, From: l.window.From, To: l.window.To}
	for _, g := range groups {
		q.Groups = append(q.Groups, g.id)
	}
	var mine lineCollection
	oldest := l.window.To
	a := l.insights(ctx, q, func(row []logtypes.ResultField) { oldest = earlier(oldest, mine.row(row)) })
	for _, g := range groups {
		if a.Problem != nil {
			g.problem = a.Problem
			g.fact.Why = a.Problem.Text
			continue
		}
		g.problem, g.fact.Why, g.fact.Method = nil, "", "insights"
		if len(groups) == 1 {
			g.fact.Scanned = a.Out.Scanned
		}
		if a.Out.Cut {
			g.cut = "Too many lines matched: those before " + clock(oldest) + " were not read."
		}
	}
	if a.Problem == nil {
		l.keep(mine.lines)
	}
	return a
}

func (l *logReading) keep(lines []facts.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range lines {
		if l.window.Contains(x.Time) {
			l.lines.lines = append(l.lines.lines, x)
		}
	}
}

// filter reads one STANDARD group with FilterLogEvents, a page after the other,
// empty ones too: AWS gives them while it searches.
func (l *logReading) filter(ctx context.Context, g *appGroup) []answer[insightsStats] {
	var out []answer[insightsStats]
	var mine lineCollection
	seen := map[string]bool{}
	for _, pattern := range filterPatterns() {
		c := call{Action: "logs:FilterLogEvents", Region: g.fact.Region, Args: []string{"--log-group-name", g.fact.Name,
			"--start-time", strconv.FormatInt(l.window.From.UnixMilli(), 10), "--end-time", strconv.FormatInt(l.window.To.UnixMilli(), 10), "--filter-pattern", pattern}}
		a := ask(ctx, c, func(ctx context.Context) (insightsStats, error) {
			var s insightsStats
			in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &g.fact.Name, FilterPattern: &pattern,
				StartTime: aws.Int64(l.window.From.UnixMilli()), EndTime: aws.Int64(l.window.To.UnixMilli())}
			for page := 0; page < filterPages; page++ {
				got, err := l.Logs(g.fact.Region).FilterLogEvents(ctx, in)
				if err != nil {
					return s, err
				}
				for _, e := range got.Events {
					s.Rows++
					id := aws.ToString(e.EventId)
					if id != "" && seen[id] {
						continue
					}
					seen[id] = true
					mine.add(g.fact.Name, aws.ToString(e.LogStreamName), aws.ToString(e.Message), millis(e.Timestamp))
				}
				if got.NextToken == nil {
					return s, nil
				}
				in.NextToken = got.NextToken
			}
			s.Cut = true
			return s, nil
		})
		from, to := l.window.From, l.window.To
		a.Proof.Query, a.Proof.LogGroup, a.Proof.From, a.Proof.To = pattern, g.fact.Name, &from, &to
		if a.Problem == nil {
			a.Proof.Result = fmt.Sprintf("%d events", a.Out.Rows)
		}
		out = append(out, a)
		if a.Problem != nil {
			g.problem, g.fact.Why = a.Problem, a.Problem.Text
			return out
		}
		if a.Out.Cut {
			g.cut = fmt.Sprintf("Too many lines matched: after %d pages the newest were not read.", filterPages)
		}
	}
	g.problem, g.fact.Why, g.fact.Method = nil, "", "filter"
	l.keep(mine.lines)
	return out
}

// filterPatterns are the anchors as filter patterns, each as long as AWS takes:
// any of the phrases, minding case.
func filterPatterns() []string {
	var out []string
	var b strings.Builder
	for _, a := range anchors {
		term := `?"` + a + `"`
		if b.Len()+1+len(term) > filterPattern {
			out = append(out, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(term)
	}
	return append(out, b.String())
}
