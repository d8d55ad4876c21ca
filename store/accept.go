package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

// MaxGoing bounds what is going on at once, over all replicas: a flood of
// questions must not fill Redis. Twenty a second for two minutes are fewer.
const MaxGoing = 5000

// full is accept's answer when MaxGoing is reached.
const full = -2

// acceptScript stores a command, or finds what answers it.
//
//	KEYS[1-13] of the new investigation
//	KEYS[14] answers   KEYS[15] deliveries
//	KEYS[16] by:time   KEYS[17] by:role   KEYS[18] by:channel
//	KEYS[19] record of the investigation that this one succeeds
//	ARGV[1] id   ARGV[2] record as JSON   ARGV[3] account/role/region, and the direct message where it is asked in one
//	ARGV[4] role   ARGV[5] channel   ARGV[6] team
//	ARGV[7] "1": always a new one   ARGV[8] how long a finished one answers, ms
//	ARGV[9] parent message as JSON   ARGV[10] id of the one it succeeds, or ""
//	ARGV[11…] names of the delivery
//	Output: -2 too much is going on; {1, how, id, now in ms} done, {0, how, id} this delivery was answered so before
var acceptScript = transition("accept", `
local ANSWERS, DELIVERIES = KEYS[14], KEYS[15]
for i = 11, #ARGV do
  local answered = redis.call("HGET", ANSWERS, ARGV[i])
  if answered then
    local how, id = string.match(answered, "^(%S+) (%S+)$")
    return {0, how, id}
  end
end

local function answer(how, id)
  for i = 11, #ARGV do
    redis.call("HSET", ANSWERS, ARGV[i], how .. " " .. id)
    redis.call("ZADD", DELIVERIES, now, ARGV[i])
  end
  return {1, how, id, string.format("%.0f", now)}
end

local id, same = ARGV[1], ARGV[3]
if ARGV[7] ~= "1" then
  local other = redis.call("HGET", SAME, same)
  if other then
    local found, ended = string.match(other, "^(%S+) (%d+)$")
    if ended == "0" then return answer("joined", found) end
    if tonumber(ended) > now - tonumber(ARGV[8]) then return answer("recent", found) end
  end
end

if redis.call("ZCARD", LIVE) >= `+strconv.Itoa(MaxGoing)+` then return -2 end

redis.call("HSET", RECORD, "head", ARGV[2], "state", "accepted", "accepted", now, "token", 0, "try", 1, "card", 0,
  "role", ARGV[4], "channel", ARGV[5], "team", ARGV[6], "same", same)
redis.call("HSET", SAME, same, id .. " 0")
redis.call("ZADD", LIVE, now, id)
redis.call("ZADD", BY_STATE["accepted"], now, id)
redis.call("ZADD", KEYS[16], now, id)
redis.call("ZADD", KEYS[17], now, id)
redis.call("ZADD", KEYS[18], now, id)
tell(id, "parent", ARGV[9])

local old = ARGV[10]
if old ~= "" and redis.call("HEXISTS", KEYS[19], "state") == 1 then
  redis.call("HSET", KEYS[19], "superseded_by", id, "superseded_at", "")
  card(old, KEYS[19])
end
return answer("new", id)
`)

// Accept stores a command, queues its work and its parent message, and says
// what became of it: New, Joined or Recent (fresh: always New). A delivery that
// comes again has no second effect and gets the same answer. inv needs Request,
// AskedBy and Place; with Extends it becomes the successor of another one, which
// is marked as superseded. State and Accepted are set here, by Redis's clock.
//
// A follow-up that starts an investigation passes
// Delivery{Trigger: "press/" + press.ID}, so that a second run of it finds the
// first one's.
func (s *Store) Accept(ctx context.Context, d playbook.Delivery, inv playbook.Investigation, fresh bool) (playbook.Acceptance, error) {
	id, t := inv.Request.ID, inv.Request.Target
	what := "accept investigation " + id
	// One bound for the script, the queue and the reading together: a person waits.
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	inv.State = playbook.Accepted
	head, err := json.Marshal(inv)
	if err != nil {
		return playbook.Acceptance{}, fmt.Errorf("%s: %w", what, err)
	}
	parent, err := json.Marshal(playbook.Message{Investigation: id, Kind: playbook.ParentMessage, Extends: inv.Extends})
	if err != nil {
		return playbook.Acceptance{}, fmt.Errorf("%s: %w", what, err)
	}
	same := strings.Join([]string{t.Account, t.Role, t.Region}, "/")
	if strings.HasPrefix(inv.Place.Channel, "D") { // a direct message: nobody else could follow it there
		same += "/" + inv.Place.Channel
	}
	keys := append(one(id), answersKey(), deliveriesKey(), byTimeKey(), byRoleKey(t.Role), byChannelKey(inv.Place.Channel),
		recordKey(inv.Extends))
	args := append([]any{id, head, same, t.Role, inv.Place.Channel, inv.Place.Team, oneIf(fresh),
		playbook.RecentFor.Milliseconds(), parent, inv.Extends}, deliveryFields(d)...)
	n, results, err := s.run(ctx, what, acceptScript, keys, args...)
	if err == nil && n == full {
		err = &playbook.InputError{Problem: fmt.Sprintf("%d investigations and checks are going on already; nothing was started.", MaxGoing), Hint: "Try again when some of them have ended."}
	}
	if err != nil {
		return playbook.Acceptance{}, err
	}
	a := playbook.Acceptance{Again: n == before}
	if err := a.How.UnmarshalText([]byte(results[0].(string))); err != nil {
		return playbook.Acceptance{}, fmt.Errorf("%s: %w", what, err)
	}
	found := results[1].(string)
	if a.How == playbook.New {
		// Should this be lost, the watchdog queues the task when nobody takes it.
		if err := s.enqueue(ctx, task{ID: found, Try: 1}, 0); err != nil {
			s.log.Warn("could not queue an investigation, the watchdog will", "investigation", found, "err", err)
		}
	}
	if a.How == playbook.New && !a.Again {
		inv.Accepted = moment(results[2].(string))
		a.Investigation = inv
		return a, nil
	}
	a.Investigation, err = s.Load(ctx, found)
	return a, err
}

// deliveryFields are the names under which a delivery's answer is kept.
func deliveryFields(d playbook.Delivery) []any {
	var out []any
	if d.Envelope != "" {
		out = append(out, "envelope:"+d.Envelope)
	}
	if d.Trigger != "" {
		out = append(out, "trigger:"+d.Trigger)
	}
	return out
}

func oneIf(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
