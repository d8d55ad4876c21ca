package page_test

import (
	"encoding/json"
	"strings"
	"time"
)

const patience = 15 * time.Second // for the browser to show something

// lastMessage is a JavaScript expression for the newest message of the channel.
const lastMessage = `[...document.querySelectorAll('#log .message')].at(-1)`

func quote(s string) string {
	b, _ := json.Marshal(s)
	return strings.ReplaceAll(string(b), `'`, `\u0027`)
}
