// Package redact cuts secrets out of text that leaves the process: Slack
// messages, stored facts, logs and report files.
//
// In comes any text, typically an application log line or a CloudTrail record;
// out goes the same text with what could open something replaced by Mark and
// access key ids masked to their prefix and last four letters. It goes by the
// names of fields (fields.go, values.go) and by shape (shapes.go, encoded.go), in the text as it is and
// as it reads when its escapes are undone (views.go): a secret may stand in JSON
// inside a JSON string, percent-encoded, broken into lines or coloured. Ordinary
// text (ARNs, request ids, git hashes, policy documents) stays as it is, and
// what was redacted once stays as it is, too.
//
// [String] is for text, [Head] for what is too long, [JSON] for what must stay JSON,
// [Handler] for logs.
package redact

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Mark stands where a secret was.
const Mark = "[cut]"

// String cuts secrets out of a text.
func String(s string) string {
	if len(s) < shortest {
		return s
	}
	spans := find(s, 0)
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var b strings.Builder
	b.Grow(len(s))
	last := 0
	for i := 0; i < len(spans); {
		x := spans[i]
		for i++; i < len(spans) && spans[i].from < x.to; i++ { // what overlaps is one secret
			if spans[i].to != x.to || spans[i].from != x.from {
				x.put = Mark
			}
			if spans[i].put == Mark {
				x.put = Mark
			}
			x.to = max(x.to, spans[i].to)
		}
		b.WriteString(s[last:x.from])
		if x.put != Mark || !strings.HasSuffix(b.String(), Mark) { // neighbours become one mark
			b.WriteString(x.put)
		}
		last = x.to
	}
	b.WriteString(s[last:])
	return b.String()
}

// Head is the beginning of a text, of at most n bytes, for who reads no more of a
// huge one. It ends between words where it can: half a secret might not be known
// as one.
func Head(s string, n int) string {
	const word = 512 // longer ones are cut
	if len(s) <= n {
		return s
	}
	s = s[:n]
	if i := strings.LastIndexAny(s, " \n\t"); i >= max(0, n-word) {
		return s[:i]
	}
	for range utf8.UTFMax - 1 { // a letter that was cut in half
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// shortest is the length below which a text holds no secret: an MFA code has six
// digits.
const shortest = 6

// span is a part of a text and what to put in its place.
type span struct {
	from, to int
	put      string
}

// most is how many layers of escapes and encodings are undone: JSON in a JSON
// string in a JSON string, with something percent-encoded inside.
const most = 4

// find says what to cut. depth counts the encodings around s.
func find(s string, depth int) (spans []span) {
	spans, broken, form := findIn(view{text: s}, depth, nil)
	if broken {
		spans, _, _ = findIn(view{text: s, joins: true}, depth, spans)
	}
	if form {
		spans, _, _ = findIn(view{text: s, form: true}, depth, spans)
	}
	if broken && form {
		spans, _, _ = findIn(view{text: s, joins: true, form: true}, depth, spans)
	}
	return spans
}

// findIn looks at a text and at what it reads as when layer after layer is
// undone. broken: it has lines, which may have been broken anywhere. form: it may
// be percent-encoded as forms are.
func findIn(v view, depth int, spans []span) (_ []span, broken, form bool) {
	plain := !v.joins && !v.form
	for level := 0; ; level++ {
		f := finder{s: v.text, depth: depth}
		if level > 0 || plain { // else it was looked at before
			f.scan()
		}
		for _, x := range f.spans {
			spans = append(spans, span{v.at(x.from), v.at(x.to), x.put})
		}
		broken, form = broken || f.broken, form || f.plus && f.percent
		if plain && !f.escaped || level == most {
			return spans, broken, form
		}
		var changed bool
		if v, changed = v.undo(); !changed {
			return spans, broken, form
		}
	}
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
