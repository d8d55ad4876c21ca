package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/playbook"
)

// However many questions come, no more than MaxGoing are stored to be answered;
// who asks then is told so, and what is going on can still be joined.
func TestAFloodOfQuestionsIsRefused(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	ask := func(role string) (playbook.Acceptance, error) {
		req := playbook.NewRequest(playbook.NewID(), playbook.Target{Role: role, Region: "eu-west-1"}, time.Now(), playbook.DefaultWindow)
		return s.Accept(t.Context(), playbook.Delivery{Envelope: req.ID}, playbook.Investigation{Request: req, Place: playbook.Place{Channel: "C1"}}, false)
	}
	if a, err := ask("first"); err != nil || a.How != playbook.New {
		t.Fatalf("%v, %v", a.How, err)
	}
	for i := range MaxGoing - 1 {
		if _, err := m.ZAdd(liveKey(), float64(i), fmt.Sprint("inv_", i)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ask("second")
	if full, ok := errors.AsType[*playbook.InputError](err); !ok {
		t.Errorf("one too many: %v", err)
	} else {
		t.Log(full)
	}
	if a, err := ask("first"); err != nil || a.How != playbook.Joined {
		t.Errorf("the same question: %v, %v", a.How, err)
	}
}
