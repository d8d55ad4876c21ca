package slackemu

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of Block Kit, in characters or items. Each block and element has its
// page under https://docs.slack.dev/reference/block-kit; the names below are
// those of the pages.
const (
	maxMessageBlocks = 50  // /blocks
	maxViewBlocks    = 100 // /reference/views
	maxBlockID       = 255 // /blocks
	maxActionID      = 255 // /block-elements

	maxTextObject     = 3000 // /composition-objects/text-object
	maxSectionFields  = 10   // /blocks/section-block
	maxSectionField   = 2000
	maxHeader         = 150 // /blocks/header-block
	maxContext        = 10  // /blocks/context-block
	maxActions        = 25  // /blocks/actions-block
	maxContextActions = 5   // /blocks/context-actions-block

	maxButtonText    = 75 // /block-elements/button-element
	maxButtonValue   = 2000
	maxButtonURL     = 3000
	maxAccessibility = 75

	maxConfirmTitle  = 100 // /composition-objects/confirmation-dialog-object
	maxConfirmText   = 300
	maxConfirmButton = 30

	maxSelectOptions = 100 // /block-elements/select-menu-element
	maxOptionGroups  = 100
	maxOptionText    = 75 // /composition-objects/option-object
	maxOptionValue   = 150
	maxOptionDetail  = 75
	maxGroupLabel    = 75
	maxOverflow      = 5  // /block-elements/overflow-menu-element
	maxChoices       = 10 // /block-elements/radio-button-group-element, checkboxes-element
	maxPlaceholder   = 150

	maxInputLabel = 2000 // /blocks/input-block
	maxInputHint  = 2000

	maxAltText    = 2000 // /blocks/image-block
	maxImageTitle = 2000
	maxImageURL   = 3000

	maxTableRows       = 100 // /blocks/table-block
	maxTableColumns    = 20
	maxTableCharacters = 10000 // all cells of all tables; reported, not on the page

	minDataTableRows    = 2 // /blocks/data-table-block
	maxDataTableRows    = 101
	maxDataTableColumns = 20

	maxChartTitle  = 50 // /blocks/data-visualization-block
	maxChartSeries = 6
	maxChartPoints = 20
	maxChartLabel  = 20
	maxAxisLabel   = 50

	maxContainerTitle = 150 // /blocks/container-block
	maxContainerItems = 10
	maxCardTitle      = 150 // /blocks/card-block
	maxCardBody       = 200
	maxCarousel       = 10  // /blocks/carousel-block
	maxAlert          = 200 // /blocks/alert-block
	maxLayoutLabel    = 150 // /blocks/layout-block
	maxLayoutRows     = 5
	maxLayoutItems    = 3

	maxViewTitle       = 24 // /reference/views/modal-views
	maxPrivateMetadata = 3000
	maxCallbackID      = 255
)

// limit bounds one field of one kind of object: characters of a string, items
// of a list, the text of a text object. A path steps into objects with "." and
// into lists with "[]".
type limit struct {
	path     string
	min, max int
}

