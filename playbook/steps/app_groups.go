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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	// describedGroups bounds discovery: 100 requests of 50 groups.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
	describedGroups = 5000
	// describedAccounts is how many accounts one such request may be about.
	describedAccounts = 20
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
	name    string // in its account
	id      string // ARN without ":*", or the name
	by      run    // whose clients read it
	linked  bool   // it is another account's, and AWS takes its ARN alone
	problem *playbook.Problem
	cut     string // what was not read because there was too much
	whole   bool   // covers the window
}

type chosenGroups struct {
	groups  []*appGroup
	skipped int
	// strangers are the groups that were left out because nothing ties their
	// accounts to the role.
	strangers int
	problem   *playbook.Problem
}

// around is which accounts' logs are about a role: its own, the one that is asked
// and those that its trust policy lets in.
type around struct {
	role, asked string
	callers     []string
}

// rank puts the role's account first and an account that nothing ties to it last.
func (a around) rank(account string) int {
	switch {
	case account == a.role:
		return 0
	case account == a.asked, slices.Contains(a.callers, account):
		return 1
	}
	return strange
}

const strange = 2

// accounts are all of them, as many as AWS may be asked about at once.
func (a around) accounts() []string {
	var out []string
	for _, account := range slices.Concat([]string{a.role, a.asked}, a.callers) {
		if account != "" && !slices.Contains(out, account) && len(out) < describedAccounts {
			out = append(out, account)
		}
	}
	return out
}

// chooseGroups are the configured groups, else the discovered ones.
func (r run) chooseGroups(ctx context.Context, t playbook.Target, near around, n *notes) chosenGroups {
	if len(r.AppLogGroups) > 0 {
		return r.configuredGroups(ctx, t, near, n)
	}
	var (
		all   sync.WaitGroup
		found foundGroups
		own   notes
		trail map[string]bool
	)
	all.Go(func() { found = r.discoverGroups(ctx, t.Region, near) })
	all.Go(func() {
		trail = map[string]bool{}
		for _, tr := range r.describeTrails(ctx, []string{t.Region}, &own) {
			trail[strings.TrimSuffix(aws.ToString(tr.CloudWatchLogsLogGroupArn), ":*")] = true
		}
	})
	all.Wait()
	n.takeAll(found.asked, "The log groups of "+t.Region)
	n.proof = append(n.proof, own.proof...)
	n.missing = append(n.missing, own.missing...)
	if found.problem != nil {
		return chosenGroups{problem: found.problem}
	}
	var out chosenGroups
	shared := map[string]int{}
	for _, g := range found.groups {
		name := aws.ToString(g.LogGroupName)
		shared[name] = facts.SharedWords(t.Role, name)
	}
	related := func(g logtypes.LogGroup) int { return shared[aws.ToString(g.LogGroupName)] }
	rank := func(g logtypes.LogGroup) int { return near.rank(ownerOf(g, near.asked)) }
	groups := slices.DeleteFunc(found.groups, func(g logtypes.LogGroup) bool {
		if trail[groupID(g)] || strings.Contains(strings.ToLower(aws.ToString(g.LogGroupName)), "cloudtrail") {
			return true
		}
		stranger := rank(g) == strange && related(g) == 0
		if stranger {
			out.strangers++
		}
		return stranger
	})
	slices.SortFunc(groups, func(a, b logtypes.LogGroup) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(related(a), related(b)),
			-cmp.Compare(aws.ToInt64(a.StoredBytes), aws.ToInt64(b.StoredBytes)), cmp.Compare(aws.ToString(a.LogGroupName), aws.ToString(b.LogGroupName)),
			cmp.Compare(groupID(a), groupID(b)))
	})
	most := r.maxDiscovered()
	out.skipped = max(0, len(groups)-most)
	for _, g := range groups[:min(most, len(groups))] {
		out.groups = append(out.groups, r.newAppGroup(g, t.Region, near.asked, "discovered"))
	}
	return out
}

// newAppGroup is a described group, which r's clients read.
func (r run) newAppGroup(g logtypes.LogGroup, region, asked, chosen string) *appGroup {
	out := &appGroup{id: groupID(g), name: aws.ToString(g.LogGroupName), by: r, fact: facts.LogGroup{Region: region, Class: string(classOf(g)),
		Created: millis(g.CreationTime), Retention: int(aws.ToInt32(g.RetentionInDays)), Chosen: chosen}}
	out.of(ownerOf(g, asked), asked)
	out.linked = out.fact.Account != "" && r.By == ""
	return out
}

