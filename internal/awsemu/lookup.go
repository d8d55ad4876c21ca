package awsemu

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdktrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/needle"
)

// Limits of LookupEvents: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
const (
	lookupPage = 50
	lookupDays = 90
)

// lookupEvents answers from the event history: management events of the account in the region, newest first, each once.
func (s *Server) lookupEvents(r *request, in *sdktrail.LookupEventsInput) (*sdktrail.LookupEventsOutput, error) {
	switch {
	case len(in.LookupAttributes) > 1:
		return nil, fail("InvalidLookupAttributesException", "Only one lookup attribute is allowed.")
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > lookupPage):
		return nil, fail("InvalidMaxResultsException", "A maximum of %d results can be returned.", lookupPage)
	case in.StartTime != nil && in.EndTime != nil && in.StartTime.After(*in.EndTime):
		return nil, fail("InvalidTimeRangeException", "The start time must be before the end time.")
	}
	from, to := r.now().AddDate(0, 0, -lookupDays), r.now()
	if in.StartTime != nil && in.StartTime.After(from) {
		from = *in.StartTime
	}
	if in.EndTime != nil {
		to = *in.EndTime
	}
	match := func(*trailRecord) bool { return true }
	for _, a := range in.LookupAttributes {
		var ok bool
		if match, ok = lookupMatch(string(a.AttributeKey), aws.ToString(a.AttributeValue)); !ok {
			return nil, fail("InvalidLookupAttributesException", "The lookup attribute is not valid: %s", a.AttributeKey)
		}
	}

	lo, hi := r.incident.Records.Between(from, to.Add(1))
	skip, err := r.offset(in.NextToken)
	if err != nil {
		return nil, fail("InvalidNextTokenException", "%s", err)
	}
	size := s.pageSize(r, in.MaxResults, lookupPage)
	out := &sdktrail.LookupEventsOutput{Events: []trailtypes.Event{}}
	var failed error
	records := r.incident.reader(&failed)
	for i := hi - 1 - skip; i >= lo && failed == nil; i-- {
		if len(out.Events) == size {
			out.NextToken = aws.String(r.token(hi - 1 - i))
			break
		}
		if rec := records.at(i); r.inHistory(rec) && match(rec) {
			out.Events = append(out.Events, rec.wire())
		}
	}
	return out, failed
}

// inHistory says whether a record is in the event history of this account and region.
func (r *request) inHistory(e *trailRecord) bool {
	region := e.Region
	if e.Global {
		region = capture.GlobalRegion(r.incident.Partition)
	}
	return !e.Again && region == r.region() && r.incident.owns(e.Event) && e.category() == "Management"
}

// lookupMatch gives the test for one lookup attribute.
func lookupMatch(key, value string) (func(*trailRecord) bool, bool) {
	switch key {
	case "EventName":
		return func(r *trailRecord) bool { return r.Name == value }, true
	case "EventSource":
		return func(r *trailRecord) bool { return r.Source == value }, true
	case "ReadOnly":
		return func(r *trailRecord) bool { return strconv.FormatBool(r.ReadOnly) == value }, true
	case "EventId", "AccessKeyId", "Username", "ResourceName", "ResourceType":
		// Most records don't even hold the last part of the value, and need not be decoded.
		part := needle.New(value[strings.LastIndexAny(value, ":/")+1:])
		return func(r *trailRecord) bool {
			if key != "ResourceType" && !part.InBytes(r.raw()) {
				return false
			}
			w := r.wire()
			switch key {
			case "EventId":
				return aws.ToString(w.EventId) == value
			case "AccessKeyId":
				return aws.ToString(w.AccessKeyId) == value
			case "Username":
				return aws.ToString(w.Username) == value
			}
			return slices.ContainsFunc(w.Resources, func(res trailtypes.Resource) bool {
				return key == "ResourceName" && aws.ToString(res.ResourceName) == value || key == "ResourceType" && aws.ToString(res.ResourceType) == value
			})
		}, true
	}
	return nil, false
}

// wire is the record as LookupEvents gives it: a few fields, and the whole of it as text.
func (r *trailRecord) wire() trailtypes.Event {
	raw := r.raw()
	w := trailtypes.Event{
		EventName: text(r.Name), EventSource: text(r.Source), EventTime: aws.Time(r.Time.Truncate(time.Second)),
		ReadOnly: aws.String(strconv.FormatBool(r.ReadOnly)), CloudTrailEvent: aws.String(string(raw)), Resources: []trailtypes.Resource{},
	}
	rec, err := cloudtrail.Decode(raw)
	if err != nil {
		return w // the index could read it, so there is an event to show
	}
	w.EventId, w.AccessKeyId, w.Username = text(rec.EventID), text(rec.Identity.AccessKeyID), text(username(rec.Identity))
	w.Resources = lookupResources(rec)
	return w
}

// username is what the event history calls the user: a session's name for an assumed role, nothing for a service.
func username(id cloudtrail.Identity) string {
	switch id.Type {
	case "Root":
		return "root"
	case "AssumedRole":
		return lastPart(id.PrincipalID, ":")
	case "AWSService", "AWSAccount":
		return ""
	}
	return id.UserName
}

// lookupResources are the resources that a record can be looked up by. An issuing call has the role's ARN, not its name;
// a change to a role has the name, not the ARN.
func lookupResources(rec cloudtrail.Record) []trailtypes.Resource {
	out := []trailtypes.Resource{}
	add := func(kind string, names ...string) {
		for _, n := range names {
			res := trailtypes.Resource{ResourceType: text(kind), ResourceName: text(n)}
			if n != "" && !slices.ContainsFunc(out, func(have trailtypes.Resource) bool { return *have.ResourceName == n }) {
				out = append(out, res)
			}
		}
	}
	add("AWS::IAM::AccessKey", rec.Response.AccessKeyID)
	add("AWS::STS::AssumedRole", rec.Response.AssumedRoleID, rec.Response.AssumedRoleARN)
	add("AWS::IAM::Role", rec.Request.RoleARN, rec.Request.RoleName, rec.Response.RoleARN, rec.Response.RoleID)
	add("AWS::IAM::Policy", rec.Request.PolicyName, rec.Request.PolicyARN)
	add("AWS::IAM::User", rec.Request.UserName)
	add("AWS::IAM::OIDCProvider", rec.Request.OIDCProviderARN)
	add("AWS::IAM::SAMLProvider", rec.Request.SAMLProviderARN)
	for _, res := range rec.Resources {
		add(res.Type, res.ARN)
	}
	return out
}
