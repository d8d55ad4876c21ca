// Package render turns an investigation into Slack messages. It is pure: in go
// playbook values, out come blocks, the sentence that a screen reader reads, and
// files; the same values give the same bytes, so a resend says the same.
//
// Start at [Of], which answers for every message that playbook knows. One file,
// one message: parent.go (the plan while it runs, and how it ended), card.go (the
// diagnosis), evidence.go with tables.go (one reply a step), trace.go, followup.go,
// note.go, answers.go (what one person sees), forms.go (modals). [Classic] says
// the same with the oldest blocks only, for when Slack answers invalid_blocks.
//
// # What is true of every message
//
// Text is a whole sentence or more: a screen reader reads it instead of the blocks.
// Whoever sends a message should set parse=none, link_names=false and no unfurling.
//
// Nothing that came from AWS or from a person is ever put into mrkdwn: it goes into
// rich_text, plain_text and raw_text, which parse nothing, after [clean] has taken
// secrets, control characters and invisible characters out of it. The exceptions are
// Text, where it is escaped, and what has the shape of a name or an id. Links go to the AWS
// console and to messages of the workspace, by the host ([safeURL]).
//
// Limits hold by construction: what is longer is cut by runes and says so, and the
// rest is a File. A message that has buttons stays small, because Slack sends all
// of it back on a click. block_ids are made of the content, so they are new
// whenever an update says something new, and without a counter.
//
// # The picture
//
// The timeline is a PNG ([Timeline]). Slack's data_visualization block was tried on
// the same incident, drawn in the local Slack: it takes 20 categories, has no time
// axis and cannot mark a moment, so a day becomes 72-minute bars that hide the one
// thing to see, how far the failures stand from a role change or from the ends of
// sessions. The published types don't know it either. A PNG shows all of it, can go
// into a report as it is, and needs files:write, which the report needs anyway.
package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/playbook"
)

// Message is what is told: ready to be posted, or to replace a posted one.
type Message struct {
	Text   string // whole sentences, escaped for mrkdwn, at most 3,900 characters
	Blocks []slack.Block
	Files  []File // what did not fit, or a picture; for the same thread
}

// File is something to upload.
type File struct {
	Name    string // with its ending
	Title   string
	Alt     string // describes a picture in a sentence; "" for text
	Bytes   []byte
	Snippet string // Slack's snippet type, "" for a picture
}

// Of renders the message that m names from the stored investigation. An id that
// the investigation has nothing for is an error.
func Of(inv playbook.Investigation, plan playbook.Plan, rules []playbook.Rule, m playbook.Message) (Message, error) {
	nothing := func() (Message, error) {
		return Message{}, fmt.Errorf("render %s of %s: there is nothing of that name", m.ID(), inv.Request.ID)
	}
	switch m.Kind {
	case playbook.ParentMessage:
		return Parent(inv, plan), nil
	case playbook.EvidenceMessage:
		step, ok := plan.Step(playbook.StepID(m.Ref))
		o, settled := outcome(inv, playbook.StepID(m.Ref))
		if !ok || !settled {
			return nothing()
		}
		return Evidence(inv, step, o), nil
	case playbook.TraceMessage:
		if inv.Report == nil {
			return nothing()
		}
		return Trace(inv, rules), nil
	case playbook.FollowUpMessage:
		for _, p := range inv.Presses {
			if p.ID == m.Ref {
				return FollowUp(inv, p), nil
			}
		}
	case playbook.NoteMessage:
		if n, ok := Note(inv, m.Ref); ok {
			return n, nil
		}
	case playbook.TimelineMessage:
		return TimelineMessage(inv), nil
	}
	return nothing()
}

// outcome finds a settled step, in the report where there is one.
func outcome(inv playbook.Investigation, id playbook.StepID) (playbook.Outcome, bool) {
	if o, ok := inv.Steps[id]; ok {
		return o, true
	}
	if inv.Report != nil {
		for _, o := range inv.Report.Steps {
			if o.Step == id {
				return o, true
			}
		}
	}
	return playbook.Outcome{}, false
}

// outcomes are all settled steps.
func outcomes(inv playbook.Investigation) playbook.Outcomes {
	if inv.Report == nil {
		return inv.Steps
	}
	out := playbook.Outcomes{}
	for _, o := range inv.Report.Steps {
		out[o.Step] = o
	}
	return out
}

// finish gives every block its id: its place, and a hash of what the message says.
// Slack wants ids that are unique in a message and new with every change of it.
// https://docs.slack.dev/reference/block-kit/blocks
func finish(m Message) Message {
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		panic(err) // the blocks are ours: a value that JSON can't hold is a bug
	}
	sum := sha256.Sum256(append([]byte(m.Text), raw...))
	version := hex.EncodeToString(sum[:6])
	for i, b := range m.Blocks {
		setID(b, fmt.Sprintf("%s-%d-%s", b.BlockType(), i, version))
	}
	return m
}

func setID(b slack.Block, id string) {
	switch b := b.(type) {
	case *slack.HeaderBlock:
		b.BlockID = id
	case *slack.RichTextBlock:
		b.BlockID = id
	case *slack.SectionBlock:
		b.BlockID = id
	case *slack.ContextBlock:
		b.BlockID = id
	case *slack.ActionBlock:
		b.BlockID = id
	case *slack.ContextActionsBlock:
		b.BlockID = id
	case *slack.PlanBlock:
		b.BlockID = id
	case *slack.TableBlock:
		b.BlockID = id
	case *slack.DividerBlock:
		b.BlockID = id
	default:
		panic(fmt.Sprintf("render: no block id for a %s block", b.BlockType()))
	}
}
