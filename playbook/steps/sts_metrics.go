package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const stsMetricsDoc = `Did the error rate of the calls that issue sessions rise in the last hour, for one role or for all?

Metric filters on the trail's log group that count STS events are read where somebody made them, else usage metrics of STS where there are any, else the calls that step 2 counted in CloudTrail. Where a metric gives only the total, the roles are still told apart by those counts. Every rate says where it comes from.

What it cannot tell: STS publishes no metrics of errors, and normally no usage metrics either, so an empty list of metrics means "not published", not "zero". A metric filter counts only events after it was made. Calls that fail authentication, those with an expired session among them, are not in CloudTrail and so in none of these rates. The newest minutes may not have arrived.`

var stsMetricsActions = []string{"logs:DescribeMetricFilters", "cloudwatch:ListMetrics", "cloudwatch:GetMetricData"}

// The sources that facts.STSMetrics names.
const (
	fromMetricFilter = "metric-filter"
	fromUsageMetric  = "usage-metric"
	fromCloudTrail   = "counted-from-cloudtrail"
)

func (r run) stsMetrics(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	seen, _ := facts.Errors.In(p.Done)
	counted := p.Done.Saw(playbook.STSErrors)
	window, read := p.Request.Window, p.Reading()
	if p.Read != (playbook.Window{}) {
		// The run before took the slice at the seam whole.
		read.To = p.Read.To.Add(time.Second).Truncate(facts.BucketLength)
	}

	var (
		all     sync.WaitGroup
		groups  = trailGroups(seen.Trails)
		filters = make([]filtersAnswer, len(groups))
		usage   metricsAnswer
	)
	for i, group := range groups {
		all.Go(func() { filters[i] = r.filterMetrics(ctx, group, window, read) })
	}
	all.Go(func() { usage = r.usageMetrics(ctx, p.Request.Target.Region, window, read) })
	all.Wait()

	var n notes
	f := facts.STSMetrics{Rates: []facts.Rate{}, Through: through(seen.Trails, p.Request)}
	for _, a := range filters {
		f.Filters = append(f.Filters, a.names...)
		n.takeAll(a.calls, "Metric filters on the trail's log group")
		f.Rates = append(f.Rates, a.rates...)
		if len(a.names) > 0 {
			f.Source = fromMetricFilter
		}
	}
	for _, t := range seen.Trails {
		// Filters are asked for by the group's name, which here would be a namesake's.
		if t.Account != "" {
			n.notSeen("Metric filters on the trail's log group: it is in account " + t.Account + ".")
		}
	}
	n.takeAll(usage.calls, "Usage metrics of STS")
	if len(usage.rates) > 0 && f.Source == "" {
		f.Source, f.Rates = fromUsageMetric, usage.rates
	}
	total := facts.Rate{Calls: -1, Errors: -1}
	if counted {
		var roles []facts.Rate
		total, roles = countRates(seen.Roles, window)
		if f.Source == "" {
			f.Source = fromCloudTrail
			f.Rates = append(f.Rates, total)
		}
		f.Rates = append(f.Rates, roles...)
	}
	n.unseen = append(n.unseen, "Calls that fail authentication, those with an expired session among them, are normally in none of these rates.")

	if f.Source == "" {
		n.corrections = append(n.corrections, noMetrics+".")
		return n.evidence(playbook.Blind, "There is no metric of STS calls, and CloudTrail could not be read to count them.", f), nil
	}
	if f.Source == fromCloudTrail {
		n.corrections = append(n.corrections, noMetrics+": these rates are counted from CloudTrail.")
	}
	status := playbook.Clear
	if seen.Total > 0 || slices.ContainsFunc(f.Rates, risen(window)) {
		status = playbook.Found
	}
	e := n.evidence(status, tellRates(f, total, window), f)
	if before := p.Done[playbook.STSErrors]; counted && before.Partial != "" {
		e.Partial = "Counted from what step 2 could read. " + before.Partial
	}
	return e, nil
}

const noMetrics = "STS publishes no CloudWatch metrics of errors, which the runbook asks for"

// trailGroups are the trails' log groups of the asked account by ARN, each once.
func trailGroups(trails []facts.Trail) []string {
	var out []string
	for _, t := range trails {
		if t.LogGroup != "" && t.Account == "" && !slices.Contains(out, t.LogGroup) {
			out = append(out, t.LogGroup)
		}
	}
	return out
}

