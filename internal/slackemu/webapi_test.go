package slackemu

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
)

func section(text string) *slack.SectionBlock {
	return slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", text, false, false), nil, nil)
}

func post1(t *testing.T, c *slack.Client, channel string, opts ...slack.MsgOption) string {
	t.Helper()
	_, ts, err := c.PostMessageContext(t.Context(), channel, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestAuthTestShowsScopes(t *testing.T) {
	s := start(t, Options{})
	var header http.Header
	c := client(s, slack.OptionOnResponseHeaders(func(_ string, h http.Header) { header = h }))
	a, err := c.AuthTestContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.BotID != s.App().BotID || a.UserID != s.App().BotUserID || a.TeamID != "T0EMULATED" {
		t.Errorf("auth.test answered %+v", a)
	}
	if got := header.Get("X-OAuth-Scopes"); !strings.Contains(got, "chat:write") {
		t.Errorf("X-OAuth-Scopes: %q", got)
	}
}

func TestTokensAreChecked(t *testing.T) {
	ws := DefaultWorkspace()
	ws.App.Scopes = []string{"commands"}
	s := start(t, Options{Workspace: &ws})
	url := slack.OptionAPIURL(s.URL() + "/api/")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"no token", second(slack.New("", url).AuthTestContext(t.Context())), "not_authed"},
		{"unknown token", second(slack.New("xoxb-other", url).AuthTestContext(t.Context())), "invalid_auth"},
		{"app token on a bot method", second(slack.New(ws.App.AppToken, url).AuthTestContext(t.Context())), "not_allowed_token_type"},
		{"scope that was not granted", third(client(s).PostMessageContext(t.Context(), public, slack.MsgOptionText("x", false))), "missing_scope"},
		{"bot token for a socket", third(slack.New("x", url, slack.OptionAppLevelToken(ws.App.BotToken)).StartSocketModeContext(t.Context())), "not_allowed_token_type"},
		{"unknown app token", third(slack.New("x", url, slack.OptionAppLevelToken("xapp-other")).StartSocketModeContext(t.Context())), "invalid_auth"},
	} {
		if got := slackError(t, tt.err); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	resp, err := http.Post(s.URL()+"/api/apps.connections.open", "application/x-www-form-urlencoded", strings.NewReader("token="+ws.App.AppToken))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); !strings.Contains(got, "invalid_auth") {
		t.Errorf("app token in the body: %s", got)
	}
	resp, err = http.Post(s.URL()+"/api/no.such", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); !strings.Contains(got, "unknown_method") {
		t.Errorf("unknown method: %s", got)
	}
}

func TestMembership(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	do[any](t, s, "channel", obj{"channel": private, "is_member": false})
	post := func(ch string) string {
		return slackError(t, third(c.PostMessageContext(t.Context(), ch, slack.MsgOptionText("x", false))))
	}
	for ch, want := range map[string]string{
		public: "", shared: "", "D0BOT": "", ann: "", // a user's id opens the DM
		general: "not_in_channel", private: "channel_not_found", "D0PEOPLE": "channel_not_found",
		archived: "is_archived", "C0NOWHERE": "channel_not_found", "U0NOBODY": "channel_not_found",
	} {
		if got := post(ch); got != want {
			t.Errorf("post to %s: %q, want %q", ch, got, want)
		}
	}
	if _, _, _, err := c.JoinConversationContext(t.Context(), private); slackError(t, err) != "method_not_supported_for_channel_type" {
		t.Errorf("join a private channel: %v", err)
	}
	if _, err := c.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: private}); slackError(t, err) != "channel_not_found" {
		t.Errorf("info of a private channel: %v", err)
	}
	if _, _, _, err := c.JoinConversationContext(t.Context(), general); err != nil {
		t.Error(err)
	}
	if got := post(general); got != "" {
		t.Errorf("post after joining: %q", got)
	}
	do[any](t, s, "say", obj{"user": ann, "channel": private, "text": "/invite @stsleuth"})
	if got := post(private); got != "" {
		t.Errorf("post after the invitation: %q", got)
	}

	ws := DefaultWorkspace()
	ws.App.Scopes = append([]string{"chat:write.public"}, ws.App.Scopes...)
	open := start(t, Options{Workspace: &ws})
	if _, _, err := client(open).PostMessageContext(t.Context(), general, slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("post with chat:write.public: %v", err)
	}
}

