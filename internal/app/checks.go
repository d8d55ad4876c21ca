package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/followups"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/store"
)

// checks are the follow-ups behind the buttons.
type checks struct {
	accounts *Accounts
	offers   []playbook.Offer
	state    *store.Store
	log      *slog.Logger
}

var _ handlers.FollowUps = checks{}

func newChecks(a *Accounts, state *store.Store, log *slog.Logger) (checks, error) {
	c := checks{accounts: a, state: state, log: log}
	all, err := a.AWS.FollowUps() // every account has the same
	for _, f := range all {
		c.offers = append(c.offers, f.Offer)
	}
	return c, err
}

func (c checks) Offers() []playbook.Offer { return c.offers }

// Run carries a check out on a finished investigation. A longer window becomes an
// investigation of its own in the same thread, so that it survives, is told and
// can be stopped like any other; the rest are settled at once.
func (c checks) Run(ctx context.Context, inv playbook.Investigation, p playbook.Press) (*playbook.Outcome, string, error) {
	if inv.Report == nil {
		return nil, "", &playbook.Problem{Status: playbook.Broken, Text: "That investigation has no diagnosis to check."}
	}
	if playbook.Offer(p.Action) == playbook.Extend48h {
		return c.extend(ctx, inv, p)
	}
	all, err := c.accounts.FollowUps(c.accounts.target(inv))
	if err != nil {
		return nil, "", &playbook.Problem{Status: playbook.Broken, Text: err.Error(), Err: err}
	}
	f, ok := followups.Find(all, playbook.Offer(p.Action))
	if !ok {
		return nil, "", &playbook.Problem{Status: playbook.Broken, Text: "This version of the bot can't do that."}
	}
	o, err := followups.Run(ctx, c.log.With("investigation", inv.Request.ID, "press", p.ID), f, *inv.Report)
	return &o, "", err
}

func (c checks) extend(ctx context.Context, inv playbook.Investigation, p playbook.Press) (*playbook.Outcome, string, error) {
	req, ok := followups.Extend(*inv.Report)
	if !ok {
		return nil, "", &playbook.Problem{Status: playbook.Blind, Text: "The window is 7 days already, the longest that is looked at."}
	}
	req.Target.Account = c.accounts.target(inv).Account
	place := inv.Place
	if parent, ok := inv.Message(playbook.IDOf(playbook.ParentMessage, "")); ok && place.Thread == "" {
		place.Thread = parent.TS
	}
	next := playbook.Investigation{Request: req, AskedBy: p.By, Place: place, Extends: inv.Request.ID, ExtendsAt: inv.Link()}
	// The press's id is the delivery: should this be carried out twice, the second
	// finds the first's investigation.
	got, err := c.state.Accept(ctx, playbook.Delivery{Trigger: "press/" + p.ID}, next, true)
	if err != nil {
		return nil, "", fmt.Errorf("extend %s: %w", inv.Request.ID, err)
	}
	return nil, got.Investigation.Request.ID, nil
}

// longer prepares the plan and the judge of an investigation. One that lengthens
// another reads only what that one did not, and keeps what it had said.
func (c checks) longer(ctx context.Context, inv playbook.Investigation, plan playbook.Plan) (playbook.Plan, func(playbook.Request, playbook.Outcomes) playbook.Report, error) {
	if inv.Extends == "" {
		return plan, rules.Judge, nil
	}
	first, err := c.state.Load(ctx, inv.Extends)
	switch {
	case errors.Is(err, store.ErrUnknown): // its retention is over: all is read anew
		return plan, rules.Judge, nil
	case err != nil:
		return nil, nil, fmt.Errorf("load %s, which %s lengthens: %w", inv.Extends, inv.Request.ID, err)
	case first.Report == nil:
		return plan, rules.Judge, nil
	}
	window := first.Report.Request.Window
	if !window.To.Equal(inv.Request.Window.To) || !inv.Request.Window.From.Before(window.From) {
		return plan, rules.Judge, nil // it repeats a question rather than lengthens it
	}
	was := &playbook.Earlier{ID: inv.Extends, Window: window, Diagnosis: first.Report.Diagnosis}
	judge := func(req playbook.Request, done playbook.Outcomes) playbook.Report {
		r := rules.Judge(req, done)
		r.Was = was
		return r
	}
	return followups.Plan(plan, *first.Report, inv.Request), judge, nil
}
