package handlers

import (
	"context"
	"fmt"

	"github.com/stsleuth/stsleuth/playbook"
)

// rerun asks the same question again, up to now, with a thread of its own.
func (d *Desk) rerun(ctx context.Context, c Click) Reply {
	return d.press(ctx, c, 0)
}

// again starts the investigation that repeats inv. It is safe to repeat.
func (d *Desk) again(ctx context.Context, inv playbook.Investigation, p playbook.Press) (playbook.Press, error) {
	t := inv.Request.Target
	t.Account = d.accountOf(inv)
	req := playbook.NewRequest(playbook.NewID(), t, d.Now(), inv.Request.Window.Length())
	next := playbook.Investigation{Request: req, AskedBy: p.By, Place: inv.Place, Extends: inv.Request.ID, ExtendsAt: inv.Link()}
	got, err := d.Store.Accept(ctx, playbook.Delivery{Trigger: "press/" + p.ID}, next, true)
	if err != nil {
		return p, fmt.Errorf("run %s again: %w", inv.Request.ID, err)
	}
	p.State, p.Led = playbook.Finished, got.Investigation.Request.ID
	return p, nil
}