func TestThreads(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	first := post1(t, c, public, slack.MsgOptionText("first", false), slack.MsgOptionTS(parent))
	second := post1(t, c, public, slack.MsgOptionText("reply to a reply", false), slack.MsgOptionTS(first))
	if !(parent < first && first < second) {
		t.Fatalf("ts must rise: %s %s %s", parent, first, second)
	}
	list, more, _, err := c.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: public, Timestamp: parent})
	if err != nil || more || len(list) != 3 {
		t.Fatalf("replies: %d, more %v, %v", len(list), more, err)
	}
	if p := list[0]; p.ReplyCount != 2 || p.LatestReply != second || p.ThreadTimestamp != parent {
		t.Errorf("parent has reply_count %d, latest_reply %s, thread_ts %s", p.ReplyCount, p.LatestReply, p.ThreadTimestamp)
	}
	if list[2].ThreadTimestamp != parent || list[2].ParentUserId != s.App().BotUserID {
		t.Errorf("a reply to a reply landed in thread %q", list[2].ThreadTimestamp)
	}
	if got := messages(t, s, "channel="+public); len(got) != 1 {
		t.Errorf("the channel shows %d messages, want only the parent", len(got))
	}
	if _, _, err := c.DeleteMessageContext(t.Context(), public, parent); err != nil {
		t.Fatal(err)
	}
	_, _, resp, err := c.PostMessageWithResponseContext(t.Context(), public, slack.MsgOptionText("late", false), slack.MsgOptionTS(parent))
	if err != nil || resp.ThreadTimestamp != "" {
		t.Errorf("a reply to a deleted parent has thread_ts %q, %v; want it un-threaded", resp.ThreadTimestamp, err)
	}
	if got := messages(t, s, "channel="+public); got[0].Subtype != "tombstone" || got[0].ReplyCount != 2 {
		t.Errorf("the deleted parent became %+v, want a tombstone", got[0])
	}
	for _, ts := range []string{first, second} {
		if _, _, err := c.DeleteMessageContext(t.Context(), public, ts); err != nil {
			t.Fatal(err)
		}
	}
	if got := messages(t, s, "channel="+public); len(got) != 1 || got[0].Text != "late" {
		t.Errorf("a tombstone without replies must go: %+v", got)
	}
}

func TestRepliesByPageAndMetadataOnlyOnRequest(t *testing.T) {
	s := start(t, Options{NoLimits: true})
	c := client(s)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	for i := range 5 {
		post1(t, c, public, slack.MsgOptionText(fmt.Sprint(i), false), slack.MsgOptionTS(parent),
			slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "evidence", EventPayload: map[string]any{"n": i}}))
	}
	var texts []string
	in := &slack.GetConversationRepliesParameters{ChannelID: public, Timestamp: parent, Limit: 4, IncludeAllMetadata: true}
	for {
		list, more, cursor, err := c.GetConversationRepliesContext(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			texts = append(texts, m.Text+m.Metadata.EventType)
		}
		if !more {
			break
		}
		in.Cursor = cursor
	}
	if got := strings.Join(texts, " "); got != "parent 0evidence 1evidence 2evidence 3evidence 4evidence" {
		t.Errorf("read %q", got)
	}
	list, _, _, err := c.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: public, Timestamp: parent})
	if err != nil || list[1].Metadata.EventType != "" {
		t.Errorf("metadata %+v without being asked for, %v", list[1].Metadata, err)
	}
	history, err := c.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: public})
	if err != nil || len(history.Messages) != 1 {
		t.Errorf("history has %d messages, want the parent, %v", len(history.Messages), err)
	}
}

