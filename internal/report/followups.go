package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// FollowUps writes what follow-up checks found, for a terminal: each like a step,
// with its table, and the diagnosis where it was judged again.
func FollowUps(w io.Writer, all []playbook.Outcome, env func(string) string) error {
	p := newPage(w, env)
	for _, o := range all {
		p.line(p.in(bold, followUpTitle(o)), ": ", p.in(statusStyle(o.Status), wording.Status(o.Status)))
		p.wrap(2, "", 0, o.Summary)
		for _, part := range []struct {
			label string
			lines []string
		}{{"in part", nonEmpty(o.Partial)}, {"unseen", o.Unseen}, {"missing", o.Missing}, {"note", o.Corrections}} {
			for i, text := range part.lines {
				label := part.label
				if i > 0 {
					label = ""
				}
				p.wrap(2, label, 9, text)
			}
		}
		p.line()
		review, _ := facts.ReviewOf(o)
		p.table(review.Table)
		p.chart(review.Chart)
		if now := judgedAgain(o, review); now != nil {
			p.line(p.in(bold, "Judged again: "), plain(now.Words))
			p.line()
			p.diagnosis(playbook.Report{Diagnosis: now.Now, Request: playbook.Request{Window: windowOf(o)}})
		}
		for _, proof := range o.Proof {
			p.proof(proof)
		}
		p.line()
	}
	return p.w.Flush()
}

func followUpTitle(o playbook.Outcome) string { return playbook.Offer(o.Step).Title() }

// judgedAgain is the new judgement of a check, nil where there is none.
func judgedAgain(o playbook.Outcome, review facts.Review) *facts.Rejudged {
	if o.Step == facts.Extended.Step {
		if x, ok := facts.Extended.In(playbook.Outcomes{o.Step: o}); ok {
			return &x.Rejudged
		}
	}
	return review.Rejudged
}

// windowOf is the window that a check judged, where that is not the report's.
func windowOf(o playbook.Outcome) playbook.Window {
	x, _ := facts.Extended.In(playbook.Outcomes{o.Step: o})
	return x.Estimate.Window
}

// table writes a row a paragraph: its columns are too many for a terminal's width.
func (p *page) table(t facts.Table) {
	if len(t.Rows) == 0 {
		return
	}
	p.line(p.in(bold, plain(t.Title)))
	for _, row := range t.Rows {
		if len(row) == 0 {
			continue
		}
		var cells []string
		for i, cell := range row {
			if i > 0 && i < len(t.Columns) && strings.TrimSpace(cell) != "" {
				cells = append(cells, t.Columns[i]+" "+cell)
			}
		}
		label := plain(row[0])
		if utf8.RuneCountInString(label) >= 22 {
			p.line("  ", p.in(bold, label))
			label = ""
		}
		p.wrap(2, label, 22, strings.Join(cells, " · "))
	}
	if t.More > 0 {
		p.line(p.in(dim, fmt.Sprintf("  and %d more", t.More)))
	}
	p.line()
}

// bars are the heights of a chart of one line.
var bars = []rune("▁▂▃▄▅▆▇█")

// chart writes each series as bars; those above the limit are red.
func (p *page) chart(c *facts.Chart) {
	if c == nil {
		return
	}
	title := fmt.Sprintf("%s (%s)", c.Title, c.Unit)
	if c.Limit > 0 {
		title += fmt.Sprintf(", %g is %s", c.Limit, c.Means)
	}
	p.line(p.in(bold, plain(title)))
	most := c.Limit
	for _, s := range c.Series {
		for _, x := range s.Points {
			most = max(most, x.Value)
		}
	}
	for _, s := range c.Series {
		var b strings.Builder
		least, last := 0.0, 0.0
		for i, x := range s.Points {
			bar := string(bars[min(len(bars)-1, max(0, int(x.Value/max(most, 1e-9)*float64(len(bars)))))])
			if c.Limit > 0 && x.Value > c.Limit {
				bar = p.in(red, bar)
			}
			b.WriteString(bar)
			if last = max(last, x.Value); i == 0 || x.Value < least {
				least = x.Value
			}
		}
		p.line(fmt.Sprintf("  %s %s %g to %g", plain(s.Name), b.String(), least, last))
	}
	p.line()
}

// MarkdownFollowUps writes the same for a ticket.
func MarkdownFollowUps(w io.Writer, all []playbook.Outcome) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "\n## Follow-ups\n")
	for _, o := range all {
		fmt.Fprintf(b, "\n### %s: %s\n\n%s\n", md(followUpTitle(o)), wording.Status(o.Status), md(o.Summary))
		review, _ := facts.ReviewOf(o)
		if now := judgedAgain(o, review); now != nil {
			fmt.Fprintf(b, "\nJudged again: %s.\n", md(now.Words))
			for _, f := range now.Now.Causes {
				fmt.Fprintf(b, "\n**%s** (%s, %s confidence)\n\n%s\n\n**Fix now.** %s\n\n**Prevent.** %s\n\n", md(f.Headline), code(string(f.Cause)), f.Confidence, md(f.Why), md(f.Fix), md(f.Prevent))
				for _, c := range f.Cites {
					fmt.Fprintf(b, "- %s: %s\n", code(string(c.Step)), md(c.Ref))
				}
			}
		}
		if t := review.Table; len(t.Rows) > 0 {
			fmt.Fprintf(b, "\n%s\n\n|", md(t.Title))
			for _, c := range t.Columns {
				fmt.Fprintf(b, " %s |", md(c))
			}
			fmt.Fprintf(b, "\n|%s\n", strings.Repeat("---|", len(t.Columns)))
			for _, row := range t.Rows {
				fmt.Fprint(b, "|")
				for _, cell := range row {
					fmt.Fprintf(b, " %s |", md(cell))
				}
				fmt.Fprintln(b)
			}
			if t.More > 0 {
				fmt.Fprintf(b, "\nAnd %d more.\n", t.More)
			}
		}
		markdownNotes(b, o)
	}
	return b.Flush()
}

// JSON writes a report as the published schema has it; the outcomes of follow-ups
// stand behind it, under follow_ups, where there are any.
func JSON(w io.Writer, r playbook.Report, followUps []playbook.Outcome) error {
	raw, err := r.MarshalJSON()
	if err != nil {
		return err
	}
	if len(followUps) > 0 {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(followUps); err != nil {
			return err
		}
		raw = []byte(strings.TrimSuffix(string(raw), "}") + `,"follow_ups":` + b.String() + "}")
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(json.RawMessage(raw))
}
