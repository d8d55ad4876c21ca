package engine

import (
	"context"
	"maps"
	"sync"

	"github.com/stsleuth/stsleuth/playbook"
)

// Memory is a Journal in this process, for the command line. The zero value is
// ready to use.
type Memory struct {
	mu   sync.Mutex
	runs map[string]*memoryRun // guarded by mu
}

type memoryRun struct {
	token  Token
	done   playbook.Outcomes
	report *playbook.Report
}

func (m *Memory) run(id string) *memoryRun {
	if m.runs == nil {
		m.runs = map[string]*memoryRun{}
	}
	if m.runs[id] == nil {
		m.runs[id] = &memoryRun{done: playbook.Outcomes{}}
	}
	return m.runs[id]
}

// Begin implements Journal.
func (m *Memory) Begin(_ context.Context, id string) (Token, playbook.Outcomes, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run(id)
	r.token++
	return r.token, maps.Clone(r.done), nil
}

// Settle implements Journal.
func (m *Memory) Settle(_ context.Context, id string, t Token, o playbook.Outcome) (playbook.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run(id)
	if t != r.token {
		return playbook.Outcome{}, ErrFenced
	}
	if stands, ok := r.done[o.Step]; ok {
		return stands, nil
	}
	r.done[o.Step] = o
	return o, nil
}

// Conclude implements Journal.
func (m *Memory) Conclude(_ context.Context, id string, t Token, report playbook.Report) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run(id)
	if t != r.token {
		return ErrFenced
	}
	if r.report == nil {
		r.report = &report
	}
	return nil
}

// Report is what Conclude stored, nil before that.
func (m *Memory) Report(id string) *playbook.Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run(id).report
}
