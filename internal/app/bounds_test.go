package app

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
)

// More deliveries than are worked on at once are answered all the same, in time:
// some that the bot is busy. Afterwards it answers as before.
func TestAFloodOfDeliveriesIsAnswered(t *testing.T) {
	t.Parallel()
	const tooMuch = "Too much is running"
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}})
	w.fault(obj{"method": "users.info", "delay": "2s"})
	w.fault(obj{"method": "conversations.info", "delay": "2s"})
	var people sync.WaitGroup
	var busy, late atomic.Int32
	for i := range 150 {
		people.Go(func() {
			begun := time.Now()
			d := w.say(oncall, incidents, fmt.Sprintf("%s role-%d %s", Command, i, w.ask.Region))
			if strings.Contains(d.text(), tooMuch) {
				busy.Add(1)
			}
			if !d.Acked || time.Since(begun) > 12*time.Second {
				late.Add(1)
			}
		})
	}
	people.Wait()
	t.Logf("%d were told that the bot is busy", busy.Load())
	if busy.Load() == 0 {
		t.Error("nobody was told so")
	}
	if n := late.Load(); n > 0 {
		t.Errorf("%d were not answered", n)
	}
	w.until("commands are answered", func() bool {
		d := w.say(oncall, incidents, Command+" help")
		return d.Acked && !strings.Contains(d.text(), tooMuch)
	})
}
