package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// tie says whether a log line is about this role (by an ARN in it, by the name
// of its stream, by the operator's word) or about another one. Neither: open.
// Where sessions of several roles are named like the stream, the log group's name decides.
func (s *sight) tie(l *facts.Line) (tied, other bool) {
	if len(l.Roles) > 0 {
		mine := slices.Contains(l.Roles, s.req.Target.Role) &&
			(len(l.Accounts) == 0 || s.req.Target.Account == "" || slices.Contains(l.Accounts, s.req.Target.Account))
		return mine, !mine
	}
	ours, others := s.streamIsOurs(l.Stream), s.streamOf(l.Stream)
	switch {
	case ours && len(others) > 0: // sessions of both are named so: the log group tells
		elsewhere := facts.SharedWords(s.req.Target.Role, l.Group) == 0 && (s.neighbours(l.Group) ||
			slices.ContainsFunc(others, func(role string) bool { return facts.SharedWords(role, l.Group) > 0 }))
		return !elsewhere, elsewhere
	case ours:
		return true, false
	case len(others) > 0:
		return false, true
	}
	for _, g := range s.app.Groups {
		if g.Name == l.Group && g.Chosen == "configured" {
			return true, false
		}
	}
	return false, false
}

// minSharedName is how long a session name must be to recognise a stream by
// being part of it: shorter ones ("etl", "job") are part of too many words.
const minSharedName = 6

// sameClient recognises a session name in a log stream's name: both are often
// the pod, task, instance or job id.
func sameClient(stream, name string) bool {
	if name == "" || stream == "" {
		return false
	}
	if stream == name {
		return true
	}
	if len(name) < minSharedName {
		return slices.Contains(strings.FieldsFunc(stream, func(r rune) bool { return r == '/' }), name)
	}
	return strings.Contains(stream, name) || len(stream) >= minSharedName && strings.Contains(name, stream)
}

func (s *sight) streamIsOurs(stream string) bool {
	for i := range s.ledger.Sessions {
		u := &s.ledger.Sessions[i]
		if sameClient(stream, u.Name) || sameClient(stream, sessionPart(u.Caller.ARN)) {
			return true
		}
	}
	for i := range s.errors.Failures {
		f := &s.errors.Failures[i]
		if sameClient(stream, f.SessionName) || sameClient(stream, sessionPart(f.Caller.ARN)) {
			return true
		}
	}
	return false
}

// streamOf names the other roles whose sessions are named like a stream.
func (s *sight) streamOf(stream string) []string {
	var roles []string
	for _, r := range s.errors.Roles {
		if r.RoleARN != s.req.Target.RoleARN && slices.ContainsFunc(r.SessionNames, func(n string) bool { return sameClient(stream, n) }) {
			roles = append(roles, roleName(r.RoleARN))
		}
	}
	return roles
}

// sessionPart is the session name in an assumed-role ARN, "" in any other.
func sessionPart(arn string) string {
	if !strings.Contains(arn, ":assumed-role/") {
		return ""
	}
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// attach finds the session whose use past its end a line reports. By name
// first: the newest session of the stream's name that had ended. Where no
// session's name is in the stream, by time: the session that had ended last
// among those whose client had no living session then.
func (s *sight) attach(f *failure) {
	var named, timed *facts.Session
	var living []*facts.Session
	for i := range s.ledger.Sessions {
		u := &s.ledger.Sessions[i]
		if u.Issued.After(f.at) || u.Expires.IsZero() {
			continue
		}
		ended := !f.at.Before(u.Expires.Add(-expirySlack))
		if sameClient(f.line.Stream, u.Name) || slices.Contains(f.line.Sessions, s.req.Target.Role+"/"+u.Name) {
			switch {
			case ended && (named == nil || !u.Expires.Before(named.Expires)):
				named = u
			case !ended:
				living = append(living, u)
			}
			continue
		}
		if ended && !u.Service && !s.alive(u, f.at) && (timed == nil || u.Expires.After(timed.Expires)) {
			timed = u
		}
	}
	switch {
	case named != nil:
		f.session, f.byName = named, true
		// Many clients may share a session name: a newer session is this client's
		// own only if it was asked for from the same address.
		// What a service takes for its instances says nothing about who reads it.
		f.newer = !named.Service && slices.ContainsFunc(living, func(u *facts.Session) bool {
			return u.Issued.After(named.Issued) && u.Source == named.Source && u.Source != ""
		})
	case timed != nil && len(living) == 0:
		f.session = timed
	}
}

// ledgerWhole: every session that was issued from the ledger's start until a
// moment is in it. One ended session makes step 5 a find, however little of
// CloudTrail it could read.
func (s *sight) ledgerWhole(until time.Time) bool {
	return s.saw(playbook.Sessions) && s.ledger.Total == len(s.ledger.Sessions) && len(s.ledger.Trails) > 0 &&
		!slices.ContainsFunc(s.ledger.Trails, func(t facts.Trail) bool {
			return t.Source == "" || t.From.After(s.ledger.From) || t.To.Before(until)
		})
}

// expirable is until when a session must have been issued to be past its end at a moment.
func expirable(at time.Time) time.Time { return at.Add(-shortestDuration * time.Second) }

// predates: the ledger is whole, and no session of it could be the one that a
// line tied to this role calls expired. What it speaks of was issued before the
// ledger begins, which is the longest session's length before the window.
func (s *sight) predates(l *facts.Line) bool {
	return s.ledgerWhole(expirable(l.Time)) && !slices.ContainsFunc(s.ledger.Sessions, func(u facts.Session) bool {
		return !u.Issued.After(l.Time)
	})
}

// alive reports whether a client had another session, within its time: one of
// the same name that was asked for from the same address, for many clients may
// share a name.
func (s *sight) alive(of *facts.Session, at time.Time) bool {
	for _, i := range s.names[of.Name] {
		u := s.ledger.Sessions[i]
		if u.Source == of.Source && !u.Issued.After(at) && at.Before(u.Expires.Add(-expirySlack)) {
			return true
		}
	}
	return false
}

// neighbours: another group is named like the role, this one is not. Discovery
// finds other teams' groups too, and every account has refused calls.
func (s *sight) neighbours(group string) bool {
	own := func(g facts.LogGroup) bool { return facts.SharedWords(s.req.Target.Role, g.Name) > 0 }
	return facts.SharedWords(s.req.Target.Role, group) == 0 && slices.ContainsFunc(s.app.Groups, own)
}
