package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/playbook"
)

type groups map[string][]string

var errSlack = errors.New("no answer from Slack")

func (g groups) Members(_ context.Context, id string) ([]string, error) {
	if users, ok := g[id]; ok {
		return users, nil
	}
	return nil, errSlack
}

func TestDecisions(t *testing.T) {
	rules := Policy{
		{Name: "security", Users: []string{"U0SEC"}},
		{May: []Action{Investigate}, Groups: []string{"S0ONCALL"}, Accounts: []string{"111122223333"}},
		{May: []Action{FollowUp}, Groups: []string{"S0BROKEN", "S0ONCALL"}, Channels: []string{"C0PRIV"}},
		{Users: []string{"U0GUEST"}, May: []Action{Investigate}},
		{Name: "vendor", Channels: []string{"C0SHARED"}, Users: []string{"U0VENDOR", "U0SEC"}},
	}
	lookup := groups{"S0ONCALL": {"U0ONE", "U0GUESTY"}}
	ask := func(a Action, user string, k Kind, channel string, r Room, account string) Question {
		return Question{a, user, k, channel, r, account}
	}
	for name, tt := range map[string]struct {
		policy  Policy
		q       Question
		allowed bool
		reason  string
	}{
		"without rules a member in an own channel may":        {nil, ask(FollowUp, "U0X", Member, "C0A", Own, ""), true, "no rules that say otherwise"},
		"without rules a member may talk to the bot alone":    {nil, ask(Investigate, "U0X", Member, "D0A", Direct, ""), true, ""},
		"without rules a guest may not":                       {nil, ask(Investigate, "U0X", Guest, "C0A", Own, ""), false, "guests"},
		"without rules a stranger may not":                    {nil, ask(Investigate, "U0X", Stranger, "C0A", Own, ""), false, "other companies"},
		"without rules an app may not":                        {nil, ask(Investigate, "U0X", Machine, "C0A", Own, ""), false, "other apps"},
		"without rules nobody may in a shared channel":        {nil, ask(Investigate, "U0X", Member, "C0A", Shared, ""), false, "shared with another company"},
		"who is not known may not":                            {nil, ask(Investigate, "U0X", UnknownPerson, "C0A", Own, ""), false, "could not be found out whether you"},
		"where is not known, nobody may":                      {nil, ask(Investigate, "U0X", Member, "C0A", UnknownRoom, ""), false, "could not be found out whether this channel"},
		"a rule names the user":                               {rules, ask(FollowUp, "U0SEC", Member, "C0A", Own, "444455556666"), true, "Rule 1 (security)"},
		"a rule's group has the user":                         {rules, ask(Investigate, "U0ONE", Member, "C0A", Own, "111122223333"), true, "Rule 2"},
		"not for another account":                             {rules, ask(Investigate, "U0ONE", Member, "C0A", Own, "444455556666"), false, "no rule lets you investigate in account 444455556666"},
		"not for the default account where none is named":     {rules, ask(Investigate, "U0ONE", Member, "C0A", Own, ""), false, "no rule"},
		"not for another action":                              {rules, ask(Extend, "U0ONE", Member, "C0A", Own, "111122223333"), false, "no rule lets you extend"},
		"not from another channel":                            {rules, ask(FollowUp, "U0ONE", Member, "C0A", Own, "111122223333"), false, "no rule"},
		"one group fails, the other has the user":             {rules, ask(FollowUp, "U0ONE", Member, "C0PRIV", Own, ""), true, "Rule 3"},
		"one group fails, the other has not":                  {rules, ask(FollowUp, "U0TWO", Member, "C0PRIV", Own, ""), false, "look up group S0BROKEN: no answer from Slack"},
		"a guest in a group is still a guest":                 {rules, ask(Investigate, "U0GUESTY", Guest, "C0A", Own, "111122223333"), false, "guests"},
		"a guest whom a rule names":                           {rules, ask(Investigate, "U0GUEST", Guest, "C0A", Own, ""), true, "Rule 4"},
		"a guest whom a rule names, for another action":       {rules, ask(FollowUp, "U0GUEST", Guest, "C0A", Own, ""), false, "guests"},
		"a shared channel that a rule names":                  {rules, ask(Investigate, "U0VENDOR", Stranger, "C0SHARED", Shared, ""), true, "vendor"},
		"a named user in a shared channel that no rule names": {Policy{{Users: []string{"U0SEC"}}}, ask(Investigate, "U0SEC", Member, "C0OTHER", Shared, ""), false, "shared"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.policy.Decide(t.Context(), tt.q, lookup)
			if got.Allowed != tt.allowed || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%+v", got)
			}
			if !strings.HasSuffix(got.Reason, ".") {
				t.Errorf("%q is no sentence", got.Reason)
			}
		})
	}
	if d := (Policy{{Groups: []string{"S0ONCALL"}}}).Decide(t.Context(), ask(Investigate, "U0ONE", Member, "C0A", Own, ""), nil); d.Allowed {
		t.Error("groups that nothing can look up were believed")
	}
}

