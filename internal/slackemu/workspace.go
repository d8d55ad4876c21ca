package slackemu

// Workspace is the seed of one emulated workspace: who and what is there
// before the app does anything.
type Workspace struct {
	Team     Team
	App      App
	Users    []User
	Channels []Channel
	Groups   []UserGroup
}

// Team is the workspace itself.
type Team struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// App is the one app installed in the workspace.
type App struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	BotID     string     `json:"bot_id"`
	BotUserID string     `json:"bot_user_id"`
	BotToken  string     `json:"bot_token"` // xoxb-…
	AppToken  string     `json:"app_token"` // xapp-…
	Scopes    []string   `json:"scopes"`    // of the bot token
	Commands  []Command  `json:"commands"`  // hints for the page; others are delivered too
	Shortcuts []Shortcut `json:"shortcuts"` // message shortcuts that the page offers
}

// Command is a slash command as the app's manifest declares it.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
	UsageHint   string `json:"usage_hint"`
}

// Shortcut is a message shortcut as the app's manifest declares it.
type Shortcut struct {
	CallbackID string `json:"callback_id"`
	Name       string `json:"name"`
}

// User is a person or the bot.
type User struct {
	ID       string  `json:"id"`
	TeamID   string  `json:"team_id"`
	Name     string  `json:"name"`
	RealName string  `json:"real_name"`
	Deleted  bool    `json:"deleted"`
	TZ       string  `json:"tz"`
	TZOffset int     `json:"tz_offset"`
	IsBot    bool    `json:"is_bot"`
	IsAdmin  bool    `json:"is_admin"`
	IsGuest  bool    `json:"is_restricted"`
	Profile  Profile `json:"profile"`
}

// Profile is the part of a user that people edit themselves.
type Profile struct {
	RealName    string `json:"real_name"`
	DisplayName string `json:"display_name"`
	Team        string `json:"team"`
	BotID       string `json:"bot_id,omitempty"`
	APIAppID    string `json:"api_app_id,omitempty"`
}

// UserGroup is a mentionable group of users.
type UserGroup struct {
	ID     string   `json:"id"`
	Handle string   `json:"handle"`
	Users  []string `json:"users"`
}

// Channel is a public or private channel or a direct message.
type Channel struct {
	ID             string   `json:"id"`
	Name           string   `json:"name,omitempty"`
	IsChannel      bool     `json:"is_channel"`
	IsGroup        bool     `json:"is_group"`
	IsIM           bool     `json:"is_im"`
	IsMPIM         bool     `json:"is_mpim"`
	IsPrivate      bool     `json:"is_private"`
	IsArchived     bool     `json:"is_archived"`
	IsGeneral      bool     `json:"is_general"`
	IsShared       bool     `json:"is_shared"`
	IsOrgShared    bool     `json:"is_org_shared"`
	IsExtShared    bool     `json:"is_ext_shared"`
	IsMember       bool     `json:"is_member"` // the bot
	Created        int64    `json:"created"`
	Creator        string   `json:"creator,omitempty"`
	User           string   `json:"user,omitempty"` // the other side of a DM
	ContextTeamID  string   `json:"context_team_id"`
	Topic          Note     `json:"topic"`
	Purpose        Note     `json:"purpose"`
	NumMembers     int      `json:"num_members"`
	Members        []string `json:"-"` // people; the bot is in when IsMember says so
	NameNormalized string   `json:"name_normalized,omitempty"`
}

// Note is a topic or purpose.
type Note struct {
	Value   string `json:"value"`
	Creator string `json:"creator"`
	LastSet int64  `json:"last_set"`
}

// DefaultScopes lets the app call everything emulated except that it must be
// invited before it can post.
var DefaultScopes = []string{
	"commands", "chat:write", "app_mentions:read", "assistant:write", "channels:history", "channels:join", "channels:read",
	"files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
	"reactions:write", "usergroups:read", "users:read",
}

// DefaultWorkspace is a company with three people on call and a channel of
// each kind that a bot has to tell apart.
func DefaultWorkspace() Workspace {
	const team, bot = "T0EMULATED", "U0STSLEUTH"
	people := []string{"U0ONCALL", "U0PAYMENTS", "U0SECURITY"}
	user := func(id, name, real string) User {
		return User{ID: id, TeamID: team, Name: name, RealName: real, TZ: "Etc/UTC",
			Profile: Profile{RealName: real, DisplayName: name, Team: team}}
	}
	channel := func(id, name, topic string) Channel {
		return Channel{ID: id, Name: name, NameNormalized: name, IsChannel: true, IsMember: true, Created: 1700000000,
			Creator: people[0], ContextTeamID: team, Topic: Note{Value: topic}, Members: people}
	}
	incidents := channel("C0INCIDENTS", "incidents", "Production incidents")
	private := channel("C0PRIVATE", "incidents-private", "Incidents under embargo")
	private.IsPrivate, private.IsGroup, private.IsChannel = true, true, false
	general := channel("C0GENERAL", "general", "The bot has not been invited here")
	general.IsMember, general.IsGeneral = false, true
	archived := channel("C0ARCHIVED", "incidents-2019", "Closed")
	archived.IsArchived = true
	shared := channel("C0SHARED", "shared-with-vendor", "Shared with another company")
	shared.IsExtShared, shared.IsShared = true, true
	botDM := Channel{ID: "D0BOT", IsIM: true, IsMember: true, User: people[0], Created: 1700000000, ContextTeamID: team, Members: people[:1]}
	dm := Channel{ID: "D0PEOPLE", IsIM: true, User: people[1], Created: 1700000000, ContextTeamID: team, Members: people[:2]}

	botUser := user(bot, "stsleuth", "stsleuth")
	botUser.IsBot, botUser.Profile.BotID, botUser.Profile.APIAppID = true, "B0STSLEUTH", "A0STSLEUTH"
	return Workspace{
		Team: Team{ID: team, Name: "Emulated", Domain: "emulated"},
		App: App{ID: "A0STSLEUTH", Name: "stsleuth", BotID: "B0STSLEUTH", BotUserID: bot,
			BotToken: "xoxb-emulated", AppToken: "xapp-emulated", Scopes: DefaultScopes,
			Commands:  []Command{{Command: "/sts-expired", Description: "Diagnose expired STS credentials for a role", UsageHint: "role region"}},
			Shortcuts: []Shortcut{{CallbackID: "why_expired", Name: "Why did this expire?"}}},
		Users: []User{
			user(people[0], "oncall", "On-call engineer"),
			user(people[1], "payments", "Payments developer"),
			user(people[2], "security", "Security engineer"),
			botUser,
		},
		Channels: []Channel{incidents, private, general, archived, shared, botDM, dm},
		Groups:   []UserGroup{{ID: "S0ONCALL", Handle: "oncall-all", Users: []string{people[0], people[1]}}},
	}
}
