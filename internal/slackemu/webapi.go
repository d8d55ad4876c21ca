package slackemu

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one Web API method.
type method struct {
	scope  string // of the bot token; "" needs none
	perMin int    // tier: calls a minute; 0 is a special tier that is not limited here
	run    func(*Server, *request) obj
}

// methods is everything under /api/ that takes a bot token. Tiers:
// https://docs.slack.dev/apis/web-api/rate-limits
var methods = map[string]method{
	"auth.test":                    {"", 0, (*Server).authTest},
	"assistant.threads.setStatus":  {"chat:write", 0, (*Server).setStatus},
	"chat.delete":                  {"chat:write", tier3, (*Server).chatDelete},
	"chat.getPermalink":            {"", 0, (*Server).chatGetPermalink},
	"chat.postEphemeral":           {"chat:write", tier4, (*Server).chatPostEphemeral},
	"chat.postMessage":             {"chat:write", 0, (*Server).chatPostMessage}, // limited by channel
	"chat.update":                  {"chat:write", tier3, (*Server).chatUpdate},
	"conversations.history":        {"channels:history", tier3, (*Server).conversationsHistory},
	"conversations.info":           {"channels:read", tier3, (*Server).conversationsInfo},
	"conversations.join":           {"channels:join", tier3, (*Server).conversationsJoin},
	"conversations.list":           {"channels:read", tier2, (*Server).conversationsList},
	"conversations.open":           {"im:write", tier3, (*Server).conversationsOpen},
	"conversations.replies":        {"channels:history", tier3, (*Server).conversationsReplies},
	"files.completeUploadExternal": {"files:write", tier4, (*Server).filesComplete},
	"files.getUploadURLExternal":   {"files:write", tier4, (*Server).filesGetUploadURL},
	"files.info":                   {"files:read", tier4, (*Server).filesInfo},
	"reactions.add":                {"reactions:write", tier3, (*Server).reactionsAdd},
	"reactions.remove":             {"reactions:write", tier2, (*Server).reactionsRemove},
	"usergroups.users.list":        {"usergroups:read", tier2, (*Server).usergroupsUsersList},
	"users.info":                   {"users:read", tier4, (*Server).usersInfo},
	"users.list":                   {"users:read", tier2, (*Server).usersList},
	"views.open":                   {"", tier4, (*Server).viewsOpen},
	"views.publish":                {"", tier4, (*Server).viewsPublish},
	"views.push":                   {"", tier4, (*Server).viewsPush},
	"views.update":                 {"", tier4, (*Server).viewsUpdate},
}

// request is one Web API call as its method sees it.
type request struct {
	method string
	args   args
	token  string
	header bool   // the token came in the Authorization header
	base   string // how the caller reaches us: http://host
}

// Call is one answered Web API call, tokens cut.
type Call struct {
	N      int             `json:"n"`
	Method string          `json:"method"`
	Args   obj             `json:"args"`
	Status int             `json:"status"` // 0: cut without an answer
	Answer json.RawMessage `json:"answer"`
	At     time.Time       `json:"at"`
	MS     int64           `json:"ms"`
	Fault  bool            `json:"fault,omitempty"`
}

// serveAPI is the way of one call: read, fault, authenticate, limit, carry out, log.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	req := &request{method: r.PathValue("method"), base: "http://" + r.Host}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		http.Error(w, "request too large", http.StatusRequestEntityTooLarge)
		return
	}
	req.args, err = parseArgs(r, body)
	req.token = req.args.str("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && bearer != "" {
		req.token, req.header = bearer, true
	}
	delete(req.args, "token")

	s.faulty(w, req.method, req.args.str("channel")+req.args.str("channel_id"), req.args, start, func() reply {
		if err != nil {
			return reply{body: fail("invalid_json")}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		rep := s.answer(req)
		rep.body = encode(rep.body) // here, because messages may change once mu is free
		return rep
	})
}

// reply is an answer before it is written.
type reply struct {
	status int // 0 is 200
	header http.Header
	body   any // obj, or text
}

