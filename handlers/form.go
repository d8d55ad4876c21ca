package handlers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// prefillWithin bounds the look at the channel's last question: a form has to be
// opened within three seconds of the command, and is useful without it.
const prefillWithin = 1500 * time.Millisecond

// form opens the form, if the person may. What the line did not say is filled in from the
// channel's last question.
func (d *Desk) form(ctx context.Context, from Source, wish access.Ask, asked Asked, note string) Reply {
	f := Form{Region: asked.Region, Window: asked.Window, Note: note}
	if t, err := playbook.ParseRole(asked.Role); err == nil {
		f.Role, f.Account = t.Role, t.Account
	}
	wish.Account = f.Account
	if refused, ok := d.may(ctx, from, wish); !ok {
		return refused
	}
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
				f.Role, f.Account = t.Role, t.Account
			}
			if f.Region == "" {
				f.Region = t.Region
			}
			if f.Window == 0 {
				f.Window = last[0].Request.Window.Length()
			}
		}
	}
	return Reply{Answer: AskForm, Form: f}
}

// Submitted answers a form; filled is what it was opened with. A field that is
// wrong is named, and the form stays open.
func (d *Desk) Submitted(ctx context.Context, from Source, filled Form, role, region, window string) Reply {
	asked := Asked{Role: strings.TrimSpace(role), Region: region}
	if asked.Role == filled.Role {
		asked.Account = filled.Account
	}
	if window != "" {
		var err error
		if asked.Window, err = playbook.ParseWindow(window); err != nil {
			return wrong(err)
		}
	}
	if _, err := asked.Request(d.Now()); err != nil {
		return wrong(err)
	}
	r := d.ask(ctx, from, access.Ask{Event: "form", Action: access.Investigate, What: strings.Join([]string{asked.Role, region, window}, " ")}, asked)
	if r.Answer == BadInput { // of an account that nobody said how to read
		return wrong(r.Err)
	}
	return r
}

func wrong(err error) Reply {
	field := FieldRole
	var slip *playbook.InputError
	if errors.As(err, &slip) {
		field = cmp.Or(slip.What, FieldRole) // Slack takes only the inputs' own names
	}
	return Reply{Answer: WrongFields, Fields: map[string]string{field: err.Error()}}
}

const (
	// suggested is how many options a search gives: what Slack takes.
	// https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
	suggested = 100
	// suggestWithin leaves the rest of Slack's three seconds to the network.
	suggestWithin = 2 * time.Second
)

// Suggest lists roles for the form's search: first what was typed, because a
// role may have been deleted and is asked about all the same.
func (d *Desk) Suggest(ctx context.Context, text string) []playbook.Target {
	ctx, cancel := context.WithTimeout(ctx, suggestWithin)
	defer cancel()
	var out []playbook.Target
	typed, err := playbook.ParseRole(strings.TrimSpace(text))
	if err == nil {
		out = append(out, typed)
	}
	found, err := d.Roles.Find(ctx, typed.Role, suggested-1)
	if err != nil {
		d.Log.Warn("roles can't be listed for the form", "err", err)
	}
	if len(out) > 0 && typed.Account == "" && slices.ContainsFunc(found, func(t playbook.Target) bool { return t.Role == typed.Role }) {
		out = nil // it is there, and shown with its path
	}
	return append(out, found...)
}
