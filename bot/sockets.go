package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"
)

// socketsPerReplica: Slack refreshes every socket every few hours, and slack-go
// drops the old one before it dials the new one. A second one bridges the gap.
const socketsPerReplica = 2

// sockets is what is known of this process's connections.
type sockets struct {
	mu       sync.Mutex
	up       map[int]bool // guarded by mu: which clients have had their hello
	trouble  string       // guarded by mu: why there was none, in words
	since    time.Time    // guarded by mu: when that was said
	draining bool         // guarded by mu
}

func (s *sockets) set(n int, up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up == nil {
		s.up = map[int]bool{}
	}
	s.up[n] = up
}

func (s *sockets) say(trouble string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.since = trouble, time.Now()
}

// Connections is how many sockets are up.
func (b *Bot) Connections() int {
	b.sockets.mu.Lock()
	defer b.sockets.mu.Unlock()
	n := 0
	for _, up := range b.sockets.up {
		if up {
			n++
		}
	}
	return n
}

// Ready reports whether commands reach this process, or why not.
func (b *Bot) Ready() error {
	n := b.Connections()
	b.sockets.mu.Lock()
	defer b.sockets.mu.Unlock()
	switch {
	case b.sockets.draining:
		return errors.New("this process is going away")
	case n > 0:
		return nil
	case time.Since(b.sockets.since) < 2*b.Pace.OpenMax:
		return errors.New(b.sockets.trouble)
	}
	return errors.New("no socket to Slack is open")
}

// receive keeps the sockets open until ctx ends, then drains them: while
// acknowledgements are due the sockets stay, and what arrives is still answered.
func (b *Bot) receive(ctx context.Context) error {
	open, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	drained := make(chan struct{})
	defer context.AfterFunc(ctx, func() { defer close(drained); b.drain(); stop() })()

	g, open := errgroup.WithContext(open)
	for n := range socketsPerReplica {
		g.Go(func() error {
			select {
			case <-time.After(time.Duration(n) * b.Pace.Stagger):
			case <-open.Done():
				return nil
			}
			return b.supervise(open, n)
		})
	}
	err := g.Wait()
	b.acking.Wait()
	if ctx.Err() != nil {
		<-drained
	}
	return err
}

// drainAtMost bounds the wait for acknowledgements: people were promised an
// answer within three seconds.
const drainAtMost = 3 * time.Second

// drain waits until nothing is worked on and the last acknowledgement has had
// the time to be written: Ack only queues it.
func (b *Bot) drain() {
	b.sockets.mu.Lock()
	b.sockets.draining = true
	b.sockets.mu.Unlock()
	until := time.Now().Add(drainAtMost)
	tick := time.NewTicker(b.Pace.Drain / 10)
	defer tick.Stop()
	started := time.Now()
	for range tick.C {
		quiet := time.Since(time.Unix(0, max(b.lastAck.Load(), started.UnixNano())))
		if len(b.slots) == 0 && quiet >= b.Pace.Drain || time.Now().After(until) {
			return
		}
	}
}

// supervise runs one client after another: a client that went silent, gave up
// or panicked is replaced, after a pause. Only auth errors end it.
func (b *Bot) supervise(ctx context.Context, n int) error {
	for wait := b.Pace.Open; ; wait = min(2*wait, b.Pace.OpenMax) {
		begun := time.Now()
		err := b.socket(ctx, n)
		b.sockets.set(n, false)
		if ctx.Err() != nil {
			return nil
		}
		if fatal := fatalAuth(err); fatal != nil {
			return fmt.Errorf("the app-level token: %w", fatal)
		}
		if time.Since(begun) > b.Pace.OpenMax {
			wait = b.Pace.Open
		}
		b.Log.Warn("socket client ended, starting another one", "socket", n, "wait", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// errSilent is why a client was replaced.
var errSilent = errors.New("no frame and no ping came")

// socket runs one client until it fails, goes silent, or ctx ends. Its events
// are always drained: a client whose events nobody takes goes deaf for good.
func (b *Bot) socket(parent context.Context, n int) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	log := b.Log.With("socket", n)
	heard := &socketLog{disconnect: func(reason string) { b.disconnected(n, reason) }}
	heard.heard.Store(time.Now().UnixNano())
	client := socketmode.New(b.api, socketmode.OptionPingInterval(b.Pace.Ping), socketmode.OptionDebug(true), socketmode.OptionLog(heard))

	ran := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ran <- fmt.Errorf("socket client panicked: %v", p)
			}
		}()
		ran <- client.RunContext(ctx)
	}()
	tick := time.NewTicker(b.Pace.Silence / 6)
	defer tick.Stop()
	var fatal error
	for {
		select {
		case ev := <-client.Events:
			if err := b.event(parent, client, n, ev); err != nil {
				fatal = err
				stop(err)
			}
		case <-tick.C:
			if b.up(n) && heard.silent() > b.Pace.Silence {
				log.Warn("a socket went silent", "for", heard.silent())
				fatal = errSilent
				stop(errSilent)
			}
		case err := <-ran:
			if fatal != nil {
				return fatal
			}
			return err
		}
	}
}

