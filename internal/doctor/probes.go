package doctor

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/health"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// place is one account in one region, with the trails and log groups that
// several checks look at, asked for once.
type place struct {
	*asked
	region string
	cfg    aws.Config
	trails func(context.Context) ([]trailtypes.Trail, error)
	groups func(context.Context) ([]logtypes.LogGroup, error)
}

func newPlace(a *asked, region string) *place {
	p := &place{asked: a, region: region, cfg: a.cfg.Copy()}
	p.cfg.Region = region
	p.trails = once(func(ctx context.Context) ([]trailtypes.Trail, error) {
		out, err := cloudtrail.NewFromConfig(p.cfg).DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		return out.TrailList, nil
	})
	p.groups = once(p.listGroups)
	return p
}

// once remembers the first answer, errors too.
func once[T any](ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	var one sync.Once
	var v T
	var err error
	return func(ctx context.Context) (T, error) {
		one.Do(func() { v, err = ask(ctx) })
		return v, err
	}
}

// nothing is a name that nobody uses: AWS says "no such thing" to who may ask,
// and "not allowed" to who may not.
const nothing = "stsleuth-doctor-probe"

// noQuery has the shape of a query's id.
const noQuery = "00000000-0000-4000-8000-000000000000"

// aTrail is a trail to ask about, if there is any.
func (p *place) aTrail(ctx context.Context) *string {
	if trails, err := p.trails(ctx); err == nil && len(trails) > 0 {
		return trails[0].TrailARN
	}
	return aws.String(nothing)
}

// aGroup is a log group to ask about: a policy may be scoped to groups, so one
// that the configuration names comes first.
func (p *place) aGroup(ctx context.Context) *string {
	for _, named := range p.logGroups {
		if !p.foreign(named) {
			return aws.String(groupName(strings.TrimSuffix(named, ":*")))
		}
	}
	if groups, err := p.groups(ctx); err == nil {
		for _, g := range groups {
			if g.LogGroupClass != logtypes.LogGroupClassDelivery && !p.foreign(groupARN(g)) {
				return g.LogGroupName
			}
		}
	}
	return aws.String(nothing)
}

// probe asks for one action.
type probe struct {
	global bool // once an account, not in every region
	ask    func(context.Context, *place) error
}

func inIAM(ask func(context.Context, *iam.Client, *place) error) probe {
	return probe{true, func(ctx context.Context, p *place) error { return ask(ctx, iam.NewFromConfig(p.cfg), p) }}
}

func inLogs(ask func(context.Context, *cloudwatchlogs.Client, *place) error) probe {
	return probe{false, func(ctx context.Context, p *place) error { return ask(ctx, cloudwatchlogs.NewFromConfig(p.cfg), p) }}
}

func inTrail(ask func(context.Context, *cloudtrail.Client, *place) error) probe {
	return probe{false, func(ctx context.Context, p *place) error { return ask(ctx, cloudtrail.NewFromConfig(p.cfg), p) }}
}

// moment is one second: a query over it scans next to nothing.
func (p *place) moment() (from, to time.Time) {
	to = p.now().UTC().Truncate(time.Second)
	return to.Add(-time.Second), to
}

