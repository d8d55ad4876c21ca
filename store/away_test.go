package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

// inTime is how long a person may wait: Slack shows an error after that.
const inTime = 3 * time.Second

// answersInTime makes every call that a person waits for, and expects each to
// say in that time that Redis is away.
func answersInTime(t *testing.T, s *Store, id string) {
	t.Helper()
	for name, call := range map[string]func() error{
		"accept": func() error {
			_, err := s.Accept(t.Context(), playbook.Delivery{Envelope: "away"}, asked("payments-api"), false)
			return err
		},
		"press": func() error {
			_, _, err := s.Press(t.Context(), playbook.Delivery{}, id, "mfa", bob, 0)
			return err
		},
		"cancel": func() error { _, err := s.Cancel(t.Context(), id, bob); return err },
		"load":   func() error { _, err := s.Load(t.Context(), id); return err },
		"list":   func() error { _, err := s.List(t.Context(), playbook.Filter{}); return err },
		"claim":  func() error { _, err := s.Claim(t.Context(), 1); return err },
		"ready":  func() error { return s.Ready(t.Context()) },
	} {
		begun := time.Now()
		if err := call(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		if took := time.Since(begun); took > inTime {
			t.Errorf("%s answered after %s", name, took)
		}
	}
}

func TestRedisAwayIsSaidInTime(t *testing.T) {
	m := miniredis.RunT(t)
	s := replica(t, "redis://"+m.Addr())
	id := accept(t, s, asked("payments-api"))
	m.Close()
	answersInTime(t, s, id)
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("it is back, and not ready: %v", err)
	}
	load(t, s, id)
}

func TestARedisThatHangsIsSaidInTime(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := replica(t, "redis://"+r.addr())
	id := accept(t, s, asked("payments-api"))
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	answersInTime(t, s, id)
	if err := r.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("it goes on, and is not ready: %v", err)
	}
}

