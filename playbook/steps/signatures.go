package steps

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// signature is one kind of failure by the sentences that AWS and its SDKs write.
type signature struct {
	kind      facts.Kind
	sentences []sentence
	// also is a second thing that the text must say, for words that many use.
	also *regexp.Regexp
}

// signatures in the order in which they are tried: the first that fits wins.
// The order puts the innermost cause before what wraps it (an SDK's "failed to
// refresh" comes last), and the sentences that read like another kind before
// that kind. Everything here is anchored to AWS: its codes, its SDKs' classes, or
// sentences that only it writes; what other systems say of their tokens is
// caught at the end as a look-alike.
//
// Codes and sentences: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html and the sources of the SDKs.
var signatures = []signature{
	sig(facts.Skew, `signature expired: ?\d{8}T\d{6}Z is now earlier than`,
		`signature not yet current: ?\d{8}T\d{6}Z is still later than`,
		`\bRequestTimeTooSkewed\b`, `\bRequestInTheFuture\b`,
		`difference between the request time and the (?:current|server's) time is too large`),
	sig(facts.LookAlike, `your authorization token has expired\. Reauthenticate`, // ECR's twelve-hour token
		`<Code>AccessDenied</Code>\s*<Message>Request has expired`, // a presigned URL
		`\bPAM authentication failed for user`,                     // RDS's token of a quarter of an hour
		`\bcognito\b[^\n]{0,80}\b(?:token|session)s?\b[^\n]{0,20}\bexpired\b`),
	sig(facts.IdentityTokenExpired, `token expired: current date/time \S+ ?must be before the expiration date/time`,
		`the token included in the request is expired: current date/time`,
		`\btoken too old: \d`, `must be redeemed within 5 minutes`,
		`\(ExpiredToken(?:Exception)?\) when calling the (?:AssumeRoleWith(?:SAML|WebIdentity)|AssumeRoleForPodIdentity)`,
		`AssumeRoleWith(?:SAML|WebIdentity)[^\n]*\bExpiredToken(?:Exception)?\b`,
		`response has expired\b[^\n]*(?:ExpiredToken|SAML|Sts\b)`, `ExpiredToken(?:Exception)?\b[^\n]*response has expired`,
		`\bIDPRejectedClaim`),
	sig(facts.SSOExpired, `token has expired and refresh failed`,
		`SSO session (?:token )?(?:associated with [^\n]{1,80} )?(?:has expired|was not found|is (?:otherwise )?invalid)`,
		`to refresh this SSO session`, `error loading SSO token`, `\bSSO token (?:is|has) expired`, `\bSSO session token[^\n]*expired`, `\bno valid SSO token`,
		`refresh cached SSO token failed`, `session token not found or invalid`, `please reauthenticate using 'aws login'`, `\bInvalidGrantException\b`),
	sig(facts.DurationAboveChain, `requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining`),
	sig(facts.DurationAboveRole, `requested DurationSeconds exceeds the MaxSessionDuration set for this role`),
	sig(facts.DurationInvalid, `at 'durationSeconds' failed to satisfy constraint`),
	sig(facts.MFAFailed, `MultiFactorAuthentication failed`, `MFA token required`, `AssumeRoleTokenProviderNotSetError`),
	sig(facts.IdentityProviderBad, `no OpenIDConnect provider found`, `incorrect token audience`, `\bInvalidIdentityToken`,
		`couldn't retrieve verification key from your identity provider`, `\bIDPCommunicationError`,
		`issuer not present in specified provider`, `AuthSamlInvalidSamlResponse`, `is required in AuthnResponse`, `\bresponse signature invalid\b`),
	sig(facts.RegionOff, `STS is not activated in this region`, `\bRegionDisabledException\b`),
	sig(facts.AssumeDenied, `not authorized to perform:? sts:(?:Assume\w+|TagSession|SetSourceIdentity|Get(?:Session|Federation)Token)`,
		`\(AccessDenied(?:Exception)?\) when calling the (?:AssumeRole\w*|Get(?:Session|Federation)Token)`,
		`(?:STS|sts): AssumeRole\w*,[^\n]*api error AccessDenied`,
		`EKS does not have permissions to assume the associated role`,
		`cannot call GetSessionToken with session credentials`),
	also(sig(facts.ThrottledCall, `\bThrottling(?:Exception)?\b`, `\bThrottledException\b`, `\bRequestLimitExceeded\b`, `\brate exceeded\b`),
		`AssumeRole|GetSessionToken|GetFederationToken|\bSTS\b|\bSts\b|credential|security ?token|GetRoleCredentials`),
	sig(facts.SessionExpired, `\bExpiredToken(?:Exception)?\b`, `security token included in the request (?:is|has) expired`,
		`the provided token (?:has|is) expired`,
		// What tools around the SDKs write themselves.
		`\b(?:AWS|STS) (?:[a-z]+ ){0,2}(?:credential|token|session)s? (?:(?:has|have|is|are|was|were|already) )*expired\b`,
		`\b(?:temporary|session|security) credentials (?:(?:has|have|is|are|already) )*expired\b`),
	sig(facts.ExpiredOrSkew, `\bRequestExpired\b`, `\bTokenRefreshRequired\b`, `the provided token must be refreshed`),
	sig(facts.InvalidCredentials, `\bInvalidClientTokenId\b`, `\bUnrecognizedClientException\b`, `\bInvalidAccessKeyId\b`, `\bAuthFailure\b`,
		`security token included in the request is invalid`, `AWS was not able to validate the provided access credentials`,
		`AWS Access Key Id you provided does not exist in our records`, `provided token is malformed or otherwise invalid`,
		`\bSignatureDoesNotMatch\b`, `request signature we calculated does not match`, `\bInvalidSignatureException\b`),
	sig(facts.NoSuchRole, `the role with name \S+ cannot be found`),
	sig(facts.AccessDenied, `is not authorized to perform: [a-z0-9-]+:\w+`, `with an explicit deny in an? [a-z -]*policy`,
		`\(AccessDenied(?:Exception)?\) when calling the \w+ operation`, `\berror code: AccessDenied\b`, `\bapi error AccessDenied(?:Exception)?\b`,
		`\bAccessDenied(?:Exception)?: access denied\b`, `<Code>AccessDenied</Code>`, `\baccess denied \(service: (?:amazon )?s3\b`),
	sig(facts.RefreshFailed, `failed to refresh cached credentials`,
		`refreshing temporary credentials failed during (?:mandatory|advisory) refresh period`,
		`refreshed credentials are still expired`, `credentials were refreshed, but the refreshed credentials are still expired`,
		`\bWebIdentityErr\b`, `\bCredentialsProviderError\b`, `could not load credentials from any providers`, `\bNoCredentialProviders\b`,
		`no EC2 IMDS role found`, `no EC2 instance role found`, `EC2RoleRequestError`, `unable to locate credentials`, `unable to load (?:AWS )?credentials from any`,
		`unable to retrieve credentials? from`, `error (?:when )?retrieving credentials? from`, `failed to (?:load|retrieve) (?:AWS )?credentials`,
		`cannot fetch credentials from`, `unable to get IAM security credentials from`, `attempting to retrieve data from metadata service`,
		`\bEC2MetadataRequestError\b`, `EC2 metadata \w+ request returned error`, `missing credentials in config\b`,
		`\bNoAuthWithAWSException\b`, `no AWS credentials provided by`, `SdkClientException: failed to connect to service endpoint`, `unable to load credentials from service endpoint`,
		`\bMissingCredentialsError\b`, `unable to sign request without credentials`, `no providers in chain provided credentials`,
		`an error occurred while loading credentials`, `no valid credential sources (?:for|found)`,
		`getting credentials: exec: executable aws failed with exit code 25[0-9]`,
		`credential expiration has been extended`, `attempting credential expiration extension`),
	// What reads like a token's expiry and names nothing of AWS: an application's
	// own token.
	sig(facts.LookAlike, `\bjwt (?:is |has )?expired`, `\bExpired(?:Jwt|Id|Access|Refresh)\w*`, `\bToken(?:Has)?Expired\w*`,
		`\b(?:token|jwt)s?\b(?: (?:has|have|is|are|was|were|been|already))* expired\b`, `\bexpired (?:[a-z]+ ){0,2}(?:token|jwt)\b`,
		// Refusals of other systems: a JWT library's, Salesforce's, Kerberos', TLS'.
		`"exp" claim timestamp check failed`, `\bINVALID_SESSION_ID\b`, `\bticket expired \(`, `\b(?:GSS|krb5)\w*[^\n]*\bexpired\b`,
		`\b(?:your|single sign-on) session (?:(?:has|have|is|was|already) )*expired\b`,
		`\bx509: certificate has expired`, `\bcertificate verify failed: certificate has expired`, `\bCertificateExpiredException\b`,
		`\btoken expir(?:y|ation)[^\n]{0,40}\b(?:passed|reached|exceeded|in the past)\b`, `\b(?:token|jwt) is no longer valid\b`, `invalid_grant`),
}

