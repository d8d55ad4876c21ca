package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// metricsRead bounds how many metrics (one for each set of dimensions) are read;
// one GetMetricData takes 500.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
const metricsRead = 100

// metricsAnswer is what metrics say, and the calls that asked for them.
type metricsAnswer struct {
	rates []facts.Rate
	calls []asked
}

// filtersAnswer is the metric filters of one log group and what they counted.
type filtersAnswer struct {
	names []string // "group, filter, namespace/metric"
	metricsAnswer
}

// asked is how a call went, without its answer.
type asked struct {
	proof   playbook.Proof
	problem *playbook.Problem
}

// takeAll notes calls one after the other.
func (n *notes) takeAll(calls []asked, what string) {
	for _, c := range calls {
		n.take(c.proof, c.problem, what)
	}
}

var (
	// countsSTS matches filter patterns that let STS's events through. A name
	// must stand alone: UpdateAssumeRolePolicy is IAM's.
	countsSTS = regexp.MustCompile(`[^!]=\s*"?sts\.amazonaws\.com|\b(AssumeRole(WithSAML|WithWebIdentity)?|GetSessionToken|GetFederationToken)\b`)
	// countsErrors matches patterns that ask for an error.
	countsErrors = regexp.MustCompile(`error(Code|Message)\s*=`)
)

// filterMetrics reads the metrics that filters on a trail's log group make of
// STS's events.
func (r run) filterMetrics(ctx context.Context, groupARN string, w, read playbook.Window) filtersAnswer {
	var out filtersAnswer
	arn, ok := parseGroupARN(groupARN)
	if !ok {
		return out
	}
	region, group := arn.region, arn.name
	c := call{Action: "logs:DescribeMetricFilters", Region: region, Args: []string{"--log-group-name", group},
		Console: console(region, "cloudwatch", "logsV2:log-groups/log-group/"+strings.ReplaceAll(group, "/", "$252F"))}
	listed := 0
	a := ask(ctx, c, func(ctx context.Context) ([]logtypes.MetricFilter, error) {
		var matching []logtypes.MetricFilter
		pages := cloudwatchlogs.NewDescribeMetricFiltersPaginator(r.Logs(region), &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			listed += len(page.MetricFilters)
			for _, filter := range page.MetricFilters {
				if countsSTS.MatchString(aws.ToString(filter.FilterPattern)) {
					matching = append(matching, filter)
				}
			}
		}
		return matching, nil
	})
	if absent(a.Problem) { // the group is gone: nobody's filter is on it
		a.Problem = nil
	} else if a.Problem == nil {
		a.Proof.Result = fmt.Sprintf("%s, %d of STS events", wording.Count(listed, "filter", "filters"), len(a.Out))
	}
	out.calls = append(out.calls, asked{a.Proof, a.Problem})

	for _, filter := range a.Out {
		ofErrors := countsErrors.MatchString(aws.ToString(filter.FilterPattern))
		for _, made := range filter.MetricTransformations {
			m := metric{region: region, namespace: aws.ToString(made.MetricNamespace), name: aws.ToString(made.MetricName), errors: ofErrors}
			out.names = append(out.names, fmt.Sprintf("%s, %s, %s/%s", group, aws.ToString(filter.FilterName), m.namespace, m.name))
			sets := []map[string]string{nil}
			if len(made.Dimensions) > 0 {
				list := r.listMetrics(ctx, m, nil)
				out.calls = append(out.calls, asked{list.Proof, list.Problem})
				sets = list.Out
			}
			if len(sets) == 0 { // the filter has not matched anything yet
				continue
			}
			data := r.metricData(ctx, m, sets, w, read)
			out.calls = append(out.calls, asked{data.Proof, data.Problem})
			out.rates = append(out.rates, data.Out...)
		}
	}
	return out
}

// usageMetrics reads usage metrics of STS. AWS's list of services that publish
// them does not have STS, so none is normal and means: not published.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Service-Quota-Integration.html
func (r run) usageMetrics(ctx context.Context, region string, w, read playbook.Window) metricsAnswer {
	m := metric{region: region, namespace: "AWS/Usage", name: "CallCount"}
	list := r.listMetrics(ctx, m, map[string]string{"Service": "STS"})
	out := metricsAnswer{calls: []asked{{list.Proof, list.Problem}}}
	if len(list.Out) == 0 {
		return out
	}
	data := r.metricData(ctx, m, list.Out, w, read)
	out.calls = append(out.calls, asked{data.Proof, data.Problem})
	out.rates = data.Out
	return out
}

// metric is a metric without its dimensions.
type metric struct {
	region, namespace, name string
	errors                  bool // it counts errors; else it counts calls
}

