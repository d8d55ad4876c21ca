package redact

import (
	"strings"
	"unicode/utf8"
)

// view is a text with one or more layers of escapes undone. at tells where in
// the first text each of its bytes stood.
type view struct {
	text   string
	from   []int32 // nil: the text is the first one; else one more than text has bytes
	joins  bool    // broken lines are put together
	form   bool    // a plus sign is a space
	quoted bool    // it is quoted-printable for certain
}

func (v view) at(i int) int {
	if v.from == nil {
		return i
	}
	return int(v.from[i])
}

// escapes are the bytes at which a layer may begin: a finder that met none of
// them needs no further view.
var escapes = [256]bool{'\\': true, '%': true, '&': true, 0x1b: true, 0: true, 0xe2: true, 0xef: true, 0xc2: true, 0xcd: true, 0xe1: true}

// undo undoes one layer: escapes of JSON and of programming languages, percent
// encoding, XML entities, quoted-printable, colours of a terminal, characters
// that cannot be seen, and the breaks of lines wrapped at a fixed width. It is
// for looking only, so what might mean something else does no harm.
func (v view) undo() (view, bool) {
	s := v.text
	var b strings.Builder
	b.Grow(len(s))
	from := make([]int32, 0, len(s)+1)
	changed := false
	line, width := 0, 0 // where the line begins, and how long the one before was
	quoted := v.quoted || v.joins && strings.Contains(s, "=3D")
	put := func(r string, i int) {
		for range len(r) {
			from = append(from, int32(v.at(i)))
		}
		b.WriteString(r)
		changed = true
	}
	for i := 0; i < len(s); {
		c, n := s[i], 0
		var r string
		switch {
		case c == '+' && v.form:
			r, n = " ", 1
		case !escapes[c] && c != '=' && c != '\n' && c != '\r':
		case c == '\\' && i+1 < len(s):
			r, n = backslash(s[i:])
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			r, n = string([]byte{unhex(s[i+1])<<4 | unhex(s[i+2])}), 3
		case c == '=' && v.joins: // quoted-printable
			rest := s[i+1:]
			next := strings.TrimPrefix(strings.TrimPrefix(rest, "\r"), "\n")
			switch {
			case strings.HasPrefix(rest, "3D"):
				r, n = "=", 3
			case !strings.HasPrefix(rest, "\n") && !strings.HasPrefix(rest, "\r\n"):
			case i > 0 && s[i-1] == '=', !quoted && (i-line < 72 || i-line > 76) && padding(s, i) && !torn(s[line:i], next): // not of that encoding, but of base64
			default:
				n = 1 + len(rest) - len(next)
				line = i + n
			}
		case c == '&':
			r, n = entity(s[i:])
		case c == 0:
			n = 1
		case c == 0x1b:
			n = colour(s[i:])
		case v.joins && (c == '\n' || strings.HasPrefix(s[i:], "\r\n")):
			next := i + 1
			if c == '\r' {
				next++
			}
			begins := next
			for next < len(s) && isSpace(s[next]) {
				next++
			}
			if i > line && next < len(s) && folds(s[i-1]) && folds(s[next]) &&
				(fullWidth(i-line, width, s[begins:]) || mixed(s[max(line, i-24):i]) && mixed(head(s[next:], 12)) && fieldBegins(s[next:]) == "" || torn(s[line:i], s[next:])) {
				n = next - i
			}
			width = i - line
			line = begins
		case c >= 0x80:
			if x, size := utf8.DecodeRuneInString(s[i:]); unseen(x) {
				n = size
			}
		}
		if n == 0 {
			b.WriteByte(c)
			from = append(from, int32(v.at(i)))
			i++
			continue
		}
		put(r, i)
		i += n
	}
	from = append(from, int32(v.at(len(s))))
	return view{b.String(), from, v.joins, v.form, quoted}, changed
}

// head is the run of letters with which s begins, at most n.
func head(s string, n int) string {
	i := 0
	for i < len(s) && i < n && isLetter(s[i]) {
		i++
	}
	return s[:i]
}

// folds are the bytes between which a folded text is put together again: those of
// which a word can be made that holds a secret.
func folds(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`"'`+"`<>(){}[],;|\\", c) < 0
}

// wide is how long a line is at least that was broken because it was too long.
const wide = 40

// torn says whether a line break stands inside of something: the line is long,
// and what it ends with and what the next begins with are no words, but parts of
// a token, an address or the name of a secret. A text that was folded and got a
// time or a logger's name in front afterwards has no line of full width.
func torn(line, next string) bool {
	if len(line) < wide {
		return false
	}
	const most = 256 // of a word, to tell what it is
	begin := len(line)
	for begin > 0 && folds(line[begin-1]) && len(line)-begin < most {
		begin--
	}
	end := 0
	for end < len(next) && folds(next[end]) && end < most {
		end++
	}
	left, right := line[begin:], next[:end]
	if left == "" || right == "" {
		return false
	}
	if name := fieldBegins(next); name != "" {
		tail := len(left)
		for tail > 0 && isName(left[tail-1]) {
			tail--
		}
		return secretName(name) == none && secretName(left[tail:]+name) != none
	}
	if right[0] == '=' || right[0] == ':' { // no line begins so
		return true
	}
	if whole(left) || whole(right) {
		return false
	}
	if left[len(left)-1] == '=' {
		return !padding(line, len(line)-1) && odd(right)
	}
	return odd(right) && (odd(left) || len(right) >= 16 && opaque(right)) || keyed(left, right)
}

