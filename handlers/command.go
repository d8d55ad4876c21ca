package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

// Command answers a typed line: everything behind the command's name.
func (d *Desk) Command(ctx context.Context, from Source, line string) Reply {
	line = strings.TrimSpace(line)
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToLower(verb) {
	case "":
		return d.form(ctx, from, Asked{}, "")
	case "help", "-h", "--help", "?":
		return Reply{Text: d.help()}
	case "status":
		return d.status(ctx, from)
	case "list":
		return d.list(ctx, from, strings.TrimSpace(rest))
	}
	asked, err := Parse(line)
	if err != nil {
		return d.refuse(err)
	}
	if asked.Pasted && (asked.Role == "" || asked.Region == "") {
		return d.form(ctx, from, asked, lacking(asked))
	}
	return d.ask(ctx, from, asked, false)
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

func (d *Desk) help() string {
	n := d.Name
	return strings.Join([]string{
		n + " role region [window] finds out why the STS credentials of a role expire. Everybody in the channel sees the evidence and the diagnosis in a thread.",
		"• " + n + " payments-api eu-west-1",
		"• " + n + " arn:aws:iam::111122223333:role/payments-api in eu-west-1 last 48h",
		"• " + n + " and then the error message you got: role, account and region are found in it",
		"• " + n + " alone opens a form",
		"• " + n + " status says what is going on, " + n + " list [role] what was asked lately",
		"The window is 24 hours unless you say otherwise, 1h to 7d. Nothing is changed in AWS.",
	}, "\n")
}

// refuse explains a slip with an example that works.
func (d *Desk) refuse(err error) Reply {
	var slip *playbook.InputError
	if !errors.As(err, &slip) {
		return d.trouble("read a command", err)
	}
	return Reply{Text: fmt.Sprintf("%s\nExample: %s payments-api eu-west-1. More: %s help", slip, d.Name, d.Name)}
}

// trouble turns an error into words for the person, and logs the rest.
func (d *Desk) trouble(what string, err error) Reply {
	if errors.Is(err, d.Unreachable) {
		d.Log.Warn("the state store is unreachable", "while", what, "err", err)
		return Reply{Text: "The state store is unreachable. Nothing was started; please try again in a moment."}
	}
	if errors.Is(err, d.Unknown) {
		return Reply{Text: "This investigation is not known any more: it was removed after its retention, or the state store was emptied. Type " + d.Name + " role region to ask again."}
	}
	d.Log.Error("internal error", "while", what, "err", err)
	return Reply{Text: "Internal error, nothing was started; the bot's log has the cause under \"" + what + "\"."}
}
