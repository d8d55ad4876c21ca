package slackemu

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"
)

func long(n int) string { return strings.Repeat("é", n) }

func jsonList(item string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

func TestInvalidBlocks(t *testing.T) {
	const (
		text    = `{"type":"plain_text","text":"x"}`
		button  = `{"type":"button","text":` + text + `}`
		option  = `{"text":` + text + `,"value":"v"}`
		divider = `{"type":"divider"}`
	)
	for _, tt := range []struct{ name, blocks, want string }{
		{"long section", `[{"type":"section","text":{"type":"mrkdwn","text":"` + long(3001) + `"}}]`, "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"empty text", `[{"type":"section","text":{"type":"mrkdwn","text":""}}]`, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		{"text that is a string", `[{"type":"section","text":"x"}]`, "failed to match all allowed schemas [json-pointer:/blocks/0/text]"},
		{"section without anything", `[{"type":"section"}]`, "missing required field: text [json-pointer:/blocks/0]"},
		{"11 fields", `[{"type":"section","fields":` + jsonList(text, 11) + `}]`, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		{"long field", `[{"type":"section","fields":[{"type":"mrkdwn","text":"` + long(2001) + `"}]}]`, "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"},
		{"long header", `[{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}]`, "must be less than 151 characters [json-pointer:/blocks/0/text/text]"},
		{"mrkdwn header", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "must be a valid enum value [json-pointer:/blocks/0/text/type]"},
		{"26 buttons", `[` + divider + `,{"type":"actions","elements":` + jsonList(button, 26) + `}]`, "no more than 25 items allowed [json-pointer:/blocks/1/elements]"},
		{"no buttons", `[{"type":"actions","elements":[]}]`, "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"},
		{"11 context elements", `[{"type":"context","elements":` + jsonList(text, 11) + `}]`, "no more than 10 items allowed [json-pointer:/blocks/0/elements]"},
		{"long button", `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"` + long(76) + `"}}]}]`, "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"},
		{"odd button style", `[{"type":"actions","elements":[{"type":"button","style":"loud","text":` + text + `}]}]`, "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"},
		{"long value", `[{"type":"actions","elements":[{"type":"button","value":"` + long(2001) + `","text":` + text + `}]}]`, "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"},
		{"101 options", `[{"type":"actions","elements":[{"type":"static_select","options":` + jsonList(option, 101) + `}]}]`, "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"},
		{"long confirm", `[{"type":"actions","elements":[{"type":"button","text":` + text + `,"confirm":{"title":` + text + `,"text":` + text + `,"confirm":{"type":"plain_text","text":"` + long(31) + `"},"deny":` + text + `}}]}]`, "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]"},
		{"unknown type", `[{"type":"sparkle"}]`, "unsupported type: sparkle [json-pointer:/blocks/0/type]"},
		{"unknown field", `[{"type":"divider","color":"red"}]`, "invalid additional property: color [json-pointer:/blocks/0]"},
		{"image without alt text", `[{"type":"image","image_url":"https://example.com/a.png"}]`, "failed to match all allowed schemas [json-pointer:/blocks/0]"},
		{"empty alignment", `[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]],"column_settings":[{"align":""}]}]`, "must be a valid enum value [json-pointer:/blocks/0/column_settings/0/align]"},
		{"101 rows", `[{"type":"table","rows":` + jsonList(`[{"type":"raw_text","text":"x"}]`, 101) + `}]`, "no more than 100 items allowed [json-pointer:/blocks/0/rows]"},
		{"21 cells", `[{"type":"table","rows":[` + jsonList(`{"type":"raw_text","text":"x"}`, 21) + `]}]`, "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"},
		{"table over 10,000 characters", `[{"type":"table","rows":[[{"type":"raw_text","text":"` + long(10001) + `"}]]}]`, "must be less than 10001 characters in all table cells [json-pointer:/blocks]"},
		{"task that is completed", `[{"type":"plan","title":"x","tasks":[{"type":"task_card","task_id":"a","title":"b","status":"completed"}]}]`, "must be a valid enum value [json-pointer:/blocks/0/tasks/0/status]"},
		{"task without a status", `[{"type":"plan","title":"x","tasks":[{"type":"task_card","task_id":"a","title":"b"}]}]`, "missing required field: status [json-pointer:/blocks/0/tasks/0]"},
		{"plan beside a task card", `[{"type":"plan","title":"x"},{"type":"task_card","task_id":"a","title":"b","status":"pending"}]`, "`plan` and `task_card` blocks may not be used together [json-pointer:/blocks]"},
		{"rich text in a container", `[{"type":"container","title":` + text + `,"child_blocks":[{"type":"rich_text","elements":[]}]}]`, "failed to match all allowed schemas [json-pointer:/blocks/0/child_blocks/0]"},
		{"alert in a message", `[{"type":"alert","text":` + text + `}]`, "unsupported type: alert [json-pointer:/blocks/0/type]"},
		{"long markdown in two blocks", `[{"type":"markdown","text":"` + long(7000) + `"},{"type":"markdown","text":"` + long(7000) + `"}]`, "must be less than 12001 characters in all markdown blocks [json-pointer:/blocks]"},
		{"same block id twice", `[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "`block_id` `a` already exists for another block in this view/message [json-pointer:/blocks/1/block_id]"},
		{"long block id", `[{"type":"divider","block_id":"` + long(256) + `"}]`, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"},
		{"7 pie segments", `[{"type":"data_visualization","title":"x","chart":{"type":"pie","segments":` + jsonList(`{"label":"a","value":1}`, 7) + `}}]`, "no more than 6 items allowed [json-pointer:/blocks/0/chart/segments]"},
		{"series that misses a category", `[{"type":"data_visualization","title":"x","chart":{"type":"line","axis_config":{"categories":["a","b"]},"series":[{"name":"n","data":[{"label":"a","value":1}]}]}}]`, "must have one data point for each category [json-pointer:/blocks/0/chart/series/0/data]"},
		{"long chart label", `[{"type":"data_visualization","title":"x","chart":{"type":"pie","segments":[{"label":"` + long(21) + `","value":1}]}}]`, "must be less than 21 characters [json-pointer:/blocks/0/chart/segments/0/label]"},
		{"51 blocks", jsonList(divider, 51), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"block that is no object", `[1]`, "must provide an object [json-pointer:/blocks/0]"},
	} {
		_, bad := checkBlocks(json.RawMessage(tt.blocks), surfaceMessage)
		if bad == nil {
			t.Errorf("%s: accepted, want %s", tt.name, tt.want)
			continue
		}
		errors := bad["errors"].([]string)
		if !slices.Equal(errors, []string{tt.want}) || bad["error"] != "invalid_blocks" {
			t.Errorf("%s: %v %q, want %q", tt.name, bad["error"], errors, tt.want)
		}
		if got := bad["response_metadata"].(obj)["messages"].([]string)[0]; got != "[ERROR] "+errors[0] {
			t.Errorf("%s: message %q", tt.name, got)
		}
	}
	if _, bad := checkBlocks(json.RawMessage(`{"type":"divider"}`), surfaceMessage); bad["error"] != "invalid_blocks_format" {
		t.Errorf("an object in place of a list: %v", bad)
	}
}

func TestValidBlocks(t *testing.T) {
	for name, blocks := range map[string]string{
		"plan": `[{"type":"plan","block_id":"p","title":"Checking","tasks":[
			{"type":"task_card","task_id":"a","title":"Who","status":"complete","output":{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}},
			{"type":"task_card","task_id":"b","title":"What","status":"in_progress","hide_title":true}]}]`,
		"card":         card,
		"header":       `[{"type":"header","level":2,"text":{"type":"plain_text","text":"x"}}]`,
		"chart":        `[{"type":"data_visualization","title":"Errors","chart":{"type":"bar","axis_config":{"categories":["a"],"x_label":"t"},"series":[{"name":"n","data":[{"label":"a","value":-1.5}]}]}}]`,
		"layout":       `[{"type":"layout","label":"x","rows":[{"items":[{"block":{"type":"divider"},"width":"wide"}]}]}]`,
		"container":    `[{"type":"container","title":{"type":"plain_text","text":"x"},"is_collapsible":true,"child_blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}]`,
		"preformatted": `[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","language":"json","elements":[{"type":"text","text":"{}"}]}]}]`,
		"image":        `[{"type":"image","image_url":"https://example.com/a.png","alt_text":"a"}]`,
		"data table":   `[{"type":"data_table","caption":"x","rows":[[{"type":"raw_text","text":"h"}],[{"type":"raw_number","value":1,"text":"1"}]]}]`,
	} {
		if _, bad := checkBlocks(json.RawMessage(blocks), surfaceMessage); bad != nil {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

func TestInvalidViews(t *testing.T) {
	const head = `{"type":"modal","title":{"type":"plain_text","text":"x"}`
	for _, tt := range []struct{ name, view, want string }{
		{"input without submit", head + `,"blocks":[{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}]}`, "must define `submit` to use an `input` block in modals [json-pointer:/view/submit]"},
		{"without a title", `{"type":"modal","blocks":[]}`, "missing required field: title [json-pointer:/view]"},
		{"without blocks", head + `}`, "missing required field: blocks [json-pointer:/view]"},
		{"long title", strings.Replace(head, `"text":"x"`, `"text":"`+long(25)+`"`, 1) + `,"blocks":[]}`, "must be less than 25 characters [json-pointer:/view/title/text]"},
		{"long metadata", head + `,"private_metadata":"` + long(3001) + `","blocks":[]}`, "must be less than 3001 characters [json-pointer:/view/private_metadata]"},
		{"101 blocks", head + `,"blocks":` + jsonList(`{"type":"divider"}`, 101) + `}`, "no more than 100 items allowed [json-pointer:/view/blocks]"},
		{"bad block", head + `,"blocks":[{"type":"section","text":{"type":"mrkdwn","text":""}}]}`, "must be more than 0 characters [json-pointer:/view/blocks/0/text/text]"},
		{"other type", `{"type":"workflow_step"}`, "unsupported type: workflow_step [json-pointer:/view/type]"},
	} {
		_, found, bad := checkView(json.RawMessage(tt.view))
		if got := fmt.Sprint(found); bad != nil || got != "["+tt.want+"]" {
			t.Errorf("%s: %s %v, want %s", tt.name, got, bad, tt.want)
		}
	}
	if _, found, _ := checkView(json.RawMessage(head + `,"blocks":[{"type":"alert","text":{"type":"plain_text","text":"x"}}]}`)); found != nil {
		t.Errorf("an alert in a modal: %v", found)
	}
}

func TestBlocksValidateNeedsNoToken(t *testing.T) {
	s := start(t, Options{})
	bad := form(t, s, "blocks.validate", "token", "", "blocks", `[{"type":"divider","x":1}]`)
	want := obj{"pointer": "/blocks/0", "code": "invalid_additional_property", "message": "invalid additional property: x", "field": "x"}
	if bad["ok"] != false || fmt.Sprint(bad["errors"]) != fmt.Sprint([]obj{want}) {
		t.Errorf("answered %v", bad)
	}
	for _, kind := range []string{"blocks", "view", "message"} {
		arg := map[string]string{"blocks": card, "view": modal, "message": `{"blocks":` + card + `}`}[kind]
		if got := form(t, s, "blocks.validate", kind, arg); got["ok"] != true {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// Everything slack-go can build and read must come back as it was stored.
func TestStoredBlocksKeepTheirContent(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	const text = "a & <b> \u2028 &lt;!here&gt; \"q\""
	post1(t, c, public, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(section(text)))
	list, _, _, err := c.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: public, Timestamp: messages(t, s, "channel="+public)[0].TS})
	if err != nil {
		t.Fatal(err)
	}
	if got := list[0].Blocks.BlockSet[0].(*slack.SectionBlock); got.Text.Text != text || list[0].Text != text || got.BlockID == "" {
		t.Errorf("stored %q and %+v", list[0].Text, got)
	}
}

func FuzzCheckBlocks(f *testing.F) {
	f.Add(card)
	f.Add(`[{"type":"section","text":1}]`)
	f.Add(`[null,{"type":{}},[[]]]`)
	f.Fuzz(func(t *testing.T, raw string) {
		blocks, bad := checkBlocks(json.RawMessage(raw), surfaceMessage)
		if (blocks == nil) == (bad == nil) && raw != "null" {
			t.Errorf("%q: neither accepted nor refused", raw)
		}
		checkView(json.RawMessage(raw))
	})
}
