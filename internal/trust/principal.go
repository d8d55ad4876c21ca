package trust

import (
	"regexp"
	"strings"
)

// PrincipalKind says what a Principal entry names. The zero value is an entry that could not be read.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type PrincipalKind string

const (
	KindUnclear       PrincipalKind = ""
	KindAnyone        PrincipalKind = "anyone"         // *
	KindAccount       PrincipalKind = "account"        // 12 digits, or arn:…:root
	KindRole          PrincipalKind = "role"           // every session of the role
	KindUser          PrincipalKind = "user"           //
	KindSession       PrincipalKind = "session"        // one assumed-role session, by name
	KindFederatedUser PrincipalKind = "federated-user" // of GetFederationToken
	KindService       PrincipalKind = "service"        // ec2.amazonaws.com
	KindSAML          PrincipalKind = "saml-provider"  //
	KindOIDC          PrincipalKind = "oidc-provider"  // an ARN, or a built-in host such as accounts.google.com
	KindDeleted       PrincipalKind = "deleted"        // AROA… or AIDA…: IAM can no longer map the id to an ARN
	KindCanonical     PrincipalKind = "canonical-user" //
)

// Principal is one entry of a Principal or NotPrincipal element.
type Principal struct {
	Kind  PrincipalKind `json:"kind"`
	Value string        `json:"value"` // as written, without space around it
}

// Account is the account a principal belongs to, empty where the entry does not say.
func (p Principal) Account() string {
	if twelveDigits.MatchString(p.Value) {
		return p.Value
	}
	a, _ := parseARN(p.Value)
	return a.account
}

