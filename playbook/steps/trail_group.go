package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// trailActions are what readTrail may call.
var trailActions = []string{"cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors", "cloudtrail:LookupEvents",
	"logs:DescribeLogGroups", "logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery"}

// trailGroup is a trail with the log group that it delivers to, and what of the
// question's time that group can show.
type trailGroup struct {
	trail              trailtypes.Trail
	name, arn          string // the trail's name, the group's ARN without ":*"
	region, account    string // the group's
	by                 run    // whose clients read it
	why                string // it is another account's and cannot be read, a sentence
	through            string // it is another account's and how it is read, a sentence
	multi, global, org bool
	home               string
	status             answer[*cloudtrail.GetTrailStatusOutput]
	selectors          answer[*cloudtrail.GetEventSelectorsOutput]
	group              answer[*logtypes.LogGroup]
	from, to           time.Time // covered
	gaps               []string
	class              logtypes.LogGroupClass
}

// trailGroups finds the trails that the regions can see and that deliver to
// CloudWatch Logs, and how well each is. Trails without a log group keep their
// records in S3, where this tool does not look.
func (r run) trailGroups(ctx context.Context, q trailQuestion, n *notes) []*trailGroup {
	trails := r.describeTrails(ctx, q.Regions, n)
	var groups []*trailGroup
	for _, t := range trails {
		to, ok := parseGroupARN(aws.ToString(t.CloudWatchLogsLogGroupArn))
		if !ok {
			continue
		}
		groups = append(groups, &trailGroup{trail: t, name: aws.ToString(t.Name), arn: to.whole, region: to.region, account: to.account, by: r,
			multi: aws.ToBool(t.IsMultiRegionTrail), global: aws.ToBool(t.IncludeGlobalServiceEvents), org: aws.ToBool(t.IsOrganizationTrail),
			home: aws.ToString(t.HomeRegion)})
	}
	var all sync.WaitGroup
	ways := make([]way, len(groups))
	for i, g := range groups {
		all.Go(func() { g.status = r.trailStatus(ctx, g) })
		all.Go(func() { g.selectors = r.eventSelectors(ctx, g) })
		all.Go(func() {
			to, _ := parseGroupARN(g.arn)
			if g.account == q.Account {
				g.group = r.describeGroup(ctx, g.region, to.name)
			} else {
				ways[i] = r.wayTo(ctx, to, q.Account)
			}
		})
	}
	all.Wait()
	for i, g := range groups {
		n.take(g.status.Proof, g.status.Problem, "Whether the trail "+g.name+" delivers")
		n.take(g.selectors.Proof, g.selectors.Problem, "Which events the trail "+g.name+" records")
		if g.account == q.Account {
			n.take(g.group.Proof, g.group.Problem, "The age of the trail's log group")
		} else {
			n.takeAll(ways[i].asked, "The log group of the trail "+g.name+" in account "+g.account)
			g.reachedBy(ways[i])
		}
		g.cover(q)
	}
	return groups
}

// reachedBy takes the way to a log group of another account. The records of many
// accounts are in it: only those that are about the asked one's count.
func (g *trailGroup) reachedBy(w way) {
	if w.group == nil {
		g.why = fmt.Sprintf("The log group of the trail %s is in account %s and was not read: %s.", g.name, g.account, w.why)
		return
	}
	how := "with that account's own role"
	if w.linked {
		how = "through CloudWatch cross-account observability"
	}
	g.through = fmt.Sprintf("The log group of the trail %s is in account %s and was read %s: records of other accounts that are not about this role were left out.", g.name, g.account, how)
	g.gaps = append(g.gaps, g.through)
	g.by, g.group.Out = w.by, w.group
}

// describeTrails asks every region once and gives each trail once, by ARN.
func (r run) describeTrails(ctx context.Context, regions []string, n *notes) []trailtypes.Trail {
	asked := make([]answer[*cloudtrail.DescribeTrailsOutput], len(regions))
	var all sync.WaitGroup
	for i, region := range regions {
		all.Go(func() {
			asked[i] = ask(ctx, call{Action: "cloudtrail:DescribeTrails", Region: region, Args: []string{"--include-shadow-trails"},
				Console: console(region, "cloudtrailv2", "/trails")},
				func(ctx context.Context) (*cloudtrail.DescribeTrailsOutput, error) {
					return r.CloudTrail(region).DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
				})
		})
	}
	all.Wait()
	var trails []trailtypes.Trail
	for i, a := range asked {
		if a.Problem == nil {
			a.Proof.Result = wording.Count(len(a.Out.TrailList), "trail", "trails")
			trails = append(trails, a.Out.TrailList...)
		}
		n.take(a.Proof, a.Problem, "Which trails there are in "+regions[i])
	}
	slices.SortStableFunc(trails, func(a, b trailtypes.Trail) int {
		return strings.Compare(aws.ToString(a.TrailARN), aws.ToString(b.TrailARN))
	})
	return slices.CompactFunc(trails, func(a, b trailtypes.Trail) bool {
		return aws.ToString(a.TrailARN) == aws.ToString(b.TrailARN)
	})
}

