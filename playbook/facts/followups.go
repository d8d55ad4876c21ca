package facts

import (
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// The facts of the follow-up checks, by the offer's id.
var (
	Extended = playbook.Fact[Extension]{Step: playbook.StepID(playbook.Extend48h)}
	Renewal  = playbook.Fact[TokenRefresh]{Step: playbook.StepID(playbook.TokenRefresh)}
	MFA      = playbook.Fact[MFACheck]{Step: playbook.StepID(playbook.MFADevices)}
	Policies = playbook.Fact[SessionPolicies]{Step: playbook.StepID(playbook.SessionPolicies)}
	Chains   = playbook.Fact[CallerChains]{Step: playbook.StepID(playbook.ChainLimits)}
)

// Review is what the facts of all follow-ups but the extension have in common.
type Review struct {
	Table Table  `json:"table"`
	Chart *Chart `json:"chart,omitempty"`
	// Rejudged is the diagnosis before and after, where the check brought facts
	// that bear on it; nil where it did not.
	Rejudged *Rejudged `json:"rejudged,omitempty"`
}

// ReviewOf finds the common part in any follow-up's outcome. An outcome without
// one gives the zero Review and false.
func ReviewOf(o playbook.Outcome) (Review, bool) {
	return playbook.Fact[Review]{Step: o.Step}.In(playbook.Outcomes{o.Step: o})
}

// Table is for people: rows in an order that means something, first the most telling.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	More    int        `json:"more,omitempty"` // rows left out
}

// MaxRows bounds a follow-up's table.
const MaxRows = 50

// Chart is series of numbers over time.
type Chart struct {
	Title  string   `json:"title"`
	Unit   string   `json:"unit"`            // of the values
	Limit  float64  `json:"limit,omitempty"` // a line that matters, 0: none
	Means  string   `json:"means,omitempty"` // what the line is
	Series []Series `json:"series"`
}

// Series is one line of a chart, oldest point first.
type Series struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is a value at a moment.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// What a chart holds: what a reader can tell apart, and a message can carry.
const (
	MaxSeries = 6
	MaxPoints = 60
)

// Rejudged is a diagnosis before and after a follow-up.
type Rejudged struct {
	Was   playbook.Diagnosis `json:"was"`
	Now   playbook.Diagnosis `json:"now"`
	Words string             `json:"words"` // "was no-correlation, now mfa-condition"
}

// Extension is the follow-up that lengthens the window.
type Extension struct {
	Estimate Estimate        `json:"estimate"`
	Scanned  int64           `json:"bytes_scanned"`       // by the extension
	First    int64           `json:"first_bytes_scanned"` // by the run that it extends
	Rejudged Rejudged        `json:"rejudged"`
	Report   playbook.Report `json:"report"` // over the union
}

// Refreshing is when a caller renews, against its sessions' ends.
type Refreshing string

const (
	RefreshEarly Refreshing = "early"    // a good while before the end
	RefreshEdge  Refreshing = "edge"     // within a minute of the end, or 2 %
	RefreshLate  Refreshing = "late"     // after the end
	RefreshNever Refreshing = "never"    // a session ended and nothing came after it
	RefreshOnce  Refreshing = "one-shot" // one session that has not ended, or several that do not follow one another
)

// Renewer is one caller and how it renews.
type Renewer struct {
	Session   string     `json:"session"` // role session name, or the pattern of several
	Caller    string     `json:"caller"`
	UserAgent string     `json:"user_agent,omitempty"`
	SDK       string     `json:"sdk"`
	Version   string     `json:"version,omitempty"`
	Default   string     `json:"default,omitempty"` // what that SDK does when nobody says otherwise
	Sessions  int        `json:"sessions"`
	Seconds   int        `json:"seconds"`  // usual length of a session
	Interval  int        `json:"interval"` // usual time between issues, in seconds; 0: fewer than two
	Early     int        `json:"early"`    // renewals, by how they came
	Edge      int        `json:"edge"`
	Late      int        `json:"late"`
	Habit     Refreshing `json:"habit"`
	LastEnd   time.Time  `json:"last_end"` // when the newest session ends or ended
	Active    bool       `json:"active"`
	Service   bool       `json:"service"` // an AWS service, which renews by itself
	Risk      string     `json:"risk,omitempty"`
}

