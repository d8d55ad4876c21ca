package handlers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

func TestParseReadsLinesAsPeopleWriteThem(t *testing.T) {
	want := Asked{Role: "payments-api", Region: "eu-west-1"}
	long := Asked{Role: "payments-api", Region: "eu-west-1", Window: 48 * time.Hour}
	const arn = "arn:aws:iam::111122223333:role/team/payments-api"
	for line, want := range map[string]Asked{
		"payments-api eu-west-1":                       want,
		"eu-west-1 payments-api":                       want,
		"  payments-api   EU-WEST-1 ":                  want,
		"payments-api in eu-west-1":                    want,
		"`payments-api` \"eu-west-1\"":                 want,
		"payments-api, eu-west-1":                      want,
		"role payments-api region eu-west-1":           want,
		"role=payments-api region=eu-west-1":           want,
		"--region eu-west-1 --role payments-api":       want,
		"payments-api eu-west-1 48h":                   long,
		"48h payments-api eu-west-1":                   long,
		"payments-api in eu-west-1 last 48h":           long,
		"last 48 hours eu-west-1 payments-api":         long,
		"payments-api eu-west-1 for the last 2 days":   long,
		"payments-api eu-west-1 2d":                    long,
		"payments-api eu-west-1 window=48h":            long,
		"payments-api over the past 48 hrs, eu-west-1": long,
		"payments-api eu-west-1 last day":              {Role: "payments-api", Region: "eu-west-1", Window: 24 * time.Hour},
		"payments-api eu-west-1 last week":             {Role: "payments-api", Region: "eu-west-1", Window: 7 * 24 * time.Hour},
		"payments-api eu-west-1 1 week":                {Role: "payments-api", Region: "eu-west-1", Window: 7 * 24 * time.Hour},
		"payments-api eu-west-1 1w":                    {Role: "payments-api", Region: "eu-west-1", Window: 7 * 24 * time.Hour},
		arn + " eu-west-1":                             {Role: arn, Region: "eu-west-1"},
		"eu-west-1 team/payments-api":                  {Role: "team/payments-api", Region: "eu-west-1"},
		"arn:aws:sts::111122223333:assumed-role/payments-api/i-0abc eu-west-1": {
			Role: "arn:aws:sts::111122223333:assumed-role/payments-api/i-0abc", Region: "eu-west-1"},
		"role=48h eu-west-1":                       {Role: "48h", Region: "eu-west-1"},
		"why did payments-api expire in eu-west-1": want,
		"app-eu-1 eu-west-1":                       {Role: "app-eu-1", Region: "eu-west-1"},
		"payments-api":                             {Role: "payments-api"},
		"us-gov-west-1 payments-api":               {Role: "payments-api", Region: "us-gov-west-1"},
	} {
		got, err := Parse(line)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for line, want := range map[string]struct{ what, says string }{
		"payments-api eu-wst-1":            {"region", "Did you mean eu-west-1?"},
		"eu-wst-1 payments-api":            {"region", "Did you mean eu-west-1?"},
		"payments-api eu-west-9":           {"region", "eu-west-9 is not an AWS region"},
		"eu-wst-1":                         {"region", "Did you mean eu-west-1?"},
		"payments-api ireland":             {"region", "ireland is not an AWS region"},
		"payments-api eu-west-1 eu-west-2": {"region", "Two regions"},
		"payments-api eu-west-1 9d":        {"window", "between 1h and 7d"},
		"payments-api eu-west-1 30m":       {"window", "between 1h and 7d"},
		"payments-api eu-west-1 24h 48h":   {"window", "Two windows"},
		"payments-api nowhere-near":        {"region", "For example eu-west-1."},
		"payments-api eu-west-1 24":        {"window", "24 of what? Write a window with its unit"},
		"payments-api eu-west-1 2 weeks":   {"window", "between 1h and 7d"},
		"payments-api eu-west-1 yesterday": {"role", "Which of these is the role: payments-api, yesterday?"},
		"a b c eu-west-1":                  {"role", "Which of these is the role: a, b, c?"},
		"region=nowhere payments-api":      {"region", "nowhere is not an AWS region"},
	} {
		_, err := Parse(line)
		var slip *playbook.InputError
		if !errors.As(err, &slip) || slip.What != want.what || !strings.Contains(slip.Error(), want.says) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestParseFindsRoleAccountAndRegionInAnErrorText(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/payments-api/i-0abcdef0123456789"
	for text, want := range map[string]Asked{
		"An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired. (" + session + ")": {Role: session},
		"User: " + session + " is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/partner":   {Role: session},
		"ExpiredTokenException: The security token included in the request is expired\n\tat https://sts.eu-west-1.amazonaws.com/":  {Region: "eu-west-1"},
		"botocore ExpiredToken for assumed-role/payments-api/i-0abc, endpoint dynamodb.ap-southeast-2.amazonaws.com":               {Role: "payments-api", Region: "ap-southeast-2"},
		"error in eu-west-1a: ExpiredToken for " + session + ".":                                                                   {Role: session, Region: "eu-west-1"},
		"status code: 403 ExpiredToken arn:aws-cn:sts::111122223333:assumed-role/app/xy cn-north-1":                                {Role: "arn:aws-cn:sts::111122223333:assumed-role/app/xy", Region: "cn-north-1"},
		"the security token included in the request is expired":                                                                    {},
		"AccessDenied arn:aws:iam::111122223333:role/team/payments-api in us-east-1 node us-east-9":                                {Role: "arn:aws:iam::111122223333:role/team/payments-api", Region: "us-east-1"},
	} {
		want.Pasted = true
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q:\n got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
}

func TestRequestKeepsTheAccountAndRefusesAnotherPartition(t *testing.T) {
	at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	r, err := Asked{Role: "payments-api", Account: "111122223333", Region: "eu-west-1"}.Request(at)
	if err != nil || r.Target.Account != "111122223333" || r.Target.Partition != "aws" || r.Window.Length() != playbook.DefaultWindow {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := (Asked{Role: "arn:aws:iam::111122223333:role/a", Region: "cn-north-1"}).Request(at); err == nil || !strings.Contains(err.Error(), "never cross partitions") {
		t.Errorf("another partition: %v", err)
	}
}

// Whatever a stranger writes, what is read is of the allow-list or an error for
// people.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"payments-api eu-west-1 48h", "An error occurred (ExpiredToken): arn:aws:sts::111122223333:assumed-role/a/b eu-west-1", "role= region=eu-west-1", "<!here> <@U1|x> \x00\xff", "in in in 7 days", "a/../b eu-west-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		a, err := Parse(line)
		var slip *playbook.InputError
		if err != nil && !errors.As(err, &slip) {
			t.Fatalf("%q: %T is not for people", line, err)
		}
		if err != nil {
			return
		}
		if a.Region != "" && playbook.Partition(a.Region) == "" {
			t.Fatalf("%q: region %q", line, a.Region)
		}
		if a.Window != 0 && (a.Window < playbook.MinWindow || a.Window > playbook.MaxWindow) {
			t.Fatalf("%q: window %s", line, a.Window)
		}
		req, err := a.Request(time.Unix(1e9, 0))
		if err != nil && !errors.As(err, &slip) {
			t.Fatalf("%q: %T is not for people", line, err)
		}
		if err == nil && strings.ContainsAny(req.Target.Role+req.Target.Region, "<>&|`\"' \n") {
			t.Fatalf("%q: %+v", line, req.Target)
		}
	})
}
