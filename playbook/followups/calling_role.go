package followups

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const (
	// rolesRead bounds the calling roles whose configuration is read: some six calls each.
	rolesRead = 10
	// readAtOnce is how many of them are read side by side: IAM's limits are low.
	readAtOnce = 3
)

// readRole is a calling role as IAM has it.
type readRole struct {
	role     *iamtypes.Role
	gone     bool
	policies []facts.PolicyNote
}

// callingRoles reads the calling roles of this account, each once, and counts
// those beyond the bound, which are left out.
func (k check) callingRoles(ctx context.Context, callers []*caller, t playbook.Target, n *steps.Notes) (out map[string]*readRole, over int) {
	region := playbook.GlobalRegion(t.Partition)
	var arns []string
	for _, c := range callers {
		if c.role != "" && c.role != t.RoleARN && !slices.Contains(arns, c.role) {
			arns = append(arns, c.role)
		}
	}
	over = max(0, len(arns)-rolesRead)
	arns = arns[:len(arns)-over]
	out = map[string]*readRole{}
	for _, arn := range arns {
		out[arn] = &readRole{}
	}
	taken := make([]steps.Notes, len(arns))
	slots := make(chan struct{}, readAtOnce)
	var all sync.WaitGroup
	for i, arn := range arns {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			*out[arn] = k.readRole(ctx, arn, region, &taken[i])
		})
	}
	all.Wait()
	for i := range taken {
		n.Join(taken[i])
	}
	return out, over
}

