package awsemu

import (
	"iter"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// maxLogEvent is the size above which CloudTrail sends no record to CloudWatch Logs.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html
const maxLogEvent = 256 * 1024

// delivered is the last moment whose records a trail has put into its log group. A trail that is stopped, or that can't
// deliver, has put nothing there since its last delivery.
func delivered(t capture.Trail) (last time.Time, cut bool) {
	if t.Status.IsLogging && t.Status.LatestCloudWatchLogsDeliveryError == "" {
		return time.Time{}, false
	}
	for _, at := range []*time.Time{t.Status.LatestCloudWatchLogsDeliveryTime, t.Status.StopLoggingTime} {
		if at != nil {
			return *at, true
		}
	}
	return time.Time{}, true
}

// delivers says whether a trail of in puts a record into its log group: account, region, global service events, the time
// of the last delivery, size, and event selectors.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
func (in *incident) delivers(t capture.Trail, e *trailRecord) bool {
	if !t.IsOrganizationTrail && !in.owns(e.Event) {
		return false
	}
	if e.Global {
		if !t.IncludeGlobalServiceEvents || !t.IsMultiRegionTrail && t.HomeRegion != capture.GlobalRegion(in.Partition) {
			return false
		}
	} else if !t.IsMultiRegionTrail && e.Region != t.HomeRegion {
		return false
	}
	if last, cut := delivered(t); cut && e.Time.After(last) {
		return false
	}
	return e.Size <= maxLogEvent && selected(t, e)
}

// owns says whether a record is the account's own copy. Old and edited records name no recipient.
func (in *incident) owns(e capture.Event) bool {
	return e.Account == in.Account || e.Account == "" && in.Account == in.recorded
}

// trailEvents gives the log events that trails have made of the records with lo <= index < hi. Two trails that write to
// one group write everything twice.
func (in *incident) trailEvents(trails []capture.Trail, lo, hi int, newestFirst bool, failed *error) iter.Seq[logEvent] {
	return func(yield func(logEvent) bool) {
		records := in.reader(failed)
		for n := range hi - lo {
			i := lo + n
			if newestFirst {
				i = hi - 1 - n
			}
			e := records.at(i)
			for _, t := range trails {
				if *failed != nil {
					return
				}
				if !in.delivers(t, e) {
					continue
				}
				account := e.Account
				if account == "" {
					account = in.Account
				}
				// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html
				stream := account + "_CloudTrail_" + e.Region
				if !yield(logEvent{ms: e.Time.UnixMilli(), number: i, stream: stream, record: e}) {
					return
				}
			}
		}
	}
}

// groupOf reads the log group out of a trail's CloudWatchLogsLogGroupArn.
func groupOf(t capture.Trail) (region, account, name string, ok bool) {
	parts := strings.SplitN(strings.TrimSuffix(t.CloudWatchLogsLogGroupArn, ":*"), ":", 7)
	if len(parts) != 7 || parts[5] != "log-group" {
		return "", "", "", false
	}
	return parts[3], parts[4], parts[6], true
}
