package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

func env(string) string { return "" }

// captures are all example incidents that are there: our own, and those beside
// the checkout where there are any.
func captures(t testing.TB) []string {
	t.Helper()
	var roots []string
	for _, dir := range []string{"../../captures", "../../../shared/captures"} {
		if _, err := os.Stat(dir); err == nil {
			roots = append(roots, dir)
		}
	}
	dirs, err := capture.FindAll(roots...)
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		t.Fatal("no captures found")
	}
	return dirs
}

// investigation runs a capture's own question.
func investigation(ctx context.Context, t testing.TB, o *offline, watch func(engine.Event)) playbook.Report {
	t.Helper()
	req, err := o.question().request(o.incident.Now, "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := o.aws.Plan()
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Investigate(ctx, plan, req, watch, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t testing.TB, dir string, options awsemu.Options) *offline {
	t.Helper()
	o, err := openCapture(t.Context(), dir, "", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// What differs between two runs of the same question: its id and its duration.
var volatile = regexp.MustCompile(`"(took_ms|id)": ?("inv_[a-z0-9]+"|[0-9]+)`)

func TestTheSameCaptureGivesTheSameBytes(t *testing.T) {
	for i, dir := range captures(t) {
		runs := 3
		if i < 2 {
			runs = 20
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			var first string
			for i := range runs {
				o := open(t, dir, awsemu.Options{QueryDuration: -1})
				b, err := json.Marshal(investigation(t.Context(), t, o, nil))
				if err != nil {
					t.Fatal(err)
				}
				got := volatile.ReplaceAllString(string(b), "")
				if i == 0 {
					first = got
				} else if got != first {
					t.Fatalf("run %d differs:\n%s", i+1, cmp.Diff(first, got))
				}
			}
		})
	}
}

// Nothing outside the read actions that its steps declare is ever called.
func TestOnlyDeclaredReadsAreCalled(t *testing.T) {
	reads := regexp.MustCompile(`:(Get|List|Describe|Lookup|Filter|Start|Stop)`)
	seen := map[string]bool{}
	for _, dir := range captures(t) {
		o := open(t, dir, awsemu.Options{QueryDuration: -1})
		r := investigation(t.Context(), t, o, nil)
		plan, err := o.aws.Plan()
		if err != nil {
			t.Fatal(err)
		}
		var declared []string
		for _, s := range plan {
			declared = append(declared, s.Actions...)
		}
		for _, c := range o.emu.Calls() {
			seen[c.Action] = true
			if !slices.Contains(declared, c.Action) {
				t.Errorf("%s: %s was called and no step declares it", filepath.Base(dir), c.Action)
			}
			if !reads.MatchString(c.Action) {
				t.Errorf("%s: %s is not a read", filepath.Base(dir), c.Action)
			}
		}
		for _, s := range r.Steps {
			step, _ := plan.Step(s.Step)
			for _, p := range s.Proof {
				if strings.HasPrefix(p.CLI, "aws ") && !slices.Contains(step.Actions, p.Action) {
					t.Errorf("%s: step %s proves by %s, which it does not declare", filepath.Base(dir), s.Step, p.Action)
				}
			}
		}
		if u := o.emu.Unexpected(); len(u) > 0 {
			t.Errorf("%s: calls that the emulator does not know: %v", filepath.Base(dir), u)
		}
	}
	t.Logf("%d actions seen", len(seen))
}

func TestExitCodes(t *testing.T) {
	dir := captures(t)[0]
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"done":                        {[]string{"investigate", "--capture", dir, "-o", "json"}, exitDone, `"schema": "stsleuth/v1"`},
		"no arguments print the help": {nil, exitDone, "Usage: stsleuth"},
		"an unknown flag is a slip":   {[]string{"investigate", "--nope"}, exitWrongly, "unknown flag"},
		"a wrong region is a slip that names the nearest": {[]string{"investigate", "app", "eu-wset-1"}, exitWrongly, "Did you mean eu-west-1?"},
		"a wrong role is a slip":                          {[]string{"investigate", "a b", "eu-west-1"}, exitWrongly, "role name"},
		"a window that is too long is a slip":             {[]string{"investigate", "app", "eu-west-1", "--window", "9d"}, exitWrongly, "between 1h and 7d"},
		"a folder without an incident could not run":      {[]string{"investigate", "--capture", t.TempDir()}, exitFailed, "incident.yaml"},
		"an unknown name to explain is a slip":            {[]string{"explain", "nope"}, exitWrongly, "no step, rule, cause or follow-up"},
		"explain tells a step":                            {[]string{"explain", "sessions"}, exitDone, "IAM actions:"},
		"explain tells a rule":                            {[]string{"explain", "timing"}, exitDone, "Criterion"},
		"explain tells a cause":                           {[]string{"explain", "no-refresh"}, exitDone, "Decisive"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), tc.args, streams{&out, &errs, env})
			if code != tc.code || !strings.Contains(out.String()+errs.String(), tc.says) {
				t.Errorf("exit %d, want %d; want %q in:\n%s%s", code, tc.code, tc.says, out.String(), errs.String())
			}
		})
	}
}

