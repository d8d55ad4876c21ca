// Package policy writes the IAM policy that stsleuth needs, from the actions
// that its steps and follow-ups declare: nothing that they don't use, each
// scoped to the kind of resource it reads where its service can be scoped.
//
// In come actions (playbook.Step.Actions) and a [Scope]; out goes a [Document],
// which renders as JSON (json.go), as a CloudFormation template of a member
// account's role (cloudformation.go) and as the same in Terraform
// (terraform.go). The package is pure: `stsleuth policy` prints, and
// `stsleuth doctor` takes from here the statement that is missing.
package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of IAM, in characters without white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	MaxManaged    = 6144  // a managed policy
	MaxInlineRole = 10240 // all inline policies of a role
)

// A Document is an identity policy.
type Document struct {
	Version   string
	Statement []Statement
}

// A Statement allows actions on resources.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// Scope narrows a policy. The zero Scope is any account of any partition, and
// all log groups.
type Scope struct {
	Partition string   // "" is any
	Account   string   // "" is any
	LogGroups []string // the groups that may be read: names, * at the end for a prefix, or ARNs (another account's); none: all
	// Members is the name, with path, of the read-only role in member accounts
	// that may be assumed; "" for none. It is for the bot's own identity.
	Members string
}

// An area is a group of actions that share a kind of resource.
type area struct {
	sid       string
	resources func(Scope) []string
	actions   []string
}

func anything(Scope) []string { return []string{"*"} }

// iam gives the ARN of a kind of IAM resource in the account.
func iam(kind string) func(Scope) []string {
	return func(s Scope) []string { return []string{s.arn("iam", "", s.Account, kind+"/*")} }
}

// areas says how every action that is known here can be scoped. An action
// stands under resource "*" where its service knows no resource for it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var areas = []area{
	{"Roles", iam("role"), []string{"iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"}},
	// AWS's own managed policies are of the account "aws".
	{"Policies", func(s Scope) []string {
		if s.Account == "" {
			return []string{s.arn("iam", "", "", "policy/*")}
		}
		return []string{s.arn("iam", "", s.Account, "policy/*"), s.arn("iam", "", "aws", "policy/*")}
	}, []string{"iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"}},
	{"Users", iam("user"), []string{"iam:GetUser", "iam:ListMFADevices", "iam:ListAccessKeys"}},
	{"OIDCProviders", iam("oidc-provider"), []string{"iam:GetOpenIDConnectProvider"}},
	{"SAMLProviders", iam("saml-provider"), []string{"iam:GetSAMLProvider"}},
	// GetAccessKeyLastUsed is asked for a key before its user is known.
	{"IAMLists", anything, []string{"iam:ListRoles", "iam:ListOpenIDConnectProviders", "iam:ListSAMLProviders", "iam:GetAccountSummary",
		"iam:ListAccountAliases", "iam:ListVirtualMFADevices", "iam:GetAccessKeyLastUsed"}},
	// An organization's trail is the management account's, so the account is open.
	{"Trails", func(s Scope) []string { return []string{s.arn("cloudtrail", "*", "", "trail/*")} },
		[]string{"cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"}},
	{"TrailLists", anything, []string{"cloudtrail:DescribeTrails", "cloudtrail:LookupEvents"}},
	{"ReadLogs", logGroups, []string{"logs:StartQuery", "logs:FilterLogEvents", "logs:DescribeMetricFilters"}},
	{"Logs", anything, []string{"logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"}},
	{"Metrics", anything, []string{"cloudwatch:ListMetrics", "cloudwatch:GetMetricData"}},
	{"Health", anything, []string{"health:DescribeEvents", "health:DescribeEventDetails"}},
	{"Regions", anything, []string{"account:GetRegionOptStatus"}},
	{"KeyOwners", anything, []string{"sts:GetAccessKeyInfo"}},
}

// unconditional actions need no permission; naming them would only mislead.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
var unconditional = []string{"sts:GetCallerIdentity"}

// logGroups are the groups that may be read. A log group's ARN ends in ":*" in
// policies, which stands for its streams. A monitoring account reads the groups
// of linked accounts under their own ARNs, so the account is open where no group
// is named; what another account does not share stays closed all the same.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html
func logGroups(s Scope) []string {
	groups := s.LogGroups
	if len(groups) == 0 {
		groups = []string{"*"}
	}
	var out []string
	for _, g := range groups {
		switch {
		case strings.HasPrefix(g, "arn:"):
			out = append(out, strings.TrimSuffix(g, ":*")+":*")
		case g == "*":
			out = append(out, s.arn("logs", "*", "", "log-group:*"))
		default:
			out = append(out, s.arn("logs", "*", s.Account, "log-group:"+g+":*"))
		}
	}
	return out
}

func (s Scope) arn(service, region, account, resource string) string {
	return strings.Join([]string{"arn", cmp.Or(s.Partition, "*"), service, region, cmp.Or(account, "*"), resource}, ":")
}

// For is the policy that allows exactly the given actions. It refuses an action
// that nobody has said how to scope: that belongs into the areas above.
func For(actions []string, s Scope) (Document, error) {
	wanted := map[string]bool{}
	for _, a := range actions {
		wanted[a] = !slices.Contains(unconditional, a)
	}
	d := Document{Version: "2012-10-17"}
	for _, area := range areas {
		var in []string
		for _, a := range area.actions {
			if wanted[a] {
				in = append(in, a)
			}
			delete(wanted, a)
		}
		if len(in) > 0 {
			d.Statement = append(d.Statement, Statement{Sid: area.sid, Effect: "Allow", Action: in, Resource: area.resources(s)})
		}
	}
	maps.DeleteFunc(wanted, func(_ string, needed bool) bool { return !needed })
	if len(wanted) > 0 {
		return Document{}, fmt.Errorf("write policy: it is not known which resources %s can be scoped to", strings.Join(slices.Sorted(maps.Keys(wanted)), ", "))
	}
	if s.Members != "" {
		d.Statement = append(d.Statement, Statement{Sid: "Members", Effect: "Allow", Action: []string{"sts:AssumeRole"},
			Resource: []string{s.arn("iam", "", "", "role/"+strings.TrimPrefix(s.Members, "/"))}})
	}
	return d, nil
}

// Without is the document less one action, for saying what a single action gives.
func (d Document) Without(action string) Document {
	out := Document{Version: d.Version}
	for _, s := range d.Statement {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
		if len(s.Action) > 0 {
			out.Statement = append(out.Statement, s)
		}
	}
	return out
}

// Actions are all actions of the document, sorted.
func (d Document) Actions() []string {
	var out []string
	for _, s := range d.Statement {
		out = append(out, s.Action...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
