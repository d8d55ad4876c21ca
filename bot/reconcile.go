package bot

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

// found is what is up of a message.
type found struct {
	ts      string
	files   map[string]bool // by name
	filesTS string          // the message that carries them
}

const (
	// pageSize is how many messages are read at once.
	// https://docs.slack.dev/reference/methods/conversations.replies
	pageSize = 200
	// pages bounds the look into a busy channel.
	pages = 10
)

// find looks for a message where it would be, by its metadata, and for its
// files by their names. chat.postMessage has no key that would make posting
// twice harmless, so this is how a message of unknown fate is not told twice.
func (b *Bot) find(ctx context.Context, inv playbook.Investigation, m playbook.Message, p playbook.Place, files []render.File) (found, error) {
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[fileName(inv, f)] = true
	}
	have := found{files: map[string]bool{}}
	// A minute for clocks that differ: the outbox's clock is not Slack's.
	oldest := strconv.FormatInt(inv.Accepted.Add(-time.Minute).Unix(), 10)
	cursor := ""
	for range pages {
		var messages []slack.Message
		var next string
		err := repeat(ctx, func() (err error) {
			messages, next, err = b.page(ctx, p, oldest, cursor)
			return err
		})
		if err != nil {
			var refused slack.SlackErrorResponse
			if errors.As(err, &refused) && refused.Err == "missing_scope" {
				b.Log.Error("can't look whether a message is up, posting it again: it may be there twice", "scope", refused.Needed, "investigation", m.Investigation, "message", m.ID())
				return have, nil
			}
			return have, err
		}
		for _, up := range messages {
			if ours := up.Metadata; ours.EventType == eventType && ours.EventPayload["id"] == m.Investigation && ours.EventPayload["message"] == string(m.ID()) {
				have.ts = up.Timestamp
			}
			for _, f := range up.Files {
				if wanted[f.Name] {
					have.files[f.Name], have.filesTS = true, up.Timestamp
				}
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return have, nil
}

// page reads some messages of a thread, or of a channel.
func (b *Bot) page(ctx context.Context, p playbook.Place, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if p.Thread != "" {
		messages, _, next, err = b.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: p.Channel, Timestamp: p.Thread, Oldest: oldest, Inclusive: true, Limit: pageSize, Cursor: cursor, IncludeAllMetadata: true})
		return messages, next, err
	}
	h, err := b.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: p.Channel, Oldest: oldest, Inclusive: true, Limit: pageSize, Cursor: cursor, IncludeAllMetadata: true})
	if err != nil {
		return nil, "", err
	}
	return h.Messages, h.ResponseMetaData.NextCursor, nil
}
