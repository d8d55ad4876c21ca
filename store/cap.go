package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

// MaxOutcomeBytes bounds what one step may keep in Redis, as JSON. Nine of them
// make an investigation of two megabytes at the very most; ordinary ones have
// some tens of kilobytes.
const MaxOutcomeBytes = 256 << 10

// capped makes an outcome fit, and says in Partial what was cut. Lists lose
// their ends, the longest ones first, so that what remains still reads as the
// step's facts; should that not do, the facts go altogether and the step counts
// as broken: rules must not take half a fact for a whole one.
func capped(o playbook.Outcome) (playbook.Outcome, []byte, error) {
	text, err := json.Marshal(o)
	if err != nil || len(text) <= MaxOutcomeBytes {
		return o, text, err
	}
	whole := len(text)
	var cuts []string
	if facts, paths, err := shorten(o.Facts, MaxOutcomeBytes/2); err == nil {
		o.Facts, cuts = facts, append(cuts, paths...)
	}
	if o.Proof, cuts, err = shortenProof(o.Proof, cuts, MaxOutcomeBytes/4); err != nil {
		return o, nil, err
	}
	note := fmt.Sprintf("The evidence of this step was %d KiB and is cut to what can be kept (%s).", whole>>10, strings.Join(cuts, ", "))
	o.Partial = strings.TrimSpace(o.Partial + " " + note)
	if text, err = json.Marshal(o); err != nil || len(text) <= MaxOutcomeBytes {
		return o, text, err
	}
	o = playbook.Outcome{N: o.N, Step: o.Step, Status: playbook.Broken, TookMS: o.TookMS, Facts: json.RawMessage("{}"), Proof: []playbook.Proof{},
		Summary: fmt.Sprintf("The evidence of this step was %d KiB, more than can be kept, and could not be shortened.", whole>>10)}
	text, err = json.Marshal(o)
	return o, text, err
}

// shortenProof keeps the first proofs that fit.
func shortenProof(proof []playbook.Proof, cuts []string, limit int) ([]playbook.Proof, []string, error) {
	size := 0
	for i, p := range proof {
		text, err := json.Marshal(p)
		if err != nil {
			return proof, cuts, err
		}
		if size += len(text); size > limit {
			return proof[:i], append(cuts, fmt.Sprintf("proof: the first %d of %d", i, len(proof))), nil
		}
	}
	return proof, cuts, nil
}

// shorten halves the longest list in a JSON value until its text fits, and
// names what it cut.
func shorten(raw json.RawMessage, limit int) (json.RawMessage, []string, error) {
	if len(raw) <= limit {
		return raw, nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // large integers stay what they are
	var v any
	if err := dec.Decode(&v); err != nil {
		return raw, nil, err
	}
	full := map[string]int{}
	kept := map[string]int{}
	for len(raw) > limit {
		l := longest(v, "")
		if l.set == nil || l.size < 2 {
			return raw, nil, fmt.Errorf("nothing is left to cut")
		}
		if full[l.path] == 0 {
			full[l.path] = l.size
		}
		kept[l.path] = l.size / 2
		l.set(l.size / 2)
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return raw, nil, err
		}
	}
	var cuts []string
	for _, path := range slices.Sorted(maps.Keys(full)) {
		cuts = append(cuts, fmt.Sprintf("%s: the first %d of %d", path, kept[path], full[path]))
	}
	return raw, cuts, nil
}

// list is an array somewhere in a JSON value.
type list struct {
	path string
	size int
	set  func(length int)
}

// longest finds the longest array; of equals the one whose path sorts first.
func longest(v any, path string) (best list) {
	consider := func(l list) {
		if l.set != nil && l.size > best.size {
			best = l
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			child, at := v[key], strings.TrimPrefix(path+"."+key, ".")
			if array, ok := child.([]any); ok {
				consider(list{at, len(array), func(n int) { v[key] = array[:n] }})
			}
			consider(longest(child, at))
		}
	case []any:
		for i, child := range v {
			at := fmt.Sprintf("%s[%d]", path, i)
			if array, ok := child.([]any); ok {
				consider(list{at, len(array), func(n int) { v[i] = array[:n] }})
			}
			consider(longest(child, at))
		}
	}
	return best
}
