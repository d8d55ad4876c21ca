package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/anishathalye/porcupine"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

// The protocol of claim, settle, fence and hand-back is checked against a model
// of a dozen lines, in two ways: over every interleaving of small programs, one
// call at a time (what a killed or paused worker can do at any moment), and
// over histories of workers that really run at once.

// call is one call of a worker. Its token is the one that the worker's last
// begin got, so that a worker which was overtaken goes on with a stale one.
type call struct {
	Op     string // begin, settle, conclude, hand-back, stop, resume
	Worker int
	Step   playbook.StepID
}

// answered is what a call returned, as far as the model knows it.
type answered struct {
	Fenced bool
	Token  engine.Token // begin
	Did    bool         // stop, resume
	Stands int          // settle: the worker whose outcome stands
}

// protocol is the model: what is stored of one investigation.
type protocol struct {
	token     engine.Token
	ended     bool
	concluded engine.Token            // by which token; 0 not
	steps     map[playbook.StepID]int // by which worker
}

// apply gives the only answer that is right, and what is stored then. held is
// the token that the caller has.
func (p protocol) apply(c call, held engine.Token) (protocol, answered) {
	fenced := answered{Fenced: true}
	switch c.Op {
	case "begin":
		if p.ended {
			return p, fenced
		}
		p.token++
		return p, answered{Token: p.token}
	case "settle":
		by, stands := p.steps[c.Step]
		switch {
		case held != p.token || held == 0:
			return p, fenced
		case stands:
			return p, answered{Stands: by}
		case p.ended:
			return p, fenced
		}
		p.steps = maps.Clone(p.steps)
		p.steps[c.Step] = c.Worker
		return p, answered{Stands: c.Worker}
	case "conclude":
		switch {
		case held != p.token || held == 0:
			return p, fenced
		case p.concluded == held:
			return p, answered{}
		case p.ended:
			return p, fenced
		}
		p.ended, p.concluded = true, held
		return p, answered{}
	case "hand-back":
		if held != p.token || p.ended {
			return p, fenced
		}
		p.token++
		return p, answered{}
	case "stop", "resume":
		if p.ended {
			return p, answered{}
		}
		p.token++
		p.ended = c.Op == "stop"
		return p, answered{Did: true}
	}
	panic(c.Op)
}

// try makes the call on the store. held is updated by a begin.
func (c call) try(t *testing.T, s *Store, id string, held *engine.Token) answered {
	t.Helper()
	var a answered
	var err error
	switch c.Op {
	case "begin":
		a.Token, _, err = s.Begin(t.Context(), id)
		if err == nil {
			*held = a.Token
		}
	case "settle":
		o := outcome(1, c.Step)
		o.TookMS = int64(c.Worker)
		o, err = s.Settle(t.Context(), id, *held, o)
		a.Stands = int(o.TookMS)
	case "conclude":
		err = s.Conclude(t.Context(), id, *held, playbook.Report{})
	case "hand-back":
		err = s.handBack(t.Context(), id, "", *held)
	case "stop":
		a.Did, err = s.Cancel(t.Context(), id, bob)
	case "resume":
		// As the watchdog does for a run that it finds silent, whose task is gone.
		try := s.rdb.HGet(t.Context(), recordKey(id), "try").Val()
		var n int64
		n, _, err = s.run(t.Context(), "resume", resumeScript, one(id), id, id, "", -1000, try, "0", 1000, "note/resumed", "{}")
		a.Did = n == done
	}
	if errors.Is(err, engine.ErrFenced) {
		return answered{Fenced: true}
	}
	if err != nil {
		t.Errorf("%v: %v", c, err)
	}
	return a
}

// interleavings calls f with every order in which the programs' calls can come.
func interleavings(programs [][]call, f func([]call)) {
	var order []call
	var walk func()
	walk = func() {
		over := true
		for i, p := range programs {
			if len(p) == 0 {
				continue
			}
			over = false
			programs[i], order = p[1:], append(order, p[0])
			walk()
			programs[i], order = p, order[:len(order)-1]
		}
		if over {
			f(order)
		}
	}
	walk()
}

func program(worker int, ops string) (p []call) {
	for op := range strings.FieldsSeq(ops) {
		op, step, _ := strings.Cut(op, ":")
		p = append(p, call{op, worker, playbook.StepID(step)})
	}
	return p
}

