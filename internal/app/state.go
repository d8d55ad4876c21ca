package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stsleuth/stsleuth/bot"
	"github.com/stsleuth/stsleuth/store"
)

// landing is how long a post may still be under way to Slack after its sender
// has given up on it.
const landing = time.Second

// A message's lease outlives whatever may still post it: the Claim that handed it
// out, the telling, and what is under way then. Else the next sender would look
// in the thread, find nothing, and post what lands a moment later. This line does
// not compile otherwise.
const _ = uint64(store.LeaseFor - store.CallTimeout - bot.DeliverWithin - landing)

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
	var since time.Time
	for wait := time.Second; ; wait = min(2*wait, 5*time.Second) {
		state, err := store.Open(ctx, redisURL, o)
		switch away := errors.Is(err, store.ErrUnavailable); {
		case !away && err == nil && !since.IsZero():
			o.Log.Warn("the state store answers: the bot starts", "after", time.Since(since).Round(time.Second).String())
			return state, nil
		case !away:
			return state, err
		case since.IsZero():
			since = time.Now()
			o.Log.Error("the state store does not answer: the bot starts when it does", "err", err)
		}
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
