package main

import (
	"fmt"
	"time"
)

// worker takes a session, works past its end, fails, is restarted and takes the
// next; `cycles` times over, and then works on.
func (c *capture) worker(g *group, w caller, r *role, name, stream string, start time.Time, cycles int, q ask, message string) {
	for range cycles {
		s := c.assume(start, w, r, name, q)
		c.use(start.Add(40*time.Second), s, "")
		c.use(s.ends.Add(-6*time.Minute), s, "")
		g.repeat(s.ends.Add(time.Duration(4+c.rng.IntN(25))*time.Second), 4, stream, message)
		start = s.ends.Add(time.Duration(260+c.rng.IntN(90)) * time.Second)
		g.say(start.Add(-5*time.Second), stream, `{"level":"info","msg":"starting","pid":1}`)
	}
	c.use(start.Add(30*time.Second), c.assume(start, w, r, name, q), "")
}

// renewed takes sessions one after the other, each well before the last one's end.
func (c *capture) renewed(w caller, r *role, name string, from, to time.Time, q ask) {
	every := 3300 * time.Second
	if q.seconds > 0 {
		every = time.Duration(q.seconds) * time.Second * 9 / 10
	}
	for at := from; at.Before(to); at = at.Add(every) {
		c.use(at.Add(50*time.Second), c.assume(at, w, r, name, q), "")
	}
}

// refused asks for a session that is refused, which botocore writes after a moment.
func (c *capture) refused(g *group, at time.Time, after time.Duration, w caller, r *role, name, stream string) {
	c.refuse(at, w, r, name, ask{}, "AccessDenied", notAuthorized(w, r, ""))
	g.say(at.Add(after), stream, "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the AssumeRole operation: "+notAuthorized(w, r, ""))
}

const eksIssuer = "oidc.eks.eu-west-1.amazonaws.com/id/3F0A7C1D9B5E4826A1C3D5E7F9B1A2C4"

// cluster makes the OIDC provider of an EKS cluster.
func (c *capture) cluster(issuer string, audiences ...string) string {
	arn := c.arn("iam", home, "oidc-provider/"+issuer)
	c.oidc = append(c.oidc, map[string]any{"Arn": arn, "Url": issuer, "ClientIDList": audiences, "ThumbprintList": []string{c.hex(40)}, "CreateDate": "2025-02-01T12:00:00+00:00"})
	return arn
}

// trustingToken is the trust policy of a role for one subject of an OIDC provider.
func trustingToken(provider, issuer, subject, audience string) policy {
	return document(statement("Allow", map[string]any{"Federated": provider}, "sts:AssumeRoleWithWebIdentity",
		map[string]any{"StringEquals": map[string]any{issuer + ":sub": subject, issuer + ":aud": audience}}))
}

