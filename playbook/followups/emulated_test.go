package followups

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// account is AWS as one capture has it.
type account struct {
	server  *awsemu.Server
	clients steps.Clients
	plan    playbook.Plan
	request playbook.Request
}

// open puts an emulator in front of a capture and freezes its question.
func open(t *testing.T, dir string) *account {
	t.Helper()
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	server := awsemu.New(c, awsemu.Options{QueryDuration: -1})
	t.Cleanup(func() { server.Close() })
	target, err := playbook.ParseRole(c.Incident.Ask.Role)
	if err != nil {
		t.Fatal(err)
	}
	target.Region, target.Partition = c.Incident.Ask.Region, c.Incident.Partition
	cfg := server.Config(target.Region)
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	clients := steps.NewClients(cfg)
	clients.Limits, clients.HTTP, clients.StatusFeed = steps.Unpaced, server.Client(), "http://aws.invalid/public/currentevents"
	window := time.Duration(c.Incident.Ask.Window)
	if window == 0 {
		window = playbook.DefaultWindow
	}
	return &account{server: server, clients: clients, plan: steps.Plan(clients, steps.Settings{}),
		request: playbook.NewRequest("inv_test", target, c.Incident.Now, window)}
}

// investigate runs a plan over a window that ends at the capture's moment.
func (a *account) investigate(t *testing.T, plan playbook.Plan, window time.Duration) playbook.Report {
	t.Helper()
	req := a.request
	req.Window.From = req.Window.To.Add(-window)
	r, err := engine.Engine{Plan: plan, Judge: rules.Judge, Journal: new(engine.Memory)}.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// follow carries one follow-up out. It holds for every one that only declared
// actions are called, that nothing is asked which the emulator does not know, and
// that the proofs stand for every request.
func (a *account) follow(t *testing.T, o playbook.Offer, r playbook.Report) playbook.Outcome {
	t.Helper()
	f, ok := Find(All(a.clients, steps.Settings{}), o)
	if !ok {
		t.Fatalf("no follow-up %s", o)
	}
	before := len(a.server.Calls())
	out, err := Run(context.WithoutCancel(t.Context()), nil, f, r)
	if err != nil {
		t.Fatal(err)
	}
	calls := a.server.Calls()[before:]
	for _, c := range calls {
		if !slices.Contains(f.Actions, c.Action) {
			t.Errorf("%s called %s, which it does not declare", o, c.Action)
		}
	}
	if odd := a.server.Unexpected(); len(odd) > 0 {
		t.Errorf("the emulator was asked what it does not know: %v", odd)
	}
	proven := 0
	for _, p := range out.Proof {
		if p.Action != "public status feed" {
			proven += p.Calls
		}
	}
	if proven != len(calls) {
		t.Errorf("%s: the proofs stand for %d requests, AWS saw %d", o, proven, len(calls))
	}
	if out.Status == playbook.Broken {
		t.Errorf("%s is broken: %s", o, out.Summary)
	}
	return out
}

// captures are the folders of example incidents, ours and the shared ones.
func captures(t *testing.T) []string {
	t.Helper()
	dirs, err := capture.FindAll("../../captures")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../../../shared/captures"); err == nil {
		more, err := capture.FindAll("../../../shared/captures")
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, more...)
	}
	if len(dirs) == 0 {
		t.Skip("there are no captures here")
	}
	return dirs
}

func name(dir string) string { return filepath.Base(dir) }

// made puts an emulator in front of a capture of the given files (path to
// content); incident.yaml is made up.
func made(t *testing.T, files map[string]string) *account {
	t.Helper()
	dir := t.TempDir()
	files["incident.yaml"] = "format: 1\ntitle: test\nnow: " + noon.Format(time.RFC3339) + "\naccount: \"111122223333\"\npartition: aws\nask: {role: app, region: eu-west-1}\n"
	for path, content := range files {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir)
}
