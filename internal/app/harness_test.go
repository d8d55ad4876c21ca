package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/bot"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// The people and places of the emulated workspace.
const (
	oncall    = "U0ONCALL"
	payments  = "U0PAYMENTS"
	incidents = "C0INCIDENTS"
)

// world is the real bot between two emulators: everything but Slack, AWS and
// time is as in production.
type world struct {
	t     *testing.T
	slack *slackemu.Server
	url   string
	aws   *awsemu.Server
	now   time.Time
	ask   capture.Ask
	log   *logs

	mu       sync.Mutex
	replicas []*replica // guarded by mu
}

type replica struct {
	*Service
	stop func()
	done chan struct{}
	err  error // after done
}

// Health is what serve answers probes and scrapes with.
func (r *replica) Health() http.Handler { return Health(r.metrics, r.Ready) }

// quick is a bot that does not wait as long as with Slack.
var quick = bot.Pace{Open: 20 * time.Millisecond, OpenMax: 2 * time.Second, Stagger: 10 * time.Millisecond, Drain: 50 * time.Millisecond, Poll: 50 * time.Millisecond}

// set changes what a world is made of.
type set struct {
	capture string // below captures/; "two-troubles" by default
	slack   slackemu.Options
	aws     awsemu.Options
	serving func(*Serving)
}

