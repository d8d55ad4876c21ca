package bot

import "sync"

// remembered is a set that does not grow for ever: when it is full it starts
// anew. It may only hold what is found out again when it is forgotten.
type remembered[T comparable] struct {
	mu  sync.Mutex
	set map[T]bool // guarded by mu
}

const rememberedMost = 10_000

// add puts v into the set, and reports whether it was there.
func (r *remembered[T]) add(v T) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set[v] {
		return true
	}
	if r.set == nil || len(r.set) >= rememberedMost {
		r.set = map[T]bool{}
	}
	r.set[v] = true
	return false
}

func (r *remembered[T]) has(v T) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set[v]
}
