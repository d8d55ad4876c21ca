package main

import (
	"fmt"
	"strings"
	"time"
)

// record is a CloudTrail record; the keys stand in CloudTrail's own order.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	EventVersion        string         `json:"eventVersion"`
	UserIdentity        identity       `json:"userIdentity"`
	EventTime           string         `json:"eventTime"`
	EventSource         string         `json:"eventSource"`
	EventName           string         `json:"eventName"`
	AWSRegion           string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent"`
	ErrorCode           string         `json:"errorCode,omitempty"`
	ErrorMessage        string         `json:"errorMessage,omitempty"`
	RequestParameters   map[string]any `json:"requestParameters"`
	ResponseElements    map[string]any `json:"responseElements"`
	AdditionalEventData map[string]any `json:"additionalEventData,omitempty"`
	RequestID           string         `json:"requestID"`
	EventID             string         `json:"eventID"`
	ReadOnly            bool           `json:"readOnly"`
	Resources           []resource     `json:"resources,omitempty"`
	EventType           string         `json:"eventType"`
	ManagementEvent     bool           `json:"managementEvent"`
	RecipientAccountID  string         `json:"recipientAccountId"`
	SharedEventID       string         `json:"sharedEventID,omitempty"`
	EventCategory       string         `json:"eventCategory"`
	TLSDetails          *tls           `json:"tlsDetails,omitempty"`
}

