package followups

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// A longer investigation must be what one run over the whole window would have
// been: same facts, same judgement.
func TestExtendingIsLikeAskingForItAll(t *testing.T) {
	for _, dir := range captures(t) {
		t.Run(name(dir), func(t *testing.T) {
			t.Parallel()
			a := open(t, dir)
			short := 12 * time.Hour
			for _, long := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
				first := a.investigate(t, a.plan, short)
				req := a.request
				req.Window.From = req.Window.To.Add(-long)
				begun := len(a.server.Calls())
				extended := a.investigate(t, Plan(a.plan, first, req), long)
				for _, call := range a.server.Calls()[begun:] {
					if call.Code == "OK" && within(call.Parameters, call.Action, first.Request.Window) {
						t.Errorf("%v to %v asked inside the first window: %s %v", short, long, call.Action, call.Parameters)
					}
				}
				if slices.ContainsFunc(a.server.Calls(), func(c awsemu.Call) bool { return c.Action == "cloudtrail:LookupEvents" && c.Code != "OK" }) {
					// The seam between the two stretches is closed from the event history:
					// without it the longer investigation sees less, and says so.
					t.Skip("the event history cannot be asked here")
				}
				want := a.investigate(t, a.plan, long)
				for i, s := range want.Steps {
					got := extended.Steps[i]
					if diff := cmp.Diff(indented(t, s.Facts), indented(t, got.Facts)); diff != "" {
						t.Errorf("%v to %v: facts of %s (-one run, +extended):\n%s", short, long, s.Step, diff)
					}
					if s.Status != got.Status || s.Summary != got.Summary {
						t.Errorf("%v to %v: %s is %s (%s), one run says %s (%s)", short, long, s.Step, got.Status, got.Summary, s.Status, s.Summary)
					}
				}
				if diff := cmp.Diff(want.Diagnosis.Causes, extended.Diagnosis.Causes); diff != "" {
					t.Errorf("%v to %v: causes (-one run, +extended):\n%s", short, long, diff)
				}
				if diff := cmp.Diff(want.Rules, extended.Rules); diff != "" {
					t.Errorf("%v to %v: rules (-one run, +extended):\n%s", short, long, diff)
				}
				short = long
			}
		})
	}
}

// within says whether a call asks about time that lies inside the window which
// was read before. Step 5 had read from 12 hours before it.
func within(params map[string]any, action string, read playbook.Window) bool {
	end, ok := moment(params, "EndTime", "endTime")
	if !ok {
		return false
	}
	if !slices.Contains([]string{"logs:StartQuery", "logs:FilterLogEvents", "cloudtrail:LookupEvents", "cloudwatch:GetMetricData"}, action) {
		return false
	}
	if action == "logs:FilterLogEvents" {
		end = time.UnixMilli(end.Unix())
	}
	return end.After(read.From)
}

func moment(params map[string]any, names ...string) (time.Time, bool) {
	for _, n := range names {
		switch v := params[n].(type) {
		case json.Number:
			f, err := strconv.ParseFloat(v.String(), 64)
			if err == nil {
				return time.UnixMilli(int64(f * 1000)).UTC(), true
			}
		case float64:
			return time.UnixMilli(int64(v * 1000)).UTC(), true
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at, true
			}
		case time.Time:
			return v, true
		}
	}
	return time.Time{}, false
}

var scanned = regexp.MustCompile(`"scanned": \d+`)

func indented(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	// The second at the seam is scanned twice, and counted once.
	return scanned.ReplaceAllString(b.String(), "")
}

// What the first run could not carry out, it has not read: the longer one asks
// about all of it.
func TestAFailedStepIsAskedInFull(t *testing.T) {
	a := open(t, "../../captures/follow-up-extend-finds")
	first := a.investigate(t, a.plan, 24*time.Hour)
	for i := range first.Steps {
		if s := &first.Steps[i]; s.Step == playbook.AppErrors || s.Step == playbook.RoleConfig {
			s.Status, s.Facts, s.Summary = playbook.TimedOut, []byte("{}"), "It took too long."
		}
	}
	req := a.request
	req.Window.From = req.Window.To.Add(-48 * time.Hour)
	got, want := a.investigate(t, Plan(a.plan, first, req), 48*time.Hour), a.investigate(t, a.plan, 48*time.Hour)
	for i, s := range want.Steps {
		if diff := cmp.Diff(indented(t, s.Facts), indented(t, got.Steps[i].Facts)); diff != "" {
			t.Errorf("facts of %s (-one run, +extended):\n%s", s.Step, diff)
		}
	}
}

// From 24 hours to 48, to 7 days, and no further; each says before what it will
// scan and after what it did.
func TestExtensionsAreCountedAndEnd(t *testing.T) {
	a := open(t, "../../captures/follow-up-extend-nothing")
	r := a.investigate(t, a.plan, 24*time.Hour)
	for _, want := range []time.Duration{48 * time.Hour, 7 * 24 * time.Hour} {
		before := a.server.Stats().BytesScanned
		o := a.follow(t, playbook.Extend48h, r)
		x, ok := facts.Extended.In(playbook.Outcomes{o.Step: o})
		if !ok {
			t.Fatalf("no facts: %s", o.Summary)
		}
		scanned := a.server.Stats().BytesScanned - before
		if x.Scanned != scanned || x.First != r.Cost().BytesScanned || x.Report.Cost().BytesScanned != x.First+x.Scanned {
			t.Errorf("to %v: says %d after %d, AWS scanned %d, the report has %d", want, x.Scanned, x.First, scanned, x.Report.Cost().BytesScanned)
		}
		if !strings.Contains(o.Summary, wording.Bytes(x.Scanned)) || !strings.Contains(o.Summary, wording.Bytes(x.First)) {
			t.Errorf("to %v: the summary does not say what was scanned: %s", want, o.Summary)
		}
		if x.Estimate.Bytes <= 0 || !strings.Contains(x.Estimate.Words, "$0.005 a GB in us-east-1 (https://aws.amazon.com/cloudwatch/pricing/)") {
			t.Errorf("to %v: estimate %+v", want, x.Estimate)
		}
		if got := x.Report.Request.Window.Length(); got != want {
			t.Errorf("the window is %v, want %v", got, want)
		}
		r = x.Report
	}
	if o := a.follow(t, playbook.Extend48h, r); o.Status != playbook.Blind || !strings.Contains(o.Summary, "7 days already") {
		t.Errorf("beyond 7 days: %s %s", o.Status, o.Summary)
	}
	if _, ok := Extend(r); ok {
		t.Error("a window of 7 days can be extended")
	}
}

func TestAnotherQuestionIsNoExtension(t *testing.T) {
	a := open(t, "../../captures/follow-up-extend-nothing")
	first := a.investigate(t, a.plan, time.Hour)
	later := a.request
	later.Window = playbook.Window{From: first.Request.Window.From.Add(-time.Hour), To: first.Request.Window.To.Add(time.Minute)}
	for i, s := range Plan(a.plan, first, later) {
		if reflect.ValueOf(s.Run).Pointer() != reflect.ValueOf(a.plan[i].Run).Pointer() {
			t.Errorf("%s of a question with another end takes the first run's facts", s.ID)
		}
	}
}
