package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// personFor and groupFor are how long Slack's word on somebody is believed: who
	// leaves the company or a group keeps what they might do for as long.
	personFor = 5 * time.Minute
	groupFor  = time.Minute
	// briefMost bounds each memory.
	briefMost = 10_000
)

var _ access.Directory = (*Bot)(nil)

// Person implements access.Directory.
func (b *Bot) Person(ctx context.Context, by playbook.Person) access.Kind {
	kind, err := b.people.of(by.User, always[access.Kind](personFor), func() (access.Kind, error) {
		u, err := b.api.GetUserInfoContext(ctx, by.User)
		if err != nil {
			return access.UnknownPerson, err
		}
		return b.kind(u), nil
	})
	if err != nil {
		b.Log.Warn("it could not be found out who somebody is", "user", by.User, "err", err)
	}
	return kind
}

// kind reads Slack's description of a person. In an organisation of several
// workspaces a person is of more than the one that is named first.
// https://docs.slack.dev/reference/objects/user-object
func (b *Bot) kind(u *slack.User) access.Kind {
	switch {
	case u.Deleted:
		return access.UnknownPerson
	case u.IsBot || u.IsWorkflowBot || u.IsConnectorBot:
		return access.Machine
	case u.IsStranger || u.TeamID != b.team && !slices.Contains(u.Enterprise.Teams, b.team):
		return access.Stranger
	case u.IsRestricted || u.IsUltraRestricted:
		return access.Guest
	}
	return access.Member
}

// Members implements access.Groups.
func (b *Bot) Members(ctx context.Context, group string) ([]string, error) {
	return b.groups.of(group, always[[]string](groupFor), func() ([]string, error) {
		users, err := b.api.GetUserGroupMembersContext(ctx, group)
		if err != nil {
			return nil, fmt.Errorf("read the members of user group %s: %w", group, err)
		}
		return users, nil
	})
}

// Room implements access.Directory.
func (b *Bot) Room(ctx context.Context, at playbook.Place) access.Room {
	room, err := b.room(ctx, at.Channel)
	if err != nil {
		b.Log.Warn("it could not be found out what a channel is", "channel", at.Channel, "err", err)
	}
	return room.is
}

// brief remembers answers for a short while, errors never.
type brief[V any] struct {
	mu    sync.Mutex
	known map[string]believed[V] // guarded by mu
}

type believed[V any] struct {
	v     V
	until time.Time
}

// of is what is known under a key, or what find finds, which is kept as long as
// keep says.
func (m *brief[V]) of(key string, keep func(V) time.Duration, find func() (V, error)) (V, error) {
	m.mu.Lock()
	known := m.known[key]
	m.mu.Unlock()
	if time.Now().Before(known.until) {
		return known.v, nil
	}
	v, err := find()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= briefMost {
		m.known = map[string]believed[V]{}
	}
	m.known[key] = believed[V]{v, time.Now().Add(keep(v))}
	return v, nil
}

func always[V any](d time.Duration) func(V) time.Duration { return func(V) time.Duration { return d } }
