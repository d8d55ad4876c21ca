package slackemu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const card = `[
 {"type":"section","block_id":"s","text":{"type":"mrkdwn","text":"Which?"},"accessory":{"type":"static_select","action_id":"pick",
  "options":[{"text":{"type":"plain_text","text":"One"},"value":"1"},{"text":{"type":"plain_text","text":"Two"},"value":"2"}]}},
 {"type":"actions","block_id":"act","elements":[
  {"type":"button","action_id":"rerun","text":{"type":"plain_text","text":"Run again"},"value":"inv_7f3a","style":"primary"},
  {"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"Export"},"value":"export"}]},
  {"type":"external_select","action_id":"role","min_query_length":0},
  {"type":"checkboxes","action_id":"which","options":[{"text":{"type":"plain_text","text":"A"},"value":"a"},{"text":{"type":"plain_text","text":"B"},"value":"b"}]},
  {"type":"datepicker","action_id":"day","initial_date":"2026-11-01"}]},
 {"type":"context_actions","block_id":"fb","elements":[{"type":"feedback_buttons","action_id":"feedback",
  "positive_button":{"text":{"type":"plain_text","text":"Correct"},"value":"up"},
  "negative_button":{"text":{"type":"plain_text","text":"Wrong"},"value":"down"}}]}]`

