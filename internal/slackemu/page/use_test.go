package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/stsleuth/stsleuth/internal/browsertest"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

func button(id, text, value string) map[string]any {
	return map[string]any{"type": "button", "action_id": id, "value": value, "text": map[string]any{"type": "plain_text", "text": text}, "accessibility_label": text + " of payments-api"}
}

// A visit from the welcome to a diagnosis: typing, clicking, a modal, a thread.
func TestUsingThePage(t *testing.T) {
	w := serve(t)
	b := browsertest.Open(t, w.url, patience)

	b.Run("the welcome fills the composer", func(t *testing.T) {
		b.Shot("welcome")
		if role := browsertest.Eval[string](b, `document.querySelector('#log .log').getAttribute('role') + ' ' + document.querySelector('#log .log').getAttribute('aria-live')`); role != "log polite" {
			t.Errorf("the message list is %q", role)
		}
		b.Click(".example")
		b.Until(`document.querySelector('.composer-input').value === '/sts-expired payments-api eu-west-1'`)
	})
	b.Run("choosing another incident fills the composer", func(t *testing.T) {
		b.Click("#incidents button")
		b.Until(`document.querySelectorAll('.menu .menu-item').length === 2`)
		b.Shot("incidents")
		b.Typed(kb.ArrowDown)
		b.Enter()
		b.Until(`document.querySelector('.composer-input').value === '/sts-expired chained-role eu-west-1'`)
		b.Until(`document.querySelector('#incidents').textContent.includes('twelve hours')`)
	})
	b.Run("a slash shows the command, tab completes it, enter sends it", func(t *testing.T) {
		browsertest.Eval[any](b, `(() => { const i = document.querySelector('.composer-input'); i.value = ''; i.focus(); })()`)
		b.Typed("/s")
		b.Until(`document.querySelector('.hint[aria-selected=true]')?.textContent.includes('/sts-expired role region')`)
		b.Shot("hints")
		b.Typed(kb.Tab)
		b.Until(`document.querySelector('.composer-input').value === '/sts-expired '`)
		b.Typed("payments-api eu-west-1")
		b.Enter()
		b.Until(lastMessage + `?.textContent.includes('On it: payments-api eu-west-1')`)
		b.Until(lastMessage + `.querySelector('.only-you')`)
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
	b.Run("a button reaches the bot with the stored value", func(t *testing.T) {
		b.Click(`[data-action=rerun]`)
		b.Until(`!document.querySelector('[data-action=rerun][aria-busy]')`)
		if got := w.lastClick(); got.ActionID != "rerun" || got.Value != "inv_1" || got.BlockID != "a" {
			t.Errorf("the bot got %+v", got)
		}
		if label := browsertest.Eval[string](b, `document.querySelector('[data-action=rerun]').getAttribute('aria-label')`); label != "Run again of payments-api" {
			t.Errorf("the button is called %q", label)
		}
	})
	b.Run("a confirm dialog stands before the click", func(t *testing.T) {
		b.Click(`[data-action=forget]`)
		b.Until(`document.querySelector('dialog.confirm[open]')`)
		b.Shot("confirm")
		b.Typed(kb.Escape)
		b.Until(`!document.querySelector('dialog')`)
		if got := w.lastClick(); got.ActionID == "forget" {
			t.Error("Esc counted as confirmed")
		}
		b.Click(`[data-action=forget]`)
		b.Click(`dialog.confirm .btn.primary`)
		b.Until(`!document.querySelector('dialog, [aria-busy]')`)
		if got := w.lastClick(); got.ActionID != "forget" {
			t.Errorf("the bot got %+v", got)
		}
	})
	b.Run("a modal: search, complaints under fields, submit", func(t *testing.T) {
		b.Click(`[data-action=policy]`)
		b.Until(`document.querySelector('dialog.modal[open] .block-alert')`)
		b.Click(`dialog.modal [type=submit]`)
		b.Until(`document.querySelector('[data-block=role] .input-error')`)
		b.Shot("modal-missing")
		browsertest.Eval[any](b, `document.querySelector('[data-block=role] input').focus()`)
		b.Typed("pay")
		b.Until(`document.querySelectorAll('.listbox:popover-open .option').length === 2`)
		b.Shot("modal-search")
		b.Typed(kb.ArrowDown)
		b.Enter()
		b.Until(`document.querySelector('[data-block=role] input').value === 'payments-worker'`)
		browsertest.Eval[any](b, `document.querySelector('[data-block=win] input').focus()`)
		b.Typed("last 90d")
		b.Click(`[data-block=opts] input[value=health]`)
		b.Click(`dialog.modal [type=submit]`)
		b.Until(`document.querySelector('[data-block=win] .input-error')?.textContent.includes('longer than CloudTrail keeps')`)
		b.Until(`document.querySelector('[data-block=win] input').value === 'last 90d' && document.querySelector('[data-block=opts] input[value=health]').checked`)
		b.Shot("modal-error")
		b.Click(`dialog.modal [type=submit]`)
		b.Until(`!document.querySelector('dialog')`)
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
	b.Run("a thread: unread mark, replies, no commands", func(t *testing.T) {
		w.post(t, map[string]any{"text": "Step 1 of 9: OK", "thread_ts": parent})
		b.Until(`document.querySelector('.thread-bar.unread .dot')`)
		b.Click(".thread-bar")
		b.Until(`document.querySelector('#thread-log')?.textContent.includes('Step 1 of 9')`)
		b.Until(`!document.querySelector('.thread-bar.unread')`)
		b.Until(`document.activeElement.matches('#thread-composer textarea')`)
		b.Typed("/sts-expired payments-api eu-west-1")
		b.Enter()
		b.Until(`document.querySelector('#thread-composer .composer-note').textContent.includes('in threads')`)
		b.Shot("thread")
		browsertest.Eval[any](b, `(() => { const i = document.querySelector('#thread-composer textarea'); i.value = ''; i.focus(); })()`)
		b.Typed("thanks")
		b.Enter()
		b.Until(`document.querySelector('#thread-log').textContent.includes('thanks')`)
		b.Typed(kb.Escape)
		b.Until(`document.querySelector('#thread').hidden && document.activeElement.matches('.thread-bar')`)
	})
	b.Run("an edit is shown and is not read out", func(t *testing.T) {
		w.call(t, "chat.update", map[string]any{"channel": channel, "ts": parent, "text": "Diagnosis, second thoughts"})
		b.Until(`document.querySelector('#log').textContent.includes('second thoughts (edited)')`)
		if live := browsertest.Eval[string](b, `document.querySelector('[data-ts="`+parent+`"]').getAttribute('aria-live')`); live != "off" {
			t.Errorf("an edited message is live: %q", live)
		}
	})
	b.Run("another user acts, and does not see what was for the first", func(t *testing.T) {
		b.Click(`.side-btn.me`)
		b.Click(`.menu-item[aria-checked=false]`)
		b.Until(`!document.querySelector('#log .only-you')`)
		browsertest.Eval[any](b, `document.querySelector('.composer-input').focus()`)
		b.Typed("hello from the other side")
		b.Enter()
		b.Until(lastMessage + `?.textContent.includes('Security engineer')`)
	})
	b.Run("what a screen reader gets", func(t *testing.T) {
		b.Click(`.side-btn[aria-pressed=false]`)
		b.Until(`document.querySelectorAll('.spoken').length > 1 && !document.querySelector('#log .block')`)
		b.Shot("spoken")
		b.Click(`.side-btn[aria-pressed=true]`)
	})
	b.Run("a line in another channel leaves an unread mark", func(t *testing.T) {
		w.call(t, "chat.postMessage", map[string]any{"channel": "C0PRIVATE", "text": "over here"})
		b.Until(`document.querySelector('[data-key="room:C0PRIVATE"] .badge')?.textContent === '1'`)
		b.Click(`[data-key="room:C0PRIVATE"]`)
		b.Until(`document.querySelector('#log').textContent.includes('over here') && !document.querySelector('.badge')`)
		b.Click(`[data-key="room:C0ARCHIVED"]`)
		b.Until(`document.querySelector('#composer').hidden && !document.querySelector('#archived').hidden`)
		b.Click(`[data-key="room:C0INCIDENTS"]`)
	})
	b.Run("a phone: one column, the thread covers all", func(t *testing.T) {
		b.Do(chromedp.EmulateViewport(390, 844))
		b.Until(`document.querySelector('#main').getBoundingClientRect().width === 390`)
		b.Click("#open-side")
		b.Until(`document.body.classList.contains('side-open')`)
		b.Shot("phone-drawer")
		b.Typed(kb.Escape)
		b.Until(`!document.body.classList.contains('side-open')`)
		b.Click(".thread-bar")
		b.Until(`document.querySelector('#thread').getBoundingClientRect().width === 390`)
		b.Shot("phone-thread")
		if wide := browsertest.Eval[bool](b, `document.documentElement.scrollWidth > 390`); wide {
			t.Error("the page scrolls sideways")
		}
	})
	b.Check()
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
	b := browsertest.Open(t, front.URL, patience)
	<-gate
	gate <- false
	front.CloseClientConnections()
	b.Until(`!document.querySelector('#lost').hidden`)
	w.say(t, oncall, "said while nobody listened")
	<-gate
	gate <- true
	b.Until(`document.querySelector('#lost').hidden`)
	b.Until(lastMessage + `?.textContent.includes('said while nobody listened')`)
}

// Without a demo behind it there is no incident menu.
func TestWithoutDemo(t *testing.T) {
	emu := slackemu.New(slackemu.Options{})
	if err := emu.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { emu.Close() })
	b := browsertest.Open(t, emu.URL(), patience)
	b.Until(`document.querySelector('.welcome .example').textContent.includes('/sts-expired')`)
	b.Until(`!document.querySelector('#offline').hidden`)
	if n := browsertest.Eval[int](b, `document.querySelector('#incidents').childElementCount`); n != 0 {
		t.Error("there is a menu of incidents")
	}
}
