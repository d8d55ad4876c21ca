package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/browsertest"
)

// shown is how long the browser may take to show something: the thread comes at
// one message a second.
const shown = 60 * time.Second

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
	b := browsertest.Open(t, startDemo(t), shown)
	b.Shot("demo-1-welcome")
	b.Say("/sts-expired payments-api eu-west-1")
	b.Until(`[...document.querySelectorAll('#log .message')].some(m => m.textContent.includes('Why do credentials of payments-api expire'))`)
	b.Until(`/[2-8] of 9 checks done/.test(document.querySelector('#log').textContent)`)
	b.Shot("demo-2-running")
	b.Until(card)
	b.Click(".thread-bar")
	b.Until(`document.querySelector('#thread-log').textContent.includes('Rule trace:')`) // the last reply
	browsertest.Eval[any](b, card+`.scrollIntoView()`)
	b.Shot("demo-3-diagnosis")
	for _, n := range []string{"1 Role exists", "2 Failed STS", "3 Trust policy", "4 STS error", "5 Sessions", "6 Expiry errors", "7 Who may", "8 Changes", "9 SAML"} {
		b.Until(fmt.Sprintf(`[...document.querySelectorAll('#thread-log .message')].filter(m => m.textContent.includes(%q)).length >= 1`, n))
	}
	browsertest.Eval[any](b, `[...document.querySelectorAll('#thread-log .message')].find((m, i) => i > 0 && m.textContent.includes('6 Expiry errors')).scrollIntoView()`)
	b.Shot("demo-4-evidence")
	browsertest.Eval[any](b, `[...document.querySelectorAll('#thread-log .message')].find(m => m.querySelector('img[alt*="imeline"], .file-image img'))?.scrollIntoView()`)
	b.Shot("demo-4-timeline")

	b.Click(`#log [data-action=trace]`)
	b.Until(`document.querySelector('#log').textContent.includes('The rule trace is in the thread.')`)
	b.Click(`#log [data-action=report]`)
	b.Until(`document.querySelector('#thread-log').textContent.includes('Report on payments-api')`)
	b.Shot("demo-5-report")

	b.Say("/sts-expired")
	b.Until(`document.querySelector('dialog.modal[open]')`)
	b.Shot("demo-6-form")
	b.Click(`dialog.modal [type=submit]`)
	b.Until(`!document.querySelector('dialog.modal') && document.querySelector('#log').textContent.includes('asked a few minutes ago')`)
	b.Shot("demo-7-recent")
	b.Click(`#log .message:last-of-type [data-action=rerun], #log [data-action=rerun]`)
	b.Until(`document.querySelectorAll('#log .thread-bar').length >= 2`)

	b.Scheme("dark")
	b.Shot("demo-8-dark")
}
