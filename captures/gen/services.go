package main

import (
	"fmt"
	"time"
)

var services = []incident{
	{
		name: "sts-off-in-region", title: "Paris workers cannot assume their role", now: "2026-02-26T15:45:00Z", role: "paris-worker", region: "eu-west-3",
		what:   "STS was deactivated for the region in the account's settings",
		source: "[steampipe-plugin-aws#1510](https://github.com/turbot/steampipe-plugin-aws/issues/1510), [STS by region](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html)",
		expect: expect{primary: "region-disabled", may: []string{"refresh-failing"}, never: []string{"sts-service-event", "no-refresh", "access-denied-other"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-paris")
			r := c.addRole("paris-worker", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.33", javaV2), r, "paris-worker-0", c.ago("20h"), c.ago("3h"), ask{})
			g := c.addGroup("/prod/paris-worker")
			for i := range 7 {
				g.say(c.ago("2h").Add(time.Duration(i)*16*time.Minute), "paris-worker-0", "software.amazon.awssdk.services.sts.model.RegionDisabledException: STS is not activated in this region for account:"+home+". Your account administrator can activate STS in this region using the IAM Console. (Service: Sts, Status Code: 403, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "old-token-in-opt-in-region", title: "Bahrain collectors say the token is invalid", now: "2026-03-12T09:00:00Z", role: "bahrain-collector", region: "me-south-1",
		what:   "the global endpoint hands out version 1 tokens, which an opt-in region refuses",
		source: "[aws-vault#512](https://github.com/99designs/aws-vault/issues/512), [cloudmapper#538](https://github.com/duo-labs/cloudmapper/issues/538)",
		expect: expect{primary: "region-disabled", may: []string{"refresh-failing"}, never: []string{"source-credentials", "no-refresh", "principal-recreated"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-bahrain")
			r := c.addRole("bahrain-collector", 3600, trusting(u.Arn))
			c.tokens = 1
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "198.51.100.35", goV1)
			for at := c.ago("10h"); at.Before(c.now); at = at.Add(55 * time.Minute) {
				c.assume(at, w, r, "bahrain-collector", ask{global: true, region: "us-east-1"})
			}
			g := c.addGroup("/prod/bahrain-collector")
			for i := range 8 {
				g.say(c.ago("9h").Add(time.Duration(i)*61*time.Minute), "bahrain-collector", `level=error msg="list instances" err="AuthFailure: AWS was not able to validate the provided access credentials\n\tstatus code: 401, request id: `+c.uuid()+`"`)
			}
		},
	},
	{
		name: "throttled-by-a-neighbour", title: "Pricing jobs cannot renew at the full hour", now: "2026-10-27T12:20:00Z", role: "pricing-jobs", region: "eu-west-1",
		what:   "a fan-out that takes a session for every item uses up the account's rate; jobs of another role cannot renew",
		source: "[STS quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)",
		expect: expect{primary: "throttled", may: []string{"refresh-failing"}, never: []string{"no-refresh", "sts-service-event", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-pricing")
			r := c.addRole("pricing-jobs", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "198.51.100.101", boto)
			c.renewed(w, r, "pricing-0", c.ago("20h"), c.ago("4h"), ask{})
			g := c.addGroup("/prod/pricing-jobs")
			for i := range 4 {
				at := c.ago("3h20m").Add(time.Duration(i) * time.Hour)
				for n := range 3 {
					c.refuse(at.Add(time.Duration(n)*5*time.Second), w, r, "pricing-0", ask{}, "ThrottlingException", "Rate exceeded")
				}
				g.repeat(at, 3, "pricing-0", "botocore.exceptions.ClientError: An error occurred (Throttling) when calling the AssumeRole operation (reached max retries: 4): Rate exceeded")
			}
		},
	},
	{
		name: "sts-event-open", title: "Everything in Ireland fails to get tokens", now: "2026-11-18T15:10:00Z", role: "payments-core", region: "eu-west-1",
		what:   "AWS reports trouble of STS in the region; unrelated roles with unrelated clients fail since the same minute",
		source: "[AWS Health API](https://docs.aws.amazon.com/health/latest/APIReference/API_DescribeEvents.html)",
		expect: expect{primary: "sts-service-event", may: []string{"refresh-failing"}, never: []string{"no-refresh", "account-wide-refresh", "trust-policy-changed", "throttled"}, steps: map[string]string{"role-and-health": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			c.addTrail("us-east-1")
			c.background()
			start := c.ago("80m")
			c.addHealth("STS", "eu-west-1", "AWS_STS_OPERATIONAL_ISSUE", "open", start, "We are investigating increased error rates for AWS STS in EU-WEST-1.")
			g := c.addGroup("/prod/payments-core")
			for n, name := range []string{"payments-core", "search-core", "mail-core", "stock-core"} {
				u := c.addUser("svc-" + name)
				r := c.addRole(name, 3600, trusting(u.Arn))
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 110+n), []string{boto, javaV2, goV2, jsV3}[n])
				c.renewed(w, r, name+"-0", c.ago("9h"), start.Add(-5*time.Minute), ask{})
				for i := range 6 {
					at := start.Add(time.Duration(2+i*11) * time.Minute)
					c.refuse(at, w, r, name+"-0", ask{}, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
					if n == 0 {
						g.say(at, name+"-0", "botocore.credentials WARNING: Refreshing temporary credentials failed during advisory refresh period. botocore.exceptions.ClientError: An error occurred (InternalFailure) when calling the AssumeRole operation (reached max retries: 4): The request processing has failed")
					}
				}
			}
		},
	},
	{
		name: "health-events-of-others", title: "Subscriptions worker fails while AWS has an event", now: "2026-06-03T17:00:00Z", role: "subscriptions", region: "eu-west-1",
		what:   "IAM's control plane has an open event and EC2 another one in another region; neither touches sessions; the worker never renews",
		source: "[IAM resilience](https://docs.aws.amazon.com/IAM/latest/UserGuide/disaster-recovery-resiliency.html)",
		expect: expect{primary: "no-refresh", never: []string{"sts-service-event", "account-wide-refresh"}, steps: map[string]string{"role-and-health": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-subscriptions")
			r := c.addRole("subscriptions", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.addHealth("IAM", "us-east-1", "AWS_IAM_OPERATIONAL_ISSUE", "open", c.ago("6h"), "Changes to IAM resources are delayed.")
			c.addHealth("EC2", "ap-southeast-2", "AWS_EC2_OPERATIONAL_ISSUE", "open", c.ago("5h"), "Increased launch error rates.")
			g := c.addGroup("/prod/subscriptions")
			c.worker(g, c.user(u, "198.51.100.130", boto), r, "subscriptions-a", "subscriptions-a", c.ago("7h"), 5, ask{}, botoS3Expired)
			// Another role is throttled now and then, all day long.
			other := c.addRole("metrics-push", 3600, trusting(u.Arn))
			for i := range 22 {
				c.refuse(c.ago("23h").Add(time.Duration(i)*62*time.Minute), c.user(u, "198.51.100.131", goV2), other, "push", ask{}, "ThrottlingException", "Rate exceeded")
			}
		},
	},
}
