package cloudtrail_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

const (
	app     = "arn:aws:iam::111122223333:role/team/app"
	granted = `"responseElements":{"credentials":{"accessKeyId":"%s","sessionToken":"SECRET","expiration":"Oct 13, 2026, 6:22:59 AM"},"assumedRoleUser":{"assumedRoleId":"AROAX:job","arn":"arn:aws:sts::111122223333:assumed-role/app/job"}}`
)

func issue(id, key, identity, rest string) string {
	return `{"eventID":"` + id + `","eventTime":"2026-10-13T05:22:58Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1",` +
		`"userIdentity":` + identity + `,"requestParameters":{"roleArn":"` + app + `","roleSessionName":"job"},` + fmt.Sprintf(granted, key) + rest + `}`
}

func ledger(t *testing.T, arn string, records ...string) []cloudtrail.Session {
	t.Helper()
	var r cloudtrail.Role
	if arn != "" {
		r = role(t, arn)
	}
	l := cloudtrail.NewLedger(r)
	for _, raw := range records {
		rec, err := cloudtrail.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		l.Add(rec)
	}
	return l.Sessions()
}

const user = `{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/svc","accessKeyId":"AKIAX","principalId":"AIDAX"}`

func TestChained(t *testing.T) {
	for name, tc := range map[string]struct {
		identity string
		want     cloudtrail.Answer
	}{
		"a role's session":                        {`{"type":"AssumedRole","accessKeyId":"ASIAX"}`, cloudtrail.Yes},
		"a role's session with a masked key":      {`{"type":"AssumedRole","accessKeyId":""}`, cloudtrail.Yes},
		"a user's own key":                        {user, cloudtrail.No},
		"a user with GetSessionToken":             {`{"type":"IAMUser","accessKeyId":"ASIAX"}`, cloudtrail.Yes},
		"a user whose key is masked":              {`{"type":"IAMUser","accessKeyId":""}`, cloudtrail.Unknown},
		"a user without a key":                    {`{"type":"IAMUser","principalId":"AIDAX"}`, cloudtrail.Unknown},
		"a service":                               {`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`, cloudtrail.No},
		"SAML":                                    {`{"type":"SAMLUser"}`, cloudtrail.No},
		"a web identity":                          {`{"type":"WebIdentityUser"}`, cloudtrail.No},
		"another account's session, its copy":     {`{"type":"AWSAccount","principalId":"AROAX:job","accountId":"444455556666"}`, cloudtrail.Yes},
		"another account's user, its copy":        {`{"type":"AWSAccount","principalId":"AIDAX","accountId":"444455556666"}`, cloudtrail.Unknown},
		"another account's user, key visible":     {`{"type":"AWSAccount","principalId":"AIDAX","accessKeyId":"AKIAX"}`, cloudtrail.No},
		"an identity of which nothing is visible": {`{}`, cloudtrail.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			got := ledger(t, app, issue("1", "ASIANEWNEWNEWNEWNEWN", tc.identity, ""))
			if len(got) != 1 || got[0].Chained != tc.want {
				t.Errorf("%+v, want Chained %q", got, tc.want)
			}
		})
	}
}