// of names the group for evidence: another account's with its account.
func (g *appGroup) of(owner, asked string) {
	g.fact.Name = g.name
	if owner != asked {
		g.fact.Name, g.fact.Account = owner+":"+g.name, owner
	}
}

// ownerOf is a group's account, the asked one where AWS does not say.
func ownerOf(g logtypes.LogGroup, asked string) string {
	if arn, ok := parseGroupARN(groupID(g)); ok && asked != "" {
		return arn.account
	}
	return asked
}

func groupID(g logtypes.LogGroup) string {
	return strings.TrimSuffix(cmp.Or(aws.ToString(g.LogGroupArn), aws.ToString(g.Arn), aws.ToString(g.LogGroupName)), ":*")
}

// foundGroups is what discovery found, and the calls that asked for it.
type foundGroups struct {
	groups  []logtypes.LogGroup
	asked   []asked
	problem *playbook.Problem
}

// discoverGroups lists the region's groups, those of linked accounts too where
// the asked account monitors others: it is the same question, with one word more.
// Where there are more groups than are listed, those of the accounts around the
// role are listed by themselves, so that a large organization does not hide them.
func (r run) discoverGroups(ctx context.Context, region string, near around) foundGroups {
	var out foundGroups
	list := func(in cloudwatchlogs.DescribeLogGroupsInput) (groups []logtypes.LogGroup, refused, more bool) {
		a, more := r.listGroups(ctx, region, in)
		if refused = in.IncludeLinkedAccounts != nil && refusesLinked(a.Problem); refused {
			a.Problem = nil
		}
		out.asked = append(out.asked, asked{a.Proof, a.Problem})
		out.problem = a.Problem
		return a.Out, refused, more
	}
	if near.asked == "" { // linked groups could not be told from its own
		out.groups, _, _ = list(cloudwatchlogs.DescribeLogGroupsInput{})
		return out
	}
	groups, refused, more := list(cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true)})
	linked := slices.ContainsFunc(groups, func(g logtypes.LogGroup) bool { return ownerOf(g, near.asked) != near.asked })
	if more && linked {
		var first []logtypes.LogGroup
		first, refused, _ = list(cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), AccountIdentifiers: near.accounts()})
		groups = joinGroups(first, groups)
	}
	if refused {
		first, _, _ := list(cloudwatchlogs.DescribeLogGroupsInput{})
		groups = joinGroups(first, groups)
	}
	if out.groups = groups; len(groups) > 0 {
		out.problem = nil
	}
	return out
}

// joinGroups is both lists, each group once.
func joinGroups(a, b []logtypes.LogGroup) []logtypes.LogGroup {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Concat(a, b), func(g logtypes.LogGroup) bool {
		again := seen[groupID(g)]
		seen[groupID(g)] = true
		return again
	})
}

// listGroups reads all pages, up to describedGroups; more says that there are others.
func (r run) listGroups(ctx context.Context, region string, in cloudwatchlogs.DescribeLogGroupsInput) (a answer[[]logtypes.LogGroup], more bool) {
	c := call{Action: "logs:DescribeLogGroups", Region: region, Console: console(region, "cloudwatch", "logsV2:log-groups")}
	if in.IncludeLinkedAccounts != nil {
		c.Args = append(c.Args, "--include-linked-accounts")
	}
	if len(in.AccountIdentifiers) > 0 {
		c.Args = append(append(c.Args, "--account-identifiers"), in.AccountIdentifiers...)
	}
	in.Limit = aws.Int32(50)
	a = ask(ctx, c, func(ctx context.Context) ([]logtypes.LogGroup, error) {
		var all []logtypes.LogGroup
		pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.Logs(region), &in)
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
		a.Proof.Result = wording.Count(len(a.Out), "log group", "log groups")
		if more {
			a.Proof.Result += ", and more that were not listed"
		}
	}
	return a, more
}

