package check

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// alerts reads the rules as Prometheus does, names, labels, templates and
// expressions included.
func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse(read(t, "../prometheus/alerts.yaml"), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	out := map[string]rulefmt.Rule{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			out[r.Alert] = r
			if r.Annotations["summary"] == "" || r.Annotations["action"] == "" {
				t.Errorf("%s does not say what is wrong and what to do", r.Alert)
			}
		}
	}
	return out
}

// Each alert is silent on a sound hour, and fires on its own trouble.
func TestAlertsFireOnTheirTroubleAndOnNothingElse(t *testing.T) {
	const sound = `
		up{job="stsleuth"} 1x60
		stsleuth_sockets{pod="a"} 1x60
		stsleuth_ack_seconds_bucket{le="0.5"} 0+10x60
		stsleuth_ack_seconds_bucket{le="2.5"} 0+10x60
		stsleuth_ack_seconds_bucket{le="+Inf"} 0+10x60
		stsleuth_queue_wait_seconds_bucket{le="1"} 0+10x60
		stsleuth_queue_wait_seconds_bucket{le="60"} 0+10x60
		stsleuth_queue_wait_seconds_bucket{le="+Inf"} 0+10x60
		stsleuth_outbox_oldest_seconds 1x60
		stsleuth_outbox_messages{state="dead"} 0x60
		stsleuth_credentials_left_seconds{account="111122223333"} 1800x60
		stsleuth_aws_calls_total{action="iam:GetRole",code="OK"} 0+10x60
		stsleuth_aws_calls_total{action="iam:GetRole",code="AccessDenied"} 0x60
		stsleuth_aws_calls_total{action="cloudtrail:LookupEvents",code="ThrottlingException"} 0x60
	`
	trouble := map[string][2]string{ // what is replaced by what
		"StsleuthDown":            {`up{job="stsleuth"} 1x60`, `up{job="stsleuth"} 0x60`},
		"StsleuthNoSocket":        {`stsleuth_sockets{pod="a"} 1x60`, `stsleuth_sockets{pod="a"} 0x60`},
		"StsleuthAcksLate":        {`stsleuth_ack_seconds_bucket{le="0.5"} 0+10x60`, `stsleuth_ack_seconds_bucket{le="0.5"} 0+1x60`},
		"StsleuthQueueStuck":      {`stsleuth_queue_wait_seconds_bucket{le="1"} 0+10x60`, `stsleuth_queue_wait_seconds_bucket{le="1"} 0+1x60`},
		"StsleuthOutboxOld":       {`stsleuth_outbox_oldest_seconds 1x60`, `stsleuth_outbox_oldest_seconds 1+10x60`},
		"StsleuthMessagesGivenUp": {`{state="dead"} 0x60`, `{state="dead"} 1x60`},
		"StsleuthCredentialsEnd":  {`1800x60`, `30x60`},
		"StsleuthDenied":          {`code="AccessDenied"} 0x60`, `code="AccessDenied"} 0+1x60`},
		"StsleuthThrottled":       {`code="ThrottlingException"} 0x60`, `code="ThrottlingException"} 0+60x60`},
	}
	rules := alerts(t)
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	fires := func(series string, r rulefmt.Rule) bool {
		storage := promqltest.LoadedStorage(t, "load 1m\n  "+strings.TrimSpace(series))
		defer storage.Close()
		q, err := engine.NewInstantQuery(t.Context(), storage, nil, r.Expr, time.Unix(3600, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		result := q.Exec(t.Context())
		if result.Err != nil {
			t.Fatalf("%s: %v", r.Alert, result.Err)
		}
		v, ok := result.Value.(promql.Vector)
		return ok && len(v) > 0
	}
	for name, r := range rules {
		change, ok := trouble[name]
		if !ok || !strings.Contains(sound, change[0]) {
			t.Errorf("%s: no trouble to try it on", name)
			continue
		}
		if fires(sound, r) {
			t.Errorf("%s fires on a sound hour", name)
		}
		spoiled := strings.Replace(sound, change[0], change[1], 1)
		for other, o := range rules {
			if got := fires(spoiled, o); got != (other == name) {
				t.Errorf("with the trouble of %s, %s fires: %t", name, other, got)
			}
		}
	}
	waits := strings.Replace(sound, trouble["StsleuthNoSocket"][0], "go_goroutines 9x60", 1) // for its first word from Redis
	for name, r := range rules {
		if got := fires(waits, r); got != (name == "StsleuthNoSocket") {
			t.Errorf("while a replica waits for Redis, %s fires: %t", name, got)
		}
	}
}

func TestDashboardQueriesAreQueries(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "../grafana/stsleuth.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			n++
			expr := strings.NewReplacer("$__rate_interval", "1m").Replace(target.Expr)
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
				t.Errorf("panel %s: %v", p.Title, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d queries", n)
	}
}