// sentence is a pattern and a text that every match of it contains, in small
// letters: most lines are done with by looking for that.
type sentence struct {
	needs string
	text  *regexp.Regexp
}

func sig(kind facts.Kind, patterns ...string) signature {
	s := signature{kind: kind}
	for _, p := range patterns {
		s.sentences = append(s.sentences, sentence{longestLiteral(p), regexp.MustCompile(`(?i)` + p)})
	}
	return s
}

// longestLiteral is the longest text that a pattern cannot do without; "" where
// there is none.
func longestLiteral(pattern string) string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	longest := ""
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	for _, part := range parts {
		if l := strings.ToLower(string(part.Rune)); part.Op == syntax.OpLiteral && len(l) > len(longest) {
			longest = l
		}
	}
	return longest
}

// find gives the place in a text where a signature's first fitting sentence
// stands, -1 for none. low is the text in small letters.
func (s signature) find(text, low string) int {
	for _, one := range s.sentences {
		if !strings.Contains(low, one.needs) {
			continue
		}
		if at := one.text.FindStringIndex(text); at != nil && (s.also == nil || s.also.MatchString(text)) {
			return at[0]
		}
	}
	return -1
}

func also(s signature, pattern string) signature {
	s.also = regexp.MustCompile(pattern)
	return s
}

