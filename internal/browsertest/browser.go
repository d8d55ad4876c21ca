// Package browsertest drives chromium in tests as a person would: it opens the
// local Slack's page, types, presses and waits for what is shown. Only tests
// import it.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Browser is a chromium with one page. A step that fails ends the test.
type Browser struct {
	T   *testing.T
	ctx context.Context

	patience time.Duration
	shots    string

	mu       sync.Mutex
	problems []string // guarded by mu: console errors and exceptions
}

// Open starts chromium with a page; without one the test is skipped, in CI it
// fails. What the page should show is waited for as long as patience. Pictures
// go into the folder that STSLEUTH_SHOTS names, without one nowhere.
func Open(t *testing.T, url string, patience time.Duration) *Browser {
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
	b := &Browser{T: t, ctx: ctx, patience: patience, shots: os.Getenv("STSLEUTH_SHOTS")}
	// The first step starts chromium, which then lives as long as its context.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 1000)); err != nil {
		t.Fatal(err)
	}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		b.listen()
	}()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for chromium, so that its folder can go
			t.Log(err)
		}
		cancel()
		<-listening
	})
	b.Scheme("light")
	b.Do(chromedp.Navigate(url))
	b.Until(`document.querySelector('.composer-input')?.placeholder.includes('incidents')`)
	return b
}

func (b *Browser) listen() {
	for m, err := range chromedp.Console(b.ctx) {
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
}

// Check fails the test if the page complained.
func (b *Browser) Check() {
	b.T.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.T.Errorf("console: %s", p)
	}
}

// Run is testing.T.Run, with the browser's failures going to the subtest.
func (b *Browser) Run(name string, f func(*testing.T)) {
	outer := b.T
	defer func() { b.T = outer }()
	outer.Run(name, func(t *testing.T) {
		b.T = t
		f(t)
	})
}

// Do carries out chromedp's own steps.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.patience, fmt.Errorf("the browser took longer than %v", b.patience))
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.T.Fatalf("%v (%v)", err, context.Cause(ctx))
	}
}

// Scheme is light or dark.
func (b *Browser) Scheme(name string) {
	b.T.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}); err != nil {
		b.T.Fatal(err)
	}
}

// Eval runs JavaScript and gives its value; promises are waited for.
func Eval[V any](b *Browser, js string) V {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[V](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("%s: %v", js, err)
	}
	return v
}

// Until waits for a condition on the page.
func (b *Browser) Until(js string) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[any](`(() => { try { return Boolean(`+js+`) } catch { return false } })()`, chromedp.WithPollingTimeout(b.patience-time.Second))); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(-2000)`))
		b.T.Fatalf("waited for %s: %v\n%s", js, err, text)
	}
}

// Click presses what a selector finds, the last one of several.
func (b *Browser) Click(selector string) {
	b.T.Helper()
	found := fmt.Sprintf("[...document.querySelectorAll(%q)].at(-1)", selector)
	b.Until(found)
	Eval[any](b, found+".click()")
}

// Typed writes into the focused field, as keys.
func (b *Browser) Typed(keys string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Enter presses Enter as a keyboard does: the page may prevent what it would do.
// (chromedp.KeyEvent sends the character apart, which nothing can prevent.)
func (b *Browser) Enter() {
	b.T.Helper()
	for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: typ, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if typ == input.DispatchKeyEventTypeKeyDown {
			p.Text = "\r"
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.T.Fatal(err)
		}
	}
}

// Say types a line into the composer and sends it.
func (b *Browser) Say(line string) {
	b.T.Helper()
	Eval[any](b, `(() => { const i = document.querySelector('.composer-input'); i.value = ''; i.focus(); })()`)
	b.Typed(line)
	b.Enter()
}

// Shot keeps a picture of what is shown.
func (b *Browser) Shot(name string) {
	b.T.Helper()
	if b.shots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.T.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.shots, name+".png"), png, 0o644); err != nil {
		b.T.Fatal(err)
	}
}
