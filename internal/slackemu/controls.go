package slackemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// controls registers everything under /_emu/; doc.go describes each.
func (s *Server) controls() {
	get := func(path string, run func(r *http.Request) (any, error)) {
		s.mux.HandleFunc("GET /_emu/"+path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			v, err := run(r)
			body := encode(v) // here, because what it shows may change once mu is free
			s.mu.Unlock()
			answerControl(w, body, err)
		})
	}
	get("workspace", s.showWorkspace)
	get("messages", s.showMessages)
	get("views", s.showViews)
	get("calls", s.showCalls)
	get("sockets", s.showSockets)
	get("envelopes", s.showEnvelopes)
	get("fault", func(*http.Request) (any, error) { return s.showFaults(), nil })
	s.mux.HandleFunc("GET /_emu/files/{id}", s.serveFile)
	s.mux.HandleFunc("GET /_emu/stream", s.serveStream)

	post(s, "say", s.say)
	post(s, "click", s.click)
	post(s, "shortcut", s.shortcut)
	post(s, "submit", s.submit)
	post(s, "close_view", s.closeView)
	post(s, "suggest", s.suggest)
	post(s, "redeliver", s.redeliver)
	post(s, "disconnect", s.disconnect)
	post(s, "halfopen", s.halfOpen)
	post(s, "fault", s.addFault)
	post(s, "limits", s.setLimits)
	post(s, "clock", s.moveClock)
	post(s, "channel", s.changeChannel)
	post(s, "delete", s.deleteByPerson)
	post(s, "react", s.reactByPerson)

	s.mux.HandleFunc("DELETE /_emu/fault", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.faults = nil
		s.mu.Unlock()
		writeJSON(w, http.StatusOK, obj{"faults": []*Fault{}})
	})
	s.mux.HandleFunc("DELETE /_emu/disconnect", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.onConnect = ""
		s.mu.Unlock()
		writeJSON(w, http.StatusOK, obj{})
	})
}

// post registers one control that takes a T. A field it does not know is refused, so that a
// misspelt one does not go unnoticed.
func post[T any](s *Server, path string, run func(T) (any, error)) {
	s.mux.HandleFunc("POST /_emu/"+path, func(w http.ResponseWriter, r *http.Request) {
		var in T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil && err != io.EOF {
			refuse(w, http.StatusBadRequest, "invalid_json", err.Error())
			return
		}
		v, err := run(in)
		if err != nil {
			answerControl(w, nil, err)
			return
		}
		answerControl(w, encode(v), nil)
	})
}

func answerControl(w http.ResponseWriter, body json.RawMessage, err error) {
	var no *refused
	if errors.As(err, &no) {
		out := obj{"error": no.code, "message": no.message}
		if no.errors != nil {
			out["errors"] = no.errors
		}
		writeJSON(w, no.status, out)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, obj{"error": code, "message": message})
}

func (s *Server) showWorkspace(*http.Request) (any, error) {
	list := []any{}
	for _, id := range sortedKeys(s.channels) {
		ch := s.channels[id]
		list = append(list, struct {
			Channel
			Members []string `json:"members"`
		}{ch.json(), ch.Members})
	}
	return obj{"team": s.ws.Team, "users": s.ws.Users, "channels": list, "app": s.ws.App, "now": formatTS(s.now().UnixMicro())}, nil
}

func (s *Server) showMessages(r *http.Request) (any, error) {
	q := r.URL.Query()
	ch, err := s.place(q.Get("channel"), "")
	if err != nil {
		return nil, err
	}
	user, thread := q.Get("user"), q.Get("thread_ts")
	type stored struct {
		*Message
		Channel     string    `json:"channel"`
		EphemeralTo string    `json:"ephemeral_to,omitempty"`
		Versions    []Version `json:"versions,omitempty"`
	}
	list := []stored{}
	for _, m := range ch.messages {
		shown := m.inChannel()
		if thread != "" {
			shown = m.TS == thread || m.ThreadTS == thread
		}
		if shown && (m.ephemeralTo == "" || m.ephemeralTo == user) {
			list = append(list, stored{m, ch.ID, m.ephemeralTo, m.versions})
		}
	}
	statuses := slices.DeleteFunc(slices.Clone(ch.statuses), func(st Status) bool { return st.until <= s.now().UnixMicro() })
	if statuses == nil {
		statuses = []Status{}
	}
	return obj{"messages": list, "statuses": statuses}, nil
}

func (s *Server) showViews(r *http.Request) (any, error) {
	type open struct {
		*View
		User   string            `json:"user"`
		Errors map[string]string `json:"errors,omitempty"`
	}
	list := []open{}
	for _, v := range s.views {
		if user := r.URL.Query().Get("user"); user == "" || user == v.user {
			list = append(list, open{v, v.user, v.errors})
		}
	}
	return obj{"views": list}, nil
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f := s.files[r.PathValue("id")]
	s.mu.Unlock()
	if f == nil {
		refuse(w, http.StatusNotFound, "file_not_found", "There is no such file.")
		return
	}
	w.Header().Set("Content-Type", f.Mimetype)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox") // an uploaded page must not run as ours
	w.Write(f.data)
}

func (s *Server) showCalls(r *http.Request) (any, error) {
	method := r.URL.Query().Get("method")
	list := []*Call{}
	for _, c := range s.calls.items {
		if method == "" || c.Method == method {
			list = append(list, c)
		}
	}
	return obj{"calls": list, "dropped": s.calls.dropped}, nil
}

