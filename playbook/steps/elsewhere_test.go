package steps

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	archive  = "999988887777"
	partner  = "444455556666"
	stranger = "777788889999"
)

// theirs is a log group of another account.
func theirs(name, account string, linked bool, more string) string {
	return group(name, fmt.Sprintf(`, account: "%s", linked: %t%s`, account, linked, more))
}

// orgTrailJSON is an organization's trail whose log group is the archive's.
const orgTrailJSON = `{"Trails":[{"Name":"org","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:888877776666:trail/org","IsMultiRegionTrail":true,
"IncludeGlobalServiceEvents":true,"IsOrganizationTrail":true,"CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:` + archive + `:log-group:org-events:*",
"Status":{"IsLogging":true,"StartLoggingTime":"2024-01-01T00:00:00Z","LatestCloudWatchLogsDeliveryTime":"2026-06-01T11:58:00Z"}}]}`

// reaching other accounts by a role in each, as the bot's account map does.
func (e *emulated) others(accounts ...string) {
	cfg := e.server.Config("eu-west-1")
	e.clients.Other = func(account string) (Clients, bool) {
		if !slices.Contains(accounts, account) {
			return Clients{}, false
		}
		own := cfg.Copy()
		own.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), "arn:aws:iam::"+account+":role/stsleuth-readonly"))
		c := clientsOf(own)
		c.By = account
		return c, true
	}
}

// elsewhere asks about payments-api, which lets in a role of the partner's account.
func elsewhere(t *testing.T, files map[string]string) *emulated {
	t.Helper()
	return elsewhereWith(t, awsemu.Options{}, files)
}

func elsewhereWith(t *testing.T, options awsemu.Options, files map[string]string) *emulated {
	t.Helper()
	e := aboutWith(t, options, files)
	e.settle(t, playbook.RoleConfig, playbook.Clear, facts.RoleConfig{TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + partner + `:role/feeder"},"Action":"sts:AssumeRole"}]}`})
	return e
}

func groupNames(f facts.AppErrors) string {
	var out []string
	for _, g := range f.Groups {
		out = append(out, g.Name)
	}
	return strings.Join(out, " ")
}

