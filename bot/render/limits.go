package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
)

// What Slack takes, in characters or items. Pages below
// https://docs.slack.dev/reference/block-kit unless one is named.
const (
	// maxText: chat.update refuses more than 4,000.
	// https://docs.slack.dev/reference/methods/chat.update
	maxText          = 3900
	maxBlocks        = 50  // /blocks
	maxHeader        = 150 // /blocks/header-block
	maxContext       = 10  // /blocks/context-block
	maxActions       = 25  // /blocks/actions-block
	maxButtonText    = 75  // /block-elements/button-element
	maxButtonValue   = 2000
	maxAccessibility = 75
	maxConfirmTitle  = 100 // /composition-objects/confirmation-dialog-object
	maxConfirmText   = 300
	maxConfirmButton = 30
	maxTableRows     = 100 // /blocks/table-block
	maxTableColumns  = 20
	maxTableText     = 10000 // all cells together; as reported, the page has no number
	maxOptions       = 100   // /block-elements/select-menu-element
	maxOptionText    = 75    // /composition-objects/option-object
	maxOptionValue   = 75
	maxPlaceholder   = 150
	maxViewTitle     = 24   // /reference/views/modal-views
	maxMetadata      = 3000 // private_metadata
	maxURL           = 3000 // /block-elements/button-element
)

// What we make of it.
const (
	// maxWithButtons bounds the JSON of a message's blocks where it has buttons: a
	// click sends the whole message back, and very large ones never arrived.
	maxWithButtons = 10_000
	// maxWithout bounds all other messages.
	maxWithout = 20_000
	// maxFile bounds a file of evidence in bytes.
	maxFile = 1 << 20

	shownRows  = 12  // data rows of a table in a message; the rest is in the file
	shownItems = 8   // items of a list
	shownCell  = 140 // characters of a cell
	shownLine  = 300
)

// cut shortens to at most n runes; the last one then is an ellipsis.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for at := range s {
		if i == n-1 {
			return s[:at] + "…"
		}
		i++
	}
	return s
}

// size is what a message's blocks take, as JSON without Go's escapes for HTML.
func size(blocks []slack.Block) int {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(blocks); err != nil {
		panic(err) // the blocks are ours: a value that JSON can't hold is a bug
	}
	return b.Len()
}

// fit builds a message with less and less room for each text until it is no
// larger than it may be. Ordinary messages fit at once. Where even the least room is
// too much, the largest parts go, and the message says so.
func fit(most int, build func(room int) Message) Message {
	m := Message{}
	for _, room := range []int{1200, 600, 300, 150, 75} {
		if m = finish(build(room)); size(m.Blocks) <= most {
			return m
		}
	}
	return finish(shrink(m, most))
}

// shrink leaves out the largest texts behind the first two blocks.
func shrink(m Message, most int) Message {
	left := 0
	for size(m.Blocks)+300 > most {
		largest, at := 0, -1
		for i, b := range m.Blocks[min(2, len(m.Blocks)):] {
			switch b.(type) {
			case *slack.RichTextBlock, *slack.SectionBlock, *slack.TableBlock:
				if n := size([]slack.Block{b}); n > largest {
					largest, at = n, i+2
				}
			}
		}
		if at < 0 {
			break
		}
		m.Blocks = slices.Delete(slices.Clone(m.Blocks), at, at+1)
		left++
	}
	if left > 0 {
		m.Blocks = slices.Insert(m.Blocks, 2, slack.Block(context(plain(wording.Count(left, "part is", "parts are")+" left out here because they are too long; the report has them.", 150))))
	}
	return m
}

// more says how much was left out: "12 more rows are in the file".
func more(n int, one, many, where string) string {
	if n == 1 {
		return fmt.Sprintf("1 more %s %s", one, where)
	}
	return fmt.Sprintf("%d more %s %s", n, many, where)
}
