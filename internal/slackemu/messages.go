package slackemu

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Message is one stored message, in Slack's JSON.
type Message struct {
	Type         string          `json:"type"`
	Subtype      string          `json:"subtype,omitempty"`
	User         string          `json:"user"`
	BotID        string          `json:"bot_id,omitempty"`
	AppID        string          `json:"app_id,omitempty"`
	Team         string          `json:"team"`
	Text         string          `json:"text"`
	TS           string          `json:"ts"`
	ThreadTS     string          `json:"thread_ts,omitempty"`
	ParentUserID string          `json:"parent_user_id,omitempty"`
	Blocks       json.RawMessage `json:"blocks,omitempty"`
	Attachments  json.RawMessage `json:"attachments,omitempty"`
	Metadata     json.RawMessage `json:"metadata,omitempty"`
	Files        []*file         `json:"files,omitempty"`
	Upload       bool            `json:"upload,omitempty"`
	BotProfile   *BotProfile     `json:"bot_profile,omitempty"`
	Edited       *Edited         `json:"edited,omitempty"`
	Reactions    []Reaction      `json:"reactions,omitempty"`

	ReplyCount      int      `json:"reply_count,omitempty"`
	ReplyUsersCount int      `json:"reply_users_count,omitempty"`
	ReplyUsers      []string `json:"reply_users,omitempty"`
	LatestReply     string   `json:"latest_reply,omitempty"`

	channel     string
	ephemeralTo string // the only user who sees it
	versions    []Version
	state       map[string]values // by user: what was picked in its selects
}

// Version is what a message was before it was changed.
type Version struct {
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	TS          string          `json:"ts"` // when it was replaced
}

// Edited says who changed a message last, and when.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// Reaction is one emoji and who set it.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// BotProfile is the author of a bot's message.
type BotProfile struct {
	ID      string            `json:"id"`
	AppID   string            `json:"app_id"`
	Name    string            `json:"name"`
	Icons   map[string]string `json:"icons"`
	Deleted bool              `json:"deleted"`
	Updated int64             `json:"updated"`
	TeamID  string            `json:"team_id"`
}

// Status is what assistant.threads.setStatus shows under a thread.
type Status struct {
	ThreadTS        string   `json:"thread_ts"`
	Status          string   `json:"status"`
	LoadingMessages []string `json:"loading_messages,omitempty"`
	until           int64    // microseconds
}

const (
	// https://docs.slack.dev/reference/methods/chat.postMessage ("truncating content")
	maxText = 40000
	// https://docs.slack.dev/reference/methods/chat.update (msg_too_long)
	maxUpdateText = 4000
	// Not documented; bots report metadata_too_large above about 16 KB.
	maxMetadata = 16 << 10
	// https://docs.slack.dev/reference/methods/chat.postMessage
	maxAttachments = 100
	// https://docs.slack.dev/reference/block-kit/blocks/markdown-block
	maxMarkdown = 12000
)

// content is what postMessage, update, postEphemeral, response URLs and
// command acknowledgements have in common.
type content struct {
	text                          string
	blocks, attachments, metadata json.RawMessage
	hasMetadata                   bool // sent at all
}

// readContent checks a message's content as Slack does and fills in what Slack
// fills in. Caller holds mu.
func (s *Server) readContent(a args) (content, obj) {
	c := content{text: a.str("text")}
	if markdown := a.str("markdown_text"); markdown != "" {
		if c.text != "" || a.raw("blocks") != nil {
			return c, fail("markdown_text_conflict")
		}
		if utf8.RuneCountInString(markdown) > maxMarkdown {
			return c, fail("msg_too_long")
		}
		c.text = markdown
		a = args{"blocks": encode([]obj{{"type": "markdown", "text": markdown}}), "attachments": a["attachments"], "metadata": a["metadata"]}
	}
	if raw := a.raw("blocks"); raw != nil {
		blocks, bad := checkBlocks(raw, surfaceMessage)
		if bad != nil {
			return c, bad
		}
		if missing := s.missingFiles(blocks); len(missing) > 0 {
			return c, invalid("invalid_blocks", missing)
		}
		if len(blocks) > 0 {
			c.blocks = s.completeBlocks(blocks)
		}
	}
	if raw := a.raw("attachments"); raw != nil {
		var bad obj
		if c.attachments, bad = s.readAttachments(raw); bad != nil {
			return c, bad
		}
	}
	if raw := a.raw("metadata"); raw != nil {
		var m struct {
			Type    *string         `json:"event_type"`
			Payload json.RawMessage `json:"event_payload"`
		}
		if json.Unmarshal(raw, &m) != nil || m.Type == nil {
			return c, fail("invalid_metadata_format")
		}
		if len(raw) > maxMetadata {
			return c, fail("metadata_too_large")
		}
		c.hasMetadata = *m.Type != "" || len(m.Payload) > 0 && string(m.Payload) != "null" // clients send an empty one for none
		if c.hasMetadata {
			if *m.Type == "" || !strings.HasPrefix(string(m.Payload), "{") {
				return c, fail("invalid_metadata_format")
			}
			c.metadata = raw
		}
	}
	if utf8.RuneCountInString(c.text) > maxText {
		c.text = string([]rune(c.text)[:maxText])
	}
	return c, nil
}

func (s *Server) readAttachments(raw json.RawMessage) (json.RawMessage, obj) {
	var list []map[string]any
	if decode(raw, &list) != nil {
		return nil, fail("invalid_attachments")
	}
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > maxAttachments {
		return nil, fail("too_many_attachments")
	}
	for i, at := range list {
		if at["blocks"] == nil {
			continue
		}
		blocks, bad := checkBlocks(encode(at["blocks"]), surfaceMessage)
		if bad != nil {
			return nil, fail("invalid_attachments")
		}
		list[i]["blocks"] = s.completeBlocks(blocks)
	}
	return encode(list), nil
}

