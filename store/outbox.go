package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// LeaseFor is how long a claimed message belongs to its sender. After that
	// another one gets it, with Unsure set, looks in the thread and posts what is
	// not there: a post that lands later than this is there twice. So it is longer
	// than a Claim, the sending and what is under way after it may take together;
	// internal/app says so where the compiler sees it.
	LeaseFor = 15 * time.Second
	// PollEvery is how often a sender that found nothing asks again.
	PollEvery = 200 * time.Millisecond

	// cardMessage stands for the parent's edit among dead letters: the parent
	// itself is up.
	cardMessage = "card"
)

// tellScript queues a message, or asks for an edit of the parent.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] message id, "" for an edit   ARGV[3] message as JSON
//	Output: 1 queued, 0 it was queued before, -1 unknown investigation
var tellScript = transition("tell", `
if not get("state") then return -1 end
if ARGV[2] == "" then card(ARGV[1]) return 1 end
return tell(ARGV[1], ARGV[2], ARGV[3])
`)

// Tell queues a message at the end of its investigation's thread. One that was
// ever queued under the same id is not queued again, unless it was given up on:
// somebody wants it still. With m.Update the parent's next edit is asked for.
func (s *Store) Tell(ctx context.Context, m playbook.Message) error {
	what := fmt.Sprintf("queue message %s of %s", m.ID(), m.Investigation)
	mid := string(m.ID())
	if m.Update {
		mid = ""
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	n, _, err := s.run(ctx, what, tellScript, one(m.Investigation), m.Investigation, mid, text)
	if err == nil && n == fenced {
		err = fmt.Errorf("%s: %w", what, ErrUnknown)
	}
	if err == nil && n == before {
		_, err = s.Resend(ctx, m)
	}
	return err
}

// claimScript hands out the first message of a thread, if it is due and the
// channel's and the workspace's pace allow it; else the thread is looked at
// again when they do.
//
//	KEYS[1-13]   KEYS[14] pace
//	ARGV[1] id   ARGV[2] lease, ms
//	ARGV[3] ms between posts to a channel    ARGV[4] how many may come at once
//	ARGV[5] ms between posts to a workspace  ARGV[6] how many may come at once
//	Output: {1, message, attempt, unsure, ts, channel, team, posted channel, card version,
//	ms that it has waited for the pace}, 0 nothing now
var claimScript = transition("claim", paceLua+`
local id = ARGV[1]
local due = redis.call("ZSCORE", DUE, id)
if not due or tonumber(due) > now then return 0 end
local message = redis.call("LINDEX", THREAD, 0)
if not message or not get("state") then
  redis.call("ZREM", DUE, id)
  return 0
end
local PACE, channel, team = KEYS[14], "post:" .. get("channel"), "posts:" .. get("team")
local held = tonumber(redis.call("HGET", PACE, "hold:" .. channel) or 0) - now
local wait = math.max(delay(PACE, channel, ARGV[3], ARGV[4]), delay(PACE, team, ARGV[5], ARGV[6]), held)
if wait > 0 then
  redis.call("HSETNX", RECORD, "paced:" .. message, now)
  redis.call("ZADD", DUE, now + wait, id)
  return 0
end
local refused = number("paced:" .. message)
local paced = refused > 0 and now - refused or 0
redis.call("HDEL", RECORD, "paced:" .. message)
take(PACE, channel, ARGV[3])
take(PACE, team, ARGV[5])
redis.call("ZADD", DUE, now + tonumber(ARGV[2]), id)
local unsure = get("unsure:" .. message) or "0"
set("unsure:" .. message, "1")
return {1, get("msg:" .. message), redis.call("HINCRBY", RECORD, "attempts:" .. message, 1), unsure,
  get("ts") or "", get("channel"), get("team"), get("ts_channel") or "", get("card"), paced}
`)

// claimCardScript hands out an edit of a parent. While an investigation goes
// on, its edits leave half of the workspace's allowance to those that ended:
// a diagnosis never waits for progress.
//
//	KEYS[1-13]   KEYS[14] pace
//	ARGV[1] id   ARGV[2] lease, ms
//	ARGV[3] ms between edits in a workspace   ARGV[4] how many may come at once
//	Output: {1, version, attempt, ts, channel, team}, 0 nothing now
var claimCardScript = transition("claim-card", paceLua+`
local id = ARGV[1]
local due = redis.call("ZSCORE", CARDS, id)
if not due or tonumber(due) > now then return 0 end
if not get("ts") or get("gone:card") or number("card") <= number("card_done") then
  redis.call("ZREM", CARDS, id)
  return 0
end
local PACE, team, burst = KEYS[14], "edits:" .. get("team"), tonumber(ARGV[4])
if not get("ended") then burst = math.ceil(burst / 2) end
local held = tonumber(redis.call("HGET", PACE, "hold:" .. team) or 0) - now
local wait = math.max(delay(PACE, team, ARGV[3], burst), held)
if wait > 0 then
  redis.call("ZADD", CARDS, now + wait, id)
  return 0
end
take(PACE, team, ARGV[3])
redis.call("ZADD", CARDS, now + tonumber(ARGV[2]), id)
return {1, get("card"), redis.call("HINCRBY", RECORD, "attempts:card", 1), get("ts"), get("ts_channel"), get("team")}
`)

// Claim hands out up to n messages that may be sent now, each for LeaseFor:
// parents' edits first, then the first message of each thread, as far as the
// pace of channel and workspace allows. No answer means that there is nothing
// to do at the moment; ask again after PollEvery. All of it takes at most
// CallTimeout, so that the first one's lease is still young; what was claimed
// until then comes with the error.
//
// Place is filled in: Thread is the parent's ts (of an Update, the message to
// edit), "" for the parent itself.
func (s *Store) Claim(ctx context.Context, n int) ([]playbook.Message, error) {
	const what = "claim messages"
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	cards, threads, err := s.claimable(ctx)
	if err != nil {
		return nil, err
	}
	var out []playbook.Message
	for _, id := range cards {
		if len(out) == n {
			return out, nil
		}
		ok, r, err := s.run(ctx, what, claimCardScript, append(one(id), paceKey()),
			id, LeaseFor.Milliseconds(), editEvery.Milliseconds(), editBurst)
		if err != nil {
			return out, err
		}
		if ok == done {
			version, _ := strconv.ParseInt(r[0].(string), 10, 64)
			out = append(out, playbook.Message{Investigation: id, Kind: playbook.ParentMessage, Update: true, Version: version,
				Attempt: int(r[1].(int64)), Place: playbook.Place{Thread: r[2].(string), Channel: r[3].(string), Team: r[4].(string)}})
		}
	}
	for _, id := range threads {
		if len(out) == n {
			return out, nil
		}
		ok, r, err := s.run(ctx, what, claimScript, append(one(id), paceKey()),
			id, LeaseFor.Milliseconds(), postEvery.Milliseconds(), postBurst, teamPostEvery.Milliseconds(), teamPostBurst)
		if err != nil {
			return out, err
		}
		if ok != done {
			continue
		}
		s.paced(time.Duration(r[8].(int64)) * time.Millisecond)
		var m playbook.Message
		if err := json.Unmarshal([]byte(r[0].(string)), &m); err != nil {
			return out, fmt.Errorf("%s of %s: %w", what, id, err)
		}
		m.Attempt, m.Unsure = int(r[1].(int64)), r[2].(string) == "1"
		m.Place = playbook.Place{Channel: r[4].(string), Team: r[5].(string)}
		if ts := r[3].(string); ts != "" {
			m.Place.Thread, m.Place.Channel = ts, r[6].(string)
		}
		if m.Kind == playbook.ParentMessage {
			m.Version, _ = strconv.ParseInt(r[7].(string), 10, 64)
		}
		out = append(out, m)
	}
	return out, nil
}

// claimable are the investigations that may have an edit or a message due: by
// Redis's clock, so that a sender's own does not matter.
func (s *Store) claimable(ctx context.Context) (cards, threads []string, err error) {
	const what, most = "look for messages to send", 50
	pipe := s.rdb.Pipeline()
	c := pipe.ZRangeWithScores(ctx, cardsKey(), 0, most-1)
	t := pipe.ZRangeWithScores(ctx, dueKey(), 0, most-1)
	clock := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, wrap(ctx, what, err)
	}
	now := float64(clock.Val().UnixMilli())
	due := func(list []redis.Z) (ids []string) {
		for _, z := range list {
			if z.Score <= now {
				ids = append(ids, z.Member.(string))
			}
		}
		return ids
	}
	return due(c.Val()), due(t.Val()), nil
}

