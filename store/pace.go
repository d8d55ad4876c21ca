package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// How fast all replicas together may write: Slack's limits, a little below.
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	// chat.postMessage: one a second and channel, short bursts allowed …
	postEvery = time.Second
	postBurst = 3
	// … and "several hundred" a minute and workspace.
	teamPostEvery = 250 * time.Millisecond
	teamPostBurst = 20
	// chat.update: tier 3, 50 a minute and workspace, and bursts.
	editEvery = 1200 * time.Millisecond
	editBurst = 20
)

// bookable is how far ahead a pace can be booked. What lies beyond was written by
// another clock, before a failover, and does not count. Nobody books more than
// their burst, or one turn at a time, so all of them together are far shorter.
const bookable = 30 * time.Second

// paceLua is the generic cell rate algorithm on one hash field a channel,
// workspace or action: the moment up to which it is booked. For Slack it is
// decided inside the transition that hands the message out, so that a refusal
// costs nothing and can be postponed at once.
var paceLua = `
local function booked(pace, field)
  local till = tonumber(redis.call("HGET", pace, field) or 0)
  if till > now + ` + strconv.FormatInt(bookable.Milliseconds(), 10) + ` then return 0 end
  return till
end
-- How many ms until one more may go; 0 or less: now.
local function delay(pace, field, every, burst)
  return booked(pace, field) - (tonumber(burst) - 1) * tonumber(every) - now
end
local function take(pace, field, every)
  redis.call("HSET", pace, field, string.format("%.0f", math.max(booked(pace, field), now) + tonumber(every)))
end
`

// holdScript notes that Slack asked for a pause, of a channel's posts or of a
// workspace's edits, and gives the message back that was refused. A refusal told
// nothing, so it does not count as an attempt.
//
//	KEYS[1-13]   KEYS[14] pace   ARGV[1] id   ARGV[2] message id, "card" for an edit   ARGV[3] wait, ms   ARGV[4] "1": it may be up
//	ARGV[5] attempt   ARGV[6] ms until the message comes again
//	Output: 1 given back, 0 it is not the thread's next any more, -1 another sender has it
var holdScript = transition("hold", giveBackLua+`
local id, message = ARGV[1], ARGV[2]
local field = "hold:" .. (message == "card" and "edits:" .. (get("team") or "") or "post:" .. (get("channel") or ""))
local till = math.max(now + tonumber(ARGV[3]), tonumber(redis.call("HGET", KEYS[14], field) or 0))
redis.call("HSET", KEYS[14], field, string.format("%.0f", till))
if number("attempts:" .. message) ~= tonumber(ARGV[5]) then return -1 end
redis.call("HINCRBY", RECORD, "attempts:" .. message, -1)
return giveback(id, message, ARGV[6], ARGV[4])
`)

// Paused is for the sender that was told to wait (429): it gives m back, and
// holds back, on every replica, what m's kind shares a limit with: posts to its
// channel, or edits in its workspace.
func (s *Store) Paused(ctx context.Context, m playbook.Message, wait time.Duration) error {
	// The attempt's number is handed out again, but not as long as this call may be
	// under way once more: it would take the message from its next sender.
	again := max(wait, CallTimeout)
	_, _, err := s.run(ctx, fmt.Sprintf("pause for message %s of %s", m.ID(), m.Investigation), holdScript, append(one(m.Investigation), paceKey()),
		m.Investigation, name(m), wait.Milliseconds(), oneIf(m.Unsure), m.Attempt, again.Milliseconds())
	return err
}
