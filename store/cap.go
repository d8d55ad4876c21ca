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

// MaxOutcomeBytes bounds what one step may keep in Redis, as it is stored:
// compressed. What the steps keep by number (1,000 sessions, 1,000 log lines, 500
// failures, 40 busy roles over the longest window) fits, whole: the largest of
// these takes half of it. An ordinary investigation has some tens of kilobytes in
// all.
const MaxOutcomeBytes = 1 << 20

// capped makes an outcome fit, gives it as it is stored, and says in Partial what
// was cut. The longest lists of its facts and proof are thinned evenly, first and
// last element included: when it began and whether it goes on decide a diagnosis.
// Should that not do, the facts go altogether and the step counts as broken: rules
// must not take half a fact for a whole one.
func capped(o playbook.Outcome) (playbook.Outcome, []byte, error) {
	text, stored, err := packOutcome(o)
	if err != nil || len(stored) <= MaxOutcomeBytes {
		return o, stored, err
	}
	whole, partial := len(text), o.Partial
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // large integers stay what they are
	var v struct{ Facts, Proof any }
	if err := dec.Decode(&v); err != nil {
		return o, nil, err
	}
	all := map[string]any{"facts": v.Facts, "proof": v.Proof}
	full := sizes(all)
	for len(stored) > MaxOutcomeBytes {
		if !thin(all) {
			o = playbook.Outcome{N: o.N, Step: o.Step, Status: playbook.Broken, TookMS: o.TookMS, Facts: json.RawMessage("{}"), Proof: []playbook.Proof{},
				Summary: fmt.Sprintf("The evidence of this step was %d KiB, more than can be kept, and could not be shortened.", whole>>10)}
			_, stored, err = packOutcome(o)
			return o, stored, err
		}
		if o.Facts, err = json.Marshal(all["facts"]); err != nil {
			return o, nil, err
		}
		proof, err := json.Marshal(all["proof"])
		if err != nil {
			return o, nil, err
		}
		o.Proof = nil // its elements are the caller's
		if err := json.Unmarshal(proof, &o.Proof); err != nil {
			return o, nil, err
		}
		o.Partial = strings.TrimSpace(fmt.Sprintf("%s The evidence of this step was %d KiB and is thinned to what can be kept (%s).", partial, whole>>10, cuts(full, sizes(all))))
		if _, stored, err = packOutcome(o); err != nil {
			return o, nil, err
		}
	}
	return o, stored, nil
}

func packOutcome(o playbook.Outcome) (text, stored []byte, err error) {
	if text, err = json.Marshal(o); err != nil {
		return nil, nil, err
	}
	stored, err = pack(text)
	return text, stored, err
}

// thin drops every second element, but not the last, of the lists that stand
// where the most elements do. It reports whether there was one to thin: of two
// elements both are ends.
func thin(v any) bool {
	total := map[string]int{}
	arrays(v, "", func(path string, list []any) []any {
		if len(list) > 2 {
			total[path] += len(list)
		}
		return list
	})
	most := ""
	for _, path := range slices.Sorted(maps.Keys(total)) {
		if total[path] > total[most] {
			most = path
		}
	}
	arrays(v, "", func(path string, list []any) []any {
		if path != most || len(list) < 3 {
			return list
		}
		var kept []any
		for i, x := range list {
			if i%2 == 0 || i == len(list)-1 {
				kept = append(kept, x)
			}
		}
		return kept
	})
	return len(total) > 0
}

// sizes counts the elements of all lists by where they stand.
func sizes(v any) map[string]int {
	n := map[string]int{}
	arrays(v, "", func(path string, list []any) []any {
		n[path] += len(list)
		return list
	})
	return n
}

// cuts names the lists that were thinned, with how much of them is left.
func cuts(full, kept map[string]int) string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(full)) {
		if kept[path] < full[path] {
			out = append(out, fmt.Sprintf("%s: %d of %d", strings.TrimPrefix(path, "facts."), kept[path], full[path]))
		}
	}
	return strings.Join(out, ", ")
}

// arrays puts in place of every array in a JSON value what `each` makes of it. Its
// path names the keys that lead to it: those of all elements of a list are one.
func arrays(v any, path string, each func(path string, list []any) []any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			v[key] = arrays(child, strings.TrimPrefix(path+"."+key, "."), each)
		}
	case []any:
		v = each(path, v)
		for i, child := range v {
			v[i] = arrays(child, path, each)
		}
		return v
	}
	return v
}
