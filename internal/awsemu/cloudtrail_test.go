package awsemu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

func TestTrailsByRegionWithAndWithoutShadows(t *testing.T) {
	s := everything.serve(t, Options{})
	for _, tt := range []struct {
		region  string
		shadows *bool
		want    []string
	}{
		{"eu-west-1", nil, []string{"main"}},
		{"us-west-2", nil, []string{"main", "local"}},
		{"us-west-2", aws.Bool(false), []string{"local"}},
		{"us-east-1", aws.Bool(false), nil},
	} {
		c := cloudtrail.NewFromConfig(s.once(tt.region))
		var got []string
		for _, tr := range must(c.DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: tt.shadows}))(t).TrailList {
			got = append(got, *tr.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("trails in %s are %v, want %v", tt.region, got, tt.want)
		}
	}
}

func TestTrailStatusAndSelectors(t *testing.T) {
	s := everything.serve(t, Options{})
	ctx, arn := t.Context(), aws.String("arn:aws:cloudtrail:eu-west-1:111122223333:trail/main")
	away := cloudtrail.NewFromConfig(s.once("us-west-2"))
	st := must(away.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: arn}))(t)
	if !*st.IsLogging || !st.LatestCloudWatchLogsDeliveryTime.Equal(time.Date(2026, 10, 14, 15, 15, 48, 0, time.UTC)) {
		t.Errorf("status is %+v", st)
	}
	_, err := away.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String("main")})
	wantCode(t, err, "TrailNotFoundException") // a shadow goes by its ARN only

	basic := must(away.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: arn}))(t)
	if len(basic.EventSelectors) != 1 || basic.EventSelectors[0].ReadWriteType != trailtypes.ReadWriteTypeAll || !*basic.EventSelectors[0].IncludeManagementEvents {
		t.Errorf("a trail without selectors has %+v", basic.EventSelectors)
	}
	advanced := must(away.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: aws.String("local")}))(t)
	if len(advanced.EventSelectors) != 0 || advanced.AdvancedEventSelectors[0].FieldSelectors[0].Equals[0] != "Management" {
		t.Errorf("advanced selectors came back as %+v", advanced)
	}
	if list := must(away.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{"local"}}))(t).TrailList; len(list) != 1 || !*list[0].HasCustomEventSelectors {
		t.Errorf("trails named local are %+v", list)
	}
}

// lookUp gives the ids of all pages.
func lookUp(t *testing.T, c *cloudtrail.Client, in *cloudtrail.LookupEventsInput) (ids []string, pages int) {
	t.Helper()
	for p := cloudtrail.NewLookupEventsPaginator(c, in); p.HasMorePages(); pages++ {
		for _, e := range must(p.NextPage(t.Context()))(t).Events {
			ids = append(ids, *e.EventId)
		}
	}
	return ids, pages
}

func by(key trailtypes.LookupAttributeKey, value string) *cloudtrail.LookupEventsInput {
	return &cloudtrail.LookupEventsInput{LookupAttributes: []trailtypes.LookupAttribute{{AttributeKey: key, AttributeValue: &value}}}
}

