package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/playbook"
)

// trace points at the rule trace, the thread's last message of an investigation.
func (d *Desk) trace(ctx context.Context, c Click) Reply {
	inv, err := d.Store.Load(ctx, c.ID)
	if err != nil {
		return d.trouble("show the rule trace", err)
	}
	if p, ok := inv.Message(playbook.IDOf(playbook.TraceMessage, "")); ok && p.TS != "" {
		return Reply{Answer: Words, Text: "The rule trace is in the thread.", Link: p.Permalink}
	}
	if inv.Report == nil {
		return say("There is no rule trace: this investigation has no diagnosis.")
	}
	if err := d.Store.Tell(ctx, playbook.Message{Investigation: c.ID, Kind: playbook.TraceMessage}); err != nil {
		return d.trouble("show the rule trace", err)
	}
	return say("The rule trace is on its way to the thread.")
}