func TestUpdate(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	ts := post1(t, c, public, slack.MsgOptionText("one", false), slack.MsgOptionBlocks(section("one")),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "run", EventPayload: map[string]any{"id": "7f"}}))
	change := func(ts string, opts ...slack.MsgOption) string {
		_, _, _, err := c.UpdateMessageContext(t.Context(), public, ts, opts...)
		return slackError(t, err)
	}
	if got := change(ts, slack.MsgOptionText("two", false)); got != "" {
		t.Fatal(got)
	}
	m := messages(t, s, "channel="+public)[0]
	if m.Text != "two" || m.Blocks != nil || m.Edited == nil {
		t.Errorf("text without blocks must drop the blocks: %+v", m)
	}
	if !strings.Contains(string(m.Metadata), "7f") {
		t.Errorf("metadata that was not sent must stay: %s", m.Metadata)
	}
	if len(m.Versions) != 1 || m.Versions[0].Text != "one" || m.Versions[0].Blocks == nil {
		t.Errorf("earlier versions: %+v", m.Versions)
	}
	human := do[obj](t, s, "say", obj{"user": ann, "channel": public, "text": "hello"})["ts"].(string)
	whisper, err := c.PostEphemeralContext(t.Context(), public, ann, slack.MsgOptionText("psst", false))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"a person's message", change(human, slack.MsgOptionText("x", false)), "cant_update_message"},
		{"an ephemeral message", change(whisper, slack.MsgOptionText("x", false)), "message_not_found"},
		{"no such message", change("1.000001", slack.MsgOptionText("x", false)), "message_not_found"},
		{"over 4000 characters", change(ts, slack.MsgOptionText(strings.Repeat("x", 4001), false)), "msg_too_long"},
		{"nothing at all", change(ts, slack.MsgOptionText("", false)), "no_text"},
	} {
		if tt.got != tt.want {
			t.Errorf("update of %s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestEphemeralIsForOneUser(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	if _, err := c.PostEphemeralContext(t.Context(), public, ann, slack.MsgOptionText("psst", false)); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, s, "channel="+public+"&user="+ann); len(got) != 1 || got[0].EphemeralTo != ann {
		t.Errorf("the user sees %+v", got)
	}
	for _, q := range []string{"", "&user=" + ben} {
		if got := messages(t, s, "channel="+public+q); len(got) != 0 {
			t.Errorf("with %q others see %+v", q, got)
		}
	}
	if _, err := c.PostEphemeralContext(t.Context(), public, "U0STRANGER", slack.MsgOptionText("x", false)); slackError(t, err) != "user_not_in_channel" {
		t.Errorf("ephemeral to a stranger: %v", err)
	}
	if _, err := c.PostEphemeralContext(t.Context(), general, ann, slack.MsgOptionText("x", false)); slackError(t, err) != "not_in_channel" {
		t.Errorf("ephemeral where the bot is not: %v", err)
	}
}

func TestPostRefusals(t *testing.T) {
	s := start(t, Options{NoLimits: true})
	c := client(s)
	table := func() slack.Block {
		tb := slack.NewTableBlock("")
		tb.Rows = [][]slack.TableCell{{slack.NewTableRawTextCell("a")}}
		return tb
	}
	big := map[string]any{"x": strings.Repeat("x", 17<<10)}
	for _, tt := range []struct {
		name string
		opts []slack.MsgOption
		want string
	}{
		{"nothing", nil, "no_text"},
		{"51 blocks", []slack.MsgOption{slack.MsgOptionBlocks(repeat(51)...)}, "invalid_blocks"},
		{"two tables", []slack.MsgOption{slack.MsgOptionBlocks(table(), table())}, "invalid_attachments"},
		{"large metadata", []slack.MsgOption{slack.MsgOptionText("x", false), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "a", EventPayload: big})}, "metadata_too_large"},
		{"markdown beside text", []slack.MsgOption{slack.MsgOptionText("x", false), slack.MsgOptionMarkdownText("y")}, "markdown_text_conflict"},
	} {
		if _, _, err := c.PostMessageContext(t.Context(), public, tt.opts...); slackError(t, err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	_, _, resp, err := c.PostMessageWithResponseContext(t.Context(), public, slack.MsgOptionText(strings.Repeat("é", 40001), false))
	if err != nil || len([]rune(resp.Text)) != 40000 {
		t.Errorf("text over 40,000 characters: %v, want it cut", err)
	}
}

func repeat(n int) (out []slack.Block) {
	for range n {
		out = append(out, slack.NewDividerBlock())
	}
	return out
}

func TestConversationsAndUsers(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	info, err := c.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: shared})
	if err != nil || !info.IsExtShared || !info.IsMember {
		t.Errorf("shared channel: %+v, %v", info, err)
	}
	list, _, err := c.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true})
	if err != nil || len(list) != 4 {
		t.Errorf("listed %d channels, %v", len(list), err)
	}
	dm, _, _, err := c.OpenConversationContext(t.Context(), &slack.OpenConversationParameters{Users: []string{ben}})
	if err != nil {
		t.Fatal(err)
	}
	again, _, _, err := c.OpenConversationContext(t.Context(), &slack.OpenConversationParameters{Users: []string{ben}})
	if err != nil || again.ID != dm.ID {
		t.Errorf("opened %s, then %s, %v", dm.ID, again.ID, err)
	}
	u, err := c.GetUserInfoContext(t.Context(), ann)
	if err != nil || u.Name != "oncall" {
		t.Errorf("user %+v, %v", u, err)
	}
	all, err := c.GetUsersContext(t.Context())
	if err != nil || len(all) != 4 {
		t.Errorf("%d users, %v", len(all), err)
	}
	group, err := c.GetUserGroupMembersContext(t.Context(), "S0ONCALL")
	if err != nil || len(group) != 2 {
		t.Errorf("group %v, %v", group, err)
	}
	ts := post1(t, c, public, slack.MsgOptionText("x", false))
	link, err := c.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: public, Ts: ts})
	if err != nil || link != "https://emulated.slack.com/archives/"+public+"/p"+strings.Replace(ts, ".", "", 1) {
		t.Errorf("permalink %s, %v", link, err)
	}
}

