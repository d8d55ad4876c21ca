// Package app wires the product together: which steps with which clients, which
// journal, which judge. It is the only package that sees all others (the
// emulators excepted: those are put in front of it by cmd/stsleuth), and holds no
// logic of its own.
package app

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// AWS is the account that is asked.
type AWS struct {
	Config   aws.Config
	Settings steps.Settings
	// Offline is set for an emulator: no pacing of LookupEvents, and the public
	// status feed comes from there.
	Offline    bool
	StatusFeed string
	HTTP       *http.Client
}

// Plan is the investigation with these clients, validated.
func (a AWS) Plan() (playbook.Plan, error) {
	c := steps.NewClients(a.Config)
	if a.Offline {
		c.LookupPace, c.StatusFeed, c.HTTP = steps.Unpaced, a.StatusFeed, a.HTTP
	}
	plan := steps.Plan(c, a.Settings)
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	return plan, playbook.ValidateRules(rules.All(), plan)
}

// Investigate runs one investigation in this process, with a journal in memory.
func Investigate(ctx context.Context, plan playbook.Plan, req playbook.Request, watch func(engine.Event), log *slog.Logger) (playbook.Report, error) {
	e := engine.Engine{Plan: plan, Judge: rules.Judge, Journal: new(engine.Memory), Watch: watch, Log: log}
	return e.Run(ctx, req)
}
