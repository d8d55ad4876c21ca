package steps

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

// crowd is one account behind AWS's limits, which are tenfold so that a test does
// not take as long as an incident, and replicas that investigate it.
type crowd struct {
	t        testing.TB
	capture  *capture.Capture
	server   *awsemu.Server
	replicas []Clients
}

// tenfold are our quotas for an AWS that takes ten times as much a second.
func tenfold(slots int) quotas {
	q := awsQuotas
	q.slots = slots
	for _, p := range []*pace{&q.lookups, &q.polls, &q.starts} {
		p.every /= 10
	}
	return q
}

func newCrowd(t testing.TB, dir string, options awsemu.Options, limits []*Limits) *crowd {
	t.Helper()
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := awsemu.New(c, options)
	t.Cleanup(func() { server.Close(); c.Close() })
	w := &crowd{t: t, capture: c, server: server}
	for _, l := range limits {
		cfg := server.Config(c.Incident.Ask.Region)
		cfg.Retryer = func() aws.Retryer { // what is throttled stays so: the test is to see it
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 1 })
		}
		clients := NewClients(cfg).reaching(server)
		clients.StatusFeed, clients.Limits = "http://aws.invalid/public/currentevents", l
		w.replicas = append(w.replicas, clients)
	}
	return w
}

// investigate has n investigations at once, one replica after the other taking
// one, and returns what each came to, without how long it took.
func (w *crowd) investigate(n int) []string {
	target, err := playbook.ParseRole(w.capture.Incident.Ask.Role)
	if err != nil {
		w.t.Fatal(err)
	}
	target.Region = w.capture.Incident.Ask.Region
	told := make([]string, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			e := engine.Engine{Plan: Plan(w.replicas[i%len(w.replicas)], Settings{}), Judge: rules.Judge, Journal: new(engine.Memory)}
			r, err := e.Run(w.t.Context(), playbook.NewRequest("inv_x", target, w.capture.Incident.Now, time.Duration(w.capture.Incident.Ask.Window)))
			if err != nil {
				w.t.Error(err)
			}
			for j := range r.Steps {
				r.Steps[j].TookMS = 0
				for k, p := range r.Steps[j].Proof {
					if p.Action == "logs:StartQuery" {
						r.Steps[j].Proof[k].Calls = 0 // how often a query is asked about depends on how fast the machine is
					}
				}
			}
			raw, err := json.MarshalIndent(r, "", " ")
			if err != nil {
				w.t.Error(err)
			}
			told[i] = string(raw)
		})
	}
	all.Wait()
	return told
}

// throttled counts the requests that AWS refused for being too many, and the most
// that it was sent of each action in one region within a second.
func (w *crowd) throttled() (refused map[string]int, rates map[string]int) {
	refused, rates = map[string]int{}, map[string]int{}
	at := map[string][]time.Time{}
	for _, c := range w.server.Calls() {
		if strings.Contains(c.Code, "Throttl") || c.Code == "LimitExceededException" {
			refused[c.Action]++
		}
		at[c.Action+" "+c.Region] = append(at[c.Action+" "+c.Region], c.Time)
	}
	for key, times := range at {
		action, _, _ := strings.Cut(key, " ")
		slices.SortFunc(times, time.Time.Compare)
		for i, from := range times {
			n, _ := slices.BinarySearchFunc(times[i:], from.Add(time.Second), time.Time.Compare)
			rates[action] = max(rates[action], n)
		}
	}
	return refused, rates
}

// crowded is an account in which people's consoles leave us so many of the queries
// that AWS runs at once.
func crowded(factor, slots int) awsemu.Options {
	rates := maps.Clone(awsemu.AWSRates)
	for action := range rates {
		rates[action] *= factor
	}
	return awsemu.Options{Rates: rates, MaxQueries: slots, QueryDuration: 500 * time.Millisecond}
}

