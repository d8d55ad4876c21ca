package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// may asks the gate before anything is stored or done. A refusal is the reply.
func (d *Desk) may(ctx context.Context, from Source, wish access.Ask) (refused Reply, ok bool) {
	wish.By, wish.At = from.By, from.Place
	if account, err := d.Account(wish.Account); err == nil {
		wish.Account = account
	}
	decision := d.Gate.May(ctx, wish)
	if decision.Allowed {
		return Reply{}, true
	}
	if d.Rooms != nil { // what the person can do about it, where the bot can't see the place
		switch why := d.Rooms.Refuses(ctx, from.Place); why {
		case NotMember, DirectChat, Opaque:
			return Reply{Answer: Refused, Why: why}, false
		}
	}
	return say(decision.Reason), false
}

// record writes down what ended before there was anything to decide.
func (d *Desk) record(from Source, wish access.Ask, decision access.Decision) {
	wish.By, wish.At = from.By, from.Place
	d.Gate.Record(wish, decision)
}

var notUnderstood = access.Decision{Reason: "It could not be understood; nothing was asked."}

// actions are the rights that buttons need. Follow-ups are not among them: they
// have their own.
var actions = map[string]access.Action{
	Stop: access.Investigate, ShowTrace: access.Investigate, SendFiles: access.Investigate, Rate: access.Investigate,
	Rerun: access.Extend, LookAgain: access.Extend, string(playbook.Extend48h): access.Extend,
}

// accountOf is the account that a stored question is about, as it was named or
// as the investigation found it; "" is the default.
func (d *Desk) accountOf(inv playbook.Investigation) string {
	if account := inv.Request.Target.Account; account != "" || inv.Report == nil {
		return account
	}
	found := inv.Report.Request.Target.Account
	if _, err := d.Account(found); err != nil {
		return "" // that of the own credentials, which the map does not name
	}
	return found
}
