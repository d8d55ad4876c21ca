package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// Answers that only the person who typed or pressed sees.

// usage is an example of the command, which a workspace may have given another
// name than /sts-expired.
func usage(command string) string { return command + " payments-api eu-west-1 24h" }

// answer is a short message of our own words: a bold start, then the rest.
func answer(start, rest string, more ...slack.Block) Message {
	return fit(maxWithButtons, func(int) Message {
		b := []slack.Block{paragraph(sayBold(start), say(" "+rest))}
		if rest == "" {
			b = []slack.Block{paragraph(sayBold(start))}
		}
		return Message{Text: sentence(start, rest), Blocks: append(b, more...)}
	})
}

// Help explains the command.
func Help(command string) Message {
	examples := command + strings.Join([]string{
		" payments-api eu-west-1",
		" team/payments-api in eu-west-1 last 48h",
		" arn:aws:iam::111122223333:role/payments-api eu-west-1 7d",
		"                     opens a form",
		" <pasted error>      finds role, account and region in it",
		" list                what was asked lately",
		" status              what is running now",
	}, "\n"+command)
	return answer("Finds out why credentials of an IAM role expire.", "It makes nine read-only checks in AWS, posts the evidence into a thread and ends with a diagnosis that cites it. It changes nothing.",
		preformatted("How to ask", examples),
		bullets("Good to know", [][]part{
			{say("The window is 24 hours unless you say otherwise, from 1h to 7d.")},
			{say("In a thread, where commands do not work, use the message menu: Why did this expire?")},
			{say("Asking twice for the same role and region joins the investigation that runs.")},
		}, shownItems, ""))
}

// Accepted acknowledges a command.
func Accepted(inv playbook.Investigation) Message {
	return answer("On it.", fmt.Sprintf("Looking into %s in %s, the last %s. The evidence comes into a thread in this channel.", who(inv), where(inv), wording.Window(inv.Request.Window.Length())))
}

// AlreadyRunning joins somebody to an investigation that runs.
func AlreadyRunning(inv playbook.Investigation) Message {
	m := answer("Already running.", fmt.Sprintf("%s in %s, the last %s, is being looked into; follow it in its thread.", who(inv), where(inv), wording.Window(inv.Request.Window.Length())), context(asked(inv), in(inv)))
	return withLink(m, inv, "Open the thread")
}

// RecentlyDone offers a fresh result, or a fresh run.
func RecentlyDone(inv playbook.Investigation) Message {
	title := "It has ended without a diagnosis."
	if inv.Report != nil {
		title = strings.TrimSuffix(verdictTitle(current(inv)), ".") + "."
	}
	m := answer("This was asked a few minutes ago.", fmt.Sprintf("%s in %s, the last %s. %s", who(inv), where(inv), wording.Window(inv.Request.Window.Length()), title), context(asked(inv), in(inv)), actions(rerun(inv)))
	return withLink(m, inv, "Open the diagnosis")
}

// withLink puts a link to the parent behind the message's first paragraph.
func withLink(m Message, inv playbook.Investigation, label string) Message {
	p, _ := inv.Message(playbook.IDOf(playbook.ParentMessage, ""))
	if l := link(p.Permalink, label); l != nil {
		m.Blocks = append(m.Blocks[:1:1], append([]slack.Block{paragraph(l)}, m.Blocks[1:]...)...)
	}
	return finish(m)
}

// BadInput says what is wrong with what somebody typed, with an example. Only an
// *playbook.InputError was written for people.
func BadInput(command string, err error) Message {
	var input *playbook.InputError
	if !errors.As(err, &input) || line(input.Problem, 1) == "" {
		return answer("That could not be understood.", "Name a role and a region.", preformatted("For example", usage(command)))
	}
	return answer(line(input.Problem, shownLine), line(input.Hint, shownLine), preformatted("For example", usage(command)))
}

// CannotPost is why a channel does not take the bot's messages.
type CannotPost int

const (
	NotMember  CannotPost = iota // the bot is not in the channel
	DirectChat                   // a conversation between people
	Archived                     // nobody can post
	ReadOnly                     // only some may post
	Shared                       // the channel is shared with another company
	ParentGone                   // the message whose thread it is was deleted
)

// Refused says why nothing can be posted and what to do about it. bot is the bot's
// user id.
func Refused(why CannotPost, bot string) Message {
	switch why {
	case DirectChat:
		return answer("This conversation can't hold an investigation.", "Ask in a channel that the bot is in, or in a direct message to the bot.")
	case Archived:
		return answer("This channel is archived.", "Ask in another channel.")
	case ReadOnly:
		return answer("This channel does not take messages from the bot.", "Ask in another channel, or have its managers allow the bot to post.")
	case Shared:
		return answer("This channel is shared with another company.", "Evidence from AWS would be visible there, so nothing is posted. Ask in a channel of your own.")
	case ParentGone:
		return answer("The message of this investigation was deleted.", "Ask again, and it gets a new one.")
	}
	m := answer("The bot is not in this channel.", "Invite it, then ask again.")
	if userID.MatchString(bot) {
		m.Blocks = append(m.Blocks, context(ours("Type /invite "+mention(bot))))
	}
	return finish(m)
}

