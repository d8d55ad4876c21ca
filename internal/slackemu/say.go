package slackemu

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

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
