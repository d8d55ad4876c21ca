package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// roomFor is how long a channel that takes messages is taken for one.
	roomFor = 5 * time.Minute
	// roomWithin bounds the question before a command is accepted: telling asks
	// again, and that one can wait.
	roomWithin = 700 * time.Millisecond
	// roomsKept bounds the memory of channels.
	roomsKept = 10_000
)

// rooms remembers channels that take messages. Those that don't are asked about
// each time, because inviting the bot is what the person does next.
type rooms struct {
	bot *Bot

	mu      sync.Mutex
	welcome map[string]seen // guarded by mu
}

// seen is what a channel that takes messages was, and until when that is believed.
type seen struct {
	room  access.Room
	until time.Time
}

func (r *rooms) init(b *Bot) { r.bot, r.welcome = b, map[string]seen{} }

// Refuses implements handlers.Rooms.
func (b *Bot) Refuses(ctx context.Context, p playbook.Place) handlers.Refusal {
	ctx, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	why, err := b.rooms.ask(ctx, p.Channel)
	if err != nil {
		b.Log.Warn("a channel could not be looked at in time, posting will find out", "channel", p.Channel, "err", err)
	}
	return why
}

// ask says whether a channel takes an investigation. An error means that it is
// not known.
func (r *rooms) ask(ctx context.Context, channel string) (handlers.Refusal, error) {
	why, _, err := r.look(ctx, channel)
	return why, err
}

// look says the same, and what the channel is to the workspace.
func (r *rooms) look(ctx context.Context, channel string) (handlers.Refusal, access.Room, error) {
	r.mu.Lock()
	known := r.welcome[channel]
	r.mu.Unlock()
	if time.Now().Before(known.until) {
		return handlers.Welcome, known.room, nil
	}
	info, err := r.bot.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	why, room := handlers.Welcome, access.UnknownRoom
	if err == nil {
		why, room = r.refusal(info), roomOf(info)
	} else if why, err = roomError(channel, err); err != nil {
		return handlers.Welcome, room, err
	} else if why == handlers.Welcome && strings.HasPrefix(channel, "D") {
		room = access.Direct
	}
	if why == handlers.Welcome {
		r.mu.Lock()
		if len(r.welcome) >= roomsKept {
			clear(r.welcome)
		}
		r.welcome[channel] = seen{room, time.Now().Add(roomFor)}
		r.mu.Unlock()
	}
	return why, room, nil
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

// refusal reads Slack's description of a channel.
// https://docs.slack.dev/reference/objects/conversation-object
func (r *rooms) refusal(c *slack.Channel) handlers.Refusal {
	switch {
	case (c.IsExtShared || c.IsPendingExtShared) && !slices.Contains(r.bot.Opened, c.ID):
		return handlers.Shared // before anything else: what is posted there leaves the company
	case c.IsArchived:
		return handlers.Archived
	case c.IsIM || c.IsMpIM:
		return handlers.Welcome // we see it, so we are in it
	case !c.IsMember && (c.IsPrivate || !r.bot.scopes["chat:write.public"]):
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
