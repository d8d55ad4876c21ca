package followups

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// row is sessions of one caller: an hour each, begun at these minutes before noon.
func row(name string, agent string, minutes ...int) []facts.Session {
	var out []facts.Session
	for i, m := range minutes {
		at := noon.Add(-time.Duration(m) * time.Minute)
		out = append(out, facts.Session{EventID: fmt.Sprintf("%s-%d", name, i), Event: "AssumeRole", Name: name, Issued: at, Expires: at.Add(time.Hour), Seconds: 3600, UserAgent: agent,
			Source: "192.0.2.1", Caller: facts.Caller{Type: "IAMUser", ARN: "arn:aws:iam::111122223333:user/svc"}})
	}
	return out
}

// passWith is a finished investigation whose ledger holds these sessions.
func passWith(t *testing.T, status playbook.Status, sessions []facts.Session) playbook.FollowPass {
	t.Helper()
	raw, err := json.Marshal(facts.SessionLedger{Sessions: sessions, Total: len(sessions)})
	if err != nil {
		t.Fatal(err)
	}
	o := playbook.Outcome{N: 5, Step: playbook.Sessions, Status: status, Summary: "sessions", Facts: raw}
	return playbook.FollowPass{Request: playbook.NewRequest("inv_test", playbook.Target{Role: "app", Region: "eu-west-1", Partition: "aws", Account: "111122223333"}, noon, playbook.DefaultWindow),
		Done: playbook.Outcomes{playbook.Sessions: o}}
}

func TestHowCallersRenew(t *testing.T) {
	for _, tt := range []struct {
		name     string
		sessions []facts.Session
		habit    facts.Refreshing
		interval int
		risk     string // a part of it, "" for none
	}{
		{"well before the end", row("a", goV2Agent, 200, 145, 90, 35), facts.RefreshEarly, 3300, ""},
		{"exactly at the end", row("a", goV2Agent, 210, 150, 90, 30), facts.RefreshEdge, 3600, "exactly at the end"},
		{"minutes after the end", row("a", goV2Agent, 220, 155, 90, 25), facts.RefreshLate, 3900, "only after the end"},
		{"one session that has not ended", row("a", goV2Agent, 30), facts.RefreshOnce, 0, ""},
		{"fixed values that end soon", row("a", "aws-sdk-nodejs/2.1523.0 configure-aws-credentials-for-github-actions", 30), facts.RefreshOnce, 0, "fixed values, which end in 30 min"},
		{"one session that has ended", row("a", goV2Agent, 300), facts.RefreshNever, 0, ""},
		{"a job every three hours is no late renewal", row("a", goV2Agent, 540, 360, 180), facts.RefreshNever, 0, ""},
		{"renewed and then stopped", row("a", goV2Agent, 400, 345, 290), facts.RefreshEarly, 3300, "stopped renewing: its last session ended 3 h 50 min ago"},
		{"does not keep what it gets", row("a", goV2Agent, 10, 9, 8, 7, 6, 5, 4, 3), facts.RefreshEarly, 60, "asks every 1 min for a session of 1 h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lanes := lanesOf(tt.sessions)
			if len(lanes) != 1 {
				t.Fatalf("%d callers", len(lanes))
			}
			r := lanes[0].renewer(noon)
			if r.Habit != tt.habit || r.Interval != tt.interval || (r.Risk == "") != (tt.risk == "") || !strings.Contains(r.Risk, tt.risk) {
				t.Errorf("%s every %d s, risk %q", r.Habit, r.Interval, r.Risk)
			}
		})
	}
}

const goV2Agent = "aws-sdk-go-v2/1.30.3 ua/2.1 os/linux lang/go#1.22.5 api/sts#1.30.3"

func TestServicesRenewByThemselves(t *testing.T) {
	s := row("lambda", "lambda.amazonaws.com", 220, 155, 90, 25)
	for i := range s {
		s[i].Service = true
	}
	l := lanesOf(s)[0]
	r := l.renewer(noon)
	if _, blamed := l.late(r); r.Risk != "" || blamed {
		t.Errorf("a service is at risk: %q", r.Risk)
	}
}

func TestNamesWithATimeInThemAreOneCaller(t *testing.T) {
	var all []facts.Session
	for i := range 3 {
		all = append(all, row(fmt.Sprintf("botocore-session-17799%05d", i*3300), "Boto3/1.34", 200-60*i)...)
	}
	if lanes := lanesOf(all); len(lanes) != 1 || lanes[0].name != "botocore-session-*" {
		t.Errorf("%d callers, the first is %q", len(lanes), lanes[0].name)
	}
}

func TestTwoAddressesAreTwoCallers(t *testing.T) {
	all := append(row("app", goV2Agent, 100), row("app", goV2Agent, 90)...)
	all[1].Source = "192.0.2.2"
	if lanes := lanesOf(all); len(lanes) != 2 {
		t.Errorf("%d callers", len(lanes))
	}
}

