// Package redact cuts secrets out of text that leaves the process: Slack
// messages, stored facts, logs and report files.
//
// In comes any text, typically an application log line or a CloudTrail record;
// out goes the same text with what could open something replaced by Mark and
// access key ids masked to their prefix and last four letters. It goes by shape
// (String) and, for JSON, also by field name (JSON). Both are idempotent, and
// ordinary text (ARNs, request ids, git hashes, policy documents) stays as it is.
package redact

import (
	"regexp"
	"slices"
	"strings"
)

// Mark stands where a secret was.
const Mark = "[cut]"

// A base64 letter in either alphabet, plain, URL-encoded or JSON-escaped.
const letter = `(?:[A-Za-z0-9+/=_-]|%[0-9A-Fa-f]{2}|\\/|\\u00[0-9A-Fa-f]{2})`

var (
	// privateKey runs to its end line, or to the end of a text that was cut off.
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)`)

	// assertion is a SAML response or assertion as XML, plain, as an entity,
	// JSON-escaped or URL-encoded.
	assertion = regexp.MustCompile(`(?is)(?:<|&lt;|\\u003c|%3c)(?:[a-z0-9]+(?::|%3a))?(?:Assertion|Response|EncryptedAssertion)(?:\s|\\n|%20|\+|>|&gt;|\\u003e|%3e)[^\n]*?(?:SAML|urn(?::|%3a)oasis).*?(?:(?:</|&lt;/|\\u003c\\?/|%3c%2f)(?:[a-z0-9]+(?::|%3a))?(?:Assertion|Response|EncryptedAssertion)(?:>|&gt;|\\u003e|%3e)|$)`)

	// sigV4 is an Authorization header's value wherever it stands.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
	sigV4 = regexp.MustCompile(`AWS4-[A-Z0-9-]+\s+Credential=[^\r\n"'\\]*`)
	// authorization is any other scheme's, up to the end of its quotes or line.
	authorization = regexp.MustCompile(`(?i)((?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?)((?:aws|bearer|basic|negotiate|digest|token|ntlm|apikey)\s+[^\r\n"'\\]+)`)
	bearer        = regexp.MustCompile(`(?i)(\bbearer\s+)([A-Za-z0-9._~+/=-]{16,})`)

	// amzParameter is a signed URL's or header's part that grants something.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
	amzParameter = regexp.MustCompile(`(?i)(x-amz-(?:security-token|signature|credential|s3session-token)\\*["']?\s*(?:=|%3d|:)\s*\\*["']?)([^\s&"'\\,;}\]]+)`)
	signature    = regexp.MustCompile(`(?i)(signature\\*["']?\s*[:=]\s*\\*["']?)([0-9a-f]{64})\b`)

	// field is name=value, name: value, "name":"value" (escaped or not) and
	// --name value, for names whose values are secrets whatever they look like.
	field = regexp.MustCompile(`(?i)((?:secret[_-]?(?:access)?[_-]?key|client[_-]?secret|passw(?:or)?d|passphrase|\bpwd|(?:session|security|id|access|refresh|auth|identity|bearer|bot|app|signing)[_-]?token|saml[_-]?(?:assertion|response)|token[_-]?code|api[_-]?key|private[_-]?key|device[_-]?code|signing[_-]?secret|(?:^|[^:/a-z])secret)\\*["']?(?:\s*(?:=|%3d|:)\s*|\s+(?:=>)\s*))("(?:[^"\\]|\\.)*"?|\\+"(?:[^"\\]|\\[^"])*\\*"?|'[^']*'?|[^\s,;&"'(){}<>\]\[]+)`)
	flag  = regexp.MustCompile(`(?i)(--?(?:secret[_-]access[_-]key|session[_-]token|password|token|token-code|client-secret|web-identity-token|saml-assertion)\s+)("[^"]*"?|'[^']*'?|[^\s"']+)`)
	// bareToken is a field that is often harmless: only a long value is cut.
	bareToken = regexp.MustCompile(`(?i)(\btoken\\*["']?\s*[:=]\s*\\*["']?)([A-Za-z0-9._~+/=-]{24,})`)
	// spelledSecret is `aws configure set aws_secret_access_key VALUE` and the like.
	spelledSecret = regexp.MustCompile(`(?i)(secret[_ -]?(?:access[_ -]?)?key\W{0,4}(?:is|was|to)?\s+)([A-Za-z0-9+/]{40})`)

	// blob begins as only encoded SAML, JSON web tokens and AWS session tokens
	// do: <saml, <?xml, <Response, <Assertion; {"; the session tokens of STS.
	blob = regexp.MustCompile(`(?:PHNhbWx|PD94bWw|PFJlc3BvbnNl|PEFzc2VydGlvb|eyJ[A-Za-z0-9_-]{8}|IQoJ|IQo[A-Z]b3JpZ2lu|F[wQ]o[A-Z]ZXIv|F[wQ]o[GD]|A[gQ]o[A-Z](?:b3Jp|YXdz|ZXIv)|AQoD)` + letter + `{12,}(?:\.` + letter + `*){0,4}`)

	slackToken   = regexp.MustCompile(`xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{6,}|xapp-[A-Za-z0-9-]{6,}|xwfp-[A-Za-z0-9-]{6,}`)
	slackWebhook = regexp.MustCompile(`(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_-]+`)

	encoded   = regexp.MustCompile(letter + `{40,}`)
	accessKey = regexp.MustCompile(`(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}`)
)