func TestGroupsOfLinkedAccounts(t *testing.T) {
	const yaml, one, own = "logs/logs.yaml", "logs/a.jsonl", "logs/own.jsonl"
	both := map[string]string{
		yaml: "groups:\n" + group("/app/feed", ", events: own.jsonl, stored_bytes: 9000") + theirs("/app/feed", partner, true, ", events: a.jsonl") +
			theirs("/app/door", stranger, true, ", events: a.jsonl, stored_bytes: 99999") + theirs("/app/payments-door", stranger, true, ", events: a.jsonl, stored_bytes: 1") +
			theirs("/app/hidden", partner, false, ", events: a.jsonl"),
		one: events("s", expiredLine), own: events("s", "fine"),
	}
	e := elsewhere(t, both)
	o := e.run(t, playbook.AppErrors)
	wantStatus(t, o, playbook.Found)
	f := factOf(t, facts.AppLogs, e.done)
	if got, want := groupNames(f), "/app/feed 444455556666:/app/feed 777788889999:/app/payments-door"; got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	for _, l := range f.Lines {
		if l.Group == "/app/feed" {
			t.Errorf("a line of the partner's group is told to be of its namesake here: %+v", l)
		}
	}
	if f.Total != 2 || f.Groups[0].Account != "" || f.Groups[1].Account != partner || f.Groups[1].Method != "insights" {
		t.Errorf("%+v", f)
	}
	if !slices.ContainsFunc(o.Unseen, func(s string) bool { return strings.HasPrefix(s, "1 log group of linked accounts") }) ||
		!strings.Contains(o.Summary, "Log groups of 2 other accounts were read too: 444455556666, 777788889999.") {
		t.Errorf("%q %q", o.Summary, o.Unseen)
	}
	if n := e.server.Stats().Calls["logs:StartQuery"]; n != 2 {
		t.Errorf("%d queries: own groups and linked ones are asked for once each", n)
	}

	t.Run("a policy that leaves linked groups out does not cost the own ones", func(t *testing.T) {
		allowed, err := awsemu.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:StartQuery","logs:FilterLogEvents"],"Resource":"arn:aws:logs:*:` + myAccount + `:log-group:*"},
			{"Effect":"Allow","Action":["logs:DescribeLogGroups","logs:GetQueryResults","cloudtrail:DescribeTrails"],"Resource":"*"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		e := elsewhereWith(t, awsemu.Options{Policy: allowed}, both)
		o := e.run(t, playbook.AppErrors)
		f := factOf(t, facts.AppLogs, e.done)
		if f.Groups[0].Method != "insights" || f.Groups[1].Method != "" || !slices.Contains(o.Missing, "logs:StartQuery") {
			t.Errorf("%+v, missing %q", f.Groups, o.Missing)
		}
	})
	t.Run("linked groups are filtered by ARN where queries are refused", func(t *testing.T) {
		e := elsewhere(t, both)
		deny(e, "logs:StartQuery")
		o := e.run(t, playbook.AppErrors)
		f := factOf(t, facts.AppLogs, e.done)
		if f.Groups[1].Method != "filter" || f.Total != 2 || !slices.ContainsFunc(o.Proof, func(p playbook.Proof) bool {
			return strings.Contains(p.CLI, "filter-log-events --log-group-identifier arn:aws:logs:eu-west-1:444455556666:log-group:/app/feed")
		}) {
			t.Errorf("%+v", f)
		}
	})
}

// Who monitors nobody asks no more than before, and what AWS may say to that
// question is never told as a missing permission.
func TestAnAccountThatMonitorsNone(t *testing.T) {
	files := map[string]string{"logs/logs.yaml": "groups:\n" + group("/app/feed", ", events: a.jsonl"), "logs/a.jsonl": events("s", expiredLine)}
	for name, c := range map[string]struct {
		refusal  string
		describe int
	}{
		"AWS answers with its own groups": {"", 1},
		"AWS refuses the parameter":       {"InvalidParameterException", 2},
		"AWS denies the question":         {"AccessDeniedException", 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := elsewhere(t, files)
			if c.refusal != "" {
				e.server.AddFault(fault("logs:DescribeLogGroups", "", capture.Fault{Error: c.refusal, Times: 1}))
			}
			o := e.run(t, playbook.AppErrors)
			wantStatus(t, o, playbook.Found)
			if f := factOf(t, facts.AppLogs, e.done); f.Total != 1 || len(o.Missing) > 0 || groupNames(f) != "/app/feed" {
				t.Errorf("%+v, missing %q", f, o.Missing)
			}
			if n := e.server.Stats().Calls["logs:DescribeLogGroups"]; n != c.describe {
				t.Errorf("%d requests for groups, want %d", n, c.describe)
			}
		})
	}
}

// In a large organization the groups of the accounts around the role are listed
// by themselves: what is behind the bound must not hide them.
func TestTheAccountsAroundTheRoleComeBeforeTheBound(t *testing.T) {
	e := elsewhere(t, map[string]string{"logs/a.jsonl": events("s", expiredLine),
		"logs/logs.yaml": "groups:\n" + group("/z/own", ", events: a.jsonl") + theirs("/z/feed", partner, true, ", events: a.jsonl")})
	large := *e.capture
	for i := range describedGroups + 60 {
		large.Groups = append(large.Groups, capture.LogGroup{Name: fmt.Sprintf("/a/%05d", i), Region: "eu-west-1", Class: "STANDARD", Account: stranger, Linked: true})
	}
	e.server = awsemu.New(&large, awsemu.Options{QueryDuration: -1, PageSizes: map[string]int{"logs:DescribeLogGroups": 50}})
	t.Cleanup(func() { e.server.Close() })
	e.clients = clientsOf(e.server.Config("eu-west-1"))
	e.run(t, playbook.AppErrors)
	if f := factOf(t, facts.AppLogs, e.done); groupNames(f) != "/z/own 444455556666:/z/feed" || f.Total != 2 {
		t.Errorf("read %s, %d lines", groupNames(f), f.Total)
	}
}

