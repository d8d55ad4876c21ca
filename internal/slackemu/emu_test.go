package slackemu

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	public, private, general, archived, shared = "C0INCIDENTS", "C0PRIVATE", "C0GENERAL", "C0ARCHIVED", "C0SHARED"
	ann, ben                                   = "U0ONCALL", "U0PAYMENTS"
)

// start runs a server of the test's own.
func start(t *testing.T, opts Options) *Server {
	t.Helper()
	if opts.AckTimeout == 0 { // Slack's 3 s may be short on a machine that builds something else
		opts.AckTimeout = time.Minute
	}
	s := New(opts)
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func client(s *Server, more ...slack.Option) *slack.Client {
	return slack.New(s.App().BotToken, append([]slack.Option{
		slack.OptionAPIURL(s.URL() + "/api/"), slack.OptionAppLevelToken(s.App().AppToken)}, more...)...)
}

// control uses one control and reads its answer into out, whose fields must exist.
func control(t *testing.T, s *Server, method, path string, in, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+"/_emu/"+path, bytes.NewReader(encode(in)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, body)
		}
	}
	return resp.StatusCode
}

// do is a control that must be carried out.
func do[T any](t *testing.T, s *Server, path string, in obj) (out T) {
	t.Helper()
	var raw json.RawMessage
	if code := control(t, s, "POST", path, in, &raw); code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, code, raw)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// refusedAs is a control that must be refused.
func refusedAs(t *testing.T, s *Server, path string, in obj) string {
	t.Helper()
	var out struct{ Error, Message string }
	if code := control(t, s, "POST", path, in, &out); code < 400 || code > 499 || out.Message == "" {
		t.Fatalf("%s: %d, %+v, want it refused", path, code, out)
	}
	return out.Error
}

type seen struct {
	Message
	Channel     string
	EphemeralTo string `json:"ephemeral_to"`
	Versions    []Version
}

func messages(t *testing.T, s *Server, query string) []seen {
	t.Helper()
	var out struct{ Messages []seen }
	if code := control(t, s, "GET", "messages?"+query, nil, &out); code != 200 {
		t.Fatalf("messages?%s: %d", query, code)
	}
	return out.Messages
}

// app is a bot: slack-go's own Socket Mode client, answering with handle.
type app struct {
	*socketmode.Client
	events chan socketmode.Event // all but the noise of connecting
	hello  chan struct{}
}

func connect(t *testing.T, s *Server, handle func(*socketmode.Client, socketmode.Event)) *app {
	t.Helper()
	a := &app{Client: socketmode.New(client(s)), events: make(chan socketmode.Event, 100), hello: make(chan struct{}, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	go func() { a.RunContext(ctx); done <- struct{}{} }()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-a.Events:
				switch e.Type {
				case socketmode.EventTypeHello:
					a.hello <- struct{}{}
				case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
					if handle != nil {
						handle(a.Client, e)
					}
					a.events <- e
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; <-done })
	wait(t, a.hello)
	return a
}

func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("waited 30 s for nothing")
		panic("unreachable")
	}
}

func ack(c *socketmode.Client, e socketmode.Event) { c.Ack(*e.Request) }

// slackError is Slack's code in an error of slack-go's; "" for none.
func slackError(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	return err.Error()
}

// golden compares v with testdata/name, ids and times of this run masked.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var any any
	if err := json.Unmarshal(encode(v), &any); err != nil {
		t.Fatal(err)
	}
	mask(any)
	got, _ := json.MarshalIndent(any, "", "  ")
	got = append(bytes.ReplaceAll(bytes.ReplaceAll(got, []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">")), '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func mask(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			mask(item)
		}
	case map[string]any:
		for k, field := range v {
			text, isText := field.(string)
			switch k {
			case "ts", "thread_ts", "message_ts", "action_ts", "event_ts", "latest_reply", "envelope_id", "hash", "trigger_id", "permalink":
				if isText && text != "" {
					v[k] = "(" + k + ")"
				}
			case "response_url", "upload_url", "url_private", "url_private_download":
				v[k] = "(" + k + ")"
			case "event_time":
				v[k] = 0
			default:
				mask(field)
			}
		}
	}
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }
