package steps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// The facts of a window and of the stretch before it, as one run over both would
// have them. The stretches do not overlap, so counts add up; what both hold all
// the same (an earlier value looked up by the first run, a Health event that went
// on across the seam) is recognised by its id.

func mergeErrors(first, older facts.STSErrors, roleARN string) facts.STSErrors {
	f := facts.STSErrors{Trails: mergeTrails(first.Trails, older.Trails), Total: first.Total + older.Total, Calls: first.Calls + older.Calls}
	f.Failures = thin(mergeByID(older.Failures, first.Failures, func(x facts.Failure) string { return x.EventID }), facts.MaxFailures)
	f.Roles = mergeRoles(first.Roles, older.Roles, roleARN)
	return f
}

// mergeByID appends b to a without what a has already. Without an id nothing is
// recognised.
func mergeByID[T any](a, b []T, id func(T) string) []T {
	have := map[string]bool{}
	for _, x := range a {
		have[id(x)] = id(x) != ""
	}
	out := append([]T{}, a...)
	for _, x := range b {
		if !have[id(x)] {
			out = append(out, x)
		}
	}
	return out
}

func mergeRoles(first, older []facts.RoleRate, roleARN string) []facts.RoleRate {
	by := map[string]facts.RoleRate{}
	for _, r := range slices.Concat(older, first) {
		was, ok := by[r.RoleARN]
		if !ok {
			by[r.RoleARN] = r
			continue
		}
		was.Calls, was.Errors = was.Calls+r.Calls, was.Errors+r.Errors
		was.ByKind = addKinds(was.ByKind, r.ByKind)
		was.UserAgents = sortedUnion(was.UserAgents, r.UserAgents, 5)
		was.SessionNames = sortedUnion(was.SessionNames, r.SessionNames, 50)
		was.Buckets = addBuckets(was.Buckets, r.Buckets)
		by[r.RoleARN] = was
	}
	role, _ := cloudtrail.ParseRole(roleARN)
	return sortRates(slices.Collect(maps.Values(by)), role)
}

func addKinds(a, b map[facts.Kind]int) map[facts.Kind]int {
	if a == nil && b == nil {
		return nil
	}
	out := map[facts.Kind]int{}
	maps.Copy(out, a)
	for k, n := range b {
		out[k] += n
	}
	return out
}

func addBuckets(a, b []facts.Bucket) []facts.Bucket {
	by := map[time.Time]facts.Bucket{}
	for _, x := range slices.Concat(a, b) {
		was := by[x.Start]
		by[x.Start] = facts.Bucket{Start: x.Start, Calls: was.Calls + x.Calls, Errors: was.Errors + x.Errors}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b facts.Bucket) int { return a.Start.Compare(b.Start) })
}

func sortedUnion(a, b []string, most int) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), most)]
}

// mergeTrails joins what was covered, region by region. Two stretches that do not
// meet stay the newer one, and the gap is told.
func mergeTrails(first, older []facts.Trail) []facts.Trail {
	out := []facts.Trail{}
	for _, t := range first {
		i := slices.IndexFunc(older, func(o facts.Trail) bool { return o.Region == t.Region })
		if i < 0 {
			out = append(out, t)
			continue
		}
		o := older[i]
		t.Gaps = union(t.Gaps, o.Gaps)
		t.Records += o.Records
		t.Organization = t.Organization && o.Organization
		switch {
		case o.Source == "" || !o.To.After(o.From):
			if t.Source != "" {
				t.Gaps = append(t.Gaps, fmt.Sprintf("Before %s nothing is covered.", clock(t.From)))
			}
		case t.Source == "" || !t.To.After(t.From):
			t.Source, t.LogGroup, t.Account, t.From, t.To = o.Source, o.LogGroup, o.Account, o.From, o.To
		case t.From.Sub(o.To) <= time.Second:
			t.From = o.From
		default:
			t.Gaps = append(t.Gaps, fmt.Sprintf("From %s to %s nothing is covered.", clock(o.To), clock(t.From)))
		}
		out = append(out, t)
	}
	return out
}

func mergeLedgers(first, older facts.SessionLedger, window playbook.Window) facts.SessionLedger {
	f := facts.SessionLedger{Trails: mergeTrails(first.Trails, older.Trails), Total: first.Total + older.Total,
		ActiveNow: first.ActiveNow + older.ActiveNow, Ended: first.Ended + older.Ended, From: older.From,
		Names: sortedUnion(first.Names, older.Names, 100)}
	seam := first.From.Add(playbook.LongestSession) // where the first window began
	for _, s := range first.Sessions {
		if !s.Expires.IsZero() && s.Expires.Before(seam) && window.Contains(s.Expires) {
			f.Ended++ // before the first window, but inside the longer one
		}
	}
	f.Sessions = mergeByID(older.Sessions, first.Sessions, func(s facts.Session) string { return s.EventID })
	f.Unissued = mergeUses(first.Unissued, older, f.Sessions[:len(older.Sessions)])
	keepFairly(&f)
	return f
}