// listMetrics lists the dimensions with which a metric exists, sorted.
func (r run) listMetrics(ctx context.Context, m metric, with map[string]string) answer[[]map[string]string] {
	in := &cloudwatch.ListMetricsInput{Namespace: &m.namespace, MetricName: &m.name}
	args := []string{"--namespace", m.namespace, "--metric-name", m.name}
	for _, name := range slices.Sorted(maps.Keys(with)) {
		in.Dimensions = append(in.Dimensions, cwtypes.DimensionFilter{Name: aws.String(name), Value: aws.String(with[name])})
		args = append(args, "--dimensions", "Name="+name+",Value="+with[name])
	}
	a := ask(ctx, call{Action: "cloudwatch:ListMetrics", Region: m.region, Args: args}, func(ctx context.Context) ([]map[string]string, error) {
		var sets []map[string]string
		pages := cloudwatch.NewListMetricsPaginator(r.CloudWatch(m.region), in)
		for pages.HasMorePages() && len(sets) < metricsRead {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, found := range page.Metrics {
				set := map[string]string{}
				for _, d := range found.Dimensions {
					set[aws.ToString(d.Name)] = aws.ToString(d.Value)
				}
				sets = append(sets, set)
			}
		}
		slices.SortFunc(sets, func(a, b map[string]string) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return sets[:min(len(sets), metricsRead)], nil
	})
	if a.Problem == nil {
		a.Proof.Result = wording.Count(len(a.Out), "metric", "metrics")
	}
	return a
}

// metricData sums a metric up over what is to be read: the window's last hour against its rest, for
// each role that its dimensions name and each operation of a usage metric.
func (r run) metricData(ctx context.Context, m metric, sets []map[string]string, w, read playbook.Window) answer[[]facts.Rate] {
	queries := make([]cwtypes.MetricDataQuery, len(sets))
	period := int32(facts.BucketLength / time.Second)
	for i, set := range sets {
		var dimensions []cwtypes.Dimension
		for _, name := range slices.Sorted(maps.Keys(set)) {
			dimensions = append(dimensions, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(set[name])})
		}
		queries[i] = cwtypes.MetricDataQuery{Id: aws.String("m" + strconv.Itoa(i)), MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: &m.namespace, MetricName: &m.name, Dimensions: dimensions}, Period: &period, Stat: aws.String("Sum")}}
	}
	from, to := read.From.Truncate(facts.BucketLength), read.To
	c := call{Action: "cloudwatch:GetMetricData", Region: m.region, Args: []string{"--metric-data-queries", queriesJSON(queries),
		"--start-time", from.Format(time.RFC3339), "--end-time", to.Format(time.RFC3339)}}
	a := ask(ctx, c, func(ctx context.Context) ([]facts.Rate, error) {
		rates := map[string]*facts.Rate{} // by event and role
		pages := cloudwatch.NewGetMetricDataPaginator(r.CloudWatch(m.region), &cloudwatch.GetMetricDataInput{MetricDataQueries: queries, StartTime: &from, EndTime: &to})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, result := range page.MetricDataResults {
				i, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), "m"))
				if err != nil || i < 0 || i >= len(sets) {
					continue
				}
				one := m.rate(sets[i])
				key := one.Event + " " + one.RoleARN
				if rates[key] == nil {
					rates[key] = &one
				}
				for j, at := range result.Timestamps[:min(len(result.Timestamps), len(result.Values))] {
					m.add(rates[key], lastHour(at, w), int(result.Values[j]))
				}
			}
		}
		var out []facts.Rate
		for _, key := range slices.Sorted(maps.Keys(rates)) {
			out = append(out, *rates[key])
		}
		return out, nil
	})
	a.Proof.From, a.Proof.To = &from, &to
	if a.Problem == nil {
		a.Proof.Result = fmt.Sprintf("%s read", wording.Count(len(sets), "metric", "metrics"))
	}
	return a
}

// rate is a metric's rate before anything is counted.
func (m metric) rate(dimensions map[string]string) facts.Rate {
	r := facts.Rate{Event: m.namespace + "/" + cmp.Or(dimensions["Resource"], m.name)}
	for _, value := range dimensions {
		if _, ok := cloudtrail.ParseRole(value); ok {
			r.RoleARN = value
		}
	}
	if m.errors {
		r.Calls, r.WasCalls = -1, -1
	} else {
		r.Errors, r.WasError = -1, -1
	}
	return r
}

func (m metric) add(r *facts.Rate, lastHour bool, n int) {
	switch {
	case m.errors && lastHour:
		r.Errors += n
	case m.errors:
		r.WasError += n
	case lastHour:
		r.Calls += n
	default:
		r.WasCalls += n
	}
}

// queriesJSON is the queries as the AWS CLI takes them.
func queriesJSON(queries []cwtypes.MetricDataQuery) string {
	type dimension struct{ Name, Value string }
	type query struct {
		ID         string `json:"Id"`
		MetricStat struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []dimension `json:",omitempty"`
			}
			Period int32
			Stat   string
		}
	}
	out := make([]query, len(queries))
	for i, q := range queries {
		out[i].ID = *q.Id
		stat := &out[i].MetricStat
		stat.Period, stat.Stat = *q.MetricStat.Period, *q.MetricStat.Stat
		stat.Metric.Namespace, stat.Metric.MetricName = *q.MetricStat.Metric.Namespace, *q.MetricStat.Metric.MetricName
		for _, d := range q.MetricStat.Metric.Dimensions {
			stat.Metric.Dimensions = append(stat.Metric.Dimensions, dimension{*d.Name, *d.Value})
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return "[]" // strings and numbers always encode
	}
	return string(text)
}