// form posts to the Web API without a client library, as any client may.
func form(t *testing.T, s *Server, method string, fields ...string) obj {
	t.Helper()
	body := "token=" + s.App().BotToken
	for i := 0; i < len(fields); i += 2 {
		body += "&" + fields[i] + "=" + urlEscape(fields[i+1])
	}
	resp, err := http.Post(s.URL()+"/api/"+method, "application/x-www-form-urlencoded", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var v obj
	if err := json.Unmarshal([]byte(read(t, resp)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func urlEscape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// lastEnvelope is what was sent last, as it went over the wire.
func lastEnvelope(t *testing.T, s *Server) obj {
	t.Helper()
	var out struct{ Envelopes []struct{ Envelope obj } }
	control(t, s, "GET", "envelopes", nil, &out)
	return out.Envelopes[len(out.Envelopes)-1].Envelope
}

func TestEnvelopeShapes(t *testing.T) {
	s := start(t, Options{})
	connect(t, s, ack)
	answer := form(t, s, "chat.postMessage", "channel", public, "text", "Which & <what>?", "blocks", card, "metadata", `{"event_type":"run","event_payload":{"id":"7f"}}`)
	golden(t, "chat.postMessage.json", answer)
	ts := answer["ts"].(string)
	golden(t, "chat.update.json", form(t, s, "chat.update", "channel", public, "ts", ts, "text", "two", "blocks", card))
	golden(t, "chat.postEphemeral.json", form(t, s, "chat.postEphemeral", "channel", public, "user", ann, "text", "psst"))
	golden(t, "chat.getPermalink.json", form(t, s, "chat.getPermalink", "channel", public, "message_ts", ts))
	golden(t, "files.getUploadURLExternal.json", form(t, s, "files.getUploadURLExternal", "filename", "a.png", "length", "3"))
	reply := form(t, s, "chat.postMessage", "channel", public, "text", "reply", "blocks", card, "thread_ts", ts)["ts"].(string)

	wait(t, say(t, s, "/sts-expired deploy-bot eu-west-1"))
	golden(t, "slash_commands.json", lastEnvelope(t, s))
	do[any](t, s, "click", obj{"user": ann, "channel": public, "ts": ts, "action_id": "rerun"})
	golden(t, "block_actions.json", lastEnvelope(t, s))
	do[any](t, s, "click", obj{"user": ann, "channel": public, "ts": reply, "action_id": "feedback", "value": "down"})
	golden(t, "block_actions_feedback_in_thread.json", lastEnvelope(t, s))
	do[any](t, s, "shortcut", obj{"user": ann, "channel": public, "ts": reply, "callback_id": "why_expired"})
	golden(t, "message_action.json", lastEnvelope(t, s))
	do[any](t, s, "suggest", obj{"user": ann, "channel": public, "ts": ts, "action_id": "role", "query": "pay"})
	golden(t, "block_suggestion.json", lastEnvelope(t, s))
}

func TestClicks(t *testing.T) {
	s := start(t, Options{})
	a := connect(t, s, ack)
	ts := form(t, s, "chat.postMessage", "channel", public, "text", "x", "blocks", card)["ts"].(string)
	click := func(action string, value any) *slack.BlockAction {
		t.Helper()
		d := do[Delivery](t, s, "click", obj{"user": ann, "channel": public, "ts": ts, "action_id": action, "value": value})
		if !d.Acked {
			t.Fatalf("%+v", d)
		}
		in := wait(t, a.events).Data.(slack.InteractionCallback)
		if in.Message.Timestamp != ts || in.Channel.ID != public || in.User.ID != ann {
			t.Errorf("clicked %+v", in)
		}
		return in.ActionCallback.BlockActions[0]
	}
	if b := click("rerun", nil); b.Value != "inv_7f3a" || b.BlockID != "act" || b.Text.Text != "Run again" {
		t.Errorf("button %+v", b)
	}
	if b := click("pick", "2"); b.SelectedOption.Text.Text != "Two" {
		t.Errorf("select %+v", b)
	}
	if b := click("more", "export"); b.SelectedOption.Value != "export" {
		t.Errorf("overflow %+v", b)
	}
	if b := click("which", []string{"a", "b"}); len(b.SelectedOptions) != 2 {
		t.Errorf("checkboxes %+v", b)
	}
	if b := click("day", "2026-11-05"); b.SelectedDate != "2026-11-05" {
		t.Errorf("date %+v", b)
	}
	if b := click("role", obj{"text": "payments-api", "value": "r1"}); b.SelectedOption.Value != "r1" || b.SelectedOption.Text.Text != "payments-api" {
		t.Errorf("external select %+v", b)
	}
	if b := click("feedback", nil); b.Value != "up" {
		t.Errorf("feedback %+v", b)
	}
	// What was picked is in the state of the next click.
	state := lastEnvelope(t, s)["payload"].(obj)["state"].(obj)["values"].(obj)
	if got := state["s"].(obj)["pick"].(obj)["selected_option"].(obj)["value"]; got != "2" {
		t.Errorf("state %v", state)
	}
	for action, value := range map[string]any{"nothing": nil, "pick": "3", "feedback": "sideways"} {
		want := "option_not_found"
		if action == "nothing" {
			want = "action_not_found"
		}
		if code := refusedAs(t, s, "click", obj{"user": ann, "channel": public, "ts": ts, "action_id": action, "value": value}); code != want {
			t.Errorf("click %s: %s, want %s", action, code, want)
		}
	}
	if code := refusedAs(t, s, "click", obj{"user": ann, "channel": public, "ts": "1.1", "action_id": "rerun"}); code != "message_not_found" {
		t.Error(code)
	}
}

func TestClickOnEphemeral(t *testing.T) {
	s := start(t, Options{})
	connect(t, s, ack)
	ts := form(t, s, "chat.postEphemeral", "channel", public, "user", ann, "text", "x", "blocks", card)["message_ts"].(string)
	if code := refusedAs(t, s, "click", obj{"user": ben, "channel": public, "ts": ts, "action_id": "rerun"}); code != "message_not_found" {
		t.Errorf("another user: %s", code)
	}
	do[any](t, s, "click", obj{"user": ann, "channel": public, "ts": ts, "action_id": "rerun"})
	p := lastEnvelope(t, s)["payload"].(obj)
	if p["container"].(obj)["is_ephemeral"] != true || p["message"] != nil {
		t.Errorf("payload %v", p)
	}
	respondTo(t, p["response_url"].(string), `{"replace_original":true,"text":"done","response_type":"in_channel"}`, "ok")
	got := messages(t, s, "channel="+public+"&user="+ann)
	if len(got) != 1 || got[0].Text != "done" || got[0].EphemeralTo != ann {
		t.Errorf("replaced: %+v", got)
	}
	respondTo(t, p["response_url"].(string), `{"delete_original":true}`, "ok")
	if got := messages(t, s, "channel="+public+"&user="+ann); len(got) != 0 {
		t.Errorf("deleted: %+v", got)
	}
}

// respondTo posts to a response URL and checks the answer.
func respondTo(t *testing.T, url, body, want string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	code := resp.StatusCode
	got := read(t, resp)
	if !strings.Contains(got, want) || strings.HasSuffix(want, "_url") != (code == 404) {
		t.Errorf("response URL answered %d %q, want %q", code, got, want)
	}
}

func TestResponseURL(t *testing.T) {
	s := start(t, Options{})
	connect(t, s, ack)
	in := func(ch string) string {
		do[any](t, s, "say", obj{"user": ann, "channel": ch, "text": "/sts-expired"})
		return lastEnvelope(t, s)["payload"].(obj)["response_url"].(string)
	}
	url := in(general) // the bot is not there
	c := client(s)
	if _, _, err := c.PostMessageContext(t.Context(), "", slack.MsgOptionResponseURL(url, slack.ResponseTypeEphemeral), slack.MsgOptionText("1", false)); err != nil {
		t.Fatal(err)
	}
	respondTo(t, url, `{"text":"2","response_type":"in_channel"}`, "ok")
	respondTo(t, url, `{"text":"1 again","replace_original":true}`, "ok")
	respondTo(t, url, `{"text":"","blocks":[{"type":"nonsense"}]}`, "invalid_blocks")
	respondTo(t, url, `{"text":"5"}`, "ok")
	respondTo(t, url, `{"text":"6"}`, "used_url")
	var texts []string
	for _, m := range messages(t, s, "channel="+general+"&user="+ann) {
		texts = append(texts, m.Text+"/"+m.EphemeralTo)
	}
	if got := strings.Join(texts, " "); got != "1 again/U0ONCALL 2/ 5/U0ONCALL" {
		t.Errorf("the channel shows %q", got)
	}

	url = in(public)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	do[any](t, s, "clock", obj{"advance": "29m59s"})
	respondTo(t, url, fmt.Sprintf(`{"text":"in thread","response_type":"in_channel","thread_ts":%q}`, parent), "ok")
	if got := messages(t, s, "channel="+public+"&thread_ts="+parent); len(got) != 2 {
		t.Errorf("the thread has %d messages", len(got))
	}
	do[any](t, s, "clock", obj{"advance": "2s"})
	respondTo(t, url, `{"text":"late"}`, "expired_url")

	ts := form(t, s, "chat.postMessage", "channel", public, "text", "x", "blocks", card)["ts"].(string)
	do[any](t, s, "click", obj{"user": ann, "channel": public, "ts": ts, "action_id": "rerun"})
	url = lastEnvelope(t, s)["payload"].(obj)["response_url"].(string)
	respondTo(t, url, `{"text":"replaced","replace_original":"true"}`, "ok")
	if m := messages(t, s, "channel="+public+"&thread_ts="+ts)[0]; m.Text != "replaced" || m.Blocks != nil || len(m.Versions) != 1 {
		t.Errorf("the original is %+v", m)
	}
}

const modal = `{"type":"modal","callback_id":"ask","private_metadata":"C1","notify_on_close":true,
 "title":{"type":"plain_text","text":"Why?"},"submit":{"type":"plain_text","text":"Ask"},"blocks":[
 {"type":"input","block_id":"role","label":{"type":"plain_text","text":"Role"},"element":{"type":"external_select","action_id":"role","min_query_length":0}},
 {"type":"input","block_id":"region","label":{"type":"plain_text","text":"Region"},"element":{"type":"static_select","action_id":"region",
  "initial_option":{"text":{"type":"plain_text","text":"Ireland"},"value":"eu-west-1"},
  "options":[{"text":{"type":"plain_text","text":"Ireland"},"value":"eu-west-1"},{"text":{"type":"plain_text","text":"Frankfurt"},"value":"eu-central-1"}]}},
 {"type":"input","block_id":"note","optional":true,"label":{"type":"plain_text","text":"Note"},"element":{"type":"plain_text_input","action_id":"note"}},
 {"type":"actions","block_id":"more","elements":[{"type":"button","action_id":"help","text":{"type":"plain_text","text":"Help"}}]}]}`

type openView struct {
	View
	User   string
	Errors map[string]string
}

func viewsOf(t *testing.T, s *Server) []openView {
	t.Helper()
	var out struct{ Views []openView }
	control(t, s, "GET", "views?user="+ann, nil, &out)
	return out.Views
}

// trigger gets a fresh trigger id from a command.
func trigger1(t *testing.T, s *Server) string {
	t.Helper()
	wait(t, say(t, s, "/sts-expired"))
	return lastEnvelope(t, s)["payload"].(obj)["trigger_id"].(string)
}

func TestModal(t *testing.T) {
	s := start(t, Options{})
	answer := ""
	a := connect(t, s, func(c *socketmode.Client, e socketmode.Event) {
		if answer == "" {
			c.Ack(*e.Request)
			return
		}
		c.Ack(*e.Request, json.RawMessage(answer))
	})
	if opened := form(t, s, "views.open", "trigger_id", trigger1(t, s), "view", modal); opened["ok"] != true {
		t.Fatal(opened)
	}
	wait(t, a.events)
	v := viewsOf(t, s)[0]
	if v.User != ann || v.CallbackID != "ask" || v.State.Values["region"]["region"]["selected_option"] == nil {
		t.Fatalf("opened %+v", v)
	}

	answer = `{"options":[{"text":{"type":"plain_text","text":"payments-api"},"value":"r1"}]}`
	d := do[Delivery](t, s, "suggest", obj{"user": ann, "view_id": v.ID, "action_id": "role", "query": "pay"})
	if len(d.Options) != 1 || d.Options[0] != (Choice{"payments-api", "r1"}) {
		t.Errorf("suggested %+v", d)
	}
	if in := wait(t, a.events).Data.(slack.InteractionCallback); in.Type != slack.InteractionTypeBlockSuggestion || in.Value != "pay" || in.View.ID != v.ID {
		t.Errorf("suggestion %+v", in)
	}

	answer = ""
	do[any](t, s, "click", obj{"user": ann, "view_id": v.ID, "action_id": "help"})
	if in := wait(t, a.events).Data.(slack.InteractionCallback); in.View.ID != v.ID || in.Container.ViewID != v.ID || in.ResponseURL != "" {
		t.Errorf("click in a view %+v", in)
	}

	var missing struct {
		Error  string
		Errors map[string]string
	}
	if code := control(t, s, "POST", "submit", obj{"user": ann, "view_id": v.ID, "values": obj{}}, &missing); code != 400 || missing.Error != "missing_input" || missing.Errors["role"] == "" || len(missing.Errors) != 1 {
		t.Errorf("an empty required input: %d %+v", code, missing)
	}
	if code := refusedAs(t, s, "submit", obj{"user": ann, "view_id": v.ID, "values": obj{"region": "mars-1"}}); code != "invalid_values" {
		t.Errorf("an option it does not have: %s", code)
	}

	values := obj{"role": obj{"text": "payments-api", "value": "r1"}, "region": obj{"region": "eu-central-1"}, "note": "now & then"}
	answer = `{"response_action":"errors","errors":{"role":"No such role"}}`
	d = do[Delivery](t, s, "submit", obj{"user": ann, "view_id": v.ID, "values": values})
	if d.Errors["role"] != "No such role" || viewsOf(t, s)[0].Errors["role"] != "No such role" {
		t.Errorf("errors %+v", d)
	}
	golden(t, "view_submission.json", lastEnvelope(t, s))
	for _, block := range []string{"", "help"} { // the latter is there, but is no input
		answer = `{"response_action":"errors","errors":{"` + block + `":"Too much"}}`
		if d := do[Delivery](t, s, "submit", obj{"user": ann, "view_id": v.ID, "values": values}); d.Error != "invalid_response" || len(d.Errors) != 0 {
			t.Errorf("an error for block %q, which is no input: %+v", block, d)
		}
		wait(t, a.events)
	}
	in := wait(t, a.events).Data.(slack.InteractionCallback)
	if got := in.View.State.Values["role"]["role"].SelectedOption.Value; got != "r1" {
		t.Errorf("submitted role %q", got)
	}
	if got := in.View.State.Values["note"]["note"].Value; got != "now & then" {
		t.Errorf("submitted note %q", got)
	}

	answer = `{"response_action":"push","view":` + modal + `}`
	do[any](t, s, "submit", obj{"user": ann, "view_id": v.ID, "values": values})
	stack := viewsOf(t, s)
	if len(stack) != 2 || stack[1].RootViewID != v.ID || *stack[1].PreviousViewID != v.ID {
		t.Fatalf("pushed %+v", stack)
	}
	answer = ""
	do[any](t, s, "submit", obj{"user": ann, "view_id": stack[1].ID, "values": values})
	if got := viewsOf(t, s); len(got) != 1 || got[0].ID != v.ID {
		t.Errorf("an empty answer must close one view: %+v", got)
	}
	answer = `{"response_action":"update","view":` + strings.Replace(modal, "Why?", "How?", 1) + `}`
	do[any](t, s, "submit", obj{"user": ann, "view_id": v.ID, "values": values})
	if got := viewsOf(t, s); len(got) != 1 || !strings.Contains(string(got[0].Title), "How?") {
		t.Errorf("updated %+v", got)
	}
	answer = ""
	closed := do[struct {
		Closed     []string
		Deliveries []Delivery
	}](t, s, "close_view", obj{"user": ann, "view_id": v.ID})
	if len(closed.Closed) != 1 || len(closed.Deliveries) != 1 || !closed.Deliveries[0].Acked || len(viewsOf(t, s)) != 0 {
		t.Errorf("closed %+v", closed)
	}
	golden(t, "view_closed.json", lastEnvelope(t, s))
}

func TestTriggersLiveThreeSecondsAndOnce(t *testing.T) {
	s := start(t, Options{})
	connect(t, s, ack)
	open := func(id string) any { return form(t, s, "views.open", "trigger_id", id, "view", modal)["error"] }
	id := trigger1(t, s)
	if got := open(id); got != nil {
		t.Fatal(got)
	}
	if got := open(id); got != "exchanged_trigger_id" {
		t.Errorf("twice: %v", got)
	}
	id = trigger1(t, s)
	do[any](t, s, "clock", obj{"advance": "3s"})
	if got := open(id); got != "expired_trigger_id" {
		t.Errorf("late: %v", got)
	}
	if got := open("1.2.3"); got != "invalid_trigger_id" {
		t.Errorf("made up: %v", got)
	}
}

func TestViewsUpdateAndPublish(t *testing.T) {
	s := start(t, Options{})
	connect(t, s, ack)
	c := client(s)
	var view slack.ModalViewRequest
	if err := json.Unmarshal([]byte(modal), &view); err != nil {
		t.Fatal(err)
	}
	opened, err := c.OpenViewContext(t.Context(), trigger1(t, s), view)
	if err != nil {
		t.Fatal(err)
	}
	view.Title.Text = "How?"
	if _, err := c.UpdateViewContext(t.Context(), view, "", "0.old", opened.ID); slackError(t, err) != "hash_conflict" {
		t.Errorf("old hash: %v", err)
	}
	updated, err := c.UpdateViewContext(t.Context(), view, "", opened.Hash, opened.ID)
	if err != nil || updated.ID != opened.ID || updated.Title.Text != "How?" {
		t.Errorf("updated %+v, %v", updated, err)
	}
	view.Title.Text = strings.Repeat("x", 25)
	if _, err := c.UpdateViewContext(t.Context(), view, "", "", opened.ID); slackError(t, err) != "invalid_arguments" {
		t.Errorf("long title: %v", err)
	}
	if _, err := c.UpdateViewContext(t.Context(), view, "", "", "V0"); slackError(t, err) != "not_found" {
		t.Errorf("no such view: %v", err)
	}
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{section("home")}}}
	if _, err := c.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: ann, View: home}); err != nil {
		t.Error(err)
	}
}
