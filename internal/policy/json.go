package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSON is the document as IAM's console and API take it, ending in a newline.
func (d Document) JSON() []byte { return indented(d) }

// JSON is one statement, to be added to a policy that lacks it.
func (s Statement) JSON() []byte { return indented(s) }

func indented(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		panic(err) // strings and lists of strings always encode
	}
	return b.Bytes()
}

// Size is what IAM counts against its limits: characters without white space.
func (d Document) Size() int {
	compact, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return len(strings.Join(strings.Fields(string(compact)), ""))
}
