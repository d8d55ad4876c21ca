package slackemu

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// https://docs.slack.dev/apis/events-api/using-socket-mode
	maxConnections = 10
	ackTimeout     = 3 * time.Second
	// Slack's close reason names this number.
	maxFrame = 20480
	// What hello promises, in seconds.
	connectionTime = 3600

	closeNormal    = websocket.CloseNormalClosure
	closeGoingAway = websocket.CloseGoingAway

	writeTimeout = 5 * time.Second
)

// The Events API sends at once, after a minute and after five minutes again.
// https://docs.slack.dev/apis/events-api/#retries
var eventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}

// conn is one Socket Mode connection.
type conn struct {
	s       *Server
	ws      *websocket.Conn
	writing sync.Mutex // guards writes to ws
	gone    chan struct{}

	// guarded by Server.mu
	leaving bool // told to go: gets no more envelopes
	Connection
}

// Connection is what /_emu/sockets tells about a connection.
type Connection struct {
	ID          string    `json:"id"`
	Opened      time.Time `json:"opened"`
	Open        bool      `json:"open"`
	HalfOpen    bool      `json:"half_open"`
	Sent        int       `json:"sent"`
	Acked       int       `json:"acked"`
	TimedOut    int       `json:"timed_out"`
	ForeignAcks int       `json:"foreign_acks"`          // came here for envelopes that went elsewhere
	ClosedWith  int       `json:"closed_with,omitempty"` // the close code the app sent
}

// connectionsOpen hands out a one-time URL. The token must be the app's and
// must come in the header.
// https://docs.slack.dev/reference/methods/apps.connections.open
func (s *Server) connectionsOpen(r *request) reply {
	switch {
	case r.token == "":
		return reply{body: fail("not_authed")}
	case r.token == s.ws.App.BotToken:
		return reply{body: fail("not_allowed_token_type")}
	case r.token != s.ws.App.AppToken || !r.header:
		return reply{body: fail("invalid_auth")}
	}
	if wait := s.limit(r.method, tier3, ""); wait > 0 {
		return tooMany(wait)
	}
	s.opens++
	s.base = r.base
	ticket := uuid()
	s.tickets[ticket] = true
	return reply{body: obj{"ok": true, "url": "ws" + strings.TrimPrefix(r.base, "http") + "/link/?ticket=" + ticket + "&app_id=" + s.ws.App.ID}}
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the ticket is the proof

// serveSocket is the life of one connection: hello, then acks until it closes.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	valid := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !valid || s.ctx.Err() != nil {
		http.Error(w, "ticket used or unknown", http.StatusForbidden)
		return
	}
	s.wg.Add(1) // before the connection leaves net/http, which no longer waits for it then
	defer s.wg.Done()
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &conn{s: s, ws: ws, gone: make(chan struct{}), Connection: Connection{Opened: time.Now().UTC(), Open: true}}
	defer ws.Close()

	s.mu.Lock()
	if len(s.live()) >= maxConnections {
		s.mu.Unlock()
		c.write(disconnectFrame("too_many_websockets"))
		c.close(closeNormal, "")
		c.read()
		return
	}
	s.conns = append(s.conns, c)
	c.ID = fmt.Sprintf("c%d", len(s.conns))
	n, reason := len(s.live()), s.onConnect
	s.publish(obj{"type": "socket", "connections": n}, nil)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		c.Open = false
		s.publish(obj{"type": "socket", "connections": len(s.live())}, nil)
		s.mu.Unlock()
		close(c.gone)
	}()

	seconds := connectionTime
	if r.URL.Query().Get("debug_reconnects") == "true" {
		seconds = 360
	}
	c.write(obj{"type": "hello", "num_connections": n, "connection_info": obj{"app_id": s.ws.App.ID},
		"debug_info": obj{"host": "applink-local", "build_number": 1, "approximate_connection_time": seconds}})
	s.wg.Go(c.ping)
	if reason != "" {
		s.wg.Go(func() { c.disconnect(reason) })
	}
	if s.ctx.Err() != nil { // Close ran between the ticket and here
		c.close(closeGoingAway, "")
		return
	}
	c.read()
}

// live is the open connections. Caller holds mu.
func (s *Server) live() []*conn {
	return slices.DeleteFunc(slices.Clone(s.conns), func(c *conn) bool { return !c.Open })
}

func disconnectFrame(reason string) obj {
	return obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-local"}}
}

// dead says whether the connection is half-open: nothing passes it any more.
func (c *conn) dead() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.HalfOpen
}

func (c *conn) write(v any) error {
	if c.dead() {
		return nil // the sender of a half-open connection does not know
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.ws.WriteMessage(websocket.TextMessage, encode(v))
}

// close starts the close handshake; the reader ends when the app answers, or
// after a second.
func (c *conn) close(code int, reason string) {
	if !c.dead() {
		c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(writeTimeout))
	}
	c.ws.SetReadDeadline(time.Now().Add(time.Second))
}

// ping keeps the app's deadman quiet, from the first moment on.
func (c *conn) ping() {
	tick := time.NewTicker(c.s.opts.PingInterval)
	defer tick.Stop()
	for {
		if !c.dead() {
			c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-local"), time.Now().Add(writeTimeout))
		}
		select {
		case <-tick.C:
		case <-c.gone:
			return
		}
	}
}

func (c *conn) read() {
	c.ws.SetReadLimit(1 << 20)
	c.ws.SetPingHandler(func(data string) error {
		if !c.dead() {
			c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
		}
		return nil
	})
	c.ws.SetCloseHandler(func(code int, _ string) error {
		c.s.mu.Lock()
		c.ClosedWith = code
		c.s.mu.Unlock()
		if !c.dead() {
			c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closeNormal, ""), time.Now().Add(writeTimeout))
		}
		return nil
	})
	for {
		_, frame, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		if len(frame) > maxFrame {
			c.close(websocket.CloseMessageTooBig, fmt.Sprintf("Max frame length of %d has been exceeded.", maxFrame))
			continue
		}
		var ack struct {
			ID      string          `json:"envelope_id"`
			Payload json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(frame, &ack) == nil && ack.ID != "" {
			c.s.acked(c, ack.ID, ack.Payload)
		}
	}
}

// disconnect does to one connection what Slack does for that reason.
func (c *conn) disconnect(reason string) {
	c.write(disconnectFrame(reason))
	linger := c.s.opts.Linger
	if reason == "too_many_websockets" || reason == "link_disabled" {
		linger = 0
	}
	if reason != "warning" {
		c.s.mu.Lock()
		c.leaving = true
		c.s.mu.Unlock()
	}
	select {
	case <-time.After(linger):
		if reason == "warning" {
			c.write(disconnectFrame("refresh_requested"))
		}
		c.close(closeNormal, "")
	case <-c.gone:
	case <-c.s.ctx.Done():
	}
}
