package app

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
)

// Twenty commands a second, each of which starts an investigation: how long
// until each is acknowledged. With STSLEUTH_ACK_SECONDS=60 it takes the full minute
// and fails when the p99 is over 100 ms.
func TestCommandsAreAcknowledgedInTime(t *testing.T) {
	seconds := 3
	if s, err := strconv.Atoi(os.Getenv("STSLEUTH_ACK_SECONDS")); err == nil {
		seconds = s
	}
	const perSecond = 20
	// An AWS that answers as fast as AWS does. One that answers at once would let
	// the emulators, which share this process, take both cores for themselves.
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{Latency: 80 * time.Millisecond, QueryDuration: 2 * time.Second}})
	w.until("both sockets are open", func() bool { return len(w.connections()) == 2 })
	w.command(w.asks()) // the first one looks at the channel
	took := make([]time.Duration, seconds*perSecond)
	var typing sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i := range took {
		<-tick.C
		typing.Go(func() {
			begun := time.Now()
			d := w.say(oncall, incidents, fmt.Sprintf("%s role-%d %s", Command, i, w.ask.Region))
			took[i] = time.Since(begun)
			if !d.Acked || d.Error != "" {
				t.Errorf("command %d: acked %v, error %q", i, d.Acked, d.Error)
			}
		})
	}
	typing.Wait()
	slices.Sort(took)
	at := func(p int) time.Duration { return took[min(len(took)*p/100, len(took)-1)] }
	t.Logf("%d commands in %d s: acknowledged after %s (median), %s (p99), %s (longest)", len(took), seconds, at(50), at(99), took[len(took)-1])
	if took[len(took)-1] > 3*time.Second {
		t.Errorf("the longest took %s", took[len(took)-1])
	}
	// The other tests and whatever else the machine does count as well: the
	// promise is for a machine of one's own.
	if os.Getenv("STSLEUTH_ACK_SECONDS") != "" && at(99) > 100*time.Millisecond {
		t.Errorf("the p99 is %s, more than 100 ms", at(99))
	}
}
