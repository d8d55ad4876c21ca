package slackemu

import (
	"fmt"
	"net/http"
	"time"
)

// listener is one reader of /_emu/stream.
type listener struct {
	lines chan []byte
	lost  bool // guarded by Server.mu: something did not fit
}

const (
	streamBuffer = 256
	streamPing   = 15 * time.Second
)

// publish tells every reader of the stream about a change. m, where there is
// one, says which thread and whose eyes. It never blocks. Caller holds mu.
func (s *Server) publish(event obj, m *Message) {
	if m != nil && m.ThreadTS != "" {
		event["thread_ts"] = m.ThreadTS
	}
	if m != nil && m.ephemeralTo != "" {
		event["user"] = m.ephemeralTo
	}
	if len(s.listeners) == 0 {
		return
	}
	line := encode(event)
	for l := range s.listeners {
		select {
		case l.lines <- line:
		default:
			l.lost = true
		}
	}
}

func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	flusher := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	l := &listener{lines: make(chan []byte, streamBuffer)}
	s.mu.Lock()
	s.listeners[l] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, l)
		s.mu.Unlock()
	}()
	fmt.Fprint(w, ": hello\n\n")
	flusher.Flush()
	ping := time.NewTicker(streamPing)
	defer ping.Stop()
	for {
		select {
		case line := <-l.lines:
			fmt.Fprintf(w, "data: %s\n\n", line)
			s.mu.Lock()
			lost := l.lost && len(l.lines) == 0
			if lost {
				l.lost = false
			}
			s.mu.Unlock()
			if lost {
				fmt.Fprint(w, "data: {\"type\":\"resync\"}\n\n")
			}
		case <-ping.C:
			fmt.Fprint(w, ": ping\n\n")
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
		if flusher.Flush() != nil {
			return
		}
	}
}
