package stsleuth_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/browsertest"
)

// walk is a new user's way through a fresh clone, with a stopwatch.
type walk struct {
	*testing.T
	dir   string // the clone
	env   []string
	begun time.Time
	last  time.Time
}

// newWalk clones the last commit. With an empty build cache, as on a machine
// that has never built anything; the modules are downloaded already.
func newWalk(t *testing.T, cold bool) *walk {
	w := &walk{T: t, dir: filepath.Join(t.TempDir(), "stsleuth"), env: append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")}
	if cold {
		w.env = append(w.env, "GOCACHE="+t.TempDir())
	}
	w.begun = time.Now()
	w.last = w.begun
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	clone := exec.CommandContext(t.Context(), "git", "clone", "-q", here, w.dir)
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	w.did("git clone")
	return w
}

// did reports what a stage took.
func (w *walk) did(what string) {
	now := time.Now()
	w.Logf("%-44s %7.1f s   %7.1f s since the clone began", what, now.Sub(w.last).Seconds(), now.Sub(w.begun).Seconds())
	w.last = now
}

// background starts what a user leaves running, and gives the n lines that it
// prints, from the one with its URL on. It is told to stop as by Ctrl-C, which
// reaches `go run` and its child alike.
func (w *walk) background(n int, args ...string) (lines []string) {
	w.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		cmd.Wait()
	})
	scan := bufio.NewScanner(out)
	for len(lines) < n && scan.Scan() {
		if line := strings.TrimSpace(scan.Text()); lines != nil || strings.Contains(line, "http://") {
			lines = append(lines, line)
		}
	}
	if len(lines) < n {
		w.Fatalf("%v printed %q only: %v", args, lines, scan.Err())
	}
	return lines
}

// types runs a command to its end and gives what it printed.
func (w *walk) types(args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &complaints)
	}
	return string(out)
}

func url(line string) string { return line[strings.Index(line, "http://"):] }

// A new user's first minutes, with an empty build cache and with a full one:
// from the clone to a diagnosis in the browser, and to a first answer out of an
// account that AWS's own tools see too. `make new-user` prints the table.
func TestANewUsersFirstMinutes(t *testing.T) {
	if os.Getenv("STSLEUTH_NEW_USER") == "" {
		t.Skip("make new-user runs this: it builds everything anew")
	}
	for _, cache := range []string{"empty", "full"} {
		t.Run("clone to a diagnosis in the browser, build cache "+cache, func(t *testing.T) {
			w := newWalk(t, cache == "empty")
			page := url(w.background(1, "go", "run", "./cmd/stsleuth", "demo", "--addr", "127.0.0.1:0", "--open=false")[0])
			w.did("go run ./cmd/stsleuth demo: the URL")
			w.inBrowser(page, "/sts-expired payments-api eu-west-1")
		})
		t.Run("clone to a first answer through the emulator, build cache "+cache, func(t *testing.T) {
			w := newWalk(t, cache == "empty")
			lines := w.background(4, "go", "run", "./cmd/stsleuth", "emulate", "aws", "--addr", "127.0.0.1:0", "--capture", "captures/payments-hourly")
			w.did("go run ./cmd/stsleuth emulate aws: listening")
			export, ask := strings.Fields(lines[2]), strings.Fields(lines[3])
			if export[0] != "export" || ask[0] != "stsleuth" {
				t.Fatalf("emulate aws printed %q", lines)
			}
			w.env = append(w.env, export[1:]...)
			if _, err := exec.LookPath("aws"); err == nil {
				if out := w.types("aws", "iam", "get-role", "--role-name", "payments-api", "--output", "json"); !strings.Contains(out, "AssumeRolePolicyDocument") {
					t.Errorf("aws iam get-role: %s", out)
				}
				w.did("aws iam get-role")
			}
			out := w.types(append([]string{"go", "run", "./cmd/stsleuth"}, ask[1:]...)...)
			w.did("go run ./cmd/stsleuth investigate: the answer")
			if !strings.Contains(out, "Cause found") {
				t.Errorf("investigate said:\n%s", out)
			}
		})
	}
}

// inBrowser opens the page, types the command and waits for the diagnosis.
func (w *walk) inBrowser(page, command string) {
	w.Helper()
	b := browsertest.Open(w.T, page, time.Minute)
	w.did("the page is there")
	b.Say(command)
	b.Until(`document.querySelector('#log').textContent.includes('Why do credentials of payments-api expire')`)
	w.did("typed " + command + ": answered")
	b.Until(`document.querySelector('#log').textContent.includes('Cause found')`)
	w.did("the diagnosis")
}
