package chaos

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// The only worker goes away in the middle of a run: another replica goes on.
func TestAnotherReplicaGoesOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		signal syscall.Signal
		within time.Duration
	}{
		"kill -9": {syscall.SIGKILL, 15 * time.Second},
		"SIGTERM": {syscall.SIGTERM, 8 * time.Second}, // handed back: a watchdog would wait 10 s
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			regions := []string{home}
			w := newWorld(t, regions, 4*time.Second) // long enough for the other replica to come up meanwhile
			worker := w.replica(1, 2)
			worker.ready()
			qs := questions(1, regions, rand.New(rand.NewPCG(1, 1)).Shuffle)
			var a asked
			a.ask(t.Context(), w, qs[0])
			var id string
			until(t, "the first step is settled", 20*time.Second, func() bool {
				all, err := w.state.List(t.Context(), playbook.Filter{})
				if err != nil || len(all) != 1 {
					return false
				}
				id = all[0].Request.ID
				inv, err := w.state.Load(t.Context(), id)
				return err == nil && len(inv.Steps) > 0
			})
			w.replica(2, 2).ready()
			inv, err := w.state.Load(t.Context(), id)
			if err != nil || inv.State != playbook.Running {
				t.Fatalf("the run is %s, %v: it was to be in its middle", inv.State, err)
			}
			// Voiding the token and taking the run over raise it by one each.
			token := w.field(id, "token")
			worker.wanted.Store(true)
			if err := worker.cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			took := until(t, "another replica has the run", tc.within, func() bool { return w.field(id, "token") >= token+2 })
			t.Logf("%s with %d of 9 steps settled: another replica went on after %s", name, len(inv.Steps), took.Round(10*time.Millisecond))
			<-worker.done
			w.settled(1, time.Minute)
			all := w.ended(qs)
			w.once(all)
			w.undisturbed(all)
		})
	}
}
