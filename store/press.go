package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// pressScript stores a button press, or finds the one that was first.
//
//	KEYS[1-13]   KEYS[14] answers   KEYS[15] deliveries
//	ARGV[1] id   ARGV[2] press id   ARGV[3] action   ARGV[4] press as JSON
//	ARGV[5] delay, ms   ARGV[6…] names of the delivery
//	Output: {1, press id, now in ms} stored, {0, press id of the first},
//	{2, press id} stored by this delivery before; -1 unknown investigation
var pressScript = transition("press", `
local ANSWERS, DELIVERIES = KEYS[14], KEYS[15]
if not get("state") then return -1 end
for i = 6, #ARGV do
  local answered = redis.call("HGET", ANSWERS, ARGV[i])
  if answered then
    local how, press = string.match(answered, "^(%S+) (%S+)$")
    if how == "first" then return {2, press} end
    return {0, press}
  end
end

local how, press = "first", ARGV[2]
local other = get("press-of:" .. ARGV[3])
if other and get("state:" .. other) ~= "failed" and get("state:" .. other) ~= "stopped" then
  how, press = "found", other
else
  redis.call("HSET", RECORD, "press:" .. press, ARGV[4], "press-of:" .. ARGV[3], press, "state:" .. press, "accepted",
    "press-at:" .. press, now, "press-due:" .. press, now + tonumber(ARGV[5]), "token:" .. press, 0, "try:" .. press, 1)
  redis.call("ZADD", LIVE, now + tonumber(ARGV[5]), ARGV[1] .. "/" .. press)
  card(ARGV[1])
end
for i = 6, #ARGV do
  redis.call("HSET", ANSWERS, ARGV[i], how .. " " .. press)
  redis.call("ZADD", DELIVERIES, now, ARGV[i])
end
if how == "first" then return {1, press, string.format("%.0f", now)} end
return {0, press}
`)

// Press stores a button press and queues a task for it, to be done after
// `delay` (0: at once). There is one press an action and investigation: who
// comes second finds the first (false), unless that one failed or was stopped.
// A delivery that comes again gets the answer it got before.
func (s *Store) Press(ctx context.Context, d playbook.Delivery, id, action string, by playbook.Person, delay time.Duration) (playbook.Press, bool, error) {
	what := fmt.Sprintf("press %s of %s", action, id)
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	p := playbook.Press{ID: "prs_" + strings.ToLower(rand.Text()[:16]), Action: action, By: by, State: playbook.Accepted}
	text, err := json.Marshal(p)
	if err != nil {
		return p, false, fmt.Errorf("%s: %w", what, err)
	}
	args := append([]any{id, p.ID, action, text, delay.Milliseconds()}, deliveryFields(d)...)
	n, results, err := s.run(ctx, what, pressScript, append(one(id), answersKey(), deliveriesKey()), args...)
	if err != nil {
		return p, false, err
	}
	if n == fenced {
		return p, false, fmt.Errorf("%s: %w", what, ErrUnknown)
	}
	pressed := results[0].(string)
	if n >= done {
		if err := s.enqueue(ctx, task{ID: id, Press: pressed, Try: 1}, delay); err != nil {
			s.log.Warn("could not queue a follow-up, the watchdog will", "investigation", id, "press", pressed, "err", err)
		}
	}
	if n == done {
		p.At = moment(results[1].(string))
		p.Due = p.At.Add(delay)
		return p, true, nil
	}
	p, err = s.loadPress(ctx, id, pressed)
	return p, n >= done, err
}

func (s *Store) loadPress(ctx context.Context, id, press string) (playbook.Press, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	what := "load press " + press + " of " + id
	fields := []string{"press:" + press, "press-end:" + press, "press-at:" + press, "press-due:" + press, "state:" + press}
	values, err := s.rdb.HMGet(ctx, recordKey(id), fields...).Result()
	if err != nil {
		return playbook.Press{}, wrap(ctx, what, err)
	}
	p, err := pressOf(zip(fields, values), press)
	if err != nil {
		return playbook.Press{}, fmt.Errorf("%s: %w", what, err)
	}
	return p, nil
}

