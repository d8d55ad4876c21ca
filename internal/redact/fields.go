package redact

import "strings"

// kind says which values of a field are secrets.
type kind int

const (
	none  kind = iota
	any_       // whatever it is
	code       // of an MFA device: digits
	hex        // the digits of a signature
	long       // a name that is often harmless: only what looks like a token
	rest       // all up to the end of the line: cookies
	grant      // an Authorization header: all up to the end of the line, if it grants something
)

// names are those of fields with secrets, as they end, without case, dashes,
// underscores and dots; whole ones must begin a word, so that InvalidToken is no
// id token. The longer ones stand before those that end alike.
var names = []struct {
	end   string
	whole bool
	kind  kind
}{
	{"tokencode", false, code}, {"mfacode", false, code}, {"mfatoken", false, code}, {"otp", true, code}, {"totp", true, code}, {"verificationcode", false, code}, {"devicecode", false, any_},
	{"secretaccesskey", false, any_}, {"secretkey", false, any_}, {"apikey", false, any_}, {"privatekey", false, any_}, {"signingkey", true, any_},
	{"sessiontoken", false, any_}, {"securitytoken", false, any_}, {"identitytoken", false, any_}, {"accesstoken", false, any_}, {"refreshtoken", false, any_},
	{"authtoken", false, any_}, {"bearertoken", false, any_}, {"bottoken", false, any_}, {"apptoken", true, any_}, {"idtoken", true, any_}, {"signingtoken", false, any_},
	{"samlassertion", false, any_}, {"samlresponse", false, any_}, {"xamzcredential", false, any_}, {"xamzsignature", false, any_},
	{"clientsecret", false, any_}, {"signingsecret", false, any_}, {"appsecret", false, any_}, {"sharedsecret", false, any_}, {"secret", true, any_},
	{"secretstring", false, any_}, {"secretbinary", false, any_}, {"password", false, any_}, {"passwd", false, any_}, {"passphrase", false, any_}, {"pwd", true, any_},
	{"dbpass", false, any_}, {"redispass", false, any_}, {"userpass", false, any_}, {"credentialsecret", false, any_},
	{"token", false, long}, {"signature", false, hex}, {"setcookie", false, rest}, {"cookie", true, rest}, {"authorization", false, grant},
}

// namesBy are names by their last letter.
var namesBy = func() (t [256][]int) {
	for i, n := range names {
		last := n.end[len(n.end)-1]
		t[last] = append(t[last], i)
	}
	return t
}()

// tails may follow a name: aws_session_token_value, DB_PASSWORD_2.
var tails = []string{"value", "text", "string", "raw", "plain", "base64", "b64", "encoded", "json", "header"}

// verbs begin the names of AWS's errors and operations, which are no fields:
// ExpiredToken, InvalidIdentityToken, GetSessionToken.
var verbs = []string{"Expired", "Invalid", "Missing", "Malformed", "Revoked", "Incorrect", "Unknown", "Unsupported", "Bad", "Get", "get", "Create", "Delete", "Refresh", "Decode", "Validate", "Put", "Update", "Rotate"}

// longestName is as much of a name as is looked at.
const longestName = 64

// secretName says what kind of field a name is.
func secretName(name string) kind {
	if len(name) < 3 {
		return none
	}
	if len(name) > longestName {
		name = name[len(name)-longestName:]
	}
	last := name[len(name)-1] | 0x20
	if last < 'a' && !isAlnum(name[len(name)-1]) {
		return none
	}
	if len(namesBy[last]) == 0 && last >= 'a' && !strings.ContainsRune("etgwnr4", rune(last)) {
		return none
	}
	var plain [longestName]byte
	var begins [longestName]bool // a word begins with this letter
	n := 0
	for i := range len(name) {
		c := name[i]
		if !isAlnum(c) {
			continue
		}
		begins[n] = i == 0 || !isAlnum(name[i-1]) || class[c] == upper && class[name[i-1]] != upper
		if plain[n] = c; class[c] == upper {
			plain[n] |= 0x20
		}
		n++
	}
	for again := true; again; {
		again = false
		for n > 3 && class[plain[n-1]] == digit {
			n--
		}
		for _, x := range tails {
			if n > len(x)+2 && string(plain[n-len(x):n]) == x && secretEnd(plain[:n], begins[:n]) == none {
				n -= len(x)
				again = true
				break
			}
		}
	}
	k := secretEnd(plain[:n], begins[:n])
	if k == none {
		return none
	}
	for _, v := range verbs {
		if strings.HasPrefix(name, v) && len(name) > len(v) && class[name[len(v)]] == upper {
			return none
		}
	}
	return k
}

func secretEnd(plain []byte, begins []bool) kind {
	if len(plain) == 0 {
		return none
	}
	for _, i := range namesBy[plain[len(plain)-1]] {
		x := &names[i]
		if at := len(plain) - len(x.end); at >= 0 && string(plain[at:]) == x.end && (!x.whole || begins[at]) {
			return x.kind
		}
	}
	return none
}

