package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// EKS Pod Identity assumes the role for the pod: where the role's trust policy
// does not let the service in, the pod's SDK only hears this.
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
const (
	podIdentityDenied  = "EKS does not have permissions to assume the associated role"
	podIdentityService = "pods.eks.amazonaws.com"
)

// refused is one denied request for a session of this role, with who made it.
type refused struct {
	failure
	caller trust.Caller
	denial trust.Denial // what AWS's text says, zero where it says nothing
	from   string       // the caller's account, "" where it is not known
}

// refusedCalls are the AccessDenied failures of issuing calls for this role: those
// in CloudTrail, and those that only a log line shows (a cross-account denial is
// recorded in the caller's account alone).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
func (s *sight) refusedCalls() []refused {
	var out []refused
	for _, f := range s.of(facts.AssumeDenied, facts.MFAFailed) {
		r := refused{failure: f}
		r.denial, _ = trust.EnrichedDenial(f.text)
		recorded := s.recorded(f, r.denial.User)
		switch {
		case f.event != nil:
			r.caller = s.callerOf(f.event)
		case strings.Contains(f.text, podIdentityDenied):
			r.caller = trust.Caller{Service: podIdentityService, Call: "sts:AssumeRole", TargetARN: s.req.Target.RoleARN}
		case recorded != nil:
			r.caller = s.callerOf(recorded)
		case r.denial.User != "":
			r.caller = trust.Caller{ARN: r.denial.User, Call: r.denial.Action, TargetARN: s.req.Target.RoleARN}.With("aws:CurrentTime", f.at.Format(time.RFC3339))
		default:
			r.caller = trust.Caller{Call: "sts:" + f.call, TargetARN: s.req.Target.RoleARN}
		}
		// A call with session tags or a source identity takes permissions of
		// its own, and AWS names the one that is missing.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
		if strings.HasPrefix(r.denial.Action, "sts:") {
			r.caller.Call = r.denial.Action
		}
		r.from = r.caller.Account
		if r.from == "" {
			r.from = accountOf(r.caller.ARN)
		}
		out = append(out, r)
	}
	return out
}

// recorded finds CloudTrail's record of the refusal that a log line tells of: it
// knows more of the caller (its MFA login, its address) than the line.
func (s *sight) recorded(line failure, user string) *facts.Failure {
	i := slices.IndexFunc(s.errors.Failures, func(f facts.Failure) bool {
		return user != "" && f.Kind == facts.AssumeDenied && f.Caller.ARN == user && f.Time.Sub(line.at).Abs() <= otherSide
	})
	if i < 0 {
		return nil
	}
	return &s.errors.Failures[i]
}

// callerOf turns what CloudTrail shows of a caller into what trust can reason
// about. A context key that is left out is unknown, one that is known to be
// missing is given without values.
func (s *sight) callerOf(f *facts.Failure) trust.Caller {
	k := f.Caller
	c := trust.Caller{Call: "sts:" + f.Event, ARN: k.ARN, RoleARN: k.IssuerARN, PrincipalID: k.Principal, Account: k.Account, Service: k.Service, TargetARN: s.req.Target.RoleARN}
	c = c.With("aws:CurrentTime", f.Time.Format(time.RFC3339))
	if f.SessionName != "" {
		c = c.With("sts:RoleSessionName", f.SessionName)
	}
	// A private address is that of a call through a VPC endpoint, which is known
	// to policies by another key and by more than the address.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
	if ip, err := netip.ParseAddr(f.Source); err == nil && ip.IsGlobalUnicast() && !ip.IsPrivate() {
		c = c.With("aws:SourceIp", f.Source)
	}
	if k.Provider != "" && !strings.HasPrefix(k.Provider, "arn:") {
		return trust.Caller{Call: c.Call, TargetARN: c.TargetARN} // a SAML subject's qualifier: which provider it is stays open
	}
	if k.Provider != "" {
		c.ARN, c.RoleARN, c.PrincipalID, c.Federated = "", "", "", k.Provider
		return withToken(c, k)
	}
	if !f.ExternalID {
		c = c.With("sts:ExternalId")
	}
	switch {
	case f.Serial: // a device was named, so a code came with the call
		c = c.With("aws:MultiFactorAuthPresent", "true").With("aws:MultiFactorAuthAge", "0")
	case k.Temporary == playbook.No: // long-term keys carry no MFA keys at all
		c = c.With("aws:MultiFactorAuthPresent").With("aws:MultiFactorAuthAge")
	case k.MFA == playbook.No:
		c = c.With("aws:MultiFactorAuthPresent", "false").With("aws:MultiFactorAuthAge")
	case k.MFA == playbook.Yes:
		c = c.With("aws:MultiFactorAuthPresent", "true")
		if !k.Since.IsZero() {
			c = c.With("aws:MultiFactorAuthAge", strconv.Itoa(int(f.Time.Sub(k.Since).Seconds())))
		}
	}
	return c
}