// anchors are what the sentences above have in common: with one of them a line
// is worth reading. They are plain text, so that Logs Insights (ignoring case)
// and the older filter patterns (minding it) can both look for them.
var anchors = fewest([]string{
	"xpiredToken", "token expired", "Token expired", "oken has expired", "oken is expired", "token was expired", "request is expired", "Token too old", "expired token",
	"xpiredJwt", "TokenExpired", "jwt expired", "JWT expired", "jwt is expired", "jwt has expired", "invalid_grant", "ExpiredAccess", "ExpiredId", "ExpiredRefresh",
	"equest has expired", "RequestExpired", "ignature expired", "ignature not yet current", "TooSkewed", "RequestInTheFuture", "difference between the request time",
	"redeemed within", "esponse has expired", "IDPRejectedClaim", "IDPCommunicationError", "SSO session", "SSO Session", "SSO token", "SSO Token", "oken not found or invalid", "aws login", "InvalidGrantException",
	"DurationSeconds", "durationSeconds", "MultiFactorAuthentication", "MFA token required", "TokenProviderNotSet", "OpenIDConnect provider", "ncorrect token audience",
	"InvalidIdentityToken", "verification key", "ssuer not present", "AuthSaml", "AuthnResponse", "ignature invalid", "not activated in this region", "RegionDisabled",
	"ot authorized to perform", "AccessDenied", "annot call GetSessionToken", "Throttl", "ate exceeded", "RequestLimitExceeded", "TokenRefreshRequired", "must be refreshed",
	"InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "AuthFailure", "included in the request", "validate the provided", "does not exist in our records",
	"malformed or otherwise", "SignatureDoesNotMatch", "signature we calculated", "InvalidSignature", "role with name", "explicit deny", "efresh cached cred",
	"efreshing temporary cred", "still expired", "WebIdentityErr", "CredentialsProviderError", "oad credentials", "etrieve credential", "etrieving credential",
	"NoCredentialProviders", "IMDS role", "instance role", "EC2RoleRequestError", "ocate credentials", "getting credentials", "credential expiration", "no longer valid",
	"TokenHasExpired", "tokens have expired", "tokens are expired", "oken expir", "expired jwt", "expired JWT", "expired access token", "expired refresh token", "expired id token",
	"oad AWS credentials", "etrieve AWS credentials",
	"ession expired", "ession has expired", "essions have expired", "redentials expired", "redentials have expired", "redentials are expired", "icket expired",
	"ertificate has expired", "ertificateExpired", "ccess Denied (Service", "ccess denied (service", "GSSE", "GSSAPI", "krb5", "claim timestamp", "INVALID_SESSION_ID",
	"PAM authentication failed", "assume the associated role", "oading credentials", "redentials from", "redentials provided by", "request returned error", "issing credentials",
	"metadata service", "NoAuthWithAWS", "onnect to service endpoint", "MissingCredentials", "equest without credentials", "providers in chain", "credential sources", "EC2MetadataRequestError",
})

