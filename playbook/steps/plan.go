// Package steps looks into AWS: the nine steps of the runbook, each one file.
//
// In comes a playbook.Pass (the frozen question and what earlier steps
// settled), out goes playbook.Evidence with the step's struct of
// playbook/facts. [Plan] below is the whole investigation on one screen; each
// step's file opens with the text that `stsleuth explain` prints.
//
// What all steps share: clients.go (the SDK, as narrow as it is used), proof.go
// (one call, how it went, and how a reader repeats it), classify.go (AWS's
// errors into words, once), limits.go (AWS's limits on the account), trail.go
// and insights.go (CloudTrail and Logs Insights). Next: playbook/rules, which judge the facts.
package steps

import (
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// How long a step may take, retries included.
const (
	quick = 20 * time.Second // a handful of calls
	slow  = 2 * time.Minute  // queries over logs, or LookupEvents at two requests a second
)

// Plan is the investigation: nine steps in the runbook's order. Steps that need
// no other start at once.
func Plan(c Clients, s Settings) playbook.Plan {
	r := run{c, s}
	return playbook.Plan{
		{N: 1, ID: playbook.RoleAndHealth, Title: "Role exists, STS and IAM are healthy", Timeout: quick,
			Doc: roleAndHealthDoc, Actions: roleAndHealthActions, Run: r.roleAndHealth},
		{N: 2, ID: playbook.STSErrors, Title: "Failed STS calls in CloudTrail", Timeout: slow,
			Needs: []playbook.StepID{playbook.RoleAndHealth},
			Doc:   stsErrorsDoc, Actions: stsErrorsActions, Run: r.stsErrors},
		{N: 3, ID: playbook.RoleConfig, Title: "Trust policy, session limit and policies", Timeout: quick,
			Needs: []playbook.StepID{playbook.RoleAndHealth},
			Doc:   roleConfigDoc, Actions: roleConfigActions, Run: r.roleConfig},
		{N: 4, ID: playbook.STSMetrics, Title: "STS error rates, last hour against before", Timeout: quick,
			Needs: []playbook.StepID{playbook.STSErrors},
			Doc:   stsMetricsDoc, Actions: stsMetricsActions, Run: r.stsMetrics},
		{N: 5, ID: playbook.Sessions, Title: "Sessions of the role", Timeout: slow,
			Needs: []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig},
			Doc:   sessionsDoc, Actions: sessionsActions, Run: r.sessions},
		{N: 6, ID: playbook.AppErrors, Title: "Expiry errors in application logs", Timeout: slow,
			Needs: []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig},
			Doc:   appErrorsDoc, Actions: appErrorsActions, Run: r.appErrors},
		{N: 7, ID: playbook.CrossAccount, Title: "Who may assume the role, from which accounts", Timeout: quick,
			Needs: []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig},
			Doc:   crossAccountDoc, Actions: crossAccountActions, Run: r.crossAccount},
		{N: 8, ID: playbook.TrustChanges, Title: "Changes to the role in the window", Timeout: slow,
			Needs: []playbook.StepID{playbook.RoleAndHealth},
			Doc:   trustChangesDoc, Actions: trustChangesActions, Run: r.trustChanges},
		{N: 9, ID: playbook.Federation, Title: "SAML and OIDC exchanges and providers", Timeout: quick,
			Needs: []playbook.StepID{playbook.STSErrors, playbook.RoleConfig, playbook.Sessions},
			Doc:   federationDoc, Actions: federationActions, Run: r.federation},
	}
}

// run is what every step can reach: the steps are its methods.
type run struct {
	Clients
	Settings
}

// Settings are what an operator may say about the account. The zero value
// works: log groups are then discovered, within DefaultMaxDiscovered.
type Settings struct {
	// AppLogGroups are the application log groups to read, by name or ARN. Empty
	// means: discover them.
	AppLogGroups []string
	// MaxDiscovered bounds how many discovered application log groups are read;
	// 0 means DefaultMaxDiscovered. The step says how many it left out.
	MaxDiscovered int
}

// DefaultMaxDiscovered is how many log groups one Logs Insights query takes.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
const DefaultMaxDiscovered = 50

// target is the role in question with what step 1 found out about it: its ARN,
// path and account. A step that calls it must need playbook.RoleAndHealth.
// RoleARN stays empty where the role could not be read and only its name is known.
func target(p playbook.Pass) (playbook.Target, facts.RoleAndHealth) {
	t := p.Request.Target
	role, _ := facts.Role.In(p.Done)
	if t.Account == "" {
		t.Account = role.Account
	}
	if role.RoleARN != "" {
		t.RoleARN, t.Path = role.RoleARN, role.Path
	}
	if t.Partition == "" {
		t.Partition = playbook.Partition(t.Region)
	}
	return t, role
}
