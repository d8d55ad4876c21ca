package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const trustChangesDoc = `Who changed the role in the window, and what does the change mean?

It reads CloudTrail's IAM records of the partition's global region, whatever region was asked about: trust policy, maximum session
length, boundary, inline and attached policies, revoked sessions, the role deleted and made again, the identity providers, access
keys of users that the trust policy may let in, STS settings, service control policies and permission sets. Only changes that
succeeded count. CloudTrail shows the new value alone; the old one is the newest earlier change within the 90 days of the event
history, and unknown where there is none. Trust policies are compared by what they mean for each principal, not by their text.

What it cannot tell: changes of service control policies made in the organization's management account, changes to what an identity
provider sends, and anything older than 90 days. The newest 15 minutes may not have arrived; IAM itself takes some seconds to minutes
until a change is in force everywhere.`

var trustChangesActions = append([]string{"iam:GetRole", "iam:ListAttachedRolePolicies"}, trailActions...)

// changeKinds are the events that can explain an incident, all of IAM unless
// another source is given.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
var changeKinds = map[string]facts.ChangeKind{
	"UpdateAssumeRolePolicy":                  facts.TrustEdited,
	"UpdateRole":                              facts.MaxSessionEdited, // or only a description
	"PutRolePermissionsBoundary":              facts.BoundaryEdited,
	"DeleteRolePermissionsBoundary":           facts.BoundaryEdited,
	"PutRolePolicy":                           facts.InlineEdited, // or a revocation
	"DeleteRolePolicy":                        facts.InlineEdited,
	"AttachRolePolicy":                        facts.AttachedEdited,
	"DetachRolePolicy":                        facts.AttachedEdited,
	"CreatePolicyVersion":                     facts.AttachedEdited,
	"SetDefaultPolicyVersion":                 facts.AttachedEdited,
	"CreateRole":                              facts.RoleCreated,
	"DeleteRole":                              facts.RoleDeleted,
	"UpdateRoleDescription":                   facts.OtherEdit,
	"TagRole":                                 facts.OtherEdit,
	"UntagRole":                               facts.OtherEdit,
	"AddRoleToInstanceProfile":                facts.OtherEdit,
	"RemoveRoleFromInstanceProfile":           facts.OtherEdit,
	"CreateSAMLProvider":                      facts.ProviderEdited,
	"UpdateSAMLProvider":                      facts.ProviderEdited,
	"DeleteSAMLProvider":                      facts.ProviderEdited,
	"CreateOpenIDConnectProvider":             facts.ProviderEdited,
	"DeleteOpenIDConnectProvider":             facts.ProviderEdited,
	"AddClientIDToOpenIDConnectProvider":      facts.ProviderEdited,
	"RemoveClientIDFromOpenIDConnectProvider": facts.ProviderEdited,
	"UpdateOpenIDConnectProviderThumbprint":   facts.ProviderEdited,
	"UpdateAccessKey":                         facts.KeyEdited,
	"DeleteAccessKey":                         facts.KeyEdited,
	"DeactivateMFADevice":                     facts.KeyEdited,
	"DeleteUser":                              facts.KeyEdited,
	"SetSecurityTokenServicePreferences":      facts.STSSettingEdited,
	"SetSTSRegionalEndpointStatus":            facts.STSSettingEdited,
	"AttachPolicy":                            facts.OrgPolicyEdited, // organizations.amazonaws.com
	"DetachPolicy":                            facts.OrgPolicyEdited,
	"UpdatePolicy":                            facts.OrgPolicyEdited,
	"UpdatePermissionSet":                     facts.PermissionSet, // sso.amazonaws.com
	"ProvisionPermissionSet":                  facts.PermissionSet,
	"PutInlinePolicyToPermissionSet":          facts.PermissionSet,
	"DeleteInlinePolicyFromPermissionSet":     facts.PermissionSet,
}

// namedOtherwise are the events whose record does not name the role: the event
// history has to be asked for them by the event's name.
func namedOtherwise(k facts.ChangeKind, event string) bool {
	switch k {
	case facts.ProviderEdited, facts.KeyEdited, facts.STSSettingEdited, facts.OrgPolicyEdited, facts.PermissionSet:
		return true
	}
	return event == "CreatePolicyVersion" || event == "SetDefaultPolicyVersion"
}

// changeNeeds is what a trail must record to show changes.
var changeNeeds = []eventKind{{Source: "iam.amazonaws.com", Name: "UpdateAssumeRolePolicy", Global: true}, {Source: "iam.amazonaws.com", Name: "UpdateRole", Global: true}}

// beforePages bounds the search for an earlier value, by event name.
const beforePages = 40

