package render

import (
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

// Action ids of buttons. A button's value is the investigation's id and nothing
// else; a follow-up's action id is ActionFollowUp with the offer behind it, so that
// ids are unique in their block: "follow-up:extend-48h". ReadAction takes both apart.
const (
	ActionStop      = "stop"
	ActionRerun     = "rerun"
	ActionLookAgain = "look-again"
	ActionTrace     = "trace"
	ActionReport    = "report"
	ActionFeedback  = "feedback" // the value is the investigation's id with FeedbackRight or FeedbackWrong behind it
	ActionFollowUp  = "follow-up:"
	ActionOpen      = "open" // a link; Slack tells of the click, there is nothing to do

	FeedbackRight = ":right"
	FeedbackWrong = ":wrong"
)

// Callback ids of the two modals.
const (
	CallbackAsk      = "ask"
	CallbackFeedback = "feedback"
)

// Inputs of the modals: block id and action id are the same word.
const (
	InputRole   = "role"
	InputRegion = "region"
	InputWindow = "window"
	InputWhy    = "why"
)

func followUpAction(o playbook.Offer) string { return ActionFollowUp + string(o) }

// ReadAction takes a pressed button apart: what it asks for (an action id above, or
// an offer's own id), of which investigation, and for feedback whether it is right.
func ReadAction(actionID, value string) (action, investigation string, right bool) {
	switch {
	case strings.HasPrefix(actionID, ActionFollowUp):
		return strings.TrimPrefix(actionID, ActionFollowUp), value, false
	case actionID == ActionFeedback, actionID == ActionFeedback+FeedbackRight, actionID == ActionFeedback+FeedbackWrong:
		if id, ok := strings.CutSuffix(value, FeedbackRight); ok {
			return ActionFeedback, id, true
		}
		return ActionFeedback, strings.TrimSuffix(value, FeedbackWrong), false
	}
	return actionID, value, false
}