// Many investigations of one account over several replicas: AWS refuses none of
// their requests, and each comes to the same as alone. Without the shared count it
// refuses many, so this could fail.
func TestReplicasTogetherKeepToAWSsLimits(t *testing.T) {
	t.Parallel()
	const replicas, slots = 3, 5 // few, so that slow machines have as many queries at once
	for name, tc := range map[string]struct {
		dir            string
		investigations int
	}{
		"from log groups":             {"../../captures/two-troubles", 6},
		"from the event history only": {"../../captures/no-trail-only-history", 4}, // 33 requests to each of two regions
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone := newCrowd(t, tc.dir, awsemu.Options{QueryDuration: -1}, []*Limits{Unpaced}).investigate(1)[0]
			m := miniredis.RunT(t)
			var together, apart []*Limits
			for range replicas {
				one := NewLimits(myAccount, shared(t, m))
				one.quotas = tenfold(slots)
				together = append(together, one)
				one = NewLimits(myAccount, nil)
				one.quotas = tenfold(slots)
				apart = append(apart, one)
			}
			w := newCrowd(t, tc.dir, crowded(10, slots), together)
			begun := time.Now()
			told := w.investigate(tc.investigations)
			refused, rates := w.throttled()
			t.Logf("together: %s, %v, most a second and region: LookupEvents %d, StartQuery %d, GetQueryResults %d", time.Since(begun).Round(time.Millisecond), w.server.Stats().Calls,
				rates["cloudtrail:LookupEvents"], rates["logs:StartQuery"], rates["logs:GetQueryResults"])
			if len(refused) > 0 {
				t.Errorf("AWS refused %v", refused)
			}
			for i := range told {
				if told[i] != alone {
					t.Fatalf("investigation %d came to something else than alone (-alone +here):\n%s", i, cmp.Diff(alone, told[i]))
				}
			}
			for _, key := range m.Keys() {
				if strings.Contains(key, ":slots:") {
					t.Errorf("%s is left in Redis", key)
				}
			}

			w = newCrowd(t, tc.dir, crowded(10, slots), apart)
			begun = time.Now()
			w.investigate(tc.investigations)
			refused, rates = w.throttled()
			t.Logf("apart: %s, refused %v, most a second and region: LookupEvents %d", time.Since(begun).Round(time.Millisecond), refused, rates["cloudtrail:LookupEvents"])
			if len(refused) == 0 {
				t.Error("without the shared count AWS refused nothing: this test proves nothing")
			}
		})
	}
}

// BenchmarkManyInvestigations has 20 investigations at once over three replicas
// against AWS's real limits, in real time.
func BenchmarkManyInvestigations(b *testing.B) {
	for _, dir := range []string{"two-troubles", "no-trail-only-history"} {
		for _, together := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/shared=%t", dir, together), func(b *testing.B) {
				for b.Loop() {
					m := miniredis.RunT(b)
					var limits []*Limits
					for range 3 {
						l := NewLimits(myAccount, nil)
						if together {
							l = NewLimits(myAccount, shared(b, m))
						}
						limits = append(limits, l)
					}
					o := crowded(1, QuerySlots)
					o.Latency, o.QueryDuration = 80*time.Millisecond, 2*time.Second
					w := newCrowd(b, "../../captures/"+dir, o, limits)
					begun := time.Now()
					w.investigate(20)
					refused, rates := w.throttled()
					b.ReportMetric(time.Since(begun).Seconds(), "s")
					n := 0
					for _, r := range refused {
						n += r
					}
					b.ReportMetric(float64(n), "refused")
					b.ReportMetric(float64(w.server.Stats().Calls["cloudtrail:LookupEvents"]), "LookupEvents")
					b.ReportMetric(float64(rates["cloudtrail:LookupEvents"]), "LookupEvents/s")
					b.ReportMetric(float64(rates["logs:GetQueryResults"]), "GetQueryResults/s")
				}
			})
		}
	}
}
