package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/playbook"
)

// answer acknowledges an envelope with what the desk replied. An answer of a
// sentence goes with a command's acknowledgement, as text: whether Slack takes
// blocks can't be learned there. Anything else follows it: a form with the
// trigger, a message with the response URL.
func (b *Bot) answer(d delivery, from handlers.Source, r handlers.Reply, trigger string, command bool) func(context.Context) {
	switch r.Answer {
	case handlers.WrongFields:
		b.ack(d, slack.NewErrorsViewSubmissionResponse(r.Fields))
		return nil
	case handlers.AskForm, handlers.AskWhy:
		b.ack(d, nil)
		return func(ctx context.Context) { b.open(ctx, b.logOf(d, r), trigger, from, r) }
	}
	m, something := b.words(r)
	if !something {
		b.ack(d, nil)
		return nil
	}
	if command && len(m.Blocks) <= 1 { // the text says what the one block says
		b.ack(d, ephemeral(render.Message{Text: m.Text}))
		return nil
	}
	b.ack(d, nil)
	return func(ctx context.Context) { b.tell(ctx, b.logOf(d, r), from.AnswerURL, m) }
}

// words has the message for a reply; false when there is nothing to say.
func (b *Bot) words(r handlers.Reply) (render.Message, bool) {
	switch r.Answer {
	case handlers.Words:
		text := slackutilsx.EscapeMessage(r.Text)
		if r.Link != "" {
			text += " <" + r.Link + "|Open it>"
		}
		return render.Message{Text: text}, true
	case handlers.Help:
		return render.Help(b.Command), true
	case handlers.Accepted:
		return render.Accepted(r.About), true
	case handlers.AlreadyRunning:
		return render.AlreadyRunning(r.About), true
	case handlers.RecentlyDone:
		return render.RecentlyDone(r.About), true
	case handlers.BadInput:
		return render.BadInput(b.Command, r.Err), true
	case handlers.Refused:
		return b.refusal(r.Why), true
	case handlers.Status:
		return render.Status(b.Command, r.List), true
	case handlers.List:
		return render.List(b.Command, r.List), true
	case handlers.Pressed:
		return render.Pressed(r.Press), true
	case handlers.AlreadyPressed:
		return render.AlreadyPressed(r.About, r.Press), true
	case handlers.Ended:
		return render.Ended(r.About), true
	case handlers.Gone:
		return render.Gone(b.Command), true
	case handlers.Thanks:
		return render.Thanks(), true
	}
	return render.Message{}, false
}

func (b *Bot) refusal(why handlers.Refusal) render.Message {
	switch why {
	case handlers.DirectChat:
		return render.Refused(render.DirectChat, b.user)
	case handlers.Archived:
		return render.Refused(render.Archived, b.user)
	case handlers.ReadOnly:
		return render.Refused(render.ReadOnly, b.user)
	case handlers.Shared:
		return render.Refused(render.Shared, b.user)
	case handlers.ParentGone:
		return render.Refused(render.ParentGone, b.user)
	case handlers.Opaque:
		return render.Message{Text: "It can't be told whether this channel is shared with another company, so nothing is posted. The bot lacks the scope channels:read or groups:read: ask whoever runs it to add them."}
	}
	return render.Refused(render.NotMember, b.user)
}

// open opens a form. A trigger lives for three seconds, so nothing may come
// between the acknowledgement and this.
func (b *Bot) open(ctx context.Context, log *slog.Logger, trigger string, from handlers.Source, r handlers.Reply) {
	view := render.FeedbackForm(r.About.Request.ID)
	if r.Answer == handlers.AskForm {
		raw, err := json.Marshal(meta{Place: from.Place, AnswerURL: from.AnswerURL, Role: r.Form.Role, Account: r.Form.Account})
		if err != nil {
			log.Error("a form's place can't be written", "err", err)
		}
		view = render.AskForm(render.Prefill{Role: r.Form.Role, Region: r.Form.Region, Window: r.Form.Window, Meta: string(raw), Problem: r.Form.Note}, playbook.Regions(""))
	}
	if _, err := b.api.OpenViewContext(ctx, trigger, view); err != nil {
		log.Error("a form could not be opened", "err", err)
		b.tell(ctx, log, from.AnswerURL, render.Message{Text: "The form could not be opened. Please try again, or type the role and the region behind the command."})
	}
}

// spoken is a message as acknowledgements and response URLs take it.
type spoken struct {
	ResponseType    string        `json:"response_type"`
	Text            string        `json:"text"`
	Blocks          []slack.Block `json:"blocks,omitempty"`
	ReplaceOriginal bool          `json:"replace_original"`
	UnfurlLinks     bool          `json:"unfurl_links"`
}

func ephemeral(m render.Message) spoken {
	return spoken{ResponseType: "ephemeral", Text: m.Text, Blocks: m.Blocks}
}

// tellTries is how often a response URL is asked: Slack takes five messages.
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const tellTries = 3

// tell answers the person who typed or pressed, through the response URL, which
// needs no membership.
func (b *Bot) tell(ctx context.Context, log *slog.Logger, url string, m render.Message) {
	if url == "" {
		log.Warn("somebody could not be answered: there is no response URL")
		return
	}
	var err error
	for try := range tellTries {
		if try > 0 {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
		if err = b.respond(ctx, url, ephemeral(m)); err == nil {
			return
		}
		if read(err).fate == tooModern {
			m = render.Classic(m)
		}
	}
	log.Error("somebody could not be answered", "err", err)
}

func (b *Bot) respond(ctx context.Context, url string, s spoken) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("make an answer: %w", plainly(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Do(req)
	if err != nil {
		return fmt.Errorf("answer through the response URL: %w", plainly(err))
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // "ok", or JSON
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	var answer struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.OK != nil && !*answer.OK {
		return slack.SlackErrorResponse{Err: answer.Error}
	}
	return nil
}
