package handlers

import (
	"context"
	"errors"
	"fmt"

	"github.com/stsleuth/stsleuth/playbook"
)

// Carry does what a stored press asks for, on whatever replica, and ends the
// press. It is safe to repeat. An error means that it is to be tried again.
func (d *Desk) Carry(ctx context.Context, inv playbook.Investigation, p playbook.Press) error {
	done, err := d.carry(ctx, inv, p)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var final *playbook.Problem
	switch {
	case errors.As(err, &final):
		d.Log.Warn("follow-up ended in an error", "investigation", inv.Request.ID, "press", p.ID, "action", p.Action, "err", err)
		p.State = playbook.Failed
		p.Outcome = &playbook.Outcome{Step: playbook.StepID(p.Action), Status: final.Status, Summary: final.Text, Facts: []byte("{}"), Proof: []playbook.Proof{}}
		done = p
	case err != nil:
		return err
	}
	_, err = d.Store.SettlePress(ctx, inv.Request.ID, done)
	return err
}

func (d *Desk) carry(ctx context.Context, inv playbook.Investigation, p playbook.Press) (playbook.Press, error) {
	switch {
	case p.Action == Rerun || p.Action == LookAgain:
		return d.again(ctx, inv, p)
	case d.offers(playbook.Offer(p.Action)):
		var err error
		p.Outcome, p.Led, err = d.FollowUps.Run(ctx, inv, p)
		p.State = playbook.Finished
		return p, err
	}
	return p, &playbook.Problem{Status: playbook.Broken, Text: "This version of the bot can't do that.",
		Err: fmt.Errorf("carry out press %s of %s: no action %q", p.ID, inv.Request.ID, p.Action)}
}
