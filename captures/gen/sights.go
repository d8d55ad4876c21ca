package main

import (
	"fmt"
	"time"
)

var sights = []incident{
	{
		name: "nothing-fits-busy", title: "Somebody read expired token in a dashboard", now: "2026-09-22T16:40:00Z", role: "inventory-api", region: "eu-west-1",
		what:   "busy logs, sessions renewed in time, another role's expired sessions and users' expired tokens in log groups nearby, and one colleague who tried the role once: nothing of it explains anything",
		source: "[CloudTrail and failed authentication](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{never: []string{"no-refresh", "access-denied-other", "refresh-failing", "not-aws", "account-wide-refresh"}, steps: map[string]string{"trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-inventory")
			r := c.addRole("inventory-api", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.150", javaV2), r, "inventory-api-0", c.ago("30h"), c.ago("5m"), ask{seconds: 3600})
			curious := c.addUser("colleague-3")
			w := c.user(curious, "203.0.113.47", cli)
			c.refuse(c.ago("6h20m"), w, r, "try", ask{}, "AccessDenied", notAuthorized(w, r, ""))
			c.addGroup("/prod/inventory-api").chatter(60, "inventory-api-0", "inventory-api-1")
			c.lookAlikes(c.addGroup("/shared/portal"), 15, "portal-1")
			other := c.addRole("legacy-fax", 3600, trusting(u.Arn))
			g := c.addGroup("/prod/legacy")
			for i := range 4 {
				s := c.assume(c.ago("14h").Add(time.Duration(i)*3*time.Hour), c.user(u, "198.51.100.151", goV1), other, "legacy-fax-0", ask{seconds: 900})
				g.repeat(s.ends.Add(9*time.Second), 3, "legacy-fax-0", "fax: ExpiredToken: The security token included in the request is expired for "+s.ARN)
			}
		},
	},
	{
		name: "noise-beside-cause", title: "Settlement worker fails every hour", now: "2026-12-09T13:20:00Z", role: "settlement", region: "eu-west-1",
		what:   "a worker that never renews; beside it a caller that was never let in tries twice a day, another role is throttled all day long, and another application's tokens expire in a discovered log group",
		source: "[airflow#16770](https://github.com/apache/airflow/issues/16770)",
		expect: expect{primary: "no-refresh", never: []string{"access-denied-other", "throttled", "not-aws", "account-wide-refresh", "cross-account-denied"}},
		build: func(c *capture) {
			u := c.addUser("svc-settlement")
			r := c.addRole("settlement", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/prod/settlement")
			c.worker(g, c.user(u, "198.51.100.160", boto), r, "settlement-main", "settlement-main", c.ago("11h"), 8, ask{}, botoExpired)
			curious := c.addUser("colleague-5")
			for _, d := range []string{"21h", "8h"} {
				w := c.user(curious, "203.0.113.48", cli)
				c.refuse(c.ago(d), w, r, "try", ask{}, "AccessDenied", notAuthorized(w, r, ""))
			}
			other := c.addRole("metrics-push", 3600, trusting(u.Arn))
			for i := range 20 {
				c.refuse(c.ago("23h").Add(time.Duration(i)*67*time.Minute), c.user(u, "198.51.100.161", goV2), other, "push", ask{}, "ThrottlingException", "Rate exceeded")
			}
			c.lookAlikes(c.addGroup("/prod/portal"), 20, "portal-1", "portal-2")
			fax := c.addGroup("/prod/legacy")
			fax.repeat(c.ago("7h"), 6, "fax-gateway-0", "fax: ExpiredToken: The security token included in the request is expired for "+c.arn("sts", home, "assumed-role/legacy-fax/fax-gateway-0"))
		},
	},
	{
		name: "neighbours-expired-sessions", title: "Expired tokens seen while the batch runs", now: "2026-08-18T15:00:00Z", role: "statement-batch", region: "eu-west-1",
		what:   "every batch job has a session of its own name and is done long before its end; a gateway of another team, in a log group that discovery finds too, uses expired credentials and does not say whose",
		source: "[log groups are discovered](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html)",
		expect: expect{never: []string{"no-refresh", "refresh-failing", "account-wide-refresh"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-statements")
			r := c.addRole("statement-batch", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			batch := c.addGroup("/prod/statement-batch")
			for h := 30; h > 0; h -= 3 {
				at, name := c.now.Add(-time.Duration(h)*time.Hour), fmt.Sprintf("statement-%d", 8200+h)
				s := c.assume(at, c.user(u, "198.51.100.155", boto), r, name, ask{})
				c.use(at.Add(9*time.Minute), s, "")
				batch.say(at.Add(20*time.Minute), name, `{"level":"info","msg":"batch done","statements":4100}`)
			}
			gateway := c.addGroup("/shared/door-gateway")
			for i := range 5 {
				gateway.repeat(c.ago("20h40m").Add(time.Duration(i)*253*time.Minute), 4, "gateway-2", "door event not sent: "+botoExpired)
			}
		},
	},
	{
		name: "only-look-alikes", title: "Portal reports expired tokens", now: "2026-04-15T09:20:00Z", role: "portal-web", region: "eu-west-1",
		what:   "user tokens, registry tokens and presigned links expire; nothing of AWS's credentials does",
		source: "[avni-client#1088](https://github.com/avniproject/avni-client/issues/1088), [Cognito tokens](https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html)",
		expect: expect{primary: "not-aws", never: []string{"no-refresh", "idp-token-expired", "access-denied-other", "refresh-failing"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			r := c.addRole("portal-web", 3600, trustingService("ecs-tasks.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			for h := 34; h > 0; h -= 5 {
				c.assume(c.now.Add(-time.Duration(h)*time.Hour), service("ecs-tasks.amazonaws.com"), r, c.hex(32), ask{lasts: 21600})
			}
			g := c.addGroup("/ecs/portal-web")
			c.lookAlikes(g, 35, "portal-web/web/1", "portal-web/web/2")
			g.chatter(15, "portal-web/web/1")
		},
	},
	{
		name: "write-only-trail", title: "Consumers report expired tokens", now: "2026-07-28T10:00:00Z", role: "event-consumer", region: "eu-west-1",
		what:   "the trail records writes only, so it has no AssumeRole; the event history may not be read; lines of expired sessions alone do not tell whether anybody renews",
		source: "[AssumeRole is a read event](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html), [event selectors](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html)",
		expect: expect{blind: true, never: []string{"no-refresh", "refresh-failing", "sts-service-event", "trust-policy-changed"}, steps: map[string]string{"sts-errors": "denied", "sessions": "denied", "trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-events")
			r := c.addRole("event-consumer", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1").EventSelectors[0]["ReadWriteType"] = "WriteOnly"
			c.background()
			g := c.addGroup("/prod/event-consumer")
			c.worker(g, c.user(u, "198.51.100.180", javaV2), r, "consumer-a", "consumer-a", c.ago("8h"), 4, ask{}, javaExpired)
			c.fault(`{action: "cloudtrail:LookupEvents", deny: true}`)
		},
	},
	{
		name: "write-only-trail-with-history", title: "Loader asks for too much", now: "2026-07-30T12:00:00Z", role: "bulk-loader", region: "eu-west-1",
		what:   "the trail records writes only, but the event history has the refused calls",
		source: "[event history](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html), [AssumeRole DurationSeconds](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)",
		expect: expect{primary: "duration-above-max", may: []string{"refresh-failing"}, never: []string{"max-session-lowered", "no-refresh"}, steps: map[string]string{"sts-errors": "found", "app-errors": "blind"}},
		build: func(c *capture) {
			u := c.addUser("svc-loader")
			r := c.addRole("bulk-loader", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1").EventSelectors[0]["ReadWriteType"] = "WriteOnly"
			c.background()
			w := c.user(u, "198.51.100.181", boto)
			for i := range 6 {
				c.refuse(c.ago("9h").Add(time.Duration(i)*80*time.Minute), w, r, "load", ask{seconds: 14400}, "ValidationError", aboveMax)
			}
			c.fault(`{action: "health:DescribeEvents", throttle: true, times: 2}`)
		},
	},
	{
		name: "no-trail-only-history", title: "Exports are refused since this morning", now: "2026-01-07T13:55:00Z", role: "order-export", region: "eu-west-2",
		what:   "an account without a trail: the event history alone shows the edit of the trust policy and the denials",
		source: "[event history](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html), [airflow#17190](https://github.com/apache/airflow/issues/17190)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"no-refresh", "access-denied-other"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "found"}},
		build: func(c *capture) {
			tasks := c.addRole("export-tasks", 3600, trustingService("ecs-tasks.amazonaws.com"))
			other := c.addRole("report-tasks", 3600, trustingService("ecs-tasks.amazonaws.com"))
			r := c.addRole("order-export", 3600, trusting(other.Arn))
			c.background()
			c.noHealth = true
			c.editTrust(c.ago("6h"), c.admin(c.ago("6h")), r, r.AssumeRolePolicyDocument) // and no earlier version within 90 days
			c.renewed(c.as(tasks, c.hex(32), c.ago("23h"), "10.5.0.8", boto), r, "order-export", c.ago("23h"), c.ago("6h5m"), ask{})
			g := c.addGroup("/ecs/order-export")
			for i := range 6 {
				at := c.ago("5h10m").Add(time.Duration(i) * 50 * time.Minute)
				task := c.hex(32)
				w := c.as(tasks, task, at.Add(-time.Minute), "10.5.0.8", boto)
				c.refused(g, at, 0, w, r, "order-export", "order-export/"+task)
			}
			c.fault(`{action: "logs:StartQuery", deny: true}`)
		},
	},
	{
		name: "young-log-group", title: "Tokens expired last night, they say", now: "2026-08-25T09:30:00Z", role: "night-batch", region: "eu-west-1",
		what:   "the application's log group was made an hour ago and another keeps one day of two that are asked for: silence there proves nothing, and users' tokens that expire in a neighbour's group do not make up for it",
		source: "[log retention](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html)", window: "48h",
		expect: expect{blind: true, never: []string{"no-refresh", "refresh-failing", "not-aws"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-night")
			r := c.addRole("night-batch", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.190", boto), r, "night-batch", c.ago("40h"), c.ago("20m"), ask{seconds: 7200})
			young := c.addGroup("/prod/night-batch")
			young.created = c.ago("1h").Format(time.RFC3339)
			young.say(c.ago("50m"), "night-batch", `{"level":"info","msg":"starting"}`)
			short := c.addGroup("/prod/night-batch-audit")
			short.retention = 1
			short.chatter(10, "night-batch")
			c.lookAlikes(c.addGroup("/shared/portal"), 12, "portal-3")
		},
	},
	{
		name: "query-ends-in-timeout", title: "Feed reader fails, they say", now: "2026-02-12T14:30:00Z", role: "feed-reader", region: "eu-west-1",
		what:   "Logs Insights gives partial rows and then ends the queries as Timeout: partial rows are no answer; the event history shows no failed call",
		source: "[GetQueryResults](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html)",
		expect: expect{blind: true, never: []string{"no-refresh", "refresh-failing", "not-aws"}, steps: map[string]string{"app-errors": "blind", "sts-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-feed")
			r := c.addRole("feed-reader", 3600, trusting(u.Arn))
			c.background()
			g := c.addGroup("/prod/feed-reader")
			c.worker(g, c.user(u, "198.51.100.191", boto), r, "feed-reader-0", "feed-reader-0", c.ago("6h"), 4, ask{}, botoExpired)
			c.fault(`{action: "logs:GetQueryResults", stay: Timeout}`)
		},
	},
	{
		name: "slow-query-throttled-apis", title: "Catalogue worker fails behind a busy account", now: "2026-10-15T11:25:00Z", role: "catalogue-worker", region: "eu-west-1",
		what:   "a worker that never renews, in an account whose APIs throttle, whose queries start late and run long: everything is retried and awaited",
		source: "[CloudWatch Logs quotas](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html), [airflow#16770](https://github.com/apache/airflow/issues/16770)",
		expect: expect{primary: "no-refresh", never: []string{"throttled", "trust-policy-changed"}, steps: map[string]string{"role-and-health": "clear", "app-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-catalogue")
			r := c.addRole("catalogue-worker", 3600, trusting(u.Arn))
			c.addTrail("us-east-1") // elsewhere, so that each fault meets one query and the run is the same every time
			c.background()
			g := c.addGroup("/prod/catalogue-worker")
			c.worker(g, c.user(u, "198.51.100.192", goV2), r, "catalogue-worker-0", "catalogue-worker-0", c.ago("9h"), 6, ask{seconds: 3600}, goExpired)
			c.fault(`{action: "iam:GetRole", throttle: true, times: 2}`)
			c.fault(`{action: "logs:StartQuery", region: eu-west-1, error: LimitExceededException, times: 3}`)
			c.fault(`{action: "logs:GetQueryResults", region: eu-west-1, stay: Running, times: 3}`)
			c.fault(`{action: "health:DescribeEvents", error: InternalFailure, times: 1}`)
		},
	},
	{
		name: "role-of-another-account", title: "Their payments-api does not let us in any more", now: "2026-05-21T15:15:00Z", role: "arn:aws:iam::" + partner + ":role/payments-api", region: "eu-west-1",
		what:   "the ARN names a role of an account into which there is no way; a role of the same name in this account has troubles of its own",
		source: "[cross-account events](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{blind: true, never: []string{"no-refresh", "trust-policy-changed", "role-missing", "duration-above-max"}, steps: map[string]string{"role-and-health": "blind", "role-config": "blind", "trust-changes": "blind"}},
		build: func(c *capture) {
			u := c.addUser("svc-payments")
			namesake := c.addRole("payments-api", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.ago("7h"), c.admin(c.ago("7h")), namesake, trusting(u.Arn))
			w := c.user(u, "198.51.100.193", boto)
			for i := range 5 {
				c.refuse(c.ago("6h").Add(time.Duration(i)*time.Hour), w, namesake, "payments", ask{seconds: 43200}, "ValidationError", aboveMax)
			}
			g := c.addGroup("/prod/payments")
			for i := range 5 {
				g.repeat(c.ago("6h").Add(time.Duration(i)*time.Hour), 2, fmt.Sprintf("payments-%d", i), "An error occurred (ExpiredToken) when calling the PutItem operation: The security token included in the request is expired "+c.arn("sts", home, "assumed-role/payments-api/payments"))
			}
		},
	},
	{
		name: "misspelt-role", title: "invoice-workers cannot be looked up", now: "2026-11-25T10:10:00Z", role: "invoice-workers", region: "eu-west-1",
		what:   "the name that was typed is not a role's; one with nearly the same name is, and its worker is well",
		source: "[GetRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html)",
		expect: expect{primary: "role-missing", never: []string{"no-refresh", "principal-recreated"}, steps: map[string]string{"role-and-health": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-invoices")
			r := c.addRole("invoice-worker", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.194", javaV2), r, "invoice-worker-0", c.ago("20h"), c.ago("10m"), ask{})
			c.addGroup("/prod/invoice-worker").chatter(20, "invoice-worker-0")
		},
	},
}
