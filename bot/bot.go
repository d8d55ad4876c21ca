// Package bot is the Slack edge: the only package, with bot/render, that knows
// Slack. In come envelopes over Socket Mode, out go messages, answers and forms
// over the Web API.
//
// Two loops meet in [Bot.Run] and know nothing of each other:
//
//	sockets.go → inbound.go → handlers.Desk → (store) → the acknowledgement
//	(store's outbox) → outbound.go → bot/render → post.go → Slack
//
// What slack-go does not do itself is in open_throttle.go (it reopens sockets
// without a pause) and socketlog.go (it tells nobody why a socket was closed).
// calls.go counts what Slack answers, reconcile.go finds a message of which we don't know whether it was posted,
// rooms.go knows channels, directory.go people and user groups, errors.go says what each of Slack's errors means.
//
// What is decided is decided in package handlers, what is said in bot/render.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/playbook"
)

// callTimeout bounds one Web API call; slack-go's own client has no bound.
const callTimeout = 8 * time.Second

// Desk is what the bot asks to decide: *handlers.Desk.
type Desk interface {
	Command(ctx context.Context, from handlers.Source, line string) handlers.Reply
	Submitted(ctx context.Context, from handlers.Source, filled handlers.Form, role, region, window string) handlers.Reply
	Suggest(ctx context.Context, text string) []playbook.Target
	Shortcut(ctx context.Context, from handlers.Source, text string) handlers.Reply
	Press(ctx context.Context, c handlers.Click) handlers.Reply
	Explained(ctx context.Context, from handlers.Source, id, why string) handlers.Reply
}

// Outbox hands out what is to be told, once, on whatever replica.
type Outbox interface {
	Claim(ctx context.Context, n int) ([]playbook.Message, error)
	Load(ctx context.Context, id string) (playbook.Investigation, error)
	Posted(ctx context.Context, m playbook.Message, p playbook.Posted) error
	Retry(ctx context.Context, m playbook.Message, after time.Duration) error
	Dead(ctx context.Context, m playbook.Message, reason string) error
	Paused(ctx context.Context, m playbook.Message, wait time.Duration) error
	Gone(ctx context.Context, m playbook.Message, apart bool) (first bool, err error)
}

// Options are what a bot needs. All fields are needed unless they say otherwise.
type Options struct {
	BotToken, AppToken string
	APIURL             string // "": Slack's own
	Command            string // as people type it: "/sts-expired"
	Outbox             Outbox
	Plan               playbook.Plan
	Rules              []playbook.Rule
	// Offers are the follow-ups that can be carried out; others get no button.
	Offers []playbook.Offer
	// Report makes the files of a finished investigation's report.
	Report func(playbook.Investigation) ([]render.File, error)
	// Unknown is the outbox's sentinel for an investigation that is gone.
	Unknown error
	// Opened are channels that take investigations though they are shared with
	// another company, because a rule names them.
	Opened []string
	// Replicas is how many processes share the app token; 0: this one only. More
	// connections than they explain are another deployment's.
	Replicas int
	Log      *slog.Logger
	Pace     Pace // the zero value is Slack's
	// Acked is told of every acknowledgement and how long after the envelope it
	// came; kind is command, press, shortcut or form, "" where nobody waits.
	Acked func(kind string, took time.Duration) // nil: nobody counts
	// Called is told of every request to Slack and of Slack's answer: "ok" or its
	// own word. See calls.go.
	Called func(method, code string) // nil: nobody counts
}

// Bot is one process's Slack edge.
type Bot struct {
	Options
	Desk Desk // set before Run: the desk asks the bot about channels

	api      *slack.Client
	http     *http.Client
	throttle *openThrottle
	rooms    brief[room]
	people   brief[access.Kind]
	groups   brief[[]string]
	acking   sync.WaitGroup
	slots    chan struct{} // one for each envelope that is worked on
	lastAck  atomic.Int64
	sockets  sockets
	plain    remembered[string] // messages that Slack takes with the oldest blocks only

	// set by connect, before anything runs
	team, user string
	scopes     map[string]bool // nil when Slack did not say
}

