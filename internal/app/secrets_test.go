package app

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/redact/planted"
	"github.com/stsleuth/stsleuth/internal/slackemu"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/followups"
)

// plantedCaptures are incidents with something of each kind that is read: all
// federations, changes of policies, session policies, MFA devices, errors.
var plantedCaptures = []string{filepath.Join("..", "policy", "testdata", "captures", "everything"), filepath.Join("..", "..", "captures", "changes-that-cannot-block"),
	filepath.Join("..", "..", "captures", "follow-up-session-policy-denies"), filepath.Join("..", "..", "captures", "follow-up-mfa-no-device")}

// plant copies a capture and plants it.
func plant(t *testing.T, g *planted.Ground, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := g.Capture(from, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// outputs are everything that the product wrote, by where.
type outputs struct {
	mu  sync.Mutex
	all map[string][]byte // guarded by mu
}

func (o *outputs) add(where string, b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[string][]byte{}
	}
	o.all[where] = append(append(o.all[where], b...), '\n')
}

// secretWorld is the product in a planted incident.
type secretWorld struct {
	*world
	redis *miniredis.Miniredis
	audit string
	out   *outputs
}

func newSecretWorld(t *testing.T, dir string, out *outputs, change func(*Serving)) secretWorld {
	w := secretWorld{redis: miniredis.RunT(t), audit: filepath.Join(t.TempDir(), "audit.jsonl"), out: out}
	w.world = newWorld(t, set{capture: dir, slack: slackemu.Options{NoLimits: true, Linger: time.Millisecond}, aws: atOnce, serving: func(o *Serving) {
		o.RedisURL, o.AuditLog = "redis://"+w.redis.Addr(), w.audit
		o.Access = access.Policy{{Name: "all"}}
		if change != nil {
			change(o)
		}
	}})
	return w
}

// collect takes everything that the product left anywhere.
func (w secretWorld) collect() {
	t := w.t
	t.Helper()
	for _, c := range w.calls("") { // what the bot sent, not what Slack answered: that has people's own words
		raw, err := json.Marshal(c.Args)
		if err != nil {
			t.Fatal(err)
		}
		w.out.add("Slack "+c.Method, raw)
	}
	var files struct {
		Messages []message
	}
	for _, channel := range []string{incidents, "C0PRIVATE"} {
		for _, m := range w.messages(channel, "", oncall) {
			files.Messages = append(files.Messages, append([]message{m}, w.messages(channel, m.TS, "")...)...)
		}
	}
	seen := map[string]bool{}
	for _, m := range files.Messages {
		for _, f := range m.Files {
			if seen[f.ID] {
				continue
			}
			seen[f.ID] = true
			resp, err := http.Get(w.url + "/_emu/files/" + f.ID)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			w.out.add("file "+f.Name, raw)
		}
	}
	for _, key := range w.redis.Keys() {
		w.out.add("Redis", []byte(key))
		switch w.redis.Type(key) {
		case "string":
			v, err := w.redis.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			w.out.add("Redis", []byte(v))
		case "hash":
			fields, err := w.redis.HKeys(key)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range fields {
				w.out.add("Redis", []byte(field+" "+w.unpacked(w.redis.HGet(key, field))))
			}
		case "list":
			v, err := w.redis.List(key)
			if err != nil {
				t.Fatal(err)
			}
			w.out.add("Redis", []byte(strings.Join(v, "\n")))
		case "zset":
			v, err := w.redis.ZMembers(key)
			if err != nil {
				t.Fatal(err)
			}
			w.out.add("Redis", []byte(strings.Join(v, "\n")))
		case "set":
			v, err := w.redis.Members(key)
			if err != nil {
				t.Fatal(err)
			}
			w.out.add("Redis", []byte(strings.Join(v, "\n")))
		default:
			t.Errorf("Redis has a %s", w.redis.Type(key))
		}
	}
	w.out.add("log", []byte(w.log.String()))
	raw, err := os.ReadFile(w.audit)
	if err != nil {
		t.Fatal(err)
	}
	w.out.add("audit log", raw)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/cmdline"} {
		rec := httptest.NewRecorder()
		w.replicas[0].Health().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		w.out.add("health address", rec.Body.Bytes())
	}
	list, err := w.replicas[0].store.List(t.Context(), playbook.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, inv := range list {
		if inv, err = w.replicas[0].store.Load(t.Context(), inv.Request.ID); err != nil || inv.Report == nil {
			continue
		}
		reports, err := reportFiles(inv)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range reports {
			w.out.add("report", f.Bytes)
		}
	}
}

// use does all that people can do, with plants wherever they can write; again:
// they ask the same once more, over a longer window too.
func (w secretWorld) use(g *planted.Ground, again bool) {
	t := w.t
	t.Helper()
	d := w.command(w.asks())
	w.out.add("acknowledgement", []byte(d.text()))
	w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
	parent := w.parents(incidents)[0].TS
	id := w.parents(incidents)[0].Metadata.Payload["id"]
	w.thread(incidents, parent)
	for _, action := range []string{"trace", "report"} {
		w.click(oncall, incidents, parent, action)
	}
	for _, o := range playbook.Offers() {
		if o == playbook.Extend48h && !again {
			continue
		}
		w.click(oncall, incidents, parent, "follow-up:"+string(o))
	}
	for range 12 {
		d := w.say(oncall, incidents, Command+" "+g.Text("typed line"))
		w.out.add("acknowledgement", []byte(d.text()))
	}
	for range 2 {
		d := w.say(oncall, incidents, Command+" "+g.Name("typed role")+" eu-west-1")
		w.out.add("acknowledgement", []byte(d.text()))
		d = w.say(oncall, incidents, Command+" payments-api "+g.Name("typed region"))
		w.out.add("acknowledgement", []byte(d.text()))
	}
	var line struct{ TS string }
	w.control("POST", "/_emu/say", obj{"user": payments, "channel": incidents, "text": "why? " + g.Text("message with the shortcut")}, &line)
	w.control("POST", "/_emu/shortcut", obj{"user": oncall, "channel": incidents, "ts": line.TS, "callback_id": "why_expired"}, &d)
	w.command(Command)
	var form view
	w.until("a form is open", func() bool {
		open := w.views(oncall)
		if len(open) > 0 {
			form = open[len(open)-1]
		}
		return len(open) > 0
	})
	role := g.Name("role in the form")
	w.control("POST", "/_emu/suggest", obj{"user": oncall, "view_id": form.ID, "action_id": "role", "query": g.Name("search in the form")}, &d)
	w.control("POST", "/_emu/submit", obj{"user": oncall, "view_id": form.ID, "values": obj{"role": obj{"role": obj{"text": role, "value": role}}, "region": obj{"region": w.ask.Region}, "window": obj{"window": "24h"}}}, &d)
	raw, err := json.Marshal(d.Errors)
	if err != nil {
		t.Fatal(err)
	}
	w.out.add("form's errors", raw)
	w.control("POST", "/_emu/click", obj{"user": payments, "channel": incidents, "ts": parent, "action_id": "feedback", "value": id + ":wrong"}, &d)
	w.until("a form asks why", func() bool { return len(w.views(payments)) == 1 })
	w.control("POST", "/_emu/submit", obj{"user": payments, "view_id": w.views(payments)[0].ID, "values": obj{"why": obj{"why": g.Text("feedback")}}}, &d)
	if again {
		w.control("POST", "/_emu/click", obj{"user": payments, "channel": incidents, "ts": parent, "action_id": "rerun", "value": g.Name("button's value")}, &d)
	}
	w.settled()
}

// broken answers AWS's calls with errors that quote a secret, or not at
// all: which, depends on how often the same was asked, not on what else is under way.
type broken struct {
	next  http.RoundTripper
	g     *planted.Ground
	mu    sync.Mutex
	calls map[string]int // by what is asked; guarded by mu
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.URL.Host + r.Header.Get("X-Amz-Target")
	b.mu.Lock()
	b.calls[asked]++
	n := b.calls[asked]
	said := b.g.Text("error of AWS")
	b.mu.Unlock()
	switch n % 4 {
	case 0:
		return b.next.RoundTrip(r)
	case 2:
		return nil, errors.New("proxy refused: " + said)
	}
	message, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	body := `{"__type":"ValidationException","message":` + string(message) + `}`
	if r.Header.Get("X-Amz-Target") == "" {
		var b bytes.Buffer
		b.WriteString(`<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>`)
		for _, c := range said {
			fmt.Fprintf(&b, "&#%d;", max(c, ' '))
		}
		b.WriteString(`</Message></Error><RequestId>r</RequestId></ErrorResponse>`)
		body = b.String()
	}
	return &http.Response{StatusCode: 400, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {"r"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: int64(len(body))}, nil
}

func (b *broken) Do(r *http.Request) (*http.Response, error) { return b.RoundTrip(r) }

// harvest runs the product in every planted incident and collects what it wrote.
func harvest(t *testing.T, g *planted.Ground) *outputs {
	out := &outputs{}
	jsonLogs := func(o *Serving) {
		o.Log = slog.New(slog.NewJSONHandler(&sink{out: out}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	t.Run("worlds", func(t *testing.T) { // side by side: most of the time is Slack's pace
		for i, from := range plantedCaptures {
			t.Run(filepath.Base(from), func(t *testing.T) {
				dir := plant(t, g, from) // one after the other, so that each has the same plants each time
				t.Parallel()
				w := newSecretWorld(t, dir, out, jsonLogs)
				w.use(g, i == 0)
				w.out.add("follow-ups", w.followUps(w.investigated()))
				w.collect()
			})
		}
		t.Run("errors", func(t *testing.T) {
			dir := plant(t, g, plantedCaptures[0])
			t.Parallel()
			w := newSecretWorld(t, dir, out, func(o *Serving) {
				jsonLogs(o)
				o.AWS.Config.HTTPClient = &broken{next: o.AWS.HTTP.Transport, g: g, calls: map[string]int{}}
			})
			w.command(w.asks())
			w.until("there is a parent", func() bool { return len(w.parents(incidents)) == 1 })
			w.until("it has ended", func() bool { return strings.HasPrefix(w.parents(incidents)[0].Text, "Diagnosis") })
			w.settled()
			w.collect()
		})
	})
	return out
}

// unpacked is a value of Redis as text: what the store has compressed would hide
// a secret from a search.
func (w secretWorld) unpacked(value string) string {
	if !strings.HasPrefix(value, "\x1f\x8b") {
		return value
	}
	z, err := gzip.NewReader(strings.NewReader(value))
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// sink takes the log.
type sink struct{ out *outputs }

func (s *sink) Write(p []byte) (int, error) {
	s.out.add("log", p)
	return len(p), nil
}

// investigated is the stored report.
func (w secretWorld) investigated() playbook.Report {
	inv, err := w.replicas[0].store.Load(w.t.Context(), w.parents(incidents)[0].Metadata.Payload["id"])
	if err != nil || inv.Report == nil {
		w.t.Fatalf("no report: %v", err)
	}
	return *inv.Report
}

// followUps carries all checks out, offered or not.
func (w secretWorld) followUps(r playbook.Report) []byte {
	aws := AWS{Config: w.aws.Config(r.Request.Target.Region), Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: w.aws.Client()}
	all, err := aws.FollowUps()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []byte
	for _, f := range all {
		o, err := followups.Run(context.WithoutCancel(w.t.Context()), slog.New(slog.DiscardHandler), f, r)
		if err != nil {
			w.t.Fatal(err)
		}
		raw, err := json.Marshal(o)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(append(out, raw...), '\n')
	}
	return out
}

// quiet are the places whose text is not told at all.
var quiet = []string{"TLS details", "additional data", "button's value", "error of AWS", "external id", "identity's unknown field", "metric dimension", "resource",
	"role description", "role in the form", "role tag", "role tag's key", "search in the form", "serial number", "session tag", "source identity", "status feed log", "status feed message",
	"status feed service", "unknown field", "unknown parameter", "unknown response element"}

// Whatever is planted wherever a stranger can write comes out nowhere: not in
// Slack, Redis, logs, the audit log, files or metrics. What stands beside it does,
// so the plants were there.
func TestPlantedSecretsComeOutNowhere(t *testing.T) {
	t.Parallel()
	g := planted.NewGround(cmp.Or(os.Getenv("STSLEUTH_PLANT"), "product")) // another word plants other secrets
	out := harvest(t, g)
	size, leaks := 0, 0
	for where, text := range out.all {
		size += len(text)
		for _, leak := range g.Leaks(text) {
			if leaks++; leaks < 20 {
				t.Errorf("%s has %s of %s: …%s…", where, leak.Piece, leak.Of, leak.Around)
			}
		}
	}
	t.Logf("%d bytes of output in %d places, %d leaks", size, len(out.all), leaks)
	for _, place := range g.Places() {
		in := 0
		for _, text := range out.all {
			if bytes.Contains(text, []byte(g.Marks[place])) {
				in++
			}
		}
		if silent := slices.Contains(quiet, place); silent != (in == 0) {
			t.Errorf("the text of %s comes out in %d places", place, in)
		}
	}
}

// The test above must be able to fail: with a redaction that cuts nothing it
// does. It builds the package once more, so it runs only when asked for, with
// STSLEUTH_MUTATION=1.
func TestPlantedSecretsComeOutWithoutRedaction(t *testing.T) {
	if os.Getenv("STSLEUTH_MUTATION") == "" {
		t.Skip("STSLEUTH_MUTATION is not set")
	}
	file, err := filepath.Abs(filepath.Join("..", "redact", "redact.go"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mutant, overlay := filepath.Join(dir, "redact.go"), filepath.Join(dir, "overlay.json")
	changed := bytes.Replace(code, []byte("if len(s) < shortest {"), []byte("if true {"), 1)
	if bytes.Equal(code, changed) {
		t.Fatal("the mutation changes nothing")
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: mutant}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(mutant, changed, 0o644), os.WriteFile(overlay, replace, 0o644)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-overlay", overlay, "-run", "TestPlantedSecretsComeOutNowhere", ".").CombinedOutput()
	t.Logf("%.4000s", out)
	if err == nil || !bytes.Contains(out, []byte(" leaks")) || bytes.Contains(out, []byte(" 0 leaks")) {
		t.Errorf("nothing leaks without redaction: %v", err)
	}
}
