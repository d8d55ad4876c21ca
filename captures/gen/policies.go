package main

import (
	"fmt"
	"time"
)

var policies = []incident{
	{
		name: "trust-edit-bites-hours-later", title: "Reports fail since the afternoon", now: "2026-06-23T19:00:00Z", role: "report-builder", region: "eu-west-1",
		what:   "a caller was dropped from the trust policy in the morning; its eight-hour session carried it until the afternoon; the trail's home is another region",
		source: "[role sessions after a policy change](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html), [trails and home regions](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"no-refresh", "access-denied-other", "max-session-lowered"}, steps: map[string]string{"trust-changes": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			nightly, daily := c.addUser("svc-nightly"), c.addUser("svc-daily")
			r := c.addRole("report-builder", 28800, trusting(nightly.Arn))
			c.addTrail("ap-southeast-2")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -45), c.pipeline(c.now.AddDate(0, 0, -45)), r, trusting(nightly.Arn, daily.Arn))
			c.editTrust(c.ago("10h"), c.pipeline(c.ago("10h")), r, r.AssumeRolePolicyDocument)
			w := c.user(daily, "198.51.100.90", javaV2)
			c.assume(c.ago("18h30m"), w, r, "daily-reports", ask{seconds: 28800})
			s := c.assume(c.ago("10h40m"), w, r, "daily-reports", ask{seconds: 28800})
			c.use(c.ago("4h"), s, "")
			c.renewed(c.user(nightly, "198.51.100.91", javaV2), r, "nightly-reports", c.ago("21h"), c.ago("1h"), ask{seconds: 28800})
			g := c.addGroup("/prod/daily-reports")
			for i := range 6 {
				at := c.ago("2h50m").Add(time.Duration(i) * 27 * time.Minute)
				c.refuse(at, w, r, "daily-reports", ask{seconds: 28800}, "AccessDenied", notAuthorized(w, r, ""))
				g.say(at, "daily-reports", "software.amazon.awssdk.services.sts.model.StsException: "+notAuthorized(w, r, "")+" (Service: Sts, Status Code: 403, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "govcloud-new-condition", title: "Collectors in GovCloud are refused", now: "2026-04-14T21:00:00Z", role: "log-collector", region: "us-gov-east-1",
		what:   "an ExternalId was put on the only statement of the trust policy, and the callers of the same account send none; single-region trail without global events, so the change is in the event history only",
		source: "[ExternalId](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html), [global service events](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events)",
		expect: expect{primary: "trust-policy-changed", may: []string{"refresh-failing"}, never: []string{"no-refresh", "access-denied-other", "cross-account-denied", "mfa-condition"}, steps: map[string]string{"trust-changes": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-collect")
			r := c.addRole("log-collector", 3600, document(statement("Allow", map[string]any{"AWS": u.Arn}, "sts:AssumeRole", map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "collect-2026"}})))
			t := c.addTrail("us-gov-east-1")
			t.IsMultiRegionTrail, t.IncludeGlobalServiceEvents = false, false
			c.noHealth = true
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -60), c.pipeline(c.now.AddDate(0, 0, -60)), r, trusting(u.Arn))
			c.editTrust(c.ago("5h"), c.admin(c.ago("5h")), r, r.AssumeRolePolicyDocument)
			w := c.user(u, "198.51.100.120", boto)
			c.renewed(w, r, "collector-1", c.ago("22h"), c.ago("5h5m"), ask{})
			g := c.addGroup("/prod/log-collector")
			for i := range 7 {
				at := c.ago("4h20m").Add(time.Duration(i) * 36 * time.Minute)
				c.refuse(at, w, r, "collector-1", ask{}, "AccessDenied", notAuthorized(w, r, ""))
				g.say(at, "collector-1", "WARNING botocore.credentials: Refreshing temporary credentials failed during mandatory refresh period. botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the AssumeRole operation: "+notAuthorized(w, r, ""))
			}
		},
	},
	{
		name: "changes-that-cannot-block", title: "Sync fails right after a day of changes", now: "2026-10-20T14:40:00Z", role: "crm-sync", region: "eu-west-1",
		what:   "the role was tagged, described, given a longer maximum and another principal, and somebody was refused an edit, all shortly before a worker that never renews failed",
		source: "[IAM events in CloudTrail](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)",
		expect: expect{primary: "no-refresh", never: []string{"trust-policy-changed", "max-session-lowered", "sessions-revoked", "principal-recreated", "access-denied-other"}, steps: map[string]string{"trust-changes": "found", "app-errors": "found"}},
		build: func(c *capture) {
			u, added := c.addUser("svc-crm"), c.addUser("svc-crm-next")
			r := c.addRole("crm-sync", 7200, trusting(u.Arn, added.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/prod/crm-sync")
			start := c.ago("5h30m")
			c.worker(g, c.user(u, "198.51.100.201", boto), r, "crm-sync-0", "crm-sync-0", start, 4, ask{}, botoExpired)
			c.editTrust(c.now.AddDate(0, 0, -70), c.pipeline(c.now.AddDate(0, 0, -70)), r, trusting(u.Arn))
			c.iam(c.now.AddDate(0, 0, -70).Add(time.Minute), c.pipeline(c.now.AddDate(0, 0, -70)), "UpdateRole", map[string]any{"roleName": "crm-sync", "maxSessionDuration": 3600})
			fail := start.Add(time.Hour) // the first failure
			c.iam(fail.Add(-9*time.Minute), c.admin(fail), "TagRole", map[string]any{"roleName": "crm-sync", "tags": []any{map[string]string{"key": "cost-centre", "value": "4711"}}})
			c.iam(fail.Add(-7*time.Minute), c.admin(fail), "UpdateRoleDescription", map[string]any{"roleName": "crm-sync", "description": "Sync of customers"})
			c.iam(fail.Add(-5*time.Minute), c.admin(fail), "UpdateRole", map[string]any{"roleName": "crm-sync", "maxSessionDuration": 7200})
			c.editTrust(fail.Add(-3*time.Minute), c.admin(fail), r, r.AssumeRolePolicyDocument)
			intern := c.as(c.someRole(home, "support"), "operator-19", fail.Add(-time.Hour), "203.0.113.41", browser)
			refused := c.editTrust(fail.Add(-time.Minute), intern, r, trusting(intern.ARN))
			refused.ErrorCode, refused.ErrorMessage = "AccessDenied", "User: "+intern.ARN+" is not authorized to perform: iam:UpdateAssumeRolePolicy on resource: role crm-sync because no identity-based policy allows the iam:UpdateAssumeRolePolicy action"
		},
	},
	{
		name: "deleted-principal-in-trust", title: "Pipeline bootstrap is denied after a rebuild", now: "2026-01-29T15:25:00Z", role: "bootstrap-deploy", region: "eu-west-1",
		what:   "the role that the trust policy named was deleted and made again under its name: the policy now shows a bare id, and the new role is not let in",
		source: "[aws-deployment-framework#235](https://github.com/awslabs/aws-deployment-framework/issues/235), [principals in policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)",
		expect: expect{primary: "principal-recreated", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "access-denied-other", "cross-account-denied", "no-refresh"}, steps: map[string]string{"role-config": "found", "sts-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			gone := c.id("AROA", 17)
			pipeline := c.addRole("bootstrap-pipeline", 3600, trustingService("codebuild.amazonaws.com"))
			r := c.addRole("bootstrap-deploy", 3600, trusting(gone))
			c.addTrail("eu-west-1")
			c.background()
			old := c.someRole(home, "bootstrap-pipeline")
			old.RoleId = gone
			for _, d := range []string{"33h", "27h", "23h"} {
				c.assume(c.ago(d), c.as(old, "AWSCodeBuild-"+c.hex(8), c.ago(d).Add(-time.Minute), "10.3.0.5", boto), r, "bootstrap", ask{})
			}
			for _, event := range []string{"DeleteRole", "CreateRole"} {
				p := map[string]any{"roleName": "bootstrap-pipeline"}
				if event == "CreateRole" {
					p["assumeRolePolicyDocument"] = text(pipeline.AssumeRolePolicyDocument)
				}
				c.iam(c.ago("20h"), c.pipeline(c.ago("20h")), event, p)
			}
			g := c.addGroup("/aws/codebuild/bootstrap")
			for i := range 6 {
				at := c.ago("18h").Add(time.Duration(i) * 3 * time.Hour)
				build := "AWSCodeBuild-" + c.hex(8)
				w := c.as(pipeline, build, at.Add(-time.Minute), "10.3.0.5", boto)
				c.refused(g, at, 0, w, r, "bootstrap", build)
			}
		},
	},
	{
		name: "role-made-again", title: "Stream consumers lost access during the rollout", now: "2026-08-11T12:30:00Z", role: "stream-consumer", region: "eu-west-1",
		what:   "the role itself was deleted and made again under its name: the sessions of the former role died with it",
		source: "[DeleteRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html), [unique ids](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids)",
		expect: expect{primary: "principal-recreated", never: []string{"role-missing", "trust-policy-changed", "no-refresh", "sessions-revoked"}, steps: map[string]string{"trust-changes": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-stream")
			r := c.addRole("stream-consumer", 14400, trusting(u.Arn))
			made := c.ago("3h")
			r.CreateDate = made.Format(cliTime)
			c.addTrail("eu-west-1")
			c.background()
			former := c.someRole(home, "stream-consumer")
			c.iam(made.Add(-2*time.Minute), c.pipeline(made), "DeleteRole", map[string]any{"roleName": "stream-consumer"})
			c.iam(made, c.pipeline(made), "CreateRole", map[string]any{"roleName": "stream-consumer", "maxSessionDuration": 14400, "assumeRolePolicyDocument": text(r.AssumeRolePolicyDocument)})
			g := c.addGroup("/prod/stream-consumer")
			for i := range 4 {
				name := fmt.Sprintf("stream-consumer-%d", i)
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 210+i), javaV2)
				s := c.assume(made.Add(-time.Duration(40+i*25)*time.Minute), w, former, name, ask{seconds: 14400})
				c.use(s.at.Add(8*time.Minute), s, "")
				g.repeat(made.Add(time.Duration(-90+i*7)*time.Second), 6, name, "ERROR c.example.Stream - software.amazon.awssdk.services.kinesis.model.KinesisException: The security token included in the request is invalid. (Service: Kinesis, Status Code: 400, Request ID: "+c.uuid()+") UnrecognizedClientException")
				c.assume(made.Add(time.Duration(30+i)*time.Minute), w, r, name, ask{seconds: 14400})
			}
		},
	},
	{
		name: "role-deleted", title: "Thumbnail jobs cannot get credentials", now: "2026-03-26T10:15:00Z", role: "thumbnail-jobs", region: "eu-west-1",
		what:   "a clean-up deleted the role; what AWS answers to its callers is a denial, as for any role that does not exist",
		source: "[DeleteRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html)",
		expect: expect{primary: "role-missing", never: []string{"trust-policy-changed", "access-denied-other", "principal-recreated", "no-refresh"}, steps: map[string]string{"role-and-health": "found", "role-config": "blind"}},
		build: func(c *capture) {
			u := c.addUser("svc-thumbs")
			r := c.someRole(home, "thumbnail-jobs")
			c.addRole("thumbnail-jobs-staging", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "198.51.100.17", boto)
			c.renewed(w, r, "thumbnail-jobs-a", c.ago("20h"), c.ago("6h"), ask{})
			c.iam(c.ago("5h50m"), c.admin(c.ago("5h50m")), "DeleteRole", map[string]any{"roleName": "thumbnail-jobs"})
			g := c.addGroup("/prod/thumbnail-jobs")
			for i := range 6 {
				at := c.ago("5h").Add(time.Duration(i) * 45 * time.Minute)
				c.refused(g, at, 0, w, r, "thumbnail-jobs-a", "thumbnail-jobs-a")
			}
		},
	},
	{
		name: "org-trail-has-callers-copy", title: "Partner feed is refused, the others work", now: "2026-09-29T13:00:00Z", role: "arn:aws:iam::" + home + ":role/exchange/partner-feed", region: "eu-west-1",
		what:   "a role of another account that the trust policy never named is refused; the denials are recorded in its own account, which an organization trail shows; successful calls are there twice",
		source: "[cross-account events](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html), [sharedEventID](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html)",
		expect: expect{primary: "cross-account-denied", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "no-refresh", "access-denied-other", "role-missing"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			feeder, intruder := c.someRole(partner, "feeder"), c.someRole(partner, "feeder-v2")
			r := c.addRole("exchange/partner-feed", 3600, trusting(feeder.Arn))
			t := c.addTrail("us-east-1")
			t.IsOrganizationTrail = true
			c.background()
			w := c.as(feeder, "feed", c.ago("25h"), "203.0.113.150", javaV2)
			for h := 23; h > 0; h -= 2 {
				c.assume(c.now.Add(-time.Duration(h)*time.Hour), w, r, "feed", ask{copies: true})
			}
			for i := range 6 {
				at := c.ago("7h").Add(time.Duration(i) * 64 * time.Minute)
				v2 := c.as(intruder, "feed", at.Add(-10*time.Minute), "203.0.113.151", javaV2)
				c.refuse(at, v2, r, "feed", ask{}, "AccessDenied", notAuthorized(v2, r, ""))
			}
			c.addGroup("/prod/exchange").chatter(15, "exchange-1")
		},
	},
	{
		name: "mfa-age-runs-out", title: "Operators are thrown out after an hour", now: "2026-05-27T12:50:00Z", role: "break-glass", region: "eu-west-1",
		what:   "the trust policy wants an MFA login younger than an hour; renewing works until then and is denied afterwards, which looks like expiry",
		source: "[aws:MultiFactorAuthAge](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthage)",
		expect: expect{primary: "mfa-condition", may: []string{"refresh-failing"}, never: []string{"no-refresh", "trust-policy-changed", "access-denied-other", "role-chaining-limit"}, steps: map[string]string{"role-config": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			r := c.addRole("break-glass", 3600, document(statement("Allow", map[string]any{"AWS": c.arn("iam", home, "root")}, "sts:AssumeRole",
				map[string]any{"NumericLessThan": map[string]any{"aws:MultiFactorAuthAge": "3600"}})))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ops/console-tools")
			for i := range 3 {
				u := c.addUser(fmt.Sprintf("operator-%d", i+1))
				u.MFADevices = []map[string]string{{"SerialNumber": c.arn("iam", home, "mfa/"+u.UserName), "EnableDate": "2024-05-06T07:08:09+00:00"}}
				since := c.ago("6h").Add(time.Duration(i) * 95 * time.Minute)
				w := c.withMFA(u, since, fmt.Sprintf("203.0.113.%d", 44+i), cli)
				for n := range 4 {
					at := since.Add(time.Duration(20+n*18) * time.Minute)
					if at.Sub(since) < time.Hour {
						c.use(at.Add(time.Minute), c.assume(at, w, r, u.UserName, ask{seconds: 900}), "")
						continue
					}
					c.refuse(at, w, r, u.UserName, ask{seconds: 900}, "AccessDenied", notAuthorized(w, r, ""))
					c.refuse(at.Add(16*time.Minute), w, r, u.UserName, ask{seconds: 900}, "AccessDenied", notAuthorized(w, r, ""))
					g.say(at, u.UserName, "An error occurred (AccessDenied) when calling the AssumeRole operation: "+notAuthorized(w, r, ""))
				}
			}
		},
	},
	{
		name: "mfa-code-reused", title: "Scripts fail with an MFA error at the second profile", now: "2026-02-18T11:35:00Z", role: "audit-export", region: "eu-west-1",
		what:   "a script gives one code to two calls: a code works once",
		source: "[MFA codes](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_mfa.html), [MFA with the AWS CLI](https://repost.aws/knowledge-center/authenticate-mfa-cli)",
		expect: expect{primary: "mfa-condition", may: []string{"refresh-failing"}, never: []string{"no-refresh", "access-denied-other", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("auditor-2")
			u.MFADevices = []map[string]string{{"SerialNumber": c.arn("iam", home, "mfa/auditor-2"), "EnableDate": "2024-05-06T07:08:09+00:00"}}
			r := c.addRole("audit-export", 3600, document(statement("Allow", map[string]any{"AWS": u.Arn}, "sts:AssumeRole", map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}})))
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "203.0.113.70", cli)
			g := c.addGroup("/ops/audit-export")
			const words = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
			for i, d := range []string{"20h", "15h", "6h", "3h", "50m"} {
				at, serial := c.ago(d), c.arn("iam", home, "mfa/auditor-2")
				if i < 2 {
					c.use(at.Add(time.Minute), c.assume(at, w, r, "audit-export", ask{serial: serial}), "")
					continue
				}
				c.refuse(at, w, r, "audit-export", ask{serial: serial}, "AccessDenied", words)
				g.say(at, "audit-export", "An error occurred (AccessDenied) when calling the AssumeRole operation: "+words)
			}
		},
	},
	{
		name: "sessions-revoked", title: "All reconcilers denied at once", now: "2026-07-07T16:20:00Z", role: "reconciler", region: "eu-west-1",
		what:   "somebody revoked the role's active sessions in the console; clients keep the dead credentials until their end",
		source: "[revoke IAM role temporary credentials](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html)",
		expect: expect{primary: "sessions-revoked", never: []string{"no-refresh", "trust-policy-changed", "access-denied-other", "principal-recreated"}, steps: map[string]string{"role-config": "found", "trust-changes": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-reconcile")
			r := c.addRole("reconciler", 21600, trusting(u.Arn))
			cut := c.ago("2h10m")
			revoke := document(map[string]any{"Effect": "Deny", "Action": []string{"*"}, "Resource": []string{"*"}, "Condition": map[string]any{"DateLessThan": map[string]any{"aws:TokenIssueTime": cut.Format("2006-01-02T15:04:05.000Z")}}})
			r.inline("AWSRevokeOlderSessions", revoke)
			c.addTrail("eu-west-1")
			c.background()
			c.iam(cut.Add(2*time.Second), c.admin(cut), "PutRolePolicy", map[string]any{"roleName": "reconciler", "policyName": "AWSRevokeOlderSessions", "policyDocument": text(revoke)})
			g := c.addGroup("/prod/reconciler")
			for i := range 4 {
				name := fmt.Sprintf("reconciler-%d", i)
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 230+i), goV2)
				s := c.assume(cut.Add(-time.Duration(30+i*40)*time.Minute), w, r, name, ask{seconds: 21600})
				c.use(s.at.Add(5*time.Minute), s, "")
				c.use(cut.Add(time.Duration(3+i)*time.Minute), s, "AccessDenied")
				g.repeat(cut.Add(time.Duration(3+i)*time.Minute), 5, name, "operation error SQS: ReceiveMessage, https response error StatusCode: 403, RequestID: "+c.uuid()+", api error AccessDenied: User: "+s.ARN+" is not authorized to perform: sqs:receivemessage on resource: arn:aws:sqs:eu-west-1:"+home+":ledger with an explicit deny in an identity-based policy")
			}
		},
	},
	{
		name: "scp-refuses-assume-role", title: "Backup runner cannot assume its role", now: "2026-11-03T09:15:00Z", role: "backup-runner", region: "eu-west-1",
		what:   "a new service control policy of the organization refuses sts:AssumeRole; AWS says so in the denial",
		source: "[access denied messages](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)",
		expect: expect{primary: "access-denied-other", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "no-refresh", "cross-account-denied"}, steps: map[string]string{"sts-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-backup")
			r := c.addRole("backup-runner", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			w := c.user(u, "198.51.100.52", goV2)
			c.renewed(w, r, "backup-0", c.ago("20h"), c.ago("6h10m"), ask{seconds: 3600})
			g := c.addGroup("/prod/backup-runner")
			for i := range 6 {
				at := c.ago("6h").Add(time.Duration(i) * 58 * time.Minute)
				words := notAuthorized(w, r, " with an explicit deny in a service control policy")
				c.refuse(at, w, r, "backup-0", ask{seconds: 3600}, "AccessDenied", words)
				g.say(at, "backup-0", "operation error S3: PutObject, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: "+c.uuid()+", api error AccessDenied: "+words)
			}
		},
	},
	{
		name: "boundary-denies-calls", title: "Exporter says its credentials do not work", now: "2026-04-21T10:45:00Z", role: "exporter", region: "eu-west-1",
		what:   "a permissions boundary refuses what the role does; its sessions are all right",
		source: "[permissions boundaries](https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html)",
		expect: expect{primary: "access-denied-other", never: []string{"no-refresh", "trust-policy-changed", "sessions-revoked", "refresh-failing"}, steps: map[string]string{"sts-errors": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-export")
			r := c.addRole("exporter", 3600, trusting(u.Arn))
			r.PermissionsBoundary = map[string]string{"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": c.addPolicy("exporter-boundary", document(statement("Allow", nil, []string{"s3:GetObject"}, nil)))}
			c.addTrail("eu-west-1")
			c.background()
			c.iam(c.ago("4h"), c.pipeline(c.ago("4h")), "PutRolePermissionsBoundary", map[string]any{"roleName": "exporter", "permissionsBoundary": r.PermissionsBoundary["PermissionsBoundaryArn"]})
			w := c.user(u, "198.51.100.61", boto)
			c.renewed(w, r, "exporter-main", c.ago("20h"), c.ago("10m"), ask{})
			g := c.addGroup("/prod/exporter")
			for i := range 6 {
				g.repeat(c.ago("3h50m").Add(time.Duration(i)*36*time.Minute), 2, "exporter-main", "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: User: "+c.arn("sts", home, "assumed-role/exporter/exporter-main")+` is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::exports/daily.csv" because no permissions boundary allows the s3:PutObject action`)
			}
		},
	},
}
