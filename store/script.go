package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook/engine"
)

// CallTimeout bounds one call of the store, retries included: a command must be
// answered within Slack's three seconds, also when the answer is that Redis is
// away.
const CallTimeout = 2 * time.Second

// What a transition answers, as its result or as the first of its results.
const (
	done   = 1  // it was done
	before = 0  // it had been done before, or there is nothing to do
	fenced = -1 // another run has taken over, or the record has ended or is gone
)

// script is one transition: one atomic change of one investigation.
type script struct {
	name string // as docs/STATE.md lists it
	lua  *redis.Script
}

// scripts are all transitions, for the documentation's test.
var scripts []*script

// transition defines a script. Its first 13 KEYS are those that `one` builds;
// the prelude gives them names, reads the clock and defines what several
// transitions do.
func transition(name, body string) *script {
	s := &script{name, redis.NewScript(prelude + body)}
	scripts = append(scripts, s)
	return s
}

// one is the keys that every transition of an investigation may touch.
func one(id string) []string {
	return []string{recordKey(id), threadKey(id), liveKey(), dueKey(), cardsKey(), waitingKey(), deadKey(), sameKey(),
		byStateKey("accepted"), byStateKey("running"), byStateKey("finished"), byStateKey("stopped"), byStateKey("failed")}
}

const prelude = `
local RECORD, THREAD, LIVE, DUE, CARDS, WAITING, DEAD, SAME = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local BY_STATE = {accepted = KEYS[9], running = KEYS[10], finished = KEYS[11], stopped = KEYS[12], failed = KEYS[13]}

local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local APART = 1500 -- ms between two edits of one parent

local function get(field) return redis.call("HGET", RECORD, field) end
local function set(field, value) redis.call("HSET", RECORD, field, value) end
local function number(field) return tonumber(get(field) or 0) end

-- The parent shows something old: ask for an edit, not sooner than APART
-- after the last one. Before its first post there is nothing to edit. record is
-- another investigation's, where it is not this one's.
local function card(id, record)
  record = record or RECORD
  redis.call("HINCRBY", record, "card", 1)
  if redis.call("HEXISTS", record, "ts") == 1 and not redis.call("ZSCORE", CARDS, id) then
    redis.call("ZADD", CARDS, math.max(now, tonumber(redis.call("HGET", record, "card_at") or 0) + APART), id)
  end
end

-- Queue a message at the thread's end, once in its life. A thread whose parent
-- could not be posted waits for a resend; one that was deleted gets nothing more.
local function tell(id, message, json)
  if get("gone:thread") then return 0 end
  if redis.call("HSETNX", RECORD, "queued:" .. message, now) == 0 then return 0 end
  set("msg:" .. message, json)
  redis.call("RPUSH", THREAD, message)
  redis.call("ZADD", WAITING, now, id .. " " .. message)
  if not get("dead:parent") and not redis.call("ZSCORE", DUE, id) then redis.call("ZADD", DUE, now, id) end
  return 1
end

-- The thread's next message may go now, if there is one.
local function nextone(id)
  if redis.call("LLEN", THREAD) > 0 and not get("dead:parent") then
    redis.call("ZADD", DUE, now, id)
  else
    redis.call("ZREM", DUE, id)
  end
end

local function move(id, state)
  redis.call("ZREM", BY_STATE[get("state")], id)
  redis.call("ZADD", BY_STATE[state], get("accepted"), id)
  set("state", state)
end

-- Nothing more will happen by itself. Only a finished one is offered to those
-- who ask the same soon after.
local function ending(id, state)
  move(id, state)
  set("ended", now)
  redis.call("ZREM", LIVE, id)
  local same = get("same")
  if same and redis.call("HGET", SAME, same) == id .. " 0" then
    if state == "finished" then redis.call("HSET", SAME, same, id .. " " .. now) else redis.call("HDEL", SAME, same) end
  end
  card(id)
end
`

// run executes a transition; the answer is its first integer and, if it has
// any, the other results.
func (s *Store) run(ctx context.Context, what string, sc *script, keys []string, args ...any) (int64, []any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	v, err := sc.lua.Run(ctx, s.rdb, keys, args...).Result()
	if err != nil {
		return 0, nil, wrap(ctx, what, err)
	}
	if n, ok := v.(int64); ok {
		return n, nil, nil
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		if n, ok := list[0].(int64); ok {
			return n, list[1:], nil
		}
	}
	return 0, nil, fmt.Errorf("%s: script %s answered %v", what, sc.name, v)
}

// do runs a transition of which only the answer counts; fenced is an error.
func (s *Store) do(ctx context.Context, what string, sc *script, keys []string, args ...any) (bool, error) {
	n, _, err := s.run(ctx, what, sc, keys, args...)
	if err == nil && n == fenced {
		err = fmt.Errorf("%s: %w", what, engine.ErrFenced)
	}
	return n >= done, err
}

// away are the beginnings of Redis's own answers that mean "not now".
// https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
var away = []string{"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "OOM", "BUSY"}

// wrap classifies an error of Redis: what it refused, what the caller gave up,
// and, for all else, that it is away.
func wrap(ctx context.Context, what string, err error) error {
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return err
	case gone(ctx, err) || errors.Is(err, redis.ErrClosed):
		return fmt.Errorf("%s: %w: %v", what, ErrUnavailable, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	return fmt.Errorf("%s: %w", what, err)
}

func unavailable(refused redis.Error) bool {
	for _, prefix := range away {
		if strings.HasPrefix(refused.Error(), prefix) {
			return true
		}
	}
	return false
}
