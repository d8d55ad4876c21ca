package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// end is the moment at which every scene is judged; its window is the day before.
var end = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return end.Add(-d) }

const (
	account = "111122223333"
	foreign = "444455556666"
	roleARN = "arn:aws:iam::" + account + ":role/payments"
)

// scene is an incident as the nine steps would report it: all of them looked,
// unless status says otherwise.
type scene struct {
	t      *testing.T
	region string
	status map[playbook.StepID]playbook.Status

	role    facts.RoleAndHealth
	errors  facts.STSErrors
	config  facts.RoleConfig
	metrics facts.STSMetrics
	ledger  facts.SessionLedger
	app     facts.AppErrors
	access  facts.CrossAccount
	changes facts.TrustChanges
	idp     facts.Federation
}

func newScene(t *testing.T) *scene {
	return &scene{t: t, region: "eu-west-1", status: map[playbook.StepID]playbook.Status{},
		role:   facts.RoleAndHealth{Exists: playbook.Yes, RoleARN: roleARN, RoleName: "payments", Path: "/", Account: account, Created: end.AddDate(-1, 0, 0), RoleID: "AROANOW", HealthAsked: playbook.Yes},
		errors: facts.STSErrors{Roles: []facts.RoleRate{{RoleARN: roleARN}}},
		config: facts.RoleConfig{TrustPolicy: letting(userARN("svc")), MaxSessionDuration: 3600},
		ledger: facts.SessionLedger{From: ago(36 * time.Hour), Trails: []facts.Trail{{Region: "eu-west-1", Source: "trail-logs", From: ago(36 * time.Hour), To: ago(playbook.DeliveryLag)}}},
		idp:    facts.Federation{Used: playbook.No},
	}
}

func (s *scene) blind(ids ...playbook.StepID) *scene {
	for _, id := range ids {
		s.status[id] = playbook.Blind
	}
	return s
}

func (s *scene) steps() playbook.Outcomes {
	out := playbook.Outcomes{}
	for i, step := range []struct {
		id    playbook.StepID
		facts any
	}{{playbook.RoleAndHealth, s.role}, {playbook.STSErrors, s.errors}, {playbook.RoleConfig, s.config}, {playbook.STSMetrics, s.metrics}, {playbook.Sessions, s.ledger},
		{playbook.AppErrors, s.app}, {playbook.CrossAccount, s.access}, {playbook.TrustChanges, s.changes}, {playbook.Federation, s.idp}} {
		o := playbook.Outcome{N: i + 1, Step: step.id, Status: playbook.Clear, Summary: "seen"}
		if status, ok := s.status[step.id]; ok {
			o.Status = status
		}
		if o.Status.Saw() {
			raw, err := json.Marshal(step.facts)
			if err != nil {
				s.t.Fatal(err)
			}
			o.Facts = raw
		}
		out[step.id] = o
	}
	return out
}

func (s *scene) request() playbook.Request {
	target := playbook.Target{Asked: "payments", Role: "payments", Account: account, Partition: "aws", Region: s.region}
	return playbook.NewRequest("inv_test", target, end, 24*time.Hour)
}

// judge judges the scene. It holds for every scene that no cause stands without
// evidence and that judging again gives the same bytes.
func (s *scene) judge() playbook.Report {
	s.t.Helper()
	r := Judge(s.request(), s.steps())
	for _, f := range r.Diagnosis.Causes {
		if len(f.Cites) == 0 || f.Headline == "" || f.Why == "" || f.Fix == "" || f.Prevent == "" {
			s.t.Errorf("%s lacks evidence or words: %+v", f.Cause, f)
		}
	}
	one, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if two, _ := json.Marshal(Judge(s.request(), s.steps())); string(one) != string(two) {
		s.t.Error("judging twice gives two answers")
	}
	return r
}

func causesOf(r playbook.Report) []playbook.CauseID {
	ids := []playbook.CauseID{}
	for _, f := range r.Diagnosis.Causes {
		ids = append(ids, f.Cause)
	}
	return ids
}

// want checks which causes come out, in order.
func (s *scene) want(ids ...playbook.CauseID) playbook.Report {
	s.t.Helper()
	r := s.judge()
	if got := causesOf(r); !slices.Equal(got, ids) && len(got)+len(ids) > 0 {
		s.t.Errorf("causes %v, want %v", got, ids)
	}
	return r
}

func (s *scene) wantConfidence(id playbook.CauseID, c playbook.Confidence) {
	s.t.Helper()
	for _, f := range s.judge().Diagnosis.Causes {
		if f.Cause == id {
			if f.Confidence != c {
				s.t.Errorf("%s is %s, want %s", id, f.Confidence, c)
			}
			return
		}
	}
	s.t.Errorf("%s is not among the causes", id)
}

func ruling(t *testing.T, r playbook.Report, id playbook.RuleID) playbook.Judged {
	t.Helper()
	for _, j := range r.Rules {
		if j.Rule == id {
			return j
		}
	}
	t.Fatalf("no rule %s", id)
	return playbook.Judged{}
}

func (s *scene) wantVerdict(id playbook.RuleID, v playbook.Verdict) {
	s.t.Helper()
	if j := ruling(s.t, s.judge(), id); j.Verdict != v {
		s.t.Errorf("%s is %s, want %s: %s", id, j.Verdict, v, j.Message)
	}
}

func userARN(name string) string { return "arn:aws:iam::" + account + ":user/" + name }