func isName(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// nameBefore is the name that ends before position end, and whether it is
// spelled in several words.
func (f *finder) nameBefore(end int) (k kind, spaced bool, quoted bool) {
	s := f.s
	for end > 0 && isSpace(s[end-1]) {
		end--
	}
	bare := end
	for end > 0 && (s[end-1] == '"' || s[end-1] == '\'' || s[end-1] == '\\' || s[end-1] == ']' || s[end-1] == '`') {
		end--
	}
	quoted = end < bare
	begin := end
	for begin > 0 && isName(s[begin-1]) && end-begin < longestName {
		begin--
	}
	if begin == end {
		return none, false, false
	}
	name := s[begin:end]
	// ARNs have a part "secret:", links a part "/secret=".
	if begin > 1 && (s[begin-1] == ':' && class[s[begin-2]] != 0 || s[begin-1] == '/') && strings.EqualFold(name, "secret") {
		return none, false, false
	}
	if k = secretName(name); k != none && k != long {
		return k, false, quoted
	}
	if begin > 1 && s[begin-1] == ' ' && isAlnum(s[begin-2]) && len(name) < 10 { // "secret access key", "MFA code"
		from := begin - 1
		for words := 0; from > 0 && begin-from < 24 && (isAlnum(s[from-1]) || s[from-1] == ' ' && words == 0); from-- {
			if s[from-1] == ' ' {
				words++
			}
		}
		var b [longestName]byte
		n := 0
		for _, c := range []byte(s[from:end]) {
			if c != ' ' && n < len(b) {
				b[n] = c
				n++
			}
		}
		if more := secretName(string(b[:n])); more != none && more != long {
			return more, true, quoted
		}
	}
	return k, false, quoted
}

// field looks at a separator: is what stands before it the name of a secret?
func (f *finder) field(at int) {
	s := f.s
	if f.isCut(at, at+2) { // with its value
		return
	}
	end := at
	switch s[at] {
	case '=':
		if end > 0 && (s[end-1] == ':' || s[end-1] == '=' || s[end-1] == '!') {
			end--
		}
		if at+1 < len(s) && (s[at+1] == '>' || s[at+1] == '=') {
			return
		}
	case '>':
		if end > 0 && s[end-1] == '=' {
			end--
		} else {
			f.element(at)
			return
		}
	}
	k, spaced, quoted := f.nameBefore(end)
	if k == none {
		return
	}
	f.value(at+1, k, spaced, quoted && s[at] == ':')
}

// element is <Name attribute="x">value</Name>.
func (f *finder) element(at int) {
	s := f.s
	begin := strings.LastIndexByte(s[max(0, at-160):at], '<')
	if begin < 0 {
		return
	}
	begin += max(0, at-160) + 1
	end := begin
	for end < at && (isName(s[end]) || s[end] == ':') {
		end++
	}
	if i := strings.LastIndexByte(s[begin:end], ':'); i >= 0 {
		begin += i + 1
	}
	k := secretName(s[begin:end])
	if k == none || begin == end || s[begin] == '/' {
		return
	}
	to := strings.IndexByte(s[at+1:], '<')
	if to < 0 {
		to = len(s) - at - 1
	}
	f.put(at+1, at+1+to, k, false)
}

// tuple is a quoted name followed by its value after a comma, in parentheses, or
// {"name":"DB_PASSWORD","value":"x"}.
func (f *finder) tuple(comma int) {
	s := f.s
	quote := comma - 1
	for quote > 0 && isSpace(s[quote]) {
		quote--
	}
	if quote < 2 || s[quote] != '"' && s[quote] != '\'' {
		return
	}
	begin := quote
	for begin > 0 && (s[begin-1] == '\\') {
		begin--
	}
	end := begin
	for begin > 0 && isName(s[begin-1]) && end-begin < longestName {
		begin--
	}
	k := secretName(s[begin:end])
	if k == none {
		return
	}
	open := begin - 1
	for open > 0 && (s[open] == '"' || s[open] == '\'' || s[open] == '\\') {
		open--
	}
	next := skipSpace(s, comma+1)
	if open >= 0 && s[open] == '(' && next < len(s) && (s[next] == '\'' || s[next] == '"') {
		f.value(next, k, false, true)
		return
	}
	f.named(next, k)
}

// named is "value": x behind "name": "PASSWORD", or value: x on the next line of YAML.
func (f *finder) named(next int, k kind) {
	s := f.s
	for next < len(s) && (s[next] == '"' || s[next] == '\\' || s[next] == '\'') {
		next++
	}
	if len(s)-next < 7 || !strings.EqualFold(s[next:next+5], "value") {
		return
	}
	next += 5
	for next < len(s) && (s[next] == '"' || s[next] == '\\' || s[next] == '\'' || isSpace(s[next])) {
		next++
	}
	if next < len(s) && (s[next] == ':' || s[next] == '=') {
		f.value(next+1, k, false, true)
	}
}
