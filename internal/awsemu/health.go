package awsemu

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/health"
	healthtypes "github.com/aws/aws-sdk-go-v2/service/health/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

var healthOperations = []operation{
	on(healthService, "DescribeEvents", (*Server).describeEvents, "filter", "locale", "maxResults", "nextToken"),
	on(healthService, "DescribeEventDetails", (*Server).describeEventDetails, "eventArns", "locale"),
}

// healthRegions are those in which Health has an endpoint. Elsewhere AWS's host name does not resolve; the emulator,
// which every name leads to, answers and remembers that it was asked in the wrong place.
// https://docs.aws.amazon.com/health/latest/ug/health-api.md
var healthRegions = []string{"us-east-1", "us-east-2", "aws-global", "cn-northwest-1", "aws-cn-global", "us-gov-west-1"}

// subscribed refuses as AWS does without a support plan that includes the Health API. The code is in no API model.
// https://docs.aws.amazon.com/health/latest/ug/health-api.md
func (s *Server) subscribed(r *request) error {
	if !slices.Contains(healthRegions, r.region()) {
		s.journal.surprise(r.action() + ": Health has no endpoint in " + r.region())
	}
	if r.incident.Health == nil {
		return fail("SubscriptionRequiredException", "%s", r.messageOf("SubscriptionRequiredException"))
	}
	return nil
}

func (s *Server) describeEvents(r *request, in *health.DescribeEventsInput) (*health.DescribeEventsOutput, error) {
	if err := s.subscribed(r); err != nil {
		return nil, err
	}
	f := in.Filter
	if f == nil {
		f = &healthtypes.EventFilter{}
	}
	if len(f.Tags)+len(f.EntityArns)+len(f.EntityValues)+len(f.Actionabilities)+len(f.Personas) > 0 {
		s.journal.surprise(r.action() + ": filter by tags, entities, actionability or persona")
		return nil, fail("ValidationException", "this filter is not emulated")
	}
	var found []healthtypes.Event
	for _, e := range r.incident.Health.Events {
		if oneOf(f.EventArns, e.ARN) && oneOf(f.Services, e.Service) && oneOf(f.Regions, e.Region) &&
			oneOf(f.EventTypeCodes, e.EventTypeCode) && oneOf(f.AvailabilityZones, e.AvailabilityZone) &&
			oneOf(f.EventStatusCodes, healthtypes.EventStatusCode(e.StatusCode)) &&
			oneOf(f.EventTypeCategories, healthtypes.EventTypeCategory(e.EventTypeCategory)) &&
			within(f.StartTimes, e.StartTime) && within(f.EndTimes, e.EndTime) && within(f.LastUpdatedTimes, e.LastUpdatedTime) {
			found = append(found, wireEvent(e))
		}
	}
	slices.SortStableFunc(found, func(a, b healthtypes.Event) int {
		return aws.ToTime(b.LastUpdatedTime).Compare(aws.ToTime(a.LastUpdatedTime))
	})
	events, next, err := page(r, found, in.NextToken, s.pageSize(r, in.MaxResults, 100))
	if err != nil {
		return nil, fail("InvalidPaginationToken", "%s", err)
	}
	return &health.DescribeEventsOutput{Events: append([]healthtypes.Event{}, events...), NextToken: next}, nil
}

// oneOf says whether a filter's list, empty for any, has the value.
func oneOf[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// within says whether t is in one of the ranges; an event that has not ended has no end to be within.
func within(ranges []healthtypes.DateTimeRange, t time.Time) bool {
	if len(ranges) == 0 {
		return true
	}
	return !t.IsZero() && slices.ContainsFunc(ranges, func(d healthtypes.DateTimeRange) bool {
		return (d.From == nil || !t.Before(*d.From)) && (d.To == nil || !t.After(*d.To))
	})
}

func wireEvent(e capture.HealthEvent) healthtypes.Event {
	return healthtypes.Event{
		Arn: &e.ARN, Service: text(e.Service), EventTypeCode: text(e.EventTypeCode), Region: text(e.Region), AvailabilityZone: text(e.AvailabilityZone),
		EventTypeCategory: healthtypes.EventTypeCategory(e.EventTypeCategory), EventScopeCode: healthtypes.EventScopeCode(e.EventScopeCode),
		StatusCode: healthtypes.EventStatusCode(e.StatusCode), StartTime: when(e.StartTime), EndTime: when(e.EndTime), LastUpdatedTime: when(e.LastUpdatedTime),
	}
}

func (s *Server) describeEventDetails(r *request, in *health.DescribeEventDetailsInput) (*health.DescribeEventDetailsOutput, error) {
	if err := s.subscribed(r); err != nil {
		return nil, err
	}
	if len(in.EventArns) == 0 || len(in.EventArns) > 10 {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'eventArns' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	out := &health.DescribeEventDetailsOutput{SuccessfulSet: []healthtypes.EventDetails{}, FailedSet: []healthtypes.EventDetailsErrorItem{}}
	for _, arn := range in.EventArns {
		i := slices.IndexFunc(r.incident.Health.Events, func(e capture.HealthEvent) bool { return e.ARN == arn })
		if i < 0 {
			out.FailedSet = append(out.FailedSet, healthtypes.EventDetailsErrorItem{EventArn: &arn, ErrorName: aws.String("InvalidEventArn"), ErrorMessage: aws.String("Unable to find event with arn " + arn)})
			continue
		}
		e := wireEvent(r.incident.Health.Events[i])
		out.SuccessfulSet = append(out.SuccessfulSet, healthtypes.EventDetails{Event: &e,
			EventDescription: &healthtypes.EventDescription{LatestDescription: text(r.incident.Health.Events[i].EventDescription.LatestDescription)}})
	}
	return out, nil
}
