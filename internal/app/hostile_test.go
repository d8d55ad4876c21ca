package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What strangers may write into log lines, names and requests.
var hostile = []string{
	`<!here> <!channel> <!everyone> <!subteam^S0ONCALL>`, `<@U0SECURITY> <#C0GENERAL>`, `<https://evil.example/|click>`, `<!date^0^{date}|x>`,
	"``` *bold* _it_ ~s~ `code`", `&lt;!here&gt;`, `javascript:alert(1) https://evil.example/x`, "\u202egnp.exe\u200b",
	`:rotating_light: @here @channel`, `aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY`, `ASIAIOSFODNN7EXAMPLE`,
}

// live is mrkdwn that does something: a mention, a link or a date. Our own are
// the mentions of those who asked, links to AWS and to our messages, and dates.
var live = regexp.MustCompile(`<[^>]*>`)
var allowed = regexp.MustCompile(`^<(@U0ONCALL|@U0PAYMENTS|@U0STSLEUTH|!date\^[0-9]+\^[^|]*\|[^<>]*|https://[a-z0-9.-]*(aws\.amazon\.com|slack\.com)/[^<>]*)>$`)

func TestNothingFromOutsideMentionsLinksOrLeaks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "captures", "two-troubles"))); err != nil {
		t.Fatal(err)
	}
	// Every application line carries all of it, beside what makes it matter.
	evil, err := json.Marshal(strings.Join(hostile, " "))
	if err != nil {
		t.Fatal(err)
	}
	inner := strings.Trim(string(evil), `"`)
	changed := 0
	lines, err := filepath.Glob(filepath.Join(dir, "logs", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(raw), "ExpiredToken", inner+" ExpiredToken")
		changed += strings.Count(text, "rotating_light")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if changed == 0 {
		t.Fatal("the capture has no line to change")
	}
	w, parent := finished(t, set{slack: unlimited, capture: dir})
	for _, h := range hostile {
		w.command(Command + " " + h)
	}
	w.click(oncall, incidents, parent, "report")
	w.settled()

	all := append(w.messages(incidents, parent, ""), w.messages(incidents, "", oncall)...)
	seen := 0
	for _, m := range all {
		if m.User != w.slack.App().BotUserID {
			continue
		}
		texts := append([]string{m.Text}, mrkdwn(t, m.Blocks)...)
		for _, v := range m.Versions {
			texts = append(texts, v.Text)
		}
		for _, text := range texts {
			for _, token := range live.FindAllString(text, -1) {
				if !allowed.MatchString(token) {
					t.Errorf("%s has %s", m.is(), token)
				}
			}
		}
		whole := m.Text + strings.Join(raws(m), "")
		seen += strings.Count(whole, "rotating_light")
		for _, secret := range []string{"wJalrXUtnFEMI", "ASIAIOSFODNN7EXAMPLE"} {
			if strings.Contains(whole, secret) {
				t.Errorf("%s leaks %s", m.is(), secret)
			}
		}
		for _, raw := range m.Blocks {
			if strings.Contains(string(raw), `"url":"javascript`) || strings.Contains(string(raw), `"url":"https://evil`) {
				t.Errorf("%s links out: %s", m.is(), raw)
			}
		}
	}
	if seen == 0 {
		t.Error("no hostile line reached a message: the test shows nothing")
	}
	for _, method := range []string{"chat.postMessage", "chat.update"} {
		for _, c := range w.calls(method) {
			if fmt.Sprint(c.Args["link_names"]) != "false" || c.Args["parse"] != "none" || fmt.Sprint(c.Args["unfurl_links"]) != "false" {
				t.Errorf("%s parses: %v", method, c.Args)
			}
		}
	}
	if s := w.log.String(); strings.Contains(s, "wJalrXUtnFEMI") {
		t.Error("the log leaks a secret")
	}
}

// mrkdwn collects the texts of blocks that Slack parses.
func mrkdwn(t *testing.T, blocks []json.RawMessage) (texts []string) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["type"] == "mrkdwn" {
				texts = append(texts, v["text"].(string))
			}
			for _, in := range v {
				walk(in)
			}
		case []any:
			for _, in := range v {
				walk(in)
			}
		}
	}
	for _, raw := range blocks {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		walk(v)
	}
	return texts
}
