package planted

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"html"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Piece is how many letters of a secret must not come out. Of base64 they are 72
// bits: no text has them by chance, and who knows them knows neither the 28
// letters missing of a secret access key nor anything of a token.
const Piece = 12

// Field is the ground in which secrets were planted.
type Field struct {
	pieces map[string]string // a piece of a secret to what it is of
	short  map[string]string // secrets that are shorter than a piece
}

// Plant remembers secrets.
func (f *Field) Plant(where string, s Secret) {
	if f.pieces == nil {
		f.pieces, f.short = map[string]string{}, map[string]string{}
	}
	for _, core := range s.Core {
		if len(core) < Piece {
			f.short[core] = where + ": " + s.Kind
			continue
		}
		for i := 0; i+Piece <= len(core); i++ {
			f.pieces[core[i:i+Piece]] = where + ": " + s.Kind
		}
	}
}

// Leak is a part of a secret in an output.
type Leak struct{ Of, Piece, Around string }

// Leaks finds what of the secrets is in an output, as it is and as it reads when
// it is decoded.
func (f *Field) Leaks(out []byte) (all []Leak) {
	found := map[string]bool{}
	for _, text := range Readings(string(out), 3) {
		for i := 0; i+Piece <= len(text); i++ {
			piece := text[i : i+Piece]
			if of, ok := f.pieces[piece]; ok && !found[of] {
				found[of] = true
				all = append(all, Leak{of, piece, text[max(0, i-120):min(len(text), i+120)]})
			}
		}
		for short, of := range f.short {
			for at := 0; ; at++ {
				i := strings.Index(text[at:], short)
				if i < 0 {
					break
				}
				at += i
				if alone(text, at, len(short)) && !found[of] {
					found[of] = true
					all = append(all, Leak{of, short, text[max(0, at-120):min(len(text), at+120)]})
				}
			}
		}
	}
	return all
}

// alone says whether six digits are a number of their own and no part of a longer one.
func alone(s string, at, n int) bool {
	edge := func(i int) bool { return i < 0 || i >= len(s) || !strings.ContainsRune(alnum+".-", rune(s[i])) }
	return edge(at-1) && edge(at+n)
}

var (
	escape  = regexp.MustCompile(`\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\.`)
	percent = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`)
	run     = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}`)
	colour  = regexp.MustCompile("\x1b\\[[0-9;]*[a-zA-Z]")
	unseen  = strings.NewReplacer("\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "", "\u00ad", "", "\u2060", "", "\ufffd", "")
	breaks  = strings.NewReplacer("=\r\n", "", "=\n", "", "\r\n", "", "\n", "", " ", "", "\t", "", "\\n", "")
)

// Readings are a text and what it says when escapes, encodings, colours and line
// breaks are undone, to a depth.
func Readings(s string, depth int) []string {
	seen := map[string]bool{s: true}
	all := []string{s}
	last := all
	for range depth {
		var next []string
		for _, t := range last {
			for _, x := range undone(t) {
				if len(x) >= 6 && !seen[x] {
					seen[x] = true
					next = append(next, x)
				}
			}
		}
		all, last = append(all, next...), next
	}
	return all
}

// undone is a text less one layer: all that are escapes at once, all runs of
// base64 in it, and without breaks.
func undone(s string) []string {
	plain := escape.ReplaceAllStringFunc(s, func(e string) string {
		switch {
		case e[1] == 'u' && len(e) == 6, e[1] == 'x' && len(e) == 4:
			if n, err := strconv.ParseUint(e[2:], 16, 32); err == nil {
				return string(rune(n))
			}
		case e[1] == 'n':
			return "\n"
		}
		return e[1:]
	})
	plain = strings.ReplaceAll(plain, "=3D", "=")
	plain = percent.ReplaceAllStringFunc(plain, func(p string) string {
		if u, err := url.PathUnescape(p); err == nil {
			return u
		}
		return p
	})
	plain = unseen.Replace(colour.ReplaceAllString(html.UnescapeString(plain), ""))
	out := []string{plain}
	if joined := breaks.Replace(s); joined != s {
		out = append(out, joined)
	}
	for _, r := range run.FindAllString(s, -1) {
		if b, err := unbase64(r); err == nil {
			out = append(out, string(b), inflated(b))
		}
	}
	return out
}

func unbase64(s string) ([]byte, error) {
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

// inflated is what compressed bytes hold, "" if they are none.
func inflated(b []byte) string {
	const most = 1 << 20
	if r, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		out, _ := io.ReadAll(io.LimitReader(r, most))
		return string(out)
	}
	out, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), most))
	return string(out)
}
