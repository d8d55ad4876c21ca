package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/handlers"
)

// fatal are the errors that no waiting mends, with what to do about each.
// https://docs.slack.dev/reference/methods/apps.connections.open#errors
var fatal = map[string]string{
	"invalid_auth":           "Slack does not know it: copy it again from the app's settings",
	"not_authed":             "it is missing",
	"account_inactive":       "the workspace or the app's user is deactivated",
	"token_revoked":          "it was revoked: install the app again",
	"token_expired":          "it has expired: switch token rotation off for this app, or make a new one",
	"no_permission":          "it may not do this: install the app again with its scopes",
	"missing_scope":          "it lacks a scope: an app-level token needs connections:write",
	"not_allowed_token_type": "it is of the wrong kind: xoxb- for the bot, xapp- for the app",
	"org_login_required":     "the workspace is being moved to an organisation: wait, then install the app again",
	"team_disabled":          "the workspace is disabled",
}

// fatalAuth says in plain words why a token can't work, nil when it can.
func fatalAuth(err error) error {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		if words, ok := fatal[refused.Err]; ok {
			return fmt.Errorf("%s (%w)", words, err)
		}
		return nil
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return fmt.Errorf("no such method there: check SLACK_API_URL (%w)", err)
	}
	return nil
}

// fate is what became of a call that should have told something.
type fate int

const (
	told      fate = iota
	busy           // asked too much: nothing was told, wait
	unsure         // it may have been told
	tooModern      // Slack does not take these blocks
	refused        // it will never be told; the refusal says why
	deadToken      // none will
)

// verdict is a fate with what goes with it.
type verdict struct {
	fate fate
	wait time.Duration    // busy: how long
	why  handlers.Refusal // refused: Welcome when it is not about the place
	text string           // refused: for people
}

// busyWait is for a 429 that does not say how long.
const busyWait = 30 * time.Second

// places are the errors that are about the channel or its thread.
// https://docs.slack.dev/reference/methods/chat.postMessage#errors
var places = map[string]handlers.Refusal{
	"not_in_channel":                           handlers.NotMember,
	"channel_not_found":                        handlers.NotMember, // private, or between people
	"is_archived":                              handlers.Archived,
	"restricted_action":                        handlers.ReadOnly,
	"restricted_action_read_only_channel":      handlers.ReadOnly,
	"restricted_action_thread_locked":          handlers.ReadOnly,
	"restricted_action_thread_only_channel":    handlers.ReadOnly,
	"restricted_action_non_threadable_channel": handlers.ReadOnly,
	"cannot_reply_to_message":                  handlers.ParentGone,
	"thread_not_found":                         handlers.ParentGone,
	"message_not_found":                        handlers.ParentGone,
	"cant_update_message":                      handlers.ParentGone,
	"edit_window_closed":                       handlers.ParentGone,
}

// blockErrors are Slack's words for blocks that it does not take.
var blockErrors = []string{"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_blocks_too_long", "block_mismatch"}

// unsureErrors may have partly succeeded, as Slack says.
var unsureErrors = []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}

// read says what an error of a posting call means.
func read(err error) verdict {
	var limited *slack.RateLimitedError
	var answer slack.SlackErrorResponse
	var status slack.StatusCodeError
	switch {
	case err == nil:
		return verdict{fate: told}
	case errors.As(err, &limited):
		return verdict{fate: busy, wait: max(limited.RetryAfter, time.Second)}
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return verdict{fate: busy, wait: busyWait}
	case errors.As(err, &status) && status.Code < 500:
		return verdict{fate: refused, text: fmt.Sprintf("Slack answered with status %d.", status.Code)}
	case !errors.As(err, &answer):
		return verdict{fate: unsure} // 5xx, or the connection broke
	case answer.Err == "ratelimited" || answer.Err == "rate_limited":
		return verdict{fate: busy, wait: busyWait}
	case slices.Contains(blockErrors, answer.Err):
		return verdict{fate: tooModern, text: "Slack did not take the message (" + answer.Err + ")."}
	case slices.Contains(unsureErrors, answer.Err):
		return verdict{fate: unsure}
	case fatalAuth(err) != nil && answer.Err != "missing_scope":
		return verdict{fate: deadToken}
	}
	if why, ok := places[answer.Err]; ok {
		return verdict{fate: refused, why: why, text: refusals[why]}
	}
	text := "Slack did not take the message (" + answer.Err + ")."
	if answer.Err == "missing_scope" {
		text = "The bot lacks the scope " + answer.Needed + "."
	}
	return verdict{fate: refused, text: text}
}

// plainly is an error without the URL that it happened at: response and upload
// URLs let whoever has them answer in our name.
func plainly(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", at.Op, at.Err)
	}
	return err
}

// details are what Slack says beside an error's name.
func details(err error) []string {
	var answer slack.SlackErrorResponse
	errors.As(err, &answer)
	return answer.ResponseMetadata.Messages
}

// refusals are the refusals as an investigation's stored problem.
var refusals = map[handlers.Refusal]string{
	handlers.NotMember:  "The bot is not in the channel.",
	handlers.DirectChat: "The conversation can't hold an investigation.",
	handlers.Archived:   "The channel is archived.",
	handlers.ReadOnly:   "The channel does not take messages from the bot.",
	handlers.Shared:     "The channel is shared with another company.",
	handlers.Opaque:     "Whether the channel is shared with another company can't be found out: a scope is missing.",
	handlers.ParentGone: "The message of this investigation was deleted.",
}

// timeout is a context for one thing that must happen even when ctx has ended.
func timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}
