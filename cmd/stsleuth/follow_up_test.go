package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/playbook"
)

// The follow-ups are there in one go with the investigation, and afterwards on a
// stored one or on an exported report.
func TestFollowUpsOnTheCommandLine(t *testing.T) {
	const finds, late = "../../captures/follow-up-extend-finds", "../../captures/follow-up-refresh-late"
	stsleuth := func(want int, args ...string) (out, errs string) {
		t.Helper()
		var o, e bytes.Buffer
		if code := run(t.Context(), args, streams{&o, &e, env}); code != want {
			t.Fatalf("stsleuth %v: exit %d, want %d\n%s%s", args, code, want, o.String(), e.String())
		}
		return o.String(), e.String()
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("want %q in:\n%s", want, text)
			}
		}
	}

	out, errs := stsleuth(exitDone, "investigate", "--capture", finds, "--follow-up", "extend-48h", "--follow-up", "mfa", "-o", "json")
	has(errs, "Reads the 24 h before the window and judges again. Log queries will scan about ", "at $0.005 a GB in us-east-1 (https://aws.amazon.com/cloudwatch/pricing/)")
	var got struct {
		Diagnosis playbook.Diagnosis `json:"diagnosis"`
		FollowUps []playbook.Outcome `json:"follow_ups"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Diagnosis.Verdict != playbook.NoCorrelation || len(got.FollowUps) != 2 || got.FollowUps[0].Step != "extend-48h" || got.FollowUps[1].Step != "mfa" {
		t.Errorf("%s and %d follow-ups", got.Diagnosis.Verdict, len(got.FollowUps))
	}
	plainOut, _ := stsleuth(exitDone, "investigate", "--capture", finds, "-o", "json")
	if strings.Contains(plainOut, "follow_ups") {
		t.Error("follow_ups is there though none was asked for")
	}
	out, _ = stsleuth(exitDone, "investigate", "--capture", late, "--follow-up", "token-refresh")
	has(out, "Token refresh review: found", "Callers and how they renew", "When sessions were replaced", "Judged again: was no-correlation, now no-refresh")
	out, _ = stsleuth(exitDone, "investigate", "--capture", late, "--follow-up", "token-refresh", "-o", "markdown")
	has(out, "## Follow-ups", "### Token refresh review: found", "| session | caller |")

	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, []byte(plainOut), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = stsleuth(exitDone, "follow-up", "-", "extend-48h", "--report", file, "--capture", finds)
	has(out, "was no-correlation, now max-session-lowered")

	url := "redis://" + miniredis.RunT(t).Addr()
	state, err := app.OpenState(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	o := open(t, late, awsemu.Options{QueryDuration: -1})
	r := investigation(t.Context(), t, o, nil)
	if _, err := state.Accept(t.Context(), playbook.Delivery{Trigger: "a"}, playbook.Investigation{Request: r.Request, Place: playbook.Place{Channel: "C1"}}, true); err != nil {
		t.Fatal(err)
	}
	_, errs = stsleuth(exitFailed, "follow-up", r.Request.ID, "token-refresh", "--redis-url", url, "--capture", late)
	has(errs, "it has no report: accepted")
	token, _, err := state.Begin(t.Context(), r.Request.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Conclude(t.Context(), r.Request.ID, token, r); err != nil {
		t.Fatal(err)
	}
	out, _ = stsleuth(exitDone, "follow-up", r.Request.ID, "token-refresh", "--redis-url", url, "--capture", late, "-o", "json")
	has(out, `"id": "token-refresh"`, "was no-correlation, now no-refresh")
	_, errs = stsleuth(exitFailed, "follow-up", "inv_gone", "mfa", "--redis-url", url, "--capture", late)
	has(errs, "there is no investigation inv_gone")
	_, errs = stsleuth(exitWrongly, "follow-up", r.Request.ID, "nonsense", "--redis-url", url)
	has(errs, "must be one of")
}
