package steps

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const expiredLine = "An error occurred (ExpiredToken) when calling the GetItem operation: The security token included in the request is expired"

// events is a log group's file: lines a minute apart, the first an hour ago.
func events(stream string, lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		raw, _ := json.Marshal(map[string]any{"timestamp": now.Add(-time.Hour + time.Duration(i)*time.Minute).UnixMilli(), "stream": stream, "message": l})
		b.Write(append(raw, '\n'))
	}
	return b.String()
}

func group(name, more string) string {
	if !strings.Contains(more, "created") {
		more += ", created: 2025-01-01T00:00:00Z"
	}
	return fmt.Sprintf("  - {name: %s, region: eu-west-1%s}\n", name, more)
}

func TestAppErrors(t *testing.T) {
	const yaml, one = "logs/logs.yaml", "logs/a.jsonl"
	noise := `{"level":"info","msg":"GET /healthz"}`
	for name, c := range map[string]struct {
		files  map[string]string
		set    func(e *emulated)
		want   playbook.Status
		check  func(t *testing.T, o playbook.Outcome, f facts.AppErrors)
		called []string
	}{
		"no group": {want: playbook.Blind, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
			if !strings.Contains(o.Summary, "configure") {
				t.Error(o.Summary)
			}
		}},
		"listing groups refused": {set: func(e *emulated) { deny(e, "logs:DescribeLogGroups") }, want: playbook.Denied},
		"found by discovery": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", events: a.jsonl"), one: events("s", noise, expiredLine, "TokenExpiredError: jwt expired")},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if f.Total != 2 || f.ByKind[facts.SessionExpired] != 1 || f.ByKind[facts.LookAlike] != 1 || f.Lines[0].Group != "/app/a" || f.Lines[0].Stream != "s" || f.Lines[0].Call != "GetItem" || !f.Lines[0].Time.Equal(now.Add(-59*time.Minute)) || f.Groups[0].Chosen != "discovered" {
					t.Errorf("%+v", f)
				}
			}},
		"clear": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", events: a.jsonl"), one: events("s", noise)}, want: playbook.Clear},
		"a group younger than the window is not clear": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", events: a.jsonl, created: 2026-06-01T08:00:00Z"), one: events("s", noise)},
			want: playbook.Blind, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if !strings.Contains(o.Partial, "do not cover the whole window: 1 of 1") || !strings.Contains(f.Groups[0].Why, "created at 2026-06-01 08:00 UTC") {
					t.Errorf("%q %+v", o.Partial, f.Groups)
				}
			}},
		"infrequent access and essentials are queried": {files: map[string]string{
			yaml: "groups:\n" + group("/app/a", ", class: INFREQUENT_ACCESS, events: a.jsonl") + group("/app/b", ", class: ESSENTIALS, events: a.jsonl"), one: events("s", expiredLine)},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if f.Total != 2 || len(f.Streams) != 2 || f.Groups[0].Method != "insights" {
					t.Errorf("%+v", f)
				}
			}},
		"delivery class cannot be read": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", class: DELIVERY")}, want: playbook.Blind, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
			if f.Groups[0].Method != "" || !strings.Contains(f.Groups[0].Why, "DELIVERY") {
				t.Errorf("%+v", f.Groups)
			}
		}},
		"queries refused: standard groups are filtered, others not": {files: map[string]string{
			yaml: "groups:\n" + group("/app/a", ", events: a.jsonl") + group("/app/b", ", class: INFREQUENT_ACCESS, events: a.jsonl"), one: events("s", noise, expiredLine, `{"m":"`+denied+`"}`)},
			set: func(e *emulated) { deny(e, "logs:StartQuery") }, want: playbook.Found, called: []string{"logs:FilterLogEvents"}, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if f.Total != 2 || f.Groups[0].Method != "filter" || f.Groups[1].Method != "" || !strings.Contains(o.Partial, "could not be read: 1 of 2") || !slices.Contains(o.Missing, "logs:StartQuery") {
					t.Errorf("%+v %q %q", f, o.Partial, o.Missing)
				}
			}},
		"everything refused": {files: map[string]string{yaml: "groups:\n" + group("/app/a", "")}, set: func(e *emulated) { deny(e, "logs:StartQuery", "logs:FilterLogEvents") }, want: playbook.Denied},
		"configured groups, one of which is not there": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", events: a.jsonl") + group("/app/a-long", ", events: a.jsonl") + group("/app/c", ", events: a.jsonl"), one: events("s", expiredLine)},
			set: func(e *emulated) {
				e.settings.AppLogGroups = []string{"/app/a", "/app/gone", "arn:aws:logs:eu-west-1:111122223333:log-group:/app/c:*"}
			}, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if f.Total != 2 || len(f.Groups) != 3 || f.Groups[1].Why == "" || f.Groups[0].Chosen != "configured" {
					t.Errorf("%+v", f)
				}
			}},
		"the bound, and the name that shares a word first": {files: map[string]string{
			yaml: "groups:\n" + group("/app/a", ", stored_bytes: 900") + group("/app/payments-worker", ", stored_bytes: 1, events: a.jsonl") + group("/app/b", ", stored_bytes: 800"), one: events("s", expiredLine)},
			set: func(e *emulated) { e.settings.MaxDiscovered = 2 }, want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if f.Skipped != 1 || f.Groups[0].Name != "/app/payments-worker" || f.Groups[1].Name != "/app/a" || !strings.Contains(o.Partial, "1 more log groups") {
					t.Errorf("%+v", f.Groups)
				}
			}},
		"secrets are cut": {files: map[string]string{yaml: "groups:\n" + group("/app/a", ", events: a.jsonl"),
			one: events("s", expiredLine+" with ASIATUND744XWWS7KLOB and AWS_SESSION_TOKEN=IQoJb3JpZ2luX2VjEXOFZLBn7M86mu0SqT3Z7pO7NS2HSz90VwNns5Eo3 password=hunter2 "+strings.Repeat("x ", 400))},
			want: playbook.Found, check: func(t *testing.T, o playbook.Outcome, f facts.AppErrors) {
				if s := string(o.Facts); strings.Contains(s, "KLOB and") && strings.Contains(s, "TUND744") || strings.Contains(s, "hunter2") || strings.Contains(s, "IQoJ") {
					t.Error(s)
				}
				if n := len([]rune(f.Lines[0].Text)); n > lineLength+1 {
					t.Errorf("%d letters", n)
				}
			}},
		"own trail logs are no application": {files: map[string]string{yaml: "groups:\n" + group("trail-logs", ""), "cloudtrail/a.jsonl": jsonl(assume(time.Hour, "eu-west-1", payments, refuse("AccessDenied", denied)))}, want: playbook.Blind},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := about(t, c.files)
			if c.set != nil {
				c.set(e)
			}
			o := e.run(t, playbook.AppErrors)
			wantStatus(t, o, c.want)
			calls := e.server.Stats().Calls
			for _, a := range c.called {
				if calls[a] == 0 {
					t.Errorf("%s was not called", a)
				}
			}
			if c.check != nil {
				f, _ := facts.AppLogs.In(e.done)
				c.check(t, o, f)
			}
		})
	}
}

