// Package handlers decides what a command, a form, a message shortcut or a
// button does. It knows no Slack: in come values that say who, where and what
// was typed or pressed; out goes a Reply for that person and nobody else.
// Everything that is told to the channel goes through the store's outbox.
//
// One file, one command or button. Start at [Desk.Command] in command.go (what
// people type, read by parse.go) and [Desk.Press] in press.go (the table of
// buttons). Presses that take time are stored and carried out by a worker, on
// any replica: [Desk.Carry] in carry.go. The Slack side is package bot, the
// state package store.
package handlers

import (
	"context"
	"log/slog"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// Store is what the desk asks of the state. All of it is done within about two
// seconds, also when the answer is that the state can't be reached.
type Store interface {
	Accept(ctx context.Context, d playbook.Delivery, inv playbook.Investigation, fresh bool) (playbook.Acceptance, error)
	Load(ctx context.Context, id string) (playbook.Investigation, error)
	List(ctx context.Context, f playbook.Filter) ([]playbook.Investigation, error)
	Press(ctx context.Context, d playbook.Delivery, id, action string, by playbook.Person, delay time.Duration) (playbook.Press, bool, error)
	SettlePress(ctx context.Context, id string, p playbook.Press) (playbook.Press, error)
	Cancel(ctx context.Context, id string, by playbook.Person) (bool, error)
	Feedback(ctx context.Context, id string, f playbook.Feedback) error
	Tell(ctx context.Context, m playbook.Message) error
	Figures(ctx context.Context) (playbook.Figures, error)
}

// Roles lists the account's roles for the form's search.
type Roles interface {
	// Find gives names of roles that contain text, best first, at most n.
	Find(ctx context.Context, text string, n int) ([]string, error)
}

// Rooms knows the channels of the chat workspace.
type Rooms interface {
	// Refuses says, in words for people, why nothing may be told in a place; ""
	// when it may, or when that could not be found out in time (telling then
	// finds out).
	Refuses(ctx context.Context, p playbook.Place) string
}

// FollowUps are the checks that can be asked for after a diagnosis.
type FollowUps interface {
	// Offers are those that this build can carry out.
	Offers() []playbook.Offer
	// Run carries one out. It returns an outcome, an investigation that it
	// started in its place, or both.
	Run(ctx context.Context, inv playbook.Investigation, p playbook.Press) (outcome *playbook.Outcome, led string, err error)
}

// Desk answers people. All fields but FollowUps and Rooms are needed.
type Desk struct {
	Name      string // of the command, "/sts-expired"
	Store     Store
	Roles     Roles
	Rooms     Rooms     // nil: every place will do
	FollowUps FollowUps // nil: there are none
	Now       func() time.Time
	Log       *slog.Logger

	// Unreachable and Unknown are the store's sentinels: it does not answer, and
	// it has no such investigation.
	Unreachable, Unknown error
}

// Reply is what one person sees. The zero Reply says nothing.
type Reply struct {
	Text string          // sentences for people; plain, whatever stands in it
	Who  playbook.Person // whom the text is about; named after it
	Link string          // where to look, "" for nowhere
	// Fresh is a finished investigation that can be repeated from here.
	Fresh string
	// Form is opened; Why asks the person what was wrong with this investigation.
	Form *Form
	Why  string
	// Errors stand beside a submitted form's fields, which then stays open.
	Errors map[string]string
}

// The fields of a form, as Reply.Errors names them.
const (
	FieldRole   = "role"
	FieldRegion = "region"
	FieldWindow = "window"
	FieldWhy    = "why"
)

// Form asks for a role, a region and a window.
type Form struct {
	Role, Region string        // what is filled in
	Window       time.Duration // 0: the default
	Note         string        // why it is shown, "" when that is clear
	Place        playbook.Place
	AnswerURL    string
}

// Source says who asks, where, and how to answer.
type Source struct {
	Delivery  playbook.Delivery
	By        playbook.Person
	Place     playbook.Place
	AnswerURL string
}
