package slackemu

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Fault makes calls of a method fail or slow down; see POST /_emu/fault.
type Fault struct {
	Method      string   `json:"method"`
	Channel     string   `json:"channel,omitempty"`
	Status      int      `json:"status,omitempty"`
	Error       string   `json:"error,omitempty"`
	RetryAfter  int      `json:"retry_after,omitempty"` // seconds
	Delay       duration `json:"delay,omitempty"`
	AfterCommit bool     `json:"after_commit,omitempty"`
	Times       int      `json:"times,omitempty"` // 0: until cleared
}

// duration reads "2s" and 2, and is written as text.
type duration time.Duration

func (d *duration) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		*d = duration(seconds * float64(time.Second))
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	v, err := time.ParseDuration(text)
	*d = duration(v)
	return err
}

func (d duration) MarshalJSON() ([]byte, error) {
	return encode(time.Duration(d).String()), nil
}

// takeFault finds the first fault for a call and uses it up once. Caller holds mu.
func (s *Server) takeFault(method, channel string) (Fault, bool) {
	for i, f := range s.faults {
		if f.Method != "*" && f.Method != method || f.Channel != "" && f.Channel != channel {
			continue
		}
		taken := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return taken, true
	}
	return Fault{}, false
}

// reply is what the caller gets in place of the true answer; ok is false for a
// fault that only delays, cut for one that ends the connection.
func (f Fault) reply() (rep reply, cut, ok bool) {
	if f.Status == 0 && f.Error == "" && f.RetryAfter == 0 {
		return reply{}, f.AfterCommit, f.AfterCommit
	}
	rep.status = f.Status
	if f.RetryAfter > 0 {
		rep.header = http.Header{"Retry-After": {fmt.Sprint(f.RetryAfter)}}
		if rep.status == 0 {
			rep.status = http.StatusTooManyRequests
		}
	}
	code := f.Error
	if code == "" && rep.status == http.StatusTooManyRequests {
		code = "ratelimited"
	}
	if rep.body = fail(code); code == "" {
		rep.body = http.StatusText(rep.status)
	}
	return rep, false, true
}

// faulty carries a call out with the fault that waits for it, if any, writes
// the answer and logs both.
func (s *Server) faulty(w http.ResponseWriter, method, channel string, a args, start time.Time, run func() reply) {
	s.mu.Lock()
	f, hit := s.takeFault(method, channel)
	s.mu.Unlock()
	if f.Delay > 0 {
		select {
		case <-time.After(time.Duration(f.Delay)):
		case <-s.ctx.Done():
		}
	}
	failed, sever, fails := f.reply()
	if !hit {
		fails = false
	}
	var rep reply
	if !fails || f.AfterCommit {
		rep = run()
	}
	if fails {
		rep = failed
	}
	if rep.status == 0 {
		rep.status = http.StatusOK
	}
	if fails && sever {
		rep.status = 0
	}
	s.log(method, a, rep, start, hit)
	if fails && sever {
		panic(http.ErrAbortHandler) // net/http's way to drop the connection
	}
	for k, v := range rep.header {
		w.Header()[http.CanonicalHeaderKey(k)] = v
	}
	if text, ok := rep.body.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(rep.status)
		fmt.Fprint(w, text)
		return
	}
	writeJSON(w, rep.status, rep.body)
}
