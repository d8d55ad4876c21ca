package awsemu

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/awsemu/filterpattern"
)

// Limits of FilterLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
const (
	filterPage  = 10_000  // events
	filterBytes = 1 << 20 // of one page
	filterScan  = 1_000   // events looked at for one page; AWS names no figure
)

// newestFirstFrom is the earliest start of a request that wants the newest events first.
var newestFirstFrom = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// filterLogEvents looks at a stretch of the group for each page. AWS does too, and so a page can be empty and yet have a
// token; here the first page of anything that holds events is, because clients take that for the end.
func (s *Server) filterLogEvents(r *request, in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	invalid := func(format string, args ...any) error { return fail("InvalidParameterException", format, args...) }
	switch {
	case (in.LogGroupName == nil) == (in.LogGroupIdentifier == nil):
		return nil, invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")
	case in.LogStreamNames != nil && in.LogStreamNamePrefix != nil:
		return nil, invalid("logStreamNames and logStreamNamePrefix are mutually exclusive.")
	case in.Limit != nil && (*in.Limit < 1 || *in.Limit > filterPage):
		return nil, invalid("limit must be between 1 and %d", filterPage)
	case in.StartFromHead != nil && !*in.StartFromHead && aws.ToInt64(in.StartTime) < newestFirstFrom:
		return nil, invalid("startFromHead may be false only where startTime is on or after Jan 1, 2024 00:00:00 UTC.")
	}
	g, err := r.groupNamed(aws.ToString(first(in.LogGroupIdentifier, in.LogGroupName)))
	if err != nil {
		return nil, err
	}
	if g.Class != "STANDARD" {
		return nil, fail("InvalidOperationException", "FilterLogEvents is not supported for log-group-class %s", g.Class)
	}
	pattern, err := filterpattern.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		s.journal.surprise(r.action() + ": " + err.Error())
		return nil, invalid("Invalid filter pattern: %s", err)
	}
	skip, err := r.signedOffset(in.NextToken)
	if err != nil {
		return nil, badToken(err)
	}
	from, to := int64(0), r.now().UnixMilli()
	if in.StartTime != nil {
		from = *in.StartTime
	}
	if in.EndTime != nil {
		to = min(*in.EndTime, math.MaxInt64/2)
	}
	size := s.pageSize(r, in.Limit, filterPage)

	// A token is the number of events that are behind it, plus one, because the empty first page has looked at none. It
	// is below zero where the newest come first: the token decides the direction, whatever its request says.
	newestFirst := in.StartFromHead != nil && !*in.StartFromHead
	if in.NextToken != nil {
		newestFirst = skip < 0
		skip = max(skip, -skip)
	}
	next := func(n int) *string {
		if newestFirst {
			n = -n
		}
		return aws.String(r.token(n))
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: []logstypes.FilteredLogEvent{}, SearchedLogStreams: []logstypes.SearchedLogStream{}}
	seen, bytes := 0, 0
	var failed error
	for e := range r.incident.between(g, from, to, newestFirst, &failed) {
		if skip == 0 {
			out.NextToken = next(1)
			break
		}
		if seen++; seen < skip {
			continue
		}
		if seen-skip >= filterScan || len(out.Events) == size || bytes+e.Size() > filterBytes && bytes > 0 {
			out.NextToken = next(seen)
			break
		}
		if len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, e.stream) || !strings.HasPrefix(e.stream, aws.ToString(in.LogStreamNamePrefix)) {
			continue
		}
		message := e.Text()
		if !pattern.Match(message) {
			continue
		}
		bytes += len(message)
		out.Events = append(out.Events, logstypes.FilteredLogEvent{
			EventId: aws.String(fmt.Sprintf("%036d%020d", e.ms, e.number)), Timestamp: aws.Int64(e.ms), IngestionTime: aws.Int64(e.ms),
			LogStreamName: aws.String(e.stream), Message: &message,
		})
	}
	return out, failed
}
