package main

import (
	"fmt"
	"time"
)

// wordings are incidents that other SDKs and log shippers tell in other words.
var wordings = []incident{
	{
		name: "pods-named-by-sdk", title: "Search pods fail every hour behind Fluent Bit", now: "2026-05-06T13:37:00Z", role: "search-api", region: "eu-west-1",
		what:   "pods hold one web identity session for too long; the SDK names each session by the second, the log stream by the pod's file, and the shipper wraps the line in JSON within JSON",
		source: "[botocore's session names](https://github.com/boto/botocore/blob/develop/botocore/credentials.py), [Fluent Bit in EKS](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html)",
		expect: expect{primary: "no-refresh", never: []string{"idp-token-expired", "refresh-failing", "not-aws"}, steps: map[string]string{"app-errors": "found", "sts-errors": "clear"}},
		build: func(c *capture) {
			const subject = "system:serviceaccount:shop:search-api"
			provider := c.cluster(eksIssuer, "sts.amazonaws.com")
			r := c.addRole("search-api", 3600, trustingToken(provider, eksIssuer, subject, "sts.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/aws/containerinsights/prod/application")
			for i := range 3 {
				pod := c.pod("search-api")
				w := c.webIdentity(eksIssuer, "sts.amazonaws.com", subject, fmt.Sprintf("10.8.1.%d", 20+i), boto)
				start := c.ago("7h").Add(time.Duration(i) * 13 * time.Minute)
				for range 4 {
					s := c.assume(start, w, r, fmt.Sprintf("botocore-session-%d", start.Unix()), ask{})
					g.repeat(s.ends.Add(time.Duration(4+i*3)*time.Second), 3, "ip-10-8-1-20.eu-west-1.compute.internal-application.var.log.containers."+pod+"_shop_search-api-5e1f.log",
						fmt.Sprintf(`{"log":"2026-05-06T09:12:44.12Z stderr F {\"level\":\"error\",\"event\":\"query failed\",\"exc\":\"botocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the Query operation: The security token included in the request is expired\"}","stream":"stderr","kubernetes":{"pod_name":"%s","namespace_name":"shop","container_name":"search-api"}}`, pod))
					start = s.ends.Add(5 * time.Minute)
				}
				c.assume(start, w, r, fmt.Sprintf("botocore-session-%d", start.Unix()), ask{})
			}
		},
	},
	{
		name: "spark-says-access-denied", title: "Executors are denied their files after an hour", now: "2026-07-21T06:40:00Z", role: "lake-reader", region: "us-west-2",
		what:   "Hadoop wraps an expired session into an AccessDeniedException of its own, and container names have nothing of the session's",
		source: "[S3A troubleshooting](https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/troubleshooting_s3a.html)",
		expect: expect{primary: "no-refresh", never: []string{"access-denied-other", "refresh-failing"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			u, r := c.simple("lake-reader", 3600)
			g := c.addGroup("/emr/lake-reader")
			for i := range 3 {
				name := fmt.Sprintf("lake-executor-%d", i)
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 20+i), "aws-sdk-java/1.12.500 Linux/5.10.186 OpenJDK_64-Bit_Server_VM/25.382-b05 java/1.8.0_382")
				c.worker(g, w, r, name, fmt.Sprintf("container_1714_%04d", 7+i), c.ago("9h").Add(time.Duration(i)*17*time.Minute), 5, ask{},
					"java.nio.file.AccessDeniedException: s3a://lake/events/part-0001.parquet: getFileStatus on s3a://lake/events/part-0001.parquet: com.amazonaws.services.s3.model.AmazonS3Exception: The provided token has expired. (Service: Amazon S3; Status Code: 400; Error Code: ExpiredToken; Request ID: 9X2)")
			}
		},
	},
	{
		name: "function-keeps-its-session", title: "Warm functions fail after an hour", now: "2026-02-19T17:20:00Z", role: "crm-reader", region: "eu-west-1",
		what:   "a function assumes the role where it is loaded, not where it is called; all its instances name their sessions alike, and streams are named by date",
		source: "[Lambda execution environments](https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html), [boto3#443](https://github.com/boto/boto3/issues/443)",
		expect: expect{primary: "no-refresh", never: []string{"role-chaining-limit", "refresh-failing", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			function := c.addRole("orders-function", 3600, trustingService("lambda.amazonaws.com"))
			r := c.addRole("crm-reader", 3600, trusting(function.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/aws/lambda/crm-orders")
			for i := range 6 {
				at := c.ago("11h").Add(time.Duration(i) * 95 * time.Minute)
				s := c.assume(at, c.as(function, "crm-orders", at.Add(-time.Minute), fmt.Sprintf("203.0.113.%d", 10+i), boto), r, "crm", ask{})
				c.use(at.Add(time.Minute), s, "")
				stream := at.Format("2006/01/02") + "/[$LATEST]" + c.hex(32)
				g.say(at, stream, "INIT_START Runtime Version: python:3.12.v30")
				g.repeat(s.ends.Add(20*time.Second), 5, stream, "[ERROR] ClientError: An error occurred (ExpiredTokenException) when calling the Scan operation: The security token included in the request is expired\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 14, in handler")
			}
		},
	},
	{
		name: "instance-credentials-copied", title: "Frontends fail six hours after their start", now: "2026-06-30T21:15:00Z", role: "store-frontend", region: "eu-west-1",
		what:   "EC2 issues new credentials to each instance every hour, but the application copied those of its start into its settings: nothing failed to renew, nobody read again",
		source: "[instance metadata credentials](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html), [logstash-output-amazon_es#7](https://github.com/awslabs/logstash-output-amazon_es/issues/7)",
		expect: expect{primary: "no-refresh", never: []string{"refresh-failing", "role-chaining-limit"}, steps: map[string]string{"app-errors": "found", "sts-errors": "clear"}},
		build: func(c *capture) {
			r := c.addRole("store-frontend", 3600, trustingService("ec2.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ec2/store-frontend")
			for i := range 2 {
				host := "i-0" + c.hex(16)
				for h := 36; h > 0; h-- {
					at := c.now.Add(-time.Duration(h)*time.Hour + time.Duration(i*11)*time.Minute)
					s := c.assume(at, service("ec2.amazonaws.com"), r, host, ask{lasts: 22800})
					if h == 21 || h == 14 || h == 7 { // its starts
						g.repeat(s.ends.Add(9*time.Second), 6, host, `ERROR Invoke Error {"errorType":"ExpiredToken","errorMessage":"The provided token has expired.","code":"ExpiredToken","region":null,"retryable":true,"statusCode":400}`)
					}
				}
			}
		},
	},
	{
		name: "no-credentials-in-many-words", title: "Edge services have no credentials now and then", now: "2026-09-02T11:05:00Z", role: "edge-sync", region: "eu-west-1",
		what:   "the metadata service does not answer; each SDK says in its own words that it found no credentials",
		source: "[Hadoop's NoAuthWithAWSException](https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/troubleshooting_s3a.html), [aws-sdk-js#692](https://github.com/aws/aws-sdk-js/issues/692), [instance metadata](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html)",
		expect: expect{primary: "refresh-failing", never: []string{"no-refresh", "sts-service-event", "source-credentials"}, steps: map[string]string{"app-errors": "found", "sts-errors": "clear"}},
		build: func(c *capture) {
			r := c.addRole("edge-sync", 3600, trustingService("ec2.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/ec2/edge-sync")
			for i, words := range []string{
				"org.apache.hadoop.fs.s3a.auth.NoAuthWithAWSException: No AWS Credentials provided by IAMInstanceCredentialsProvider : com.amazonaws.SdkClientException: Failed to connect to service endpoint: ",
				`CredentialsError: Missing credentials in config, if using AWS_CONFIG_FILE, set AWS_SDK_LOAD_CONFIG=1 {"code":"CredentialsError","originalError":{"message":"EC2 Metadata roleName request returned error"}}`,
				"Amazon.Runtime.AmazonServiceException: Unable to get IAM security credentials from EC2 Instance Metadata Service. at Amazon.Runtime.DefaultInstanceProfileAWSCredentials.FetchCredentials()",
				"Aws\\Exception\\CredentialsException: Error retrieving credentials from the instance profile metadata service. (cURL error 28: Connection timed out after 1001 milliseconds)",
				"dispatch failure: other: an error occurred while loading credentials: no providers in chain provided credentials",
			} {
				host := "i-0" + c.hex(16)
				for h := 35; h > 0; h -= 5 {
					c.assume(c.now.Add(-time.Duration(h)*time.Hour), service("ec2.amazonaws.com"), r, host, ask{lasts: 21600})
				}
				for n := range 4 {
					g.repeat(c.ago("6h").Add(time.Duration(n*70+i*9)*time.Minute), 2, host, words)
				}
			}
		},
	},
	{
		name: "portal-session-in-node", title: "Sync box stops during the night", now: "2026-06-17T07:30:00Z", role: "/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0f1e2d3c4b5a6978", region: "eu-west-1",
		what:   "a person's portal session ended under a service that never stops; the JavaScript and Rust SDKs say it in sentences of their own",
		source: "[aws-sdk#531](https://github.com/aws/aws-sdk/issues/531), [aws-sdk-js#4441](https://github.com/aws/aws-sdk-js/issues/4441)",
		expect: expect{primary: "sso-session-expired", may: []string{"refresh-failing"}, never: []string{"no-refresh", "not-aws", "idp-token-expired"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			provider := c.samlProvider("AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE", c.now.AddDate(80, 0, 0))
			r := c.addRole("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0f1e2d3c4b5a6978", 28800, trustingSAML(provider))
			c.addTrail("eu-west-1")
			c.background()
			for h := range 8 {
				c.assume(c.ago("14h").Add(time.Duration(h)*time.Hour), c.samlUser(provider, "developer-4", "203.0.113.99", jsV3), r, "developer-4", ask{seconds: 3600, provider: provider})
			}
			g := c.addGroup("/dev/sync")
			for i := range 6 {
				at := c.ago("5h").Add(time.Duration(i) * 40 * time.Minute)
				g.say(at, "sync-box-1", "CredentialsProviderError: The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login with the corresponding profile.")
				g.say(at.Add(time.Minute), "sync-box-2", "Error: dispatch failure: other: an error occurred while loading credentials: ProviderError { source: ExpiredToken: the SSO token has expired and cannot be refreshed }")
			}
		},
	},
	{
		name: "other-systems-expire", title: "Warehouse loads report expired credentials", now: "2026-03-24T12:00:00Z", role: "warehouse-load", region: "eu-west-1",
		what:   "a Kerberos ticket, a server's certificate, a Salesforce session, a database's token and a web token expire; the role's sessions are renewed in time",
		source: "[Kerberos errors](https://web.mit.edu/kerberos/krb5-latest/doc/admin/troubleshoot.html), [RDS IAM authentication](https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html)",
		expect: expect{primary: "not-aws", never: []string{"no-refresh", "refresh-failing", "idp-token-expired", "access-denied-other"}, steps: map[string]string{"sts-errors": "clear", "trust-changes": "clear"}},
		build: func(c *capture) {
			u, r := c.simple("warehouse-load", 3600)
			c.renewed(c.user(u, "198.51.100.30", javaV2), r, "warehouse-load-0", c.ago("30h"), c.ago("10m"), ask{})
			g := c.addGroup("/prod/warehouse-load")
			for i, words := range []string{
				"javax.security.sasl.SaslException: GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Ticket expired (32))]",
				`Post "https://api.partner.example/v1": tls: failed to verify certificate: x509: certificate has expired or is not yet valid`,
				"SalesforceExpiredSession: Response content: [{'message': 'Session expired or invalid', 'errorCode': 'INVALID_SESSION_ID'}]",
				`FATAL: PAM authentication failed for user "loader"`,
				`JWTExpired: "exp" claim timestamp check failed`,
			} {
				for n := range 3 {
					g.say(c.ago("9h").Add(time.Duration(n*150+i*17)*time.Minute), "warehouse-load-0", words)
				}
			}
			g.chatter(12, "warehouse-load-0")
		},
	},
	{
		name: "bare-access-denied", title: "Photo uploads stop, the token must be bad", now: "2026-08-27T10:30:00Z", role: "photo-upload", region: "eu-west-1",
		what:   "S3 refuses uploads with two words that name no policy; sessions are renewed in time and nothing else fails",
		source: "[S3 Access Denied](https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html)",
		expect: expect{primary: "access-denied-other", never: []string{"no-refresh", "sessions-revoked", "refresh-failing"}, steps: map[string]string{"sts-errors": "clear", "app-errors": "found"}},
		build: func(c *capture) {
			u, r := c.simple("photo-upload", 3600)
			c.renewed(c.user(u, "198.51.100.31", boto), r, "photo-upload-0", c.ago("30h"), c.ago("10m"), ask{})
			g := c.addGroup("/prod/photo-upload")
			for i := range 8 {
				g.say(c.ago("6h").Add(time.Duration(i)*40*time.Minute), "photo-upload-0", "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied")
			}
		},
	},
	{
		name: "revoked-behind-access-denied", title: "Archiver cannot write since noon", now: "2026-10-06T16:00:00Z", role: "vault-archiver", region: "eu-west-1",
		what:   "an inline policy under a name of its own cuts off all older sessions; S3 says no more than Access Denied",
		source: "[revoke IAM role temporary credentials](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html), [S3 Access Denied](https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html)",
		expect: expect{primary: "sessions-revoked", never: []string{"access-denied-other", "no-refresh"}, steps: map[string]string{"role-config": "found", "trust-changes": "found"}},
		build: func(c *capture) {
			u, r := c.simple("vault-archiver", 43200)
			cut := c.ago("4h")
			revoke := revoking(cut)
			r.inline("ir-2211-cut", revoke)
			c.iam(cut.Add(5*time.Second), c.pipeline(cut), "PutRolePolicy", map[string]any{"roleName": "vault-archiver", "policyName": "ir-2211-cut", "policyDocument": text(revoke)})
			c.assume(cut.Add(-2*time.Hour), c.user(u, "198.51.100.32", boto), r, "vault-archiver-1", ask{seconds: 43200})
			g := c.addGroup("/prod/vault-archiver")
			for i := range 8 {
				g.say(cut.Add(time.Duration(10+20*i)*time.Minute), "vault-archiver-1", "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied")
			}
		},
	},
}

// simple makes a user, a role that trusts it, a trail and what goes on beside.
func (c *capture) simple(name string, max int) (*user, *role) {
	u := c.addUser("svc-" + name)
	r := c.addRole(name, max, trusting(u.Arn))
	c.addTrail(c.region)
	c.background()
	return u, r
}

// revoking denies everything to sessions issued before a moment.
func revoking(cut time.Time) policy {
	return document(map[string]any{"Effect": "Deny", "Action": []string{"*"}, "Resource": []string{"*"}, "Condition": map[string]any{"DateLessThan": map[string]any{"aws:TokenIssueTime": cut.Format("2006-01-02T15:04:05.000Z")}}})
}