// Where the permission for queries covers only some of the groups, those are read.
func TestQueriesAllowedForSomeGroups(t *testing.T) {
	e := about(t, map[string]string{"logs/logs.yaml": "groups:\n" + group("/app/a", ", events: a.jsonl") + group("/app/b", ", events: a.jsonl"), "logs/a.jsonl": events("s", expiredLine)})
	// The query over both and the first of those over one.
	e.server.AddFault(fault("logs:StartQuery", "", capture.Fault{Deny: true, Times: 2}))
	deny(e, "logs:FilterLogEvents")
	o := e.run(t, playbook.AppErrors)
	f := factOf(t, facts.AppLogs, e.done)
	if o.Status != playbook.Found || f.Total != 1 || !strings.Contains(o.Partial, "could not be read: 1 of 2") {
		t.Errorf("%s %q %+v", o.Status, o.Partial, f)
	}
}

func TestSpreadIsFair(t *testing.T) {
	var lines []facts.Line
	for i := range 5000 {
		lines = append(lines, facts.Line{Time: now.Add(time.Duration(i) * time.Second), Stream: "loud", Kind: facts.SessionExpired})
	}
	lines[70].Stream, lines[4000].Kind = "quiet", facts.Skew
	kept := spread(lines, 100)
	if len(kept) != 100 {
		t.Errorf("kept %d", len(kept))
	}
	has := func(f func(facts.Line) bool) bool { return slices.ContainsFunc(kept, f) }
	if !has(func(l facts.Line) bool { return l.Stream == "quiet" }) || !has(func(l facts.Line) bool { return l.Kind == facts.Skew }) {
		t.Error("a quiet stream or a rare kind is lost")
	}
	if !kept[0].Time.Equal(lines[0].Time) || !kept[99].Time.Equal(lines[4999].Time) {
		t.Error("the ends are lost")
	}
	if !slices.IsSortedFunc(kept, func(a, b facts.Line) int { return a.Time.Compare(b.Time) }) {
		t.Error("out of order")
	}
}

// Where there are more streams than places, each place is a stream's: quiet ones
// go before loud ones, and among equals the newest, so that what goes on is seen.
func TestSpreadOfMoreStreamsThanPlaces(t *testing.T) {
	var lines []facts.Line
	for i := range 130 {
		lines = append(lines, facts.Line{Time: now.Add(time.Duration(i) * time.Second), Stream: fmt.Sprint("quiet-", i)})
	}
	for i := range 500 {
		lines = append(lines, facts.Line{Time: now.Add(time.Duration(200+i) * time.Second), Stream: fmt.Sprint("loud-", i%5)})
	}
	for most, want := range map[int]struct{ quiet, loud int }{100: {100, 0}, 130: {130, 0}, 132: {130, 2}, 140: {130, 10}} {
		streams := map[string]bool{}
		kept := spread(lines, most)
		quiet := 0
		for _, l := range kept {
			if strings.HasPrefix(l.Stream, "quiet") {
				quiet++
			}
			streams[l.Stream] = true
		}
		if len(kept) != most || quiet != want.quiet || len(kept)-quiet != want.loud || len(streams) != quiet+min(want.loud, 5) {
			t.Errorf("of %d places %d are of quiet streams and %d of loud ones, %d streams in all", most, quiet, len(kept)-quiet, len(streams))
		}
		if !streams["quiet-129"] {
			t.Errorf("the newest of %d is lost", most)
		}
	}
}
