package steps

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCLILine(t *testing.T) {
	for _, c := range []struct {
		call call
		want string
	}{
		{call{Action: "iam:GetRole", Region: "us-east-1", Args: []string{"--role-name", "payments-api"}}, "aws iam get-role --role-name payments-api --region us-east-1"},
		{call{Action: "iam:GetOpenIDConnectProvider", Region: "us-east-1"}, "aws iam get-open-id-connect-provider --region us-east-1"},
		{call{Action: "iam:ListSAMLProviders", Region: "us-east-1"}, "aws iam list-saml-providers --region us-east-1"},
		{call{Action: "sts:GetCallerIdentity", Region: "cn-north-1"}, "aws sts get-caller-identity --region cn-north-1"},
		{call{Action: "logs:StartQuery", Region: "eu-west-1", Args: []string{"--query-string", `filter a = "it's" | limit 1`}}, `aws logs start-query --query-string 'filter a = "it'\''s" | limit 1' --region eu-west-1`},
	} {
		if got := c.call.cli(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// What a person pastes must reach the program as it was meant, whatever it holds.
func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "'", `"$(reboot)`, "`x`", "a\nb", "\\", "-n", "*", "é"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no sh")
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			t.Skip("no argument of a program holds a zero byte")
		}
		out, err := exec.Command(sh, "-c", "printf %s "+shellQuote(s)).CombinedOutput()
		if err != nil || string(out) != s {
			t.Errorf("%q came out as %q (%v)", s, out, err)
		}
	})
}

func TestConsoleLinksStayInThePartition(t *testing.T) {
	for region, host := range map[string]string{"eu-west-1": "https://eu-west-1.console.aws.amazon.com/", "cn-north-1": "https://cn-north-1.console.amazonaws.cn/", "us-gov-west-1": "https://console.amazonaws-us-gov.com/"} {
		if link := console(region, "iam", "/roles"); !strings.HasPrefix(link, host) || !strings.HasSuffix(link, "?region="+region+"#/roles") {
			t.Errorf("%s leads to %s", region, link)
		}
	}
}