func (k check) readRole(ctx context.Context, arn, region string, n *steps.Notes) readRole {
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	get := steps.Ask(ctx, steps.Call{Action: "iam:GetRole", Region: region, Args: []string{"--role-name", name}, Console: steps.RoleConsole(region, name)},
		func(ctx context.Context) (*iamtypes.Role, error) {
			out, err := k.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
			if err != nil {
				return nil, err
			}
			return out.Role, nil
		})
	if steps.Absent(get.Problem) {
		n.Take(get.Proof, nil, "")
		return readRole{gone: true}
	}
	n.Take(get.Proof, get.Problem, "The calling role "+name)
	if get.Out == nil {
		return readRole{}
	}
	boundary := ""
	if b := get.Out.PermissionsBoundary; b != nil {
		boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	r := readRole{role: get.Out}
	r.policies, _ = steps.Policies(ctx, k.Clients, name, boundary, region, n)
	return r
}

// problems are what is wrong with a calling role of this account.
func problems(read *readRole, t playbook.Target) []string {
	var out []string
	switch {
	case read == nil:
		return nil
	case read.gone:
		return []string{"The calling role does not exist any more."}
	}
	for _, p := range read.policies {
		if !p.RevokesBefore.IsZero() {
			out = append(out, fmt.Sprintf("Its sessions from before %s are revoked by the policy %s.", wording.UTC(p.RevokesBefore), p.Name))
		} else if len(p.Denies) > 0 {
			out = append(out, fmt.Sprintf("Its policy %s denies STS: %s.", p.Name, strings.TrimSuffix(p.Denies[0], ".")))
		}
		if bounds(p, t) {
			out = append(out, fmt.Sprintf("Its permissions boundary %s does not allow sts:AssumeRole for this role.", p.Name))
		}
	}
	return out
}

// bounds says that a permissions boundary certainly takes the call away.
func bounds(p facts.PolicyNote, t playbook.Target) bool {
	if p.Kind != "boundary" || !p.Read || p.Document == "" {
		return false
	}
	policy, err := trust.Decode(p.Document)
	return err == nil && trust.AllowsAction(policy, trust.AssumeRole, t.RoleARN) == trust.False
}

// blame names the cause where a calling role of this account explains why its
// calls are refused, which nothing about the asked role does.
func (c *caller) blame(occasions []rules.Occasion, read *readRole, t playbook.Target) (playbook.Finding, bool) {
	if read == nil {
		return playbook.Finding{}, false
	}
	var refused []rules.Occasion
	for _, o := range occasions {
		if o.Kind == facts.AssumeDenied && o.Caller != "" && principal(o.Caller) == c.name {
			refused = append(refused, o)
		}
	}
	who := short(cmp.Or(c.role, c.name))
	step := playbook.StepID(playbook.ChainLimits)
	for _, note := range read.policies {
		// A session from after the cut-off is not touched, so its refusal is another's.
		after := slices.DeleteFunc(since(refused, note.RevokesBefore), func(o rules.Occasion) bool { return o.Since.After(note.RevokesBefore) })
		if note.RevokesBefore.IsZero() || len(after) == 0 {
			continue
		}
		return finding(playbook.SessionsRevoked, playbook.High, fmt.Sprintf("Sessions of the calling %s were revoked", who),
			fmt.Sprintf("The inline policy %s of the calling %s denies everything to its sessions from before %s, so what they ask is refused: %s, first at %s. The sessions of the asked role itself are not revoked.",
				note.Name, who, wording.UTC(note.RevokesBefore), tally(after), wording.UTC(after[0].At)),
			after, playbook.Cite{Step: step, Ref: fmt.Sprintf("role %s, inline policy %s: revokes sessions from before %s", read.name(), note.Name, wording.UTC(note.RevokesBefore))}), true
	}
	if read.role != nil {
		created := aws.ToTime(read.role.CreateDate).UTC()
		id, _, _ := strings.Cut(c.Principal, ":")
		if after := since(refused, created); id != "" && aws.ToString(read.role.RoleId) != "" && id != aws.ToString(read.role.RoleId) && len(after) > 0 {
			return finding(playbook.PrincipalRecreated, playbook.High, fmt.Sprintf("The calling %s was deleted and made again", who),
				fmt.Sprintf("The calling %s was made at %s and has another id than the one that was let in before: policies that trust the former one do not trust it. Refused since: %s.",
					who, wording.UTC(created), tally(after)),
				after, playbook.Cite{Step: step, Ref: fmt.Sprintf("role %s: id %s, created %s", read.name(), aws.ToString(read.role.RoleId), wording.UTC(created))}), true
		}
	}
	for _, note := range read.policies {
		if bounds(note, t) && len(refused) > 0 {
			return finding(playbook.AccessDeniedOther, playbook.High, fmt.Sprintf("The permissions boundary of the calling %s does not allow the call", who),
				fmt.Sprintf("The boundary %s of the calling %s allows no sts:AssumeRole for this role, so it is refused (%s), whatever the trust policy says.", note.Name, who, tally(refused)),
				refused, playbook.Cite{Step: step, Ref: fmt.Sprintf("role %s, boundary %s", read.name(), note.Name)}), true
		}
	}
	return playbook.Finding{}, false
}

func (r *readRole) name() string {
	if r.role == nil {
		return "unknown"
	}
	return aws.ToString(r.role.RoleName)
}

func tally(all []rules.Occasion) string {
	cites := make([]playbook.Cite, len(all))
	for i, o := range all {
		cites[i] = o.Cite
	}
	return rules.Tally(cites)
}

func since(all []rules.Occasion, at time.Time) []rules.Occasion {
	var out []rules.Occasion
	for _, o := range all {
		if !o.At.Before(at) {
			out = append(out, o)
		}
	}
	return out
}

func finding(id playbook.CauseID, confidence playbook.Confidence, headline, why string, explained []rules.Occasion, cite playbook.Cite) playbook.Finding {
	cites, keys := []playbook.Cite{cite}, []string{}
	for _, o := range explained {
		if len(cites) < 6 {
			cites = append(cites, o.Cite)
		}
		if !slices.Contains(keys, o.Key) {
			keys = append(keys, o.Key)
		}
	}
	return rules.Found(id, confidence, headline, why, cites, keys)
}
