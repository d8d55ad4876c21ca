// Package wording writes values for people, the same in Slack, on a terminal, in a
// ticket and in the follow-ups' summaries: how a step, a rule and the whole ended,
// and counts, lengths, moments, sizes and money.
//
// In go values, out come words without markup. The words of one message are where
// that message is: bot/render, internal/report, playbook/followups.
package wording

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stsleuth/stsleuth/playbook"
)

// Status says how a step ended, because colours and marks are not for everybody.
func Status(s playbook.Status) string {
	switch s {
	case playbook.Found:
		return "found"
	case playbook.Clear:
		return "clear"
	case playbook.Blind:
		return "could not see"
	case playbook.Denied:
		return "permission missing"
	case playbook.TimedOut:
		return "timed out"
	case playbook.Broken:
		return "broken"
	}
	return "not asked"
}

// Verdict says what a rule came to.
func Verdict(v playbook.Verdict) string {
	switch v {
	case playbook.Supported:
		return "fired"
	case playbook.Refuted:
		return "ruled out"
	}
	return "undetermined"
}

// Conclusion says what the whole came to, without the cause's own headline.
func Conclusion(d playbook.Diagnosis) string {
	switch {
	case len(d.Causes) > 1:
		return fmt.Sprintf("%d causes found", len(d.Causes))
	case len(d.Causes) == 1:
		return "Cause found"
	case d.Verdict == playbook.NoCorrelation:
		return "No cause found: all could be seen, and nothing fits"
	}
	return "Cannot tell: too much could not be seen"
}

// Truth says what is known of a yes-or-no question.
func Truth(t playbook.Truth) string {
	if t == playbook.Unknown {
		return "not known"
	}
	return t.String()
}

// Capital is a sentence's beginning.
func Capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// Count writes "1 call", "2 calls".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Span writes a length of time by its two largest units: "1 h", "3 h 12 min",
// "45 s", "400 ms".
func Span(d time.Duration) string {
	d = d.Abs()
	if d < time.Second {
		if d = d.Round(time.Millisecond); d == 0 {
			return "0 s"
		}
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	d = d.Round(time.Second)
	var parts []string
	for _, p := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / p.unit; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.name))
		}
		d %= p.unit
	}
	return strings.Join(parts, " ")
}

// Seconds is Span of whole seconds, as AWS gives lengths of sessions; 0 was not set.
func Seconds(n int) string {
	if n <= 0 {
		return "not set"
	}
	return Span(time.Duration(n) * time.Second)
}

// Window writes a window's length the way people ask for it: "24 h", "7 days".
func Window(d time.Duration) string {
	h := int(d.Round(time.Hour).Hours())
	switch {
	case d%time.Hour != 0:
		return Span(d)
	case h > 72 && h%24 == 0:
		return fmt.Sprintf("%d days", h/24)
	}
	return fmt.Sprintf("%d h", h)
}

// Offer is what a check after a diagnosis of that window does, as its button says
// it; "" for a longer window where there is none.
func Offer(o playbook.Offer, window time.Duration) string {
	if o != playbook.Extend48h {
		return o.Title()
	}
	if longer := playbook.NextWindow(window); longer > 0 {
		return "Extend to " + Window(longer)
	}
	return ""
}

// UTC is a moment where there are no dates in the reader's own time zone.
func UTC(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// Bytes writes a size in steps of 1,000: "950 bytes", "1.2 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return Count(int(n), "byte", "bytes")
	}
	f, i := float64(n), 0
	for f >= 999.95 && i < 4 { // else it would be written 1000.0
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", f, "kMGT"[i-1])
}

// Dollars writes money; what is less than a cent is not made to look like one.
func Dollars(f float64) string {
	switch {
	case f <= 0:
		return "nothing"
	case f < 0.01:
		return "less than a cent"
	}
	return fmt.Sprintf("$%.2f", f)
}
