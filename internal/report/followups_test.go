package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// checked is a follow-up's outcome with everything in it, each text as given.
func checked(t *testing.T, text string) playbook.Outcome {
	t.Helper()
	was, now := playbook.Diagnosis{Verdict: playbook.NoCorrelation}, playbook.Diagnosis{Verdict: playbook.CauseFound, Causes: []playbook.Finding{
		{Cause: playbook.NoRefresh, Headline: text, Why: text, Fix: text, Prevent: text, Cites: []playbook.Cite{{Step: playbook.Sessions, Ref: text}}}}}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	o, err := playbook.Step{ID: "token-refresh"}.Settle(playbook.Evidence{Status: playbook.Found, Summary: text, Partial: text, Unseen: []string{text},
		Proof: []playbook.Proof{{Action: "iam:GetUser", CLI: "aws iam get-user " + text, Result: text}},
		Facts: facts.TokenRefresh{Review: facts.Review{
			Table:    facts.Table{Title: text, Columns: []string{"session", "risk", "empty"}, Rows: [][]string{{text, "late", ""}, {"b", text, ""}}, More: 3},
			Chart:    &facts.Chart{Title: text, Unit: "%", Limit: 100, Means: "the end", Series: []facts.Series{{Name: text, Points: []facts.Point{{At: at, Value: 50}, {At: at, Value: 110}}}}},
			Rejudged: &facts.Rejudged{Was: was, Now: now, Words: "was no-correlation, now no-refresh"}}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFollowUpsAreWrittenForPeopleAndTickets(t *testing.T) {
	var text, markdown bytes.Buffer
	all := []playbook.Outcome{checked(t, "worker|1")}
	if err := FollowUps(&text, all, noEnv); err != nil {
		t.Fatal(err)
	}
	if err := MarkdownFollowUps(&markdown, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Token refresh review: found", "risk late", "and 3 more", "(%), 100 is the end", "▄█ 50 to 110", "Judged again: was no-correlation, now no-refresh", "$ aws iam get-user"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "empty") {
		t.Error("an empty cell is written")
	}
	for _, want := range []string{"### Token refresh review: found", "| session | risk | empty |", `| worker\|1 | late |  |`, "Judged again: was no-correlation, now no-refresh.", "aws iam get-user"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("Markdown lacks %q:\n%s", want, markdown.String())
		}
	}
}

func TestNoFollowUpDrivesTheTerminal(t *testing.T) {
	hostile := "a\x1b[31mred\x07\u202Eoverride\u200bzero\r\nline"
	var text, markdown bytes.Buffer
	all := []playbook.Outcome{checked(t, hostile)}
	if err := FollowUps(&text, all, noEnv); err != nil {
		t.Fatal(err)
	}
	if err := MarkdownFollowUps(&markdown, all); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"text": text.String(), "markdown": markdown.String()} {
		if i := strings.IndexFunc(out, func(c rune) bool { return c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) }); i >= 0 {
			t.Errorf("%s holds a control character: %q", name, out[i:min(i+20, len(out))])
		}
	}
}

func TestFollowUpsStandBehindTheReportsOwnKeys(t *testing.T) {
	var with, without bytes.Buffer
	if err := JSON(&with, example(), []playbook.Outcome{checked(t, "x")}); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&without, example(), nil); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(with.String(), strings.TrimSuffix(without.String(), "\n}\n")) || strings.Contains(without.String(), "follow_ups") {
		t.Error("the report's own keys changed")
	}
	var got struct {
		FollowUps []playbook.Outcome `json:"follow_ups"`
	}
	if err := json.Unmarshal(with.Bytes(), &got); err != nil || len(got.FollowUps) != 1 {
		t.Errorf("%d follow-ups, %v", len(got.FollowUps), err)
	}
	var r playbook.Report
	if err := json.Unmarshal(with.Bytes(), &r); err != nil {
		t.Errorf("it is no report any more: %v", err)
	}
}
