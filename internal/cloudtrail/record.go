// Package cloudtrail reads what AWS CloudTrail writes: it streams records out of deliveries, one-a-line files and gz of
// either (Read), decodes one record whatever its publisher did to it (Decode), says which role it is about
// (Record.Concerns) and lists the credentials that were issued for a role (Ledger).
//
// In come bytes; out come Records and Sessions that hold no session token. Package capture keeps whole folders of
// records for the emulator and for offline investigations; the steps of the runbook ask both.
//
// Record shapes: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
package cloudtrail

import (
	"slices"
	"strings"
	"time"
)

// Record is one CloudTrail record, reduced to what explains a session's life. Text that is missing, null or the string
// "null" is "". Session tokens and other secrets are never kept.
type Record struct {
	EventID            string
	SharedEventID      string    // same in every account's copy of one cross-account call; "" for calls within an account
	EventTime          time.Time // UTC; zero when absent or unreadable
	EventName          string
	EventSource        string
	EventType          string
	AWSRegion          string
	RecipientAccountID string
	ErrorCode          string
	ErrorMessage       string
	UserAgent          string
	SourceIP           string
	ReadOnly           bool // true for AssumeRole too, although it issues credentials
	RequestID          string
	HostHeader         string // tlsDetails.clientProvidedHostHeader: sts.amazonaws.com or sts.<region>.amazonaws.com

	Identity   Identity
	Request    Request
	Response   Response
	Resources  []Resource
	Additional Additional
}

// Identity is userIdentity: who called. In the copy that the target account of a cross-account call gets, only
// PrincipalID and AccountID are there.
type Identity struct {
	Type        string // IAMUser, AssumedRole, Root, AWSService, AWSAccount, SAMLUser, WebIdentityUser, …
	PrincipalID string
	ARN         string
	AccountID   string
	AccessKeyID string // "" when absent or masked away
	UserName    string // system:serviceaccount:<ns>:<sa> for IRSA
	InvokedBy   string

	SessionIssuer    SessionIssuer
	SessionCreated   time.Time // sessionContext.attributes.creationDate; zero when unknown
	MFA              bool      // meaningful only with MFAKnown
	MFAKnown         bool
	IdentityProvider string // identityProvider, or webIdFederationData.federatedProvider
	OnBehalfOf       string // Identity Center user id
}

// SessionIssuer is the role (or user) whose credentials the caller's session came from. Its ARN has no path when it is
// taken from an assumed-role ARN.
type SessionIssuer struct {
	Type, ARN, PrincipalID, AccountID, UserName string
}

// Request is requestParameters. Param gives any other parameter by name.
type Request struct {
	RoleARN             string
	RoleName            string
	RoleSessionName     string
	DurationSeconds     *int // nil: not asked for, which is not the same as 3600
	ExternalID          string
	SerialNumber        string
	SourceIdentity      string
	PolicyARNs          []string // session policies by ARN
	HasPolicy           bool     // an inline session policy was passed
	PrincipalARN        string   // the SAML provider of AssumeRoleWithSAML
	PolicyDocument      string   // JSON text, decoded; policyDocument or assumeRolePolicyDocument
	PolicyName          string
	PolicyARN           string
	PermissionsBoundary string
	MaxSessionDuration  *int // seconds
	UserName            string
	OIDCProviderARN     string
	SAMLProviderARN     string
	AccessKeyID         string
	Status              string // of UpdateAccessKey
	AccountID           string // of GetRoleCredentials (Identity Center)
	ClusterName         string // of AssumeRoleForPodIdentity
	Tags                map[string]string
	TransitiveTagKeys   []string

	params map[string]any
}

// Param returns a request parameter as text: strings as they are, everything else as compact JSON with sorted keys; ""
// when absent. The name's case does not matter. Secrets have been removed.
func (r Request) Param(name string) string { return asText(member(r.params, name)) }

// ParamNames lists the names of all request parameters, sorted.
func (r Request) ParamNames() []string {
	names := make([]string, 0, len(r.params))
	for k := range r.params {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// Response is responseElements without the session token.
type Response struct {
	AccessKeyID      string    // of the issued credentials
	Expiration       time.Time // UTC; zero when absent or unreadable
	AssumedRoleARN   string    // arn:…:assumed-role/<name>/<session>; without the role's path
	AssumedRoleID    string    // AROA…:<session>
	Provider         string    // of AssumeRoleWithWebIdentity
	Subject          string    // SAML subject, subjectFromWebIdentityToken, or <namespace>/<service account>
	Audience         string
	Issuer           string
	SourceIdentity   string
	PackedPolicySize *int
	RoleARN          string // of CreateRole
	RoleID           string // of CreateRole
}

// Resource is one element of resources; their order means nothing.
type Resource struct{ ARN, AccountID, Type string }

// Additional is additionalEventData.
type Additional struct {
	EndpointType       string // RequestDetails.endpointType: regional or global
	ServingRegion      string // RequestDetails.awsServingRegion
	VerificationMethod string // identityProviderConnectionVerificationMethod: IAMTrustStore or Thumbprint
}

// Key is the same for every copy of one call: CloudTrail delivers a cross-account call once to each account, with one
// sharedEventID and different eventIDs. It is "" only when the record carries neither.
func (r Record) Key() string {
	if r.SharedEventID != "" {
		return r.SharedEventID
	}
	return r.EventID
}

// Failed says that the call was refused or failed.
func (r Record) Failed() bool { return r.ErrorCode != "" || r.ErrorMessage != "" }

// GlobalEndpoint says that an STS call went to sts.amazonaws.com, whose records are always in us-east-1 wherever they
// were served (Additional.ServingRegion).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func (r Record) GlobalEndpoint() bool {
	return r.Additional.EndpointType == "global" || strings.EqualFold(r.HostHeader, "sts.amazonaws.com")
}
