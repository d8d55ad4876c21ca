package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var durationVsUsage = playbook.Rule{
	ID: playbook.DurationVsUsage, N: 2,
	Title: "How long sessions may live against how long they are used",
	Doc: `Compares each session's end with the failures, and says which term set the end: the length that was asked for, the role's
maximum, the one hour of a chained call, the identity provider's own limit, or a default.

Criterion for use past the end: a failure that speaks of an expired session, tied to a session of this role by the session's name
(or, weaker, by time), came after that session's end. Two clocks may differ by 5 seconds. Where sessions of several roles are named
like a log stream, the log group's name tells whose lines it has.

Criterion for duration-above-max: AWS refused an issuing call in so many words ("exceeds the MaxSessionDuration set for this
role"), or refused the number itself and the number is above the role's maximum. AWS never shortens a request that is too long, it
fails. A role whose sessions could merely be longer is no cause. Whether the maximum was lowered before is trust-change's question.

Refuted: sessions and application logs could be seen and no session was used past its end. Session policies and trust policies
shorten no session, whatever the runbook says: only the terms above do.`,
	Reads: []playbook.StepID{playbook.STSErrors, playbook.RoleConfig, playbook.Sessions, playbook.AppErrors},
	Eval:  evalDuration,
}

func evalDuration(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	var parts []string

	if tooLong := s.tooLong(); len(tooLong) > 0 {
		op.Verdict = playbook.Supported
		asked := longestAsked(tooLong)
		parts = append(parts, fmt.Sprintf("Refused calls asked for %s (%s); the role allows %s.", longer(asked), tally(tooLong), orUnknown(s.config.MaxSessionDuration)))
		op.Cites = append(op.Cites, cites(tooLong)...)
		why := fmt.Sprintf("AWS refuses the call because the duration exceeds the role's MaxSessionDuration%s (%s). A request that is too long is refused, not shortened, so the caller gets no credentials at all.",
			s.maxWords(), tally(tooLong))
		f := finding(playbook.DurationAboveMax, playbook.High, tooLong,
			fmt.Sprintf("Callers ask for %s, the role allows %s", longer(asked), orUnknown(s.config.MaxSessionDuration)), why)
		f.Cites = append(f.Cites, s.maxCite()...)
		op.Causes = append(op.Causes, f)
	}

	past := pick(s.failures, func(f failure) bool {
		return usedCredentials(f.kind) && !f.issuing && f.session != nil && f.past() >= -expirySlack
	})
	if len(past) > 0 {
		op.Verdict = playbook.Supported
		op.Cites = append(op.Cites, cites(past)...)
		parts = append(parts, fmt.Sprintf("Sessions were used past their end in %s (%s). Their end was set by %s.",
			wording.Count(len(episodes(past)), "case", "cases"), tally(past), s.terms(past)))
	}
	switch {
	case len(parts) > 0:
		op.Message = strings.Join(parts, " ")
	case s.saw(playbook.Sessions, playbook.AppErrors):
		op.Verdict = playbook.Refuted
		op.Message = fmt.Sprintf("No session of this role is seen in use past its end. %s", s.ledgerWords())
		op.Cites = []playbook.Cite{{Step: playbook.Sessions, Ref: s.ledgerWords()}}
	default:
		return s.undetermined(playbook.Sessions, playbook.AppErrors)
	}
	return op
}

// tooLong are the failures in which AWS named the role's maximum, or refused a
// number that is above it.
func (s *sight) tooLong() []failure {
	return pick(s.failures, func(f failure) bool {
		switch f.kind {
		case facts.DurationAboveRole:
			return true
		case facts.DurationInvalid:
			n := asked(f)
			return n > longestDuration || s.config.MaxSessionDuration > 0 && n > s.config.MaxSessionDuration
		}
		return false
	})
}

func longestAsked(fs []failure) int {
	n := 0
	for _, f := range fs {
		n = max(n, asked(f))
	}
	return n
}

