// Package access decides who may do what, where: a pure function from a
// [Question] and a [Policy] to a [Decision] with its reason in a sentence.
//
// Without rules, every full member of the workspace may do everything in the
// workspace's own channels. Closed by default are: guests, people of other
// companies, channels that are shared with other companies, and whatever could
// not be found out; only a rule that names such a person or such a channel opens
// it. Rules only ever allow; the first that allows decides.
//
// [Gate] in gate.go is what handlers ask: it finds out who and where, decides,
// and writes the audit log.
package access

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Action is what somebody wants to do.
type Action string

// The actions that rules can tell apart.
const (
	Investigate Action = "investigate" // start one, by command, shortcut or form; see and stop it
	Extend      Action = "extend"      // look again, run again, a longer window
	FollowUp    Action = "follow-up"   // the checks after a diagnosis
)

// Actions are all of them.
var Actions = []Action{Investigate, Extend, FollowUp}

// Kind is what somebody is to the workspace. The zero Kind is the cautious one.
type Kind int

const (
	UnknownPerson Kind = iota // could not be found out
	Member                    // of the workspace, in full
	Guest                     // of the workspace, with limits
	Stranger                  // of another company or workspace
	Machine                   // another app, or a workflow
)

// Room is what a channel is to the workspace. The zero Room is the cautious one.
type Room int

const (
	UnknownRoom Room = iota // could not be found out
	Own                     // a channel of the workspace, public or private
	Direct                  // a person's own conversation with the bot
	Shared                  // shared with another company, which reads along
)

// Question is one wish.
type Question struct {
	Action  Action
	User    string // Slack's id
	Kind    Kind
	Channel string
	Room    Room
	Account string // "" where the question does not name one: the default account
}

// Rule allows actions. What it leaves open is open to every member, in every
// channel of the workspace, for every account.
type Rule struct {
	Name     string   `yaml:"name" json:"name,omitempty"` // for people
	May      []Action `yaml:"may" json:"may,omitempty"`   // none: every action
	Users    []string `yaml:"users" json:"users,omitempty"`
	Groups   []string `yaml:"groups" json:"groups,omitempty"` // ids of user groups; who is in users or in one of them
	Channels []string `yaml:"channels" json:"channels,omitempty"`
	Accounts []string `yaml:"accounts" json:"accounts,omitempty"`
}

// Policy is the rules in order.
type Policy []Rule

// Decision is what came out, and why.
type Decision struct {
	Allowed bool
	Reason  string // a sentence, for the person and the audit log
}

// Groups knows who is in a user group.
type Groups interface {
	Members(ctx context.Context, group string) ([]string, error)
}

// ErrNoGroups is what a policy with groups gets where nothing can look them up.
var ErrNoGroups = errors.New("user groups can't be looked up")

// ids of Slack are opaque, but for their first letter.
// https://docs.slack.dev/reference/objects/conversation-object
var (
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]{2,}$`)
	groupID   = regexp.MustCompile(`^S[A-Z0-9]{2,}$`)
	channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,}$`)
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
)

// Validate names everything that is wrong with the rules.
func (p Policy) Validate() error {
	var errs []error
	for i, r := range p {
		every := func(list []string, want *regexp.Regexp, what string) {
			for _, v := range list {
				if !want.MatchString(v) {
					errs = append(errs, fmt.Errorf("access rule %s: %q is not %s", r.label(i), v, what))
				}
			}
		}
		for _, a := range r.May {
			if !slices.Contains(Actions, a) {
				errs = append(errs, fmt.Errorf("access rule %s: %q is not an action; there are %v", r.label(i), a, Actions))
			}
		}
		every(r.Users, userID, "a user's id (U… or W…)")
		every(r.Groups, groupID, "a user group's id (S…)")
		every(r.Channels, channelID, "a channel's id (C…, G… or D…)")
		every(r.Accounts, accountID, "an account's twelve digits")
	}
	return errors.Join(errs...)
}

func (r Rule) label(i int) string {
	if r.Name != "" {
		return fmt.Sprintf("%d (%s)", i+1, r.Name)
	}
	return fmt.Sprint(i + 1)
}

// Decide answers a question. Groups are looked up only where they matter, and a
// lookup that fails allows nothing. Groups may be nil.
func (p Policy) Decide(ctx context.Context, q Question, groups Groups) Decision {
	if len(p) == 0 {
		p = Policy{{}}
	}
	var failed error
	for i, r := range p {
		if !r.covers(q) {
			continue
		}
		named := slices.Contains(r.Users, q.User)
		if !named && len(r.Groups) > 0 && q.Kind == Member {
			var err error
			if named, err = member(ctx, groups, r.Groups, q.User); err != nil {
				failed = err
			}
		}
		anyone := len(r.Users) == 0 && len(r.Groups) == 0 && q.Kind == Member
		if named || anyone {
			return Decision{true, p.allowed(i, q)}
		}
	}
	if failed != nil {
		return Decision{false, "Refused, because it could not be found out whether you are in a user group that may do this: " + failed.Error() + "."}
	}
	return Decision{false, refusal(q)}
}

// covers reports whether the rule is about the question at all, whoever asks.
func (r Rule) covers(q Question) bool {
	room := slices.Contains(r.Channels, q.Channel)
	if len(r.Channels) == 0 {
		room = q.Room == Own || q.Room == Direct
	}
	return room && (len(r.May) == 0 || slices.Contains(r.May, q.Action)) &&
		(len(r.Accounts) == 0 || slices.Contains(r.Accounts, q.Account))
}

// member looks the groups up until one has the user. An error counts only
// where none has.
func member(ctx context.Context, groups Groups, ids []string, user string) (bool, error) {
	if groups == nil {
		return false, ErrNoGroups
	}
	var failed error
	for _, id := range ids {
		users, err := groups.Members(ctx, id)
		if err != nil {
			failed = fmt.Errorf("look up group %s: %w", id, err)
			continue
		}
		if slices.Contains(users, user) {
			return true, nil
		}
	}
	return false, failed
}

func (p Policy) allowed(i int, q Question) string {
	if len(p) == 1 && p[0].open() {
		return "Members of the workspace may " + string(q.Action) + " in its own channels; there are no rules that say otherwise."
	}
	return "Rule " + p[i].label(i) + " allows it."
}

func (r Rule) open() bool {
	return r.Name == "" && len(r.May)+len(r.Users)+len(r.Groups)+len(r.Channels)+len(r.Accounts) == 0
}

// refusal says what stands in the way, the most telling thing first.
func refusal(q Question) string {
	switch q.Kind {
	case Guest:
		return "Refused: guests of the workspace may not " + string(q.Action) + ", unless a rule names them."
	case Stranger:
		return "Refused: people of other companies may not " + string(q.Action) + ", unless a rule names them."
	case Machine:
		return "Refused: other apps may not " + string(q.Action) + ", unless a rule names them."
	case UnknownPerson:
		return "Refused, because it could not be found out whether you are a member of the workspace."
	}
	switch q.Room {
	case Shared:
		return "Refused: this channel is shared with another company, which would read the evidence. Only a rule that names the channel can open it."
	case UnknownRoom:
		return "Refused, because it could not be found out whether this channel is shared with another company."
	}
	about := ""
	if q.Account != "" {
		about = " in account " + q.Account
	}
	return strings.Join([]string{"Refused: no rule lets you ", string(q.Action), about, " from this channel."}, "")
}
