package store

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/playbook"
)

// asWorker makes this test binary a worker process that gets stuck in every
// investigation: TestMain becomes it when the environment names a Redis.
const asWorker = "STSLEUTH_STORE_TEST_WORKER"

func worker(url string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := Open(ctx, url, Options{Log: slog.Default()})
	if err != nil {
		slog.Error("open", "err", err)
		os.Exit(1)
	}
	defer s.Close()
	started := make(chan struct{})
	go func() { <-started; os.Stdout.WriteString("started\n") }()
	if err := s.Work(ctx, Tasks{Investigate: investigate(s, plan(stuck(started)))}); err != nil {
		slog.Error("work", "err", err)
		os.Exit(1)
	}
}

// The only worker goes away in the middle of a run, and another replica goes on.
func TestAnotherProcessGoesOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		signal syscall.Signal
		within time.Duration
	}{
		"kill -9": {syscall.SIGKILL, 15 * time.Second},
		"SIGTERM": {syscall.SIGTERM, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "redis://" + miniredis.RunT(t).Addr()
			s := replica(t, url)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), asWorker+"="+url)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
			id := accept(t, s, asked("payments-api"))
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatalf("the worker did not start: %v", err)
			}
			working(t, s, Tasks{Investigate: investigate(s, plan(quick))})
			if err := cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			took := eventually(t, "the report", tc.within, func() bool { return load(t, s, id).State == playbook.Finished })
			t.Logf("from %s to the other process's report: %s", name, took.Round(10*time.Millisecond))
		})
	}
}
