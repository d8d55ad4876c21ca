package handlers

import (
	"context"
	"errors"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// ask, if the person may, stores a question, joins the one that is going on, or offers the result of
// one that has just ended.
func (d *Desk) ask(ctx context.Context, from Source, wish access.Ask, asked Asked) Reply {
	req, err := asked.Request(d.Now())
	if err != nil {
		d.record(from, wish, notUnderstood)
		return d.refuse(err)
	}
	wish.Account = req.Target.Account
	if refused, ok := d.may(ctx, from, wish); !ok {
		return refused
	}
	if _, err := d.Account(req.Target.Account); err != nil {
		return d.refuse(err)
	}
	got, refused := d.accept(ctx, from, from.Delivery, req, false)
	if refused.Answer != Nothing {
		return refused
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

// accept stores a question for the place that it comes from, or says why not.
func (d *Desk) accept(ctx context.Context, from Source, by playbook.Delivery, req playbook.Request, fresh bool) (got playbook.Acceptance, refused Reply) {
	if d.Rooms != nil {
		if why := d.Rooms.Refuses(ctx, from.Place); why != Welcome {
			return got, Reply{Answer: Refused, Why: why}
		}
	}
	got, err := d.Store.Accept(ctx, by, playbook.Investigation{Request: req, AskedBy: from.By, Place: from.Place, AnswerURL: from.AnswerURL}, fresh)
	if full, ok := errors.AsType[*playbook.InputError](err); ok { // not a slip: an example would not help
		return got, say(full.Error())
	}
	if err != nil {
		return got, d.unsure("accept a command", err)
	}
	return got, Reply{}
}
