package slackemu

import (
	"encoding/json"
	"net/http"
	"slices"
)

type submitRequest struct {
	User   string         `json:"user"`
	ViewID string         `json:"view_id"`
	Values map[string]any `json:"values"`
}

// submit presses a modal's submit button and does what the app answers.
// https://docs.slack.dev/surfaces/modals#view-submissions
func (s *Server) submit(in submitRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	var v *View
	if err == nil {
		if v = s.view(in.ViewID); v == nil || v.user != in.User {
			err = no(http.StatusNotFound, "view_not_found", "%s has no open view %s.", in.User, in.ViewID)
		}
	}
	var vals values
	if err == nil {
		if vals, err = v.sets(in.Values); err != nil {
			err = no(http.StatusBadRequest, "invalid_values", "%v", err)
		} else if missing := v.missing(vals); len(missing) > 0 {
			err = &refused{http.StatusBadRequest, "missing_input", "A required field is empty.", missing}
		}
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	v.State.Values, v.errors = vals, nil
	urls := []obj{}
	for _, e := range elements(v.Blocks) {
		picked, _ := vals[e.block][e.action()][stateFields[e.typ()].field].(string)
		if e.el["response_url_enabled"] == true && s.channels[picked] != nil {
			urls = append(urls, obj{"block_id": e.block, "action_id": e.action(), "channel_id": picked,
				"response_url": s.newHook("actions", picked, u.ID, "")})
		}
	}
	env := s.newEnvelope("interactive", true, s.interaction("view_submission", u, obj{
		"trigger_id": s.newTrigger(u.ID, v.ID), "view": v, "response_urls": urls}))
	s.mu.Unlock()

	d := s.deliver(env)
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Acked {
		s.submitted(v, &d)
	}
	return d, nil
}

// submitted carries out the response_action of an acknowledgement. Caller holds mu.
func (s *Server) submitted(v *View, d *Delivery) {
	if s.view(v.ID) == nil {
		return // closed meanwhile
	}
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if d.AckPayload != nil && json.Unmarshal(d.AckPayload, &answer) != nil {
		d.Error = "invalid_response"
		return
	}
	next := func() *View {
		nv, bad := s.readView(args{"view": answer.View}, "modal")
		if bad != nil {
			d.Error = bad["error"].(string)
			return nil
		}
		return nv
	}
	switch answer.Action {
	case "":
		s.dismiss(v, false)
	case "clear":
		s.dismiss(v, true)
	case "errors":
		for block := range answer.Errors {
			if !slices.ContainsFunc(elements(v.Blocks), func(e element) bool { return e.input != nil && e.block == block }) {
				d.Error = "invalid_response" // the form stays open, and the client says that there was trouble connecting
				return
			}
		}
		v.errors, d.Errors = answer.Errors, answer.Errors
		s.publish(obj{"type": "view_changed", "user": v.user, "view_id": v.ID}, nil)
	case "update":
		if nv := next(); nv != nil {
			s.replaceView(v, nv)
		}
	case "push":
		nv := next()
		if nv == nil {
			return
		}
		if bad := s.stack(nv, v); bad != nil {
			d.Error = bad["error"].(string)
			return
		}
		s.showing(nv)
	default:
		d.Error = "invalid_response"
	}
}

type closeViewRequest struct {
	User   string `json:"user"`
	ViewID string `json:"view_id"`
	Clear  bool   `json:"clear"`
}

// closeView presses a modal's close button, or with Clear the cross over a stack.
func (s *Server) closeView(in closeViewRequest) (any, error) {
	s.mu.Lock()
	u, err := s.person(in.User)
	v := s.view(in.ViewID)
	if err == nil && (v == nil || v.user != in.User) {
		err = no(http.StatusNotFound, "view_not_found", "%s has no open view %s.", in.User, in.ViewID)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	all := in.Clear || v.ClearOnClose
	ids, envs := []string{}, []*envelope{}
	for _, gone := range s.dismiss(v, all) {
		ids = append(ids, gone.ID)
		if gone.NotifyOnClose {
			envs = append(envs, s.newEnvelope("interactive", false, s.interaction("view_closed", u, obj{"view": gone, "is_cleared": all})))
		}
	}
	s.mu.Unlock()
	deliveries := []Delivery{}
	for _, env := range envs {
		deliveries = append(deliveries, s.deliver(env))
	}
	return obj{"closed": ids, "deliveries": deliveries}, nil
}
