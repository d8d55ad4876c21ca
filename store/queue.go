package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

const (
	// HeartbeatEvery is how often a run shows that it is alive, and so the time
	// in which it notices that it was stopped or fenced.
	HeartbeatEvery = time.Second
	// taskType is asynq's name for our one kind of task.
	taskType = "run"
)

// task is one entry in asynq's queue: the Try-th attempt at an investigation,
// or at a press of it. Only the newest try of a run is wanted.
type task struct {
	ID    string
	Press string // "" for the investigation itself
	Try   int64
}

// name is the task's id in asynq, which refuses a second one of the same name.
func (t task) name() string { return member(t.ID, t.Press) + ":" + strconv.FormatInt(t.Try, 10) }

func readTask(name string) (task, error) {
	run, try, ok := strings.Cut(name, ":")
	n, err := strconv.ParseInt(try, 10, 64)
	if !ok || err != nil {
		return task{}, fmt.Errorf("read task %q: it has no number", name)
	}
	id, press := split(run)
	return task{id, press, n}, nil
}

// enqueue puts a task into asynq's queue, once; delay 0 is at once.
func (s *Store) enqueue(ctx context.Context, t task, delay time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	// A client of its own each time: one that is kept remembers that it has told
	// Redis of the queue, which an emptied Redis has not.
	_, err := asynq.NewClientFromRedisClient(s.rdb).EnqueueContext(ctx, asynq.NewTask(taskType, []byte(t.name())),
		asynq.Queue(queue), asynq.TaskID(t.name()), asynq.ProcessIn(delay), asynq.MaxRetry(1))
	if err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return wrap(ctx, "queue "+t.name(), err)
}

// queued reports whether asynq still has a task to give out.
func (s *Store) queued(t task) (bool, error) {
	info, err := s.inspector.GetTaskInfo(queue, t.name())
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		return false, nil
	case err != nil:
		return false, wrap(context.Background(), "look for task "+t.name(), err)
	}
	switch info.State {
	case asynq.TaskStatePending, asynq.TaskStateScheduled, asynq.TaskStateRetry:
		return true, nil
	}
	return false, nil
}

// Tasks are what Work calls, concurrently. The context ends with the cause
// ErrStopped, ErrHandedBack or engine.ErrFenced when the handler has to leave.
// After any other error the run falls silent: some seconds later the watchdog
// has it begun again, on any replica, and after MaxFalls falls without a step
// settled in between it is failed.
type Tasks struct {
	Investigate func(context.Context, playbook.Investigation) error
	// FollowUp carries a press out and ends it with SettlePress. After a pause of
	// Redis it may run twice at once: the first end wins.
	FollowUp func(context.Context, playbook.Investigation, playbook.Press) error
}

// Work runs tasks until ctx ends; then it hands back what is running, at once,
// waits for the handlers to leave and returns. Any number of replicas may work.
func (s *Store) Work(ctx context.Context, t Tasks) error {
	srv := asynq.NewServerFromRedisClient(s.rdb, asynq.Config{
		Concurrency:              s.workers,
		Queues:                   map[string]int{queue: 1},
		TaskCheckInterval:        PollEvery, // asynq polls; its default of 1 s is most of the time to the first message
		DelayedTaskCheckInterval: time.Second,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return time.Second },
		ShutdownTimeout:          5 * time.Second,
		Logger:                   asynqLog{s.log, s.away},
		LogLevel:                 asynq.WarnLevel,
	})
	leaving := make(chan struct{})
	var runs sync.WaitGroup
	err := srv.Start(asynq.HandlerFunc(func(_ context.Context, at *asynq.Task) error {
		runs.Add(1) // asynq forgets a handler that outlives its lease; we wait for it
		defer runs.Done()
		// Not asynq's context: its lease ends after 30 s without Redis, while a run
		// may wait longer than that, and is fenced if somebody took over.
		return s.attend(context.WithoutCancel(ctx), leaving, string(at.Payload()), t)
	}))
	if err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	<-ctx.Done()
	srv.Stop() // first: what is handed back is not for us
	close(leaving)
	srv.Shutdown() // until here a handler may begin
	runs.Wait()
	return nil
}

