package steps

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	trailGroupARN = "arn:aws:logs:eu-west-1:111122223333:log-group:trail"
	trailJSON     = `{"Trails":[{"Name":"all","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/all","IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,"CloudWatchLogsLogGroupArn":"` + trailGroupARN + `:*","Status":{"IsLogging":true}}]}`
	roleA, roleB  = "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b"
)

// groupWith is logs.yaml with a metric filter on the trail's group.
func groupWith(pattern, dimensions string) string {
	return fmt.Sprintf("groups:\n  - name: trail\n    region: eu-west-1\n    metric_filters:\n      - filterName: sts\n        filterPattern: '%s'\n        logGroupName: trail\n        creationTime: 1700000000000\n        metricTransformations: [{metricName: Errors, metricNamespace: Ours, metricValue: \"1\"%s}]\n", pattern, dimensions)
}

func TestSTSMetrics(t *testing.T) {
	at, _ := time.Parse(time.RFC3339, asked0)
	bucket := func(ago time.Duration, calls, errors int) facts.Bucket {
		return facts.Bucket{Start: at.Add(-ago), Calls: calls, Errors: errors}
	}
	trails := []facts.Trail{{Region: "eu-west-1", Source: fromTrailLogs, LogGroup: trailGroupARN, From: at.Add(-24 * time.Hour), To: at}}
	steady := facts.STSErrors{Trails: trails, Roles: []facts.RoleRate{
		{RoleARN: roleA, Buckets: []facts.Bucket{bucket(5*time.Hour, 400, 0), bucket(30*time.Minute, 20, 0)}},
		{RoleARN: roleB, Buckets: []facts.Bucket{bucket(5*time.Hour, 100, 10), bucket(60*time.Minute, 10, 1)}}}}
	rising := facts.STSErrors{Trails: trails, Roles: []facts.RoleRate{{RoleARN: roleA, Buckets: []facts.Bucket{bucket(5*time.Hour, 100, 1), bucket(55*time.Minute, 10, 8)}}}}
	ours := steady
	ours.Total = 1
	metrics := `{"Metrics":[{"Region":"eu-west-1","Namespace":"Ours","MetricName":"Errors","Dimensions":[],"Unit":"Count","Datapoints":[
		{"Timestamp":"2026-06-01T03:00:00Z","Value":2},{"Timestamp":"2026-06-01T11:30:00Z","Value":5},{"Timestamp":"2026-05-01T11:30:00Z","Value":500}]}]}`
	byRole := `{"Metrics":[{"Region":"eu-west-1","Namespace":"Ours","MetricName":"Errors","Dimensions":[{"Name":"role","Value":"` + roleA + `"}],"Unit":"Count","Datapoints":[{"Timestamp":"2026-06-01T11:30:00Z","Value":5}]},
		{"Region":"eu-west-1","Namespace":"Ours","MetricName":"Errors","Dimensions":[{"Name":"role","Value":"` + roleB + `"}],"Unit":"Count","Datapoints":[{"Timestamp":"2026-06-01T03:30:00Z","Value":7}]}]}`
	usage := `{"Metrics":[{"Region":"eu-west-1","Namespace":"AWS/Usage","MetricName":"CallCount","Dimensions":[{"Name":"Service","Value":"STS"},{"Name":"Type","Value":"API"},{"Name":"Resource","Value":"AssumeRole"},{"Name":"Class","Value":"None"}],"Unit":"Count","Datapoints":[{"Timestamp":"2026-06-01T11:30:00Z","Value":50}]}]}`
	const stsErrors = `{ ($.eventSource = "sts.amazonaws.com") && ($.errorCode = "*") }`
	for name, c := range map[string]struct {
		files  map[string]string
		errors facts.STSErrors
		status playbook.Status // of step 2
		faults []awsemu.Fault
		want   playbook.Status
		source string
		rates  []facts.Rate
		says   string
	}{
		"steady errors of others are counted and clear": {nil, steady, playbook.Clear, nil, playbook.Clear, fromCloudTrail, []facts.Rate{
			{Event: "issuing calls", Calls: 30, Errors: 1, WasCalls: 500, WasError: 10},
			{Event: "issuing calls", RoleARN: roleB, Calls: 10, Errors: 1, WasCalls: 100, WasError: 10}},
			"STS calls that failed, as far as CloudTrail shows them: 1 of 30 (3.3 %) in the last hour, 10 of 500 (2.0 %) before."},
		"errors of this role are a find": {nil, ours, playbook.Found, nil, playbook.Found, fromCloudTrail, nil, ""},
		"a rate that rose is a find":     {nil, rising, playbook.Clear, nil, playbook.Found, fromCloudTrail, nil, "The rate of " + roleA + " rose to 8 of 10 (80.0 %)."},
		"a metric filter that counts errors is read": {map[string]string{"cloudtrail/trails.json": trailJSON, "logs/logs.yaml": groupWith(stsErrors, ""), "metrics.json": metrics}, facts.STSErrors{Trails: trails}, playbook.Clear, nil,
			playbook.Found, fromMetricFilter, []facts.Rate{{Event: "Ours/Errors", Calls: -1, Errors: 5, WasCalls: -1, WasError: 2}}, "The metric Ours/Errors counts 5 errors in the last hour and 2 before."},
		"a metric filter by role tells roles apart": {map[string]string{"cloudtrail/trails.json": trailJSON, "logs/logs.yaml": groupWith(stsErrors, ", dimensions: {role: $.requestParameters.roleArn}"), "metrics.json": byRole}, facts.STSErrors{Trails: trails}, playbook.Clear, nil,
			playbook.Found, fromMetricFilter, []facts.Rate{{Event: "Ours/Errors", RoleARN: roleA, Calls: -1, Errors: 5, WasCalls: -1}, {Event: "Ours/Errors", RoleARN: roleB, Calls: -1, WasCalls: -1, WasError: 7}}, ""},
		"a metric filter that counts calls tells no errors": {map[string]string{"cloudtrail/trails.json": trailJSON, "logs/logs.yaml": groupWith(`{ $.eventName = "AssumeRole" }`, ""), "metrics.json": metrics}, facts.STSErrors{Trails: trails}, playbook.Clear, nil,
			playbook.Clear, fromMetricFilter, []facts.Rate{{Event: "Ours/Errors", Calls: 5, Errors: -1, WasCalls: 2, WasError: -1}}, "it does not tell errors"},
		"filters of other events are left alone": {map[string]string{"cloudtrail/trails.json": trailJSON, "logs/logs.yaml": groupWith(`{ ($.eventName = "UpdateAssumeRolePolicy") || ($.eventSource != "sts.amazonaws.com") }`, ""), "metrics.json": metrics}, steady, playbook.Clear, nil,
			playbook.Clear, fromCloudTrail, nil, ""},
		"usage metrics are read where there are any": {map[string]string{"metrics.json": usage}, steady, playbook.Clear, nil, playbook.Clear, fromUsageMetric, []facts.Rate{
			{Event: "AWS/Usage/AssumeRole", Calls: 50, Errors: -1, WasError: -1}, {Event: "issuing calls", RoleARN: roleB, Calls: 10, Errors: 1, WasCalls: 100, WasError: 10}}, ""},
		"metrics refused, still counted": {nil, steady, playbook.Clear, []awsemu.Fault{fault("cloudwatch:*", "", capture.Fault{Deny: true}), fault("logs:*", "", capture.Fault{Deny: true})}, playbook.Clear, fromCloudTrail, nil, ""},
		"nothing to count from is blind": {nil, facts.STSErrors{}, playbook.Denied, nil, playbook.Blind, "", []facts.Rate{}, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t, "a", "eu-west-1", c.files)
			for _, f := range c.faults {
				e.server.AddFault(f)
			}
			e.settle(t, playbook.STSErrors, c.status, c.errors)
			o := e.run(t, playbook.STSMetrics)
			wantStatus(t, o, c.want)
			f := factOf(t, facts.Metrics, e.done)
			if f.Source != c.source || !strings.Contains(o.Summary, c.says) {
				t.Errorf("source %q, summary %q", f.Source, o.Summary)
			}
			if c.rates != nil {
				if diff := cmp.Diff(c.rates, f.Rates); diff != "" {
					t.Error(diff)
				}
			}
			if counted := c.source == fromCloudTrail; counted != strings.Contains(strings.Join(o.Corrections, " "), "counted from CloudTrail") {
				t.Errorf("corrections %q with source %q", o.Corrections, f.Source)
			}
			if len(c.faults) > 0 && len(o.Missing) != 2 {
				t.Errorf("missing %q", o.Missing)
			}
		})
	}
}

func TestRisenComparesSharesAndNeedsThreeErrors(t *testing.T) {
	day := playbook.Window{From: time.Unix(0, 0), To: time.Unix(86400, 0)}
	for _, c := range []struct {
		rate facts.Rate
		want bool
	}{
		{facts.Rate{Calls: 100, Errors: 2, WasCalls: 1000}, false},
		{facts.Rate{Calls: 100, Errors: 3, WasCalls: 1000}, true},
		{facts.Rate{Calls: 100, Errors: 20, WasCalls: 1000, WasError: 100}, false},
		{facts.Rate{Calls: 100, Errors: 21, WasCalls: 1000, WasError: 100}, true},
		{facts.Rate{Calls: -1, Errors: 4, WasCalls: -1, WasError: 46}, false},
		{facts.Rate{Calls: -1, Errors: 5, WasCalls: -1, WasError: 46}, true},
	} {
		if got := risen(day)(c.rate); got != c.want {
			t.Errorf("%+v: %t", c.rate, got)
		}
	}
}
