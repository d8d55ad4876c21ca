package awsemu

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

var cloudtrailOperations = []operation{
	on(cloudtrailService, "DescribeTrails", (*Server).describeTrails, "trailNameList", "includeShadowTrails"),
	of(on(cloudtrailService, "GetTrailStatus", (*Server).getTrailStatus, "Name"),
		func(r *request, in *cloudtrail.GetTrailStatusInput) []string { return r.trailARN(in.Name) }),
	of(on(cloudtrailService, "GetEventSelectors", (*Server).getEventSelectors, "TrailName"),
		func(r *request, in *cloudtrail.GetEventSelectorsInput) []string { return r.trailARN(in.TrailName) }),
	on(cloudtrailService, "LookupEvents", (*Server).lookupEvents, "LookupAttributes", "StartTime", "EndTime", "MaxResults", "NextToken"),
}

// describeTrails shows the trails of the region, and the shadows of multi-region trails of other regions unless the
// caller does without. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
func (s *Server) describeTrails(r *request, in *cloudtrail.DescribeTrailsInput) (*cloudtrail.DescribeTrailsOutput, error) {
	out := &cloudtrail.DescribeTrailsOutput{TrailList: []trailtypes.Trail{}}
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails
	for _, t := range r.incident.Trails {
		here := t.HomeRegion == r.region()
		if !here && !(shadows && t.IsMultiRegionTrail) {
			continue
		}
		if len(in.TrailNameList) > 0 && !slices.ContainsFunc(in.TrailNameList, func(name string) bool { return name == t.TrailARN || here && name == t.Name }) {
			continue
		}
		out.TrailList = append(out.TrailList, trailtypes.Trail{
			Name: text(t.Name), HomeRegion: text(t.HomeRegion), TrailARN: text(t.TrailARN), S3BucketName: text(t.S3BucketName),
			IsMultiRegionTrail: aws.Bool(t.IsMultiRegionTrail), IncludeGlobalServiceEvents: aws.Bool(t.IncludeGlobalServiceEvents),
			IsOrganizationTrail: aws.Bool(t.IsOrganizationTrail), LogFileValidationEnabled: aws.Bool(t.LogFileValidationEnabled),
			CloudWatchLogsLogGroupArn: text(t.CloudWatchLogsLogGroupArn), CloudWatchLogsRoleArn: text(t.CloudWatchLogsRoleArn),
			HasCustomEventSelectors: aws.Bool(customSelectors(t)), HasInsightSelectors: aws.Bool(false),
		})
	}
	return out, nil
}

// trail finds a trail by name, which holds in its home region only, or by ARN.
func (r *request) trail(name *string) (*capture.Trail, error) {
	n := aws.ToString(name)
	for i := range r.incident.Trails {
		t := &r.incident.Trails[i]
		if n == t.TrailARN || n == t.Name && t.HomeRegion == r.region() {
			return t, nil
		}
	}
	return nil, fail("TrailNotFoundException", "Unknown trail: %s for the user: %s", n, r.account())
}

func (r *request) trailARN(name *string) []string {
	if t, err := r.trail(name); err == nil {
		return []string{t.TrailARN}
	}
	if strings.HasPrefix(aws.ToString(name), "arn:") {
		return []string{*name}
	}
	return []string{"arn:" + r.incident.Partition + ":cloudtrail:" + r.region() + ":" + r.account() + ":trail/" + aws.ToString(name)}
}

func (s *Server) getTrailStatus(r *request, in *cloudtrail.GetTrailStatusInput) (*cloudtrail.GetTrailStatusOutput, error) {
	t, err := r.trail(in.Name)
	if err != nil {
		return nil, err
	}
	st := t.Status
	return &cloudtrail.GetTrailStatusOutput{
		IsLogging:          aws.Bool(st.IsLogging),
		LatestDeliveryTime: st.LatestDeliveryTime, LatestDeliveryError: text(st.LatestDeliveryError),
		LatestCloudWatchLogsDeliveryTime: st.LatestCloudWatchLogsDeliveryTime, LatestCloudWatchLogsDeliveryError: text(st.LatestCloudWatchLogsDeliveryError),
		StartLoggingTime: st.StartLoggingTime, StopLoggingTime: st.StopLoggingTime,
	}, nil
}

// getEventSelectors gives basic or advanced selectors, whichever the trail has; without any, the basic one that a new
// trail gets.
func (s *Server) getEventSelectors(r *request, in *cloudtrail.GetEventSelectorsInput) (*cloudtrail.GetEventSelectorsOutput, error) {
	t, err := r.trail(in.TrailName)
	if err != nil {
		return nil, err
	}
	out := &cloudtrail.GetEventSelectorsOutput{TrailARN: &t.TrailARN}
	for _, a := range t.AdvancedEventSelectors {
		w := trailtypes.AdvancedEventSelector{Name: text(a.Name), FieldSelectors: []trailtypes.AdvancedFieldSelector{}}
		for _, f := range a.FieldSelectors {
			w.FieldSelectors = append(w.FieldSelectors, trailtypes.AdvancedFieldSelector{Field: aws.String(f.Field), Equals: f.Equals, StartsWith: f.StartsWith,
				EndsWith: f.EndsWith, NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith})
		}
		out.AdvancedEventSelectors = append(out.AdvancedEventSelectors, w)
	}
	if out.AdvancedEventSelectors != nil {
		return out, nil
	}
	for _, b := range basicSelectors(*t) {
		w := trailtypes.EventSelector{ReadWriteType: trailtypes.ReadWriteType(readWriteType(b)), IncludeManagementEvents: aws.Bool(managementEvents(b)),
			DataResources: []trailtypes.DataResource{}, ExcludeManagementEventSources: append([]string{}, b.ExcludeManagementEventSources...)}
		for _, d := range b.DataResources {
			w.DataResources = append(w.DataResources, trailtypes.DataResource{Type: text(d.Type), Values: append([]string{}, d.Values...)})
		}
		out.EventSelectors = append(out.EventSelectors, w)
	}
	return out, nil
}
