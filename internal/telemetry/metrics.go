// Package telemetry is what operators see of a running bot: the metrics of
// deploy/METRICS.md, traces over OTLP where an endpoint is set, and profiles.
//
// In come hooks: what happens is counted as it happens ([Metrics]' methods), what
// is so is read when somebody asks ([Metrics.Read]). Out go a page for
// Prometheus ([Metrics.Handler]), spans to a collector ([OpenTraces]) and Go's
// own profiles ([Profiles]). There are no globals: each process, and each test,
// has its own registry and its own provider. Nothing here can fail an
// investigation.
//
// metrics.go names every metric, scrape.go has what is read at a scrape, aws.go
// is the SDK's middleware, label.go keeps labels few. Next: internal/app, which
// hangs the hooks in.
package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/stsleuth/stsleuth/playbook"
)

// Verdicts of investigations that ended without one.
const (
	Stopped = "stopped" // by a person
	Failed  = "failed"  // could not be carried out
)

// What is acknowledged, as the label kind says it.
var kinds = []string{"command", "press", "shortcut", "form"}

// Bounds of histograms, in seconds. Alerts compare with 2 (acknowledgement) and
// 30 (queue): both are bounds, so that nothing is guessed in between.
var (
	ackBounds   = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 2.5, 3, 5}
	queueBounds = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900}
	stepBounds  = []float64{.1, .25, .5, 1, 2, 4, 7, 10, 15, 20, 30, 60, 90, 120}
	paceBounds  = []float64{.01, .25, .5, 1, 2, 4, 8, 15, 30, 60, 120}
)

// Metrics are one process's. Make them with [NewMetrics]; safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	ack        *prometheus.HistogramVec
	queued     prometheus.Histogram
	step       *prometheus.HistogramVec
	ended      *prometheus.CounterVec
	awsCalls   *prometheus.CounterVec
	slackCalls *prometheus.CounterVec
	pacing     prometheus.Histogram
	refused    *prometheus.CounterVec
	awsCodes   few
	slackCodes few
}

// NewMetrics makes the metrics, with nothing counted yet. What can be counted is
// there from the start where its labels are known: an alert on an increase would
// not see the first one otherwise.
func NewMetrics() *Metrics {
	histogram := func(name, help string, bounds []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		ack:        prometheus.NewHistogramVec(histogram("stsleuth_ack_seconds", "From an envelope's arrival to its acknowledgement.", ackBounds), []string{"kind"}),
		queued:     prometheus.NewHistogram(histogram("stsleuth_queue_wait_seconds", "From an investigation's acceptance to a worker's start.", queueBounds)),
		step:       prometheus.NewHistogramVec(histogram("stsleuth_step_seconds", "A step of an investigation.", stepBounds), []string{"step", "status"}),
		ended:      counter("stsleuth_investigations_total", "Ended investigations.", "verdict"),
		awsCalls:   counter("stsleuth_aws_calls_total", "Requests to AWS.", "action", "code"),
		slackCalls: counter("stsleuth_slack_calls_total", "Requests to Slack.", "method", "code"),
		pacing:     prometheus.NewHistogram(histogram("stsleuth_slack_pacing_seconds", "How long a message waited for its channel's turn.", paceBounds)),
		refused:    counter("stsleuth_access_refused_total", "People who were refused.", "action"),
	}
	m.registry.MustRegister(m.ack, m.queued, m.step, m.ended, m.awsCalls, m.slackCalls, m.pacing, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, kind := range kinds {
		m.ack.WithLabelValues(kind)
	}
	for _, verdict := range []string{playbook.InsufficientEvidence.String(), playbook.NoCorrelation.String(), playbook.CauseFound.String(), playbook.SeveralCauses.String(), Stopped, Failed} {
		m.ended.WithLabelValues(verdict)
	}
	return m
}

// Acked counts an acknowledgement, by what it answered: command, press, shortcut
// or form. Anything else is nobody waiting.
func (m *Metrics) Acked(kind string, took time.Duration) {
	for _, k := range kinds {
		if k == kind {
			m.ack.WithLabelValues(kind).Observe(took.Seconds())
		}
	}
}

// Queued counts a worker's start on an investigation, so long after it was
// accepted. The two clocks are different machines': less than nothing is nothing.
func (m *Metrics) Queued(waited time.Duration) { m.queued.Observe(max(waited, 0).Seconds()) }

// Settled counts a step.
func (m *Metrics) Settled(o playbook.Outcome) {
	m.step.WithLabelValues(string(o.Step), o.Status.String()).Observe((time.Duration(o.TookMS) * time.Millisecond).Seconds())
}

// Ended counts an investigation, by its verdict, Stopped or Failed.
func (m *Metrics) Ended(verdict string) { m.ended.WithLabelValues(verdict).Inc() }

// SlackCall counts a request to Slack. Code is "ok" or Slack's own.
func (m *Metrics) SlackCall(method, code string) {
	m.slackCalls.WithLabelValues(method, m.slackCodes.label(code)).Inc()
}

// Paced counts a message that is handed out to be posted, and how long it could
// have been but for its channel's or workspace's pace.
func (m *Metrics) Paced(waited time.Duration) { m.pacing.Observe(waited.Seconds()) }

// MayBeRefused names what people can be refused, so that none is nought.
func (m *Metrics) MayBeRefused(action string) { m.refused.WithLabelValues(action) }

// Refused counts a person who was refused.
func (m *Metrics) Refused(action string) { m.refused.WithLabelValues(action).Inc() }
