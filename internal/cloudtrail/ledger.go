package cloudtrail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Tolerance is by how much the expiration that CloudTrail shows may differ from the moment of the call plus the length
// that was asked for: both are whole seconds, taken at different moments.
const Tolerance = 5 * time.Second

// Near says whether two lengths of a session are one and the same.
func Near(a, b time.Duration) bool { return (a - b).Abs() <= Tolerance }

// Answer is yes, no, or not known from what the record shows.
type Answer string

const (
	Unknown Answer = ""
	Yes     Answer = "yes"
	No      Answer = "no"
)

// Kind is the way in which credentials were issued.
type Kind string

const (
	KindAssumeRole      Kind = "AssumeRole"
	KindSAML            Kind = "AssumeRoleWithSAML"
	KindWebIdentity     Kind = "AssumeRoleWithWebIdentity"
	KindService         Kind = "service" // an AWS service assumed the role; MaxSessionDuration does not limit it
	KindPodIdentity     Kind = "PodIdentity"
	KindSSO             Kind = "SSO"
	KindGetSessionToken Kind = "GetSessionToken"
	KindFederationToken Kind = "GetFederationToken"
	KindAssumeRoot      Kind = "AssumeRoot"
)

// Issuing says whether the record is a call that issues credentials, granted or not, and of which kind.
func (r Record) Issuing() (Kind, bool) {
	switch r.EventSource + " " + r.EventName {
	case "sts.amazonaws.com AssumeRole":
		if r.Identity.Type == "AWSService" || r.Identity.Type == "" && r.Identity.InvokedBy != "" {
			return KindService, true
		}
		return KindAssumeRole, true
	case "sts.amazonaws.com AssumeRoleWithSAML":
		return KindSAML, true
	case "sts.amazonaws.com AssumeRoleWithWebIdentity":
		return KindWebIdentity, true
	case "sts.amazonaws.com GetSessionToken":
		return KindGetSessionToken, true
	case "sts.amazonaws.com GetFederationToken":
		return KindFederationToken, true
	case "sts.amazonaws.com AssumeRoot":
		return KindAssumeRoot, true
	case "eks-auth.amazonaws.com AssumeRoleForPodIdentity":
		return KindPodIdentity, true
	case "sso.amazonaws.com GetRoleCredentials":
		return KindSSO, true
	}
	return "", false
}

// Chained says whether the call was made with temporary credentials, which limits the new session to an hour. Besides
// role to role, the credentials of GetSessionToken count (a user with a key that begins ASIA). A key that is absent or
// masked leaves it open.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
func (r Record) Chained() Answer {
	id := r.Identity
	switch id.Type {
	case "AssumedRole":
		return Yes
	case "AWSService", "SAMLUser", "WebIdentityUser":
		return No
	}
	switch {
	case strings.HasPrefix(id.AccessKeyID, "ASIA"):
		return Yes
	case strings.HasPrefix(id.AccessKeyID, "AKIA"):
		return No
	case strings.HasPrefix(id.PrincipalID, "AROA"): // all that the other account's copy shows of a role's session
		return Yes
	}
	return Unknown
}

// Session is one set of credentials that was issued.
type Session struct {
	AccessKeyID string // "" where CloudTrail does not show it
	Kind        Kind
	Issued      time.Time
	Expires     time.Time     // zero when the record does not say
	Length      time.Duration // Expires − Issued; 0 when unknown, right within Tolerance
	Requested   *int          // durationSeconds; nil: not asked for

	SessionName   string
	AssumedRoleID string // AROA…:<session name>
	Requester     string // ARN, service, subject, or what else is visible
	RequesterKey  string // access key id of the caller; "" when hidden
	Chained       Answer
	Provider      string // identity provider, of SAML and web identity
	UserAgent     string
	SourceIP      string
	MFA           Answer

	Region           string // awsRegion of the record
	EndpointRegion   string // where it was served, else Region
	EndpointType     string // regional, global or ""
	EventID          string
	RecipientAccount string

	LastUse      time.Time // of the last record made with these credentials; zero: none seen
	LastUseEvent string    // its eventName
	LastUseError string    // its errorCode
}

// Ledger collects the credentials that were issued for one role, and their last use. Records may be added in any order,
// with copies; Sessions comes out the same.
type Ledger struct {
	role    Role
	grants  map[string]Record // best copy by access key, else by Key
	lastUse map[string]use    // by access key
}

type use struct {
	at              time.Time
	event, id, code string
}

// NewLedger begins a ledger of a role's sessions; of the zero Role, a ledger of all credentials issued.
func NewLedger(role Role) *Ledger {
	return &Ledger{role: role, grants: map[string]Record{}, lastUse: map[string]use{}}
}

