package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/stsleuth/stsleuth/playbook"
)

// staleAfter is how old a trail's last delivery may be. An account whose
// management events stop for an hour is hardly in use.
const staleAfter = time.Hour

// trail looks for one that the steps can read, and says what is wrong with the
// best one otherwise.
func (p *place) trail(ctx context.Context) Finding {
	trails, err := p.trails(ctx)
	if err != nil {
		return worth("", "Trails can't be looked at (%s); see cloudtrail:DescribeTrails.", brief(err))
	}
	if len(trails) == 0 {
		return worth("Make a trail of all regions that delivers to CloudWatch Logs: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html",
			"There is no trail: only the event history can be read, at two requests a second.")
	}
	var findings []Finding
	for _, t := range trails {
		f := p.examine(ctx, t)
		if f.State == Good {
			return f
		}
		findings = append(findings, f)
	}
	// The one that works but for something comes before those that don't.
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.State, b.State) })
	return findings[0]
}

// examine looks at one trail: the first thing that is wrong is what is told.
func (p *place) examine(ctx context.Context, t trailtypes.Trail) Finding {
	name, arn, home := aws.ToString(t.Name), aws.ToString(t.TrailARN), cmp.Or(aws.ToString(t.HomeRegion), p.region)
	cfg := p.cfg.Copy()
	cfg.Region = home
	client := cloudtrail.NewFromConfig(cfg)
	status, err := client.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &arn})
	if err != nil {
		return worth("", "The trail %s can't be looked at (%s); see cloudtrail:GetTrailStatus.", name, brief(err))
	}
	if !aws.ToBool(status.IsLogging) {
		return missing(fmt.Sprintf("aws cloudtrail start-logging --name %s --region %s", arn, home), "The trail %s is stopped.", name)
	}
	group := strings.TrimSuffix(aws.ToString(t.CloudWatchLogsLogGroupArn), ":*")
	if group == "" {
		return worth(fmt.Sprintf("aws cloudtrail update-trail --name %s --region %s --cloud-watch-logs-log-group-arn ARN --cloud-watch-logs-role-arn ARN", arn, home),
			"The trail %s delivers to no log group: only the event history can be read, at two requests a second.", name)
	}
	if code := aws.ToString(status.LatestCloudWatchLogsDeliveryError); code != "" {
		return missing(fmt.Sprintf("Give the trail's role (%s) logs:CreateLogStream and logs:PutLogEvents on %s:*", aws.ToString(t.CloudWatchLogsRoleArn), group),
			"The trail %s can't deliver to its log group: %s.", name, code)
	}
	last := aws.ToTime(status.LatestCloudWatchLogsDeliveryTime)
	if age := p.now().Sub(last); last.IsZero() || age > staleAfter {
		when := "never"
		if !last.IsZero() {
			when = "at " + last.UTC().Format(time.RFC3339)
		}
		return missing(fmt.Sprintf("aws cloudtrail get-trail-status --name %s --region %s   and compare the log group of \"aws cloudtrail get-trail\" with what exists", arn, home),
			"The trail %s last delivered to its log group %s.", name, when)
	}
	if f, narrow := p.selectors(ctx, client, t, home); narrow {
		return f
	}
	where := ""
	if p.foreign(group) {
		owner := accountOf(group)
		how, err := p.reaches(ctx, group)
		if err != nil {
			return worth("", "Whether the log group of trail %s in account %s can be read is not known (%s).", name, owner, brief(err))
		}
		if how == "" {
			return worth(p.linkOr(owner)+" (until then the event history is read)", "The log group of trail %s is in account %s, out of reach.", name, owner)
		}
		where = " in account " + owner + ", " + how
	}
	if !aws.ToBool(t.IsMultiRegionTrail) && p.region != p.global {
		return worth(fmt.Sprintf("aws cloudtrail update-trail --name %s --region %s --is-multi-region-trail", arn, home),
			"The trail %s is of %s alone: IAM's events, and those of the global STS endpoint, are not in it.", name, home)
	}
	return good("%s delivers to %s%s, last at %s.", name, groupName(group), where, last.UTC().Format(time.RFC3339))
}

// selectors notices a trail that leaves out what reads: AssumeRole counts as
// reading. https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func (p *place) selectors(ctx context.Context, client *cloudtrail.Client, t trailtypes.Trail, home string) (Finding, bool) {
	out, err := client.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN})
	if err != nil {
		return worth("", "What the trail %s records can't be looked at (%s); see cloudtrail:GetEventSelectors.", aws.ToString(t.Name), brief(err)), true
	}
	if len(out.EventSelectors)+len(out.AdvancedEventSelectors) == 0 || slices.ContainsFunc(out.EventSelectors, basicReads) || slices.ContainsFunc(out.AdvancedEventSelectors, advancedReads) {
		return Finding{}, false
	}
	return missing(fmt.Sprintf(`aws cloudtrail put-event-selectors --trail-name %s --region %s --event-selectors '[{"ReadWriteType":"All","IncludeManagementEvents":true}]'`, aws.ToString(t.TrailARN), home),
		"The trail %s leaves out management events that read, and AssumeRole is one of them.", aws.ToString(t.Name)), true
}

