package awsemu

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestPolicyIsEnforced(t *testing.T) {
	policy := must(ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":[
	 {"Sid":"A","Effect":"Allow","Action":["iam:get*","iam:List?oles"],"Resource":"*"},
	 {"Effect":"Deny","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/team/*"},
	 {"Effect":"Allow","Action":"logs:StartQuery","Resource":["arn:aws:logs:*:111122223333:log-group:/prod/a*:*"]},
	 {"Effect":"Allow","NotAction":["iam:*","logs:*","health:*","cloudwatch:*"],"Resource":"*"}]}`)))(t)
	s := everything.serve(t, Options{Policy: policy})
	cfg := s.once("eu-west-1")
	for action, want := range map[string]string{"iam:GetRole": "", "sts:GetCallerIdentity": "", "cloudtrail:LookupEvents": "", "logs:DescribeLogGroups": "AccessDeniedException", "cloudwatch:ListMetrics": "AccessDenied", "health:DescribeEvents": "AccessDeniedException"} {
		err := oneCall[action](t.Context(), cfg)
		if want == "" && err != nil {
			t.Errorf("%s: %v", action, err)
		}
		if want != "" {
			wantCode(t, err, want)
		}
	}
	_, err := iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("batch")})
	wantCode(t, err, "AccessDenied")
	if !strings.Contains(err.Error(), "with an explicit deny") || !strings.Contains(err.Error(), "arn:aws:iam::111122223333:role/team/batch") {
		t.Errorf("explicit deny says %v", err)
	}
	for groups, want := range map[string]string{"/prod/app": "", "/prod/app /prod/d": "AccessDeniedException"} {
		_, err := cloudwatchlogs.NewFromConfig(cfg).StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{LogGroupNames: strings.Fields(groups), QueryString: aws.String("fields @message"), StartTime: aws.Int64(1), EndTime: aws.Int64(2)})
		if want == "" && err != nil {
			t.Errorf("%s: %v", groups, err)
		}
		if want != "" {
			wantCode(t, err, want)
		}
	}
}

func TestPoliciesThatWouldBeHalfUnderstoodAreRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"condition":      `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}`,
		"no effect":      `{"Statement":[{"Action":"*","Resource":"*"}]}`,
		"no resource":    `{"Statement":[{"Effect":"Allow","Action":"*"}]}`,
		"both actions":   `{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}]}`,
		"no statement":   `{"Statement":[]}`,
		"not a document": `[`,
	} {
		if _, err := ParsePolicy([]byte(doc)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
