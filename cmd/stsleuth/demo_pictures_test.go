package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/stsleuth/stsleuth/internal/browsertest"
)

// The pictures of README and docs/GUIDE.md, under their names:
// STSLEUTH_SHOTS=$PWD/docs/images go test ./cmd/stsleuth -run TestPicturesOfTheGuide -count=1
// Then look at each, and make them small: pngquant --force --ext .png docs/images/*.png
func TestPicturesOfTheGuide(t *testing.T) {
	if os.Getenv("STSLEUTH_SHOTS") == "" {
		t.Skip("STSLEUTH_SHOTS names no folder for the pictures")
	}
	b := browsertest.Open(t, startDemo(t), shown)
	size := func(width, height int64) { b.Do(chromedp.EmulateViewport(width, height)) }
	show := func(js string) { browsertest.Eval[any](b, `(`+js+`).scrollIntoView()`) }
	alone := func(width, height int64) { // the thread without the channel beside it
		size(width, height)
		browsertest.Eval[any](b, `document.querySelector('#thread').style.cssText = 'position: fixed; inset: 0; width: auto; max-width: none'; document.querySelector('#thread-composer').hidden = true`)
	}
	reply := func(text string) string {
		return fmt.Sprintf(`[...document.querySelectorAll('#thread-log .message')].filter(m => m.textContent.includes(%q)).at(-1)`, text)
	}

	size(1400, 830)
	b.Say("/sts-expired payments-api eu-west-1")
	b.Until(`/[3-6] of 9 checks done/.test(document.querySelector('#log').textContent)`)
	b.Shot("running")
	b.Until(card)
	size(1400, 783)
	b.Click(".thread-bar")
	b.Until(reply("Rule trace:"))
	show(card)
	show(reply("Timeline of") + `.querySelector('.file-image, img') ?? ` + reply("Timeline of"))
	b.Shot("diagnosis")
	b.Scheme("dark")
	b.Shot("dark")
	b.Scheme("light")
	alone(1000, 870)
	show(reply("6 Expiry errors"))
	b.Shot("evidence")
	alone(1000, 990)
	show(reply("Timeline of payments-api in eu-west-1 from"))
	b.Shot("thread")

	size(1400, 800)
	b.Click(`#thread-close`)
	b.Say("/sts-expired")
	b.Until(`document.querySelector('dialog.modal[open]')`)
	browsertest.Eval[any](b, `document.activeElement.blur()`)
	b.Shot("form")

	// The client of this incident renews late and logs nothing.
	b = browsertest.Open(t, startDemo(t, "--capture", "../../captures/follow-up-refresh-late"), shown)
	size(1400, 900)
	b.Say("/sts-expired sensor-feed eu-central-1")
	b.Until(`document.querySelector('#log').textContent.includes('No cause found')`)
	b.Click(".thread-bar")
	b.Until(reply("Rule trace:"))
	b.Click(`#log [data-action="follow-up:token-refresh"]`)
	b.Until(reply("When sessions were replaced"))
	size(760, 420)
	b.Click(`#thread-close`)
	b.Click(`#log [data-action="follow-up:extend-48h"]`)
	b.Until(`document.querySelector('dialog[open]')`)
	b.Shot("extend")
	b.Click(`dialog[open] [aria-label=Close]`)
	b.Click(".thread-bar")
	alone(1000, 841)
	b.Until(`[...document.querySelectorAll('#thread-log img')].every(i => i.complete)`) // they push what is shown down
	show(reply("Token refresh review: "))
	b.Shot("follow-up")
}
