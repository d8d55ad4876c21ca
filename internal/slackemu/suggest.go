package slackemu

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Choice is one option an app offered for an external select.
type Choice struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// ChoiceGroup is a labelled group of them.
type ChoiceGroup struct {
	Label   string   `json:"label"`
	Options []Choice `json:"options"`
}

// suggest asks the app for the options of an external select.
// https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
func (s *Server) suggest(in clickRequest) (any, error) {
	s.mu.Lock()
	t, err := s.target(in)
	if err == nil && !strings.HasSuffix(t.element.typ(), "external_select") {
		err = no(http.StatusBadRequest, "not_external", "%s is not an external select.", in.ActionID)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	rest := t.place(s, false)
	rest["action_id"], rest["block_id"], rest["value"] = t.element.action(), t.element.block, in.Query
	env := s.newEnvelope("interactive", true, s.interaction("block_suggestion", t.user, rest))
	s.mu.Unlock()
	d := s.deliver(env)
	if d.AckPayload == nil {
		return d, nil
	}
	type option struct {
		Text  struct{ Text string }
		Value string
	}
	var answer struct {
		Options []option
		Groups  []struct {
			Label   struct{ Text string }
			Options []option
		} `json:"option_groups"`
	}
	if json.Unmarshal(d.AckPayload, &answer) != nil || len(answer.Options) > maxSelectOptions {
		d.Error = "invalid_response"
		return d, nil
	}
	for _, o := range answer.Options {
		d.Options = append(d.Options, Choice{o.Text.Text, o.Value})
	}
	for _, g := range answer.Groups {
		group := ChoiceGroup{Label: g.Label.Text}
		for _, o := range g.Options {
			group.Options = append(group.Options, Choice{o.Text.Text, o.Value})
		}
		d.OptionGroups = append(d.OptionGroups, group)
	}
	return d, nil
}
