package awsemu

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
)

var stsOperations = []operation{
	on(stsService, "GetCallerIdentity", (*Server).getCallerIdentity),
	of(on(stsService, "AssumeRole", (*Server).assumeRole, "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy", "PolicyArns", "SourceIdentity", "Tags", "TransitiveTagKeys"),
		func(r *request, in *sts.AssumeRoleInput) []string { return []string{aws.ToString(in.RoleArn)} }),
	on(stsService, "GetAccessKeyInfo", (*Server).getAccessKeyInfo, "AccessKeyId"),
}

func (s *Server) getCallerIdentity(r *request, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: &r.caller.account, Arn: &r.caller.arn, UserId: &r.caller.userID}, nil
}

var (
	roleARNPattern     = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)$`)
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// Limits of AssumeRole, in seconds: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	minSession, defaultSession, maxSession, maxChained = 900, 3600, 43200, 3600
)

// assumeRole lets anyone assume any role: it stands for the read-only roles of member accounts, which captures don't
// list. The credentials end by the wall clock, because SDKs compare their end with it.
func (s *Server) assumeRole(r *request, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	m := roleARNPattern.FindStringSubmatch(aws.ToString(in.RoleArn))
	if m == nil {
		return nil, fail("ValidationError", "%s is invalid", aws.ToString(in.RoleArn))
	}
	session := aws.ToString(in.RoleSessionName)
	if !sessionNamePattern.MatchString(session) {
		return nil, fail("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", session)
	}
	duration := int32(defaultSession)
	if in.DurationSeconds != nil {
		duration = *in.DurationSeconds
	}
	if duration < minSession || duration > maxSession {
		return nil, fail("ValidationError", "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", duration, minSession, maxSession)
	}
	if r.caller.temporary && duration > maxChained {
		return nil, fail("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	for _, role := range r.incident.IAM.Roles {
		if role.Arn == *in.RoleArn && duration > maxSessionOf(role) {
			return nil, fail("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}
	}

	sum := sha256.Sum256([]byte(*in.RoleArn + "/" + session))
	name := base32.StdEncoding.EncodeToString(sum[:])
	p := principal{
		account: m[2], temporary: true,
		arn:    "arn:" + m[1] + ":sts::" + m[2] + ":assumed-role/" + m[3] + "/" + session,
		userID: "AROA" + name[:17] + ":" + session,
	}
	key := "ASIA" + name[17:33]
	s.mu.Lock()
	s.issued[key] = p
	s.mu.Unlock()
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &ststypes.AssumedRoleUser{Arn: &p.arn, AssumedRoleId: &p.userID},
		Credentials: &ststypes.Credentials{
			AccessKeyId: &key, SecretAccessKey: aws.String(base64.StdEncoding.EncodeToString(sum[:30])),
			SessionToken: aws.String("emulated-session-" + strings.ToLower(strings.TrimRight(name[33:], "="))),
			Expiration:   aws.Time(time.Now().Add(time.Duration(duration) * time.Second)),
		},
		SourceIdentity: in.SourceIdentity,
	}, nil
}

// getAccessKeyInfo gives the account of keys that the emulator issued; every other key is of the account that is asked.
func (s *Server) getAccessKeyInfo(r *request, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	id := aws.ToString(in.AccessKeyId)
	if len(id) < 16 {
		return nil, fail("ValidationError", "1 validation error detected: Value '%s' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16", id)
	}
	s.mu.Lock()
	p, ok := s.issued[id]
	s.mu.Unlock()
	if ok {
		return &sts.GetAccessKeyInfoOutput{Account: &p.account}, nil
	}
	return &sts.GetAccessKeyInfoOutput{Account: &s.incident.Load().Account}, nil
}
