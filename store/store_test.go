package store

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

// The suite says what the store does. It runs against the embedded Redis

// always, and against real ones in all their forms where they are installed

// (redis_test.go). empty gives the URL of a Redis without data.

func testStore(t *testing.T, empty func(*testing.T) string) {
	for _, tc := range []struct {
		name string
		run  func(*testing.T, string)
	}{
		{"a command is stored, its work queued and its parent message waiting", aCommandIsStored},
		{"a delivery that comes again has no second effect", aDeliveryComesAgain},
		{"the same question joins the one that runs, on any replica", theSameQuestionJoins},
		{"two same questions at once make one investigation", twoAtOnceMakeOne},
		{"nobody joins a direct message", aDirectMessageIsItsOwn},
		{"a successor marks its predecessor", aSuccessor},
		{"a superseded card gets the link to its successor", aSuccessorsLink},
		{"the first outcome stands and an older token can't write", theFirstOutcomeStands},
		{"what was concluded reads back whole", concludedReadsBack},
		{"messages come one at a time, in order", messagesComeInOrder},
		{"the card is never behind the evidence, and its edits are coalesced", theCardIsNeverBehind},
		{"a message of unknown fate comes back unsure", unknownFate},
		{"a dead message is visible and can be sent again", aDeadMessage},
		{"without its parent a thread waits", aDeadParent},
		{"a card that is given up on twice is not claimed for ever", aCardDeadTwice},
		{"where something was deleted nothing more is told", aGonePlace},
		{"a sender whose lease ran out gives nothing back", aLateRetry},
		{"a channel's pace is shared by all replicas", sharedPace},
		{"how long the pace holds a message back is told", pacedIsTold},
		{"a failed investigation is told of once", failureIsTold},
		{"a pause holds a channel back", aPause},
		{"turns to ask AWS are shared by all replicas", turnsAreShared},
		{"slots for queries are shared by all replicas", slotsAreShared},
		{"two presses at once make one run", twoPresses},
		{"a follow-up is carried out and told", aFollowUp},
		{"a press for later is carried out once", aPressForLater},
		{"feedback is kept, one a person", feedbackIsKept},
		{"lists are filtered and the newest first", lists},
		{"work goes from command to report", commandToReport},
		{"a process that leaves hands its work back at once", leavingHandsBack},
		{"work of a silent process is begun again", silentIsBegunAgain},
		{"a run that waits for a worker is not silent", waitingIsNotSilent},
		{"a run that falls silent again and again is failed", fallsTooOften},
		{"a stop reaches the worker within two seconds", aStop},
		{"what is old and ended is removed from everywhere", oldIsRemoved},
		{"an emptied Redis is noticed", emptied},
		{"data of another schema is refused", otherSchema},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, empty(t)) })
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	testStore(t, func(t *testing.T) string { return "redis://" + miniredis.RunT(t).Addr() })
}

// replica is one process's view of the store, workers and all.

func replica(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, Options{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var (
	alice = playbook.Person{Team: "T1", User: "U1"}
	bob   = playbook.Person{Team: "T1", User: "U2"}
	noon  = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
)

func asked(role string) playbook.Investigation {
	target := playbook.Target{Asked: role, Role: role, Account: "111122223333", Partition: "aws", Region: "eu-west-1"}
	return playbook.Investigation{Request: playbook.NewRequest(playbook.NewID(), target, noon, playbook.DefaultWindow),
		AskedBy: alice, Place: playbook.Place{Team: "T1", Channel: "C1"}, AnswerURL: "https://example.test/answer"}
}

func accept(t *testing.T, s *Store, inv playbook.Investigation) string {
	t.Helper()
	a, err := s.Accept(t.Context(), playbook.Delivery{Envelope: "e-" + inv.Request.ID}, inv, true)
	if err != nil || a.How != playbook.New {
		t.Fatalf("accept: %v, %v", a.How, err)
	}
	return a.Investigation.Request.ID
}

func load(t *testing.T, s *Store, id string) playbook.Investigation {
	t.Helper()
	inv, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func begin(t *testing.T, s *Store, id string) engine.Token {
	t.Helper()
	token, _, err := s.Begin(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func outcome(n int, step playbook.StepID) playbook.Outcome {
	return playbook.Outcome{N: n, Step: step, Status: playbook.Clear, Summary: "looked at " + string(step), Facts: json.RawMessage(`{"n":1}`), Proof: []playbook.Proof{}}
}

func settle(t *testing.T, s *Store, id string, token engine.Token, o playbook.Outcome) {
	t.Helper()
	if _, err := s.Settle(t.Context(), id, token, o); err != nil {
		t.Fatal(err)
	}
}

// send claims one message and notes it as posted; "" when there is none now.

func send(t *testing.T, s *Store) (playbook.Message, bool) {
	t.Helper()
	ms, err := s.Claim(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) == 0 {
		return playbook.Message{}, false
	}
	m := ms[0]
	if err := s.Posted(t.Context(), m, playbook.Posted{Channel: "C1", TS: "1." + string(m.ID()), At: time.Now().UTC().Truncate(time.Millisecond)}); err != nil {
		t.Fatal(err)
	}
	return m, true
}

// unpaced makes the pace of channels no matter, so that a test sees the order.

func unpaced(t *testing.T, s *Store) {
	t.Helper()
	if err := s.rdb.Del(t.Context(), paceKey()).Err(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that other goroutines bring about.

func eventually(t *testing.T, what string, within time.Duration, ok func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(begun) > within {
			t.Fatalf("%s: not within %s", what, within)
		}
		<-tick.C
	}
	return time.Since(begun)
}

// working runs a replica's workers and watchdog until the test ends or stop is called.

// plan of two steps that wait for each other's start, and a third that needs both.

// investigate is the handler that a program gives to Work.

// stuck is a step that runs until it is cancelled.

// dropTask takes an investigation's task out of asynq's queue, as a worker does

// that is killed: nobody will get it from there.