// attend carries one task out and keeps it alive. A task that is not the newest
// try of its run any more is dropped.
func (s *Store) attend(ctx context.Context, leaving <-chan struct{}, payload string, tasks Tasks) error {
	t, err := readTask(payload)
	if err != nil {
		s.log.Error("dropped a task", "err", err)
		return nil
	}
	log := s.log.With("investigation", t.ID, "press", t.Press, "try", t.Try)
	wanted, token, err := s.wanted(ctx, t)
	if err != nil {
		log.Warn("could not take a task, the watchdog will have it begun again", "err", err)
		return nil
	}
	if !wanted {
		return nil
	}
	r := &run{task: t}
	select {
	case <-leaving:
		if err := s.handBack(ctx, t.ID, t.Press, token); err != nil {
			log.Warn("could not hand back a task, the watchdog will have it begun again", "err", err)
		}
		return nil
	default:
	}

	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, runKey{}, r))
	ended := make(chan struct{})
	var alive sync.WaitGroup
	alive.Go(func() { s.keepAlive(ctx, cancel, leaving, ended, r, token, log) })
	err = s.carryOut(ctx, r, tasks)
	close(ended)
	alive.Wait()
	cause := context.Cause(ctx)
	cancel(nil)
	switch {
	case err == nil, errors.Is(err, engine.ErrFenced), cause != nil:
		log.Debug("task ended", "err", err, "cause", cause)
	default:
		log.Error("a run ended in an error, the watchdog will have it begun again", "err", err)
	}
	return nil
}

// wanted reports whether a task is the newest try of a run that has not ended,
// and the run's token.
func (s *Store) wanted(ctx context.Context, t task) (bool, engine.Token, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	names := []string{"state" + suffix(t.Press), "try" + suffix(t.Press), "token" + suffix(t.Press)}
	values, err := s.rdb.HMGet(ctx, recordKey(t.ID), names...).Result()
	if err != nil {
		return false, 0, wrap(ctx, "look at "+t.name(), err)
	}
	fields := zip([]string{"state", "try", "token"}, values)
	var state playbook.State
	if err := state.UnmarshalText([]byte(fields["state"])); err != nil || state.Ended() {
		return false, 0, nil
	}
	token, _ := strconv.ParseInt(fields["token"], 10, 64)
	return fields["try"] == strconv.FormatInt(t.Try, 10), engine.Token(token), nil
}

// carryOut calls the task's handler; its panic is an error.
func (s *Store) carryOut(ctx context.Context, r *run, tasks Tasks) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("carry out %s: panic: %v", r.name(), p)
		}
	}()
	if r.Press == "" {
		inv, err := s.Load(ctx, r.ID)
		if err != nil {
			return err
		}
		return tasks.Investigate(ctx, inv)
	}
	token, err := s.begin(ctx, r.ID, r.Press)
	if err != nil {
		return err
	}
	r.token.Store(int64(token))
	inv, err := s.Load(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, p := range inv.Presses {
		if p.ID == r.Press {
			return tasks.FollowUp(ctx, inv, p)
		}
	}
	return fmt.Errorf("carry out %s: %w", r.name(), ErrUnknown)
}

// keepAlive shows that a run is alive until it has ended, hands it back when
// this process leaves, and cancels it when somebody else has it or nobody wants
// it. While Redis is away it goes on: nobody else can take over then either.
// untaken is the token of a run that has not begun yet.
func (s *Store) keepAlive(ctx context.Context, cancel context.CancelCauseFunc, leaving, ended <-chan struct{}, r *run, untaken engine.Token, log *slog.Logger) {
	tick := time.NewTicker(HeartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-leaving:
			token := engine.Token(r.token.Load())
			if token == 0 {
				token = untaken
			}
			if err := s.handBack(ctx, r.ID, r.Press, token); err != nil && !errors.Is(err, engine.ErrFenced) {
				log.Warn("could not hand back a run, the watchdog will have it begun again", "err", err)
			}
			cancel(ErrHandedBack)
			return
		case <-tick.C:
		}
		token := engine.Token(r.token.Load())
		if token == 0 {
			continue
		}
		switch err := s.heartbeat(ctx, r.ID, r.Press, token); {
		case errors.Is(err, ErrStopped):
			cancel(ErrStopped)
			return
		case errors.Is(err, engine.ErrFenced):
			cancel(engine.ErrFenced)
			return
		case err != nil:
			warn(log, "no heartbeat", err)
		}
	}
}
