package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/accounts"
)

const (
	// sessionsEvery is how often sessions are looked after.
	sessionsEvery = 30 * time.Second
	// sessionWithin bounds the wait for one.
	sessionWithin = 10 * time.Second
	// refusedRests is how long an account that refuses the bot is left alone: each
	// refusal is a record in CloudTrail, and no role is mended within seconds.
	refusedRests = 5 * time.Minute
)

// sessions looks after the bot's own credentials and the sessions of the accounts
// that were asked since it started: they are renewed before they end though
// nobody asks anything, so that the first question of an incident does not wait
// for it, and one that can't be renewed shows before that question.
type sessions struct {
	own  aws.CredentialsProvider // nil: there are none
	pool *accounts.Pool          // nil: there are no others
	log  *slog.Logger

	mu   sync.Mutex
	seen map[string]session // by account; guarded by mu
}

// session is what is known of one.
type session struct {
	ends   time.Time // as the SDK counts it: the minutes by which it renews early are taken off; zero: it does not end
	failed bool      // said already that it can't be renewed
	rests  time.Time // until when it is left alone
}

// ends is when each session that ends does, by account. It asks nobody.
func (s *sessions) ends() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]time.Time{}
	for account, one := range s.seen {
		if !one.ends.IsZero() {
			all[account] = one.ends
		}
	}
	return all
}

// keep looks after them until ctx ends.
func (s *sessions) keep(ctx context.Context) error {
	tick := time.NewTicker(sessionsEvery)
	defer tick.Stop()
	for {
		s.renew(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// renew asks for every session at once; what is good for a while comes from the
// SDK's memory.
func (s *sessions) renew(ctx context.Context) {
	all := map[string]aws.CredentialsProvider{}
	if s.pool != nil {
		all = s.pool.Sessions()
	}
	if s.own != nil {
		all[ownAccount] = s.own
	}
	var asking sync.WaitGroup
	for account, provider := range all {
		if s.resting(account) {
			continue
		}
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, sessionWithin)
			defer cancel()
			creds, err := provider.Retrieve(ctx)
			if errors.Is(ctx.Err(), context.Canceled) {
				return // the process ends
			}
			s.note(account, creds, err)
		})
	}
	asking.Wait()
}

func (s *sessions) resting(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.seen[account].rests)
}

// note keeps when a session ends. One that can't be had has ended, if it was not
// good for longer.
func (s *sessions) note(account string, creds aws.Credentials, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.seen[account]
	switch {
	case err != nil:
		if one.ends.IsZero() {
			one.ends = time.Now()
		}
		if !one.failed {
			s.log.Error("the bot's own session can't be renewed", "account", account, "err", err)
		}
	case creds.CanExpire:
		one.ends = creds.Expires
	default:
		one.ends = time.Time{}
	}
	if err == nil && one.failed {
		s.log.Info("the bot's own session is renewed again", "account", account)
	}
	one.failed = err != nil
	if assume, ok := errors.AsType[*accounts.AssumeError](err); ok && assume.Code() == "AccessDenied" {
		one.rests = time.Now().Add(refusedRests)
	}
	if s.seen == nil {
		s.seen = map[string]session{}
	}
	s.seen[account] = one
}
