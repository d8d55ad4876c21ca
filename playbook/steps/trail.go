package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Where records come from, as facts.Trail.Source.
const (
	fromTrailLogs    = "trail-logs"
	fromEventHistory = "event-history"
)

// trailQuestion is what a step wants from CloudTrail. It is answered from the
// log group of a trail where there is one that records what is needed, and from
// the event history for every stretch that no group covers.
type trailQuestion struct {
	Target   playbook.Target
	Account  string // whose records are read: the account that is asked
	Window   playbook.Window
	At       time.Time
	Regions  []string
	Needs    []eventKind // a trail that does not record all of these is no source
	Filter   string      // which records, as a Logs Insights filter
	Lookups  []lookup    // the same for the event history
	InRegion []lookup    // lookups that only make sense in the asked region
	// Keep chooses among the records; counted says that they come from a group
	// over which Count runs too.
	Keep func(rec cloudtrail.Record, counted bool) bool

	// Count is a second query over the same group, for what is only counted in
	// the regions that the group is read for. CountRow sees its rows one at a time.
	Count    func(regions []string) string
	CountRow func(row []types.ResultField)
}

// eventKind is an event as a trail's selectors look at it.
type eventKind struct {
	Source, Name string
	ReadOnly     bool // AssumeRole is, although it issues credentials
	Global       bool // recorded in the partition's global region, as a global service event
}

// trailAnswer is what CloudTrail showed.
type trailAnswer struct {
	Records []cloudtrail.Record // copies counted once; by time, then by key
	Trails  []facts.Trail       // a region each, in the question's order
	// Whole says that every region was covered from the question's start to the
	// newest quarter of an hour, which is never certain.
	Whole   bool
	Partial []string // what is missing, a sentence each
	// Unreached are the log groups of other accounts that nobody could read: denied
	// calls of those accounts are nowhere else, a sentence each.
	Unreached []string
	// SideCut says that lookups which only complete the picture were cut.
	SideCut bool
	// Counted says that the counting query ran for every region that was read.
	Counted bool
	Problem *playbook.Problem // nil when at least one region could be read
}

// readTrail answers the question and notes every call.
func (r run) readTrail(ctx context.Context, q trailQuestion, n *notes) trailAnswer {
	groups := r.trailGroups(ctx, q, n)
	picked := make([]*trailGroup, len(q.Regions))
	queries := map[*trailGroup]func() groupRead{}
	regionsOf := map[*trailGroup][]string{}
	col := &collection{keep: q.Keep, best: map[string]int{}}
	var unreached []string
	for i, region := range q.Regions {
		g := pick(groups, region, q)
		if picked[i] = g; g == nil {
			for _, g := range groups {
				n.notSeen(g.why)
				if g.why != "" && !slices.Contains(unreached, g.why) {
					unreached = append(unreached, g.why)
				}
			}
			continue
		}
		regionsOf[g] = append(regionsOf[g], region)
		queries[g] = sync.OnceValue(func() groupRead { return r.readGroup(ctx, g, regionsOf[g], q, col) })
	}
	regions := make([]regionRead, len(q.Regions))
	var all sync.WaitGroup
	for i, region := range q.Regions {
		all.Go(func() {
			regions[i] = r.readRegion(ctx, region, picked[i], queries[picked[i]], q, col)
		})
	}
	all.Wait()

	noted := map[*trailGroup]bool{}
	for i := range regions {
		if g := picked[i]; g != nil && !noted[g] {
			noted[g] = true
			read := queries[g]()
			n.take(read.records.Proof, read.records.Problem, "The log group of the trail "+g.name)
			if read.records.Problem == nil {
				n.notSeen(g.through)
			}
			if q.Count != nil {
				n.take(read.counts.Proof, read.counts.Problem, "Counts in the log group of the trail "+g.name)
			}
		}
		for _, l := range regions[i].lookups {
			n.take(l.Proof, l.Problem, "CloudTrail's event history in "+q.Regions[i])
		}
	}
	a := conclude(q, groups, picked, regions, col)
	a.Unreached = unreached
	return a
}

// groupRead is what the queries over one log group brought.
type groupRead struct {
	records, counts answer[insightsStats]
	oldest          time.Time // of the rows, for when they were cut
}

func (r run) readGroup(ctx context.Context, g *trailGroup, regions []string, q trailQuestion, col *collection) groupRead {
	var read groupRead
	// Records arrive late and some clocks run ahead: the end is generous, and
	// Keep goes by the record's own time.
	ask := insightsQuery{Region: g.region, Groups: []string{g.arn}, From: q.Window.From, To: q.Window.To.Add(playbook.DeliveryLag)}
	if q.readOn() {
		ask.To = q.Window.To
	}
	filter := "filter " + q.Filter + " and awsRegion in " + quotedList(regions)
	if g.org || g.account != q.Account {
		// Every account's records are in there: ours, and others' that speak of us.
		filter += " and @message like " + quoted(q.Account)
	}
	var all sync.WaitGroup
	all.Go(func() {
		records := ask
		records.Text = "fields @message | " + filter + " | sort @timestamp desc"
		read.records = g.by.insights(ctx, records, func(row []types.ResultField) {
			at := col.add(column(row, "@message"), q, q.Count != nil)
			if !at.IsZero() && (read.oldest.IsZero() || at.Before(read.oldest)) {
				read.oldest = at
			}
		})
	})
	if q.Count != nil {
		all.Go(func() {
			counts := ask
			counts.To, counts.Text = q.Window.To, q.Count(regions)
			read.counts = g.by.insights(ctx, counts, func(row []types.ResultField) {
				col.mu.Lock()
				defer col.mu.Unlock()
				q.CountRow(row)
			})
		})
	}
	all.Wait()
	return read
}

