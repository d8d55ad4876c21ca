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

	"github.com/stsleuth/stsleuth/internal/access"
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
	// Find gives roles whose name contains text, at most n.
	Find(ctx context.Context, text string, n int) ([]playbook.Target, error)
}

// Rooms knows the channels of the chat workspace.
type Rooms interface {
	// Refuses says why nothing may be told in a place; Welcome when it may, or
	// when that could not be found out in time (telling then finds out).
	Refuses(ctx context.Context, p playbook.Place) Refusal
}

// Gate decides who may do what, where, and records it.
type Gate interface {
	May(ctx context.Context, a access.Ask) access.Decision
	// Record writes down what needed no decision.
	Record(a access.Ask, d access.Decision)
}

// Refusal is why a place does not take an investigation.
type Refusal int

const (
	Welcome    Refusal = iota // none
	NotMember                 // the bot is not in the channel
	DirectChat                // a conversation between people
	Archived
	ReadOnly   // only some may post there
	Shared     // shared with another company, which would see the evidence
	Opaque     // whether it is shared can't be found out: a scope is missing
	ParentGone // the thread's first message was deleted
)

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
	Gate      Gate
	// Account is the account that a question is about: the one that it names, else
	// the default. The error says that nobody said how that one is read, and is a
	// *playbook.InputError.
	Account func(named string) (string, error)
	Now     func() time.Time
	Log     *slog.Logger

	// Unreachable and Unknown are the store's sentinels: it does not answer, and
	// it has no such investigation.
	Unreachable, Unknown error
}

// on is the desk whose log lines name an investigation.
func (d Desk) on(id string) *Desk {
	d.Log = d.Log.With("investigation", id)
	return &d
}

// Answer names what a person is told; the edge has the words.
type Answer int

const (
	Nothing        Answer = iota
	Words                 // Reply.Text
	Help                  // how to ask
	Accepted              // Reply.About is new and will run
	AlreadyRunning        // Reply.About runs
	RecentlyDone          // Reply.About ended a moment ago, and can be repeated
	BadInput              // Reply.Err says what was wrong
	Refused               // Reply.Why says why nothing can be told here
	Status                // Reply.List is going on
	List                  // Reply.List was asked lately
	Pressed               // Reply.Press of Reply.About will be carried out
	AlreadyPressed        // Reply.Press of Reply.About was first
	Ended                 // Reply.About had ended, there is nothing to stop
	Gone                  // there is no such investigation any more
	Thanks                // for feedback
	AskForm               // Reply.Form is opened
	AskWhy                // what was wrong with Reply.About?
	WrongFields           // Reply.Fields: a submitted form stays open
)

// Reply is what one person sees. The zero Reply says nothing.
type Reply struct {
	Answer Answer
	About  playbook.Investigation
	List   []playbook.Investigation
	Press  playbook.Press
	Err    error
	Why    Refusal
	Text   string // whole sentences of our own
	Link   string // where to look, for Words
	Form   Form
	Fields map[string]string // what is wrong with a field, by its name
}

func say(text string) Reply { return Reply{Answer: Words, Text: text} }

// The fields of the forms.
const (
	FieldRole   = "role"
	FieldRegion = "region"
	FieldWindow = "window"
	FieldWhy    = "why"
)

// Form asks for a role, a region and a window.
type Form struct {
	Role, Region string        // what is filled in; Role is a name without path
	Account      string        // that the filled in role belongs to, "" when unknown
	Window       time.Duration // 0: the default
	Note         string        // why it is shown, "" when that is clear
}

// Source says who asks, where, and how to answer.
type Source struct {
	Delivery  playbook.Delivery
	By        playbook.Person
	Place     playbook.Place
	AnswerURL string
}