// limits by the "type" of the object, or by the key it sits under where it has
// no type of its own.
var limits = map[string][]limit{
	"*":               {{"block_id", 1, maxBlockID}, {"action_id", 1, maxActionID}},
	"plain_text":      {{"text", 1, maxTextObject}},
	"mrkdwn":          {{"text", 1, maxTextObject}},
	"placeholder":     {{"text", 1, maxPlaceholder}},
	"section":         {{"fields", 1, maxSectionFields}, {"fields[].text", 1, maxSectionField}},
	"header":          {{"text.text", 1, maxHeader}},
	"context":         {{"elements", 1, maxContext}},
	"actions":         {{"elements", 1, maxActions}},
	"context_actions": {{"elements", 1, maxContextActions}},
	"button":          {{"text.text", 1, maxButtonText}, {"value", 0, maxButtonValue}, {"url", 0, maxButtonURL}, {"accessibility_label", 0, maxAccessibility}},
	"icon_button":     {{"value", 0, maxButtonValue}, {"accessibility_label", 0, maxAccessibility}},
	"positive_button": {{"text.text", 1, maxButtonText}, {"value", 1, maxButtonValue}, {"accessibility_label", 0, maxAccessibility}},
	"negative_button": {{"text.text", 1, maxButtonText}, {"value", 1, maxButtonValue}, {"accessibility_label", 0, maxAccessibility}},
	"confirm": {{"title.text", 1, maxConfirmTitle}, {"text.text", 1, maxConfirmText}, {"confirm.text", 1, maxConfirmButton},
		{"deny.text", 1, maxConfirmButton}},
	"options":             {{"text.text", 1, maxOptionText}, {"value", 0, maxOptionValue}, {"description.text", 1, maxOptionDetail}},
	"option_groups":       {{"label.text", 1, maxGroupLabel}, {"options", 0, maxSelectOptions}},
	"static_select":       {{"options", 1, maxSelectOptions}, {"option_groups", 1, maxOptionGroups}},
	"multi_static_select": {{"options", 1, maxSelectOptions}, {"option_groups", 1, maxOptionGroups}},
	"overflow":            {{"options", 1, maxOverflow}},
	"radio_buttons":       {{"options", 1, maxChoices}},
	"checkboxes":          {{"options", 1, maxChoices}},
	"input":               {{"label.text", 1, maxInputLabel}, {"hint.text", 1, maxInputHint}},
	"image":               {{"alt_text", 1, maxAltText}, {"title.text", 1, maxImageTitle}, {"image_url", 1, maxImageURL}},
	"markdown":            {{"text", 1, maxMarkdown}},
	"table":               {{"rows", 1, maxTableRows}, {"rows[]", 1, maxTableColumns}, {"column_settings", 0, maxTableColumns}},
	"data_table":          {{"rows", minDataTableRows, maxDataTableRows}, {"rows[]", 1, maxDataTableColumns}, {"caption", 1, maxTextObject}},
	"data_visualization":  {{"title", 1, maxChartTitle}},
	"pie":                 {{"segments", 1, maxChartSeries}, {"segments[].label", 1, maxChartLabel}},
	"bar":                 chartLimits,
	"area":                chartLimits,
	"line":                chartLimits,
	"container":           {{"title.text", 1, maxContainerTitle}, {"subtitle.text", 1, maxContainerTitle}, {"child_blocks", 1, maxContainerItems}},
	"card":                {{"title.text", 1, maxCardTitle}, {"subtitle.text", 1, maxCardTitle}, {"body.text", 1, maxCardBody}},
	"carousel":            {{"elements", 1, maxCarousel}},
	"alert":               {{"text.text", 1, maxAlert}},
	"layout":              {{"label", 1, maxLayoutLabel}, {"rows", 1, maxLayoutRows}, {"rows[].items", 1, maxLayoutItems}},
	"modal":               append(viewLimits, limit{"title.text", 1, maxViewTitle}, limit{"submit.text", 1, maxViewTitle}, limit{"close.text", 1, maxViewTitle}),
	"home":                viewLimits,
}

var (
	chartLimits = []limit{{"series", 1, maxChartSeries}, {"series[].name", 1, maxChartLabel}, {"series[].data", 1, maxChartPoints},
		{"series[].data[].label", 1, maxChartLabel}, {"axis_config.categories", 1, maxChartPoints},
		{"axis_config.categories[]", 1, maxChartLabel}, {"axis_config.x_label", 0, maxAxisLabel}, {"axis_config.y_label", 0, maxAxisLabel}}
	viewLimits = []limit{{"blocks", 0, maxViewBlocks}, {"private_metadata", 0, maxPrivateMetadata}, {"callback_id", 0, maxCallbackID}}
)

// checkLimits walks v, which sits at the pointer at under key.
func checkLimits(v any, at, key string) (out []problem) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			out = append(out, checkLimits(item, at+"/"+itoa(i), key)...)
		}
	case map[string]any:
		typ, _ := v["type"].(string)
		kinds := []string{"*", typ}
		if key != typ {
			switch key {
			case "placeholder", "positive_button", "negative_button", "confirm", "options", "option_groups":
				kinds = append(kinds, key)
			}
		}
		for _, k := range kinds {
			for _, l := range limits[k] {
				out = append(out, l.check(v, at, l.path)...)
			}
		}
		for _, field := range sortedKeys(v) {
			out = append(out, checkLimits(v[field], at+"/"+field, field)...)
		}
	}
	return out
}

func (l limit) check(v any, at, path string) (out []problem) {
	if path != "" {
		step, rest, _ := strings.Cut(path, ".")
		name, list := strings.CutSuffix(step, "[]")
		m, _ := v.(map[string]any)
		child, there := m[name]
		if !there {
			return nil
		}
		at += "/" + name
		if !list {
			return l.check(child, at, rest)
		}
		items, _ := child.([]any)
		for i, item := range items {
			out = append(out, l.check(item, at+"/"+itoa(i), rest)...)
		}
		return out
	}
	switch v := v.(type) {
	case string:
		if n := utf8.RuneCountInString(v); n > l.max {
			return []problem{{at, "too_long", fmt.Sprintf("must be less than %d characters", l.max+1), "", l.max}}
		} else if n < l.min {
			return []problem{{at, "too_short", fmt.Sprintf("must be more than %d characters", l.min-1), "", l.min}}
		}
	case []any:
		if len(v) > l.max {
			return []problem{{at, "too_many_items", fmt.Sprintf("no more than %d items allowed", l.max), "", l.max}}
		} else if len(v) < l.min {
			return []problem{{at, "too_few_items", fmt.Sprintf("no fewer than %d items allowed", l.min), "", l.min}}
		}
	case map[string]any: // a text object
		return l.check(v["text"], at+"/text", "")
	}
	return nil
}
