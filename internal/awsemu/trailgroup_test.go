package awsemu

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Records of one moment a minute, named for what is peculiar to them.
var variety = lines(
	record("here", "2026-10-14T10:00:00Z", "eu-west-1", "111122223333", "sts.amazonaws.com", "AssumeRole", true, ""),
	record("away", "2026-10-14T10:01:00Z", "us-west-2", "111122223333", "sts.amazonaws.com", "AssumeRole", true, ""),
	record("iam-write", "2026-10-14T10:02:00Z", "us-east-1", "111122223333", "iam.amazonaws.com", "UpdateRole", false, ""),
	record("global-sts", "2026-10-14T10:03:00Z", "us-east-1", "111122223333", "sts.amazonaws.com", "AssumeRole", true, `"additionalEventData":{"RequestDetails":{"endpointType":"global"}}`),
	record("member", "2026-10-14T10:04:00Z", "eu-west-1", "444455556666", "sts.amazonaws.com", "AssumeRole", true, ""),
	record("kms-write", "2026-10-14T10:05:00Z", "eu-west-1", "111122223333", "kms.amazonaws.com", "ScheduleKeyDeletion", false, ""),
	strings.Replace(record("data", "2026-10-14T10:06:00Z", "eu-west-1", "111122223333", "s3.amazonaws.com", "GetObject", true, `"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"}]`), `"Management"`, `"Data"`, 1),
	record("too-large", "2026-10-14T10:07:00Z", "eu-west-1", "111122223333", "sts.amazonaws.com", "AssumeRole", true, `"requestParameters":{"policy":"`+strings.Repeat("x", maxLogEvent)+`"}`),
)

func TestTrailGroupHoldsWhatTheTrailLetsThrough(t *testing.T) {
	const logging, multi, global = `"Status":{"IsLogging":true}`, `"IsMultiRegionTrail":true`, `"IncludeGlobalServiceEvents":true`
	for _, tt := range []struct {
		name  string
		trail string
		want  string
	}{
		{"single region", logging, "here kms-write"},
		{"single region away from us-east-1 has no global events, whatever it says", join(logging, global), "here kms-write"},
		{"multi region without global events", join(logging, multi), "here away kms-write"},
		{"multi region", join(logging, multi, global), "here away iam-write global-sts kms-write"},
		{"organization", join(logging, multi, global, `"IsOrganizationTrail":true`), "here away iam-write global-sts member kms-write"},
		{"single region at home in us-east-1", join(logging, global, `"HomeRegion":"us-east-1"`), "iam-write global-sts"},
		{"write only has no issuing calls", join(logging, multi, global, `"EventSelectors":[{"ReadWriteType":"WriteOnly"}]`), "iam-write kms-write"},
		{"read only", join(logging, multi, global, `"EventSelectors":[{"ReadWriteType":"ReadOnly","IncludeManagementEvents":true}]`), "here away global-sts"},
		{"an excluded source", join(logging, `"EventSelectors":[{"ReadWriteType":"All","ExcludeManagementEventSources":["kms.amazonaws.com"]}]`), "here"},
		{"no management events", join(logging, `"EventSelectors":[{"IncludeManagementEvents":false}]`), ""},
		{"data events of a kind", join(logging, `"EventSelectors":[{"IncludeManagementEvents":false,"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]`), "data"},
		{"advanced: management events that write", join(logging, multi, global, advanced(`{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["false"]}`)), "iam-write kms-write"},
		{"advanced: all but a source", join(logging, advanced(`{"Field":"eventCategory","Equals":["Management"]},{"Field":"eventSource","NotEquals":["kms.amazonaws.com"]}`)), "here"},
		{"advanced: by beginning of a name", join(logging, multi, advanced(`{"Field":"eventName","StartsWith":["Assume","Get"]},{"Field":"eventCategory","Equals":["Management"]}`)), "here away"},
		{"advanced: data events by ARN", join(logging, advanced(`{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::b/"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}`)), "data"},
		{"advanced: by the end of the caller's ARN", join(logging, advanced(`{"Field":"userIdentity.arn","NotEndsWith":["worker-1"]}`)), ""},
		{"advanced: two selectors are either", join(logging, `"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]}]},{"FieldSelectors":[{"Field":"eventSource","Equals":["kms.amazonaws.com"]}]}]`), "kms-write data"},
		{"stopped", join(multi, global, `"Status":{"IsLogging":false,"LatestCloudWatchLogsDeliveryTime":"2026-10-14T10:01:30Z"}`), "here away"},
		{"stopped, last delivery unknown", join(multi, global, `"Status":{"IsLogging":false,"StopLoggingTime":"2026-10-14T10:02:00Z"}`), "here away iam-write"},
		{"never started", join(multi, global, `"Status":{"IsLogging":false}`), ""},
		{"can't deliver to the group", join(multi, global, `"Status":{"IsLogging":true,"LatestCloudWatchLogsDeliveryError":"AccessDenied","LatestCloudWatchLogsDeliveryTime":"2026-10-14T10:00:30Z"}`), "here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := files{"cloudtrail/a.jsonl": variety, "cloudtrail/trails.json": trail(tt.trail)}.serve(t, Options{})
			var got []string
			for _, e := range filtered(t, s, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("trail-logs")}) {
				_, id, _ := strings.Cut(*e.Message, `"eventID":"`)
				id, _, _ = strings.Cut(id, `"`)
				got = append(got, id)
			}
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("the group holds %v, want %s", got, tt.want)
			}
		})
	}
}

