package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/redact"
)

// Shortcut answers "Why did this expire?" on a message: role and region are
// taken from its text, the form asks for what is missing, and the answer goes
// to the message's thread (from.Place.Thread).
func (d *Desk) Shortcut(ctx context.Context, from Source, text string) Reply {
	text = redact.String(redact.Head(text, MaxLine))
	wish := access.Ask{Event: "shortcut", Action: access.Investigate, What: text}
	asked := parsePasted(text)
	if asked.Role == "" || asked.Region == "" {
		return d.form(ctx, from, wish, asked, lacking(asked))
	}
	return d.ask(ctx, from, wish, asked)
}
