package handlers

import (
	"context"
	"slices"

	"github.com/stsleuth/stsleuth/playbook"
)

// followUp asks for one of the checks after a diagnosis.
func (d *Desk) followUp(ctx context.Context, c Click) Reply {
	title := playbook.Offer(c.Action).Title()
	return d.press(ctx, c, 0, title+": started, the answer comes to the thread.", title+": somebody asked for this already, the answer is in the thread or on its way.")
}

// offers reports whether this build can carry a follow-up out.
func (d *Desk) offers(o playbook.Offer) bool {
	return d.FollowUps != nil && slices.Contains(d.FollowUps.Offers(), o)
}
