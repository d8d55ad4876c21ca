package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/bot/render"
)

// What Slack takes, written down a second time and on purpose: a slip in the
// package's own numbers must not pass. https://docs.slack.dev/reference/block-kit
type bound struct {
	path string // fields from the object on; "[]" is every item of a list
	most int
}

var bounds = map[string][]bound{
	"header": {{"text.text", 150}}, "section": {{"text.text", 3000}, {"fields", 10}, {"fields[].text", 2000}},
	"context": {{"elements", 10}, {"elements[].text", 3000}}, "actions": {{"elements", 25}}, "context_actions": {{"elements", 5}},
	"button":           {{"text.text", 75}, {"value", 2000}, {"accessibility_label", 75}},
	"feedback_buttons": {{"positive_button.text.text", 75}, {"negative_button.text.text", 75}, {"positive_button.value", 2000}, {"negative_button.accessibility_label", 75}},
	"table":            {{"rows", 100}, {"rows[]", 20}, {"column_settings", 20}},
	"static_select":    {{"options", 100}, {"options[].text.text", 75}, {"options[].value", 75}, {"placeholder.text", 150}},
	"external_select":  {{"initial_option.text.text", 75}, {"initial_option.value", 75}},
	"plain_text_input": {{"placeholder.text", 150}, {"max_length_", 3000}},
	"input":            {{"label.text", 2000}, {"hint.text", 2000}},
	"modal":            {{"title.text", 24}, {"submit.text", 24}, {"close.text", 24}, {"private_metadata", 3000}, {"callback_id", 255}, {"blocks", 100}},
}

var confirmBounds = []bound{{"title.text", 100}, {"text.text", 300}, {"confirm.text", 30}, {"deny.text", 30}}

const (
	dateToken = `<!date\^\d+\^\{date_short_pretty\} \{time\}\|(\d{4}-\d\d-\d\d \d\d:\d\d UTC|an unknown time)>`
	userToken = `<@[UW][A-Z0-9]+>`
	// A bold label of ours, and below it dates of ours or one code span.
	boldLabel = `^\*(Role|Account|Region|Longest session allowed)\*\n` + "`[A-Za-z0-9+=,.@_ ()-]+`$" + `|^\*(Window|Began)\*\n`
	linkToken = `<https://[^<>|]+\|[A-Za-z0-9 .]+>`
)

var allowedTokens = regexp.MustCompile(boldLabel + "|" + dateToken + "|" + userToken + "|" + `<#[CG][A-Z0-9]{1,30}>` + "|" + linkToken)

// faults lists everything that is wrong with a message: what Slack would refuse,
// what would be live though it came from outside, what a reader could not use.
func faults(m render.Message) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if n := utf8.RuneCountInString(m.Text); n == 0 || n > 4000 {
		add("text has %d characters", n)
	}
	if !strings.Contains(m.Text, " ") || !strings.ContainsAny(m.Text, ".…") {
		add("text is no sentence: %q", m.Text)
	}
	if strings.ContainsAny(m.Text, "<>`\n") {
		add("text is not escaped: %q", m.Text)
	}
	if strings.Contains(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(m.Text), "&") {
		add("text has a broken entity: %q", m.Text)
	}
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		return append(out, err.Error())
	}
	blocks := walkable(raw).([]any)
	if len(blocks) == 0 || len(blocks) > 50 {
		add("%d blocks", len(blocks))
	}
	ids, tables, buttons := map[string]bool{}, 0, 0
	for i, item := range blocks {
		b := item.(map[string]any)
		id, _ := b["block_id"].(string)
		if id == "" || len(id) > 255 || ids[id] {
			add("block %d has the id %q", i, id)
		}
		ids[id] = true
		switch b["type"] {
		case "table":
			tables++
			if i != len(blocks)-1 {
				add("the table is block %d of %d, but Slack draws it last", i, len(blocks))
			}
			if n := characters(b["rows"]); n > 10000 {
				add("the table has %d characters", n)
			}
		case "actions", "context_actions":
			buttons++
		}
	}
	if tables > 1 {
		add("%d tables", tables)
	}
	if n := plainSize(m.Blocks); n > 20_000 || buttons > 0 && n > 10_000 {
		add("%d bytes of blocks with %d rows of buttons", n, buttons)
	}
	out = append(out, alive(blocks, "")...)
	for _, f := range m.Files {
		out = append(out, fileFaults(f)...)
	}
	return out
}

var fileName = regexp.MustCompile(`^[a-z0-9-]+\.(txt|png)$`)

