package awsemu

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// BenchmarkQueryOverATrailGroup asks a trail's group for the failed calls among a hundred thousand records.
func BenchmarkQueryOverATrailGroup(b *testing.B) {
	records := make([]string, 100_000)
	for i := range records {
		code := ""
		if i%100 == 0 {
			code = "AccessDenied"
		}
		records[i] = assumed(fmt.Sprintf("e%06d", i), dayStart.Add(time.Duration(i)*500*time.Millisecond).Format(time.RFC3339), "eu-west-1", code)
	}
	fs := files{"cloudtrail/a.jsonl": lines(records...), "cloudtrail/trails.json": trail(`"Status":{"IsLogging":true}`)}
	s := fs.tolerant(b, Options{QueryDuration: -1, PageSizes: map[string]int{"logs:GetQueryResults": queryResults}})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	for b.Loop() {
		id := must(c.StartQuery(b.Context(), &cloudwatchlogs.StartQueryInput{LogGroupName: aws.String("trail-logs"), StartTime: aws.Int64(dayStart.Unix()), EndTime: aws.Int64(dayEnd.Unix()),
			QueryString: aws.String(`fields @message | filter eventSource = "sts.amazonaws.com" and ispresent(errorCode)`)}))(b).QueryId
		out := must(c.GetQueryResults(b.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: id}))(b)
		if len(out.Results) != 1000 {
			b.Fatalf("%d rows", len(out.Results))
		}
		b.SetBytes(int64(out.Statistics.BytesScanned))
	}
}
