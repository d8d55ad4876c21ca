package playbook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// survives encodes v, decodes it into a fresh value of the same type and
// encodes that: if the two texts differ, something would be lost.
func survives(v any) (json.RawMessage, error) {
	first, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	again := reflect.New(reflect.TypeOf(v))
	if err := json.Unmarshal(first, again.Interface()); err != nil {
		return nil, fmt.Errorf("decode %T: %w", v, err)
	}
	second, err := json.Marshal(again.Interface())
	if err != nil {
		return nil, fmt.Errorf("encode %T again: %w", v, err)
	}
	if !bytes.Equal(first, second) {
		return nil, fmt.Errorf("%T does not survive JSON: %.200s became %.200s", v, first, second)
	}
	return first, nil
}
