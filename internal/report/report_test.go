package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func example() playbook.Report {
	return playbook.Report{
		Request: playbook.Request{ID: "inv_example", At: at("2026-10-14T15:20:00Z"),
			Target: playbook.Target{Asked: "payments-api", Role: "payments-api", RoleARN: "arn:aws:iam::111122223333:role/payments-api", Account: "111122223333", Partition: "aws", Region: "eu-west-1"},
			Window: playbook.Window{From: at("2026-10-13T15:20:00Z"), To: at("2026-10-14T15:20:00Z")}},
		Steps: []playbook.Outcome{
			{N: 1, Step: playbook.RoleAndHealth, Status: playbook.Clear, Summary: "The role exists.", Proof: []playbook.Proof{
				{Action: "iam:GetRole", Region: "us-east-1", CLI: "aws iam get-role --role-name payments-api", Console: "https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/payments-api"}}},
			{N: 2, Step: playbook.STSErrors, Status: playbook.Denied, Summary: "CloudTrail could not be read.", Missing: []string{"cloudtrail:LookupEvents"},
				Unseen: []string{"Failed calls of this role."}, Corrections: []string{"CloudTrail does not normally record calls made with expired credentials."}},
			{N: 6, Step: playbook.AppErrors, Status: playbook.Found, Partial: "One log group could not be read.", Summary: "152 lines in 2 streams.", Proof: []playbook.Proof{
				{Action: "logs:StartQuery", Region: "eu-west-1", CLI: "aws logs start-query --query-string '…'", Query: "fields @message\n| filter @message like /Expired/", Result: "152 rows", Calls: 3, Scanned: 1_234_567}}},
		},
		Rules: []playbook.Judged{
			{N: 1, Rule: playbook.Onset, Verdict: playbook.Supported, Message: "The rate of failures left its baseline at 17:56."},
			{N: 2, Rule: playbook.DurationVsUsage, Verdict: playbook.Undetermined, Message: "Cannot be told."},
			{N: 3, Rule: playbook.TrustChange, Verdict: playbook.Refuted, Message: "Nobody changed the role."}},
		Diagnosis: playbook.Diagnosis{Verdict: playbook.CauseFound,
			Causes: []playbook.Finding{{Cause: playbook.NoRefresh, Confidence: playbook.High, Headline: "Credentials are used past their end of 1 h and nobody renews them",
				Why: "In 38 cases a session was used past its end.", Fix: "Restart the clients.", Prevent: "Renew before the end.",
				Cites: []playbook.Cite{{Step: playbook.AppErrors, Ref: "/prod/payments pod-1 at 17:56:34: ExpiredTokenException"}}}},
			NotChecked: []playbook.NotChecked{{Step: playbook.STSErrors, Reason: "CloudTrail could not be read."}},
			Offers:     []playbook.Offer{playbook.Extend48h, playbook.TokenRefresh}},
	}
}

func noEnv(string) string { return "" }

func render(t *testing.T, r playbook.Report) (text, markdown string) {
	t.Helper()
	var a, b bytes.Buffer
	if err := Text(&a, r, noEnv); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func TestGolden(t *testing.T) {
	text, markdown := render(t, example())
	for name, got := range map[string]string{"example.txt": text, "example.md": markdown} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (run with -update to accept):\n%s", name, diff)
		}
	}
}

func TestNoTextDrivesTheTerminal(t *testing.T) {
	r := example()
	hostile := "a\x1b[31mred\x07\u202Eoverride\u200bzero\r\nline"
	r.Diagnosis.Causes[0].Headline, r.Diagnosis.Causes[0].Why = hostile, hostile
	r.Steps[0].Summary, r.Steps[0].Proof[0].CLI, r.Steps[0].Proof[0].Result = hostile, hostile, hostile
	r.Rules[0].Message, r.Request.Target.Role = hostile, hostile
	text, markdown := render(t, r)
	for name, out := range map[string]string{"text": text, "markdown": markdown} {
		if i := strings.IndexFunc(out, func(c rune) bool {
			return c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c))
		}); i >= 0 {
			t.Errorf("%s holds a control character: %q", name, out[i:min(i+20, len(out))])
		}
	}
}

func TestMarkdownIsNotFormattedByWhatItQuotes(t *testing.T) {
	for in, want := range map[string]string{
		"<!here> & @team":       `\<\!here\> \& \@team`,
		"[click](https://x.io)": `\[click\](https:\//x.io)`,
		"a|b":                   `a\|b`,
		"`rm`":                  "\\`rm\\`",
		"# title":               `\# title`,
	} {
		if got := md(in); got != want {
			t.Errorf("md(%q) = %q, want %q", in, got, want)
		}
	}
	if got := code("a`b"); got != "`` a`b ``" {
		t.Errorf("code = %q", got)
	}
	if got := fence("x ``` y"); got != "````" {
		t.Errorf("fence = %q", got)
	}
}

func TestProgressWithoutATerminalIsOneLineAStep(t *testing.T) {
	var b bytes.Buffer
	s := playbook.Step{N: 2, ID: playbook.STSErrors}
	watch, done := Progress(&b, playbook.Plan{{}, s}, noEnv)
	watch(engine.Event{Step: s, Started: true})
	watch(engine.Event{Step: s, Outcome: playbook.Outcome{Status: playbook.Denied, TookMS: 1234}})
	done()
	if got, want := b.String(), "2/2 sts-errors: permission missing (1.234s)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPagesWrapWithinTheirWidth(t *testing.T) {
	r := example()
	r.Diagnosis.Causes[0].Why = strings.Repeat("word ", 200)
	var b bytes.Buffer
	if err := Text(&b, r, func(k string) string { return map[string]string{"COLUMNS": "72"}[k] }); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.Contains(line, "word") && len(line) > 72 {
			t.Errorf("line of %d: %s", len(line), line)
		}
	}
}
