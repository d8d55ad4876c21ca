package slackemu

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// surface is where blocks are shown.
type surface int

const (
	surfaceMessage surface = iota
	surfaceView
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// checkBlocks reads a blocks argument and answers as chat.postMessage does
// when it is wrong: by schema, by number, and by the rules between blocks.
func checkBlocks(raw json.RawMessage, on surface) ([]map[string]any, obj) {
	var list []any
	if decode(raw, &list) != nil {
		return nil, fail("invalid_blocks_format")
	}
	if countType(list, "table") > 1 {
		return nil, refusal("invalid_attachments", "only_one_table_allowed")
	}
	if found := problems(list, "/blocks", on); len(found) > 0 {
		return nil, invalid("invalid_blocks", found)
	}
	blocks := make([]map[string]any, len(list))
	for i, b := range list {
		blocks[i] = b.(map[string]any)
	}
	return blocks, nil
}

// invalid is an error with its problems in Slack's wording.
func invalid(code string, found []problem) obj {
	texts := make([]string, len(found))
	for i, p := range found {
		texts[i] = p.String()
	}
	return refusal(code, texts...)
}

func refusal(code string, texts ...string) obj {
	messages := make([]string, len(texts))
	for i, t := range texts {
		messages[i] = "[ERROR] " + t
	}
	return obj{"ok": false, "error": code, "errors": texts, "response_metadata": obj{"messages": messages}}
}

// problems is everything wrong with a list of blocks at the pointer at.
func problems(list []any, at string, on surface) (out []problem) {
	add := func(pointer, code, format string, v ...any) {
		out = append(out, problem{Pointer: pointer, Code: code, Message: fmt.Sprintf(format, v...)})
	}
	if on == surfaceMessage && len(list) > maxMessageBlocks {
		out = append(out, problem{at, "too_many_items", fmt.Sprintf("no more than %d items allowed", maxMessageBlocks), "", maxMessageBlocks})
	}
	ids := map[string]bool{}
	markdown, cells, plans, cards := 0, 0, 0, 0
	for i, item := range list {
		here := at + "/" + itoa(i)
		b, ok := item.(map[string]any)
		if !ok {
			add(here, "invalid_type", "must provide an object")
			continue
		}
		typ, _ := b["type"].(string)
		schema := schemas()[typ]
		switch {
		case typ == "":
			add(here, "missing_required_field", "missing required field: type")
			continue
		case schema == nil || typ == "modal" || typ == "home":
			add(here+"/type", "unsupported_type", "unsupported type: %s", typ)
			continue
		case typ == "alert" && on == surfaceMessage:
			add(here+"/type", "unsupported_type", "unsupported type: alert")
			continue
		}
		out = append(out, checkSchema(schema, b, here)...)
		out = append(out, checkLimits(b, here, "")...)
		out = append(out, checkActionIDs(b, here)...)
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] {
				add(here+"/block_id", "duplicate_block_id", "`block_id` `%s` already exists for another block in this view/message", id)
			}
			ids[id] = true
		}
		switch typ {
		case "section":
			if b["text"] == nil && b["fields"] == nil {
				add(here, "missing_required_field", "missing required field: text")
			}
		case "markdown":
			text, _ := b["text"].(string)
			markdown += utf8.RuneCountInString(text)
		case "table":
			cells += textLength(b["rows"])
		case "plan":
			plans++
		case "task_card":
			cards++
		case "data_visualization":
			out = append(out, checkChart(b, here)...)
		}
	}
	seen := map[string]bool{} // two rules may object to the same text
	out = slices.DeleteFunc(out, func(p problem) bool {
		again := seen[p.String()]
		seen[p.String()] = true
		return again
	})
	if markdown > maxMarkdown {
		add(at, "too_long", "must be less than %d characters in all markdown blocks", maxMarkdown+1)
	}
	if cells > maxTableCharacters {
		add(at, "too_long", "must be less than %d characters in all table cells", maxTableCharacters+1)
	}
	if plans > 0 && cards > 0 {
		add(at, "incompatible_blocks", "`plan` and `task_card` blocks may not be used together")
	}
	return out
}

// checkActionIDs: an action_id is unique within its block.
func checkActionIDs(block map[string]any, at string) (out []problem) {
	seen := map[string]bool{}
	walk(block, at, func(o map[string]any, here string) {
		if id, _ := o["action_id"].(string); id != "" {
			if seen[id] {
				out = append(out, problem{Pointer: here + "/action_id", Code: "duplicate_action_id",
					Message: fmt.Sprintf("`action_id` `%s` already exists for another element in this block", id)})
			}
			seen[id] = true
		}
	})
	return out
}

