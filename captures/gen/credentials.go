package main

import (
	"fmt"
	"time"
)

var credentials = []incident{
	{
		name: "inactive-access-key", title: "Billing export has no valid token since the key rotation", now: "2026-05-12T11:10:00Z", role: "billing-export", region: "eu-west-1",
		what:   "the access key that asks for the sessions was set inactive in a rotation; the client still has it",
		source: "[rotating access keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html), [error messages](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html)",
		expect: expect{primary: "source-credentials", may: []string{"refresh-failing"}, never: []string{"no-refresh", "region-disabled", "trust-policy-changed", "principal-recreated"}, steps: map[string]string{"trust-changes": "found", "app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-billing")
			r := c.addRole("billing-export", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "198.51.100.66", boto)
			c.renewed(w, r, "billing-export", c.ago("20h"), c.ago("5h"), ask{})
			u.AccessKeys[0]["Status"] = "Inactive"
			c.iam(c.ago("4h50m"), c.admin(c.ago("4h50m")), "UpdateAccessKey", map[string]any{"userName": "svc-billing", "accessKeyId": u.key(), "status": "Inactive"})
			g := c.addGroup("/prod/billing-export")
			for i := range 8 {
				g.say(c.ago("4h").Add(time.Duration(i)*29*time.Minute), "billing-export", "botocore.exceptions.ClientError: An error occurred (InvalidClientTokenId) when calling the AssumeRole operation: The security token included in the request is invalid.")
			}
		},
	},
	{
		name: "base-credentials-loaded-once", title: "Table writers lose access twelve hours after their start", now: "2026-12-02T21:40:00Z", role: "table-writer", region: "us-east-1",
		what:   "credentials of a profile are renewed on disk, but were loaded once: the call that asks for the role's session is itself made with an ended session",
		source: "[iceberg#11581](https://github.com/apache/iceberg/issues/11581)",
		expect: expect{primary: "source-credentials", may: []string{"refresh-failing"}, never: []string{"no-refresh", "idp-token-expired", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			base := c.addRole("lakehouse-base", 43200, trustingService("ec2.amazonaws.com"))
			r := c.addRole("table-writer", 3600, trusting(base.Arn))
			c.addTrail("us-east-1")
			c.background()
			g := c.addGroup("/emr/table-writer")
			for i := range 2 {
				name := fmt.Sprintf("iceberg-aws-%d", 40+i)
				start := c.ago("16h").Add(time.Duration(i*50) * time.Minute)
				c.renewed(c.as(base, "worker", start, fmt.Sprintf("10.20.0.%d", 5+i), javaV2), r, name, start.Add(time.Minute), start.Add(12*time.Hour), ask{seconds: 3600})
				for n := range 7 {
					g.say(start.Add(12*time.Hour+time.Duration(1+n*26)*time.Minute), name, "org.apache.iceberg.exceptions.RuntimeIOException: software.amazon.awssdk.services.sts.model.StsException: The security token included in the request is expired (Service: Sts, Status Code: 403, Request ID: "+c.uuid()+")\n\tat software.amazon.awssdk.services.sts.DefaultStsClient.assumeRole(DefaultStsClient.java:290)\n\tat software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider.getUpdatedCredentials(StsAssumeRoleCredentialsProvider.java:66)")
				}
			}
		},
	},
	{
		name: "clock-behind", title: "Registry sync is rejected on one host", now: "2026-01-14T06:50:00Z", role: "registry-sync", region: "eu-west-1",
		what:   "a virtual machine's clock fell behind by forty minutes: signatures look expired, sessions are not",
		source: "[registry-creds#24](https://github.com/upmc-enterprises/registry-creds/issues/24), [convox/rack#235](https://github.com/convox/rack/issues/235), [aws-sdk-js#527](https://github.com/aws/aws-sdk-js/issues/527)",
		expect: expect{primary: "clock-skew", may: []string{"refresh-failing"}, never: []string{"no-refresh", "source-credentials", "not-aws"}, steps: map[string]string{"app-errors": "found", "sts-errors": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-registry")
			r := c.addRole("registry-sync", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.71", goV1), r, "registry-sync-a", c.ago("20h"), c.ago("10m"), ask{})
			g := c.addGroup("/prod/registry-sync")
			for i := range 8 {
				at := c.ago("3h").Add(time.Duration(i) * 21 * time.Minute)
				signed := at.Add(-40 * time.Minute).Add(-3 * time.Second)
				g.say(at, "registry-sync-b", fmt.Sprintf("time=%q level=error msg=\"SignatureDoesNotMatch: Signature expired: %s is now earlier than %s (%s - 15 min.)\"", at.Format(time.RFC3339), signed.Format("20060102T150405Z"), at.Add(-15*time.Minute).Format("20060102T150405Z"), at.Format("20060102T150405Z")))
			}
			g.chatter(10, "registry-sync-a")
		},
	},
	{
		name: "ec2-request-expired-is-skew", title: "Snapshots fail with Request has expired", now: "2026-04-07T05:30:00Z", role: "snapshotter", region: "eu-west-1",
		what:   "EC2's RequestExpired beside signature-time messages of the same host, whose sessions were never past their end",
		source: "[EC2 error codes](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html), [aws-sdk-js#527](https://github.com/aws/aws-sdk-js/issues/527)",
		expect: expect{primary: "clock-skew", may: []string{"refresh-failing"}, never: []string{"no-refresh", "source-credentials"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-snapshots")
			r := c.addRole("snapshotter", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.renewed(c.user(u, "198.51.100.81", boto), r, "snapshotter-1", c.ago("12h"), c.ago("5m"), ask{})
			g := c.addGroup("/prod/snapshotter")
			for i := range 7 {
				at := c.ago("4h").Add(time.Duration(i) * 31 * time.Minute)
				g.say(at, "snapshotter-1", ec2Expired)
				signed, late := at.Add(-26*time.Minute), at.Add(-5*time.Minute)
				g.say(at.Add(2*time.Second), "snapshotter-1", fmt.Sprintf("botocore.exceptions.ClientError: An error occurred (InvalidSignatureException) when calling the Decrypt operation: Signature expired: %s is now earlier than %s (%s - 5 min.)", signed.Format("20060102T150405Z"), late.Format("20060102T150405Z"), at.Format("20060102T150405Z")))
			}
		},
	},
}
