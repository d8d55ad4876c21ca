package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

func button(id, text, value string) map[string]any {
	return map[string]any{"type": "button", "action_id": id, "value": value, "text": map[string]any{"type": "plain_text", "text": text}, "accessibility_label": text + " of payments-api"}
}

// A visit from the welcome to a diagnosis: typing, clicking, a modal, a thread.
func TestUsingThePage(t *testing.T) {
	w := serve(t)
	b := open(t, w.url)

	b.run("the welcome fills the composer", func(t *testing.T) {
		b.shot("welcome")
		if role := eval[string](b, `document.querySelector('#log .log').getAttribute('role') + ' ' + document.querySelector('#log .log').getAttribute('aria-live')`); role != "log polite" {
			t.Errorf("the message list is %q", role)
		}
		b.click(".example")
		b.until(`document.querySelector('.composer-input').value === '/sts-expired payments-api eu-west-1'`)
	})
	b.run("choosing another incident fills the composer", func(t *testing.T) {
		b.click("#incidents button")
		b.until(`document.querySelectorAll('.menu .menu-item').length === 2`)
		b.shot("incidents")
		b.typed(kb.ArrowDown)
		b.enter()
		b.until(`document.querySelector('.composer-input').value === '/sts-expired chained-role eu-west-1'`)
		b.until(`document.querySelector('#incidents').textContent.includes('twelve hours')`)
	})
	b.run("a slash shows the command, tab completes it, enter sends it", func(t *testing.T) {
		eval[any](b, `(() => { const i = document.querySelector('.composer-input'); i.value = ''; i.focus(); })()`)
		b.typed("/s")
		b.until(`document.querySelector('.hint[aria-selected=true]')?.textContent.includes('/sts-expired role region')`)
		b.shot("hints")
		b.typed(kb.Tab)
		b.until(`document.querySelector('.composer-input').value === '/sts-expired '`)
		b.typed("payments-api eu-west-1")
		b.enter()
		b.until(lastMessage + `?.textContent.includes('On it: payments-api eu-west-1')`)
		b.until(lastMessage + `.querySelector('.only-you')`)
	})

	parent := w.post(t, map[string]any{"text": "Diagnosis of payments-api", "blocks": []any{
		map[string]any{"type": "section", "block_id": "s", "text": map[string]any{"type": "mrkdwn", "text": "*Diagnosis* of payments-api"}},
		map[string]any{"type": "actions", "block_id": "a", "elements": []any{button("rerun", "Run again", "inv_1"), button("policy", "Ask", "inv_2"),
			func() map[string]any {
				forget := button("forget", "Forget", "inv_3")
				plain := func(s string) map[string]any { return map[string]any{"type": "plain_text", "text": s} }
				forget["confirm"] = map[string]any{"title": plain("Forget it?"), "text": plain("It will be gone."), "confirm": plain("Forget"), "deny": plain("Keep")}
				return forget
			}()}},
	}})
	b.run("a button reaches the bot with the stored value", func(t *testing.T) {
		b.click(`[data-action=rerun]`)
		b.until(`!document.querySelector('[data-action=rerun][aria-busy]')`)
		if got := w.lastClick(); got.ActionID != "rerun" || got.Value != "inv_1" || got.BlockID != "a" {
			t.Errorf("the bot got %+v", got)
		}
		if label := eval[string](b, `document.querySelector('[data-action=rerun]').getAttribute('aria-label')`); label != "Run again of payments-api" {
			t.Errorf("the button is called %q", label)
		}
	})
	b.run("a confirm dialog stands before the click", func(t *testing.T) {
		b.click(`[data-action=forget]`)
		b.until(`document.querySelector('dialog.confirm[open]')`)
		b.shot("confirm")
		b.typed(kb.Escape)
		b.until(`!document.querySelector('dialog')`)
		if got := w.lastClick(); got.ActionID == "forget" {
			t.Error("Esc counted as confirmed")
		}
		b.click(`[data-action=forget]`)
		b.click(`dialog.confirm .btn.primary`)
		b.until(`!document.querySelector('dialog, [aria-busy]')`)
		if got := w.lastClick(); got.ActionID != "forget" {
			t.Errorf("the bot got %+v", got)
		}
	})
	b.run("a modal: search, complaints under fields, submit", func(t *testing.T) {
		b.click(`[data-action=policy]`)
		b.until(`document.querySelector('dialog.modal[open] .block-alert')`)
		b.click(`dialog.modal [type=submit]`)
		b.until(`document.querySelector('[data-block=role] .input-error')`)
		b.shot("modal-missing")
		eval[any](b, `document.querySelector('[data-block=role] input').focus()`)
		b.typed("pay")
		b.until(`document.querySelectorAll('.listbox:popover-open .option').length === 2`)
		b.shot("modal-search")
		b.typed(kb.ArrowDown)
		b.enter()
		b.until(`document.querySelector('[data-block=role] input').value === 'payments-worker'`)
		eval[any](b, `document.querySelector('[data-block=win] input').focus()`)
		b.typed("last 90d")
		b.click(`[data-block=opts] input[value=health]`)
		b.click(`dialog.modal [type=submit]`)
		b.until(`document.querySelector('[data-block=win] .input-error')?.textContent.includes('longer than CloudTrail keeps')`)
		b.until(`document.querySelector('[data-block=win] input').value === 'last 90d' && document.querySelector('[data-block=opts] input[value=health]').checked`)
		b.shot("modal-error")
		b.click(`dialog.modal [type=submit]`)
		b.until(`!document.querySelector('dialog')`)
		form := w.lastForm()
		if got := form["role"].SelectedOption.Value; got != "payments-worker" {
			t.Errorf("role: %q", got)
		}
		if got := form["region"].SelectedOption.Value; got != "eu-west-1" {
			t.Errorf("region, left as it was: %q", got)
		}
		if got := form["win"].Value; got != "last 90d" {
			t.Errorf("window: %q", got)
		}
		if got := form["opts"].SelectedOptions; len(got) != 1 || got[0].Value != "health" {
			t.Errorf("options: %+v", got)
		}
	})
	b.run("a thread: unread mark, replies, no commands", func(t *testing.T) {
		w.post(t, map[string]any{"text": "Step 1 of 9: OK", "thread_ts": parent})
		b.until(`document.querySelector('.thread-bar.unread .dot')`)
		b.click(".thread-bar")
		b.until(`document.querySelector('#thread-log')?.textContent.includes('Step 1 of 9')`)
		b.until(`!document.querySelector('.thread-bar.unread')`)
		b.until(`document.activeElement.matches('#thread-composer textarea')`)
		b.typed("/sts-expired payments-api eu-west-1")
		b.enter()
		b.until(`document.querySelector('#thread-composer .composer-note').textContent.includes('in threads')`)
		b.shot("thread")
		eval[any](b, `(() => { const i = document.querySelector('#thread-composer textarea'); i.value = ''; i.focus(); })()`)
		b.typed("thanks")
		b.enter()
		b.until(`document.querySelector('#thread-log').textContent.includes('thanks')`)
		b.typed(kb.Escape)
		b.until(`document.querySelector('#thread').hidden && document.activeElement.matches('.thread-bar')`)
	})
	b.run("an edit is shown and is not read out", func(t *testing.T) {
		w.call(t, "chat.update", map[string]any{"channel": channel, "ts": parent, "text": "Diagnosis, second thoughts"})
		b.until(`document.querySelector('#log').textContent.includes('second thoughts (edited)')`)
		if live := eval[string](b, `document.querySelector('[data-ts="`+parent+`"]').getAttribute('aria-live')`); live != "off" {
			t.Errorf("an edited message is live: %q", live)
		}
	})
	b.run("another user acts, and does not see what was for the first", func(t *testing.T) {
		b.click(`.side-btn.me`)
		b.click(`.menu-item[aria-checked=false]`)
		b.until(`!document.querySelector('#log .only-you')`)
		eval[any](b, `document.querySelector('.composer-input').focus()`)
		b.typed("hello from the other side")
		b.enter()
		b.until(lastMessage + `?.textContent.includes('Security engineer')`)
	})
	b.run("what a screen reader gets", func(t *testing.T) {
		b.click(`.side-btn[aria-pressed=false]`)
		b.until(`document.querySelectorAll('.spoken').length > 1 && !document.querySelector('#log .block')`)
		b.shot("spoken")
		b.click(`.side-btn[aria-pressed=true]`)
	})
	b.run("a line in another channel leaves an unread mark", func(t *testing.T) {
		w.call(t, "chat.postMessage", map[string]any{"channel": "C0PRIVATE", "text": "over here"})
		b.until(`document.querySelector('[data-key="room:C0PRIVATE"] .badge')?.textContent === '1'`)
		b.click(`[data-key="room:C0PRIVATE"]`)
		b.until(`document.querySelector('#log').textContent.includes('over here') && !document.querySelector('.badge')`)
		b.click(`[data-key="room:C0ARCHIVED"]`)
		b.until(`document.querySelector('#composer').hidden && !document.querySelector('#archived').hidden`)
		b.click(`[data-key="room:C0INCIDENTS"]`)
	})
	b.run("a phone: one column, the thread covers all", func(t *testing.T) {
		b.do(chromedp.EmulateViewport(390, 844))
		b.until(`document.querySelector('#main').getBoundingClientRect().width === 390`)
		b.click("#open-side")
		b.until(`document.body.classList.contains('side-open')`)
		b.shot("phone-drawer")
		b.typed(kb.Escape)
		b.until(`!document.body.classList.contains('side-open')`)
		b.click(".thread-bar")
		b.until(`document.querySelector('#thread').getBoundingClientRect().width === 390`)
		b.shot("phone-thread")
		if wide := eval[bool](b, `document.documentElement.scrollWidth > 390`); wide {
			t.Error("the page scrolls sideways")
		}
	})
	b.check()
}

