//go:build image && linux

// The image without a container engine: its root file system is laid out in a
// folder, as the Dockerfile says, and the binary runs in it with chroot, as the
// image's user, with the image's environment and nothing else.
//
//	go test -tags image ./deploy     (as root; `make image-check`)
package deploy

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

// image is what the Dockerfile says.
type image struct {
	root       string
	uid, gid   uint32
	env        []string
	entrypoint []string
	cmd        []string
	health     []string
}

func build(t *testing.T) image {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("chroot needs root")
	}
	context := t.TempDir()
	compile := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(context, "bin/stsleuth"), "./cmd/stsleuth")
	compile.Dir, compile.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	im := image{root: filepath.Join(t.TempDir(), "root")}
	if err := os.Mkdir(im.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := filepath.Dir(im.root); d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) {
		os.Chmod(d, 0o755) // the image's user walks through it
	}
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	list := func(s string) (out []string) {
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return out
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "", "#", "LABEL", "EXPOSE":
		case "FROM":
			if rest != "scratch" {
				t.Errorf("the image begins with %s, which would be pulled", rest)
			}
		case "COPY":
			owner, ok := "", false
			if owner, ok = strings.CutPrefix(rest, "--chown="); ok {
				owner, rest, _ = strings.Cut(owner, " ")
			}
			from, to, _ := strings.Cut(rest, " ")
			if from == "bin/tmp" { // an empty folder
				if err := os.Mkdir(filepath.Join(im.root, to), 0o755); err != nil {
					t.Fatal(err)
				}
				var uid, gid int
				fmt.Sscanf(owner, "%d:%d", &uid, &gid)
				if err := os.Chown(filepath.Join(im.root, to), uid, gid); err != nil {
					t.Fatal(err)
				}
				break
			}
			data, err := os.ReadFile(filepath.Join(context, from))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(im.root, to), data, 0o755); err != nil {
				t.Fatal(err)
			}
		case "USER":
			uid, gid, _ := strings.Cut(rest, ":")
			u, err1 := strconv.ParseUint(uid, 10, 32)
			g, err2 := strconv.ParseUint(gid, 10, 32)
			if err1 != nil || err2 != nil || u == 0 {
				t.Fatalf("USER %s is no number, or root", rest)
			}
			im.uid, im.gid = uint32(u), uint32(g)
		case "ENV":
			im.env = append(im.env, rest)
		case "ENTRYPOINT":
			im.entrypoint = list(rest)
		case "CMD":
			im.cmd = list(rest)
		case "HEALTHCHECK":
			_, cmd, _ := strings.Cut(rest, "CMD ")
			im.health = list(cmd)
		default:
			if !strings.HasPrefix(word, "#") {
				t.Fatalf("the test does not know %s", word)
			}
		}
	}
	return im
}

// command runs in the image's root, with no file but the image's to see.
func (im image) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Path, cmd.Err, cmd.Dir = args[0], nil, "/"
	cmd.Env = append(slices.Clone(im.env), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: im.root, Credential: &syscall.Credential{Uid: im.uid, Gid: im.gid}}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func (im image) run(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := im.command(t.Context(), env, append(slices.Clone(im.entrypoint), args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestTheBinaryRunsInAnEmptyRoot(t *testing.T) {
	im := build(t)
	files := 0
	filepath.WalkDir(im.root, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	})
	if files != 1 {
		t.Errorf("%d files in the image", files)
	}
	binary := filepath.Join(im.root, "stsleuth")
	if f, err := elf.Open(binary); err != nil {
		t.Fatal(err)
	} else if libs, _ := f.ImportedLibraries(); len(libs) > 0 || f.Section(".interp") != nil {
		t.Errorf("it is not static: %v", libs)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(info.Deps, func(d *debug.Module) bool { return d.Path == "golang.org/x/crypto/x509roots/fallback" }) {
		t.Error("no certificates of public authorities inside")
	}
	for _, args := range [][]string{{"explain"}, {"policy"}, {"policy", "-o", "cloudformation"}, {"manifest"}, {"config"}, {"--help"}} {
		if out, code := im.run(t, nil, args...); code != 0 || len(out) < 200 {
			t.Errorf("%v: exit %d\n%s", args, code, out)
		}
	}
	if out, code := im.run(t, nil, im.health[1:]...); code == 0 {
		t.Errorf("the health check is content with nothing running:\n%s", out)
	}

	slack := slackemu.New(slackemu.Options{})
	defer slack.Close()
	web := httptest.NewServer(slack)
	defer web.Close()
	incident, err := capture.Load(t.Context(), "../internal/policy/testdata/captures/everything", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer incident.Close()
	emu := awsemu.New(incident, awsemu.Options{})
	defer emu.Close()
	api := httptest.NewServer(emu)
	defer api.Close()
	app := slackemu.DefaultWorkspace().App
	env := []string{"SLACK_BOT_TOKEN=" + app.BotToken, "SLACK_APP_TOKEN=" + app.AppToken, "SLACK_API_URL=" + web.URL + "/api/",
		"AWS_ENDPOINT_URL=" + api.URL, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=af-south-1"}

	t.Run("doctor", func(t *testing.T) {
		out, _ := im.run(t, env, "doctor")
		for _, want := range []string{"The bot token is accepted: It is stsleuth's", "May iam:GetRole: Allowed.", "The credentials are accepted"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	})
	t.Run("serve", func(t *testing.T) {
		addr := free(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log bytes.Buffer
		serve := im.command(ctx, append(slices.Clone(env), "STSLEUTH_HEALTH_ADDR="+addr), append(slices.Clone(im.entrypoint), im.cmd...)...)
		serve.Stdout, serve.Stderr = &log, &log
		if err := serve.Start(); err != nil {
			t.Fatal(err)
		}
		ready := false
		for deadline := time.Now().Add(30 * time.Second); !ready && time.Now().Before(deadline); {
			check := im.command(ctx, []string{"STSLEUTH_HEALTH_ADDR=" + addr}, im.health...)
			ready = check.Run() == nil
		}
		cancel()
		serve.Wait()
		if !ready {
			t.Errorf("the health check never was content\n%s", log.String())
		}
	})
	t.Run("demo", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		demo := im.command(ctx, nil, append(slices.Clone(im.entrypoint), "demo", "--addr", "127.0.0.1:0")...)
		pipe, err := demo.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		demo.Stderr = &log
		if err := demo.Start(); err != nil {
			t.Fatal(err)
		}
		url := ""
		for lines := bufio.NewScanner(pipe); url == "" && lines.Scan(); {
			if i := strings.Index(lines.Text(), "http://"); i >= 0 {
				url = strings.Fields(lines.Text()[i:])[0]
			}
		}
		go io.Copy(io.Discard, pipe)
		if url == "" {
			t.Errorf("the demo said no address\n%s", log.String())
		} else if resp, err := http.Get(url); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("the demo's page: %v %v", resp, err)
		} else {
			resp.Body.Close()
		}
		cancel()
		demo.Wait()
	})
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
