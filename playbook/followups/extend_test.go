package followups

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/playbook"
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
