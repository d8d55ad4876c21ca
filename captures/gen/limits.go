package main

import (
	"fmt"
	"time"
)

const (
	aboveMax   = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	aboveChain = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
)

var limits = []incident{
	{
		name: "namesakes", title: "app cannot start its import", now: "2026-03-03T11:00:00Z", role: "app", region: "eu-west-1",
		what:   "a job asks for eight hours of role app, which allows four; app-admin, whose name begins alike, has troubles of its own at the same time",
		source: "[maximum session duration](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html#id_roles_update-session-duration), [configure-aws-credentials#488](https://github.com/aws-actions/configure-aws-credentials/issues/488)",
		expect: expect{primary: "duration-above-max", may: []string{"refresh-failing"}, never: []string{"trust-policy-changed", "max-session-lowered", "no-refresh", "access-denied-other"},
			steps: map[string]string{"sts-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			u, other := c.addUser("svc-app"), c.addUser("svc-admin")
			r := c.addRole("app", 14400, trusting(u.Arn))
			admin := c.addRole("app-admin", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			c.editTrust(c.now.AddDate(0, 0, -20), c.pipeline(c.now.AddDate(0, 0, -20)), admin, trusting(other.Arn))
			c.editTrust(c.ago("6h"), c.pipeline(c.ago("6h")), admin, admin.AssumeRolePolicyDocument)
			c.iam(c.ago("5h"), c.pipeline(c.ago("5h")), "UpdateRole", map[string]any{"roleName": "app-admin", "maxSessionDuration": 3600})
			c.renewed(c.user(u, "198.51.100.8", javaV2), r, "app-web", c.ago("20h"), c.ago("20m"), ask{seconds: 7200})
			w, o := c.user(u, "198.51.100.9", boto), c.user(other, "198.51.100.10", boto)
			g := c.addGroup("/prod/app-import")
			for i := range 5 {
				at := c.ago("4h40m").Add(time.Duration(i) * 50 * time.Minute)
				c.refuse(at, w, r, "app-import", ask{seconds: 28800}, "ValidationError", aboveMax)
				g.repeat(at, 1, "app-import", "botocore.exceptions.ClientError: An error occurred (ValidationError) when calling the AssumeRole operation: "+aboveMax)
				c.refuse(at.Add(time.Minute), o, admin, "admin", ask{}, "AccessDenied", notAuthorized(o, admin, ""))
			}
		},
	},
	{
		name: "max-lowered-old-value-unknown", title: "Archive runs cannot renew since last night", now: "2026-11-12T08:20:00Z", role: "archive-run", region: "eu-west-1",
		what:   "MaxSessionDuration was lowered; no record tells what it was, but a longer session from before does; the trail was stopped in the night",
		source: "[UpdateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html), [StopLogging](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html)",
		expect: expect{primary: "max-session-lowered", may: []string{"duration-above-max", "refresh-failing"}, never: []string{"trust-policy-changed", "no-refresh", "role-chaining-limit"},
			steps: map[string]string{"trust-changes": "found", "sts-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-archive")
			r := c.addRole("archive-run", 3600, trusting(u.Arn))
			t := c.addTrail("eu-west-1")
			stopped := c.ago("9h")
			t.Status["IsLogging"], t.Status["StopLoggingTime"] = false, stopped.Format(cliTime)
			t.Status["LatestDeliveryTime"], t.Status["LatestCloudWatchLogsDeliveryTime"] = stopped.Format(cliTime), stopped.Format(cliTime)
			c.background()
			w := c.user(u, "198.51.100.44", javaV2)
			c.assume(c.ago("26h"), w, r, "archive-night", ask{seconds: 36000})
			s := c.assume(c.ago("14h"), w, r, "archive-night", ask{seconds: 36000})
			c.use(c.ago("10h"), s, "")
			c.iam(c.ago("12h"), c.admin(c.ago("12h")), "UpdateRole", map[string]any{"roleName": "archive-run", "maxSessionDuration": 3600})
			g := c.addGroup("/prod/archive-run")
			for i := range 8 {
				at := c.ago("4h5m").Add(time.Duration(i) * 25 * time.Minute)
				c.refuse(at, w, r, "archive-night", ask{seconds: 36000}, "ValidationError", aboveMax)
				g.say(at, "archive-night", "ERROR c.example.Archive - software.amazon.awssdk.services.sts.model.StsException: "+aboveMax+" (Service: Sts, Status Code: 400, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "mfa-session-counts-as-chaining", title: "Twelve-hour profiles stopped working", now: "2026-02-10T09:50:00Z", role: "data-analyst", region: "us-east-1",
		what:   "a credential helper goes through GetSessionToken with MFA and then asks for twelve hours: a user's temporary key chains as well",
		source: "[aws-vault#351](https://github.com/99designs/aws-vault/issues/351), [aws-vault#290](https://github.com/ByteNess/aws-vault/issues/290)",
		expect: expect{primary: "role-chaining-limit", may: []string{"refresh-failing"}, never: []string{"duration-above-max", "max-session-lowered", "mfa-condition", "no-refresh"}, steps: map[string]string{"sts-errors": "found"}},
		build: func(c *capture) {
			var users []*user
			for i := range 3 {
				users = append(users, c.addUser(fmt.Sprintf("analyst-%d", i+1)))
			}
			r := c.addRole("data-analyst", 43200, document(statement("Allow", map[string]any{"AWS": c.arn("iam", home, "root")}, "sts:AssumeRole",
				map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}})))
			c.addTrail("eu-west-1")
			c.background()
			for i, u := range users {
				c.assume(c.ago("30h").Add(time.Duration(i)*time.Hour), c.user(u, fmt.Sprintf("192.0.2.%d", 30+i), cli), r, u.UserName, ask{seconds: 43200, serial: c.arn("iam", home, "mfa/"+u.UserName)})
				for n := range 2 {
					at := c.ago("3h").Add(time.Duration(i*20+n*47) * time.Minute)
					w := c.withMFA(u, at.Add(-2*time.Second), fmt.Sprintf("192.0.2.%d", 30+i), "aws-vault/7.2.0 aws-sdk-go-v2/1.21.0 os/linux lang/go#1.21.1 md/GOOS#linux md/GOARCH#amd64 api/sts#1.22.0")
					c.refuse(at, w, r, u.UserName, ask{seconds: 43200}, "ValidationError", aboveChain)
				}
			}
			c.addGroup("/tools/analyst-workbench").chatter(12, "workbench-1")
		},
	},
	{
		name: "dotted-name-with-path", title: "Mail sender is cut off after an hour", now: "2026-05-05T13:10:00Z", role: "/team/mail/svc.mail+send", region: "eu-west-1",
		what:   "a role with a path whose name holds a dot and a plus, asked for with its path; a namesake where the dot is another letter; chained calls ask for six hours",
		source: "[IAM names and paths](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html), [role chaining](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining)",
		expect: expect{primary: "role-chaining-limit", may: []string{"refresh-failing"}, never: []string{"access-denied-other", "duration-above-max", "no-refresh", "role-missing"}, steps: map[string]string{"role-and-health": "clear", "sts-errors": "found"}},
		build: func(c *capture) {
			tasks := c.addRole("mail-tasks", 3600, trustingService("ecs-tasks.amazonaws.com"))
			r := c.addRole("team/mail/svc.mail+send", 21600, trusting(tasks.Arn))
			namesake := c.addRole("svcxmail+send", 3600, trusting(tasks.Arn))
			c.addTrail("us-east-1")
			c.background()
			g := c.addGroup("/ecs/mail")
			for i := range 6 {
				at := c.ago("6h").Add(time.Duration(i) * 55 * time.Minute)
				task := c.hex(32)
				w := c.as(tasks, task, at.Add(-time.Minute), "10.6.0.31", javaV2)
				c.refuse(at, w, r, "mail", ask{seconds: 21600}, "ValidationError", aboveChain)
				g.say(at, "mail/sender/"+task, "software.amazon.awssdk.services.sts.model.StsException: "+aboveChain+" (Service: Sts, Status Code: 400, Request ID: "+c.uuid()+")")
				c.refuse(at.Add(2*time.Minute), w, namesake, "mail", ask{}, "AccessDenied", notAuthorized(w, namesake, " with an explicit deny in a service control policy"))
			}
			c.fault(`{action: "iam:GetRole", throttle: true, times: 1}`)
			c.fault(`{action: "logs:StartQuery", region: eu-west-1, error: LimitExceededException, times: 2}`)
		},
	},
}