// regionRead is how one region was read.
type regionRead struct {
	logs    bool // the group's query answered
	cut     time.Time
	counted bool
	from    time.Time // covered
	to      time.Time
	lookups []answer[lookedUp]
	asked   []lookup
	sideCut bool
	problem *playbook.Problem
}

// readRegion reads the group's part and asks the event history for the rest.
func (r run) readRegion(ctx context.Context, region string, g *trailGroup, query func() groupRead, q trailQuestion, col *collection) regionRead {
	var out regionRead
	wantTo := q.wantTo()
	rest := []playbook.Window{q.Window}
	counted := false // the counting query has the rest as well
	if query != nil {
		read := query()
		// Where the group cannot be queried, the event history takes its place.
		if read.records.Problem == nil {
			out.logs, out.from, out.to = true, g.from, g.to
			if seam := q.Window.To.Add(-playbook.DeliveryLag); q.readOn() && out.to.After(seam) {
				out.to, counted = later(seam, out.from), q.Count != nil
			}
			out.counted = read.counts.Problem == nil && !read.counts.Out.Cut
			if read.records.Out.Cut {
				out.cut = read.oldest
				out.from = later(out.from, read.oldest)
			}
			rest = rest[:0]
			if out.from.After(q.Window.From) && out.cut.IsZero() {
				rest = append(rest, playbook.Window{From: q.Window.From, To: earlier(out.from, q.Window.To)})
			}
			if out.to.Before(wantTo) {
				rest = append(rest, playbook.Window{From: later(out.to, q.Window.From), To: q.Window.To})
			}
		}
	}
	for _, w := range rest {
		through, problem := r.readHistory(ctx, region, w, q, col, &out, counted)
		if problem != nil {
			if out.logs {
				continue
			}
			out.problem = problem
			return out
		}
		end := earlier(w.To, wantTo)
		if !out.logs {
			out.from, out.to = through, end
			continue
		}
		// Joined with what the group covers, where the two meet.
		if !w.To.Before(out.from) && through.Before(out.from) {
			out.from = through
		}
		if !through.After(out.to) && end.After(out.to) {
			out.to = end
		}
	}
	return out
}

// readHistory asks the event history for one stretch and says from where on it
// is covered.
func (r run) readHistory(ctx context.Context, region string, w playbook.Window, q trailQuestion, col *collection, out *regionRead, counted bool) (time.Time, *playbook.Problem) {
	lookups := q.Lookups
	if region == q.Target.Region {
		lookups = slices.Concat(lookups, q.InRegion)
	}
	through := later(w.From, q.At.Add(-eventHistory))
	w.From = through
	answers := make([]answer[lookedUp], len(lookups))
	var all sync.WaitGroup
	for i, l := range lookups {
		all.Go(func() {
			answers[i] = r.history(ctx, region, l, w.From, w.To, func(raw string) bool { col.add(raw, q, counted); return true })
		})
	}
	all.Wait()
	out.lookups = append(out.lookups, answers...)
	out.asked = append(out.asked, lookups...)
	var problem *playbook.Problem
	for i, a := range answers {
		switch {
		case lookups[i].Side:
			out.sideCut = out.sideCut || a.Out.Cut || a.Problem != nil
		case a.Problem != nil && problem == nil:
			problem = a.Problem
		case a.Out.Through.After(through):
			through = a.Out.Through
		}
	}
	return through, problem
}

// wantTo is up to when a source must reach: the newest stretch may not have
// arrived anywhere.
func (q trailQuestion) wantTo() time.Time {
	return earlier(q.Window.To, q.At.Add(-playbook.DeliveryLag))
}

// readOn says that an earlier run has read on from the window's end, and is not
// asked again. What was called just before the end and delivered to the log
// group just behind it is taken from the event history, which goes by the time
// of the call.
func (q trailQuestion) readOn() bool { return q.Window.To.Before(q.At) }

