package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// Markdown writes the report for a ticket or a repository: CommonMark with
// tables. Whatever came from AWS or a log can't format, link or mention.
func Markdown(w io.Writer, r playbook.Report) error {
	b := bufio.NewWriter(w)
	t, d := r.Request.Target, r.Diagnosis
	fmt.Fprintf(b, "# %s\n\n", md(wording.Conclusion(d)))
	fmt.Fprintf(b, "| | |\n|---|---|\n| Role | %s |\n| Account | %s |\n| Region | %s |\n| Window | %s to %s (%s) |\n| Investigation | %s |\n\n",
		code(first(t.RoleARN, t.Role)), code(first(t.Account, "unknown")), code(t.Region), wording.UTC(r.Request.Window.From), wording.UTC(r.Request.Window.To), wording.Window(r.Request.Window.Length()), code(r.Request.ID))
	for i, f := range d.Causes {
		number := ""
		if len(d.Causes) > 1 {
			number = fmt.Sprintf("%d. ", i+1)
		}
		fmt.Fprintf(b, "## %s%s\n\n%s, %s confidence.\n\n", number, md(f.Headline), code(string(f.Cause)), f.Confidence)
		fmt.Fprintf(b, "**Why.** %s\n\n**Fix now.** %s\n\n**Prevent.** %s\n\n", md(f.Why), md(f.Fix), md(f.Prevent))
		fmt.Fprintln(b, "Proof:")
		fmt.Fprintln(b)
		for _, c := range f.Cites {
			fmt.Fprintf(b, "- %s: %s\n", code(string(c.Step)), md(c.Ref))
		}
		fmt.Fprintln(b)
	}
	if len(d.NotChecked) > 0 {
		fmt.Fprint(b, "## Not checked, or only in part\n\n")
		for _, n := range d.NotChecked {
			fmt.Fprintf(b, "- %s: %s\n", code(string(n.Step)), md(n.Reason))
		}
		fmt.Fprintln(b)
	}
	fmt.Fprint(b, "## Rules\n\n| | rule | verdict | |\n|---|---|---|---|\n")
	for _, j := range r.Rules {
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", j.N, code(string(j.Rule)), wording.Verdict(j.Verdict), md(j.Message))
	}
	fmt.Fprint(b, "\n## Steps\n")
	for _, s := range r.Steps {
		markdownStep(b, s)
	}
	fmt.Fprintf(b, "\n---\n\n%s\n", costWords(r.Cost()))
	return b.Flush()
}

func markdownStep(b io.Writer, s playbook.Outcome) {
	fmt.Fprintf(b, "\n### %d. %s: %s\n\n%s\n", s.N, s.Step, wording.Status(s.Status), md(s.Summary))
	markdownNotes(b, s)
}

// markdownNotes is what there is to know of an outcome beside its summary, and its proof.
func markdownNotes(b io.Writer, s playbook.Outcome) {
	notes := nonEmpty(s.Partial)
	notes = append(notes, s.Unseen...)
	for _, a := range s.Missing {
		notes = append(notes, "Missing permission: "+a)
	}
	notes = append(notes, s.Corrections...)
	if len(notes) > 0 {
		fmt.Fprintln(b)
	}
	for _, n := range notes {
		fmt.Fprintf(b, "- %s\n", md(n))
	}
	if len(s.Proof) == 0 {
		return
	}
	var lines []string
	for _, p := range s.Proof {
		if p.CLI != "" {
			lines = append(lines, plain(p.CLI))
		}
		if result := proofResult(p); result != "" {
			lines = append(lines, "# "+plain(result))
		}
	}
	if len(lines) > 0 {
		text := strings.Join(lines, "\n")
		fmt.Fprintf(b, "\n%[1]ssh\n%[2]s\n%[1]s\n", fence(text), text)
	}
	for _, p := range s.Proof {
		if p.Console != "" {
			fmt.Fprintf(b, "\n[%s in the console](<%s>)\n", md(p.Action), strings.NewReplacer("<", "%3C", ">", "%3E").Replace(plain(p.Console)))
		}
	}
}

// md escapes what CommonMark or GitHub would take for markup, links or mentions.
func md(s string) string {
	var b strings.Builder
	for _, r := range plain(s) {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '~', '!', '@', '&':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	// A bare URL would become a link: break its scheme.
	return strings.ReplaceAll(b.String(), "://", `:\//`)
}

// code writes a value that must be read letter by letter.
func code(s string) string {
	s = strings.ReplaceAll(plain(s), "|", "¦")
	mark := "`"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	if len(mark) > 1 {
		return mark + " " + s + " " + mark
	}
	return mark + s + mark
}

// fence is longer than any run of backticks in the text.
func fence(text string) string {
	f := "```"
	for strings.Contains(text, f) {
		f += "`"
	}
	return f
}

func first(options ...string) string {
	for _, s := range options {
		if s != "" {
			return s
		}
	}
	return ""
}