// String cuts what has the shape of a secret.
func String(s string) string {
	// Most text holds none: looking for a telling word first costs next to nothing.
	low := strings.ToLower(s)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
	}
	if has("private key") {
		s = privateKey.ReplaceAllString(s, Mark)
	}
	if has("assertion", "response") {
		s = assertion.ReplaceAllString(s, Mark)
	}
	if has("aws4-") {
		s = sigV4.ReplaceAllString(s, Mark)
	}
	for _, n := range []struct {
		words []string
		text  *regexp.Regexp
	}{
		{[]string{"authorization"}, authorization}, {[]string{"bearer"}, bearer}, {[]string{"x-amz-"}, amzParameter}, {[]string{"signature"}, signature},
		{[]string{"secret", "passw", "passphrase", "pwd", "token", "saml", "key"}, field}, {[]string{"-secret", "-session", "-password", "-token", "-client", "-web-identity", "-saml"}, flag},
		{[]string{"token"}, bareToken}, {[]string{"secret"}, spelledSecret},
	} {
		if has(n.words...) {
			s = cutValue(n.text, s)
		}
	}
	s = cutBlobs(s)
	if has("xox", "xapp", "xwfp") {
		s = slackToken.ReplaceAllString(s, Mark)
	}
	if has("hooks.slack") {
		s = slackWebhook.ReplaceAllString(s, "${1}"+Mark)
	}
	if longRun(s) {
		s = encoded.ReplaceAllStringFunc(s, func(m string) string {
			if random(m) {
				return Mark
			}
			return m
		})
	}
	return maskKeys(s)
}

// longRun says whether a text has a run that could be a secret access key or
// longer.
func longRun(s string) bool {
	run := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("+/=_-%\\", c) >= 0:
			if run++; run >= 40 {
				return true
			}
		default:
			run = 0
		}
	}
	return false
}

// Key masks an access key id: ASIA…WXYZ. It is enough to tell keys apart and of
// no use to anybody. What is no key id is masked the same way; up to eight
// letters, where nothing would be hidden, become Mark.
func Key(id string) string {
	if id == "" || strings.Contains(id, "…") || id == Mark {
		return id
	}
	r := []rune(id)
	if len(r) <= 8 {
		return Mark
	}
	return string(r[:4]) + "…" + string(r[len(r)-4:])
}

