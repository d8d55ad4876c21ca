package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	shownRaw   = 30 // lines of raw output
	shownProof = 6  // AWS calls
	planned    = 9  // steps of the runbook
)

// Evidence is a step's reply in the thread: how it ended in words, what was seen,
// what could not be seen, rows, raw output, and how to repeat it.
func Evidence(inv playbook.Investigation, step playbook.Step, o playbook.Outcome) Message {
	words := statusWords(o.Status)
	d := details(o)
	name := fmt.Sprintf("Check %d of %d, %s", step.N, planned, step.Title)
	long := false // something is only in the file
	m := fit(maxWithout, func(room int) Message {
		m := Message{Text: sentence(append([]string{fmt.Sprintf("%s, for %s in %s: %s.", name, who(inv), where(inv), words), o.Summary, o.Partial}, missingWords(o)...)...)}
		took := ""
		if o.TookMS > 0 {
			took = ", took " + wording.Span(time.Duration(o.TookMS)*time.Millisecond)
		}
		m.Blocks = []slack.Block{paragraph(data(fmt.Sprintf("%d", step.N), 4), say(" "), dataBold(step.Title, 120), say(": "), sayBold(words), say(took)), paragraph(data(o.Summary, room))}
		m.Blocks = append(m.Blocks, caveats(o, room)...)
		long = room < 300
		for i, r := range d.raw {
			if i == 3 {
				long = true
				break
			}
			text, whole := head(r.text, shownRaw, 4*room)
			heading := line(r.heading, 120)
			if !whole {
				heading += " (cut; the rest is in the file)"
				long = true
			}
			m.Blocks = append(m.Blocks, preformatted(heading, text))
		}
		calls, whole := proof(o, room)
		long = long || !whole
		m.Blocks = append(m.Blocks, calls...)
		if n := len(d.table.rows); n > 0 {
			shown := d.table.rows[:min(n, shownRows)]
			title := d.table.title
			if n > shownRows {
				title += fmt.Sprintf(": %d of %d rows, all are in the file", shownRows, n)
				long = true
			}
			m.Blocks = append(m.Blocks, paragraph(sayBold(title)), table(d.table.head, shown, min(room, shownCell)))
			for _, row := range shown {
				for _, cell := range row {
					long = long || len(cell) > shownCell
				}
			}
		}
		return m
	})
	if long {
		m.Files = files(fmt.Sprintf("%d-%s.txt", step.N, slug(string(step.ID))), o, d.all, d.raw, name+", in full")
	}
	return m
}

// missingWords names refused permissions for a screen reader.
func missingWords(o playbook.Outcome) []string {
	if len(o.Missing) == 0 {
		return nil
	}
	return []string{"Missing permission: " + strings.Join(o.Missing[:min(len(o.Missing), shownItems)], ", ") + "."}
}

// caveats are what limits the answer: cut, refused, unseen, and where AWS does not work
// as the runbook says.
func caveats(o playbook.Outcome, room int) []slack.Block {
	var out []slack.Block
	if o.Partial != "" {
		out = append(out, paragraph(sayBold("Only in part. "), data(o.Partial, room)))
	}
	if len(o.Missing) > 0 {
		var items [][]part
		for i, a := range o.Missing {
			items = append(items, nil) // what is not shown is only counted
			if i < shownItems {
				items[i] = []part{dataCode(a, 100)}
			}
		}
		out = append(out, bullets("Missing permissions (the policy that stsleuth policy prints has them)", items, shownItems, ""))
	}
	lines := func(heading string, list []string) {
		if len(list) == 0 {
			return
		}
		var items [][]part
		for i, s := range list {
			items = append(items, nil)
			if i < shownItems {
				items[i] = []part{data(s, room)}
			}
		}
		out = append(out, bullets(heading, items, shownItems, ""))
	}
	lines("Could not be seen", o.Unseen)
	lines("Where AWS differs from the runbook", o.Corrections)
	return out
}

