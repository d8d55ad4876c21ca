package gentrail

import (
	"fmt"
	"time"
)

// planted is a record of the incident.
type planted struct {
	at     time.Time
	region string
	record []byte
}

const (
	role     = "archive-export"
	roleARN  = "arn:aws:iam::" + account + ":role/" + role
	refused  = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	admin    = "AWSReservedSSO_PlatformAdmin_5d37b6817b872ce7"
	exporter = "aws-sdk-go-v2/1.31.0 ua/2.1 os/linux lang/go#1.23.1 md/GOOS#linux md/GOARCH#arm64 api/sts#1.32.0"
)

// incident makes the records of a role whose maximum session was lowered to an hour six hours before now, while its
// only caller asks for twelve hours: two sessions are issued before, and every renewal after is refused.
func (w writer) incident(now time.Time) []planted {
	var out []planted
	update := func(at time.Time, seconds int) {
		out = append(out, planted{at, "us-east-1", fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA2V2XI7V3IKUTVLR5L:on-call","arn":"arn:aws:sts::%[1]s:assumed-role/%[2]s/on-call","accountId":"%[1]s","accessKeyId":"ASIA%[3]s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA2V2XI7V3IKUTVLR5L","arn":"arn:aws:iam::%[1]s:role/aws-reserved/sso.amazonaws.com/eu-west-1/%[2]s","accountId":"%[1]s","userName":"%[2]s"},"attributes":{"creationDate":"%[4]s","mfaAuthenticated":"false"}}},"eventTime":"%[5]s","eventSource":"iam.amazonaws.com","eventName":"UpdateRole","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.77","userAgent":"Mozilla/5.0 (X11; Linux x86_64)","requestParameters":{"roleName":"%[6]s","maxSessionDuration":%[7]d},"responseElements":null,"requestID":"%[8]s","eventID":"%[9]s","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%[1]s","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"iam.amazonaws.com"}}`,
			account, admin, w.letters(16), at.Add(-time.Hour).Format(time.RFC3339), at.Format(time.RFC3339), role, seconds, w.id(), w.id())})
	}
	assume := func(at time.Time, granted bool) {
		outcome := `"errorCode":"ValidationError","errorMessage":"` + refused + `",`
		response := "null"
		if granted {
			outcome = ""
			response = fmt.Sprintf(`{"credentials":{"accessKeyId":"ASIA%s","sessionToken":"IQoJb3JpZ2luX2VjE%s==","expiration":"%s"},"assumedRoleUser":{"assumedRoleId":"AROAANWHA5OLNU2MMUIC6:archive","arn":"arn:aws:sts::%s:assumed-role/%s/archive"}}`,
				w.letters(16), w.letters(360), at.Add(12*time.Hour).Format("Jan 2, 2006, 3:04:05 PM"), account, role)
		}
		out = append(out, planted{at, "eu-west-1", fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAUNVRVMMDSIKX54HLG","arn":"arn:aws:iam::%[1]s:user/svc-archive","accountId":"%[1]s","accessKeyId":"AKIAZABV347EK5OGD55P","userName":"svc-archive"},"eventTime":"%[2]s","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.137","userAgent":"%[3]s",%[4]s"requestParameters":{"roleArn":"%[5]s","roleSessionName":"archive","durationSeconds":43200},"responseElements":%[6]s,"additionalEventData":{"RequestDetails":{"awsServingRegion":"eu-west-1","endpointType":"regional"}},"requestID":"%[7]s","eventID":"%[8]s","readOnly":true,"resources":[{"accountId":"%[1]s","type":"AWS::IAM::Role","ARN":"%[5]s"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%[1]s","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"sts.eu-west-1.amazonaws.com"}}`,
			account, at.Format(time.RFC3339), exporter, outcome, roleARN, response, w.id(), w.id())})
	}
	update(now.Add(-38*24*time.Hour), 43200)
	assume(now.Add(-29*time.Hour), true)
	assume(now.Add(-17*time.Hour-5*time.Minute), true)
	update(now.Add(-6*time.Hour), 3600)
	for at := now.Add(-5*time.Hour - 10*time.Minute); at.Before(now); at = at.Add(10 * time.Minute) {
		assume(at, false)
	}
	return out
}

const incidentYAML = `format: 1
title: Nightly export dies since the hardening change, in a busy account
now: %s
account: "111122223333"
partition: aws
ask:
  role: archive-export
  region: eu-west-1
expect:
  verdict: cause-found
  primary: max-session-lowered
  may: [duration-above-max, refresh-failing]
  never: [trust-policy-changed, sts-service-event, no-refresh, role-chaining-limit]
`

const rolesJSON = `{"Roles":[{"Path":"/","RoleName":"archive-export","RoleId":"AROAANWHA5OLNU2MMUIC6",
"Arn":"arn:aws:iam::111122223333:role/archive-export","CreateDate":"2025-02-11T09:31:07+00:00","MaxSessionDuration":3600,
"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"AWS":"arn:aws:iam::111122223333:user/svc-archive"},"Action":"sts:AssumeRole"}]},
"InlinePolicies":[],"AttachedPolicies":[]}]}
`

const trailsJSON = `{"Trails":[{"Name":"management-events","HomeRegion":"eu-west-1",
"TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/management-events","IsMultiRegionTrail":true,
"IncludeGlobalServiceEvents":true,"IsOrganizationTrail":false,
"CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:aws-cloudtrail-logs:*",
"Status":{"IsLogging":true,"LatestCloudWatchLogsDeliveryTime":"%s"},
"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[],"ExcludeManagementEventSources":[]}],
"AdvancedEventSelectors":[]}]}
`
