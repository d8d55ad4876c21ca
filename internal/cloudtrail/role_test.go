package cloudtrail_test

import (
	"fmt"
	"testing"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

func sprint(v ...any) string { return fmt.Sprintf("%+v", v) }

func role(t *testing.T, arn string) cloudtrail.Role {
	t.Helper()
	r, ok := cloudtrail.ParseRole(arn)
	if !ok {
		t.Fatalf("ParseRole(%q) refused", arn)
	}
	return r
}

func TestConcerns(t *testing.T) {
	const app = "arn:aws:iam::111122223333:role/app"
	const pathed = "arn:aws:iam::111122223333:role/team/a/app"
	denied := func(message string) string {
		return `{"eventName":"AssumeRole","errorCode":"AccessDenied","requestParameters":null,"errorMessage":"` + message + `"}`
	}
	request := func(arn string) string {
		return `{"eventName":"AssumeRole","requestParameters":{"roleArn":"` + arn + `"}}`
	}
	iam := func(name, account string) string {
		return `{"eventName":"UpdateRole","eventSource":"iam.amazonaws.com","recipientAccountId":"` + account + `","requestParameters":{"roleName":"` + name + `"}}`
	}
	for name, tc := range map[string]struct {
		role, record string
		want         bool
	}{
		"request":                                 {app, request(app), true},
		"request, longer name":                    {app, request(app + "-admin"), false},
		"request, shorter name":                   {app + "-admin", request(app), false},
		"request, name ends alike":                {app, request("arn:aws:iam::111122223333:role/my-app"), false},
		"request, other account":                  {app, request("arn:aws:iam::444455556666:role/app"), false},
		"request, other partition":                {app, request("arn:aws-cn:iam::111122223333:role/app"), false},
		"request, other path":                     {app, request(pathed), false},
		"request, same path":                      {pathed, request(pathed), true},
		"resource":                                {app, `{"eventName":"x","resources":[{"type":"AWS::IAM::SAMLProvider","ARN":"arn:aws:iam::111122223333:saml-provider/p"},{"ARN":"` + app + `"}]}`, true},
		"resource in lower case":                  {app, `{"eventName":"x","resources":[{"arn":"` + app + `"}]}`, true},
		"message":                                 {app, denied("User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole on resource: " + app), true},
		"message, more after it":                  {app, denied("… on resource: " + app + " because no role trust policy allows the sts:AssumeRole action"), true},
		"message, end of a sentence":              {app, denied("… on resource: " + app + "."), true},
		"message, longer name":                    {app, denied("… on resource: " + app + "-admin"), false},
		"message, longer by a dot":                {app, denied("… on resource: " + app + ".v2"), false},
		"message, longer by a plus":               {app, denied("… on resource: " + app + "+x"), false},
		"message, a path that begins alike":       {app, denied("… on resource: " + app + "/inner"), false},
		"message, the role's session as caller":   {app, denied("User: arn:aws:sts::111122223333:assumed-role/app/s is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/other"), false},
		"issued session, which has no path":       {pathed, `{"eventName":"AssumeRole","responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/app/s"}}}`, true},
		"issued session, longer name":             {app, `{"eventName":"AssumeRole","responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/app-admin/s"}}}`, false},
		"IAM event":                               {pathed, iam("app", "111122223333"), true},
		"IAM event, other role":                   {app, iam("app-admin", "111122223333"), false},
		"IAM event, namesake in another account":  {app, iam("app", "444455556666"), false},
		"created":                                 {pathed, `{"eventName":"CreateRole","responseElements":{"role":{"arn":"` + pathed + `"}}}`, true},
		"Identity Center, the permission set":     {"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef", `{"eventName":"GetRoleCredentials","eventSource":"sso.amazonaws.com","recipientAccountId":"999900001111","serviceEventDetails":{"role_name":"Ops","account_id":"111122223333"}}`, true},
		"Identity Center, another permission set": {"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_OpsAdmin_0123456789abcdef", `{"eventName":"GetRoleCredentials","eventSource":"sso.amazonaws.com","serviceEventDetails":{"role_name":"Ops","account_id":"111122223333"}}`, false},
		"nothing":                                 {app, `{"eventName":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := cloudtrail.Decode([]byte(tc.record))
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Concerns(role(t, tc.role)); got != tc.want {
				t.Errorf("Concerns = %v, want %v", got, tc.want)
			}
		})
	}
	t.Run("a role whose path is not known is found under any", func(t *testing.T) {
		r, _ := cloudtrail.Decode([]byte(request(pathed)))
		if !r.Concerns(cloudtrail.Role{Partition: "aws", Account: "111122223333", Name: "app"}) {
			t.Error("not found")
		}
	})
	t.Run("no role concerns nothing", func(t *testing.T) {
		r, _ := cloudtrail.Decode([]byte(request(app)))
		if r.Concerns(cloudtrail.Role{}) {
			t.Error("the zero role matched")
		}
	})
}

func TestParseRole(t *testing.T) {
	got := role(t, "arn:aws-us-gov:iam::111122223333:role/team/a/app")
	if want := (cloudtrail.Role{Partition: "aws-us-gov", Account: "111122223333", Path: "/team/a/", Name: "app"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.ARN() != "arn:aws-us-gov:iam::111122223333:role/team/a/app" || role(t, "arn:aws:iam::1:role/x").ARN() != "arn:aws:iam::1:role/x" {
		t.Error("the ARN does not come back")
	}
	for _, arn := range []string{"", "app", "arn:aws:iam::1:user/x", "arn:aws:iam::1:role/", "arn:aws:iam::1:role/a/", "arn:aws:sts::1:assumed-role/x/s"} {
		if r, ok := cloudtrail.ParseRole(arn); ok {
			t.Errorf("ParseRole(%q) = %+v", arn, r)
		}
	}
}

func TestUsedBy(t *testing.T) {
	app := role(t, "arn:aws:iam::111122223333:role/team/app")
	for record, want := range map[string]bool{
		`{"eventName":"x","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/app/s"}}`:                             true,
		`{"eventName":"x","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/app-admin/s"}}`:                       false,
		`{"eventName":"x","userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"userName":"app","accountId":"111122223333"}}}}`: true,
		`{"eventName":"x","userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"userName":"app","accountId":"444455556666"}}}}`: false,
		`{"eventName":"x","userIdentity":{"type":"IAMUser","userName":"app"}}`:                                                                     false,
	} {
		r, err := cloudtrail.Decode([]byte(record))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.UsedBy(app); got != want {
			t.Errorf("UsedBy = %v, want %v: %s", got, want, record)
		}
	}
}
