package needle_test

import (
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/needle"
)

// FuzzAfter compares with the standard library.
func FuzzAfter(f *testing.F) {
	f.Add("archive-export", "role/archive-exporx, role/archive-export", 3)
	f.Add("aa", "aaab", 1)
	f.Add("", "x", 0)
	f.Add("x", "", 0)
	f.Add("é", "caf\xc3\xc3é", 0)
	f.Fuzz(func(t *testing.T, text, s string, from int) {
		if from < 0 || from > len(s) {
			return
		}
		want := strings.Index(s[from:], text)
		if want >= 0 {
			want += from + len(text)
		}
		n := needle.New(text)
		if got := n.After(s, from); got != want {
			t.Errorf("After(%q, %d) of %q = %d, want %d", s, from, text, got, want)
		}
		if got := n.AfterBytes([]byte(s), from); got != want {
			t.Errorf("AfterBytes(%q, %d) of %q = %d, want %d", s, from, text, got, want)
		}
		if got, want := n.InBytes([]byte(s)), strings.Contains(s, text); got != want || n.In(s) != want {
			t.Errorf("%q in %q = %v, want %v", text, s, got, want)
		}
	})
}
