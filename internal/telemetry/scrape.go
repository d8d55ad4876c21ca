package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// readWithin bounds what a scrape asks of the state store: Prometheus waits
	// 10 s by default, and would lose all other metrics with these.
	readWithin = time.Second
	// scrapesAtOnce bounds what whoever reaches the page can make the bot do: each
	// one is a round trip to the store.
	scrapesAtOnce = 4
)

// Readings are what is so when somebody asks. All fields are needed.
type Readings struct {
	Sockets  func() int                                          // open connections to Slack
	Figures  func(ctx context.Context) (playbook.Figures, error) // of the state store, in one round trip
	Sessions func() map[string]time.Time                         // when the bot's own sessions end, by account; those that end
	Log      *slog.Logger
}

// Read has every scrape read r from now on. Once a process.
func (m *Metrics) Read(r Readings) { m.registry.MustRegister(&readings{Readings: r}) }

// Handler answers scrapes. What can't be read is not there; the rest always is.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce})
}

type readings struct{ Readings }

var (
	going    = desc("stsleuth_going", "Investigations and follow-ups that have not ended.")
	sockets  = desc("stsleuth_sockets", "Open Socket Mode connections of this process.")
	messages = desc("stsleuth_outbox_messages", "Messages not told yet, and those given up on.", "state")
	oldest   = desc("stsleuth_outbox_oldest_seconds", "How long the oldest message has waited.")
	left     = desc("stsleuth_credentials_left_seconds", "What is left of the bot's own session, less the minutes by which it is renewed early.", "account")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (r *readings) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{going, sockets, messages, oldest, left} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (r *readings) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(sockets, float64(r.Sockets()))
	for account, ends := range r.Sessions() {
		gauge(left, time.Until(ends).Seconds(), account)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	f, err := r.Figures(ctx)
	if err != nil {
		// The store says by itself that Redis is away, once, and a scrape comes every few seconds.
		r.Log.Debug("a scrape goes without the state store's metrics", "err", err)
		return
	}
	gauge(going, float64(f.Going))
	gauge(messages, float64(f.Waiting), "waiting")
	gauge(messages, float64(f.Dead), "dead")
	gauge(oldest, f.Oldest.Seconds())
}
