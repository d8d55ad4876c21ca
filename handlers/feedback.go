package handlers

import (
	"context"
	"strings"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

// maxWhy is how much of an explanation is kept: what a text input of Slack takes.
// https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
const maxWhy = 3000

// rate stores what a person thinks of a diagnosis, and asks why when it is wrong.
func (d *Desk) rate(ctx context.Context, c Click) Reply {
	if err := d.Store.Feedback(ctx, c.ID, playbook.Feedback{By: c.By, At: d.Now().UTC(), Right: c.Right}); err != nil {
		return d.unsure("store feedback", err)
	}
	if c.Right {
		return Reply{Answer: Thanks}
	}
	return Reply{Answer: AskWhy, About: playbook.Investigation{Request: playbook.Request{ID: c.ID}}}
}

// Explained stores why a diagnosis was wrong. Whether the person may was decided
// when they pressed the button that opened the form.
func (d *Desk) Explained(ctx context.Context, from Source, id, why string) Reply {
	d = d.on(id)
	d.record(from, access.Ask{Event: "form", Action: access.Investigate, What: "feedback", Investigation: id},
		access.Decision{Allowed: true, Reason: "The form was opened by a button that was allowed."})
	why = redact.String(strings.ToValidUTF8(strings.TrimSpace(why), ""))
	if r := []rune(why); len(r) > maxWhy {
		why = string(r[:maxWhy])
	}
	if err := d.Store.Feedback(ctx, id, playbook.Feedback{By: from.By, At: d.Now().UTC(), Why: why}); err != nil {
		r := d.unsure("store feedback", err)
		if r.Answer == Gone {
			r.Text = "This investigation is no longer kept."
		}
		return Reply{Answer: WrongFields, Fields: map[string]string{FieldWhy: r.Text}} // a form has no other way to answer
	}
	return Reply{Answer: Thanks}
}