// postedScript notes that a message is up and lets the thread's next one go. A
// successor's parent gives its link to the card that it supersedes.
//
//	KEYS[1-13]   KEYS[14] record of the investigation that this one succeeds
//	ARGV[1] id   ARGV[2] message id   ARGV[3] posted as JSON
//	ARGV[4] its ts, "" when there was nothing to post   ARGV[5] its channel
//	ARGV[6] version of the parent that it shows, 0 for other messages
//	ARGV[7] id of the one that this one succeeds, or ""   ARGV[8] link
//	Output: 1 noted, 0 was noted before, -1 unknown investigation
var postedScript = transition("posted", `
local id, message = ARGV[1], ARGV[2]
if not get("state") then return -1 end
if get("posted:" .. message) then return 0 end
set("posted:" .. message, ARGV[3])
redis.call("LREM", THREAD, 0, message)
redis.call("ZREM", WAITING, id .. " " .. message)
redis.call("ZREM", DEAD, id .. " " .. message)
redis.call("HDEL", RECORD, "msg:" .. message, "attempts:" .. message, "unsure:" .. message, "dead:" .. message)
if message == "parent" and ARGV[4] ~= "" then
  redis.call("HSET", RECORD, "ts", ARGV[4], "ts_channel", ARGV[5], "card_done", ARGV[6], "card_at", now)
  if number("card") > tonumber(ARGV[6]) then redis.call("ZADD", CARDS, now + APART, id) end
  if ARGV[7] ~= "" and redis.call("HGET", KEYS[14], "superseded_by") == id then
    redis.call("HSET", KEYS[14], "superseded_at", ARGV[8])
    card(ARGV[7], KEYS[14])
  end
end
nextone(id)
return 1
`)