func TestThoseAtRiskComeFirstByTheirEnd(t *testing.T) {
	all := append(row("late-b", goV2Agent, 215, 150, 85, 20), row("late-a", goV2Agent, 220, 155, 90, 25)...)
	all = append(all, row("fine", goV2Agent, 200, 145, 90, 35)...)
	e, err := check{}.tokenRefresh(t.Context(), passWith(t, playbook.Found, all))
	if err != nil {
		t.Fatal(err)
	}
	f := e.Facts.(facts.TokenRefresh)
	var order []string
	for _, r := range f.Renewers {
		order = append(order, r.Session)
	}
	if got := strings.Join(order, " "); got != "late-a late-b fine" || f.AtRisk != 2 {
		t.Errorf("order %q, %d at risk", got, f.AtRisk)
	}
	if len(e.Proof) > 0 {
		t.Errorf("it asked AWS %v though the ledger was there", e.Proof)
	}
	if f.Chart == nil || len(f.Chart.Series) != 3 || f.Chart.Series[0].Points[0].Value < 100 {
		t.Errorf("chart %+v", f.Chart)
	}
	if _, err := (playbook.Step{ID: "token-refresh"}).Settle(e, 0); err != nil {
		t.Error(err)
	}
}

func TestLateRenewalsTakeThreeToBeACause(t *testing.T) {
	two := lanesOf(row("a", goV2Agent, 155, 90, 25))[0]
	if _, ok := two.late(two.renewer(noon)); ok {
		t.Error("two late renewals were called a habit")
	}
	three := lanesOf(row("a", goV2Agent, 220, 155, 90, 25))[0]
	f, ok := three.late(three.renewer(noon))
	if !ok || f.Cause != playbook.NoRefresh || len(f.Cites) != 3 {
		t.Errorf("three late renewals gave %v %+v", ok, f)
	}
}

// A job that runs every 65 minutes for five has no session between its runs, and
// misses none.
func TestAJobIsNoLateRenewal(t *testing.T) {
	sessions := row("job", goV2Agent, 285, 220, 155, 90, 25)
	for i := range sessions {
		sessions[i].LastUse = sessions[i].Issued.Add(5 * time.Minute)
	}
	l := lanesOf(sessions)[0]
	r := l.renewer(noon)
	if _, blamed := l.late(r); blamed || r.Late != 0 || r.Risk != "" {
		t.Errorf("%d late, risk %q", r.Late, r.Risk)
	}
	for i := range sessions {
		sessions[i].LastUse = sessions[i].Expires.Add(-time.Minute)
	}
	if f, blamed := lanesOf(sessions)[0].late(lanesOf(sessions)[0].renewer(noon)); !blamed || f.Confidence != playbook.Medium {
		t.Errorf("used to the end: %v %s", blamed, f.Confidence)
	}
}

func FuzzUserAgent(f *testing.F) {
	for _, s := range []string{goV2Agent, "aws-sdk-java/2", "İİİaws-sdk-js/", "Boto3/1.34", "aws-sdk-dotnet-\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		if got := sdkOf(agent); got.name == "" || strings.Trim(got.version, "0123456789.") != "" {
			t.Errorf("%q is %+v", agent, got)
		}
	})
}

func TestUserAgents(t *testing.T) {
	for agent, want := range map[string]string{
		goV2Agent: "AWS SDK for Go v2 1.30.3",
		"aws-sdk-go/1.44.290 (go1.20.14; linux; amd64)":                                          "AWS SDK for Go v1 1.44.290",
		"Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 lang/python#3.12.4 Botocore/1.34.131":        "botocore (boto3) 1.34.131",
		"aws-cli/2.17.20 md/awscrt#0.20.11 ua/2.0":                                               "AWS CLI 2.17.20",
		"aws-sdk-java/2.26.21 md/io#sync":                                                        "AWS SDK for Java 2 2.26.21",
		"aws-sdk-java/1.12.750 Linux/5.10":                                                       "AWS SDK for Java 1.12.750",
		"aws-sdk-js/3.556.0 ua/2.0":                                                              "AWS SDK for JavaScript 3 3.556.0",
		"APN/1.0 HashiCorp/1.0 Terraform/1.8.5 terraform-provider-aws/5.58.0 aws-sdk-go-v2/1.30": "Terraform AWS provider 5.58.0",
		"aws-sdk-nodejs/2.1523.0 configure-aws-credentials-for-github-actions promise":           "configure-aws-credentials",
		"something else/9": "unknown",
		"":                 "not shown",
	} {
		got := sdkOf(agent)
		if s := strings.TrimSpace(got.name + " " + got.version); s != want {
			t.Errorf("%q is %q, want %q", agent, s, want)
		}
	}
}

// A client that renewed early for most of the window and after each end since the
// evening does not "renew in time", which would contradict the diagnosis.
func TestLateRenewalsAreToldBesideEarlyOnes(t *testing.T) {
	a := open(t, "../../captures/payments-hourly")
	o := a.follow(t, playbook.TokenRefresh, a.investigate(t, a.plan, playbook.DefaultWindow))
	if o.Status != playbook.Found || !strings.Contains(o.Summary, "3 mostly renew in time") || !strings.Contains(o.Summary, "asked only after the end 6 times of 31, the last time at 2026-11-03 0") {
		t.Errorf("%s: %s", o.Status, o.Summary)
	}
}
