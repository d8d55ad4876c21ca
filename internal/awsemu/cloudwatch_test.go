package awsemu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/aws/smithy-go/transport/http/protocol/rpcv2"
)

// cloudwatchProtocols are those in which CloudWatch has been asked by SDKs and CLIs over the years.
var cloudwatchProtocols = map[string]smithyhttp.ClientProtocol{
	"cbor":  rpcv2.NewCBOR(schemas.GraniteServiceVersion20100801),
	"json":  awsjson.New10(schemas.GraniteServiceVersion20100801),
	"query": awsquery.New(schemas.GraniteServiceVersion20100801),
}

func speaking(p smithyhttp.ClientProtocol) func(*cloudwatch.Options) {
	return func(o *cloudwatch.Options) { o.Protocol = p }
}

func at(clock string) *time.Time {
	t, err := time.Parse(time.RFC3339, "2026-10-14T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return &t
}

func errorsOf(period int32, from, to string) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{StartTime: at(from), EndTime: at(to), MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("q"),
		MetricStat: &cwtypes.MetricStat{Stat: aws.String("Sum"), Period: &period, Metric: &cwtypes.Metric{Namespace: aws.String("App"), MetricName: aws.String("Errors"),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("Role"), Value: aws.String("payments-api")}}}}}}}
}

func TestCloudWatchInEachProtocol(t *testing.T) {
	for name, p := range cloudwatchProtocols {
		t.Run(name, func(t *testing.T) {
			c := cloudwatch.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"), speaking(p))
			ctx := t.Context()
			metrics := must(c.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("App"), Dimensions: []cwtypes.DimensionFilter{{Name: aws.String("Role")}}}))(t).Metrics
			if len(metrics) != 1 || *metrics[0].Dimensions[0].Value != "payments-api" {
				t.Errorf("metrics are %+v", metrics)
			}
			res := must(c.GetMetricData(ctx, errorsOf(300, "14:00:00", "15:00:00")))(t).MetricDataResults[0]
			if got := fmt.Sprint(res.Values); got != "[4 3]" || !res.Timestamps[0].Equal(*at("14:05:00")) || res.StatusCode != cwtypes.StatusCodeComplete || *res.Label != "Errors" {
				t.Errorf("data are %+v", res)
			}
			stats := must(c.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Errors"), Period: aws.Int32(60),
				StartTime: at("14:00:00"), EndTime: at("15:00:00"), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
				Dimensions: []cwtypes.Dimension{{Name: aws.String("Role"), Value: aws.String("payments-api")}}}))(t)
			sum := 0.0
			for _, p := range stats.Datapoints {
				sum += *p.Sum
			}
			if sum != 7 || len(stats.Datapoints) != 3 || stats.Datapoints[0].Unit != cwtypes.StandardUnitCount {
				t.Errorf("statistics are %+v", stats.Datapoints)
			}
			_, err := c.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Errors"), Period: aws.Int32(61),
				StartTime: at("14:00:00"), EndTime: at("15:00:00"), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum}})
			// On the wire it is InvalidParameterValue in all three: in a header where the protocol came later, and in
			// the body of the query protocol, from which the SDK finds its own type.
			wantCode(t, err, map[string]string{"cbor": "InvalidParameterValue", "json": "InvalidParameterValue", "query": "InvalidParameterValueException"}[name])
		})
	}
}

func TestMetricsAreListedForTwoWeeks(t *testing.T) {
	c := cloudwatch.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	var names []string
	for _, m := range must(c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}))(t).Metrics {
		names = append(names, *m.MetricName)
	}
	if !slices.Equal(names, []string{"Errors"}) {
		t.Errorf("metrics are %v", names)
	}
	quiet := strings.Replace(incidentYAML, "2026-10-14T15:20", "2026-10-14T18:20", 1)
	c = cloudwatch.NewFromConfig(files{"incident.yaml": quiet, "metrics.json": everything["metrics.json"]}.serve(t, Options{}).once("eu-west-1"))
	if m := must(c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{RecentlyActive: cwtypes.RecentlyActivePt3h}))(t).Metrics; len(m) != 0 {
		t.Errorf("metrics of the last three hours are %+v", m)
	}
}

func TestMetricDataRangeOrderAndPages(t *testing.T) {
	s := everything.serve(t, Options{PageSizes: map[string]int{"cloudwatch:GetMetricData": 2}})
	c := cloudwatch.NewFromConfig(s.once("eu-west-1"))
	collect := func(in *cloudwatch.GetMetricDataInput) (values []float64, partial int) {
		for p := cloudwatch.NewGetMetricDataPaginator(c, in); p.HasMorePages(); {
			res := must(p.NextPage(t.Context()))(t).MetricDataResults[0]
			values = append(values, res.Values...)
			if res.StatusCode == cwtypes.StatusCodePartialData {
				partial++
			}
		}
		return values, partial
	}
	if v, partial := collect(errorsOf(60, "14:00:00", "15:00:00")); !slices.Equal(v, []float64{4, 2, 1}) || partial != 1 {
		t.Errorf("newest first: %v with %d partial pages", v, partial)
	}
	in := errorsOf(60, "14:00:59", "14:06:00") // begins at the minute, ends before its end
	in.ScanBy = cwtypes.ScanByTimestampAscending
	if v, _ := collect(in); !slices.Equal(v, []float64{1, 2}) {
		t.Errorf("oldest first: %v", v)
	}
	in = errorsOf(60, "14:00:00", "15:00:00")
	in.MetricDataQueries[0].MetricStat.Metric.Dimensions = nil
	if v, _ := collect(in); len(v) != 0 {
		t.Errorf("without its dimension it is another metric, and not %v", v)
	}
}

func TestMetricExpressionsAndOtherStatisticsAreRefused(t *testing.T) {
	s := everything.tolerant(t, Options{})
	c := cloudwatch.NewFromConfig(s.once("eu-west-1"))
	average := errorsOf(60, "14:00:00", "15:00:00")
	average.MetricDataQueries[0].MetricStat.Stat = aws.String("Average")
	expression := errorsOf(60, "14:00:00", "15:00:00")
	expression.MetricDataQueries = []cwtypes.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("SUM(METRICS())")}}
	for _, in := range []*cloudwatch.GetMetricDataInput{average, expression} {
		_, err := c.GetMetricData(t.Context(), in)
		wantCode(t, err, "ValidationError")
	}
	if len(s.Unexpected()) != 2 {
		t.Errorf("remembered as unexpected: %q", s.Unexpected())
	}
}
