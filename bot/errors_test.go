package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/handlers"
)

func TestWhatSlacksErrorsMean(t *testing.T) {
	said := func(code string) error { return slack.SlackErrorResponse{Err: code} }
	for _, c := range []struct {
		err  error
		fate fate
		why  handlers.Refusal
		wait time.Duration
	}{
		{err: nil, fate: told},
		{err: &slack.RateLimitedError{RetryAfter: 7 * time.Second}, fate: busy, wait: 7 * time.Second},
		{err: slack.StatusCodeError{Code: 429}, fate: busy, wait: busyWait},
		{err: said("ratelimited"), fate: busy, wait: busyWait},
		{err: slack.StatusCodeError{Code: 500}, fate: unsure},
		{err: slack.StatusCodeError{Code: 503}, fate: unsure},
		{err: slack.StatusCodeError{Code: 400}, fate: refused},
		{err: &net.OpError{Op: "read", Err: errors.New("connection reset")}, fate: unsure},
		{err: context.DeadlineExceeded, fate: unsure},
		{err: said("internal_error"), fate: unsure},
		{err: said("fatal_error"), fate: unsure},
		{err: said("invalid_blocks"), fate: tooModern},
		{err: said("msg_blocks_too_long"), fate: tooModern},
		{err: said("not_in_channel"), fate: refused, why: handlers.NotMember},
		{err: said("channel_not_found"), fate: refused, why: handlers.NotMember},
		{err: said("is_archived"), fate: refused, why: handlers.Archived},
		{err: said("restricted_action_thread_locked"), fate: refused, why: handlers.ReadOnly},
		{err: said("message_not_found"), fate: refused, why: handlers.ParentGone},
		{err: said("msg_too_long"), fate: refused},
		{err: slack.SlackErrorResponse{Err: "missing_scope", Needed: "files:write"}, fate: refused},
		{err: said("token_revoked"), fate: deadToken},
		{err: said("account_inactive"), fate: deadToken},
	} {
		for _, err := range []error{c.err, wrapped(c.err)} {
			v := read(err)
			if v.fate != c.fate || v.why != c.why || v.wait != c.wait {
				t.Errorf("%v: %+v", err, v)
			}
			if v.fate == refused && v.text == "" {
				t.Errorf("%v: no words for people", err)
			}
		}
	}
}

// Errors are told apart by what they are, not by their text.
func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("post a message: %w", err)
}

func TestEveryRefusalHasWords(t *testing.T) {
	for why := handlers.NotMember; why <= handlers.ParentGone; why++ {
		if refusals[why] == "" {
			t.Errorf("refusal %d has no words", why)
		}
		if (&Bot{}).refusal(why).Text == "" {
			t.Errorf("refusal %d says nothing", why)
		}
	}
}