func (b *Bot) up(n int) bool {
	b.sockets.mu.Lock()
	defer b.sockets.mu.Unlock()
	return b.sockets.up[n]
}

// event takes what slack-go tells of a socket. Envelopes are worked on in
// goroutines of their own: nothing here may block.
func (b *Bot) event(ctx context.Context, client *socketmode.Client, n int, ev socketmode.Event) error {
	switch ev.Type {
	case socketmode.EventTypeHello:
		b.sockets.set(n, true)
		b.hello(n, ev.Request)
	case socketmode.EventTypeConnecting:
		b.sockets.set(n, false)
	case socketmode.EventTypeConnectionError, socketmode.EventTypeInvalidAuth:
		return b.connectionError(n, ev.Data)
	case socketmode.EventTypeErrorWriteFailed:
		b.Log.Error("an acknowledgement could not be written", "socket", n)
	case socketmode.EventTypeErrorBadMessage:
		b.Log.Warn("Slack sent an envelope that can't be read", "socket", n)
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
		b.envelope(ctx, client, ev)
	}
	return nil
}

// hello notes that a socket is up, and notices who else uses our token: each
// envelope goes to any one socket of the app, so another deployment's store
// would get half of the commands.
func (b *Bot) hello(n int, req *socketmode.Request) {
	if req == nil {
		return
	}
	b.Log.Info("socket is up", "socket", n, "of_app", req.NumConnections)
	if ours := socketsPerReplica * b.Replicas; req.NumConnections > ours {
		b.Log.Warn("the app has more sockets than this deployment explains: another deployment uses the same app-level token, and gets part of the commands (during a rollout this is normal for a moment)",
			"sockets", req.NumConnections, "ours", ours, "replicas", b.Replicas)
	}
}

// disconnected says why Slack closed a socket.
func (b *Bot) disconnected(n int, reason string) {
	switch reason {
	case "too_many_websockets":
		words := "Slack refuses sockets: the app has its 10 already. Run at most 4 replicas, and look for another deployment with the same app-level token"
		b.sockets.say(words)
		b.Log.Error(words, "socket", n)
	case "link_disabled":
		words := "Socket Mode was switched off in the app's settings: commands can't arrive until it is switched on again"
		b.sockets.say(words)
		b.Log.Error(words, "socket", n)
	default: // warning, refresh_requested: every few hours
		b.Log.Info("Slack refreshes a socket", "socket", n, "reason", reason)
	}
}

// connectionError ends the process on auth errors. slack-go itself would try
// again for ever with most of them.
func (b *Bot) connectionError(n int, data any) error {
	var err error
	switch e := data.(type) {
	case *slack.ConnectionErrorEvent:
		err = e.ErrorObj
	case *slack.InvalidAuthEvent:
		err = slack.SlackErrorResponse{Err: "invalid_auth"}
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	if fatalAuth(err) != nil {
		return err
	}
	b.sockets.say("Slack can't be reached: no socket to it is open")
	b.Log.Warn("a socket could not be opened", "socket", n, "err", err)
	return nil
}