func TestSessionSaysWhatTheRecordShows(t *testing.T) {
	got := ledger(t, app, issue("1", "ASIANEWNEWNEWNEWNEWN", user,
		`,"sourceIPAddress":"192.0.2.1","userAgent":"boto3","recipientAccountId":"111122223333","additionalEventData":{"RequestDetails":{"awsServingRegion":"eu-west-1","endpointType":"regional"}}`),
		`{"eventID":"9","eventTime":"2026-10-13T06:01:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"AssumedRole","accessKeyId":"ASIANEWNEWNEWNEWNEWN"}}`,
		`{"eventID":"8","eventTime":"2026-10-13T06:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","userIdentity":{"type":"AssumedRole","accessKeyId":"ASIANEWNEWNEWNEWNEWN"}}`,
		`{"eventID":"7","eventTime":"2026-10-13T06:40:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","errorCode":"ExpiredToken","userIdentity":{"type":"AssumedRole","accessKeyId":"ASIANEWNEWNEWNEWNEWN"}}`,
	)
	want := []cloudtrail.Session{{
		AccessKeyID: "ASIANEWNEWNEWNEWNEWN", Kind: cloudtrail.KindAssumeRole,
		Issued:  time.Date(2026, 10, 13, 5, 22, 58, 0, time.UTC),
		Expires: time.Date(2026, 10, 13, 6, 22, 59, 0, time.UTC), Length: time.Hour + time.Second,
		SessionName: "job", AssumedRoleID: "AROAX:job", Requester: "arn:aws:iam::111122223333:user/svc", RequesterKey: "AKIAX",
		Chained: cloudtrail.No, UserAgent: "boto3", SourceIP: "192.0.2.1",
		Region: "eu-west-1", EndpointRegion: "eu-west-1", EndpointType: "regional", EventID: "1", RecipientAccount: "111122223333",
		LastUse: time.Date(2026, 10, 13, 6, 1, 0, 0, time.UTC), LastUseEvent: "GetObject",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !cloudtrail.Near(got[0].Length, time.Hour) || cloudtrail.Near(got[0].Length, time.Hour+7*time.Second) {
		t.Error("an hour and a second is an hour, and not an hour and seven seconds")
	}
}

func TestCopiesOfOneCallAreOneSession(t *testing.T) {
	callers := issue("caller-copy", "ASIANEWNEWNEWNEWNEWN", `{"type":"IAMUser","arn":"arn:aws:iam::444455556666:user/svc","accessKeyId":"AKIAX"}`, `,"sharedEventID":"s","recipientAccountId":"444455556666"`)
	roles := issue("a-role-copy", "ASIANEWNEWNEWNEWNEWN", `{"type":"AWSAccount","principalId":"AIDAX","accountId":"444455556666"}`, `,"sharedEventID":"s","recipientAccountId":"111122223333"`)
	for _, order := range [][]string{{callers, roles}, {roles, callers}, {roles, roles, callers, callers}} {
		got := ledger(t, app, order...)
		if len(got) != 1 || got[0].EventID != "caller-copy" || got[0].Requester != "arn:aws:iam::444455556666:user/svc" || got[0].Chained != cloudtrail.No {
			t.Errorf("%+v, want one session as the caller's account saw it", got)
		}
	}
	t.Run("without a visible key, by the shared id", func(t *testing.T) {
		a := issue("1", "", user, `,"sharedEventID":"s"`)
		b := issue("2", "", user, `,"sharedEventID":"s"`)
		c := issue("3", "", user, "")
		if got := ledger(t, app, a, b, c); len(got) != 2 {
			t.Errorf("%d sessions, want 2", len(got))
		}
	})
}

func TestWhatIsNoSessionOfTheRole(t *testing.T) {
	for name, raw := range map[string]string{
		"a refused call": `{"eventID":"1","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied","requestParameters":{"roleArn":"` + app + `"}}`,
		"another role's": `{"eventID":"1","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"` + app + `-admin"}}`,
		"a change":       `{"eventID":"1","eventSource":"iam.amazonaws.com","eventName":"UpdateRole","requestParameters":{"roleName":"app"}}`,
	} {
		if got := ledger(t, app, raw); len(got) != 0 {
			t.Errorf("%s became a session: %+v", name, got)
		}
	}
}

func TestKinds(t *testing.T) {
	for want, raw := range map[cloudtrail.Kind]string{
		cloudtrail.KindService:         issue("1", "ASIANEWNEWNEWNEWNEWN", `{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`, ""),
		cloudtrail.KindSAML:            `{"eventID":"1","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML","requestParameters":{"roleArn":"` + app + `"}}`,
		cloudtrail.KindWebIdentity:     `{"eventID":"1","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","resources":[{"ARN":"` + app + `"}]}`,
		cloudtrail.KindPodIdentity:     `{"eventID":"1","eventSource":"eks-auth.amazonaws.com","eventName":"AssumeRoleForPodIdentity","requestParameters":{"clusterName":"prod","token":"HIDDEN"},"responseElements":{"subject":{"namespace":"shop","serviceAccount":"cart"},"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/app/eks-prod","assumeRoleId":"AROAX:eks-prod"},"credentials":{"accessKeyId":"ASIANEWNEWNEWNEWNEWN","expiration":1791872579}}}`,
		cloudtrail.KindGetSessionToken: `{"eventID":"1","eventSource":"sts.amazonaws.com","eventName":"GetSessionToken"}`,
	} {
		arn := app
		if want == cloudtrail.KindGetSessionToken {
			arn = "" // no role: only the ledger of everything holds it
		}
		got := ledger(t, arn, raw)
		if len(got) != 1 || got[0].Kind != want {
			t.Errorf("%+v, want one of kind %s", got, want)
		}
		if want == cloudtrail.KindPodIdentity && (got[0].Requester != "shop/cart" || got[0].Expires.Year() != 2026 || got[0].SessionName != "eks-prod") {
			t.Errorf("%+v", got[0])
		}
	}
}

// The same records in any order give the same ledger, byte for byte.
func TestLedgerDoesNotDependOnTheOrderOfRecords(t *testing.T) {
	var records []string
	for file, rs := range publishedRecords(t) {
		_ = file
		for _, r := range rs {
			records = append(records, string(r))
		}
	}
	var first []byte
	for i := range 5 {
		rand.New(rand.NewPCG(uint64(i), 0)).Shuffle(len(records), func(a, b int) { records[a], records[b] = records[b], records[a] })
		sessions := ledger(t, "", records...)
		out, err := json.Marshal(sessions)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out
			t.Logf("%d published records issue %d different credentials", len(records), len(sessions))
		}
		if len(sessions) == 0 || string(out) != string(first) {
			t.Fatalf("%d sessions, or others than before", len(sessions))
		}
	}
}
