package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/playbook"
)

// ask stores a question, joins the one that is going on, or offers the result of
// one that has just ended.
func (d *Desk) ask(ctx context.Context, from Source, asked Asked) Reply {
	req, err := asked.Request(d.Now())
	if err != nil {
		return d.refuse(err)
	}
	if d.Rooms != nil {
		if why := d.Rooms.Refuses(ctx, from.Place); why != Welcome {
			return Reply{Answer: Refused, Why: why}
		}
	}
	got, err := d.Store.Accept(ctx, from.Delivery, playbook.Investigation{Request: req, AskedBy: from.By, Place: from.Place, AnswerURL: from.AnswerURL}, false)
	if err != nil {
		return d.trouble("accept a command", err)
	}
	r := Reply{Answer: Accepted, About: got.Investigation}
	switch got.How {
	case playbook.Joined:
		r.Answer = AlreadyRunning
	case playbook.Recent:
		r.Answer = RecentlyDone
	}
	return r
}
