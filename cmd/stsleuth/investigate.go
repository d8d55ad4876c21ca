package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/report"
	"github.com/stsleuth/stsleuth/playbook"
)

type investigateCmd struct {
	Role   string `arg:"" optional:"" help:"Role name, name with path, or ARN."`
	Region string `arg:"" optional:"" help:"AWS region in which the credentials are used."`

	Capture   string   `type:"existingdir" placeholder:"DIR" help:"Investigate a capture folder instead of a live account."`
	At        string   `placeholder:"TIME" help:"Judge the window that ends at this moment (RFC 3339); now by default, a capture's own moment with --capture."`
	Window    string   `placeholder:"24h" help:"How far back to look: 1h to 7d."`
	LogGroups []string `name:"log-group" placeholder:"NAME" help:"Application log groups to read; discovered when none is given."`
	FollowUp  []string `name:"follow-up" enum:"extend-48h,token-refresh,mfa,session-policies,cross-account" placeholder:"CHECK" help:"Carry this check out after the diagnosis: extend-48h, token-refresh, mfa, session-policies or cross-account; repeatable."`
	Output    string   `short:"o" enum:"text,markdown,json" default:"text" help:"text, markdown or json."`
	Verbose   bool     `short:"v" help:"Log what happens on the way."`
}

// Run answers one question: the capture's own where none is given.
func (c *investigateCmd) Run(ctx context.Context, s streams) error {
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	var source app.AWS
	var ask question
	at := time.Now()
	if c.Capture != "" {
		// A query over files need not pretend to take its time.
		o, err := openCapture(ctx, c.Capture, c.Role, awsemu.Options{QueryDuration: -1})
		if err != nil {
			return err
		}
		defer o.Close()
		for _, bad := range o.capture.Bad { // named, never fatal
			fmt.Fprintln(s.err, "stsleuth: not read:", report.Line(redact.String(bad.String())))
		}
		source, at, ask = o.aws, o.incident.Now, o.question()
	}
	ask, err := ask.override(c.Role, c.Region, c.Window)
	if err != nil {
		return err
	}
	req, err := ask.request(at, c.At)
	if err != nil {
		return err
	}
	if c.Capture == "" { // only now: a slip of the pen is told whatever the credentials
		if source.Config, err = app.LoadAWS(ctx); err != nil {
			return err
		}
	}
	source.Settings.AppLogGroups = c.LogGroups
	if source.Config.Region == "" || playbook.Partition(source.Config.Region) != req.Target.Partition {
		source.Config.Region = req.Target.Region
	}
	plan, err := source.Plan()
	if err != nil {
		return err
	}
	watch, done := report.Progress(s.err, plan, s.env)
	r, err := app.Investigate(ctx, plan, req, watch, log)
	done()
	if err != nil {
		return err
	}
	checked, err := followUp(ctx, source, c.FollowUp, r, log, s)
	if err != nil {
		return err
	}
	return writeAll(s.out, c.Output, r, checked, s.env)
}

func write(w io.Writer, format string, r playbook.Report, env func(string) string) error {
	return writeAll(w, format, r, nil, env)
}

// writeAll writes a report and what follow-up checks found after it.
func writeAll(w io.Writer, format string, r playbook.Report, checked []playbook.Outcome, env func(string) string) error {
	var err error
	switch format {
	case "json":
		return report.JSON(w, r, checked)
	case "markdown":
		if err = report.Markdown(w, r); err == nil && len(checked) > 0 {
			err = report.MarkdownFollowUps(w, checked)
		}
	default:
		if err = report.Text(w, r, env); err == nil && len(checked) > 0 {
			fmt.Fprintln(w)
			err = report.FollowUps(w, checked, env)
		}
	}
	return err
}

// question is what somebody asks, before it is checked.
type question struct {
	role, region string
	window       time.Duration
}

// override takes what was given on the command line over what was there. The
// error is a *playbook.InputError.
func (q question) override(role, region, window string) (question, error) {
	if role != "" {
		q.role = role
	}
	if region != "" {
		q.region = region
	}
	if window == "" {
		return q, nil
	}
	var err error
	q.window, err = playbook.ParseWindow(window)
	return q, err
}

// request checks the question and freezes it. Errors are *playbook.InputError.
func (q question) request(at time.Time, override string) (playbook.Request, error) {
	target, err := playbook.ParseRole(q.role)
	if err != nil {
		return playbook.Request{}, err
	}
	if target.Region, err = playbook.ParseRegion(q.region); err != nil {
		return playbook.Request{}, err
	}
	partition := playbook.Partition(target.Region)
	if target.Partition != "" && target.Partition != partition {
		return playbook.Request{}, &playbook.InputError{What: "region", Problem: fmt.Sprintf("The role is in partition %s, the region in %s; credentials never cross partitions.", target.Partition, partition)}
	}
	target.Partition = partition
	if q.window == 0 {
		q.window = playbook.DefaultWindow
	}
	if override != "" {
		if at, err = time.Parse(time.RFC3339, override); err != nil {
			return playbook.Request{}, &playbook.InputError{What: "time", Problem: "--at must be a time such as 2026-11-03T09:00:00Z."}
		}
	}
	return playbook.NewRequest(playbook.NewID(), target, at, q.window), nil
}
