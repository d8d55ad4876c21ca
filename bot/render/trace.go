package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

const shownRefs = 3 // records that a rule cites

// Trace is the last reply in the thread: every rule, fired or ruled out or
// undetermined, what it stands on, and what was not checked.
func Trace(inv playbook.Investigation, rules []playbook.Rule) Message {
	report := inv.Report
	return fit(maxWithout, func(room int) Message {
		counts := map[playbook.Verdict]int{}
		m := Message{Blocks: []slack.Block{nil}}
		said, shown := []string{}, told{}
		for i, j := range report.Rules {
			counts[j.Verdict]++
			title := string(j.Rule)
			for _, r := range rules {
				if r.ID == j.Rule {
					title = r.Title
				}
			}
			said = append(said, fmt.Sprintf("%d, %s: %s.", j.N, line(title, 80), strings.ToLower(verdictWords(j.Verdict))))
			if i >= maxBlocks-10 {
				continue
			}
			b := paragraph(say(fmt.Sprintf("%d ", j.N)), dataBold(title, 120), say(": "), sayBold(verdictWords(j.Verdict)), say(". "), data(j.Message, room))
			list := newBullets()
			shown.cite(list, j.Refs, fmt.Sprintf("rule %d", j.N), min(room, 240))
			if len(j.Refs) == 0 && len(j.Cites) > 0 {
				steps := make([]string, len(j.Cites))
				for n, s := range j.Cites {
					steps[n] = string(s)
				}
				list.add(say("Read: "), data(strings.Join(steps, ", "), 300))
			}
			if len(list.Elements) > 0 {
				b.Elements = append(b.Elements, list)
			}
			m.Blocks = append(m.Blocks, b)
		}
		sum := fmt.Sprintf("%d fired, %d ruled out, %d undetermined", counts[playbook.Supported], counts[playbook.Refuted], counts[playbook.Undetermined])
		m.Blocks[0] = paragraph(sayBold("Rule trace: "), say(sum))
		again := judgedAgain(inv)
		if again != "" {
			m.Blocks = append(m.Blocks, paragraph(sayBold("Judged again: "), say(again)))
			again = "Judged again: " + again
		}
		notChecked := "Nothing was left unchecked."
		if len(report.Diagnosis.NotChecked) > 0 {
			m.Blocks = append(m.Blocks, unchecked(inv, nil, "Not checked", min(room, shownLine)))
			notChecked = wording.Count(len(report.Diagnosis.NotChecked), "check", "checks") + " could not be made in full."
		}
		if len(report.Diagnosis.Causes) > 0 {
			b := paragraph(sayBold("What the causes stand on"))
			for _, f := range report.Diagnosis.Causes {
				list := newBullets()
				shown.cite(list, f.Cites, "this cause", min(room, 240))
				b.Elements = append(b.Elements, slack.NewRichTextSection(elements([]part{dataCode(string(f.Cause), 60), say(" "), data(f.Headline, 150)})...))
				if len(list.Elements) > 0 {
					b.Elements = append(b.Elements, list)
				}
			}
			m.Blocks = append(m.Blocks, b)
		}
		m.Text = sentence("Rule trace for "+who(inv)+" in "+where(inv)+": "+sum+".", strings.Join(said, " "), again, notChecked)
		return m
	})
}

// told remembers which record was shown where, so that none is quoted twice.
type told map[playbook.Cite]string

// cite lists the records that something stands on: those that are new, and where the
// others are.
func (t told) cite(list *bulletList, refs []playbook.Cite, by string, room int) {
	fresh, before := 0, ""
	for _, c := range refs {
		if where, ok := t[c]; ok {
			if !strings.Contains(before, where) {
				before = strings.TrimPrefix(before+" and of "+where, " and of ")
			}
			continue
		}
		if fresh++; fresh <= shownRefs {
			t[c] = by
			list.add(dataCode(string(c.Step), 60), say(" "), data(c.Ref, room))
		}
	}
	if fresh > shownRefs {
		list.add(say(fmt.Sprintf("and %d more in the report", fresh-shownRefs)))
	}
	if before != "" {
		list.add(say("the records of " + before))
	}
}
