package app

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/store"
)

func TestWhatIsTypedIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	for line, want := range map[string][]string{
		"help":                      {"Finds out why"},
		"status":                    {"Nothing is running"},
		"list":                      {"Nothing was asked yet"},
		"payments-api eu-wst-1":     {"eu-wst-1 is not an AWS region", "eu-west-1"},
		"payments-api":              {"No region was given"},
		"eu-west-1":                 {"No role was given"},
		"payments-api eu-west-1 9d": {"between 1h and 7d"},
		"<!here> eu-west-1":         {"role"},
	} {
		t.Run(line, func(t *testing.T) {
			before := len(w.told(incidents, oncall))
			w.command(Command + " " + line)
			w.until("there is an answer", func() bool { return len(w.told(incidents, oncall)) > before })
			told := w.told(incidents, oncall)[before:]
			for _, part := range want {
				if !strings.Contains(strings.Join(told, "\n"), part) {
					t.Errorf("%q is not in %q", part, told)
				}
			}
			if strings.Contains(strings.Join(told, ""), "<!") {
				t.Errorf("the answer mentions: %q", told)
			}
		})
	}
	if n := len(w.parents(incidents)); n != 0 {
		t.Errorf("%d investigations began", n)
	}
}

func TestAPastedErrorStartsTheRightInvestigation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	d := w.command(Command + " An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired. User: arn:aws:sts::111122223333:assumed-role/" + w.ask.Role + "/i-0abcdef0123456789 host s3." + w.ask.Region + ".amazonaws.com")
	if !strings.Contains(d.text(), "Looking into "+w.ask.Role+" in "+w.ask.Region) {
		t.Errorf("acknowledged with %q", d.text())
	}
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
}

func TestTheFormAsksAndIsPrefilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	w.command(Command)
	w.until("a form is open", func() bool { return len(w.views(oncall)) == 1 })
	form := w.views(oncall)[0]

	var found delivered
	w.control("POST", "/_emu/suggest", obj{"user": oncall, "view_id": form.ID, "action_id": "role", "query": w.ask.Role[:3]}, &found)
	if !slices.ContainsFunc(found.Options, func(o struct{ Text, Value string }) bool { return o.Value == w.ask.Role }) {
		t.Errorf("the search for %q offers %v", w.ask.Role[:3], found.Options)
	}
	w.control("POST", "/_emu/suggest", obj{"user": oncall, "view_id": form.ID, "action_id": "role", "query": "deleted-role"}, &found)
	if len(found.Options) != 1 || found.Options[0].Value != "deleted-role" {
		t.Errorf("a role that is not there is offered as %v", found.Options)
	}
	var d delivered
	w.control("POST", "/_emu/submit", obj{"user": oncall, "view_id": form.ID, "values": obj{
		"role": obj{"role": obj{"text": w.ask.Role, "value": w.ask.Role}}, "region": obj{"region": w.ask.Region}, "window": obj{"window": "48h"}}}, &d)
	if !d.Acked || len(d.Errors) > 0 {
		t.Fatalf("submitted: %+v", d)
	}
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	if len(w.views(oncall)) != 0 {
		t.Error("the form is still open")
	}
	w.say(payments, incidents, Command)
	w.until("a form is open", func() bool { return len(w.views(payments)) == 1 })
	blocks := string(w.views(payments)[0].Blocks)
	for _, part := range []string{w.ask.Role, w.ask.Region, "48h"} {
		if !strings.Contains(blocks, `"initial_option":`) || !strings.Contains(blocks, part) {
			t.Errorf("the form is not prefilled with %s", part)
		}
	}
}

func TestTheShortcutAnswersInTheMessagesThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, set{slack: unlimited})
	var line struct{ TS string }
	w.control("POST", "/_emu/say", obj{"user": payments, "channel": incidents, "text": "uploads fail in " + w.ask.Region + ": ExpiredToken for arn:aws:sts::111122223333:assumed-role/" + w.ask.Role + "/i-0abc"}, &line)
	var d delivered
	w.control("POST", "/_emu/shortcut", obj{"user": oncall, "channel": incidents, "ts": line.TS, "callback_id": "why_expired"}, &d)
	if !d.Acked {
		t.Fatalf("%+v", d)
	}
	var all []message
	w.until("the thread under the line ends with the trace", func() bool {
		all = w.messages(incidents, line.TS, "")
		return slices.ContainsFunc(all, func(m message) bool { return m.is() == "trace" })
	})
	count := map[string]int{}
	for _, m := range all {
		count[m.is()]++
	}
	for _, name := range append([]string{"parent", "trace"}, evidence...) {
		if count[name] != 1 {
			t.Errorf("%s is there %d times", name, count[name])
		}
	}

	// What the text does not say is asked for.
	w.control("POST", "/_emu/say", obj{"user": payments, "channel": incidents, "text": "why does it fail?"}, &line)
	w.control("POST", "/_emu/shortcut", obj{"user": oncall, "channel": incidents, "ts": line.TS, "callback_id": "why_expired"}, &d)
	w.until("a form is open", func() bool { return len(w.views(oncall)) == 1 })
	if blocks := string(w.views(oncall)[0].Blocks); !strings.Contains(blocks, "neither a role nor a region") {
		t.Errorf("the form does not say what is missing: %s", blocks)
	}
	var reply message
	w.control("POST", "/_emu/submit", obj{"user": oncall, "view_id": w.views(oncall)[0].ID, "values": obj{
		"role": obj{"role": obj{"text": "other-role", "value": "other-role"}}, "region": obj{"region": w.ask.Region}, "window": obj{"window": "24h"}}}, &d)
	w.until("the parent is in that line's thread", func() bool {
		for _, m := range w.messages(incidents, line.TS, "") {
			if m.is() == "parent" {
				reply = m
			}
		}
		return reply.TS != ""
	})
}

