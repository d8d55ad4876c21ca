package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

// member names a run in the live set: an investigation, or a press of one. The
// press's fields in the record carry its id as a suffix.
func member(id, press string) string {
	if press == "" {
		return id
	}
	return id + "/" + press
}

func suffix(press string) string {
	if press == "" {
		return ""
	}
	return ":" + press
}

// beginScript takes a run over. The investigation, or the press whose suffix is
// given, gets a larger token than any before.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] member of the live set   ARGV[3] suffix
//	Output: {1, token}, -1 it has ended or is unknown
var beginScript = transition("begin", `
local suffix = ARGV[3]
local state = get("state" .. suffix)
if state ~= "accepted" and state ~= "running" then return -1 end
if state == "accepted" then
  if suffix == "" then move(ARGV[1], "running") else set("state" .. suffix, "running") end
  card(ARGV[1])
end
redis.call("ZADD", LIVE, now, ARGV[2])
return {1, redis.call("HINCRBY", RECORD, "token" .. suffix, 1)}
`)

// Begin implements engine.Journal: it takes the run over with a token larger
// than any before, and reads what is settled. An investigation that has ended
// or is unknown gives engine.ErrFenced.
func (s *Store) Begin(ctx context.Context, id string) (engine.Token, playbook.Outcomes, error) {
	t, err := s.begin(ctx, id, "")
	if err != nil {
		return 0, nil, err
	}
	// Read after the token was taken: no older run can add to it any more.
	inv, err := s.Load(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.ID == id {
		r.token.Store(int64(t))
	}
	return t, inv.Steps, nil
}

func (s *Store) begin(ctx context.Context, id, press string) (engine.Token, error) {
	what := "begin " + member(id, press)
	n, results, err := s.run(ctx, what, beginScript, one(id), id, member(id, press), suffix(press))
	if err != nil {
		return 0, err
	}
	if n != done {
		return 0, fmt.Errorf("%s: %w", what, engine.ErrFenced)
	}
	return engine.Token(results[0].(int64)), nil
}

// run is a task that this process is carrying out. Its context carries it, so
// that Begin can tell it its token: only then can it show that it is alive.
type run struct {
	task
	token atomic.Int64 // 0 before Begin
}

type runKey struct{}

// startScript notes that a step has begun.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] token   ARGV[3] step
//	Output: 1 noted, 0 was noted before, -1 fenced
var startScript = transition("start", `
if get("token") ~= ARGV[2] or get("state") ~= "running" then return -1 end
if redis.call("HSETNX", RECORD, "start:" .. ARGV[3], number("starts")) == 0 then return 0 end
redis.call("HINCRBY", RECORD, "starts", 1)
card(ARGV[1])
return 1
`)

// Start notes, for the plan's display, that a step has begun. ctx must descend
// from the one that Tasks.Investigate was given: it carries the run's token.
func (s *Store) Start(ctx context.Context, id string, step playbook.StepID) error {
	what := fmt.Sprintf("start %s of %s", step, id)
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return fmt.Errorf("%s: this is not the context of a task", what)
	}
	_, err := s.do(ctx, what, startScript, one(id), id, r.token.Load(), string(step))
	return err
}

// settleScript stores a step's outcome, queues its evidence and asks for an
// edit of the parent. First write wins.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] token   ARGV[3] step
//	ARGV[4] outcome as JSON, packed   ARGV[5] message id   ARGV[6] message as JSON
//	Output: 1 stored, 0 an outcome stands already, -1 fenced
var settleScript = transition("settle", `
if get("token") ~= ARGV[2] then return -1 end
if redis.call("HEXISTS", RECORD, "step:" .. ARGV[3]) == 1 then return 0 end
if get("state") ~= "running" then return -1 end
set("step:" .. ARGV[3], ARGV[4])
set("falls", 0)
redis.call("ZADD", LIVE, now, ARGV[1])
tell(ARGV[1], ARGV[5], ARGV[6])
card(ARGV[1])
return 1
`)

