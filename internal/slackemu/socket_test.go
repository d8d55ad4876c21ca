package slackemu

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// dial opens a raw connection and reads its hello.
func dial(t *testing.T, s *Server) *websocket.Conn {
	t.Helper()
	_, url, err := client(s).StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

func frame(t *testing.T, ws *websocket.Conn) obj {
	t.Helper()
	ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	var v obj
	if err := ws.ReadJSON(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

type sockets struct {
	Connections        []Connection
	Sent, Acked, Opens int
	TimedOut           int `json:"timed_out"`
	Foreign            int `json:"foreign_acks"`
}

func (s sockets) open() (n int) {
	for _, c := range s.Connections {
		if c.Open {
			n++
		}
	}
	return n
}

func socketsOf(t *testing.T, s *Server) (out sockets) {
	t.Helper()
	control(t, s, "GET", "sockets", nil, &out)
	return out
}

// stream follows the changes until the test ends.
func stream(t *testing.T, s *Server) <-chan obj {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+"/_emu/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // ": hello"
	out := make(chan obj, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var v obj
				if json.Unmarshal([]byte(data), &v) == nil {
					out <- v
				}
			}
		}
	}()
	t.Cleanup(func() { resp.Body.Close(); <-done })
	return out
}

// until waits for a change that fits.
func until(t *testing.T, changes <-chan obj, fits func(obj) bool) {
	t.Helper()
	for {
		if fits(wait(t, changes)) {
			return
		}
	}
}

func connections(n float64) func(obj) bool {
	return func(v obj) bool { return v["type"] == "socket" && v["connections"] == n }
}

func TestHelloAndOneTimeTicket(t *testing.T) {
	s := start(t, Options{})
	_, url, err := client(s).StartSocketModeContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	golden(t, "hello.json", frame(t, ws))
	if _, resp, err := websocket.DefaultDialer.Dial(url, nil); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a ticket worked twice: %v", err)
	}
}

func TestPingsComeAtOnceAndPongsAreAnswered(t *testing.T) {
	s := start(t, Options{})
	ws := dial(t, s)
	ping, pong := make(chan string, 10), make(chan string, 10)
	ws.SetPingHandler(func(d string) error { ping <- d; return nil })
	ws.SetPongHandler(func(d string) error { pong <- d; return nil })
	go func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	wait(t, ping)
	ws.WriteControl(websocket.PingMessage, []byte("mine"), time.Now().Add(time.Second))
	if got := wait(t, pong); got != "mine" {
		t.Errorf("pong %q", got)
	}
}

func TestCloseHandshake(t *testing.T) {
	s := start(t, Options{})
	changes := stream(t, s)
	ws := dial(t, s)
	frame(t, ws)
	ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, 1000) {
		t.Errorf("close was answered with %v", err)
	}
	until(t, changes, connections(0))
	if c := socketsOf(t, s).Connections[0]; c.Open || c.ClosedWith != 1000 {
		t.Errorf("after closing: %+v", c)
	}
}

func TestEleventhConnectionIsTooMany(t *testing.T) {
	s := start(t, Options{})
	for i := range maxConnections {
		if hello := frame(t, dial(t, s)); hello["num_connections"] != float64(i+1) {
			t.Fatalf("connection %d: %v", i+1, hello)
		}
	}
	ws := dial(t, s)
	if f := frame(t, ws); f["reason"] != "too_many_websockets" {
		t.Errorf("the 11th got %v", f)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, 1000) {
		t.Errorf("the 11th was not closed: %v", err)
	}
}

func TestLargeFramesAreRefused(t *testing.T) {
	s := start(t, Options{})
	ws := dial(t, s)
	frame(t, ws)
	ws.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", maxFrame+1)))
	_, _, err := ws.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) || !strings.Contains(err.Error(), "Max frame length of 20480") {
		t.Errorf("got %v", err)
	}
}

// say types a command in the background; the answer comes on the channel.
func say(t *testing.T, s *Server, text string) <-chan Delivery {
	out := make(chan Delivery, 1)
	go func() {
		defer close(out)
		out <- do[Delivery](t, s, "say", obj{"user": ann, "channel": public, "text": text})
	}()
	return out
}