// TokenRefresh is the review of how clients renew.
type TokenRefresh struct {
	Review
	Renewers []Renewer `json:"renewers"` // those at risk first, by the end of their sessions
	AtRisk   int       `json:"at_risk"`
}

// MFAHolder is a user and its devices.
type MFAHolder struct {
	User    string         `json:"user"`
	ARN     string         `json:"arn"`
	Exists  playbook.Truth `json:"exists"`
	Created time.Time      `json:"created"`
	Read    bool           `json:"read"` // the devices could be listed
	Devices []MFADevice    `json:"devices"`
	Named   bool           `json:"named"`   // the trust policy names it
	Asked   int            `json:"asked"`   // sessions it was given
	With    int            `json:"with"`    // of which an MFA device was named or the caller's own session had MFA
	Refused int            `json:"refused"` // requests of its that were denied
}

// MFADevice is one device; the serial names it, the seed is nowhere.
type MFADevice struct {
	Serial string    `json:"serial"`
	Since  time.Time `json:"since"`
}

// MFARule is a condition of the trust policy that asks for MFA.
type MFARule struct {
	Statement string `json:"statement"`
	Text      string `json:"text"`
	Age       int    `json:"age,omitempty"` // seconds, 0: no limit
}

// MFACheck is the review of MFA devices and conditions.
type MFACheck struct {
	Review
	Rules   []MFARule      `json:"rules"`
	Holders []MFAHolder    `json:"holders"`
	Roles   []string       `json:"roles,omitempty"` // calling roles: a role has no devices of its own
	Account playbook.Truth `json:"account_mfa"`     // the account's root user has MFA
}

// SessionPolicy is one session policy that was passed when sessions were asked for.
type SessionPolicy struct {
	Kind     string    `json:"kind"` // inline or managed
	ARN      string    `json:"arn,omitempty"`
	Text     string    `json:"text,omitempty"` // the document
	Read     bool      `json:"read"`
	Allows   []string  `json:"allows,omitempty"` // what is left, in plain words
	Sessions int       `json:"sessions"`         // that carry it
	Callers  []string  `json:"callers"`
	Example  string    `json:"example"` // an issuing event's id
	First    time.Time `json:"first"`
}

// TakenAway is a denied call that a session policy does not allow.
type TakenAway struct {
	Time    time.Time `json:"time"`
	Session string    `json:"session"`
	Action  string    `json:"action"`
	Ref     string    `json:"ref"` // the event or line
	// By: Yes, the session policies do not allow it; No, they do; Unknown, it hinges on a condition.
	By  playbook.Truth `json:"by"`
	Why string         `json:"why"`
}

// SessionPolicies is the review of session policies.
type SessionPolicies struct {
	Review
	Issued   int             `json:"issued"` // issuing calls seen
	With     int             `json:"with"`   // of which carried a session policy
	Policies []SessionPolicy `json:"policies"`
	Taken    []TakenAway     `json:"taken"`
	TooLarge []string        `json:"too_large,omitempty"` // refusals for the policy's packed size or the token's
	Largest  int             `json:"largest_percent,omitempty"`
}

// Hop is one assumption of a role in a chain.
type Hop struct {
	From    string `json:"from"`    // who asked: principal ARN or what is visible
	Account string `json:"account"` // of who asked
	To      string `json:"to"`      // role ARN
	Ceiling int    `json:"ceiling"` // seconds; 0: cannot be told
	Term    string `json:"term"`    // which limit sets it
	Seen    string `json:"seen"`    // how it is known
}

// Chain is a way into the role, outermost hop first.
type Chain struct {
	Caller     string         `json:"caller"`
	Account    string         `json:"account"`
	Cross      bool           `json:"cross"`
	Sessions   int            `json:"sessions"`
	Refused    int            `json:"refused"`
	Longest    int            `json:"longest"` // seconds, of the sessions seen
	Hops       []Hop          `json:"hops"`
	ExternalID string         `json:"external_id"` // wanted, not wanted, in words
	Org        string         `json:"org"`
	LetIn      playbook.Truth `json:"let_in"` // by the trust policy of today
	Reason     string         `json:"reason"`
	Problems   []string       `json:"problems,omitempty"` // of the calling role, where it is of this account
	Hidden     string         `json:"hidden,omitempty"`   // what cannot be seen from here
}

// CallerChains is the review of who calls from where and how long it may last.
type CallerChains struct {
	Review
	Chains []Chain `json:"chains"`
}