// fewest leaves out what a shorter one of the list finds too, and what is in it twice.
func fewest(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) && !slices.ContainsFunc(words, func(o string) bool { return o != w && strings.Contains(w, o) }) {
			out = append(out, w)
		}
	}
	return out
}

// reading is what one log line says.
type reading struct {
	Kind     facts.Kind
	Code     string
	Call     string
	Now      time.Time // the server's clock
	Until    time.Time // the credential's end, or for skew the client's signing time
	Roles    []string
	Sessions []string
	Accounts []string
}

// readLine classifies a line; false where it is not about credentials.
func readLine(message string) (reading, bool) {
	text := unescaped(message)
	low := strings.ToLower(text)
	for _, s := range signatures {
		if s.find(text, low) < 0 {
			continue
		}
		r := reading{Kind: s.kind}
		if s.kind != facts.LookAlike {
			r.Code = lineCode(text)
			r.Call = lineCall(text)
		}
		r.Now, r.Until = lineTimes(text, s.kind)
		r.Roles, r.Sessions, r.Accounts = lineRoles(text)
		return r, true
	}
	return reading{}, false
}

var escapes = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\t`, " ", `\"`, `"`, `\/`, `/`, `\u0027`, `'`, `\u003c`, `<`, `\u003e`, `>`, `\u0026`, `&`,
	`&#39;`, `'`, `&quot;`, `"`, `&apos;`, `'`, "\u2019", "'", `\\`, `\`)

// unescaped undoes JSON's escapes, twice, because log shippers wrap JSON in JSON.
func unescaped(s string) string {
	for range 2 {
		if !strings.ContainsAny(s, "\\&\u2019") {
			return s
		}
		s = escapes.Replace(s)
	}
	return s
}

var awsCodes = regexp.MustCompile(`\b(?:ExpiredTokenException|ExpiredToken|RequestExpired|RequestTimeTooSkewed|RequestInTheFuture|TokenRefreshRequired|` +
	`InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure|InvalidToken|SignatureDoesNotMatch|InvalidSignatureException|` +
	`AccessDeniedException|AccessDenied|UnauthorizedOperation|ValidationError|ValidationException|InvalidIdentityTokenException|InvalidIdentityToken|` +
	`IDPRejectedClaimException|IDPRejectedClaim|IDPCommunicationErrorException|IDPCommunicationError|RegionDisabledException|` +
	`ThrottlingException|Throttling|ThrottledException|RequestLimitExceeded|NoSuchEntityException|NoSuchEntity|InvalidGrantException|UnauthorizedException|WebIdentityErr|NoCredentialProviders|CredentialsProviderError)\b`)

// wrappers are codes of SDKs that only wrap the answer of AWS.
var wrappers = []string{"WebIdentityErr", "NoCredentialProviders", "CredentialsProviderError"}

// lineCode is AWS's error code, the innermost where several stand in a line.
func lineCode(text string) string {
	wrapper := ""
	for _, c := range awsCodes.FindAllString(text, -1) {
		if !slices.Contains(wrappers, c) {
			return c
		}
		if wrapper == "" {
			wrapper = c
		}
	}
	return wrapper
}

var lineCalls = regexp.MustCompile(`when calling the (\w+) operation|operation error [\w ]+: (\w+)|operation: (\w+)|perform:? [a-z0-9-]+:(\w+)|\b(AssumeRole(?:With(?:SAML|WebIdentity)|ForPodIdentity)?|GetSessionToken|GetFederationToken|GetRoleCredentials)(?:Request|Command)?\b`)

// lineCall is the operation that failed: of calls within calls the innermost,
// which SDKs write last.
func lineCall(text string) string {
	found := lineCalls.FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		return ""
	}
	if strings.Contains(text, "operation error") || strings.Contains(text, "when calling the") {
		for _, m := range slices.Backward(found) {
			if name := m[1] + m[2]; name != "" {
				return name
			}
		}
	}
	return strings.Join(found[0][1:], "")
}

var (
	epochTimes = regexp.MustCompile(`current date/time (\d{9,13}) ?must be before the expiration date/time ?(\d{9,13})`)
	isoTimes   = regexp.MustCompile(`current date/time (\d{4}-\S+?) must be before the expiration date/time (\d{4}-\S+?)(?:\.?,|\.?\s|\.?"|\.?\)|\.?$)`)
	skewTimes  = regexp.MustCompile(`(?i)signature (?:expired|not yet current): ?(\d{8}T\d{6}Z) is (?:now earlier|still later) than (\d{8}T\d{6}Z)(?: \((\d{8}T\d{6}Z))?`)
	skewXML    = regexp.MustCompile(`<RequestTime>([^<]+)</RequestTime>.*?<ServerTime>([^<]+)</ServerTime>`)
)

