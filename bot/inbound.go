package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"html"
	"log/slog"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/playbook"
)

// answerWithin bounds the decision on an envelope: Slack shows an error after
// three seconds without an acknowledgement.
// https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
const answerWithin = 2500 * time.Millisecond

// delivery is one envelope on its way through.
type delivery struct {
	client *socketmode.Client
	req    socketmode.Request
	came   time.Time
	kind   string // as Options.Acked has it
	about  string // the investigation that it is about, "" for none
}

// kindOf says what kind of answer somebody waits for.
func kindOf(data any) string {
	switch in := data.(type) {
	case slack.SlashCommand:
		return "command"
	case slack.InteractionCallback:
		switch in.Type {
		case slack.InteractionTypeBlockActions:
			return "press"
		case slack.InteractionTypeMessageAction:
			return "shortcut"
		case slack.InteractionTypeViewSubmission, slack.InteractionTypeBlockSuggestion:
			return "form"
		}
	}
	return ""
}

// logOf is the log about an envelope, and about an investigation where it is
// about one.
func (b *Bot) logOf(d delivery, r handlers.Reply) *slog.Logger {
	log := b.Log.With("envelope", d.req.EnvelopeID)
	if id := cmp.Or(d.about, r.About.Request.ID); id != "" {
		log = log.With("investigation", id)
	}
	return log
}

// envelope hands an envelope to a goroutine of its own, or says "busy" when
// there are too many: it never blocks, for pings are read behind it.
func (b *Bot) envelope(ctx context.Context, client *socketmode.Client, ev socketmode.Event) {
	if ev.Request == nil {
		return
	}
	d := delivery{client: client, req: *ev.Request, came: time.Now(), kind: kindOf(ev.Data)}
	select {
	case b.slots <- struct{}{}:
	default:
		b.Log.Warn("too many envelopes at once", "at_once", working)
		if _, command := ev.Data.(slack.SlashCommand); command {
			b.acking.Go(func() { b.ack(d, ephemeral(render.Message{Text: render.Busy().Text})) })
		} // without an acknowledgement Slack tells a person who clicked that it did not work
		return
	}
	ctx = context.WithoutCancel(ctx)
	b.acking.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				b.Log.Error("an envelope's handler panicked", "envelope", d.req.EnvelopeID, "panic", p)
			}
		}()
		then := func() func(context.Context) {
			defer func() { <-b.slots }()
			ctx, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			return b.dispatch(ctx, d, ev.Data)
		}()
		if then != nil {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			then(ctx)
		}
	})
}

// dispatch decides on an envelope and acknowledges it. What is left to do after
// the acknowledgement is returned.
func (b *Bot) dispatch(ctx context.Context, d delivery, data any) func(context.Context) {
	switch in := data.(type) {
	case slack.SlashCommand:
		return b.command(ctx, d, in)
	case slack.InteractionCallback:
		switch in.Type {
		case slack.InteractionTypeBlockActions:
			return b.clicked(ctx, d, in)
		case slack.InteractionTypeMessageAction:
			return b.shortcut(ctx, d, in)
		case slack.InteractionTypeViewSubmission:
			return b.submitted(ctx, d, in)
		case slack.InteractionTypeBlockSuggestion:
			b.ack(d, render.RoleOptions(b.Desk.Suggest(ctx, in.Value)))
			return nil
		}
	}
	b.ack(d, nil) // events and closed forms: nothing to do
	return nil
}

func (b *Bot) command(ctx context.Context, d delivery, in slack.SlashCommand) func(context.Context) {
	from := handlers.Source{
		Delivery: playbook.Delivery{Envelope: d.req.EnvelopeID, Trigger: in.TriggerID},
		By:       playbook.Person{Team: in.TeamID, User: in.UserID},
		Place:    playbook.Place{Team: in.TeamID, Channel: in.ChannelID}, AnswerURL: in.ResponseURL,
	}
	return b.answer(d, from, b.Desk.Command(ctx, from, in.Text), in.TriggerID, true)
}

// shortcut is "Why did this expire?" on a message. The answer goes to that
// message's thread.
func (b *Bot) shortcut(ctx context.Context, d delivery, in slack.InteractionCallback) func(context.Context) {
	if in.CallbackID != manifest.ShortcutID {
		b.ack(d, nil)
		return nil
	}
	from := source(d, in)
	if from.Place.Thread = in.Message.ThreadTimestamp; from.Place.Thread == "" {
		from.Place.Thread = in.Message.Timestamp
	}
	return b.answer(d, from, b.Desk.Shortcut(ctx, from, messageText(in.Message)), in.TriggerID, false)
}

