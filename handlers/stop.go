package handlers

import "context"

// stop ends an investigation that is going on, on whatever replica.
func (d *Desk) stop(ctx context.Context, c Click) Reply {
	stopped, err := d.Store.Cancel(ctx, c.ID, c.By)
	switch {
	case err != nil:
		return d.unsure("stop an investigation", err)
	case stopped:
		return Reply{} // the card and a note in the thread say so to everybody
	}
	inv, err := d.Store.Load(ctx, c.ID)
	if err != nil {
		return d.trouble("stop an investigation", err)
	}
	return Reply{Answer: Ended, About: inv}
}
