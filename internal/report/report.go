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
	"unicode"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

func target(t playbook.Target) string {
	s := t.Role + " in " + t.Region
	if t.Account != "" {
		s += ", account " + t.Account
	}
	return s
}

func costWords(c playbook.Cost) string {
	s := wording.Count(c.APICalls, "API call", "API calls")
	if c.BytesScanned > 0 {
		s += fmt.Sprintf(", %s scanned by log queries", wording.Bytes(c.BytesScanned))
	}
	return s + ". Read-only: nothing was changed."
}

// proofResult is what a call brought, in one line.
func proofResult(p playbook.Proof) string {
	parts := []string{}
	if p.Result != "" {
		parts = append(parts, p.Result)
	}
	if p.Scanned > 0 {
		parts = append(parts, wording.Bytes(p.Scanned)+" scanned")
	}
	if p.Calls > 1 {
		parts = append(parts, wording.Count(p.Calls, "request", "requests"))
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
