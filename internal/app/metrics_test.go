package app

import (
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	dto "github.com/prometheus/client_model/go"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/slackemu"
	"github.com/stsleuth/stsleuth/internal/telemetry"
)

// counted gives a bot metrics that see its AWS calls, as cmd/stsleuth does.
func counted(o *Serving) {
	o.Metrics = telemetry.NewMetrics()
	o.AWS.Config.APIOptions = append(slices.Clone(o.AWS.Config.APIOptions), o.Metrics.AWS)
}

// page is one scrape.
type page map[string]*dto.MetricFamily

func (r *replica) scrape(t *testing.T) page {
	t.Helper()
	rec := httptest.NewRecorder()
	r.Health().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("/metrics: %d %s", rec.Code, rec.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	p, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// series are the values of a metric by its labels' values, a histogram's by its
// count.
func (p page) series(name string) map[string]float64 {
	out := map[string]float64{}
	for _, m := range p[name].GetMetric() {
		var values []string
		for _, l := range m.GetLabel() {
			values = append(values, l.GetValue())
		}
		v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		out[strings.Join(values, " ")] = v
	}
	return out
}

// labels are a metric's label names.
func (p page) labels(name string) []string {
	var out []string
	for _, l := range p[name].GetMetric()[0].GetLabel() {
		out = append(out, l.GetName())
	}
	return out
}

// documented are the metrics of deploy/METRICS.md: kind and labels by name.
func documented(t *testing.T) map[string]struct {
	kind   string
	labels []string
} {
	t.Helper()
	text, err := os.ReadFile("../../deploy/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]struct {
		kind   string
		labels []string
	}{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(stsleuth_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		d := out[row[1]]
		d.kind = row[2]
		for _, l := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(row[3], -1) {
			d.labels = append(d.labels, l[1])
		}
		slices.Sort(d.labels)
		out[row[1]] = d
	}
	return out
}

func sum(series map[string]float64) (n float64) {
	for _, v := range series {
		n += v
	}
	return n
}

// One command, and the whole page is as METRICS.md says: no metric is missing,
// none is more, and what they count is what Slack and AWS saw.
func TestOneCommandShowsInEveryMetric(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		counted(o)
		var err error
		o.Pool, err = accounts.New(o.AWS.Config, accounts.Map{account: {RoleARN: "arn:aws:iam::" + account + ":role/stsleuth-readonly", ExternalID: "not-guessable"}}, account)
		if err != nil {
			t.Fatal(err)
		}
	}})
	w.until("both sockets are open", func() bool { return w.all()[0].bot.Connections() == 2 })
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.thread(incidents, w.parents(incidents)[0].TS)
	bot := w.all()[0]
	w.until("everything is told", func() bool {
		f, err := bot.store.Figures(t.Context())
		return err == nil && f.Waiting == 0 && f.Cards == 0
	})
	bot.sessions.renew(t.Context())
	p := bot.scrape(t)

	known := documented(t)
	for name, d := range known {
		family := p[name]
		if family == nil {
			t.Errorf("%s is not published", name)
			continue
		}
		if got := strings.ToLower(family.GetType().String()); got != d.kind {
			t.Errorf("%s is a %s, METRICS.md says %s", name, got, d.kind)
		}
		if got := p.labels(name); !slices.Equal(got, d.labels) {
			t.Errorf("%s has the labels %v, METRICS.md says %v", name, got, d.labels)
		}
	}
	for name := range p {
		if _, ok := known[name]; !ok && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is published and not in METRICS.md", name)
		}
	}

	for name, want := range map[string]map[string]float64{
		"stsleuth_ack_seconds":           {"command": 1, "press": 0, "shortcut": 0, "form": 0},
		"stsleuth_queue_wait_seconds":    {"": 1},
		"stsleuth_investigations_total":  {"several-causes": 1, "cause-found": 0, "no-correlation": 0, "insufficient-evidence": 0, "stopped": 0, "failed": 0},
		"stsleuth_going":                 {"": 0},
		"stsleuth_sockets":               {"": 2},
		"stsleuth_outbox_messages":       {"waiting": 0, "dead": 0},
		"stsleuth_outbox_oldest_seconds": {"": 0},
		"stsleuth_access_refused_total":  {"investigate": 0, "extend": 0, "follow-up": 0},
	} {
		if got := p.series(name); !maps.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	steps := p.series("stsleuth_step_seconds")
	if sum(steps) != 9 || len(steps) != 9 || steps["found trust-changes"] != 1 {
		t.Errorf("steps: %v", steps)
	}
	if left := p.series("stsleuth_credentials_left_seconds"); len(left) != 1 || left[account] < 50*60 || left[account] > 60*60 {
		t.Errorf("the session's time: %v", left)
	}

	asked := map[string]float64{} // what AWS saw
	for _, c := range w.aws.Calls() {
		asked[c.Action]++
	}
	calls := map[string]float64{}
	for labels, n := range p.series("stsleuth_aws_calls_total") {
		action, _, _ := strings.Cut(labels, " ")
		calls[action] += n
	}
	if !maps.Equal(asked, calls) || calls["sts:AssumeRole"] != 1 {
		t.Errorf("AWS was asked\n%v, counted are\n%v", asked, calls)
	}
	allowed, err := AWS{Config: w.aws.Config("us-east-1")}.Actions()
	if err != nil {
		t.Fatal(err)
	}
	for action := range calls {
		if action != "sts:AssumeRole" && !slices.Contains(allowed, action) {
			t.Errorf("%s is not how IAM names an action that the steps declare", action)
		}
	}
	slack := p.series("stsleuth_slack_calls_total")
	told := 0.0
	for _, c := range w.calls("chat.postMessage") {
		if !c.Fault {
			told++
		}
	}
	if posts := slack["ok chat.postMessage"]; posts != told || posts != sum(p.series("stsleuth_slack_pacing_seconds")) || slack["ok apps.connections.open"] != 2 {
		t.Errorf("Slack was posted to %v times, counted are %v and %v waits for the pace", told, slack, p.series("stsleuth_slack_pacing_seconds"))
	}
}

