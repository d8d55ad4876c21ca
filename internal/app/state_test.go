package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/store"
)

func TestAReplicaThatStartsWithoutRedisWaitsForIt(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	tried := make(tries, 1)
	opened := make(chan error, 1)
	go func() {
		s, err := openWaiting(t.Context(), "redis://"+addr, store.Options{Log: slog.New(slog.NewTextHandler(tried, nil))})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	<-tried // it found nothing
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr(addr); err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestAReplicaThatWaitsForRedisStopsWhenTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	tried := make(tries, 1)
	go func() { <-tried; cancel() }()
	_, err := openWaiting(ctx, "redis://127.0.0.1:1", store.Options{Log: slog.New(slog.NewTextHandler(tried, nil))})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// tries tells of each line that is logged.
type tries chan struct{}

func (c tries) Write(p []byte) (int, error) {
	select {
	case c <- struct{}{}:
	default:
	}
	return len(p), nil
}
