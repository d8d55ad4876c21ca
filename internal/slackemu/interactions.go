package slackemu

import (
	"fmt"
	"net/http"
	"slices"
)

// refused is a control that cannot be carried out.
type refused struct {
	status  int
	code    string
	message string
	errors  map[string]string // by block, for missing inputs
}

func (r *refused) Error() string { return r.message }

func no(status int, code, format string, v ...any) *refused {
	return &refused{status: status, code: code, message: fmt.Sprintf(format, v...)}
}

// person and place find a user and a channel that user can see. Caller holds mu.
func (s *Server) person(id string) (*User, error) {
	if u := s.user(id); u != nil {
		return u, nil
	}
	return nil, no(http.StatusNotFound, "user_not_found", "There is no user %s.", id)
}

func (s *Server) place(id, user string) (*channel, error) {
	ch := s.channels[id]
	if ch == nil || user != "" && !slices.Contains(ch.Members, user) {
		return nil, no(http.StatusNotFound, "channel_not_found", "There is no channel %s for %s.", id, user)
	}
	return ch, nil
}

// The parts that every interaction's payload has.
func (s *Server) teamJSON() obj { return obj{"id": s.ws.Team.ID, "domain": s.ws.Team.Domain} }

func (s *Server) userJSON(u *User) obj {
	return obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID}
}

// verification is the deprecated token field of payloads.
const verification = "local"

func (s *Server) interaction(typ string, u *User, rest obj) obj {
	p := obj{"type": typ, "team": s.teamJSON(), "user": s.userJSON(u), "api_app_id": s.ws.App.ID, "token": verification,
		"enterprise": nil, "is_enterprise_install": false}
	for k, v := range rest {
		p[k] = v
	}
	return p
}

// channelName is what payloads call a channel: only public ones have a name.
func (ch *channel) channelName() string {
	switch {
	case ch.IsIM:
		return "directmessage"
	case ch.IsPrivate:
		return "privategroup"
	}
	return ch.Name
}

func (ch *channel) short() obj { return obj{"id": ch.ID, "name": ch.channelName()} }

type clickRequest struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	ViewID   string `json:"view_id"`
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    any    `json:"value"`
	Query    string `json:"query"` // of a suggestion
}

// target is what a click or a search for options happens in.
type target struct {
	user    *User
	element element
	channel *channel // of a message
	message *Message
	view    *View
}

// target finds the element in the stored message or view. Caller holds mu.
func (s *Server) target(in clickRequest) (t target, err error) {
	if t.user, err = s.person(in.User); err != nil {
		return t, err
	}
	var found bool
	if in.ViewID != "" {
		t.view = s.view(in.ViewID)
		if t.view == nil {
			for _, v := range s.homes {
				if v.ID == in.ViewID {
					t.view = v
				}
			}
		}
		if t.view == nil || t.view.user != in.User {
			return t, no(http.StatusNotFound, "view_not_found", "%s has no open view %s.", in.User, in.ViewID)
		}
		t.element, found = findElement(t.view.Blocks, in.BlockID, in.ActionID)
	} else {
		if t.channel, err = s.place(in.Channel, in.User); err != nil {
			return t, err
		}
		if t.message = t.channel.find(in.TS, in.User); t.message == nil {
			return t, no(http.StatusNotFound, "message_not_found", "There is no message %s in %s.", in.TS, in.Channel)
		}
		if t.element, found = findElement(t.message.Blocks, in.BlockID, in.ActionID); !found {
			t.element, found = findElement(t.message.Attachments, in.BlockID, in.ActionID)
		}
	}
	if !found {
		return t, no(http.StatusNotFound, "action_not_found", "Nothing there has the action id %s.", in.ActionID)
	}
	return t, nil
}