func (r run) trustChanges(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	t, known := target(p)
	role, w := trailRole(t), p.Reading()
	account := cmp.Or(known.Account, t.Account)
	global := playbook.GlobalRegion(t.Partition)
	var n notes
	f := facts.TrustChanges{Trails: []facts.Trail{}, Changes: []facts.Change{}}
	if role.Account == "" || account == "" {
		return n.evidence(playbook.Blind, "The role's account is not known, so no change can be told to be the role's.", f), nil
	}
	if role.Account != account {
		n.unseen = append(n.unseen, fmt.Sprintf("Changes of the role: they are recorded in account %s, to which there is no way from here.", role.Account))
		return n.evidence(playbook.Blind, fmt.Sprintf("Changes of the role are recorded in account %s only.", role.Account), f), nil
	}

	names := make([]string, 0, len(changeKinds))
	for name := range changeKinds {
		names = append(names, name)
	}
	slices.Sort(names)
	q := trailQuestion{Target: t, Account: account, Window: w, At: p.Request.At, Regions: []string{global}, Needs: changeNeeds,
		Filter: `eventSource in ["iam.amazonaws.com","organizations.amazonaws.com","sso.amazonaws.com"] and eventName in ` + quotedList(names),
		// A change of a role is found by the role's name. Its ARN would bring the calls
		// for its sessions instead: at LookupEvents' pace those of a busy role fill the
		// step's time.
		Lookups: []lookup{{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.Name}},
		Keep: func(rec cloudtrail.Record, _ bool) bool {
			_, known := changeKinds[rec.EventName]
			return known && (rec.RecipientAccountID == "" || rec.RecipientAccountID == account || rec.EventSource == "organizations.amazonaws.com")
		},
	}
	for _, name := range names {
		if namedOtherwise(changeKinds[name], name) {
			q.Lookups = append(q.Lookups, lookup{Key: trailtypes.LookupAttributeKeyEventName, Value: name, Pages: firehosePages / 4, Side: true})
		}
	}
	var (
		all      sync.WaitGroup
		live     answer[*iamtypes.Role]
		attached answer[[]string]
		a        trailAnswer
	)
	all.Go(func() { a = r.readTrail(ctx, q, &n) })
	all.Go(func() { live = r.getRole(ctx, role.Name, global) })
	all.Go(func() { attached = r.attachedARNs(ctx, role.Name, global) })
	all.Wait()
	f.Trails = a.Trails
	n.take(live.Proof, notMissing(live.Problem), "The role as it is now")
	n.take(attached.Proof, notMissing(attached.Problem), "The policies attached to the role")
	if a.Problem != nil {
		return n.stopped(a.Problem, "Changes of the role could not be read: "+a.Problem.Text+".", f), nil
	}

	about := newRoleParts(role, live.Out, attached.Out)
	var changed []cloudtrail.Record
	for _, rec := range a.Records {
		switch {
		case !about.concerns(rec):
		case rec.Failed():
			if rec.Request.RoleName == role.Name {
				f.Refused++
			}
		default:
			changed = append(changed, rec)
		}
	}
	earlier, problem := r.earlierValues(ctx, q, role, changed, &n)
	var policy string
	var maxSession int
	f.Changes, policy, maxSession = describeChanges(slices.Concat(earlier, changed), p.Request, role)

	inside, bearing := countChanges(f)
	partial := a.Partial
	if a.SideCut {
		partial = append(partial, "Changes whose record does not name the role (providers, keys, policies, settings) could not be read to the end.")
	}
	if problem != nil {
		partial = append(partial, "Earlier values could not be looked up: "+problem.Text+".")
	}
	if note := notYetRecorded(live.Out, policy, maxSession); note != "" {
		partial = append(partial, note)
	}
	n.unseen = append(n.unseen, "Service control policies that were changed in the organization's management account.")
	status := seen(bearing > 0, a.Whole)
	e := n.evidence(status, changesSummary(f, role.Name, inside, bearing, status), f)
	e.Partial = strings.Join(partial, " ")
	return e, nil
}

// countChanges counts those in the window, and of them those that bear on sessions.
func countChanges(f facts.TrustChanges) (inside, bearing int) {
	for _, c := range f.Changes {
		if c.InWindow {
			inside++
			if bears(c) {
				bearing++
			}
		}
	}
	return inside, bearing
}