func TestCommandIsAcknowledged(t *testing.T) {
	s := start(t, Options{})
	for _, tt := range []struct {
		name    string
		payload string // of the ack; "" leaves it out
		shown   []string
	}{
		{"without payload", "", nil},
		{"with an empty payload", `{}`, nil},
		{"with null", `null`, nil},
		{"with an ephemeral text", `{"text":"On it"}`, []string{"On it (only you)"}},
		{"with an in_channel text", `{"response_type":"in_channel","text":"On it"}`, []string{"/sts-expired role eu-west-1", "On it"}},
		{"with in_channel only", `{"response_type":"in_channel"}`, []string{"/sts-expired role eu-west-1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(messages(t, s, "channel="+public+"&user="+ann))
			ws := dial(t, s)
			defer ws.Close()
			frame(t, ws)
			answer := say(t, s, "/sts-expired role eu-west-1")
			env := frame(t, ws)
			a := obj{"envelope_id": env["envelope_id"]}
			if tt.payload != "" {
				a["payload"] = json.RawMessage(tt.payload)
			}
			ws.WriteMessage(websocket.TextMessage, encode(a))
			if d := wait(t, answer); !d.Acked || d.Error != "" || d.EnvelopeID != env["envelope_id"] {
				t.Errorf("delivery %+v", d)
			}
			var shown []string
			for _, m := range messages(t, s, "channel="+public+"&user="+ann)[before:] {
				text := m.Text
				if m.EphemeralTo != "" {
					text += " (only you)"
				}
				shown = append(shown, text)
			}
			if !slices.Equal(shown, tt.shown) {
				t.Errorf("shows %q, want %q", shown, tt.shown)
			}
			ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
			ws.ReadMessage() // its close, so that the next case has this connection gone
			for socketsOf(t, s).open() > 0 {
			}
		})
	}
}

func TestCommandThatNobodyTakes(t *testing.T) {
	s := start(t, Options{AckTimeout: 50 * time.Millisecond})
	if d := wait(t, say(t, s, "/sts-expired")); d.Error != "dispatch_failed" || d.Acked {
		t.Errorf("without a connection: %+v", d)
	}
	dial(t, s)
	if d := wait(t, say(t, s, "/sts-expired")); d.Error != "operation_timeout" || d.Acked {
		t.Errorf("without an acknowledgement: %+v", d)
	}
	got := messages(t, s, "channel="+public+"&user="+ann)
	if len(got) != 2 || got[1].Text != `/sts-expired failed with the error "operation_timeout"` {
		t.Errorf("the user sees %+v", got)
	}
}

func TestCommandInThreadIsRefused(t *testing.T) {
	s := start(t, Options{})
	ts := post1(t, client(s), public, slack.MsgOptionText("x", false))
	if code := refusedAs(t, s, "say", obj{"user": ann, "channel": public, "text": "/sts-expired", "thread_ts": ts}); code != "not_supported_in_threads" {
		t.Error(code)
	}
}

func TestAckOnAnotherConnectionCountsOnlyIfLenient(t *testing.T) {
	for _, lenient := range []bool{false, true} {
		s := start(t, Options{LenientAcks: lenient, AckTimeout: 300 * time.Millisecond})
		frames := make(chan [2]any, 10)
		var conns []*websocket.Conn
		for range 2 {
			ws := dial(t, s)
			frame(t, ws)
			conns = append(conns, ws)
		}
		for i, ws := range conns {
			go func() {
				var v obj
				if ws.ReadJSON(&v) == nil {
					frames <- [2]any{i, v["envelope_id"]}
				}
			}()
		}
		answer := say(t, s, "/sts-expired")
		got := wait(t, frames)
		other := conns[1-got[0].(int)]
		other.WriteMessage(websocket.TextMessage, encode(obj{"envelope_id": got[1]}))
		if d := wait(t, answer); d.Acked != lenient {
			t.Errorf("lenient %v: acknowledged %v", lenient, d.Acked)
		}
		if n := socketsOf(t, s).Foreign; !lenient && n != 1 {
			t.Errorf("%d foreign acknowledgements were counted, want 1", n)
		}
	}
}

func TestRedeliver(t *testing.T) {
	s := start(t, Options{})
	a := connect(t, s, ack)
	d := wait(t, say(t, s, "/sts-expired role"))
	wait(t, a.events)
	again := do[Delivery](t, s, "redeliver", obj{"envelope_id": d.EnvelopeID})
	e := wait(t, a.events)
	if !again.Acked || e.Request.EnvelopeID != d.EnvelopeID || e.Data.(slack.SlashCommand).Text != "role" {
		t.Errorf("redelivered %+v as %+v", again, e.Request)
	}
}

func TestUnacknowledgedEventIsSentAgain(t *testing.T) {
	s := start(t, Options{AckTimeout: 50 * time.Millisecond, EventRetries: []time.Duration{0, 0}})
	seen := 0
	a := connect(t, s, func(c *socketmode.Client, e socketmode.Event) {
		if seen++; seen == 3 {
			ack(c, e)
		}
	})
	do[any](t, s, "say", obj{"user": ann, "channel": public, "text": "@stsleuth are you there?"})
	for i := range 3 {
		r := wait(t, a.events).Request
		if r.Type != "events_api" || r.RetryAttempt != i || i > 0 && r.RetryReason != "timeout" {
			t.Errorf("attempt %d: %+v", i, r)
		}
	}
	if m := messages(t, s, "channel="+public)[0]; m.Text != "<@U0STSLEUTH> are you there?" {
		t.Errorf("stored %q", m.Text)
	}
}

