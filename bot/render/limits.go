package render

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// What Slack takes, in characters or items. Pages below
// https://docs.slack.dev/reference/block-kit unless one is named.
const (
	// MaxText: chat.update refuses more than 4,000.
	// https://docs.slack.dev/reference/methods/chat.update
	MaxText          = 3900
	MaxBlocks        = 50   // /blocks
	MaxHeader        = 150  // /blocks/header-block
	MaxTextObject    = 3000 // /composition-objects/text-object
	MaxFields        = 10   // /blocks/section-block
	MaxField         = 2000
	MaxContext       = 10 // /blocks/context-block
	MaxActions       = 25 // /blocks/actions-block
	MaxButtonText    = 75 // /block-elements/button-element
	MaxButtonValue   = 2000
	MaxAccessibility = 75
	MaxConfirmTitle  = 100 // /composition-objects/confirmation-dialog-object
	MaxConfirmText   = 300
	MaxConfirmButton = 30
	MaxTableRows     = 100 // /blocks/table-block
	MaxTableColumns  = 20
	MaxTableText     = 10000 // all cells together; as reported, the page has no number
	MaxOptions       = 100   // /block-elements/select-menu-element
	MaxOptionText    = 75    // /composition-objects/option-object
	MaxOptionValue   = 75
	MaxPlaceholder   = 150
	MaxViewTitle     = 24   // /reference/views/modal-views
	MaxMetadata      = 3000 // private_metadata
	MaxURL           = 3000 // /block-elements/button-element
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

	shownRows  = 12 // data rows of a table in a message; the rest is in the file
	shownItems = 8  // items of a list
	shownCell  = 90 // characters of a cell
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

// size is what a message's blocks take on the wire.
func size(blocks []slack.Block) int {
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic(err)
	}
	return len(raw)
}

// fit builds a message with less and less room for each text until it is no
// larger than it may be. Ordinary messages fit at once; what comes back in the last
// try is bounded by the number of its parts.
func fit(most int, build func(room int) Message) Message {
	m := Message{}
	for _, room := range []int{1200, 600, 300, 150, 75, 40} {
		if m = build(room); size(m.Blocks) <= most {
			break
		}
	}
	m.Text = cut(m.Text, MaxText)
	return finish(m)
}

// more says how much was left out: "12 more rows are in the file".
func more(n int, one, many, where string) string {
	if n == 1 {
		return fmt.Sprintf("1 more %s %s", one, where)
	}
	return fmt.Sprintf("%d more %s %s", n, many, where)
}
