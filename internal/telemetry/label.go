package telemetry

import (
	"regexp"
	"sync"
)

// fewMost is how many values one label may have. AWS and Slack have a few dozen
// codes each for what is asked of them; a series is some kilobytes in Prometheus,
// for ever.
const fewMost = 250

// other stands for what does not fit.
const other = "other"

// shape is what codes look like: "AccessDenied", "not_in_channel", "http-503".
// Actions and methods are our own, and few.
var shape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([._:-][A-Za-z0-9]+)*$`)

// few lets a label have values that strangers choose, as long as they look like
// what they should be and are not too many. The zero value is ready to use.
type few struct {
	mu   sync.Mutex
	seen map[string]bool // guarded by mu
}

func (f *few) label(v string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.seen[v]:
		return v
	case len(v) > 64 || !shape.MatchString(v) || len(f.seen) >= fewMost:
		return other
	case f.seen == nil:
		f.seen = map[string]bool{}
	}
	f.seen[v] = true
	return v
}