func fileFaults(f render.File) (out []string) {
	if !fileName.MatchString(f.Name) || f.Title == "" || len(f.Bytes) == 0 || len(f.Bytes) > 1<<20+100 {
		out = append(out, fmt.Sprintf("file %q, title %q, %d bytes", f.Name, f.Title, len(f.Bytes)))
	}
	if bytes.HasPrefix(f.Bytes, []byte("\x89PNG")) != (f.Snippet == "") || (f.Alt == "") == (f.Snippet == "") {
		out = append(out, fmt.Sprintf("file %s is a snippet of %q with the alt text %q", f.Name, f.Snippet, f.Alt))
	}
	for _, s := range []string{f.Title, f.Alt, string(f.Bytes)} {
		if f.Snippet != "" || s != string(f.Bytes) {
			out = append(out, invisible(s)...)
		}
	}
	return out
}

// plainSize is the JSON without Go's escapes for HTML, which Slack undoes.
func plainSize(blocks []slack.Block) int {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(blocks); err != nil {
		panic(err)
	}
	return b.Len()
}

func walkable(raw []byte) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// alive walks blocks or a view and reports limits that are broken, elements that
// do something, and addresses that are not ours.
func alive(v any, at string) (out []string) {
	add := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: %s", at, fmt.Sprintf(format, args...)))
	}
	switch v := v.(type) {
	case string:
		out = append(out, invisible(v)...)
	case []any:
		for i, item := range v {
			out = append(out, alive(item, fmt.Sprintf("%s/%d", at, i))...)
		}
	case map[string]any:
		typ, _ := v["type"].(string)
		for _, b := range bounds[typ] {
			out = append(out, b.check(v, at)...)
		}
		if c, ok := v["confirm"].(map[string]any); ok && typ == "button" {
			for _, b := range confirmBounds {
				out = append(out, b.check(c, at)...)
			}
		}
		text, _ := v["text"].(string)
		switch typ {
		case "mrkdwn":
			if rest := allowedTokens.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>*_~`") || v["verbatim"] != true {
				add("mrkdwn holds more than our tokens: %q", text)
			}
		case "plain_text":
			if v["emoji"] != false || text == "" {
				add("plain text %q reads emoji names, or is empty", text)
			}
		case "text", "raw_text":
			if text == "" {
				add("empty text")
			}
		case "user", "usergroup", "broadcast", "channel", "team", "emoji", "color", "markdown", "image":
			add("an element of type %s", typ)
		case "rich_text_section", "rich_text_list", "rich_text_preformatted":
			if list, _ := v["elements"].([]any); len(list) == 0 {
				add("an empty %s", typ)
			}
		case "button":
			if v["accessibility_label"] == nil || v["action_id"] == nil || v["value"] == nil {
				add("a button without label, action or value")
			}
		}
		if align, ok := v["align"]; ok && align != "left" && align != "right" && align != "center" {
			add("align %q", align)
		}
		for _, key := range []string{"url", "image_url"} {
			if u, ok := v[key].(string); ok && !ourAddress(u) {
				add("an address that is not ours: %s", u)
			}
		}
		for k, child := range v {
			if k == "value" || k == "private_metadata" {
				continue // never shown; ours, and given back as it was
			}
			out = append(out, alive(child, at+"/"+k)...)
		}
	}
	return out
}

func ourAddress(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" {
		return false
	}
	for _, host := range []string{"console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"} {
		if u.Hostname() == host || strings.HasSuffix(u.Hostname(), "."+host) {
			return true
		}
	}
	return u.Hostname() == "docs.aws.amazon.com" || strings.HasSuffix(u.Hostname(), ".slack.com") && strings.HasPrefix(u.Path, "/archives/")
}

// invisible finds characters that hide, reorder or control.
func invisible(s string) (out []string) {
	for i, r := range s {
		if r != '\n' && r != '\t' && (unicode.Is(unicode.C, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || r == '\u2028' || r == '\u2029') || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return []string{fmt.Sprintf("character %U in %q", r, cutTo(s, 80))}
		}
	}
	return nil
}

func cutTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func (b bound) check(v any, at string) (out []string) {
	if b.path == "" {
		n := 0
		switch v := v.(type) {
		case string:
			n = utf8.RuneCountInString(v)
		case []any:
			n = len(v)
		}
		if n > b.most {
			return []string{fmt.Sprintf("%s: %d, at most %d", at, n, b.most)}
		}
		return nil
	}
	step, rest, _ := strings.Cut(b.path, ".")
	name, list := strings.CutSuffix(step, "[]")
	m, _ := v.(map[string]any)
	child := m[name]
	if !list {
		return bound{rest, b.most}.check(child, at+"/"+name)
	}
	items, _ := child.([]any)
	for i, item := range items {
		out = append(out, bound{rest, b.most}.check(item, fmt.Sprintf("%s/%s/%d", at, name, i))...)
	}
	return out
}

func characters(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += characters(item)
		}
	case map[string]any:
		text, _ := v["text"].(string)
		n = utf8.RuneCountInString(text)
	}
	return n
}

// viewFaults is the same for a modal.
func viewFaults(v slack.ModalViewRequest) []string {
	raw, err := json.Marshal(v)
	if err != nil {
		return []string{err.Error()}
	}
	return alive(walkable(raw), "view")
}