// editedScript notes which state of the parent is shown. If a newer one has
// come meanwhile, the next edit follows.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] version
//	Output: 1 noted, 0 a newer one was noted before, -1 unknown investigation
var editedScript = transition("edited", `
local id, version = ARGV[1], tonumber(ARGV[2])
if not get("state") then return -1 end
if version <= number("card_done") then return 0 end
redis.call("HSET", RECORD, "card_done", version, "card_at", now)
redis.call("HDEL", RECORD, "attempts:card", "dead:card")
redis.call("ZREM", DEAD, id .. " card")
if number("card") > version then redis.call("ZADD", CARDS, now + APART, id) else redis.call("ZREM", CARDS, id) end
return 1
`)

// Posted notes that a claimed message is up, and lets the thread's next one go.
// A p without TS means that there was nothing to post.
func (s *Store) Posted(ctx context.Context, m playbook.Message, p playbook.Posted) error {
	what := fmt.Sprintf("note message %s of %s", m.ID(), m.Investigation)
	if m.Update {
		_, _, err := s.run(ctx, what, editedScript, one(m.Investigation), m.Investigation, m.Version)
		return err
	}
	p.Message = m.ID()
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	_, _, err = s.run(ctx, what, postedScript, append(one(m.Investigation), recordKey(m.Extends)),
		m.Investigation, string(m.ID()), text, p.TS, p.Channel, m.Version, m.Extends, p.Permalink)
	return err
}

