package redact

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	keyID   = "ASIATUND744XWWS7KLOB"
	secret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzZ9v1Qa2bT"
	session = "IQoJb3JpZ2luX2VjEXOFZLBn7M86mu0SqT3Z7pO7NS2HSz90VwNns5Eo3+rAJUYzYzoKJKI2Uh7zw9wTi+aBp5si/Zq=="
	jwt     = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImFiYyJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
	saml    = "PHNhbWxwOlJlc3BvbnNlIHhtbG5zOnNhbWxwPSJ1cm46b2FzaXM6bmFtZXM6dGM6U0FNTDoyLjA6cHJvdG9jb2wi"
)

// wrap breaks a text into lines as MIME does.
func wrap(s, by string) string {
	var parts []string
	for len(s) > 32 {
		parts, s = append(parts, s[:32]), s[32:]
	}
	return strings.Join(append(parts, s), by)
}

func TestSecretsAreCut(t *testing.T) {
	quoted, _ := json.Marshal(`{"sessionToken":"` + session + `","password":"hunter2!"}`)
	tests := map[string]struct {
		in   string
		gone []string
		kept []string
	}{
		"access key id":               {"key " + keyID + " is old", []string{keyID}, []string{"ASIA…KLOB", "is old"}},
		"long-term key id":            {"AKIAIOSFODNN7EXAMPLE", []string{"IOSFODNN7"}, []string{"AKIA…MPLE"}},
		"key id behind an escape":     {`\n` + keyID, []string{keyID}, []string{`\nASIA…KLOB`}},
		"key id in a URL":             {"?Credential%3D" + keyID + "%2F20261014", []string{keyID}, []string{"%2F20261014"}},
		"secret key by name":          {"AWS_SECRET_ACCESS_KEY=" + secret + " region=eu-west-1", []string{secret}, []string{"region=eu-west-1"}},
		"secret key in JSON":          {`{"SecretAccessKey":"` + secret + `","Expiration":"2026-01-01"}`, []string{secret}, []string{`"Expiration":"2026-01-01"`}},
		"secret key bare":             {"got " + secret + " back", []string{secret}, []string{"got ", " back"}},
		"secret key set by CLI":       {"aws configure set aws_secret_access_key " + secret, []string{secret}, nil},
		"secret key URL-encoded":      {"secretAccessKey=" + url.QueryEscape(secret) + "&x=1", []string{url.QueryEscape(secret)}, []string{"&x=1"}},
		"session token":               {"token " + session + " used", []string{session, "JUYzYzoK"}, []string{"token ", " used"}},
		"session token URL-encoded":   {"t=" + url.QueryEscape(session) + "&a=b", []string{"JUYzYzoK", "aBp5si"}, []string{"&a=b"}},
		"session token wrapped":       {"t:\n" + wrap(session, "\n") + "\nnext line", []string{"JUYzYzoK", "aBp5si"}, []string{"next line"}},
		"session token escaped break": {"t: " + wrap(session, `\n`) + `\nnext`, []string{"JUYzYzoK", "aBp5si"}, []string{"next"}},
		"session token slash escaped": {"t: " + strings.ReplaceAll(session, "/", `\/`), []string{"JUYzYzoK", "Zq=="}, nil},
		"old session token":           {"FwoGZXIvYXdzEBYaDHqa0AP1kF9Yx6sdfJKLMNQR", []string{"0AP1kF9Y"}, nil},
		"older session token":         {"FQoDYXdzEPP//////////wEaDPv5GPAhRW8pw6/nsiKsAZu7sZDCXPtEBEurxmvyV1r+nWy1I4VPbdIJV+iDnotwS3PKIyj+yDnOeigMf2yp9y2Dg9D7r51vWUyUQQfceZi9/8Ghy38RcOnWImhNdVP5zl1zh85FHz6ytePo+puHZwfTkuAQHj38gy6VF/14GU17qDcPTfjhbETGqEmh8QX6xfmWlO0ZrTmsAo4ZHav8yzbbl3oYdCLICOjMhOO1oY+B/DiURk3ZLPjaXyoo2Iql2QU=", []string{"RW8pw6", "Jbbl3oY"}, nil},
		"JSON web token":              {"bearer is " + jwt + ".", []string{"eyJzdWIi", "SflKxwRJ"}, []string{"bearer is "}},
		"JSON web token wrapped":      {"jwt=" + wrap(jwt, "\r\n"), []string{"SflKxwRJ", "adQssw5c"}, nil},
		"JSON web token cut off":      {"jwt " + jwt[:60], []string{"eyJzdWIi"}, nil},
		"SAML encoded":                {"SAMLResponse " + saml + " end", []string{saml[8:40]}, []string{" end"}},
		"SAML as XML document":        {"PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iVVRGLTgiPz4=", []string{"dmVyc2lvbj0i"}, nil},
		"SAML as XML": {`got <saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"><saml2:Subject>ann</saml2:Subject></saml2:Assertion> ok`,
			[]string{"Subject", "ann"}, []string{"got ", " ok"}},
		"SAML as XML without an end": {`<samlp:Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"><x>ann</x>`, []string{"ann"}, nil},
		"SAML URL-encoded":           {"a=" + url.QueryEscape(`<saml:Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion">ann</saml:Assertion>`), []string{"ann"}, nil},
		"Slack bot token":            {"token xoxb-2345678901-abcdefGHIJ rest", []string{"abcdefGHIJ"}, []string{" rest"}},
		"Slack app token":            {"xapp-1-A0123-456-abcdef0123456789", []string{"abcdef0123"}, nil},
		"Slack rotating token":       {"xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTA", []string{"Mi0yLTEy"}, nil},
		"Slack webhook":              {"https://hooks.slack.com/services/T000/B000/XXXXabcd", []string{"XXXXabcd"}, []string{"hooks.slack.com"}},
		"SigV4 header": {"Authorization: AWS4-HMAC-SHA256 Credential=" + keyID + "/20261014/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0123456789abcdef", 4),
			[]string{keyID, "0123456789abcdef"}, []string{"Authorization"}},
		"bearer header":         {`"Authorization":"Bearer abcdefghijklmnop1234","x":1`, []string{"abcdefghijklmnop"}, []string{`"x":1`}},
		"basic header":          {"authorization: Basic dXNlcjpwYXNz", []string{"dXNlcjpwYXNz"}, nil},
		"signed URL":            {"https://s3/x?X-Amz-Credential=" + keyID + "%2F2026&X-Amz-Security-Token=FAKEtokEN12%2B&X-Amz-Signature=abcd1234&X-Amz-Expires=900", []string{keyID, "FAKEtokEN12", "abcd1234"}, []string{"X-Amz-Expires=900"}},
		"security token header": {"x-amz-security-token: AbCd/efGh123", []string{"AbCd/efGh123"}, nil},
		"private key": {"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----\nafter",
			[]string{"MIIEow"}, []string{"after"}},
		"private key cut off":     {"-----BEGIN PRIVATE KEY-----\\nMIIEow", []string{"MIIEow"}, nil},
		"password":                {"user=ann password=hunter2! db=x", []string{"hunter2"}, []string{"user=ann", "db=x"}},
		"password with quotes":    {`{"DB_PASSWORD": "a \"b\" c", "n": 1}`, []string{`b\"`}, []string{`"n": 1`}},
		"fields in escaped JSON":  {string(quoted), []string{"hunter2", "JUYzYzoK"}, []string{"password"}},
		"password flag":           {"cli --password hunter2 --region x", []string{"hunter2"}, []string{"--region x"}},
		"client secret":           {"client_secret: abc-def", []string{"abc-def"}, nil},
		"token code":              {"TokenCode=123456", []string{"123456"}, nil},
		"single-quoted":           {"'secret': 'xyz'", []string{"xyz"}, nil},
		"long encoded of no name": {strings.Repeat("aB3dE9fG1hJ7", 10), []string{"aB3dE9"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := String(tt.in)
			for _, s := range tt.gone {
				if strings.Contains(got, s) {
					t.Errorf("String(%q) = %q, still has %q", tt.in, got, s)
				}
			}
			for _, s := range tt.kept {
				if !strings.Contains(got, s) {
					t.Errorf("String(%q) = %q, lost %q", tt.in, got, s)
				}
			}
			if again := String(got); again != got {
				t.Errorf("twice: %q became %q", got, again)
			}
		})
	}
}

