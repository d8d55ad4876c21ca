package redact

import "strings"

// finder looks through one view of a text.
type finder struct {
	s       string
	depth   int // of encodings around it
	spans   []span
	escaped bool // another view may show more
	broken  bool // it has lines, or what looks like quoted-printable
	plus    bool // it has a plus sign
	percent bool // it has a percent sign

	// What was done is not done again, or a text that repeats itself would take
	// time by the square of its length.
	cutFrom, cutTo   int             // the last part that is cut
	bareFrom, bareTo int             // the last value without quotes
	headFrom, headTo int             // the last header's value
	documentTo       int             // where the last private key or assertion ends
	joined           int             // up to here lines were put together and decoded
	unclosed         map[string]bool // ends that were looked for and are not there
}

// cut notes a secret.
func (f *finder) cut(from, to int) {
	if from >= to {
		return
	}
	f.spans = append(f.spans, span{from, to, Mark})
	if from > f.cutTo {
		f.cutFrom = from
	}
	f.cutTo = max(f.cutTo, to)
}

// isCut says whether a part is in what was cut last.
func (f *finder) isCut(from, to int) bool { return f.cutFrom <= from && to <= f.cutTo }

// after is where an end stands in the text from a place on; -1 where it is not.
func (f *finder) after(from int, end string) int {
	if f.unclosed[end] {
		return -1
	}
	at := strings.Index(f.s[from:], end)
	if at < 0 {
		if f.unclosed == nil {
			f.unclosed = map[string]bool{}
		}
		f.unclosed[end] = true
		return -1
	}
	return from + at
}

// scan goes through the text once.
func (f *finder) scan() {
	s := f.s
	run := -1 // where the run of base64 letters began
	for i := 0; i < len(s); i++ {
		c := s[i]
		if escapes[c] {
			f.escaped = true
		}
		if class[c] != 0 {
			if run < 0 {
				run = i
			}
			switch c {
			case '=':
				if i+2 < len(s) && s[i+1] == '3' && s[i+2] == 'D' {
					f.broken = true // quoted-printable, perhaps
				}
				f.field(i)
			case '-':
				if (i == 0 || s[i-1] != '-') && strings.HasPrefix(s[i:], "-----BEGIN") {
					f.privateKey(i)
				}
			case '+':
				f.plus = true
				if i-run >= 6 && strings.EqualFold(s[i-6:i], "bearer") {
					f.bearer(i + 1)
				}
			}
			continue
		}
		if run >= 0 {
			f.run(run, i)
			run = -1
		}
		switch c {
		case '%':
			f.percent = true
		case ':':
			f.field(i)
			if strings.HasPrefix(s[i:], "://") {
				f.address(i + 3)
			}
		case '>':
			f.field(i)
		case ',':
			f.tuple(i)
		case '\n':
			f.broken = true
			f.yaml(i)
		case '<':
			f.assertion(i)
		}
	}
	if run >= 0 {
		f.run(run, len(s))
	}
}

// yaml is "name: DB_PASSWORD" with its value on the next line.
func (f *finder) yaml(at int) {
	s := f.s
	end := at
	for end > 0 && (s[end-1] == '\r' || s[end-1] == '"' || s[end-1] == '\'') {
		end--
	}
	begin := end
	for begin > 0 && isName(s[begin-1]) && end-begin < longestName {
		begin--
	}
	if begin < 6 || end == begin || !strings.HasSuffix(strings.ToLower(strings.TrimRight(s[max(0, begin-9):begin], " \"'")), "name:") {
		return
	}
	if k := secretName(s[begin:end]); k != none {
		f.named(skipSpace(s, at), k)
	}
}

