package store

import (
	"context"
	"fmt"
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

// paceLua is the generic cell rate algorithm on one hash field a channel or
// workspace: the moment up to which it is booked. It is decided inside the
// transition that hands the message out, so that a refusal costs nothing and
// can be postponed at once. A field "hold:…" is a pause that Slack asked for.
const paceLua = `
local PACE = KEYS[14]
-- How many ms until one more may go; 0 or less: now.
local function delay(field, every, burst)
  local booked = tonumber(redis.call("HGET", PACE, field) or 0)
  local held = tonumber(redis.call("HGET", PACE, "hold:" .. field) or 0)
  return math.max(booked - (tonumber(burst) - 1) * tonumber(every) - now, held - now)
end
local function take(field, every)
  local booked = tonumber(redis.call("HGET", PACE, field) or 0)
  redis.call("HSET", PACE, field, math.max(booked, now) + tonumber(every))
end
`

// holdScript pauses a channel, or a workspace's edits.
//
//	KEYS[1-13]   KEYS[14] pace   ARGV[1] field   ARGV[2] how long, ms
//	Output: 1
var holdScript = transition("hold", `
redis.call("HSET", KEYS[14], "hold:" .. ARGV[1], now + tonumber(ARGV[2]))
return 1
`)

// Paused holds back, on every replica, what m's kind shares a limit with: posts
// to its channel, or edits in its workspace. It is for the sender that was told
// to wait (429); m itself is given back with Retry.
func (s *Store) Paused(ctx context.Context, m playbook.Message, wait time.Duration) error {
	field := "post:" + m.Place.Channel
	if m.Update {
		field = "edits:" + m.Place.Team
	}
	_, _, err := s.run(ctx, fmt.Sprintf("pause %s", field), holdScript, append(one(m.Investigation), paceKey()), field, wait.Milliseconds())
	return err
}
