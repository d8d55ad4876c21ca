package handlers

import (
	"context"

	"github.com/stsleuth/stsleuth/playbook"
)

// ReportFile is the Ref of the message that carries the report, as Markdown and
// as JSON.
const ReportFile = "report"

// report posts the report's files to the thread, once.
func (d *Desk) report(ctx context.Context, c Click) Reply {
	if c.about.Report == nil {
		return say("There is no report: this investigation has no diagnosis.")
	}
	if p, ok := c.about.Message(playbook.IDOf(playbook.FileMessage, ReportFile)); ok {
		return Reply{Answer: Words, Text: "The report is in the thread.", Link: p.Permalink}
	}
	if err := d.Store.Tell(ctx, playbook.Message{Investigation: c.ID, Kind: playbook.FileMessage, Ref: ReportFile}); err != nil {
		return d.unsure("post the report", err)
	}
	return say("The report is on its way to the thread, as Markdown and as JSON.")
}
