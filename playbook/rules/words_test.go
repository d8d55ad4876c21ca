package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func TestGistShowsTheInnermostCause(t *testing.T) {
	wrapped := "operation error S3: ListObjectsV2, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRoleWithWebIdentity, InvalidIdentityToken: Incorrect token audience"
	long := "InvalidIdentityToken: " + strings.Repeat("x ", 100)
	for _, c := range []struct{ name, text, want string }{
		{"a long line is cut in front of its code", wrapped, "… InvalidIdentityToken: Incorrect token audience"},
		{"a line that begins with its code is cut behind it", long, "InvalidIdentityToken: x x"},
		{"a short line is whole", "InvalidIdentityToken: no", "InvalidIdentityToken: no"},
	} {
		got := gist(failure{text: c.text, line: &facts.Line{Code: "InvalidIdentityToken"}}, 100)
		if !strings.HasPrefix(got, c.want) || len([]rune(got)) > 100 {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestSpansAndLengths(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 59 * time.Second: "59 s", 90 * time.Minute: "1 h 30 min", -3 * time.Minute: "3 min", 26*time.Hour + 5*time.Second: "1 d 2 h"} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	// CloudTrail truncates: an hour may show as 3599 seconds, but 3590 are none.
	for n, want := range map[int]string{3599: "1 h", 3595: "1 h", 3594: "59 min 54 s", 900: "15 min"} {
		if got := seconds(n); got != want {
			t.Errorf("seconds(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestStreamsAndSessionNames(t *testing.T) {
	for _, c := range []struct {
		stream, name string
		want         bool
	}{
		{"payments-worker-1", "payments-worker-1", true},
		{"ecs/payments/4f0a9c", "4f0a9c", true},
		{"pod-payments-worker-1-x", "payments-worker-1", true},
		{"etl-runner", "etl", false},
		{"prod/etl/17", "etl", true},
		{"payments-worker-1", "", false},
		{"", "payments-worker-1", false},
	} {
		if got := sameClient(c.stream, c.name); got != c.want {
			t.Errorf("sameClient(%q, %q) = %v", c.stream, c.name, got)
		}
	}
}

func TestBlindStepsAreNamed(t *testing.T) {
	s := &sight{steps: playbook.Outcomes{
		playbook.STSErrors:    {N: 2, Status: playbook.Denied, Missing: []string{"logs:StartQuery", "cloudtrail:LookupEvents", "logs:GetQueryResults"}},
		playbook.Sessions:     {N: 5, Status: playbook.Denied},
		playbook.AppErrors:    {N: 6, Status: playbook.Clear},
		playbook.TrustChanges: {N: 8, Status: playbook.TimedOut},
	}}
	for _, c := range []struct {
		ids  []playbook.StepID
		want string
	}{
		{[]playbook.StepID{playbook.AppErrors}, "nothing was hidden"},
		{[]playbook.StepID{playbook.AppErrors, playbook.Sessions}, "step 5 (sessions) lacks a permission"},
		{[]playbook.StepID{playbook.Sessions, playbook.TrustChanges}, "step 5 (sessions) lacks a permission and step 8 (trust-changes) did not end in time"},
		{[]playbook.StepID{playbook.STSErrors, playbook.Sessions, playbook.Federation},
			"step 2 (sts-errors) lacks logs:StartQuery, cloudtrail:LookupEvents and 1 more, step 5 (sessions) lacks a permission and step federation could not be done"},
	} {
		if got := s.blindTo(c.ids...); got != c.want {
			t.Errorf("%v: %s", c.ids, got)
		}
	}
}

func TestASentenceBeginsWithAWholeLetter(t *testing.T) {
	if got := sentence([]string{"ärger-role was changed"}); got != "Ärger-role was changed." {
		t.Error(got)
	}
}
