package awsemu

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// What a trail's event selectors let through. A trail without any has one basic selector: all management events.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html

func customSelectors(t capture.Trail) bool {
	return len(t.AdvancedEventSelectors) > 0 || slices.ContainsFunc(t.EventSelectors, func(b capture.EventSelector) bool {
		return readWriteType(b) != "All" || !managementEvents(b) || len(b.DataResources)+len(b.ExcludeManagementEventSources) > 0
	})
}

func basicSelectors(t capture.Trail) []capture.EventSelector {
	if len(t.EventSelectors) == 0 {
		return []capture.EventSelector{{}}
	}
	return t.EventSelectors
}

func readWriteType(b capture.EventSelector) string {
	if b.ReadWriteType == "" {
		return "All"
	}
	return b.ReadWriteType
}

func managementEvents(b capture.EventSelector) bool {
	return b.IncludeManagementEvents == nil || *b.IncludeManagementEvents
}

// selected says whether a trail's selectors want a record.
func selected(t capture.Trail, e capture.Event, raw []byte) bool {
	rec := &selectable{event: e, raw: raw}
	if len(t.AdvancedEventSelectors) > 0 {
		return slices.ContainsFunc(t.AdvancedEventSelectors, func(a capture.AdvancedEventSelector) bool {
			return !slices.ContainsFunc(a.FieldSelectors, func(f capture.FieldSelector) bool { return !rec.satisfies(f) })
		})
	}
	return slices.ContainsFunc(basicSelectors(t), rec.wanted)
}

// selectable is a record as selectors look at it. What the index doesn't hold is decoded when it is asked for.
type selectable struct {
	event   capture.Event
	raw     []byte
	decoded *selectorFields
}

func (s *selectable) wanted(b capture.EventSelector) bool {
	switch readWriteType(b) {
	case "ReadOnly":
		if !s.event.ReadOnly {
			return false
		}
	case "WriteOnly":
		if s.event.ReadOnly {
			return false
		}
	}
	switch s.category() {
	case "Management":
		return managementEvents(b) && !slices.Contains(b.ExcludeManagementEventSources, s.event.Source)
	case "Data":
		for _, d := range b.DataResources {
			for _, res := range s.values("resources.type") {
				if res == d.Type {
					return true
				}
			}
		}
	}
	return false
}

func (s *selectable) satisfies(f capture.FieldSelector) bool {
	has := func(list []string, match func(v, want string) bool) bool {
		return slices.ContainsFunc(s.values(f.Field), func(v string) bool {
			return slices.ContainsFunc(list, func(want string) bool { return match(v, want) })
		})
	}
	equal := func(v, want string) bool { return v == want }
	positive := len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 ||
		has(f.Equals, equal) || has(f.StartsWith, strings.HasPrefix) || has(f.EndsWith, strings.HasSuffix)
	return positive && !has(f.NotEquals, equal) && !has(f.NotStartsWith, strings.HasPrefix) && !has(f.NotEndsWith, strings.HasSuffix)
}

func (s *selectable) values(field string) []string {
	switch field {
	case "readOnly":
		return []string{strconv.FormatBool(s.event.ReadOnly)}
	case "eventSource":
		return []string{s.event.Source}
	case "eventName":
		return []string{s.event.Name}
	case "eventCategory":
		return []string{s.category()}
	}
	s.decode()
	switch field {
	case "eventType":
		return []string{s.decoded.EventType}
	case "userIdentity.arn":
		return []string{s.decoded.UserIdentity.Arn}
	case "sessionCredentialFromConsole":
		return []string{s.decoded.Session}
	case "resources.type", "resources.ARN":
		var out []string
		for _, r := range s.decoded.Resources {
			if field == "resources.type" {
				out = append(out, r.Type)
			} else {
				out = append(out, r.ARN)
			}
		}
		return out
	}
	return nil
}

// category is Management for nearly every record, so only those that could be something else are decoded. The key stands
// near a record's end, and old records don't have it.
func (s *selectable) category() string {
	const key = `"eventCategory":`
	i := bytes.LastIndex(s.raw, []byte(key))
	if i < 0 && !bytes.Contains(s.raw, []byte(`"managementEvent"`)) ||
		i >= 0 && bytes.HasPrefix(bytes.TrimLeft(s.raw[i+len(key):], " "), []byte(`"Management"`)) {
		return "Management"
	}
	s.decode()
	switch {
	case s.decoded.EventCategory != "":
		return s.decoded.EventCategory
	case s.decoded.ManagementEvent != nil && !*s.decoded.ManagementEvent:
		return "Data"
	}
	return "Management"
}

// decode leaves empty what has another type than CloudTrail gives it.
func (s *selectable) decode() {
	if s.decoded == nil {
		s.decoded = new(selectorFields)
		_ = json.Unmarshal(s.raw, s.decoded)
	}
}

type selectorFields struct {
	EventCategory   string
	EventType       string
	ManagementEvent *bool
	UserIdentity    struct{ Arn string }
	Session         string `json:"sessionCredentialFromConsole"`
	Resources       []struct{ Type, ARN string }
}
