package main

import (
	"fmt"
	"time"
)

// followUps are two incidents for each follow-up check: one that the first look
// cannot explain and the check can, one in which the check honestly finds
// nothing. What expect says is right for the first look.
var followUps = []incident{
	{
		name: "follow-up-extend-finds", title: "Last night's import died and nobody knows why", now: "2026-04-15T14:00:00Z", role: "ledger-import", region: "eu-west-1",
		what:   "the maximum session length was lowered 31 hours ago and an import was refused for five hours; it has been switched off since, so the last 24 hours show nothing (`extend-48h` finds `max-session-lowered`)",
		source: "[configure-aws-credentials#488](https://github.com/aws-actions/configure-aws-credentials/issues/488)",
		expect: expect{never: []string{"max-session-lowered", "duration-above-max", "no-refresh"}, steps: map[string]string{"trust-changes": "clear", "sts-errors": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-ledger")
			r := c.addRole("ledger-import", 7200, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/prod/ledger-import")
			w := c.user(u, "198.51.100.20", boto)
			c.iam(c.ago("1440h"), c.admin(c.ago("1440h")), "UpdateRole", map[string]any{"roleName": "ledger-import", "maxSessionDuration": 14400, "description": "imports of the ledger"})
			for _, d := range []string{"47h30m", "43h50m", "40h", "36h10m", "32h20m"} {
				c.use(c.ago(d).Add(time.Minute), c.assume(c.ago(d), w, r, "ledger-import-0", ask{seconds: 14400}), "")
			}
			c.iam(c.ago("31h"), c.pipeline(c.ago("31h")), "UpdateRole", map[string]any{"roleName": "ledger-import", "maxSessionDuration": 7200, "description": "imports of the ledger"})
			for i := range 10 {
				at := c.ago("28h30m").Add(time.Duration(i) * 23 * time.Minute)
				c.refuse(at, w, r, "ledger-import-0", ask{seconds: 14400}, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
				g.say(at.Add(time.Second), "ledger-import-0", "botocore.exceptions.ClientError: An error occurred (ValidationError) when calling the AssumeRole operation: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
			}
			g.chatter(40, "ledger-import-1", "ledger-report")
			c.renewed(c.user(u, "198.51.100.21", boto), r, "ledger-report", c.ago("34h"), c.ago("10m"), ask{})
		},
	},
	{
		name: "follow-up-extend-nothing", title: "An alert that nobody can reproduce", now: "2026-04-22T10:30:00Z", role: "catalog-sync", region: "us-west-2",
		what:   "sessions are renewed in time on every day of the week; a longer window shows the same (`extend-48h` finds nothing)",
		source: "[CloudTrail and failed authentication](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{never: []string{"no-refresh", "refresh-failing"}, steps: map[string]string{"trust-changes": "clear", "sts-errors": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-catalog")
			r := c.addRole("catalog-sync", 3600, trusting(u.Arn))
			c.addTrail("us-west-2")
			c.background()
			c.renewed(c.user(u, "198.51.100.24", javaV2), r, "catalog-sync-0", c.ago("70h"), c.ago("5m"), ask{})
			c.addGroup("/prod/catalog-sync").chatter(50, "catalog-sync-0", "catalog-sync-1")
		},
	},
	{
		name: "follow-up-refresh-late", title: "Gaps of a few minutes in the sensor feed, every hour", now: "2026-05-06T17:00:00Z", role: "sensor-feed", region: "eu-central-1",
		what:   "a client asks for its next session four to nine minutes after each one has ended and logs nothing of it (`token-refresh` finds `no-refresh`)",
		source: "[terraform-provider-aws#37647](https://github.com/hashicorp/terraform-provider-aws/issues/37647)",
		expect: expect{never: []string{"no-refresh", "refresh-failing"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-sensors")
			r := c.addRole("sensor-feed", 3600, trusting(u.Arn))
			c.addTrail("eu-central-1")
			c.background()
			at := c.ago("23h40m")
			for at.Before(c.ago("20m")) {
				s := c.assume(at, c.user(u, "198.51.100.61", goV1), r, "sensor-feed-a", ask{seconds: 3600})
				c.use(at.Add(30*time.Second), s, "")
				c.use(s.ends.Add(-2*time.Minute), s, "")
				at = s.ends.Add(time.Duration(240+c.rng.IntN(300)) * time.Second)
			}
			c.renewed(c.user(u, "198.51.100.62", boto), r, "sensor-feed-b", c.ago("30h"), c.ago("5m"), ask{})
			c.addGroup("/prod/sensor-feed").chatter(50, "sensor-feed-a", "sensor-feed-b")
		},
	},
	{
		name: "follow-up-refresh-fine", title: "Do our clients renew as they should?", now: "2026-05-13T09:15:00Z", role: "geo-index", region: "eu-west-1",
		what:   "three clients with three SDKs, all of which renew well before the end (`token-refresh` finds nothing)",
		source: "[botocore's refresh](https://github.com/boto/botocore/blob/develop/botocore/credentials.py)",
		expect: expect{never: []string{"no-refresh", "refresh-failing"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-geo")
			r := c.addRole("geo-index", 14400, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			for i, agent := range []string{boto, javaV2, jsV3} {
				name := fmt.Sprintf("geo-index-%d", i)
				c.renewed(c.user(u, fmt.Sprintf("198.51.100.%d", 70+i), agent), r, name, c.ago("34h"), c.ago("4m"), ask{seconds: 3600 * (i + 1)})
			}
			c.addGroup("/prod/geo-index").chatter(50, "geo-index-0", "geo-index-1", "geo-index-2")
		},
	},
	{
		name: "follow-up-mfa-no-device", title: "The on-call engineer cannot take the emergency role", now: "2026-06-17T03:40:00Z", role: "emergency-access", region: "eu-west-1",
		what:   "a user is refused a role that wants MFA; the calls went to another region's endpoint, so only a log line shows them, and the user has no device (`mfa` finds `mfa-condition`)",
		source: "[MFA-protected API access](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html)",
		expect: expect{primary: "access-denied-other", never: []string{"trust-policy-changed", "no-refresh"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			lead, spare := c.addUser("oncall-lead"), c.addUser("oncall-spare")
			spare.MFADevices = []map[string]string{{"SerialNumber": c.arn("iam", home, "mfa/oncall-spare"), "EnableDate": "2025-10-02T08:00:00+00:00"}}
			r := c.addRole("emergency-access", 3600, document(statement("Allow", map[string]any{"AWS": []string{lead.Arn, spare.Arn}}, "sts:AssumeRole",
				map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}})))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ops/emergency-access")
			w := c.user(lead, "203.0.113.71", cli)
			for i := range 4 {
				at := c.ago("1h50m").Add(time.Duration(i) * 21 * time.Minute)
				c.refuse(at, w, r, "oncall", ask{region: "eu-central-1"}, "AccessDenied", notAuthorized(w, r, ""))
				g.say(at.Add(time.Second), "shell-1", "An error occurred (AccessDenied) when calling the AssumeRole operation: "+notAuthorized(w, r, ""))
			}
			other := c.user(spare, "203.0.113.72", cli)
			c.assume(c.ago("15h"), other, r, "oncall", ask{serial: c.arn("iam", home, "mfa/oncall-spare")})
			g.chatter(30, "shell-1", "shell-2")
		},
	},
	{
		name: "follow-up-mfa-fine", title: "Is it the tokens of our phones?", now: "2026-06-24T11:05:00Z", role: "reporting-reader", region: "eu-west-1",
		what:   "nothing asks for MFA, and the users who call have devices (`mfa` finds nothing)",
		source: "[MFA-protected API access](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html)",
		expect: expect{never: []string{"mfa-condition"}, steps: map[string]string{"trust-changes": "clear", "sts-errors": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			a, b := c.addUser("analyst-1"), c.addUser("analyst-2")
			r := c.addRole("reporting-reader", 3600, trusting(a.Arn, b.Arn))
			c.addTrail("eu-west-1")
			c.background()
			for i, u := range []*user{a, b} {
				u.MFADevices = []map[string]string{{"SerialNumber": c.arn("iam", home, "mfa/"+u.UserName), "EnableDate": "2025-08-11T12:00:00+00:00"}}
				c.renewed(c.user(u, fmt.Sprintf("203.0.113.%d", 80+i), cli), r, u.UserName, c.ago("9h"), c.ago("1h"), ask{})
			}
			c.addGroup("/prod/reporting").chatter(40, "reporting-0")
		},
	},
	{
		name: "follow-up-session-policy-denies", title: "The document viewer loses access, a new login does not help", now: "2026-07-08T15:20:00Z", role: "document-viewer", region: "eu-west-1",
		what:   "a broker issues sessions with an inline session policy that leaves out what half of the calls need; only CloudTrail has the denials (`session-policies` finds `access-denied-other`)",
		source: "[session policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session)",
		expect: expect{never: []string{"no-refresh", "refresh-failing"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-broker")
			r := c.addRole("document-viewer", 7200, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			narrow := text(document(map[string]any{"Effect": "Allow", "Action": []string{"ssm:GetParameter", "kms:Decrypt"}, "Resource": "*"}))
			at := c.ago("22h")
			for i := 0; at.Before(c.ago("10m")); i++ {
				s := c.assume(at, c.user(u, "198.51.100.90", javaV2), r, fmt.Sprintf("tenant-%d", i%3), ask{})
				issued := &c.records[len(c.records)-1]
				issued.RequestParameters["policy"] = narrow
				issued.ResponseElements["packedPolicySize"] = 6
				c.deny(at.Add(2*time.Minute), s, "secretsmanager", "GetSecretValue", c.regional("secretsmanager", "secret:prod/viewer-AbCdEf"))
				at = at.Add(55 * time.Minute)
			}
			c.addGroup("/prod/document-viewer").chatter(40, "viewer-0", "viewer-1")
		},
	},
	{
		name: "follow-up-session-policy-none", title: "Does somebody narrow our sessions?", now: "2026-07-15T08:50:00Z", role: "invoice-mailer", region: "eu-west-1",
		what:   "no session of the role carries a session policy (`session-policies` finds nothing)",
		source: "[session policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session)",
		expect: expect{never: []string{"access-denied-other"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-mailer")
			r := c.addRole("invoice-mailer", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.93", goV2), r, "invoice-mailer-0", c.ago("30h"), c.ago("5m"), ask{})
			c.addGroup("/prod/invoice-mailer").chatter(40, "invoice-mailer-0")
		},
	},
	{
		name: "follow-up-calling-role-revoked", title: "Artifact publishing is denied since the security exercise", now: "2026-08-12T16:10:00Z", role: "artifact-publisher", region: "eu-west-1",
		what:   "the sessions of the calling role, not of the asked one, were revoked two days ago, and its long-lived worker goes on with the old ones (`cross-account` finds `sessions-revoked`)",
		source: "[revoking sessions](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html)",
		expect: expect{primary: "access-denied-other", never: []string{"sessions-revoked", "trust-policy-changed", "no-refresh"}, steps: map[string]string{"trust-changes": "clear", "sts-errors": "found"}},
		build: func(c *capture) {
			hosts := c.addRole("publish-hosts", 43200, trustingService("ec2.amazonaws.com"))
			hosts.inline("AWSRevokeOlderSessions", document(map[string]any{"Effect": "Deny", "Action": []string{"*"}, "Resource": []string{"*"},
				"Condition": map[string]any{"DateLessThan": map[string]any{"aws:TokenIssueTime": c.ago("7h30m").Format("2006-01-02T15:04:05.000Z")}}}))
			r := c.addRole("artifact-publisher", 14400, trusting(hosts.Arn))
			c.addTrail("eu-west-1")
			c.background()
			old := c.as(hosts, "publish-worker", c.ago("11h"), "203.0.113.95", goV2)
			for _, d := range []string{"10h50m", "10h", "9h10m", "8h20m"} {
				c.use(c.ago(d).Add(time.Minute), c.assume(c.ago(d), old, r, "publish-worker", ask{}), "")
			}
			g := c.addGroup("/prod/artifact-publisher")
			for i := range 6 {
				at := c.ago("7h10m").Add(time.Duration(i) * 65 * time.Minute)
				c.refuse(at, old, r, "publish-worker", ask{}, "AccessDenied", notAuthorized(old, r, ""))
				g.say(at.Add(time.Second), "publish-worker", `level=error msg="no credentials" err="operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 4d5e6f70-8192-4a3b-8c4d-5e6f70819203, api error AccessDenied: `+notAuthorized(old, r, "")+`"`)
			}
			fresh := c.as(hosts, "publish-worker-2", c.ago("5h"), "203.0.113.96", goV2)
			c.renewed(fresh, r, "publish-worker-2", c.ago("4h50m"), c.ago("15m"), ask{})
		},
	},
	{
		name: "follow-up-chains-plain", title: "Does some other account cut our sessions short?", now: "2026-08-19T12:25:00Z", role: "price-feed", region: "eu-west-1",
		what:   "one user of the account calls directly: no chain, no other account (`cross-account` finds nothing)",
		source: "[role chaining](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining)",
		expect: expect{never: []string{"role-chaining-limit", "cross-account-denied"}, steps: map[string]string{"trust-changes": "clear", "sts-errors": "clear", "cross-account": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-prices")
			r := c.addRole("price-feed", 7200, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.97", javaV2), r, "price-feed-0", c.ago("30h"), c.ago("5m"), ask{seconds: 7200})
			c.addGroup("/prod/price-feed").chatter(40, "price-feed-0")
		},
	},
}

// deny records a call that a session may not make, in AWS's older words, which
// do not name the policy.
func (c *capture) deny(at time.Time, s issued, service, event, resource string) {
	rec := c.base(at, s.caller, service, event, c.region)
	rec.ErrorCode = "AccessDenied"
	rec.ErrorMessage = fmt.Sprintf("User: %s is not authorized to perform: %s:%s on resource: %s", s.ARN, service, event, resource)
	c.records = append(c.records, rec)
}

// regional is the ARN of something of the asked account and region.
func (c *capture) regional(service, rest string) string {
	return "arn:" + c.partition + ":" + service + ":" + c.region + ":" + home + ":" + rest
}
