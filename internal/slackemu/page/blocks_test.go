package page_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/stsleuth/stsleuth/internal/browsertest"
)

// Every block kind that a message can hold is drawn, from JSON that the
// emulator's validator takes.
func TestEveryBlockIsDrawn(t *testing.T) {
	w := serve(t)
	file := w.picture(t, "", "accessory.png", "a picture inside blocks")
	var all []map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(testdata(t, "messages.json")), `"FILE"`, quote(file))), &all); err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		w.post(t, m)
	}
	w.picture(t, channel, "timeline.png", "Errors rise at 09:24 and fall after the restart")
	b := browsertest.Open(t, w.url, patience)
	b.Until(`document.querySelectorAll('#log .file-image img').length`)

	if n := browsertest.Eval[int](b, `document.querySelectorAll('.unknown').length`); n != 0 {
		t.Errorf("%d things were not drawn: %s", n, browsertest.Eval[string](b, `document.querySelector('.unknown').textContent`))
	}
	for _, c := range []struct{ kind, sign string }{
		{"header", `.header[role=heading]`},
		{"section", `.fields .field-cell`},
		{"section", `.accessory img[alt]`},
		{"section", `.accessory [role=combobox]`},
		{"context", `.context .mrkdwn`},
		{"actions", `button.btn.primary`},
		{"actions", `input[type=radio]`},
		{"actions", `input[type=checkbox]`},
		{"actions", `input[type=date]`},
		{"actions", `[role=combobox]`},
		{"actions", `button[aria-label="More options"]`},
		{"context_actions", `button[aria-label="Mark this diagnosis as correct"]`},
		{"divider", `hr`},
		{"image", `button[aria-label^="Open image: A gradient"] img`},
		{"plan", `.task-error .task-status`},
		{"plan", `.task-in_progress .spinner`},
		{"plan", `.tasks details .task-output`},
		{"task_card", `.task-title`},
		{"table", `thead th[scope=col]`},
		{"data_table", `tbody th[scope=row]`},
		{"data_table", `.pager button`},
		{"data_visualization", `polyline.line`},
		{"data_visualization", `rect.fill-0`},
		{"data_visualization", `polygon.area`},
		{"data_visualization", `path.slice`},
		{"data_visualization", `.numbers table td`},
		{"rich_text", `ol.rich-list`},
		{"rich_text", `pre code`},
		{"rich_text", `blockquote`},
		{"rich_text", `.broadcast`},
		{"markdown", `.header[role=heading]`},
		{"markdown", `table td a[href^="https:"]`},
		{"container", `details .container-body`},
		{"card", `.card-title`},
		{"carousel", `.card + .card`},
		{"layout", `.layout-item.width-wide`},
	} {
		if n := browsertest.Eval[int](b, `document.querySelectorAll(`+quote(".block-"+c.kind+" "+c.sign)+`).length`); n == 0 {
			t.Errorf("%s: nothing that matches %s", c.kind, c.sign)
		}
	}
	if last := browsertest.Eval[bool](b, `(() => { const m = document.querySelector('.block-table').parentElement; return [...m.querySelectorAll(':scope > .block')].at(-1).matches('.block-table'); })()`); !last {
		t.Error("a message's table is not drawn last")
	}

	b.Run("a data table turns its pages", func(t *testing.T) {
		b.Click(`.pager [data-key$=":Next"]`)
		b.Until(`document.querySelector('.pager').textContent.includes('5–8 of 11')`)
	})
	b.Run("a see-more text opens", func(t *testing.T) {
		b.Click(`.section .link-btn`)
		b.Until(`!document.querySelector('.folded')`)
	})
	b.Run("an image opens large and closes with Esc", func(t *testing.T) {
		b.Click(`.file-image .image-btn`)
		b.Until(`document.querySelector('dialog.lightbox img')?.alt.startsWith('Errors rise')`)
		b.Shot("lightbox")
		b.Typed(kb.Escape)
		b.Until(`!document.querySelector('dialog')`)
	})
	b.Run("a block nobody knows leaves a note", func(t *testing.T) {
		text := browsertest.Eval[string](b, `import('/blocks.js').then((m) => m.blocks([{type: 'hologram'}, {type: 'table', rows: 7}], {key: 'x'}).map((e) => e.textContent).join(' | '))`)
		if !strings.Contains(text, "hologram") || !strings.Contains(text, "could not be drawn") {
			t.Errorf("got %q", text)
		}
	})
	b.Check()
	shotAll(b)
}

