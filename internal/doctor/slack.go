package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/internal/manifest"
)

// channelPages bounds how far channels are listed, 999 a page.
// https://docs.slack.dev/reference/methods/conversations.list
const channelPages = 5

// slackAnswer is the part of Slack's answers that is looked at.
type slackAnswer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Team     string `json:"team"`
	User     string `json:"user"`
	URL      string `json:"url"`
	Channels []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		IsMember bool   `json:"is_member"`
	} `json:"channels"`
	Channel struct {
		Name        string `json:"name"`
		IsMember    bool   `json:"is_member"`
		IsArchived  bool   `json:"is_archived"`
		IsExtShared bool   `json:"is_ext_shared"`
	} `json:"channel"`
	ResponseMetadata struct {
		NextCursor string `json:"next_cursor"`
	} `json:"response_metadata"`

	scopes []string // of the token, from the header
}

// call makes one Web API call with a token. The token is in a header, so that no
// error holds it.
func (s *Slack) call(ctx context.Context, token, method string, args url.Values) (slackAnswer, error) {
	var a slackAnswer
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.URL, "/")+"/"+method, strings.NewReader(args.Encode()))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token)
	client := s.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return a, context.Cause(ctx)
		}
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("the answer (%s) is not of its API", resp.Status)
	}
	for scope := range strings.SplitSeq(resp.Header.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			a.scopes = append(a.scopes, scope)
		}
	}
	return a, nil
}

const (
	reachSlack = "Open the way from here to slack.com and wss-primary.slack.com on port 443 (HTTPS_PROXY is honoured)."
	newBot     = "Reinstall the app under \"Install App\" in its settings, and put the Bot User OAuth Token into SLACK_BOT_TOKEN."
	newApp     = "Make an app-level token with the scope " + manifest.AppScope + " under Basic Information in the app's settings, and put it into SLACK_APP_TOKEN."
)

func slackGroup(s *Slack) Group {
	if s.URL == "" {
		s.URL = "https://slack.com/api/"
	}
	var me slackAnswer // set by the first check, read by those after it
	return Group{Name: "Slack",
		First: []Check{{"slack.token", "The bot token is accepted", func(ctx context.Context) Finding {
			if s.BotToken == "" {
				return missing(newBot, "There is no bot token.")
			}
			a, err := s.call(ctx, s.BotToken, "auth.test", nil)
			switch {
			case err != nil:
				return missing(reachSlack, "Slack can't be reached: %s.", err)
			case !a.OK:
				return missing(newBot, "Slack does not take the bot token: %s.", a.Error)
			}
			me = a
			return good("It is %s's in %s.", a.User, a.Team)
		}}},
		Then: []Check{
			{"slack.scopes", "The bot token has every scope of the manifest", func(context.Context) Finding { return scopes(me.scopes) }},
			{"slack.socket", "The app-level token opens sockets", s.socket},
			{"slack.channels", "The bot is in channels that it can answer in", s.channels},
		}}
}

// scopes compares what the token has with what the manifest asks for.
func scopes(have []string) Finding {
	if have == nil {
		return worth("", "Slack did not say which scopes the token has.")
	}
	var lacking, optional []string
	for _, s := range manifest.Scopes {
		switch {
		case slices.Contains(have, s.Name):
		case s.Optional:
			optional = append(optional, s.Name+" ("+s.For+")")
		default:
			lacking = append(lacking, s.Name+" ("+s.For+")")
		}
	}
	fix := "Paste the output of `stsleuth manifest` under \"App Manifest\" in the app's settings, save, and reinstall the app when Slack asks for it."
	switch {
	case len(lacking) > 0:
		return missing(fix, "The token lacks %s.", strings.Join(lacking, ", "))
	case len(optional) > 0:
		return worth(fix, "The token lacks optional scopes: %s.", strings.Join(optional, ", "))
	}
	return good("It has all %d.", len(manifest.Scopes))
}

// socket asks for a connection's address, and does not connect: a second
// connection would take envelopes from a bot that runs.
func (s *Slack) socket(ctx context.Context) Finding {
	if s.AppToken == "" {
		return missing(newApp, "There is no app-level token.")
	}
	a, err := s.call(ctx, s.AppToken, "apps.connections.open", nil)
	switch {
	case err != nil:
		return missing(reachSlack, "Slack can't be reached: %s.", err)
	case a.Error == "missing_scope" || a.Error == "not_allowed_token_type" || a.Error == "invalid_auth" || a.Error == "not_authed":
		return missing(newApp, "Slack does not open a socket for the app-level token: %s.", a.Error)
	case !a.OK:
		return missing("Switch on Socket Mode in the app's settings, or paste the output of `stsleuth manifest` under \"App Manifest\".", "Slack does not open a socket: %s.", a.Error)
	case !strings.HasPrefix(a.URL, "wss://") && !strings.HasPrefix(a.URL, "ws://"):
		return missing(reachSlack, "Slack gave no address for a socket.")
	}
	return good("Slack gives it an address to connect to.")
}

// channels looks at those that the configuration names, else that there is any.
func (s *Slack) channels(ctx context.Context) Finding {
	if len(s.Channels) > 0 {
		return s.named(ctx)
	}
	args := url.Values{"types": {"public_channel,private_channel"}, "exclude_archived": {"true"}, "limit": {"999"}}
	var in []string
	for range channelPages {
		a, err := s.call(ctx, s.BotToken, "conversations.list", args)
		switch {
		case err != nil:
			return missing(reachSlack, "Channels can't be listed: %s.", err)
		case !a.OK:
			return worth("", "Channels can't be listed: %s %s.", a.Error, a.Needed)
		}
		for _, c := range a.Channels {
			if c.IsMember {
				in = append(in, "#"+c.Name)
			}
		}
		if a.ResponseMetadata.NextCursor == "" {
			break
		}
		args.Set("cursor", a.ResponseMetadata.NextCursor)
	}
	if len(in) == 0 {
		return missing("Type `/invite @"+manifest.DefaultName+"` in every channel in which people ask.", "The bot is in no channel: it can't answer anywhere.")
	}
	slices.Sort(in)
	more := ""
	if len(in) > 5 {
		in, more = in[:5], fmt.Sprintf(" and %d more", len(in)-5)
	}
	return good("It is in %s%s.", strings.Join(in, ", "), more)
}

func (s *Slack) named(ctx context.Context) Finding {
	var troubles, fixes []string
	for _, id := range s.Channels {
		a, err := s.call(ctx, s.BotToken, "conversations.info", url.Values{"channel": {id}})
		switch {
		case err != nil:
			return missing(reachSlack, "Channel %s can't be looked up: %s.", id, err)
		case !a.OK:
			troubles, fixes = append(troubles, id+" ("+a.Error+")"), append(fixes, "check the id "+id+", and `/invite @"+manifest.DefaultName+"` there if it is private")
		case a.Channel.IsArchived:
			troubles, fixes = append(troubles, "#"+a.Channel.Name+" (archived)"), append(fixes, "take "+id+" out of the access rules")
		case !a.Channel.IsMember:
			troubles, fixes = append(troubles, "#"+a.Channel.Name+" (not invited)"), append(fixes, "type `/invite @"+manifest.DefaultName+"` in #"+a.Channel.Name)
		}
	}
	if len(troubles) > 0 {
		return missing(strings.Join(fixes, "; ")+".", "The bot can't answer in %s.", strings.Join(troubles, ", "))
	}
	return good("It is in all %d that the access rules name.", len(s.Channels))
}
