package steps

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// The sentences are those of AWS and its SDKs, in the dress in which they reach
// a log: bare, behind an exception's class, in JSON, over several lines.
var spelled = []struct {
	kind facts.Kind
	text string
}{
	{facts.SessionExpired, "botocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the GetItem operation: The security token included in the request is expired"},
	{facts.SessionExpired, "An error occurred (ExpiredToken) when calling the AssumeRole operation: The security token included in the request is expired"},
	{facts.SessionExpired, "com.amazonaws.services.s3.model.AmazonS3Exception: The provided token has expired. (Service: Amazon S3; Status Code: 400; Error Code: ExpiredToken; Request ID: ABC)"},
	{facts.SessionExpired, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"},
	{facts.SessionExpired, "software.amazon.awssdk.services.dynamodb.model.DynamoDbException: The security token included in the request is expired (Service: DynamoDb, Status Code: 400, Request ID: A)"},
	{facts.ExpiredOrSkew, "An error occurred (RequestExpired) when calling the DescribeInstances operation: Request has expired."},
	{facts.ExpiredOrSkew, "TokenRefreshRequired: The provided token must be refreshed."},
	{facts.IdentityTokenExpired, "ExpiredTokenException: Token expired: current date/time 1787210550 must be before the expiration date/time 1787209800"},
	{facts.IdentityTokenExpired, "Token expired: current date/time 1787210550 must be before the expiration date/time1787209800"},
	{facts.IdentityTokenExpired, "An error occurred (ExpiredTokenException) when calling the AssumeRoleForPodIdentity operation: The token included in the request is expired: current date/time 2026-08-20T10:02:30Z must be before the expiration date/time 2026-08-20T09:50:00Z., fault: client"},
	{facts.IdentityTokenExpired, "ExpiredTokenException: Token must be redeemed within 5 minutes of issuance"},
	{facts.IdentityTokenExpired, "An error occurred (ExpiredTokenException) when calling the AssumeRoleWithSAML operation: Response has expired"},
	{facts.IdentityTokenExpired, "botocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token too old: 441398"},
	{facts.IdentityTokenExpired, "operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 400, RequestID: x, ExpiredTokenException: Token expired"},
	{facts.IdentityTokenExpired, "IDPRejectedClaimException: the identity provider rejected the claim"},
	{facts.DurationAboveRole, "An error occurred (ValidationError) when calling the AssumeRole operation: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
	{facts.DurationAboveChain, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."},
	{facts.DurationInvalid, "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
	{facts.AssumeDenied, "User: arn:aws:sts::333344445555:assumed-role/importer/i-04 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/partner-drop"},
	{facts.AssumeDenied, "User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x because no role trust policy allows the sts:AssumeRole action"},
	{facts.AssumeDenied, "User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x with an explicit deny in a service control policy"},
	{facts.AssumeDenied, "User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:TagSession on resource: arn:aws:iam::111122223333:role/x"},
	{facts.AssumeDenied, "WebIdentityErr: failed to retrieve credentials\ncaused by: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n\tstatus code: 403"},
	{facts.AssumeDenied, "An error occurred (AccessDenied) when calling the AssumeRoleWithSAML operation: Not authorized to perform sts:AssumeRoleWithSAML"},
	{facts.AssumeDenied, "An error occurred (AccessDenied) when calling the GetSessionToken operation: Cannot call GetSessionToken with session credentials"},
	{facts.MFAFailed, "An error occurred (AccessDenied) when calling the AssumeRole operation: MultiFactorAuthentication failed with invalid MFA one time pass code."},
	{facts.MFAFailed, "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."},
	{facts.InvalidCredentials, "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid"},
	{facts.InvalidCredentials, "UnrecognizedClientException: The security token included in the request is invalid."},
	{facts.InvalidCredentials, "AuthFailure: AWS was not able to validate the provided access credentials"},
	{facts.InvalidCredentials, "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records."},
	{facts.InvalidCredentials, "An error occurred (InvalidToken) when calling the ListBuckets operation: The provided token is malformed or otherwise invalid."},
	{facts.InvalidCredentials, "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided."},
	{facts.RegionOff, "RegionDisabledException: STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console."},
	{facts.IdentityProviderBad, "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/EX"},
	{facts.IdentityProviderBad, "An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token audience"},
	{facts.IdentityProviderBad, "InvalidIdentityToken: Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements"},
	{facts.IdentityProviderBad, "Couldn\u2019t retrieve verification key from your identity provider"},
	{facts.IdentityProviderBad, "RoleSessionName is required in AuthnResponse (Service: AWSSecurityTokenService; Status Code: 400; Error Code: InvalidIdentityToken)"},
	{facts.IdentityProviderBad, "Response signature invalid (service: AWSSecurityTokenService; status code: 400)"},
	{facts.IdentityProviderBad, "AuthSamlInvalidSamlResponseException: Issuer not present in specified provider"},
	{facts.IdentityProviderBad, "IDPCommunicationError: the identity provider could not be reached"},
	{facts.Skew, "SignatureDoesNotMatch: Signature expired: 20261014T101010Z is now earlier than 20261014T101510Z (20261014T102010Z - 5 min.)"},
	{facts.Skew, "InvalidSignatureException: Signature expired: 20261014T101010Z is now earlier than 20261014T101510Z (20261014T103010Z - 15 min.)"},
	{facts.Skew, "Signature not yet current: 20261014T113000Z is still later than 20261014T102000Z (20261014T101500Z + 5 min.)"},
	{facts.Skew, "<Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too large.</Message><RequestTime>20261014T101010Z</RequestTime><ServerTime>2026-10-14T10:40:10Z</ServerTime>"},
	{facts.Skew, "RequestInTheFuture: request is in the future"},
	{facts.LookAlike, "denied: Your authorization token has expired. Reauthenticate and try again."},
	{facts.LookAlike, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>900</X-Amz-Expires></Error>"},
	{facts.SSOExpired, "botocore.exceptions.TokenRetrievalError: Error when retrieving token from sso: Token has expired and refresh failed"},
	{facts.SSOExpired, "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login with the corresponding profile."},
	{facts.SSOExpired, "Error loading SSO Token: Token for corp does not exist"},
	{facts.SSOExpired, "failed to refresh cached credentials, the SSO session has expired or is invalid: cached SSO token is expired"},
	{facts.SSOExpired, "UnauthorizedException: Session token not found or invalid"},
	{facts.SSOExpired, "Your session has expired. Please reauthenticate using 'aws login'."},
	{facts.SSOExpired, "operation error SSO OIDC: CreateToken, https response error StatusCode: 400, InvalidGrantException:"},
	{facts.ThrottledCall, "An error occurred (Throttling) when calling the AssumeRole operation (reached max retries: 4): Rate exceeded"},
	{facts.RefreshFailed, "operation error S3: GetObject, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, canceled, context deadline exceeded"},
	{facts.RefreshFailed, "Refreshing temporary credentials failed during mandatory refresh period."},
	{facts.RefreshFailed, "WARNING Refreshing temporary credentials failed during advisory refresh period."},
	{facts.RefreshFailed, "RuntimeError: Credentials were refreshed, but the refreshed credentials are still expired."},
	{facts.RefreshFailed, "CredentialsProviderError: Could not load credentials from any providers"},
	{facts.RefreshFailed, "NoCredentialProviders: no valid providers in chain. Deprecated."},
	{facts.RefreshFailed, "botocore.exceptions.NoCredentialsError: Unable to locate credentials"},
	{facts.RefreshFailed, "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 254"},
	{facts.RefreshFailed, "WARN IMDS credential expiration has been extended to 2026-10-14T10:10:10Z"},
	{facts.RefreshFailed, "Attempting credential expiration extension due to a credential service availability issue"},
	{facts.AccessDenied, "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/payments-api/w1 is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:eu-west-1:111122223333:table/t with an explicit deny in an identity-based policy"},
	{facts.NoSuchRole, "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name gone cannot be found."},
	// The innermost cause, not what wraps it.
	{facts.SessionExpired, "operation error S3: GetObject, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: x, api error ExpiredToken: The security token included in the request is expired"},
	{facts.InvalidCredentials, "failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, api error InvalidClientTokenId: The security token included in the request is invalid"},
	{facts.AssumeDenied, "failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, api error AccessDenied: User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x"},
	{facts.IdentityTokenExpired, "Refreshing temporary credentials failed during mandatory refresh period.\nTraceback (most recent call last):\n  File \"credentials.py\", line 1\nbotocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired: current date/time 1787210550 must be before the expiration date/time 1787209800"},
	// Wrapped in JSON, twice; over several lines.
	{facts.SessionExpired, `{"log":"{\"level\":\"error\",\"msg\":\"An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.\"}"}`},
	{facts.AssumeDenied, `{"msg":"User: arn:aws:sts::1:assumed-role\/a\/b is not authorized to perform: sts:AssumeRole on resource: x"}`},
	{facts.SSOExpired, `{"msg":"please reauthenticate using \u0027aws login\u0027"}`},
	{facts.IdentityTokenExpired, "ERROR pool-1 failed\njava.lang.RuntimeException: x\n\tat a.b.C.d(C.java:1)\nCaused by: software.amazon.awssdk.services.sts.model.ExpiredTokenException: Token expired: current date/time 1787210550 must be before the expiration date/time 1787209800 (Service: Sts, Status Code: 400)\n\t... 12 more"},
	// The same from other SDKs, and from tools around them.
	{facts.SessionExpired, "Aws::DynamoDB::Errors::ExpiredTokenException: The security token included in the request is expired"},
	{facts.SessionExpired, `unhandled error (ExpiredTokenException): Error { code: "ExpiredTokenException", message: "The security token included in the request is expired" }`},
	{facts.SessionExpired, "HTTP response code: 400 Exception name: ExpiredToken Error message: The provided token has expired. 9 response headers"},
	{facts.SessionExpired, "java.nio.file.AccessDeniedException: s3a://lake/part-1: getFileStatus: com.amazonaws.services.s3.model.AmazonS3Exception: The provided token has expired. (Service: Amazon S3; Status Code: 400; Error Code: ExpiredToken)"},
	{facts.SessionExpired, "Error occured: The provided token is expired. while trying to get object"},
	{facts.SessionExpired, "Your AWS session token has expired, please obtain new credentials"},
	{facts.SessionExpired, "fatal: temporary credentials are expired"},
	{facts.SSOExpired, "CredentialsProviderError: The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login with the corresponding profile."},
	{facts.SSOExpired, "The SSO session token associated with profile=dev was not found or is invalid."},
	{facts.SSOExpired, "ProviderError { source: ExpiredToken: the SSO token has expired and cannot be refreshed }"},
	{facts.SSOExpired, "Amazon.Runtime.AmazonClientException: No valid SSO Token could be found."},
	{facts.RefreshFailed, "org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No AWS Credentials provided by IAMInstanceCredentialsProvider"},
	{facts.RefreshFailed, "Unable to get IAM security credentials from EC2 Instance Metadata Service."},
	{facts.RefreshFailed, "CredentialsError: Missing credentials in config, if using AWS_CONFIG_FILE, set AWS_SDK_LOAD_CONFIG=1"},
	{facts.RefreshFailed, "Error retrieving credentials from the instance profile metadata service. (cURL error 28: Connection timed out)"},
	{facts.RefreshFailed, "Aws::Errors::MissingCredentialsError: unable to sign request without credentials set"},
	{facts.RefreshFailed, "no providers in chain provided credentials"},
	{facts.RefreshFailed, "Error: No valid credential sources found"},
	{facts.AssumeDenied, "Error when retrieving credentials from container-role: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role, fault: client"},
	{facts.AccessDenied, "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"},
	{facts.AccessDenied, "software.amazon.awssdk.services.s3.model.S3Exception: Access Denied (Service: S3, Status Code: 403, Request ID: A)"},
	{facts.LookAlike, "org.ietf.jgss.GSSException: No valid credentials provided (Mechanism level: Ticket expired (32))"},
	{facts.LookAlike, "x509: certificate has expired or is not yet valid: current time 2026-05-06T09:12:44Z is after 2026-05-06T00:00:00Z"},
	{facts.LookAlike, "[{'message': 'Session expired or invalid', 'errorCode': 'INVALID_SESSION_ID'}]"},
	{facts.LookAlike, `JWTExpired: "exp" claim timestamp check failed`},
	{facts.LookAlike, `FATAL: PAM authentication failed for user "app"`},
	{facts.LookAlike, "AWS Cognito: access token has expired"},
	// Other people's tokens.
	{facts.LookAlike, "TokenExpiredError: jwt expired\n    at /app/node_modules/jsonwebtoken/verify.js:190:21"},
	{facts.LookAlike, "io.jsonwebtoken.ExpiredJwtException: JWT expired 435133 milliseconds ago at 2026-02-10T15:20:48.000Z."},
	{facts.LookAlike, `{"level":"warn","msg":"401 from identity","error":"access token expired","user":"u-643"}`},
	{facts.LookAlike, "TokenExpiredException: The Token has expired on 2026-02-10T15:20:48Z."},
	{facts.LookAlike, "oauth2: invalid_grant: refresh token is expired"},
	{facts.LookAlike, "NotAuthorizedException: Access Token has expired"},
	{facts.LookAlike, "AuthError: Your single sign-on session has expired, please log in again (realm=customers)"},
	{facts.SSOExpired, "Your session has expired. Please reauthenticate using 'aws login'."},
}

func TestEverySentenceHasItsKind(t *testing.T) {
	for _, tt := range spelled {
		for name, text := range map[string]string{"as it is": tt.text, "in JSON": `{"m":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(tt.text) + `"}`, "indented": "2026-10-14 ERROR worker-1  " + tt.text + " (attempt 3)"} {
			got, ok := readLine(text)
			if !ok || got.Kind != tt.kind {
				t.Errorf("%s: %q is %q, want %q", name, text, got.Kind, tt.kind)
			}
		}
	}
}

func TestOtherLinesSayNothing(t *testing.T) {
	for _, text := range []string{
		`{"level":"info","msg":"GET /healthz","status":200,"ms":836}`,
		"cache entry expired after 300 s",
		"TLS certificate has expired",
		"user session expired, redirecting to login",
		"issued token, expires in 3600",
		"subscription expired for customer 12",
		"Throttling requests to backend: 20 rps",
		"An error occurred (ThrottlingException) when calling the DescribeInstances operation: Rate exceeded",
		"AccessDenied page viewed by user",
		"role payments-api assumed",
		"",
	} {
		if got, ok := readLine(text); ok {
			t.Errorf("%q is taken for %q", text, got.Kind)
		}
	}
}

// What a signature knows and the filters do not look for would never be read.
func TestEverySentenceIsFound(t *testing.T) {
	for _, tt := range spelled {
		found := false
		for _, a := range anchors {
			found = found || strings.Contains(tt.text, a)
		}
		if !found {
			t.Errorf("no anchor finds %q, minding case", tt.text)
		}
	}
	for _, p := range filterPatterns() {
		if len(p) > filterPattern {
			t.Errorf("a filter pattern is %d long: %s", len(p), p)
		}
	}
	for _, a := range anchors {
		if slices.ContainsFunc(anchors, func(o string) bool { return o != a && strings.Contains(a, o) }) {
			t.Errorf("the anchor %q is found by a shorter one", a)
		}
	}
	if len(lineFilter) > 10_000 {
		t.Errorf("the query is %d letters long, more than Logs Insights takes", len(lineFilter))
	}
}

func TestWhatALineTells(t *testing.T) {
	at := func(s string) time.Time { return must(time.Parse(time.RFC3339, s)) }
	tests := map[string]struct {
		text string
		want reading
	}{
		"both epochs": {"ExpiredTokenException: Token expired: current date/time 1787210550 must be before the expiration date/time 1787209800",
			reading{Kind: facts.IdentityTokenExpired, Code: "ExpiredTokenException", Now: time.Unix(1787210550, 0).UTC(), Until: time.Unix(1787209800, 0).UTC()}},
		"no space before the second": {"Token expired: current date/time 1787210550 must be before the expiration date/time1787209800",
			reading{Kind: facts.IdentityTokenExpired, Now: time.Unix(1787210550, 0).UTC(), Until: time.Unix(1787209800, 0).UTC()}},
		"ISO times with a full stop and a comma": {"The token included in the request is expired: current date/time 2026-08-20T10:02:30Z must be before the expiration date/time 2026-08-20T09:50:00Z., fault: client",
			reading{Kind: facts.IdentityTokenExpired, Now: at("2026-08-20T10:02:30Z"), Until: at("2026-08-20T09:50:00Z")}},
		"clock behind": {"Signature expired: 20261014T101010Z is now earlier than 20261014T101510Z (20261014T102010Z - 5 min.)",
			reading{Kind: facts.Skew, Now: at("2026-10-14T10:20:10Z"), Until: at("2026-10-14T10:10:10Z")}},
		"clock ahead": {"Signature not yet current: 20261014T113000Z is still later than 20261014T102000Z (20261014T101500Z + 5 min.)",
			reading{Kind: facts.Skew, Now: at("2026-10-14T10:15:00Z"), Until: at("2026-10-14T11:30:00Z")}},
		"S3's skew": {"<Code>RequestTimeTooSkewed</Code><RequestTime>20261014T101010Z</RequestTime><ServerTime>2026-10-14T10:40:10Z</ServerTime>",
			reading{Kind: facts.Skew, Code: "RequestTimeTooSkewed", Now: at("2026-10-14T10:40:10Z"), Until: at("2026-10-14T10:10:10Z")}},
		"the call within the call": {"operation error S3: GetObject, failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, api error ExpiredToken: x",
			reading{Kind: facts.SessionExpired, Code: "ExpiredToken", Call: "AssumeRole"}},
		"roles, sessions, accounts": {"User: arn:aws:sts::333344445555:assumed-role/importer/i-04 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/team/a/partner-drop.",
			reading{Kind: facts.AssumeDenied, Call: "AssumeRole", Roles: []string{"importer", "partner-drop"}, Sessions: []string{"importer/i-04"}, Accounts: []string{"111122223333", "333344445555"}}},
		"a denied call of another service": {"User: arn:aws:sts::111122223333:assumed-role/app/x is not authorized to perform: s3:GetObject on resource: y",
			reading{Kind: facts.AccessDenied, Call: "GetObject", Roles: []string{"app"}, Sessions: []string{"app/x"}, Accounts: []string{"111122223333"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := readLine(tt.text)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRecordKind(t *testing.T) {
	tests := []struct {
		event, code, message string
		want                 facts.Kind
	}{
		{"AssumeRole", "AccessDenied", "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/b", facts.AssumeDenied},
		{"AssumeRole", "AccessDenied", "", facts.AssumeDenied},
		{"AssumeRoleWithWebIdentity", "AccessDenied", "An unknown error occurred", facts.AssumeDenied},
		{"AssumeRole", "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", facts.MFAFailed},
		{"AssumeRole", "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", facts.DurationAboveRole},
		{"AssumeRole", "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", facts.DurationAboveChain},
		{"AssumeRole", "ValidationError", "1 validation error detected: Value '1' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", facts.DurationInvalid},
		{"AssumeRole", "ValidationError", "1 validation error detected: Value '' at 'roleSessionName'", facts.OtherFailure},
		{"AssumeRoleWithWebIdentity", "ExpiredTokenException", "Token expired: current date/time 1 must be before the expiration date/time 0", facts.IdentityTokenExpired},
		{"AssumeRoleWithSAML", "ExpiredTokenException", "Response has expired", facts.IdentityTokenExpired},
		{"AssumeRoleWithSAML", "ExpiredTokenException", "", facts.IdentityTokenExpired},
		{"AssumeRole", "ExpiredToken", "The security token included in the request is expired", facts.SessionExpired},
		{"AssumeRole", "ExpiredTokenException", "", facts.SessionExpired},
		{"AssumeRoleWithWebIdentity", "InvalidIdentityToken", "Incorrect token audience", facts.IdentityProviderBad},
		{"AssumeRoleWithWebIdentity", "IDPCommunicationError", "", facts.IdentityProviderBad},
		{"AssumeRoleWithWebIdentity", "IDPRejectedClaim", "", facts.IdentityTokenExpired},
		{"AssumeRole", "RegionDisabledException", "", facts.RegionOff},
		{"AssumeRole", "ThrottlingException", "Rate exceeded", facts.ThrottledCall},
		{"AssumeRole", "Throttling", "", facts.ThrottledCall},
		{"AssumeRole", "InvalidClientTokenId", "", facts.InvalidCredentials},
		{"AssumeRole", "SignatureDoesNotMatch", "Signature expired: 20261014T101010Z is now earlier than 20261014T101510Z", facts.Skew},
		{"AssumeRole", "PackedPolicyTooLarge", "", facts.OtherFailure},
		{"AssumeRole", "MalformedPolicyDocument", "", facts.OtherFailure},
		{"GetSessionToken", "AccessDenied", "Cannot call GetSessionToken with session credentials", facts.AssumeDenied},
	}
	for _, tt := range tests {
		r := cloudtrail.Record{EventSource: "sts.amazonaws.com", EventName: tt.event, ErrorCode: tt.code, ErrorMessage: tt.message}
		if got := recordKind(r); got != tt.want {
			t.Errorf("%s %s %q is %s, want %s", tt.event, tt.code, tt.message, got, tt.want)
		}
	}
}

func FuzzReadLine(f *testing.F) {
	for _, tt := range spelled {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c lineCollection
		c.add("g", "s", text, time.Unix(0, 0))
		for _, l := range c.lines {
			if n := len([]rune(l.Text)); n > lineLength+1 {
				t.Errorf("a line of %d letters is kept", n)
			}
		}
	})
}
