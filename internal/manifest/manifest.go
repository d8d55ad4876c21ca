// Package manifest is the bot's app manifest: what Slack is told of the command,
// the message shortcut, the scopes and the socket. `stsleuth manifest` prints
// it, and `stsleuth doctor` compares a token's scopes with it.
//
// The names under which Slack delivers things are constants here, so that what
// is declared and what is answered can't differ. The package is pure.
package manifest

import (
	"bytes"
	"encoding/json"
)

// What people see and Slack delivers.
const (
	Command      = "/sts-expired"
	ShortcutID   = "why_expired" // callback id of the message shortcut
	ShortcutName = "Why did this expire?"
	DefaultName  = "stsleuth"
)

// A Scope is a permission of the bot token, and what does not work without it.
// https://docs.slack.dev/reference/scopes
type Scope struct {
	Name     string
	For      string
	Optional bool // the bot works without it, and says what it leaves out
}

// Scopes are those that the bot asks for, and no others.
var Scopes = []Scope{
	{"commands", "the command and the message shortcut", false},
	{"chat:write", "posting the diagnosis and its evidence", false},
	{"files:write", "the report as a file, and the timeline", false},
	{"channels:read", "seeing that a channel is archived or shared with another company before evidence is posted", false},
	{"groups:read", "the same in private channels", false},
	{"channels:history", "finding out, after a lost answer, whether a message was posted, so that none is posted twice", false},
	{"groups:history", "the same in private channels", false},
	{"users:read", "telling guests and people of other companies from members", false},
	{"usergroups:read", "permissions by user group", true},
}

// AppScope is what the app-level token (xapp-) needs. A manifest can't ask for
// it: the token is made by hand under Basic Information.
// https://docs.slack.dev/apis/events-api/using-socket-mode
const AppScope = "connections:write"

// New is the manifest under an app's name, at most 35 letters, and a command.
func New(name, command string) Manifest {
	var m Manifest
	m.Metadata = Metadata{1, 1}
	m.Display = Display{Name: name, Description: "Finds out, with evidence, why the STS credentials of a role expire", Background: "#1d3a5f",
		Long: "Type " + command + " with a role and a region in an incident channel. stsleuth looks into IAM, STS, CloudTrail, CloudWatch and AWS Health, changes nothing, and answers in a thread with the causes that the evidence supports, what each stands on, and what could not be seen."}
	m.Features.AppHome = AppHome{Messages: true, MessagesReadOnly: true}
	m.Features.BotUser = BotUser{DisplayName: DefaultName, AlwaysOnline: true}
	m.Features.Shortcuts = []Shortcut{{Type: "message", Name: ShortcutName, CallbackID: ShortcutID, Description: "Takes role and region from the message and finds out why credentials expired"}}
	m.Features.SlashCommands = []SlashCommand{{Command: command, Description: "Find out why a role's STS credentials expire", UsageHint: "role region [24h]"}}
	for _, s := range Scopes {
		if s.Optional {
			m.OAuth.Scopes.BotOptional = append(m.OAuth.Scopes.BotOptional, s.Name)
		} else {
			m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, s.Name)
		}
	}
	m.Settings.Interactivity.Enabled = true
	m.Settings.SocketMode = true
	return m
}

// Manifest has the keys that the bot uses of
// https://docs.slack.dev/reference/app-manifest
type Manifest struct {
	Metadata Metadata `json:"_metadata"`
	Display  Display  `json:"display_information"`
	Features Features `json:"features"`
	OAuth    OAuth    `json:"oauth_config"`
	Settings Settings `json:"settings"`
}

// Metadata is the version of the manifest's schema.
type Metadata struct {
	Major int `json:"major_version"`
	Minor int `json:"minor_version"`
}

// Display is how the app shows itself.
type Display struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Long        string `json:"long_description"`
	Background  string `json:"background_color"`
}

// Features are what people can use.
type Features struct {
	AppHome       AppHome        `json:"app_home"`
	BotUser       BotUser        `json:"bot_user"`
	Shortcuts     []Shortcut     `json:"shortcuts"`
	SlashCommands []SlashCommand `json:"slash_commands"`
}

// AppHome is the bot's own page; messages to it are not read.
type AppHome struct {
	Home             bool `json:"home_tab_enabled"`
	Messages         bool `json:"messages_tab_enabled"`
	MessagesReadOnly bool `json:"messages_tab_read_only_enabled"`
}

// BotUser is who posts.
type BotUser struct {
	DisplayName  string `json:"display_name"`
	AlwaysOnline bool   `json:"always_online"`
}

// Shortcut is an entry in a message's menu.
type Shortcut struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	CallbackID  string `json:"callback_id"`
	Description string `json:"description"`
}

// SlashCommand is what people type. Its arguments are checked against an
// allow-list, so Slack need not wrap links and mentions.
type SlashCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
	UsageHint   string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"`
}

// OAuth is what the bot token may do.
type OAuth struct {
	Scopes struct {
		Bot         []string `json:"bot"`
		BotOptional []string `json:"bot_optional"`
	} `json:"scopes"`
}

// Settings: everything comes over the socket, so no URL is open to the world.
// Token rotation can't be switched off again, and the bot keeps one token.
type Settings struct {
	Interactivity struct {
		Enabled bool `json:"is_enabled"`
	} `json:"interactivity"`
	SocketMode    bool `json:"socket_mode_enabled"`
	OrgDeploy     bool `json:"org_deploy_enabled"`
	TokenRotation bool `json:"token_rotation_enabled"`
}

// JSON is the manifest as "Create an app from a manifest" takes it.
func (m Manifest) JSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		panic(err) // strings, booleans and lists of them always encode
	}
	return b.Bytes()
}
