package app

import (
	"context"
	"errors"
	"log/slog"

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

// NotStored reports whether an error says that there is no such record: it never
// was there, or its retention is over.
func NotStored(err error) bool { return errors.Is(err, store.ErrUnknown) }
