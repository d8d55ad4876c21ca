package bot

import (
	"encoding/json"
	"testing"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/access"
)

// Who somebody is, by the shapes of users.info: only people of this workspace are
// members, and whatever raises a doubt wins.
// https://docs.slack.dev/reference/objects/user-object
func TestWhoSomebodyIs(t *testing.T) {
	b := &Bot{team: "T1"}
	for name, tc := range map[string]struct {
		user string
		want access.Kind
	}{
		"a member":                               {`{"id":"U1","team_id":"T1"}`, access.Member},
		"an owner":                               {`{"id":"U1","team_id":"T1","is_admin":true,"is_owner":true,"is_primary_owner":true}`, access.Member},
		"a member with an id of an organisation": {`{"id":"W1","team_id":"T1","enterprise_user":{"id":"U1","enterprise_id":"E1","teams":["T1","T2"]}}`, access.Member},
		"of the organisation, here too, named by another workspace": {`{"id":"W1","team_id":"T2","enterprise_user":{"enterprise_id":"E1","teams":["T2","T1"]}}`, access.Member},
		"of the organisation, not here":                             {`{"id":"W1","team_id":"T2","enterprise_user":{"enterprise_id":"E1","teams":["T2"]}}`, access.Stranger},
		"of the organisation itself, in no workspace":               {`{"id":"W1","team_id":"E1","enterprise_user":{"enterprise_id":"E1","teams":[]}}`, access.Stranger},
		"a guest of several channels":                               {`{"id":"U1","team_id":"T1","is_restricted":true}`, access.Guest},
		"a guest of one channel":                                    {`{"id":"U1","team_id":"T1","is_restricted":true,"is_ultra_restricted":true}`, access.Guest},
		"a guest of one channel, of whom Slack says only that":      {`{"id":"U1","team_id":"T1","is_ultra_restricted":true}`, access.Guest},
		"a guest of the organisation":                               {`{"id":"W1","team_id":"T2","is_restricted":true,"enterprise_user":{"teams":["T1","T2"]}}`, access.Guest},
		"of another company, over Slack Connect":                    {`{"id":"U1","team_id":"T9","is_stranger":true}`, access.Stranger},
		"of another company, once met elsewhere":                    {`{"id":"U1","team_id":"T9","is_stranger":false}`, access.Stranger},
		"a stranger whose team is not said":                         {`{"id":"U1","is_stranger":true}`, access.Stranger},
		"somebody whose team is not said":                           {`{"id":"U1"}`, access.Stranger},
		"a stranger who claims our team":                            {`{"id":"U1","team_id":"T1","is_stranger":true}`, access.Stranger},
		"another company's guest":                                   {`{"id":"U1","team_id":"T9","is_restricted":true}`, access.Stranger},
		"who was deactivated":                                       {`{"id":"U1","team_id":"T1","deleted":true}`, access.UnknownPerson},
		"a deactivated guest":                                       {`{"id":"U1","team_id":"T1","deleted":true,"is_restricted":true}`, access.UnknownPerson},
		"an app":                                                    {`{"id":"U1","team_id":"T1","is_bot":true}`, access.Machine},
		"a workflow":                                                {`{"id":"U1","team_id":"T1","is_workflow_bot":true}`, access.Machine},
		"another company's app":                                     {`{"id":"U1","team_id":"T9","is_bot":true,"is_stranger":true}`, access.Machine},
	} {
		var u slack.User
		if err := json.Unmarshal([]byte(tc.user), &u); err != nil {
			t.Fatal(err)
		}
		if got := b.kind(&u); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