func changesSummary(f facts.TrustChanges, name string, inside, bearing int, status playbook.Status) string {
	if bearing == 0 {
		switch {
		case status == playbook.Blind:
			return fmt.Sprintf("No change of %s that could touch sessions was seen, but part of the window could not be looked at.", name)
		case inside > 0:
			return fmt.Sprintf("%s of %s in the window; nothing of it can touch its sessions or who gets one.", wording.Count(inside, "change", "changes"), name)
		}
		return fmt.Sprintf("Nothing about %s was changed in the window.", name)
	}
	var texts []string
	for _, c := range f.Changes {
		if c.InWindow && bears(c) {
			texts = append(texts, fmt.Sprintf("%s: %s", clock(c.Time), c.Text))
		}
	}
	if over := len(texts) - 3; over > 0 {
		texts = append(texts[:3], fmt.Sprintf("and %d more", over))
	}
	return fmt.Sprintf("Changes that can touch sessions of %s: %d. %s.", name, bearing, strings.Join(texts, "; "))
}

// bears says whether a change can touch sessions or who gets one. A policy that
// was written again with the same meaning cannot, nor can a new key.
func bears(c facts.Change) bool {
	switch c.Kind {
	case facts.OtherEdit:
		return false
	case facts.TrustEdited:
		return c.BeforeIs != playbook.Yes || len(c.Diff) > 0
	case facts.MaxSessionEdited:
		return c.WasMax == 0 || c.WasMax != c.NowMax
	case facts.KeyEdited:
		return c.After != "Active"
	}
	return true
}

// notMissing leaves out that the role does not exist: another step says so.
func notMissing(p *playbook.Problem) *playbook.Problem {
	if absent(p) {
		return nil
	}
	return p
}

func (r run) attachedARNs(ctx context.Context, name, region string) answer[[]string] {
	return ask(ctx, call{Action: "iam:ListAttachedRolePolicies", Region: region, Args: []string{"--role-name", name}, Console: roleConsole(region, name)},
		func(ctx context.Context) ([]string, error) {
			var arns []string
			pages := iam.NewListAttachedRolePoliciesPaginator(r.IAM, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, p := range page.AttachedPolicies {
					arns = append(arns, aws.ToString(p.PolicyArn))
				}
			}
			return arns, nil
		})
}

// roleParts are the things whose change may touch the role's sessions.
type roleParts struct {
	role      cloudtrail.Role
	policies  []string // attached, and the boundary
	providers []string // named in the trust policy
	users     []string // user names in the trust policy
	anyUser   bool     // the account itself is trusted, or the policy is not known
	known     bool     // the trust policy could be read
}

func newRoleParts(role cloudtrail.Role, live *iamtypes.Role, attached []string) roleParts {
	s := roleParts{role: role, policies: attached, anyUser: true}
	if live == nil {
		return s
	}
	s.policies = slices.Concat(s.policies, boundaryOf(live))
	policy, err := trust.Decode(aws.ToString(live.AssumeRolePolicyDocument))
	if err != nil {
		return s
	}
	s.known, s.anyUser = true, false
	for _, st := range policy.Statements {
		for _, p := range st.Principals {
			switch p.Kind {
			case trust.KindSAML, trust.KindOIDC:
				s.providers = append(s.providers, p.Value)
			case trust.KindUser:
				s.users = append(s.users, p.Value[strings.LastIndexByte(p.Value, '/')+1:])
			case trust.KindAccount:
				s.anyUser = s.anyUser || p.Account() == role.Account
			case trust.KindAnyone:
				s.anyUser = true
			}
		}
	}
	return s
}

func boundaryOf(role *iamtypes.Role) []string {
	if role.PermissionsBoundary == nil {
		return nil
	}
	return []string{aws.ToString(role.PermissionsBoundary.PermissionsBoundaryArn)}
}

// concerns says whether a change is of the role or of something its sessions need.
func (s roleParts) concerns(rec cloudtrail.Record) bool {
	req := rec.Request
	switch changeKinds[rec.EventName] {
	case facts.ProviderEdited:
		arn := providerOf(rec)
		// A provider is named in full, or by its issuer in the trust policy.
		return !s.known || arn == "" || slices.ContainsFunc(s.providers, func(p string) bool { return p == arn || strings.HasSuffix(arn, "/"+p) || strings.HasSuffix(p, "/"+arn) })
	case facts.KeyEdited:
		user := cmp.Or(req.UserName, rec.Identity.UserName)
		return slices.Contains(s.users, user) || s.anyUser
	case facts.STSSettingEdited, facts.OrgPolicyEdited:
		return true
	case facts.PermissionSet:
		return strings.HasPrefix(s.role.Name, "AWSReservedSSO_")
	}
	if req.RoleName == "" {
		return slices.Contains(s.policies, req.PolicyARN)
	}
	return req.RoleName == s.role.Name
}

func providerOf(rec cloudtrail.Record) string {
	return cmp.Or(rec.Request.OIDCProviderARN, rec.Request.SAMLProviderARN, rec.Request.Param("url"), rec.Request.Param("name"))
}
