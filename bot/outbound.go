package bot

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// finishWithin is how long messages in flight may take at shutdown.
	finishWithin = 5 * time.Second
	// unsureWait is the first wait before a message of unknown fate is looked
	// for; it grows up to unsureMax.
	unsureWait = time.Second
	unsureMax  = 30 * time.Second
	// DeliverWithin bounds the telling of one claimed message, from its claim's
	// return on. The outbox's lease is longer, so that nobody else has the message
	// meanwhile.
	DeliverWithin = 12 * time.Second
	// maxAttempts is when a message is given up on: after about two hours. What
	// Slack answers with a pause does not count, because that told nothing.
	maxAttempts = 240
)

// send takes messages from the outbox and tells them, several at once, until
// ctx ends. The outbox sees to the order and to the pace.
func (b *Bot) send(ctx context.Context) error {
	inFlight, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	slots := make(chan struct{}, sending)
	var sent sync.WaitGroup
	defer sent.Wait()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(finishWithin, func() { abort(context.DeadlineExceeded) }) })()
	dead := make(chan error, 1)
	silent := false // said already that the outbox can't be read
	for {
		var claimed []playbook.Message
		if free := cap(slots) - len(slots); free > 0 {
			var err error
			if claimed, err = b.Outbox.Claim(ctx, free); err != nil && ctx.Err() == nil && !silent {
				b.Log.Warn("the outbox can't be read", "err", err)
			}
			silent = err != nil
		}
		for _, m := range claimed {
			slots <- struct{}{}
			sent.Go(func() {
				defer func() { <-slots }()
				if err := b.deliver(inFlight, m); err != nil {
					select {
					case dead <- err:
					default:
					}
				}
			})
		}
		if len(claimed) > 0 && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-dead:
			return err
		case <-time.After(b.Pace.Poll):
		}
	}
}

// deliver tells one claimed message and notes what became of it. Its error is
// one that no message would survive: a dead token.
func (b *Bot) deliver(ctx context.Context, m playbook.Message) error {
	ctx, cancel := context.WithTimeout(ctx, DeliverWithin)
	defer cancel()
	log := b.Log.With("investigation", m.Investigation, "message", m.ID(), "attempt", m.Attempt)
	inv, err := b.Outbox.Load(ctx, m.Investigation)
	switch {
	case errors.Is(err, b.Unknown):
		b.note(log, b.Outbox.Posted(ctx, m, playbook.Posted{}))
		return nil
	case err != nil:
		log.Warn("an investigation can't be read", "err", err)
		return nil // its lease runs out, and it comes again
	}
	if m.Attempt > maxAttempts {
		b.giveUp(ctx, log, inv, m, verdict{fate: refused, text: "Slack did not take the message for two hours."})
		return nil
	}
	msg, err := b.render(inv, m)
	if err != nil {
		log.Error("a message can't be rendered", "err", err)
		b.giveUp(ctx, log, inv, m, verdict{fate: refused, text: "Internal error; the bot's log has the cause."})
		return nil
	}
	if msg.Text == "" && len(msg.Files) == 0 {
		b.note(log, b.Outbox.Posted(ctx, m, playbook.Posted{}))
		return nil
	}
	place := place(inv, m)
	if room, err := b.room(ctx, place.Channel); err != nil {
		return b.again(ctx, log, inv, m, read(err), err)
	} else if room.why != handlers.Welcome {
		b.giveUp(ctx, log, inv, m, verdict{fate: refused, why: room.why, text: refusals[room.why]})
		return nil
	}

	name := m.Investigation + " " + string(m.ID())
	if b.plain.has(name) {
		msg = render.Classic(msg)
	}
	up, v, err := b.post(ctx, inv, &m, place, msg)
	if v.fate == tooModern && !b.plain.add(name) {
		log.Warn("Slack does not take these blocks, saying it with older ones", "err", err, "details", details(err))
		up, v, err = b.post(ctx, inv, &m, place, render.Classic(msg))
	}
	if v.fate != told {
		m.Unsure = m.Unsure || up.TS != "" // its words are up, its files are not
		return b.again(ctx, log, inv, m, v, err)
	}
	if !m.Update && slices.Contains(linked, m.Kind) && up.TS != "" {
		up.Permalink = b.permalink(ctx, log, up)
	}
	b.note(log, b.Outbox.Posted(ctx, m, up))
	return nil
}