func TestRefreshForEachReason(t *testing.T) {
	for _, reason := range reasons {
		t.Run(reason, func(t *testing.T) {
			s := start(t, Options{Linger: 20 * time.Millisecond})
			a := connect(t, s, ack)
			do[any](t, s, "disconnect", obj{"reason": reason})
			wait(t, a.hello)
			for socketsOf(t, s).open() != 1 { // until the old one is seen to be gone
			}
			if d := wait(t, say(t, s, "/sts-expired")); !d.Acked {
				t.Errorf("after the refresh: %+v", d)
			}
		})
	}
	if code := refusedAs(t, start(t, Options{}), "disconnect", obj{"reason": "because"}); code != "invalid_reason" {
		t.Error(code)
	}
}

func TestLingeringConnectionGetsNoMoreEnvelopes(t *testing.T) {
	s := start(t, Options{Linger: time.Minute})
	old := dial(t, s)
	frame(t, old)
	do[any](t, s, "disconnect", obj{"reason": "refresh_requested"})
	if f := frame(t, old); f["reason"] != "refresh_requested" {
		t.Fatal(f)
	}
	connect(t, s, ack)
	for range 10 {
		if d := wait(t, say(t, s, "/sts-expired")); !d.Acked || d.Connection != "c2" {
			t.Fatalf("%+v", d)
		}
	}
}

func TestHalfOpenLosesTrafficBothWays(t *testing.T) {
	s := start(t, Options{AckTimeout: 100 * time.Millisecond, PingInterval: 10 * time.Millisecond})
	changes := stream(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	c := socketmode.New(client(s), socketmode.OptionPingInterval(200*time.Millisecond))
	done, hello := make(chan struct{}), make(chan struct{}, 10)
	go func() { c.RunContext(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-c.Events:
				switch e.Type {
				case socketmode.EventTypeHello:
					hello <- struct{}{}
				case socketmode.EventTypeSlashCommand:
					c.Ack(*e.Request)
				}
			}
		}
	}()
	wait(t, hello)
	do[any](t, s, "halfopen", obj{})
	if d := wait(t, say(t, s, "/sts-expired")); d.Acked || d.Error != "operation_timeout" {
		t.Errorf("over the half-open connection: %+v", d)
	}
	wait(t, hello) // the client's own deadman
	until(t, changes, connections(1))
	for !wait(t, say(t, s, "/sts-expired")).Acked {
	}
}

// The storm: a client that is disconnected right after hello comes back at
// once, for ever; apps.connections.open is limited, as at Slack.
func TestStormRunsIntoTheLimit(t *testing.T) {
	s := start(t, Options{})
	do[any](t, s, "disconnect", obj{"reason": "refresh_requested", "on_connect": true})
	connect(t, s, nil)
	var out struct{ Calls []Call }
	limited := func() bool {
		control(t, s, "GET", "calls?method=apps.connections.open", nil, &out)
		return slices.ContainsFunc(out.Calls, func(c Call) bool { return c.Status == http.StatusTooManyRequests })
	}
	deadline := time.Now().Add(10 * time.Second)
	for !limited() {
		if time.Now().After(deadline) {
			t.Fatalf("%d opens and none was limited", len(out.Calls))
		}
	}
	if n := socketsOf(t, s).Opens; n != tier3 {
		t.Errorf("%d opens were answered, want %d", n, tier3)
	}
	control(t, s, "DELETE", "disconnect", nil, nil)
}

func TestManyClientsAtOnce(t *testing.T) {
	s := start(t, Options{NoLimits: true})
	for range 4 {
		connect(t, s, ack)
	}
	c := client(s)
	changes := stream(t, s)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if d := wait(t, say(t, s, "/sts-expired role")); !d.Acked {
					t.Errorf("%+v", d)
				}
				if i%2 == 0 {
					c.PostMessageContext(t.Context(), public, slack.MsgOptionText("x", false))
				} else {
					messages(t, s, "channel="+public)
				}
			}
		})
	}
	wg.Wait()
	if got := socketsOf(t, s); got.Sent != 160 || got.Acked != 160 {
		t.Errorf("sent %d, acknowledged %d, want 160", got.Sent, got.Acked)
	}
	last := ""
	for _, m := range messages(t, s, "channel="+public) {
		if m.TS <= last {
			t.Fatalf("%s came after %s", m.TS, last)
		}
		last = m.TS
	}
	until(t, changes, func(v obj) bool { return v["type"] == "message" || v["type"] == "resync" })
}

func TestCloseIsPromptWithOpenSocketsAndStreams(t *testing.T) {
	s := New(Options{})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ws := dial(t, s)
	frame(t, ws)
	stream(t, s)
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestControlsRefuseOtherOrigins(t *testing.T) {
	s := start(t, Options{})
	for origin, want := range map[string]int{"": 200, s.URL(): 200, "https://example.com": 403} {
		req, _ := http.NewRequest("GET", s.URL()+"/_emu/workspace", nil)
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("origin %q: %d, want %d", origin, resp.StatusCode, want)
		}
	}
}
