package bot

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// openThrottle spaces out apps.connections.open. slack-go reopens a socket that
// was closed right after its hello (too_many_websockets) without any pause:
// thousands of times in seconds, which locks the app out. It wraps Do and not a
// RoundTripper, because a wait inside the latter counts against the client's
// timeout. All sockets of a process share one.
type openThrottle struct {
	next *http.Client
	pace Pace

	mu   sync.Mutex
	last time.Time     // guarded by mu: when the last open may have gone out
	wait time.Duration // guarded by mu: before the next one
}

func newOpenThrottle(next *http.Client, p Pace) *openThrottle {
	return &openThrottle{next: next, pace: p}
}

// Do implements slack-go's HTTP client.
func (t *openThrottle) Do(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/apps.connections.open") {
		timer := time.NewTimer(t.turn(time.Now()))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return t.next.Do(req)
}

// turn gives the caller its turn, and says how long to wait for it: nothing, then
// 1, 2, 4 … 60 s after one another. A minute without opens forgets all that.
func (t *openThrottle) turn(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.last) > t.pace.OpenMax {
		t.last, t.wait = now, t.pace.Open
		return 0
	}
	at := t.last.Add(t.wait)
	if at.Before(now) {
		at = now
	}
	t.last, t.wait = at, min(2*t.wait, t.pace.OpenMax)
	return at.Sub(now)
}
