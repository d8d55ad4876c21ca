package trust

import (
	"slices"
	"strings"
)

// The calls a trust policy decides about.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
const (
	AssumeRole                = "sts:AssumeRole"
	AssumeRoleWithSAML        = "sts:AssumeRoleWithSAML"
	AssumeRoleWithWebIdentity = "sts:AssumeRoleWithWebIdentity"
	TagSession                = "sts:TagSession"
	SetSourceIdentity         = "sts:SetSourceIdentity"
)

// trustActions are the actions that patterns such as sts:* are spelled out to when policies are compared.
var trustActions = []string{AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, SetSourceIdentity, TagSession}

// Caller is what is known about one call to assume the role, and about who makes it. Empty fields are not known.
// A caller is one of: an AWS principal (ARN, or Account and PrincipalID), an AWS service (Service), or the bearer of a SAML
// assertion or web identity token (Federated).
type Caller struct {
	// Call is the action, such as sts:AssumeRole, which is also what empty means. A call that passes session tags needs
	// sts:TagSession as well, one with a source identity sts:SetSourceIdentity: ask about each.
	Call string `json:"call,omitempty"`
	// ARN of a user, role, assumed-role session, federated user or account root, as CloudTrail or an error message has it.
	ARN string `json:"arn,omitempty"`
	// RoleARN is the role behind a session. A session's own ARN does not show the role's path.
	RoleARN string `json:"role_arn,omitempty"`
	// PrincipalID is the unique id: AIDA… of a user, AROA…:session-name of a session.
	PrincipalID string `json:"principal_id,omitempty"`
	Account     string `json:"account,omitempty"`   // 12 digits; taken from ARN when empty
	Service     string `json:"service,omitempty"`   // such as ec2.amazonaws.com
	Federated   string `json:"federated,omitempty"` // provider ARN, or a host such as accounts.google.com
	// TargetARN is the role to assume.
	TargetARN string `json:"target_arn,omitempty"`
	// Context is the request's condition keys. A key with values is known, a key with an empty list is known to be absent
	// from the request, and a key that is not in the map is unknown. The case of keys does not matter.
	Context map[string][]string `json:"context,omitempty"`
}

// With returns a copy of the caller for which the key is known to have these values; without values, to be absent.
func (c Caller) With(key string, values ...string) Caller {
	context := make(map[string][]string, len(c.Context)+1)
	for k, v := range c.Context {
		if !strings.EqualFold(k, key) {
			context[k] = v
		}
	}
	context[key] = slices.Clone(values)
	c.Context = context
	return c
}

// call is the action asked about.
func (c Caller) call() string {
	if c.Call == "" {
		return AssumeRole
	}
	return c.Call
}

// Name is the shortest text that tells a reader who calls.
func (c Caller) Name() string {
	for _, name := range []string{c.ARN, c.RoleARN, c.Service, c.Federated, c.PrincipalID} {
		if name != "" {
			return name
		}
	}
	if c.Account != "" {
		return "a principal of account " + c.Account
	}
	return "an unknown caller"
}

// known is what we know of one condition key in the request.
type known struct {
	values []string // set when present
	absent bool
	maybe  []string // patterns, one of which the value must match, when the value itself is not known
}

func (k known) isKnown() bool { return k.absent || len(k.values) > 0 }

// request is a caller with its context made ready for look-ups: keys in lower case, and the keys that follow from who calls.
type request struct {
	caller Caller
	who    identity
	keys   map[string]known
}

// newRequest adds to the given context what follows from the caller itself. Given keys win.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func newRequest(c Caller) request {
	r := request{caller: c, who: identify(c), keys: map[string]known{}}
	// Only GetWebIdentityToken and bearer token requests carry sts:DurationSeconds; a request for a role session does not.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
	r.absent("sts:durationseconds")
	// STS endpoints speak TLS only.
	r.set("aws:securetransport", "true")
	if target, ok := parseARN(c.TargetARN); ok && target.account != "" {
		r.set("aws:resourceaccount", target.account)
	}
	if r.who.isAWS() {
		r.fromPrincipal()
	}
	call := c.call()
	if strings.EqualFold(call, AssumeRoleWithSAML) || strings.EqualFold(call, AssumeRoleWithWebIdentity) {
		// These calls are not signed and have no such parameters.
		r.absent("sts:externalid", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime")
	}
	names := make([]string, 0, len(c.Context))
	for key := range c.Context {
		names = append(names, key)
	}
	slices.Sort(names)
	for _, key := range names {
		values := c.Context[key]
		r.keys[strings.ToLower(key)] = known{values: values, absent: len(values) == 0}
	}
	// No MFA, no age of it.
	if mfa := r.keys["aws:multifactorauthpresent"]; mfa.absent || len(mfa.values) == 1 && strings.EqualFold(mfa.values[0], "false") {
		if !r.keys["aws:multifactorauthage"].isKnown() {
			r.absent("aws:multifactorauthage")
		}
	}
	return r
}

func (r request) set(key, value string) { r.keys[key] = known{values: []string{value}} }

func (r request) absent(keys ...string) {
	for _, key := range keys {
		r.keys[key] = known{absent: true}
	}
}

// fromPrincipal fills the keys that IAM itself derives from the principal.
func (r request) fromPrincipal() {
	who := r.who
	r.set("aws:principalisawsservice", "false")
	if who.account != "" {
		r.set("aws:principalaccount", who.account)
	}
	if r.caller.PrincipalID != "" && (who.kind == KindUser || strings.Contains(r.caller.PrincipalID, ":")) {
		r.set("aws:userid", r.caller.PrincipalID)
	}
	switch who.kind {
	case KindUser:
		r.set("aws:principalarn", r.caller.ARN)
		r.set("aws:username", who.name)
		r.set("aws:principaltype", "User")
	case KindRole, KindSession:
		r.absent("aws:username")
		r.set("aws:principaltype", "AssumedRole")
		prefix := "arn:" + who.partition + ":iam::" + who.account + ":role/"
		if who.pathKnown {
			r.set("aws:principalarn", prefix+who.path+who.name)
		} else {
			r.keys["aws:principalarn"] = known{maybe: []string{prefix + who.name, prefix + "*/" + who.name}}
		}
	case KindAccount:
		r.set("aws:principalarn", r.caller.ARN)
		r.set("aws:principaltype", "Account")
		r.absent("aws:username")
	}
}

// lookup finds a condition key, whatever its case.
func (r request) lookup(key string) known { return r.keys[strings.ToLower(key)] }