// newWorld starts it all and waits until commands are answered.
func newWorld(t *testing.T, s set) *world {
	t.Helper()
	if s.capture == "" {
		s.capture = "two-troubles"
	}
	if !filepath.IsAbs(s.capture) {
		s.capture = filepath.Join("..", "..", "captures", s.capture)
	}
	c, err := capture.Load(t.Context(), s.capture, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, slack: slackemu.New(s.slack), aws: awsemu.New(c, s.aws), now: c.Incident.Now, ask: c.Incident.Ask, log: &logs{}}
	server := httptest.NewServer(w.slack)
	w.url = server.URL
	t.Cleanup(func() {
		w.dump()
		w.slack.Close()
		server.Close()
		if err := w.aws.Close(); err != nil {
			t.Error(err)
		}
		c.Close()
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	t.Cleanup(func() {
		for _, r := range w.all() {
			r.stop()
		}
	})
	w.start(s.serving)
	return w
}

// start adds a replica.
func (w *world) start(change func(*Serving)) *replica {
	w.t.Helper()
	r, err := w.try(change)
	if err != nil {
		w.t.Fatal(err)
	}
	w.until("the bot is ready", func() bool { return r.Ready(w.t.Context()) == nil })
	return r
}

// try adds a replica that may not come up.
func (w *world) try(change func(*Serving)) (*replica, error) {
	o := Serving{BotToken: w.slack.App().BotToken, AppToken: w.slack.App().AppToken, SlackURL: w.url + "/api/", Now: func() time.Time { return w.now },
		AWS:  AWS{Config: w.aws.Config("us-east-1"), Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: w.aws.Client()},
		Log:  slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		pace: quick}
	if change != nil {
		change(&o)
	}
	service, err := New(w.t.Context(), o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &replica{Service: service, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = service.Run(ctx)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-r.done
		if err := service.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.mu.Lock()
	w.replicas = append(w.replicas, r)
	w.mu.Unlock()
	return r, nil
}

// logs collects what the bot logs.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// until waits for something to be so.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("%s: not so after %s", what, patience)
		}
	}
}

// control uses one of the emulator's controls, as everybody does.
func (w *world) control(method, path string, in, out any) int {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return resp.StatusCode
}

type obj = map[string]any

// delivered is what became of an envelope.
type delivered struct {
	ID      string                 `json:"envelope_id"`
	Acked   bool                   `json:"acked"`
	AckMS   int                    `json:"ack_ms"`
	Payload *struct{ Text string } `json:"ack_payload"`
	Error   string                 `json:"error"`
	Message string                 `json:"message"`
	Errors  map[string]string      `json:"errors"`
	Options []struct{ Text, Value string }
}

func (d delivered) text() string {
	if d.Payload == nil {
		return ""
	}
	return d.Payload.Text
}

// say types a line; type is the same for a command that must be acknowledged.
func (w *world) say(user, channel, text string) (d delivered) {
	w.t.Helper()
	w.control("POST", "/_emu/say", obj{"user": user, "channel": channel, "text": text}, &d)
	return d
}

func (w *world) command(text string) delivered {
	w.t.Helper()
	d := w.say(oncall, incidents, text)
	if !d.Acked || d.Error != "" {
		w.t.Fatalf("%s: acked %v, error %q", text, d.Acked, d.Error)
	}
	return d
}

// asks is the command for the capture's question.
func (w *world) asks() string { return Command + " " + w.ask.Role + " " + w.ask.Region }

// message is a stored message of the workspace.
type message struct {
	TS         string
	User       string
	Text       string
	ThreadTS   string `json:"thread_ts"`
	To         string `json:"ephemeral_to"`
	ReplyCount int    `json:"reply_count"`
	Blocks     []json.RawMessage
	Metadata   *struct {
		Type    string            `json:"event_type"`
		Payload map[string]string `json:"event_payload"`
	}
	Versions []struct{ Text string }
	Files    []struct{ ID, Name, Title string }
}

// is the name under which the bot told it, "" for what others said.
func (m message) is() string {
	if m.Metadata == nil {
		return ""
	}
	return m.Metadata.Payload["message"]
}

func (w *world) messages(channel, thread, user string) []message {
	w.t.Helper()
	var out struct{ Messages []message }
	q := url.Values{"channel": {channel}}
	if thread != "" {
		q.Set("thread_ts", thread)
	}
	if user != "" {
		q.Set("user", user)
	}
	w.control("GET", "/_emu/messages?"+q.Encode(), nil, &out)
	return out.Messages
}

// parents are the investigations of a channel.
func (w *world) parents(channel string) []message {
	return slices.DeleteFunc(w.messages(channel, "", ""), func(m message) bool { return m.is() != "parent" })
}

// told are the texts that only one person sees.
func (w *world) told(channel, user string) (texts []string) {
	for _, m := range w.messages(channel, "", user) {
		if m.To == user {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// thread waits until an investigation is told to its end, and returns it.
func (w *world) thread(channel, parent string) (all []message) {
	w.t.Helper()
	w.until("the thread ends with its trace", func() bool {
		all = w.messages(channel, parent, "")
		return slices.ContainsFunc(all, func(m message) bool { return m.is() == "trace" })
	})
	w.until("the parent is the diagnosis", func() bool {
		all = w.messages(channel, parent, "")
		return strings.HasPrefix(all[0].Text, "Diagnosis")
	})
	return all
}

// evidence are the nine replies, by name.
var evidence = []string{"evidence/role-and-health", "evidence/sts-errors", "evidence/role-config", "evidence/sts-metrics", "evidence/sessions",
	"evidence/app-errors", "evidence/cross-account", "evidence/trust-changes", "evidence/federation"}

// onceEach fails unless a thread has its parent, all evidence and the trace once
// each, and nothing twice.
func (w *world) onceEach(all []message) {
	w.t.Helper()
	count := map[string]int{}
	for i, m := range all {
		if name := m.is(); name != "" {
			count[name]++
		}
		for _, f := range m.Files {
			count["file "+f.Name]++
		}
		if (m.is() == "parent") != (i == 0) {
			w.t.Errorf("message %d of the thread is %q", i, m.is())
		}
	}
	for _, name := range append([]string{"parent", "trace"}, evidence...) {
		if count[name] != 1 {
			w.t.Errorf("%s is there %d times", name, count[name])
		}
	}
	for name, n := range count {
		if n > 1 {
			w.t.Errorf("%s is there %d times", name, n)
		}
	}
}

// click presses a button of a message.
func (w *world) click(user, channel, ts, action string) (d delivered) {
	w.t.Helper()
	w.control("POST", "/_emu/click", obj{"user": user, "channel": channel, "ts": ts, "action_id": action}, &d)
	return d
}

// awsFault makes AWS fail.
func (w *world) awsFault(yaml string) {
	w.t.Helper()
	f, err := awsemu.ParseFault([]byte(yaml))
	if err != nil {
		w.t.Fatal(err)
	}
	w.aws.AddFault(f)
}

// fault has a Web API method fail.
func (w *world) fault(f obj) {
	w.t.Helper()
	if code := w.control("POST", "/_emu/fault", f, nil); code != http.StatusOK {
		w.t.Fatalf("fault %v: %d", f, code)
	}
}

// call is a Web API call as the emulator lists it.
type call struct {
	Method string
	Args   obj
	Answer json.RawMessage
	At     time.Time
	Fault  bool
}

// calls are the Web API calls of a method.
func (w *world) calls(method string) (all []call) {
	var out struct{ Calls json.RawMessage }
	w.control("GET", "/_emu/calls?method="+method, nil, &out)
	if err := json.Unmarshal(out.Calls, &all); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// view is an open form.
type view struct {
	ID       string
	Callback string `json:"callback_id"`
	State    struct {
		Values map[string]map[string]json.RawMessage
	}
	Blocks json.RawMessage
	Errors map[string]string
}

func (w *world) views(user string) (out []view) {
	var got struct{ Views []view }
	w.control("GET", "/_emu/views?user="+user, nil, &got)
	return got.Views
}

func describe(all []message) string {
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "%s %s %.120s\n", m.TS, m.is(), m.Text)
	}
	return b.String()
}
