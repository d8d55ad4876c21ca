package slackemu

import (
	"encoding/json"
	"fmt"
	"slices"
)

// element is one interactive element of a stored message or view.
type element struct {
	block string
	input map[string]any // its input block, if it is in one
	el    map[string]any
}

func (e element) typ() string    { t, _ := e.el["type"].(string); return t }
func (e element) action() string { id, _ := e.el["action_id"].(string); return id }

// stateFields says, for elements that hold a value, how Slack's state calls it
// and where its initial value is.
// https://docs.slack.dev/reference/block-kit/block-elements
var stateFields = map[string]struct{ field, initial string }{
	"channels_select":            {"selected_channel", "initial_channel"},
	"checkboxes":                 {"selected_options", "initial_options"},
	"conversations_select":       {"selected_conversation", "initial_conversation"},
	"datepicker":                 {"selected_date", "initial_date"},
	"datetimepicker":             {"selected_date_time", "initial_date_time"},
	"email_text_input":           {"value", "initial_value"},
	"external_select":            {"selected_option", "initial_option"},
	"file_input":                 {"files", ""},
	"multi_channels_select":      {"selected_channels", "initial_channels"},
	"multi_conversations_select": {"selected_conversations", "initial_conversations"},
	"multi_external_select":      {"selected_options", "initial_options"},
	"multi_static_select":        {"selected_options", "initial_options"},
	"multi_users_select":         {"selected_users", "initial_users"},
	"number_input":               {"value", "initial_value"},
	"plain_text_input":           {"value", "initial_value"},
	"radio_buttons":              {"selected_option", "initial_option"},
	"rich_text_input":            {"rich_text_value", "initial_value"},
	"static_select":              {"selected_option", "initial_option"},
	"timepicker":                 {"selected_time", "initial_time"},
	"url_text_input":             {"value", "initial_value"},
	"users_select":               {"selected_user", "initial_user"},
}

// elements lists what can be used in stored blocks or attachments.
func elements(raw json.RawMessage) (out []element) {
	if raw == nil {
		return nil
	}
	var v any
	must(decode(raw, &v)) // it was checked when it was stored
	var visit func(v any, block string, input map[string]any)
	visit = func(v any, block string, input map[string]any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				visit(item, block, input)
			}
		case map[string]any:
			if id, ok := v["block_id"].(string); ok {
				block, input = id, nil
			}
			typ, _ := v["type"].(string)
			if typ == "input" {
				input = v
			}
			if interactive[typ] {
				out = append(out, element{block, input, v})
			}
			for _, k := range sortedKeys(v) {
				visit(v[k], block, input)
			}
		}
	}
	visit(v, "", nil)
	return out
}

// findElement is the element with that action id, and block id where one is given.
func findElement(raw json.RawMessage, block, action string) (element, bool) {
	for _, e := range elements(raw) {
		if e.action() == action && (block == "" || e.block == block) {
			return e, true
		}
	}
	return element{}, false
}

// initialValues is the state of blocks that nobody has touched.
func initialValues(raw json.RawMessage) values {
	v := values{}
	for _, e := range elements(raw) {
		f, ok := stateFields[e.typ()]
		if !ok {
			continue
		}
		initial := e.el[f.initial]
		if initial == nil && f.field == "selected_options" {
			initial = []any{}
		}
		v.set(e, obj{"type": e.typ(), f.field: initial})
	}
	return v
}

func (v values) set(e element, state obj) {
	if v[e.block] == nil {
		v[e.block] = map[string]obj{}
	}
	v[e.block][e.action()] = state
}

func (v values) clone() values {
	out := values{}
	for block, actions := range v {
		out[block] = map[string]obj{}
		for action, state := range actions {
			out[block][action] = state
		}
	}
	return out
}

// pick is the state of e after a person chose value; see POST /_emu/submit for
// what a value may be. "" and nil clear it.
func (e element) pick(value any) (obj, error) {
	typ := e.typ()
	f := stateFields[typ]
	if typ == "overflow" {
		f.field = "selected_option"
	}
	if full, ok := value.(map[string]any); ok && full["type"] == typ {
		return full, nil
	}
	state := obj{"type": typ, f.field: value}
	if value == nil || value == "" {
		state[f.field] = nil
		if f.field == "selected_options" {
			state[f.field] = []any{}
		}
		return state, nil
	}
	switch f.field {
	case "selected_option":
		o, err := e.option(value)
		state[f.field] = o
		return state, err
	case "selected_options":
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		picked := make([]any, len(list))
		for i, item := range list {
			o, err := e.option(item)
			if err != nil {
				return nil, err
			}
			picked[i] = o
		}
		state[f.field] = picked
	case "rich_text_value":
		if text, ok := value.(string); ok {
			state[f.field] = obj{"type": "rich_text", "elements": []obj{{"type": "rich_text_section", "elements": []obj{{"type": "text", "text": text}}}}}
		}
	case "selected_users", "selected_channels", "selected_conversations", "files":
		if _, ok := value.([]any); !ok {
			state[f.field] = []any{value}
		}
	}
	return state, nil
}

// option finds what was picked among the element's options. An external
// select has none of its own: text and value come from the picker.
func (e element) option(value any) (any, error) {
	if typ := e.typ(); typ == "external_select" || typ == "multi_external_select" {
		text, val := value, value
		if m, ok := value.(map[string]any); ok {
			text, val = m["text"], m["value"]
		}
		if t, ok := text.(string); ok {
			text = obj{"type": "plain_text", "text": t, "emoji": true}
		}
		return obj{"text": text, "value": val}, nil
	}
	var found any
	walk(e.el, "", func(o map[string]any, _ string) {
		if found == nil && o["text"] != nil && o["value"] == value {
			found = o
		}
	})
	if found == nil {
		return nil, fmt.Errorf("%v is not among the options of %s", value, e.action())
	}
	return found, nil
}

// missing lists the required inputs of a view that have no value, as Slack's
// client does before it sends anything.
func (v *View) missing(vals values) map[string]string {
	out := map[string]string{}
	for _, e := range elements(v.Blocks) {
		if e.input == nil || e.input["optional"] == true {
			continue
		}
		state := vals[e.block][e.action()][stateFields[e.typ()].field]
		list, isList := state.([]any)
		if state == nil || state == "" || isList && len(list) == 0 {
			out[e.block] = "Please complete this required field."
		}
	}
	return out
}

// sets applies what a person entered, by block and action id.
func (v *View) sets(entered map[string]any) (values, error) {
	vals := v.State.Values.clone()
	all := elements(v.Blocks)
	for _, block := range sortedKeys(entered) {
		mine := slices.DeleteFunc(slices.Clone(all), func(e element) bool { return e.block != block })
		if len(mine) == 0 {
			return nil, fmt.Errorf("the view has no block %s", block)
		}
		by, ok := entered[block].(map[string]any)
		if !ok || by["type"] != nil || by["value"] != nil {
			by = map[string]any{mine[0].action(): entered[block]}
		}
		for _, action := range sortedKeys(by) {
			i := slices.IndexFunc(mine, func(e element) bool { return e.action() == action })
			if i < 0 {
				return nil, fmt.Errorf("block %s has no element %s", block, action)
			}
			state, err := mine[i].pick(by[action])
			if err != nil {
				return nil, err
			}
			vals.set(mine[i], state)
		}
	}
	return vals, nil
}
