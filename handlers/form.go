package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// prefillWithin bounds the look at the channel's last question: a form has to be
// opened within three seconds of the command, and is useful without it.
const prefillWithin = 500 * time.Millisecond

// form opens the form. What the line did not say is filled in from the
// channel's last question.
func (d *Desk) form(ctx context.Context, from Source, asked Asked, note string) Reply {
	f := &Form{Role: asked.Role, Region: asked.Region, Window: asked.Window, Note: note, Place: from.Place, AnswerURL: from.AnswerURL}
	if f.Role == "" || f.Region == "" {
		ctx, cancel := context.WithTimeout(ctx, prefillWithin)
		defer cancel()
		last, err := d.Store.List(ctx, playbook.Filter{Channel: from.Place.Channel, Limit: 1})
		if err != nil {
			d.Log.Warn("the form is not prefilled", "err", err)
		}
		if len(last) > 0 {
			t := last[0].Request.Target
			if f.Role == "" && !asked.Pasted {
				f.Role = t.Role
			}
			if f.Region == "" {
				f.Region = t.Region
			}
			if f.Window == 0 {
				f.Window = last[0].Request.Window.Length()
			}
		}
	}
	return Reply{Form: f}
}

// Submitted answers a form. A field that is wrong is named, and the form stays
// open.
func (d *Desk) Submitted(ctx context.Context, from Source, role, region, window string) Reply {
	asked := Asked{Role: strings.TrimSpace(role), Region: region}
	if window != "" {
		var err error
		if asked.Window, err = playbook.ParseWindow(window); err != nil {
			return wrong(err)
		}
	}
	if _, err := asked.Request(d.Now()); err != nil {
		return wrong(err)
	}
	return d.ask(ctx, from, asked, false)
}

func wrong(err error) Reply {
	field := FieldRole
	var slip *playbook.InputError
	if errors.As(err, &slip) {
		field = slip.What
	}
	return Reply{Errors: map[string]string{field: err.Error()}}
}

const (
	// suggested is how many options a search gives: what Slack takes.
	// https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
	suggested = 100
	// suggestWithin leaves the rest of Slack's three seconds to the network.
	suggestWithin = 2 * time.Second
)

// Suggest lists roles for the form's search: first what was typed, as it was
// typed, because a role may have been deleted, or be another account's.
func (d *Desk) Suggest(ctx context.Context, text string) []string {
	ctx, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	var out []string
	text = strings.TrimSpace(text)
	if _, err := playbook.ParseRole(text); err == nil {
		out = append(out, text)
	}
	found, err := d.Roles.Find(ctx, text, suggested-1)
	if err != nil {
		d.Log.Warn("roles can't be listed for the form", "err", err)
	}
	for _, name := range found {
		if name != text {
			out = append(out, name)
		}
	}
	return out
}