// withToken adds the claims that CloudTrail shows of a web identity: its subject
// as the user name, and the audience between provider and subject in the
// principal id.
func withToken(c trust.Caller, k facts.Caller) trust.Caller {
	_, issuer, ok := strings.Cut(k.Provider, ":oidc-provider/")
	if !ok {
		return c
	}
	if k.UserName != "" {
		c = c.With(issuer+":sub", k.UserName)
	}
	if aud := strings.TrimSuffix(strings.TrimPrefix(k.Principal, k.Provider+":"), ":"+k.UserName); aud != "" && aud != k.Principal && k.UserName != "" {
		c = c.With(issuer+":aud", aud)
	}
	return c
}

// sameCaller tells whether a session in the ledger was issued to a caller.
func sameCaller(u facts.Caller, c trust.Caller) bool {
	switch {
	case c.Federated != "":
		return u.Provider == c.Federated && (len(subject(c)) == 0 || slices.Contains(subject(c), u.UserName))
	case c.ARN != "" && u.ARN != "":
		return principalOf(u.ARN) == principalOf(c.ARN)
	case c.ARN != "" && u.Type == "AWSAccount":
		// The role's own account sees a caller of another one without a name. What
		// both sides show is the account and, of a role's session, its name.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
		_, session, _ := strings.Cut(u.Principal, ":")
		return session != "" && u.Account == accountOf(c.ARN) && session == sessionPart(c.ARN)
	case c.RoleARN != "" && u.IssuerARN != "":
		return u.IssuerARN == c.RoleARN
	case c.PrincipalID != "" && u.Principal != "":
		return strings.SplitN(u.Principal, ":", 2)[0] == strings.SplitN(c.PrincipalID, ":", 2)[0]
	case c.Service != "":
		return u.Service == c.Service
	}
	return false
}

func subject(c trust.Caller) []string {
	for key, v := range c.Context {
		if strings.HasSuffix(key, ":sub") {
			return v
		}
	}
	return nil
}

// principalOf drops the session name from an assumed-role ARN: trust is given
// to the role, not to one of its sessions.
func principalOf(arn string) string {
	if i := strings.Index(arn, ":assumed-role/"); i >= 0 {
		if j := strings.LastIndexByte(arn, '/'); j > i+len(":assumed-role/") {
			return arn[:j]
		}
	}
	return arn
}

func accountOf(arn string) string {
	if p := strings.SplitN(arn, ":", 6); len(p) == 6 {
		return p[4]
	}
	return ""
}

// succeeded finds the last session that a caller was given before a moment.
func (s *sight) succeeded(c trust.Caller, before time.Time) (facts.Session, bool) {
	for _, u := range slices.Backward(s.ledger.Sessions) {
		if u.Issued.Before(before) && sameCaller(u.Caller, c) {
			return u, true
		}
	}
	return facts.Session{}, false
}

// succeededAfter reports whether a caller was given a session at or after a moment.
func (s *sight) succeededAfter(c trust.Caller, at time.Time) bool {
	return slices.ContainsFunc(s.ledger.Sessions, func(u facts.Session) bool {
		return !u.Issued.Before(at) && sameCaller(u.Caller, c)
	})
}

// policyAt is the trust policy that was in force at a moment: what the last edit
// before it wrote, what the first edit after it replaced, or the live one.
func (s *sight) policyAt(t time.Time) (trust.Policy, bool) {
	text := s.config.TrustPolicy
	for _, c := range s.changes.Changes {
		if c.Kind != facts.TrustEdited && c.Kind != facts.RoleCreated {
			continue
		}
		if c.Time.After(t) {
			if c.BeforeIs == playbook.Yes && c.Before != "" {
				text = c.Before
			}
			break
		}
		if c.After != "" {
			text = c.After
		}
	}
	return decode(text)
}

func decode(text string) (trust.Policy, bool) {
	if text == "" {
		return trust.Policy{}, false
	}
	p, err := trust.Decode(text)
	return p, err == nil
}

// callerWords names a caller for people, with its account where that is another one.
func (s *sight) callerWords(r refused) string {
	name := principalWords(r.caller.Name())
	if s.foreignAccount(r.from) && !strings.Contains(name, r.from) {
		return fmt.Sprintf("%s of account %s", name, r.from)
	}
	return name
}

func (s *sight) foreignAccount(account string) bool {
	return account != "" && s.req.Target.Account != "" && account != s.req.Target.Account
}
