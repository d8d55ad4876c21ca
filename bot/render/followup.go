package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// pressTitle is what people know a button by; "" for those that are not worth a line.
func pressTitle(action string) string {
	switch action {
	case ActionRerun:
		return "Run again"
	case ActionLookAgain:
		return "Look again in 15 minutes"
	case ActionReport:
		return "Report"
	case ActionStop, ActionTrace, ActionFeedback:
		return ""
	}
	for _, o := range playbook.Offers() {
		if string(o) == action {
			return o.Title()
		}
	}
	return ""
}

// pressTitleIn is pressTitle with the window that the button named.
func pressTitleIn(inv playbook.Investigation, action string) string {
	if action == string(playbook.Extend48h) {
		if t := wording.Offer(playbook.Extend48h, inv.Request.Window.Length()); t != "" {
			return t
		}
	}
	return pressTitle(action)
}

func pressState(p playbook.Press) string {
	switch p.State {
	case playbook.Accepted:
		return "waiting"
	case playbook.Running:
		return "running"
	case playbook.Finished:
		return "done"
	case playbook.Stopped:
		return "stopped"
	case playbook.Failed:
		return "failed"
	}
	return "asked for"
}

// FollowUp is the reply for a button that somebody pressed: that it runs, later
// what it found.
func FollowUp(inv playbook.Investigation, p playbook.Press) Message {
	title := pressTitleIn(inv, p.Action)
	if title == "" {
		title = "Follow-up"
	}
	by := context(pressedBy(p))
	if p.Outcome == nil {
		words := map[playbook.State]string{
			playbook.Finished: "Done.",
			playbook.Stopped:  "Stopped before it had an answer.",
			playbook.Failed:   "It could not be carried out. Press the button again, or look into the log under " + inv.Request.ID + ".",
		}[p.State]
		if words == "" {
			words = "It is running; the answer comes into this thread."
		}
		if p.Led != "" && p.State != playbook.Failed && p.State != playbook.Stopped {
			words = "It is a new investigation; its card comes into the channel."
			if p.Action == string(playbook.Extend48h) {
				words = "It only reads what was not read yet; its card comes into this thread."
			}
			if p.Action == ActionLookAgain && p.State != playbook.Finished {
				words = "It runs in 15 minutes, when CloudTrail has caught up; its card comes into the channel."
			}
		}
		return fit(maxWithout, func(int) Message {
			return Message{Text: sentence(title+" for "+who(inv)+" in "+where(inv)+".", words), Blocks: []slack.Block{paragraph(sayBold(title+". "), say(words)), by}}
		})
	}
	o := *p.Outcome
	long := false // something is only in the file
	review, reviewed := facts.ReviewOf(o)
	m := fit(maxWithout, func(room int) Message {
		calls, whole := proof(o, room)
		long = room < 300 || !whole
		m := Message{Text: sentence(fmt.Sprintf("%s for %s in %s: %s.", title, who(inv), where(inv), statusWords(o.Status)), o.Summary, o.Partial)}
		m.Blocks = append([]slack.Block{paragraph(sayBold(title+": "+statusWords(o.Status)+". "), data(o.Summary, room))}, caveats(o, room)...)
		m.Blocks = append(m.Blocks, calls...)
		m.Blocks = append(m.Blocks, by)
		if reviewed && len(review.Table.Rows) > 0 {
			m.Blocks = append(m.Blocks, table(review.Table.Columns, review.Table.Rows, min(room, summaryCell)))
		}
		return m
	})
	if chart, ok := chartFile(review.Chart, who(inv)); ok {
		m.Files = append(m.Files, chart)
	}
	if long {
		m.Files = append(m.Files, files("follow-up-"+slug(p.Action)+".txt", o, nil, nil, title+" for "+who(inv)+", in full")...)
	}
	return m
}
