package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

type explainCmd struct {
	Name string `arg:"" optional:"" help:"A step's, rule's, cause's or follow-up's id, or \"steps\", \"rules\", \"causes\", \"follow-ups\"."`
	All  bool   `help:"Print everything as one Markdown page."`
}

// Run prints what the code itself says of a step, a rule or a cause.
func (c *explainCmd) Run(_ context.Context, s streams) error {
	source := app.AWS{Config: aws.Config{Region: "us-east-1"}}
	plan, err := source.Plan()
	if err != nil {
		return err
	}
	checks, err := source.FollowUps()
	if err != nil {
		return err
	}
	if c.All {
		explainAll(s.out, plan, checks)
		return nil
	}
	explained := false
	if step, ok := plan.Step(playbook.StepID(c.Name)); ok {
		fmt.Fprintf(s.out, "Step %d, %s: %s\n\n%s\n\nNeeds: %s\nTime: %s at most\nIAM actions: %s\n", step.N, step.ID, step.Title, step.Doc, orNone(ids(step.Needs)), step.Timeout, orNone(step.Actions))
		explained = true
	}
	for _, f := range checks { // a follow-up may go by a step's name
		if string(f.Offer) == c.Name {
			if explained {
				fmt.Fprintln(s.out)
			}
			fmt.Fprintf(s.out, "Follow-up %s: %s\n\n%s\n\nTime: %s at most\nIAM actions: %s\n", f.Offer, f.Title, f.Doc, f.Timeout, orNone(f.Actions))
			explained = true
		}
	}
	if explained {
		return nil
	}
	for _, r := range rules.All() {
		if string(r.ID) == c.Name {
			fmt.Fprintf(s.out, "Rule %d, %s: %s\n\n%s\n\nReads: %s\n", r.N, r.ID, r.Title, r.Doc, strings.Join(ids(r.Reads), ", "))
			return nil
		}
	}
	if cause, ok := rules.FindCause(playbook.CauseID(c.Name)); ok {
		fmt.Fprintf(s.out, "Cause %s: %s\n\nDecisive: %s\nFix now: %s\nPrevent: %s\n", cause.ID, cause.Means, cause.Decisive, cause.Fix, cause.Prevent)
		return nil
	}
	known := false
	if c.Name == "" || c.Name == "steps" {
		known = true
		fmt.Fprintln(s.out, "Steps")
		for _, step := range plan {
			fmt.Fprintf(s.out, "  %d  %-20s %s\n", step.N, step.ID, step.Title)
		}
	}
	if c.Name == "" || c.Name == "rules" {
		known = true
		fmt.Fprintln(s.out, "Rules")
		for _, r := range rules.All() {
			fmt.Fprintf(s.out, "  %d  %-20s %s\n", r.N, r.ID, r.Title)
		}
	}
	if c.Name == "" || c.Name == "causes" {
		known = true
		fmt.Fprintln(s.out, "Causes")
		for _, cause := range rules.Causes() {
			fmt.Fprintf(s.out, "  %-24s %s\n", cause.ID, cause.Means)
		}
	}
	if c.Name == "" || c.Name == "follow-ups" {
		known = true
		fmt.Fprintln(s.out, "Follow-ups")
		for _, f := range checks {
			fmt.Fprintf(s.out, "  %-24s %s\n", f.Offer, f.Title)
		}
	}
	if !known {
		return usageError(fmt.Sprintf("there is no step, rule, cause or follow-up named %q; \"stsleuth explain\" lists them", c.Name))
	}
	return nil
}

func ids[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