// proof is every call that mattered, in a form that can be run again, and whether
// that is all: half a command is of no use to anybody, so one that is too long is
// in the file alone.
func proof(o playbook.Outcome, room int) (_ []slack.Block, whole bool) {
	if len(o.Proof) == 0 {
		return nil, true
	}
	whole = len(o.Proof) <= shownProof
	fits := func(s string) bool {
		if utf8.RuneCountInString(s) <= 3*room {
			return true
		}
		whole = false
		return false
	}
	// Queries say most, so they are shown before the calls that only led to them.
	calls := slices.Clone(o.Proof)
	slices.SortStableFunc(calls, func(a, b playbook.Proof) int { return cmp.Compare(min(len(b.Query), 1), min(len(a.Query), 1)) })
	var items [][]part
	var commands, queries []string
	for _, p := range calls[:min(len(calls), shownProof)] {
		item := []part{dataCode(p.Action, 100)}
		if p.Region != "" {
			item = append(item, say(" in "), data(p.Region, 30))
		}
		if p.Result != "" {
			item = append(item, say(": "), data(p.Result, min(room, 160)))
		}
		if p.Calls > 1 {
			item = append(item, say(fmt.Sprintf(", %d calls", p.Calls)))
		}
		if p.Scanned > 0 {
			item = append(item, say(", "+wording.Bytes(p.Scanned)+" scanned"))
		}
		if l := link(p.Console, "Console"); l != nil {
			item = append(item, say(" · "), l)
		}
		items = append(items, item)
		if p.CLI != "" && fits(p.CLI) {
			commands = append(commands, line(p.CLI, 3*room))
		}
		if p.Query != "" && !strings.Contains(p.CLI, p.Query) && len(queries) < 2 && fits(p.Query) {
			queries = append(queries, line(p.Query, 3*room))
		}
	}
	for range o.Proof[len(items):] {
		items = append(items, nil)
	}
	out := []slack.Block{bullets("AWS calls", items, shownProof, "in the file")}
	if len(commands) > 0 {
		heading := "Repeat them"
		if !whole {
			heading += " (all of them are in the file)"
		}
		out = append(out, preformatted(heading, strings.Join(commands, "\n")))
	}
	if len(queries) > 0 {
		out = append(out, preformatted("Query", strings.Join(queries, "\n\n")))
	}
	return out, whole
}

// head is the first lines of a text, and whether that is all of it.
func head(s string, lines, runes int) (string, bool) {
	s = clean(s)
	whole := true
	if list := strings.Split(s, "\n"); len(list) > lines {
		s, whole = strings.Join(list[:lines], "\n")+"\n…", false
	}
	if c := cut(s, runes); c != s {
		return c, false
	}
	return s, whole
}

// files is all of a step as one text file: rows, raw output, calls.
func files(name string, o playbook.Outcome, grids []grid, raws []raw, title string) []File {
	var b strings.Builder
	put := func(lines ...string) {
		for _, l := range lines {
			if l != "" && b.Len() < maxFile {
				b.WriteString(l + "\n")
			}
		}
	}
	put(clean(title), clean(o.Summary))
	cleaned := map[string]string{} // most cells are there many times
	for _, g := range grids {
		if len(g.rows) == 0 {
			continue
		}
		put("\n"+g.title, strings.Join(g.head, "  |  "))
		for _, row := range g.rows {
			cells := make([]string, len(row))
			for i, c := range row {
				if _, ok := cleaned[c]; !ok {
					cleaned[c] = strings.Join(strings.Fields(clean(c)), " ")
				}
				cells[i] = cleaned[c]
			}
			put(strings.Join(cells, "  |  "))
			if b.Len() >= maxFile {
				break
			}
		}
	}
	for _, r := range raws {
		put("\n"+clean(r.heading), clean(r.text))
	}
	for _, p := range o.Proof {
		put("\n"+clean(p.Action+" "+p.Region), clean(p.CLI), clean(p.Query), clean(p.Result), clean(p.Console))
	}
	text := b.String()
	if len(text) > maxFile {
		text = strings.ToValidUTF8(text[:maxFile], "") + "\nThe file ends here: it had reached 1 MB.\n"
	}
	return []File{{Name: name, Title: line(title, 200), Bytes: []byte(text), Snippet: "text"}}
}