var (
	twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
	uniqueID    = regexp.MustCompile(`^(AROA|AIDA)[A-Z0-9]+$`)
	serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazonaws\.eu|amazon\.com|c2s\.ic\.gov|sc2s\.sgov\.gov|internal)$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)+(/.*)?$`)
)

// arn is arn:partition:service:region:account:resource.
type arn struct{ partition, service, region, account, resource string }

func parseARN(text string) (arn, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" {
		return arn{}, false
	}
	return arn{parts[1], parts[2], parts[3], parts[4], parts[5]}, true
}

// cut splits a resource such as role/path/name into its type, its path ("" or "path/") and its name.
func (a arn) cut() (kind, path, name string) {
	kind, rest, _ := strings.Cut(a.resource, "/")
	if i := strings.LastIndex(rest, "/"); i >= 0 {
		return kind, rest[:i+1], rest[i+1:]
	}
	return kind, "", rest
}

// readPrincipal classifies one entry under Principal's key (AWS, Service, Federated, CanonicalUser; empty for a bare string)
// and says what is odd about it.
func readPrincipal(key, text string) (Principal, string) {
	value := strings.TrimSpace(text)
	p := Principal{Value: value}
	problem := ""
	if value != text {
		problem = "space around a principal"
	}
	switch strings.ToLower(key) {
	case "service":
		p.Kind = KindService
		if !serviceName.MatchString(value) {
			p.Kind, problem = KindUnclear, "not a service principal"
		}
	case "canonicaluser":
		p.Kind = KindCanonical
	case "federated":
		p.Kind, problem = federatedKind(value, problem)
	case "aws":
		p.Kind, problem = awsKind(value, problem)
	case "":
		if value == "*" {
			p.Kind = KindAnyone
		} else {
			problem = `a bare string is no Principal, only "*" is`
		}
	default:
		problem = "unknown kind of principal " + key
	}
	return p, problem
}

func federatedKind(value, problem string) (PrincipalKind, string) {
	a, ok := parseARN(value)
	if !ok {
		if hostName.MatchString(value) {
			return KindOIDC, problem
		}
		return KindUnclear, "not an identity provider"
	}
	if !twelveDigits.MatchString(a.account) {
		return KindUnclear, "account in ARN is not 12 digits"
	}
	switch kind, _, name := a.cut(); {
	case a.service == "iam" && kind == "saml-provider" && name != "":
		return KindSAML, problem
	case a.service == "iam" && kind == "oidc-provider" && name != "":
		return KindOIDC, problem
	}
	return KindUnclear, "not an identity provider"
}

func awsKind(value, problem string) (PrincipalKind, string) {
	switch {
	case value == "*":
		return KindAnyone, problem
	case twelveDigits.MatchString(value):
		return KindAccount, problem
	case uniqueID.MatchString(value):
		return KindDeleted, problem
	}
	a, ok := parseARN(value)
	if !ok {
		return KindUnclear, "neither an ARN nor an account id"
	}
	if strings.ContainsAny(value, "*?") {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
		return KindUnclear, "a wildcard may stand only for the whole principal"
	}
	if !twelveDigits.MatchString(a.account) {
		return KindUnclear, "account in ARN is not 12 digits"
	}
	kind, path, name := a.cut()
	switch {
	case a.service == "iam" && a.resource == "root":
		return KindAccount, problem
	case name == "":
	case a.service == "iam" && kind == "user":
		return KindUser, problem
	case a.service == "iam" && kind == "role":
		return KindRole, problem
	case a.service == "sts" && kind == "assumed-role" && path != "":
		return KindSession, problem
	case a.service == "sts" && kind == "federated-user":
		return KindFederatedUser, problem
	}
	return KindUnclear, "an ARN that is no principal"
}

// identity is what a Caller's fields say about the AWS principal that calls.
type identity struct {
	kind               PrincipalKind // user, role, session, federated-user, account (its root user); unclear when not known
	partition, account string
	path, name         string // of the user, or of the role, also for a session
	pathKnown          bool
	session            string
	uniqueID           string
}

// isAWS says that the caller is an AWS principal, by any sign of one.
func (i identity) isAWS() bool { return i.account != "" || i.uniqueID != "" || i.kind != KindUnclear }

func identify(c Caller) identity {
	if c.Service != "" || c.Federated != "" {
		return identity{} // these have no AWS principal of their own
	}
	who := identity{account: c.Account}
	id, session, _ := strings.Cut(c.PrincipalID, ":")
	if uniqueID.MatchString(id) {
		who.uniqueID, who.session = id, session
	}
	if a, ok := parseARN(c.ARN); ok {
		who.partition, who.account = a.partition, a.account
		kind, path, name := a.cut()
		switch {
		case a.service == "iam" && a.resource == "root":
			who.kind = KindAccount
		case a.service == "iam" && kind == "user":
			who.kind, who.path, who.name, who.pathKnown = KindUser, path, name, true
		case a.service == "iam" && kind == "role":
			who.kind, who.path, who.name, who.pathKnown = KindRole, path, name, true
		case a.service == "sts" && kind == "assumed-role" && path != "":
			who.kind, who.name, who.session = KindSession, strings.TrimSuffix(path, "/"), name
		case a.service == "sts" && kind == "federated-user":
			who.kind, who.name = KindFederatedUser, name
		}
	}
	if a, ok := parseARN(c.RoleARN); ok && (who.kind == KindUnclear || who.kind == KindSession) {
		if kind, path, name := a.cut(); kind == "role" && (who.name == "" || who.name == name) {
			who.path, who.name, who.pathKnown = path, name, true
			if who.kind == KindUnclear {
				who.kind, who.partition, who.account = KindRole, a.partition, a.account
			}
		}
	}
	return who
}

// match is whether a principal entry covers a caller.
type match struct {
	truth Truth
	note  string
	// direct: the entry names the principal itself, so within one account no identity policy is needed on top.
	direct bool
}

// matches compares a principal entry with the caller. IAM resolves a role or user ARN to a unique id when the policy is saved,
// and names are unique within an account, whatever the path.
func (p Principal) matches(r request) match {
	who, c := r.who, r.caller
	nobody := !who.isAWS() && c.Service == "" && c.Federated == ""
	switch p.Kind {
	case KindUnclear:
		return match{truth: Unknown, note: "the principal cannot be read"}
	case KindCanonical:
		return match{truth: Unknown, note: "canonical user ids are not compared"}
	case KindService:
		if c.Service == "" {
			return match{truth: unlessKnown(nobody)}
		}
		return match{truth: truth(strings.EqualFold(p.Value, c.Service)), direct: true}
	case KindSAML, KindOIDC:
		return p.matchesProvider(c, nobody)
	case KindAnyone:
		if who.isAWS() {
			return match{truth: True}
		}
		return match{truth: Unknown, note: "whether * covers services and federated callers is not known"}
	}
	if !who.isAWS() {
		return match{truth: unlessKnown(nobody)}
	}
	if p.Kind == KindDeleted {
		switch {
		case who.uniqueID == p.Value:
			return match{truth: True, direct: true}
		case who.uniqueID == "" && who.kind == KindUnclear:
			return match{truth: Unknown, note: "the caller's unique id is not known"}
		}
		return match{truth: False, note: p.Value + " is the id of a principal that was deleted; it never matches one that exists, not even a new one of the same name"}
	}
	return p.matchesARN(who)
}

// unlessKnown is Unknown for a caller of whom nothing is known, and False for one known to be something else.
func unlessKnown(nobody bool) Truth {
	if nobody {
		return Unknown
	}
	return False
}

func (p Principal) matchesProvider(c Caller, nobody bool) match {
	call := c.call()
	switch {
	case strings.EqualFold(call, AssumeRoleWithSAML) && p.Kind == KindOIDC,
		strings.EqualFold(call, AssumeRoleWithWebIdentity) && p.Kind == KindSAML:
		return match{truth: False}
	case c.Federated == "":
		return match{truth: unlessKnown(nobody)}
	}
	_, host, isARN := strings.Cut(c.Federated, ":oidc-provider/")
	same := p.Value == c.Federated || p.Kind == KindOIDC && isARN && p.Value == host
	return match{truth: truth(same), direct: true}
}

// matchesARN compares accounts, roles, users and sessions.
func (p Principal) matchesARN(who identity) match {
	a, isARN := parseARN(p.Value)
	if isARN && who.partition != "" && a.partition != who.partition {
		return match{truth: False, note: "partition " + who.partition + " is not " + a.partition}
	}
	if who.account == "" {
		return match{truth: Unknown, note: "the caller's account is not known"}
	}
	if p.Account() != who.account {
		return match{truth: False}
	}
	if p.Kind == KindAccount {
		return match{truth: True}
	}
	if who.kind == KindUnclear {
		if p.Kind == KindUser && strings.HasPrefix(who.uniqueID, "AROA") || p.Kind != KindUser && strings.HasPrefix(who.uniqueID, "AIDA") {
			return match{truth: False}
		}
		return match{truth: Unknown, note: "only the caller's account is known, not its ARN"}
	}
	_, path, name := a.cut()
	switch p.Kind {
	case KindUser, KindFederatedUser:
		return match{truth: truth(who.kind == p.Kind && who.path == path && who.name == name), direct: true}
	case KindSession:
		switch {
		case who.kind != KindSession && who.kind != KindRole || path != who.name+"/":
			return match{truth: False}
		case who.session == "":
			return match{truth: Unknown, note: "the caller's session name is not known"}
		}
		return match{truth: truth(who.session == name), direct: true}
	}
	switch {
	case who.kind != KindSession && who.kind != KindRole || who.name != name:
		return match{truth: False}
	case who.pathKnown:
		return match{truth: truth(who.path == path), direct: true}
	}
	return match{truth: True, direct: true, note: "possible: matched by account and role name, because a session's ARN does not show the role's path"}
}
