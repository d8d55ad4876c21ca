package awsemu

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// The AWS CLI is a client that shares no code with us. It reads each operation; what it prints is its own reading of
// the answer.
func TestAWSCLIReadsEachOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("one process an operation")
	}
	bin, err := exec.LookPath("aws")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("aws, the AWS CLI, is not installed")
		}
		t.Skip("aws, the AWS CLI, is not installed")
	}
	s := everything.serve(t, Options{QueryDuration: -1})
	endpoint := listen(t, s)
	const day = "--start-time 2026-10-14T00:00:00Z --end-time 2026-10-14T15:20:00Z"
	const role, policy = "--role-name payments-api", "--policy-arn arn:aws:iam::111122223333:policy/boundary"
	const metric = "--namespace App --metric-name Errors --dimensions Name=Role,Value=payments-api"
	var tooOld atomic.Bool // for Account Management's regions, which came to the CLI in 2023
	run := func(t *testing.T, args []string) string {
		t.Helper()
		region := "eu-west-1"
		if args[0] == "health" {
			region = "us-east-1"
		}
		cmd := exec.CommandContext(t.Context(), bin, append(args, "--endpoint-url", endpoint, "--region", region, "--output", "text")...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_ACCESS_KEY_ID=" + exampleKeyID, "AWS_SECRET_ACCESS_KEY=" + exampleSecret,
			"AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "PYENV_VERSION=" + os.Getenv("PYENV_VERSION")}
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "Invalid choice") && args[0] == "account" {
			tooOld.Store(true)
			t.Skipf("this CLI does not know %s", args[1])
		}
		if err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	var queryID string
	t.Run("start a query", func(t *testing.T) {
		queryID = run(t, append(strings.Fields("logs start-query --log-group-name /prod/app --start-time 1791936000 --end-time 1791991200 --query queryId"), "--query-string", "fields @message | limit 1"))
	})
	t.Run("read", func(t *testing.T) {
		for _, tt := range []struct{ command, query, want string }{
			{"iam get-role " + role, "[Role.AssumeRolePolicyDocument.Statement[0].Principal.AWS,starts_with(Role.CreateDate,'2025-02-11T09:31:07')]", "arn:aws:iam::111122223333:user/a b+c%d True"},
			{"iam list-roles", "Roles[].RoleName", "payments-api batch third"},
			{"iam list-role-policies " + role, "PolicyNames", "AWSRevokeOlderSessions p2 p3 p4"},
			{"iam get-role-policy --policy-name AWSRevokeOlderSessions " + role, "PolicyDocument.Version", "2012-10-17"},
			{"iam list-attached-role-policies " + role, "AttachedPolicies[].PolicyName", "boundary"},
			{"iam get-policy " + policy, "Policy.DefaultVersionId", "v2"},
			{"iam get-policy-version --version-id v1 " + policy, "PolicyVersion.Document.a", "1"},
			{"iam list-policy-versions " + policy, "Versions[].VersionId", "v2 v1"},
			{"iam get-user --user-name ops", "User.UserId", "AIDAOPS"},
			{"iam list-mfa-devices --user-name ops", "MFADevices[].SerialNumber", "arn:aws:iam::111122223333:mfa/ops"},
			{"iam list-virtual-mfa-devices", "VirtualMFADevices[].User.UserName", "ops"},
			{"iam list-access-keys --user-name ops", "AccessKeyMetadata[].Status", "Inactive"},
			{"iam get-access-key-last-used --access-key-id AKIAOPSKEY0000000001", "UserName", "ops"},
			{"iam get-account-summary", "SummaryMap.GlobalEndpointTokenVersion", "2"},
			{"iam list-account-aliases", "length(AccountAliases)", "0"},
			{"iam list-open-id-connect-providers", "OpenIDConnectProviderList[].Arn", "arn:aws:iam::111122223333:oidc-provider/issuer.example"},
			{"iam get-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::111122223333:oidc-provider/issuer.example", "ClientIDList", "sts.amazonaws.com"},
			{"iam list-saml-providers", "starts_with(SAMLProviderList[0].ValidUntil,'2034-10-14T09:25:00')", "True"},
			{"iam get-saml-provider --saml-provider-arn arn:aws:iam::111122223333:saml-provider/idp", "starts_with(ValidUntil,'2034-10-14T09:25:00')", "True"},
			{"sts get-caller-identity", "Account", "111122223333"},
			{"sts assume-role --role-arn arn:aws:iam::444455556666:role/x --role-session-name bot", "AssumedRoleUser.Arn", "arn:aws:sts::444455556666:assumed-role/x/bot"},
			{"sts get-access-key-info --access-key-id AKIAOPSKEY0000000001", "Account", "111122223333"},
			{"cloudtrail describe-trails", "trailList[].HomeRegion", "eu-west-1"},
			{"cloudtrail get-trail-status --name main", "IsLogging", "True"},
			{"cloudtrail get-event-selectors --trail-name main", "EventSelectors[].ReadWriteType", "All"},
			{"cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRole", "Events[].EventId", "e2 e1"},
			{"logs describe-log-groups --log-group-name-prefix /prod", "logGroups[].logGroupName", "/prod/app /prod/cold /prod/d /prod/ship"},
			{"logs describe-metric-filters", "metricFilters[].metricTransformations[0].metricName", "Errors"},
			{"logs filter-log-events --log-group-name /prod/app --filter-pattern ExpiredToken", "events[].logStreamName", "a b"},
			{"logs get-query-results --query-id QUERY", "results[0][0].value", "ERROR ExpiredToken two"},
			{"cloudwatch list-metrics --namespace App", "Metrics[].MetricName", "Errors"},
			{"cloudwatch get-metric-statistics --period 3600 --statistics Sum " + metric + " " + day, "Datapoints[?Sum==`7`]|length(@)", "1"},
			{"cloudwatch get-metric-data --metric-data-queries [{\"Id\":\"q\",\"MetricStat\":{\"Stat\":\"Sum\",\"Period\":300,\"Metric\":{\"Namespace\":\"App\",\"MetricName\":\"Errors\",\"Dimensions\":[{\"Name\":\"Role\",\"Value\":\"payments-api\"}]}}}] " + day, "MetricDataResults[0].Values[?@==`3`]|length(@)", "1"},
			{"health describe-events --filter services=STS,eventStatusCodes=open", "events[].service", "STS"},
			{"health describe-event-details --event-arns arn:aws:health:eu-west-1::event/STS/AWS_STS_OPERATIONAL_ISSUE/1", "successfulSet[].eventDescription.latestDescription", "We are looking."},
			{"account get-region-opt-status --region-name me-south-1", "RegionOptStatus", "ENABLED"},
			{"account list-regions", "Regions[?RegionName=='me-south-1'].RegionOptStatus", "ENABLED"},
		} {
			fields := strings.Fields(tt.command)
			t.Run(strings.Join(fields[:2], " "), func(t *testing.T) {
				t.Parallel()
				for i := range fields {
					fields[i] = strings.ReplaceAll(fields[i], "QUERY", queryID)
				}
				if got := run(t, append(fields, "--query", tt.query)); got != tt.want {
					t.Errorf("prints %q, want %q", got, tt.want)
				}
			})
		}
	})
	t.Run("stop a query that has ended", func(t *testing.T) {
		cmd := exec.Command(bin, "logs", "stop-query", "--query-id", queryID, "--endpoint-url", endpoint, "--region", "eu-west-1")
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+exampleKeyID, "AWS_SECRET_ACCESS_KEY="+exampleSecret)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "InvalidParameterException") {
			t.Errorf("prints %s", out)
		}
	})
	asked := s.Stats().Calls
	for _, o := range operations {
		if asked[o.svc.name+":"+o.name] == 0 && !(o.svc == accountService && tooOld.Load()) {
			t.Errorf("the CLI was not asked for %s:%s", o.svc.name, o.name)
		}
	}
}
