package render

import (
	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/playbook"
)

// Notes are single sentences in the thread, by what they tell.
const (
	NoteStopped    = "stopped"
	NoteResumed    = "resumed"
	NoteFailed     = "failed"
	NoteSuperseded = "superseded"
)

// Note is one sentence in the thread. A name that is none of the above tells how
// the investigation stands.
func Note(inv playbook.Investigation, name string) Message {
	words, by := "", ours("Investigation")
	switch name {
	case NoteStopped:
		words, by = "Stopped. What was seen so far stays in this thread; there is no diagnosis.", ours("Stopped by "+mention(inv.StoppedBy.User)+" "+token(inv.Ended))
	case NoteResumed:
		words = "Resumed on another worker after an interruption. Finished checks are kept; the others run again."
	case NoteFailed:
		words = line(inv.Problem, shownLine)
		if words == "" {
			words = "This could not be carried out; the log has the cause."
		}
	case NoteSuperseded:
		words = "Superseded: a newer investigation judged this again. Both verdicts stay; the newer one has read more."
	default:
		words = map[playbook.State]string{playbook.Accepted: "Waiting for a worker.", playbook.Running: "Running.", playbook.Finished: "Finished; the diagnosis is at the top of this thread.",
			playbook.Stopped: "Stopped.", playbook.Failed: "Failed."}[inv.State]
		if words == "" {
			words = "Nothing is known of this investigation."
		}
	}
	id := context(by, plain(inv.Request.ID, 60))
	return fit(maxWithout, func(int) Message {
		return Message{Text: sentence("For "+who(inv)+" in "+where(inv)+":", words), Blocks: []slack.Block{paragraph(data(words, shownLine)), id}}
	})
}