// letting is a trust policy that lets AWS principals in.
func letting(arns ...string) string { return lettingIf("", arns...) }

// lettingIf is one with a condition, as JSON.
func lettingIf(condition string, arns ...string) string {
	who, _ := json.Marshal(arns)
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%s},"Action":"sts:AssumeRole"%s}]}`, who, condition)
}

// user is a caller with a long-term key.
func user(name string) facts.Caller {
	return facts.Caller{Type: "IAMUser", ARN: userARN(name), Account: account, Principal: "AIDA" + name, UserName: name, Temporary: playbook.No}
}

// roleCaller is a caller with a session of a role.
func roleCaller(acct, role string) facts.Caller {
	return facts.Caller{Type: "AssumedRole", ARN: "arn:aws:sts::" + acct + ":assumed-role/" + role + "/work", Account: acct, Principal: "AROA" + role + ":work",
		IssuerARN: "arn:aws:iam::" + acct + ":role/" + role, Temporary: playbook.Yes, MFA: playbook.No}
}

// session is one that was issued to user svc, for name.
func (s *scene) session(name string, issued time.Time, length time.Duration) *facts.Session {
	n := len(s.ledger.Sessions)
	s.ledger.Sessions = append(s.ledger.Sessions, facts.Session{Key: fmt.Sprintf("ASIA…%04d", n), EventID: fmt.Sprintf("issued-%d", n), Event: "AssumeRole", Issued: issued, Expires: issued.Add(length),
		Seconds: int(length / time.Second), Name: name, Caller: user("svc"), Chained: playbook.No, Region: "eu-west-1", Source: "198.51.100.7", RoleID: "AROANOW"})
	slices.SortStableFunc(s.ledger.Sessions, func(a, b facts.Session) int { return a.Issued.Compare(b.Issued) })
	s.ledger.Total = len(s.ledger.Sessions)
	for i := range s.ledger.Sessions {
		if s.ledger.Sessions[i].EventID == fmt.Sprintf("issued-%d", n) {
			return &s.ledger.Sessions[i]
		}
	}
	return nil
}

// refused is a failed call for a session, in CloudTrail.
func (s *scene) refused(at time.Time, kind facts.Kind, who facts.Caller, message string) *facts.Failure {
	code := map[facts.Kind]string{facts.AssumeDenied: "AccessDenied", facts.MFAFailed: "AccessDenied", facts.ThrottledCall: "ThrottlingException", facts.OtherFailure: "InternalFailure"}[kind]
	if code == "" {
		code = "ValidationError"
	}
	event := map[string]string{"WebIdentityUser": "AssumeRoleWithWebIdentity", "SAMLUser": "AssumeRoleWithSAML"}[who.Type]
	if event == "" {
		event = "AssumeRole"
	}
	s.errors.Failures = append(s.errors.Failures, facts.Failure{Time: at, EventID: fmt.Sprintf("refused-%d", len(s.errors.Failures)), Event: event, Region: "eu-west-1", Kind: kind, Code: code,
		Message: message, Caller: who, SessionName: "work"})
	s.errors.Total = len(s.errors.Failures)
	return &s.errors.Failures[len(s.errors.Failures)-1]
}

// denied is one refused with AWS's plain text, n times, half an hour apart.
func (s *scene) denied(from time.Time, n int, who facts.Caller, because string) {
	for i := range n {
		s.refused(from.Add(time.Duration(i)*30*time.Minute), facts.AssumeDenied, who, "User: "+who.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+roleARN+because)
	}
}

// line is an application's log line.
func (s *scene) line(at time.Time, stream string, kind facts.Kind, text string) *facts.Line {
	s.app.Lines = append(s.app.Lines, facts.Line{Time: at, Group: "/prod/payments", Stream: stream, Kind: kind, Text: text})
	slices.SortStableFunc(s.app.Lines, func(a, b facts.Line) int { return a.Time.Compare(b.Time) })
	s.app.Total = len(s.app.Lines)
	for i := range s.app.Lines {
		if s.app.Lines[i].Time.Equal(at) && s.app.Lines[i].Stream == stream && s.app.Lines[i].Kind == kind {
			return &s.app.Lines[i]
		}
	}
	return nil
}

const expiredText = "ExpiredTokenException: The security token included in the request is expired"

// runsOut is n sessions of an hour under one name, one after the other, each used
// past its end for the first time after `past`.
func (s *scene) runsOut(name string, n int, past time.Duration) {
	for i := range n {
		issued := ago(time.Duration(2+3*i) * time.Hour)
		s.session(name, issued, time.Hour)
		s.line(issued.Add(time.Hour+past), name, facts.SessionExpired, expiredText)
	}
}

// change is a successful change in the window.
func (s *scene) change(at time.Time, kind facts.ChangeKind, event string) *facts.Change {
	s.changes.Changes = append(s.changes.Changes, facts.Change{Time: at, EventID: fmt.Sprintf("change-%d", len(s.changes.Changes)), Event: event, Kind: kind,
		Actor: "arn:aws:sts::" + account + ":assumed-role/admin/a", InWindow: !at.Before(ago(24 * time.Hour)), Subject: "payments"})
	return &s.changes.Changes[len(s.changes.Changes)-1]
}

// edit is a change of the trust policy to the live one; before "" is not known.
func (s *scene) edit(at time.Time, before, after string) {
	c := s.change(at, facts.TrustEdited, "UpdateAssumeRolePolicy")
	c.Before, c.After = before, after
	if before != "" {
		c.BeforeIs = playbook.Yes
	}
}
