package store

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
)

// plainBytes is up to which length a JSON text is stored as it is, for people
// who look into Redis. Evidence is much alike: what is longer takes a fifth and
// less when it is compressed.
const plainBytes = 4 << 10

// gzipped is how a compressed text begins, and JSON never does.
// https://www.rfc-editor.org/rfc/rfc1952#page-6
var gzipped = []byte{0x1f, 0x8b}

// pack is a JSON text as Redis keeps it: a long one compressed.
func pack(text []byte) ([]byte, error) {
	if len(text) <= plainBytes {
		return text, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unpack reads a JSON text that was stored by pack, or plainly.
func unpack(stored []byte, into any) error {
	if bytes.HasPrefix(stored, gzipped) {
		z, err := gzip.NewReader(bytes.NewReader(stored))
		if err != nil {
			return err
		}
		if stored, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	return json.Unmarshal(stored, into)
}