// Gone answers a button of an investigation that is not kept any more.
func Gone(command string) Message {
	return answer("This investigation is no longer kept.", "Investigations are removed after a while. Ask again to get a fresh one: "+usage(command))
}

// AlreadyPressed answers a second press.
func AlreadyPressed(inv playbook.Investigation, p playbook.Press) Message {
	title := pressTitleIn(inv, p.Action)
	if title == "" {
		title = "That"
	}
	words := "is " + pressState(p) + " already; " + answered(p.Action)
	switch p.State {
	case playbook.Finished:
		words = "was done already; the answer is in the thread."
		if p.Action == ActionRerun || p.Action == ActionLookAgain {
			words = "was done already; the newer card says what came of it."
		}
	case playbook.Failed:
		words = "failed; it can be asked for again."
	}
	m := answer(title+" "+words, "", context(pressedBy(p)))
	if l := link(inv.SupersededAt, "Open the newer card"); l != nil && p.Led != "" && p.Led == inv.SupersededBy {
		m.Blocks = append(m.Blocks[:1:1], append([]slack.Block{paragraph(l)}, m.Blocks[1:]...)...)
		m = finish(m)
	}
	return m
}

// Pressed acknowledges a press whose answer takes a while.
func Pressed(p playbook.Press) Message {
	words := ""
	switch p.Action {
	case ActionRerun:
		words = "It runs again; "
	case ActionLookAgain:
		words = "It runs again in 15 minutes; "
	case string(playbook.Extend48h):
		words = "A longer window is being read; "
	default:
		title := pressTitle(p.Action)
		if title == "" {
			title = "It"
		}
		words = title + " runs; "
	}
	return answer("On it.", words+answered(p.Action))
}

// answered says where the answer to a press comes up.
func answered(action string) string {
	switch action {
	case ActionRerun, ActionLookAgain:
		return "it gets a card of its own."
	case string(playbook.Extend48h):
		return "its card comes into the thread."
	}
	return "the answer comes into the thread."
}

// Ended answers a press that comes too late: stop, after the end.
func Ended(inv playbook.Investigation) Message {
	return answer("There is nothing to stop.", "The investigation of "+who(inv)+" has ended ("+inv.State.String()+").")
}

// Busy is said when too much is asked at once.
func Busy() Message {
	return answer("Too much is running right now.", "Nothing was started. Ask again in a minute.")
}

// Thanks answers feedback.
func Thanks() Message {
	return answer("Thank you.", "It is kept with the investigation and read by the people who maintain the rules.")
}

// Sorry is said for an error that was not written for people.
func Sorry(id string) Message {
	return answer("Internal error.", "The log has the cause under "+line(id, 60)+". Ask again; nothing was changed in AWS.")
}

// Status lists what is running.
func Status(command string, running []playbook.Investigation) Message {
	if len(running) == 0 {
		return answer("Nothing is running.", "Ask with "+usage(command))
	}
	return listing(wording.Count(len(running), "investigation is", "investigations are")+" running.", running)
}

// List lists what was asked lately, the newest first as given.
func List(command string, invs []playbook.Investigation) Message {
	if len(invs) == 0 {
		return answer("Nothing was asked yet.", "Ask with "+usage(command))
	}
	return listing(wording.Count(len(invs), "investigation", "investigations")+" lately, the newest first.", invs)
}

func listing(start string, invs []playbook.Investigation) Message {
	return fit(maxWithout, func(room int) Message {
		var rows [][]string
		var said []string
		for i, inv := range invs[:min(len(invs), shownRows)] {
			state := inv.State.String()
			switch {
			case inv.Report != nil:
				state = verdictTitle(current(inv))
			case inv.State == playbook.Running:
				state = "running, " + wording.Count(len(inv.Steps), "check", "checks") + " done"
			}
			rows = append(rows, []string{fmt.Sprint(i + 1), wording.UTC(inv.Request.At), who(inv), where(inv), state, inv.Request.ID})
			said = append(said, fmt.Sprintf("%s in %s: %s.", who(inv), where(inv), line(state, 120)))
		}
		rest := ""
		if n := len(invs) - shownRows; n > 0 {
			rest = more(n, "is older", "are older", "and not shown.")
		}
		m := Message{Text: sentence(append([]string{start, rest}, said...)...), Blocks: []slack.Block{paragraph(sayBold(start), say(" "+rest))}}
		var links []part
		for i, inv := range invs[:min(len(invs), shownRows)] {
			p, _ := inv.Message(playbook.IDOf(playbook.ParentMessage, ""))
			if l := link(p.Permalink, fmt.Sprint(i+1)); l != nil {
				if len(links) > 0 {
					links = append(links, say(" · "))
				}
				links = append(links, l)
			}
		}
		if len(links) > 0 {
			m.Blocks = append(m.Blocks, paragraph(append([]part{say("Open number ")}, links...)...))
		}
		m.Blocks = append(m.Blocks, table([]string{"", "Asked", "Role", "Region", "Outcome", "Id"}, rows, min(room, shownCell)))
		return m
	})
}