func TestReactions(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	ref := slack.NewRefToMessage(public, post1(t, c, public, slack.MsgOptionText("x", false)))
	steps := []struct{ got, want string }{
		{slackError(t, c.AddReactionContext(t.Context(), "eyes", ref)), ""},
		{slackError(t, c.AddReactionContext(t.Context(), "eyes", ref)), "already_reacted"},
		{slackError(t, c.AddReactionContext(t.Context(), "NO SUCH", ref)), "invalid_name"},
		{slackError(t, c.RemoveReactionContext(t.Context(), "tada", ref)), "no_reaction"},
	}
	for i, st := range steps {
		if st.got != st.want {
			t.Errorf("step %d: %q, want %q", i, st.got, st.want)
		}
	}
	do[any](t, s, "react", obj{"user": ann, "channel": public, "ts": ref.Timestamp, "name": "eyes"})
	if r := messages(t, s, "channel="+public)[0].Reactions; len(r) != 1 || r[0].Count != 2 {
		t.Errorf("reactions %+v", r)
	}
	if err := c.RemoveReactionContext(t.Context(), "eyes", ref); err != nil {
		t.Error(err)
	}
}

func TestUpload(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	const content = "# Report\n\nnothing <here>\n"
	f, err := c.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "report.md", FileSize: len(content), Reader: strings.NewReader(content),
		Title: "The report", Channel: public, ThreadTimestamp: parent, InitialComment: "as asked", AltTxt: "a report"})
	if err != nil {
		t.Fatal(err)
	}
	list := messages(t, s, "channel="+public+"&thread_ts="+parent)
	if len(list) != 2 || list[1].Text != "as asked" || len(list[1].Files) != 1 || list[1].Files[0].Title != "The report" || list[1].Files[0].AltText != "a report" {
		t.Fatalf("thread after the upload: %+v", list)
	}
	resp, err := http.Get(s.URL() + "/_emu/files/" + f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); got != content {
		t.Errorf("stored %q", got)
	}
	info, _, _, err := c.GetFileInfoContext(t.Context(), f.ID, 0, 0)
	if err != nil || info.Size != len(content) {
		t.Errorf("files.info %+v, %v", info, err)
	}
	image := `[{"type":"image","alt_text":"a","slack_file":{"id":"%s"}}]`
	if got := form(t, s, "chat.postMessage", "channel", public, "blocks", fmt.Sprintf(image, f.ID)); got["ok"] != true {
		t.Errorf("an image block of an uploaded file: %v", got)
	}
	if got := form(t, s, "chat.postMessage", "channel", public, "blocks", fmt.Sprintf(image, "F0")); got["error"] != "invalid_blocks" {
		t.Errorf("an image block of no file: %v", got)
	}
	if _, err := c.UploadFileContext(t.Context(), slack.UploadFileParameters{Filename: "x", FileSize: 1, Reader: strings.NewReader("x"), Channel: general}); slackError(t, err) == "" {
		t.Error("an upload to a channel without the bot must fail")
	}
}

