package main

import (
	"fmt"
	"time"
)

var identities = []incident{
	{
		name: "stale-token-epochs", title: "Indexers fail a day after every deploy", now: "2026-10-01T08:40:00Z", role: "indexer", region: "eu-west-1",
		what:   "a supplier of web identity tokens is never called again: AWS's message carries both times; the log group is of the class INFREQUENT_ACCESS",
		source: "[aws-sdk-java-v2#5709](https://github.com/aws/aws-sdk-java-v2/issues/5709), [log classes](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html)",
		expect: expect{primary: "idp-token-expired", may: []string{"refresh-failing"}, never: []string{"no-refresh", "idp-config", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found", "trust-changes": "clear"}},
		build: func(c *capture) {
			provider := c.cluster(eksIssuer, "sts.amazonaws.com")
			r := c.addRole("indexer", 3600, trustingToken(provider, eksIssuer, "system:serviceaccount:search:indexer", "sts.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/eks/search/indexer")
			g.class = "INFREQUENT_ACCESS"
			for i := range 2 {
				pod := c.pod("indexer")
				w := c.webIdentity(eksIssuer, "sts.amazonaws.com", "system:serviceaccount:search:indexer", fmt.Sprintf("10.9.1.%d", 30+i), javaV2)
				until := c.ago("3h30m").Add(time.Duration(i) * 20 * time.Minute)
				c.renewed(w, r, pod, until.Add(-24*time.Hour), until, ask{})
				for n := range 8 {
					at := until.Add(time.Duration(5+n*22) * time.Minute)
					g.say(at, pod, fmt.Sprintf("ERROR [scheduler-1] c.example.Indexer - software.amazon.awssdk.services.sts.model.ExpiredTokenException: Token expired: current date/time %d must be before the expiration date/time %d (Service: Sts, Status Code: 400, Request ID: %s)", at.Unix(), until.Unix(), c.uuid()))
				}
				g.chatter(8, pod)
			}
		},
	},
	{
		name: "pod-identity-stale-token", title: "Mailer pods cannot get credentials from the agent", now: "2026-08-06T14:55:00Z", role: "mailer-pods", region: "eu-west-1",
		what:   "pods were moved to EKS Pod Identity and present the token that they read at their start",
		source: "[botocore#3117](https://github.com/boto/botocore/issues/3117), [EKS Pod Identity](https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html)",
		expect: expect{primary: "idp-token-expired", may: []string{"refresh-failing"}, never: []string{"no-refresh", "source-credentials", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			r := c.addRole("mailer-pods", 3600, document(statement("Allow", map[string]any{"Service": "pods.eks.amazonaws.com"}, []string{"sts:AssumeRole", "sts:TagSession"}, nil)))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/eks/mail/mailer-pods")
			for i := range 3 {
				pod := c.pod("mailer")
				until := c.ago("2h40m").Add(time.Duration(i*7) * time.Minute)
				c.assume(until.Add(-24*time.Hour), service("pods.eks.amazonaws.com"), r, "eks-prod-"+pod, ask{lasts: 21600})
				for n := range 5 {
					at := until.Add(time.Duration(2+n*25) * time.Minute)
					g.say(at, pod, fmt.Sprintf("botocore.exceptions.CredentialRetrievalError: Error when retrieving credentials from container-role: Error retrieving metadata: Received non 200 response 400 from container metadata: [%s]: (ExpiredTokenException): The token included in the request is expired: current date/time %s must be before the expiration date/time %s., fault: client",
						c.uuid(), at.Format("2006-01-02T15:04:05.000Z"), until.Format("2006-01-02T15:04:05.000Z")))
				}
			}
		},
	},
	{
		name: "saml-assertion-too-old", title: "Desktop federation fails for half the office", now: "2026-03-31T10:05:00Z", role: "office-analytics", region: "eu-west-1",
		what:   "assertions reach STS more than five minutes after the identity provider issued them",
		source: "[SAML troubleshooting](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html)",
		expect: expect{primary: "idp-token-expired", may: []string{"refresh-failing"}, never: []string{"idp-config", "no-refresh", "clock-skew", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			provider := c.samlProvider("office", c.now.AddDate(6, 0, 0))
			r := c.addRole("office-analytics", 28800, trustingSAML(provider))
			c.addTrail("eu-west-1")
			c.background()
			for i, d := range []string{"22h", "19h", "16h"} {
				name := fmt.Sprintf("analyst-%d", i)
				c.assume(c.ago(d), c.samlUser(provider, name, "203.0.113.90", javaV2), r, name, ask{seconds: 28800, provider: provider})
			}
			g := c.addGroup("/office/federation-helper")
			for i := range 7 {
				g.say(c.ago("2h30m").Add(time.Duration(i)*19*time.Minute), fmt.Sprintf("desktop-%d", i%4), "software.amazon.awssdk.services.sts.model.ExpiredTokenException: Token must be redeemed within 5 minutes of issuance (Service: Sts, Status Code: 400, Request ID: "+c.uuid()+")")
			}
		},
	},
	{
		name: "new-cluster-new-issuer", title: "Ingress controller has no credentials on the new cluster", now: "2026-02-04T17:20:00Z", role: "ingress-controller", region: "eu-west-1",
		what:   "a cluster was made again and its issuer is a new one, which IAM does not know; the trust policy names the old one",
		source: "[aws-load-balancer-controller#1226](https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/1226), [terraform-aws-eks#965](https://github.com/terraform-aws-modules/terraform-aws-eks/issues/965)",
		expect: expect{primary: "idp-config", may: []string{"refresh-failing"}, never: []string{"idp-token-expired", "no-refresh", "trust-policy-changed", "access-denied-other"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			old := c.arn("iam", home, "oidc-provider/"+eksIssuer) // deleted with the cluster
			r := c.addRole("ingress-controller", 3600, trustingToken(old, eksIssuer, "system:serviceaccount:kube-system:ingress-controller", "sts.amazonaws.com"))
			c.addTrail("eu-west-1")
			c.background()
			w := c.webIdentity(eksIssuer, "sts.amazonaws.com", "system:serviceaccount:kube-system:ingress-controller", "10.1.1.9", goV1)
			c.renewed(w, r, "1770100000000000000", c.ago("23h"), c.ago("7h"), ask{})
			c.iam(c.ago("6h50m"), c.pipeline(c.ago("6h50m")), "DeleteOpenIDConnectProvider", map[string]any{"openIDConnectProviderArn": old})
			g := c.addGroup("/eks/prod-2/ingress-controller")
			pod := c.pod("ingress-controller")
			for i := range 9 {
				g.say(c.ago("6h").Add(time.Duration(i)*40*time.Minute), pod, `{"level":"error","logger":"controller","msg":"Reconciler error","error":"WebIdentityErr: failed to retrieve credentials\ncaused by: InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/9B8C7D6E5F4A43B2A1908F7E6D5C4B3A\n\tstatus code: 400, request id: `+c.uuid()+`"}`)
			}
		},
	},
	{
		name: "wrong-audience", title: "Deploy jobs cannot fetch a session", now: "2026-07-14T13:30:00Z", role: "site-deploy", region: "us-east-1",
		what:   "a workflow asks its token for another audience than the provider lists; one line of the Go SDK holds the failed refresh and the true cause",
		source: "[AssumeRoleWithWebIdentity errors](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html), [configure-aws-credentials](https://github.com/aws-actions/configure-aws-credentials#oidc)",
		expect: expect{primary: "idp-config", may: []string{"refresh-failing"}, never: []string{"idp-token-expired", "no-refresh", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			const issuer = "token.actions.githubusercontent.com"
			provider := c.cluster(issuer, "sts.amazonaws.com")
			r := c.addRole("site-deploy", 3600, trustingToken(provider, issuer, "repo:example-org/site:ref:refs/heads/main", "sts.amazonaws.com"))
			c.addTrail("us-east-1")
			c.background()
			w := c.webIdentity(issuer, "sts.amazonaws.com", "repo:example-org/site:ref:refs/heads/main", "192.0.2.60", goV2)
			for _, d := range []string{"22h", "17h", "11h"} {
				c.use(c.ago(d).Add(time.Minute), c.assume(c.ago(d), w, r, "site-deploy", ask{}), "")
			}
			g := c.addGroup("/ci/site-deploy")
			for i := range 6 {
				g.say(c.ago("5h").Add(time.Duration(i)*47*time.Minute), fmt.Sprintf("site-deploy/run-%d", 51+i), "Error: operation error S3: ListObjectsV2, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 400, RequestID: "+c.uuid()+", InvalidIdentityToken: Incorrect token audience")
			}
		},
	},
	{
		name: "saml-metadata-out-of-date", title: "Nobody can sign in to the finance role", now: "2026-09-08T08:50:00Z", role: "finance-reporting", region: "eu-central-1",
		what:   "the identity provider changed its certificate; the metadata in IAM ended yesterday and has the old one",
		source: "[SAML providers](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html), [SAML troubleshooting](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html)",
		expect: expect{primary: "idp-config", may: []string{"refresh-failing"}, never: []string{"idp-token-expired", "no-refresh", "sso-session-expired"}, steps: map[string]string{"app-errors": "found", "federation": "found"}},
		build: func(c *capture) {
			provider := c.samlProvider("corporate", c.ago("11h"))
			r := c.addRole("finance-reporting", 14400, trustingSAML(provider))
			c.addTrail("eu-central-1")
			c.background()
			for i, d := range []string{"30h", "21h", "14h"} {
				name := fmt.Sprintf("controller-%d", i)
				c.assume(c.ago(d), c.samlUser(provider, name, "203.0.113.95", boto), r, name, ask{seconds: 14400, provider: provider, spelling: narrow})
			}
			g := c.addGroup("/finance/signin-helper")
			for i := range 6 {
				g.say(c.ago("2h").Add(time.Duration(i)*17*time.Minute), "signin-helper", "botocore.errorfactory.InvalidIdentityTokenException: An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithSAML operation: Response signature invalid (service: AWSSecurityTokenService; status code: 400; error code: InvalidIdentityToken)")
			}
		},
	},
	{
		name: "portal-session-over", title: "Notebook jobs stop overnight", now: "2026-06-16T07:30:00Z", role: "/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_DataScience_0f1e2d3c4b5a6978", region: "eu-west-1",
		what:   "unattended jobs run on a person's Identity Center session, which ends after eight hours; the role's own sessions are fine until then",
		source: "[aws-cli#8561](https://github.com/aws/aws-cli/issues/8561), [boto3#4119](https://github.com/boto/boto3/issues/4119)",
		expect: expect{primary: "sso-session-expired", may: []string{"refresh-failing"}, never: []string{"no-refresh", "idp-token-expired", "trust-policy-changed"}, steps: map[string]string{"app-errors": "found"}},
		build: func(c *capture) {
			provider := c.samlProvider("AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE", c.now.AddDate(80, 0, 0))
			r := c.addRole("aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_DataScience_0f1e2d3c4b5a6978", 43200, trustingSAML(provider))
			c.addTrail("eu-west-1")
			c.background()
			signedIn := c.ago("15h")
			for h := range 8 {
				at := signedIn.Add(time.Duration(h) * time.Hour)
				c.assume(at, c.samlUser(provider, "scientist-4", "203.0.113.99", cli), r, "scientist-4", ask{seconds: 3600, provider: provider})
			}
			g := c.addGroup("/notebooks/jobs")
			for i := range 8 {
				at := signedIn.Add(8*time.Hour + time.Duration(4+i*45)*time.Minute)
				g.say(at, "notebook-17", "botocore.exceptions.TokenRetrievalError: Error when retrieving token from sso: Token has expired and refresh failed")
			}
			g.chatter(10, "notebook-17", "notebook-18")
		},
	},
}

func (c *capture) samlProvider(name string, until time.Time) string {
	arn := c.arn("iam", home, "saml-provider/"+name)
	c.saml = append(c.saml, map[string]any{"Arn": arn, "ValidUntil": until.Format(cliTime), "CreateDate": "2024-06-07T08:09:10+00:00"})
	return arn
}

func trustingSAML(provider string) policy {
	return document(statement("Allow", map[string]any{"Federated": provider}, []string{"sts:AssumeRoleWithSAML", "sts:TagSession"},
		map[string]any{"StringEquals": map[string]any{"SAML:aud": "https://signin.aws.amazon.com/saml"}}))
}
