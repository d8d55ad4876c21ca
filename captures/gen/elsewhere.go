package main

import "time"

// The account that keeps the organization's logs, and the one that manages it.
const (
	archive    = "999988887777"
	management = "888877776666"
	sibling    = "777788889999"
)

// elsewhere are incidents whose evidence is in other accounts than the asked one.
var elsewhere = []incident{
	{
		name: "org-trail-through-link", title: "New rates reader is refused, its predecessor works", now: "2026-11-10T14:30:00Z", role: "exchange/rates-feed", region: "eu-west-1",
		what: "the denials of another account's new role are recorded in its own account; the organization's trail, whose log group is the log archive's and linked to the asked account, shows them; " +
			"a namesake of the role in a third account is in the same group, and a stranger's expired sessions are in a linked one",
		source: "[cross-account observability](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html), [delegated administrator of trails](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-delegated-administrator.html)",
		expect: expect{primary: "cross-account-denied", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "max-session-lowered", "no-refresh", "access-denied-other", "account-wide-refresh"},
			steps: map[string]string{"sts-errors": "found", "trust-changes": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			c.ratesFeed()
			c.addGroup("/prod/rates-feed").chatter(12, "rates-feed-0")
			c.linkedGroup(archive, "org/management-events", true)
			c.linkedGroup(partner, "/prod/rates-feed", true).chatter(12, "rates-reader-v2-0")
			c.linkedGroup(sibling, "/prod/door-gateway", true).repeat(c.ago("3h"), 6, "gateway-2", "door event not sent: "+botoExpired)
		},
	},
	{
		name: "org-trail-out-of-reach", title: "New rates reader is refused, nobody sees it", now: "2026-11-10T14:30:00Z", role: "exchange/rates-feed", region: "eu-west-1",
		what:   "the same, but neither the log archive nor the caller's account is linked: the event history of the role's account has no denial, and the caller's logs are out of reach",
		source: "[cross-account observability](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html), [cross-account events](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{blind: true, never: []string{"cross-account-denied", "trust-policy-changed", "max-session-lowered", "no-refresh"},
			steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear", "app-errors": "blind"}},
		build: func(c *capture) {
			c.ratesFeed()
			c.linkedGroup(archive, "org/management-events", false)
			c.linkedGroup(partner, "/prod/rates-feed", false).chatter(12, "rates-reader-v2-0")
		},
	},
}

// linkedGroup makes a log group of another account, linked to the asked one or not.
func (c *capture) linkedGroup(account, name string, linked bool) *group {
	g := c.addGroup(name)
	g.account, g.linked = account, linked
	return g
}

// ratesFeed is a role that one role of another account may assume and its
// successor may not, in an organization that keeps its trail's log group in the
// log archive. A role of the same name in a third account had its trust policy
// and its longest session changed, and fails too.
func (c *capture) ratesFeed() {
	reader, successor := c.someRole(partner, "rates-reader"), c.someRole(partner, "rates-reader-v2")
	r := c.addRole("exchange/rates-feed", 3600, trusting(reader.Arn))
	t := c.addTrail("eu-west-1")
	t.Name, t.IsOrganizationTrail = "org-events", true
	t.TrailARN = "arn:aws:cloudtrail:eu-west-1:" + management + ":trail/org-events"
	t.CloudWatchLogsLogGroupArn = "arn:aws:logs:eu-west-1:" + archive + ":log-group:org/management-events:*"
	c.background()
	w := c.as(reader, "rates", c.ago("27h"), "203.0.113.160", goV2)
	for h := 25; h > 0; h -= 2 {
		c.assume(c.now.Add(-time.Duration(h)*time.Hour), w, r, "rates", ask{copies: true})
	}
	for i := range 6 {
		at := c.ago("6h").Add(time.Duration(i) * 53 * time.Minute)
		v2 := c.as(successor, "rates", at.Add(-8*time.Minute), "203.0.113.161", goV2)
		c.refuse(at, v2, r, "rates", ask{}, "AccessDenied", notAuthorized(v2, r, ""))
	}
	namesake, theirs := c.someRole(sibling, "exchange/rates-feed"), c.as(c.someRole(sibling, "platform"), "deploy", c.ago("7h"), "203.0.113.162", cli)
	before := len(c.records)
	c.iam(c.ago("6h30m"), theirs, "UpdateRole", map[string]any{"roleName": namesake.RoleName, "maxSessionDuration": 3600})
	for i := range 4 {
		c.refuse(c.ago("6h").Add(time.Duration(i)*70*time.Minute), theirs, namesake, "rates", ask{seconds: 7200}, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	for i := range c.records[before:] {
		c.records[before+i].RecipientAccountID = sibling
	}
}
