package handlers

import (
	"context"
	"fmt"

	"github.com/stsleuth/stsleuth/playbook"
)

// rerun asks the same question again, up to now, with a thread of its own. Where
// it was offered in another channel than that of the card, to somebody who had
// asked the same there, it is a question of that channel and supersedes nothing.
func (d *Desk) rerun(ctx context.Context, c Click) Reply {
	here, first := c.Place.Channel, c.about.Place.Channel
	if here == first || here == "" {
		return d.press(ctx, c, 0)
	}
	once := playbook.Delivery{Trigger: "rerun/" + c.ID + "/" + here} // a double click is one question
	got, refused := d.accept(ctx, c.Source, once, d.repeated(c.about), true)
	switch {
	case refused.Answer != Nothing:
		return refused
	case !got.Again:
		return Reply{Answer: Accepted, About: got.Investigation}
	case got.Investigation.State.Ended():
		return Reply{Answer: RecentlyDone, About: got.Investigation}
	}
	return Reply{Answer: AlreadyRunning, About: got.Investigation}
}

// repeated is the same question, up to now.
func (d *Desk) repeated(inv playbook.Investigation) playbook.Request {
	t := inv.Request.Target
	t.Account = d.accountOf(inv)
	return playbook.NewRequest(playbook.NewID(), t, d.Now(), inv.Request.Window.Length())
}

// again starts the investigation that repeats inv. It is safe to repeat.
func (d *Desk) again(ctx context.Context, inv playbook.Investigation, p playbook.Press) (playbook.Press, error) {
	next := playbook.Investigation{Request: d.repeated(inv), AskedBy: p.By, Place: inv.Place, Extends: inv.Request.ID, ExtendsAt: inv.Link()}
	got, err := d.Store.Accept(ctx, playbook.Delivery{Trigger: "press/" + p.ID}, next, true)
	if err != nil {
		return p, fmt.Errorf("run %s again: %w", inv.Request.ID, err)
	}
	p.State, p.Led = playbook.Finished, got.Investigation.Request.ID
	return p, nil
}