// run looks at a run of base64 letters.
func (f *finder) run(from, to int) {
	s := f.s
	if f.isCut(from, to+1) { // what follows, too: else it may be the name of something
		return
	}
	if to < len(s) && isSpace(s[to]) {
		f.word(from, to)
	}
	if from > 0 { // the end of an escape is no part of it
		switch escape := 0; s[from-1] {
		case '%':
			if to-from >= 2 && isHex(s[from]) && isHex(s[from+1]) {
				from += 2
			}
		case '\\':
			switch s[from] {
			case 'n', 'r', 't':
				escape = 1
			case 'u':
				escape = 5
			case 'x':
				escape = 3
			}
			from = min(from+escape, to)
		}
	}
	if to < len(s) && s[to] == '.' {
		f.dotted(from, to)
	}
	if to-from < 12 {
		return
	}
	for i := from; i < to; i++ {
		switch s[i] {
		case 'A':
			if n := accessKey(s[i:]); n > 0 {
				f.spans = append(f.spans, span{i, i + n, Key(s[i : i+n])})
				i += n - 1
				continue
			}
			fallthrough
		case 'P', 'e', 'I', 'F', 'H':
			if blob(s[i:to]) {
				f.blob(i, to)
				to = i // what stands before it may be one of its own
			}
		case 'x', 'g', 's', 'n', 'r', 'h', 'p', 'd':
			f.prefixed(i)
		}
	}
	f.random(from, to)
}

// dotted looks at what has a dot inside.
func (f *finder) dotted(from, to int) {
	for _, begin := range []string{"SG", "xoxe", "hvs"} {
		if strings.HasSuffix(f.s[from:to], begin) {
			f.prefixed(to - len(begin))
		}
	}
	if strings.HasSuffix(f.s[from:to], "hooks") && strings.HasPrefix(f.s[to:], ".slack.com/") {
		f.webhook(to + len(".slack.com/"))
	}
}

// accessKey is the length of the access key id with which s begins, 0 if it does not.
// The letters before it do not matter: an escaped line break may stand there.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func accessKey(s string) int {
	const length = 20
	if len(s) < length || s[0] != 'A' {
		return 0
	}
	switch s[:4] {
	case "AKIA", "ASIA", "ABIA", "ACCA":
	default:
		return 0
	}
	i := 4
	for i < len(s) && i <= length && (class[s[i]] == upper || class[s[i]] == digit) {
		i++
	}
	if i != length {
		return 0 // longer: some other identifier that begins alike
	}
	return length
}

// blob says whether a run begins as only encoded SAML, JSON web tokens,
// compressed data and AWS session tokens do: <saml, <?xml, <Response,
// <Assertion; {"; gzip's magic number; the session tokens of STS.
func blob(s string) bool {
	if len(s) < 16 {
		return false
	}
	switch s[0] {
	case 'P':
		return strings.HasPrefix(s, "PHNhbWx") || strings.HasPrefix(s, "PD94bWw") || strings.HasPrefix(s, "PFJlc3BvbnNl") || strings.HasPrefix(s, "PEFzc2VydGlvb")
	case 'e':
		return strings.HasPrefix(s, "eyJ") && strings.Trim(s[3:11], "+/=") == s[3:11]
	case 'H':
		return strings.HasPrefix(s, "H4sI")
	case 'I':
		return strings.HasPrefix(s, "IQoJ") || strings.HasPrefix(s, "IQo") && s[4:11] == "b3JpZ2l"
	case 'F':
		return (s[1] == 'w' || s[1] == 'Q') && s[2] == 'o' && (s[3] == 'G' || s[3] == 'D' || s[4:8] == "ZXIv")
	case 'A':
		return strings.HasPrefix(s, "AQoD") || (s[1] == 'g' || s[1] == 'Q') && s[2] == 'o' && (s[4:8] == "b3Jp" || s[4:8] == "YXdz" || s[4:8] == "ZXIv")
	}
	return false
}

// blob cuts an encoded document or token with its further parts and lines.
func (f *finder) blob(from, to int) {
	s := f.s
	for parts := 0; parts < 4 && to < len(s) && s[to] == '.'; parts++ {
		for to++; to < len(s) && isLetter(s[to]); {
			to++
		}
	}
	f.cut(from, to)
	f.wrapped(to)
}

