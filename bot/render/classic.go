package render

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

const (
	classicText   = 2900 // characters of a section
	classicBlocks = 45
)

// Classic says the same with nothing but headers, sections, contexts and buttons,
// for when Slack answers invalid_blocks. Foreign text is plain_text there as well.
func Classic(m Message) Message {
	out := Message{Text: m.Text, Files: m.Files}
	var tail []slack.Block // what must not be lost when there is too much
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case *slack.HeaderBlock, *slack.DividerBlock, *slack.SectionBlock, *slack.ContextBlock:
			out.Blocks = append(out.Blocks, copied(b))
		case *slack.ActionBlock:
			tail = append(tail, copied(b))
		case *slack.ContextActionsBlock:
			tail = append(tail, thumbs(b))
		case *slack.RichTextBlock:
			out.Blocks = append(out.Blocks, flat(b.Elements)...)
		case *slack.PlanBlock:
			out.Blocks = append(out.Blocks, classicPlan(b)...)
		case *slack.TableBlock:
			out.Blocks = append(out.Blocks, classicTable(b)...)
		default:
			out.Blocks = append(out.Blocks, slack.NewSectionBlock(plain("(This part can't be shown here.)", classicText), nil, nil))
		}
	}
	room := classicBlocks - len(tail)
	if len(out.Blocks) > room {
		left := len(out.Blocks) - room
		out.Blocks = append(out.Blocks[:room:room], context(plain(more(left, "part is", "parts are", "in the report."), 150)))
	}
	out.Blocks = append(out.Blocks, tail...)
	most := maxWithout
	if len(tail) > 0 {
		most = maxWithButtons
	}
	if size(finish(out).Blocks) > most {
		out = shrink(out, most)
	}
	return finish(out)
}

// copied keeps Classic from changing the ids of the message that it was made of.
func copied(b slack.Block) slack.Block {
	switch b := b.(type) {
	case *slack.HeaderBlock:
		c := *b
		c.Level = 0
		return &c
	case *slack.SectionBlock:
		c := *b
		c.Expand = false
		return &c
	case *slack.ContextBlock:
		c := *b
		return &c
	case *slack.ActionBlock:
		c := *b
		return &c
	case *slack.DividerBlock:
		c := *b
		return &c
	}
	return b
}

// prose is one section of plain text, lines kept.
func prose(s string) slack.Block {
	s = strings.TrimSpace(s)
	if s == "" {
		s = "–"
	}
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, cut(s, classicText), false, false), nil, nil)
}

// flat writes rich text as words, with its links in a line of their own.
func flat(elements []slack.RichTextElement) []slack.Block {
	var lines, links []string
	write := func(parts []part, before string) {
		var b strings.Builder
		b.WriteString(before)
		for _, p := range parts {
			switch p := p.(type) {
			case *slack.RichTextSectionTextElement:
				b.WriteString(p.Text)
			case *slack.RichTextSectionLinkElement:
				b.WriteString(p.Text)
				links = append(links, "<"+escaper.Replace(p.URL)+"|"+escaper.Replace(p.Text)+">")
			}
		}
		lines = append(lines, b.String())
	}
	for _, e := range elements {
		switch e := e.(type) {
		case *slack.RichTextSection:
			write(e.Elements, "")
		case *slack.RichTextPreformatted:
			write(e.Elements, "")
		case *bulletList:
			for _, item := range e.Elements {
				if s, ok := item.(*slack.RichTextSection); ok {
					write(s.Elements, "• ")
				}
			}
		}
	}
	out := []slack.Block{prose(strings.Join(lines, "\n"))}
	if len(links) > 0 {
		s := ""
		for _, l := range links {
			if len(s)+len(l) > classicText {
				break // what is left out is in the commands above it
			}
			s += l + "  "
		}
		if s != "" {
			out = append(out, context(ours(strings.TrimSpace(s))))
		}
	}
	return out
}

func classicPlan(p *slack.PlanBlock) []slack.Block {
	words := map[slack.TaskCardStatus]string{slack.TaskCardStatusPending: "Waiting", slack.TaskCardStatusInProgress: "Running"}
	lines := []string{p.Title}
	for i, t := range p.Tasks {
		state := words[t.Status]
		if t.Output != nil {
			if s, ok := flat(t.Output.Elements)[0].(*slack.SectionBlock); ok {
				state = s.Text.Text
			}
		}
		lines = append(lines, fmt.Sprintf("%d %s: %s", i+1, t.Title, state))
	}
	return []slack.Block{prose(strings.Join(lines, "\n"))}
}

// classicTable writes a row a line, cells after one another with their head.
func classicTable(t *slack.TableBlock) []slack.Block {
	cell := func(c slack.TableCell) string {
		if c, ok := c.(*slack.TableRawTextCell); ok {
			return c.Text
		}
		return ""
	}
	var lines []string
	for _, row := range t.Rows[min(1, len(t.Rows)):] {
		var parts []string
		for _, c := range row {
			if s := cell(c); s != "" && s != "–" {
				parts = append(parts, s)
			}
		}
		lines = append(lines, strings.Join(parts, " · "))
	}
	var out []slack.Block
	for len(lines) > 0 {
		n, length := 0, 0
		for n < len(lines) && (n == 0 || length+len(lines[n])+1 <= classicText) {
			length += len(lines[n]) + 1
			n++
		}
		out = append(out, prose(strings.Join(lines[:n], "\n")))
		lines = lines[n:]
	}
	return out
}

// thumbs are the feedback buttons as ordinary ones, with the same values.
func thumbs(b *slack.ContextActionsBlock) slack.Block {
	var buttons []slack.BlockElement
	for _, e := range b.Elements.ElementSet {
		if f, ok := e.(*slack.FeedbackButtonsBlockElement); ok {
			for _, choice := range []*slack.FeedbackButton{f.PositiveButton, f.NegativeButton} {
				suffix := choice.Value[strings.LastIndexByte(choice.Value, ':'):] // ids are unique in their block
				button := slack.NewButtonBlockElement(f.ActionID+suffix, choice.Value, choice.Text)
				button.AccessibilityLabel = choice.AccessibilityLabel
				buttons = append(buttons, button)
			}
		}
	}
	return actions(buttons...)
}