func (c content) empty() bool { return c.text == "" && c.blocks == nil && c.attachments == nil }

// nextTS is a timestamp that is unique in the channel and later than all
// before it. Caller holds mu.
func (s *Server) nextTS(ch *channel) string {
	ch.lastTS = max(ch.lastTS+1, s.now().UnixMicro())
	return formatTS(ch.lastTS)
}

func formatTS(micro int64) string { return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6) }

// find is the message with that ts, one of another user's ephemeral ones
// excepted. Caller holds mu.
func (ch *channel) find(ts, user string) *Message {
	for _, m := range ch.messages {
		if m.TS == ts && (m.ephemeralTo == "" || m.ephemeralTo == user) {
			return m
		}
	}
	return nil
}

// byBot makes a message of the app's. Caller holds mu.
func (s *Server) byBot(c content) *Message {
	app := s.ws.App
	return &Message{Type: "message", User: app.BotUserID, BotID: app.BotID, AppID: app.ID, Team: s.ws.Team.ID,
		Text: c.text, Blocks: c.blocks, Attachments: c.attachments, Metadata: c.metadata,
		BotProfile: &BotProfile{ID: app.BotID, AppID: app.ID, Name: app.Name, TeamID: s.ws.Team.ID, Updated: 1,
			Icons: map[string]string{"image_36": "", "image_48": "", "image_72": ""}}}
}

// add stores a message, in the thread of threadTS where that still has a
// parent: a reply to a reply joins its parent, a reply to nothing lands in the
// channel, as in Slack. Caller holds mu.
func (s *Server) add(ch *channel, m *Message, threadTS string) {
	m.TS, m.channel = s.nextTS(ch), ch.ID
	var parent *Message
	if threadTS != "" {
		parent = ch.find(threadTS, m.ephemeralTo)
		if parent != nil && parent.ThreadTS != "" && parent.ThreadTS != parent.TS {
			parent = ch.find(parent.ThreadTS, m.ephemeralTo)
		}
	}
	if parent != nil && parent.Subtype != tombstone {
		m.ThreadTS, m.ParentUserID = parent.TS, parent.User
	}
	ch.messages = append(ch.messages, m)
	s.publish(obj{"type": "message", "channel": ch.ID, "ts": m.TS}, m)
	if m.ThreadTS == "" || m.ephemeralTo != "" {
		return
	}
	parent.ThreadTS = parent.TS
	s.count(ch, parent)
	if m.User == s.ws.App.BotUserID {
		s.clearStatus(ch, parent.TS)
	}
}

// count brings a parent's numbers up to date. Caller holds mu.
func (s *Server) count(ch *channel, parent *Message) {
	parent.ReplyCount, parent.LatestReply, parent.ReplyUsers = 0, "", nil
	for _, m := range ch.messages {
		if m.ThreadTS == parent.TS && m != parent && m.ephemeralTo == "" {
			parent.ReplyCount++
			parent.LatestReply = m.TS
			if !slices.Contains(parent.ReplyUsers, m.User) {
				parent.ReplyUsers = append(parent.ReplyUsers, m.User)
			}
		}
	}
	parent.ReplyUsersCount = len(parent.ReplyUsers)
	if parent.ReplyCount == 0 {
		parent.ThreadTS = ""
		if parent.Subtype == tombstone {
			s.remove(ch, parent)
			return
		}
	}
	s.publish(obj{"type": "message_changed", "channel": ch.ID, "ts": parent.TS}, parent)
}

// change replaces a message's content. Caller holds mu.
func (s *Server) change(ch *channel, m *Message, c content) {
	now := formatTS(s.now().UnixMicro())
	m.versions = append(m.versions, Version{Text: m.Text, Blocks: m.Blocks, Attachments: m.Attachments, Metadata: m.Metadata, TS: now})
	m.Text, m.Blocks, m.Attachments = c.text, c.blocks, c.attachments
	if c.hasMetadata {
		m.Metadata = c.metadata
	}
	m.Edited = &Edited{User: m.User, TS: now}
	s.publish(obj{"type": "message_changed", "channel": ch.ID, "ts": m.TS}, m)
}

const tombstone = "tombstone"

// remove deletes a message; a parent with replies leaves a tombstone so that
// the thread keeps its place. Caller holds mu.
func (s *Server) remove(ch *channel, m *Message) {
	if m.ReplyCount > 0 {
		*m = Message{Type: "message", Subtype: tombstone, User: "USLACKBOT", Team: m.Team, Text: "This message was deleted.",
			TS: m.TS, ThreadTS: m.ThreadTS, ReplyCount: m.ReplyCount, ReplyUsers: m.ReplyUsers,
			ReplyUsersCount: m.ReplyUsersCount, LatestReply: m.LatestReply, channel: m.channel, versions: m.versions}
	} else {
		ch.messages = slices.DeleteFunc(ch.messages, func(o *Message) bool { return o == m })
	}
	s.publish(obj{"type": "message_deleted", "channel": ch.ID, "ts": m.TS}, m)
	if m.ThreadTS == "" || m.ThreadTS == m.TS {
		return
	}
	if parent := ch.find(m.ThreadTS, ""); parent != nil {
		s.count(ch, parent)
	}
}

func (s *Server) clearStatus(ch *channel, threadTS string) {
	n := len(ch.statuses)
	ch.statuses = slices.DeleteFunc(ch.statuses, func(st Status) bool { return st.ThreadTS == threadTS })
	if len(ch.statuses) < n {
		s.publish(obj{"type": "status", "channel": ch.ID, "thread_ts": threadTS}, nil)
	}
}