const (
	// working is how many envelopes are worked on at once. More get "busy": an
	// answer that comes after three seconds is none.
	working = 64
	// sending is how many messages are posted at once.
	sending = 8
)

// New checks the options. Set Desk, then call Run.
func New(o Options) (*Bot, error) {
	switch {
	case !strings.HasPrefix(o.BotToken, "xoxb-") && !strings.HasPrefix(o.BotToken, "xoxe.xoxb-"):
		return nil, errors.New("the bot token must begin with xoxb-: it is under OAuth & Permissions in the app's settings")
	case !strings.HasPrefix(o.AppToken, "xapp-"):
		return nil, errors.New("the app-level token must begin with xapp-: make one with the scope connections:write under Basic Information in the app's settings")
	}
	if o.APIURL == "" {
		o.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(o.APIURL, "/") {
		o.APIURL += "/" // slack-go puts the method right behind it
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Replicas = max(o.Replicas, 1)
	if o.Acked == nil {
		o.Acked = func(string, time.Duration) {}
	}
	if o.Called == nil {
		o.Called = func(string, string) {}
	}
	o.Pace = o.Pace.orSlack()
	calls := &calls{api: o.APIURL, next: http.DefaultTransport, called: o.Called}
	b := &Bot{Options: o, http: &http.Client{Timeout: callTimeout, Transport: calls}, slots: make(chan struct{}, working)}
	b.throttle = newOpenThrottle(b.http, o.Pace)
	b.api = slack.New(o.BotToken, slack.OptionAppLevelToken(o.AppToken), slack.OptionAPIURL(o.APIURL), slack.OptionHTTPClient(b.throttle),
		slack.OptionOnResponseHeaders(b.seeScopes), slack.OptionLog(quiet{}))
	return b, nil
}

// Run connects and works until ctx ends, then drains: acknowledgements that are
// due go out, messages in flight are finished. Its error is nil after ctx
// ended, else plain words on why the bot can't work.
func (b *Bot) Run(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.receive(ctx) })
	g.Go(func() error { return b.send(ctx) })
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// connect proves the bot token and learns who we are. Slack being away is
// waited for; a token that Slack refuses is not.
func (b *Bot) connect(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		me, err := b.api.AuthTestContext(ctx)
		if err == nil {
			b.team, b.user = me.TeamID, me.UserID
			return b.checkScopes()
		}
		if fatal := fatalAuth(err); fatal != nil {
			return fmt.Errorf("the bot token: %w", fatal)
		}
		b.Log.Warn("Slack does not answer, trying again", "wait", wait, "err", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// seeScopes remembers the scopes that Slack names with auth.test's answer.
func (b *Bot) seeScopes(path string, h http.Header) {
	if path != "auth.test" || h.Get("X-OAuth-Scopes") == "" {
		return
	}
	b.scopes = map[string]bool{}
	for s := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		b.scopes[strings.TrimSpace(s)] = true
	}
}

// checkScopes says what does not work with the token as it is. Without the right
// to post nothing does.
func (b *Bot) checkScopes() error {
	if b.scopes == nil {
		return nil
	}
	for _, s := range manifest.Scopes {
		switch {
		case b.scopes[s.Name]:
		case s.Name == "chat:write":
			return fmt.Errorf("the bot token lacks the scope %s: add it under OAuth & Permissions in the app's settings and install the app again", s.Name)
		case s.Optional:
			b.Log.Info("the bot token lacks an optional scope", "scope", s.Name, "for", s.For)
		default:
			b.Log.Warn("the bot token lacks a scope", "scope", s.Name, "for", s.For)
		}
	}
	return nil
}

// quiet is where slack-go's own log lines go: they would repeat what we log.
type quiet struct{}

func (quiet) Output(int, string) error { return nil }