// Settle implements engine.Journal: outcome, evidence message and parent update
// in one transition. It returns the outcome that stands. One larger than
// MaxOutcomeBytes is thinned, and says so.
func (s *Store) Settle(ctx context.Context, id string, t engine.Token, o playbook.Outcome) (playbook.Outcome, error) {
	what := fmt.Sprintf("settle %s of %s", o.Step, id)
	o, stored, err := capped(o)
	if err != nil {
		return playbook.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	m := playbook.Message{Investigation: id, Kind: playbook.EvidenceMessage, Ref: string(o.Step)}
	message, err := json.Marshal(m)
	if err != nil {
		return playbook.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	first, err := s.do(ctx, what, settleScript, one(id), id, int64(t), string(o.Step), stored, string(m.ID()), message)
	if err != nil || first {
		return o, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	stands, err := s.rdb.HGet(ctx, recordKey(id), "step:"+string(o.Step)).Bytes()
	if err != nil {
		return playbook.Outcome{}, wrap(ctx, what, err)
	}
	var out playbook.Outcome
	if err := unpack(stands, &out); err != nil {
		return playbook.Outcome{}, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// concludeScript stores the report and ends the investigation: as finished, or
// as failed when its parent could not be told. It queues the thread's last
// messages and asks for the card.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] token   ARGV[3] report as JSON
//	ARGV[4], [5] and so on in pairs: message id, message as JSON
//	Output: 1 stored, 0 was stored before, -1 fenced
var concludeScript = transition("conclude", `
if get("token") ~= ARGV[2] then return -1 end
if get("report") then return 0 end
if get("state") ~= "running" then return -1 end
set("report", ARGV[3])
if get("dead:parent") then ending(ARGV[1], "failed") else ending(ARGV[1], "finished") end
for i = 4, #ARGV, 2 do tell(ARGV[1], ARGV[i], ARGV[i + 1]) end
return 1
`)

// verdict is what is stored of a report: its steps are in the record already.
// The request is not the accepted one: what the steps found out (the account,
// the role's ARN) is filled in.
type verdict struct {
	Request   playbook.Request   `json:"request"`
	Rules     []playbook.Judged  `json:"rules"`
	Diagnosis playbook.Diagnosis `json:"diagnosis"`
	Was       *playbook.Earlier  `json:"was,omitempty"`
}

// Conclude implements engine.Journal: report, card, and the thread's last
// messages (timeline, then trace) in one transition.
func (s *Store) Conclude(ctx context.Context, id string, t engine.Token, r playbook.Report) error {
	what := "conclude " + id
	text, err := json.Marshal(verdict{r.Request, r.Rules, r.Diagnosis, r.Was})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	args := []any{id, int64(t), text}
	for _, kind := range []playbook.MessageKind{playbook.TimelineMessage, playbook.TraceMessage} {
		m := playbook.Message{Investigation: id, Kind: kind}
		message, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		args = append(args, string(m.ID()), message)
	}
	_, err = s.do(ctx, what, concludeScript, one(id), args...)
	return err
}

// failScript ends what can't be carried out. The running worker, if there is
// one, is fenced.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] problem, for people
//	Output: 1 failed, 0 it had ended, -1 unknown
var failScript = transition("fail", `
local state = get("state")
if not state then return -1 end
if state ~= "accepted" and state ~= "running" then return 0 end
redis.call("HINCRBY", RECORD, "token", 1)
set("problem", ARGV[2])
ending(ARGV[1], "failed")
return 1
`)

// Fail ends an investigation that can't be carried out; problem is for people.
// One that has ended stays as it is.
func (s *Store) Fail(ctx context.Context, id, problem string) error {
	n, _, err := s.run(ctx, "fail "+id, failScript, one(id), id, problem)
	switch {
	case err == nil && n == done:
		s.failed()
	case err == nil && n == fenced:
		err = fmt.Errorf("fail %s: %w", id, ErrUnknown)
	}
	return err
}

// heartbeatScript shows that a run is alive.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] member   ARGV[3] suffix   ARGV[4] token
//	Output: 1 noted, 0 it has ended, -1 fenced, -2 stopped by a person
var heartbeatScript = transition("heartbeat", `
local state = get("state" .. ARGV[3])
if state == "stopped" then return -2 end
if get("token" .. ARGV[3]) ~= ARGV[4] then return -1 end
if state ~= "running" then return 0 end
redis.call("ZADD", LIVE, now, ARGV[2])
return 1
`)

// heartbeat shows that a run is alive. It returns engine.ErrFenced or ErrStopped
// when the run has to leave.
func (s *Store) heartbeat(ctx context.Context, id, press string, t engine.Token) error {
	what := "heartbeat of " + member(id, press)
	n, _, err := s.run(ctx, what, heartbeatScript, one(id), id, member(id, press), suffix(press), int64(t))
	if err == nil && n == -2 {
		return fmt.Errorf("%s: %w", what, ErrStopped)
	}
	if err == nil && n == fenced {
		return fmt.Errorf("%s: %w", what, engine.ErrFenced)
	}
	return err
}

// handBackScript voids a run's token and asks for another task.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] member   ARGV[3] suffix   ARGV[4] token
//	Output: {1, number of the task to queue}, -1 it is another's, or has ended
var handBackScript = transition("hand-back", `
local suffix = ARGV[3]
if get("token" .. suffix) ~= ARGV[4] then return -1 end
local state = get("state" .. suffix)
if state ~= "accepted" and state ~= "running" then return -1 end
redis.call("HINCRBY", RECORD, "token" .. suffix, 1)
redis.call("ZADD", LIVE, now, ARGV[2])
return {1, redis.call("HINCRBY", RECORD, "try" .. suffix, 1)}
`)

// handBack gives a run up: its token is void from now on, and the work is queued
// again at once.
func (s *Store) handBack(ctx context.Context, id, press string, t engine.Token) error {
	what := "hand back " + member(id, press)
	n, results, err := s.run(ctx, what, handBackScript, one(id), id, member(id, press), suffix(press), int64(t))
	if err != nil {
		return err
	}
	if n != done {
		return fmt.Errorf("%s: %w", what, engine.ErrFenced)
	}
	return s.enqueue(ctx, task{ID: id, Press: press, Try: results[0].(int64)}, 0)
}

// stopScript ends an investigation for a person and fences its worker.
//
//	KEYS[1-13]   ARGV[1] id   ARGV[2] person as JSON   ARGV[3] message id   ARGV[4] message as JSON
//	Output: 1 stopped, 0 it had ended, -1 unknown
var stopScript = transition("stop", `
local state = get("state")
if not state then return -1 end
if state ~= "accepted" and state ~= "running" then return 0 end
redis.call("HINCRBY", RECORD, "token", 1)
set("stopped_by", ARGV[2])
ending(ARGV[1], "stopped")
tell(ARGV[1], ARGV[3], ARGV[4])
return 1
`)

// StoppedNote is the Ref of the note that Cancel puts at the thread's end.
const StoppedNote = "stopped"

// Cancel stops an investigation for a person. Its worker, on whatever replica,
// can't write from now on and leaves with its next heartbeat. False: it had
// ended before. Follow-ups are not stopped: they take seconds.
func (s *Store) Cancel(ctx context.Context, id string, by playbook.Person) (bool, error) {
	what := "cancel " + id
	person, err := json.Marshal(by)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	m := playbook.Message{Investigation: id, Kind: playbook.NoteMessage, Ref: StoppedNote}
	message, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	n, _, err := s.run(ctx, what, stopScript, one(id), id, person, string(m.ID()), message)
	if err == nil && n == fenced {
		err = fmt.Errorf("%s: %w", what, ErrUnknown)
	}
	return n == done, err
}

// split takes a member of the live set apart.
func split(member string) (id, press string) {
	id, press, _ = strings.Cut(member, "/")
	return id, press
}
