package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stsleuth/stsleuth/store"
)

// OpenState opens the state that replicas share, for an operator's command. It
// refuses the embedded one: that is another process's memory.
func OpenState(ctx context.Context, redisURL string) (*store.Store, error) {
	if redisURL == "" {
		return nil, errors.New("no REDIS_URL: give the address of the Redis that `serve` uses")
	}
	return store.Open(ctx, redisURL, store.Options{Log: slog.New(slog.DiscardHandler)})
}

// openWaiting opens the state for a replica. Redis being away is waited for, as
// Slack is: replicas that start meanwhile must not fall over and over. Anything
// else that is wrong with it ends the wait.
func openWaiting(ctx context.Context, redisURL string, o store.Options) (*store.Store, error) {
	for wait := time.Second; ; wait = min(2*wait, 5*time.Second) {
		state, err := store.Open(ctx, redisURL, o)
		if !errors.Is(err, store.ErrUnavailable) {
			return state, err
		}
		o.Log.Warn("Redis does not answer, trying again", "wait", wait, "err", err)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// NotStored reports whether an error says that there is no such record: it never
// was there, or its retention is over.
func NotStored(err error) bool { return errors.Is(err, store.ErrUnknown) }
