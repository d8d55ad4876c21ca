package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

func TestTermThatSetTheLength(t *testing.T) {
	for _, c := range []struct {
		name string
		max  int
		u    facts.Session
		want string
	}{
		{"a chained hour", 43200, facts.Session{Seconds: 3600, Chained: playbook.Yes}, "one-hour limit of role chaining"},
		{"a chained hour, 5 s short", 43200, facts.Session{Seconds: 3595, Chained: playbook.Yes}, "one-hour limit of role chaining"},
		{"the same hour of a long-term key is STS's default", 43200, facts.Session{Seconds: 3600, Chained: playbook.No}, "STS's default"},
		{"what was asked for", 43200, facts.Session{Seconds: 7200, Requested: 7200}, "that the caller asked for (2 h)"},
		{"what was asked for and the maximum", 7200, facts.Session{Seconds: 7199, Requested: 7200}, "which is the role's maximum"},
		{"the Go SDK's quarter of an hour", 3600, facts.Session{Seconds: 900, Requested: 900, UserAgent: "aws-sdk-go-v2/1.30.3"}, "Go SDK asks for by default"},
		{"a quarter of an hour that another SDK asked for", 3600, facts.Session{Seconds: 900, Requested: 900, UserAgent: "Boto3/1.34"}, "that the caller asked for (15 min)"},
		{"a service's", 3600, facts.Session{Seconds: 21600, Service: true}, "AWS service"},
		{"an identity provider's limit", 43200, facts.Session{Seconds: 5400, Requested: 28800, Event: "AssumeRoleWithSAML"}, "SessionNotOnOrAfter"},
		{"none", 3600, facts.Session{}, "does not show"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sight{config: facts.RoleConfig{MaxSessionDuration: c.max}}
			if got := s.term(&c.u); !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestDurationAboveMax(t *testing.T) {
	t.Run("AWS names the maximum", func(t *testing.T) {
		s := newScene(t)
		s.refused(ago(time.Hour), facts.DurationAboveRole, user("svc"), "exceeds").Requested = 7200
		s.want(playbook.DurationAboveMax)
		s.wantVerdict(playbook.DurationVsUsage, playbook.Supported)
	})
	t.Run("the number itself is refused and is above the maximum", func(t *testing.T) {
		s := newScene(t)
		s.refused(ago(time.Hour), facts.DurationInvalid, user("svc"), "constraint").Requested = 90000
		s.want(playbook.DurationAboveMax)
	})
	t.Run("the number is too small, which no maximum explains", func(t *testing.T) {
		s := newScene(t)
		s.refused(ago(time.Hour), facts.DurationInvalid, user("svc"), "constraint").Requested = 60
		s.want(playbook.RefreshFailing)
	})
	t.Run("a role that merely allows more is no cause", func(t *testing.T) {
		s := newScene(t)
		s.config.MaxSessionDuration = 43200
		s.session("worker-1", ago(90*time.Minute), time.Hour)
		r := s.want()
		if r.Diagnosis.Verdict != playbook.NoCorrelation {
			t.Errorf("verdict %s", r.Diagnosis.Verdict)
		}
	})
}

// CloudTrail seldom records the use of an expired session; where it does, that is
// evidence as good as a log line.
func TestUsePastTheEndInCloudTrail(t *testing.T) {
	for _, c := range []struct {
		name string
		use  time.Duration // after the end
		code string
		want []playbook.CauseID
	}{
		{"used after its end", time.Minute, "ExpiredToken", []playbook.CauseID{playbook.NoRefresh}},
		{"a failure before its end", -time.Minute, "ExpiredToken", nil},
		{"another failure", time.Minute, "Throttling", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			u := s.session("worker-1", ago(3*time.Hour), time.Hour)
			u.LastUse, u.LastFailure = u.Expires.Add(c.use), c.code
			s.want(c.want...)
		})
	}
}

// AWS names the number that it does not take; nothing else may show it.
func TestRefusedNumberInTheLine(t *testing.T) {
	for _, c := range []struct {
		value string
		max   int
		want  playbook.CauseID
	}{{"43201", 0, playbook.DurationAboveMax}, {"3601", 3600, playbook.DurationAboveMax}, {"899", 3600, playbook.RefreshFailing}} {
		s := newScene(t)
		s.config.MaxSessionDuration = c.max
		s.line(ago(time.Hour), "worker-1", facts.DurationInvalid, "1 validation error detected: Value '"+c.value+"' at 'durationSeconds' failed to satisfy constraint").Call = "AssumeRole"
		s.want(c.want)
	}
}
