package deploy

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/policy"
)

// The template becomes a role whose policy and trust are what was printed, as
// moto's CloudFormation and IAM understand it. Skipped where moto or the AWS CLI
// is not installed: neither is a part of this project.
func TestTheTemplateDeploysARole(t *testing.T) {
	for _, tool := range []string{"moto_server", "aws"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()
	moto := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", port)
	moto.WaitDelay = 5 * time.Second
	if err := moto.Start(); err != nil {
		t.Fatal(err)
	}
	defer moto.Wait()
	defer moto.Process.Kill()
	up := false
	for deadline := time.Now().Add(60 * time.Second); !up && time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if up = err == nil; up {
			c.Close()
		}
	}
	if !up {
		t.Skip("moto_server does not start here")
	}
	cli := func(into any, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "aws", append(args, "--endpoint-url", "http://"+addr, "--region", "us-east-1", "--output", "json")...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		if into != nil {
			if err := json.Unmarshal(out, into); err != nil {
				t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
	const bot, secret = "arn:aws:iam::111122223333:role/stsleuth", "not-guessable-0001"
	cli(nil, "cloudformation", "create-stack", "--stack-name", "stsleuth", "--template-body", "file://iam/member-role.yaml", "--capabilities", "CAPABILITY_NAMED_IAM",
		"--parameters", "ParameterKey=BotRoleArn,ParameterValue="+bot, "ParameterKey=ExternalId,ParameterValue="+secret)

	var role struct {
		Role struct {
			MaxSessionDuration       int
			AssumeRolePolicyDocument struct {
				Statement []struct {
					Principal map[string]string
					Condition map[string]map[string]string
				}
			}
		}
	}
	cli(&role, "iam", "get-role", "--role-name", policy.RoleName)
	trust := role.Role.AssumeRolePolicyDocument.Statement
	if len(trust) != 1 || trust[0].Principal["AWS"] != bot || trust[0].Condition["StringEquals"]["sts:ExternalId"] != secret || role.Role.MaxSessionDuration != 3600 {
		t.Errorf("%+v", role.Role)
	}
	var inline struct{ PolicyDocument string }
	cli(&inline, "iam", "get-role-policy", "--role-name", policy.RoleName, "--policy-name", "stsleuth-readonly")
	// moto keeps an inline policy of a template as Python writes it.
	var may struct {
		Statement []struct{ Action, Resource []string }
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(inline.PolicyDocument, "'", `"`)), &may); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range may.Statement {
		got = append(got, s.Action...)
		for _, r := range s.Resource {
			if strings.Contains(r, "${") {
				t.Errorf("%s was not filled in", r)
			}
		}
	}
	slices.Sort(got)
	var printed policy.Document
	text, err := os.ReadFile("iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &printed); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, printed.Actions()) {
		t.Errorf("the role may %q", got)
	}
}
