package redact

import (
	"strings"
	"testing"
)

// The lines that are redacted: what an application writes when its credentials
// end, plain, as JSON and as a stack trace, and a record of CloudTrail.
var benchLines = []string{
	"2026-10-14T15:03:11.482Z ERROR payments.uploader - upload of batch 8812 failed: An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired.",
	`{"level":"error","ts":"2026-10-14T15:03:11.482Z","logger":"worker","msg":"request failed","err":"operation error DynamoDB: GetItem, https response error StatusCode: 400, RequestID: 373c4926-a5ad-4204-8653-ca98af197f62, api error ExpiredTokenException: The security token included in the request is expired","trace":"4bf92f3577b34da6a3ce929d0e0e4736"}`,
	"software.amazon.awssdk.services.sqs.model.SqsException: The security token included in the request is expired (Service: Sqs, Status Code: 403, Request ID: 0d5a2b1e-7c41-5ad1-9f0e-70d1b9a9b1f4)\n\tat software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handleErrorResponse(CombinedResponseHandler.java:125)\n\tat software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handle(CombinedResponseHandler.java:82)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)",
	"User: arn:aws:sts::333344445555:assumed-role/importer-v2/i-040799ef385754a7d is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/partner-drop",
	`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAJ2QRND5P2YF6O37XL:worker","arn":"arn:aws:sts::111122223333:assumed-role/payments-api/worker","accountId":"111122223333","accessKeyId":"ASIATUND744XWWS7KLOB","sessionContext":{"attributes":{"creationDate":"2026-10-14T09:11:02Z","mfaAuthenticated":"false"}}},"eventTime":"2026-10-14T15:03:11Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","sourceIPAddress":"10.2.3.4","userAgent":"aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.3","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/partner-drop","roleSessionName":"worker","durationSeconds":3600},"responseElements":{"credentials":{"accessKeyId":"ASIAQX5T7BZ3NNP6R2DE","sessionToken":"IQoJb3JpZ2luX2VjEXOFZLBn7M86mu0SqT3Z7pO7NS2HSz90VwNns5Eo3+rAJUYzYzoKJKI2Uh7zw9wTi+aBp5si/Zq==","expiration":"Oct 14, 2026, 4:03:11 PM"}},"requestID":"7b3f7c6e-0e5f-4d0b-8a53-5d1c9f2f3a11","eventID":"c1f6f3a2-3f0c-4d0f-9c47-0d9a6a5b3e21"}`,
	"payments-api",
	"arn:aws:iam::111122223333:role/payments-api",
	"aws-sdk-java/2.28.11 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.226-214.880.amzn2.x86_64 lang/java#17.0.12",
	"The role's session limit is 1 h; the trust policy has 2 statements.",
}

// BenchmarkString redacts each kind of line once.
func BenchmarkString(b *testing.B) {
	b.SetBytes(int64(len(strings.Join(benchLines, ""))))
	for b.Loop() {
		for _, line := range benchLines {
			String(line)
		}
	}
}