// shotAll takes the pictures that a person looks at.
func shotAll(b *browsertest.Browser) {
	for _, scheme := range []string{"light", "dark"} {
		b.Scheme(scheme)
		for at, name := range []string{"plan", "diagnosis", "chart-line", "chart-bar", "chart-pie", "text", "container", "rest"} {
			browsertest.Eval[any](b, `document.querySelectorAll('#log .message')[`+string(rune('0'+[]int{0, 1, 2, 3, 5, 7, 9, 9}[at]))+`].scrollIntoView()`)
			b.Shot(scheme + "-" + name)
		}
	}
	b.Scheme("light")
}

// What came from AWS or a stranger stays text.
func TestHostileTextStaysText(t *testing.T) {
	w := serve(t)
	mrkdwn := `&lt;!here&gt; &lt;@U0ONCALL&gt; <javascript:alert(1)|press> <img src=x onerror=alert(1)> <script>alert(1)</script> ` + "`&lt;!channel&gt;`"
	rich := map[string]any{"type": "rich_text", "elements": []any{
		map[string]any{"type": "rich_text_section", "elements": []any{
			map[string]any{"type": "text", "text": "<!here> <@U0ONCALL> <img src=x onerror=alert(1)>"},
			map[string]any{"type": "link", "url": "javascript:alert(1)", "text": "press"},
		}},
		map[string]any{"type": "rich_text_preformatted", "elements": []any{map[string]any{"type": "text", "text": "<!everyone> ```<b>"}}},
	}}
	raw := func(s string) map[string]any { return map[string]any{"type": "raw_text", "text": s} }
	w.post(t, map[string]any{"text": "hostile", "blocks": []any{
		map[string]any{"type": "section", "text": map[string]any{"type": "mrkdwn", "text": mrkdwn}},
		map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": "<!here> &lt;!here&gt; <b>"}},
		rich,
		map[string]any{"type": "markdown", "text": "[press](javascript:alert(1)) <img src=x onerror=alert(1)> **<b>**"},
		map[string]any{"type": "table", "rows": []any{[]any{raw("<!here>")}, []any{raw(`<img src=x onerror=alert(1)>`)}}},
	}})
	b := browsertest.Open(t, w.url, patience)
	b.Until(`document.querySelector('.block-table')`)
	if n := browsertest.Eval[int](b, `document.querySelectorAll('#log .message :is(.user-mention, script, img, a)').length`); n != 0 {
		t.Errorf("%d live things in a message that should be text: %s", n, browsertest.Eval[string](b, lastMessage+`.innerHTML`))
	}
	text := browsertest.Eval[string](b, lastMessage+`.textContent`)
	for _, want := range []string{"<!here> <@U0ONCALL>", "<!channel>", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<!everyone> ```<b>", "<javascript:alert(1)|press>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown as text", want)
		}
	}

	w.post(t, map[string]any{"text": "<!here> <@" + oncall + "> <https://example.com/?a=1&amp;b=2|safe>"})
	b.Until(lastMessage + `.querySelectorAll('.user-mention').length === 2`)
	if href := browsertest.Eval[string](b, lastMessage+`.querySelector('a').href`); href != "https://example.com/?a=1&b=2" {
		t.Errorf("a live link goes to %s", href)
	}
	b.Shot("hostile")
	b.Check()
}