// checkChart: series have unique names and one point for each category.
// https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
func checkChart(b map[string]any, at string) (out []problem) {
	chart, _ := b["chart"].(map[string]any)
	series, _ := chart["series"].([]any)
	axis, _ := chart["axis_config"].(map[string]any)
	categories, _ := axis["categories"].([]any)
	names := map[any]bool{}
	for i, item := range series {
		one, _ := item.(map[string]any)
		here := fmt.Sprintf("%s/chart/series/%d", at, i)
		if name, ok := one["name"].(string); ok {
			if names[name] {
				out = append(out, problem{Pointer: here + "/name", Code: "duplicate_name", Message: "must be unique"})
			}
			names[name] = true
		}
		points, _ := one["data"].([]any)
		labels := map[any]bool{}
		for _, p := range points {
			point, _ := p.(map[string]any)
			if label, ok := point["label"].(string); ok {
				labels[label] = true
			}
		}
		for _, c := range categories {
			if label, ok := c.(string); ok && !labels[label] || len(points) != len(categories) {
				out = append(out, problem{Pointer: here + "/data", Code: "category_mismatch", Message: "must have one data point for each category"})
				break
			}
		}
	}
	return out
}

// walk visits every object in v, outer ones first, in a fixed order.
func walk(v any, at string, visit func(o map[string]any, at string)) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			walk(item, at+"/"+itoa(i), visit)
		}
	case map[string]any:
		visit(v, at)
		for _, k := range sortedKeys(v) {
			walk(v[k], at+"/"+k, visit)
		}
	}
}

func countType(v any, typ string) (n int) {
	walk(v, "", func(o map[string]any, _ string) {
		if o["type"] == typ {
			n++
		}
	})
	return n
}

// textLength is the characters in all "text" fields below v.
func textLength(v any) (n int) {
	walk(v, "", func(o map[string]any, _ string) {
		if text, ok := o["text"].(string); ok {
			n += utf8.RuneCountInString(text)
		}
	})
	return n
}

// interactive elements get an action_id when they come without.
var interactive = map[string]bool{
	"button": true, "icon_button": true, "feedback_buttons": true, "workflow_button": true, "overflow": true, "checkboxes": true,
	"radio_buttons": true, "datepicker": true, "timepicker": true, "datetimepicker": true, "plain_text_input": true,
	"email_text_input": true, "url_text_input": true, "number_input": true, "rich_text_input": true, "file_input": true,
	"static_select": true, "external_select": true, "users_select": true, "conversations_select": true, "channels_select": true,
	"multi_static_select": true, "multi_external_select": true, "multi_users_select": true, "multi_conversations_select": true,
	"multi_channels_select": true,
}

// completeBlocks fills in what Slack fills in when it stores blocks: missing
// ids, and the flags of text objects. Caller holds mu.
func (s *Server) completeBlocks(blocks []map[string]any) json.RawMessage {
	for _, b := range blocks {
		if id, _ := b["block_id"].(string); id == "" {
			b["block_id"] = s.nextID("b")
		}
		s.complete(b)
	}
	return encode(blocks)
}

func (s *Server) complete(v any) {
	walk(v, "", func(o map[string]any, _ string) {
		typ, _ := o["type"].(string)
		switch {
		case typ == "plain_text" && o["emoji"] == nil:
			o["emoji"] = true
		case typ == "mrkdwn" && o["verbatim"] == nil:
			o["verbatim"] = false
		case interactive[typ] && o["action_id"] == nil:
			o["action_id"] = s.nextID("a")
		}
	})
}

// blocksValidate takes exactly one of blocks, view and message.
// https://docs.slack.dev/reference/methods/blocks.validate
func (s *Server) blocksValidate(r *request) obj {
	blocks, view, message := r.args.raw("blocks"), r.args.raw("view"), r.args.raw("message")
	var found []problem
	switch {
	case blocks != nil && view == nil && message == nil:
		var list []any
		if decode(blocks, &list) != nil {
			return fail("invalid_blocks_format")
		}
		found = problems(list, "/blocks", surfaceMessage)
	case view != nil && blocks == nil && message == nil:
		var bad obj
		if _, found, bad = checkView(view); bad != nil {
			return bad
		}
	case message != nil && blocks == nil && view == nil:
		var m struct {
			Blocks []any `json:"blocks"`
		}
		if decode(message, &m) != nil {
			return fail("invalid_arguments")
		}
		found = problems(m.Blocks, "/message/blocks", surfaceMessage)
	default:
		return fail("invalid_arguments")
	}
	if len(found) > 0 {
		return obj{"ok": false, "error": "invalid_blocks", "errors": found}
	}
	return obj{"ok": true}
}
