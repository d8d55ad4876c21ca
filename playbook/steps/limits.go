package steps

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/stsleuth/stsleuth/playbook"
)

// AWS's limits on one account in one region that investigations at the same
// time would run each other into. Logs Insights' are the same for every log
// class, and dashboards, scheduled queries and people's consoles use them too.
const (
	// LookupRate is how many LookupEvents requests AWS takes a second.
	// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
	LookupRate = 2
	// InsightsQueries is how many queries AWS runs at once.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
	InsightsQueries = 100
	// InsightsRate is how many StartQuery, and how many GetQueryResults, AWS takes
	// a second.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
	InsightsRate = 10
)

// What of that we use. Of LookupEvents all: it is too little to share, and the
// SDK repeats a call that somebody else's took the turn of.
const (
	// QuerySlots is how many queries of ours run at once: a fifth, for whoever
	// looks into an incident has consoles and dashboards open. More would bring
	// nothing, because asking for their results has a limit as well.
	QuerySlots = InsightsQueries / 5
	queryPolls = InsightsRate * 4 / 5
	queryStart = InsightsRate / 2
)

// pace is how often a request may be sent: one every so often, and burst of them
// at once after a pause. A burst stays below what AWS takes in a second, because
// requests arrive less evenly than they were sent.
type pace struct {
	action string
	every  time.Duration
	burst  int
}

// quotas are the paces and the number of slots. Tests have a faster AWS.
type quotas struct {
	lookups, polls, starts pace
	slots                  int
}

var awsQuotas = quotas{
	lookups: pace{"LookupEvents", time.Second / LookupRate, 1},
	polls:   pace{"GetQueryResults", time.Second / queryPolls, 8},
	starts:  pace{"StartQuery", time.Second / queryStart, 8},
	slots:   QuerySlots,
}

// Shared is where all replicas count what they do to an account; place is the
// account and the region. Times are durations: whose clock they are taken from is
// its own affair. An error means that it can't be asked just now.
type Shared interface {
	// BookTurn books the next request of a pace and says how long it is until
	// then. Where that is longer than within, nothing was booked.
	BookTurn(ctx context.Context, place, action string, every time.Duration, burst int, within time.Duration) (time.Duration, error)
	// TakeSlot asks for one of the slots of a place, for holder; asker stands in
	// line from its first refusal on. The pace is that in which slots are handed out.
	TakeSlot(ctx context.Context, place, holder, asker string, slots int, every time.Duration, burst int) (bool, error)
	// KeepSlot shows that the holder lives; a slot that is not kept goes to others.
	KeepSlot(ctx context.Context, place, holder string, slots int) error
	ReturnSlot(ctx context.Context, place, holder string) error
}

const (
	// askSlotAgain is how soon a refused asker asks again: short against a query.
	askSlotAgain = 200 * time.Millisecond
	// keepSlotEvery is how often the holder of a slot shows that it lives.
	keepSlotEvery = 10 * time.Second
	// aloneFor is how long a process goes by its own count after the shared one
	// could not be asked, so that not every request waits for it in vain.
	aloneFor = 5 * time.Second
)

// errNoTurn is behind every problem that comes of waiting for a limit.
var errNoTurn = errors.New("the time was up before its turn came")

// Limits keeps to AWS's limits on one account: in this process, first come first
// served, and, with a Shared, in all replicas together. While that can't be asked
// the process's own count holds alone, so that nothing fails and nothing is
// without a limit. All Clients of an account have the same Limits. Safe for
// concurrent use.
type Limits struct {
	account string
	shared  Shared // nil: this process is the only one
	quotas  quotas
	off     bool

	mu    sync.Mutex
	turns map[string]*turns // by region and action; guarded by mu
	slots map[string]*slots // by region; guarded by mu
	alone time.Time         // guarded by mu: until when the shared count is not asked
}

// Unpaced is for captures and tests: AWS is an emulator of one's own.
var Unpaced = &Limits{off: true}

// NewLimits are those of an account, under any name that all replicas give it.
// Without shared they are this process's own.
func NewLimits(account string, shared Shared) *Limits {
	return &Limits{account: account, shared: shared, quotas: awsQuotas, turns: map[string]*turns{}, slots: map[string]*slots{}}
}

// turns is the pace of one action in one region. One request at a time waits for
// its turn, the others stand in line: what is booked with the others' replicas is
// then one turn a process, and all of them come round.
type turns struct {
	line chan struct{} // who is at the head has put something in; senders are served in order
	own  *rate.Limiter
}

// slots are those of one region.
type slots struct {
	own   chan struct{} // filled by queries that run in this process
	turns               // asking for one
	asker string        // this process, for the others
}

func (l *Limits) turnsOf(region string, p pace) *turns {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := region + " " + p.action
	if l.turns[key] == nil {
		l.turns[key] = newTurns(p)
	}
	return l.turns[key]
}

func newTurns(p pace) *turns {
	return &turns{make(chan struct{}, 1), rate.NewLimiter(rate.Every(p.every), p.burst)}
}

