package awsemu

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

var cloudwatchOperations = []operation{
	on(cloudwatchService, "ListMetrics", (*Server).listMetrics, "Namespace", "MetricName", "Dimensions", "RecentlyActive", "NextToken"),
	on(cloudwatchService, "GetMetricData", (*Server).getMetricData, "MetricDataQueries", "StartTime", "EndTime", "ScanBy", "MaxDatapoints", "NextToken"),
	on(cloudwatchService, "GetMetricStatistics", (*Server).getMetricStatistics, "Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Statistics", "Unit"),
}

// Limits: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html, API_GetMetricData.html
// and API_GetMetricStatistics.html
const (
	metricsPage     = 500
	metricsListed   = 14 * 24 * time.Hour // a metric without newer data is not listed
	recentlyActive  = 3 * time.Hour
	maxDatapoints   = 100_800
	maxStatistics   = 1_440 // data points of one GetMetricStatistics
	capturedSeconds = 60    // that a captured data point sums up, unless the capture says otherwise
)

func cwInvalid(format string, args ...any) *Error {
	return fail("InvalidParameterValueException", format, args...)
}

func wireDimensions(m capture.Metric) []cwtypes.Dimension {
	out := []cwtypes.Dimension{}
	for _, d := range m.Dimensions {
		out = append(out, cwtypes.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	return out
}

func (s *Server) listMetrics(r *request, in *cloudwatch.ListMetricsInput) (*cloudwatch.ListMetricsOutput, error) {
	since := r.now().Add(-metricsListed)
	if in.RecentlyActive != "" {
		since = r.now().Add(-recentlyActive)
	}
	var found []cwtypes.Metric
	for _, m := range r.incident.Metrics {
		has := func(f cwtypes.DimensionFilter) bool {
			return slices.ContainsFunc(m.Dimensions, func(d capture.Dimension) bool {
				return d.Name == aws.ToString(f.Name) && (f.Value == nil || d.Value == *f.Value)
			})
		}
		lacks := func(f cwtypes.DimensionFilter) bool { return !has(f) }
		fresh := slices.ContainsFunc(m.Datapoints, func(p capture.Datapoint) bool { return p.Timestamp.After(since) })
		if m.Region == r.region() && (in.Namespace == nil || m.Namespace == *in.Namespace) && (in.MetricName == nil || m.MetricName == *in.MetricName) &&
			!slices.ContainsFunc(in.Dimensions, lacks) && fresh {
			found = append(found, cwtypes.Metric{Namespace: aws.String(m.Namespace), MetricName: aws.String(m.MetricName), Dimensions: wireDimensions(m)})
		}
	}
	metrics, next, err := page(r, found, in.NextToken, s.pageSize(r, nil, metricsPage))
	if err != nil {
		return nil, cwInvalid("Invalid nextToken: %s", err)
	}
	return &cloudwatch.ListMetricsOutput{Metrics: append([]cwtypes.Metric{}, metrics...), NextToken: next}, nil
}

// sums gives the metric's sums for each period with data in from <= time < to, oldest first.
func (r *request) sums(namespace, name *string, dimensions []cwtypes.Dimension, from, to time.Time, period int64) []capture.Datapoint {
	sums := map[int64]float64{}
	for _, m := range r.incident.Metrics {
		if m.Region != r.region() || m.Namespace != aws.ToString(namespace) || m.MetricName != aws.ToString(name) || !sameDimensions(m.Dimensions, dimensions) {
			continue
		}
		for _, p := range m.Datapoints {
			if !p.Timestamp.Before(from) && p.Timestamp.Before(to) {
				at := p.Timestamp.Unix()
				sums[at-at%period] += p.Value
			}
		}
	}
	var out []capture.Datapoint
	for _, at := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, capture.Datapoint{Timestamp: time.Unix(at, 0).UTC(), Value: sums[at]})
	}
	return out
}

// sameDimensions: a metric is its dimensions, so asking with fewer of them asks for another metric.
func sameDimensions(have []capture.Dimension, want []cwtypes.Dimension) bool {
	if len(have) != len(want) {
		return false
	}
	return !slices.ContainsFunc(want, func(d cwtypes.Dimension) bool {
		return !slices.Contains(have, capture.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)})
	})
}

// roundedDown is a start time as CloudWatch takes it: to the minute for the last 15 days, to five minutes for the last
// 63, to the hour before.
func (r *request) roundedDown(start time.Time) time.Time {
	switch age := r.now().Sub(start); {
	case age < 15*24*time.Hour:
		return start.Truncate(time.Minute)
	case age < 63*24*time.Hour:
		return start.Truncate(5 * time.Minute)
	}
	return start.Truncate(time.Hour)
}

