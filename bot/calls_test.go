package bot

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

type answers func(*http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Every request has a method and a code, nothing of a URL that lets others answer
// in our name, and the answer is read as if nobody had looked.
func TestRequestsAreCountedByWhatSlackAnswers(t *testing.T) {
	long := `{"ok":true,"members":["` + strings.Repeat("x", 2*answerMost) + `"]}`
	for name, c := range map[string]struct {
		url, body string
		status    int
		err       error
		want      string
	}{
		"ok":                {url: "https://slack.com/api/chat.postMessage?token=x", body: `{"ok":true}`, want: "chat.postMessage ok"},
		"Slack's own word":  {url: "https://slack.com/api/chat.postMessage", body: `{"ok":false,"error":"not_in_channel"}`, want: "chat.postMessage not_in_channel"},
		"asked too much":    {url: "https://slack.com/api/chat.update", status: 429, body: `{"ok":false,"error":"ratelimited"}`, want: "chat.update ratelimited"},
		"no JSON":           {url: "https://slack.com/api/chat.update", status: 503, body: "<html>", want: "chat.update http-503"},
		"no answer":         {url: "https://slack.com/api/auth.test", err: errors.New("refused"), want: "auth.test no-answer"},
		"a long answer":     {url: "https://slack.com/api/users.list", body: long, want: "users.list ok"},
		"a response URL":    {url: "https://hooks.slack.com/commands/T1/2/secret", body: "ok", want: "response_url ok"},
		"a used up one":     {url: "https://hooks.slack.com/actions/T1/2/secret", status: 404, body: `{"ok":false,"error":"used_url"}`, want: "response_url used_url"},
		"an upload":         {url: "https://files.slack.com/upload/v1/secret", body: "OK - 12", want: "upload ok"},
		"another's Web API": {url: "https://elsewhere.test/api/chat.postMessage", body: `{"ok":true}`, want: "response_url ok"},
	} {
		var got string
		rt := &calls{api: "https://slack.com/api/", called: func(method, code string) { got += method + " " + code }, next: answers(func(*http.Request) (*http.Response, error) {
			if c.err != nil {
				return nil, c.err
			}
			return &http.Response{StatusCode: max(c.status, 200), Body: io.NopCloser(strings.NewReader(c.body))}, nil
		})}
		req, err := http.NewRequest(http.MethodPost, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		if err != nil {
			continue
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != c.body {
			t.Errorf("%s: %d bytes are read, %v", name, len(body), err)
		}
	}
}