func TestWithoutRedisNothingStartsAndEveryoneIsTold(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	w := newWorld(t, set{slack: unlimited, serving: func(o *Serving) { o.RedisURL = "redis://" + redis.Addr() }})
	redis.Close()
	d := w.say(oncall, incidents, w.asks())
	if !d.Acked || d.AckMS > 3000 || !strings.Contains(d.text(), "does not answer, so it can't be told whether this was taken") {
		t.Errorf("acked %v after %d ms with %q", d.Acked, d.AckMS, d.text())
	}
	w.until("it is not ready", func() bool { return w.all()[0].Ready(t.Context()) != nil })
	if err := redis.Restart(); err != nil {
		t.Fatal(err)
	}
	w.until("it is ready again", func() bool { return w.all()[0].Ready(t.Context()) == nil })
	w.command(w.asks())
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
}

// Redis takes the command and the answer is lost: the person is not told that
// nothing was started, and what was started appears.
func TestACommandWhoseAnswerIsLostIsNotDenied(t *testing.T) {
	t.Parallel()
	redis := &deaf{to: miniredis.RunT(t).Addr()}
	w := newWorld(t, set{slack: unlimited, aws: awsemu.Options{QueryDuration: -1}, serving: func(o *Serving) { o.RedisURL = "redis://" + redis.listen(t) }})
	w.command(Command + " another-role " + w.ask.Region) // Redis knows the script after this
	w.until("another card", func() bool { return len(w.parents(incidents)) == 1 })
	redis.lost.Store(true)
	d := w.say(oncall, incidents, w.asks())
	redis.lost.Store(false)
	if !d.Acked || d.AckMS > 3000 || strings.Contains(d.text(), "nothing was started") || !strings.Contains(d.text(), "If it was, it goes on by itself") {
		t.Errorf("acked %v after %d ms with %q", d.Acked, d.AckMS, d.text())
	}
	w.until("the card of what was taken", func() bool { return len(w.parents(incidents)) == 2 })
	w.command(w.asks()) // does no harm
	w.thread(incidents, w.parents(incidents)[1].TS)
	if n := len(w.parents(incidents)); n != 2 {
		t.Errorf("%d cards for two questions", n)
	}
}

// deaf stands before a Redis and can lose what that answers.
type deaf struct {
	to   string
	lost atomic.Bool
}

func (d *deaf) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", d.to)
			if err != nil {
				client.Close()
				return
			}
			go func() { io.Copy(server, client); server.Close() }()
			go func() {
				defer client.Close()
				for b := make([]byte, 64<<10); ; {
					n, err := server.Read(b)
					if err != nil || d.lost.Load() {
						return
					}
					client.Write(b[:n])
				}
			}()
		}
	}()
	return l.Addr().String()
}

// Who asks while too much is going on is told so, whether by a form or by a line.
func TestAFullStoreIsSaidInItsOwnWords(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	w := newWorld(t, set{slack: unlimited, serving: func(o *Serving) { o.RedisURL = "redis://" + redis.Addr() }})
	w.command(Command)
	w.until("a form is open", func() bool { return len(w.views(oncall)) == 1 })
	soon := float64(time.Now().Add(time.Hour).UnixMilli()) // none of them is silent
	for i := range store.MaxGoing {
		if _, err := redis.ZAdd("{stsleuth}:live", soon, fmt.Sprint("inv_", i)); err != nil {
			t.Fatal(err)
		}
	}
	var d delivered
	w.control("POST", "/_emu/submit", obj{"user": oncall, "view_id": w.views(oncall)[0].ID, "values": obj{
		"role": obj{"role": obj{"text": w.ask.Role, "value": w.ask.Role}}, "region": obj{"region": w.ask.Region}, "window": obj{"window": "24h"}}}, &d)
	if !d.Acked || d.Error != "" {
		t.Errorf("submitted: %+v", d)
	}
	line := w.command(w.asks()).text()
	w.until("the form is answered", func() bool { return len(w.told(incidents, oncall)) == 2 })
	for _, text := range append(w.told(incidents, oncall), line) {
		if !strings.Contains(text, "are going on already; nothing was started. Try again when some of them have ended.") || strings.Contains(text, "example") {
			t.Errorf("told %q", text)
		}
	}
}
