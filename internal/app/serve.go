package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/bot"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/audit"
	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/telemetry"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
	"github.com/stsleuth/stsleuth/store"
)

// The state satisfies what its users declare.
var (
	_ engine.Journal = (*store.Store)(nil)
	_ handlers.Store = (*store.Store)(nil)
	_ bot.Outbox     = (*store.Store)(nil)
	_ steps.Shared   = (*store.Store)(nil)
	_ handlers.Rooms = (*bot.Bot)(nil)
	_ bot.Desk       = (*handlers.Desk)(nil)
)

// Command is the slash command as the app's manifest declares it.
const Command = manifest.Command

// Serving is what the bot is made of, as flags and environment give it.
type Serving struct {
	BotToken, AppToken string
	SlackURL           string // of the Web API; "": Slack's
	RedisURL           string // "": a Redis in this process
	Replicas           int    // processes with the same app token; 0: this one
	Store              store.Options
	Command            string // "": Command
	AWS                AWS
	Pool               *accounts.Pool   // how each account is read; nil: all with AWS's credentials
	Access             access.Policy    // who may; without rules every member, in the workspace's own channels
	AuditLog           string           // a file; "": nothing is recorded
	Now                func() time.Time // nil: the clock; a capture's moment in the demo
	Log                *slog.Logger
	Metrics            *telemetry.Metrics // their AWS middleware is in AWS.Config already; nil: those of this service alone
	Traces             *telemetry.Traces  // nil: none are sent

	pace bot.Pace // tests go faster
}

// Service is the bot with its state and its workers, ready to run.
type Service struct {
	log      *slog.Logger
	store    *store.Store
	bot      *bot.Bot
	desk     *handlers.Desk
	reads    *Accounts
	roles    *roles
	after    checks
	sessions *sessions
	metrics  *telemetry.Metrics
	traces   *telemetry.Traces
	audit    *audit.Log // nil: none is kept
}

// New wires the bot together: one straight line, so that it reads as what it is.
// Close it after use.
func New(ctx context.Context, o Serving) (*Service, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = slog.New(redact.Handler(o.Log.Handler()))
	if o.Now == nil {
		o.Now = time.Now
	}
	plan, err := o.AWS.Plan()
	if err != nil {
		return nil, err
	}
	if o.Metrics == nil {
		o.Metrics = telemetry.NewMetrics()
	}
	o.Store.Log, o.Store.Paced, o.Store.Failed = o.Log, o.Metrics.Paced, func() { o.Metrics.Ended(telemetry.Failed) }
	state, err := openWaiting(ctx, o.RedisURL, o.Store)
	if err != nil {
		return nil, err
	}
	reads := &Accounts{AWS: o.AWS, Pool: o.Pool, Shared: state}
	listed, err := reads.roles()
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	after, err := newChecks(reads, state, o.Log)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	slack, err := bot.New(bot.Options{
		BotToken: o.BotToken, AppToken: o.AppToken, APIURL: o.SlackURL, Command: cmp.Or(o.Command, Command), Replicas: o.Replicas,
		Outbox: state, Unknown: store.ErrUnknown, Plan: plan, Rules: rules.All(), Offers: after.Offers(), Opened: opened(o.Access), Report: reportFiles, Log: o.Log, Pace: o.pace,
		Acked: o.Metrics.Acked, Called: o.Metrics.SlackCall,
	})
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	s := &Service{log: o.Log, store: state, bot: slack, reads: reads, roles: listed, after: after, metrics: o.Metrics, traces: o.Traces,
		sessions: &sessions{own: o.AWS.Config.Credentials, pool: o.Pool, log: o.Log}}
	o.Metrics.Read(telemetry.Readings{Sockets: slack.Connections, Figures: state.Figures, Sessions: s.sessions.ends, Log: o.Log})
	gate := &access.Gate{Policy: o.Access, Directory: slack}
	if o.AuditLog != "" {
		if s.audit, err = audit.Open(o.AuditLog); err == nil {
			gate.Note = s.note
			_, err = s.audit.Write(audit.Entry{Event: "started", Allowed: true})
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	desk := &handlers.Desk{
		Name: cmp.Or(o.Command, Command), Gate: newCountedGate(gate, o.Metrics), Account: reads.Resolve, Store: countedStore{state, o.Metrics}, Unreachable: store.ErrUnavailable, Unknown: store.ErrUnknown,
		Rooms: slack, Roles: listed, FollowUps: after, Now: o.Now, Log: o.Log,
	}
	slack.Desk = desk
	s.desk = desk
	return s, nil
}

// Run works until ctx ends, then lets everything finish: sockets answer what is
// due, messages in flight are told, running investigations are handed back. Its
// error says in plain words why the bot can't work; nil after ctx ended.
func (s *Service) Run(ctx context.Context) error {
	if s.store.Embedded() {
		s.log.Warn("no REDIS_URL: investigations are kept in this process and are gone when it ends")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.bot.Run(ctx) })
	g.Go(func() error { return s.store.Work(ctx, store.Tasks{Investigate: s.investigate, FollowUp: s.followUp}) })
	g.Go(func() error { return s.store.Watchdog(ctx) })
	g.Go(func() error { return s.sessions.keep(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Close frees the state. Run must have returned.
func (s *Service) Close() error {
	s.roles.close()
	if s.audit == nil {
		return s.store.Close()
	}
	return errors.Join(s.store.Close(), s.audit.Close())
}

// Ready reports whether commands are answered by this process, or why not.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.bot.Ready(); err != nil {
		return err
	}
	return s.store.Ready(ctx)
}

// Health answers the probes: /healthz says that the process lives, /readyz that
// commands are answered by it, or in a sentence why not. Beside them /metrics has
// what deploy/METRICS.md lists. It needs no Service, so that a process which waits
// for Redis before it has one is not taken for dead.
func Health(m *telemetry.Metrics, ready func(context.Context) error) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", m.Handler())
	return mux
}

// Listen serves h on addr until ctx ends.
func Listen(ctx context.Context, addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	return Serve(ctx, l, h, time.Second)
}

// Serve serves h on l until ctx ends, and then for as long as what is under way
// takes, at most stopWithin.
func Serve(ctx context.Context, l net.Listener, h http.Handler, stopWithin time.Duration) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if server.Shutdown(stop) != nil {
		server.Close()
	}
	<-served
	return nil
}
