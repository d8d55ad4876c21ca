package followups

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

var app = playbook.Target{Role: "app", RoleARN: "arn:aws:iam::111122223333:role/app", Account: "111122223333", Partition: "aws", Region: "eu-west-1"}

func TestTheSmallestLimitSetsTheHop(t *testing.T) {
	session := func(chained playbook.Truth, event string, requested int) []facts.Session {
		return []facts.Session{{Event: event, Chained: chained, Requested: requested, Seconds: 3600}}
	}
	for _, tt := range []struct {
		name    string
		caller  caller
		ceiling int
		term    string
	}{
		{"a chained call", caller{sessions: session(playbook.Yes, "AssumeRole", 0)}, 3600, "role chaining"},
		{"a long-term key", caller{sessions: session(playbook.No, "AssumeRole", 1800)}, 43200, "the role's maximum; it asks for 30 min"},
		{"nobody asked for a length", caller{sessions: session(playbook.No, "AssumeRole", 0)}, 43200, "STS gives 1 h"},
		{"too much is refused", caller{refused: []facts.Failure{{Requested: 50000}}}, 43200, "which is refused"},
		{"too much in a chain", caller{Caller: facts.Caller{Temporary: playbook.Yes}, refused: []facts.Failure{{Requested: 7200}}}, 3600, "asks for 2 h, which is refused"},
		{"SAML", caller{sessions: session(playbook.No, "AssumeRoleWithSAML", 0)}, 43200, "SessionNotOnOrAfter"},
		{"a service", caller{Caller: facts.Caller{Service: "ec2.amazonaws.com"}, sessions: session(playbook.No, "AssumeRole", 0)}, 0, "renews by itself"},
		{"a role that only the trust policy names", caller{Caller: facts.Caller{ARN: "arn:aws:iam::444455556666:role/x"}}, 3600, "role chaining"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hop := tt.caller.lastHop(app, facts.RoleConfig{MaxSessionDuration: 43200})
			if hop.Ceiling != tt.ceiling || !strings.Contains(hop.Term, tt.term) {
				t.Errorf("%d s, set by %s", hop.Ceiling, hop.Term)
			}
		})
	}
}

const trustPartner = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:root","arn:aws:iam::111122223333:role/builder"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x-1","aws:PrincipalOrgID":"o-abc1234567"}}}]}`

func TestWhatOtherAccountsHideIsTold(t *testing.T) {
	a := made(t, map[string]string{"iam/roles.json": roleFile(trustPartner, `,{"Path":"/ci/","RoleName":"builder","RoleId":"AROAEXAMPLE0000000002","Arn":"arn:aws:iam::111122223333:role/ci/builder","CreateDate":"2025-02-11T09:31:07+00:00","MaxSessionDuration":7200,
"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[]},"PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/narrow"}}`), "iam/policies.json": narrowPolicies})
	o := a.follow(t, playbook.ChainLimits, a.investigate(t, a.plan, playbook.DefaultWindow))
	f, ok := facts.Chains.In(playbook.Outcomes{o.Step: o})
	if !ok || len(f.Chains) != 2 {
		t.Fatalf("%s: %+v", o.Summary, f.Chains)
	}
	own, other := f.Chains[0], f.Chains[1]
	if own.Account != "111122223333" {
		own, other = other, own
	}
	if !other.Cross || other.Account != "444455556666" || !strings.Contains(other.Hidden, "444455556666") || other.ExternalID != "wanted" || other.Org != "wanted" {
		t.Errorf("other account: %+v", other)
	}
	if own.Cross || len(own.Hops) != 2 || own.Hops[0].Ceiling != 7200 || own.Hops[1].Ceiling != 3600 {
		t.Errorf("own account: %+v", own)
	}
	if len(own.Problems) != 1 || !strings.Contains(own.Problems[0], "boundary narrow does not allow sts:AssumeRole") {
		t.Errorf("problems: %q", own.Problems)
	}
	if !slices.ContainsFunc(o.Unseen, func(s string) bool { return strings.Contains(s, "recorded there alone") }) {
		t.Errorf("unseen: %q", o.Unseen)
	}
}

