package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// The parts that messages are made of. Two kinds of text: say* takes our own words,
// data* takes what came from AWS or from people, cleans and cuts it.

type part = slack.RichTextSectionElement

func say(words string) part     { return styled(words, nil) }
func sayBold(words string) part { return styled(words, &slack.RichTextSectionTextStyle{Bold: true}) }
func data(s string, n int) part { return styled(line(s, n), nil) }
func dataBold(s string, n int) part {
	return styled(line(s, n), &slack.RichTextSectionTextStyle{Bold: true})
}
func dataCode(s string, n int) part {
	return styled(line(s, n), &slack.RichTextSectionTextStyle{Code: true})
}

// styled is nil for no text: Slack refuses empty elements, and sections leave out nil.
func styled(s string, style *slack.RichTextSectionTextStyle) part {
	if s == "" {
		return nil
	}
	return slack.NewRichTextSectionTextElement(s, style)
}

// https://docs.slack.dev/messaging/formatting-message-text#date-formatting
const dateFormat = "{date_short_pretty} {time}"

// token is a moment in the reader's own time zone, in UTC where that can't be shown.
// It is mrkdwn.
func token(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return fmt.Sprintf("<!date^%d^%s|%s>", t.Unix(), dateFormat, wording.UTC(t))
}

// link is nil unless the address is one of those we link to.
func link(address, label string) part {
	if address = safeURL(address); address == "" {
		return nil
	}
	return slack.NewRichTextSectionLinkElement(address, label, nil)
}

// elements leaves out what is empty, but never everything: Slack refuses that.
func elements(parts []part) []part {
	out := slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return p == nil })
	if len(out) == 0 {
		return []part{say("–")}
	}
	return out
}

// paragraph is one block of running text.
func paragraph(parts ...part) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", slack.NewRichTextSection(elements(parts)...))
}

// bulletList stands in for slack-go's list, which writes an "offset" that Slack's own
// types refuse.
type bulletList struct {
	Type     slack.RichTextElementType     `json:"type"`
	Style    slack.RichTextListElementType `json:"style"`
	Elements []slack.RichTextElement       `json:"elements"`
}

// RichTextElementType makes it part of a rich_text block.
func (l *bulletList) RichTextElementType() slack.RichTextElementType { return l.Type }

func (l *bulletList) add(parts ...part) {
	l.Elements = append(l.Elements, slack.NewRichTextSection(elements(parts)...))
}

func newBullets() *bulletList {
	return &bulletList{Type: slack.RTEList, Style: slack.RTEListBullet}
}

// bullets is a heading with a list below it. Items beyond most are counted and
// said to be in `rest`; "" says nothing of where.
func bullets(heading string, items [][]part, most int, rest string) *slack.RichTextBlock {
	b := paragraph(sayBold(heading))
	list := newBullets()
	for i, item := range items {
		if i == most {
			words := strings.TrimSpace(fmt.Sprintf("and %d more %s", len(items)-most, rest))
			list.add(say(words))
			break
		}
		list.add(item...)
	}
	if len(list.Elements) > 0 {
		b.Elements = append(b.Elements, list)
	}
	return b
}

// preformatted is raw text under a heading, lines kept, nothing parsed.
func preformatted(heading, raw string) *slack.RichTextBlock {
	b := slack.NewRichTextBlock("")
	if heading != "" {
		b.Elements = append(b.Elements, slack.NewRichTextSection(sayBold(heading)))
	}
	if raw = strings.TrimSpace(clean(raw)); raw == "" {
		raw = "(empty)"
	}
	b.Elements = append(b.Elements, &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []part{say(raw)}})
	return b
}

func header(words string) *slack.HeaderBlock {
	return slack.NewHeaderBlock(plain(words, maxHeader))
}

// plain is text in which Slack parses nothing, emoji names neither.
func plain(s string, n int) *slack.TextBlockObject {
	if s = line(s, n); s == "" {
		s = "not known"
	}
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// ours is mrkdwn. It may hold nothing but our words, tokens and mentions.
func ours(mrkdwn string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, mrkdwn, false, true)
}

func context(elements ...slack.MixedElement) *slack.ContextBlock {
	return slack.NewContextBlock("", elements...)
}

// simple is what a role's name, an account with its alias and a region look like. In
// a code span nothing of it is markup.
var simple = regexp.MustCompile(`^[A-Za-z0-9+=,.@_()-]+( [A-Za-z0-9+=,.@_()-]+)*$`)

// fact is a label over its value, one half of a line wide. What does not look
// simple is shown without markup.
func fact(label, value string) *slack.TextBlockObject {
	if value = line(value, 200); value == "" {
		value = "not known"
	}
	if simple.MatchString(value) {
		return ours("*" + label + "*\n`" + value + "`")
	}
	return slack.NewTextBlockObject(slack.PlainTextType, label+"\n"+value, false, false)
}

// button carries the investigation's id and nothing else. What it is about is in
// the label that a screen reader reads.
func button(action, id, words, label string) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, cut(id, maxButtonValue), plain(words, maxButtonText))
	b.AccessibilityLabel = line(label, maxAccessibility)
	return b
}

func actions(buttons ...slack.BlockElement) *slack.ActionBlock {
	return slack.NewActionBlock("", buttons[:min(len(buttons), maxActions)]...)
}

// table draws rows under a head. Slack draws a message's one table last, whatever
// its place. Alignment is always set, for slack-go would send "" otherwise.
func table(head []string, rows [][]string, cell int) *slack.TableBlock {
	t := slack.NewTableBlock("")
	head = head[:min(len(head), maxTableColumns)]
	rows = rows[:min(len(rows), maxTableRows-1)]
	cell = min(cell, maxTableText/(len(rows)+1)/max(len(head), 1))
	for range head {
		t.ColumnSettings = append(t.ColumnSettings, slack.ColumnSetting{Align: slack.ColumnAlignmentLeft, IsWrapped: true})
	}
	add := func(values []string) {
		row := make([]slack.TableCell, len(head))
		for i := range row {
			v := "–"
			if i < len(values) {
				if s := line(values[i], cell); s != "" {
					v = s
				}
			}
			row[i] = slack.NewTableRawTextCell(v)
		}
		t.AddRow(row...)
	}
	add(head)
	for _, r := range rows {
		add(r)
	}
	return t
}

// asked says who asked, and when where the question was a new one: a longer window
// keeps the first one's moment.
func asked(inv playbook.Investigation) *slack.TextBlockObject {
	words := "Asked by " + mention(inv.AskedBy.User)
	if inv.Extends == "" {
		words += " " + token(inv.Request.At)
	}
	return ours(words)
}

// in says in which channel it was asked: who asks the same elsewhere is sent there.
func in(inv playbook.Investigation) *slack.TextBlockObject {
	if !channelID.MatchString(inv.Place.Channel) {
		return ours("In a direct message")
	}
	return ours("In <#" + inv.Place.Channel + ">")
}

// pressedBy says who pressed a button. When is not said: the answer comes at once,
// and Slack shows when that was.
func pressedBy(p playbook.Press) *slack.TextBlockObject {
	return ours("Asked by " + mention(p.By.User))
}

// earlier points from a card to the one that it follows; nil where there is none.
func earlier(inv playbook.Investigation) []slack.Block {
	l := link(inv.ExtendsAt, "see its card")
	if inv.Extends == "" || l == nil {
		return nil
	}
	return []slack.Block{paragraph(say("An earlier investigation asked the same: "), l, say("."))}
}
