package slackemu

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
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

// byUser makes a message of a person's. Caller holds mu.
func (s *Server) byUser(user, text string) *Message {
	return &Message{Type: "message", User: user, Team: s.ws.Team.ID, Text: text}
}

var (
	atName      = regexp.MustCompile(`(^|\s)@([a-z0-9._-]+)`)
	escapedUser = regexp.MustCompile(`&lt;@([UW][A-Z0-9]+)&gt;`)
)

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// typed is a line as Slack stores it: escaped, with mentions of known users.
// Caller holds mu.
func (s *Server) typed(text string) string {
	text = escapedUser.ReplaceAllStringFunc(escape(text), func(m string) string {
		if id := escapedUser.FindStringSubmatch(m)[1]; s.user(id) != nil {
			return "<@" + id + ">"
		}
		return m
	})
	return atName.ReplaceAllStringFunc(text, func(m string) string {
		part := atName.FindStringSubmatch(m)
		for _, u := range s.ws.Users {
			if u.Name == part[2] {
				return part[1] + "<@" + u.ID + ">"
			}
		}
		return m
	})
}

type sayRequest struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	Text     string `json:"text"`
	ThreadTS string `json:"thread_ts"`
}

// say is a person typing a line: a message or a slash command.
func (s *Server) say(in sayRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	ch, err := s.place(in.Channel, in.User)
	if err == nil && in.Text == "" {
		err = no(http.StatusBadRequest, "no_text", "Nothing was typed.")
	}
	if err == nil && ch.IsArchived {
		err = no(http.StatusBadRequest, "is_archived", "This channel is archived.")
	}
	if err == nil && in.ThreadTS != "" && ch.find(in.ThreadTS, in.User) == nil {
		err = no(http.StatusNotFound, "message_not_found", "There is no message %s in %s.", in.ThreadTS, in.Channel)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	command, text := in.Text, ""
	if i := strings.IndexFunc(in.Text, unicode.IsSpace); i >= 0 {
		command, text = in.Text[:i], in.Text[i:]
	}
	if strings.HasPrefix(command, "/") && len(command) > 1 {
		if in.ThreadTS != "" {
			s.mu.Unlock()
			return nil, no(http.StatusBadRequest, "not_supported_in_threads", "%s is not supported in threads. Sorry!", command)
		}
		if command != "/invite" {
			env := s.newEnvelope("slash_commands", true, obj{"token": verification, "team_id": s.ws.Team.ID, "team_domain": s.ws.Team.Domain,
				"channel_id": ch.ID, "channel_name": ch.channelName(), "user_id": u.ID, "user_name": u.Name,
				"command": command, "text": strings.TrimSpace(text), "api_app_id": s.ws.App.ID, "is_enterprise_install": "false",
				"response_url": s.newHook("commands", ch.ID, u.ID, ""), "trigger_id": s.newTrigger(u.ID, "")})
			s.mu.Unlock()
			return s.command(env, ch, u.ID, command, in.Text), nil
		}
	}
	defer s.mu.Unlock()
	m := s.byUser(in.User, s.typed(in.Text))
	if command == "/invite" {
		bot := s.user(s.ws.App.BotUserID)
		if !strings.Contains(text, bot.Name) && !strings.Contains(text, bot.ID) || ch.IsIM {
			return nil, no(http.StatusBadRequest, "user_not_found", "Only the bot @%s can be invited, and not to a direct message.", bot.Name)
		}
		ch.IsMember = true
		s.publish(obj{"type": "channel", "channel": ch.ID}, nil)
		m.Subtype, m.Text = "channel_join", "added <@"+bot.ID+">"
	}
	s.add(ch, m, in.ThreadTS)
	s.hear(ch, m)
	return obj{"channel": ch.ID, "ts": m.TS}, nil
}

// command delivers a slash command and shows what came of it.
func (s *Server) command(env *envelope, ch *channel, user, command, line string) Delivery {
	d := s.deliver(env)
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Acked {
		if bad := s.acknowledge(ch.ID, user, line, d.AckPayload); bad != nil {
			d.Error = bad["error"].(string)
		}
	}
	if d.Error != "" {
		m := s.byUser("USLACKBOT", fmt.Sprintf("%s failed with the error %q", command, d.Error))
		m.ephemeralTo = user
		s.add(ch, m, "")
	}
	return d
}

// hear tells the app about a line it listens to: a mention where it is a
// member, or anything in its own direct messages. Caller holds mu.
func (s *Server) hear(ch *channel, m *Message) {
	event := obj{"user": m.User, "text": m.Text, "ts": m.TS, "team": m.Team, "channel": ch.ID, "event_ts": m.TS}
	if m.ThreadTS != "" {
		event["thread_ts"] = m.ThreadTS
	}
	switch {
	case m.Subtype != "" || !ch.IsMember:
		return
	case ch.IsIM:
		event["type"], event["channel_type"] = "message", "im"
	case strings.Contains(m.Text, "<@"+s.ws.App.BotUserID+">"):
		event["type"] = "app_mention"
	default:
		return
	}
	app := s.ws.App
	s.sendEvent(obj{"token": verification, "team_id": s.ws.Team.ID, "api_app_id": app.ID, "type": "event_callback",
		"event_id": s.nextID("Ev"), "event_time": s.now().Unix(), "is_ext_shared_channel": ch.IsExtShared,
		"authorizations": []obj{{"enterprise_id": nil, "team_id": s.ws.Team.ID, "user_id": app.BotUserID, "is_bot": true, "is_enterprise_install": false}},
		"event_context":  fmt.Sprintf("1-%s-%s-%s", event["type"], s.ws.Team.ID, ch.ID), "event": event})
}

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

type submitRequest struct {
	User   string         `json:"user"`
	ViewID string         `json:"view_id"`
	Values map[string]any `json:"values"`
}

// submit presses a modal's submit button and does what the app answers.
// https://docs.slack.dev/surfaces/modals#view-submissions
func (s *Server) submit(in submitRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	var v *View
	if err == nil {
		if v = s.view(in.ViewID); v == nil || v.user != in.User {
			err = no(http.StatusNotFound, "view_not_found", "%s has no open view %s.", in.User, in.ViewID)
		}
	}
	var vals values
	if err == nil {
		if vals, err = v.sets(in.Values); err != nil {
			err = no(http.StatusBadRequest, "invalid_values", "%v", err)
		} else if missing := v.missing(vals); len(missing) > 0 {
			err = &refused{http.StatusBadRequest, "missing_input", "A required field is empty.", missing}
		}
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	v.State.Values, v.errors = vals, nil
	urls := []obj{}
	for _, e := range elements(v.Blocks) {
		picked, _ := vals[e.block][e.action()][stateFields[e.typ()].field].(string)
		if e.el["response_url_enabled"] == true && s.channels[picked] != nil {
			urls = append(urls, obj{"block_id": e.block, "action_id": e.action(), "channel_id": picked,
				"response_url": s.newHook("actions", picked, u.ID, "")})
		}
	}
	env := s.newEnvelope("interactive", true, s.interaction("view_submission", u, obj{
		"trigger_id": s.newTrigger(u.ID, v.ID), "view": v, "response_urls": urls}))
	s.mu.Unlock()

	d := s.deliver(env)
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Acked {
		s.submitted(v, &d)
	}
	return d, nil
}

// submitted carries out the response_action of an acknowledgement. Caller holds mu.
func (s *Server) submitted(v *View, d *Delivery) {
	if s.view(v.ID) == nil {
		return // closed meanwhile
	}
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if d.AckPayload != nil && json.Unmarshal(d.AckPayload, &answer) != nil {
		d.Error = "invalid_response"
		return
	}
	next := func() *View {
		nv, bad := s.readView(args{"view": answer.View}, "modal")
		if bad != nil {
			d.Error = bad["error"].(string)
			return nil
		}
		return nv
	}
	switch answer.Action {
	case "":
		s.dismiss(v, false)
	case "clear":
		s.dismiss(v, true)
	case "errors":
		v.errors, d.Errors = answer.Errors, answer.Errors
		s.publish(obj{"type": "view_changed", "user": v.user, "view_id": v.ID}, nil)
	case "update":
		if nv := next(); nv != nil {
			s.replaceView(v, nv)
		}
	case "push":
		nv := next()
		if nv == nil {
			return
		}
		if bad := s.stack(nv, v); bad != nil {
			d.Error = bad["error"].(string)
			return
		}
		s.showing(nv)
	default:
		d.Error = "invalid_response"
	}
}

type closeViewRequest struct {
	User   string `json:"user"`
	ViewID string `json:"view_id"`
	Clear  bool   `json:"clear"`
}

// closeView presses a modal's close button, or with Clear the cross over a stack.
func (s *Server) closeView(in closeViewRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	v := s.view(in.ViewID)
	if err == nil && (v == nil || v.user != in.User) {
		err = no(http.StatusNotFound, "view_not_found", "%s has no open view %s.", in.User, in.ViewID)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	all := in.Clear || v.ClearOnClose
	ids, envs := []string{}, []*envelope{}
	for _, gone := range s.dismiss(v, all) {
		ids = append(ids, gone.ID)
		if gone.NotifyOnClose {
			envs = append(envs, s.newEnvelope("interactive", false, s.interaction("view_closed", u, obj{"view": gone, "is_cleared": all})))
		}
	}
	s.mu.Unlock()
	deliveries := []Delivery{}
	for _, env := range envs {
		deliveries = append(deliveries, s.deliver(env))
	}
	return obj{"closed": ids, "deliveries": deliveries}, nil
}

// Choice is one option an app offered for an external select.
type Choice struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// ChoiceGroup is a labelled group of them.
type ChoiceGroup struct {
	Label   string   `json:"label"`
	Options []Choice `json:"options"`
}

// suggest asks the app for the options of an external select.
// https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
func (s *Server) suggest(in clickRequest) (any, error) {
	s.mu.Lock()
	t, err := s.target(in)
	if err == nil && !strings.HasSuffix(t.element.typ(), "external_select") {
		err = no(http.StatusBadRequest, "not_external", "%s is not an external select.", in.ActionID)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	rest := t.place(s, false)
	rest["action_id"], rest["block_id"], rest["value"] = t.element.action(), t.element.block, in.Query
	env := s.newEnvelope("interactive", true, s.interaction("block_suggestion", t.user, rest))
	s.mu.Unlock()
	d := s.deliver(env)
	if d.AckPayload == nil {
		return d, nil
	}
	type option struct {
		Text  struct{ Text string }
		Value string
	}
	var answer struct {
		Options []option
		Groups  []struct {
			Label   struct{ Text string }
			Options []option
		} `json:"option_groups"`
	}
	if json.Unmarshal(d.AckPayload, &answer) != nil || len(answer.Options) > maxSelectOptions {
		d.Error = "invalid_response"
		return d, nil
	}
	for _, o := range answer.Options {
		d.Options = append(d.Options, Choice{o.Text.Text, o.Value})
	}
	for _, g := range answer.Groups {
		group := ChoiceGroup{Label: g.Label.Text}
		for _, o := range g.Options {
			group.Options = append(group.Options, Choice{o.Text.Text, o.Value})
		}
		d.OptionGroups = append(d.OptionGroups, group)
	}
	return d, nil
}