// keyed says whether two words together are an access key, id or secret, which
// have a fixed length.
func keyed(left, right string) bool {
	const secret = 40 // letters of a secret access key; an id has 20
	begin, end := len(left), 0
	for begin > 0 && isLetter(left[begin-1]) && len(left)-begin < secret {
		begin--
	}
	for end < len(right) && isLetter(right[end]) && end < secret {
		end++
	}
	for ; begin < len(left); begin++ {
		word := left[begin:] + right[:end]
		if accessKey(word) > len(left)-begin || len(word) == secret && secretKey(word) {
			return true
		}
	}
	return false
}

// fieldBegins is the name of the field with which a line begins: name=value,
// name="value", name: value.
func fieldBegins(s string) string {
	n := 0
	for n < len(s) && isName(s[n]) && n < longestName {
		n++
	}
	if n == 0 || n+1 >= len(s) {
		return ""
	}
	after := s[n+1]
	switch {
	case s[n] == ':' && (isSpace(after) || after == '"'),
		s[n] == '=' && (isAlnum(after) || after == '/'),
		s[n] == '=' && (after == '"' || after == '\'') && n+2 < len(s) && isAlnum(s[n+2]): // else it fills up base64 and the quote ends it
		return s[:n]
	}
	return ""
}

// odd says whether something is no word of a language.
func odd(s string) bool {
	for i := range len(s) {
		switch {
		case class[s[i]] == digit, strings.IndexByte("%/=+&_~#@!*:", s[i]) >= 0, i > 0 && class[s[i]] == upper && class[s[i-1]] == lower:
			return true
		}
	}
	return false
}

// whole says whether something is no part of anything: an ARN, a date, a request
// id, an address.
func whole(s string) bool {
	switch {
	case strings.HasPrefix(s, "arn:"):
		return true
	case len(s) >= 8 && s[4] == '-' && s[7] == '-' && strings.Trim(s[:4], "0123456789") == "":
		return true
	case len(s) >= 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		return true
	}
	return strings.Count(s, ".") == 3 && strings.Trim(s, "0123456789.:/") == ""
}

// fullWidth says whether a line was broken because it is full: it is as long as
// its neighbours, or as one makes them.
func fullWidth(w, before int, rest string) bool {
	switch w {
	case 64, 72, 75, 76, 78, 79, 80:
		return true
	}
	next := strings.IndexByte(rest, '\n')
	return w >= 32 && (w == before || w == next)
}

// padding says whether the equals sign at i fills up a group of base64.
func padding(s string, i int) bool {
	if i == 0 || s[i-1] == '=' || !isLetter(s[i-1]) {
		return true
	}
	n := 0
	for n < i && isLetter(s[i-1-n]) && s[i-1-n] != '=' {
		n++
	}
	return n%4 == 3 && n > 8
}

// unseen characters do not show: a secret with one inside reads as one without.
func unseen(r rune) bool {
	switch {
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f,
		r == 0xfeff, r == 0xad, r == 0x34f, r == 0x180e, r == 0x61c:
		return true
	}
	return false
}

// backslash is an escape of JSON, Go, Python, Java or a shell, and its length.
func backslash(s string) (string, int) {
	switch c := s[1]; c {
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case 'u':
		if len(s) >= 6 && isHex(s[2]) && isHex(s[3]) && isHex(s[4]) && isHex(s[5]) {
			r := rune(unhex(s[2]))<<12 | rune(unhex(s[3]))<<8 | rune(unhex(s[4]))<<4 | rune(unhex(s[5]))
			return string(r), 6
		}
	case 'x':
		if len(s) >= 4 && isHex(s[2]) && isHex(s[3]) {
			return string([]byte{unhex(s[2])<<4 | unhex(s[3])}), 4
		}
	case '0': // \033, the escape character as a shell writes it
		if strings.HasPrefix(s, `\033`) {
			return "\x1b", 4
		}
	case 'e':
		if strings.HasPrefix(s, `\e[`) {
			return "\x1b", 2
		}
	case '\r', '\n': // a shell's line goes on
		return "", 2
	default:
		if c > ' ' && c < 0x7f && !isAlnum(c) {
			return s[1:2], 2
		}
	}
	return "", 0
}

var entities = []struct{ name, char string }{{"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&apos;", "'"}, {"&equals;", "="}, {"&colon;", ":"}}

// entity is a character as XML or HTML writes it, and its length.
func entity(s string) (string, int) {
	for _, e := range entities {
		if strings.HasPrefix(s, e.name) {
			return e.char, len(e.name)
		}
	}
	if !strings.HasPrefix(s, "&#") {
		return "", 0
	}
	r, i := rune(0), 2
	base := rune(10)
	if i < len(s) && (s[i] == 'x' || s[i] == 'X') {
		base, i = 16, i+1
	}
	for begin := i; i < len(s) && i < begin+6; i++ {
		switch {
		case s[i] == ';' && i > begin:
			return string(r), i + 1
		case base == 10 && s[i] >= '0' && s[i] <= '9', base == 16 && isHex(s[i]):
			r = r*base + rune(unhex(s[i]))
		default:
			return "", 0
		}
	}
	return "", 0
}

// colour is the length of a terminal's control sequence.
func colour(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s) && i < 24; i++ {
		if s[i] >= 0x40 && s[i] <= 0x7e {
			return i + 1
		}
	}
	return 2
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isLetter says whether a byte may be part of base64, of either alphabet.
func isLetter(c byte) bool { return class[c] != 0 }

// What a byte is for a run of base64.
const (
	upper = iota + 1
	lower
	digit
	other
)

var class = func() (t [256]byte) {
	for c := range t {
		switch c := byte(c); {
		case c >= 'A' && c <= 'Z':
			t[c] = upper
		case c >= 'a' && c <= 'z':
			t[c] = lower
		case c >= '0' && c <= '9':
			t[c] = digit
		case c == '+' || c == '/' || c == '=' || c == '_' || c == '-':
			t[c] = other
		}
	}
	return t
}()
