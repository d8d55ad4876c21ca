package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// page is a text page: its width and whether it may use colour.
type page struct {
	w      *bufio.Writer
	width  int
	colour bool
}

const (
	usualWidth = 100 // of a page that is no terminal
	leastWidth = 60
	mostWidth  = 120
)

// Terminal reports whether w is a terminal that may be drawn on.
func Terminal(w io.Writer, env func(string) string) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && env("TERM") != "dumb"
}

// newPage looks at the writer and the environment: NO_COLOR (https://no-color.org)
// and COLUMNS are honoured.
func newPage(w io.Writer, env func(string) string) *page {
	p := &page{w: bufio.NewWriter(w), width: usualWidth}
	if n, err := strconv.Atoi(env("COLUMNS")); err == nil && n > 0 {
		p.width = n
	} else if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = n
		}
	}
	p.width = min(max(p.width, leastWidth), mostWidth)
	p.colour = Terminal(w, env) && env("NO_COLOR") == ""
	return p
}

type style string

const (
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
)

func (p *page) in(st style, s string) string {
	if !p.colour || s == "" {
		return s
	}
	return string(st) + s + "\x1b[0m"
}

func (p *page) line(parts ...string) { fmt.Fprintln(p.w, strings.Join(parts, "")) }

// wrap writes a paragraph behind a label, later lines under the text.
func (p *page) wrap(indent int, label string, labelWidth int, text string) {
	first := strings.Repeat(" ", indent) + label + strings.Repeat(" ", max(labelWidth-utf8.RuneCountInString(label), 0))
	rest := strings.Repeat(" ", indent+labelWidth)
	room := max(p.width-indent-labelWidth, 30)
	lead, line := first, ""
	flush := func() {
		p.line(p.in(bold, lead), line)
		lead, line = rest, ""
	}
	for _, word := range strings.Fields(plain(text)) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// Text writes the report for a terminal: the answer first, then why, then each
// step with its proof.
func Text(w io.Writer, r playbook.Report, env func(string) string) error {
	p := newPage(w, env)
	p.line(p.in(bold, plain(target(r.Request.Target))))
	p.line(p.in(dim, fmt.Sprintf("%s to %s (%s) · %s", wording.UTC(r.Request.Window.From), wording.UTC(r.Request.Window.To), wording.Window(r.Request.Window.Length()), r.Request.ID)))
	p.line()
	p.diagnosis(r)
	p.rules(r.Rules)
	p.steps(r.Steps)
	p.line(p.in(dim, costWords(r.Cost())))
	return p.w.Flush()
}

func (p *page) diagnosis(r playbook.Report) {
	d := r.Diagnosis
	colour := yellow
	if len(d.Causes) > 0 {
		colour = red
	} else if d.Verdict == playbook.NoCorrelation {
		colour = green
	}
	p.line(p.in(colour, wording.Conclusion(d)))
	p.line()
	for i, f := range d.Causes {
		number := ""
		if len(d.Causes) > 1 {
			number = fmt.Sprintf("%d. ", i+1)
		}
		p.line(p.in(bold, number+plain(f.Headline)))
		p.line(p.in(dim, fmt.Sprintf("%s, %s confidence", f.Cause, f.Confidence)))
		p.wrap(2, "Why", 9, f.Why)
		p.wrap(2, "Fix now", 9, f.Fix)
		p.wrap(2, "Prevent", 9, f.Prevent)
		for j, c := range f.Cites {
			label := ""
			if j == 0 {
				label = "Proof"
			}
			p.wrap(2, label, 9, string(c.Step)+": "+c.Ref)
		}
		p.line()
	}
	if len(d.NotChecked) > 0 {
		p.line(p.in(bold, "Not checked, or only in part"))
		for _, n := range d.NotChecked {
			p.wrap(2, string(n.Step), 17, n.Reason)
		}
		p.line()
	}
	if len(d.Offers) > 0 {
		p.line(p.in(bold, "What to look at next"))
		for _, o := range d.Offers {
			if title := wording.Offer(o, r.Request.Window.Length()); title != "" {
				p.wrap(2, string(o), 17, title)
			}
		}
		p.line()
	}
}

func (p *page) rules(rules []playbook.Judged) {
	p.line(p.in(bold, "Rules"))
	for _, j := range rules {
		p.wrap(2, fmt.Sprintf("%d %s", j.N, j.Rule), 24, wording.Verdict(j.Verdict)+". "+j.Message)
	}
	p.line()
}

func (p *page) steps(steps []playbook.Outcome) {
	p.line(p.in(bold, "Steps"))
	for _, s := range steps {
		status := wording.Status(s.Status)
		if s.Partial != "" {
			status += ", in part"
		}
		p.line(p.in(bold, fmt.Sprintf("  %d %s", s.N, s.Step)), ": ", p.in(statusStyle(s.Status), status))
		p.wrap(5, "", 0, s.Summary)
		for _, part := range []struct {
			label string
			lines []string
		}{{"in part", nonEmpty(s.Partial)}, {"unseen", s.Unseen}, {"missing", s.Missing}, {"note", s.Corrections}} {
			for i, text := range part.lines {
				label := part.label
				if i > 0 {
					label = ""
				}
				p.wrap(5, label, 9, text)
			}
		}
		for _, proof := range s.Proof {
			p.proof(proof)
		}
	}
	p.line()
}

func (p *page) proof(proof playbook.Proof) {
	if proof.CLI != "" {
		p.line(p.in(dim, "     $ "+plain(proof.CLI)))
	} else {
		p.line(p.in(dim, "     "+proof.Action+" in "+proof.Region))
	}
	if result := proofResult(proof); result != "" {
		p.line(p.in(dim, "       → "+plain(result)))
	}
	for _, line := range strings.Split(strings.TrimSpace(proof.Query), "\n") {
		if strings.TrimSpace(line) != "" {
			p.line(p.in(dim, "         "+plain(line)))
		}
	}
	if proof.Console != "" {
		p.line(p.in(dim, "       "+plain(proof.Console)))
	}
}

func statusStyle(s playbook.Status) style {
	switch s {
	case playbook.Found:
		return red
	case playbook.Clear:
		return green
	}
	return yellow
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
