package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// shown is how long the browser may take to show something: the thread comes at
// one message a second.
const shown = 60 * time.Second

// tab is a chromium with the demo's page.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T, url string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 1000)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for chromium, so that its folder can go
			t.Log(err)
		}
		cancel()
	})
	b.scheme("light")
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	b.until(`document.querySelector('.composer-input')?.placeholder.includes('incidents')`)
	return b
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a condition on the page.
func (b *tab) until(js string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, shown)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[any](`(() => { try { return Boolean(`+js+`) } catch { return false } })()`, chromedp.WithPollingTimeout(shown-time.Second))); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(-2000)`))
		b.t.Fatalf("waited for %s: %v\n%s", js, err, text)
	}
}

func (b *tab) eval(js string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](js)); err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
}

// click presses what a selector finds, the last one of several.
func (b *tab) click(selector string) {
	b.t.Helper()
	found := fmt.Sprintf("[...document.querySelectorAll(%q)].at(-1)", selector)
	b.until(found)
	b.eval(found + ".click()")
}

// typeLine types a line into the composer and sends it.
func (b *tab) typeLine(line string) {
	b.t.Helper()
	b.eval(`(() => { const i = document.querySelector('.composer-input'); i.value = ''; i.focus(); })()`)
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(line)); err != nil {
		b.t.Fatal(err)
	}
	for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: typ, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if typ == input.DispatchKeyEventTypeKeyDown {
			p.Text = "\r"
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
			b.t.Fatal(err)
		}
	}
}

// shot keeps a picture in the folder that STSLEUTH_SHOTS names.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("STSLEUTH_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// startDemo runs the command as main does, and returns its URL.
func startDemo(t *testing.T, args ...string) string {
	t.Helper()
	url, stop := started(t, append([]string{"demo", "--addr", "127.0.0.1:0", "--open=false"}, args...)...)
	t.Cleanup(func() {
		begun := time.Now()
		if code := stop(); code != exitDone || time.Since(begun) > 10*time.Second {
			t.Errorf("demo ended with %d after %s", code, time.Since(begun))
		}
	})
	return url
}

const card = `[...document.querySelectorAll('#log .message')].find(m => m.textContent.includes('Cause found'))`

// A visitor's first minute: type the command, read the thread, press buttons.
func TestDemoInABrowser(t *testing.T) {
	b := openTab(t, startDemo(t))
	b.shot("demo-1-welcome")
	b.typeLine("/sts-expired payments-api eu-west-1")
	b.until(`[...document.querySelectorAll('#log .message')].some(m => m.textContent.includes('Why do credentials of payments-api expire'))`)
	b.until(`/[2-8] of 9 checks done/.test(document.querySelector('#log').textContent)`)
	b.shot("demo-2-running")
	b.until(card)
	b.click(".thread-bar")
	b.until(`document.querySelector('#thread-log').textContent.includes('Rule trace:')`) // the last reply
	b.eval(card + `.scrollIntoView()`)
	b.shot("demo-3-diagnosis")
	for _, n := range []string{"1 Role exists", "2 Failed STS", "3 Trust policy", "4 STS error", "5 Sessions", "6 Expiry errors", "7 Who may", "8 Changes", "9 SAML"} {
		b.until(fmt.Sprintf(`[...document.querySelectorAll('#thread-log .message')].filter(m => m.textContent.includes(%q)).length >= 1`, n))
	}
	b.eval(`[...document.querySelectorAll('#thread-log .message')].find((m, i) => i > 0 && m.textContent.includes('6 Expiry errors')).scrollIntoView()`)
	b.shot("demo-4-evidence")
	b.eval(`[...document.querySelectorAll('#thread-log .message')].find(m => m.querySelector('img[alt*="imeline"], .file-image img'))?.scrollIntoView()`)
	b.shot("demo-4-timeline")

	b.click(`#log [data-action=trace]`)
	b.until(`document.querySelector('#log').textContent.includes('The rule trace is in the thread.')`)
	b.click(`#log [data-action=report]`)
	b.until(`document.querySelector('#thread-log').textContent.includes('Report on payments-api')`)
	b.shot("demo-5-report")

	b.typeLine("/sts-expired")
	b.until(`document.querySelector('dialog.modal[open]')`)
	b.shot("demo-6-form")
	b.click(`dialog.modal [type=submit]`)
	b.until(`!document.querySelector('dialog.modal') && document.querySelector('#log').textContent.includes('asked a few minutes ago')`)
	b.shot("demo-7-recent")
	b.click(`#log .message:last-of-type [data-action=rerun], #log [data-action=rerun]`)
	b.until(`document.querySelectorAll('#log .thread-bar').length >= 2`)

	b.scheme("dark")
	b.shot("demo-8-dark")
}
