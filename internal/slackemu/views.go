package slackemu

import (
	"encoding/json"
	"slices"
	"time"
)

// https://docs.slack.dev/interactivity/implementing-slash-commands and
// https://docs.slack.dev/reference/methods/views.open
const (
	triggerLife  = 3 * time.Second
	maxViewStack = 3
)

// trigger lets the app open a view for the user who just did something.
type trigger struct {
	user    string
	view    string // the view it happened in, if any
	expires time.Time
	used    bool
}

// newTrigger makes a trigger id. Caller holds mu.
func (s *Server) newTrigger(user, view string) string {
	id := s.nextID("") + "." + s.nextID("") + "." + uuid()
	s.triggers[id] = &trigger{user: user, view: view, expires: s.now().Add(triggerLife)}
	return id
}

// values is Slack's view.state.values: by block id, then action id.
type values map[string]map[string]obj

// View is one modal or Home tab, in Slack's JSON.
type View struct {
	ID              string          `json:"id"`
	TeamID          string          `json:"team_id"`
	Type            string          `json:"type"`
	Blocks          json.RawMessage `json:"blocks"`
	PrivateMetadata string          `json:"private_metadata"`
	CallbackID      string          `json:"callback_id"`
	State           struct {
		Values values `json:"values"`
	} `json:"state"`
	Hash               string          `json:"hash"`
	Title              json.RawMessage `json:"title"`
	ClearOnClose       bool            `json:"clear_on_close"`
	NotifyOnClose      bool            `json:"notify_on_close"`
	Close              json.RawMessage `json:"close"`
	Submit             json.RawMessage `json:"submit"`
	PreviousViewID     *string         `json:"previous_view_id"`
	RootViewID         string          `json:"root_view_id"`
	AppID              string          `json:"app_id"`
	ExternalID         string          `json:"external_id"`
	AppInstalledTeamID string          `json:"app_installed_team_id"`
	BotID              string          `json:"bot_id"`

	user   string
	errors map[string]string
}

// checkView reads a view argument: the parsed blocks are completed by the caller.
func checkView(raw json.RawMessage) (v map[string]any, found []problem, bad obj) {
	if decode(raw, &v) != nil {
		return nil, nil, fail("invalid_arguments")
	}
	typ, _ := v["type"].(string)
	if typ != "modal" && typ != "home" {
		return nil, []problem{{Pointer: "/view/type", Code: "unsupported_type", Message: "unsupported type: " + typ}}, nil
	}
	list, _ := v["blocks"].([]any)
	head := map[string]any{}
	for k, field := range v {
		head[k] = field
	}
	if v["blocks"] != nil {
		head["blocks"] = []any{} // each is checked by its own type below
	}
	found = append(found, checkSchema(schemas()[typ], head, "/view")...)
	for _, l := range append(limits["*"], limits[typ]...) {
		found = append(found, l.check(v, "/view", l.path)...)
	}
	found = append(found, problems(list, "/view/blocks", surfaceView)...)
	if typ == "modal" && v["submit"] == nil && countType(list, "input") > 0 {
		found = append(found, problem{Pointer: "/view/submit", Code: "missing_required_field", Field: "submit",
			Message: "must define `submit` to use an `input` block in modals"})
	}
	return v, found, nil
}

// readView checks a view and fills in what Slack fills in. Caller holds mu.
func (s *Server) readView(a args, typ string) (*View, obj) {
	raw := a.raw("view")
	if raw == nil {
		return nil, fail("invalid_arguments")
	}
	m, found, bad := checkView(raw)
	if bad != nil {
		return nil, bad
	}
	if len(found) > 0 {
		return nil, invalid("invalid_arguments", found) // views.* say so instead of invalid_blocks
	}
	if m["type"] != typ {
		return nil, fail("invalid_arguments")
	}
	list, _ := m["blocks"].([]any)
	blocks := make([]map[string]any, len(list))
	for i, b := range list {
		blocks[i] = b.(map[string]any)
	}
	s.complete(m)
	v := &View{}
	must(json.Unmarshal(encode(m), v)) // its schema was checked
	v.Blocks = s.completeBlocks(blocks)
	v.ID, v.TeamID, v.AppInstalledTeamID = s.nextID("V"), s.ws.Team.ID, s.ws.Team.ID
	v.AppID, v.BotID = s.ws.App.ID, s.ws.App.BotID
	v.RootViewID = v.ID
	v.State.Values = initialValues(v.Blocks)
	v.rehash(s)
	return v, nil
}

