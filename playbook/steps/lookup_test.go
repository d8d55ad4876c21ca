package steps

import (
	"context"
	"strings"
	"testing"
	"time"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/stsleuth/stsleuth/playbook"
)

// thirty is an account with more records than one page holds, a minute apart.
func thirty(t *testing.T) *emulated {
	var records []map[string]any
	for i := range 30 {
		records = append(records, assume(time.Duration(i+1)*time.Minute, "eu-west-1", payments, nil))
	}
	return about(t, map[string]string{"cloudtrail/a.jsonl": jsonl(records...)})
}

var byName = lookup{Key: trailtypes.LookupAttributeKeyEventName, Value: "AssumeRole"}

func TestHistoryReadsEveryPage(t *testing.T) {
	e := thirty(t)
	n := 0
	a := run{e.clients, e.settings}.history(t.Context(), "eu-west-1", byName, now.Add(-time.Hour), now, func(string) bool { n++; return true })
	if a.Problem != nil || n != 30 || a.Out.Cut || !a.Out.Through.Equal(now.Add(-time.Hour)) || a.Proof.Calls != 2 {
		t.Errorf("%d records, %+v, %d calls, %v", n, a.Out, a.Proof.Calls, a.Problem)
	}
}

func TestHistorySaysHowFarItCame(t *testing.T) {
	for name, limit := range map[string]func(e *emulated, l *lookup) context.Context{
		"bounded by pages": func(e *emulated, l *lookup) context.Context { l.Pages = 1; return t.Context() },
		"no time for the next page": func(e *emulated, l *lookup) context.Context {
			e.clients.Limits = slowLimits(t, pace{"LookupEvents", time.Hour, 1}, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			return ctx
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, l := thirty(t), byName
			ctx := limit(e, &l)
			a := run{e.clients, e.settings}.history(ctx, "eu-west-1", l, now.Add(-time.Hour), now, func(string) bool { return true })
			if a.Problem != nil || !a.Out.Cut || !a.Out.Through.Equal(now.Add(-25*time.Minute)) {
				t.Errorf("%+v, %v", a.Out, a.Problem)
			}
		})
	}
}

// A step whose turn does not come says so, and that nothing was sent.
func TestHistoryWithoutTimeForOnePageIsNoAnswer(t *testing.T) {
	e := thirty(t)
	e.clients.Limits = slowLimits(t, pace{"LookupEvents", time.Hour, 1}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := run{e.clients, e.settings}
	one := byName
	one.Pages = 1
	if a := r.history(ctx, "eu-west-1", one, now.Add(-time.Hour), now, func(string) bool { return true }); a.Problem != nil {
		t.Fatal(a.Problem)
	}
	a := r.history(ctx, "eu-west-1", byName, now.Add(-time.Hour), now, func(string) bool { return true })
	if a.Problem == nil || a.Problem.Status != playbook.TimedOut || !strings.Contains(a.Problem.Text, "waited for its turn to ask LookupEvents in eu-west-1") {
		t.Errorf("%+v, %v", a.Out, a.Problem)
	}
	if a.Proof.Calls != 0 || !strings.HasPrefix(a.Proof.Result, "not sent") {
		t.Errorf("%d calls, %s", a.Proof.Calls, a.Proof.Result)
	}
}
