package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/playbook"
)

// listed is how many investigations are looked through for an answer.
const listed = 50

// status says what is going on in this channel.
func (d *Desk) status(ctx context.Context, from Source) Reply {
	all, err := d.Store.List(ctx, playbook.Filter{Channel: from.Place.Channel, Limit: listed})
	if err != nil {
		return d.trouble("list investigations", err)
	}
	r := Reply{Answer: Status}
	for _, inv := range all {
		if !inv.State.Ended() {
			r.List = append(r.List, inv)
		}
	}
	return r
}

// list names what was asked lately in this channel, of one role if one is given.
func (d *Desk) list(ctx context.Context, from Source, role string) Reply {
	filter := playbook.Filter{Channel: from.Place.Channel, Limit: listed}
	if role != "" {
		target, err := playbook.ParseRole(role)
		if err != nil {
			return d.refuse(err)
		}
		filter.Role = target.Role
	}
	all, err := d.Store.List(ctx, filter)
	if err != nil {
		return d.trouble("list investigations", err)
	}
	return Reply{Answer: List, List: all}
}