func (l *Limits) slotsOf(region string) *slots {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots[region] == nil {
		l.slots[region] = &slots{make(chan struct{}, l.quotas.slots), *newTurns(l.quotas.starts), rand.Text()}
	}
	return l.slots[region]
}

func (l *Limits) place(region string) string { return l.account + "/" + region }

// asking is the shared count, nil while there is none to ask.
func (l *Limits) asking() Shared {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shared == nil || time.Now().Before(l.alone) {
		return nil
	}
	return l.shared
}

func (l *Limits) goAlone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alone = time.Now().Add(aloneFor)
}

// turn waits until one more request of a pace may be sent.
func (l *Limits) turn(ctx context.Context, region string, p pace) error {
	if l.off {
		return nil
	}
	late := &playbook.Problem{Status: playbook.TimedOut, Err: errNoTurn, Text: fmt.Sprintf("stsleuth waited for its turn to ask %s in %s until its time was up: all investigations of the account together keep to AWS's limit", p.action, region)}
	t := l.turnsOf(region, p)
	if !enter(ctx, t.line) {
		return late
	}
	defer func() { <-t.line }()
	if t.own.Wait(ctx) != nil {
		return late
	}
	shared := l.asking()
	if shared == nil {
		return nil
	}
	within := left(ctx)
	// Its answer is soon there, and worth knowing even to who has given up: the
	// deadline of a step must not pass for trouble of the store.
	wait, err := shared.BookTurn(context.WithoutCancel(ctx), l.place(region), p.action, p.every, p.burst, within)
	switch {
	case err != nil:
		l.goAlone()
		return nil
	case wait > within || pauseFor(ctx, wait) != nil:
		return late
	}
	return nil
}

// underRetries has every attempt of a call wait for a turn of its own: what the
// SDK repeats counts against AWS's rate like what it sends first. The signature
// comes after the wait.
func (l *Limits) underRetries(region string, p pace) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("WaitForTurn",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				if err := l.turn(ctx, region, p); err != nil {
					return middleware.FinalizeOutput{}, middleware.Metadata{}, err
				}
				return next.HandleFinalize(ctx, in)
			}), "Retry", middleware.After)
	}
}

// slot is the right to have one query run.
type slot struct {
	keep func(context.Context) // shows now and then that the query still runs
	free func()                // gives it back, once
}

// slot waits for one. It leaves the query some of the step's time.
func (l *Limits) slot(ctx context.Context, region string) (slot, error) {
	if l.off {
		return slot{func(context.Context) {}, func() {}}, nil
	}
	waiting, cancel := withReserve(ctx)
	defer cancel()
	s := l.slotsOf(region)
	late := &playbook.Problem{Status: playbook.TimedOut, Err: errNoTurn, Text: fmt.Sprintf("stsleuth waited for a free Logs Insights slot in %s until its time was up: all investigations of the account together run at most %d queries at once, so that AWS's limit leaves some to people", region, l.quotas.slots)}
	if !enter(waiting, s.own) {
		return slot{}, late
	}
	got, ok := l.take(waiting, s, region)
	if !ok {
		<-s.own
		return slot{}, late
	}
	free := got.free
	got.free = sync.OnceFunc(func() { free(); <-s.own })
	return got, nil
}

// take asks for a slot of all replicas', one query of this process at a time. The
// replicas' line is kept by the store.
func (l *Limits) take(ctx context.Context, s *slots, region string) (slot, bool) {
	alone := slot{func(context.Context) {}, func() {}}
	if !enter(ctx, s.line) {
		return alone, false
	}
	defer func() { <-s.line }()
	if s.turns.own.Wait(ctx) != nil {
		return alone, false
	}
	holder, place, starts := rand.Text(), l.place(region), l.quotas.starts
	detached := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		shared := l.asking()
		if shared == nil {
			return alone, true
		}
		granted, err := shared.TakeSlot(detached, place, holder, s.asker, l.quotas.slots, starts.every, starts.burst)
		switch {
		case err != nil: // should it have been granted, it comes back by itself
			l.goAlone()
			return alone, true
		case !granted:
			pauseFor(ctx, askSlotAgain)
			continue
		}
		kept := time.Now()
		got := slot{
			keep: func(ctx context.Context) {
				if shared := l.asking(); shared != nil && time.Since(kept) >= keepSlotEvery {
					kept = time.Now()
					if shared.KeepSlot(context.WithoutCancel(ctx), place, holder, l.quotas.slots) != nil {
						l.goAlone()
					}
				}
			},
			free: func() {
				if shared := l.asking(); shared != nil && shared.ReturnSlot(detached, place, holder) != nil {
					l.goAlone()
				}
			},
		}
		if ctx.Err() != nil {
			got.free()
			break
		}
		return got, true
	}
	return alone, false
}

// enter puts something into line when there is room, unless ctx ends first.
func enter(ctx context.Context, line chan struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case line <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// left is the time until ctx's deadline, an hour where it has none.
func left(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return time.Hour
}