// answer carries a call out. Caller holds mu.
func (s *Server) answer(req *request) reply {
	switch req.method {
	case "apps.connections.open":
		return s.connectionsOpen(req)
	case "blocks.validate": // the one method that needs no token
		return reply{body: s.blocksValidate(req)}
	}
	m, known := methods[req.method]
	if !known {
		return reply{body: fail("unknown_method")}
	}
	app := s.ws.App
	switch {
	case req.token == "":
		return reply{body: fail("not_authed")}
	case req.token == app.AppToken:
		return reply{body: fail("not_allowed_token_type")}
	case req.token != app.BotToken:
		return reply{body: fail("invalid_auth")}
	}
	provided := strings.Join(app.Scopes, ",")
	if m.scope != "" && !slices.Contains(app.Scopes, m.scope) {
		return reply{body: obj{"ok": false, "error": "missing_scope", "needed": m.scope, "provided": provided}}
	}
	if wait := s.limit(req.method, m.perMin, req.args.str("channel")); wait > 0 {
		return tooMany(wait)
	}
	return reply{header: http.Header{"X-OAuth-Scopes": {provided}, "X-Accepted-OAuth-Scopes": {m.scope}}, body: m.run(s, req)}
}

func tooMany(seconds int) reply {
	return reply{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {strconv.Itoa(seconds)}}, body: fail("ratelimited")}
}

func fail(code string) obj { return obj{"ok": false, "error": code} }

// log keeps the call for /_emu/calls.
func (s *Server) log(method string, a args, rep reply, start time.Time, fault bool) {
	c := &Call{Method: method, Args: a.open(), Status: rep.status, Answer: json.RawMessage(cut(encode(rep.body))),
		At: start.UTC(), MS: time.Since(start).Milliseconds(), Fault: fault}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.N = len(s.calls.items) + s.calls.dropped + 1
	s.calls.add(c)
}

// secret matches Slack's tokens and our one-time tickets.
var secret = regexp.MustCompile(`xox[a-z][.-][A-Za-z0-9._-]+|xapp-[A-Za-z0-9._-]+|ticket=[A-Za-z0-9-]+`)

func cut(b []byte) []byte {
	return secret.ReplaceAllFunc(b, func(m []byte) []byte {
		if i := bytes.IndexAny(m, "-=."); i >= 0 {
			return append(bytes.Clone(m[:i+1]), "cut"...)
		}
		return []byte("cut")
	})
}

// args are a call's arguments, each as JSON. Forms carry everything as
// strings, and JSON in strings; JSON bodies carry values.
type args map[string]json.RawMessage

func parseArgs(r *http.Request, body []byte) (args, error) {
	a := args{}
	for k, v := range r.URL.Query() {
		a[k] = encode(v[0])
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if len(bytes.TrimSpace(body)) == 0 {
			return a, nil
		}
		return a, json.Unmarshal(body, &a)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if kind == "multipart/form-data" {
		if err := r.ParseMultipartForm(4 << 20); err != nil {
			return a, err
		}
	} else if err := r.ParseForm(); err != nil {
		return a, err
	}
	for k, v := range r.PostForm {
		a[k] = encode(v[0])
	}
	return a, nil
}

// str is an argument as text: strings as they are, anything else as its JSON.
func (a args) str(key string) string {
	raw := a[key]
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// raw is an argument that is JSON, whether it came as a string or as a value;
// nil where it is absent, empty or null.
func (a args) raw(key string) json.RawMessage {
	if text := a.str(key); text != "" {
		return json.RawMessage(text)
	}
	return nil
}

func (a args) bool(key string) bool {
	v := a.str(key)
	return v == "true" || v == "1"
}

func (a args) int(key string, otherwise int) int {
	if n, err := strconv.Atoi(a.str(key)); err == nil {
		return n
	}
	return otherwise
}

// open is the arguments for reading: JSON in strings becomes JSON, tokens are cut.
func (a args) open() obj {
	out := obj{}
	for k, raw := range a {
		if text := a.str(k); strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
			if json.Valid([]byte(text)) {
				raw = json.RawMessage(text)
			}
		}
		out[k] = json.RawMessage(cut(raw))
	}
	return out
}
