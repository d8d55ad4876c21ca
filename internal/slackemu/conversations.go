package slackemu

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// readable finds a channel the bot may know about. Caller holds mu.
func (s *Server) readable(id string) (*channel, obj) {
	ch := s.channels[id]
	if ch == nil || !ch.IsMember && (ch.IsPrivate || ch.IsIM || ch.IsMPIM) {
		return nil, fail("channel_not_found")
	}
	return ch, nil
}

// json is the channel as Slack answers it.
func (ch *channel) json() Channel {
	c := ch.Channel
	c.NumMembers = len(c.Members)
	if c.IsMember {
		c.NumMembers++
	}
	return c
}

func (s *Server) conversationsInfo(r *request) obj {
	ch, bad := s.readable(r.args.str("channel"))
	if bad != nil {
		return bad
	}
	return obj{"ok": true, "channel": ch.json()}
}

func (s *Server) conversationsList(r *request) obj {
	types := strings.Split(cmp.Or(r.args.str("types"), "public_channel"), ",")
	var list []Channel
	for _, id := range slices.Sorted(maps.Keys(s.channels)) {
		ch := s.channels[id]
		kind := "public_channel"
		switch {
		case ch.IsIM:
			kind = "im"
		case ch.IsPrivate:
			kind = "private_channel"
		}
		if _, hidden := s.readable(id); hidden != nil || !slices.Contains(types, kind) || ch.IsArchived && r.args.bool("exclude_archived") {
			continue
		}
		list = append(list, ch.json())
	}
	list, next, ok := pageOf(list, r.args, func(c Channel) string { return c.ID })
	if !ok {
		return fail("invalid_cursor")
	}
	return obj{"ok": true, "channels": list, "response_metadata": obj{"next_cursor": next}}
}

func (s *Server) conversationsJoin(r *request) obj {
	ch := s.channels[r.args.str("channel")]
	switch {
	case ch == nil:
		return fail("channel_not_found")
	case ch.IsPrivate || ch.IsIM || ch.IsMPIM:
		return fail("method_not_supported_for_channel_type")
	case ch.IsArchived:
		return fail("is_archived")
	}
	body := obj{"ok": true}
	if ch.IsMember {
		body["warning"], body["response_metadata"] = "already_in_channel", obj{"warnings": []string{"already_in_channel"}}
	}
	ch.IsMember = true
	body["channel"] = ch.json()
	s.publish(obj{"type": "channel", "channel": ch.ID}, nil)
	return body
}

func (s *Server) conversationsOpen(r *request) obj {
	user := r.args.str("users")
	if id := r.args.str("channel"); id != "" {
		ch, bad := s.readable(id)
		if bad != nil {
			return bad
		}
		user = ch.User
	}
	if s.user(user) == nil || user == s.ws.App.BotUserID {
		return fail("user_not_found")
	}
	ch := s.openDM(user)
	if r.args.bool("return_im") {
		return obj{"ok": true, "channel": ch.json()}
	}
	return obj{"ok": true, "channel": obj{"id": ch.ID}}
}

// openDM is the direct message between the bot and a user. Caller holds mu.
func (s *Server) openDM(user string) *channel {
	for _, ch := range s.channels {
		if ch.IsIM && ch.IsMember && ch.User == user {
			return ch
		}
	}
	ch := &channel{Channel: Channel{ID: s.nextID("D"), IsIM: true, IsMember: true, User: user,
		Created: s.now().Unix(), ContextTeamID: s.ws.Team.ID, Members: []string{user}}}
	s.channels[ch.ID] = ch
	s.publish(obj{"type": "channel", "channel": ch.ID}, nil)
	return ch
}

// conversationsHistory is newest first, without replies.
func (s *Server) conversationsHistory(r *request) obj {
	ch, bad := s.history(r)
	if bad != nil {
		return bad
	}
	var list []*Message
	for _, m := range slices.Backward(ch.messages) {
		if m.ephemeralTo == "" && m.inChannel() {
			list = append(list, m)
		}
	}
	return messagePage(list, r.args)
}

// conversationsReplies is the parent and its replies, oldest first.
func (s *Server) conversationsReplies(r *request) obj {
	ch, bad := s.history(r)
	if bad != nil {
		return bad
	}
	m := ch.find(r.args.str("ts"), "")
	if m == nil {
		return fail("thread_not_found")
	}
	return messagePage(ch.thread(cmp.Or(m.ThreadTS, m.TS), ""), r.args)
}

func (s *Server) history(r *request) (*channel, obj) {
	ch, bad := s.readable(r.args.str("channel"))
	if bad == nil && !ch.IsMember {
		return nil, fail("not_in_channel")
	}
	return ch, bad
}

// inChannel says whether the channel itself shows the message.
func (m *Message) inChannel() bool {
	return m.ThreadTS == "" || m.ThreadTS == m.TS || m.Subtype == "thread_broadcast"
}

// thread is a parent and its replies as user sees them. Caller holds mu.
func (ch *channel) thread(ts, user string) []*Message {
	var list []*Message
	for _, m := range ch.messages {
		if (m.TS == ts || m.ThreadTS == ts) && (m.ephemeralTo == "" || m.ephemeralTo == user) {
			list = append(list, m)
		}
	}
	return list
}

// messagePage applies oldest, latest, inclusive, limit and cursor, and leaves
// out metadata unless asked for.
func messagePage(list []*Message, a args) obj {
	oldest, latest, inclusive := a.str("oldest"), a.str("latest"), a.bool("inclusive")
	list = slices.DeleteFunc(list, func(m *Message) bool {
		return oldest != "" && (m.TS < oldest || m.TS == oldest && !inclusive) ||
			latest != "" && (m.TS > latest || m.TS == latest && !inclusive)
	})
	list, next, ok := pageOf(list, a, func(m *Message) string { return m.TS })
	if !ok {
		return fail("invalid_cursor")
	}
	out := make([]Message, len(list))
	for i, m := range list {
		out[i] = *m
		if !a.bool("include_all_metadata") {
			out[i].Metadata = nil
		}
	}
	body := obj{"ok": true, "messages": out, "has_more": next != ""}
	if next != "" {
		body["response_metadata"] = obj{"next_cursor": next}
	}
	return body
}

const (
	defaultPage = 100
	maxPage     = 999
)

// pageOf cuts one page out of a list; the cursor names the first item of the next.
func pageOf[T any](list []T, a args, key func(T) string) (_ []T, next string, ok bool) {
	if cursor := a.str("cursor"); cursor != "" {
		id, good := strings.CutPrefix(cursor, "next:")
		i := slices.IndexFunc(list, func(v T) bool { return key(v) == id })
		if !good || i < 0 {
			return nil, "", false
		}
		list = list[i:]
	}
	if n := min(max(a.int("limit", defaultPage), 1), maxPage); len(list) > n {
		return list[:n], "next:" + key(list[n]), true
	}
	if list == nil {
		list = []T{}
	}
	return list, "", true
}
