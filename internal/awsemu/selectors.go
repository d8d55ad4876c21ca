package awsemu

import (
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
func selected(t capture.Trail, rec *trailRecord) bool {
	if len(t.AdvancedEventSelectors) > 0 {
		return slices.ContainsFunc(t.AdvancedEventSelectors, func(a capture.AdvancedEventSelector) bool {
			return !slices.ContainsFunc(a.FieldSelectors, func(f capture.FieldSelector) bool { return !rec.satisfies(f) })
		})
	}
	return slices.ContainsFunc(basicSelectors(t), rec.wanted)
}

func (r *trailRecord) wanted(b capture.EventSelector) bool {
	switch readWriteType(b) {
	case "ReadOnly":
		if !r.ReadOnly {
			return false
		}
	case "WriteOnly":
		if r.ReadOnly {
			return false
		}
	}
	switch r.category() {
	case "Management":
		return managementEvents(b) && !slices.Contains(b.ExcludeManagementEventSources, r.Source)
	case "Data":
		for _, d := range b.DataResources {
			for _, res := range r.values("resources.type") {
				if res == d.Type {
					return true
				}
			}
		}
	}
	return false
}

func (r *trailRecord) satisfies(f capture.FieldSelector) bool {
	has := func(list []string, match func(v, want string) bool) bool {
		return slices.ContainsFunc(r.values(f.Field), func(v string) bool {
			return slices.ContainsFunc(list, func(want string) bool { return match(v, want) })
		})
	}
	equal := func(v, want string) bool { return v == want }
	positive := len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 ||
		has(f.Equals, equal) || has(f.StartsWith, strings.HasPrefix) || has(f.EndsWith, strings.HasSuffix)
	return positive && !has(f.NotEquals, equal) && !has(f.NotStartsWith, strings.HasPrefix) && !has(f.NotEndsWith, strings.HasSuffix)
}

func (r *trailRecord) values(field string) []string {
	switch field {
	case "readOnly":
		return []string{strconv.FormatBool(r.ReadOnly)}
	case "eventSource":
		return []string{r.Source}
	case "eventName":
		return []string{r.Name}
	case "eventCategory":
		return []string{r.category()}
	}
	r.decode()
	switch field {
	case "eventType":
		return []string{r.decoded.EventType}
	case "userIdentity.arn":
		return []string{r.decoded.UserIdentity.Arn}
	case "sessionCredentialFromConsole":
		return []string{r.decoded.Session}
	case "resources.type", "resources.ARN":
		var out []string
		for _, res := range r.decoded.Resources {
			if field == "resources.type" {
				out = append(out, res.Type)
			} else {
				out = append(out, res.ARN)
			}
		}
		return out
	}
	return nil
}

// category is Management for nearly every record, so only those that could be something else are decoded.
func (r *trailRecord) category() string {
	if r.Management {
		return "Management"
	}
	r.decode()
	switch {
	case r.decoded.EventCategory != "":
		return r.decoded.EventCategory
	case r.decoded.ManagementEvent != nil && !*r.decoded.ManagementEvent:
		return "Data"
	}
	return "Management"
}

// decode leaves empty what has another type than CloudTrail gives it.
func (r *trailRecord) decode() {
	if r.decoded == nil {
		r.decoded = new(selectorFields)
		_ = json.Unmarshal(r.raw(), r.decoded)
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
