package bot

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// What became of a request that Slack did not answer with a word of its own.
const (
	codeOK       = "ok"
	codeNoAnswer = "no-answer"
)

// answerMost is how much of an answer is looked at: an error is a few hundred
// bytes, a list of people may be a megabyte.
const answerMost = 64 << 10

// calls tells of every request to Slack. It is the transport of the one client
// that all of them go through, so a call that slack-go tries again is several.
type calls struct {
	api    string // where the Web API is, with a slash at its end
	next   http.RoundTripper
	called func(method, code string)
}

// RoundTrip implements http.RoundTripper.
func (c *calls) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		c.called(c.method(req), codeNoAnswer)
		return resp, err
	}
	begun, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = broken{err} // who reads the answer gets the same error
	}
	c.called(c.method(req), codeOf(resp.StatusCode, begun, err))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begun), rest), resp.Body}
	return resp, nil
}

// method names what was asked. Response and upload URLs let whoever has them
// answer in our name: nothing of them is in the name.
func (c *calls) method(req *http.Request) string {
	at := *req.URL
	at.RawQuery, at.User = "", nil
	method, isAPI := strings.CutPrefix(at.String(), c.api)
	switch {
	case isAPI:
		return method
	case strings.Contains(at.Path, "/upload/"):
		return "upload"
	}
	return "response_url"
}

// codeOf is Slack's word for an answer, of which body is the beginning.
func codeOf(status int, body []byte, broke error) string {
	var answer struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	whole := json.Unmarshal(body, &answer) == nil
	switch {
	case broke != nil:
		return codeNoAnswer
	case whole && answer.OK != nil && !*answer.OK && answer.Error != "":
		return answer.Error
	case status/100 != 2:
		return "http-" + strconv.Itoa(status)
	}
	return codeOK
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
