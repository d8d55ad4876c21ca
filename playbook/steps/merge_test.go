package steps

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var seam = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return seam.Add(time.Duration(minutes) * time.Minute) }

func TestTrailsAreJoinedWhereTheyMeet(t *testing.T) {
	newer := facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(0), To: at(60), Records: 3, Gaps: []string{"a"}}
	for _, tt := range []struct {
		name  string
		first facts.Trail
		older facts.Trail
		want  facts.Trail
	}{
		{"both whole", newer, facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(-60), To: at(0).Add(-time.Millisecond), Records: 2, Gaps: []string{"a", "b"}},
			facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(-60), To: at(60), Records: 5, Gaps: []string{"a", "b"}}},
		{"a gap between them", newer, facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(-60), To: at(-15), Records: 2},
			facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(0), To: at(60), Records: 5, Gaps: []string{"a", "From 2026-05-01 11:45 UTC to 2026-05-01 12:00 UTC nothing is covered."}}},
		{"the older part could not be read", newer, facts.Trail{Region: "eu-west-1"},
			facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(0), To: at(60), Records: 3, Gaps: []string{"a", "Before 2026-05-01 12:00 UTC nothing is covered."}}},
		{"the newer part could not be read", facts.Trail{Region: "eu-west-1"}, facts.Trail{Region: "eu-west-1", Source: fromEventHistory, From: at(-60), To: at(0), Records: 2},
			facts.Trail{Region: "eu-west-1", Source: fromEventHistory, From: at(-60), To: at(0), Records: 2}},
		{"both of an organization's trail", facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, Organization: true, From: at(0), To: at(60)}, facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, Organization: true, From: at(-60), To: at(0)},
			facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, Organization: true, From: at(-60), To: at(60)}},
		{"the newer part of an organization's trail", facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, Organization: true, From: at(0), To: at(60)}, facts.Trail{Region: "eu-west-1", Source: fromEventHistory, From: at(-60), To: at(0)},
			facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, From: at(-60), To: at(60)}},
		{"the older part of an organization's trail", facts.Trail{Region: "eu-west-1", Source: fromEventHistory, From: at(0), To: at(60)}, facts.Trail{Region: "eu-west-1", Source: fromTrailLogs, Organization: true, From: at(-60), To: at(0)},
			facts.Trail{Region: "eu-west-1", Source: fromEventHistory, From: at(-60), To: at(60)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]facts.Trail{tt.want}, mergeTrails([]facts.Trail{tt.first}, []facts.Trail{tt.older})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Read from an organization's trail in one part alone, its accounts' denied calls
// are not seen in the other.
func TestDeniedCallsOfTheOrganizationAreSeenInBothPartsOrNot(t *testing.T) {
	for _, c := range []struct{ newer, older bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		part := func(organization bool) (facts.STSErrors, []string) {
			f := facts.STSErrors{Trails: []facts.Trail{{Region: "eu-west-1", Source: fromTrailLogs, Organization: organization, From: at(0), To: at(60)}}}
			if organization {
				return f, []string{"x", deniedOutside}
			}
			return f, []string{"x", deniedElsewhere}
		}
		first, unseen := part(c.newer)
		raw, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		older, unseenOlder := part(c.older)
		e := joinErrors(playbook.Outcome{Step: playbook.STSErrors, Status: playbook.Clear, Facts: raw, Unseen: unseen}, playbook.Evidence{Status: playbook.Clear, Facts: older, Unseen: unseenOlder}, playbook.Pass{})
		_, want := part(c.newer && c.older)
		if diff := cmp.Diff(want, e.Unseen); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}

func TestErrorsAddUpAndKnowEachEventOnce(t *testing.T) {
	kinds := func(n int) map[facts.Kind]int { return map[facts.Kind]int{facts.AssumeDenied: n} }
	first := facts.STSErrors{Total: 2, Calls: 5, Failures: []facts.Failure{{EventID: "b", Time: at(1)}, {EventID: "c", Time: at(2)}},
		Roles: []facts.RoleRate{{RoleARN: "r", Calls: 5, Errors: 2, ByKind: kinds(2), UserAgents: []string{"x"}, Buckets: []facts.Bucket{{Start: at(0), Calls: 5, Errors: 2}}}}}
	older := facts.STSErrors{Total: 1, Calls: 2, Failures: []facts.Failure{{EventID: "a", Time: at(-3)}, {EventID: "b", Time: at(1)}},
		Roles: []facts.RoleRate{{RoleARN: "q", Calls: 1, Buckets: []facts.Bucket{{Start: at(-5), Calls: 1}}},
			{RoleARN: "r", Calls: 2, Errors: 1, ByKind: kinds(1), UserAgents: []string{"w", "x"}, Buckets: []facts.Bucket{{Start: at(-5), Calls: 1}, {Start: at(0), Calls: 1, Errors: 1}}}}}
	got := mergeErrors(first, older, "")
	want := facts.STSErrors{Trails: []facts.Trail{}, Total: 3, Calls: 7, Failures: []facts.Failure{{EventID: "a", Time: at(-3)}, {EventID: "b", Time: at(1)}, {EventID: "c", Time: at(2)}},
		Roles: []facts.RoleRate{{RoleARN: "q", Calls: 1, Buckets: []facts.Bucket{{Start: at(-5), Calls: 1}}},
			{RoleARN: "r", Calls: 7, Errors: 3, ByKind: kinds(3), UserAgents: []string{"w", "x"}, Buckets: []facts.Bucket{{Start: at(-5), Calls: 1}, {Start: at(0), Calls: 6, Errors: 3}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMergedFactsStayWithinTheirBounds(t *testing.T) {
	var errors facts.STSErrors
	var ledger facts.SessionLedger
	var app facts.AppErrors
	for i := range facts.MaxSessions {
		errors.Failures = append(errors.Failures, facts.Failure{EventID: fmt.Sprint("f", i)})
		ledger.Sessions = append(ledger.Sessions, facts.Session{EventID: fmt.Sprint("s", i), Name: fmt.Sprint("name-", i)})
		app.Lines = append(app.Lines, facts.Line{Text: fmt.Sprint("l", i)})
	}
	ledger.Total, app.Total = len(ledger.Sessions), len(app.Lines)
	older := ledger
	older.Sessions = nil
	for i := range facts.MaxSessions {
		older.Sessions = append(older.Sessions, facts.Session{EventID: fmt.Sprint("o", i), Name: fmt.Sprint("old-", i)})
	}
	if n := len(mergeErrors(errors, facts.STSErrors{}, "").Failures); n != facts.MaxFailures {
		t.Errorf("%d failures", n)
	}
	l := mergeLedgers(ledger, older, playbook.Window{})
	if len(l.Sessions) != facts.MaxSessions || l.Sessions[0].EventID != "s0" || l.Total != 2*facts.MaxSessions || len(l.Names) != 100 {
		t.Errorf("%d sessions from %s of %d, %d names", len(l.Sessions), l.Sessions[0].EventID, l.Total, len(l.Names))
	}
	if a := mergeLines(app, app); len(a.Lines) != facts.MaxLines || a.Total != 2*facts.MaxLines {
		t.Errorf("%d lines of %d", len(a.Lines), a.Total)
	}
}

// A session that only the longer look found may have been used after the seam:
// the first run saw that use and could not say whose it was.
func TestUsesFindTheirSession(t *testing.T) {
	first := facts.SessionLedger{From: at(0), Unissued: []facts.KeyUse{{Key: "ASIA…AAAA", At: at(30), Failure: "AccessDenied"}, {Key: "ASIA…ZZZZ", At: at(20)}}}
	older := facts.SessionLedger{From: at(-60), Sessions: []facts.Session{{EventID: "1", Key: "ASIA…AAAA", LastUse: at(-10)}, {EventID: "2", Key: "ASIA…BBBB", LastUse: at(-5)}}}
	got := mergeLedgers(first, older, playbook.Window{})
	if s := got.Sessions[0]; !s.LastUse.Equal(at(30)) || s.LastFailure != "AccessDenied" {
		t.Errorf("last use %v %s", s.LastUse, s.LastFailure)
	}
	if s := got.Sessions[1]; !s.LastUse.Equal(at(-5)) {
		t.Errorf("another session's last use became %v", s.LastUse)
	}
	if len(got.Unissued) != 1 || got.Unissued[0].Key != "ASIA…ZZZZ" {
		t.Errorf("left over: %v", got.Unissued)
	}
	older.Sessions[1].Key = "ASIA…AAAA" // two that end alike: neither is told
	if got := mergeLedgers(first, older, playbook.Window{}); !got.Sessions[0].LastUse.Equal(at(-10)) || len(got.Unissued) != 2 {
		t.Errorf("a use was given to one of two: %+v", got)
	}
}

func TestSessionsThatEndedBeforeTheFirstWindowCount(t *testing.T) {
	start := seam.Add(playbook.LongestSession) // of the first window
	first := facts.SessionLedger{From: seam, Ended: 1, Sessions: []facts.Session{{EventID: "1", Expires: start.Add(-time.Hour)}, {EventID: "2", Expires: start.Add(time.Hour)}}}
	got := mergeLedgers(first, facts.SessionLedger{Ended: 4}, playbook.Window{From: seam, To: start.Add(24 * time.Hour)})
	if got.Ended != 6 {
		t.Errorf("%d ended, want 6", got.Ended)
	}
}

func TestOlderChangesTellWhatWasBefore(t *testing.T) {
	window := playbook.Window{From: at(-60), To: at(60)}
	older := facts.TrustChanges{Changes: []facts.Change{{EventID: "1", Kind: facts.MaxSessionEdited, Time: at(-30), NowMax: 14400}}}
	first := facts.TrustChanges{Refused: 1, Changes: []facts.Change{{EventID: "1", Kind: facts.MaxSessionEdited, Time: at(-30), NowMax: 14400}, {EventID: "2", Kind: facts.MaxSessionEdited, Time: at(10), NowMax: 3600, InWindow: true}}}
	got := mergeChanges(first, older, window)
	if len(got.Changes) != 2 || !got.Changes[0].InWindow || got.Refused != 1 {
		t.Fatalf("%+v", got)
	}
	if c := got.Changes[1]; c.WasMax != 14400 || c.Text != "the maximum session length was lowered from 4 h to 1 h" {
		t.Errorf("%d, %q", c.WasMax, c.Text)
	}
}

// The older part may come to nothing: what the first run saw stays, and that it
// is only a part is said.
func TestAnUnreadOlderPartIsNotClear(t *testing.T) {
	raw, err := json.Marshal(facts.STSErrors{Calls: 4})
	if err != nil {
		t.Fatal(err)
	}
	before := playbook.Outcome{Step: playbook.STSErrors, Status: playbook.Clear, Summary: "No failed call.", Facts: raw, Proof: []playbook.Proof{{Action: "logs:StartQuery"}}}
	older := playbook.Evidence{Status: playbook.Denied, Summary: "Not allowed.", Missing: []string{"logs:StartQuery"}, Proof: []playbook.Proof{{Action: "cloudtrail:LookupEvents"}}}
	e := joinErrors(before, older, playbook.Pass{})
	if e.Status != playbook.Denied || !strings.Contains(e.Partial, "The earlier part could not be read: Not allowed.") || len(e.Proof) != 2 || len(e.Missing) != 1 {
		t.Errorf("%s, partial %q, %d proofs, missing %v", e.Status, e.Partial, len(e.Proof), e.Missing)
	}
	out, err := playbook.Step{ID: playbook.STSErrors}.Settle(e, 0)
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := facts.Errors.In(playbook.Outcomes{playbook.STSErrors: out}); !ok || f.Calls != 4 {
		t.Errorf("the first run's facts are gone: %+v", f)
	}
}

func TestMetricsAddTheirOlderData(t *testing.T) {
	metric := facts.Rate{Event: "STS/Errors", Calls: -1, Errors: 2, WasCalls: -1, WasError: 3}
	counted := facts.Rate{Event: "issuing calls", RoleARN: "r", Calls: 1, WasCalls: 9}
	got := mergeMetrics(facts.STSMetrics{Source: fromMetricFilter, Rates: []facts.Rate{metric, {Event: "issuing calls", RoleARN: "r", Calls: 1, WasCalls: 4}}},
		facts.STSMetrics{Source: fromMetricFilter, Rates: []facts.Rate{{Event: "STS/Errors", Calls: -1, WasCalls: -1, WasError: 5}, counted}})
	want := []facts.Rate{{Event: "STS/Errors", Calls: -1, Errors: 2, WasCalls: -1, WasError: 8}, counted}
	if diff := cmp.Diff(want, got.Rates); diff != "" {
		t.Error(diff)
	}
}

// One requester's thousands must not push out the few sessions of another.
func TestEveryRequesterKeepsSessions(t *testing.T) {
	var f facts.SessionLedger
	add := func(name, source string) { f.Sessions = append(f.Sessions, facts.Session{Name: name, Source: source}) }
	add("worker", "198.51.100.5")
	for i := range 3 * facts.MaxSessions {
		add(fmt.Sprint("item-", i), "198.51.100.4")
	}
	f.Total = len(f.Sessions)
	if !keepFairly(&f) || len(f.Sessions) != facts.MaxSessions || f.Sessions[0].Name != "worker" {
		t.Fatalf("%d kept, the first %+v", len(f.Sessions), f.Sessions[0])
	}
	if last := f.Sessions[len(f.Sessions)-1].Name; last != fmt.Sprint("item-", 3*facts.MaxSessions-1) || len(f.Names) != 100 {
		t.Errorf("the newest kept is %s, %d names of others", last, len(f.Names))
	}
	// More requesters than places: the newest ones are kept.
	f = facts.SessionLedger{}
	for i := range facts.MaxSessions + 1 {
		add("x", fmt.Sprint("host-", i))
	}
	if !keepFairly(&f) || len(f.Sessions) != facts.MaxSessions || f.Sessions[0].Source != "host-1" {
		t.Errorf("%d kept, the first from %s", len(f.Sessions), f.Sessions[0].Source)
	}
}
