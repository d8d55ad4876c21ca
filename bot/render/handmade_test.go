package render_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

var (
	update        = flag.Bool("update", false, "write the golden files")
	updateReports = flag.Bool("update-reports", false, "run the captures again and keep their reports")
)

// plan is the real runbook; nothing of it is run here.
var plan = steps.Plan(steps.Clients{}, steps.Settings{})

var asked = time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)

// question is an investigation that was just accepted.
func question() playbook.Investigation {
	return playbook.Investigation{
		Request: playbook.NewRequest("inv_2f6q7x3kd5m4a", playbook.Target{Asked: "payments-api", Role: "payments-api", RoleARN: "arn:aws:iam::111122223333:role/payments-api",
			Account: "111122223333", Partition: "aws", Region: "eu-west-1"}, asked, playbook.DefaultWindow),
		State:    playbook.Accepted,
		AskedBy:  playbook.Person{Team: "T0ACME", User: "U0ONCALL"},
		Place:    playbook.Place{Team: "T0ACME", Channel: "C0INCIDENTS"},
		Accepted: asked,
	}
}

// of is the finished investigation that a report belongs to.
func of(r playbook.Report) playbook.Investigation {
	inv := question()
	inv.Request, inv.State, inv.Report, inv.Steps = r.Request, playbook.Finished, &r, playbook.Outcomes{}
	inv.Accepted, inv.Ended = r.Request.At, r.Request.At.Add(12*time.Second)
	for _, o := range r.Steps {
		inv.Steps[o.Step] = o
	}
	return inv
}

// named is a message with the name that its golden file has.
type named struct {
	name string
	msg  render.Message
}

// everything renders each message that an investigation can have.
func everything(inv playbook.Investigation) []named {
	out := []named{{"parent", render.Parent(inv, plan)}}
	for _, step := range plan {
		if o, ok := inv.Steps[step.ID]; ok {
			out = append(out, named{"evidence-" + string(step.ID), render.Evidence(inv, step, o)})
		}
	}
	if inv.Report != nil {
		out = append(out, named{"trace", render.Trace(inv, rules.All())}, named{"timeline", render.TimelineMessage(inv)})
	}
	for _, p := range inv.Presses {
		out = append(out, named{"follow-up-" + p.ID, render.FollowUp(inv, p)}, named{"already-pressed-" + p.ID, render.AlreadyPressed(inv, p)}, named{"pressed-" + p.ID, render.Pressed(p)})
	}
	for _, n := range []string{render.NoteStopped, render.NoteResumed} {
		m, _ := render.Note(inv, n)
		out = append(out, named{"note-" + n, m})
	}
	return append(out, named{"accepted", render.Accepted(inv)}, named{"already-running", render.AlreadyRunning(inv)}, named{"recently-done", render.RecentlyDone(inv)},
		named{"ended", render.Ended(inv)}, named{"list", render.List("/sts-expired", []playbook.Investigation{inv, question()})}, named{"status", render.Status("/sts-expired", []playbook.Investigation{inv})})
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func pretty(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}
