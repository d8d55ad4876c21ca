package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

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
		said := []string{}
		for i, j := range report.Rules {
			counts[j.Verdict]++
			title := string(j.Rule)
			for _, r := range rules {
				if r.ID == j.Rule {
					title = r.Title
				}
			}
			said = append(said, fmt.Sprintf("%d, %s: %s.", j.N, line(title, 80), strings.ToLower(verdictWords(j.Verdict))))
			if i >= MaxBlocks-10 {
				continue
			}
			b := paragraph(say(fmt.Sprintf("%d ", j.N)), dataBold(title, 120), say(": "), sayBold(verdictWords(j.Verdict)), say(". "), data(j.Message, room))
			list := slack.NewRichTextList(slack.RTEListBullet, 0)
			for n, c := range j.Refs {
				if n == shownRefs {
					list.Elements = append(list.Elements, slack.NewRichTextSection(say(fmt.Sprintf("and %d more in the report", len(j.Refs)-n))))
					break
				}
				list.Elements = append(list.Elements, slack.NewRichTextSection(sections([]part{dataCode(string(c.Step), 60), say(" "), data(c.Ref, min(room, 240))})...))
			}
			if len(j.Refs) == 0 && len(j.Cites) > 0 {
				steps := make([]string, len(j.Cites))
				for n, s := range j.Cites {
					steps[n] = string(s)
				}
				list.Elements = append(list.Elements, slack.NewRichTextSection(say("Read: "), data(strings.Join(steps, ", "), 300)))
			}
			if len(list.Elements) > 0 {
				b.Elements = append(b.Elements, list)
			}
			m.Blocks = append(m.Blocks, b)
		}
		sum := fmt.Sprintf("%d fired, %d ruled out, %d undetermined", counts[playbook.Supported], counts[playbook.Refuted], counts[playbook.Undetermined])
		m.Blocks[0] = paragraph(sayBold("Rule trace: "), say(sum))
		notChecked := "Nothing was left unchecked."
		if len(report.Diagnosis.NotChecked) > 0 {
			m.Blocks = append(m.Blocks, unchecked(inv, nil, "Not checked", min(room, shownLine)))
			notChecked = count(len(report.Diagnosis.NotChecked), "check", "checks") + " could not be made in full."
		}
		if len(report.Diagnosis.Causes) > 0 {
			m.Blocks = append(m.Blocks, cited(report.Diagnosis.Causes, min(room, 240)))
		}
		m.Text = sentence("Rule trace for "+who(inv)+" in "+where(inv)+": "+sum+".", strings.Join(said, " "), notChecked)
		return m
	})
}

// cited is what each cause stands on: no cause without evidence.
func cited(fs []playbook.Finding, room int) slack.Block {
	var items [][]part
	for _, f := range fs {
		for n, c := range f.Cites {
			if n == shownRefs {
				items = append(items, []part{dataCode(string(f.Cause), 60), say(fmt.Sprintf(" and %d more citations in the report", len(f.Cites)-n))})
				break
			}
			items = append(items, []part{dataCode(string(f.Cause), 60), say(" "), dataCode(string(c.Step), 60), say(" "), data(c.Ref, room)})
		}
	}
	return bullets("The causes stand on", items, 4*shownRefs, "in the report")
}