// maskKeys masks every access key id; the letters around it do not matter,
// since an escaped line break or a URL's %3D may stand right before it.
func maskKeys(s string) string {
	var b strings.Builder
	for {
		at := accessKey.FindStringIndex(s)
		if at == nil {
			break
		}
		end := at[1]
		if end < len(s) && (s[end] >= 'A' && s[end] <= 'Z' || s[end] >= '0' && s[end] <= '9') {
			// Longer than a key id: some other identifier that begins alike.
			b.WriteString(s[:at[0]+4])
			s = s[at[0]+4:]
			continue
		}
		b.WriteString(s[:at[0]])
		b.WriteString(Key(s[at[0]:end]))
		s = s[end:]
	}
	b.WriteString(s)
	return b.String()
}

// cutValue replaces the second group of a match and keeps the quotes around it.
func cutValue(re *regexp.Regexp, s string) string {
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		from, to := m[4], m[5]
		for from < to && strings.IndexByte(`\"'`, s[from]) >= 0 {
			from++
		}
		for to > from && strings.IndexByte(`\"'`, s[to-1]) >= 0 {
			to--
		}
		value := s[from:to]
		if value == "" || strings.HasPrefix(value, strings.TrimSuffix(Mark, "]")) || harmless(value) {
			continue
		}
		b.WriteString(s[last:from])
		b.WriteString(Mark)
		last = to
	}
	b.WriteString(s[last:])
	return b.String()
}

// harmless values say that there is no secret.
func harmless(v string) bool {
	switch strings.ToLower(strings.TrimRight(v, ".")) {
	case "null", "none", "nil", "true", "false", "undefined", "expired", "invalid", "missing", "empty", "not", "the", "is", "***", "****":
		return true
	}
	return strings.Trim(v, "*") == ""
}

// blobStarts are how blob's alternatives begin.
var blobStarts = []string{"PHNh", "PD94", "PFJl", "PEFz", "eyJ", "IQo", "Fwo", "FQo", "Ago", "AQo"}

// cutBlobs cuts encoded documents and tokens with all their wrapped lines.
func cutBlobs(s string) string {
	if !slices.ContainsFunc(blobStarts, func(start string) bool { return strings.Contains(s, start) }) {
		return s
	}
	var b strings.Builder
	for {
		at := blob.FindStringIndex(s)
		if at == nil {
			break
		}
		b.WriteString(s[:at[0]])
		b.WriteString(Mark)
		s = s[at[1]+wrapped(s[at[1]:]):]
	}
	b.WriteString(s)
	return b.String()
}

var nextLine = regexp.MustCompile(`^(?:\s*(?:\r?\n|\\r\\n|\\\\n|\\n|%0[Aa]|%0[Dd]%0[Aa])[ \t]*)+(` + letter + `+(?:\.` + letter + `+)*)`)

// wrapped is how much of the text after a blob is the blob's next lines: line
// breaks, raw, escaped or URL-encoded, followed by what looks encoded and not
// like a word.
func wrapped(rest string) int {
	n := 0
	for {
		m := nextLine.FindStringSubmatchIndex(rest[n:])
		if m == nil {
			return n
		}
		line := rest[n+m[2] : n+m[3]]
		if len(line) < 200 && !mixed(line) && !strings.HasSuffix(line, "=") {
			return n
		}
		n += m[1]
	}
}

// mixed says whether a run has capitals, small letters and digits together, as
// encoded bytes of some length have and words have not.
func mixed(s string) bool {
	upper, lower, digit, _ := letters(s)
	return upper > 0 && lower > 0 && (digit > 0 || len(s) >= 16 && upper > 3)
}

// random says whether a run of base64 is encoded bytes: exactly as long as a
// secret access key, or long; with letters spread as chance spreads them. A
// path, a hash or a name of that length is not.
func random(s string) bool {
	upper, lower, digit, other := letters(s)
	n := upper + lower + digit + other
	if n != 40 && n < 100 {
		return false
	}
	if n == 40 && (strings.ContainsAny(s, "=_-%\\")) {
		return false
	}
	return upper*5 >= n && lower*5 >= n && digit*25 >= n && other*10 <= n
}

func letters(s string) (upper, lower, digit, other int) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		case c >= '0' && c <= '9':
			digit++
		default:
			other++
		}
	}
	return
}
