package redact

import (
	"bytes"
	"encoding/json"
)

// JSON cuts secrets out of a JSON text, so that it stays one: strings by shape
// and by the names of their fields, keys of objects by shape. Whatever holds no
// secret stays as it is, byte for byte. What is not JSON is treated as plain text.
func JSON(raw []byte) []byte {
	if !json.Valid(raw) {
		return []byte(String(string(raw)))
	}
	var out bytes.Buffer
	var kinds []kind // of the fields around, one a level
	field := none    // of the value that comes next
	last := 0
	put := func(from, to int, text string) {
		out.Write(raw[last:from])
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.Encode(text) // a string always encodes
		out.Write(bytes.TrimRight(b.Bytes(), "\n"))
		last = to
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '{' || c == '[':
			kinds = append(kinds, field)
			if c == '{' {
				field = none
			}
		case c == '}' || c == ']':
			field, kinds = none, kinds[:len(kinds)-1]
		case c == ',':
			field = none
			if len(kinds) > 0 {
				field = kinds[len(kinds)-1]
			}
		case c == '"':
			end := i + 1
			for raw[end] != '"' {
				if raw[end] == '\\' {
					end++
				}
				end++
			}
			end++
			next := end
			for next < len(raw) && (raw[next] <= ' ') {
				next++
			}
			isKey := next < len(raw) && raw[next] == ':'
			if plain(raw[i:end]) && !isKey && field == none {
				i = end - 1
				continue
			}
			var text string
			if json.Unmarshal(raw[i:end], &text) == nil {
				was := text
				if isKey {
					field = secretName(text)
					text = String(text)
				} else {
					text = cutField(field, text)
				}
				if text != was {
					put(i, end, text)
				}
			}
			i = end - 1
		case field != none && field != long && (c == '-' || c >= '0' && c <= '9'):
			end := i
			for end < len(raw) && bytes.IndexByte([]byte("+-.0123456789eE"), raw[end]) >= 0 {
				end++
			}
			if text := string(raw[i:end]); cutField(field, text) != text {
				put(i, end, Mark)
			}
			i = end - 1
		}
	}
	out.Write(raw[last:])
	return out.Bytes()
}

// cutField cuts a field's value.
func cutField(k kind, text string) string {
	if k == none || text == Mark {
		return String(text)
	}
	f := finder{s: text}
	if k == rest {
		k = any_
	}
	if k == grant {
		f.header(0, k)
	} else {
		f.put(0, len(text), k, false)
	}
	if len(f.spans) > 0 {
		return Mark
	}
	return String(text)
}

// plain strings are times, numbers and short words: they hold no secret.
func plain(s []byte) bool {
	return len(s) < shortest+2 || len(s) < 32 && s[1] >= '0' && s[1] <= '9' && s[len(s)-2] == 'Z'
}
