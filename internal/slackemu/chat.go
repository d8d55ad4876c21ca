package slackemu

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// writable finds the channel a bot wants to post to, or Slack's reason why it
// may not. https://docs.slack.dev/reference/methods/chat.postMessage#errors
// Caller holds mu.
func (s *Server) writable(id string) (*channel, obj) {
	if strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W") {
		if s.user(id) == nil {
			return nil, fail("channel_not_found")
		}
		return s.openDM(id), nil
	}
	ch := s.channels[id]
	switch {
	case ch == nil:
		return nil, fail("channel_not_found")
	case !ch.IsMember && (ch.IsPrivate || ch.IsIM || ch.IsMPIM):
		return nil, fail("channel_not_found") // Slack does not tell strangers that it exists
	case ch.IsArchived:
		return nil, fail("is_archived")
	case !ch.IsMember && !slices.Contains(s.ws.App.Scopes, "chat:write.public"):
		return nil, fail("not_in_channel")
	}
	return ch, nil
}

func (s *Server) chatPostMessage(r *request) obj {
	ch, bad := s.writable(r.args.str("channel"))
	if bad != nil {
		return bad
	}
	c, bad := s.readContent(r.args)
	if bad != nil {
		return bad
	}
	if c.empty() {
		return fail("no_text")
	}
	m := s.byBot(c)
	thread := r.args.str("thread_ts")
	if parent := ch.find(thread, ""); parent == nil && slices.ContainsFunc(ch.messages, func(m *Message) bool { return m.TS == thread }) {
		return fail("cannot_reply_to_message") // an ephemeral one
	}
	if thread != "" && r.args.bool("reply_broadcast") {
		m.Subtype = "thread_broadcast"
	}
	s.add(ch, m, thread)
	return obj{"ok": true, "channel": ch.ID, "ts": m.TS, "message": m}
}

func (s *Server) chatPostEphemeral(r *request) obj {
	ch, bad := s.writable(r.args.str("channel"))
	if bad != nil {
		return bad
	}
	if !ch.IsMember {
		return fail("not_in_channel")
	}
	user := r.args.str("user")
	if !slices.Contains(ch.Members, user) {
		return fail("user_not_in_channel")
	}
	c, bad := s.readContent(r.args)
	if bad != nil {
		return bad
	}
	if c.empty() {
		return fail("no_text")
	}
	m := s.byBot(c)
	m.ephemeralTo = user
	s.add(ch, m, r.args.str("thread_ts"))
	return obj{"ok": true, "message_ts": m.TS}
}

// chatUpdate: text without blocks drops the blocks, metadata stays unless sent.
// https://docs.slack.dev/reference/methods/chat.update
func (s *Server) chatUpdate(r *request) obj {
	ch, m, bad := s.own(r.args.str("ts"), r.args.str("channel"), "cant_update_message")
	if bad != nil {
		return bad
	}
	c, bad := s.readContent(r.args)
	if bad != nil {
		return bad
	}
	if utf8.RuneCountInString(c.text) > maxUpdateText {
		return fail("msg_too_long")
	}
	if c.empty() {
		return fail("no_text")
	}
	s.change(ch, m, c)
	return obj{"ok": true, "channel": ch.ID, "ts": m.TS, "text": m.Text, "message": m}
}

func (s *Server) chatDelete(r *request) obj {
	ch, m, bad := s.own(r.args.str("ts"), r.args.str("channel"), "cant_delete_message")
	if bad != nil {
		return bad
	}
	s.remove(ch, m)
	return obj{"ok": true, "channel": ch.ID, "ts": m.TS}
}

// own finds a message of the app's; another author's answers otherwise.
// Ephemeral messages cannot be changed this way. Caller holds mu.
func (s *Server) own(ts, id, otherwise string) (*channel, *Message, obj) {
	ch := s.channels[id]
	if ch == nil || !ch.IsMember && (ch.IsPrivate || ch.IsIM) {
		return nil, nil, fail("channel_not_found")
	}
	if ch.IsArchived {
		return nil, nil, fail("is_archived")
	}
	m := ch.find(ts, "")
	switch {
	case m == nil || m.Subtype == tombstone:
		return nil, nil, fail("message_not_found")
	case m.User != s.ws.App.BotUserID:
		return nil, nil, fail(otherwise)
	}
	return ch, m, nil
}

func (s *Server) chatGetPermalink(r *request) obj {
	ch, bad := s.readable(r.args.str("channel"))
	if bad != nil {
		return bad
	}
	m := ch.find(r.args.str("message_ts"), "")
	if m == nil {
		return fail("message_not_found")
	}
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", s.ws.Team.Domain, ch.ID, strings.ReplaceAll(m.TS, ".", ""))
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.ID
	}
	return obj{"ok": true, "channel": ch.ID, "permalink": link}
}

// A status goes away with the next reply or after two minutes.
// https://docs.slack.dev/reference/methods/assistant.threads.setStatus
const (
	statusLife         = 2 * time.Minute
	maxLoadingMessages = 10
)

func (s *Server) setStatus(r *request) obj {
	ch, bad := s.writable(r.args.str("channel_id"))
	if bad != nil {
		return bad
	}
	st := Status{ThreadTS: r.args.str("thread_ts"), Status: r.args.str("status"), until: s.now().Add(statusLife).UnixMicro()}
	if ch.find(st.ThreadTS, "") == nil {
		return fail("thread_not_found")
	}
	if list := r.args.str("loading_messages"); strings.HasPrefix(list, "[") {
		if decode([]byte(list), &st.LoadingMessages) != nil {
			return fail("invalid_arguments")
		}
	} else if list != "" {
		st.LoadingMessages = strings.Split(list, ",") // forms carry the list this way
	}
	if len(st.LoadingMessages) > maxLoadingMessages {
		return fail("invalid_arguments")
	}
	s.clearStatus(ch, st.ThreadTS)
	if st.Status != "" {
		ch.statuses = append(ch.statuses, st)
		s.publish(obj{"type": "status", "channel": ch.ID, "thread_ts": st.ThreadTS}, nil)
	}
	return obj{"ok": true}
}