// refusedPass is an investigation in which a session of the role builder was refused.
func refusedPass(t *testing.T, since time.Time) (playbook.FollowPass, *caller) {
	t.Helper()
	who := facts.Caller{Type: "AssumedRole", ARN: "arn:aws:sts::111122223333:assumed-role/builder/b-1", Account: "111122223333", Principal: "AROAOLD00000000000001:b-1",
		IssuerARN: "arn:aws:iam::111122223333:role/builder", Temporary: playbook.Yes, Since: since}
	p := passWith(t, playbook.Clear, nil)
	s := playbook.Step{N: 2, ID: playbook.STSErrors}
	out, err := s.Settle(playbook.Evidence{Status: playbook.Found, Summary: "x", Facts: facts.STSErrors{Total: 1, Calls: 1, Failures: []facts.Failure{
		{EventID: "e1", Time: noon.Add(-time.Hour), Event: "AssumeRole", Kind: facts.AssumeDenied, Code: "AccessDenied", Caller: who}}}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Done[playbook.STSErrors] = out
	return p, &caller{Caller: who, name: principal(who.ARN), role: who.IssuerARN}
}

func TestACallingRoleIsBlamedOnlyForWhatItExplains(t *testing.T) {
	cut := noon.Add(-2 * time.Hour)
	revoked := []facts.PolicyNote{{Name: "AWSRevokeOlderSessions", Kind: "inline", RevokesBefore: cut, Read: true}}
	same := &iamtypes.Role{RoleName: aws.String("builder"), RoleId: aws.String("AROAOLD00000000000001"), CreateDate: aws.Time(noon.Add(-9000 * time.Hour))}
	again := &iamtypes.Role{RoleName: aws.String("builder"), RoleId: aws.String("AROANEW00000000000001"), CreateDate: aws.Time(noon.Add(-3 * time.Hour))}
	boundary := []facts.PolicyNote{{Name: "narrow", Kind: "boundary", Read: true, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`}}
	for _, tt := range []struct {
		name  string
		since time.Time
		read  *readRole
		want  playbook.CauseID
	}{
		{"its old sessions are revoked", noon.Add(-5 * time.Hour), &readRole{role: same, policies: revoked}, playbook.SessionsRevoked},
		{"the refused session is a new one", noon.Add(-90 * time.Minute), &readRole{role: same, policies: revoked}, ""},
		{"revoked after the refusal", noon.Add(-5 * time.Hour), &readRole{role: same, policies: []facts.PolicyNote{{Name: "x", RevokesBefore: noon, Read: true}}}, ""},
		{"it was made again", noon.Add(-5 * time.Hour), &readRole{role: again}, playbook.PrincipalRecreated},
		{"its boundary leaves STS out", noon.Add(-5 * time.Hour), &readRole{role: same, policies: boundary}, playbook.AccessDeniedOther},
		{"nothing is wrong with it", noon.Add(-5 * time.Hour), &readRole{role: same}, ""},
		{"it is of another account", noon.Add(-5 * time.Hour), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, c := refusedPass(t, tt.since)
			f, ok := c.blame(rules.Occasions(p.Request, p.Done), tt.read, app)
			if ok != (tt.want != "") || f.Cause != tt.want {
				t.Errorf("blames %q: %s", f.Cause, f.Why)
			}
			if ok && (len(f.Cites) < 2 || len(f.Explains) == 0) {
				t.Errorf("cites %v, explains %v", f.Cites, f.Explains)
			}
		})
	}
}

// Calling roles beyond the bound are told, and what was not looked at is not clear.
func TestCallingRolesBeyondTheBoundAreTold(t *testing.T) {
	for n, tt := range map[int]struct {
		status  playbook.Status
		partial string
	}{
		rolesRead:     {playbook.Clear, ""},
		rolesRead + 1: {playbook.Blind, "1 more calling role was not looked at: the bound is 10."},
		rolesRead + 2: {playbook.Blind, "2 more calling roles were not looked at: the bound is 10."},
	} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			var arns, more []string
			for i := range n {
				arn := fmt.Sprintf("arn:aws:iam::111122223333:role/caller-%d", i)
				arns = append(arns, strconv.Quote(arn))
				more = append(more, fmt.Sprintf(`,{"Path":"/","RoleName":"caller-%d","RoleId":"AROAEXAMPLE00000001%02d","Arn":%q,"CreateDate":"2025-02-11T09:31:07+00:00","MaxSessionDuration":3600,"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[]}}`, i, i, arn))
			}
			policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[` + strings.Join(arns, ",") + `]},"Action":"sts:AssumeRole"}]}`
			a := made(t, map[string]string{"iam/roles.json": roleFile(policy, strings.Join(more, ""))})
			r := a.investigate(t, a.plan, playbook.DefaultWindow)
			for i := range r.Steps { // so that only the bound can blind the check
				if r.Steps[i].Step == playbook.Sessions {
					r.Steps[i].Status = playbook.Clear
				}
			}
			if o := a.follow(t, playbook.ChainLimits, r); o.Status != tt.status || o.Partial != tt.partial {
				t.Errorf("%s, %q: %s", o.Status, o.Partial, o.Summary)
			}
		})
	}
}