// linked are the messages that others point at.
var linked = []playbook.MessageKind{playbook.ParentMessage, playbook.TraceMessage, playbook.FileMessage, playbook.FollowUpMessage}

// again gives a message back as its fate demands.
func (b *Bot) again(ctx context.Context, log *slog.Logger, inv playbook.Investigation, m playbook.Message, v verdict, err error) error {
	// The call may have used up the time: giving back must still be possible.
	ctx, cancel := timeout(ctx, callTimeout)
	defer cancel()
	switch v.fate {
	case busy:
		log.Info("Slack asks for a pause", "wait", v.wait)
		b.note(log, b.Outbox.Paused(ctx, m, v.wait))
	case unsure:
		m.Unsure = true
		wait := min(unsureWait<<min(m.Attempt/2, 10), unsureMax)
		log.Warn("it is not known whether a message is up, looking for it before it is posted again", "wait", wait, "err", plainly(err))
		b.note(log, b.Outbox.Retry(ctx, m, wait))
	case deadToken:
		b.note(log, b.Outbox.Retry(ctx, m, unsureMax))
		return fatalAuth(err)
	default:
		log.Error("a message is given up on", "why", v.text, "err", plainly(err))
		b.giveUp(ctx, log, inv, m, v)
	}
	return nil
}

// giveUp buries a message where operators see it. When it is the parent, the
// person who asked is told what to do. What belongs to a message that somebody
// deleted is not wanted any more: it is dropped, and the person is told once.
func (b *Bot) giveUp(ctx context.Context, log *slog.Logger, inv playbook.Investigation, m playbook.Message, v verdict) {
	parent := m.Kind == playbook.ParentMessage && !m.Update
	if v.why == handlers.ParentGone && !parent {
		first, err := b.Outbox.Gone(ctx, m, inv.Place.Thread != "")
		b.note(log, err)
		if first {
			b.tell(ctx, log, inv.AnswerURL, b.refusal(v.why))
		}
		return
	}
	b.note(log, b.Outbox.Dead(ctx, m, v.text))
	if !parent {
		return
	}
	if v.why == handlers.NotMember {
		v.why = unseen(inv.Place.Channel)
	}
	if v.why != handlers.Welcome {
		b.tell(ctx, log, inv.AnswerURL, b.refusal(v.why))
		return
	}
	b.tell(ctx, log, inv.AnswerURL, render.Sorry(inv.Request.ID))
}

// note logs that the outbox could not be written; the lease then runs out, and
// the message comes again as unsure.
func (b *Bot) note(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("the outbox can't be written", "err", err)
	}
}

// render makes the message from the stored investigation, so that a resend says
// the same. Follow-ups that this build can't carry out get no button.
func (b *Bot) render(inv playbook.Investigation, m playbook.Message) (render.Message, error) {
	if m.Kind == playbook.FileMessage && m.Ref == handlers.ReportFile {
		files, err := b.Report(inv)
		return render.Message{Files: files}, err
	}
	if inv.Report != nil {
		r := *inv.Report
		r.Diagnosis.Offers = slices.DeleteFunc(slices.Clone(r.Diagnosis.Offers), func(o playbook.Offer) bool { return !slices.Contains(b.Offers, o) })
		inv.Report = &r
	}
	return render.Of(inv, b.Plan, b.Rules, m)
}

// place is where a message belongs: where the outbox says, the channel for a
// parent, else its thread. An investigation that was asked for in a thread has its
// parent there too.
func place(inv playbook.Investigation, m playbook.Message) playbook.Place {
	if inv.Place.Thread != "" && !m.Update {
		return inv.Place
	}
	return m.Place
}
