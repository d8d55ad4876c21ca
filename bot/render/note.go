package render

import (
	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/playbook"
)

// Notes are single sentences in the thread, by what they tell.
const (
	NoteStopped = "stopped"
	NoteResumed = "resumed"
)

// Note is one sentence in the thread; false for a name that is none of the above.
func Note(inv playbook.Investigation, name string) (Message, bool) {
	words, by := "", ours("Investigation")
	switch name {
	case NoteStopped:
		words, by = "Stopped. What was seen so far stays in this thread; there is no diagnosis.", ours("Stopped by "+mention(inv.StoppedBy.User))
	case NoteResumed:
		words = "Interrupted, and taken over by another worker. Finished checks are kept; the others run again."
	default:
		return Message{}, false
	}
	id := context(by, plain(inv.Request.ID, 60))
	return fit(maxWithout, func(int) Message {
		return Message{Text: sentence("For "+who(inv)+" in "+where(inv)+":", words), Blocks: []slack.Block{paragraph(say(words)), id}}
	}), true
}
