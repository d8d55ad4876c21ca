package awsemu

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestCallerIdentityIsTheCapturesAccount(t *testing.T) {
	c := sts.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	id := must(c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if *id.Account != "111122223333" || *id.Arn != "arn:aws:iam::111122223333:user/stsleuth" {
		t.Errorf("identity is %+v", id)
	}
}

func TestAssumedCredentialsEndByTheWallClockAndSpeakForTheirAccount(t *testing.T) {
	fs := files{"cloudtrail/a.jsonl": lines(
		assumed("mine", "2026-10-14T10:00:00Z", "eu-west-1", ""),
		record("theirs", "2026-10-14T10:00:00Z", "eu-west-1", "444455556666", "sts.amazonaws.com", "AssumeRole", true, ""),
	), "cloudtrail/trails.json": orgTrail(`"Status":{"IsLogging":true}`), "iam/roles.json": everything["iam/roles.json"]}
	s := fs.serve(t, Options{})
	c := sts.NewFromConfig(s.once("eu-west-1"))
	out := must(c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::444455556666:role/sts-doctor"), RoleSessionName: aws.String("bot"), ExternalId: aws.String("hush-hush")}))(t)
	if left := time.Until(*out.Credentials.Expiration); left < 59*time.Minute || left > time.Hour {
		t.Errorf("credentials end in %s", left)
	}

	member := s.once("eu-west-1")
	member.Credentials = stscreds.NewAssumeRoleProvider(c, "arn:aws:iam::444455556666:role/sts-doctor")
	id := must(sts.NewFromConfig(member).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	if *id.Account != "444455556666" || !strings.HasPrefix(*id.Arn, "arn:aws:sts::444455556666:assumed-role/sts-doctor/") {
		t.Errorf("identity is %+v", id)
	}
	events := must(cloudtrail.NewFromConfig(member).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{}))(t).Events
	if len(events) != 1 || *events[0].EventId != "theirs" {
		t.Errorf("the member's event history has %d events", len(events))
	}
	if trails := must(cloudtrail.NewFromConfig(member).DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{}))(t).TrailList; len(trails) != 1 {
		t.Errorf("the member sees %d trails, want the organization's", len(trails))
	}
	if groups := must(cloudwatchlogs.NewFromConfig(member).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}))(t).LogGroups; len(groups) != 0 {
		t.Errorf("the member sees the log group of the trail's account")
	}
	_, err := iam.NewFromConfig(member).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("payments-api")})
	wantCode(t, err, "NoSuchEntity") // a namesake in the captured account is not the member's

	for _, call := range s.Calls() {
		if call.Action == "sts:AssumeRole" && call.Parameters["ExternalId"] == "hush-hush" {
			t.Error("the external id is in the record of calls")
		}
	}
	if info := must(c.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: out.Credentials.AccessKeyId}))(t); *info.Account != "444455556666" {
		t.Errorf("the issued key belongs to %s", *info.Account)
	}
}

func TestAssumeRoleDurations(t *testing.T) {
	s := everything.serve(t, Options{})
	direct := sts.NewFromConfig(s.once("eu-west-1"))
	chained := s.once("eu-west-1")
	chained.Credentials = stscreds.NewAssumeRoleProvider(direct, "arn:aws:iam::111122223333:role/hop")
	for _, tt := range []struct {
		name    string
		client  *sts.Client
		role    string
		seconds int32
		message string
	}{
		{"up to the role's maximum", direct, "payments-api", 3600, ""},
		{"above the role's maximum", direct, "payments-api", 3601, "MaxSessionDuration set for this role"},
		{"under the least", direct, "payments-api", 899, "durationSeconds"},
		{"above the most", direct, "unlisted", 43201, "durationSeconds"},
		{"chained, one hour", sts.NewFromConfig(chained), "unlisted", 3600, ""},
		{"chained, more than one hour", sts.NewFromConfig(chained), "unlisted", 3601, "role chaining"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/" + tt.role), RoleSessionName: aws.String("bot"), DurationSeconds: &tt.seconds})
			if tt.message == "" && err != nil || tt.message != "" && (err == nil || !strings.Contains(err.Error(), tt.message)) {
				t.Errorf("got %v", err)
			}
		})
	}
}
