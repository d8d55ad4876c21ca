package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/goccy/go-yaml"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/config"
	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/internal/policy"
)

var update = flag.Bool("update", false, "write the generated files")

// The documents in iam/ and slack/ are what the program prints:
//
//	stsleuth policy > deploy/iam/policy.json
//	stsleuth policy --members stsleuth-readonly > deploy/iam/bot-policy.json
//	stsleuth policy -o cloudformation > deploy/iam/member-role.yaml
//	stsleuth policy -o terraform > deploy/iam/member-role.tf
//	stsleuth manifest > deploy/slack/manifest.json
func TestGeneratedFilesAreWhatTheProgramPrints(t *testing.T) {
	actions, err := app.AWS{Config: aws.Config{Region: "us-east-1"}}.Actions()
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.For(actions, policy.Scope{Partition: "aws"})
	if err != nil {
		t.Fatal(err)
	}
	bot, err := policy.For(actions, policy.Scope{Partition: "aws", Members: policy.RoleName})
	if err != nil {
		t.Fatal(err)
	}
	cfn, err := policy.CloudFormation(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := policy.Terraform(actions, policy.Scope{}, policy.RoleName)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		"iam/policy.json":      read.JSON(),
		"iam/bot-policy.json":  bot.JSON(),
		"iam/member-role.yaml": []byte(cfn),
		"iam/member-role.tf":   []byte(tf),
		"slack/manifest.json":  manifest.New(manifest.DefaultName, manifest.Command).JSON(),
	} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program prints (%v); go test ./deploy -update writes it", path, err)
		}
	}
}

func TestExampleConfigurationIsAccepted(t *testing.T) {
	text, err := os.ReadFile("config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, secret := range map[string]string{"slack-bot-token": "xoxb-x", "slack-app-token": "xapp-x", "external-id": "not-guessable-0001"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("/run/secrets"), []byte(dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Options{Config: path}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serves(); err != nil || len(l.Accounts) != 2 || len(l.Access) != 3 || l.Access[2].May[2] != access.FollowUp {
		t.Errorf("%+v, %v", l.Options, err)
	}
}

// The environment variables that unit, compose file and chart set are ones that
// the program reads.
func TestEveryVariableIsRead(t *testing.T) {
	known := []string{"AWS_REGION", "AWS_PROFILE", "HOME", "GOMEMLIMIT", "SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT"}
	options, err := os.ReadFile("../internal/config/config.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`var:"([A-Z_]+)"`).FindAllSubmatch(options, -1) {
		known = append(known, string(m[1]))
	}
	for path, shape := range map[string]string{
		"Dockerfile":                              `(?m)^ENV ([A-Z_]+)=`,
		"compose.yaml":                            `(?m)^      #? ?([A-Z_]+): `,
		"systemd/stsleuth.service":                `(?m)^Environment=([A-Z_]+)=`,
		"systemd/stsleuth.env":                    `(?m)^#?([A-Z_]+)=`,
		"helm/stsleuth/templates/deployment.yaml": `- name: ([A-Z_]+)`,
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(shape).FindAllSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s sets nothing", path)
		}
		for _, m := range found {
			if !slices.Contains(known, string(m[1])) {
				t.Errorf("%s sets %s, which nobody reads", path, m[1])
			}
		}
	}
}

func TestComposeFileFitsTheBot(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			Command     []string          `yaml:"command"`
			Environment map[string]string `yaml:"environment"`
			Secrets     []string          `yaml:"secrets"`
			ReadOnly    bool              `yaml:"read_only"`
			CapDrop     []string          `yaml:"cap_drop"`
			Build       struct {
				Context    string `yaml:"context"`
				Dockerfile string `yaml:"dockerfile"`
			} `yaml:"build"`
		} `yaml:"services"`
		Secrets map[string]map[string]string `yaml:"secrets"`
	}
	readYAML(t, "compose.yaml", &c)
	bot := c.Services["stsleuth"]
	if !bot.ReadOnly || !slices.Equal(bot.CapDrop, []string{"ALL"}) {
		t.Error("the bot could write or do more than it needs")
	}
	if _, err := os.Stat(filepath.Join(bot.Build.Context, bot.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	for name, value := range bot.Environment {
		if secret, ok := strings.CutPrefix(value, "@/run/secrets/"); ok && (c.Secrets[secret] == nil || !slices.Contains(bot.Secrets, secret)) {
			t.Errorf("%s is read from %s, which is not mounted", name, secret)
		}
	}
	redis := strings.Join(c.Services["redis"].Command, " ")
	for _, need := range []string{"--appendonly yes", "--maxmemory-policy noeviction"} {
		if !strings.Contains(redis, need) {
			t.Errorf("Redis runs without %s, which doctor would complain about", need)
		}
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Dashboard and alerts use the metrics of METRICS.md and no others, and every
// metric is looked at by one of them.
func TestDashboardAndAlertsUseTheMetricsThereAre(t *testing.T) {
	table, err := os.ReadFile("METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(stsleuth_[a-z_]+)` \\| ([a-z]+) \\|").FindAllSubmatch(table, -1) {
		known[string(m[1])] = string(m[2])
	}
	if len(known) < 10 {
		t.Fatalf("%d metrics in the table", len(known))
	}
	used := map[string]bool{}
	for _, path := range []string{"grafana/stsleuth.json", "prometheus/alerts.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`stsleuth_[a-z_]+`).FindAllString(string(text), -1) {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if b, ok := strings.CutSuffix(name, suffix); ok && known[b] == "histogram" {
					base = b
				}
			}
			if known[base] == "" {
				t.Errorf("%s uses %s, which there is not", path, name)
			}
			used[base] = true
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("nobody looks at %s", name)
		}
	}
	var dashboard struct {
		Panels []struct{ ID int }
	}
	text, _ := os.ReadFile("grafana/stsleuth.json")
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range dashboard.Panels {
		if seen[p.ID] {
			t.Errorf("two panels %d", p.ID)
		}
		seen[p.ID] = true
	}
}
