package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/playbook"
)

// An operator can list, show, export, repeat and stop what is stored, with
// nothing but the Redis.
func TestOperatorsCommands(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	stsleuth := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		code := run(t.Context(), args, streams{&out, &errs, env})
		if code != want {
			t.Fatalf("stsleuth %v: exit %d, want %d\n%s%s", args, code, want, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("want %q in:\n%s", want, text)
			}
		}
	}

	has(stsleuth(exitFailed, "list"), "no REDIS_URL")
	has(stsleuth(exitDone, "list", "--redis-url", url), "ID")

	// A finished investigation, and one that goes on.
	state, err := app.OpenState(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	o := open(t, captures(t)[0], awsemu.Options{QueryDuration: -1})
	r := investigation(t.Context(), t, o, nil)
	accept := func(trigger string, req playbook.Request) {
		t.Helper()
		inv := playbook.Investigation{Request: req, AskedBy: playbook.Person{Team: "T", User: "U1"}, Place: playbook.Place{Team: "T", Channel: "C1"}}
		if _, err := state.Accept(t.Context(), playbook.Delivery{Trigger: trigger}, inv, true); err != nil {
			t.Fatal(err)
		}
	}
	accept("a", r.Request)
	token, _, err := state.Begin(t.Context(), r.Request.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Conclude(t.Context(), r.Request.ID, token, r); err != nil {
		t.Fatal(err)
	}
	if err := state.Feedback(t.Context(), r.Request.ID, playbook.Feedback{By: playbook.Person{User: "U2"}, At: time.Now().UTC(), Why: "the role was \x1b[31mright"}); err != nil {
		t.Fatal(err)
	}
	const card = "https://acme.slack.com/archives/C1/p1762160400000100"
	if err := state.Posted(t.Context(), playbook.Message{Investigation: r.Request.ID, Kind: playbook.ParentMessage}, playbook.Posted{Channel: "C1", TS: "1762160400.000100", Permalink: card}); err != nil {
		t.Fatal(err)
	}
	going := playbook.NewRequest(playbook.NewID(), playbook.Target{Asked: "other", Role: "other", Region: "eu-west-1", Partition: "aws"}, time.Now(), playbook.DefaultWindow)
	accept("b", going)

	has(stsleuth(exitDone, "list", "--redis-url", url), r.Request.ID, "finished", r.Diagnosis.Verdict.String(), going.ID)
	feedback := stsleuth(exitDone, "list", "--feedback", "--redis-url", url)
	has(feedback, r.Request.ID, "U2: wrong the role was")
	if strings.Contains(feedback, "\x1b") || strings.Contains(feedback, going.ID) {
		t.Errorf("feedback is not safe or not filtered:\n%q", feedback)
	}
	has(stsleuth(exitDone, "show", r.Request.ID, "--redis-url", url), "Steps", "finished, asked by U1 in C1")
	has(stsleuth(exitFailed, "show", "inv_nope", "--redis-url", url), "no investigation inv_nope")
	has(stsleuth(exitFailed, "export", going.ID, "--redis-url", url), "it has no report")

	dir := t.TempDir()
	stsleuth(exitDone, "export", r.Request.ID, "--dir", dir, "--redis-url", url)
	sums, err := os.ReadFile(filepath.Join(dir, r.Request.ID+".sha256"))
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{64}  inv_\w+\.md\n[0-9a-f]{64}  inv_\w+\.json\n$`).Match(sums) {
		t.Errorf("hashes: %v\n%s", err, sums)
	}
	shown := stsleuth(exitDone, "show", "--file", filepath.Join(dir, r.Request.ID+".json"))
	fresh := stsleuth(exitDone, "show", r.Request.ID, "--redis-url", url)
	if !strings.HasPrefix(fresh, shown) {
		t.Error("an exported report reads otherwise than the stored one")
	}

	again := strings.TrimSpace(stsleuth(exitDone, "rerun", r.Request.ID, "--redis-url", url))
	has(stsleuth(exitDone, "show", again, "--redis-url", url), "accepted, asked by U1 in C1")
	has(stsleuth(exitDone, "show", "-o", "json", again, "--redis-url", url), `"extends_at": "`+card+`"`)
	has(stsleuth(exitDone, "cancel", again, "--redis-url", url), "Stopped.")
	has(stsleuth(exitDone, "cancel", again, "--redis-url", url), "It had ended already.")
	has(stsleuth(exitFailed, "resend", again, "parent", "--redis-url", url), "no message parent")
}