func badPeriod(p *int32) bool {
	return p == nil || *p <= 0 || *p%60 != 0 && !slices.Contains([]int32{1, 5, 10, 20, 30}, *p)
}

// getMetricData pages by data points: a page may hold part of a metric's, and says so.
func (s *Server) getMetricData(r *request, in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
	if in.StartTime == nil || in.EndTime == nil || !in.StartTime.Before(*in.EndTime) {
		return nil, fail("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
	}
	type point struct {
		query int
		capture.Datapoint
	}
	var points []point
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []cwtypes.MetricDataResult{}, Messages: []cwtypes.MessageData{}}
	for i, q := range in.MetricDataQueries {
		switch {
		case q.MetricStat == nil || q.MetricStat.Metric == nil:
			s.journal.surprise(r.action() + ": a query that is not a MetricStat")
			return nil, fail("ValidationError", "expressions are not emulated")
		case aws.ToString(q.MetricStat.Stat) != "Sum":
			s.journal.surprise(r.action() + ": the statistic " + aws.ToString(q.MetricStat.Stat))
			return nil, fail("ValidationError", "captures hold sums; other statistics are not emulated")
		case badPeriod(q.MetricStat.Period):
			return nil, fail("ValidationError", "Period must be 1, 5, 10, 20, 30 or a multiple of 60")
		}
		label := first(q.Label, q.MetricStat.Metric.MetricName)
		out.MetricDataResults = append(out.MetricDataResults, cwtypes.MetricDataResult{Id: q.Id, Label: label, StatusCode: cwtypes.StatusCodeComplete, Timestamps: []time.Time{}, Values: []float64{}})
		m := q.MetricStat.Metric
		data := r.sums(m.Namespace, m.MetricName, m.Dimensions, r.roundedDown(*in.StartTime), *in.EndTime, int64(*q.MetricStat.Period))
		if in.ScanBy != cwtypes.ScanByTimestampAscending {
			slices.Reverse(data)
		}
		for _, p := range data {
			points = append(points, point{i, p})
		}
	}
	onPage, next, err := page(r, points, in.NextToken, s.pageSize(r, in.MaxDatapoints, maxDatapoints))
	if err != nil {
		return nil, fail("InvalidNextToken", "%s", err)
	}
	for _, p := range onPage {
		res := &out.MetricDataResults[p.query]
		res.Timestamps = append(res.Timestamps, p.Timestamp)
		res.Values = append(res.Values, p.Value)
	}
	out.NextToken = next
	if next != nil {
		last := onPage[len(onPage)-1]
		for i := last.query; i < len(out.MetricDataResults); i++ {
			out.MetricDataResults[i].StatusCode = cwtypes.StatusCodePartialData
		}
	}
	return out, nil
}

// getMetricStatistics gives the data points in no order, as AWS does.
func (s *Server) getMetricStatistics(r *request, in *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
	switch {
	case in.StartTime == nil || in.EndTime == nil || !in.StartTime.Before(*in.EndTime):
		return nil, cwInvalid("The parameter StartTime must be less than the parameter EndTime.")
	case badPeriod(in.Period):
		return nil, cwInvalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60")
	case in.EndTime.Sub(*in.StartTime) > maxStatistics*time.Duration(*in.Period)*time.Second:
		return nil, fail("InvalidParameterCombinationException", "You have requested more than %d datapoints. Change the time range or the period.", maxStatistics)
	case len(in.Statistics) != 1 || in.Statistics[0] != cwtypes.StatisticSum:
		s.journal.surprise(r.action() + ": a statistic that is not Sum")
		return nil, cwInvalid("captures hold sums; other statistics are not emulated")
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []cwtypes.Datapoint{}}
	for _, p := range r.sums(in.Namespace, in.MetricName, in.Dimensions, r.roundedDown(*in.StartTime), *in.EndTime, int64(*in.Period)) {
		out.Datapoints = append(out.Datapoints, cwtypes.Datapoint{Timestamp: aws.Time(p.Timestamp), Sum: aws.Float64(p.Value), Unit: cmp.Or(in.Unit, cwtypes.StandardUnitCount)})
	}
	slices.SortFunc(out.Datapoints, func(a, b cwtypes.Datapoint) int {
		return cmp.Compare(a.Timestamp.Unix()*2654435761%1009, b.Timestamp.Unix()*2654435761%1009)
	})
	return out, nil
}