func TestOpeningSaysThatRedisIsAway(t *testing.T) {
	begun := time.Now()
	if _, err := Open(t.Context(), "redis://127.0.0.1:1", Options{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > inTime {
		t.Errorf("it took %s", took)
	}
}

func TestACallerWhoGivesUpIsNotTakenForRedis(t *testing.T) {
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := s.Load(ctx, "inv_x"); !errors.Is(err, gone) || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestACallersDeadlineIsRedissFault(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, "redis://"+l.Addr().String(), Options{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// A run waits while Redis is killed and comes back with what it had on disk;
// nobody takes the run over meanwhile or afterwards.
func TestARunOutlivesRedis(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := replica(t, "redis://"+r.addr())
	started, goOn := make(chan struct{}, 1), make(chan struct{})
	runs := make(chan struct{}, 9)
	working(t, s, Tasks{Investigate: func(ctx context.Context, inv playbook.Investigation) error {
		runs <- struct{}{}
		return investigate(s, plan(func(_ context.Context, id playbook.StepID) error {
			if id == "cc" {
				started <- struct{}{}
				<-goOn
			}
			return nil
		}))(ctx, inv)
	}})
	id := accept(t, s, asked("payments-api"))
	<-started
	r.kill()
	close(goOn) // the step settles into nowhere
	<-time.After(500 * time.Millisecond)
	r.start()
	took := eventually(t, "the report", 10*time.Second, func() bool {
		inv, err := s.Load(t.Context(), id)
		return err == nil && inv.State == playbook.Finished
	})
	t.Logf("from Redis's return to the report: %s", took)
	if len(runs) != 1 {
		t.Errorf("it was run %d times", len(runs))
	}
	if n := len(load(t, s, id).Report.Steps); n != 3 {
		t.Errorf("%d steps in the report", n)
	}
}

// lines collects a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestRedisRestartedEmptyIsSaidOnce(t *testing.T) {
	t.Parallel()
	r := startRedis(t, "--appendonly", "no")
	var log lines
	s, err := Open(t.Context(), "redis://"+r.addr(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	left := make(chan error, 1)
	started := make(chan struct{}, 1)
	stop := working(t, s, Tasks{Investigate: func(ctx context.Context, inv playbook.Investigation) error {
		err := investigate(s, plan(stuck(started)))(ctx, inv)
		left <- err
		return err
	}})
	accept(t, s, asked("payments-api"))
	<-started
	r.kill()
	r.start()
	eventually(t, "a word about it", 5*time.Second, func() bool { return strings.Contains(log.String(), "emptied") })
	<-left // the run of before is fenced and leaves
	second := accept(t, s, asked("billing-api"))
	<-started // and new work goes on
	if _, err := s.Cancel(t.Context(), second, bob); err != nil {
		t.Fatal(err)
	}
	<-left
	stop()
	if n := strings.Count(log.String(), "emptied"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, log.String())
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	need(t, "redis-sentinel")
	url, master, slave := startSentinels(t)
	s := replica(t, url)
	id := accept(t, s, asked("payments-api"))
	token := begin(t, s, id)
	c := redis.NewClient(&redis.Options{Addr: slave.addr()})
	defer c.Close()
	eventually(t, "the replica to have it", 5*time.Second, func() bool { return c.Exists(t.Context(), recordKey(id)).Val() == 1 })
	master.kill()
	took := eventually(t, "the new master", 20*time.Second, func() bool {
		_, err := s.Settle(t.Context(), id, token, outcome(1, "aa"))
		return err == nil
	})
	t.Logf("from the master's death to the next write: %s", took)
	if n := len(load(t, s, id).Steps); n != 1 {
		t.Errorf("%d steps, want 1", n)
	}
}

func TestSeveralAddressesReadFromURL(t *testing.T) {
	for url, want := range map[string]string{
		"redis://h":                           "addrs [h:6379] db 0 user  password  master  cluster false tls false",
		"redis://u:p%40@h:1/3":                "addrs [h:1] db 3 user u password p@ master  cluster false tls false",
		"rediss://:p@h":                       "addrs [h:6379] db 0 user  password p master  cluster false tls true",
		"redis-sentinel://h1,h2:5/1?master=m": "addrs [h1:26379 h2:5] db 1 user  password  master m cluster false tls false",
		"rediss-sentinel://h1":                "addrs [h1:26379] db 0 user  password  master mymaster cluster false tls true",
		"redis-cluster://u:p@h1,h2:7":         "addrs [h1:6379 h2:7] db 0 user u password p master  cluster true tls false",
		"redis-cluster://[::1]:7":             "addrs [[::1]:7] db 0 user  password  master  cluster true tls false",
	} {
		o, err := parseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := describe(o); got != want {
			t.Errorf("%s:\n got %s\nwant %s", url, got, want)
		}
	}
	for _, url := range []string{"localhost:6379", "http://h", "redis://h1,h2", "redis://h/x", "redis-cluster://h/1", "redis://", "redisx://h", "redis://u:se%cret@h"} {
		_, err := parseURL(url)
		if err == nil {
			t.Errorf("%s was read", url)
		} else if strings.Contains(err.Error(), "cret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
}

func TestAServerThatNeverAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	begun := time.Now()
	if _, err := Open(t.Context(), "redis://"+l.Addr().String(), Options{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > inTime {
		t.Errorf("it took %s", took)
	}
}

// An operator reads one line when Redis goes away and one when it is back,
// whatever asynq, the heartbeats and the watchdog have to say meanwhile.
func TestAnOutageIsTwoLinesOfTheLog(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	var log lines
	s, err := Open(t.Context(), "redis://"+m.Addr(), Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	started := make(chan struct{}, 1)
	stop := working(t, s, Tasks{Investigate: investigate(s, plan(stuck(started)))})
	id := accept(t, s, asked("payments-api"))
	<-started
	m.Close()
	eventually(t, "the first line", 5*time.Second, func() bool { return strings.Contains(log.String(), "does not answer") })
	<-time.After(6 * time.Second) // a heartbeat and the watchdog fail each second, asynq's parts each few
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last line", 10*time.Second, func() bool { return strings.Contains(log.String(), "answers again") })
	if _, err := s.Cancel(t.Context(), id, bob); err != nil {
		t.Fatal(err)
	}
	stop()
	all := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(all) != 2 || !strings.Contains(all[0], `"level":"ERROR"`) || !strings.Contains(all[0], "does not answer") || !strings.Contains(all[1], "answers again") {
		t.Errorf("the log of an outage:\n%s", log.String())
	}
}