// The stream is lost and comes back; what was said meanwhile is there.
func TestStreamComesBack(t *testing.T) {
	w := serve(t)
	var front *httptest.Server
	gate := make(chan bool, 1)
	gate <- true
	front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		open := <-gate
		gate <- open
		if !open {
			http.Error(rw, "gone", http.StatusBadGateway)
			return
		}
		w.emu.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	b := open(t, front.URL)
	<-gate
	gate <- false
	front.CloseClientConnections()
	b.until(`!document.querySelector('#lost').hidden`)
	w.say(t, oncall, "said while nobody listened")
	<-gate
	gate <- true
	b.until(`document.querySelector('#lost').hidden`)
	b.until(lastMessage + `?.textContent.includes('said while nobody listened')`)
}

// Without a demo behind it there is no incident menu.
func TestWithoutDemo(t *testing.T) {
	emu := slackemu.New(slackemu.Options{})
	if err := emu.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { emu.Close() })
	b := open(t, emu.URL())
	b.until(`document.querySelector('.welcome .example').textContent.includes('/sts-expired')`)
	b.until(`!document.querySelector('#offline').hidden`)
	if n := eval[int](b, `document.querySelector('#incidents').childElementCount`); n != 0 {
		t.Error("there is a menu of incidents")
	}
}