func TestOrdinaryTextStays(t *testing.T) {
	for _, s := range []string{
		"",
		"botocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the GetItem operation: The security token included in the request is expired",
		"User: arn:aws:sts::333344445555:assumed-role/importer-v2/i-040799ef385754a7d is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/partner-drop (Service: Sts, Status Code: 403, Request ID: 373c4926-a5ad-4204-8653-ca98af197f62)",
		"Token expired: current date/time 1787210550 must be before the expiration date/time 1787209800",
		"Signature expired: 20261014T101010Z is now earlier than 20261014T101510Z (20261014T102510Z - 15 min.)",
		"Your authorization token has expired. Reauthenticate and try again.",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"AROAJ2QRND5P2YF6O37XL"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`,
		"commit 8f0f8c7d1e2a3b4c5d6e7f8091a2b3c4d5e6f708 deployed",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf",
		"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/ap-southeast-2/AWSReservedSSO_Admin_0123456789abcdef",
		"arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/checkout-web-production/50dc6c495c0c9188",
		`{"level":"warn","msg":"401 from identity","error":"access token expired","user":"u-643"}`,
		"x-amz-request-id: 4442587FB7D0A2F9, extended NzX3mZ1sQ8hR5tYuWvXyZaBcDeFgHiJkLmNoPqRsTuVw=",
		"TokenExpiredError: jwt expired\n    at /app/node_modules/jsonwebtoken/verify.js:190:21\n    at getSecret (/app/node_modules/jsonwebtoken/verify.js:97:14) {\n  expiredAt: 2026-02-10T16:46:17.000Z\n}",
		"No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
		"Unable to locate credentials. You can configure credentials by running \"aws configure\".",
		"password: null, token: expired, secret=***",
		"/usr/local/lib/python3.12/site-packages/botocore/credentials.py line 1021 in _protected_refresh",
		"SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login",
		"aws-sdk-java/2.28.11 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.226-214.880.amzn2.x86_64 lang/java#17.0.12 md/OpenJDK_64-Bit_Server_VM#17.0.12+7-LTS",
		"ASIAPACIFICREGIONALOFFICES",
	} {
		if got := String(s); got != s {
			t.Errorf("String changed ordinary text:\n in %q\nout %q", s, got)
		}
	}
}

func TestJSONCutsByFieldName(t *testing.T) {
	in := `{"responseElements":{"credentials":{"accessKeyId":"` + keyID + `","sessionToken":"short","expiration":"Oct 13, 2026, 6:21:22 AM"}},
		"requestParameters":{"sAMLAssertion":"x","WebIdentityToken":"y","tokenCode":123456,"roleArn":"arn:aws:iam::111122223333:role/a","n":12345678901234567890,"list":["` + jwt + `"]}}`
	got := string(JSON([]byte(in)))
	want := strings.NewReplacer(`"short"`, `"[cut]"`, `"x"`, `"[cut]"`, `"y"`, `"[cut]"`, "123456,", `"[cut]",`, jwt, Mark, keyID, Key(keyID)).Replace(in)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := string(JSON([]byte(got))); again != got {
		t.Errorf("twice: %s", again)
	}
	if got := string(JSON([]byte("not JSON " + session))); strings.Contains(got, "JUYzYzoK") {
		t.Errorf("plain text: %s", got)
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{keyID: "ASIA…KLOB", "ASIA…KLOB": "ASIA…KLOB", "": "", "short": Mark, "AKIA12345": "AKIA…2345"} {
		if got := Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every line of the example captures' application logs must come through as it
// is: they hold no secret.
func TestExampleLogsStay(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/captures/*/logs/*.jsonl")
	if len(files) == 0 {
		t.Skip("no example captures here")
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(raw) {
			var e struct{ Message string }
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			if got := String(e.Message); got != e.Message {
				t.Errorf("%s:\n in %q\nout %q", f, e.Message, got)
			}
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{keyID, session, jwt, saml, "password=[cut]", `"secret":"a\"b"`, "Authorization: Bearer [cut]", "-----BEGIN PRIVATE KEY-----", wrap(jwt, `\n`), secret + jwt, "token=" + secret + "=" + secret} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// A secret must go whatever stands around it.
		once := String(s)
		if twice := String(once); twice != once {
			t.Errorf("not idempotent: %q became %q and then %q", s, once, twice)
		}
		for _, hidden := range []string{keyID, session, jwt} {
			if strings.Contains(s, hidden) {
				continue // in a longer word it is none
			}
			if got := String(s + " " + hidden + " " + s); strings.Contains(got, hidden) {
				t.Errorf("%q is still in %q", hidden, got)
			}
		}
	})
}

func TestHeadEndsBetweenWords(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		name, in, want string
		n              int
	}{
		{"it fits", "one two", "one two", 7},
		{"a word is left out whole", "one " + secret, "one", 20},
		{"a line", "one\n" + secret, "one", 20},
		{"a word longer than any secret is cut", "one " + long, "one " + long[:556], 560},
		{"a letter of several bytes is left out whole", "éé", "é", 3},
		{"and stays whole", "ééé", "éé", 4},
		{"nothing", "one", "", 0},
	} {
		if got := Head(c.in, c.n); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
