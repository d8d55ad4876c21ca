package redact

import "strings"

// kind says which values of a field are secrets.
type kind int

const (
	none  kind = iota
	any_       // whatever it is
	code       // of an MFA device: digits
	hex        // 64 digits of a signature
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

func skipSpace(s string, i int) int {
	for i < len(s) && (isSpace(s[i]) || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// wrappers are what languages print around a value.
var wrappers = []string{"Some", "Optional", "Just", "Secret", "SecretString", "String", "b", "u", "r"}

// value cuts the value that begins at from, after spaces.
func (f *finder) value(from int, k kind, spaced, inJSON bool) {
	s := f.s
	i := from
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	broken := false
	if i < len(s) && (s[i] == '|' || s[i] == '>') { // a block of YAML
		j := i + 1
		for j < len(s) && (s[j] == '-' || s[j] == '+' || isSpace(s[j])) {
			j++
		}
		if j < len(s) && (s[j] == '\n' || s[j] == '\r') {
			i = j
		}
	}
	if i < len(s) && (s[i] == '\n' || s[i] == '\r') {
		i, broken = skipSpace(s, i), true
	}
	if i >= len(s) || strings.HasPrefix(s[i:], Mark) {
		return
	}
	if k == rest || k == grant {
		f.header(i, k)
		return
	}
	for _, w := range wrappers {
		if j := i + len(w); strings.HasPrefix(s[i:], w) && j+1 < len(s) && (s[j] == '(' || s[j] == '[' || len(w) == 1 && (s[j] == '\'' || s[j] == '"')) {
			if i = j; s[j] == '(' || s[j] == '[' {
				i++
			}
			break
		}
	}
	if s[i] == '[' { // a list
		for i++; i < len(s); {
			i = skipSpace(s, i)
			end, ok := f.quoted(i, k)
			if !ok {
				return
			}
			if i = skipSpace(s, end); i >= len(s) || s[i] != ',' {
				return
			}
			i++
		}
		return
	}
	if _, ok := f.quoted(i, k); ok {
		return
	}
	end := bare(s, i)
	if broken && (end < len(s) && (s[end] == ':' || s[end] == '=') || strings.IndexByte(s[i:end], ':') >= 0 || strings.Contains(strings.TrimRight(s[i:end], "="), "=")) {
		return // the next line is another field
	}
	if inJSON && i < end && (s[i] == '-' || class[s[i]] == digit) { // a number, which has to stay JSON
		if k == code || k == any_ {
			f.put(i, end, k, spaced)
		}
		return
	}
	f.put(i, end, k, spaced)
}

// quoted cuts a value in quotes, escaped ones too. False: there are none.
func (f *finder) quoted(i int, k kind) (end int, ok bool) {
	s := f.s
	q := i
	for q < len(s) && s[q] == '\\' {
		q++
	}
	if q >= len(s) || s[q] != '"' && s[q] != '\'' && s[q] != '`' {
		return i, false
	}
	closing := s[i : q+1]
	begin := q + 1
	j := begin
	for j < len(s) && s[j] != '\n' {
		switch {
		case s[j] == s[q] && len(closing) == 1:
			f.put(begin, j, k, false)
			return j + 1, true
		case s[j] == '\\' && len(closing) == 1:
			j++
		case s[j] == '\\':
			slashes := j
			for j < len(s) && s[j] == '\\' {
				j++
			}
			if j < len(s) && s[j] == s[q] && j-slashes <= len(closing)-1 {
				f.put(begin, slashes, k, false)
				return j + 1, true
			}
			if j < len(s) {
				j++
			}
			continue
		case s[j] == s[q]: // the text around it ends first
			f.put(begin, j, k, false)
			return j, true
		}
		j++
	}
	f.put(begin, min(j, len(s)), k, false)
	return min(j, len(s)), true
}

// bare is the end of a value without quotes. Punctuation inside one belongs to
// it, unless another field or the end follows.
func bare(s string, from int) int {
	stops := func(c byte) bool { return strings.IndexByte(" \t\r\n\",;&'(){}<>[]`", c) >= 0 }
	i := from
	for {
		for i < len(s) && !stops(s[i]) {
			i++
		}
		if i == from || i+1 >= len(s) || strings.HasPrefix(s[i:], Mark) || strings.IndexByte(",;&(){}[]", s[i]) < 0 || stops(s[i+1]) {
			return i
		}
		j := i + 1
		for j < len(s) && strings.IndexByte(" \t\r\n\"'\\<>`", s[j]) < 0 {
			if s[j] == '=' || s[j] == ':' || s[j] == '%' {
				return i
			}
			j++
		}
		if j < len(s) && s[j] != ' ' && s[j] != '\n' && s[j] != '\r' { // inside of something
			return i
		}
		i++
	}
}

// schemes begin the value of an Authorization header.
var schemes = []string{"aws", "bearer", "basic", "negotiate", "digest", "token", "ntlm", "apikey"}

// header cuts a header's value up to the end of its quotes or line.
func (f *finder) header(i int, k kind) {
	s := f.s
	for i < len(s) && (s[i] == '\\' || s[i] == '"' || s[i] == '\'' || s[i] == '[') {
		i++
	}
	end := i
	for end < len(s) && strings.IndexByte("\r\n\"'\\]", s[end]) < 0 {
		end++
	}
	if k == grant {
		word := i
		for word < end && isLetter(s[word]) {
			word++
		}
		granted := word-i >= 16 && mixed(s[i:word])
		for _, x := range schemes {
			granted = granted || word < end && s[word] == ' ' && len(s[i:word]) >= len(x) && strings.EqualFold(s[i:i+len(x)], x)
		}
		if !granted {
			return
		}
	}
	f.put(i, end, any_, false)
}

// put cuts a field's value, if it is a secret of that kind.
func (f *finder) put(from, to int, k kind, spaced bool) {
	s := f.s
	for from < to && strings.IndexByte("\\\"' \n", s[from]) >= 0 {
		from++
	}
	for to > from && strings.IndexByte("\\\"' \n", s[to-1]) >= 0 {
		to--
	}
	v := s[from:to]
	if v == "" || strings.HasPrefix(s[to:], Mark) || strings.HasSuffix(s[:from], Mark) || strings.HasPrefix(v, strings.TrimSuffix(Mark, "]")) || harmless(v) {
		return
	}
	switch {
	case k == code:
		if len(v) < 6 || len(v) > 8 || strings.Trim(v, "0123456789") != "" {
			return
		}
	case k == hex:
		if len(v) < 64 || strings.Trim(v[:64], "0123456789abcdefABCDEF") != "" {
			return
		}
	case k == long, spaced:
		if len(v) < 16 || !opaque(v) {
			return
		}
	}
	f.cut(from, to)
	if to-from >= 24 && opaque(v) {
		f.wrapped(to)
	}
}

// opaque says whether a value is one run of base64 letters with digits among them.
func opaque(v string) bool {
	digits := 0
	for i := range len(v) {
		switch {
		case class[v[i]] == digit:
			digits++
		case class[v[i]] == 0 && v[i] != '.' && v[i] != '~':
			return false
		}
	}
	return digits > 0
}

// harmless values say that there is no secret, or where it is.
func harmless(v string) bool {
	switch strings.ToLower(strings.TrimRight(v, ".,:;!)")) {
	case "null", "none", "nil", "true", "false", "undefined", "expired", "invalid", "missing", "empty", "not", "the", "is", "was", "no", "a", "an", "could", "couldn", "cannot", "required", "redacted", "hidden", "unknown", "failed", "incorrect":
		return true
	}
	return strings.Trim(v, "*") == "" || strings.Trim(v, "xX") == "" && len(v) > 2 || strings.HasPrefix(v, "${") || strings.HasPrefix(v, "{{") || strings.HasPrefix(v, "$(") || strings.HasPrefix(v, "/") && strings.Count(v, "/") > 1 && !strings.ContainsAny(v, "+=")
}
