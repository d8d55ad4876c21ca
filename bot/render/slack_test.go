package render_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/internal/slackemu"
	"github.com/stsleuth/stsleuth/playbook"
)

// all are the messages of every investigation at hand, and their classic forms.
func all(t *testing.T) []named {
	t.Helper()
	list := answersWith("U0STSLEUTH")
	for name, inv := range handmade() {
		for _, n := range everything(inv) {
			list = append(list, named{name + "-" + n.name, n.msg})
		}
	}
	for _, name := range keptReports {
		for _, n := range everything(of(kept(t, name))) {
			list = append(list, named{name + "-" + n.name, n.msg})
		}
	}
	for _, n := range list {
		list = append(list, named{n.name + "-classic", render.Classic(n.msg)})
	}
	return list
}

// Slack's own types as a schema, and its numbers, asked over the wire.
func TestSlackTakesEveryMessage(t *testing.T) {
	s := slackemu.New(slackemu.Options{})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	validate := func(kind string, v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.PostForm(s.URL()+"/api/blocks.validate", url.Values{kind: {string(raw)}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer struct {
			OK     bool
			Errors json.RawMessage
			Error  string
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if answer.OK {
			return ""
		}
		return answer.Error + " " + string(answer.Errors)
	}
	if validate("blocks", []map[string]any{{"type": "divider", "x": 1}}) == "" {
		t.Fatal("a wrong block was taken")
	}
	for _, n := range all(t) {
		if bad := validate("blocks", n.msg.Blocks); bad != "" {
			t.Errorf("%s: %s", n.name, bad)
		}
	}
	for name, form := range map[string]slack.ModalViewRequest{"ask": render.AskForm(render.Prefill{Role: "payments-api"}, playbook.Regions("")), "empty": render.AskForm(render.Prefill{}, playbook.Regions("aws")),
		"feedback": render.FeedbackForm("inv_1")} {
		if bad := validate("view", form); bad != "" {
			t.Errorf("form %s: %s", name, bad)
		}
	}
}

// needs ends a test whose tool is not there; on CI it must be.
func needs(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// The official types for TypeScript hold every block and view.
func TestMessagesTypeCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("installs npm packages")
	}
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			needs(t, "%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "types"))); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		needs(t, "npm ci: %v\n%s", err, out)
	}
	var b strings.Builder
	b.WriteString("import type { KnownBlock, ModalView } from '@slack/types';\n")
	for i, n := range all(t) {
		raw, err := json.Marshal(n.msg.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "export const m%d = %s satisfies KnownBlock[]; // %s\n", i, raw, n.name)
	}
	for i, form := range []slack.ModalViewRequest{render.AskForm(render.Prefill{}, playbook.Regions("aws")), render.FeedbackForm("inv_1")} {
		raw, err := json.Marshal(form)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "export const v%d = %s satisfies ModalView;\n", i, raw)
	}
	write(t, filepath.Join(dir, "messages.ts"), []byte(b.String()))
	tsc := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--skipLibCheck", "messages.ts")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		t.Fatalf("tsc: %v\n%s", err, cutTo(string(out), 4000))
	}
}

// Real runs over every capture at hand keep to all of the above.
func TestMessagesOfEveryCapture(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every capture")
	}
	for name, dir := range captures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := of(investigate(t, dir))
			list := everything(inv)
			hold(t, list)
			alt := ""
			for _, n := range list {
				dump(t, "capture-"+name+"-"+n.name, wire(n.msg))
				if n.name == "timeline" {
					alt = n.msg.Text
				}
			}
			for _, j := range inv.Report.Rules {
				if j.Rule == playbook.Onset && strings.Contains(j.Message, "baseline at") && !strings.Contains(alt, "began at") {
					t.Errorf("the onset is not read out of %q", j.Message)
				}
			}
		})
	}
}