// refusedValue is how AWS names a number that it does not take at all.
var refusedValue = regexp.MustCompile(`(?i)value '?(\d{1,9})'? at 'durationSeconds'`)

// asked is the length that a refused call asked for, 0 where nothing shows it.
func asked(f failure) int {
	if f.event != nil && f.event.Requested > 0 {
		return f.event.Requested
	}
	if m := refusedValue.FindStringSubmatch(f.text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

func orUnknown(secs int) string {
	if secs == 0 {
		return "an unknown length"
	}
	return seconds(secs)
}

// longer is the length that was asked for, as far as it is known.
func longer(secs int) string {
	if secs == 0 {
		return "a longer session"
	}
	return seconds(secs)
}

func (s *sight) maxWords() string {
	if s.config.MaxSessionDuration == 0 {
		return ""
	}
	return " of " + seconds(s.config.MaxSessionDuration)
}

func (s *sight) maxCite() []playbook.Cite {
	if s.config.MaxSessionDuration == 0 {
		return nil
	}
	return []playbook.Cite{{Step: playbook.RoleConfig, Ref: fmt.Sprintf("MaxSessionDuration %d", s.config.MaxSessionDuration)}}
}

func (s *sight) ledgerWords() string {
	return fmt.Sprintf("%s issued, %d active now, %d ended in the window.", wording.Count(s.ledger.Total, "session", "sessions"), s.ledger.ActiveNow, s.ledger.Ended)
}

const (
	// longestDuration is the most that any role allows.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	longestDuration = 43200
	// shortestDuration is the least that STS takes.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	shortestDuration = 900
	// ChainLimit is the longest life of a session asked for with temporary
	// credentials. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
	ChainLimit = 3600
	// DefaultLength is what STS gives when nobody asks for a length.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	DefaultLength = 3600
	// goDefault is the length that the Go SDK's assume-role provider asks for by
	// itself. https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/credentials/stscreds#pkg-variables
	goDefault = 900
)

// term names what set a session's length: the smallest limit that it met.
func (s *sight) term(u *facts.Session) string {
	role := s.config.MaxSessionDuration
	near := func(n int) bool { return n > 0 && abs(u.Seconds-n) <= int(expirySlack/time.Second) }
	switch {
	case u.Seconds == 0:
		return "a limit that the record does not show"
	case u.Service:
		return "the AWS service that holds the session and renews it by itself"
	case u.Event == "AssumeRoleWithSAML" && !near(u.Requested) && !near(role) && !near(DefaultLength):
		return "the identity provider's SessionNotOnOrAfter"
	case near(goDefault) && near(u.Requested) && strings.Contains(strings.ToLower(u.UserAgent), "aws-sdk-go"):
		return "the 15 minutes that the Go SDK asks for by default"
	case u.Chained == playbook.Yes && near(ChainLimit):
		return "the one-hour limit of role chaining"
	case near(u.Requested) && near(role):
		return "the length asked for, which is the role's maximum (" + seconds(role) + ")"
	case near(u.Requested):
		return "the length that the caller asked for (" + seconds(u.Requested) + ")"
	case near(DefaultLength) && u.Requested == 0:
		return "STS's default of one hour, because the caller asked for no length"
	case near(role):
		return "the role's maximum (" + seconds(role) + ")"
	}
	return "a length of " + seconds(u.Seconds) + " that no limit of the role explains"
}

// terms lists what set the ends of the sessions behind failures, most frequent first.
func (s *sight) terms(fs []failure) string {
	n := map[string]int{}
	var order []string
	for _, e := range episodes(fs) {
		t := s.term(e.first().session)
		if n[t] == 0 {
			order = append(order, t)
		}
		n[t]++
	}
	slices.SortStableFunc(order, func(a, b string) int { return n[b] - n[a] })
	return Some(order, 3)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
