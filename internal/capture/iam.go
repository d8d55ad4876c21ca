package capture

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"time"
)

// IAM is the folder iam/.
type IAM struct {
	Roles          []Role
	Policies       []Policy
	Users          []User
	SAMLProviders  []SAMLProvider
	OIDCProviders  []OIDCProvider
	AccountSummary map[string]int // SummaryMap of get-account-summary; nil: not exported
}

// Role is a role as `aws iam get-role` prints it, with its policies.
type Role struct {
	Path, RoleName, RoleID, Arn, Description string
	CreateDate                               time.Time
	AssumeRolePolicyDocument                 json.RawMessage // the document, not URL-encoded
	MaxSessionDuration                       int             // seconds
	PermissionsBoundary                      *struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }
	Tags                                     []struct{ Key, Value string }
	RoleLastUsed                             struct {
		LastUsedDate time.Time
		Region       string
	}
	InlinePolicies   []InlinePolicy
	AttachedPolicies []AttachedPolicy
}

type InlinePolicy struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

type AttachedPolicy struct{ PolicyName, PolicyArn string }

// Policy is a customer-managed policy or a permissions boundary.
type Policy struct {
	Arn, PolicyName, DefaultVersionID string
	Versions                          []PolicyVersion
}

type PolicyVersion struct {
	VersionID  string
	Document   json.RawMessage
	CreateDate time.Time
}

// User is an IAM user with devices and keys.
type User struct {
	UserName, Arn, UserID, Path string
	CreateDate                  time.Time
	PasswordLastUsed            *time.Time
	MFADevices                  []MFADevice
	AccessKeys                  []AccessKey
}

type MFADevice struct {
	SerialNumber string
	EnableDate   time.Time
}

type AccessKey struct {
	AccessKeyID, Status string
	CreateDate          time.Time
	LastUsed            *struct {
		LastUsedDate        time.Time
		ServiceName, Region string
	} `json:"AccessKeyLastUsed"`
}

type SAMLProvider struct {
	Arn                    string
	ValidUntil, CreateDate time.Time
}

type OIDCProvider struct {
	Arn, URL                     string
	ClientIDList, ThumbprintList []string
	CreateDate                   time.Time
}

func (c *Capture) loadIAM() error {
	file := func(name string) string { return filepath.Join(c.Dir, "iam", name) }
	return errors.Join(
		readJSON(file("roles.json"), &struct{ Roles *[]Role }{&c.IAM.Roles}),
		readJSON(file("policies.json"), &struct{ Policies *[]Policy }{&c.IAM.Policies}),
		readJSON(file("users.json"), &struct{ Users *[]User }{&c.IAM.Users}),
		readJSON(file("saml-providers.json"), &struct{ SAMLProviderList *[]SAMLProvider }{&c.IAM.SAMLProviders}),
		readJSON(file("oidc-providers.json"), &struct{ OpenIDConnectProviders *[]OIDCProvider }{&c.IAM.OIDCProviders}),
		readJSON(file("account-summary.json"), &struct{ SummaryMap *map[string]int }{&c.IAM.AccountSummary}),
	)
}

// Trail is one trail of cloudtrail/trails.json.
type Trail struct {
	Name, HomeRegion, TrailARN string
	S3BucketName               string
	IsMultiRegionTrail         bool
	IncludeGlobalServiceEvents bool
	IsOrganizationTrail        bool
	LogFileValidationEnabled   bool
	CloudWatchLogsLogGroupArn  string // may end in :*
	CloudWatchLogsRoleArn      string
	Status                     TrailStatus
	EventSelectors             []EventSelector
	AdvancedEventSelectors     []AdvancedEventSelector
}

// TrailStatus is what `aws cloudtrail get-trail-status` prints.
type TrailStatus struct {
	IsLogging                         bool
	LatestDeliveryError               string
	LatestDeliveryTime                *time.Time
	LatestCloudWatchLogsDeliveryError string
	LatestCloudWatchLogsDeliveryTime  *time.Time
	StartLoggingTime                  *time.Time
	StopLoggingTime                   *time.Time
}

type EventSelector struct {
	ReadWriteType           string // All, ReadOnly, WriteOnly; "" is All
	IncludeManagementEvents *bool  // nil is true
	DataResources           []struct {
		Type   string
		Values []string
	}
	ExcludeManagementEventSources []string
}

type AdvancedEventSelector struct {
	Name           string
	FieldSelectors []FieldSelector
}

type FieldSelector struct {
	Field                                                               string
	Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith []string
}
