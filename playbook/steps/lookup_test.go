package steps

import (
	"context"
	"testing"
	"time"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"golang.org/x/time/rate"

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
			slow := rate.NewLimiter(rate.Every(time.Hour), 1)
			e.clients.LookupPace = func(string) *rate.Limiter { return slow }
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

func TestHistoryWithoutTimeForOnePageIsNoAnswer(t *testing.T) {
	e := thirty(t)
	none := rate.NewLimiter(rate.Every(time.Hour), 1)
	none.Allow()
	e.clients.LookupPace = func(string) *rate.Limiter { return none }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a := run{e.clients, e.settings}.history(ctx, "eu-west-1", byName, now.Add(-time.Hour), now, func(string) bool { return true })
	if a.Problem == nil || a.Problem.Status != playbook.TimedOut {
		t.Errorf("%+v, %v", a.Out, a.Problem)
	}
}

// No more than AWS takes: two requests a second for an account and region.
func TestLookupsKeepAWSsPace(t *testing.T) {
	e := thirty(t)
	pace := NewClients(e.server.Config("eu-west-1")).LookupPace
	if l := pace("eu-west-1"); l.Limit() != LookupRate || l.Burst() > LookupRate || l != pace("eu-west-1") {
		t.Errorf("limit %v, burst %d", l.Limit(), l.Burst())
	}
}
