// Package report writes a finished investigation for people: plain text for a
// terminal (text.go), Markdown for a ticket (markdown.go), and progress while it
// runs (progress.go). It is pure but for the writer: what it is given is what it
// prints. JSON is playbook.Report's own.
//
// Texts from AWS and from logs arrive cut of secrets; here they are kept from
// driving a terminal (no control characters) or from formatting a ticket.
package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/stsleuth/stsleuth/playbook"
)

// conclusionWords says the verdict of the whole in words.
func conclusionWords(d playbook.Diagnosis) string {
	switch d.Verdict {
	case playbook.CauseFound:
		return "Cause found"
	case playbook.SeveralCauses:
		return fmt.Sprintf("%d causes found", len(d.Causes))
	case playbook.NoCorrelation:
		return "No cause found: everything could be seen, and nothing fits"
	}
	return "Insufficient evidence: too much could not be seen to say"
}

// statusWords says a status in words, because colour and marks are not for everybody.
func statusWords(s playbook.Status) string {
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

func verdictWords(v playbook.Verdict) string {
	switch v {
	case playbook.Supported:
		return "yes"
	case playbook.Refuted:
		return "ruled out"
	}
	return "cannot be told"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return d.String()
}

func target(t playbook.Target) string {
	s := t.Role + " in " + t.Region
	if t.Account != "" {
		s += ", account " + t.Account
	}
	return s
}

func costWords(c playbook.Cost) string {
	s := fmt.Sprintf("%d API calls", c.APICalls)
	if c.BytesScanned > 0 {
		s += fmt.Sprintf(", %s scanned by log queries", size(c.BytesScanned))
	}
	return s + ". Read-only: nothing was changed."
}

func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n), 0
	for f >= unit && i < 4 {
		f, i = f/unit, i+1
	}
	return fmt.Sprintf("%.1f %cB", f, "kMGT"[i-1])
}

// proofResult is what a call brought, in one line.
func proofResult(p playbook.Proof) string {
	parts := []string{}
	if p.Result != "" {
		parts = append(parts, p.Result)
	}
	if p.Scanned > 0 {
		parts = append(parts, size(p.Scanned)+" scanned")
	}
	if p.Calls > 1 {
		parts = append(parts, fmt.Sprintf("%d requests", p.Calls))
	}
	return strings.Join(parts, ", ")
}

// Line is a text for a terminal in one line, with nothing in it that drives one.
func Line(s string) string { return plain(s) }

// plain keeps a text from driving a terminal: one line, no control, format or
// private-use characters.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r)
	}), " ")
}