func basicReads(s trailtypes.EventSelector) bool {
	return (s.IncludeManagementEvents == nil || *s.IncludeManagementEvents) && s.ReadWriteType != trailtypes.ReadWriteTypeWriteOnly
}

func advancedReads(s trailtypes.AdvancedEventSelector) bool {
	management, reads := false, true
	for _, f := range s.FieldSelectors {
		switch aws.ToString(f.Field) {
		case "eventCategory":
			management = slices.Contains(f.Equals, "Management")
		case "readOnly":
			reads = !slices.Contains(f.Equals, "false")
		}
	}
	return management && reads
}

// logs looks for the groups that the configuration names, else for any.
func (p *place) logs(ctx context.Context) Finding {
	if len(p.logGroups) > 0 {
		return p.namedGroups(ctx)
	}
	groups, err := p.groups(ctx)
	if err != nil {
		return worth("", "Log groups can't be looked at (%s); see logs:DescribeLogGroups.", brief(err))
	}
	trails, _ := p.trails(ctx)
	n, linked := 0, 0
	for _, g := range groups {
		if !slices.ContainsFunc(trails, func(t trailtypes.Trail) bool {
			return strings.TrimSuffix(aws.ToString(t.CloudWatchLogsLogGroupArn), ":*") == groupARN(g)
		}) {
			n++
			if p.foreign(groupARN(g)) {
				linked++
			}
		}
	}
	also := ""
	if linked > 0 {
		also = fmt.Sprintf(", %d of them of linked accounts", linked)
	}
	if n == 0 {
		return worth("Send the logs of the applications that use the roles to CloudWatch Logs in "+p.region+": the expiry errors themselves are there and nowhere else.",
			"There is no log group besides those of trails in %s.", p.region)
	}
	if len(groups) == 50 {
		return good("%d log groups and more%s.", n, also)
	}
	return good("%d log group%s%s.", n, map[bool]string{true: "", false: "s"}[n == 1], also)
}

func (p *place) namedGroups(ctx context.Context) Finding {
	client := cloudwatchlogs.NewFromConfig(p.cfg)
	var absent, near, far []string
	for _, name := range p.logGroups {
		if strings.HasPrefix(name, "arn:") {
			if a := strings.Split(name, ":"); len(a) > 3 && a[3] != p.region {
				continue
			}
			if p.foreign(name) {
				how, err := p.reaches(ctx, name)
				if err != nil {
					return worth("", "Whether the log group %s can be read is not known (%s).", name, brief(err))
				}
				if how == "" {
					far = append(far, name)
				}
				continue
			}
			name = groupName(strings.TrimSuffix(name, ":*"))
		}
		out, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name, Limit: aws.Int32(50)})
		if err != nil {
			return worth("", "Log groups can't be looked at (%s); see logs:DescribeLogGroups.", brief(err))
		}
		found := false
		for _, g := range out.LogGroups {
			found = found || aws.ToString(g.LogGroupName) == name
		}
		if !found {
			absent = append(absent, name)
			if similar := p.similar(ctx, name); similar != "" {
				near = append(near, similar)
			}
		}
	}
	if len(far) > 0 {
		return missing(p.linkOr(accountOf(far[0])), "There is no way to the log group %s.", strings.Join(far, ", "))
	}
	if len(absent) > 0 {
		fix := "Correct log-group in the configuration"
		if len(near) > 0 {
			fix += "; there is " + strings.Join(near, ", ")
		}
		return missing(fix+".", "There is no log group %s in %s.", strings.Join(absent, ", "), p.region)
	}
	return good("All %d that the configuration names.", len(p.logGroups))
}

// similar is the name that comes closest, "" where none does.
func (p *place) similar(ctx context.Context, name string) string {
	groups, err := p.groups(ctx)
	if err != nil {
		return ""
	}
	best, least := "", len(name)/3+1
	for _, g := range groups {
		if d := playbook.EditDistance(name, aws.ToString(g.LogGroupName)); d < least {
			best, least = aws.ToString(g.LogGroupName), d
		}
	}
	return best
}

func groupName(arn string) string {
	_, name, ok := strings.Cut(arn, ":log-group:")
	if !ok {
		return arn
	}
	return name
}

func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// managed is a policy that every account can see.
func (p *place) managed() *string {
	return aws.String("arn:" + cmp.Or(playbook.Partition(p.region), "aws") + ":iam::aws:policy/ReadOnlyAccess")
}

// arn is an IAM resource of the account, which need not exist.
func (p *place) arn(resource string) *string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return aws.String("arn:" + cmp.Or(playbook.Partition(p.region), "aws") + ":iam::" + cmp.Or(p.id, accountOf(p.caller)) + ":" + resource)
}