func (v *View) rehash(s *Server) { v.Hash = formatTS(s.now().UnixMicro())[:10] + "." + uuid()[:8] }

// spend uses a trigger up. Caller holds mu.
func (s *Server) spend(id string) (*trigger, obj) {
	t := s.triggers[id]
	switch {
	case t == nil:
		return nil, fail("invalid_trigger_id")
	case t.used:
		return nil, fail("exchanged_trigger_id")
	case !s.now().Before(t.expires):
		return nil, fail("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

func (s *Server) viewsOpen(r *request) obj { return s.showView(r, false) }
func (s *Server) viewsPush(r *request) obj { return s.showView(r, true) }

func (s *Server) showView(r *request, push bool) obj {
	t, bad := s.spend(r.args.str("trigger_id"))
	if bad != nil {
		return bad
	}
	v, bad := s.readView(r.args, "modal")
	if bad != nil {
		return bad
	}
	if v.ExternalID != "" && slices.ContainsFunc(s.views, func(o *View) bool { return o.ExternalID == v.ExternalID }) {
		return fail("duplicate_external_id")
	}
	if push {
		if bad := s.stack(v, s.view(t.view)); bad != nil {
			return bad
		}
	}
	v.user = t.user
	s.showing(v)
	return obj{"ok": true, "view": v}
}

// stack puts v over another view of the same user. Caller holds mu.
func (s *Server) stack(v, below *View) obj {
	if below == nil {
		return fail("not_found")
	}
	depth := 0
	for _, o := range s.views {
		if o.RootViewID == below.RootViewID {
			depth++
		}
	}
	if depth >= maxViewStack {
		return fail("push_limit_reached")
	}
	v.RootViewID, v.PreviousViewID, v.user = below.RootViewID, &below.ID, below.user
	return nil
}

func (s *Server) showing(v *View) {
	s.views = append(s.views, v)
	s.publish(obj{"type": "view_opened", "user": v.user, "view_id": v.ID}, nil)
}

// view is the open view with that id, or nil. Caller holds mu.
func (s *Server) view(id string) *View {
	for _, v := range s.views {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func (s *Server) viewsUpdate(r *request) obj {
	id, external := r.args.str("view_id"), r.args.str("external_id")
	i := slices.IndexFunc(s.views, func(v *View) bool { return id != "" && v.ID == id || external != "" && v.ExternalID == external })
	if i < 0 {
		return fail("not_found")
	}
	old := s.views[i]
	if hash := r.args.str("hash"); hash != "" && hash != old.Hash {
		return fail("hash_conflict")
	}
	v, bad := s.readView(r.args, "modal")
	if bad != nil {
		return bad
	}
	s.replaceView(old, v)
	return obj{"ok": true, "view": old}
}

// replaceView puts new content into an open view; what the user entered stays
// where block and action ids stayed. Caller holds mu.
func (s *Server) replaceView(old, v *View) {
	v.ID, v.RootViewID, v.PreviousViewID, v.user = old.ID, old.RootViewID, old.PreviousViewID, old.user
	for block, actions := range v.State.Values {
		for action, fresh := range actions {
			if kept := old.State.Values[block][action]; kept != nil && kept["type"] == fresh["type"] {
				actions[action] = kept
			}
		}
	}
	*old = *v
	s.publish(obj{"type": "view_changed", "user": v.user, "view_id": v.ID}, nil)
}

func (s *Server) viewsPublish(r *request) obj {
	user := r.args.str("user_id")
	if s.user(user) == nil {
		return fail("user_not_found")
	}
	v, bad := s.readView(r.args, "home")
	if bad != nil {
		return bad
	}
	old := s.homes[user]
	if hash := r.args.str("hash"); hash != "" && (old == nil || hash != old.Hash) {
		return fail("hash_conflict")
	}
	if old != nil {
		v.ID, v.RootViewID = old.ID, old.ID
	}
	v.user = user
	s.homes[user] = v
	s.publish(obj{"type": "view_changed", "user": user, "view_id": v.ID}, nil)
	return obj{"ok": true, "view": v}
}

// dismiss takes views from the screen: all of the stack, or one. Caller holds mu.
func (s *Server) dismiss(v *View, all bool) (gone []*View) {
	s.views = slices.DeleteFunc(s.views, func(o *View) bool {
		if o == v || all && o.RootViewID == v.RootViewID {
			gone = append(gone, o)
			return true
		}
		return false
	})
	for _, o := range gone {
		s.publish(obj{"type": "view_closed", "user": o.user, "view_id": o.ID}, nil)
	}
	return gone
}
