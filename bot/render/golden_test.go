package render_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

// settled is a step's outcome, for investigations made by hand.
func settled(id playbook.StepID, s playbook.Status, summary string, f any) playbook.Outcome {
	step, _ := plan.Step(id)
	raw, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	if f == nil {
		raw = []byte("{}")
	}
	return playbook.Outcome{N: step.N, Step: id, Status: s, Summary: summary, Facts: raw, TookMS: 840}
}

func with(inv playbook.Investigation, list ...playbook.Outcome) playbook.Investigation {
	inv.Steps = playbook.Outcomes{}
	for _, o := range list {
		inv.Steps[o.Step] = o
	}
	return inv
}

func at(hhmm string) time.Time {
	t, err := time.Parse("15:04", hhmm)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 3, t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// half is an investigation with one step of each way to end.
func half() playbook.Investigation {
	inv := question()
	inv.State, inv.Started = playbook.Running, []playbook.StepID{playbook.Federation, playbook.Sessions}
	trail := settled(playbook.STSErrors, playbook.Denied, "CloudTrail could not be read: stsleuth's own credentials lack cloudtrail:LookupEvents in eu-west-1.", nil)
	trail.Missing = []string{"cloudtrail:LookupEvents"}
	trail.Unseen = []string{"CloudTrail's event history in eu-west-1 could not be read."}
	trail.Corrections = []string{"CloudTrail does not normally record calls made with expired credentials: they fail before they are authenticated."}
	logs := settled(playbook.AppErrors, playbook.TimedOut, "This step did not end within its 2m0s.", nil)
	health := settled(playbook.RoleAndHealth, playbook.Found, "Role payments-api exists. AWS Health has an open issue of STS in eu-west-1.", facts.RoleAndHealth{Exists: playbook.Yes, Account: "111122223333", AccountAlias: "acme-prod",
		Events: []facts.HealthEvent{{ID: "arn:aws:health:eu-west-1::event/STS/1", Service: "STS", Region: "eu-west-1", Code: "AWS_STS_OPERATIONAL_ISSUE", Open: true, Start: at("07:50"), Text: "Increased error rates"}}})
	health.Proof = []playbook.Proof{{Action: "iam:GetRole", Region: "us-east-1", CLI: "aws iam get-role --role-name payments-api --region us-east-1", Result: "exists", Calls: 1,
		Console: "https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/roles/details/payments-api"}}
	metrics := settled(playbook.STSMetrics, playbook.Blind, "There is no metric of STS calls, and CloudTrail could not be read to count them.", nil)
	config := settled(playbook.RoleConfig, playbook.Clear, "MaxSessionDuration is 1 h; the trust policy has 1 statement.", facts.RoleConfig{MaxSessionDuration: 3600, TrustPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		Statements: []facts.Statement{{Effect: "Allow", Text: "EC2 instances may assume the role."}}})
	config.Partial = "One attached policy could not be read."
	return with(inv, health, trail, config, metrics, logs, settled(playbook.TrustChanges, playbook.Broken, "Internal error in this step; the log has the cause under inv_2f6q7x3kd5m4a.", nil))
}

// ended are investigations without a diagnosis, and one with buttons pressed.
func handmade() map[string]playbook.Investigation {
	stopped, failed := half(), question()
	stopped.State, stopped.StoppedBy, stopped.Ended = playbook.Stopped, playbook.Person{User: "U0PAYMENTS"}, asked.Add(40*time.Second)
	failed.State, failed.Problem, failed.Ended = playbook.Failed, "No worker could reach AWS for 10 minutes.", asked.Add(10*time.Minute)

	several := half()
	several.State, several.Ended = playbook.Finished, asked.Add(31*time.Second)
	cites := []playbook.Cite{{Step: playbook.RoleAndHealth, Ref: "health event arn:aws:health:eu-west-1::event/STS/1"}}
	cause := func(id playbook.CauseID, c playbook.Confidence, headline, why string) playbook.Finding {
		known, _ := rules.FindCause(id)
		return playbook.Finding{Cause: id, Confidence: c, Headline: headline, Why: why, Fix: known.Fix, Prevent: known.Prevent, Cites: cites}
	}
	several.Report = &playbook.Report{Request: several.Request, Diagnosis: playbook.Diagnosis{Verdict: playbook.SeveralCauses,
		Causes: []playbook.Finding{cause(playbook.STSServiceEvent, playbook.High, "AWS has trouble with STS in eu-west-1", "The event is open since 07:50 and 4 unrelated roles fail since."),
			cause(playbook.NoRefresh, playbook.Low, "Credentials are used past their end of 1 h", "Two sessions were used past their end.")},
		NotChecked: []playbook.NotChecked{{Step: playbook.STSErrors, Reason: "CloudTrail could not be read."}}, Offers: playbook.Offers()}}
	for _, r := range rules.All() {
		several.Report.Rules = append(several.Report.Rules, playbook.Judged{N: r.N, Rule: r.ID, Verdict: playbook.Verdict(r.N % 3), Message: "What " + string(r.ID) + " makes of it.", Cites: []playbook.StepID{playbook.AppErrors}, Refs: cites})
	}
	for _, step := range plan {
		if o, ok := several.Steps[step.ID]; ok {
			several.Report.Steps = append(several.Report.Steps, o)
		}
	}
	found := settled(playbook.RoleConfig, playbook.Found, "The user ci has no MFA device, and the trust policy wants one.", nil)
	found.Proof = []playbook.Proof{{Action: "iam:ListMFADevices", Region: "us-east-1", CLI: "aws iam list-mfa-devices --user-name ci", Result: "0 devices", Calls: 1}}
	ben := playbook.Person{User: "U0PAYMENTS"}
	several.Presses = []playbook.Press{
		{ID: "1", Action: string(playbook.MFADevices), By: ben, At: asked.Add(time.Minute), State: playbook.Finished, Outcome: &found},
		{ID: "2", Action: string(playbook.TokenRefresh), By: ben, At: asked.Add(2 * time.Minute), State: playbook.Running},
		{ID: "3", Action: string(playbook.Extend48h), By: ben, At: asked.Add(3 * time.Minute), State: playbook.Failed},
		{ID: "4", Action: render.ActionLookAgain, By: ben, At: asked.Add(3 * time.Minute), State: playbook.Accepted, Led: "inv_next"},
	}
	several.Posted = []playbook.Posted{{Message: playbook.IDOf(playbook.ParentMessage, ""), Channel: "C0INCIDENTS", TS: "1793696400.000100", Permalink: "https://acme.slack.com/archives/C0INCIDENTS/p1793696400000100"}}

	old := several
	old.SupersededBy, old.Presses = "inv_next", nil
	old.SupersededAt = "https://acme.slack.com/archives/C0INCIDENTS/p1793696400000900"
	next := half()
	next.Extends, next.ExtendsAt = "inv_old", several.Posted[0].Permalink
	return map[string]playbook.Investigation{"accepted": question(), "running": half(), "stopped": stopped, "failed": failed, "several-causes": several, "superseded": old, "successor": next}
}

// keptReports are of real runs over example incidents.
var keptReports = []string{"hourly-no-refresh", "trust-policy-drops-caller", "cannot-see", "max-session-lowered"}

func TestMessagesAreAsKept(t *testing.T) {
	cases := handmade()
	for _, name := range keptReports {
		cases["real-"+name] = of(kept(t, name))
	}
	for name, inv := range cases {
		t.Run(name, func(t *testing.T) {
			list := everything(inv)
			hold(t, list)
			golden(t, name, list)
		})
	}
	t.Run("answers", func(t *testing.T) {
		list := answersWith("U0STSLEUTH")
		hold(t, list)
		golden(t, "answers", list)
	})
}

func TestClassicMessagesAreAsKept(t *testing.T) {
	inv := handmade()["several-causes"]
	step, _ := plan.Step(playbook.RoleConfig)
	golden(t, "classic", []named{
		{"parent-running", render.Classic(render.Parent(half(), plan))},
		{"parent", render.Classic(render.Parent(inv, plan))},
		{"evidence", render.Classic(render.Evidence(inv, step, inv.Steps[step.ID]))},
		{"trace", render.Classic(render.Trace(inv, rules.All()))},
	})
}

func TestFormsAreAsKept(t *testing.T) {
	ask := render.AskForm(render.Prefill{Role: "payments-api", Region: "eu-west-1", Window: 48 * time.Hour, Meta: "C0INCIDENTS", Problem: "The region is missing."}, playbook.Regions("aws"))
	for name, form := range map[string]any{"form-ask": ask, "form-feedback": render.FeedbackForm("inv_2f6q7x3kd5m4a"),
		"role-options": render.RoleOptions([]playbook.Target{{Role: "payments-api", Path: "/team/"}, {Role: "other"}})} {
		compare(t, name, pretty(t, form))
		if strings.HasPrefix(name, "form") {
			dump(t, name, pretty(t, form))
		}
	}
}

func golden(t *testing.T, name string, list []named) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, n := range list {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(" \"" + n.name + "\": ")
		var w onWire
		if err := json.Unmarshal(wire(n.msg), &struct {
			Text  *string       `json:"text"`
			Files *[]fileOnWire `json:"files"`
		}{&w.Text, &w.Files}); err != nil {
			t.Fatal(err)
		}
		w.Blocks = n.msg.Blocks
		for i := range w.Files {
			w.Files[i].Text = cutTo(w.Files[i].Text, 600)
		}
		b.Write(bytes.TrimSpace(pretty(t, w)))
		dump(t, name+"-"+n.name, wire(n.msg))
	}
	b.WriteString("\n}\n")
	compare(t, name, b.Bytes())
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".json")
	if *update {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-kept +now); -update keeps what is now:\n%s", file, cutTo(diff, 3000))
	}
}

