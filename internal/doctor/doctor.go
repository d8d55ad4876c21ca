// Package doctor proves, before the first incident, that everything the bot
// stands on is there: Slack's tokens, scopes, socket and channels; Redis and
// whether it keeps what it is given; every IAM action of the policy in every
// account and region; trails that deliver; log groups; the clock.
//
// In comes a [Setup]; out goes a [Result] a check, each with what was found and,
// where something is missing, the exact statement or command that mends it.
// Checks are values in groups ([Groups]): slack.go, redis.go, aws.go, trails.go.
// Nothing is changed anywhere; every AWS call only reads, of things that need
// not exist. print.go shows the results.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/playbook"
)

// State is how a check came out. The zero State is Unasked: what was not
// looked at must not pass for sound.
type State int

const (
	Unasked State = iota // something that it needs is missing already
	Good
	Worth   // works, and is worth knowing
	Missing // the bot would fail or see nothing
)

// String is the state's word in JSON and text.
func (s State) String() string               { return [...]string{"unasked", "good", "worth-knowing", "missing"}[s] }
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is what one check came to.
type Finding struct {
	State State  `json:"state"`
	Found string `json:"found"`         // a sentence
	Fix   string `json:"fix,omitempty"` // a command, a statement or a sentence that mends it
}

// Check is one thing to prove.
type Check struct {
	ID    string // "slack.scopes", unique with its group
	Title string
	Run   func(context.Context) Finding
}

// Group is checks of one thing. First run one after the other, and the first
// that is missing leaves the rest unasked; Then run at once.
type Group struct {
	Name        string // "Slack", "AWS 111122223333, eu-west-1"
	First, Then []Check
}

// Result is a check that was run.
type Result struct {
	Group string `json:"group"`
	ID    string `json:"id"`
	Title string `json:"title"`
	Finding
}

// Setup is what is looked at. Nil parts are left out.
type Setup struct {
	Slack *Slack
	Redis *Redis
	AWS   *AWS
	// Now is the moment by which a trail's last delivery is judged: the clock,
	// or a capture's moment.
	Now func() time.Time
}

// Slack is the workspace.
type Slack struct {
	URL                string // of the Web API
	BotToken, AppToken string
	Channels           []string // that the configuration names
	HTTP               *http.Client
}

// Redis is the state.
type Redis struct {
	Embedded bool
	// Open connects as the bot would; its error says why it can't.
	Open func(context.Context) error
	// Servers describes the servers that take writes, once open.
	Servers func(context.Context) ([]Server, error)
}

// Server is one Redis server, as store.ServerFacts.
type Server struct {
	Addr, Version, Policy string
	MaxMemory             int64
	AppendOnly, Snapshots playbook.Truth
	SaveFailed            bool
}

// AWS is the accounts.
type AWS struct {
	Pool      *accounts.Pool
	Regions   []string // at least one
	Actions   []string // that steps and follow-ups declare
	LogGroups []string // that the configuration names
}

// checkWithin bounds one check: a doctor that hangs is none.
const checkWithin = 20 * time.Second

// atOnce bounds how many checks of one group run at the same moment, below
// every rate that AWS documents for the calls made.
const atOnce = 6

// Groups is everything that is checked, in the order in which it is shown.
func Groups(s Setup) []Group {
	var out []Group
	if s.Slack != nil {
		out = append(out, slackGroup(s.Slack))
	}
	if s.Redis != nil {
		out = append(out, redisGroup(s.Redis))
	}
	if s.AWS != nil {
		out = append(out, awsGroups(s.AWS, s.Now)...)
	}
	return out
}

// Examine runs every check; groups run at once. The results are in the groups'
// order. Done is called, one at a time, with every result as it comes; it may be nil.
func Examine(ctx context.Context, groups []Group, done func(Result)) []Result {
	results := make([][]Result, len(groups))
	var telling sync.Mutex
	var all sync.WaitGroup
	for i, g := range groups {
		results[i] = make([]Result, len(g.First)+len(g.Then))
		all.Go(func() {
			g.run(ctx, func(n int, r Result) {
				results[i][n] = r
				if done != nil {
					telling.Lock()
					defer telling.Unlock()
					done(r)
				}
			})
		})
	}
	all.Wait()
	var out []Result
	for _, r := range results {
		out = append(out, r...)
	}
	return out
}

func (g Group) run(ctx context.Context, note func(int, Result)) {
	stopped := ""
	for i, c := range g.First {
		r := Result{Group: g.Name, ID: c.ID, Title: c.Title, Finding: Finding{Found: "Not looked at: " + stopped + " comes first."}}
		if stopped == "" {
			r.Finding = c.run(ctx)
		}
		if r.State == Missing {
			stopped = c.Title
		}
		note(i, r)
	}
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, c := range g.Then {
		n := len(g.First) + i
		r := Result{Group: g.Name, ID: c.ID, Title: c.Title}
		if stopped != "" {
			r.Finding = Finding{Found: "Not looked at: " + stopped + " comes first."}
			note(n, r)
			continue
		}
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r.Finding = c.run(ctx)
			note(n, r)
		})
	}
	all.Wait()
}

var errSlow = errors.New("no answer in time")

func (c Check) run(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, checkWithin, errSlow)
	defer cancel()
	return c.Run(ctx)
}

func good(format string, args ...any) Finding {
	return Finding{State: Good, Found: fmt.Sprintf(format, args...)}
}

func worth(fix, format string, args ...any) Finding {
	return Finding{State: Worth, Found: fmt.Sprintf(format, args...), Fix: fix}
}

func missing(fix, format string, args ...any) Finding {
	return Finding{State: Missing, Found: fmt.Sprintf(format, args...), Fix: fix}
}

// Sound reports whether nothing is missing or was left unasked.
func Sound(results []Result) bool {
	for _, r := range results {
		if r.State == Missing || r.State == Unasked {
			return false
		}
	}
	return true
}
