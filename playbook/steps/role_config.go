package steps

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const roleConfigDoc = `What in the role's own configuration decides who gets a session, for how long, and what can end one early?

It reads the trust policy (every statement in plain words, with what a reader easily misses: deleted principals, an MFA age that runs out, dates that have passed, conditions that can never hold), MaxSessionDuration, the permissions boundary, and the inline and attached policies as far as they bear on sessions: AWSRevokeOlderSessions and explicit denies of STS.

MaxSessionDuration is a ceiling and not the length of a session: without DurationSeconds a session lasts one hour, a chained one never longer.

What it cannot tell: organization policies (SCPs, RCPs) are not readable from a member account, session policies only exist in the call that asks for the session, and the callers' own identity policies are theirs. AWS-managed policies are listed and read only where their name says that they deny. What is read is the configuration of this moment: changes before it are step 8.`

var roleConfigActions = []string{"iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion"}

func (r run) roleConfig(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	t, role := target(p)
	f := facts.RoleConfig{Statements: []facts.Statement{}, Policies: []facts.PolicyNote{}}
	if why := unreadable(t, role); why != "" {
		return playbook.Evidence{Status: playbook.Blind, Summary: why, Facts: f}, nil
	}
	global := playbook.GlobalRegion(t.Partition)

	var (
		all              sync.WaitGroup
		get              answer[*iamtypes.Role]
		boundary         []policyAnswer
		inline, attached policiesAnswer
	)
	all.Go(func() {
		get = r.getRole(ctx, t.Role, global)
		if get.Out != nil && get.Out.PermissionsBoundary != nil {
			boundary = append(boundary, r.managedPolicy(ctx, "boundary", aws.ToString(get.Out.PermissionsBoundary.PermissionsBoundaryArn), global))
		}
	})
	all.Go(func() { inline = r.inlinePolicies(ctx, t.Role, global) })
	all.Go(func() { attached = r.attachedPolicies(ctx, t.Role, global) })
	all.Wait()

	var n notes
	n.take(get.Proof, nil, "")
	n.take(inline.list.Proof, inline.list.Problem, "The role's inline policies")
	n.take(attached.list.Proof, attached.list.Problem, "The role's attached policies")
	var left []string // AWS-managed policies that were listed and not read
	cut := inline.list.Problem != nil || attached.list.Problem != nil
	for _, a := range slices.Concat(boundary, inline.each, attached.each) {
		for _, proof := range a.proofs {
			n.take(proof, nil, "")
		}
		if a.problem != nil {
			n.refused(a.problem, "The policy "+a.note.Name)
			cut = true
		} else if !a.note.Read {
			left = append(left, a.note.Name)
		}
		f.Policies = append(f.Policies, a.note)
	}
	if len(left) > 0 {
		n.unseen = append(n.unseen, "AWS-managed policies were listed and not read: "+strings.Join(left, ", ")+".")
	}
	if get.Problem != nil {
		summary := "The role's trust policy and session limit could not be read: " + get.Problem.Text + "."
		if absent(get.Problem) {
			summary = "The role is not there any more: it has no configuration to read."
		}
		return n.stopped(get.Problem, summary, f), nil
	}

	noteConfig(&f, get.Out)
	telling := tellConfig(f, get.Out, p.Request.At)
	status := playbook.Clear
	if len(telling) > 0 {
		status = playbook.Found
	} else {
		telling = []string{"Nothing in its policies ends sessions early."}
	}
	e := n.evidence(status, fmt.Sprintf("MaxSessionDuration is %s; the trust policy has %s. %s",
		lengthInWords(f.MaxSessionDuration), wording.Count(len(f.Statements), "statement", "statements"), strings.Join(telling, " ")), f)
	if cut {
		e.Partial = "Some of the role's policies could not be read, so denies and revocations in them are not seen."
	}
	return e, nil
}

// unreadable says why the role's configuration cannot be read from here at all,
// "" if it may be. A role that step 1 could not read is tried again: each step
// stands on its own calls.
func unreadable(t playbook.Target, role facts.RoleAndHealth) string {
	switch {
	case role.OtherAccount:
		return fmt.Sprintf("The role is of account %s, for which stsleuth has no credentials: its configuration cannot be read from here.", t.Account)
	case role.Exists == playbook.No:
		return "There is no such role, so there is no configuration to read."
	}
	return ""
}

