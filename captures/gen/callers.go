package main

import (
	"fmt"
	"time"
)

// callers are refused requests that only tell their reason to who looks at the
// caller closely: what it asks beside the role, through whom it comes.
var callers = []incident{
	{
		name: "session-tags-not-allowed", title: "Tenant data cannot be opened since the clean-up", now: "2026-05-13T13:30:00Z", role: "tenant-data", region: "eu-west-1",
		what:   "a clean-up of the trust policy dropped sts:TagSession; the caller, which passes session tags, is still named by the statement",
		source: "[session tags](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"access-denied-other", "no-refresh"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "found"}},
		build: func(c *capture) {
			u, r := c.simple("tenant-data", 3600)
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, document(statement("Allow", map[string]any{"AWS": u.Arn}, []string{"sts:AssumeRole", "sts:TagSession"}, nil)))
			c.editTrust(c.ago("6h"), c.pipeline(c.ago("6h")), r, r.AssumeRolePolicyDocument)
			w := c.user(u, "198.51.100.66", javaV2)
			c.renewed(w, r, "tenant-42", c.ago("22h"), c.ago("6h10m"), ask{})
			words := "User: " + u.Arn + " is not authorized to perform: sts:TagSession on resource: " + r.Arn
			g := c.addGroup("/prod/tenant-data")
			for i := range 6 {
				at := c.ago("5h30m").Add(time.Duration(i) * 50 * time.Minute)
				c.refuse(at, w, r, "tenant-42", ask{}, "AccessDenied", words)
				g.say(at, "tenant-42", "software.amazon.awssdk.services.sts.model.StsException: "+words+" (Service: Sts, Status Code: 403, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "partner-outside-organization", title: "Partner import is refused since this morning", now: "2026-04-23T13:40:00Z", role: "exchange", region: "eu-west-1",
		what:   "the trust policy now wants callers of the organization; the partner's denials are recorded in its own account, so a log line shows them; its earlier sessions show an account and a session name",
		source: "[aws:PrincipalOrgID](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid), [cross-account events](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"cross-account-denied", "no-refresh", "access-denied-other"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "found"}},
		build: func(c *capture) {
			root := c.arn("iam", partner, "root")
			inside := document(statement("Allow", map[string]any{"AWS": root}, "sts:AssumeRole", map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}))
			r := c.addRole("exchange", 3600, inside)
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -40), c.pipeline(c.now.AddDate(0, 0, -40)), r, trusting(root))
			c.editTrust(c.ago("6h"), c.pipeline(c.ago("6h")), r, inside)
			w := c.as(c.someRole(partner, "importer"), "i-0a1b2c3d4e5f60718", c.ago("20h"), "203.0.113.150", javaV2)
			for h := 22; h > 6; h-- {
				c.assume(c.now.Add(-time.Duration(h)*time.Hour), w, r, "import", ask{})
			}
			g := c.addGroup("/shared/exchange-import")
			for i := range 6 {
				g.say(c.ago("5h40m").Add(time.Duration(i)*50*time.Minute), "import", "software.amazon.awssdk.services.sts.model.StsException: "+notAuthorized(w, r, "")+" (Service: Sts, Status Code: 403, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "saml-provider-replaced-in-trust", title: "Nobody gets into the people role", now: "2026-09-10T13:15:00Z", role: "people", region: "eu-west-1",
		what:   "the trust policy was moved to another identity provider before the sign-in was; a SAML subject's record names a qualifier where others name the provider",
		source: "[SAML in CloudTrail](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html), [SAML troubleshooting](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"idp-config", "access-denied-other", "idp-token-expired"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "found"}},
		build: func(c *capture) {
			old, next := c.samlProvider("workforce", c.now.AddDate(5, 0, 0)), c.samlProvider("workforce-next", c.now.AddDate(5, 0, 0))
			r := c.addRole("people", 3600, trustingSAML(next))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, trustingSAML(old))
			c.editTrust(c.ago("6h"), c.admin(c.ago("6h")), r, trustingSAML(next))
			for i := range 5 {
				name := fmt.Sprintf("person-%d", i)
				c.assume(c.ago("23h").Add(time.Duration(i)*3*time.Hour), c.samlUser(old, name, "203.0.113.9", browser), r, name, ask{provider: old})
			}
			g := c.addGroup("/corp/people-login")
			for i := range 6 {
				at, name := c.ago("5h30m").Add(time.Duration(i)*50*time.Minute), fmt.Sprintf("person-%d", i)
				rec := c.stsCall(at, c.samlUser(old, name, "203.0.113.9", goV1), r, name, ask{provider: old})
				rec.ErrorCode, rec.ErrorMessage = "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"
				c.records = append(c.records, rec)
				g.say(at, name, "Error retrieving STS credentials using SAML.: AccessDenied: Not authorized to perform sts:AssumeRoleWithSAML\n\tstatus code: 403, request id: "+c.uuid())
			}
		},
	},
	{
		name: "pod-identity-not-trusted", title: "Mail pods have no credentials since the morning", now: "2026-11-04T13:45:00Z", role: "mail-pods", region: "eu-west-1",
		what:   "a tool wrote the trust policy back to that of an EC2 role; pods use EKS Pod Identity, whose agent says who is not let in, and STS records nothing for this account",
		source: "[pod identity role](https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html), [pod identity events](https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"no-refresh", "idp-token-expired", "source-credentials"}, steps: map[string]string{"trust-changes": "found", "app-errors": "found"}},
		build: func(c *capture) {
			r := c.addRole("mail-pods", 3600, trustingService("ec2.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, document(statement("Allow", map[string]any{"Service": "pods.eks.amazonaws.com"}, []string{"sts:AssumeRole", "sts:TagSession"}, nil)))
			c.editTrust(c.ago("8h"), c.pipeline(c.ago("8h")), r, r.AssumeRolePolicyDocument)
			pod := c.pod("mail")
			for h := 30; h > 9; h -= 5 {
				c.assume(c.now.Add(-time.Duration(h)*time.Hour), service("pods.eks.amazonaws.com"), r, "eks-prod-"+pod, ask{lasts: 21600})
			}
			g := c.addGroup("/eks/mail-pods")
			for i := range 8 {
				g.say(c.ago("7h30m").Add(time.Duration(i)*45*time.Minute), pod, "botocore.exceptions.CredentialRetrievalError: Error when retrieving credentials from container-role: Error retrieving metadata: Received non 200 response 400 from container metadata: ["+c.uuid()+"]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role, fault: client")
			}
		},
	},
	{
		name: "duration-above-any-maximum", title: "Nightly copy wants a day", now: "2026-01-15T09:00:00Z", role: "night-copy", region: "eu-west-1",
		what:   "a job asks for 86400 seconds, which no role allows: AWS names the number and not the role's maximum, and only the log has it",
		source: "[AssumeRole DurationSeconds](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)",
		expect: expect{primary: "duration-above-max", may: []string{"refresh-failing"}, never: []string{"max-session-lowered", "role-chaining-limit"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			c.simple("night-copy", 43200)
			g := c.addGroup("/cron/night-copy")
			for i := range 5 {
				g.say(c.ago("8h").Add(time.Duration(i)*40*time.Minute), "copy-host", "botocore.exceptions.ClientError: An error occurred (ValidationError) when calling the AssumeRole operation: 1 validation error detected: Value '86400' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200")
			}
		},
	},
	{
		name: "iam-unreadable", title: "Invoicer fails hourly, and IAM may not be read", now: "2026-07-15T12:10:00Z", role: "invoicer", region: "eu-west-1",
		what:   "every IAM call is refused to the tool; trail and logs show the cause all the same",
		source: "[IAM permissions](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html)",
		expect: expect{primary: "no-refresh", never: []string{"role-missing", "principal-recreated"}, steps: map[string]string{"role-config": "denied", "sts-errors": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			u, r := c.simple("invoicer", 3600)
			c.fault(`{action: "iam:*", deny: true}`)
			c.worker(c.addGroup("/prod/invoicer"), c.user(u, "198.51.100.34", goV2), r, "invoicer-0", "invoicer-0", c.ago("7h"), 5, ask{}, goExpired)
		},
	},
}
