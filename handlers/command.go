package handlers

import (
	"context"
	"errors"
	"strings"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// Command answers a typed line: everything behind the command's name.
func (d *Desk) Command(ctx context.Context, from Source, line string) Reply {
	line = strings.TrimSpace(line)
	wish := access.Ask{Event: "command", Action: access.Investigate, What: strings.TrimSpace(d.Name + " " + line)}
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToLower(verb) {
	case "":
		return d.form(ctx, from, wish, Asked{}, "")
	case "help", "-h", "--help", "?":
		d.record(from, wish, access.Decision{Allowed: true, Reason: "Help is for everybody."})
		return Reply{Answer: Help}
	case "status":
		if refused, ok := d.may(ctx, from, wish); !ok {
			return refused
		}
		return d.status(ctx, from)
	case "list":
		if refused, ok := d.may(ctx, from, wish); !ok {
			return refused
		}
		return d.list(ctx, from, strings.TrimSpace(rest))
	}
	asked, err := Parse(line)
	if err != nil {
		d.record(from, wish, notUnderstood)
		return d.refuse(err)
	}
	if asked.Pasted && (asked.Role == "" || asked.Region == "") {
		return d.form(ctx, from, wish, asked, lacking(asked))
	}
	return d.ask(ctx, from, wish, asked)
}

// lacking says what a text did not give away.
func lacking(a Asked) string {
	switch {
	case a.Role == "" && a.Region == "":
		return "The text names neither a role nor a region."
	case a.Role == "":
		return "The text names no role."
	}
	return "The text names no region."
}

// refuse explains a slip.
func (d *Desk) refuse(err error) Reply {
	var slip *playbook.InputError
	if !errors.As(err, &slip) {
		return d.trouble("read a command", err)
	}
	return Reply{Answer: BadInput, Err: err}
}

// trouble turns an error into words for the person, and logs the rest.
func (d *Desk) trouble(what string, err error) Reply {
	if errors.Is(err, d.Unreachable) {
		d.Log.Warn("the state store is unreachable", "while", what, "err", err)
		return say("State store unreachable, nothing started, try again in a moment.")
	}
	if errors.Is(err, d.Unknown) {
		return Reply{Answer: Gone}
	}
	d.Log.Error("internal error", "while", what, "err", err)
	return say("Internal error, nothing was started; the bot's log has the cause under \"" + what + "\".")
}
