package redact

import (
	"encoding/base64"
	"strings"
)

// wrapped cuts the lines after a secret that look like more of it.
func (f *finder) wrapped(from int) {
	s := f.s
	for at := from; ; {
		i, breaks := at, 0
		if i+1 < len(s) && s[i] == '=' && (s[i+1] == '\n' || s[i+1] == '\r') { // quoted-printable
			i++
		}
		for i < len(s) && (s[i] == '\n' || s[i] == '\r' || isSpace(s[i]) || s[i] == '|' && breaks > 0) {
			if s[i] == '\n' || s[i] == '\r' {
				breaks++
			}
			i++
		}
		if breaks == 0 {
			return
		}
		end := i
		for end < len(s) && (isLetter(s[end]) || s[end] == '.' && end+1 < len(s) && isLetter(s[end+1])) {
			end++
		}
		line := s[i:end]
		whole := end == len(s) || strings.IndexByte("\r\n\"'\\<,;) \t", s[end]) >= 0
		if line == "" || !whole || len(line) < 200 && !mixed(line) && !strings.HasSuffix(line, "=") || f.isCut(i, end) {
			return
		}
		from := f.cutFrom
		f.cut(i, end)
		f.cutFrom = from // with what is between the lines
		at = end
	}
}

// begun cuts the lines before a long run that look like its beginning.
func (f *finder) begun(at int) {
	s := f.s
	for {
		end, breaks := at, false
		for end > 0 && (s[end-1] == '\n' || s[end-1] == '\r' || isSpace(s[end-1])) {
			breaks = breaks || s[end-1] == '\n'
			end--
		}
		begin := end
		for begin > 0 && isLetter(s[begin-1]) {
			begin--
		}
		if line := s[begin:end]; !breaks || len(line) < 24 || !mixed(line) || f.isCut(begin, end) {
			return
		}
		f.cut(begin, end)
		at = begin
	}
}

// mixed says whether a run has capitals, small letters and digits together, as
// encoded bytes of some length have and words have not.
func mixed(s string) bool {
	n := count(s)
	return n[upper] > 0 && n[lower] > 0 && (n[digit] > 0 || len(s) >= 16 && n[upper] > 3)
}

func count(s string) (n [other + 1]int) {
	for i := range len(s) {
		n[class[s[i]]]++
	}
	return n
}

// random cuts what in a run is encoded bytes: a part exactly as long as a secret
// access key, or a long one; with letters spread as chance spreads them. A path,
// a hash or a name of that length is not. What is encoded text is decoded and
// looked at.
func (f *finder) random(from, to int) {
	s := f.s
	if to-from < 24 {
		return
	}
	run := strings.TrimRight(s[from:to], "=")
	n := count(run)
	if len(run) >= 100 && n[upper]*5 >= len(run) && n[lower]*5 >= len(run) && n[digit]*25 >= len(run) && n[other]*10 <= len(run) {
		f.cut(from, to)
		f.wrapped(to)
		f.begun(from)
		return
	}
	part := from
	for i := from; i <= to; i++ {
		if i < to && class[s[i]] != other || i < to && (s[i] == '+' || s[i] == '/') {
			continue
		}
		if i-part == 40 && secretKey(s[part:i]) {
			f.cut(part, i)
		}
		if i-part > 40 && i-part < 100 { // behind a path, or words with plus signs between them
			for at := part; at+40 <= i; at++ {
				if (at == part || isJoint(s[at-1])) && (at+40 == i || isJoint(s[at+40])) && secretKey(s[at:at+40]) {
					f.cut(at, at+40)
				}
			}
		}
		if i-part >= 24 && f.encodes(part, i) {
			f.cut(part, i)
			f.wrapped(i)
		}
		part = i + 1
	}
}

func isJoint(c byte) bool { return c == '/' || c == '+' }

// secretKey says whether 40 letters are a secret access key: nine of ten
// neighbours in encoded bytes are of another kind than in words, paths and hashes.
func secretKey(s string) bool {
	n := count(s)
	if n[upper] < 5 || n[lower] < 5 || n[other] > 7 {
		return false
	}
	turns := 0
	for i := 1; i < len(s); i++ {
		if class[s[i]] != class[s[i-1]] {
			turns++
		}
	}
	return turns >= 15 && n[digit] > 0 || turns >= 17
}

// encodes says whether a run is base64 of a text with a secret in it.
func (f *finder) encodes(from, to int) bool {
	if f.depth >= 2 {
		return false
	}
	run := f.s[from:to]
	joined := f.joined
	for skip := range 4 { // a prefix may stand right before it
		rest := run[skip:]
		first, err := decode(rest[:min(48, len(rest))])
		if err != nil || !readable(first) {
			continue
		}
		raw, err := decode(strings.TrimRight(rest, "="))
		if to > joined && len(rest)%4 == 0 { // the lines after it belong to it
			text := strings.TrimRight(rest+f.linesAfter(to), "=")
			if whole, broken := decode(text); broken == nil {
				raw, err = whole, nil
			}
		}
		if err == nil && len(find(string(raw), f.depth+1)) > 0 {
			return true
		}
	}
	return false
}

// linesAfter are the letters of the lines that follow, up to one that has others.
func (f *finder) linesAfter(at int) string {
	var b strings.Builder
	for at < len(f.s) {
		next := skipSpace(f.s, at)
		end := next
		for end < len(f.s) && isLetter(f.s[end]) {
			end++
		}
		if strings.IndexByte(f.s[at:next], '\n') < 0 || end == next {
			break
		}
		b.WriteString(f.s[next:end])
		at = end
	}
	f.joined = max(f.joined, at)
	return b.String()
}

// decode is base64 of either alphabet, as far as it has whole groups.
func decode(s string) ([]byte, error) {
	s = s[:len(s)/4*4+map[int]int{0: 0, 1: 0, 2: 2, 3: 3}[len(s)%4]]
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

func readable(b []byte) bool {
	odd := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != 0x1b || c >= 0x7f {
			odd++
		}
	}
	return odd*3 <= len(b)
}