// probes has a call for every action that steps and follow-ups declare.
var probes = map[string]probe{
	"iam:GetRole": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(nothing)})
		return err
	}),
	"iam:ListRoles": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1)})
		return err
	}),
	"iam:ListRolePolicies": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: aws.String(nothing)})
		return err
	}),
	"iam:GetRolePolicy": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String(nothing), PolicyName: aws.String(nothing)})
		return err
	}),
	"iam:ListAttachedRolePolicies": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String(nothing)})
		return err
	}),
	"iam:GetPolicy": inIAM(func(ctx context.Context, c *iam.Client, p *place) error {
		_, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: p.managed()})
		return err
	}),
	"iam:GetPolicyVersion": inIAM(func(ctx context.Context, c *iam.Client, p *place) error {
		_, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: p.managed(), VersionId: aws.String("v1")})
		return err
	}),
	"iam:ListPolicyVersions": inIAM(func(ctx context.Context, c *iam.Client, p *place) error {
		_, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: p.managed(), MaxItems: aws.Int32(1)})
		return err
	}),
	"iam:GetOpenIDConnectProvider": inIAM(func(ctx context.Context, c *iam.Client, p *place) error {
		_, err := c.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: p.arn("oidc-provider/" + nothing + ".invalid")})
		return err
	}),
	"iam:ListOpenIDConnectProviders": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
		return err
	}),
	"iam:GetSAMLProvider": inIAM(func(ctx context.Context, c *iam.Client, p *place) error {
		_, err := c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: p.arn("saml-provider/" + nothing)})
		return err
	}),
	"iam:ListSAMLProviders": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
		return err
	}),
	"iam:GetUser": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String(nothing)})
		return err
	}),
	"iam:ListMFADevices": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: aws.String(nothing)})
		return err
	}),
	"iam:ListVirtualMFADevices": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{MaxItems: aws.Int32(1)})
		return err
	}),
	"iam:ListAccessKeys": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(nothing)})
		return err
	}),
	"iam:GetAccessKeyLastUsed": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
		return err
	}),
	"iam:GetAccountSummary": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		return err
	}),
	"iam:ListAccountAliases": inIAM(func(ctx context.Context, c *iam.Client, _ *place) error {
		_, err := c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
		return err
	}),
	"sts:GetAccessKeyInfo": {true, func(ctx context.Context, p *place) error {
		_, err := sts.NewFromConfig(p.cfg).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
		return err
	}},
	"health:DescribeEvents": {true, func(ctx context.Context, p *place) error {
		_, err := health.NewFromConfig(p.cfg).DescribeEvents(ctx, &health.DescribeEventsInput{MaxResults: aws.Int32(10)})
		return err
	}},
	"health:DescribeEventDetails": {true, func(ctx context.Context, p *place) error {
		_, err := health.NewFromConfig(p.cfg).DescribeEventDetails(ctx, &health.DescribeEventDetailsInput{EventArns: []string{"arn:aws:health:" + p.region + "::event/STS/AWS_STS_OPERATIONAL_ISSUE/" + nothing}})
		return err
	}},
	"account:GetRegionOptStatus": {true, func(ctx context.Context, p *place) error {
		_, err := account.NewFromConfig(p.cfg).GetRegionOptStatus(ctx, &account.GetRegionOptStatusInput{RegionName: &p.region})
		return err
	}},
	"cloudtrail:DescribeTrails": inTrail(func(ctx context.Context, _ *cloudtrail.Client, p *place) error {
		_, err := p.trails(ctx)
		return err
	}),
	"cloudtrail:GetTrailStatus": inTrail(func(ctx context.Context, c *cloudtrail.Client, p *place) error {
		_, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: p.aTrail(ctx)})
		return err
	}),
	"cloudtrail:GetEventSelectors": inTrail(func(ctx context.Context, c *cloudtrail.Client, p *place) error {
		_, err := c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: p.aTrail(ctx)})
		return err
	}),
	"cloudtrail:LookupEvents": inTrail(func(ctx context.Context, c *cloudtrail.Client, p *place) error {
		from, to := p.moment()
		_, err := c.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1), StartTime: &from, EndTime: &to})
		return err
	}),
	"logs:DescribeLogGroups": inLogs(func(ctx context.Context, _ *cloudwatchlogs.Client, p *place) error {
		_, err := p.groups(ctx)
		return err
	}),
	"logs:DescribeMetricFilters": inLogs(func(ctx context.Context, c *cloudwatchlogs.Client, p *place) error {
		_, err := c.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: p.aGroup(ctx), Limit: aws.Int32(1)})
		return err
	}),
	"logs:FilterLogEvents": inLogs(func(ctx context.Context, c *cloudwatchlogs.Client, p *place) error {
		from, to := p.moment()
		_, err := c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: p.aGroup(ctx), Limit: aws.Int32(1),
			StartTime: aws.Int64(from.UnixMilli()), EndTime: aws.Int64(to.UnixMilli())})
		return err
	}),
	"logs:StartQuery": inLogs(func(ctx context.Context, c *cloudwatchlogs.Client, p *place) error {
		from, to := p.moment()
		_, err := c.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{LogGroupNames: []string{*p.aGroup(ctx)}, Limit: aws.Int32(1),
			QueryString: aws.String("fields @timestamp"), StartTime: aws.Int64(from.Unix()), EndTime: aws.Int64(to.Unix())})
		return err
	}),
	"logs:GetQueryResults": inLogs(func(ctx context.Context, c *cloudwatchlogs.Client, _ *place) error {
		_, err := c.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String(noQuery)})
		return err
	}),
	"logs:StopQuery": inLogs(func(ctx context.Context, c *cloudwatchlogs.Client, _ *place) error {
		_, err := c.StopQuery(ctx, &cloudwatchlogs.StopQueryInput{QueryId: aws.String(noQuery)})
		return err
	}),
	"cloudwatch:ListMetrics": {false, func(ctx context.Context, p *place) error {
		_, err := cloudwatch.NewFromConfig(p.cfg).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/Usage"), MetricName: aws.String(nothing)})
		return err
	}},
	"cloudwatch:GetMetricData": {false, func(ctx context.Context, p *place) error {
		from, to := p.moment()
		_, err := cloudwatch.NewFromConfig(p.cfg).GetMetricData(ctx, &cloudwatch.GetMetricDataInput{StartTime: aws.Time(from.Add(-time.Minute)), EndTime: &to,
			MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("m"), MetricStat: &cwtypes.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"),
				Metric: &cwtypes.Metric{Namespace: aws.String("AWS/Usage"), MetricName: aws.String(nothing)}}}}})
		return err
	}},
}