// tokens are those of services that many use, by how they begin.
var tokens = []struct {
	begin string
	least int // letters after it
	dots  bool
}{
	{"xoxb-", 6, false}, {"xoxp-", 6, false}, {"xoxa-", 6, false}, {"xoxr-", 6, false}, {"xoxs-", 6, false}, {"xoxe-", 6, false}, {"xoxc-", 6, false}, {"xoxd-", 6, false}, {"xoxe.xox", 6, false}, {"xapp-", 6, false}, {"xwfp-", 6, false},
	{"ghp_", 30, false}, {"gho_", 30, false}, {"ghu_", 30, false}, {"ghs_", 30, false}, {"ghr_", 30, false}, {"github_pat_", 30, false}, {"glpat-", 20, false}, {"npm_", 36, false}, {"pypi-", 30, false}, {"hvs.", 20, false}, {"dckr_pat_", 20, false},
	{"sk_live_", 20, false}, {"rk_live_", 20, false}, {"SG.", 30, true},
}

// prefixed cuts a token that begins at i.
func (f *finder) prefixed(i int) {
	s := f.s
	if f.isCut(i, i+1) {
		return
	}
	for _, t := range tokens {
		if s[i] != t.begin[0] || !strings.HasPrefix(s[i:], t.begin) {
			continue
		}
		end := i + len(t.begin)
		for end < len(s) && (isAlnum(s[end]) || s[end] == '-' || s[end] == '_' || t.dots && s[end] == '.') {
			end++
		}
		if end-i-len(t.begin) >= t.least {
			f.cut(i, end)
			f.wrapped(end)
		}
		return
	}
}

// webhook cuts the part of a Slack address that lets anybody post or answer.
func (f *finder) webhook(from int) {
	s := f.s
	i := from
	for i < len(s) && s[i] >= 'a' && s[i] <= 'z' {
		i++
	}
	if i == from || i >= len(s) || s[i] != '/' {
		return
	}
	end := i + 1
	for end < len(s) && (isLetter(s[end])) {
		end++
	}
	f.cut(i+1, end)
	f.wrapped(end)
}

// address cuts the password in scheme://user:password@host.
func (f *finder) address(from int) {
	s := f.s
	colon, at := -1, -1
	for i := from; i < len(s) && at < 0; i++ {
		switch c := s[i]; {
		case c == '@':
			at = i
		case c == ':' && colon < 0:
			colon = i
		case c <= ' ' || strings.IndexByte("/?#\"'<>|`", c) >= 0:
			return
		}
	}
	switch {
	case at < 0:
	case colon >= 0 && s[colon+1:at] != Mark:
		f.cut(colon+1, at)
	case colon < 0 && at-from >= 16 && opaque(s[from:at]):
		f.cut(from, at)
	}
}

// word looks at a word with a space behind it: a flag, a scheme, a name in prose.
func (f *finder) word(from, to int) {
	s := f.s
	word := s[from:to]
	next := to
	for next < len(s) && isSpace(s[next]) {
		next++
	}
	if next == len(s) {
		return
	}
	switch {
	case word[0] == '-' && len(word) > 1 && word[len(word)-1] != '=':
		name := strings.TrimLeft(word, "-")
		k := secretName(name)
		switch {
		case name == "u" || name == "user" || name == "proxy-user":
			end := f.bare(next)
			if colon := strings.IndexByte(s[next:end], ':'); colon > 0 {
				f.cut(next+colon+1, end)
			}
			return
		case k == long:
			k = any_
		}
		if k == none || s[next] == '-' {
			return
		}
		if _, ok := f.quoted(next, k); !ok {
			end := next
			for end < len(s) && s[end] > ' ' && s[end] != '"' && s[end] != '\'' {
				end++
			}
			f.put(next, end, k, false)
		}
	case len(word) >= 6 && strings.EqualFold(word[len(word)-6:], "bearer"):
		f.bearer(next)
	case strings.HasPrefix(word, "AWS4-") && strings.HasPrefix(s[next:], "Credential="):
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
		end := next
		for end < len(s) && strings.IndexByte("\r\n\"'\\", s[end]) < 0 {
			end++
		}
		f.cut(from, end)
	default:
		f.prose(to, next)
	}
}

