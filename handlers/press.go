package handlers

import (
	"context"
	"time"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// The buttons, by the names under which presses are stored. The five follow-ups
// are stored under their offer's own name.
const (
	Stop      = "stop"
	Rerun     = "rerun"
	LookAgain = "look-again"
	ShowTrace = "trace"
	SendFiles = "report"
	Rate      = "feedback"
)

// Click is a button that somebody pressed. The button itself carries the
// investigation's id and nothing else.
type Click struct {
	Source
	Action string
	ID     string // of the investigation
	Right  bool   // of Rate: the diagnosis is right

	about playbook.Investigation // of that id, as it was when the button was pressed
}

// Press answers a button, if the person may.
func (d *Desk) Press(ctx context.Context, c Click) Reply {
	d = d.on(c.ID)
	wish := access.Ask{Event: "press", Action: actions[c.Action], What: c.Action, Investigation: c.ID}
	switch {
	case wish.Action != "" && (c.Action != string(playbook.Extend48h) || d.offers(playbook.Extend48h)):
	case d.offers(playbook.Offer(c.Action)):
		wish.Action = access.FollowUp
	default:
		d.record(c.Source, wish, access.Decision{Reason: "The button is of another version."})
		return say("This button is of another version of the bot, and this one can't do what it did. Type " + d.Name + " role region to ask again.")
	}
	var err error
	if c.about, err = d.Store.Load(ctx, c.ID); err != nil {
		d.record(c.Source, wish, access.Decision{Reason: "Its investigation could not be read; nothing was done."})
		return d.trouble("look up the investigation of a button", err)
	}
	wish.Account = d.accountOf(c.about)
	if refused, ok := d.may(ctx, c.Source, wish); !ok {
		return refused
	}
	switch c.Action {
	case Stop:
		return d.stop(ctx, c)
	case Rerun:
		return d.rerun(ctx, c)
	case LookAgain:
		return d.lookAgain(ctx, c)
	case ShowTrace:
		return d.trace(ctx, c)
	case SendFiles:
		return d.report(ctx, c)
	case Rate:
		return d.rate(ctx, c)
	}
	return d.followUp(ctx, c)
}

// press stores a press to be carried out by a worker after a delay. The second
// one of the same button finds the first.
func (d *Desk) press(ctx context.Context, c Click, delay time.Duration) Reply {
	p, first, err := d.Store.Press(ctx, c.Delivery, c.ID, c.Action, c.By, delay)
	switch {
	case err != nil:
		return d.unsure("store a press of "+c.Action, err)
	case first:
		return Reply{Answer: Pressed, About: c.about, Press: p}
	}
	return Reply{Answer: AlreadyPressed, About: c.about, Press: p}
}
