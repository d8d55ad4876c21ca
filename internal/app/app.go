// Package app wires the product together: which steps with which clients, which
// journal, which judge. It is the only package that sees all others (the
// emulators excepted: those are put in front of it by cmd/stsleuth), and holds no
// logic of its own.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/followups"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// AWS is the account that is asked.
type AWS struct {
	Config   aws.Config
	Settings steps.Settings
	// Limits are AWS's on the account; nil: this process keeps to them by itself.
	Limits *steps.Limits
	// Other gives the clients of other accounts that may be asked; nil: there is none.
	Other func(account string) (steps.Clients, bool)
	// Offline is set for an emulator: no limits, and the public status feed comes
	// from there.
	Offline    bool
	StatusFeed string
	HTTP       *http.Client
}

// Plan is the investigation with these clients, validated.
func (a AWS) Plan() (playbook.Plan, error) { return planOf(a.clients(), a.Settings) }

func planOf(c steps.Clients, s steps.Settings) (playbook.Plan, error) {
	plan := steps.Plan(c, s)
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	return plan, playbook.ValidateRules(rules.All(), plan)
}

func (a AWS) clients() steps.Clients {
	c := steps.NewClients(a.Config)
	c.Other = a.Other
	if a.Limits != nil {
		c.Limits = a.Limits
	}
	if a.Offline {
		c.Limits, c.StatusFeed, c.HTTP = steps.Unpaced, a.StatusFeed, a.HTTP
	}
	return c
}

// FollowUps are the checks after a diagnosis with these clients, validated.
func (a AWS) FollowUps() ([]playbook.FollowUp, error) { return checksOf(a.clients(), a.Settings) }

func checksOf(c steps.Clients, s steps.Settings) ([]playbook.FollowUp, error) {
	all := followups.All(c, s)
	return all, playbook.ValidateFollowUps(all)
}

// Investigate runs one investigation in this process, with a journal in memory.
func Investigate(ctx context.Context, plan playbook.Plan, req playbook.Request, watch func(engine.Event), log *slog.Logger) (playbook.Report, error) {
	e := engine.Engine{Plan: plan, Judge: rules.Judge, Journal: new(engine.Memory), Watch: watch, Log: log}
	return e.Run(ctx, req)
}

// FollowUp carries out one check on a finished investigation, in this process.
func FollowUp(ctx context.Context, all []playbook.FollowUp, o playbook.Offer, r playbook.Report, log *slog.Logger) (playbook.Outcome, error) {
	f, ok := followups.Find(all, o)
	if !ok {
		return playbook.Outcome{}, fmt.Errorf("there is no follow-up %q", o)
	}
	return followups.Run(ctx, log, f, r)
}

// Estimate says what lengthening the window will scan and cost, "" where it is as
// long as can be.
func Estimate(r playbook.Report) string {
	e, _ := facts.EstimateOf(r)
	return e.Words
}