func TestNoInterleavingLetsAStaleTokenWrite(t *testing.T) {
	t.Parallel()
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	for name, programs := range map[string][][]call{
		"two whole runs":                          {program(1, "begin settle:aa settle:bb conclude"), program(2, "begin settle:aa settle:bb conclude")},
		"three runs":                              {program(1, "begin settle:aa conclude"), program(2, "begin settle:aa conclude"), program(3, "begin settle:aa")},
		"two runs and a stop":                     {program(1, "begin settle:aa conclude"), program(2, "begin settle:aa conclude"), program(3, "stop")},
		"a hand-back and the next run":            {program(1, "begin settle:aa hand-back settle:bb"), program(2, "begin settle:aa conclude"), program(3, "resume")},
		"every write of unknown fate is repeated": {program(1, "begin settle:aa settle:aa conclude conclude"), program(2, "begin settle:aa conclude"), program(3, "resume")},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			interleavings(programs, func(order []call) {
				n++
				id := accept(t, s, asked("payments-api"))
				model := protocol{steps: map[playbook.StepID]int{}}
				held := map[int]*engine.Token{1: new(engine.Token), 2: new(engine.Token), 3: new(engine.Token)}
				for i, c := range order {
					var want answered
					model, want = model.apply(c, *held[c.Worker])
					if got := c.try(t, s, id, held[c.Worker]); got != want {
						t.Fatalf("%v: call %d answered %+v, want %+v", order, i+1, got, want)
					}
				}
				inv := load(t, s, id)
				stored := map[playbook.StepID]int{}
				for step, o := range inv.Steps {
					stored[step] = int(o.TookMS)
				}
				if !maps.Equal(stored, model.steps) || inv.State.Ended() != model.ended || (inv.Report != nil) != (model.concluded > 0) {
					t.Fatalf("%v: stored are %v, %s; want %+v", order, stored, inv.State, model)
				}
				if n%50 == 0 {
					s.rdb.FlushAll(t.Context()) // ten thousands of them would be slow to index
				}
			})
			t.Logf("%d interleavings", n)
		})
	}
}

// input is a call as porcupine sees it: with the token that its worker held.
type input struct {
	call
	held engine.Token
}

var linear = porcupine.Model{
	Init: func() any { return protocol{steps: map[playbook.StepID]int{}} },
	Step: func(state, in, out any) (bool, any) {
		if in.(input).Op == "resume" && !out.(answered).Did {
			return true, state // another watchdog, or a hand-back, was quicker
		}
		next, want := state.(protocol).apply(in.(input).call, in.(input).held)
		return want == out.(answered), next
	},
	Equal: func(a, b any) bool {
		x, y := a.(protocol), b.(protocol)
		return x.token == y.token && x.ended == y.ended && x.concluded == y.concluded && maps.Equal(x.steps, y.steps)
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

func TestConcurrentRunsAreLinearizable(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	const workers, calls, histories = 4, 12, 40
	stores := make([]*Store, workers)
	for i := range stores {
		stores[i] = replica(t, url)
	}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	ops := []string{"begin", "begin", "settle", "settle", "settle", "settle", "hand-back", "resume", "conclude"}
	for h := range histories {
		id := accept(t, stores[0], asked("payments-api"))
		var mu sync.Mutex
		var history []porcupine.Operation // guarded by mu
		var wg sync.WaitGroup
		for w := range workers {
			random := rand.New(rand.NewSource(seed + int64(h*workers+w)))
			wg.Go(func() {
				var held engine.Token
				for range calls {
					c := call{ops[random.Intn(len(ops))], w + 1, playbook.StepID([]string{"aa", "bb", "cc"}[random.Intn(3)])}
					if c.Op == "conclude" && random.Intn(4) > 0 {
						c.Op = "begin" // or the history is over too soon
					}
					in := input{c, held}
					called := time.Now().UnixNano()
					out := c.try(t, stores[w], id, &held)
					returned := time.Now().UnixNano()
					mu.Lock()
					history = append(history, porcupine.Operation{ClientId: w, Input: in, Call: called, Output: out, Return: returned})
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if !porcupine.CheckOperations(linear, history) {
			t.Fatalf("history %d of seed %d is not linearizable:\n%v", h, seed, history)
		}
	}
}
