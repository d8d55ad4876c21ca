package bot

import "time"

// Pace is how patient the bot is. Tests go faster; the zero value is
// what fits Slack.
type Pace struct {
	Open    time.Duration // the first wait between opens of a socket; it doubles
	OpenMax time.Duration // the longest, and the quiet after which it starts anew
	Stagger time.Duration // between the two sockets of a process
	Ping    time.Duration // slack-go reconnects without a ping for this long
	Silence time.Duration // we start a client anew without a frame for this long
	Drain   time.Duration // quiet after the last acknowledgement before sockets close
	Poll    time.Duration // of the outbox, when there was nothing
}

// orSlack fills in what fits Slack: it pings every few seconds, takes up to
// ten sockets an app and about fifty opens a minute.
// https://docs.slack.dev/apis/events-api/using-socket-mode
func (p Pace) orSlack() Pace {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&p.Open, time.Second)
	def(&p.OpenMax, time.Minute)
	def(&p.Stagger, 3*time.Second)
	def(&p.Ping, 30*time.Second)
	def(&p.Silence, time.Minute)
	def(&p.Drain, 250*time.Millisecond)
	def(&p.Poll, 200*time.Millisecond)
	return p
}
