package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/report"
	"github.com/stsleuth/stsleuth/playbook"
)

type followUpCmd struct {
	stored
	ID    string `arg:"" help:"The investigation; \"-\" with --report."`
	Check string `arg:"" enum:"extend-48h,token-refresh,mfa,session-policies,cross-account" help:"extend-48h, token-refresh, mfa, session-policies or cross-account."`

	Report    string   `type:"existingfile" placeholder:"FILE" help:"Check an exported report instead of a stored investigation."`
	Capture   string   `type:"existingdir" placeholder:"DIR" help:"Ask a capture folder instead of a live account."`
	LogGroups []string `name:"log-group" placeholder:"NAME" help:"Application log groups to read; discovered when none is given."`
	Output    string   `short:"o" enum:"text,markdown,json" default:"text" help:"text, markdown or json."`
}

// Run carries out one check on a finished investigation.
func (c *followUpCmd) Run(ctx context.Context, s streams) error {
	r, err := c.finished(ctx)
	if err != nil {
		return err
	}
	var source app.AWS
	if c.Capture != "" {
		o, err := openCapture(ctx, c.Capture, r.Request.Target.Role, awsemu.Options{QueryDuration: -1})
		if err != nil {
			return err
		}
		defer o.Close()
		source = o.aws
	} else {
		cfg, err := app.LoadAWS(ctx)
		if err != nil {
			return err
		}
		source = app.AWS{Config: cfg}
	}
	source.Settings.AppLogGroups = c.LogGroups
	if source.Config.Region == "" || playbook.Partition(source.Config.Region) != r.Request.Target.Partition {
		source.Config.Region = r.Request.Target.Region
	}
	checked, err := followUp(ctx, source, []string{c.Check}, r, slog.New(slog.DiscardHandler), s)
	if err != nil {
		return err
	}
	switch c.Output {
	case "json":
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(checked[0])
	case "markdown":
		return report.MarkdownFollowUps(s.out, checked)
	}
	return report.FollowUps(s.out, checked, s.env)
}

// finished is the investigation that is checked.
func (c *followUpCmd) finished(ctx context.Context) (playbook.Report, error) {
	if c.Report != "" {
		raw, err := os.ReadFile(c.Report)
		if err != nil {
			return playbook.Report{}, err
		}
		var r playbook.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			return r, fmt.Errorf("read report %s: %w", c.Report, err)
		}
		return r, nil
	}
	inv, err := loadOne(ctx, c.RedisURL, c.ID)
	if err != nil {
		return playbook.Report{}, err
	}
	if inv.Report == nil {
		return playbook.Report{}, errors.New("it has no report: " + inv.State.String())
	}
	return *inv.Report, nil
}

// followUp carries checks out one after the other. What lengthening the window
// will cost is said before.
func followUp(ctx context.Context, source app.AWS, checks []string, r playbook.Report, log *slog.Logger, s streams) ([]playbook.Outcome, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	all, err := source.FollowUps()
	if err != nil {
		return nil, err
	}
	var out []playbook.Outcome
	for _, check := range checks {
		offer := playbook.Offer(check)
		if words := app.Estimate(r); offer == playbook.Extend48h && words != "" {
			fmt.Fprintln(s.err, words)
		}
		o, err := app.FollowUp(ctx, all, offer, r, log)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
