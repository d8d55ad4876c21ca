package slackemu

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// hook is one response URL.
type hook struct {
	channel string
	user    string
	source  string // ts of the message it belongs to, or of what it posted last; "" before that
	uses    int
	expires time.Time
}

// newHook makes a response URL; kind is "commands" or "actions". Caller holds mu.
func (s *Server) newHook(kind, channel, user, source string) string {
	path := "/" + kind + "/" + s.ws.Team.ID + "/" + s.nextID("") + "/" + uuid()
	s.hooks[path] = &hook{channel: channel, user: user, source: source, expires: s.now().Add(hookLife)}
	return cmp.Or(s.base, s.url) + path
}

// serveHook takes a message for a response URL.
func (s *Server) serveHook(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	a := args{}
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	s.mu.Lock()
	h := s.hooks[r.URL.Path]
	channel := ""
	if h != nil {
		channel = h.channel
	}
	s.mu.Unlock()
	s.faulty(w, "response_url", channel, a, start, func() reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case h == nil:
			return reply{status: http.StatusNotFound, body: "no_service"}
		case !s.now().Before(h.expires):
			return reply{status: http.StatusNotFound, body: "expired_url"}
		case h.uses >= hookUses:
			return reply{status: http.StatusNotFound, body: "used_url"}
		case err != nil:
			return reply{status: http.StatusBadRequest, body: "invalid_payload"}
		}
		h.uses++
		if bad := s.respond(h, a); bad != nil {
			return reply{body: encode(bad)}
		}
		return reply{body: "ok"}
	})
}

// respond does what a message to a response URL, or an acknowledgement with a
// message, asks for. Caller holds mu.
func (s *Server) respond(h *hook, a args) obj {
	ch := s.channels[h.channel]
	source := ch.find(h.source, h.user)
	if a.bool("delete_original") {
		if source == nil {
			return fail("message_not_found")
		}
		s.remove(ch, source)
		return nil
	}
	c, bad := s.readContent(a)
	if bad != nil {
		return bad
	}
	if c.empty() {
		return fail("no_text")
	}
	if a.bool("replace_original") && source != nil { // an ephemeral one stays ephemeral
		s.change(ch, source, c)
		return nil
	}
	m := s.byBot(c)
	if a.str("response_type") != "in_channel" {
		m.ephemeralTo = h.user
	}
	s.add(ch, m, a.str("thread_ts"))
	if h.source == "" {
		h.source = m.TS
	}
	return nil
}

// acknowledge handles the payload of a slash command's acknowledgement: a
// message, or only the wish to show the command. Caller holds mu.
func (s *Server) acknowledge(channel, user, line string, payload json.RawMessage) obj {
	if payload == nil {
		return nil
	}
	a := args{}
	if err := json.Unmarshal(payload, &a); err != nil {
		var text string
		if json.Unmarshal(payload, &text) != nil {
			return fail("invalid_command_response")
		}
		a = args{"text": encode(text)}
	}
	if a.str("response_type") == "in_channel" {
		s.add(s.channels[channel], s.byUser(user, escape(line)), "")
	}
	if strings.TrimSpace(a.str("text")) == "" && a.raw("blocks") == nil && a.raw("attachments") == nil {
		return nil
	}
	return s.respond(&hook{channel: channel, user: user}, a)
}
