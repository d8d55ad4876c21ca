package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// DeliveryMemory is how long a delivery is recognised when it comes again.
	DeliveryMemory = 2 * time.Hour

	sweepEvery = time.Minute
	sweepBatch = 200
)

// forgetScript removes what is only remembered for a while: old deliveries and
// channels that nobody writes to any more.
//
//	KEYS[1-13]   KEYS[14] answers   KEYS[15] deliveries   KEYS[16] pace
//	ARGV[1] age of a delivery, ms   ARGV[2] how many at once
//	Output: number of deliveries removed
var forgetScript = transition("forget", `
local old = redis.call("ZRANGEBYSCORE", KEYS[15], "-inf", now - tonumber(ARGV[1]), "LIMIT", 0, tonumber(ARGV[2]))
for _, delivery in ipairs(old) do
  redis.call("HDEL", KEYS[14], delivery)
  redis.call("ZREM", KEYS[15], delivery)
end
local pace = redis.call("HGETALL", KEYS[16])
for i = 1, #pace, 2 do
  if tonumber(pace[i + 1]) < now then redis.call("HDEL", KEYS[16], pace[i]) end
end
return #old
`)

// removeScript removes an investigation that ended long ago, from everywhere.
//
//	KEYS[1-13]   KEYS[14] by:time   KEYS[15] by:role   KEYS[16] by:channel   KEYS[17] by:feedback
//	ARGV[1] id   ARGV[2] age, ms
//	Output: 1 removed, 0 it has not ended or is not that old
var removeScript = transition("remove", `
local id, state = ARGV[1], get("state")
if state then
  if state == "accepted" or state == "running" or number("accepted") > now - tonumber(ARGV[2]) then return 0 end
  redis.call("ZREM", BY_STATE[state], id)
end
for _, message in ipairs(redis.call("LRANGE", THREAD, 0, -1)) do redis.call("ZREM", WAITING, id .. " " .. message) end
for _, field in ipairs(redis.call("HKEYS", RECORD)) do
  local message = string.match(field, "^dead:(.+)$")
  if message then redis.call("ZREM", DEAD, id .. " " .. message) end
  local press = string.match(field, "^press:(.+)$")
  if press then redis.call("ZREM", LIVE, id .. "/" .. press) end
end
for _, key in ipairs({LIVE, DUE, CARDS, KEYS[14], KEYS[15], KEYS[16], KEYS[17]}) do redis.call("ZREM", key, id) end
local same = get("same")
if same and string.match(redis.call("HGET", SAME, same) or "", "^(%S+)") == id then redis.call("HDEL", SAME, same) end
redis.call("DEL", RECORD, THREAD)
return 1
`)

// Sweep removes ended investigations that were accepted longer ago than that,
// and what else is only remembered for a while. It returns how many
// investigations it removed. No key has a time to live: the embedded Redis
// would not honour it, and one mechanism is enough.
func (s *Store) Sweep(ctx context.Context, age time.Duration) (int, error) {
	const what = "remove what has expired"
	for {
		n, _, err := s.run(ctx, what, forgetScript, append(one(""), answersKey(), deliveriesKey(), paceKey()), DeliveryMemory.Milliseconds(), sweepBatch)
		if err != nil {
			return 0, err
		}
		if n < sweepBatch {
			break
		}
	}
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return 0, wrap(ctx, what, err)
	}
	old, err := s.rdb.ZRangeByScore(ctx, byTimeKey(), &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.Add(-age).UnixMilli(), 10), Count: sweepBatch}).Result()
	if err != nil {
		return 0, wrap(ctx, what, err)
	}
	removed := 0
	for _, id := range old {
		values, err := s.rdb.HMGet(ctx, recordKey(id), "role", "channel").Result()
		if err != nil {
			return removed, wrap(ctx, what, err)
		}
		f := zip([]string{"role", "channel"}, values)
		n, _, err := s.run(ctx, fmt.Sprintf("remove investigation %s", id), removeScript,
			append(one(id), byTimeKey(), byRoleKey(f["role"]), byChannelKey(f["channel"]), byFeedbackKey()), id, age.Milliseconds())
		if err != nil {
			return removed, err
		}
		removed += int(n)
	}
	return removed, nil
}

// giveUp fails a run that fell silent too often.
func (s *Store) giveUp(ctx context.Context, id, press string) error {
	if press == "" {
		return s.Fail(ctx, id, fmt.Sprintf("The investigation broke off %d times without getting further and was given up; the log has the causes under %s.", MaxFalls, id))
	}
	_, err := s.SettlePress(ctx, id, playbook.Press{ID: press, State: playbook.Failed, Outcome: &playbook.Outcome{Status: playbook.Broken,
		Summary: fmt.Sprintf("This check broke off %d times and was given up; the log has the causes under %s.", MaxFalls, id)}})
	return err
}