// An ARN names one group: a namesake of this account is another one.
func TestConfiguredGroupsOfOtherAccounts(t *testing.T) {
	const arn = "arn:aws:logs:eu-west-1:" + partner + ":log-group:/app/feed:*"
	files := func(linked bool) map[string]string {
		return map[string]string{
			"logs/logs.yaml": "groups:\n" + group("/app/feed", ", events: own.jsonl") + theirs("/app/feed", partner, linked, ", events: a.jsonl"),
			"logs/a.jsonl":   events("s", expiredLine), "logs/own.jsonl": events("s", expiredLine, expiredLine, expiredLine)}
	}
	for name, c := range map[string]struct {
		linked bool
		role   bool
		want   playbook.Status
		lines  int
		says   string // of the group
		cli    string // in a proof
	}{
		"linked":                 {true, false, playbook.Found, 1, "", "--log-group-identifiers arn:aws:logs:eu-west-1:444455556666:log-group:/app/feed"},
		"with a role there":      {false, true, playbook.Found, 1, "", "# with credentials of account 444455556666"},
		"out of reach":           {false, false, playbook.Blind, 0, "put account 444455556666 with its read-only role into stsleuth's accounts, or link it to account 111122223333", "describe-log-groups"},
		"role and link: by role": {true, true, playbook.Found, 1, "", "# with credentials of account 444455556666"},
	} {
		t.Run(name, func(t *testing.T) {
			e := elsewhere(t, files(c.linked))
			e.settings.AppLogGroups = []string{arn}
			if c.role {
				e.others(partner)
			}
			o := e.run(t, playbook.AppErrors)
			wantStatus(t, o, c.want)
			f := factOf(t, facts.AppLogs, e.done)
			if f.Total != c.lines || groupNames(f) != "444455556666:/app/feed" || !strings.Contains(f.Groups[0].Why, c.says) {
				t.Errorf("%+v", f)
			}
			if !slices.ContainsFunc(o.Proof, func(p playbook.Proof) bool { return strings.Contains(p.CLI, c.cli) }) {
				t.Errorf("no proof has %q: %+v", c.cli, o.Proof)
			}
			if len(o.Missing) > 0 {
				t.Errorf("%q is told to be missing", o.Missing)
			}
		})
	}
}

// A region that nothing could be read in, for two reasons, says each of them once.
func TestWhyATrailWasNoHelpIsSaidOnce(t *testing.T) {
	e := elsewhere(t, map[string]string{"cloudtrail/trails.json": orgTrailJSON, "logs/logs.yaml": "groups:\n" + theirs("org-events", archive, false, "")})
	e.server.AddFault(fault("cloudtrail:LookupEvents", "us-east-1", capture.Fault{Deny: true}))
	o := e.run(t, playbook.STSErrors)
	if strings.Count(o.Partial, "was not read") != 1 || !strings.Contains(o.Partial, "CloudTrail in us-east-1 could not be read") {
		t.Errorf("%q", o.Partial)
	}
}