func join(parts ...string) string { return strings.Join(parts, ",") }

func advanced(fields string) string {
	return `"AdvancedEventSelectors":[{"FieldSelectors":[` + fields + `]}]`
}

// filtered gives the events of all pages of FilterLogEvents in eu-west-1.
func filtered(t *testing.T, s *Server, in *cloudwatchlogs.FilterLogEventsInput) (events []logstypes.FilteredLogEvent) {
	t.Helper()
	return filteredIn(t, s, "eu-west-1", in)
}

func filteredIn(t *testing.T, s *Server, region string, in *cloudwatchlogs.FilterLogEventsInput) (events []logstypes.FilteredLogEvent) {
	t.Helper()
	c := cloudwatchlogs.NewFromConfig(s.once(region))
	for p := cloudwatchlogs.NewFilterLogEventsPaginator(c, in); p.HasMorePages(); {
		events = append(events, must(p.NextPage(t.Context()))(t).Events...)
	}
	return events
}

func TestTrailGroupEventsAreTheRecordsAsTheyAre(t *testing.T) {
	raw := assumed("e", "2026-10-14T10:00:00Z", "eu-west-1", "")
	fs := files{"cloudtrail/a.jsonl": lines(raw, raw), "cloudtrail/trails.json": trail(`"Status":{"IsLogging":true}`)}
	events := filtered(t, fs.serve(t, Options{}), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("trail-logs")})
	if len(events) != 2 {
		t.Fatalf("a record that was delivered twice is there %d times", len(events))
	}
	if e := events[0]; *e.Message != raw || *e.LogStreamName != "111122223333_CloudTrail_eu-west-1" || *e.Timestamp != 1791972000000 {
		t.Errorf("event is %+v with %s", e, *e.Message)
	}
}

func TestTwoTrailsWriteTwiceToOneGroupAndLogsYAMLGivesItsAge(t *testing.T) {
	one := strings.TrimSuffix(strings.TrimPrefix(trail(`"Status":{"IsLogging":true}`), `{"Trails":[`), `]}`)
	fs := files{
		"cloudtrail/a.jsonl":     lines(assumed("e", "2026-10-14T10:00:00Z", "eu-west-1", "")),
		"cloudtrail/trails.json": `{"Trails":[` + one + "," + strings.ReplaceAll(one, `"main"`, `"second"`) + `]}`,
		"logs/logs.yaml":         "groups:\n  - {name: trail-logs, region: eu-west-1, created: 2026-10-01T00:00:00Z, retention_days: 7, class: INFREQUENT_ACCESS}\n",
	}
	s := fs.serve(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	groups := must(c.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}))(t).LogGroups
	if len(groups) != 1 || *groups[0].RetentionInDays != 7 || groups[0].LogGroupClass != "INFREQUENT_ACCESS" || *groups[0].CreationTime != 1790812800000 || *groups[0].StoredBytes == 0 {
		t.Errorf("group is %+v", groups)
	}
	rows, _ := ask(t, s, "trail-logs", "fields eventName", 0)
	if len(rows) != 2 {
		t.Errorf("two trails wrote %d events", len(rows))
	}
}

func TestEventsOfAFileAndOfATrailAreInOneOrder(t *testing.T) {
	fs := files{
		"cloudtrail/a.jsonl":     lines(assumed("e1", "2026-10-14T10:00:00Z", "eu-west-1", ""), assumed("e3", "2026-10-14T12:00:00Z", "eu-west-1", "")),
		"cloudtrail/trails.json": trail(`"Status":{"IsLogging":true}`),
		"logs/logs.yaml":         "groups:\n  - {name: trail-logs, region: eu-west-1, events: more.jsonl}\n",
		"logs/more.jsonl":        lines(`{"timestamp":"2026-10-14T09:00:00Z","stream":"s","message":"m0"}`, `{"timestamp":"2026-10-14T11:00:00Z","stream":"s","message":"m2"}`, `{"timestamp":"2026-10-14T13:00:00Z","stream":"s","message":"m4"}`),
	}
	s := fs.serve(t, Options{})
	for _, head := range []bool{true, false} {
		events := filtered(t, s, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("trail-logs"), StartFromHead: &head, StartTime: aws.Int64(dayStart.UnixMilli())})
		if len(events) != 5 || !slices.IsSortedFunc(events, func(a, b logstypes.FilteredLogEvent) int {
			if head {
				return int(*a.Timestamp - *b.Timestamp)
			}
			return int(*b.Timestamp - *a.Timestamp)
		}) {
			t.Errorf("startFromHead=%t gives %d events, out of order", head, len(events))
		}
	}
}
