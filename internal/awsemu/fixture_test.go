package awsemu

import "fmt"

// everything is a capture with something of each kind in it.
var everything = files{
	"iam/roles.json": `{"Roles":[
	 {"Path":"/","RoleName":"payments-api","RoleId":"AROAPAYMENTS000000001","Arn":"arn:aws:iam::111122223333:role/payments-api","CreateDate":"2025-02-11T09:31:07+00:00",
	  "AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/a b+c%d"},"Action":"sts:AssumeRole"}]},
	  "Description":"<pays> & \"more\"","MaxSessionDuration":3600,"Tags":[{"Key":"team","Value":"pay"}],
	  "PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/boundary"},
	  "RoleLastUsed":{"LastUsedDate":"2026-10-14T14:51:54+00:00","Region":"eu-west-1"},
	  "InlinePolicies":[{"PolicyName":"AWSRevokeOlderSessions","PolicyDocument":{"Version":"2012-10-17","Statement":[]}},{"PolicyName":"p2","PolicyDocument":{}},{"PolicyName":"p3","PolicyDocument":{}},{"PolicyName":"p4","PolicyDocument":{}}],
	  "AttachedPolicies":[{"PolicyName":"boundary","PolicyArn":"arn:aws:iam::111122223333:policy/boundary"}]},
	 {"Path":"/team/","RoleName":"batch","RoleId":"AROABATCH00000000001","Arn":"arn:aws:iam::111122223333:role/team/batch","CreateDate":"2025-02-11T09:31:07+00:00","AssumeRolePolicyDocument":{},"MaxSessionDuration":43200},
	 {"Path":"/","RoleName":"third","RoleId":"AROATHIRD00000000001","Arn":"arn:aws:iam::111122223333:role/third","CreateDate":"2025-02-11T09:31:07+00:00","AssumeRolePolicyDocument":{},"MaxSessionDuration":3600}]}`,
	"iam/policies.json": `{"Policies":[{"Arn":"arn:aws:iam::111122223333:policy/boundary","PolicyName":"boundary","DefaultVersionId":"v2","Versions":[
	 {"VersionId":"v2","Document":{"Version":"2012-10-17"},"CreateDate":"2026-02-11T09:31:05+00:00"},{"VersionId":"v1","Document":{"a":1},"CreateDate":"2025-02-11T09:31:05+00:00"}]}]}`,
	"iam/users.json": `{"Users":[{"UserName":"ops","Arn":"arn:aws:iam::111122223333:user/staff/ops","UserId":"AIDAOPS","CreateDate":"2024-06-03T08:12:55+00:00",
	 "MFADevices":[{"SerialNumber":"arn:aws:iam::111122223333:mfa/ops","EnableDate":"2024-06-03T08:12:55+00:00"}],
	 "AccessKeys":[{"AccessKeyId":"AKIAOPSKEY0000000001","Status":"Inactive","CreateDate":"2024-06-03T08:12:55+00:00"}]}]}`,
	"iam/saml-providers.json":  `{"SAMLProviderList":[{"Arn":"arn:aws:iam::111122223333:saml-provider/idp","ValidUntil":"2034-10-14T09:25:00+00:00","CreateDate":"2024-05-02T07:44:10+00:00"}]}`,
	"iam/oidc-providers.json":  `{"OpenIDConnectProviders":[{"Arn":"arn:aws:iam::111122223333:oidc-provider/issuer.example","Url":"issuer.example","ClientIDList":["sts.amazonaws.com"],"ThumbprintList":["440e"],"CreateDate":"2025-01-20T11:00:00+00:00"}]}`,
	"iam/account-summary.json": `{"SummaryMap":{"Roles":3,"GlobalEndpointTokenVersion":2}}`,
	"cloudtrail/trails.json": `{"Trails":[{"Name":"main","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main","IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,
	 "CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:trail-logs:*","Status":{"IsLogging":true,"LatestDeliveryTime":"2026-10-14T15:15:48+00:00","LatestCloudWatchLogsDeliveryTime":"2026-10-14T15:15:48+00:00"},
	 "EventSelectors":[],"AdvancedEventSelectors":[]},
	 {"Name":"local","HomeRegion":"us-west-2","TrailARN":"arn:aws:cloudtrail:us-west-2:111122223333:trail/local","IsMultiRegionTrail":false,"IncludeGlobalServiceEvents":false,"Status":{"IsLogging":false,"StopLoggingTime":"2026-01-01T00:00:00Z"},
	 "AdvancedEventSelectors":[{"Name":"m","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}]}]}`,
	"cloudtrail/a.jsonl": lines(
		assumed("e1", "2026-10-14T10:00:00Z", "eu-west-1", ""),
		assumed("e2", "2026-10-14T11:00:00Z", "eu-west-1", "AccessDenied"),
		assumed("e2", "2026-10-14T11:00:00Z", "eu-west-1", "AccessDenied"),
		changed("e3", "2026-10-14T12:00:00Z"),
		assumed("e4", "2026-06-01T00:00:00Z", "eu-west-1", ""),
	),
	"logs/logs.yaml": `
groups:
  - {name: /prod/app, region: eu-west-1, retention_days: 30, created: 2025-01-01T00:00:00Z, stored_bytes: 4711, events: app.jsonl, metric_filters: [{filterName: errors, filterPattern: "ERROR", creationTime: 1735689600000, metricTransformations: [{metricName: Errors, metricNamespace: App, metricValue: "1", defaultValue: 0.0}]}]}
  - {name: /prod/cold, region: eu-west-1, class: INFREQUENT_ACCESS, events: app.jsonl}
  - {name: /prod/ship, region: eu-west-1, class: DELIVERY}
  - {name: /prod/d, region: eu-west-1}
  - {name: /prod/app, region: us-east-1}
`,
	"logs/app.jsonl": lines(
		`{"timestamp": "2026-09-01T00:00:00Z", "stream": "a", "message": "older than the retention"}`,
		`{"timestamp": "2026-10-14T14:00:00Z", "stream": "a", "message": "ERROR ExpiredToken one"}`,
		`{"timestamp": "2026-10-14T14:00:01Z", "stream": "b", "message": "{\"level\":\"info\",\"msg\":\"fine\"}"}`,
		`{"timestamp": "2026-10-14T14:00:02Z", "stream": "b", "message": "ERROR ExpiredToken two"}`,
	),
	"metrics.json": `{"Metrics":[{"Region":"eu-west-1","Namespace":"App","MetricName":"Errors","Dimensions":[{"Name":"Role","Value":"payments-api"}],"Unit":"Count",
	 "Datapoints":[{"Timestamp":"2026-10-14T14:00:00Z","Value":1},{"Timestamp":"2026-10-14T14:01:00Z","Value":2},{"Timestamp":"2026-10-14T14:06:00Z","Value":4}]},
	 {"Region":"eu-west-1","Namespace":"App","MetricName":"Old","Datapoints":[{"Timestamp":"2026-08-14T14:00:00Z","Value":1}]}]}`,
	"health.json": `{"SubscriptionRequired":false,"Events":[
	 {"arn":"arn:aws:health:eu-west-1::event/STS/AWS_STS_OPERATIONAL_ISSUE/1","service":"STS","eventTypeCode":"AWS_STS_OPERATIONAL_ISSUE","eventTypeCategory":"issue","eventScopeCode":"PUBLIC","region":"eu-west-1","startTime":"2026-10-14T13:00:00Z","lastUpdatedTime":"2026-10-14T14:00:00Z","statusCode":"open","eventDescription":{"latestDescription":"We are looking."}},
	 {"arn":"arn:aws:health:us-east-1::event/IAM/AWS_IAM_OPERATIONAL_ISSUE/2","service":"IAM","eventTypeCode":"AWS_IAM_OPERATIONAL_ISSUE","eventTypeCategory":"issue","eventScopeCode":"PUBLIC","region":"us-east-1","startTime":"2026-10-10T13:00:00Z","endTime":"2026-10-10T14:00:00Z","lastUpdatedTime":"2026-10-10T14:00:00Z","statusCode":"closed"}]}`,
	"public-status.json": `[{"service":"sts-eu-west-1","summary":"Zürich ✓"}]`,
}