const (
	callLatency   = 80 * time.Millisecond
	queryDuration = 2 * time.Second
)

// BenchmarkCriticalPath runs a full investigation against an AWS that takes
// 80 ms a call and 2 s a query, and compares it with its critical path: the
// longest chain of steps that wait for each other, each at the time that its own
// longest chain of calls takes.
func BenchmarkCriticalPath(b *testing.B) {
	dir := "../../../shared/captures/hourly-no-refresh"
	if _, err := os.Stat(dir); err != nil {
		dir = captures(b)[0]
	}
	for b.Loop() {
		o := open(b, dir, awsemu.Options{Latency: callLatency, QueryDuration: queryDuration})
		plan, err := o.aws.Plan()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		r := investigation(b.Context(), b, o, nil)
		took := time.Since(began)
		path := criticalPath(plan, r)
		b.ReportMetric(took.Seconds(), "s/investigation")
		b.ReportMetric(path.Seconds(), "s/critical-path")
		b.ReportMetric(took.Seconds()/path.Seconds(), "ratio")
		if ratio := took.Seconds() / path.Seconds(); ratio > 1.3 {
			b.Errorf("took %.2f s, %.2f times its critical path of %.2f s", took.Seconds(), ratio, path.Seconds())
		}
	}
}

// chains is what each step costs at best with these latencies: how many calls
// must wait for each other, and how many queries among them.
var chains = map[playbook.StepID]struct{ calls, queries int }{
	playbook.RoleAndHealth: {2, 0}, // GetCallerIdentity, then what its answer decides
	playbook.STSErrors:     {5, 1}, // trails; status and selectors; group; start; results
	playbook.RoleConfig:    {3, 0}, // list; policy; version
	playbook.STSMetrics:    {2, 0},
	playbook.Sessions:      {5, 1},
	playbook.AppErrors:     {3, 1},
	playbook.CrossAccount:  {0, 0},
	playbook.TrustChanges:  {5, 1},
	playbook.Federation:    {2, 0},
}

func criticalPath(plan playbook.Plan, r playbook.Report) time.Duration {
	ends := map[playbook.StepID]time.Duration{}
	var longest time.Duration
	for range plan { // enough passes for any order
		for _, s := range plan {
			var start time.Duration
			for _, need := range s.Needs {
				start = max(start, ends[need])
			}
			c := chains[s.ID]
			ends[s.ID] = start + time.Duration(c.calls)*callLatency + time.Duration(c.queries)*queryDuration
			longest = max(longest, ends[s.ID])
		}
	}
	return longest
}

var update = flag.Bool("update", false, "rewrite what is made from the code")

func TestTheStepsPageIsMadeFromTheCode(t *testing.T) {
	const page = "../../docs/STEPS.md"
	var out bytes.Buffer
	if code := run(t.Context(), []string{"explain", "--all"}, streams{&out, &out, env}); code != exitDone {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	if *update {
		if err := os.WriteFile(page, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("docs/STEPS.md is not what the code says (run with -update):\n%s", diff)
	}
}

func Example_explain() {
	fmt.Println(run(context.Background(), []string{"explain", "rules"}, streams{os.Stdout, os.Stderr, env}))
	// Output:
	// Rules
	//   1  onset                When it began, and what kind of error it is
	//   2  duration-vs-usage    How long sessions may live against how long they are used
	//   3  trust-change         A change shortly before the onset that could cause these errors
	//   4  scope                One role, several roles, or the whole account
	//   5  timing               The age of sessions when they fail
	//   6  cross-account-limits Whether the caller may assume the role, and for how long in a chain
	//   7  identity-provider    Whether the identity provider's token or set-up is at fault
	// 0
}