// bearer cuts the token behind the word.
func (f *finder) bearer(from int) {
	if f.isCut(from, from+1) {
		return
	}
	end := from
	for end < len(f.s) && (isLetter(f.s[end]) || f.s[end] == '.' || f.s[end] == '~') {
		end++
	}
	if end-from >= 16 {
		f.put(from, end, any_, false)
	}
}

// prose is "aws_secret_access_key VALUE", "the MFA code is 123456".
func (f *finder) prose(to, next int) {
	s := f.s
	switch s[to-1] | 0x20 {
	case 'y', 'e', 'p', 'n', 't', 'd':
	default:
		return
	}
	k, _, _ := f.nameBefore(to)
	if k != code && k != any_ {
		return
	}
	for _, is := range []string{"is ", "was ", "to ", "of "} {
		if strings.HasPrefix(s[next:], is) {
			next += len(is)
			break
		}
	}
	if end := f.bare(next); k == code && end-next >= 6 || end-next >= 16 && opaque(strings.TrimRight(s[next:end], ".")) {
		f.put(next, end, k, false)
	}
}

// privateKey runs to its end line, or to the end of a text that was cut off.
func (f *finder) privateKey(from int) {
	s := f.s
	if from < f.documentTo {
		return
	}
	const begin, longest = len("-----BEGIN"), 80 // with line breaks anywhere inside
	title := strings.Join(strings.FieldsFunc(s[from+begin:min(len(s), from+longest)], func(r rune) bool { return strings.ContainsRune(" +\r\n\t", r) }), "")
	if at := strings.Index(title, "PRIVATEKEY-"); at < 0 || strings.Contains(title[:at], "-") {
		return
	}
	body := from + begin
	to := len(s)
	if end := f.after(body, "-----END"); end >= 0 {
		to = end
		if tail := strings.Index(s[to+8:min(len(s), to+72)], "-----"); tail >= 0 {
			to += 8 + tail + 5
		}
	} else if quote := strings.IndexByte(s[from:], '"'); quote >= 0 {
		for to = from + quote; s[to-1] == '\\'; to-- {
		}
	}
	f.documentTo = to
	f.cut(from, to)
}

// assertion is a SAML response or assertion as XML.
func (f *finder) assertion(from int) {
	s := f.s
	const longest = 48 // name of an element with its name space
	if from < f.documentTo {
		return
	}
	begin := from + 1
	i := begin
	for i < len(s) && i-begin < longest && (isName(s[i]) || s[i] == ':') {
		if s[i] == ':' {
			begin = i + 1
		}
		i++
	}
	name := s[begin:i]
	if !strings.EqualFold(name, "Assertion") && !strings.EqualFold(name, "Response") && !strings.EqualFold(name, "EncryptedAssertion") {
		return
	}
	if head := s[from:min(len(s), from+2000)]; !strings.Contains(head, "SAML") && !strings.Contains(head, "urn:oasis") {
		return
	}
	to := len(s)
	for at := i; ; {
		end := f.after(at, name+">")
		if end < 0 {
			break
		}
		at = end + len(name) + 1
		head := s[max(0, end-longest):at]
		if open := strings.LastIndexByte(head, '<'); open >= 0 && head[open+1] == '/' {
			to = at
			break
		}
	}
	if to == len(s) { // cut off: if it is in a JSON string, that ends at a plain quote
		if quote := strings.IndexByte(s[from:], '"'); quote > 0 && s[from+quote-1] == '\\' {
			for j := from; j < len(s); j++ {
				if s[j] == '\\' {
					j++
				} else if s[j] == '"' {
					to = j
					break
				}
			}
		}
	}
	f.documentTo = to
	f.cut(from, to)
}