// The organization's trail: a refused call of the partner is in the archive's log
// group alone, and so is what happened to a namesake of the role.
func TestTheTrailsGroupOfAnotherAccount(t *testing.T) {
	namesake := strings.Replace(payments, myAccount, stranger, 1)
	of := func(account string, more func(map[string]any)) func(map[string]any) {
		return func(m map[string]any) {
			if more != nil {
				more(m)
			}
			m["recipientAccountId"] = account
			m["eventID"] = m["eventID"].(string) + account
			m["userIdentity"] = map[string]any{"type": "AssumedRole", "arn": "arn:aws:sts::" + account + ":assumed-role/feeder/s", "accountId": account, "accessKeyId": "ASIAEXAMPLE000000009"}
		}
	}
	records := jsonl(
		assume(3*time.Hour, "eu-west-1", payments, nil),
		assume(2*time.Hour, "eu-west-1", payments, of(partner, refuse("AccessDenied", "User: arn:aws:sts::"+partner+":assumed-role/feeder/s is not authorized to perform: sts:AssumeRole on resource: "+payments))),
		assume(time.Hour, "eu-west-1", namesake, of(stranger, refuse("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: "+namesake))),
		record(time.Hour, "iam", "UpdateAssumeRolePolicy", "us-east-1", of(stranger, func(m map[string]any) {
			m["requestParameters"] = map[string]any{"roleName": "payments-api", "policyDocument": trustUser}
		})),
	)
	for name, c := range map[string]struct {
		linked, role, denyRole bool
		source                 string
		failures               int
		says                   string // in Unseen
	}{
		"linked":                      {true, false, false, fromTrailLogs, 1, "was read through CloudWatch cross-account observability: records of other accounts that are not about this role were left out"},
		"with a role there":           {false, true, false, fromTrailLogs, 1, "was read with that account's own role"},
		"out of reach":                {false, false, false, fromEventHistory, 0, "is in account 999988887777 and was not read: put account 999988887777 with its read-only role into stsleuth's accounts, or link it to account 111122223333"},
		"a role that cannot be taken": {false, true, true, fromEventHistory, 0, "mend the way into that account"},
		"the same, but linked":        {true, true, true, fromTrailLogs, 1, "was read through CloudWatch"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"cloudtrail/trails.json": orgTrailJSON, "cloudtrail/a.jsonl": records,
				"logs/logs.yaml": "groups:\n" + theirs("org-events", archive, c.linked, "") + group("org-events", "")}
			e := elsewhere(t, files)
			if c.role {
				e.others(archive)
			}
			if c.denyRole {
				e.server.AddFault(fault("sts:AssumeRole", "", capture.Fault{Deny: true}))
			}
			o := e.run(t, playbook.STSErrors)
			f := factOf(t, facts.Errors, e.done)
			if f.Total != c.failures || f.Trails[0].Source != c.source {
				t.Errorf("%s, %d failures, want %s, %d: %q", f.Trails[0].Source, f.Total, c.source, c.failures, o.Unseen)
			}
			// Of an organization's logs alone can it be said that its accounts' denied calls are seen.
			said := deniedElsewhere
			if c.source == fromTrailLogs {
				said = deniedOutside
			}
			if facts.OfOrganization(f.Trails) != (c.source == fromTrailLogs) || !slices.Contains(o.Unseen, said) {
				t.Errorf("%+v are told as %q, want %q", f.Trails, o.Unseen, said)
			}
			if (f.Trails[0].Account == archive) != (c.source == fromTrailLogs) {
				t.Errorf("the group's account is told to be %q", f.Trails[0].Account)
			}
			if !slices.ContainsFunc(o.Unseen, func(s string) bool { return strings.Contains(s, c.says) }) {
				t.Errorf("nothing unseen says %q: %q", c.says, o.Unseen)
			}
			if partly := strings.Contains(o.Partial, "and was not read"); partly != (c.source == fromEventHistory) {
				t.Errorf("only in part: %q", o.Partial) // denied calls of other accounts are in that group alone
			}
			if len(o.Missing) > 0 {
				t.Errorf("%q is told to be missing", o.Missing)
			}
			for _, r := range f.Roles {
				if strings.Contains(r.RoleARN, stranger) {
					t.Errorf("calls for %s are counted here", r.RoleARN)
				}
			}
			o = e.run(t, playbook.TrustChanges)
			if f := factOf(t, facts.Changes, e.done); len(f.Changes) > 0 {
				t.Errorf("a change of the namesake in another account is told of this role: %+v", f.Changes)
			}
			if e.run(t, playbook.STSMetrics); e.server.Stats().Calls["logs:DescribeMetricFilters"] > 0 {
				t.Error("the metric filters of a namesake of the trail's group were read")
			}
		})
	}
}