func (s *Server) showSockets(*http.Request) (any, error) {
	sent, acked, timedOut, foreign := 0, 0, 0, 0
	list := []Connection{}
	for _, c := range s.conns {
		list = append(list, c.Connection)
		sent, acked, timedOut, foreign = sent+c.Sent, acked+c.Acked, timedOut+c.TimedOut, foreign+c.ForeignAcks
	}
	return obj{"connections": list, "sent": sent, "acked": acked, "timed_out": timedOut, "foreign_acks": foreign, "opens": s.opens}, nil
}

func (s *Server) showEnvelopes(r *http.Request) (any, error) {
	id := r.URL.Query().Get("id")
	list := []*envelope{}
	for _, e := range s.envelopes.items {
		if id == "" || e.ID == id {
			list = append(list, e)
		}
	}
	return obj{"envelopes": list, "dropped": s.envelopes.dropped}, nil
}

func (s *Server) redeliver(in struct {
	ID string `json:"envelope_id"`
}) (any, error) {
	s.mu.Lock()
	env := s.envelope(in.ID)
	s.mu.Unlock()
	if env == nil {
		return nil, no(http.StatusNotFound, "envelope_not_found", "There is no envelope %s.", in.ID)
	}
	return s.deliver(env), nil
}

// reasons Slack gives: https://docs.slack.dev/apis/events-api/using-socket-mode
var reasons = []string{"refresh_requested", "warning", "too_many_websockets", "link_disabled"}

func (s *Server) disconnect(in struct {
	Reason     string `json:"reason"`
	Connection string `json:"connection"`
	OnConnect  bool   `json:"on_connect"`
}) (any, error) {
	if !slices.Contains(reasons, in.Reason) {
		return nil, no(http.StatusBadRequest, "invalid_reason", "The reason must be one of %v.", reasons)
	}
	conns, err := s.pick(in.Connection)
	if err != nil {
		return nil, err
	}
	if in.OnConnect {
		s.mu.Lock()
		s.onConnect = in.Reason
		s.mu.Unlock()
	}
	ids := []string{}
	for _, c := range conns {
		ids = append(ids, c.ID)
		s.wg.Go(func() { c.disconnect(in.Reason) })
	}
	return obj{"connections": ids}, nil
}

func (s *Server) halfOpen(in struct {
	Connection string `json:"connection"`
}) (any, error) {
	conns, err := s.pick(in.Connection)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []string{}
	for _, c := range conns {
		c.HalfOpen = true
		ids = append(ids, c.ID)
	}
	return obj{"connections": ids}, nil
}

// pick is the open connection with that id, or all of them.
func (s *Server) pick(id string) ([]*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := s.live()
	if id == "" {
		return conns, nil
	}
	for _, c := range conns {
		if c.ID == id {
			return []*conn{c}, nil
		}
	}
	return nil, no(http.StatusNotFound, "connection_not_found", "No open connection is called %s.", id)
}

func (s *Server) addFault(f Fault) (any, error) {
	if f.Method == "" {
		return nil, no(http.StatusBadRequest, "missing_method", "A fault needs a method, or \"*\".")
	}
	if f.Status == 0 && f.Error == "" && f.RetryAfter == 0 && f.Delay == 0 && !f.AfterCommit {
		return nil, no(http.StatusBadRequest, "empty_fault", "A fault needs a status, an error, retry_after, a delay or after_commit.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return s.showFaults(), nil
}

func (s *Server) showFaults() obj {
	list := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		list[i] = *f
	}
	return obj{"faults": list}
}

func (s *Server) setLimits(in struct {
	On bool `json:"on"`
}) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited = in.On
	clear(s.buckets)
	return obj{"on": in.On}, nil
}

func (s *Server) moveClock(in struct {
	Advance duration `json:"advance"`
}) (any, error) {
	if in.Advance < 0 {
		return nil, no(http.StatusBadRequest, "invalid_advance", "The clock only goes forward.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += time.Duration(in.Advance)
	return obj{"now": formatTS(s.now().UnixMicro())}, nil
}

func (s *Server) changeChannel(in struct {
	Channel     string `json:"channel"`
	IsMember    *bool  `json:"is_member"`
	IsArchived  *bool  `json:"is_archived"`
	IsExtShared *bool  `json:"is_ext_shared"`
}) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(in.Channel, "")
	if err != nil {
		return nil, err
	}
	if in.IsMember != nil {
		ch.IsMember = *in.IsMember
	}
	if in.IsArchived != nil {
		ch.IsArchived = *in.IsArchived
	}
	if in.IsExtShared != nil {
		ch.IsExtShared, ch.IsShared = *in.IsExtShared, *in.IsExtShared
	}
	s.publish(obj{"type": "channel", "channel": ch.ID}, nil)
	return obj{"channel": ch.json()}, nil
}

func (s *Server) deleteByPerson(in struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(in.Channel, "")
	if err != nil {
		return nil, err
	}
	m := ch.find(in.TS, "")
	if m == nil {
		return nil, no(http.StatusNotFound, "message_not_found", "There is no message %s in %s.", in.TS, in.Channel)
	}
	s.remove(ch, m)
	return obj{"channel": ch.ID, "ts": in.TS}, nil
}

func (s *Server) reactByPerson(in struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Name    string `json:"name"`
	Remove  bool   `json:"remove"`
}) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(in.Channel, in.User)
	if err != nil {
		return nil, err
	}
	if out := s.react(ch, in.TS, in.User, in.Name, in.Remove); out["ok"] == false {
		return nil, no(http.StatusBadRequest, fmt.Sprint(out["error"]), "The reaction was refused: %v.", out["error"])
	}
	return obj{"channel": ch.ID, "ts": in.TS}, nil
}