// Add takes any record; those that neither issue credentials for the role nor were made with temporary credentials pass.
func (l *Ledger) Add(r Record) {
	// A call that was refused for permissions was still made with valid credentials; one with expired ones was not.
	if key := r.Identity.AccessKeyID; strings.HasPrefix(key, "ASIA") && !masked(key) && !strings.Contains(r.ErrorCode, "Expired") && r.ErrorCode != "InvalidClientTokenId" {
		u, old := use{r.EventTime, r.EventName, r.EventID, r.ErrorCode}, l.lastUse[key]
		if cmp.Or(u.at.Compare(old.at), cmp.Compare(u.id, old.id), cmp.Compare(u.event, old.event), cmp.Compare(u.code, old.code)) > 0 {
			l.lastUse[key] = u
		}
	}
	if _, ok := r.Issuing(); !ok || r.Failed() || l.role != (Role{}) && !r.Concerns(l.role) {
		return
	}
	key := r.Response.AccessKeyID
	if masked(key) {
		key = cmp.Or(r.Key(), session(r).line())
	}
	if old, ok := l.grants[key]; !ok || better(r, old) {
		l.grants[key] = r
	}
}

// masked says whether a key id is not one that was issued, so that many records may show the same.
func masked(key string) bool {
	return len(key) < 16 || strings.Contains(key, "EXAMPLE") || strings.Contains(key, "XXXXX") || strings.Contains(key, "*")
}

// better prefers the copy in the caller's account, which names the caller, to the one in the role's account, which does
// not; between equals the smaller eventID, so that the order of adding does not show.
func better(a, b Record) bool {
	named := func(r Record) int {
		n := 0
		for _, s := range []string{r.Identity.ARN, r.Identity.InvokedBy, r.Identity.AccessKeyID, r.Identity.UserName} {
			if s != "" {
				n++
			}
		}
		return n
	}
	if c := cmp.Or(cmp.Compare(named(b), named(a)), cmp.Compare(a.EventID, b.EventID)); c != 0 {
		return c < 0
	}
	return session(a).line() < session(b).line() // two versions of one record, as only edited samples have them
}

// line is all of a session as text, to compare what nothing else tells apart.
func (s Session) line() string {
	b, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	return string(b)
}

// Sessions lists what was issued, by time, then by key.
func (l *Ledger) Sessions() []Session {
	sessions := make([]Session, 0, len(l.grants))
	for _, r := range l.grants {
		s := session(r)
		if u, ok := l.lastUse[s.AccessKeyID]; ok {
			s.LastUse, s.LastUseEvent, s.LastUseError = u.at, u.event, u.code
		}
		sessions = append(sessions, s)
	}
	slices.SortFunc(sessions, func(a, b Session) int {
		if c := cmp.Or(a.Issued.Compare(b.Issued), cmp.Compare(a.AccessKeyID, b.AccessKeyID), cmp.Compare(a.EventID, b.EventID)); c != 0 {
			return c
		}
		return cmp.Compare(a.line(), b.line())
	})
	return sessions
}

func session(r Record) Session {
	kind, _ := r.Issuing()
	s := Session{
		AccessKeyID:      r.Response.AccessKeyID,
		Kind:             kind,
		Issued:           r.EventTime,
		Expires:          r.Response.Expiration,
		Requested:        r.Request.DurationSeconds,
		SessionName:      r.Request.RoleSessionName,
		AssumedRoleID:    r.Response.AssumedRoleID,
		Requester:        r.Identity.Requester(),
		RequesterKey:     r.Identity.AccessKeyID,
		Chained:          r.Chained(),
		Provider:         cmp.Or(r.Identity.IdentityProvider, r.Response.Provider, r.Request.PrincipalARN),
		UserAgent:        r.UserAgent,
		SourceIP:         r.SourceIP,
		MFA:              r.Identity.mfa(),
		Region:           r.AWSRegion,
		EndpointRegion:   cmp.Or(r.Additional.ServingRegion, r.AWSRegion),
		EndpointType:     r.Additional.EndpointType,
		EventID:          r.EventID,
		RecipientAccount: r.RecipientAccountID,
	}
	if !s.Expires.IsZero() && !s.Issued.IsZero() {
		s.Length = s.Expires.Sub(s.Issued)
	}
	if _, name, ok := strings.Cut(s.AssumedRoleID, ":"); ok && s.SessionName == "" {
		s.SessionName = name
	}
	if s.EndpointType == "" && r.GlobalEndpoint() {
		s.EndpointType = "global"
	}
	if s.Requester == "" {
		s.Requester = r.Response.Subject
	}
	return s
}

// Requester is the caller by the best name that is visible. The session of an assumed role is named by its ARN, which
// holds the session's name.
func (id Identity) Requester() string {
	return cmp.Or(id.ARN, id.InvokedBy, id.UserName, id.OnBehalfOf, id.PrincipalID, id.AccountID)
}

func (id Identity) mfa() Answer {
	switch {
	case !id.MFAKnown:
		return Unknown
	case id.MFA:
		return Yes
	}
	return No
}