func (r run) trailStatus(ctx context.Context, g *trailGroup) answer[*cloudtrail.GetTrailStatusOutput] {
	arn := aws.ToString(g.trail.TrailARN)
	a := ask(ctx, call{Action: "cloudtrail:GetTrailStatus", Region: g.home, Args: []string{"--name", arn}},
		func(ctx context.Context) (*cloudtrail.GetTrailStatusOutput, error) {
			return r.CloudTrail(g.home).GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &arn})
		})
	if a.Problem == nil {
		a.Proof.Result = "logging"
		if !aws.ToBool(a.Out.IsLogging) {
			a.Proof.Result = "stopped"
		}
		if at := a.Out.LatestCloudWatchLogsDeliveryTime; at != nil {
			a.Proof.Result += ", last delivery to CloudWatch Logs " + clock(*at)
		}
	}
	return a
}

func (r run) eventSelectors(ctx context.Context, g *trailGroup) answer[*cloudtrail.GetEventSelectorsOutput] {
	arn := aws.ToString(g.trail.TrailARN)
	return ask(ctx, call{Action: "cloudtrail:GetEventSelectors", Region: g.home, Args: []string{"--trail-name", arn}},
		func(ctx context.Context) (*cloudtrail.GetEventSelectorsOutput, error) {
			return r.CloudTrail(g.home).GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &arn})
		})
}

// describeGroup finds one log group by its whole name; nil where there is none.
func (r run) describeGroup(ctx context.Context, region, name string) answer[*logtypes.LogGroup] {
	a := ask(ctx, call{Action: "logs:DescribeLogGroups", Region: region, Args: []string{"--log-group-name-prefix", name}, As: r.By},
		func(ctx context.Context) (*logtypes.LogGroup, error) {
			pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.Logs(region), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, g := range page.LogGroups {
					// Names come sorted, so the whole name is before all that it begins.
					if aws.ToString(g.LogGroupName) == name {
						return &g, nil
					}
				}
			}
			return nil, nil
		})
	if a.Problem == nil {
		a.Proof.Result = "there is no such log group"
		if g := a.Out; g != nil {
			a.Proof.Result = groupInWords(*g)
		}
	}
	return a
}

// cover works out from when to when the group shows everything that the trail
// recorded.
func (g *trailGroup) cover(q trailQuestion) {
	g.from, g.to = q.Window.From, q.wantTo()
	gap := func(format string, args ...any) { g.gaps = append(g.gaps, fmt.Sprintf(format, args...)) }
	if lg := g.group.Out; lg != nil {
		g.class = classOf(*lg)
		if created := millis(lg.CreationTime); created.After(g.from) {
			g.from = created
			gap("The trail's log group was created at %s.", clock(created))
		}
		if days := aws.ToInt32(lg.RetentionInDays); days > 0 {
			if kept := q.At.AddDate(0, 0, -int(days)); kept.After(g.from) {
				g.from = kept
				gap("The trail's log group keeps %s.", wording.Count(int(days), "day", "days"))
			}
		}
	}
	// What it shows counts; what it does not show is no proof, and the event
	// history is asked.
	s := g.status.Out
	if g.status.Problem != nil || s == nil {
		g.to = g.from
		gap("Whether the trail %s still delivers could not be read.", g.name)
		return
	}
	if g.selectors.Problem != nil {
		g.to = g.from
		gap("Which events the trail %s records could not be read.", g.name)
		return
	}
	if s.StartLoggingTime != nil && s.StartLoggingTime.After(g.from) {
		g.from = s.StartLoggingTime.UTC()
		gap("The trail %s was switched on at %s.", g.name, clock(g.from))
	}
	last := s.LatestCloudWatchLogsDeliveryTime
	switch {
	case last == nil:
		g.to = g.from
		gap("The trail %s has not delivered to CloudWatch Logs yet.", g.name)
	case last.Before(g.to):
		g.to = last.UTC()
		why := "has not delivered to CloudWatch Logs since"
		if !aws.ToBool(s.IsLogging) {
			why = "is stopped; its last delivery to CloudWatch Logs was at"
		}
		gap("The trail %s %s %s.", g.name, why, clock(g.to))
	}
	if code := aws.ToString(s.LatestCloudWatchLogsDeliveryError); code != "" {
		gap("The trail %s last failed to deliver to CloudWatch Logs.", g.name)
	}
	if g.to.Before(g.from) {
		g.to = g.from
	}
}

