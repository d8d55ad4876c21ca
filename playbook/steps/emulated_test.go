package steps

import (
	"context"
	"encoding/json"
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
)

// emulated is AWS as one capture has it, and one question about it.
type emulated struct {
	capture  *capture.Capture
	server   *awsemu.Server
	clients  Clients
	settings Settings
	request  playbook.Request
	done     playbook.Outcomes
}

const (
	asked0    = "2026-06-01T12:00:00Z"
	myAccount = "111122223333"
)

// emulate makes a capture of the given files (path to content) and asks about
// role in region. incident.yaml is made up.
func emulate(t *testing.T, role, region string, files map[string]string) *emulated {
	t.Helper()
	return emulateWith(t, awsemu.Options{}, role, region, files)
}

func emulateWith(t *testing.T, options awsemu.Options, role, region string, files map[string]string) *emulated {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"incident.yaml": "format: 1\ntitle: test\nnow: " + asked0 + "\naccount: \"" + myAccount + "\"\npartition: " + playbook.Partition(region) +
		"\nask: {role: \"" + role + "\", region: " + region + "}\n"}
	for path, content := range files {
		all[path] = content
	}
	for path, content := range all {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return emulateCaptureWith(t, options, dir)
}

func emulateCapture(t *testing.T, dir string) *emulated {
	t.Helper()
	return emulateCaptureWith(t, awsemu.Options{}, dir)
}

func emulateCaptureWith(t *testing.T, options awsemu.Options, dir string) *emulated {
	t.Helper()
	options.QueryDuration = -1
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	server := awsemu.New(c, options)
	t.Cleanup(func() { server.Close() })
	target, err := playbook.ParseRole(c.Incident.Ask.Role)
	if err != nil {
		t.Fatal(err)
	}
	target.Region = c.Incident.Ask.Region
	return &emulated{capture: c, server: server, clients: clientsOf(server.Config(target.Region)).reaching(server), done: playbook.Outcomes{},
		request: playbook.NewRequest("inv_test", target, c.Incident.Now, time.Duration(c.Incident.Ask.Window))}
}

// clientsOf retries as often as usual, but at once.
func clientsOf(cfg aws.Config) Clients {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	c := NewClients(cfg)
	c.Limits = Unpaced
	return c
}

func (c Clients) reaching(s *awsemu.Server) Clients {
	c.HTTP = s.Client()
	return c
}

// run settles one step on what was settled before, as the engine does. It holds for every step that
// only declared actions are called, that the emulator was asked nothing that it
// does not know, and that the facts survive JSON.
func (e *emulated) run(t *testing.T, id playbook.StepID) playbook.Outcome {
	t.Helper()
	plan := Plan(e.clients, e.settings)
	step, ok := plan.Step(id)
	if !ok {
		t.Fatalf("no step %s", id)
	}
	before := len(e.server.Calls())
	run := step.Run
	step.Run = func(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
		evidence, err := run(ctx, p)
		if err != nil {
			t.Errorf("run %s: %v", id, err)
		}
		return evidence, err
	}
	out, err := engine.Ask(t.Context(), nil, step, playbook.Pass{Request: e.request, Done: e.done.Only(step.Needs)})
	if err != nil {
		t.Fatalf("run %s: %v", id, err)
	}
	calls := slices.DeleteFunc(slices.Clone(e.server.Calls()[before:]), func(c awsemu.Call) bool { return c.Action == "sts:AssumeRole" }) // the way into another account
	for _, call := range calls {
		if !slices.Contains(step.Actions, call.Action) {
			t.Errorf("%s called %s, which it does not declare", id, call.Action)
		}
	}
	if odd := e.server.Unexpected(); len(odd) > 0 {
		t.Errorf("the emulator was asked what it does not know: %v", odd)
	}
	out.TookMS = 0 // no two runs take the same
	proven := 0
	for _, p := range out.Proof {
		proven += p.Calls
	}
	if feed := slices.ContainsFunc(out.Proof, func(p playbook.Proof) bool { return p.Action == "public status feed" }); feed {
		proven-- // which is no API
	}
	if proven != len(calls) {
		t.Errorf("%s: the proofs stand for %d requests, AWS saw %d", id, proven, len(calls))
	}
	e.done[id] = out
	return out
}

// settle puts an outcome in place of a step's run.
func (e *emulated) settle(t *testing.T, id playbook.StepID, status playbook.Status, facts any) {
	t.Helper()
	raw, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	e.done[id] = playbook.Outcome{Step: id, Status: status, Facts: raw}
}

func factOf[T any](t *testing.T, f playbook.Fact[T], o playbook.Outcomes) T {
	t.Helper()
	v, ok := f.In(o)
	if !ok {
		t.Fatalf("%s left no facts", f.Step)
	}
	return v
}

func wantStatus(t *testing.T, o playbook.Outcome, want playbook.Status) {
	t.Helper()
	if o.Status != want {
		t.Errorf("%s is %s, want %s: %s (unseen: %q)", o.Step, o.Status, want, o.Summary, o.Unseen)
	}
}

// rolesJSON is iam/roles.json with one role of the given trust policy; extra are
// further keys of the role.
func rolesJSON(name, path, trustPolicy, extra string) string {
	return `{"Roles":[{"Path":"` + path + `","RoleName":"` + name + `","RoleId":"AROAEXAMPLE0000000001","Arn":"arn:aws:iam::` + myAccount + `:role` + path + name + `",
"CreateDate":"2025-02-11T09:31:07+00:00","MaxSessionDuration":3600,"AssumeRolePolicyDocument":` + trustPolicy + extra + `}]}`
}

const (
	trustUser  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/svc"},"Action":"sts:AssumeRole"}]}`
	noIssues   = `{"Events":[],"SubscriptionRequired":false}`
	tokenTwo   = `{"SummaryMap":{"GlobalEndpointTokenVersion":2}}`
	tokenOne   = `{"SummaryMap":{"GlobalEndpointTokenVersion":1}}`
	stsTrouble = `{"Events":[{"arn":"arn:aws:health:eu-west-1::event/STS/AWS_STS_OPERATIONAL_ISSUE/X1","service":"STS","eventTypeCode":"AWS_STS_OPERATIONAL_ISSUE","eventTypeCategory":"issue","eventScopeCode":"PUBLIC","region":"eu-west-1","startTime":"2026-06-01T10:00:00Z","lastUpdatedTime":"2026-06-01T11:00:00Z","statusCode":"open","eventDescription":{"latestDescription":"Increased error rates."}}],"SubscriptionRequired":false}`
)
