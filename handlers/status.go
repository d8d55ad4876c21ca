package handlers

import (
	"context"
	"fmt"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

// listed is how many investigations an answer names.
const listed = 10

// status says what is going on, in this channel by name.
func (d *Desk) status(ctx context.Context, from Source) Reply {
	f, err := d.Store.Figures(ctx)
	if err != nil {
		return d.trouble("read the figures", err)
	}
	lines := []string{fmt.Sprintf("%s going on, %s waiting to be told, %s given up on.", plural(f.Going, "investigation or follow-up"), plural(f.Waiting, "message"), plural(f.Dead, "message"))}
	all, err := d.Store.List(ctx, playbook.Filter{Channel: from.Place.Channel, Limit: listed})
	if err != nil {
		return d.trouble("list investigations", err)
	}
	for _, inv := range all {
		if !inv.State.Ended() {
			lines = append(lines, summary(inv))
		}
	}
	if len(lines) == 1 {
		lines = append(lines, "None of them is in this channel.")
	}
	return Reply{Text: strings.Join(lines, "\n")}
}

// list names what was asked lately in this channel, or everywhere for one role.
func (d *Desk) list(ctx context.Context, from Source, role string) Reply {
	filter := playbook.Filter{Channel: from.Place.Channel, Limit: listed}
	where := "in this channel"
	if role != "" {
		target, err := playbook.ParseRole(role)
		if err != nil {
			return d.refuse(err)
		}
		filter.Role, where = target.Role, "in this channel for "+target.Role
	}
	all, err := d.Store.List(ctx, filter)
	if err != nil {
		return d.trouble("list investigations", err)
	}
	if len(all) == 0 {
		return Reply{Text: "Nothing was asked " + where + " yet. Try " + d.Name + " payments-api eu-west-1."}
	}
	lines := []string{"Asked " + where + ", the newest first:"}
	for _, inv := range all {
		lines = append(lines, summary(inv))
	}
	return Reply{Text: strings.Join(lines, "\n")}
}

// summary is one investigation in a line.
func summary(inv playbook.Investigation) string {
	t := inv.Request.Target
	line := fmt.Sprintf("• %s in %s, %s UTC: %s", t.Role, t.Region, inv.Accepted.UTC().Format("2006-01-02 15:04"), inv.State)
	if inv.Report != nil && len(inv.Report.Diagnosis.Causes) > 0 {
		line += ", " + inv.Report.Diagnosis.Causes[0].Headline
	} else if inv.Report != nil {
		line += ", " + inv.Report.Diagnosis.Verdict.String()
	}
	return line
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
