package followups

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// issuedWith is the record of a session of app with session policies.
func issuedWith(ago time.Duration, key, params string) string {
	at := noon.Add(-ago)
	return fmt.Sprintf(`{"eventVersion":"1.10","eventID":"issue-%[5]s","eventTime":%[2]q,"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"111122223333","readOnly":true,
"userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/broker","accountId":"111122223333","accessKeyId":"AKIAQQQQQQQQQQQQBRKR","userName":"broker"},
"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/app","roleSessionName":"tenant"%[3]s},
"responseElements":{"credentials":{"accessKeyId":%[1]q,"expiration":%[4]q},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE0000000001:tenant","arn":"arn:aws:sts::111122223333:assumed-role/app/tenant"},"packedPolicySize":41},
"resources":[{"ARN":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","type":"AWS::IAM::Role"}]}`,
		key, at.Format(time.RFC3339), params, at.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM"), key[16:])
}

// deniedTo is a call that the session of a key was denied.
func deniedTo(ago time.Duration, key, id, action, because string) string {
	service, name, _ := strings.Cut(action, ":")
	message, _ := json.Marshal("User: arn:aws:sts::111122223333:assumed-role/app/tenant is not authorized to perform: " + action + " on resource: arn:aws:" + service + ":eu-west-1:111122223333:thing/1" + because)
	return fmt.Sprintf(`{"eventVersion":"1.10","eventID":%q,"eventTime":%q,"eventSource":"%s.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","recipientAccountId":"111122223333","readOnly":true,"errorCode":"AccessDenied","errorMessage":%s,
"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE0000000001:tenant","arn":"arn:aws:sts::111122223333:assumed-role/app/tenant","accountId":"111122223333","accessKeyId":%q,"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE0000000001","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"}}},
"requestParameters":null,"responseElements":null}`, id, noon.Add(-ago).Format(time.RFC3339), service, name, message, key)
}

func oneLine(records ...string) string {
	for i := range records {
		records[i] = strings.ReplaceAll(records[i], "\n", "")
	}
	return strings.Join(records, "\n") + "\n"
}

const narrowPolicies = `{"Policies":[{"Arn":"arn:aws:iam::111122223333:policy/narrow","PolicyName":"narrow","DefaultVersionId":"v2","Versions":[{"VersionId":"v2","CreateDate":"2025-01-01T00:00:00+00:00","Document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:Get*","Resource":"*"}]}}]}]}`

// Without a trail everything comes from the event history: the issuing calls, and
// by the sessions' keys what they were denied.
func TestManagedSessionPoliciesAreReadAndJudged(t *testing.T) {
	const one, two = "ASIAQQQQQQQQQQQQONE1", "ASIAQQQQQQQQQQQQTWO2"
	a := made(t, map[string]string{
		"iam/roles.json":    roleFile(trustTwo, ""),
		"iam/policies.json": narrowPolicies,
		"cloudtrail/events.jsonl": oneLine(
			issuedWith(5*time.Hour, one, `,"policyArns":[{"arn":"arn:aws:iam::111122223333:policy/narrow"}]`),
			issuedWith(3*time.Hour, two, ""),
			deniedTo(290*time.Minute, one, "taken-1", "kms:Decrypt", ""),
			deniedTo(280*time.Minute, one, "taken-2", "kms:Encrypt", " because no session policy allows the kms:Encrypt action"),
			deniedTo(270*time.Minute, one, "scp", "kms:Sign", " with an explicit deny in a service control policy"),
			deniedTo(265*time.Minute, one, "other", "ssm:GetParameter", ""),
			deniedTo(150*time.Minute, two, "without", "kms:Decrypt", "")),
	})
	o := a.follow(t, playbook.SessionPolicies, a.investigate(t, a.plan, playbook.DefaultWindow))
	f, ok := facts.Policies.In(playbook.Outcomes{o.Step: o})
	if !ok || f.With != 1 || len(f.Policies) != 1 || f.Largest != 41 {
		t.Fatalf("%s: %+v", o.Summary, f)
	}
	if p := f.Policies[0]; !p.Read || p.Kind != "managed" || len(p.Allows) != 1 || p.Allows[0] != "allow ssm:Get* on *" {
		t.Errorf("policy %+v", p)
	}
	got := map[string]playbook.Truth{}
	for _, x := range f.Taken {
		got[x.Ref] = x.By
	}
	want := map[string]playbook.Truth{"taken-1": playbook.Yes, "taken-2": playbook.Yes, "scp": playbook.No, "other": playbook.No}
	for ref, by := range want {
		if got[ref] != by {
			t.Errorf("%s: taken away by the session policy %s, want %s", ref, got[ref], by)
		}
	}
	if len(got) != len(want) {
		t.Errorf("judged %v", got)
	}
	if raw := string(o.Facts) + fmt.Sprint(o.Proof); strings.Contains(raw, one) || strings.Contains(raw, "AKIAQQQQQQQQQQQQBRKR") {
		i := max(strings.Index(raw, one), strings.Index(raw, "AKIAQQQQQQQQQQQQBRKR"))
		t.Errorf("a whole key id is in the outcome: %s", raw[max(0, i-100):min(len(raw), i+100)])
	}
}

func TestPoliciesTooLargeAreTold(t *testing.T) {
	fs := []facts.Failure{{EventID: "1", Time: noon, Code: "PackedPolicyTooLarge", Message: "Packed size of session tags consumes 103% of allotted space."}, {EventID: "2", Time: noon, Code: "AccessDenied"}}
	if got := tooLarge(fs); len(got) != 1 || !strings.HasPrefix(got[0], "event 1 ") {
		t.Errorf("%q", got)
	}
}

func TestWhatHingesOnAConditionIsNotBlamed(t *testing.T) {
	for _, tt := range []struct {
		policy string
		action string
		want   playbook.Truth
	}{
		{`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "s3:GetObject", playbook.No},
		{`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "kms:Decrypt", playbook.Yes},
		{`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`, "s3:GetObject", playbook.Unknown},
		{`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}/*"}]}`, "s3:GetObject", playbook.Unknown},
		{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`, "kms:Decrypt", playbook.Unknown},
		{`not json`, "kms:Decrypt", playbook.Unknown},
	} {
		b := newPolicyBook()
		rec, err := cloudtrail.Decode([]byte(issuedWith(time.Hour, "ASIAQQQQQQQQQQQQONE1", `,"policy":`+string(must(json.Marshal(tt.policy))))))
		if err != nil {
			t.Fatal(err)
		}
		b.add(rec)
		if got, why := b.judge(rec, tt.action, "arn:aws:s3:::bucket/key", trust.Denial{}); got != tt.want {
			t.Errorf("%s under %s: %s (%s), want %s", tt.action, tt.policy, got, why, tt.want)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
