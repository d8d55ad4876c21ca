package awsemu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

var logsOperations = []operation{
	of(on(logsService, "DescribeLogGroups", (*Server).describeLogGroups, "logGroupNamePrefix", "logGroupNamePattern", "logGroupClass", "logGroupIdentifiers", "limit", "nextToken",
		"includeLinkedAccounts", "accountIdentifiers"),
		func(r *request, in *cloudwatchlogs.DescribeLogGroupsInput) []string { return r.logsResources() }),
	of(on(logsService, "DescribeMetricFilters", (*Server).describeMetricFilters, "logGroupName", "filterNamePrefix", "metricName", "metricNamespace", "limit", "nextToken"),
		func(r *request, in *cloudwatchlogs.DescribeMetricFiltersInput) []string {
			return r.logsResources(aws.ToString(in.LogGroupName))
		}),
	of(on(logsService, "StartQuery", (*Server).startQuery, "queryLanguage", "logGroupName", "logGroupNames", "logGroupIdentifiers", "startTime", "endTime", "queryString", "limit"),
		func(r *request, in *cloudwatchlogs.StartQueryInput) []string {
			return r.logsResources(queriedGroups(in)...)
		}),
	of(on(logsService, "GetQueryResults", (*Server).getQueryResults, "queryId", "nextToken", "maxItems"),
		func(r *request, in *cloudwatchlogs.GetQueryResultsInput) []string { return r.logsResources() }),
	of(on(logsService, "StopQuery", (*Server).stopQuery, "queryId"),
		func(r *request, in *cloudwatchlogs.StopQueryInput) []string { return r.logsResources() }),
	of(on(logsService, "FilterLogEvents", (*Server).filterLogEvents, "logGroupName", "logGroupIdentifier", "logStreamNames", "logStreamNamePrefix",
		"startTime", "endTime", "filterPattern", "nextToken", "limit", "interleaved", "startFromHead"),
		func(r *request, in *cloudwatchlogs.FilterLogEventsInput) []string {
			return r.logsResources(aws.ToString(first(in.LogGroupIdentifier, in.LogGroupName)))
		}),
}

func first(ps ...*string) *string {
	for _, p := range ps {
		if p != nil {
			return p
		}
	}
	return nil
}

// Limits of the Describe calls of CloudWatch Logs: what they give at once, and the accounts that they may be asked for.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
const (
	describePage     = 50
	describeAccounts = 20
)