// through is up to when every region's records had arrived.
func through(trails []facts.Trail, q playbook.Request) time.Time {
	end := q.Window.To
	for _, t := range trails {
		if t.Source != "" && t.To.Before(end) {
			end = t.To
		}
	}
	return end
}

// lastHour reports whether a slice of time that begins at t belongs to the last hour.
func lastHour(t time.Time, w playbook.Window) bool {
	return t.After(w.To.Add(-time.Hour - facts.BucketLength))
}

// countRates makes rates of what step 2 counted: all roles together, and each
// role that had errors.
func countRates(roles []facts.RoleRate, w playbook.Window) (total facts.Rate, each []facts.Rate) {
	total.Event = "issuing calls"
	for _, role := range roles {
		one := facts.Rate{Event: "issuing calls", RoleARN: role.RoleARN}
		if role.RoleARN == "" {
			one.Event = "calls that name no role"
		}
		for _, b := range role.Buckets {
			if lastHour(b.Start, w) {
				one.Calls, one.Errors = one.Calls+b.Calls, one.Errors+b.Errors
			} else {
				one.WasCalls, one.WasError = one.WasCalls+b.Calls, one.WasError+b.Errors
			}
		}
		total.Calls, total.Errors = total.Calls+one.Calls, total.Errors+one.Errors
		total.WasCalls, total.WasError = total.WasCalls+one.WasCalls, total.WasError+one.WasError
		if one.Errors+one.WasError > 0 {
			each = append(each, one)
		}
	}
	slices.SortStableFunc(each, func(a, b facts.Rate) int { return strings.Compare(a.RoleARN, b.RoleARN) })
	return total, each
}

// risen reports whether a rate of errors left its own past: at least three
// errors in the last hour, and more than twice the share of calls that failed
// before (or, where calls are not known, than twice the errors an hour).
func risen(w playbook.Window) func(facts.Rate) bool {
	return func(r facts.Rate) bool {
		if r.Errors < 3 {
			return false
		}
		now, before := float64(r.Errors), float64(r.WasError)/max(1, w.Length().Hours()-1)
		if r.Calls > 0 && r.WasCalls > 0 {
			now, before = float64(r.Errors)/float64(r.Calls), float64(r.WasError)/float64(r.WasCalls)
		}
		return now > 2*before
	}
}

// tellRates says the total in words, and which role's rate rose.
func tellRates(f facts.STSMetrics, total facts.Rate, w playbook.Window) string {
	var out []string
	if total.Calls >= 0 {
		out = append(out, fmt.Sprintf("STS calls that failed, as far as CloudTrail shows them: %s in the last hour, %s before.",
			share(total.Errors, total.Calls), share(total.WasError, total.WasCalls)))
	}
	for _, r := range f.Rates {
		metric := strings.Contains(r.Event, "/")
		switch {
		case metric && r.Errors >= 0:
			out = append(out, fmt.Sprintf("The metric %s%s counts %s in the last hour and %d before.", r.Event, ofRole(r), wording.Count(r.Errors, "error", "errors"), r.WasError))
		case metric:
			out = append(out, fmt.Sprintf("The metric %s%s counts %s in the last hour and %d before; it does not tell errors.", r.Event, ofRole(r), wording.Count(r.Calls, "call", "calls"), r.WasCalls))
		case r.RoleARN != "" && risen(w)(r):
			out = append(out, fmt.Sprintf("The rate of %s rose to %s.", r.RoleARN, share(r.Errors, r.Calls)))
		}
	}
	const told = 4 // sentences; the facts have the rest
	if len(out) > told {
		out = append(out[:told], wording.Count(len(out)-told, "further rate", "further rates")+" in the facts.")
	}
	return cmp.Or(strings.Join(out, " "), "No issuing calls were seen.")
}

func ofRole(r facts.Rate) string {
	if r.RoleARN == "" {
		return ""
	}
	return " for " + r.RoleARN
}

// share says "3 of 120 (2.5 %)", or that there was nothing to fail.
func share(part, whole int) string {
	if whole == 0 {
		return "no call at all"
	}
	return fmt.Sprintf("%d of %d (%.1f %%)", part, whole, 100*float64(part)/float64(whole))
}