// mergeUses ties uses that the first run saw to sessions that only the longer
// look found, and gives what is left.
func mergeUses(uses []facts.KeyUse, older facts.SessionLedger, found []facts.Session) []facts.KeyUse {
	at := map[string]int{}
	for i, s := range found {
		if _, twice := at[s.Key]; twice {
			at[s.Key] = -1 // two keys may end alike: then neither is told
		} else if s.Key != "" {
			at[s.Key] = i
		}
	}
	left := map[string]facts.KeyUse{}
	for _, u := range slices.Concat(older.Unissued, uses) {
		if i, ok := at[u.Key]; ok && i >= 0 {
			if s := &found[i]; u.At.After(s.LastUse) {
				s.LastUse, s.LastFailure = u.At, u.Failure
			}
			continue
		}
		if was, ok := left[u.Key]; !ok || u.At.After(was.At) {
			left[u.Key] = u
		}
	}
	return newestUses(slices.Collect(maps.Values(left)))
}

func mergeLines(first, older facts.AppErrors) facts.AppErrors {
	f := facts.AppErrors{Groups: []facts.LogGroup{}, Skipped: max(first.Skipped, older.Skipped), Total: first.Total + older.Total,
		ByKind: addKinds(first.ByKind, older.ByKind), Streams: mergeStreams(first.Streams, older.Streams)}
	for _, g := range first.Groups {
		if i := slices.IndexFunc(older.Groups, func(o facts.LogGroup) bool { return o.Name == g.Name && o.Region == g.Region }); i >= 0 {
			o := older.Groups[i]
			g.Scanned += o.Scanned
			g.Method = cmp.Or(g.Method, o.Method)
			g.Why = sentences(g.Why, o.Why)
		}
		f.Groups = append(f.Groups, g)
	}
	for _, o := range older.Groups {
		if !slices.ContainsFunc(f.Groups, func(g facts.LogGroup) bool { return o.Name == g.Name && o.Region == g.Region }) {
			f.Groups = append(f.Groups, o)
		}
	}
	f.Lines = spread(slices.Concat(older.Lines, first.Lines), facts.MaxLines)
	return f
}

func mergeStreams(first, older []facts.Stream) []facts.Stream {
	by := map[[2]string]facts.Stream{}
	for _, s := range slices.Concat(older, first) {
		key := [2]string{s.Group, s.Stream}
		if was, ok := by[key]; ok {
			s.ByKind, s.First, s.Last = addKinds(was.ByKind, s.ByKind), earlier(was.First, s.First), later(was.Last, s.Last)
		}
		by[key] = s
	}
	return append([]facts.Stream{}, slices.SortedFunc(maps.Values(by), func(a, b facts.Stream) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Stream, b.Stream))
	})...)
}

// mergeChanges joins changes, and tells "before" from a change that only the
// longer look found.
func mergeChanges(first, older facts.TrustChanges, window playbook.Window) facts.TrustChanges {
	f := facts.TrustChanges{Trails: mergeTrails(first.Trails, older.Trails), Refused: first.Refused + older.Refused}
	f.Changes = mergeByID(older.Changes, first.Changes, func(c facts.Change) string { return c.EventID })
	slices.SortStableFunc(f.Changes, func(a, b facts.Change) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.EventID, b.EventID))
	})
	var policy string
	var max int
	for i := range f.Changes {
		c := &f.Changes[i]
		c.InWindow = window.Contains(c.Time)
		switch {
		case c.Kind == facts.RoleDeleted:
			policy, max = "", 0
		case c.Kind == facts.TrustEdited || c.Kind == facts.RoleCreated:
			if c.Kind == facts.TrustEdited && c.BeforeIs == playbook.Unknown && c.Before == "" && policy != "" {
				editTrust(c, policy, c.After)
			}
			policy = c.After
			max = cmp.Or(c.NowMax, max)
		case c.Kind == facts.MaxSessionEdited:
			if c.WasMax == 0 && max != 0 {
				setMax(c, max, c.NowMax)
			}
			max = c.NowMax
		}
	}
	return f
}

func mergeEvents(first, older []facts.HealthEvent) []facts.HealthEvent {
	out := mergeByID(older, first, func(e facts.HealthEvent) string { return e.ID })
	slices.SortFunc(out, func(a, b facts.HealthEvent) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID))
	})
	return out
}

// mergeMetrics adds the older data of metrics to the rest of the window; what was
// counted from CloudTrail is counted anew from both.
func mergeMetrics(first, older facts.STSMetrics) facts.STSMetrics {
	f := facts.STSMetrics{Source: older.Source, Filters: union(first.Filters, older.Filters), Through: first.Through}
	if older.Source == fromCloudTrail && first.Source != "" && first.Source != fromCloudTrail {
		f.Source = first.Source // the metric has no older data
	}
	var metrics, counted []facts.Rate
	for _, r := range older.Rates {
		if strings.Contains(r.Event, "/") {
			metrics = append(metrics, r)
		} else if r.RoleARN != "" || r.Event != "issuing calls" || f.Source == fromCloudTrail {
			counted = append(counted, r)
		}
	}
	f.Rates = []facts.Rate{}
	for _, r := range first.Rates {
		if !strings.Contains(r.Event, "/") {
			continue
		}
		if i := slices.IndexFunc(metrics, func(o facts.Rate) bool { return o.Event == r.Event && o.RoleARN == r.RoleARN }); i >= 0 {
			r.WasCalls, r.WasError = addKnown(r.WasCalls, metrics[i].WasCalls), addKnown(r.WasError, metrics[i].WasError)
			metrics = slices.Delete(metrics, i, i+1)
		}
		f.Rates = append(f.Rates, r)
	}
	f.Rates = slices.Concat(f.Rates, metrics, counted)
	return f
}

// addKnown adds counts; -1 is one that the source does not have.
func addKnown(a, b int) int {
	if a < 0 || b < 0 {
		return max(a, b)
	}
	return a + b
}
