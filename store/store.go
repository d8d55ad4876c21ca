// Package store is the state that survives: investigations, the queue of work
// and the outbox of messages, in Redis.
//
// In come commands (Accept), presses (Press) and, from workers, outcomes
// (Begin, Settle, Conclude). Out go tasks for workers on any replica (Work) and
// messages for senders on any replica (Claim, Posted). Every change is one Lua
// script that is safe to repeat; every write of a run carries its fencing
// token. Any process may be killed at any instant: what it held is noticed by
// the Watchdog of another.
//
// docs/STATE.md lists every key and every transition. Files:
//
//	open.go      URL to client, embedded Redis, schema, generation
//	keys.go      every key
//	script.go    how a transition is run, what they share
//	accept.go    commands          run.go      journal, heartbeat, hand back
//	press.go     buttons           cancel.go   stop
//	load.go      reading           list.go     indexes
//	outbox.go    messages          pace.go     how fast they may go
//	queue.go     asynq             watchdog.go resume, janitor
//	outage.go    Redis being away, once in the log
//	limits.go    what all replicas do to an AWS account
//
// *Store satisfies engine.Journal and the narrow interfaces of handlers and
// bot; it speaks playbook types only.
package store

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook/engine"
)

var (
	// ErrUnavailable: Redis does not answer. Nothing is known to have been done,
	// and the same call may be made again.
	ErrUnavailable = errors.New("the state store is unreachable")
	// ErrUnknown: there is no such investigation, press or message. It was
	// removed after its retention, or the store was emptied (see Figures.Since).
	ErrUnknown = errors.New("not in the state store")
	// ErrStopped is the cause of a task's cancelled context when a person stopped
	// the investigation.
	ErrStopped = errors.New("the investigation was stopped")
	// ErrHandedBack is the cause of a task's cancelled context when this process
	// is going away and another one takes the work over.
	ErrHandedBack = errors.New("this process is going away, the work was handed back")
)

var _ engine.Journal = (*Store)(nil)

// Options are what an operator can choose. The zero value is right for tests.
type Options struct {
	Retention time.Duration // how long an ended investigation is kept; 0: 30 days
	Workers   int           // tasks at once in this process; 0: 20
	Log       *slog.Logger  // nil: none
	// Paced is told how long a message that is handed out had waited for its
	// channel's or workspace's pace, Failed that an investigation was given up on.
	Paced  func(time.Duration) // nil: nobody counts
	Failed func()
}

// Store is Redis as this program sees it. Safe for concurrent use.
type Store struct {
	rdb       redis.UniversalClient
	inspector *asynq.Inspector
	embedded  *miniredis.Miniredis // nil unless it is in this process
	retention time.Duration
	workers   int
	log       *slog.Logger
	paced     func(time.Duration)
	failed    func()
	away      *outage

	mu         sync.Mutex
	generation string // which incarnation of Redis's data we know; guarded by mu
}
