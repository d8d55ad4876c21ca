package bot

import (
	"bytes"
	"context"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/playbook"
)

// eventType is what our messages' metadata says they are; its payload has the
// investigation's id and the message's.
const eventType = "sts_investigation"

// post tells one message: an edit, or a post with what files it has. A message
// that may be up already is looked for first; what is found may show an older
// state than this one, and then m.Version says that it is not known which.
func (b *Bot) post(ctx context.Context, inv playbook.Investigation, m *playbook.Message, p playbook.Place, msg render.Message) (playbook.Posted, verdict, error) {
	up := playbook.Posted{Message: m.ID(), Channel: p.Channel, At: time.Now().UTC()}
	if m.Update {
		up.TS = p.Thread
		err := repeat(ctx, func() error {
			_, _, _, err := b.api.UpdateMessageContext(ctx, p.Channel, p.Thread, content(msg)...)
			return err
		})
		return up, read(err), err
	}
	var have found
	if m.Unsure {
		var err error
		if have, err = b.find(ctx, inv, *m, p, msg.Files); err != nil {
			return up, read(err), err
		}
		if up.TS = have.ts; up.TS != "" {
			m.Version = 0
		}
	}
	if up.TS == "" && msg.Text != "" {
		options := append(content(msg), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: eventType,
			EventPayload: map[string]any{"id": m.Investigation, "message": string(m.ID())}}))
		if p.Thread != "" {
			options = append(options, slack.MsgOptionTS(p.Thread))
		}
		channel, ts, answer, err := b.api.PostMessageWithResponseContext(ctx, p.Channel, options...)
		if err != nil {
			return up, read(err), err
		}
		up.Channel, up.TS = channel, ts
		if p.Thread != "" && answer.ThreadTimestamp == "" {
			// The parent was deleted: Slack has put the reply into the channel.
			b.api.DeleteMessageContext(ctx, channel, ts) // a stray line at worst
			return up, verdict{fate: refused, why: handlers.ParentGone, text: refusals[handlers.ParentGone]}, nil
		}
	}
	var missing []render.File
	for _, f := range msg.Files {
		if !have.files[fileName(inv, f)] {
			missing = append(missing, f)
		}
	}
	if len(missing) > 0 {
		thread := p.Thread
		if thread == "" {
			thread = up.TS
		}
		if err := b.upload(ctx, inv, p.Channel, thread, missing); err != nil {
			return up, read(err), err
		}
	}
	if up.TS == "" { // files alone
		if len(missing) > 0 { // the upload does not say where they stand
			var err error
			if have, err = b.find(ctx, inv, *m, p, msg.Files); err != nil {
				m.Unsure = true // they are up, it is only not known where
				return up, read(err), err
			}
		}
		up.TS = have.filesTS
	}
	return up, verdict{}, nil
}

// content is what a message says. Nothing in it is linked, unfurled or parsed;
// an edit would parse, if it were not told otherwise.
// https://docs.slack.dev/reference/methods/chat.update
func content(m render.Message) []slack.MsgOption {
	o := []slack.MsgOption{slack.MsgOptionText(m.Text, false), slack.MsgOptionParse(false), slack.MsgOptionLinkNames(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
	if len(m.Blocks) > 0 {
		o = append(o, slack.MsgOptionBlocks(m.Blocks...))
	}
	return o
}

// upload puts files into a thread as one message. Only the last step shows them,
// so a failure before it has told nothing.
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (b *Bot) upload(ctx context.Context, inv playbook.Investigation, channel, thread string, files []render.File) error {
	done := slack.CompleteUploadExternalParameters{Channel: channel, ThreadTimestamp: thread}
	for _, f := range files {
		name := fileName(inv, f)
		err := repeat(ctx, func() error {
			at, err := b.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: len(f.Bytes), AltTxt: f.Alt, SnippetType: f.Snippet})
			if err != nil {
				return err
			}
			if err := b.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: at.UploadURL, Reader: bytes.NewReader(f.Bytes), Filename: name}); err != nil {
				return err
			}
			done.Files = append(done.Files, slack.FileSummary{ID: at.FileID, Title: f.Title})
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := b.api.CompleteUploadExternalContext(ctx, done)
	return err
}

// repeat tries a call again that may be made twice, when it broke: reading, an
// edit, an upload that nobody sees yet. chat.postMessage is none of them.
func repeat(ctx context.Context, call func() error) error {
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		err := call()
		if read(err).fate != unsure || wait > time.Second {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// fileName carries the investigation's id, so that a file can be found again:
// uploads have no metadata.
func fileName(inv playbook.Investigation, f render.File) string {
	ext := path.Ext(f.Name)
	return strings.TrimSuffix(f.Name, ext) + "-" + inv.Request.ID + ext
}

// permalink is the link to a message; "" where Slack does not say.
func (b *Bot) permalink(ctx context.Context, log *slog.Logger, p playbook.Posted) string {
	var url string
	err := repeat(ctx, func() (err error) {
		url, err = b.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: p.Channel, Ts: p.TS})
		return err
	})
	if err != nil {
		log.Warn("a message's link is not known", "err", err)
	}
	return url
}