// giveBackLua lets a claimed message be claimed again after a while, ms.
const giveBackLua = `
local function giveback(id, message, wait, unsure)
  if message == "card" then
    if not redis.call("ZSCORE", CARDS, id) then return 0 end
    redis.call("ZADD", CARDS, now + tonumber(wait), id)
    return 1
  end
  if redis.call("LINDEX", THREAD, 0) ~= message then return 0 end
  set("unsure:" .. message, unsure)
  redis.call("ZADD", DUE, now + tonumber(wait), id)
  return 1
end
`

// retryScript gives a claimed message back for a while. One that was claimed
// again meanwhile is the newer sender's, which may be posting it.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] message id, "card" for an edit   ARGV[3] wait, ms   ARGV[4] "1": it may be up
//	ARGV[5] attempt
//	Output: 1 given back, 0 it is not the thread's next any more, -1 another sender has it
var retryScript = transition("retry", giveBackLua+`
if number("attempts:" .. ARGV[2]) > tonumber(ARGV[5]) then return -1 end
return giveback(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
`)

// Retry gives a claimed message back, to be handed out after a while. m.Unsure
// says that it may be up nevertheless.
func (s *Store) Retry(ctx context.Context, m playbook.Message, after time.Duration) error {
	_, _, err := s.run(ctx, fmt.Sprintf("give message %s of %s back", m.ID(), m.Investigation), retryScript,
		one(m.Investigation), m.Investigation, name(m), after.Milliseconds(), oneIf(m.Unsure), m.Attempt)
	return err
}

// name is a message's id, and "card" for an edit of the parent.
func name(m playbook.Message) string {
	if m.Update {
		return cardMessage
	}
	return string(m.ID())
}

// deadScript gives a message up. The thread goes on without it; without its
// parent it can't, and the investigation has failed. An edit is given up for
// this version: the next one is tried anew.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] message id, "card" for an edit   ARGV[3] reason, for people
//	ARGV[4] version of an edit
//	Output: 1 given up, 0 it is posted or was given up before, -1 unknown investigation
var deadScript = transition("dead", `
local id, message = ARGV[1], ARGV[2]
if not get("state") then return -1 end
if message == "card" then
  if tonumber(ARGV[4]) <= number("card_done") then return 0 end
elseif get("dead:" .. message) or not get("msg:" .. message) then
  return 0
end
set("dead:" .. message, ARGV[3])
redis.call("ZADD", DEAD, now, id .. " " .. message)
if message == "card" then
  set("card_done", ARGV[4])
  redis.call("HDEL", RECORD, "attempts:card")
  if number("card") > tonumber(ARGV[4]) then redis.call("ZADD", CARDS, now + APART, id) else redis.call("ZREM", CARDS, id) end
  return 1
end
redis.call("LREM", THREAD, 0, message)
redis.call("ZREM", WAITING, id .. " " .. message)
if message == "parent" then
  set("problem", ARGV[3])
  if get("state") == "finished" then move(id, "failed") end
end
nextone(id)
return 1
`)

// Dead gives a message up, visibly. The thread goes on with its next message;
// when it was the parent, the thread waits for a Resend, and the investigation
// counts as Failed with the reason as its problem once it has ended.
func (s *Store) Dead(ctx context.Context, m playbook.Message, reason string) error {
	_, _, err := s.run(ctx, fmt.Sprintf("give message %s of %s up", m.ID(), m.Investigation), deadScript,
		one(m.Investigation), m.Investigation, name(m), reason, m.Version)
	return err
}

