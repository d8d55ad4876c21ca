package main

import (
	"fmt"
	"time"
)

// boundaries are incidents that lie close to another diagnosis: one fact decides.
var boundaries = []incident{
	{
		name: "global-endpoint-from-outside", title: "Backups from the data centre are refused", now: "2026-06-17T14:20:00Z", role: "tape-archive", region: "eu-west-1",
		what:   "a host outside of AWS asks for four hours through the global endpoint, which us-east-1 serves and records; the role allows one",
		source: "[global endpoint](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html), [AssumeRole DurationSeconds](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)",
		expect: expect{primary: "duration-above-max", may: []string{"refresh-failing"}, never: []string{"no-refresh", "max-session-lowered"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("tape-archive", 3600)
			w := c.user(u, "203.0.113.88", goV1)
			c.renewed(w, r, "tape-0", c.ago("20h"), c.ago("6h"), ask{global: true, region: "us-east-1"})
			for i := range 8 {
				c.refuse(c.ago("5h40m").Add(time.Duration(i)*41*time.Minute), w, r, "tape-0", ask{seconds: 14400, global: true, region: "us-east-1"}, "ValidationError", aboveMax)
			}
			c.addGroup("/prod/tape-archive").chatter(20, "tape-0")
		},
	},
	{
		name: "address-outside-new-range", title: "Ledger sync is refused since the network rule", now: "2026-06-18T15:00:00Z", role: "ledger-sync", region: "eu-west-1",
		what:   "the trust policy now wants callers from one range of addresses; one caller is outside of it and the other inside; the outer one got its last session in the second of the edit",
		source: "[aws:SourceIp](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip), [eventual consistency](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"access-denied-other", "no-refresh"}, steps: map[string]string{"trust-changes": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			out, in := c.addUser("svc-ledger"), c.addUser("svc-report")
			wanted := document(statement("Allow", map[string]any{"AWS": []string{out.Arn, in.Arn}}, "sts:AssumeRole", map[string]any{"IpAddress": map[string]any{"aws:SourceIp": "203.0.113.0/24"}}))
			r := c.addRole("ledger-sync", 3600, wanted)
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, trusting(out.Arn, in.Arn))
			c.editTrust(c.ago("6h"), c.pipeline(c.ago("6h")), r, wanted)
			w := c.user(out, "198.51.100.77", boto)
			c.renewed(w, r, "ledger-0", c.ago("20h"), c.ago("6h5m"), ask{})
			c.assume(c.ago("6h"), w, r, "ledger-0", ask{})
			c.renewed(c.user(in, "203.0.113.9", boto), r, "report-0", c.ago("20h"), c.ago("5m"), ask{})
			g := c.addGroup("/prod/ledger-sync")
			for i := range 8 {
				at := c.ago("5h5m").Add(time.Duration(i) * 36 * time.Minute)
				c.refused(g, at, time.Second, w, r, "ledger-0", "ledger-0")
			}
		},
	},
	{
		name: "machine-asked-for-mfa", title: "Backup user cannot get into prod-ops", now: "2026-06-19T15:00:00Z", role: "prod-ops", region: "eu-west-1",
		what:   "the trust policy wants MFA; a machine's long-term key has none, and its log shows the same refusals as CloudTrail with less of the caller",
		source: "[MFA-protected API access](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html)",
		expect: expect{primary: "mfa-condition", may: []string{"refresh-failing"}, never: []string{"access-denied-other", "trust-policy-changed", "no-refresh"}, steps: map[string]string{"sts-errors": "found", "app-errors": "found"}},
		build: func(c *capture) {
			machine, person := c.addUser("svc-backup"), c.addUser("operator")
			r := c.addRole("prod-ops", 3600, document(statement("Allow", map[string]any{"AWS": []string{machine.Arn, person.Arn}}, "sts:AssumeRole", map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}})))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.withMFA(person, c.ago("9h"), "203.0.113.41", cli), r, "operator", c.ago("8h50m"), c.ago("5m"), ask{})
			w := c.user(machine, "198.51.100.61", boto)
			g := c.addGroup("/prod/ops-backup")
			for i := range 9 {
				at := c.ago("6h").Add(time.Duration(i) * 38 * time.Minute)
				c.refused(g, at, time.Second, w, r, "backup", "backup-1")
			}
		},
	},
	{
		name: "key-off-in-opt-in-region", title: "Bahrain fleet says the token is invalid", now: "2026-06-20T15:00:00Z", role: "fleet-sync", region: "me-south-1",
		what:   "the access key that asks for the sessions was set inactive; the global endpoint hands out version 1 tokens here as well, but nobody uses it",
		source: "[rotating access keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html), [global endpoint](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html)",
		expect: expect{primary: "source-credentials", may: []string{"refresh-failing"}, never: []string{"region-disabled", "no-refresh"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			c.tokens = 1
			u := c.addUser("svc-fleet")
			r := c.addRole("fleet-sync", 3600, trusting(u.Arn))
			c.addTrail("me-south-1")
			c.background()
			u.AccessKeys[0]["Status"] = "Inactive"
			c.iam(c.ago("5h"), c.admin(c.ago("5h")), "UpdateAccessKey", map[string]any{"userName": "svc-fleet", "accessKeyId": u.key(), "status": "Inactive"})
			c.renewed(c.user(u, "198.51.100.62", boto), r, "fleet-0", c.ago("20h"), c.ago("5h5m"), ask{})
			g := c.addGroup("/prod/fleet-sync")
			for i := range 9 {
				g.say(c.ago("4h30m").Add(time.Duration(i)*29*time.Minute), "fleet-0", "botocore.exceptions.ClientError: An error occurred (InvalidClientTokenId) when calling the AssumeRole operation: The security token included in the request is invalid")
			}
		},
	},
	{
		name: "same-names-next-door", title: "Expired tokens of worker-1, is it orders-api", now: "2026-06-21T15:00:00Z", role: "orders-api", region: "eu-west-1",
		what:   "two roles' sessions are both named worker-1 and worker-2; those of the other role, which has a log group of its name, are never renewed",
		source: "[role session names](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html), [log groups are discovered](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html)",
		expect: expect{never: []string{"no-refresh", "refresh-failing", "account-wide-refresh"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("orders-api", 3600)
			other := c.addRole("billing-api", 3600, trusting(u.Arn))
			own, next := c.addGroup("/prod/orders-api"), c.addGroup("/prod/billing-api")
			for i := range 2 {
				name := fmt.Sprintf("worker-%d", i+1)
				c.renewed(c.user(u, "198.51.100.63", boto), r, name, c.ago("30h"), c.ago("5m"), ask{})
				c.worker(next, c.user(u, "198.51.100.64", boto), other, name, name, c.ago("18h").Add(time.Duration(i)*17*time.Minute), 8, ask{}, botoExpired)
				own.chatter(10, name)
			}
		},
	},
	{
		name: "refused-by-an-unseen-change", title: "Order jobs are refused since the morning", now: "2026-06-22T15:00:00Z", role: "orders-writer", region: "eu-west-1",
		what:   "a caller that got sessions until the morning is refused, and the trust policy does not name it; there is no trail, and the event history of us-east-1, which would have the edit, may not be read",
		source: "[IAM events in CloudTrail](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html), [event history](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html)",
		expect: expect{blind: true, never: []string{"no-refresh", "access-denied-other", "sts-service-event"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "denied"}},
		build: func(c *capture) {
			dropped, kept := c.addUser("svc-jobs"), c.addUser("svc-etl")
			r := c.addRole("orders-writer", 3600, trusting(kept.Arn))
			c.background()
			c.editTrust(c.ago("5h"), c.pipeline(c.ago("5h")), r, trusting(kept.Arn))
			w := c.user(dropped, "198.51.100.65", boto)
			c.renewed(w, r, "jobs-0", c.ago("20h"), c.ago("5h5m"), ask{})
			c.renewed(c.user(kept, "198.51.100.66", boto), r, "etl-0", c.ago("20h"), c.ago("5m"), ask{})
			g := c.addGroup("/prod/orders-writer")
			for i := range 9 {
				at := c.ago("4h20m").Add(time.Duration(i) * 28 * time.Minute)
				c.refused(g, at, time.Second, w, r, "jobs-0", "jobs-0")
			}
			c.fault(`{action: "cloudtrail:LookupEvents", region: us-east-1, deny: true}`)
		},
	},
	{
		name: "edit-after-the-refusals", title: "Tax jobs are refused since noon", now: "2026-06-23T15:00:00Z", role: "tax-calc", region: "eu-west-1",
		what:   "AWS names the caller's own policy; four hours after the first refusal the caller was taken out of the trust policy as well, which explains none of what came before",
		source: "[access denied messages](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)",
		expect: expect{primary: "access-denied-other", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "no-refresh"}, steps: map[string]string{"trust-changes": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			dropped, kept := c.addUser("svc-tax"), c.addUser("svc-audit")
			r := c.addRole("tax-calc", 3600, trusting(kept.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, trusting(dropped.Arn, kept.Arn))
			c.editTrust(c.ago("90m"), c.pipeline(c.ago("90m")), r, trusting(kept.Arn))
			w := c.user(dropped, "198.51.100.67", boto)
			c.renewed(w, r, "tax-0", c.ago("20h"), c.ago("6h"), ask{})
			g := c.addGroup("/prod/tax-calc")
			for i := range 11 {
				at := c.ago("5h30m").Add(time.Duration(i) * 29 * time.Minute)
				refusal := notAuthorized(w, r, " because no identity-based policy allows the sts:AssumeRole action")
				c.refuse(at, w, r, "tax-0", ask{}, "AccessDenied", refusal)
				g.say(at.Add(time.Second), "tax-0", "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the AssumeRole operation: "+refusal)
			}
		},
	},
	{
		name: "customers-single-sign-on", title: "The desk says its single sign-on session has expired", now: "2026-06-24T15:00:00Z", role: "desk-tools", region: "eu-west-1",
		what:   "customers' single sign-on sessions end in the product; the role's own are renewed in time, and Identity Center has nothing to do with it",
		source: "[Identity Center sessions](https://docs.aws.amazon.com/singlesignon/latest/userguide/authconcept.html)",
		expect: expect{primary: "not-aws", never: []string{"sso-session-expired", "no-refresh", "refresh-failing"}, steps: map[string]string{"sts-errors": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("desk-tools", 3600)
			c.renewed(c.user(u, "198.51.100.68", boto), r, "desk-0", c.ago("30h"), c.ago("5m"), ask{})
			g := c.addGroup("/prod/desk-tools")
			for i := range 9 {
				g.say(c.ago("5h").Add(time.Duration(i)*31*time.Minute), "desk-0", "AuthError: Your single sign-on session has expired, please log in again (realm=customers)")
			}
			g.chatter(10, "desk-0")
		},
	},
}
