package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// roomFor is how long a channel that takes messages is taken for one.
	roomFor = 5 * time.Minute
	// refusedFor is as long as one command asks about its channel. Inviting the bot
	// and asking again, which is what the person does next, takes longer.
	refusedFor = time.Second
	// roomWithin bounds the question before a command is accepted: telling asks
	// again, and that one can wait.
	roomWithin = 700 * time.Millisecond
)

// room is a channel: whether it takes messages, and what it is to the workspace.
type room struct {
	why handlers.Refusal
	is  access.Room
}

// keep is how long that is believed.
func (r room) keep() time.Duration {
	if r.why == handlers.Welcome {
		return roomFor
	}
	return refusedFor
}

// Refuses implements handlers.Rooms.
func (b *Bot) Refuses(ctx context.Context, p playbook.Place) handlers.Refusal {
	ctx, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	room, err := b.room(ctx, p.Channel)
	if err != nil {
		b.Log.Warn("a channel could not be looked at in time, posting will find out", "channel", p.Channel, "err", err)
	}
	return room.why
}

// room looks at a channel. An error means that nothing is known of it; the room
// that goes with it is a welcome of unknown kind.
func (b *Bot) room(ctx context.Context, channel string) (room, error) {
	return b.rooms.of(channel, room.keep, func() (r room, err error) {
		info, err := b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		if err == nil {
			return room{b.refuses(info), roomOf(info)}, nil
		}
		if r.why, err = roomError(channel, err); err == nil && r.why == handlers.Welcome && strings.HasPrefix(channel, "D") {
			r.is = access.Direct
		}
		return r, err
	})
}

// roomOf reads what a channel is from Slack's description.
func roomOf(c *slack.Channel) access.Room {
	switch {
	case c.IsExtShared || c.IsPendingExtShared:
		return access.Shared
	case c.IsIM:
		return access.Direct
	}
	return access.Own
}

// refuses reads Slack's description of a channel.
// https://docs.slack.dev/reference/objects/conversation-object
func (b *Bot) refuses(c *slack.Channel) handlers.Refusal {
	switch {
	case (c.IsExtShared || c.IsPendingExtShared) && !slices.Contains(b.Opened, c.ID):
		return handlers.Shared // before anything else: what is posted there leaves the company
	case c.IsArchived:
		return handlers.Archived
	case c.IsIM || c.IsMpIM:
		return handlers.Welcome // we see it, so we are in it
	case !c.IsMember && (c.IsPrivate || !b.scopes["chat:write.public"]):
		return handlers.NotMember
	}
	return handlers.Welcome
}

// roomError reads the error of that question.
func roomError(channel string, err error) (handlers.Refusal, error) {
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) {
		return handlers.Welcome, err
	}
	switch refused.Err {
	case "channel_not_found", "not_in_channel":
		return unseen(channel), nil
	case "missing_scope":
		if refused.Needed == "im:read" || refused.Needed == "mpim:read" {
			return handlers.Welcome, nil // a direct message; posting finds out whether with us
		}
		return handlers.Opaque, nil
	}
	return handlers.Welcome, err
}

// unseen is a place that the bot can't see: a conversation between people, or a
// channel that it can be invited to.
func unseen(channel string) handlers.Refusal {
	if strings.HasPrefix(channel, "D") { // so they have been named ever since
		return handlers.DirectChat
	}
	return handlers.NotMember
}
