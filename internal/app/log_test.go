package app

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// about are the lines that are about an investigation, whatever goes on besides.
var about = []string{
	"investigation begins", "investigation ends", "investigation breaks off", "task ended", "recorded in the audit log", "step ended in an error",
	"it is not known whether a message is up, looking for it before it is posted again",
	"somebody could not be answered", "a form could not be opened", "a message's link is not known", "follow-up ended in an error",
}

func mustJSON(t *testing.T, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Every line of the log is JSON, and each that is about an investigation says
// which, in the attribute of that name: through a run with as much trouble as
// does not end it, follow-ups, buttons and a stop.
func TestEveryLineNamesItsInvestigation(t *testing.T) {
	t.Parallel()
	lines := &logs{}
	w := newWorld(t, set{slack: slackemu.Options{NoLimits: true}, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) {
		o.Log = slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.AuditLog = filepath.Join(t.TempDir(), "audit.jsonl")
	}})
	w.awsFault(`{action: "iam:GetRole", deny: true}`)
	w.awsFault(`{action: "sts:GetCallerIdentity", error: InternalFailure}`)
	w.fault(obj{"method": "chat.postMessage", "status": 503, "times": 2})
	w.fault(obj{"method": "chat.getPermalink", "error": "message_not_found", "times": 1})
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0]
	w.thread(incidents, parent.TS)
	w.fault(obj{"method": "views.open", "error": "expired_trigger_id"})
	w.fault(obj{"method": "response_url", "status": 500})
	w.control("POST", "/_emu/click", obj{"user": payments, "channel": incidents, "ts": parent.TS, "action_id": "feedback", "value": parent.Metadata.Payload["id"] + ":wrong"}, nil)
	offers := regexp.MustCompile(`follow-up:[a-z-]+[a-z]`).FindAllString(string(mustJSON(t, w.messages(incidents, parent.TS, "")[0].Blocks)), -1)
	if len(offers) == 0 {
		t.Error("no follow-up is offered")
	}
	offers = slices.DeleteFunc(offers, func(o string) bool { return o == "follow-up:extend-48h" }) // it would be an investigation more
	for _, action := range append(offers, "trace", "rerun") {
		w.click(oncall, incidents, parent.TS, action)
	}
	w.until("it runs again", func() bool { return len(w.parents(incidents)) == 2 })
	w.click(oncall, incidents, w.parents(incidents)[1].TS, "stop")
	w.until("all has ended", func() bool {
		f, err := w.all()[0].store.Figures(t.Context())
		return err == nil && f.Going == 0 && f.Waiting == 0
	})
	w.until("the answers are given up on", func() bool { return strings.Contains(lines.String(), "somebody could not be answered") })
	w.all()[0].stop()

	ids := map[string]bool{}
	for _, p := range w.parents(incidents) {
		ids[p.Metadata.Payload["id"]] = true
	}
	if len(ids) != 2 {
		t.Fatalf("investigations: %v", ids)
	}
	shape := regexp.MustCompile(`inv_[a-z0-9]+`)
	seen := map[string]int{}
	for line := range strings.Lines(lines.String()) {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Errorf("%v: %s", err, line)
			continue
		}
		msg, _ := got["msg"].(string)
		id, _ := got["investigation"].(string)
		seen[msg]++
		if id != "" && !ids[id] {
			t.Errorf("an investigation %q that there is not: %s", id, line)
		}
		if strings.Count(line, `"investigation":`) > 1 {
			t.Errorf("the attribute is there twice: %s", line)
		}
		for _, named := range shape.FindAllString(line, -1) {
			if named != id {
				t.Errorf("it is about %s, and its attribute is %q: %s", named, id, line)
			}
		}
		if slices.Contains(about, msg) && id == "" && got["event"] != "command" && got["event"] != "started" {
			t.Errorf("no investigation in: %s", line)
		}
	}
	t.Logf("lines: %v", seen)
	for _, msg := range []string{"investigation begins", "investigation ends", "recorded in the audit log", "it is not known whether a message is up, looking for it before it is posted again", "a form could not be opened", "somebody could not be answered"} {
		if seen[msg] == 0 {
			t.Errorf("no line says %q", msg)
		}
	}
}