// lineTimes reads the two times that some sentences carry.
func lineTimes(text string, kind facts.Kind) (now, until time.Time) {
	if m := epochTimes.FindStringSubmatch(text); m != nil {
		return epoch(m[1]), epoch(m[2])
	}
	if m := isoTimes.FindStringSubmatch(text); m != nil {
		return isoTime(m[1]), isoTime(m[2])
	}
	if kind != facts.Skew {
		return
	}
	if m := skewTimes.FindStringSubmatch(text); m != nil {
		server := m[3]
		if server == "" { // cut off: the bound is within the tolerance of the server's clock
			server = m[2]
		}
		return isoTime(server), isoTime(m[1])
	}
	if m := skewXML.FindStringSubmatch(text); m != nil {
		return isoTime(m[2]), isoTime(m[1])
	}
	return
}

// epoch reads seconds or milliseconds since 1970.
func epoch(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	if n >= 1e11 {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

func isoTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "20060102T150405Z", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05.999999999Z[MST]"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

var roleARNs = regexp.MustCompile(`arn:aws[a-z-]*:(?:iam::(\d{12}):role((?:/[A-Za-z0-9_+=,.@-]+)+)|sts::(\d{12}):assumed-role/([A-Za-z0-9_+=,.@-]+)(?:/([A-Za-z0-9_+=,.@-]+))?)`)

// lineRoles are the role names, the sessions as role/session, and the accounts
// of the ARNs in a line, each once, sorted.
func lineRoles(text string) (roles, sessions, accounts []string) {
	for _, m := range roleARNs.FindAllStringSubmatch(text, -1) {
		name := m[4]
		if m[2] != "" {
			name = m[2][strings.LastIndexByte(m[2], '/')+1:]
		}
		// The sentence's own full stop or comma is no part of a name.
		if name = strings.TrimRight(name, ".,"); name == "" {
			continue
		}
		roles = append(roles, name)
		if session := strings.TrimRight(m[5], ".,"); session != "" {
			sessions = append(sessions, name+"/"+session)
		}
		accounts = append(accounts, m[1]+m[3])
	}
	for _, list := range []*[]string{&roles, &sessions, &accounts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return roles, sessions, accounts
}

// recordKind classifies the failure of an issuing call by its code and message,
// as the signatures do with a line; a record says more plainly what was called.
func recordKind(r cloudtrail.Record) facts.Kind {
	federated := r.EventName == "AssumeRoleWithSAML" || r.EventName == "AssumeRoleWithWebIdentity" || r.EventName == "AssumeRoleForPodIdentity"
	read, ok := readLine(r.ErrorCode + ": " + r.ErrorMessage)
	switch code := strings.TrimSuffix(r.ErrorCode, "Exception"); {
	case code == "ExpiredToken" && federated:
		// These calls carry no AWS credentials that could be expired.
		return facts.IdentityTokenExpired
	case code == "ExpiredToken" && read.Kind != facts.IdentityTokenExpired:
		return facts.SessionExpired
	case ok && read.Kind != facts.AccessDenied && read.Kind != facts.LookAlike:
		return read.Kind
	case code == "AccessDenied" || code == "Client.UnauthorizedOperation" || code == "UnauthorizedOperation" || read.Kind == facts.AccessDenied:
		if _, issuing := r.Issuing(); issuing {
			return facts.AssumeDenied
		}
		return facts.AccessDenied
	case code == "Throttling" || code == "Throttled" || code == "RequestLimitExceeded" || code == "TooManyRequests":
		return facts.ThrottledCall
	case code == "NoSuchEntity":
		return facts.NoSuchRole
	}
	return facts.OtherFailure
}
