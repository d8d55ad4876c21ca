package app

import (
	"context"

	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/telemetry"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/store"
)

// countedStore is the state as the desk uses it, with stopped investigations
// counted.
type countedStore struct {
	*store.Store
	metrics *telemetry.Metrics
}

func (c countedStore) Cancel(ctx context.Context, id string, by playbook.Person) (bool, error) {
	stopped, err := c.Store.Cancel(ctx, id, by)
	if stopped {
		c.metrics.Ended(telemetry.Stopped)
	}
	return stopped, err
}

// countedGate is the gate, with refusals counted.
type countedGate struct {
	handlers.Gate
	metrics *telemetry.Metrics
}

func newCountedGate(g handlers.Gate, m *telemetry.Metrics) countedGate {
	for _, a := range access.Actions {
		m.MayBeRefused(string(a))
	}
	return countedGate{g, m}
}

func (c countedGate) May(ctx context.Context, a access.Ask) access.Decision {
	d := c.Gate.May(ctx, a)
	if !d.Allowed {
		c.metrics.Refused(string(a.Action))
	}
	return d
}