// configuredGroups describes the groups that the operator named, by name or ARN.
// An ARN of another account is never looked for by its name here, where it would
// find a namesake.
func (r run) configuredGroups(ctx context.Context, t playbook.Target, near around, n *notes) chosenGroups {
	groups := make([]*appGroup, len(r.AppLogGroups))
	answers := make([]answer[*logtypes.LogGroup], len(groups))
	ways := make([]*way, len(groups))
	var all sync.WaitGroup
	for i, name := range r.AppLogGroups {
		g := &appGroup{id: name, name: name, by: r, fact: facts.LogGroup{Name: name, Region: t.Region, Chosen: "configured"}}
		groups[i] = g
		arn, ok := parseGroupARN(name)
		if ok {
			g.id, g.name, g.fact.Name, g.fact.Region = arn.whole, arn.name, arn.name, arn.region
		}
		if ok && near.asked != "" && arn.account != near.asked {
			g.of(arn.account, near.asked)
			all.Go(func() {
				w := r.wayTo(ctx, arn, near.asked)
				ways[i] = &w
			})
			continue
		}
		all.Go(func() { answers[i] = r.describeGroup(ctx, g.fact.Region, g.name) })
	}
	all.Wait()
	for i, a := range answers {
		g := groups[i]
		if w := ways[i]; w != nil {
			n.takeAll(w.asked, "The log group "+g.fact.Name)
			if w.group != nil {
				groups[i] = w.by.newAppGroup(*w.group, g.fact.Region, near.asked, "configured")
				continue
			}
			g.fact.Why = "It is in account " + g.fact.Account + " and was not read: " + w.why + "."
			g.problem = &playbook.Problem{Status: playbook.Blind, Text: "the log group " + g.name + " is in account " + g.fact.Account + ": " + w.why}
			n.unseen = append(n.unseen, "The log group "+g.fact.Name+": "+w.why+".")
			continue
		}
		n.take(a.Proof, nil, "")
		switch {
		case a.Out != nil:
			groups[i] = r.newAppGroup(*a.Out, g.fact.Region, near.asked, "configured")
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
			from, why = kept, fmt.Sprintf("It keeps %s.", wording.Count(g.fact.Retention, "day", "days"))
		}
	}
	g.whole = !from.After(w.From) && g.cut == ""
	g.fact.Why = strings.Join(strings.Fields(g.fact.Why+" "+why+" "+g.cut), " ")
}

// batchKey is what the groups of one query have in common. AWS would take linked
// groups together with others; they are asked for by themselves because a policy
// that leaves them out must not cost what it allows.
type batchKey struct {
	by, region, class string
	linked            bool
}

// readLogs reads all groups: each class and region in as few queries as AWS
// takes, all at once.
func (r run) readLogs(ctx context.Context, groups []*appGroup, w playbook.Window, lines *lineCollection, n *notes) {
	batches := map[batchKey][]*appGroup{}
	for _, g := range groups {
		if g.problem != nil {
			continue
		}
		if g.fact.Class == string(logtypes.LogGroupClassDelivery) {
			g.fact.Why = "Groups of the class DELIVERY cannot be queried."
			g.problem = &playbook.Problem{Status: playbook.Blind, Text: "the log group " + g.fact.Name + " is of the class DELIVERY, which no query reads"}
			continue
		}
		key := batchKey{g.by.By, g.fact.Region, g.fact.Class, g.linked}
		batches[key] = append(batches[key], g)
	}
	var work [][]*appGroup
	for _, b := range batches {
		work = append(work, slices.Collect(slices.Chunk(b, insightsGroups))...)
	}
	slices.SortFunc(work, func(a, b []*appGroup) int {
		return cmp.Or(cmp.Compare(a[0].fact.Region, b[0].fact.Region), cmp.Compare(a[0].fact.Class, b[0].fact.Class), cmp.Compare(a[0].fact.Account, b[0].fact.Account),
			cmp.Compare(a[0].fact.Name, b[0].fact.Name))
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
	mine := lineCollection{own: l.lines.own}
	oldest := l.window.To
	a := groups[0].by.insights(ctx, q, func(row []logtypes.ResultField) { oldest = earlier(oldest, mine.row(row)) })
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
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &g.name, FilterPattern: &pattern,
			StartTime: aws.Int64(l.window.From.UnixMilli()), EndTime: aws.Int64(l.window.To.UnixMilli())}
		option, named := "--log-group-name", g.name
		if g.linked {
			in.LogGroupName, in.LogGroupIdentifier = nil, &g.id
			option, named = "--log-group-identifier", g.id
		}
		c := call{Action: "logs:FilterLogEvents", Region: g.fact.Region, As: g.by.By, Args: []string{option, named,
			"--start-time", strconv.FormatInt(l.window.From.UnixMilli(), 10), "--end-time", strconv.FormatInt(l.window.To.UnixMilli(), 10), "--filter-pattern", pattern}}
		a := ask(ctx, c, func(ctx context.Context) (insightsStats, error) {
			var s insightsStats
			for page := 0; page < filterPages; page++ {
				got, err := g.by.Logs(g.fact.Region).FilterLogEvents(ctx, in)
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
			a.Proof.Result = wording.Count(a.Out.Rows, "event", "events")
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