type resource struct {
	AccountID string `json:"accountId"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

type tls struct {
	TLSVersion               string `json:"tlsVersion"`
	CipherSuite              string `json:"cipherSuite"`
	ClientProvidedHostHeader string `json:"clientProvidedHostHeader"`
}

// identity is userIdentity: which keys are there depends on the type.
type identity struct {
	Type             string          `json:"type"`
	PrincipalID      string          `json:"principalId,omitempty"`
	ARN              string          `json:"arn,omitempty"`
	AccountID        string          `json:"accountId,omitempty"`
	AccessKeyID      string          `json:"accessKeyId,omitempty"`
	UserName         string          `json:"userName,omitempty"`
	SessionContext   *sessionContext `json:"sessionContext,omitempty"`
	InvokedBy        string          `json:"invokedBy,omitempty"`
	IdentityProvider string          `json:"identityProvider,omitempty"`
}

type sessionContext struct {
	SessionIssuer map[string]string `json:"sessionIssuer,omitempty"`
	Attributes    map[string]string `json:"attributes"`
	EC2           string            `json:"ec2RoleDelivery,omitempty"`
}

const recordTime = "2006-01-02T15:04:05Z"

// caller is who calls, from where and with what.
type caller struct {
	identity
	ip, agent string
}

// User agents as the SDKs and tools write them.
const (
	boto      = "Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#5.15.0-1063-aws md/arch#x86_64 lang/python#3.12.4 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.34.131"
	goV1      = "aws-sdk-go/1.44.290 (go1.20.14; linux; amd64)"
	goV2      = "aws-sdk-go-v2/1.30.3 ua/2.1 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/sts#1.30.3"
	javaV2    = "aws-sdk-java/2.26.21 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.220-209.869.amzn2.x86_64 lang/java#21.0.4 md/OpenJDK_64-Bit_Server_VM#21.0.4+7-LTS md/vendor#Amazon.com_Inc. md/en_US m/D"
	jsV3      = "aws-sdk-js/3.556.0 ua/2.0 os/linux#5.10.217 lang/js md/nodejs#18.20.2 api/sts#3.556.0"
	cli       = "aws-cli/2.17.20 md/awscrt#0.20.11 ua/2.0 os/linux#6.5.0-1023-aws md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/prompt#off md/command#sts.assume-role"
	terraform = "APN/1.0 HashiCorp/1.0 Terraform/1.8.5 (+https://www.terraform.io) terraform-provider-aws/5.58.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.1 ua/2.1 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/iam#1.34.1"
	browser   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	github    = "aws-sdk-nodejs/2.1523.0 linux/v20.15.0 configure-aws-credentials-for-github-actions promise"
)

// user calls with a long-term key.
func (c *capture) user(u *user, ip, agent string) caller {
	return caller{identity{Type: "IAMUser", PrincipalID: u.UserId, ARN: u.Arn, AccountID: home, AccessKeyID: u.key(), UserName: u.UserName}, ip, agent}
}

// withMFA is a user with the temporary credentials of GetSessionToken.
func (c *capture) withMFA(u *user, since time.Time, ip, agent string) caller {
	w := c.user(u, ip, agent)
	w.AccessKeyID = c.id("ASIA", 16)
	w.SessionContext = &sessionContext{Attributes: map[string]string{"creationDate": since.Format(recordTime), "mfaAuthenticated": "true"}}
	return w
}

// as is a session of a role, calling.
func (c *capture) as(r *role, name string, since time.Time, ip, agent string) caller {
	return caller{identity{Type: "AssumedRole", PrincipalID: r.RoleId + ":" + name, ARN: c.arn("sts", r.account(), "assumed-role/"+r.RoleName+"/"+name),
		AccountID: r.account(), AccessKeyID: c.id("ASIA", 16), SessionContext: &sessionContext{
			SessionIssuer: map[string]string{"type": "Role", "principalId": r.RoleId, "arn": r.Arn, "accountId": r.account(), "userName": r.RoleName},
			Attributes:    map[string]string{"creationDate": since.Format(recordTime), "mfaAuthenticated": "false"}}}, ip, agent}
}

// instance is an EC2 instance's role, calling.
func (c *capture) instance(r *role, id string, since time.Time, ip, agent string) caller {
	w := c.as(r, id, since, ip, agent)
	w.SessionContext.EC2 = "2.0"
	return w
}

// service is an AWS service that assumes a role for its own use.
func service(name string) caller {
	return caller{identity{Type: "AWSService", InvokedBy: name}, name, name}
}

// stranger is a caller of another account as the role's account sees it: an id,
// and no name.
func stranger(w caller) caller {
	w.identity = identity{Type: "AWSAccount", PrincipalID: w.PrincipalID, AccountID: w.AccountID}
	return w
}

// webIdentity is the subject of an OIDC token.
func (c *capture) webIdentity(issuer, audience, subject, ip, agent string) caller {
	provider := c.arn("iam", home, "oidc-provider/"+issuer)
	return caller{identity{Type: "WebIdentityUser", PrincipalID: provider + ":" + audience + ":" + subject, UserName: subject, IdentityProvider: provider}, ip, agent}
}

// samlUser is the subject of a SAML assertion.
func (c *capture) samlUser(provider, name, ip, agent string) caller {
	qualifier := c.hex(27) + "="
	return caller{identity{Type: "SAMLUser", PrincipalID: qualifier + ":" + name, UserName: name, IdentityProvider: qualifier}, ip, agent}
}

// ask is what a call for a session asks besides role and session name.
type ask struct {
	seconds  int    // DurationSeconds; 0 was not given
	lasts    int    // what it got where that is neither seconds nor 3600
	external string // ExternalId
	serial   string // MFA device
	region   string // of the endpoint; "" is the asked region
	global   bool   // sts.amazonaws.com, recorded in the global region, served in region
	provider string // ARN of a SAML provider
	spelling string // layout of the expiration; "" is the usual one
	copies   bool   // the caller is of another account: its copy of the record is in the files too
	event    string // "" is by the caller's type
}

// issued is a session that was handed out.
type issued struct {
	caller
	at, ends time.Time
}

// base is what every record has.
func (c *capture) base(at time.Time, w caller, source, event, region string) record {
	r := record{EventVersion: "1.10", UserIdentity: w.identity, EventTime: at.Format(recordTime), EventSource: source + ".amazonaws.com", EventName: event, AWSRegion: region,
		SourceIPAddress: w.ip, UserAgent: w.agent, RequestID: c.uuid(), EventID: c.uuid(), ReadOnly: true, EventType: "AwsApiCall", ManagementEvent: true,
		RecipientAccountID: home, EventCategory: "Management"}
	if w.Type != "AWSService" {
		suffix := ".amazonaws.com"
		if c.partition == "aws-cn" {
			suffix += ".cn"
		}
		r.TLSDetails = &tls{"TLSv1.3", "TLS_AES_128_GCM_SHA256", source + "." + region + suffix}
	}
	return r
}

// stsCall is the record of a call for a session of r, before its answer.
func (c *capture) stsCall(at time.Time, w caller, r *role, name string, q ask) record {
	served := q.region
	if served == "" {
		served = c.region
	}
	region, kind := served, "regional"
	if q.global {
		region, kind = c.globalRegion(), "global"
	}
	event := q.event
	if event == "" {
		event = map[string]string{"WebIdentityUser": "AssumeRoleWithWebIdentity", "SAMLUser": "AssumeRoleWithSAML"}[w.Type]
	}
	if event == "" {
		event = "AssumeRole"
	}
	rec := c.base(at, w, "sts", event, region)
	rec.RequestParameters = map[string]any{"roleArn": r.Arn, "roleSessionName": name}
	for key, v := range map[string]string{"externalId": q.external, "serialNumber": q.serial, "principalArn": q.provider} {
		if v != "" {
			rec.RequestParameters[key] = v
		}
	}
	if q.seconds > 0 {
		rec.RequestParameters["durationSeconds"] = q.seconds
	}
	rec.Resources = []resource{{r.account(), "AWS::IAM::Role", r.Arn}}
	if w.Type == "AWSService" {
		rec.SharedEventID = c.uuid()
		return rec
	}
	rec.AdditionalEventData = map[string]any{"RequestDetails": map[string]any{"awsServingRegion": served, "endpointType": kind}}
	if q.global {
		rec.TLSDetails.ClientProvidedHostHeader = "sts.amazonaws.com"
	}
	return rec
}

// The spellings of `expiration` that CloudTrail has used.
const (
	usual    = "Jan 2, 2006, 3:04:05 PM"
	old      = "Jan 2, 2006 3:04:05 PM"
	narrow   = "Jan 2, 2006, 3:04:05\u202fPM"
	iso      = "2006-01-02T15:04:05Z"
	tokenHas = "IQoJb3JpZ2luX2Vj"
)

// assume hands out a session of r.
func (c *capture) assume(at time.Time, w caller, r *role, name string, q ask) issued {
	rec := c.stsCall(at, w, r, name, q)
	lasts := 3600
	switch {
	case q.lasts > 0:
		lasts = q.lasts
	case q.seconds > 0:
		lasts = q.seconds
	}
	ends := at.Add(time.Duration(lasts) * time.Second)
	spelling := q.spelling
	if spelling == "" {
		spelling = usual
	}
	got := c.as(r, name, at, w.ip, w.agent)
	rec.ResponseElements = map[string]any{
		"credentials":     map[string]any{"accessKeyId": got.AccessKeyID, "sessionToken": tokenHas + c.hex(16) + "==", "expiration": ends.Format(spelling)},
		"assumedRoleUser": map[string]any{"assumedRoleId": r.RoleId + ":" + name, "arn": got.ARN}}
	switch w.Type {
	case "WebIdentityUser":
		rec.ResponseElements["provider"], rec.ResponseElements["subjectFromWebIdentityToken"] = w.IdentityProvider, w.UserName
		rec.ResponseElements["audience"] = "sts.amazonaws.com"
		rec.AdditionalEventData["identityProviderConnectionVerificationMethod"] = "IAMTrustStore"
	case "SAMLUser":
		rec.ResponseElements["subject"], rec.ResponseElements["subjectType"], rec.ResponseElements["issuer"] = w.UserName, "persistent", "https://idp.example.com/metadata"
		rec.ResponseElements["audience"], rec.ResponseElements["nameQualifier"] = "https://signin.aws.amazon.com/saml", w.IdentityProvider
		rec.Resources = append(rec.Resources, resource{home, "AWS::IAM::SAMLProvider", q.provider})
		rec.RequestParameters["sAMLAssertionID"] = "_" + c.hex(20)
	}
	if w.AccountID != "" && w.AccountID != r.account() {
		rec.SharedEventID = c.uuid()
		if q.copies {
			other := rec
			other.EventID, other.RecipientAccountID = c.uuid(), w.AccountID
			c.records = append(c.records, other)
		}
		rec.UserIdentity = stranger(w).identity
	}
	c.records = append(c.records, rec)
	return issued{got, at, ends}
}

// refuse records a refused call for a session. AWS masks what was asked in many
// denials: then the role is in the message alone.
func (c *capture) refuse(at time.Time, w caller, r *role, name string, q ask, code, message string) {
	rec := c.stsCall(at, w, r, name, q)
	rec.ErrorCode, rec.ErrorMessage = code, message
	if code == "AccessDenied" {
		rec.Resources = nil
		if w.Type != "WebIdentityUser" {
			rec.RequestParameters = nil
		} else {
			rec.ErrorMessage = "An unknown error occurred"
		}
	}
	if w.AccountID != "" {
		rec.RecipientAccountID = w.AccountID // a refused call is recorded where the caller is, and nowhere else
	}
	c.records = append(c.records, rec)
}

// notAuthorized is AWS's text for a refused AssumeRole; because may add the policy.
func notAuthorized(w caller, r *role, because string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s%s", w.ARN, r.Arn, because)
}

// use records one call made with a session.
func (c *capture) use(at time.Time, s issued, code string) {
	source, event, params := "secretsmanager", "GetSecretValue", map[string]any{"secretId": "prod/settings"}
	switch c.rng.IntN(3) {
	case 0:
		source, event, params = "ssm", "GetParameter", map[string]any{"name": "/prod/settings", "withDecryption": true}
	case 1:
		source, event, params = "kms", "Decrypt", map[string]any{"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
	}
	rec := c.base(at, s.caller, source, event, c.region)
	rec.RequestParameters = params
	if code != "" {
		rec.ErrorCode, rec.RequestParameters = code, nil
		rec.ErrorMessage = fmt.Sprintf("User: %s is not authorized to perform: %s:%s with an explicit deny in an identity-based policy", s.ARN, source, event)
	}
	c.records = append(c.records, rec)
}

// iam records a call that changes something in IAM, and gives the record for
// what is particular to it.
func (c *capture) iam(at time.Time, w caller, event string, params map[string]any) *record {
	rec := c.base(at, w, "iam", event, c.globalRegion())
	rec.ReadOnly, rec.RequestParameters = false, params
	host := map[string]string{"aws": "iam.amazonaws.com", "aws-cn": "iam.cn-north-1.amazonaws.com.cn", "aws-us-gov": "iam.us-gov.amazonaws.com"}[c.partition]
	rec.TLSDetails.ClientProvidedHostHeader = host
	c.records = append(c.records, rec)
	return &c.records[len(c.records)-1]
}

func (c *capture) editTrust(at time.Time, w caller, r *role, doc policy) *record {
	return c.iam(at, w, "UpdateAssumeRolePolicy", map[string]any{"roleName": r.RoleName, "policyDocument": text(doc)})
}

// admin is a person with an administrator's session.
func (c *capture) admin(at time.Time) caller {
	return c.as(c.someRole(home, "platform-admin"), "operator-7", at.Add(-20*time.Minute), "203.0.113.40", browser)
}

// pipeline is Terraform in a pipeline.
func (c *capture) pipeline(at time.Time) caller {
	return c.as(c.someRole(home, "infrastructure-apply"), "run-"+c.hex(6), at.Add(-3*time.Minute), "198.51.100.60", terraform)
}

// background is what goes on in every account: services that take roles for
// themselves, a build host, a scanner of another account, a reader.
func (c *capture) background() {
	thumbs, nightly, agents, deploy, scan := c.addRole("image-resizer", 3600, trustingService("lambda.amazonaws.com")),
		c.addRole("nightly-report", 3600, trustingService("states.amazonaws.com")), c.addRole("build-hosts", 3600, trustingService("ec2.amazonaws.com")),
		(*role)(nil), (*role)(nil)
	deploy = c.addRole("deployer", 7200, trusting(agents.Arn))
	scan = c.addRole("asset-scan", 3600, document(statement("Allow", map[string]any{"AWS": c.arn("iam", "777788889999", "root")}, "sts:AssumeRole",
		map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "scan-4410"}})))
	reader := c.addUser("inventory-reader")
	scanner := c.someRole("777788889999", "scanner")
	for h := 34; h > 0; h -= 4 {
		at := c.now.Add(-time.Duration(h)*time.Hour + time.Duration(c.rng.IntN(3000))*time.Second)
		c.assume(at, service("lambda.amazonaws.com"), thumbs, "image-resizer-live", ask{lasts: 43200})
		if h%8 == 2 {
			c.assume(at.Add(7*time.Minute), service("states.amazonaws.com"), nightly, c.hex(24), ask{})
			host := "i-" + c.hex(17)
			build := c.instance(agents, host, at.Add(-time.Hour), "203.0.113.9", javaV2)
			s := c.assume(at.Add(9*time.Minute), build, deploy, "build-"+fmt.Sprint(4000+c.rng.IntN(900)), ask{seconds: 3600})
			c.use(at.Add(11*time.Minute), s, "")
			other := c.as(scanner, "scan", at, "203.0.113.200", boto)
			c.assume(at.Add(17*time.Minute), other, scan, "scan", ask{external: "scan-4410"})
		}
		rec := c.base(at.Add(19*time.Minute), c.user(reader, "203.0.113.12", cli), "ec2", "DescribeInstances", c.region)
		rec.RequestParameters = map[string]any{}
		c.records = append(c.records, rec)
	}
}

// name of a pod of a deployment.
func (c *capture) pod(deployment string) string {
	return deployment + "-" + c.hex(9) + "-" + strings.ToLower(c.id("", 5))
}