// What goes wrong is counted under the name of what went wrong.
func TestTroubleIsCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true, Linger: time.Millisecond, Workspace: workspace()}, aws: awsemu.Options{QueryDuration: time.Minute}, serving: counted})
	bot := w.all()[0]
	value := func(name, labels string) float64 { return bot.scrape(t).series(name)[labels] }

	w.say("U0GUEST", incidents, w.asks())
	if n := value("stsleuth_access_refused_total", string(access.Investigate)); n != 1 {
		t.Errorf("%v refusals", n)
	}
	w.fault(obj{"method": "chat.postMessage", "status": 503, "times": 1})
	w.awsFault(`{action: "iam:GetRole", deny: true}`)
	w.command(w.asks())
	w.until("AWS has refused", func() bool { return value("stsleuth_aws_calls_total", "iam:GetRole AccessDenied") > 0 })
	w.until("Slack was away", func() bool { return value("stsleuth_slack_calls_total", "http-503 chat.postMessage") == 1 })
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	w.click(oncall, incidents, w.parents(incidents)[0].TS, "stop")
	w.until("it is counted as stopped", func() bool { return value("stsleuth_investigations_total", telemetry.Stopped) == 1 })
	if n := value("stsleuth_ack_seconds", "press"); n != 1 {
		t.Errorf("%v presses", n)
	}
	if n := sum(bot.scrape(t).series("stsleuth_investigations_total")); n != 1 {
		t.Errorf("%v investigations have ended", n)
	}
}

// While Redis does not answer, or answers nothing, a scrape does all the same: in
// time, and with everything that is known without it.
func TestAScrapeDoesWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	w := newWorld(t, set{slack: unlimited, serving: func(o *Serving) { counted(o); o.RedisURL = "redis://" + redis.Addr() }})
	bot := w.all()[0]
	if _, ok := bot.scrape(t)["stsleuth_going"]; !ok {
		t.Fatal("nothing is read of Redis")
	}
	for name, fault := range map[string]func() (mend func()){
		"it refuses": func() func() { redis.SetError("LOADING"); return func() { redis.SetError("") } },
		"it hangs": func() func() {
			mended := make(chan struct{})
			redis.Server().SetPreHook(func(*server.Peer, string, ...string) bool { <-mended; return false })
			return func() { close(mended); redis.Server().SetPreHook(nil) }
		},
	} {
		mend := fault()
		begun := time.Now()
		p := bot.scrape(t)
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s: a scrape took %s", name, took)
		}
		for _, gone := range []string{"stsleuth_going", "stsleuth_outbox_messages", "stsleuth_outbox_oldest_seconds"} {
			if p[gone] != nil {
				t.Errorf("%s: %s is there", name, gone)
			}
		}
		for _, there := range []string{"stsleuth_sockets", "stsleuth_ack_seconds", "stsleuth_investigations_total", "go_goroutines"} {
			if p[there] == nil {
				t.Errorf("%s: %s is not there", name, there)
			}
		}
		mend()
		w.until("Redis is read again", func() bool { return bot.scrape(t)["stsleuth_going"] != nil })
	}
	if !strings.Contains(w.log.String(), "a scrape goes without the state store's metrics") {
		t.Error("nothing is logged")
	}
}
