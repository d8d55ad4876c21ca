package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/redact/planted"
	"github.com/stsleuth/stsleuth/playbook"
)

// Whatever is planted in a capture comes out of no command: not in reports of any
// format, progress, logs, exported files, lists or error messages.
func TestPlantedSecretsComeOutOfNoCommand(t *testing.T) {
	t.Parallel()
	g := planted.NewGround("commands")
	dir := filepath.Join(t.TempDir(), "capture")
	if err := g.Capture("../../internal/policy/testdata/captures/everything", dir); err != nil {
		t.Fatal(err)
	}
	bad, err := os.OpenFile(filepath.Join(dir, "cloudtrail", "bad.jsonl"), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // records that can't be read are named
		bad.WriteString(`{"eventTime":"` + g.Name("record that is no record") + "\"}\n" + g.Name("line that is no record") + "\n")
	}
	bad.Close()
	url := "redis://" + miniredis.RunT(t).Addr()
	var all bytes.Buffer
	stsleuth := func(want int, args ...string) {
		t.Helper()
		var out bytes.Buffer
		code := run(t.Context(), args, streams{&out, &out, env})
		if code != want && want >= 0 {
			t.Errorf("stsleuth %v: exit %d, want %d\n%s", args, code, want, out.String())
		}
		all.Write(out.Bytes())
	}
	checks := []string{"--follow-up", "extend-48h", "--follow-up", "token-refresh", "--follow-up", "mfa", "--follow-up", "session-policies", "--follow-up", "cross-account"}
	for _, format := range []string{"text", "markdown", "json"} {
		stsleuth(exitDone, append([]string{"investigate", "-v", "--capture", dir, "-o", format}, checks...)...)
	}
	judged := filepath.Join(t.TempDir(), "judged")
	if err := g.Capture("../../captures/changes-that-cannot-block", judged); err != nil {
		t.Fatal(err)
	}
	stsleuth(-1, "eval", judged) // whether it passes is not the question
	stsleuth(-1, "eval", "-o", "json", judged)
	stsleuth(exitDone, "explain", "sts-errors")
	for range 3 {
		stsleuth(exitWrongly, "investigate", g.Name("role argument"), "eu-west-1", "--capture", dir)
		stsleuth(exitWrongly, "investigate", "payments-api", g.Name("region argument"), "--capture", dir)
		stsleuth(exitWrongly, "investigate", "payments-api", "eu-west-1", "--window", g.Text("window argument"), "--capture", dir)
		stsleuth(exitFailed, "list", "--redis-url", "redis://:"+g.Word("password of the Redis")+"@127.0.0.1:1/0 ")
	}

	state, err := app.OpenState(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	r := investigation(t.Context(), t, open(t, dir, awsemu.Options{QueryDuration: -1}), nil)
	hook := "https://hooks.slack.com/commands/T0EMULATED/1234567890/" + g.Word("response URL")
	inv := playbook.Investigation{Request: r.Request, AskedBy: playbook.Person{Team: "T", User: "U1"}, Place: playbook.Place{Team: "T", Channel: "C1"}, AnswerURL: hook}
	if _, err := state.Accept(t.Context(), playbook.Delivery{Trigger: "a"}, inv, true); err != nil {
		t.Fatal(err)
	}
	token, _, err := state.Begin(t.Context(), r.Request.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Steps {
		if _, err := state.Settle(t.Context(), r.Request.ID, token, o); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.Conclude(t.Context(), r.Request.ID, token, r); err != nil {
		t.Fatal(err)
	}
	if err := state.Feedback(t.Context(), r.Request.ID, playbook.Feedback{By: playbook.Person{User: "U2"}, At: time.Now().UTC(), Why: "no"}); err != nil {
		t.Fatal(err)
	}
	exported := t.TempDir()
	for _, args := range [][]string{{"list"}, {"list", "-o", "json"}, {"list", "--feedback", "-o", "json"}, {"list", "--failed"}, {"show", r.Request.ID}, {"show", "-o", "markdown", r.Request.ID}, {"show", "-o", "json", r.Request.ID}, {"export", r.Request.ID, "--dir", exported}} {
		stsleuth(exitDone, append(args, "--redis-url", url)...)
	}
	files, err := filepath.Glob(filepath.Join(exported, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	for i, leak := range g.Leaks(all.Bytes()) {
		if i < 20 {
			t.Errorf("%s of %s: …%s…", leak.Piece, leak.Of, leak.Around)
		}
	}
	told := 0
	for _, place := range g.Places() {
		if bytes.Contains(all.Bytes(), []byte(g.Marks[place])) {
			told++
		}
	}
	t.Logf("%d bytes; the text of %d of %d places comes out", all.Len(), told, len(g.Places()))
	if told < 20 {
		t.Errorf("the text of only %d places comes out", told)
	}
}