// zip pairs HMGET's answer with what was asked; what is missing stays missing.
func zip(fields []string, values []any) map[string]string {
	out := make(map[string]string, len(fields))
	for i, v := range values {
		if text, ok := v.(string); ok {
			out[fields[i]] = text
		}
	}
	return out
}

// settlePressScript ends a press. First write wins.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] press id   ARGV[3] state   ARGV[4] end as JSON, packed
//	ARGV[5] message id, or "" for none   ARGV[6] message as JSON
//	Output: 1 ended, 0 it had ended, -1 unknown
var settlePressScript = transition("settle-press", `
local state = get("state:" .. ARGV[2])
if not state then return -1 end
if state ~= "accepted" and state ~= "running" then return 0 end
redis.call("HSET", RECORD, "state:" .. ARGV[2], ARGV[3], "press-end:" .. ARGV[2], ARGV[4])
redis.call("ZREM", LIVE, ARGV[1] .. "/" .. ARGV[2])
if ARGV[5] ~= "" then tell(ARGV[1], ARGV[5], ARGV[6]) end
card(ARGV[1])
return 1
`)

// SettlePress ends a press with p.State (Finished, Failed or Stopped),
// p.Outcome and p.Led; first write wins, and what stands is returned. With an
// Outcome its message is queued. The card is edited in any case.
func (s *Store) SettlePress(ctx context.Context, id string, p playbook.Press) (playbook.Press, error) {
	what := fmt.Sprintf("settle press %s of %s", p.ID, id)
	if !p.State.Ended() {
		return p, fmt.Errorf("%s: %s is no end", what, p.State)
	}
	m := playbook.Message{Investigation: id, Kind: playbook.FollowUpMessage, Ref: p.ID}
	mid := ""
	if p.Outcome != nil {
		o, _, err := capped(*p.Outcome)
		if err != nil {
			return p, fmt.Errorf("%s: %w", what, err)
		}
		p.Outcome, mid = &o, string(m.ID())
	}
	end, err := json.Marshal(playbook.Press{ID: p.ID, Outcome: p.Outcome, Led: p.Led, State: p.State})
	if err == nil {
		end, err = pack(end)
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", what, err)
	}
	message, err := json.Marshal(m)
	if err != nil {
		return p, fmt.Errorf("%s: %w", what, err)
	}
	n, _, err := s.run(ctx, what, settlePressScript, one(id), id, p.ID, p.State.String(), end, mid, message)
	if err != nil {
		return p, err
	}
	if n == fenced {
		return p, fmt.Errorf("%s: %w", what, ErrUnknown)
	}
	return s.loadPress(ctx, id, p.ID)
}

// feedbackScript stores what a person thinks, in place of what they thought.
//
//	KEYS[1-13]   KEYS[14] by:feedback   ARGV[1] id   ARGV[2] person   ARGV[3] feedback as JSON
//	Output: 1 stored, -1 unknown
var feedbackScript = transition("feedback", `
if not get("state") then return -1 end
set("feedback:" .. ARGV[2], ARGV[3])
redis.call("ZADD", KEYS[14], get("accepted"), ARGV[1])
card(ARGV[1])
return 1
`)

// Feedback stores what a person thinks of a diagnosis; a second one of the same
// person replaces the first.
func (s *Store) Feedback(ctx context.Context, id string, f playbook.Feedback) error {
	what := "store feedback on " + id
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	n, _, err := s.run(ctx, what, feedbackScript, append(one(id), byFeedbackKey()), id, f.By.Team+"/"+f.By.User, text)
	if err == nil && n == fenced {
		err = fmt.Errorf("%s: %w", what, ErrUnknown)
	}
	return err
}