// goneScript notes that a message which others stand on was deleted: the card, the
// top of the thread, or both, where the card is the top. What would go there is
// not told any more.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] "1": the card   ARGV[3] "1": the thread
//	Output: 1 noted, 0 was noted before, -1 unknown investigation
var goneScript = transition("gone", `
local id, first = ARGV[1], 0
if not get("state") then return -1 end
if ARGV[2] == "1" then
  first = math.max(first, redis.call("HSETNX", RECORD, "gone:card", now))
  redis.call("ZREM", CARDS, id)
end
if ARGV[3] == "1" then
  first = math.max(first, redis.call("HSETNX", RECORD, "gone:thread", now))
  for _, message in ipairs(redis.call("LRANGE", THREAD, 0, -1)) do
    redis.call("ZREM", WAITING, id .. " " .. message)
    redis.call("HDEL", RECORD, "msg:" .. message, "attempts:" .. message, "unsure:" .. message, "paced:" .. message)
  end
  redis.call("DEL", THREAD)
  redis.call("ZREM", DUE, id)
end
return first
`)

// Gone drops what waits to be told, because m found out that what it belongs to
// was deleted, and takes nothing more. apart: the card is a reply in somebody's
// thread, so either can be gone without the other; an edit found out of the card,
// any other message of the thread. first: nobody knew before.
func (s *Store) Gone(ctx context.Context, m playbook.Message, apart bool) (first bool, err error) {
	n, _, err := s.run(ctx, fmt.Sprintf("drop the messages of %s", m.Investigation), goneScript, one(m.Investigation),
		m.Investigation, oneIf(m.Update || !apart), oneIf(!m.Update || !apart))
	return n == done, err
}

// resendScript queues a dead message again: the parent as the thread's first,
// any other as its last.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] message id, "card" for an edit
//	Output: 1 queued, 0 it is not dead, or its place is gone
var resendScript = transition("resend", `
local id, message = ARGV[1], ARGV[2]
if not get("dead:" .. message) or get("gone:" .. (message == "card" and "card" or "thread")) then return 0 end
redis.call("HDEL", RECORD, "dead:" .. message, "attempts:" .. message)
redis.call("ZREM", DEAD, id .. " " .. message)
if message == "card" then card(id) return 1 end
redis.call(message == "parent" and "LPUSH" or "RPUSH", THREAD, message)
redis.call("ZADD", WAITING, now, id .. " " .. message)
if message == "parent" then
  redis.call("HDEL", RECORD, "problem")
  if get("state") == "failed" and get("report") then move(id, "finished") end
end
nextone(id)
return 1
`)

// Resend queues a dead message again: the parent as the thread's first, any
// other as its last. False: it is not dead, or what it belongs to was deleted.
func (s *Store) Resend(ctx context.Context, m playbook.Message) (bool, error) {
	n, _, err := s.run(ctx, fmt.Sprintf("send message %s of %s again", m.ID(), m.Investigation), resendScript,
		one(m.Investigation), m.Investigation, name(m))
	return n == done, err
}

// DeadLetters lists messages that were given up on, the newest first, at most
// limit of them.
func (s *Store) DeadLetters(ctx context.Context, limit int) ([]playbook.DeadLetter, error) {
	const what = "list dead letters"
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	members, err := s.rdb.ZRevRangeWithScores(ctx, deadKey(), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, wrap(ctx, what, err)
	}
	var out []playbook.DeadLetter
	for _, z := range members {
		id, message, _ := cutMember(z.Member.(string))
		values, err := s.rdb.HMGet(ctx, recordKey(id), "msg:"+message, "dead:"+message).Result()
		if err != nil {
			return out, wrap(ctx, what, err)
		}
		fields := zip([]string{"msg", "dead"}, values)
		d := playbook.DeadLetter{Reason: fields["dead"], At: time.UnixMilli(int64(z.Score)).UTC()}
		if message == cardMessage {
			d.Message = playbook.Message{Investigation: id, Kind: playbook.ParentMessage, Update: true}
		} else if err := json.Unmarshal([]byte(fields["msg"]), &d.Message); err != nil {
			return out, fmt.Errorf("%s: %s of %s: %w", what, message, id, err)
		}
		out = append(out, d)
	}
	return out, nil
}
