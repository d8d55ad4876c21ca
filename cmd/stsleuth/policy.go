package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/policy"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/followups"
)

type policyCmd struct {
	Steps     []string `name:"step" placeholder:"ID" help:"Only what these steps and follow-ups need; \"stsleuth explain\" lists them."`
	Account   string   `placeholder:"123456789012" help:"Only resources of this account (json)."`
	Partition string   `enum:"aws,aws-cn,aws-us-gov" default:"aws" help:"aws, aws-cn or aws-us-gov (json)."`
	LogGroups []string `name:"log-group" placeholder:"NAME" help:"Only these log groups may be read, * at the end for a prefix; the trail's own group has to be among them."`
	Members   string   `placeholder:"ROLE" help:"Also allow to assume the role of this name in every account: for the bot's own identity (json)."`
	RoleName  string   `name:"role-name" default:"${role_name}" help:"Name of the member accounts' role (cloudformation, terraform)."`
	Output    string   `short:"o" enum:"json,cloudformation,terraform" default:"json" help:"json: an identity policy; cloudformation, terraform: a member account's role with it."`
}

// Run prints the least that stsleuth needs in IAM.
func (c *policyCmd) Run(_ context.Context, s streams) error {
	actions, err := actionsOf(c.Steps)
	if err != nil {
		return err
	}
	scope := policy.Scope{Partition: c.Partition, Account: c.Account, LogGroups: c.LogGroups, Members: c.Members}
	var text string
	switch c.Output {
	case "cloudformation":
		text, err = policy.CloudFormation(actions, scope, c.RoleName)
	case "terraform":
		text, err = policy.Terraform(actions, scope, c.RoleName)
	default:
		var d policy.Document
		d, err = policy.For(actions, scope)
		text = string(d.JSON())
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}

// actionsOf are the IAM actions that the steps and follow-ups declare: all of
// them where none is named.
func actionsOf(ids []string) ([]string, error) {
	source := app.AWS{Config: aws.Config{Region: "us-east-1"}}
	if len(ids) == 0 {
		return source.Actions()
	}
	plan, err := source.Plan()
	if err != nil {
		return nil, err
	}
	checks, err := source.FollowUps()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range ids {
		step, isStep := plan.Step(playbook.StepID(id))
		check, isCheck := followups.Find(checks, playbook.Offer(id)) // it may go by a step's name
		if !isStep && !isCheck {
			return nil, usageError(fmt.Sprintf("there is no step or follow-up named %q; \"stsleuth explain\" lists them", id))
		}
		out = append(append(out, step.Actions...), check.Actions...)
	}
	return out, nil
}
