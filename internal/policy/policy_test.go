package policy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/stsleuth/stsleuth/internal/policy"
)

func TestActionsAreScopedToWhatTheyRead(t *testing.T) {
	scope := policy.Scope{Partition: "aws", Account: "111122223333", LogGroups: []string{"/prod/*", "trail-logs", "arn:aws:logs:eu-west-1:444455556666:log-group:org:*"}, Members: "/ops/stsleuth-readonly"}
	d, err := policy.For([]string{"iam:GetRole", "iam:GetPolicy", "logs:StartQuery", "iam:ListRoles", "sts:GetCallerIdentity", "cloudtrail:GetTrailStatus"}, scope)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, s := range d.Statement {
		for _, a := range s.Action {
			got[a] = s.Resource
		}
	}
	for action, want := range map[string][]string{
		"iam:GetRole":               {"arn:aws:iam::111122223333:role/*"},
		"iam:GetPolicy":             {"arn:aws:iam::111122223333:policy/*", "arn:aws:iam::aws:policy/*"},
		"logs:StartQuery":           {"arn:aws:logs:*:111122223333:log-group:/prod/*:*", "arn:aws:logs:*:111122223333:log-group:trail-logs:*", "arn:aws:logs:eu-west-1:444455556666:log-group:org:*"},
		"iam:ListRoles":             {"*"},
		"cloudtrail:GetTrailStatus": {"arn:aws:cloudtrail:*:*:trail/*"},
		"sts:AssumeRole":            {"arn:aws:iam::*:role/ops/stsleuth-readonly"},
	} {
		if !slices.Equal(got[action], want) {
			t.Errorf("%s: %q, want %q", action, got[action], want)
		}
	}
	if _, ok := got["sts:GetCallerIdentity"]; ok {
		t.Error("a permission is asked for that everybody has")
	}
	if _, err := policy.For([]string{"s3:GetObject"}, policy.Scope{}); err == nil || !strings.Contains(err.Error(), "s3:GetObject") {
		t.Errorf("an unknown action: %v", err)
	}
}

// Reading is all that the policy allows: every action gets, lists, describes,
// looks up, or starts, reads and stops a query.
func TestThePolicyOnlyReadsAndFitsIAMsLimits(t *testing.T) {
	actions, _ := declared(t)
	d, err := policy.For(actions, policy.Scope{Partition: "aws", Account: "111122223333", Members: policy.RoleName})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Actions() {
		_, verb, _ := strings.Cut(a, ":")
		reads := slices.ContainsFunc([]string{"Get", "List", "Describe", "Lookup", "Filter"}, func(p string) bool { return strings.HasPrefix(verb, p) })
		if !reads && !slices.Contains([]string{"logs:StartQuery", "logs:StopQuery", "sts:AssumeRole"}, a) {
			t.Errorf("%s is not a reading action", a)
		}
	}
	if n := d.Size(); n > policy.MaxManaged {
		t.Errorf("%d characters, IAM takes %d", n, policy.MaxManaged)
	}
}

// The role of a member account trusts the bot's role alone, and only with the
// external id; the same in both languages.
func TestTheMemberRoleTrustsTheBotAlone(t *testing.T) {
	actions, _ := declared(t)
	text, err := policy.CloudFormation(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources struct {
			Role struct {
				Type       string
				Properties struct {
					MaxSessionDuration       int
					AssumeRolePolicyDocument struct {
						Statement []struct {
							Principal map[string]string
							Condition map[string]map[string]string
						}
					}
					Policies []struct {
						PolicyDocument struct {
							Statement []struct {
								Sid      string
								Action   []string
								Resource []string
							}
						}
					}
				}
			}
		}
	}
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatalf("%v\n%s", err, asJSON)
	}
	p := doc.Resources.Role.Properties
	trust := p.AssumeRolePolicyDocument.Statement
	if len(trust) != 1 || trust[0].Principal["AWS"] == "" || trust[0].Condition["StringEquals"]["sts:ExternalId"] == "" {
		t.Errorf("trust policy %+v", trust)
	}
	want, err := policy.For(actions, policy.Scope{Partition: "${AWS::Partition}", Account: "${AWS::AccountId}"})
	if err != nil {
		t.Fatal(err)
	}
	got := p.Policies[0].PolicyDocument.Statement
	if len(got) != len(want.Statement) {
		t.Fatalf("%d statements, want %d", len(got), len(want.Statement))
	}
	tf, err := policy.Terraform(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range want.Statement {
		if !slices.Equal(got[i].Action, s.Action) || !slices.Equal(got[i].Resource, s.Resource) {
			t.Errorf("%s is %q on %q", s.Sid, got[i].Action, got[i].Resource)
		}
		for _, a := range s.Action {
			if !strings.Contains(tf, `"`+a+`"`) {
				t.Errorf("Terraform lacks %s", a)
			}
		}
	}
	for _, need := range []string{`variable = "sts:ExternalId"`, "identifiers = [var.bot_role_arn]", "max_session_duration = 3600"} {
		if !strings.Contains(tf, need) {
			t.Errorf("Terraform lacks %s", need)
		}
	}
}

// Both are also read by the tools of their makers, where those are installed.
func TestTemplatesPassTheirMakersTools(t *testing.T) {
	actions, _ := declared(t)
	dir := t.TempDir()
	cfn, err := policy.CloudFormation(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := policy.Terraform(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"role.yaml": cfn, "role.tf": tf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ran := false
	for _, tool := range [][]string{{"cfn-lint", "--regions", "us-east-1", "--", "role.yaml"}, {"terraform", "fmt", "-check", "-diff", "."}} {
		if _, err := exec.LookPath(tool[0]); err != nil {
			t.Logf("%s is not installed", tool[0])
			continue
		}
		ran = true
		cmd := exec.CommandContext(t.Context(), tool[0], tool[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", tool, err, out)
		}
	}
	if !ran {
		t.Skip("neither cfn-lint nor terraform is installed; deploy/README.md says so")
	}
}
