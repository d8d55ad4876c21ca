package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/store"
)

// world is the product as it runs, with everything around it.
type world struct {
	t     testing.TB
	slack string // the Slack emulator's URL
	aws   string // the AWS emulator's URL
	port  string // Redis's
	bot   struct {
		Token string `json:"bot_token"`
		App   string `json:"app_token"`
	}
	state *store.Store // our own look at the records
	rdb   *redis.Client

	redisArgs []string
	redis     *process
}

// newWorld starts Redis and the emulators, and no replica yet. A query of AWS
// takes that long.
func newWorld(t testing.TB, regions []string, query time.Duration) *world {
	t.Helper()
	need(t, "redis-server")
	w := &world{t: t, port: freePort(t)}
	w.redisArgs = []string{"--port", w.port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always",
		"--save", "", "--maxmemory-policy", "noeviction"}
	w.startRedis()
	t.Cleanup(func() {
		if lines := w.logged(); t.Failed() {
			t.Logf("the end of what was logged about investigations:\n%s", strings.Join(lines[max(0, len(lines)-100):], ""))
		}
	})
	until(t, "Redis answers", 10*time.Second, func() bool { return w.rdb.Ping(t.Context()).Err() == nil })
	state, err := store.Open(t.Context(), w.redisURL(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	w.state = state

	dir := t.TempDir()
	slack, aws := filepath.Join(dir, "slack"), filepath.Join(dir, "aws")
	s := start(t, "slack", nil, program, "emulate", "slack", "--addr", "127.0.0.1:0", "--ready-file", slack)
	a := start(t, "aws", nil, program, "emulate", "aws", "--addr", "127.0.0.1:0", "--ready-file", aws, "--capture", incident(t, regions), "--query-duration", query.String())
	w.slack, w.aws = s.listening(t, slack), a.listening(t, aws)
	var workspace struct{ App any }
	workspace.App = &w.bot
	w.control(http.MethodGet, w.slack, "workspace", nil, &workspace)
	for _, c := range channels {
		w.control(http.MethodPost, w.slack, "channel", obj{"channel": c, "is_member": true, "is_ext_shared": false}, nil)
	}
	return w
}

// logged are the lines of all replicas that tell of trouble with investigations,
// by time, and of panics.
func (w *world) logged() (lines []string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.t.ArtifactDir(), "replica-*.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			trouble := strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`)
			if trouble && strings.Contains(line, "inv_") || strings.Contains(line, "panic") {
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines) // each begins with its time
	return lines
}

func (w *world) redisURL() string { return "redis://127.0.0.1:" + w.port }

func (w *world) startRedis() {
	w.t.Helper()
	w.redis = start(w.t, "redis", nil, "redis-server", w.redisArgs...)
	if w.rdb == nil {
		w.rdb = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + w.port})
		w.t.Cleanup(func() { w.rdb.Close() })
	}
}

// awsEnv is what a process needs to ask the emulator for AWS, and nobody else.
func (w *world) awsEnv() []string {
	return []string{"AWS_ENDPOINT_URL=" + w.aws, "AWS_REGION=" + home, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=example",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent"}
}

// replica is a slot for one process of the bot.
type replica struct {
	w      *world
	n      int
	health string
	*process
}

// replica starts a process of the bot, one of so many.
func (w *world) replica(n, of int) *replica {
	w.t.Helper()
	r := &replica{w: w, n: n, health: "127.0.0.1:" + freePort(w.t)}
	r.run(of)
	return r
}

func (r *replica) run(of int) {
	r.w.t.Helper()
	env := append(r.w.awsEnv(), "SLACK_BOT_TOKEN="+r.w.bot.Token, "SLACK_APP_TOKEN="+r.w.bot.App, "SLACK_API_URL="+r.w.slack+"/api/",
		"REDIS_URL="+r.w.redisURL(), "STSLEUTH_REPLICAS="+strconv.Itoa(of))
	r.process = start(r.w.t, fmt.Sprintf("replica-%d", r.n), env, program, "serve", "--health", r.health)
}

// ready waits until it answers commands.
func (r *replica) ready() {
	r.w.t.Helper()
	until(r.w.t, r.name+" is ready", 60*time.Second, func() bool {
		resp, err := http.Get("http://" + r.health + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

type obj = map[string]any

// control uses one of an emulator's controls, as everybody does.
func (w *world) control(method, emulator, path string, in, out any) {
	w.t.Helper()
	if err := ask(w.t.Context(), method, emulator+"/_emu/"+path, in, out); err != nil {
		w.t.Error(err)
	}
}

func ask(ctx context.Context, method, address string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s with %s: %s: %s", method, address, body, resp.Status, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// message is a stored message of the workspace.
type message struct {
	TS       string
	Text     string
	ThreadTS string `json:"thread_ts"`
	Metadata *struct {
		Payload struct{ ID, Message string } `json:"event_payload"`
	}
	Files []struct{ Name string }
}

// messages are those of a channel, or of a thread.
func (w *world) messages(channel, thread string) []message {
	w.t.Helper()
	q := url.Values{"channel": {channel}}
	if thread != "" {
		q.Set("thread_ts", thread)
	}
	var out struct{ Messages []message }
	w.control(http.MethodGet, w.slack, "messages?"+q.Encode(), nil, &out)
	return out.Messages
}

// field reads a field of a stored record: see docs/STATE.md.
func (w *world) field(id, name string) int64 {
	n, _ := w.rdb.HGet(w.t.Context(), "{stsleuth}:record:"+id, name).Int64() // 0 where it is not there, or Redis is not
	return n
}
