package handlers

import (
	"context"
	"slices"

	"github.com/stsleuth/stsleuth/playbook"
)

// followUp asks for one of the checks after a diagnosis.
func (d *Desk) followUp(ctx context.Context, c Click) Reply {
	return d.press(ctx, c, 0)
}

// offers reports whether this build can carry a follow-up out.
func (d *Desk) offers(o playbook.Offer) bool {
	return d.FollowUps != nil && slices.Contains(d.FollowUps.Offers(), o)
}
