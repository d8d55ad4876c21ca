package awsemu

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdktrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"golang.org/x/time/rate"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// Limits of LookupEvents: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
const (
	lookupPage      = 50
	lookupDays      = 90
	lookupPerSecond = 2
)

// lookupEvents answers from the event history: management events of the account in the region, newest first, each once.
func (s *Server) lookupEvents(r *request, in *sdktrail.LookupEventsInput) (*sdktrail.LookupEventsOutput, error) {
	switch {
	case s.options.LimitLookups && !s.lookupLimit(r).Allow():
		return nil, r.throttled()
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
	match := func(lookup) bool { return true }
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
	for i := hi - 1 - skip; i >= lo; i-- {
		if len(out.Events) == size {
			out.NextToken = aws.String(r.token(hi - 1 - i))
			break
		}
		l, err := r.inHistory(i)
		if err != nil {
			return nil, err
		}
		if l.raw != nil && match(l) {
			out.Events = append(out.Events, l.wire())
		}
	}
	return out, nil
}

func (s *Server) lookupLimit(r *request) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.account() + " " + r.region()
	if s.lookups[key] == nil {
		s.lookups[key] = rate.NewLimiter(lookupPerSecond, lookupPerSecond)
	}
	return s.lookups[key]
}

// lookup is a record of the event history; its raw is nil where the record is not in this account's and region's.
type lookup struct {
	event capture.Event
	raw   []byte
}

func (r *request) inHistory(i int) (lookup, error) {
	e := r.incident.Records.At(i)
	region := e.Region
	if e.Global {
		region = capture.GlobalRegion(r.incident.Partition)
	}
	if e.Again || region != r.region() || !r.incident.owns(e) {
		return lookup{}, nil
	}
	raw, err := r.incident.Records.Raw(i)
	if err != nil {
		return lookup{}, err
	}
	if (&selectable{event: e, raw: raw}).category() != "Management" {
		return lookup{}, nil
	}
	return lookup{e, raw}, nil
}

// lookupMatch gives the test for one lookup attribute.
func lookupMatch(key, value string) (func(lookup) bool, bool) {
	switch key {
	case "EventName":
		return func(l lookup) bool { return l.event.Name == value }, true
	case "EventSource":
		return func(l lookup) bool { return l.event.Source == value }, true
	case "ReadOnly":
		return func(l lookup) bool { return strconv.FormatBool(l.event.ReadOnly) == value }, true
	case "EventId", "AccessKeyId", "Username", "ResourceName", "ResourceType":
		// Most records don't even hold the last part of the value, and need not be decoded.
		part := []byte(value[strings.LastIndexAny(value, ":/")+1:])
		return func(l lookup) bool {
			if key != "ResourceType" && !bytes.Contains(l.raw, part) {
				return false
			}
			w := l.wire()
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
func (l lookup) wire() trailtypes.Event {
	w := trailtypes.Event{
		EventName: text(l.event.Name), EventSource: text(l.event.Source), EventTime: aws.Time(l.event.Time.Truncate(time.Second)),
		ReadOnly: aws.String(strconv.FormatBool(l.event.ReadOnly)), CloudTrailEvent: aws.String(string(l.raw)), Resources: []trailtypes.Resource{},
	}
	rec, err := cloudtrail.Decode(l.raw)
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