// describeLogGroups answers a pattern with ARN, creation time and name alone, as AWS does: class, retention and size
// must be asked for again. INFREQUENT_ACCESS and ESSENTIALS are one class under two names. Groups of linked accounts are
// shown where they are asked for, and only a monitoring account may name groups by ARN. What AWS says to an account that
// is none and asks for linked ones it does not document: here it gets its own.
func (s *Server) describeLogGroups(r *request, in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, fail("InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	if in.Limit != nil && (*in.Limit < 1 || *in.Limit > describePage) {
		return nil, fail("InvalidParameterException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", *in.Limit, describePage)
	}
	monitors := slices.ContainsFunc(r.incident.groups, func(g *logGroup) bool { return g.owner != r.account() && g.Region == r.region() })
	named := in.LogGroupIdentifiers
	switch linked := aws.ToBool(in.IncludeLinkedAccounts); {
	case len(in.AccountIdentifiers) > describeAccounts:
		return nil, fail("InvalidParameterException", "1 validation error detected: Value at 'accountIdentifiers' failed to satisfy constraint: Member must have length less than or equal to %d", describeAccounts)
	case len(in.AccountIdentifiers) > 0 && !linked:
		return nil, fail("InvalidParameterException", "accountIdentifiers needs includeLinkedAccounts.")
	case len(named) > 0 && (in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil || in.LogGroupClass != "" || len(in.AccountIdentifiers) > 0):
		return nil, fail("InvalidParameterException", "Beside logGroupIdentifiers only includeLinkedAccounts may be given.")
	case !monitors && slices.ContainsFunc(named, func(id string) bool { return strings.HasPrefix(id, "arn:") }):
		return nil, fail("InvalidParameterException", "An account that is not a monitoring account names log groups by name.")
	}
	infrequent := func(class string) bool { return class == "INFREQUENT_ACCESS" || class == "ESSENTIALS" }
	var found []logstypes.LogGroup
	for _, g := range r.incident.groups {
		class := string(in.LogGroupClass)
		arn, own := r.logsARN(g.owner, g.Name), g.owner == r.account()
		switch {
		case g.Region != r.region(),
			!own && !aws.ToBool(in.IncludeLinkedAccounts),
			len(in.AccountIdentifiers) > 0 && !slices.Contains(in.AccountIdentifiers, g.owner),
			!strings.HasPrefix(g.Name, aws.ToString(in.LogGroupNamePrefix)),
			!strings.Contains(g.Name, aws.ToString(in.LogGroupNamePattern)),
			class != "" && class != g.Class && !(infrequent(class) && infrequent(g.Class)),
			len(named) > 0 && !(own && slices.Contains(named, g.Name)) && !slices.Contains(named, arn):
			continue
		}
		w := logstypes.LogGroup{LogGroupName: aws.String(g.Name), Arn: aws.String(arn + ":*"), CreationTime: aws.Int64(g.Created.UnixMilli())}
		if in.LogGroupNamePattern == nil {
			w.LogGroupArn, w.LogGroupClass = aws.String(arn), logstypes.LogGroupClass(g.Class)
			w.StoredBytes, w.MetricFilterCount = aws.Int64(g.StoredBytes), aws.Int32(int32(len(g.MetricFilters)))
			if g.RetentionDays > 0 {
				w.RetentionInDays = aws.Int32(int32(g.RetentionDays))
			}
		}
		found = append(found, w)
	}
	groups, next, err := page(r, found, in.NextToken, s.pageSize(r, in.Limit, describePage))
	if err != nil {
		return nil, badToken(err)
	}
	return &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: append([]logstypes.LogGroup{}, groups...), NextToken: next}, nil
}

func badToken(err error) *Error {
	return fail("InvalidParameterException", "The specified nextToken is invalid: %s", err)
}

// describeMetricFilters shows the filters of logs.yaml, which are as `aws logs describe-metric-filters` prints them.
func (s *Server) describeMetricFilters(r *request, in *cloudwatchlogs.DescribeMetricFiltersInput) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, fail("InvalidParameterException", "metricName and metricNamespace must be given together")
	}
	groups := r.incident.groups
	if in.LogGroupName != nil {
		g, err := r.groupNamed(*in.LogGroupName)
		if err != nil {
			return nil, err
		}
		groups = []*logGroup{g}
	}
	var found []logstypes.MetricFilter
	for _, g := range groups {
		if g.Region != r.region() || g.owner != r.account() {
			continue
		}
		for i, raw := range g.MetricFilters {
			f, err := metricFilter(raw)
			if err != nil {
				return nil, fmt.Errorf("read metric filter %d of %s: %w", i, g.Name, err)
			}
			if f.LogGroupName == nil {
				f.LogGroupName = aws.String(g.Name)
			}
			if strings.HasPrefix(aws.ToString(f.FilterName), aws.ToString(in.FilterNamePrefix)) &&
				(in.MetricName == nil || slices.ContainsFunc(f.MetricTransformations, func(t logstypes.MetricTransformation) bool {
					return aws.ToString(t.MetricName) == *in.MetricName && aws.ToString(t.MetricNamespace) == *in.MetricNamespace
				})) {
				found = append(found, f)
			}
		}
	}
	filters, next, err := page(r, found, in.NextToken, s.pageSize(r, in.Limit, describePage))
	if err != nil {
		return nil, badToken(err)
	}
	return &cloudwatchlogs.DescribeMetricFiltersOutput{MetricFilters: append([]logstypes.MetricFilter{}, filters...), NextToken: next}, nil
}

func metricFilter(raw map[string]any) (f logstypes.MetricFilter, err error) {
	b, err := json.Marshal(raw)
	if err != nil {
		return f, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return f, err
	}
	return f, intoStruct(logsService, tree, reflect.ValueOf(&f).Elem(), "")
}