var refreshing = []incident{
	{
		name: "ci-job-outlives-session", title: "Release jobs that run over an hour fail at the upload", now: "2026-03-17T16:30:00Z", role: "ci-release", region: "eu-west-1",
		what:   "release jobs export their web identity session to the environment; those that run longer than an hour fail; every run's session has the same name, some run at once, and no log stream is named by it",
		source: "[configure-aws-credentials#359](https://github.com/aws-actions/configure-aws-credentials/issues/359)",
		expect: expect{primary: "no-refresh", never: []string{"idp-token-expired", "refresh-failing", "duration-above-max", "trust-policy-changed"},
			steps: map[string]string{"app-errors": "found", "trust-changes": "clear", "sts-errors": "clear"}},
		build: func(c *capture) {
			const issuer = "token.actions.githubusercontent.com"
			provider := c.cluster(issuer, "sts.amazonaws.com")
			r := c.addRole("ci-release", 7200, trustingToken(provider, issuer, "repo:example-org/shop:ref:refs/heads/main", "sts.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ci/release-jobs")
			for i, d := range []string{"23h", "19h30m", "18h50m", "14h10m", "9h", "8h35m", "8h20m", "4h20m", "2h50m", "40m"} {
				run := fmt.Sprintf("release/run-%d", 9120+i*7)
				w := c.webIdentity(issuer, "sts.amazonaws.com", "repo:example-org/shop:ref:refs/heads/main", fmt.Sprintf("192.0.2.%d", 20+i*9), github)
				s := c.assume(c.ago(d), w, r, "GitHubActions", ask{seconds: 3600})
				c.use(s.at.Add(4*time.Minute), s, "")
				g.say(s.at.Add(2*time.Minute), run, "Run aws s3 sync dist/ s3://releases/")
				if i%2 == 1 { // one that runs long, while others of the same session name are well
					g.repeat(s.ends.Add(time.Duration(11+i)*time.Second), 3, run, "upload failed: dist/bundle.tar to s3://releases/bundle.tar An error occurred (ExpiredToken) when calling the UploadPart operation: The provided token has expired.")
				}
			}
		},
	},
	{
		name: "go-default-quarter-hour", title: "Provisioning hangs and dies after fifteen minutes", now: "2026-02-24T12:40:00Z", role: "env-provisioner", region: "eu-west-1",
		what:   "a tool takes the 15 minutes that the Go SDK asks for by default, through the global endpoint, and never renews",
		source: "[terraform-provider-aws#23176](https://github.com/hashicorp/terraform-provider-aws/issues/23176), [global endpoint](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html)",
		expect: expect{primary: "no-refresh", never: []string{"role-chaining-limit", "max-session-lowered", "duration-above-max"}, steps: map[string]string{"app-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-provision")
			r := c.addRole("env-provisioner", 14400, trusting(u.Arn))
			c.addTrail("us-east-1")
			c.background()
			g := c.addGroup("/tools/env-provisioner")
			for i, d := range []string{"20h", "15h10m", "9h45m", "6h", "2h20m"} {
				name := "provision-" + fmt.Sprint(310+i)
				c.worker(g, c.user(u, "198.51.100.31", goV1), r, name, name, c.ago(d), 1, ask{seconds: 900, global: true, spelling: old}, goV1Expired)
			}
			// The same role is used from another region too: those calls are of no interest here.
			c.renewed(c.user(u, "198.51.100.77", goV1), r, "provision-apac", c.ago("5h"), c.ago("30m"), ask{seconds: 3600, global: true, region: "ap-northeast-1"})
		},
	},
	{
		name: "chained-apply-outlives-hour", title: "Applies of more than an hour lose their state at the end", now: "2026-06-09T18:10:00Z", role: "platform-apply", region: "us-west-2",
		what:   "build hosts take chained sessions of a role that allows twelve hours; applies that run longer than one hour fail, and nobody renews",
		source: "[terragrunt#3817](https://github.com/gruntwork-io/terragrunt/issues/3817), [role chaining](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining)",
		expect: expect{primary: "no-refresh", also: []string{"role-chaining-limit"}, never: []string{"max-session-lowered", "duration-above-max", "trust-policy-changed"}},
		build: func(c *capture) {
			hosts := c.addRole("runner-hosts", 3600, trustingService("ec2.amazonaws.com"))
			r := c.addRole("platform-apply", 43200, trusting(hosts.Arn))
			c.addTrail("us-west-2")
			c.background()
			g := c.addGroup("/ci/terragrunt")
			for i, d := range []string{"22h", "17h30m", "13h", "8h10m", "5h5m", "2h"} {
				name := fmt.Sprintf("terragrunt-job-%d", 771+i)
				w := c.instance(hosts, "i-0"+c.hex(16), c.ago(d).Add(-2*time.Hour), fmt.Sprintf("203.0.113.%d", 60+i), goV2)
				s := c.assume(c.ago(d), w, r, name, ask{})
				c.use(s.at.Add(5*time.Minute), s, "")
				if i != 2 { // a short one
					g.repeat(s.ends.Add(time.Duration(3+2*i)*time.Second), 5, name, `level=error msg="failed to persist state" error="operation error S3: PutObject, https response error StatusCode: 400, RequestID: 8Z1, HostID: q7, api error ExpiredToken: The provided token has expired."`)
				}
			}
		},
	},
	{
		name: "sdk-extends-instance-credentials", title: "Frontends get expired tokens for ten minutes and recover", now: "2026-01-20T20:15:00Z", role: "web-frontend", region: "eu-west-1",
		what:   "instances cannot reach the metadata service; the SDK extends the credentials that it has and uses them past their end until it can",
		source: "[aws-sdk-java-v2#3142](https://github.com/aws/aws-sdk-java-v2/issues/3142), [smithy-rs#2687](https://github.com/smithy-lang/smithy-rs/issues/2687)",
		expect: expect{primary: "refresh-failing", never: []string{"no-refresh", "sts-service-event", "role-chaining-limit"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			r := c.addRole("web-frontend", 3600, trustingService("ec2.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ec2/web-frontend")
			hosts := []string{"i-0" + c.hex(16), "i-0" + c.hex(16), "i-0" + c.hex(16)}
			for i, host := range hosts {
				for h := 34; h > 0; h -= 3 {
					c.assume(c.now.Add(-time.Duration(h)*time.Hour+time.Duration(i*11)*time.Minute), service("ec2.amazonaws.com"), r, host, ask{lasts: 21600})
				}
			}
			// The end, six hours after it was issued, of a session of each host.
			for i, d := range []string{"16h", "10h", "4h"} {
				at, host := c.ago(d).Add(time.Duration(i*11)*time.Minute), hosts[i]
				g.repeat(at.Add(-70*time.Second), 2, host, "WARN  s.a.a.a.c.InstanceProfileCredentialsProvider - IMDS credential expiration has been extended due to an issue in IMDS; a refresh will be attempted again later.")
				g.repeat(at.Add(9*time.Second), 9, host, javaExpired)
				g.repeat(at.Add(5*time.Minute), 2, host, "WARN  s.a.a.a.c.InstanceProfileCredentialsProvider - IMDS credential expiration has been extended due to an issue in IMDS; a refresh will be attempted again later.")
			}
			g.chatter(20, hosts...)
		},
	},
	{
		name: "proxy-serves-dying-credentials", title: "Order writers fail for a minute now and then", now: "2026-04-28T13:45:00Z", role: "orders-writer", region: "eu-west-1",
		what:   "a node proxy renews the pods' quarter-hour sessions, but goes on handing out the old ones past their end",
		source: "[kiam#90](https://github.com/uswitch/kiam/issues/90), [kube2iam#346](https://github.com/jtblin/kube2iam/issues/346), [aws-sdk-java#2802](https://github.com/aws/aws-sdk-java/issues/2802)",
		expect: expect{primary: "refresh-failing", never: []string{"no-refresh", "role-chaining-limit", "throttled"}},
		build: func(c *capture) {
			proxy := c.addRole("node-credential-proxy", 3600, trustingService("ec2.amazonaws.com"))
			r := c.addRole("orders-writer", 3600, trusting(proxy.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/eks/orders/writer")
			for p := range 2 {
				pod := c.pod("orders-writer")
				w := c.instance(proxy, "i-0"+c.hex(16), c.ago("7h"), fmt.Sprintf("10.2.4.%d", 18+p), goV1)
				for i := range 24 {
					at := c.ago("5h40m").Add(time.Duration(p)*5*time.Minute + time.Duration(i)*14*time.Minute)
					s := c.assume(at, w, r, pod, ask{seconds: 900})
					if i%7 == 3+p {
						g.repeat(s.ends.Add(time.Duration(2+c.rng.IntN(70))*time.Second), 3, pod, javaExpired)
					}
				}
				g.chatter(10, pod)
			}
		},
	},
	{
		name: "ec2-request-expired-is-expiry", title: "Fleet inspector gets Request has expired", now: "2026-05-19T10:20:00Z", role: "fleet-inspector", region: "eu-central-1",
		what:   "EC2's RequestExpired, which may mean a skewed clock as well, comes right behind the end of each session",
		source: "[EC2 error codes](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html)",
		expect: expect{primary: "no-refresh", never: []string{"clock-skew", "refresh-failing"}},
		build: func(c *capture) {
			u := c.addUser("svc-fleet")
			r := c.addRole("fleet-inspector", 3600, trusting(u.Arn))
			c.addTrail("eu-central-1")
			c.background()
			g := c.addGroup("/tools/fleet-inspector")
			c.worker(g, c.user(u, "198.51.100.140", boto), r, "fleet-inspector-a", "fleet-inspector-a", c.ago("12h"), 5, ask{spelling: iso}, ec2Expired)
			c.worker(g, c.user(u, "198.51.100.141", boto), r, "fleet-inspector-b", "fleet-inspector-b", c.ago("7h"), 3, ask{spelling: old}, ec2Expired)
		},
	},
	{
		name: "one-image-many-roles", title: "Shop services lose their credentials since the new base image", now: "2026-09-15T15:05:00Z", role: "cart-api", region: "eu-west-1",
		what:   "a base image with a client that does not renew web identity sessions is rolled out: every service on it fails one hour after its start, each with a role of its own",
		source: "[aws-sdk-js-v3#3052](https://github.com/aws/aws-sdk-js-v3/issues/3052), [cube#11622](https://github.com/cube-js/cube/issues/11622)",
		expect: expect{primary: "account-wide-refresh", never: []string{"sts-service-event", "idp-token-expired", "trust-policy-changed"}},
		build: func(c *capture) {
			provider := c.cluster(eksIssuer, "sts.amazonaws.com")
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/eks/shop/application")
			for n, service := range []string{"cart-api", "stock-api", "price-api", "login-api"} {
				subject := "system:serviceaccount:shop:" + service
				r := c.addRole(service, 3600, trustingToken(provider, eksIssuer, subject, "sts.amazonaws.com"))
				for i := range 3 {
					pod := c.pod(service)
					w := c.webIdentity(eksIssuer, "sts.amazonaws.com", subject, fmt.Sprintf("10.8.%d.%d", n, 20+i), jsV3)
					old := c.webIdentity(eksIssuer, "sts.amazonaws.com", subject, fmt.Sprintf("10.8.%d.%d", n, 120+i), jsV3)
					if i == 0 { // before the rollout sessions were renewed
						c.renewed(old, r, c.pod(service), c.ago("13h"), c.ago("5h30m"), ask{})
					}
					start := c.ago("5h").Add(time.Duration(n*3+i) * 100 * time.Second)
					for range 2 {
						s := c.assume(start, w, r, pod, ask{})
						line := jsExpired
						g.repeat(s.ends.Add(time.Duration(5+c.rng.IntN(20))*time.Second), 4, pod, line)
						start = s.ends.Add(9 * time.Minute)
					}
					c.assume(start, w, r, pod, ask{})
				}
			}
		},
	},
	{
		name: "look-alikes-beside", title: "Tokens expire all over the checkout", now: "2026-07-22T14:00:00Z", role: "checkout-worker", region: "eu-west-1",
		what:   "a worker that never renews, in a log group full of expired user tokens, registry tokens and presigned links",
		source: "[avni-client#1088](https://github.com/avniproject/avni-client/issues/1088), [ECR tokens](https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html), [presigned URLs](https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html)",
		expect: expect{primary: "no-refresh", never: []string{"not-aws", "idp-token-expired", "refresh-failing"}},
		build: func(c *capture) {
			u := c.addUser("svc-checkout")
			r := c.addRole("checkout-worker", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/prod/checkout")
			for i, d := range []string{"10h", "8h30m"} {
				name := fmt.Sprintf("checkout-worker-%d", i)
				c.worker(g, c.user(u, fmt.Sprintf("198.51.100.%d", 170+i), boto), r, name, name, c.ago(d), 4, ask{spelling: narrow}, botoExpired)
			}
			c.lookAlikes(g, 40, "checkout-web-1", "checkout-web-2")
		},
	},
	{
		name: "two-troubles", title: "Ledger sync and the month-end batch both fail", now: "2026-08-31T17:30:00Z", role: "ledger-sync", region: "eu-west-1",
		what:   "one worker never renews; another caller was taken out of the trust policy at noon",
		source: "[trust policy changes in CloudTrail](https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html), [airflow#16770](https://github.com/apache/airflow/issues/16770)",
		expect: expect{primary: "trust-policy-changed", also: []string{"no-refresh"}, may: []string{"refresh-failing"}, never: []string{"role-chaining-limit", "access-denied-other", "cross-account-denied"},
			steps: map[string]string{"trust-changes": "found", "sts-errors": "found", "app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-ledger")
			batch := c.addRole("month-end-batch", 3600, trustingService("ecs-tasks.amazonaws.com"))
			r := c.addRole("ledger-sync", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			before := trusting(u.Arn, batch.Arn)
			c.editTrust(c.now.AddDate(0, 0, -30), c.pipeline(c.now.AddDate(0, 0, -30)), r, before)
			c.editTrust(c.ago("5h30m"), c.pipeline(c.ago("5h30m")), r, r.AssumeRolePolicyDocument)
			g := c.addGroup("/prod/ledger-sync")
			c.worker(g, c.user(u, "198.51.100.200", boto), r, "ledger-sync-main", "ledger-sync-main", c.ago("14h"), 9, ask{}, botoExpired)
			b := c.as(batch, c.hex(32), c.ago("20h"), "10.4.1.7", boto)
			c.renewed(b, r, "month-end", c.ago("20h"), c.ago("5h40m"), ask{})
			for i := range 9 {
				at := c.ago("5h10m").Add(time.Duration(i) * 33 * time.Minute)
				b := c.as(batch, c.hex(32), at.Add(-time.Minute), "10.4.1.7", boto)
				c.refuse(at, b, r, "month-end", ask{}, "AccessDenied", notAuthorized(b, r, ""))
			}
		},
	},
	{
		name: "china-narrow-space", title: "Importers in Ningxia stop every hour", now: "2026-10-08T09:30:00Z", role: "import-worker", region: "cn-northwest-1",
		what:   "a worker in a Chinese region never renews; expirations are written with a narrow no-break space",
		source: "[JDK-8284840](https://bugs.openjdk.org/browse/JDK-8284840), [AWS partitions](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html)",
		expect: expect{primary: "no-refresh", never: []string{"trust-policy-changed", "sts-service-event"}, steps: map[string]string{"trust-changes": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			u := c.addUser("svc-import")
			r := c.addRole("import-worker", 3600, trusting(u.Arn))
			c.addTrail("cn-north-1")
			c.background()
			c.noHealth = true
			g := c.addGroup("/prod/import-worker")
			c.worker(g, c.user(u, "198.51.100.15", javaV2), r, "import-worker-1", "import-worker-1", c.ago("9h"), 5, ask{spelling: narrow}, javaExpired)
		},
	},
}

// lookAlikes are lines of tokens that are not AWS credentials, though one is of
// AWS's own registry and one of a signed link.
func (c *capture) lookAlikes(g *group, n int, streams ...string) {
	for i := range n {
		at := c.now.Add(-time.Duration(c.rng.IntN(23*3600)+600) * time.Second)
		stream := streams[i%len(streams)]
		switch i % 5 {
		case 0:
			g.say(at, stream, `{"level":"warn","msg":"login rejected","error":"jwt expired","user":"u-`+fmt.Sprint(100+i)+`"}`)
		case 1:
			g.say(at, stream, "TokenExpiredError: jwt expired\n    at verify (/srv/node_modules/jsonwebtoken/verify.js:190:21)")
		case 2:
			g.say(at, stream, `NotAuthorizedException: Access Token has expired (service: CognitoIdentityProvider)`)
		case 3:
			g.say(at, stream, "denied: Your authorization token has expired. Reauthenticate and try again.")
		default:
			g.say(at, stream, "GET https://files.example.com/a.pdf 403 <Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
		}
	}
}
