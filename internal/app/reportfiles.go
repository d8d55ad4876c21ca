package app

import (
	"bytes"
	"fmt"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/internal/report"
	"github.com/stsleuth/stsleuth/playbook"
)

// reportFiles are the files of a finished investigation: Markdown for a ticket,
// JSON for programs.
func reportFiles(inv playbook.Investigation) ([]render.File, error) {
	if inv.Report == nil {
		return nil, fmt.Errorf("write the report of %s: it has none", inv.Request.ID)
	}
	var md bytes.Buffer
	if err := report.Markdown(&md, *inv.Report); err != nil {
		return nil, fmt.Errorf("write the report of %s: %w", inv.Request.ID, err)
	}
	var js bytes.Buffer
	if err := report.JSON(&js, *inv.Report, nil); err != nil {
		return nil, fmt.Errorf("write the report of %s: %w", inv.Request.ID, err)
	}
	of := inv.Request.Target.Role
	return []render.File{
		{Name: "report.md", Title: "Report on " + of, Bytes: md.Bytes(), Snippet: "markdown"},
		{Name: "report.json", Title: "Report on " + of + " as JSON", Bytes: js.Bytes(), Snippet: "javascript"},
	}, nil
}
