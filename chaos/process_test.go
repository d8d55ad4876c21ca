package chaos

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// need skips where a program is not installed, and fails in CI, which has it.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
}

// program is what is tested, built once.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8") // these tests wait more than they work
	dir, err := os.MkdirTemp("", "stsleuth-chaos-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "stsleuth")
	code := 1
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/stsleuth").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// process is one running program. It must not end by itself.
type process struct {
	name   string
	log    string // file of what it wrote
	cmd    *exec.Cmd
	done   chan struct{}
	wanted atomic.Bool // it was told to end
}

// start runs a program with nothing but the given environment. Its output is
// added to the log of that name.
func start(t testing.TB, name string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{name: name, log: filepath.Join(t.ArtifactDir(), name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the child has its own
	p.cmd = exec.Command(program, args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append([]string{"PATH=" + os.Getenv("PATH")}, env...), out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		err := p.cmd.Wait()
		if !p.wanted.Load() {
			t.Errorf("%s ended by itself: %v\n%s", name, err, p.tail())
		}
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

// kill is kill -9.
func (p *process) kill() { p.signal(syscall.SIGKILL) }

// signal ends the process and waits for it.
func (p *process) signal(s syscall.Signal) {
	p.wanted.Store(true)
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.cmd.Process.Kill()
	}
	<-p.done
}

// tail is the end of what it wrote.
func (p *process) tail() string {
	raw, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// listening waits until a program has written where it listens.
func (p *process) listening(t testing.TB, readyFile string) string {
	t.Helper()
	var url []byte
	until(t, p.name+" listens", 30*time.Second, func() bool {
		url, _ = os.ReadFile(readyFile)
		return len(url) > 0
	})
	return string(bytes.TrimSpace(url))
}

// look is how often something is looked at that is waited for.
const look = 50 * time.Millisecond

// until waits for something to be so.
func until(t testing.TB, what string, within time.Duration, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for !is() {
		if !pause(ctx, look) {
			t.Fatalf("%s: not so after %s", what, within)
		}
	}
	return time.Since(began)
}

// pause waits; false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
