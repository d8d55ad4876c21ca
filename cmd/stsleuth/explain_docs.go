package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

// explainAll writes docs/STEPS.md: everything that `explain` tells, as one page.
func explainAll(w io.Writer, plan playbook.Plan, checks []playbook.FollowUp) {
	fmt.Fprintln(w, "# Steps, rules and causes")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "Made from the code by `stsleuth explain --all`; a test keeps it so.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "## Steps")
	for _, s := range plan {
		fmt.Fprintf(w, "\n### %d. %s (`%s`)\n\n%s\n\n", s.N, s.Title, s.ID, s.Doc)
		fmt.Fprintf(w, "Waits for: %s. At most %s. IAM actions: %s.\n", orNone(quoted(ids(s.Needs))), s.Timeout, orNone(quoted(s.Actions)))
	}
	fmt.Fprintln(w, "\n## Rules")
	for _, r := range rules.All() {
		fmt.Fprintf(w, "\n### %d. %s (`%s`)\n\n%s\n\nReads: %s.\n", r.N, r.Title, r.ID, r.Doc, strings.Join(quoted(ids(r.Reads)), ", "))
	}
	fmt.Fprintln(w, "\n## Causes")
	fmt.Fprintln(w, "\nThe most direct first: where two causes explain the same failure, the earlier one has it.")
	for _, c := range rules.Causes() {
		fmt.Fprintf(w, "\n### `%s`\n\n%s\n\n- Decisive: %s\n- Fix now: %s\n- Prevent: %s\n", c.ID, c.Means, c.Decisive, c.Fix, c.Prevent)
	}
	fmt.Fprintln(w, "\n## Follow-ups")
	fmt.Fprintln(w, "\nThe checks behind the buttons of a diagnosis, and `--follow-up` on the command line.")
	for _, f := range checks {
		fmt.Fprintf(w, "\n### %s (`%s`)\n\n%s\n\nAt most %s. IAM actions: %s.\n", f.Title, f.Offer, f.Doc, f.Timeout, orNone(quoted(f.Actions)))
	}
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = "`" + s + "`"
	}
	return out
}
