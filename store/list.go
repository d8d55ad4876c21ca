package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

// listed are the fields that a list shows, the link to the card among them;
// outcomes are the bulk of a record and not.
var listed = []string{"head", "state", "accepted", "ended", "problem", "superseded_by", "stopped_by", "report", "posted:parent"}

// List reads the records that match, the newest first, without steps, messages
// but the parent, presses and feedback (Load has them).
func (s *Store) List(ctx context.Context, f playbook.Filter) ([]playbook.Investigation, error) {
	const what = "list investigations"
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	if f.Limit <= 0 {
		f.Limit = 50
	}
	since, until := "-inf", "+inf"
	if !f.Since.IsZero() {
		since = strconv.FormatInt(f.Since.UnixMilli(), 10)
	}
	if !f.Until.IsZero() {
		until = strconv.FormatInt(f.Until.UnixMilli(), 10)
	}
	untold, err := s.untold(ctx, f)
	if err != nil {
		return nil, err
	}
	var out []playbook.Investigation
	const page = 100
	for offset := int64(0); ; offset += page {
		ids, err := s.rdb.ZRevRangeByScore(ctx, index(f), &redis.ZRangeBy{Min: since, Max: until, Offset: offset, Count: page}).Result()
		if err != nil {
			return nil, wrap(ctx, what, err)
		}
		pipe := s.rdb.Pipeline()
		records := make([]*redis.SliceCmd, len(ids))
		marks := make([]*redis.FloatCmd, len(ids))
		for i, id := range ids {
			records[i] = pipe.HMGet(ctx, recordKey(id), listed...)
			marks[i] = pipe.ZScore(ctx, byFeedbackKey(), id)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return nil, wrap(ctx, what, err)
		}
		for i, id := range ids {
			inv, err := decode(zip(listed, records[i].Val()))
			if errors.Is(err, ErrUnknown) { // removed a moment ago
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", what, id, err)
			}
			if !matches(f, inv, marks[i].Err() == nil, slices.Contains(untold, id)) {
				continue
			}
			if out = append(out, inv); len(out) == f.Limit {
				return out, nil
			}
		}
		if len(ids) < page {
			return out, nil
		}
	}
}

// index is the narrowest one that holds everything a filter can match.
func index(f playbook.Filter) string {
	switch {
	case f.Role != "":
		return byRoleKey(f.Role)
	case f.Channel != "":
		return byChannelKey(f.Channel)
	case f.Feedback:
		return byFeedbackKey()
	case f.State != playbook.Unstored:
		return byStateKey(f.State.String())
	}
	return byTimeKey()
}

// matches checks what the index did not.
func matches(f playbook.Filter, inv playbook.Investigation, feedback, untold bool) bool {
	return (f.Role == "" || inv.Request.Target.Role == f.Role) &&
		(f.Channel == "" || inv.Place.Channel == f.Channel) &&
		(f.State == playbook.Unstored || inv.State == f.State) &&
		(!f.Feedback || feedback) &&
		(!f.Failed || inv.State == playbook.Failed || untold)
}

// untold are the investigations with dead letters, for a filter that asks for them.
func (s *Store) untold(ctx context.Context, f playbook.Filter) ([]string, error) {
	if !f.Failed {
		return nil, nil
	}
	members, err := s.rdb.ZRange(ctx, deadKey(), 0, -1).Result()
	if err != nil {
		return nil, wrap(ctx, "list dead letters", err)
	}
	var ids []string
	for _, m := range members {
		id, _, _ := cutMember(m)
		ids = append(ids, id)
	}
	return ids, nil
}

// cutMember takes a member of the waiting or the dead set apart.
func cutMember(m string) (id, message string, ok bool) { return strings.Cut(m, " ") }

// Figures counts what is going on.
func (s *Store) Figures(ctx context.Context) (playbook.Figures, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	pipe := s.rdb.Pipeline()
	going, waiting, cards, dead := pipe.ZCard(ctx, liveKey()), pipe.ZCard(ctx, waitingKey()), pipe.ZCard(ctx, cardsKey()), pipe.ZCard(ctx, deadKey())
	first, clock, generation := pipe.ZRangeWithScores(ctx, waitingKey(), 0, 0), pipe.Time(ctx), pipe.Get(ctx, generationKey())
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return playbook.Figures{}, wrap(ctx, "count what is stored", err)
	}
	f := playbook.Figures{Going: int(going.Val()), Waiting: int(waiting.Val()), Cards: int(cards.Val()), Dead: int(dead.Val()), Since: since(generation.Val())}
	if z := first.Val(); len(z) > 0 {
		f.Oldest = clock.Val().Sub(moment(strconv.FormatFloat(z[0].Score, 'f', 0, 64)))
	}
	return f, nil
}
