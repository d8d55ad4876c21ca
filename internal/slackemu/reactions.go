package slackemu

import (
	"regexp"
	"slices"
)

var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]+(::skin-tone-[2-6])?$`)

func (s *Server) reactionsAdd(r *request) obj    { return s.reaction(r, false) }
func (s *Server) reactionsRemove(r *request) obj { return s.reaction(r, true) }

func (s *Server) reaction(r *request, remove bool) obj {
	ch, bad := s.writable(r.args.str("channel"))
	if bad != nil {
		return bad
	}
	return s.react(ch, r.args.str("timestamp"), s.ws.App.BotUserID, r.args.str("name"), remove)
}

// react sets or takes away one user's reaction. Caller holds mu.
func (s *Server) react(ch *channel, ts, user, name string, remove bool) obj {
	if !emojiName.MatchString(name) {
		return fail("invalid_name")
	}
	m := ch.find(ts, "")
	if m == nil {
		return fail("message_not_found")
	}
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	set := i >= 0 && slices.Contains(m.Reactions[i].Users, user)
	switch {
	case remove && !set:
		return fail("no_reaction")
	case !remove && set:
		return fail("already_reacted")
	case remove:
		re := &m.Reactions[i]
		re.Users = slices.DeleteFunc(re.Users, func(u string) bool { return u == user })
		if re.Count--; re.Count == 0 {
			m.Reactions = slices.Delete(m.Reactions, i, i+1)
		}
	case i < 0:
		m.Reactions = append(m.Reactions, Reaction{Name: name, Users: []string{user}, Count: 1})
	default:
		m.Reactions[i].Users = append(m.Reactions[i].Users, user)
		m.Reactions[i].Count++
	}
	s.publish(obj{"type": "message_changed", "channel": ch.ID, "ts": m.TS}, m)
	return obj{"ok": true}
}
