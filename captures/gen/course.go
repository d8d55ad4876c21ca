package main

import (
	"fmt"
	"time"
)

// courses are incidents whose course in time, or what goes on beside, leads astray.
var courses = []incident{
	{
		name: "over-since-the-morning", title: "Dispatchers failed last night", now: "2026-05-20T13:37:00Z", role: "dispatcher", region: "eu-west-1",
		what:   "a worker never renewed for six hours; the release that mended it came sixteen hours ago, and sessions are renewed in time since",
		source: "[cube#11622](https://github.com/cube-js/cube/issues/11622)",
		expect: expect{primary: "no-refresh", never: []string{"refresh-failing"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u, r := c.simple("dispatcher", 3600)
			w := c.user(u, "198.51.100.35", boto)
			c.worker(c.addGroup("/prod/dispatcher"), w, r, "dispatcher-1", "dispatcher-1", c.ago("22h"), 6, ask{}, botoExpired)
			c.renewed(w, r, "dispatcher-1", c.ago("14h"), c.ago("5m"), ask{})
		},
	},
	{
		name: "asked-right-after-a-failure", title: "Meter reader fails all day long", now: "2026-05-21T13:37:00Z", role: "meter-reader", region: "eu-west-1",
		what:   "a worker has failed every hour since before the window, the last time a minute before the question: the newest failure is no onset",
		source: "[airflow#16770](https://github.com/apache/airflow/issues/16770)",
		expect: expect{primary: "no-refresh", never: []string{"refresh-failing"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u, r := c.simple("meter-reader", 3600)
			g := c.addGroup("/prod/meter-reader")
			w := c.user(u, "198.51.100.36", boto)
			for at := c.ago("29h55m3s"); at.Before(c.now); at = at.Add(66 * time.Minute) {
				if s := c.assume(at, w, r, "meter-reader-0", ask{}); s.ends.Before(c.now) {
					g.repeat(s.ends.Add(5*time.Second), 3, "meter-reader-0", botoExpired)
				}
			}
		},
	},
	{
		name: "one-over-one-going-on", title: "Planner had one trouble and has another", now: "2026-06-11T13:37:00Z", role: "planner", region: "eu-west-1",
		what:   "one worker never renewed until it was mended; hours later another began to ask for more than the role allows",
		source: "[airflow#16770](https://github.com/apache/airflow/issues/16770), [AssumeRole DurationSeconds](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)",
		expect: expect{primary: "duration-above-max", also: []string{"no-refresh"}, may: []string{"refresh-failing"}, never: []string{"max-session-lowered"}},
		build: func(c *capture) {
			u, r := c.simple("planner", 3600)
			g := c.addGroup("/prod/planner")
			c.worker(g, c.user(u, "198.51.100.37", boto), r, "planner-a", "planner-a", c.ago("22h"), 6, ask{}, botoExpired)
			w := c.user(u, "198.51.100.38", boto)
			for i := range 8 {
				at := c.ago("7h").Add(time.Duration(i) * 45 * time.Minute)
				c.refuse(at, w, r, "planner-b", ask{seconds: 10800}, "ValidationError", aboveMax)
				g.say(at, "planner-b", "An error occurred (ValidationError) when calling the AssumeRole operation: "+aboveMax)
			}
		},
	},
	{
		name: "many-and-few", title: "The whole fleet fails every hour", now: "2026-10-29T13:37:00Z", role: "fleet-worker", region: "eu-west-1",
		what:   "six workers never renew; an old caller that was taken out of the trust policy an hour after the first failures asks on: the smaller trouble comes second, however directly it is refused",
		source: "[airflow#16770](https://github.com/apache/airflow/issues/16770), [trust policy changes in CloudTrail](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{primary: "no-refresh", also: []string{"trust-policy-changed"}, may: []string{"refresh-failing"}, never: []string{"access-denied-other"}},
		build: func(c *capture) {
			u, former := c.addUser("svc-fleet"), c.addUser("svc-former")
			r := c.addRole("fleet-worker", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, trusting(u.Arn, former.Arn))
			c.editTrust(c.ago("7h"), c.pipeline(c.ago("7h")), r, trusting(u.Arn))
			g := c.addGroup("/prod/fleet-worker")
			for i := range 6 {
				name := fmt.Sprintf("fleet-worker-%02d", i)
				c.worker(g, c.user(u, fmt.Sprintf("198.51.100.%d", 40+i), boto), r, name, name, c.ago("8h").Add(time.Duration(i)*6*time.Minute), 6, ask{}, botoExpired)
			}
			w := c.user(former, "198.51.100.99", goV2)
			c.renewed(w, r, "former-1", c.ago("20h"), c.ago("7h5m"), ask{})
			for i := range 6 {
				c.refuse(c.ago("6h").Add(time.Duration(i)*50*time.Minute), w, r, "former-1", ask{}, "AccessDenied", notAuthorized(w, r, ""))
			}
		},
	},
	{
		name: "retries-that-succeed", title: "Some throttling was seen, is it the sessions", now: "2026-12-03T13:37:00Z", role: "label-printer", region: "eu-west-1",
		what:   "STS throttles two calls, whose retries get a session within seconds; SSM throttles a parameter that is named credentials; the SDK could not renew early once, and could at its next try",
		source: "[retry behavior](https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html), [botocore's refresh](https://github.com/boto/botocore/blob/develop/botocore/credentials.py)",
		expect: expect{never: []string{"throttled", "refresh-failing", "no-refresh"}, steps: map[string]string{"trust-changes": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("label-printer", 3600)
			w := c.user(u, "198.51.100.50", boto)
			c.renewed(w, r, "label-printer-0", c.ago("30h"), c.ago("10m"), ask{})
			for _, d := range []string{"14h", "5h"} {
				c.refuse(c.ago(d), w, r, "label-printer-0", ask{}, "Throttling", "Rate exceeded")
				c.assume(c.ago(d).Add(3*time.Second), w, r, "label-printer-0", ask{})
			}
			g := c.addGroup("/prod/label-printer")
			g.say(c.ago("9h"), "label-printer-0", `WARNING botocore.credentials: Refreshing temporary credentials failed during advisory refresh period. botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "https://sts.eu-west-1.amazonaws.com/"`)
			for i := range 4 {
				g.say(c.ago("8h").Add(time.Duration(i)*time.Hour), "label-printer-0", "An error occurred (ThrottlingException) when calling the GetParameter operation: Rate exceeded; too many requests for /prod/db/credentials")
			}
			g.chatter(10, "label-printer-0")
		},
	},
	{
		name: "revoked-last-night", title: "Matcher fails every hour", now: "2026-08-05T13:37:00Z", role: "matcher", region: "eu-west-1",
		what:   "the role's sessions were revoked in the night and every client had a new one within the minute; what fails since the morning are sessions past their own end",
		source: "[revoke IAM role temporary credentials](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html)",
		expect: expect{primary: "no-refresh", never: []string{"sessions-revoked", "access-denied-other"}, steps: map[string]string{"trust-changes": "found", "role-config": "found"}},
		build: func(c *capture) {
			u, r := c.simple("matcher", 3600)
			cut := c.ago("16h")
			r.inline("AWSRevokeOlderSessions", revoking(cut))
			c.iam(cut.Add(2*time.Second), c.admin(cut), "PutRolePolicy", map[string]any{"roleName": "matcher", "policyName": "AWSRevokeOlderSessions", "policyDocument": text(revoking(cut))})
			w := c.user(u, "198.51.100.51", boto)
			c.renewed(w, r, "matcher-1", c.ago("30h"), cut, ask{})
			c.renewed(w, r, "matcher-1", cut.Add(time.Minute), c.ago("9h"), ask{})
			c.worker(c.addGroup("/prod/matcher"), w, r, "matcher-1", "matcher-1", c.ago("8h"), 6, ask{}, botoExpired)
		},
	},
	{
		name: "max-lowered-and-back", title: "Night run failed between two and eight", now: "2026-03-19T15:37:00Z", role: "night-run", region: "eu-west-1",
		what:   "the maximum session length was lowered and set back six hours later; it is over",
		source: "[UpdateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html)",
		expect: expect{primary: "max-session-lowered", may: []string{"duration-above-max", "refresh-failing"}, never: []string{"no-refresh", "trust-policy-changed"}, steps: map[string]string{"trust-changes": "found"}},
		build: func(c *capture) {
			u, r := c.simple("night-run", 43200)
			made := c.now.AddDate(0, 0, -80)
			r.CreateDate = made.Format(cliTime)
			c.iam(made, c.pipeline(made), "CreateRole", map[string]any{"roleName": "night-run", "maxSessionDuration": 43200, "assumeRolePolicyDocument": text(r.AssumeRolePolicyDocument)})
			c.iam(c.ago("14h"), c.admin(c.ago("14h")), "UpdateRole", map[string]any{"roleName": "night-run", "maxSessionDuration": 3600})
			c.iam(c.ago("8h"), c.admin(c.ago("8h")), "UpdateRole", map[string]any{"roleName": "night-run", "maxSessionDuration": 43200})
			w := c.user(u, "198.51.100.52", javaV2)
			c.assume(c.ago("30h"), w, r, "night-run", ask{seconds: 43200})
			for i := range 6 {
				c.refuse(c.ago("13h").Add(time.Duration(i)*40*time.Minute), w, r, "night-run", ask{seconds: 43200}, "ValidationError", aboveMax)
			}
			c.assume(c.ago("7h50m"), w, r, "night-run", ask{seconds: 43200})
			c.addGroup("/prod/night-run").chatter(10, "night-run")
		},
	},
	{
		name: "values-from-another-day", title: "Old host fails for days", now: "2026-09-17T13:37:00Z", role: "legacy-sync", region: "eu-west-1",
		what:   "a host goes on with values that were copied days ago: its lines name the role, and CloudTrail, which covers everything, saw no session of it issued since",
		source: "[boto3 sessions](https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html), [session length](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html#id_roles_update-session-duration)",
		expect: expect{primary: "no-refresh", never: []string{"refresh-failing", "source-credentials"}, steps: map[string]string{"sessions": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			_, r := c.simple("legacy-sync", 3600)
			g := c.addGroup("/prod/legacy-sync")
			for i := range 10 {
				g.say(c.ago("20h").Add(time.Duration(i)*2*time.Hour), "host-9", "An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired. "+c.arn("sts", home, "assumed-role/"+r.RoleName+"/host-9"))
			}
		},
	},
	{
		name: "neighbours-refused-calls", title: "Lots of credential errors in the region", now: "2026-11-19T13:37:00Z", role: "quote-api", region: "eu-west-1",
		what:   "the role's own log group is quiet and its sessions are renewed in time; in another team's group, found by discovery too, renewals fail, lengths are refused and keys are unknown, and no line says of which role",
		source: "[log groups are discovered](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html)",
		expect: expect{never: []string{"refresh-failing", "duration-above-max", "source-credentials", "access-denied-other"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("quote-api", 3600)
			c.renewed(c.user(u, "198.51.100.53", boto), r, "quote-api-1", c.ago("30h"), c.ago("10m"), ask{})
			c.addGroup("/prod/quote-api").chatter(20, "quote-api-1")
			g := c.addGroup("/shared/door-gateway")
			for i := range 8 {
				at := c.ago("9h").Add(time.Duration(i) * 45 * time.Minute)
				g.say(at, "gateway-1", "failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata")
				g.say(at, "gateway-2", "An error occurred (ValidationError) when calling the AssumeRole operation: "+aboveMax)
				g.say(at, "gateway-3", "UnrecognizedClientException: The security token included in the request is invalid")
				g.say(at, "gateway-4", "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied")
			}
		},
	},
	{
		name: "sts-endpoint-fails", title: "Nothing in Frankfurt gets a session", now: "2026-02-05T13:37:00Z", role: "core-api", region: "eu-central-1",
		what:   "the regional STS endpoint answers ServiceUnavailable, to the tool's probe as well; the support plan has no Health API, and unrelated roles fail since the same minute",
		source: "[STS common errors](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html), [AWS Health API](https://docs.aws.amazon.com/health/latest/ug/health-api.html)",
		expect: expect{primary: "sts-service-event", may: []string{"refresh-failing"}, never: []string{"account-wide-refresh", "no-refresh", "throttled"}, steps: map[string]string{"sts-errors": "found"}},
		build: func(c *capture) {
			c.noHealth = true
			c.addTrail("eu-west-1")
			c.background()
			c.fault(`{action: "sts:GetCallerIdentity", region: eu-central-1, error: ServiceUnavailable}`)
			start := c.ago("70m")
			g := c.addGroup("/prod/core-api")
			for n, name := range []string{"core-api", "search-job", "mail-job", "stock-job"} {
				u := c.addUser("svc-" + name)
				r := c.addRole(name, 3600, trusting(u.Arn))
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 110+n), []string{boto, javaV2, goV2, jsV3}[n])
				c.renewed(w, r, name+"-0", c.ago("9h"), start.Add(-5*time.Minute), ask{})
				for i := range 6 {
					at := start.Add(time.Duration(2+i*10) * time.Minute)
					c.refuse(at, w, r, name+"-0", ask{}, "ServiceUnavailable", "Service is unable to handle request.")
					if n == 0 {
						g.say(at, name+"-0", "botocore.exceptions.ClientError: An error occurred (ServiceUnavailable) when calling the AssumeRole operation (reached max retries: 4): Service is unable to handle request.")
					}
				}
			}
		},
	},
}