// messageText is all that a message says, as people see it: alarms put their
// text into attachments.
func messageText(m slack.Message) string {
	parts := []string{m.Text}
	for _, a := range m.Attachments {
		parts = append(parts, a.Title, a.Text, a.Fallback)
		for _, f := range a.Fields {
			parts = append(parts, f.Title+" "+f.Value)
		}
	}
	if m.Text == "" {
		if raw, err := json.Marshal(m.Blocks); err == nil {
			parts = append(parts, string(raw))
		}
	}
	return html.UnescapeString(strings.Join(parts, "\n"))
}

// clicked is a press of one of our buttons. The button's value is the
// investigation's id.
func (b *Bot) clicked(ctx context.Context, d delivery, in slack.InteractionCallback) func(context.Context) {
	if len(in.ActionCallback.BlockActions) == 0 || in.View.ID != "" {
		b.ack(d, nil)
		return nil
	}
	action := in.ActionCallback.BlockActions[0]
	c := handlers.Click{Source: source(d, in)}
	c.Action, c.ID, c.Right = render.ReadAction(action.ActionID, action.Value)
	d.about = c.ID
	if c.Action == render.ActionOpen {
		b.ack(d, nil)
		return nil
	}
	return b.answer(d, c.Source, b.Desk.Press(ctx, c), in.TriggerID, false)
}

// submitted is one of our forms.
func (b *Bot) submitted(ctx context.Context, d delivery, in slack.InteractionCallback) func(context.Context) {
	from := source(d, in)
	values := func(name string) slack.BlockAction {
		if in.View.State == nil {
			return slack.BlockAction{}
		}
		return in.View.State.Values[name][name]
	}
	switch in.View.CallbackID {
	case render.CallbackAsk:
		var m meta
		if err := json.Unmarshal([]byte(in.View.PrivateMetadata), &m); err != nil {
			b.logOf(d, handlers.Reply{}).Error("a form came back without its place", "err", err)
			b.ack(d, nil)
			return nil
		}
		from.Place, from.AnswerURL = m.Place, m.AnswerURL
		account, role := render.ReadRole(values(render.InputRole).SelectedOption.Value)
		filled := handlers.Form{Role: m.Role, Account: m.Account}
		if account != "" { // it was typed with its account
			filled = handlers.Form{Role: role, Account: account}
		}
		r := b.Desk.Submitted(ctx, from, filled, role, values(render.InputRegion).SelectedOption.Value, values(render.InputWindow).SelectedOption.Value)
		if r.Answer == handlers.Accepted {
			r = handlers.Reply{} // the form closes and the thread appears
		}
		return b.answer(d, from, r, "", false)
	case render.CallbackFeedback:
		d.about = in.View.PrivateMetadata
		r := b.Desk.Explained(ctx, from, d.about, values(render.InputWhy).Value)
		if r.Answer == handlers.Thanks {
			r = handlers.Reply{} // the form closes
		}
		return b.answer(d, from, r, "", false)
	}
	b.ack(d, nil)
	return nil
}

// source is who did something, and where.
func source(d delivery, in slack.InteractionCallback) handlers.Source {
	team := in.Team.ID
	if team == "" {
		team = in.User.TeamID
	}
	channel := in.Channel.ID
	if channel == "" {
		channel = in.Container.ChannelID
	}
	return handlers.Source{
		Delivery: playbook.Delivery{Envelope: d.req.EnvelopeID, Trigger: in.TriggerID},
		By:       playbook.Person{Team: team, User: in.User.ID},
		Place:    playbook.Place{Team: team, Channel: channel}, AnswerURL: in.ResponseURL,
	}
}

// meta is what a form carries to its answer: where it was asked for, and whose
// role was filled in.
type meta struct {
	Place     playbook.Place `json:"place"`
	AnswerURL string         `json:"answer_url"`
	Role      string         `json:"role,omitempty"`
	Account   string         `json:"account,omitempty"`
}

// ack acknowledges an envelope on the socket that brought it. It only queues:
// see drain.
func (b *Bot) ack(d delivery, payload any) {
	b.lastAck.Store(time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	if err := d.client.AckCtx(ctx, d.req.EnvelopeID, payload); err != nil {
		b.logOf(d, handlers.Reply{}).Error("an envelope was not acknowledged", "type", d.req.Type, "err", err)
	} else {
		b.Acked(d.kind, time.Since(d.came))
	}
	b.lastAck.Store(time.Now().UnixNano())
}