// place is the part of a payload that says where it happened. Caller holds mu.
func (t target) place(s *Server, hook bool) obj {
	if t.view != nil {
		return obj{"container": obj{"type": "view", "view_id": t.view.ID}, "view": t.view}
	}
	m := t.message
	container := obj{"type": "message", "message_ts": m.TS, "channel_id": t.channel.ID, "is_ephemeral": m.ephemeralTo != ""}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	out := obj{"container": container, "channel": t.channel.short()}
	if m.ephemeralTo == "" {
		out["message"] = m
	}
	if hook {
		out["response_url"] = s.newHook("actions", t.channel.ID, t.user.ID, m.TS)
	}
	return out
}

// click uses an element of a message or view.
func (s *Server) click(in clickRequest) (any, error) {
	s.mu.Lock()
	t, err := s.target(in)
	var action obj
	if err == nil {
		action, err = s.use(t, in.Value)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	view := ""
	if t.view != nil {
		view = t.view.ID
	}
	rest := t.place(s, true)
	rest["trigger_id"], rest["actions"] = s.newTrigger(t.user.ID, view), []obj{action}
	if t.message != nil {
		rest["state"] = obj{"values": t.state()}
	}
	env := s.newEnvelope("interactive", false, s.interaction("block_actions", t.user, rest))
	s.mu.Unlock()
	return s.deliver(env), nil
}

// state is what the user has picked in the message so far.
func (t target) state() values {
	if t.message.state == nil {
		t.message.state = map[string]values{}
	}
	v := t.message.state[t.user.ID]
	if v == nil {
		v = initialValues(t.message.Blocks)
		t.message.state[t.user.ID] = v
	}
	return v
}

// use is the action as it goes into the payload; elements that hold a value
// keep it. Caller holds mu.
func (s *Server) use(t target, value any) (obj, error) {
	e := t.element
	action := obj{"type": e.typ(), "action_id": e.action(), "block_id": e.block, "action_ts": formatTS(s.now().UnixMicro())}
	switch e.typ() {
	case "button", "icon_button", "workflow_button":
		for _, k := range []string{"text", "value", "style"} {
			if e.el[k] != nil {
				action[k] = e.el[k]
			}
		}
		return action, nil
	case "feedback_buttons":
		for _, side := range []string{"positive_button", "negative_button"} {
			b, _ := e.el[side].(map[string]any)
			if b != nil && (value == nil || value == "" || value == b["value"] || value == side) {
				action["text"], action["value"] = b["text"], b["value"]
				return action, nil
			}
		}
		return nil, no(http.StatusNotFound, "option_not_found", "%v is neither of the two feedback values.", value)
	}
	state, err := e.pick(value)
	if err != nil {
		return nil, no(http.StatusNotFound, "option_not_found", "%v", err)
	}
	for k, v := range state {
		action[k] = v
	}
	if stateFields[e.typ()].field != "" {
		if t.view != nil {
			t.view.State.Values.set(e, state)
		} else {
			t.state().set(e, state)
		}
	}
	return action, nil
}

type shortcutRequest struct {
	User       string `json:"user"`
	Channel    string `json:"channel"`
	TS         string `json:"ts"`
	CallbackID string `json:"callback_id"`
}

// shortcut uses a message shortcut.
// https://docs.slack.dev/interactivity/implementing-shortcuts
func (s *Server) shortcut(in shortcutRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	var ch *channel
	if err == nil {
		ch, err = s.place(in.Channel, in.User)
	}
	var m *Message
	if err == nil {
		if m = ch.find(in.TS, in.User); m == nil || m.ephemeralTo != "" {
			err = no(http.StatusNotFound, "message_not_found", "There is no message %s in %s.", in.TS, in.Channel)
		}
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	payload := s.interaction("message_action", u, obj{
		"callback_id": in.CallbackID, "trigger_id": s.newTrigger(u.ID, ""), "action_ts": formatTS(s.now().UnixMicro()),
		"channel": ch.short(), "message_ts": m.TS, "message": m, "response_url": s.newHook("actions", ch.ID, u.ID, m.TS)})
	delete(payload, "api_app_id") // the one interaction without it
	env := s.newEnvelope("interactive", false, payload)
	s.mu.Unlock()
	return s.deliver(env), nil
}
