package slackemu

import "slices"

// user is the person or bot with that id, or nil. Caller holds mu.
func (s *Server) user(id string) *User {
	for i := range s.ws.Users {
		if s.ws.Users[i].ID == id {
			return &s.ws.Users[i]
		}
	}
	return nil
}

func (s *Server) authTest(r *request) obj {
	team, app := s.ws.Team, s.ws.App
	return obj{"ok": true, "url": "https://" + team.Domain + ".slack.com/", "team": team.Name, "user": app.Name,
		"team_id": team.ID, "user_id": app.BotUserID, "bot_id": app.BotID, "app_id": app.ID, "is_enterprise_install": false}
}

func (s *Server) usersInfo(r *request) obj {
	u := s.user(r.args.str("user"))
	if u == nil {
		return fail("user_not_found")
	}
	return obj{"ok": true, "user": u}
}

func (s *Server) usersList(r *request) obj {
	list, next, ok := pageOf(s.ws.Users, r.args, func(u User) string { return u.ID })
	if !ok {
		return fail("invalid_cursor")
	}
	return obj{"ok": true, "members": list, "cache_ts": s.now().Unix(), "response_metadata": obj{"next_cursor": next}}
}

func (s *Server) usergroupsUsersList(r *request) obj {
	i := slices.IndexFunc(s.ws.Groups, func(g UserGroup) bool { return g.ID == r.args.str("usergroup") })
	if i < 0 {
		return fail("no_such_subteam")
	}
	return obj{"ok": true, "users": s.ws.Groups[i].Users}
}
