package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

var shots = flag.String("shots", "", "write screenshots into this folder")

const (
	channel  = "C0INCIDENTS"
	oncall   = "U0ONCALL"
	patience = 15 * time.Second // for the browser to show something
)

// workspace is a local Slack with the page, and a bot that records what
// people do to it.
type workspace struct {
	*slack.Client
	emu *slackemu.Server
	url string // of the page

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
	w := &workspace{emu: emu, url: front.URL,
		Client: slack.New(emu.App().BotToken, slack.OptionAPIURL(emu.URL()+"/api/"), slack.OptionAppLevelToken(emu.App().AppToken))}
	w.connect(t)
	return w
}

// connect runs the bot: a command is acknowledged with a line, the button
// "ask" opens the modal, whose first submit is answered with an error.
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
			w.call(t, "views.open", map[string]any{"trigger_id": in.TriggerID, "view": json.RawMessage(testdata(t, "modal.json"))})
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

// call posts one Web API call with blocks as they are, which slack-go would
// rewrite; it returns the message's ts.
func (w *workspace) call(t *testing.T, method string, args map[string]any) string {
	t.Helper()
	body, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.emu.URL()+"/api/"+method, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+w.emu.App().BotToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		OK bool
		TS string
	}
	if err := json.Unmarshal(raw, &out); err != nil || !out.OK {
		t.Fatalf("%s: %s", method, raw)
	}
	return out.TS
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

// browser is a chromium with the page open.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // guarded by mu: console errors and exceptions
}

// open starts chromium; without one the test is skipped, in CI it fails.
func open(t *testing.T, url string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx}
	// The first step starts chromium, which then lives as long as its context.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			refused := strings.HasSuffix(m.URL, "/_emu/say") || strings.HasSuffix(m.URL, "/_emu/submit") // the browser notes every 4xx
			if m.IsException() || m.Type == chromedp.ConsoleError && !refused {
				b.mu.Lock()
				b.problems = append(b.problems, m.String())
				b.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for chromium, so that its folder can go
			t.Log(err)
		}
		cancel()
		<-listening
	})
	b.media("light")
	b.do(chromedp.Navigate(url))
	b.until(`document.querySelector('.composer-input')?.placeholder.includes('incidents')`)
	return b
}

// run is t.Run, with the browser's failures going to the subtest.
func (b *browser) run(name string, f func(*testing.T)) {
	outer := b.t
	defer func() { b.t = outer }()
	outer.Run(name, func(t *testing.T) {
		b.t = t
		f(t)
	})
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeoutCause(b.ctx, patience, fmt.Errorf("the browser took longer than %v", patience))
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v (%v)", err, context.Cause(ctx))
	}
}

func (b *browser) media(scheme string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
		b.t.Fatal(err)
	}
}

// eval runs JavaScript and gives its value; promises are waited for.
func eval[T any](b *browser, js string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for a condition on the page.
func (b *browser) until(js string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[any](`(() => { try { return Boolean(`+js+`) } catch { return false } })()`, chromedp.WithPollingTimeout(patience-time.Second))); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(-1500)`))
		b.t.Fatalf("waited for %s: %v\n%s", js, err, text)
	}
}

// click presses what a selector finds, the last one of several.
func (b *browser) click(selector string) {
	b.t.Helper()
	found := fmt.Sprintf("[...document.querySelectorAll(%q)].at(-1)", selector)
	b.until(found)
	eval[any](b, found+".click()")
}

// typed writes into the focused field, as keys.
func (b *browser) typed(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

func (b *browser) shot(name string) {
	b.t.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// check fails the test if the page complained.
func (b *browser) check() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("console: %s", p)
	}
}

// lastMessage is a JavaScript expression for the newest message of the channel.
const lastMessage = `[...document.querySelectorAll('#log .message')].at(-1)`

func quote(s string) string {
	b, _ := json.Marshal(s)
	return strings.ReplaceAll(string(b), `'`, `\u0027`)
}