// conclude says per region what was covered.
func conclude(q trailQuestion, groups []*trailGroup, picked []*trailGroup, regions []regionRead, col *collection) trailAnswer {
	a := trailAnswer{Records: col.sorted(), Whole: true, Counted: q.Count != nil}
	count := map[string]int{}
	for _, rec := range a.Records {
		count[rec.AWSRegion]++
	}
	readable := 0
	var problem *playbook.Problem
	for i, region := range q.Regions {
		read := regions[i]
		t := facts.Trail{Region: region, Records: count[region]}
		ok := read.logs || read.problem == nil
		switch {
		case read.logs:
			t.Source, t.LogGroup, t.Organization = fromTrailLogs, picked[i].arn, picked[i].org
			if owner := picked[i].account; owner != q.Account {
				t.Account = owner
			}
			a.Counted = a.Counted && read.counted
			t.Gaps = append(t.Gaps, picked[i].gaps...)
		case read.problem == nil:
			t.Source = fromEventHistory
			a.Counted = false
			t.Gaps = append(t.Gaps, whyNoGroup(groups, region, q)...)
		default:
			a.Counted = false
			t.Gaps = append(t.Gaps, whyNoGroup(groups, region, q)...)
		}
		if ok {
			readable++
			t.From, t.To = read.from, read.to
			if !read.cut.IsZero() {
				t.Gaps = append(t.Gaps, fmt.Sprintf("More than %d records matched: those before %s were not read.", insightsRows, clock(read.cut)))
			}
		}
		a.SideCut = a.SideCut || read.sideCut
		whole := ok && !t.From.After(q.Window.From) && !t.To.Before(q.wantTo())
		a.Whole = a.Whole && whole
		switch {
		case !ok:
			problem = cmp.Or(problem, read.problem)
			a.Partial = append(a.Partial, fmt.Sprintf("CloudTrail in %s could not be read: %s.", region, read.problem.Text))
			for _, why := range whyNoGroup(groups, region, q) { // why a trail that there is was no help
				if len(groups) > 0 && !slices.Contains(a.Partial, why) {
					a.Partial = append(a.Partial, why)
				}
			}
		case !whole && !t.To.After(t.From):
			a.Partial = append(a.Partial, fmt.Sprintf("CloudTrail in %s covers nothing of the window.", region))
		case !whole:
			a.Partial = append(a.Partial, fmt.Sprintf("CloudTrail in %s is covered only from %s to %s.", region, clock(t.From), clock(t.To)))
		}
		a.Trails = append(a.Trails, t)
	}
	if col.bad > 0 {
		a.Partial = append(a.Partial, wording.Count(col.bad, "record", "records")+" could not be decoded.")
	}
	if readable == 0 {
		a.Problem = problem
	}
	return a
}

// collection gathers records from several readers, one copy of each.
type collection struct {
	keep func(cloudtrail.Record, bool) bool

	mu      sync.Mutex
	records []cloudtrail.Record // guarded by mu
	best    map[string]int      // place in records by Record.Key; guarded by mu
	bad     int                 // guarded by mu
}

// add takes a record's JSON, if it is in the question's time and wanted. It
// returns the record's time, zero where it could not be decoded.
func (c *collection) add(raw string, q trailQuestion, counted bool) time.Time {
	rec, err := cloudtrail.Decode([]byte(raw))
	if err != nil {
		c.mu.Lock()
		c.bad++
		c.mu.Unlock()
		return time.Time{}
	}
	if !q.Window.Contains(rec.EventTime) || !ofRegion(rec, q.Target) || !c.keep(rec, counted) {
		return rec.EventTime
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := rec.Key()
	if at, ok := c.best[key]; ok && key != "" {
		if tells(rec, c.records[at]) {
			c.records[at] = rec
		}
		return rec.EventTime
	}
	c.best[key] = len(c.records)
	c.records = append(c.records, rec)
	return rec.EventTime
}

func (c *collection) sorted() []cloudtrail.Record {
	slices.SortFunc(c.records, func(a, b cloudtrail.Record) int {
		return cmp.Or(a.EventTime.Compare(b.EventTime), cmp.Compare(a.Key(), b.Key()), cmp.Compare(a.RequestID, b.RequestID))
	})
	return c.records
}

// tells says whether copy a tells more about the caller than b: the role's
// account is shown only the caller's account. Between equals the order of
// reading must not matter.
func tells(a, b cloudtrail.Record) bool {
	named := func(r cloudtrail.Record) int {
		n := 0
		for _, s := range []string{r.Identity.ARN, r.Identity.AccessKeyID, r.Identity.UserName, r.Identity.InvokedBy, r.Request.RoleARN} {
			if s != "" {
				n++
			}
		}
		return n
	}
	return cmp.Or(cmp.Compare(named(b), named(a)), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.RecipientAccountID, b.RecipientAccountID)) < 0
}

// ofRegion says whether a record belongs to what is asked about: it was made in
// the asked region, or it is one of the global calls that are recorded
// elsewhere. Calls through the global STS endpoint count where they were served
// for the asked region, or where that is not known: us-east-1 serves every client
// whose region AWS cannot tell by its resolver, so that says nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func ofRegion(rec cloudtrail.Record, t playbook.Target) bool {
	if rec.EventSource != "sts.amazonaws.com" {
		return rec.EventSource != "eks-auth.amazonaws.com" || rec.AWSRegion == t.Region
	}
	if rec.GlobalEndpoint() {
		return slices.Contains([]string{"", t.Region, playbook.GlobalRegion(t.Partition)}, rec.Additional.ServingRegion)
	}
	return rec.AWSRegion == t.Region || rec.Additional.EndpointType == "" && rec.HostHeader == ""
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// clock is a moment as people read it in a sentence.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