// noteConfig notes the role's own settings and its trust policy in words.
func noteConfig(f *facts.RoleConfig, role *iamtypes.Role) {
	f.RoleID, f.MaxSessionDuration = aws.ToString(role.RoleId), int(aws.ToInt32(role.MaxSessionDuration))
	if b := role.PermissionsBoundary; b != nil {
		f.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	f.TrustPolicy = policyText(aws.ToString(role.AssumeRolePolicyDocument))
	policy, err := trust.Decode(f.TrustPolicy)
	if err != nil {
		f.Problems = []string{"the trust policy cannot be read: " + err.Error()}
		return
	}
	f.Problems, f.DeletedPrincipals = policy.Problems, trust.Deleted(policy)
	for _, c := range trust.Explain(policy) {
		s := facts.Statement{Sid: c.Sid, Effect: string(policy.Statements[c.Statement-1].Effect), Text: c.Text}
		for _, trap := range c.Traps {
			s.Traps = append(s.Traps, trap.Text)
		}
		f.Statements = append(f.Statements, s)
	}
}

// tellConfig says what in the configuration ends sessions early or keeps callers
// out; nothing where nothing does.
func tellConfig(f facts.RoleConfig, role *iamtypes.Role, at time.Time) []string {
	var out []string
	for _, note := range f.Policies {
		if !note.RevokesBefore.IsZero() {
			out = append(out, fmt.Sprintf("Sessions issued before %s are revoked by the policy %s.", note.RevokesBefore.Format("2006-01-02 15:04:05 UTC"), note.Name))
		} else if len(note.Denies) > 0 {
			out = append(out, fmt.Sprintf("The policy %s has an explicit deny that covers STS: %s.", note.Name, note.Denies[0]))
		}
	}
	if len(f.DeletedPrincipals) > 0 {
		out = append(out, "The trust policy names a principal that was deleted: "+strings.Join(f.DeletedPrincipals, ", ")+".")
	}
	policy, err := trust.Decode(f.TrustPolicy)
	if err != nil {
		return append(out, "The trust policy cannot be read.")
	}
	for _, c := range trust.Explain(policy) {
		name := policy.Statements[c.Statement-1].Name()
		for _, trap := range c.Traps {
			switch trap.ID {
			case trust.TrapMFAAge:
				out = append(out, fmt.Sprintf("In the trust policy, %s limits the age of the caller's MFA login.", name))
			case trust.TrapDuration:
				out = append(out, fmt.Sprintf("In the trust policy, %s asks for %s, which no request for a role session carries.", name, trap.Key))
			case trust.TrapUnreadable, trust.TrapEffect:
				out = append(out, fmt.Sprintf("In the trust policy, %s cannot be read.", name))
			}
		}
	}
	return append(out, outsideDates(policy, at)...)
}

// outsideDates names the Allow statements that are boxed in time and do not
// apply at the moment.
func outsideDates(policy trust.Policy, at time.Time) []string {
	caller := trust.Caller{}.With("aws:CurrentTime", at.UTC().Format(time.RFC3339)).With("aws:EpochTime", strconv.FormatInt(at.Unix(), 10))
	var out []string
	for _, s := range trust.Evaluate(policy, caller).Statements {
		for _, c := range s.Conditions {
			if s.Effect == trust.Allow && c.Outcome == trust.False && (strings.EqualFold(c.Key, "aws:CurrentTime") || strings.EqualFold(c.Key, "aws:EpochTime")) {
				out = append(out, fmt.Sprintf("In the trust policy, %s applies only within a stretch of time, and not now.", policy.Statements[s.Number-1].Name()))
				break
			}
		}
	}
	return out
}

// policyText is a policy document as JSON. IAM returns it URL-encoded by path
// rules: a plus sign stays one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
func policyText(document string) string {
	if strings.HasPrefix(strings.TrimSpace(document), "{") {
		return document
	}
	if plain, err := url.PathUnescape(document); err == nil {
		return plain
	}
	return document
}

// lengthInWords says a number of seconds: "1 h", "90 min", "not known".
func lengthInWords(seconds int) string {
	switch {
	case seconds <= 0:
		return "not known"
	case seconds%3600 == 0:
		return fmt.Sprintf("%d h", seconds/3600)
	case seconds%60 == 0:
		return fmt.Sprintf("%d min", seconds/60)
	}
	return fmt.Sprintf("%d s", seconds)
}
