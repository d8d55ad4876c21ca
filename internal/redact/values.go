package redact

import "strings"

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
	end := f.bare(i)
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
func (f *finder) bare(from int) int {
	s := f.s
	stops := func(c byte) bool { return strings.IndexByte(" \t\r\n\",;&'(){}<>[]`", c) >= 0 }
	if f.bareFrom <= from && from < f.bareTo && !stops(s[from]) {
		return f.bareTo
	}
	end := f.bareEnd(from, stops)
	f.bareFrom, f.bareTo = from, end
	return end
}

func (f *finder) bareEnd(from int, stops func(byte) bool) int {
	s := f.s
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
	if k == grant {
		word := i
		for word < len(s) && word-i < longestName && isLetter(s[word]) {
			word++
		}
		granted := word-i >= 16 && mixed(s[i:word])
		for _, x := range schemes {
			granted = granted || word < len(s) && s[word] == ' ' && len(s[i:word]) >= len(x) && strings.EqualFold(s[i:i+len(x)], x)
		}
		if !granted {
			return
		}
	}
	end := i
	if f.headFrom <= i && i < f.headTo {
		end = f.headTo
	}
	for end < len(s) && strings.IndexByte("\r\n\"'\\]", s[end]) < 0 {
		end++
	}
	f.headFrom, f.headTo = i, end
	f.put(i, end, any_, false)
	if k == grant {
		f.wrapped(end)
	}
}

// signature is how many of its 64 digits a signature has at least: a line may
// break inside.
const signature = 40

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
		if len(v) < signature || strings.Trim(v[:signature], "0123456789abcdefABCDEF") != "" {
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

// telling is how much of a value tells what it is.
const telling = 1024

// opaque says whether a value is one run of base64 letters with digits among them.
func opaque(v string) bool {
	v = v[:min(len(v), telling)]
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
	v = v[:min(len(v), telling)]
	switch strings.ToLower(strings.TrimRight(v, ".,:;!)")) {
	case "null", "none", "nil", "true", "false", "undefined", "expired", "invalid", "missing", "empty", "not", "the", "is", "was", "no", "a", "an", "could", "couldn", "cannot", "required", "redacted", "hidden", "unknown", "failed", "incorrect":
		return true
	}
	return strings.Trim(v, "*") == "" || strings.Trim(v, "xX") == "" && len(v) > 2 || strings.HasPrefix(v, "${") || strings.HasPrefix(v, "{{") || strings.HasPrefix(v, "$(") || strings.HasPrefix(v, "/") && strings.Count(v, "/") > 1 && !strings.ContainsAny(v, "+=")
}