// dump writes a message where STSLEUTH_DUMP_MESSAGES says, for checks by other tools.
func dump(t *testing.T, name string, message []byte) {
	if dir := os.Getenv("STSLEUTH_DUMP_MESSAGES"); dir != "" {
		write(t, filepath.Join(dir, "render-"+name+".json"), message)
	}
}

func TestSameInvestigationSameBytes(t *testing.T) {
	inv := of(kept(t, "trust-policy-drops-caller"))
	first := everything(inv)
	for range 5 {
		for i, n := range everything(inv) {
			if !bytes.Equal(wire(n.msg), wire(first[i].msg)) {
				t.Errorf("%s differs between two renderings", n.name)
			}
			for j, f := range n.msg.Files {
				if !bytes.Equal(f.Bytes, first[i].msg.Files[j].Bytes) {
					t.Errorf("%s: file %s differs between two renderings", n.name, f.Name)
				}
			}
		}
	}
}

func TestEveryMessageOfTheOutboxIsRendered(t *testing.T) {
	inv := handmade()["several-causes"]
	ok := []playbook.Message{{Kind: playbook.ParentMessage}, {Kind: playbook.EvidenceMessage, Ref: "role-config"}, {Kind: playbook.TraceMessage}, {Kind: playbook.FollowUpMessage, Ref: "1"},
		{Kind: playbook.NoteMessage, Ref: render.NoteStopped}, {Kind: playbook.TimelineMessage}}
	for _, m := range ok {
		if _, err := render.Of(inv, plan, rules.All(), m); err != nil {
			t.Error(err)
		}
	}
	for _, m := range []playbook.Message{{Kind: playbook.EvidenceMessage, Ref: "sessions"}, {Kind: playbook.EvidenceMessage, Ref: "no-such"}, {Kind: playbook.FollowUpMessage, Ref: "9"}, {Kind: "other"}} {
		if got, err := render.Of(inv, plan, rules.All(), m); err == nil {
			t.Errorf("%s was rendered as %q", m.ID(), got.Text)
		}
	}
	if _, err := render.Of(question(), plan, rules.All(), playbook.Message{Kind: playbook.TraceMessage}); err == nil {
		t.Error("a trace without a report")
	}
}

func TestButtonsAreReadBack(t *testing.T) {
	for _, c := range []struct {
		id, value, action, investigation string
		right                            bool
	}{
		{"follow-up:extend-48h", "inv_1", "extend-48h", "inv_1", false}, {"stop", "inv_1", "stop", "inv_1", false},
		{"feedback", "inv_1:right", "feedback", "inv_1", true}, {"feedback", "inv_1:wrong", "feedback", "inv_1", false}, {"feedback:wrong", "inv_1:wrong", "feedback", "inv_1", false},
	} {
		if a, i, r := render.ReadAction(c.id, c.value); a != c.action || i != c.investigation || r != c.right {
			t.Errorf("%s %s: read %s %s %t", c.id, c.value, a, i, r)
		}
	}
}
