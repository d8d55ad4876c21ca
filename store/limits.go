package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// What all replicas together do to an AWS account, so that they keep to its
// limits. A place is an account and a region; the limits themselves are their
// user's (playbook/steps). Nothing here belongs to an investigation, and nothing
// of it matters longer than a few seconds: these are no transitions.

const (
	// SlotLease is how long a slot belongs to a holder that does not say that it
	// lives.
	SlotLease = 30 * time.Second
	// askerPatience is how long an asker keeps its place in the line after it last
	// asked.
	askerPatience = time.Second
)

// limits are all scripts on places, for the documentation's test.
var limits []*script

// limit defines a script on one place.
func limit(name, body string) *script {
	s := &script{name, redis.NewScript(limitPrelude + body)}
	limits = append(limits, s)
	return s
}

const limitPrelude = `
local clock = redis.call("TIME")
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

-- The living slots of a place and its line of askers; the dead are removed. An
-- end further away than a lease is of another clock.
local function living(place, lease)
  local slots, line = 0, {}
  local all = redis.call("HGETALL", place)
  for i = 1, #all, 2 do
    local slot, asker = string.match(all[i], "^slot:(.+)$"), string.match(all[i], "^ask:(.+)$")
    local since, ends = string.match(all[i + 1], "^(%d+) (%d+)$")
    since, ends = tonumber(since), tonumber(ends)
    if ends <= now or ends > now + tonumber(lease) then
      redis.call("HDEL", place, all[i])
    elseif slot then
      slots = slots + 1
    else
      line[asker] = since
    end
  end
  return slots, line
end

local function hold(place, field, since, length)
  redis.call("HSET", place, field, string.format("%.0f %.0f", since, now + tonumber(length)))
end
`

// bookTurnScript books the next turn of a pace (generic cell rate algorithm).
//
//	KEYS[1] pace   ARGV[1] field   ARGV[2] ms between two   ARGV[3] burst
//	ARGV[4] longest wait, ms
//	Output: {1 booked or 0 not, ms until the turn}
var bookTurnScript = limit("book-turn", paceLua+`
local wait = math.max(0, delay(KEYS[1], ARGV[1], ARGV[2], ARGV[3]))
if wait > tonumber(ARGV[4]) then return {0, wait} end
take(KEYS[1], ARGV[1], ARGV[2])
return {1, wait}
`)

// BookTurn books the next request of an action in a place and says how long it is
// until then: one request every so often, burst of them at once. Where that is
// longer than within, nothing was booked.
func (s *Store) BookTurn(ctx context.Context, place, action string, every time.Duration, burst int, within time.Duration) (time.Duration, error) {
	what := fmt.Sprintf("book a turn of %s in %s", action, place)
	_, r, err := s.run(ctx, what, bookTurnScript, []string{paceKey()},
		"aws:"+place+"/"+action, every.Milliseconds(), burst, within.Milliseconds())
	if err != nil {
		return 0, err
	}
	return time.Duration(r[0].(int64)) * time.Millisecond, nil
}

// takeSlotScript hands a slot out, or a place in the line. An asker gets one
// where there are more free than askers before it. The pace in which slots are
// handed out is that of the requests which use them.
//
//	KEYS[1] slots   KEYS[2] pace   ARGV[1] holder   ARGV[2] asker   ARGV[3] slots
//	ARGV[4] lease, ms   ARGV[5] an asker's patience, ms
//	ARGV[6] field of the pace   ARGV[7] ms between two   ARGV[8] burst
//	Output: 1 the holder has one, 0 not now
var takeSlotScript = limit("take-slot", paceLua+`
local slots, line = living(KEYS[1], ARGV[4])
if redis.call("HEXISTS", KEYS[1], "slot:" .. ARGV[1]) == 1 then return 1 end
local since, before = line[ARGV[2]] or now, 0
for asker, others in pairs(line) do
  if asker ~= ARGV[2] and (others < since or others == since and asker < ARGV[2]) then before = before + 1 end
end
if slots + before >= tonumber(ARGV[3]) or delay(KEYS[2], ARGV[6], ARGV[7], ARGV[8]) > 0 then
  hold(KEYS[1], "ask:" .. ARGV[2], since, ARGV[5])
  return 0
end
redis.call("HDEL", KEYS[1], "ask:" .. ARGV[2])
take(KEYS[2], ARGV[6], ARGV[7])
hold(KEYS[1], "slot:" .. ARGV[1], now, ARGV[4])
return 1
`)

// TakeSlot asks for one of the slots of a place, for SlotLease. A refused asker
// stands in line as long as it asks again every second; one asker is one process.
func (s *Store) TakeSlot(ctx context.Context, place, holder, asker string, slots int, every time.Duration, burst int) (bool, error) {
	n, _, err := s.run(ctx, "take a slot of "+place, takeSlotScript, []string{slotsKey(place), paceKey()},
		holder, asker, slots, SlotLease.Milliseconds(), askerPatience.Milliseconds(), "aws:"+place+"/slots", every.Milliseconds(), burst)
	return n == done, err
}

// keepSlotScript lengthens a lease. A holder whose lease was over gets a slot
// again if one is free: its query runs.
//
//	KEYS[1] slots   ARGV[1] holder   ARGV[2] slots   ARGV[3] lease, ms
//	Output: 1 the holder has one, 0 it has lost it
var keepSlotScript = limit("keep-slot", `
local slots = living(KEYS[1], ARGV[3])
local field = "slot:" .. ARGV[1]
if redis.call("HEXISTS", KEYS[1], field) == 0 and slots >= tonumber(ARGV[2]) then return 0 end
hold(KEYS[1], field, now, ARGV[3])
return 1
`)

// KeepSlot shows that the holder of a slot lives.
func (s *Store) KeepSlot(ctx context.Context, place, holder string, slots int) error {
	_, _, err := s.run(ctx, "keep a slot of "+place, keepSlotScript, []string{slotsKey(place)}, holder, slots, SlotLease.Milliseconds())
	return err
}

// ReturnSlot gives a slot back.
func (s *Store) ReturnSlot(ctx context.Context, place, holder string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	return wrap(ctx, "return a slot of "+place, s.rdb.HDel(ctx, slotsKey(place), "slot:"+holder).Err())
}