// assumed is a record of AssumeRole of payments-api.
func assumed(id, at, region, errorCode string) string {
	failure := `"responseElements":{"credentials":{"accessKeyId":"ASIA` + id + `ISSUED00000","expiration":"Oct 14, 2026, 11:00:00 AM"},"assumedRoleUser":{"assumedRoleId":"AROAPAYMENTS000000001:s","arn":"arn:aws:sts::111122223333:assumed-role/payments-api/s"}},`
	if errorCode != "" {
		failure = fmt.Sprintf(`"errorCode":%q,"errorMessage":"no","responseElements":null,`, errorCode)
	}
	return record(id, at, region, "111122223333", "sts.amazonaws.com", "AssumeRole", true,
		failure+`"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/payments-api","roleSessionName":"s"}`)
}

// changed is a record of a change to payments-api.
func changed(id, at string) string {
	return record(id, at, "us-east-1", "111122223333", "iam.amazonaws.com", "UpdateRole", false, `"requestParameters":{"roleName":"payments-api","maxSessionDuration":3600}`)
}

func record(id, at, region, account, source, name string, readOnly bool, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROACALLER:worker-1","arn":"arn:aws:sts::%[4]s:assumed-role/caller/worker-1","accountId":"%[4]s","accessKeyId":"ASIACALLER0000000001"},`+
		`"eventTime":%[2]q,"eventSource":%[5]q,"eventName":%[6]q,"awsRegion":%[3]q,"eventID":%[1]q,"readOnly":%[7]t,"managementEvent":true,"eventCategory":"Management","recipientAccountId":%[4]q%[8]s}`,
		id, at, region, account, source, name, readOnly, more)
}

// trail is trails.json with one trail of eu-west-1 that writes to the group trail-logs; more overrides what it says.
func trail(more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"Trails":[{"Name":"main","HomeRegion":"eu-west-1","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main","CloudWatchLogsLogGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:trail-logs:*"` + more + `}]}`
}

func orgTrail(more string) string {
	return trail(`"IsOrganizationTrail":true,"IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,` + more)
}
