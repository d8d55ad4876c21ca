package handlers

import (
	"context"
	"errors"
	"strings"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

// Command answers a typed line: everything behind the command's name.
func (d *Desk) Command(ctx context.Context, from Source, line string) Reply {
	line = redact.String(strings.TrimSpace(redact.Head(line, MaxLine))) // answers quote its words
	wish := access.Ask{Event: "command", Action: access.Investigate, What: strings.TrimSpace(d.Name + " " + line)}
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToLower(verb) {
	case "":
		return d.form(ctx, from, wish, Asked{}, "")
	case "help", "-h", "--help", "?":
		d.record(from, wish, access.Decision{Allowed: true, Reason: "Help is for everybody."})
		return Reply{Answer: Help}
	case "stop", "cancel":
		if rest == "" { // else it is a role's name
			d.record(from, wish, access.Decision{Allowed: true, Reason: "How to stop is told to everybody."})
			return say("Press Stop on the card of what is running. " + d.Name + " status names what is running in this channel.")
		}
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

// What is said when the state can't be reached. A write may have been made before
// the answer to it was lost, so only of what merely reads is it certain that
// nothing was started.
const (
	NotRead    = "The state store does not answer, so nothing was started. Try again in a moment."
	NotWritten = "The state store does not answer, so it can't be told whether this was taken. If it was, it goes on by itself and shows up here. Asking again in a moment does no harm: nothing is done twice."
)

// trouble turns an error of reading into words for the person, and logs the rest.
func (d *Desk) trouble(what string, err error) Reply { return d.troubled(what, err, NotRead) }

// unsure does the same for an error of writing.
func (d *Desk) unsure(what string, err error) Reply { return d.troubled(what, err, NotWritten) }

func (d *Desk) troubled(what string, err error, unreachable string) Reply {
	if errors.Is(err, d.Unreachable) {
		d.Log.Warn("the state store is unreachable", "while", what, "err", err)
		return say(unreachable)
	}
	if errors.Is(err, d.Unknown) {
		return Reply{Answer: Gone}
	}
	d.Log.Error("internal error", "while", what, "err", err)
	return say("Internal error. The bot's log has the cause under \"" + what + "\". Tell whoever runs the bot.")
}
