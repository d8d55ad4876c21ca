// Package facts is the contract between steps and rules: one struct a step.
//
// A step fills its struct from AWS; rules read it and nothing else. Times are
// UTC. A zero time or a playbook.Unknown means "not seen", never "not so".
// Lists are sorted by time, then by id, so that the same input gives the same
// bytes. Texts that came from AWS or from logs are already cut of secrets and
// shortened; access key ids are masked to their prefix and last four letters
// (ASIA…WXYZ), which is enough to tell keys apart and useless to an attacker.
package facts

import (
	"slices"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// The facts of the nine steps, as rules ask for them.
var (
	Role     = playbook.Fact[RoleAndHealth]{Step: playbook.RoleAndHealth}
	Errors   = playbook.Fact[STSErrors]{Step: playbook.STSErrors}
	Config   = playbook.Fact[RoleConfig]{Step: playbook.RoleConfig}
	Metrics  = playbook.Fact[STSMetrics]{Step: playbook.STSMetrics}
	Ledger   = playbook.Fact[SessionLedger]{Step: playbook.Sessions}
	AppLogs  = playbook.Fact[AppErrors]{Step: playbook.AppErrors}
	Access   = playbook.Fact[CrossAccount]{Step: playbook.CrossAccount}
	Changes  = playbook.Fact[TrustChanges]{Step: playbook.TrustChanges}
	Identity = playbook.Fact[Federation]{Step: playbook.Federation}
)

// Trail is how well CloudTrail could be seen in one region.
type Trail struct {
	Region string `json:"region"`
	// Source is "trail-logs" (the trail's log group through Logs Insights),
	// "event-history" (LookupEvents) or "" where neither could be read.
	Source   string `json:"source"`
	LogGroup string `json:"log_group,omitempty"`
	// Account is the log group's, where it is not the one that is asked.
	Account string `json:"account,omitempty"`
	// Organization says that the log group is an organization trail's, in which
	// member accounts' copies of records are too.
	Organization bool `json:"organization,omitempty"`
	// From and To bound what was really covered: later than the window's start
	// where a group is younger or retention shorter, earlier than its end where
	// the trail stopped or the newest minutes have not arrived.
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Gaps    []string  `json:"gaps,omitempty"` // what this source cannot show, a sentence each
	Records int       `json:"records"`        // records read, copies counted once
}

// OfOrganization reports whether every region was read from an organization
// trail's logs: only then do refused calls of its other accounts show.
func OfOrganization(trails []Trail) bool {
	return len(trails) > 0 && !slices.ContainsFunc(trails, func(t Trail) bool { return !t.Organization })
}

// HealthEvent is one AWS Health or public status event that touches STS or IAM.
type HealthEvent struct {
	ID      string    `json:"id"` // Health ARN, or the public feed's
	Service string    `json:"service"`
	Region  string    `json:"region"`
	Code    string    `json:"code"`
	Open    bool      `json:"open"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Text    string    `json:"text"`
}

// Probe is one unauthenticated-or-signed call that shows whether an STS
// endpoint answers at all.
type Probe struct {
	Region   string         `json:"region"`
	Answered playbook.Truth `json:"answered"` // any HTTP answer counts; Unknown where our own network failed everywhere
	Code     string         `json:"code"`     // AWS error code of the answer, "" for a success
}

// RoleAndHealth is step 1.
type RoleAndHealth struct {
	Exists       playbook.Truth `json:"exists"`
	OtherAccount bool           `json:"other_account"` // the ARN names an account into which there is no way
	RoleARN      string         `json:"role_arn"`
	RoleName     string         `json:"role_name"`
	Path         string         `json:"path"`
	RoleID       string         `json:"role_id"`
	Created      time.Time      `json:"created"`
	LastUsed     time.Time      `json:"last_used"` // hours late, by AWS's own account
	LastRegion   string         `json:"last_region"`
	Similar      []string       `json:"similar,omitempty"` // role names close to one that does not exist

	Account      string `json:"account"` // the account that was asked
	AccountAlias string `json:"account_alias"`
	CallerARN    string `json:"caller_arn"` // the tool's own identity

	HealthAsked playbook.Truth `json:"health_asked"` // No: the support plan does not include the Health API
	FeedRead    playbook.Truth `json:"feed_read"`
	Events      []HealthEvent  `json:"events"`
	Probes      []Probe        `json:"probes"`

	STSActive          playbook.Truth `json:"sts_active"`    // No: RegionDisabledException
	RegionOptIn        bool           `json:"region_opt_in"` // the region is off until enabled
	RegionEnabled      playbook.Truth `json:"region_enabled"`
	GlobalTokenVersion int            `json:"global_token_version"` // 1 or 2; 0 unknown
}

// Caller is who asked for a session, as far as CloudTrail shows.
type Caller struct {
	Type      string         `json:"type"` // IAMUser, AssumedRole, AWSAccount, AWSService, WebIdentityUser, SAMLUser, Root …
	ARN       string         `json:"arn,omitempty"`
	Account   string         `json:"account,omitempty"`
	Principal string         `json:"principal,omitempty"` // principal id, or the provider's subject
	UserName  string         `json:"user_name,omitempty"`
	IssuerARN string         `json:"issuer_arn,omitempty"` // the role behind an assumed-role caller, with its path
	Provider  string         `json:"provider,omitempty"`   // identity provider of a federated caller
	Service   string         `json:"service,omitempty"`    // invokedBy
	Key       string         `json:"key,omitempty"`        // masked
	Temporary playbook.Truth `json:"temporary"`            // the caller's key is itself temporary: a session asked for from it is chained
	MFA       playbook.Truth `json:"mfa"`
	Since     time.Time      `json:"since"` // when the caller's own session began, zero if it is none
}

// Name is the shortest thing that tells this caller from another.
func (c Caller) Name() string {
	for _, s := range []string{c.ARN, c.IssuerARN, c.Provider, c.Service, c.UserName, c.Principal, c.Account} {
		if s != "" {
			return s
		}
	}
	return "a caller that CloudTrail does not name"
}

// Kind classifies a failure, the same way for CloudTrail records and log lines.
type Kind string

const (
	SessionExpired       Kind = "session-expired"         // the caller's session is past its end
	ExpiredOrSkew        Kind = "session-expired-or-skew" // EC2's RequestExpired: either
	IdentityTokenExpired Kind = "identity-token-expired"  // OIDC token or SAML assertion stale at the exchange
	SSOExpired           Kind = "sso-session-expired"
	DurationAboveRole    Kind = "duration-above-max"
	DurationAboveChain   Kind = "duration-above-chain"
	DurationInvalid      Kind = "duration-invalid" // outside 900–43200
	MFAFailed            Kind = "mfa-failed"
	IdentityProviderBad  Kind = "idp-config"
	RegionOff            Kind = "region-disabled"
	AssumeDenied         Kind = "assume-denied" // AccessDenied on an issuing call
	AccessDenied         Kind = "access-denied" // AccessDenied on any other call
	ThrottledCall        Kind = "throttled"
	RefreshFailed        Kind = "refresh-failed"
	InvalidCredentials   Kind = "invalid-credentials"
	Skew                 Kind = "clock-skew"
	LookAlike            Kind = "look-alike" // reads like expiry, is not AWS credentials
	NoSuchRole           Kind = "no-such-role"
	OtherFailure         Kind = "other"
)

// Failure is one failed call for a session: from CloudTrail.
type Failure struct {
	Time        time.Time `json:"time"`
	EventID     string    `json:"event_id"`
	Event       string    `json:"event"` // AssumeRole, AssumeRoleWithSAML, …
	Region      string    `json:"region"`
	Kind        Kind      `json:"kind"`
	Code        string    `json:"code"`
	Message     string    `json:"message"`
	Caller      Caller    `json:"caller"`
	SessionName string    `json:"session_name,omitempty"`
	Requested   int       `json:"requested,omitempty"` // DurationSeconds, 0 when the caller did not set it
	ExternalID  bool      `json:"external_id"`         // one was sent; its value is not kept
	Serial      bool      `json:"mfa_serial"`          // an MFA device was named in the call
	Endpoint    string    `json:"endpoint,omitempty"`  // regional or global
	UserAgent   string    `json:"user_agent,omitempty"`
	Source      string    `json:"source,omitempty"` // source address or service
	// Matched says how the record was tied to the role: "parameters",
	// "resources" or "message".
	Matched string `json:"matched"`
}

// Bucket counts issuing calls in one slice of time.
type Bucket struct {
	Start  time.Time `json:"start"`
	Calls  int       `json:"calls"`
	Errors int       `json:"errors"`
}

// BucketLength is the width of every bucket.
const BucketLength = 5 * time.Minute

// RoleRate is how one role's issuing calls went, for the comparison of roles.
type RoleRate struct {
	RoleARN    string       `json:"role_arn"` // "" for calls that name no role (GetSessionToken)
	Calls      int          `json:"calls"`
	Errors     int          `json:"errors"`
	ByKind     map[Kind]int `json:"by_kind,omitempty"`
	UserAgents []string     `json:"user_agents,omitempty"` // of the failed calls, sorted, at most 5
	Buckets    []Bucket     `json:"buckets"`               // only those with calls, in order
	// SessionNames are the names that sessions of this role were given, sorted,
	// at most 50: they recognise the role's log streams.
	SessionNames []string `json:"session_names,omitempty"`
}

// STSErrors is step 2.
type STSErrors struct {
	Trails   []Trail    `json:"trails"`
	Failures []Failure  `json:"failures"` // of this role, oldest first, at most MaxFailures kept
	Total    int        `json:"total"`    // failures of this role in the window, kept or not
	Calls    int        `json:"calls"`    // issuing calls for this role in the window, failed or not
	Roles    []RoleRate `json:"roles"`    // all roles with issuing calls, this one included, sorted by ARN
}

// MaxFailures bounds what step 2 keeps; counts go on beyond it.
const MaxFailures = 500

// Statement is one statement of the trust policy in plain words.
type Statement struct {
	Sid    string   `json:"sid,omitempty"`
	Effect string   `json:"effect"`
	Text   string   `json:"text"`
	Traps  []string `json:"traps,omitempty"`
}

// PolicyNote is a policy of the role as far as it bears on sessions.
type PolicyNote struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // inline, attached, boundary
	ARN  string `json:"arn,omitempty"`
	// RevokesBefore is the time of AWSRevokeOlderSessions: sessions issued
	// before it are denied everything. Zero where the policy revokes nothing.
	RevokesBefore time.Time `json:"revokes_before"`
	Denies        []string  `json:"denies,omitempty"` // explicit denies in plain words
	Document      string    `json:"document,omitempty"`
	Read          bool      `json:"read"` // the document could be read
}

// RoleConfig is step 3.
type RoleConfig struct {
	RoleID             string       `json:"role_id"`
	TrustPolicy        string       `json:"trust_policy"` // decoded JSON text, as IAM holds it
	Statements         []Statement  `json:"statements"`
	Problems           []string     `json:"problems,omitempty"` // oddities in the document
	DeletedPrincipals  []string     `json:"deleted_principals,omitempty"`
	MaxSessionDuration int          `json:"max_session_duration"` // seconds
	Boundary           string       `json:"boundary,omitempty"`
	Policies           []PolicyNote `json:"policies"`
}

// Rate compares the last hour with the rest of the window.
type Rate struct {
	Event    string `json:"event"`     // operation, or the metric's name
	RoleARN  string `json:"role_arn"`  // "" for all roles together
	Calls    int    `json:"calls"`     // last hour; -1 where the source does not count calls
	Errors   int    `json:"errors"`    // -1 where it does not count errors
	WasCalls int    `json:"was_calls"` // the window before
	WasError int    `json:"was_errors"`
}

// STSMetrics is step 4.
type STSMetrics struct {
	// Source is "metric-filter", "usage-metric" or "counted-from-cloudtrail".
	Source  string   `json:"source"`
	Filters []string `json:"filters,omitempty"` // metric filters that count STS events: group, filter, namespace/metric
	Rates   []Rate   `json:"rates"`
	// Covered is how much of the last hour had arrived when it was counted.
	Through time.Time `json:"through"`
}

// Session is one issued credential of the role.
type Session struct {
	Key         string         `json:"key"` // masked
	EventID     string         `json:"event_id"`
	Event       string         `json:"event"` // AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, AssumeRoleForPodIdentity, GetRoleCredentials
	Issued      time.Time      `json:"issued"`
	Expires     time.Time      `json:"expires"` // zero where the record does not say
	Seconds     int            `json:"seconds"` // length as issued
	Requested   int            `json:"requested,omitempty"`
	Name        string         `json:"name"`
	Caller      Caller         `json:"caller"`
	Chained     playbook.Truth `json:"chained"`
	Service     bool           `json:"service"` // issued to an AWS service, which renews by itself and has limits of its own
	Region      string         `json:"region"`
	Endpoint    string         `json:"endpoint,omitempty"`
	UserAgent   string         `json:"user_agent,omitempty"`
	Source      string         `json:"source,omitempty"`
	LastUse     time.Time      `json:"last_use"`               // last CloudTrail record made with it
	LastFailure string         `json:"last_failure,omitempty"` // its error code, where that last record failed
	RoleID      string         `json:"role_id,omitempty"`      // AROA… the session belongs to; differs from the role's after a recreation
	MFA         bool           `json:"mfa"`                    // an MFA device was named when it was issued
	Policies    bool           `json:"policies"`               // session policies were given
}

// SessionLedger is step 5: a lower bound, rebuilt from CloudTrail.
type SessionLedger struct {
	Trails    []Trail   `json:"trails"`
	Sessions  []Session `json:"sessions"` // oldest first, at most MaxSessions kept (the newest of each requester)
	Total     int       `json:"total"`
	ActiveNow int       `json:"active_now"`
	Ended     int       `json:"ended"`                 // ended inside the window
	Names     []string  `json:"other_names,omitempty"` // of older sessions that were not kept, sorted, at most 100
	From      time.Time `json:"from"`                  // issued from here on: the window's start less LongestSession
	// Unissued are uses of the role's credentials whose issue was not seen,
	// newest first, at most MaxUnissued: a longer look finds out whose they are.
	Unissued []KeyUse `json:"unissued,omitempty"`
}

// KeyUse is the last use of one key.
type KeyUse struct {
	Key     string    `json:"key"` // masked
	At      time.Time `json:"at"`
	Failure string    `json:"failure,omitempty"`
}

// MaxUnissued bounds SessionLedger.Unissued.
const MaxUnissued = 200

// MaxSessions bounds what step 5 keeps.
const MaxSessions = 1000

// LogGroup is one application log group and how it could be read.
type LogGroup struct {
	// Name is as lines, streams and citations have it: another account's group is
	// "account:name", as CloudWatch Logs writes it in @log.
	Name      string    `json:"name"`
	Account   string    `json:"account,omitempty"` // where it is not the asked one
	Region    string    `json:"region"`
	Class     string    `json:"class"`
	Created   time.Time `json:"created"`
	Retention int       `json:"retention_days"` // 0: kept for ever
	Chosen    string    `json:"chosen"`         // "configured" or "discovered"
	Method    string    `json:"method"`         // "insights", "filter", "" when it could not be read
	Why       string    `json:"why,omitempty"`  // why it could not be read, or only in part
	Scanned   int64     `json:"scanned"`        // bytes
}

// Line is one application log line that speaks of credentials.
type Line struct {
	Time   time.Time `json:"time"`
	Group  string    `json:"group"`
	Stream string    `json:"stream"`
	Kind   Kind      `json:"kind"`
	Code   string    `json:"code,omitempty"`
	Call   string    `json:"call,omitempty"` // the operation the line names (GetItem, AssumeRole)
	Text   string    `json:"text"`           // cut of secrets and shortened
	// Now and Until are the two times that some messages carry: the server's
	// clock and the credential's end (or the client's signing time, for skew).
	Now   time.Time `json:"now"`
	Until time.Time `json:"until"`
	// Roles are the role names that the line itself mentions (from role and
	// assumed-role ARNs): a line about another role is not this role's failure.
	Roles []string `json:"roles,omitempty"`
	// Sessions are "role/session" pairs from assumed-role ARNs in the line.
	Sessions []string `json:"sessions,omitempty"`
	Accounts []string `json:"accounts,omitempty"` // from those ARNs
}

// Stream sums up one log stream.
type Stream struct {
	Group  string       `json:"group"`
	Stream string       `json:"stream"`
	ByKind map[Kind]int `json:"by_kind"`
	First  time.Time    `json:"first"`
	Last   time.Time    `json:"last"`
}

// AppErrors is step 6.
type AppErrors struct {
	Groups  []LogGroup   `json:"groups"`
	Skipped int          `json:"skipped"` // groups beyond the bound, not read
	Lines   []Line       `json:"lines"`   // oldest first, at most MaxLines kept, spread over streams and kinds
	Total   int          `json:"total"`   // matching lines, kept or not
	ByKind  map[Kind]int `json:"by_kind"`
	Streams []Stream     `json:"streams"`
}

// MaxLines bounds what step 6 keeps.
const MaxLines = 1000

// Principal is one principal that the trust policy lets in (or keeps out).
type Principal struct {
	Effect     string   `json:"effect"`
	Kind       string   `json:"kind"` // account, role, user, service, saml, oidc, anyone, deleted, canonical
	Value      string   `json:"value"`
	Account    string   `json:"account,omitempty"`
	Cross      bool     `json:"cross"` // of another account than the role's
	Calls      []string `json:"calls"` // sts:AssumeRole, …
	Conditions []string `json:"conditions,omitempty"`
	ExternalID bool     `json:"external_id"`
	MFA        bool     `json:"mfa"`
	MFAAge     int      `json:"mfa_age,omitempty"` // seconds, 0 where there is no such limit
	Org        bool     `json:"org"`
}

// CrossAccount is step 7.
type CrossAccount struct {
	Principals []Principal `json:"principals"`
	Accounts   []string    `json:"accounts"` // other accounts that may come in
	Anyone     bool        `json:"anyone"`   // "*" without a condition that narrows it
}

// ChangeKind says what a change touched.
type ChangeKind string

const (
	TrustEdited      ChangeKind = "trust-policy"
	MaxSessionEdited ChangeKind = "max-session"
	BoundaryEdited   ChangeKind = "boundary"
	InlineEdited     ChangeKind = "inline-policy"
	AttachedEdited   ChangeKind = "attached-policy"
	SessionsCut      ChangeKind = "sessions-revoked"
	RoleCreated      ChangeKind = "role-created"
	RoleDeleted      ChangeKind = "role-deleted"
	ProviderEdited   ChangeKind = "identity-provider"
	OrgPolicyEdited  ChangeKind = "organization-policy"
	KeyEdited        ChangeKind = "access-key"
	STSSettingEdited ChangeKind = "sts-setting"
	PermissionSet    ChangeKind = "permission-set"
	OtherEdit        ChangeKind = "other" // a tag, a description: cannot touch sessions
)

// Change is one successful change of the role or of what its sessions need.
type Change struct {
	Time      time.Time      `json:"time"`
	EventID   string         `json:"event_id"`
	Event     string         `json:"event"`
	Kind      ChangeKind     `json:"kind"`
	Actor     string         `json:"actor"`
	UserAgent string         `json:"user_agent,omitempty"`
	Source    string         `json:"source,omitempty"`
	InWindow  bool           `json:"in_window"` // earlier ones are there as the "before" of later ones
	Subject   string         `json:"subject"`   // what was changed: role, policy, provider, key (masked)
	Text      string         `json:"text"`      // in plain words
	Before    string         `json:"before,omitempty"`
	After     string         `json:"after,omitempty"`
	BeforeIs  playbook.Truth `json:"before_is"` // Unknown: no earlier value could be found
	// WasMax and NowMax are MaxSessionDuration in seconds, 0 where not known.
	WasMax int      `json:"was_max,omitempty"`
	NowMax int      `json:"now_max,omitempty"`
	Diff   []string `json:"diff,omitempty"` // semantic, a line each
	// RevokesBefore is the cut-off of a revocation.
	RevokesBefore time.Time `json:"revokes_before"`
}

// TrustChanges is step 8.
type TrustChanges struct {
	Trails  []Trail  `json:"trails"`
	Changes []Change `json:"changes"` // oldest first
	Refused int      `json:"refused"` // attempts that AWS refused: nothing changed
}

// Provider is an identity provider that the trust policy names or that issued.
type Provider struct {
	ARN        string         `json:"arn"`
	Kind       string         `json:"kind"` // saml, oidc
	Exists     playbook.Truth `json:"exists"`
	URL        string         `json:"url,omitempty"`
	ClientIDs  []string       `json:"client_ids,omitempty"`
	Audiences  []string       `json:"audiences,omitempty"` // wanted by the trust policy
	Listed     playbook.Truth `json:"listed"`              // every wanted audience is among the client ids
	ValidUntil time.Time      `json:"valid_until"`         // SAML metadata; zero unknown
	Created    time.Time      `json:"created"`
}

// FederatedCalls counts the exchanges of one operation.
type FederatedCalls struct {
	Event  string       `json:"event"`
	Calls  int          `json:"calls"`
	Errors int          `json:"errors"`
	ByKind map[Kind]int `json:"by_kind,omitempty"`
}

// Federation is step 9.
type Federation struct {
	Used      playbook.Truth   `json:"used"` // the trust policy names a provider, or an exchange was seen
	Calls     []FederatedCalls `json:"calls"`
	Providers []Provider       `json:"providers"`
	// Subjects are the federated identities that got sessions, sorted.
	Subjects []string `json:"subjects,omitempty"`
}
