package handlers

import (
	"context"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// ask stores a question, joins the one that is going on, or offers the result of
// one that has just ended.
func (d *Desk) ask(ctx context.Context, from Source, asked Asked, fresh bool) Reply {
	req, err := asked.Request(d.Now())
	if err != nil {
		return d.refuse(err)
	}
	if d.Rooms != nil {
		if why := d.Rooms.Refuses(ctx, from.Place); why != "" {
			return Reply{Text: why + " Nothing was started."}
		}
	}
	got, err := d.Store.Accept(ctx, from.Delivery, playbook.Investigation{Request: req, AskedBy: from.By, Place: from.Place, AnswerURL: from.AnswerURL}, fresh)
	if err != nil {
		return d.trouble("accept a command", err)
	}
	inv := got.Investigation
	what := inv.Request.Target.Role + " in " + inv.Request.Target.Region
	switch got.How {
	case playbook.Joined:
		return Reply{Text: "Already looking into " + what + ": see the thread, nothing new was started.", Who: inv.AskedBy, Link: link(inv)}
	case playbook.Recent:
		return Reply{Text: "There is a diagnosis for " + what + " from " + ago(inv) + ". Look at it, or run it again.",
			Who: inv.AskedBy, Link: link(inv), Fresh: inv.Request.ID}
	}
	return Reply{Text: "Looking into why credentials of " + what + " expire. The thread is on its way."}
}

// link is where the investigation is told, "" until it is.
func link(inv playbook.Investigation) string {
	p, _ := inv.Message(playbook.IDOf(playbook.ParentMessage, ""))
	return p.Permalink
}

// ago says how long since the investigation ended, which is by the store's clock.
func ago(inv playbook.Investigation) string {
	took := time.Since(inv.Ended)
	if inv.Ended.IsZero() || took < 2*time.Minute {
		return "a moment ago"
	}
	return plural(int(took/time.Minute), "minute") + " ago"
}
