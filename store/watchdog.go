package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// StaleAfter is how long a run may be silent before it is taken for dead.
	StaleAfter = 10 * time.Second
	// MaxFalls is how often a run may fall silent without a step settled in
	// between: one that kills its worker every time must not do so for ever.
	MaxFalls = 10

	watchEvery = time.Second
)

// Watchdog, until ctx ends, has work begun again whose worker has fallen
// silent, notices that Redis was emptied, and removes what has expired. Every
// replica runs one; that several find the same does no harm.
//
// After a pause of Redis every run looks silent. The watchdog then waits until
// the living ones have had the time to show up.
func (s *Store) Watchdog(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last, patience := time.Now(), time.Time{}
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := s.checkGeneration(ctx); err != nil {
			warn(s.log, "the watchdog can't see", err)
			continue
		}
		if time.Since(last) > watchEvery+CallTimeout {
			patience = time.Now().Add(StaleAfter)
		}
		last = time.Now()
		if last.After(patience) {
			if _, err := s.Resume(ctx, StaleAfter); err != nil {
				warn(s.log, "could not look for silent runs", err)
			}
		}
		if time.Since(swept) > sweepEvery {
			swept = time.Now()
			if _, err := s.Sweep(ctx, s.retention); err != nil {
				warn(s.log, "could not remove what has expired", err)
			}
		}
	}
}

// resumeScript has a silent run begun again, or lets it wait for its turn.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] member   ARGV[3] suffix
//	ARGV[4] how long it must have been silent, ms   ARGV[5] the task that was looked at
//	ARGV[6] "1": that task is still in the queue    ARGV[7] falls allowed
//	ARGV[8] message id   ARGV[9] message as JSON, for an investigation that was under way
//	Output: {1, number of the task to queue}, 0 nothing to do, -1 it fell too often
var resumeScript = transition("resume", `
local suffix = ARGV[3]
local state = get("state" .. suffix)
if state ~= "accepted" and state ~= "running" then
  redis.call("ZREM", LIVE, ARGV[2])
  return 0
end
local beat = redis.call("ZSCORE", LIVE, ARGV[2])
if not beat or tonumber(beat) > now - tonumber(ARGV[4]) or get("try" .. suffix) ~= ARGV[5] then return 0 end
redis.call("ZADD", LIVE, now, ARGV[2])
if ARGV[6] == "1" then return 0 end
if redis.call("HINCRBY", RECORD, "falls" .. suffix, 1) > tonumber(ARGV[7]) then return -1 end
redis.call("HINCRBY", RECORD, "token" .. suffix, 1)
if suffix == "" and state == "running" then tell(ARGV[1], ARGV[8], ARGV[9]) end
return {1, redis.call("HINCRBY", RECORD, "try" .. suffix, 1)}
`)

// ResumedNote is the Ref of the note that tells the thread of the first
// interruption.
const ResumedNote = "resumed"

// Resume queues a task for every run that has been silent for that long, and
// returns how many those were. A run that waits in the queue for a free worker
// is not silent.
func (s *Store) Resume(ctx context.Context, silent time.Duration) (int, error) {
	members, err := s.silent(ctx, silent)
	if err != nil {
		return 0, err
	}
	resumed := 0
	for _, m := range members {
		ok, err := s.resume(ctx, m, silent)
		if err != nil {
			return resumed, err
		}
		if ok {
			resumed++
		}
	}
	return resumed, nil
}

// silent lists the runs without a heartbeat for that long, by Redis's clock.
func (s *Store) silent(ctx context.Context, d time.Duration) ([]string, error) {
	const what = "look for silent runs"
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, wrap(ctx, what, err)
	}
	members, err := s.rdb.ZRangeByScore(ctx, liveKey(), &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.Add(-d).UnixMilli(), 10), Count: 100}).Result()
	return members, wrap(ctx, what, err)
}

func (s *Store) resume(ctx context.Context, m string, silent time.Duration) (bool, error) {
	id, press := split(m)
	what := "resume " + m
	call, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	try, err := s.rdb.HGet(call, recordKey(id), "try"+suffix(press)).Int64()
	err = wrap(call, what, err)
	cancel()
	if err != nil && !errors.Is(err, redis.Nil) { // a record that is gone leaves the live set below
		return false, err
	}
	t := task{id, press, try}
	waiting, err := s.queued(t)
	if err != nil {
		return false, err
	}
	note := playbook.Message{Investigation: id, Kind: playbook.NoteMessage, Ref: ResumedNote}
	message, err := json.Marshal(note)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	n, results, err := s.run(ctx, what, resumeScript, one(id), id, m, suffix(press), silent.Milliseconds(), try, oneIf(waiting), MaxFalls, string(note.ID()), message)
	switch {
	case err != nil:
		return false, err
	case n == fenced:
		s.log.Error("a run fell silent too often", "investigation", id, "press", press)
		return false, s.giveUp(ctx, id, press)
	case n != done:
		return false, nil
	}
	t.Try = results[0].(int64)
	s.log.Warn("a run had fallen silent and is begun again", "investigation", id, "press", press, "try", t.Try)
	return true, s.enqueue(ctx, t, 0)
}
