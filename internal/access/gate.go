package access

import (
	"context"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// Directory finds out who and where somebody is. What it can't find out in time
// it answers with the zero value, which is the cautious one.
type Directory interface {
	Groups
	Person(ctx context.Context, by playbook.Person) Kind
	Room(ctx context.Context, at playbook.Place) Room
}

// Ask is a wish as a handler knows it.
type Ask struct {
	Event         string // command, form, shortcut or press, for the audit log
	Action        Action
	By            playbook.Person
	At            playbook.Place
	Account       string // "": the default account
	What          string // what was typed or pressed, for the audit log
	Investigation string // that it is about, "" for a new one
}

// Gate stands in front of every command and press.
//
//	type Gate interface { // as handlers declares it
//		May(ctx context.Context, a access.Ask) access.Decision
//		Record(a access.Ask, d access.Decision)
//	}
type Gate struct {
	Policy    Policy
	Directory Directory
	// Note writes the audit log; nil writes none. An error of it refuses: what
	// can't be recorded is not done.
	Note func(Ask, Decision) error
	// Within bounds the lookups, so that there is an answer before Slack's three
	// seconds are over; 0 is 1 s.
	Within time.Duration
}

// May decides and records. It never errs: what went wrong is in the reason.
func (g *Gate) May(ctx context.Context, a Ask) Decision {
	within := g.Within
	if within <= 0 {
		within = time.Second
	}
	lookup, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	q := Question{Action: a.Action, User: a.By.User, Channel: a.At.Channel, Account: a.Account}
	var groups Groups
	if g.Directory != nil {
		groups = g.Directory
		person := make(chan Kind, 1)
		go func() { person <- g.Directory.Person(lookup, a.By) }()
		q.Room = g.Directory.Room(lookup, a.At)
		q.Kind = <-person
	}
	d := g.Policy.Decide(lookup, q, groups)
	if g.Note == nil {
		return d
	}
	if err := g.Note(a, d); err != nil {
		return Decision{false, "Refused, because the audit log can't be written: " + err.Error() + "."}
	}
	return d
}

// Record writes down what needed no decision: help, a slip, a button of another
// version. Nothing is done for it, so nothing depends on the writing.
func (g *Gate) Record(a Ask, d Decision) {
	if g.Note != nil {
		_ = g.Note(a, d) // a log that can't be written refuses the next wish
	}
}