func TestRateLimits(t *testing.T) {
	clock := time.Unix(1700000000, 0)
	s := start(t, Options{Now: func() time.Time { return clock }})
	c := client(s)
	post := func(ch string) error {
		return third(c.PostMessageContext(t.Context(), ch, slack.MsgOptionText("x", false)))
	}
	for range postBurst {
		if err := post(public); err != nil {
			t.Fatal(err)
		}
	}
	var limited *slack.RateLimitedError
	if err := post(public); !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Errorf("over the burst: %v", err)
	}
	if err := post(private); err != nil {
		t.Errorf("another channel has its own limit: %v", err)
	}
	do[any](t, s, "clock", obj{"advance": "1s"})
	if err := post(public); err != nil {
		t.Errorf("after a second: %v", err)
	}
	ts := post1(t, c, "D0BOT", slack.MsgOptionText("x", false))
	for i := range tier3 + 1 {
		_, _, _, err := c.UpdateMessageContext(t.Context(), "D0BOT", ts, slack.MsgOptionText(fmt.Sprint(i), false))
		if last := i == tier3; last != errors.As(err, &limited) {
			t.Fatalf("update %d: %v", i+1, err)
		}
	}
	do[any](t, s, "limits", obj{"on": false})
	for range 20 {
		if err := post(public); err != nil {
			t.Fatalf("with limits off: %v", err)
		}
	}
}

func TestFaults(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	post := func() error {
		return third(c.PostMessageContext(t.Context(), public, slack.MsgOptionText("x", false)))
	}
	count := func() int { return len(messages(t, s, "channel="+public)) }
	fault := func(f obj) {
		f["method"] = "chat.postMessage"
		do[any](t, s, "fault", f)
	}

	fault(obj{"error": "internal_error", "times": 1})
	if err := post(); slackError(t, err) != "internal_error" || count() != 0 {
		t.Errorf("error: %v, %d messages", err, count())
	}
	fault(obj{"status": 503, "times": 1})
	var status slack.StatusCodeError
	if err := post(); !errors.As(err, &status) || status.Code != 503 {
		t.Errorf("status: %v", err)
	}
	fault(obj{"retry_after": 7, "times": 1})
	var limited *slack.RateLimitedError
	if err := post(); !errors.As(err, &limited) || limited.RetryAfter != 7*time.Second {
		t.Errorf("retry_after: %v", err)
	}
	fault(obj{"status": 500, "after_commit": true, "times": 1})
	if err := post(); !errors.As(err, &status) || count() != 1 {
		t.Errorf("after commit: %v, %d messages, want the message stored and the call failed", err, count())
	}
	fault(obj{"after_commit": true, "times": 1})
	if err := post(); err == nil || count() != 2 {
		t.Errorf("cut: %v, %d messages", err, count())
	}
	fault(obj{"error": "fatal_error", "channel": private})
	if err := post(); err != nil {
		t.Errorf("a fault for another channel: %v", err)
	}
	fault(obj{"delay": 0.05, "times": 1})
	began := time.Now()
	if err := post(); err != nil || time.Since(began) < 50*time.Millisecond {
		t.Errorf("delay: %v after %v", err, time.Since(began))
	}
	control(t, s, "DELETE", "fault", nil, nil)
	if _, _, err := c.PostMessageContext(t.Context(), private, slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("after clearing: %v", err)
	}
	if code := refusedAs(t, s, "fault", obj{"method": "x", "eror": "typo"}); code != "invalid_json" {
		t.Errorf("misspelt fault: %s", code)
	}
}

func TestCallsShowNoTokens(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	post1(t, c, public, slack.MsgOptionText("leaked xoxb-1-secret and xapp-1-secret", false))
	connect(t, s, nil)
	resp, err := http.Get(s.URL() + "/_emu/calls")
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, resp)
	for _, secret := range []string{"xoxb-1", "xapp-1", s.App().BotToken, s.App().AppToken} {
		if strings.Contains(got, secret) {
			t.Errorf("%s is in %s", secret, got)
		}
	}
	for _, want := range []string{"chat.postMessage", "apps.connections.open", "ticket=cut"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestStatus(t *testing.T) {
	s := start(t, Options{})
	c := client(s)
	parent := post1(t, c, public, slack.MsgOptionText("parent", false))
	status := func() int {
		var out struct{ Statuses []Status }
		control(t, s, "GET", "messages?channel="+public, nil, &out)
		return len(out.Statuses)
	}
	set := func() {
		t.Helper()
		if err := c.SetAssistantThreadsStatusContext(t.Context(), slack.AssistantThreadsSetStatusParameters{ChannelID: public, ThreadTS: parent, Status: "is looking"}); err != nil {
			t.Fatal(err)
		}
		if status() != 1 {
			t.Fatal("no status is shown")
		}
	}
	set()
	post1(t, c, public, slack.MsgOptionText("reply", false), slack.MsgOptionTS(parent))
	if status() != 0 {
		t.Error("a reply must end the status")
	}
	set()
	do[any](t, s, "clock", obj{"advance": "2m"})
	if status() != 0 {
		t.Error("two minutes must end the status")
	}
}
