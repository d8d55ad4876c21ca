package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

const (
	channel = "C0INCIDENTS"
	oncall  = "U0ONCALL"
)

// workspace is a local Slack with the page, and a bot that records what
// people do to it.
type workspace struct {
	*slack.Client
	emu   *slackemu.Server
	url   string // of the page
	modal []byte // what the button "policy" opens

	mu     sync.Mutex
	clicks []*slack.BlockAction           // guarded by mu
	forms  []map[string]slack.BlockAction // guarded by mu: submitted values by block
}

// serve starts the emulator behind a front that adds the demo's incidents.
func serve(t *testing.T) *workspace {
	t.Helper()
	emu := slackemu.New(slackemu.Options{NoLimits: true})
	if err := emu.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := emu.Close(); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/", emu)
	current := "hourly-no-refresh"
	incident := func(name, title, role string) map[string]any {
		return map[string]any{"name": name, "title": title, "ask": map[string]string{"role": role, "region": "eu-west-1", "window": ""}}
	}
	mux.HandleFunc("GET /demo/incidents", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"current": current, "incidents": []any{
			incident("hourly-no-refresh", "Two workers never renew their one-hour sessions", "payments-api"),
			incident("role-chaining-limit", "A chained call asks for twelve hours", "chained-role"),
		}})
	})
	mux.HandleFunc("POST /demo/incidents", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name string }
		json.NewDecoder(r.Body).Decode(&in)
		current = in.Name
		fmt.Fprint(w, "{}")
	})
	front := httptest.NewServer(mux)
	t.Cleanup(func() {
		front.CloseClientConnections() // the page's stream never ends by itself
		front.Close()
	})
	w := &workspace{emu: emu, url: front.URL, modal: testdata(t, "modal.json"),
		Client: slack.New(emu.App().BotToken, slack.OptionAPIURL(emu.URL()+"/api/"), slack.OptionAppLevelToken(emu.App().AppToken))}
	w.connect(t)
	return w
}

// connect runs the bot: a command is acknowledged with a line, the button
// "policy" opens the modal, whose first submit is answered with an error.
func (w *workspace) connect(t *testing.T) {
	t.Helper()
	client := socketmode.New(w.Client)
	ctx, cancel := context.WithCancel(t.Context())
	hello := make(chan struct{}, 1)
	done := make(chan struct{}, 2)
	go func() { client.RunContext(ctx); done <- struct{}{} }()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-client.Events:
				switch e.Type {
				case socketmode.EventTypeHello:
					hello <- struct{}{}
				case socketmode.EventTypeSlashCommand:
					client.Ack(*e.Request, map[string]any{"response_type": "ephemeral", "text": "On it: " + e.Data.(slack.SlashCommand).Text})
				case socketmode.EventTypeInteractive:
					w.interact(t, client, *e.Request, e.Data.(slack.InteractionCallback))
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; <-done })
	select {
	case <-hello:
	case <-time.After(patience):
		t.Fatal("the bot did not connect")
	}
}

func (w *workspace) interact(t *testing.T, client *socketmode.Client, req socketmode.Request, in slack.InteractionCallback) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch in.Type {
	case slack.InteractionTypeBlockActions:
		client.Ack(req)
		w.clicks = append(w.clicks, in.ActionCallback.BlockActions...)
		if in.ActionCallback.BlockActions[0].ActionID == "policy" {
			if _, err := w.try(t.Context(), "views.open", map[string]any{"trigger_id": in.TriggerID, "view": json.RawMessage(w.modal)}); err != nil {
				t.Error(err)
			}
		}
	case slack.InteractionTypeBlockSuggestion:
		client.Ack(req, slack.OptionsResponse{Options: []*slack.OptionBlockObject{
			slack.NewOptionBlockObject("payments-api", slack.NewTextBlockObject("plain_text", "payments-api", false, false), nil),
			slack.NewOptionBlockObject("payments-worker", slack.NewTextBlockObject("plain_text", "payments-worker", false, false), nil),
		}})
	case slack.InteractionTypeViewSubmission:
		form := map[string]slack.BlockAction{}
		for block, actions := range in.View.State.Values {
			for _, a := range actions {
				form[block] = a
			}
		}
		w.forms = append(w.forms, form)
		if len(w.forms) == 1 {
			client.Ack(req, slack.NewErrorsViewSubmissionResponse(map[string]string{"win": "That window is longer than CloudTrail keeps"}))
			return
		}
		client.Ack(req)
	default:
		client.Ack(req)
	}
}

func (w *workspace) lastClick() (last slack.BlockAction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clicks) > 0 {
		last = *w.clicks[len(w.clicks)-1]
	}
	return last
}

func (w *workspace) lastForm() map[string]slack.BlockAction {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.forms) == 0 {
		return nil
	}
	return w.forms[len(w.forms)-1]
}

// try makes one Web API call with blocks as they are, which slack-go would
// rewrite; it returns the message's ts.
func (w *workspace) try(ctx context.Context, method string, args map[string]any) (string, error) {
	body, err := json.Marshal(args)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", w.emu.URL()+"/api/"+method, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+w.emu.App().BotToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var out struct {
		OK bool
		TS string
	}
	if err := json.Unmarshal(raw, &out); err != nil || !out.OK {
		return "", fmt.Errorf("%s: %s", method, raw)
	}
	return out.TS, nil
}

func (w *workspace) call(t *testing.T, method string, args map[string]any) string {
	t.Helper()
	ts, err := w.try(t.Context(), method, args)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func (w *workspace) post(t *testing.T, args map[string]any) string {
	t.Helper()
	args["channel"] = channel
	return w.call(t, "chat.postMessage", args)
}

// say types a line as a person.
func (w *workspace) say(t *testing.T, user, text string) {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"user": user, "channel": channel, "text": text})
	resp, err := http.Post(w.emu.URL()+"/_emu/say", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("say: %s", resp.Status)
	}
}

// picture uploads an image to the channel, or without one only to Slack.
func (w *workspace) picture(t *testing.T, channel, name, alt string) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 480, 160))
	for x := range 480 {
		for y := range 160 {
			img.Set(x, y, color.RGBA{uint8(255 - x/4), uint8(255 - y), 220, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	f, err := w.UploadFileContext(t.Context(), slack.UploadFileParameters{
		Channel: channel, Filename: name, Title: "Timeline of the incident", AltTxt: alt, FileSize: b.Len(), Reader: &b})
	if err != nil {
		t.Fatal(err)
	}
	return f.ID
}

func testdata(t *testing.T, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
