package slackemu

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// step is one line of the bot's output.
type step struct {
	Step, TS, Value, View, Name, Role, Error string
	Replies                                  []string
}

// The official SDK accepts this emulator: it connects, answers, posts, edits,
// uploads, opens a form and survives a refresh.
func TestBoltConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("installs npm packages")
	}
	dir := boltDir(t)
	s := start(t, Options{Linger: time.Minute}) // so that the SDK itself must close
	changes := stream(t, s)

	cmd := exec.CommandContext(t.Context(), "node", "bot.mjs")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "BOT_TOKEN="+s.App().BotToken, "APP_TOKEN="+s.App().AppToken, "API_URL="+s.URL()+"/api/")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	steps := make(chan step, 100)
	go func() {
		defer close(steps)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var st step
			if err := json.Unmarshal(lines.Bytes(), &st); err != nil {
				t.Errorf("the bot printed %q", lines.Text())
				continue
			}
			steps <- st
		}
	}()
	next := func(want string) step {
		t.Helper()
		st := wait(t, steps)
		if st.Step != want {
			t.Fatalf("the bot did %+v, want %s", st, want)
		}
		return st
	}

	next("started")
	until(t, changes, connections(1))
	if d := wait(t, say(t, s, "/bolt one two")); !d.Acked {
		t.Fatalf("command: %+v", d)
	}
	st := next("command")
	if want := []string{"updated", "in the thread", "the report"}; !slices.Equal(st.Replies, want) {
		t.Errorf("the thread is %q, want %q", st.Replies, want)
	}
	var texts []string
	for _, m := range messages(t, s, "channel="+public+"&user="+ann) {
		texts = append(texts, m.Text)
	}
	for _, want := range []string{"acknowledged one two", "responded", "updated"} {
		if !slices.Contains(texts, want) {
			t.Errorf("the channel shows %q, %q is missing", texts, want)
		}
	}

	if d := do[Delivery](t, s, "click", obj{"user": ann, "channel": public, "ts": st.TS, "action_id": "again"}); !d.Acked {
		t.Fatalf("click: %+v", d)
	}
	if got := next("action"); got.Value != "v1" {
		t.Errorf("action %+v", got)
	}
	do[Delivery](t, s, "shortcut", obj{"user": ann, "channel": public, "ts": st.TS, "callback_id": "why"})
	next("shortcut")
	do[any](t, s, "say", obj{"user": ann, "channel": public, "text": "@stsleuth hello"})
	next("mention")

	wait(t, say(t, s, "/form"))
	view := next("form").View
	d := do[Delivery](t, s, "suggest", obj{"user": ann, "view_id": view, "action_id": "role", "query": "pay"})
	if len(d.Options) != 1 || d.Options[0] != (Choice{"found pay", "pay"}) {
		t.Errorf("suggested %+v", d)
	}
	role := obj{"text": "found pay", "value": "pay"}
	d = do[Delivery](t, s, "submit", obj{"user": ann, "view_id": view, "values": obj{"name": "wrong", "role": role}})
	if d.Errors["name"] != "Not that one" {
		t.Errorf("wrong input: %+v", d)
	}
	do[any](t, s, "submit", obj{"user": ann, "view_id": view, "values": obj{"name": "right", "role": role}})
	if got := next("view"); got.Name != "right" || got.Role != "pay" {
		t.Errorf("view %+v", got)
	}

	do[any](t, s, "disconnect", obj{"reason": "refresh_requested"})
	until(t, changes, connections(0))
	until(t, changes, connections(1)) // the SDK waits five seconds in between
	if d := wait(t, say(t, s, "/bolt again")); !d.Acked || d.Connection != "c2" {
		t.Errorf("after the refresh: %+v", d)
	}
	next("command")
	if c := socketsOf(t, s).Connections[0]; c.ClosedWith != 1000 {
		t.Errorf("the SDK closed the old connection with %d, want 1000", c.ClosedWith)
	}

	in.Close()
	next("stopped")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	typeCheck(t, s, dir)
}

// boltDir is a copy of testdata/bolt with its packages installed.
func boltDir(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "bolt"))); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("npm ci needs the registry: %v\n%s", err, out)
	}
	return dir
}

// typeCheck holds what was sent against the SDK's types, without the fields
// that Slack sends and the types lack: "enterprise": null everywhere, username
// in two payloads. Answers are checked without their blocks, because the SDK
// types those with enums that no JSON can satisfy. chat.update is left out: its
// type has no thread_ts.
func typeCheck(t *testing.T, s *Server, dir string) {
	t.Helper()
	types := map[string]string{"slash_commands": "SlashCommand", "block_actions": "BlockAction<ButtonAction>", "message_action": "MessageShortcut",
		"block_suggestion": "BlockSuggestion", "app_mention": "AppMentionEvent", "view_submission": "ViewSubmitAction"}
	var sent struct {
		Envelopes []struct {
			Type     string
			Envelope struct{ Payload obj }
		}
	}
	control(t, s, "GET", "envelopes", nil, &sent)
	var b strings.Builder
	b.WriteString("import type { SlashCommand, BlockAction, ButtonAction, MessageShortcut, BlockSuggestion, ViewSubmitAction } from '@slack/bolt';\n" +
		"import type { AppMentionEvent } from '@slack/types';\n" +
		"import type { ChatPostMessageResponse, ConversationsRepliesResponse, FilesCompleteUploadExternalResponse } from '@slack/web-api';\n")
	found := map[string]bool{}
	for i, e := range sent.Envelopes {
		kind, payload := e.Type, e.Envelope.Payload
		switch kind {
		case "interactive":
			kind = payload["type"].(string)
		case "events_api":
			payload = payload["event"].(obj)
			kind = payload["type"].(string)
		}
		found[kind] = true
		delete(payload, "enterprise")
		if kind == "view_submission" || kind == "block_suggestion" {
			delete(payload["user"].(obj), "username")
		}
		fmt.Fprintf(&b, "export const in%d = %s satisfies %s;\n", i, encode(payload), types[kind])
	}
	for kind := range types {
		if !found[kind] {
			t.Errorf("no %s was sent", kind)
		}
	}
	for method, typ := range map[string]string{"chat.postMessage": "ChatPostMessageResponse", "conversations.replies": "ConversationsRepliesResponse", "files.completeUploadExternal": "FilesCompleteUploadExternalResponse"} {
		var out struct{ Calls []struct{ Answer obj } }
		control(t, s, "GET", "calls?method="+method, nil, &out)
		answer := out.Calls[0].Answer
		walk(answer, "", func(o map[string]any, _ string) { delete(o, "blocks") })
		fmt.Fprintf(&b, "export const out_%s = %s satisfies %s;\n", strings.ReplaceAll(method, ".", "_"), encode(answer), typ)
	}
	if err := os.WriteFile(filepath.Join(dir, "sent.ts"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	tsc := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", "sent.ts")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}
