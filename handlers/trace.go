package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/playbook"
)

// trace points at the rule trace, the thread's last message of an investigation.
func (d *Desk) trace(ctx context.Context, c Click) Reply {
	if p, ok := c.about.Message(playbook.IDOf(playbook.TraceMessage, "")); ok && p.TS != "" {
		return Reply{Answer: Words, Text: "The rule trace is in the thread.", Link: p.Permalink}
	}
	if c.about.Report == nil {
		return say("There is no rule trace: this investigation has no diagnosis.")
	}
	if err := d.Store.Tell(ctx, playbook.Message{Investigation: c.ID, Kind: playbook.TraceMessage}); err != nil {
		return d.unsure("show the rule trace", err)
	}
	return say("The rule trace is on its way to the thread.")
}
