package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// steadyFor is how long nothing may fail before Redis counts as back: while it
// comes up, or a Sentinel changes the master, some commands succeed and some fail.
const steadyFor = 2 * time.Second

// outage sees the end of every command that this process gives Redis, asynq's
// too, and has one line in the log when Redis goes away and one when it is back.
// What each loop then says of its own trouble is for debugging.
type outage struct {
	log *slog.Logger

	mu     sync.Mutex
	since  time.Time // guarded by mu: when Redis went away, zero while it answers
	failed time.Time // guarded by mu: when a command last failed
}

func (o *outage) saw(ctx context.Context, err error) {
	gone := gone(ctx, err)
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	switch {
	case gone && o.since.IsZero():
		o.since = now
		o.log.Error("the state store does not answer: commands are refused, investigations wait", "err", err)
	case !gone && !o.since.IsZero() && ctx.Err() == nil && now.Sub(o.failed) > steadyFor:
		o.log.Warn("the state store answers again: investigations go on", "after", now.Sub(o.since).Round(time.Second).String())
		o.since = time.Time{}
	}
	if gone {
		o.failed = now
	}
}

// on reports whether Redis is away.
func (o *outage) on() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

// DialHook, ProcessHook and ProcessPipelineHook implement redis.Hook.
func (o *outage) DialHook(next redis.DialHook) redis.DialHook {
	return next
}

func (o *outage) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		o.saw(ctx, err)
		return err
	}
}

func (o *outage) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		o.saw(ctx, err)
		return err
	}
}

// gone reports whether an error of Redis, or of the way to it, means "not now":
// neither an answer, nor that the caller has given up. A deadline, whosoever's,
// is Redis's fault.
func gone(ctx context.Context, err error) bool {
	var refused redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil), errors.Is(err, redis.ErrClosed), errors.Is(ctx.Err(), context.Canceled):
		return false
	case errors.As(err, &refused):
		return unavailable(refused)
	}
	return true
}

// warn is for what goes wrong again and again: while Redis is away that was said
// already.
func warn(log *slog.Logger, what string, err error) {
	level := slog.LevelWarn
	if errors.Is(err, ErrUnavailable) {
		level = slog.LevelDebug
	}
	log.Log(context.Background(), level, what, "err", err)
}

// asynqLog gives asynq's few warnings to slog, in words that say whose they are.
type asynqLog struct {
	log  *slog.Logger
	away *outage
}

func (l asynqLog) Debug(args ...any) { l.say(slog.LevelDebug, args) }
func (l asynqLog) Info(args ...any)  { l.say(slog.LevelInfo, args) }
func (l asynqLog) Warn(args ...any)  { l.say(slog.LevelWarn, args) }
func (l asynqLog) Error(args ...any) { l.say(slog.LevelWarn, args) } // it tries again
func (l asynqLog) Fatal(args ...any) { l.say(slog.LevelError, args) }

func (l asynqLog) say(level slog.Level, args []any) {
	if l.away.on() {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "the queue of work has trouble", "from", "asynq", "says", fmt.Sprint(args...))
}