// pick chooses the group that covers most of the window in a region.
func pick(groups []*trailGroup, region string, q trailQuestion) *trailGroup {
	var best *trailGroup
	for _, g := range groups {
		if g.lacks(region, q) != "" {
			continue
		}
		if best == nil || g.to.Sub(g.from) > best.to.Sub(best.from) || g.to.Sub(g.from) == best.to.Sub(best.from) && (g.multi && !best.multi || g.multi == best.multi && !g.org && best.org) {
			best = g
		}
	}
	return best
}

// lacks says why a group is no source for a region; "" when it is one.
func (g *trailGroup) lacks(region string, q trailQuestion) string {
	if g.class == logtypes.LogGroupClassDelivery {
		return fmt.Sprintf("The log group of the trail %s is of the class DELIVERY, which no query reads.", g.name)
	}
	if g.why != "" {
		return g.why
	}
	if !g.multi && g.home != region {
		return fmt.Sprintf("The trail %s records %s only.", g.name, g.home)
	}
	if g.account == q.Account && g.group.Problem == nil && g.group.Out == nil {
		return fmt.Sprintf("The log group of the trail %s does not exist any more.", g.name)
	}
	// Global calls appear in the global region alone, and only with this setting.
	if !g.global && region == playbook.GlobalRegion(q.Target.Partition) && slices.ContainsFunc(q.Needs, func(k eventKind) bool { return k.Global }) {
		return fmt.Sprintf("The trail %s leaves out global service events: no IAM changes and no calls to the global STS endpoint.", g.name)
	}
	if g.selectors.Problem == nil && g.selectors.Out != nil {
		for _, k := range q.Needs {
			if !selects(g.selectors.Out, k) {
				return fmt.Sprintf("The event selectors of the trail %s leave out %s.", g.name, k.Name)
			}
		}
	}
	return ""
}

// whyNoGroup says, for a region without a readable group, what each trail lacks.
func whyNoGroup(groups []*trailGroup, region string, q trailQuestion) []string {
	if len(groups) == 0 {
		return []string{"No trail delivers to CloudWatch Logs here."}
	}
	var out []string
	for _, g := range groups {
		if why := g.lacks(region, q); why != "" {
			out = append(out, why)
		}
	}
	return out
}

// selects says whether a trail's event selectors let a management event through.
// What depends on anything but the event's kind counts as left out: then the
// trail shows only some of these events.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
func selects(s *cloudtrail.GetEventSelectorsOutput, k eventKind) bool {
	for _, advanced := range s.AdvancedEventSelectors {
		if !slices.ContainsFunc(advanced.FieldSelectors, func(f trailtypes.AdvancedFieldSelector) bool { return !satisfies(f, k) }) {
			return true
		}
	}
	if len(s.AdvancedEventSelectors) > 0 {
		return false
	}
	if len(s.EventSelectors) == 0 {
		return true // the default: all management events
	}
	for _, b := range s.EventSelectors {
		if b.IncludeManagementEvents != nil && !*b.IncludeManagementEvents || slices.Contains(b.ExcludeManagementEventSources, k.Source) {
			continue
		}
		switch b.ReadWriteType {
		case trailtypes.ReadWriteTypeReadOnly:
			if !k.ReadOnly {
				continue
			}
		case trailtypes.ReadWriteTypeWriteOnly:
			if k.ReadOnly {
				continue
			}
		}
		return true
	}
	return false
}

func satisfies(f trailtypes.AdvancedFieldSelector, k eventKind) bool {
	value, ok := map[string]string{"eventCategory": "Management", "eventSource": k.Source, "eventName": k.Name,
		"readOnly": fmt.Sprint(k.ReadOnly), "eventType": "AwsApiCall"}[aws.ToString(f.Field)]
	if !ok {
		return false
	}
	any := func(list []string, match func(s, part string) bool) bool {
		return slices.ContainsFunc(list, func(x string) bool { return match(value, x) })
	}
	same := func(s, x string) bool { return s == x }
	wanted := len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 || any(f.Equals, same) || any(f.StartsWith, strings.HasPrefix) || any(f.EndsWith, strings.HasSuffix)
	return wanted && !any(f.NotEquals, same) && !any(f.NotStartsWith, strings.HasPrefix) && !any(f.NotEndsWith, strings.HasSuffix)
}

// classOf is a group's class; older answers leave it out for STANDARD.
func classOf(g logtypes.LogGroup) logtypes.LogGroupClass {
	if g.LogGroupClass == "" {
		return logtypes.LogGroupClassStandard
	}
	return g.LogGroupClass
}

// millis is a time as CloudWatch Logs writes it; zero where there is none.
func millis(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}