// Whatever the rules and the question: an unnamed outsider, an unnamed shared
// channel and a group whose lookup fails never get in, and taking a rule away
// never lets anybody in who was not.
func FuzzNobodyGetsInUnnamed(f *testing.F) {
	f.Add(uint8(3), uint8(2), uint8(3), uint8(5), uint16(0x3a7))
	kinds := []Kind{UnknownPerson, Member, Guest, Stranger, Machine}
	rooms := []Room{UnknownRoom, Own, Direct, Shared}
	f.Fuzz(func(t *testing.T, kind, room, action, who uint8, shape uint16) {
		users, channels := []string{"U0A", "U0B"}, []string{"C0A", "C0B"}
		q := Question{Action: Actions[int(action)%3], User: users[int(who)%2], Kind: kinds[int(kind)%5], Channel: channels[int(who>>1)%2], Room: rooms[int(room)%4], Account: "111122223333"}
		var p Policy
		for i := range 3 {
			bits := shape >> (i * 5)
			var r Rule
			if bits&1 != 0 {
				r.Users = users[:1]
			}
			if bits&2 != 0 {
				r.Groups = []string{"S0BROKEN"}
			}
			if bits&4 != 0 {
				r.Channels = channels[:1]
			}
			if bits&8 != 0 {
				r.May = Actions[:1]
			}
			p = append(p, r)
		}
		d := p.Decide(t.Context(), q, groups{})
		if !d.Allowed {
			return
		}
		namedUser := slices.ContainsFunc(p, func(r Rule) bool { return slices.Contains(r.Users, q.User) })
		namedRoom := slices.ContainsFunc(p, func(r Rule) bool { return slices.Contains(r.Channels, q.Channel) })
		if q.Kind != Member && !namedUser || q.Room != Own && q.Room != Direct && !namedRoom {
			t.Errorf("%+v got in by %+v", q, p)
		}
		if more := append(slices.Clone(p), Rule{Users: []string{"U0Z"}}); !more.Decide(t.Context(), q, groups{}).Allowed {
			t.Errorf("a further rule shut %+v out", q)
		}
	})
}

func TestRulesThatCouldNotWorkAreRefusedWithAllTheirErrors(t *testing.T) {
	err := Policy{{May: []Action{"delete"}, Users: []string{"alice"}, Groups: []string{"oncall"}}, {Name: "x", Channels: []string{"#ops"}, Accounts: []string{"prod"}}}.Validate()
	for _, want := range []string{`rule 1: "delete"`, `"alice" is not a user's id`, `"oncall" is not a user group's id`, `rule 2 (x): "#ops"`, `"prod" is not an account's`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s in %v", want, err)
		}
	}
}

type directory struct {
	groups
	kind Kind
	room Room
}

func (d directory) Person(context.Context, playbook.Person) Kind { return d.kind }
func (d directory) Room(context.Context, playbook.Place) Room    { return d.room }

func TestTheGateRecordsWhatItDecidesAndRefusesWhatItCannotRecord(t *testing.T) {
	var noted []Decision
	g := Gate{Directory: directory{kind: Member, room: Own}, Note: func(_ Ask, d Decision) error { noted = append(noted, d); return nil }}
	a := Ask{Action: Investigate, By: playbook.Person{User: "U0A"}, At: playbook.Place{Channel: "C0A"}}
	if d := g.May(t.Context(), a); !d.Allowed {
		t.Errorf("a member: %+v", d)
	}
	g.Directory = directory{kind: Guest, room: Own}
	if d := g.May(t.Context(), a); d.Allowed {
		t.Errorf("a guest: %+v", d)
	}
	if len(noted) != 2 || !noted[0].Allowed || noted[1].Allowed {
		t.Errorf("noted %+v", noted)
	}
	g = Gate{Directory: directory{kind: Member, room: Own}, Note: func(Ask, Decision) error { return errors.New("disk full") }}
	if d := g.May(t.Context(), a); d.Allowed || !strings.Contains(d.Reason, "disk full") {
		t.Errorf("unrecorded: %+v", d)
	}
	if d := (&Gate{}).May(t.Context(), a); d.Allowed {
		t.Error("a gate that knows nobody let somebody in")
	}
}
