package awsemu

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/health"
	healthtypes "github.com/aws/aws-sdk-go-v2/service/health/types"
)

func TestHealthEvents(t *testing.T) {
	c := health.NewFromConfig(everything.serve(t, Options{}).once("us-east-1"))
	for name, tt := range map[string]struct {
		filter *healthtypes.EventFilter
		want   []string
	}{
		"all, last updated first": {nil, []string{"STS", "IAM"}},
		"services and regions":    {&healthtypes.EventFilter{Services: []string{"STS", "IAM"}, Regions: []string{"us-east-1", "global"}}, []string{"IAM"}},
		"open issues":             {&healthtypes.EventFilter{EventStatusCodes: []healthtypes.EventStatusCode{"open"}, EventTypeCategories: []healthtypes.EventTypeCategory{"issue"}}, []string{"STS"}},
		"ended since":             {&healthtypes.EventFilter{EndTimes: []healthtypes.DateTimeRange{{From: at("00:00:00")}}}, nil},
		"started since":           {&healthtypes.EventFilter{StartTimes: []healthtypes.DateTimeRange{{From: at("00:00:00")}}}, []string{"STS"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range must(c.DescribeEvents(t.Context(), &health.DescribeEventsInput{Filter: tt.filter}))(t).Events {
				got = append(got, *e.Service)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	details := must(c.DescribeEventDetails(t.Context(), &health.DescribeEventDetailsInput{EventArns: []string{"arn:aws:health:eu-west-1::event/STS/AWS_STS_OPERATIONAL_ISSUE/1", "arn:aws:health:none"}}))(t)
	if *details.SuccessfulSet[0].EventDescription.LatestDescription != "We are looking." || *details.FailedSet[0].EventArn != "arn:aws:health:none" {
		t.Errorf("details are %+v", details)
	}
}

func TestHealthWithoutASupportPlan(t *testing.T) {
	for name, fs := range map[string]files{"no file": {}, "it says so": {"health.json": `{"SubscriptionRequired":true,"Events":[]}`}} {
		t.Run(name, func(t *testing.T) {
			c := health.NewFromConfig(fs.serve(t, Options{}).once("us-east-1"))
			_, err := c.DescribeEvents(t.Context(), &health.DescribeEventsInput{})
			wantCode(t, err, "SubscriptionRequiredException")
			_, err = c.DescribeEventDetails(t.Context(), &health.DescribeEventDetailsInput{EventArns: []string{"a"}})
			wantCode(t, err, "SubscriptionRequiredException")
		})
	}
}

func TestHealthRefusesFiltersItDoesNotKnow(t *testing.T) {
	s := everything.tolerant(t, Options{})
	_, err := health.NewFromConfig(s.once("us-east-1")).DescribeEvents(t.Context(), &health.DescribeEventsInput{Filter: &healthtypes.EventFilter{EntityValues: []string{"AWS_ACCOUNT"}}})
	wantCode(t, err, "ValidationException")
	if len(s.Unexpected()) != 1 {
		t.Errorf("remembered as unexpected: %q", s.Unexpected())
	}
}

func TestHealthAskedInTheWrongRegionIsRemembered(t *testing.T) {
	s := everything.tolerant(t, Options{})
	must(health.NewFromConfig(s.once("eu-west-1")).DescribeEvents(t.Context(), &health.DescribeEventsInput{}))(t)
	if u := s.Unexpected(); len(u) != 1 {
		t.Errorf("remembered as unexpected: %q", u)
	}
}

func TestPublicFeedIsUTF16(t *testing.T) {
	resp := must(everything.serve(t, Options{}).Client().Get("https://health.aws.amazon.com/public/currentevents"))(t)
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(t)
	if ct := resp.Header.Get("Content-Type"); ct != "application/json;charset=utf-16" || body[0] != 0xFE || body[1] != 0xFF {
		t.Fatalf("feed is %s beginning with %x", ct, body[:2])
	}
	var units []uint16
	for i := 2; i < len(body); i += 2 {
		units = append(units, uint16(body[i])<<8|uint16(body[i+1]))
	}
	var events []struct{ Service, Summary string }
	if err := json.Unmarshal([]byte(string(utf16.Decode(units))), &events); err != nil || events[0].Summary != "Zürich ✓" {
		t.Errorf("feed holds %+v, %v", events, err)
	}
}

func TestPublicFeedWithoutAFileIsOutOfReach(t *testing.T) {
	s := files{}.serve(t, Options{})
	for name, get := range map[string]func() (*http.Response, error){
		"in process": func() (*http.Response, error) { return s.Client().Get("http://aws.invalid/public/currentevents") },
		"listening":  func() (*http.Response, error) { return http.Get(listen(t, s) + "/public/currentevents") },
	} {
		t.Run(name, func(t *testing.T) {
			if resp, err := get(); err == nil {
				resp.Body.Close()
				t.Errorf("got %s", resp.Status)
			}
		})
	}
}

func TestRegionStatus(t *testing.T) {
	c := account.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	for region, want := range map[string]string{"eu-west-1": "ENABLED_BY_DEFAULT", "me-south-1": "ENABLED"} {
		if got := must(c.GetRegionOptStatus(t.Context(), &account.GetRegionOptStatusInput{RegionName: &region}))(t); string(got.RegionOptStatus) != want {
			t.Errorf("%s is %s, want %s", region, got.RegionOptStatus, want)
		}
	}
	_, err := c.GetRegionOptStatus(t.Context(), &account.GetRegionOptStatusInput{RegionName: aws.String("mars-north-1")})
	wantCode(t, err, "ValidationException")
	n, pages := 0, 0
	for p := account.NewListRegionsPaginator(c, &account.ListRegionsInput{}); p.HasMorePages(); pages++ {
		n += len(must(p.NextPage(t.Context()))(t).Regions)
	}
	if n != 34 || pages != 4 {
		t.Errorf("%d regions on %d pages", n, pages)
	}
}
