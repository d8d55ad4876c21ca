package chaos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The people and places of the emulated workspace. In each channel an app may
// say one thing a second, so there are several.
var (
	people   = []string{"U0ONCALL", "U0PAYMENTS", "U0SECURITY"}
	channels = []string{"C0INCIDENTS", "C0PRIVATE", "C0GENERAL", "C0SHARED"}
)

// question is what one person wants to know.
type question struct {
	user, channel, role, region string
}

// asked is what people saw of their commands.
type asked struct {
	mu       sync.Mutex
	typed    int
	silent   int            // not acknowledged
	refused  map[string]int // acknowledged with: not now
	slowest  time.Duration  // of the acknowledgements
	accepted []question
}

// patience is how long a person waits before typing a command again.
const patience = 2 * time.Second

// ask types a question, again and again as people do, until it is taken. The
// command that was is then delivered a second time.
func (a *asked) ask(ctx context.Context, w *world, q question) {
	for {
		var d struct {
			ID      string                 `json:"envelope_id"`
			Acked   bool                   `json:"acked"`
			MS      int                    `json:"ack_ms"`
			Payload *struct{ Text string } `json:"ack_payload"`
		}
		line := fmt.Sprintf("/sts-expired %s %s", q.role, q.region)
		if err := ask(ctx, http.MethodPost, w.slack+"/_emu/say", obj{"user": q.user, "channel": q.channel, "text": line}, &d); err != nil {
			if ctx.Err() == nil {
				w.t.Error(err)
			}
			return
		}
		if a.answered(w, q, d.Acked, time.Duration(d.MS)*time.Millisecond, d.Payload) {
			// Slack may deliver it once more, to any connection.
			if err := ask(ctx, http.MethodPost, w.slack+"/_emu/redeliver", obj{"envelope_id": d.ID}, nil); err != nil {
				w.t.Error(err)
			}
			return
		}
		if !pause(ctx, patience) {
			return
		}
	}
}

// answered notes what a command came to, and reports whether it was taken.
func (a *asked) answered(w *world, q question, acked bool, took time.Duration, payload *struct{ Text string }) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.typed++
	if !acked {
		a.silent++
		return false
	}
	a.slowest = max(a.slowest, took)
	if payload == nil || payload.Text == "" || strings.Contains(payload.Text, "Looking into") || strings.Contains(payload.Text, "being looked into") {
		a.accepted = append(a.accepted, q) // without words: an earlier try was taken, and a message follows
		return true
	}
	for _, excuse := range []string{"The state store does not answer", "Too much is running"} {
		if strings.Contains(payload.Text, excuse) {
			if a.refused == nil {
				a.refused = map[string]int{}
			}
			a.refused[excuse]++
			return false
		}
	}
	w.t.Errorf("%s asked about %s in %s and was told %q", q.user, q.role, q.region, payload.Text)
	return false
}

// all types the questions, spread over a while, and waits until each is taken.
func (a *asked) all(ctx context.Context, w *world, questions []question, over time.Duration) {
	var typing sync.WaitGroup
	for i, q := range questions {
		typing.Go(func() {
			if pause(ctx, over*time.Duration(i)/time.Duration(len(questions))) {
				a.ask(ctx, w, q)
			}
		})
	}
	typing.Wait()
}

// questions are distinct, in an order that the seed decides, each by somebody
// somewhere.
func questions(n int, regions []string, shuffle func(int, func(i, j int))) []question {
	var all []question
	for _, region := range regions {
		for _, role := range roles {
			all = append(all, question{role: role, region: region})
		}
	}
	shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:n]
	for i := range all {
		all[i].user, all[i].channel = people[i%len(people)], channels[i%len(channels)]
	}
	return all
}
