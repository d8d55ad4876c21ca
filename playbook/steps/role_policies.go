package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// policiesAtOnce is how many of a role's policies are read side by side: IAM's
// request limits are low, unpublished and shared by the whole account.
const policiesAtOnce = 4

// policyAnswer is one policy of the role, as far as it could be read.
type policyAnswer struct {
	note    facts.PolicyNote
	proofs  []playbook.Proof
	problem *playbook.Problem
}

// policiesAnswer is a list of policies and what came of reading each.
type policiesAnswer struct {
	list answer[[]facts.PolicyNote]
	each []policyAnswer
}

func (r run) inlinePolicies(ctx context.Context, role, region string) policiesAnswer {
	c := call{Action: "iam:ListRolePolicies", Region: region, Args: []string{"--role-name", role}, Console: roleConsole(region, role)}
	list := ask(ctx, c, func(ctx context.Context) ([]facts.PolicyNote, error) {
		var names []facts.PolicyNote
		pages := iam.NewListRolePoliciesPaginator(r.IAM, &iam.ListRolePoliciesInput{RoleName: &role})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, name := range page.PolicyNames {
				names = append(names, facts.PolicyNote{Kind: "inline", Name: name})
			}
		}
		return names, nil
	})
	return readEach(list, func(note facts.PolicyNote) policyAnswer {
		c := call{Action: "iam:GetRolePolicy", Region: region, Args: []string{"--role-name", role, "--policy-name", note.Name}, Console: roleConsole(region, role)}
		document := ask(ctx, c, func(ctx context.Context) (string, error) {
			out, err := r.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &note.Name})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.PolicyDocument), nil
		})
		return notePolicy(note, document)
	})
}

func (r run) attachedPolicies(ctx context.Context, role, region string) policiesAnswer {
	c := call{Action: "iam:ListAttachedRolePolicies", Region: region, Args: []string{"--role-name", role}, Console: roleConsole(region, role)}
	list := ask(ctx, c, func(ctx context.Context) ([]facts.PolicyNote, error) {
		var attached []facts.PolicyNote
		pages := iam.NewListAttachedRolePoliciesPaginator(r.IAM, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, p := range page.AttachedPolicies {
				attached = append(attached, facts.PolicyNote{Kind: "attached", Name: aws.ToString(p.PolicyName), ARN: aws.ToString(p.PolicyArn)})
			}
		}
		return attached, nil
	})
	return readEach(list, func(note facts.PolicyNote) policyAnswer { return r.managedPolicy(ctx, note.Kind, note.ARN, region) })
}

// readEach reads every policy of a list, a few at once, and keeps the list's order.
func readEach(list answer[[]facts.PolicyNote], read func(facts.PolicyNote) policyAnswer) policiesAnswer {
	slices.SortFunc(list.Out, func(a, b facts.PolicyNote) int { return strings.Compare(a.Name, b.Name) })
	if list.Problem == nil {
		list.Proof.Result = fmt.Sprintf("%d listed", len(list.Out))
	}
	out := policiesAnswer{list: list, each: make([]policyAnswer, len(list.Out))}
	var group errgroup.Group
	group.SetLimit(policiesAtOnce)
	for i, note := range list.Out {
		group.Go(func() error {
			out.each[i] = read(note)
			return nil
		})
	}
	group.Wait()
	return out
}

// managedPolicy reads the default version of a managed policy. Those of AWS hold
// no denies but where their name says so, and are left unread.
func (r run) managedPolicy(ctx context.Context, kind, arn, region string) policyAnswer {
	note := facts.PolicyNote{Kind: kind, Name: arn[strings.LastIndexByte(arn, '/')+1:], ARN: arn}
	if strings.Contains(arn, ":iam::aws:policy/") && kind != "boundary" && !strings.Contains(note.Name, "Deny") && !strings.Contains(note.Name, "Quarantine") {
		return policyAnswer{note: note}
	}
	link := console(region, "iam", "/policies/details/"+arn)
	get := ask(ctx, call{Action: "iam:GetPolicy", Region: region, Args: []string{"--policy-arn", arn}, Console: link},
		func(ctx context.Context) (*iamtypes.Policy, error) {
			out, err := r.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
			if err != nil {
				return nil, err
			}
			return out.Policy, nil
		})
	if get.Problem != nil {
		return policyAnswer{note: note, proofs: []playbook.Proof{get.Proof}, problem: get.Problem}
	}
	version := aws.ToString(get.Out.DefaultVersionId)
	get.Proof.Result = "default version " + version
	document := ask(ctx, call{Action: "iam:GetPolicyVersion", Region: region, Args: []string{"--policy-arn", arn, "--version-id", version}, Console: link},
		func(ctx context.Context) (string, error) {
			out, err := r.IAM.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &version})
			if err != nil || out.PolicyVersion == nil {
				return "", err
			}
			return aws.ToString(out.PolicyVersion.Document), nil
		})
	a := notePolicy(note, document)
	a.proofs = append([]playbook.Proof{get.Proof}, a.proofs...)
	return a
}

// sessionCalls are the calls whose explicit denial bears on sessions.
var sessionCalls = []string{trust.AssumeRole, "sts:GetSessionToken", "sts:GetFederationToken"}

// notePolicy notes what a policy says of sessions. The text is kept only where it
// says something: a deny, a revocation, or a boundary's whole extent.
func notePolicy(note facts.PolicyNote, document answer[string]) policyAnswer {
	a := policyAnswer{note: note, problem: document.Problem}
	if document.Problem == nil {
		text := policyText(document.Out)
		policy, err := trust.Decode(text)
		if err != nil {
			a.problem = &playbook.Problem{Status: playbook.Blind, Text: "it is no policy document", Err: err}
		} else {
			a.note.Read = true
			a.note.RevokesBefore, _ = trust.RevokeTime(policy)
			a.note.RevokesBefore = a.note.RevokesBefore.UTC()
			a.note.Denies = sessionDenies(policy)
			if len(a.note.Denies) > 0 || note.Kind == "boundary" {
				a.note.Document = text
			}
		}
		document.Proof.Result = wording.Count(len(policy.Statements), "statement", "statements")
		if len(a.note.Denies) > 0 {
			document.Proof.Result += ", denies sessions or STS"
		}
	}
	a.proofs = []playbook.Proof{document.Proof}
	return a
}

// sessionDenies says the statements that deny STS calls, in the policy's order.
func sessionDenies(policy trust.Policy) []string {
	clauses := trust.Explain(policy)
	var said []int
	var out []string
	for _, action := range sessionCalls {
		for _, s := range trust.ExplicitDenies(policy, action) {
			if !slices.Contains(said, s.Number) {
				said = append(said, s.Number)
			}
		}
	}
	slices.Sort(said)
	for _, number := range said {
		out = append(out, policy.Statements[number-1].Name()+": "+clauses[number-1].Text)
	}
	return out
}
