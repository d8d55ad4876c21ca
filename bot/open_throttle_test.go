package bot

import (
	"testing"
	"time"
)

func TestOpensAreSpacedOutAndForgottenAfterAMinute(t *testing.T) {
	th := newOpenThrottle(nil, Pace{}.orSlack())
	now := time.Unix(1e9, 0)
	// A server that closes each socket at once: the app asks again immediately.
	var at []time.Duration
	begun := now
	for range 9 {
		now = now.Add(th.turn(now))
		at = append(at, now.Sub(begun))
	}
	want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183}
	for i, s := range want {
		if at[i] != s*time.Second {
			t.Errorf("open %d goes out after %s, want %ds", i, at[i], s)
		}
	}
	if wait := th.turn(now.Add(2 * time.Minute)); wait != 0 {
		t.Errorf("after two quiet minutes an open waits %s", wait)
	}
}

// Two sockets share the pace: the second one's turn comes after the first one's.
func TestSocketsThatOpenAtOnceTakeTurns(t *testing.T) {
	th := newOpenThrottle(nil, Pace{}.orSlack())
	now := time.Unix(1e9, 0)
	if a, b, c := th.turn(now), th.turn(now), th.turn(now); a != 0 || b != time.Second || c != 3*time.Second {
		t.Errorf("turns after %s, %s, %s", a, b, c)
	}
}