func TestLookupEventsByRegionAndAttribute(t *testing.T) {
	s := everything.serve(t, Options{})
	here, global := cloudtrail.NewFromConfig(s.once("eu-west-1")), cloudtrail.NewFromConfig(s.once("us-east-1"))
	arn := "arn:aws:iam::111122223333:role/payments-api"
	for _, tt := range []struct {
		name   string
		client *cloudtrail.Client
		in     *cloudtrail.LookupEventsInput
		want   []string
	}{
		{"all of the region, newest first, each once, 90 days back", here, &cloudtrail.LookupEventsInput{}, []string{"e2", "e1"}},
		{"IAM's are in us-east-1", global, &cloudtrail.LookupEventsInput{}, []string{"e3"}},
		{"both ends of the time count", here, &cloudtrail.LookupEventsInput{StartTime: aws.Time(time.Date(2026, 10, 14, 10, 0, 0, 0, time.UTC)), EndTime: aws.Time(time.Date(2026, 10, 14, 10, 0, 0, 0, time.UTC))}, []string{"e1"}},
		{"event name", here, by("EventName", "AssumeRole"), []string{"e2", "e1"}},
		{"event source", global, by("EventSource", "iam.amazonaws.com"), []string{"e3"}},
		{"read only", global, by("ReadOnly", "true"), nil},
		{"event id", here, by("EventId", "e1"), []string{"e1"}},
		{"session name for user name", here, by("Username", "worker-1"), []string{"e2", "e1"}},
		{"caller's key", here, by("AccessKeyId", "ASIACALLER0000000001"), []string{"e2", "e1"}},
		{"the issuing call has the role's ARN", here, by("ResourceName", arn), []string{"e2", "e1"}},
		{"the issuing call has not its name", here, by("ResourceName", "payments-api"), nil},
		{"the issued key is a resource", here, by("ResourceName", "ASIAe1ISSUED00000"), []string{"e1"}},
		{"the change has the role's name", global, by("ResourceName", "payments-api"), []string{"e3"}},
		{"resource type", global, by("ResourceType", "AWS::IAM::Role"), []string{"e3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := lookUp(t, tt.client, tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLookupEventsGivesTheRecordItself(t *testing.T) {
	c := cloudtrail.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	e := must(c.LookupEvents(t.Context(), by("EventId", "e1")))(t).Events[0]
	if *e.CloudTrailEvent != assumed("e1", "2026-10-14T10:00:00Z", "eu-west-1", "") || *e.ReadOnly != "true" || *e.Username != "worker-1" ||
		!e.EventTime.Equal(time.Date(2026, 10, 14, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("event is %+v", e)
	}
}

func TestLookupEventsPages(t *testing.T) {
	var records []string
	for i := range 60 {
		records = append(records, assumed(fmt.Sprintf("e%02d", i), fmt.Sprintf("2026-10-14T10:%02d:00Z", i), "eu-west-1", ""))
	}
	s := files{"cloudtrail/a.jsonl": lines(records...)}.serve(t, Options{})
	c := cloudtrail.NewFromConfig(s.once("eu-west-1"))
	ids, pages := lookUp(t, c, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(50)})
	if pages != 3 || len(ids) != 60 || ids[0] != "e59" || ids[59] != "e00" {
		t.Errorf("%d events in %d pages, %v", len(ids), pages, ids)
	}
	first := must(c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{}))(t)
	_, err := c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{NextToken: first.NextToken, EndTime: aws.Time(time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC))})
	wantCode(t, err, "InvalidNextTokenException")
	_, err = c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{NextToken: aws.String("no token")})
	wantCode(t, err, "InvalidNextTokenException")
}

func TestLookupEventsRefuses(t *testing.T) {
	c := cloudtrail.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	two := by("EventName", "AssumeRole")
	two.LookupAttributes = append(two.LookupAttributes, two.LookupAttributes[0])
	for code, in := range map[string]*cloudtrail.LookupEventsInput{
		"InvalidLookupAttributesException": two,
		"InvalidMaxResultsException":       {MaxResults: aws.Int32(51)},
		"InvalidTimeRangeException":        {StartTime: aws.Time(time.Unix(2, 0)), EndTime: aws.Time(time.Unix(1, 0))},
	} {
		_, err := c.LookupEvents(t.Context(), in)
		wantCode(t, err, code)
	}
}

func TestLookupEventsTwiceASecond(t *testing.T) {
	s := everything.serve(t, Options{Rates: AWSRates})
	here, away := cloudtrail.NewFromConfig(s.once("eu-west-1")), cloudtrail.NewFromConfig(s.once("us-east-1"))
	var err error
	for range 3 {
		_, err = here.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{})
	}
	wantCode(t, err, "ThrottlingException")
	if _, err := away.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{}); err != nil {
		t.Errorf("the limit is a region's own: %v", err)
	}
}

func TestLookupEventsLeavesOutDataEvents(t *testing.T) {
	data := strings.Replace(record("d", "2026-10-14T10:00:00Z", "eu-west-1", "111122223333", "s3.amazonaws.com", "GetObject", true, ""), `"Management"`, `"Data"`, 1)
	s := files{"cloudtrail/a.jsonl": lines(data, assumed("m", "2026-10-14T10:00:00Z", "eu-west-1", ""))}.serve(t, Options{})
	if ids, _ := lookUp(t, cloudtrail.NewFromConfig(s.once("eu-west-1")), &cloudtrail.LookupEventsInput{}); !slices.Equal(ids, []string{"m"}) {
		t.Errorf("event history holds %v", ids)
	}
}

func TestGlobalRegionOfOtherPartitions(t *testing.T) {
	for partition, region := range map[string]string{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"} {
		fs := files{
			"incident.yaml":      strings.Replace(incidentYAML, "partition: aws", "partition: "+partition, 1),
			"cloudtrail/a.jsonl": lines(strings.Replace(changed("e", "2026-10-14T10:00:00Z"), "us-east-1", region, 1)),
		}
		if ids, _ := lookUp(t, cloudtrail.NewFromConfig(fs.serve(t, Options{}).once(region)), &cloudtrail.LookupEventsInput{}); len(ids) != 1 {
			t.Errorf("%s has %v in %s", partition, ids, region)
		}
	}
}
