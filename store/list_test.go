package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

func lists(t *testing.T, url string) {
	s := replica(t, url)
	in := asked("payments-api")
	one := accept(t, s, in)
	in = asked("billing-api")
	in.Place.Channel = "C2"
	two := accept(t, s, in)
	three := accept(t, s, asked("payments-api"))
	// The clock of Redis may show the same millisecond for all: set it apart.
	for n, id := range []string{one, two, three} {
		for _, key := range []string{byTimeKey(), byRoleKey("payments-api"), byRoleKey("billing-api"), byChannelKey("C1"), byChannelKey("C2"), byStateKey("accepted")} {
			if s.rdb.ZScore(t.Context(), key, id).Err() == nil {
				s.rdb.ZAdd(t.Context(), key, z(float64(noon.UnixMilli()+int64(n)), id))
			}
		}
	}
	if _, err := s.Cancel(t.Context(), three, alice); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		filter playbook.Filter
		want   []string
	}{
		"all, the newest first": {playbook.Filter{}, []string{three, two, one}},
		"the newest":            {playbook.Filter{Limit: 1}, []string{three}},
		"of a role":             {playbook.Filter{Role: "payments-api"}, []string{three, one}},
		"of a channel":          {playbook.Filter{Channel: "C2"}, []string{two}},
		"in a state":            {playbook.Filter{State: playbook.Accepted}, []string{two, one}},
		"of a role in a state":  {playbook.Filter{Role: "payments-api", State: playbook.Stopped}, []string{three}},
		"since":                 {playbook.Filter{Since: noon.Add(time.Millisecond)}, []string{three, two}},
		"until":                 {playbook.Filter{Until: noon}, []string{one}},
		"failed":                {playbook.Filter{Failed: true}, nil},
		"with feedback":         {playbook.Filter{Feedback: true}, nil},
	} {
		got, err := s.List(t.Context(), tc.filter)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, inv := range got {
			ids = append(ids, inv.Request.ID)
		}
		if diff := cmp.Diff(tc.want, ids); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func oldIsRemoved(t *testing.T, url string) {
	s := replica(t, url)
	running := accept(t, s, asked("billing-api"))
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	settle(t, s, id, token, outcome(1, "aa"))
	if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Feedback(t.Context(), id, playbook.Feedback{By: bob}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Press(t.Context(), playbook.Delivery{}, id, "mfa", bob, time.Hour); err != nil {
		t.Fatal(err)
	}
	ms, _ := s.Claim(t.Context(), 9)
	for _, m := range ms {
		if err := s.Dead(t.Context(), m, "archived"); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context(), time.Hour); err != nil || n != 0 {
		t.Errorf("%d removed that are not old, %v", n, err)
	}
	eventually(t, "the removal", time.Second, func() bool {
		n, err := s.Sweep(t.Context(), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	if _, err := s.Load(t.Context(), id); !errors.Is(err, ErrUnknown) {
		t.Errorf("it still loads: %v", err)
	}
	if load(t, s, running).State != playbook.Accepted {
		t.Error("what has not ended was removed")
	}
	for _, key := range []string{liveKey(), dueKey(), cardsKey(), waitingKey(), deadKey(), byTimeKey(), byRoleKey("payments-api"), byChannelKey("C1"), byStateKey("finished"), byStateKey("failed"), byFeedbackKey()} {
		for _, m := range s.rdb.ZRange(t.Context(), key, 0, -1).Val() {
			if who, _ := split(m); who == id || len(m) > len(id) && m[:len(id)] == id {
				t.Errorf("%s still has %s", key, m)
			}
		}
	}
	// What came in two hours ago is forgotten.
	if err := s.rdb.ZAdd(t.Context(), deliveriesKey(), z(1, "envelope:e-"+running)).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sweep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if s.rdb.HExists(t.Context(), answersKey(), "envelope:e-"+running).Val() {
		t.Error("an old delivery is still remembered")
	}
	if !s.rdb.HExists(t.Context(), answersKey(), "envelope:e-"+id).Val() {
		t.Error("a new delivery is forgotten")
	}
}

func emptied(t *testing.T, url string) {
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	before, err := s.Figures(t.Context())
	if err != nil || time.Since(before.Since) > time.Minute {
		t.Fatalf("begun at %s, %v", before.Since, err)
	}
	if gone, err := s.checkGeneration(t.Context()); err != nil || gone {
		t.Fatalf("before: emptied %t, %v", gone, err)
	}
	flush(t, s)
	if gone, err := s.checkGeneration(t.Context()); err != nil || !gone {
		t.Errorf("after: emptied %t, %v", gone, err)
	}
	if gone, err := s.checkGeneration(t.Context()); err != nil || gone {
		t.Errorf("said again: emptied %t, %v", gone, err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	if _, err := s.Settle(t.Context(), id, token, outcome(1, "aa")); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("a run of before: %v", err)
	}
	if n, err := s.Resume(t.Context(), 0); err != nil || n != 0 {
		t.Errorf("%d resumed, %v", n, err)
	}
	id = accept(t, s, asked("payments-api"))
	if waiting, err := s.queued(task{ID: id, Try: 1}); err != nil || !waiting {
		t.Errorf("new work: queued %t, %v", waiting, err)
	}
}

func otherSchema(t *testing.T, url string) {
	s := replica(t, url)
	if err := s.rdb.Set(t.Context(), schemaKey(), Schema+1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), url, Options{}); err == nil {
		t.Error("data of a later schema was opened")
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("a running program is ready though the schema was changed under it")
	}
}
