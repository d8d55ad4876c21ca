package followups

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

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

const mfaDoc = `Do the users who call have an MFA device, since when, and does anything ask for it?

It takes the users from the sessions, the refused calls, the log lines and the trust policy, and asks IAM for each by name (GetUser,
ListMFADevices): without a name IAM would answer about the tool itself. It lists the conditions of the trust policy that ask for MFA
or for its age, and whether the account's root user has MFA (GetAccountSummary). A user who is refused, whom the trust policy lets in
only with MFA, and who has no device, cannot meet the condition.

What it cannot tell: whether a device works or is at hand, which of several a client names, and the devices of other accounts' users or of an identity
provider. A role has no MFA device: a session has MFA only if the user who began the chain named a device in that very call.`

var mfaActions = []string{"iam:GetUser", "iam:ListMFADevices", "iam:GetAccountSummary"}

// usersAsked bounds the users that IAM is asked about: two calls each.
const usersAsked = 25

// The condition keys of MFA.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
const (
	mfaPresent = "aws:multifactorauthpresent"
	mfaAge     = "aws:multifactorauthage"
)

func (k check) mfa(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	var n steps.Notes
	role, _ := facts.Role.In(p.Done)
	config, _ := facts.Config.In(p.Done)
	own := cmp.Or(p.Report.Request.Target.Account, role.Account)
	policy, err := trust.Decode(config.TrustPolicy)
	known := config.TrustPolicy != "" && err == nil
	f := facts.MFACheck{Rules: mfaRules(policy), Holders: []facts.MFAHolder{}}
	var foreign []string
	occasions := rules.Occasions(p.Request, p.Done)
	f.Holders, f.Roles, foreign = mfaCallers(p, occasions, policy, own)
	over := max(0, len(f.Holders)-usersAsked)
	f.Holders = f.Holders[:len(f.Holders)-over]

	global := playbook.GlobalRegion(p.Report.Request.Target.Partition)
	users := make([]steps.Answer[*iamtypes.User], len(f.Holders))
	devices := make([]steps.Answer[[]facts.MFADevice], len(f.Holders))
	var account steps.Answer[playbook.Truth]
	var all sync.WaitGroup
	for i, h := range f.Holders {
		all.Go(func() { users[i] = k.user(ctx, h.User, global) })
		all.Go(func() { devices[i] = k.devices(ctx, h.User, global) })
	}
	all.Go(func() { account = k.accountMFA(ctx, global) })
	all.Wait()
	n.Take(account.Proof, account.Problem, "Whether the account's root user has MFA")
	f.Account = account.Out
	var problem *playbook.Problem
	for i := range f.Holders {
		h := holder(f.Holders[i], users[i], devices[i])
		f.Holders[i] = h
		for _, a := range []struct {
			proof   playbook.Proof
			problem *playbook.Problem
		}{{users[i].Proof, users[i].Problem}, {devices[i].Proof, devices[i].Problem}} {
			if steps.Absent(a.problem) {
				a.problem = nil
			}
			n.Take(a.proof, a.problem, "The MFA devices of "+h.User)
			problem = cmp.Or(problem, a.problem)
		}
	}
	if len(foreign) > 0 {
		n.Unsee("MFA devices of users of other accounts: " + rules.Some(foreign, 5) + ".")
	}
	if len(f.Roles) > 0 {
		n.Correct("A role has no MFA device: a session carries MFA only if the user who began the chain named a device in that call.")
	}
	if !known {
		n.Unsee("The conditions of the trust policy, which could not be read.")
	}

	found := unmet(occasions, p.Report.Request.Target.RoleARN, policy, f)
	f.Rejudged = judgeAgain(p, found)
	f.Table = mfaTable(f)
	status := playbook.Clear
	switch {
	case len(found) > 0 || slices.ContainsFunc(f.Holders, func(h facts.MFAHolder) bool { return lacks(h) && len(f.Rules) > 0 }):
		status = playbook.Found
	case problem != nil:
		status = problem.Status
	case !known:
		status = playbook.Blind
	}
	e := n.Evidence(status, tellMFA(f, known, len(foreign))+concluded(f.Rejudged), f)
	if over > 0 {
		e.Partial = fmt.Sprintf("%s not looked at: the bound is %d.", wording.Count(over, "more user was", "more users were"), usersAsked)
	}
	return e, nil
}

// mfaRules are the conditions of a trust policy that ask for MFA, in its order.
func mfaRules(policy trust.Policy) []facts.MFARule {
	out := []facts.MFARule{}
	for _, s := range policy.Statements {
		for _, c := range s.Conditions {
			key := strings.ToLower(c.Key)
			if key != mfaPresent && key != mfaAge {
				continue
			}
			r := facts.MFARule{Statement: s.Name(), Text: fmt.Sprintf("%s %s %s %s", s.Effect, c.Key, c.Operator, strings.Join(c.Values, " or "))}
			if key == mfaAge {
				for _, v := range c.Values {
					if age, err := strconv.Atoi(v); err == nil && (r.Age == 0 || age < r.Age) {
						r.Age = age
					}
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// mfaCallers are the users of the role's account who call or are let in, those
// that were refused first, then by name; the roles that call; and the users of
// other accounts.
func mfaCallers(p playbook.FollowPass, occasions []rules.Occasion, policy trust.Policy, own string) (users []facts.MFAHolder, roles, foreign []string) {
	by := map[string]*facts.MFAHolder{}
	see := func(arn string) *facts.MFAHolder {
		kind, rest, _ := strings.Cut(part(arn, 5), "/")
		switch {
		case kind == "assumed-role" || kind == "role":
			roles = append(roles, short(arn))
		case kind == "user" && own != "" && accountIn(arn) != own:
			foreign = append(foreign, arn)
		case kind == "user" && rest != "":
			h := by[arn]
			if h == nil {
				h = &facts.MFAHolder{User: rest[strings.LastIndexByte(rest, '/')+1:], ARN: arn, Devices: []facts.MFADevice{}}
				by[arn] = h
			}
			return h
		}
		return &facts.MFAHolder{}
	}
	ledger, _ := facts.Ledger.In(p.Done)
	for _, s := range ledger.Sessions {
		h := see(s.Caller.ARN)
		h.Asked++
		if s.MFA || s.Caller.MFA == playbook.Yes {
			h.With++
		}
	}
	for _, o := range occasions {
		if o.Kind == facts.AssumeDenied || o.Kind == facts.MFAFailed {
			see(o.Caller).Refused++
		}
	}
	for _, e := range trust.Principals(policy) {
		if e.Principal.Kind == trust.KindUser && e.Effect == trust.Allow && !e.NotPrincipal {
			see(e.Principal.Value).Named = true
		}
	}
	users = []facts.MFAHolder{}
	for _, h := range by {
		users = append(users, *h)
	}
	slices.SortFunc(users, func(a, b facts.MFAHolder) int {
		return cmp.Or(-cmp.Compare(min(a.Refused, 1), min(b.Refused, 1)), cmp.Compare(a.User, b.User), cmp.Compare(a.ARN, b.ARN))
	})
	slices.Sort(roles)
	slices.Sort(foreign)
	return users, slices.Compact(roles), slices.Compact(foreign)
}

func (k check) user(ctx context.Context, name, region string) steps.Answer[*iamtypes.User] {
	a := steps.Ask(ctx, steps.Call{Action: "iam:GetUser", Region: region, Args: []string{"--user-name", name}}, func(ctx context.Context) (*iamtypes.User, error) {
		out, err := k.IAM.GetUser(ctx, &iam.GetUserInput{UserName: &name})
		if err != nil {
			return nil, err
		}
		return out.User, nil
	})
	if a.Out != nil {
		a.Proof.Result = "created " + wording.UTC(aws.ToTime(a.Out.CreateDate))
	}
	return a
}

func (k check) devices(ctx context.Context, name, region string) steps.Answer[[]facts.MFADevice] {
	a := steps.Ask(ctx, steps.Call{Action: "iam:ListMFADevices", Region: region, Args: []string{"--user-name", name}}, func(ctx context.Context) ([]facts.MFADevice, error) {
		out := []facts.MFADevice{}
		pages := iam.NewListMFADevicesPaginator(k.IAM, &iam.ListMFADevicesInput{UserName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, d := range page.MFADevices {
				out = append(out, facts.MFADevice{Serial: steps.Said(aws.ToString(d.SerialNumber), 200), Since: aws.ToTime(d.EnableDate).UTC()})
			}
		}
		return out, nil
	})
	if a.Problem == nil {
		a.Proof.Result = wording.Count(len(a.Out), "device", "devices")
	}
	return a
}

func (k check) accountMFA(ctx context.Context, region string) steps.Answer[playbook.Truth] {
	a := steps.Ask(ctx, steps.Call{Action: "iam:GetAccountSummary", Region: region, Args: []string{"--query", "SummaryMap.AccountMFAEnabled"}},
		func(ctx context.Context) (playbook.Truth, error) {
			out, err := k.IAM.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
			if err != nil {
				return playbook.Unknown, err
			}
			enabled, ok := out.SummaryMap["AccountMFAEnabled"]
			if !ok {
				return playbook.Unknown, nil
			}
			return playbook.Known(enabled == 1), nil
		})
	if a.Problem == nil {
		a.Proof.Result = "AccountMFAEnabled: " + wording.Truth(a.Out)
	}
	return a
}

// holder is a user with what IAM told of it.
func holder(h facts.MFAHolder, user steps.Answer[*iamtypes.User], devices steps.Answer[[]facts.MFADevice]) facts.MFAHolder {
	switch {
	case user.Out != nil:
		h.Exists, h.Created = playbook.Yes, aws.ToTime(user.Out.CreateDate).UTC()
	case steps.Absent(user.Problem):
		h.Exists = playbook.No
	}
	if h.Read = devices.Problem == nil; h.Read {
		h.Devices = devices.Out
	}
	return h
}

// lacks says that a user certainly has no device.
func lacks(h facts.MFAHolder) bool {
	return h.Exists == playbook.No || h.Read && len(h.Devices) == 0
}

// unmet are the refusals of users who cannot meet the policy's MFA condition,
// because they have no device.
func unmet(occasions []rules.Occasion, roleARN string, policy trust.Policy, f facts.MFACheck) []playbook.Finding {
	var keys, who []string
	var cites []playbook.Cite
	var explained []rules.Occasion
	for _, h := range f.Holders {
		if !lacks(h) || h.Exists == playbook.No {
			continue
		}
		caller := trust.Caller{ARN: h.ARN, TargetARN: roleARN}
		without := trust.Evaluate(policy, caller.With(mfaPresent).With(mfaAge)).Allowed
		with := trust.Evaluate(policy, caller.With(mfaPresent, "true").With(mfaAge, "0")).Allowed
		if without != trust.False || with == trust.False {
			continue // it gets in without MFA, or not even with it
		}
		refused := false
		for _, o := range occasions {
			if o.Caller == h.ARN && (o.Kind == facts.AssumeDenied || o.Kind == facts.MFAFailed) {
				refused = true
				keys, explained = append(keys, o.Key), append(explained, o)
				if len(cites) < 5 {
					cites = append(cites, o.Cite)
				}
			}
		}
		if refused {
			who = append(who, h.User)
			cites = append(cites, playbook.Cite{Step: playbook.StepID(playbook.MFADevices), Ref: "ListMFADevices of " + h.User + ": none"})
		}
	}
	if len(who) == 0 {
		return nil
	}
	for _, r := range f.Rules {
		cites = append(cites, playbook.Cite{Step: playbook.RoleConfig, Ref: "trust policy, " + r.Statement + ": " + r.Text})
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	finding := rules.Found(playbook.MFACondition, playbook.High, fmt.Sprintf("%s must bring MFA and has no MFA device", rules.Some(who, 3)),
		fmt.Sprintf("The trust policy lets %s in only with MFA, and IAM lists no MFA device of %s: the condition cannot be met (%s).",
			rules.Some(who, 3), rules.Some(who, 3), tally(explained)), cites, keys)
	finding.Fix = "Give the user an MFA device and name it in the call (--serial-number and --token-code), or let a program have a role without an MFA condition."
	return []playbook.Finding{finding}
}

func tellMFA(f facts.MFACheck, known bool, foreign int) string {
	var out []string
	switch {
	case !known:
	case len(f.Rules) == 0:
		out = append(out, "Nothing in the trust policy asks for MFA.")
	default:
		words := fmt.Sprintf("The trust policy asks for MFA in %s", f.Rules[0].Statement)
		for _, r := range f.Rules {
			if r.Age > 0 {
				words += fmt.Sprintf(", and for one at most %s old: renewing works that long after the login and is denied then", wording.Seconds(r.Age))
				break
			}
		}
		out = append(out, words+".")
	}
	var without, gone []string
	for _, h := range f.Holders {
		switch {
		case h.Exists == playbook.No:
			gone = append(gone, h.User)
		case lacks(h):
			without = append(without, h.User)
		}
	}
	switch {
	case len(f.Holders) == 0 && foreign == 0:
		out = append(out, "No user calls for this role or is named in its trust policy, so there is no device to look at.")
	case len(without) == 0 && len(gone) == 0 && len(f.Holders) > 0:
		out = append(out, fmt.Sprintf("Every user who calls or is let in has an MFA device (%d).", len(f.Holders)))
	}
	if len(without) > 0 {
		out = append(out, "No MFA device: "+rules.Some(without, 5)+".")
	}
	if len(gone) > 0 {
		out = append(out, "The user does not exist any more: "+rules.Some(gone, 5)+".")
	}
	if f.Account == playbook.No {
		out = append(out, "The account's root user has no MFA.")
	}
	return strings.Join(out, " ")
}

func mfaTable(f facts.MFACheck) facts.Table {
	t := facts.Table{Title: "Users and their MFA devices", Columns: []string{"user", "devices", "since", "sessions", "with MFA", "refused", "named in the trust policy"}}
	for _, h := range f.Holders {
		devices, since := "could not be read", ""
		switch {
		case h.Exists == playbook.No:
			devices = "no such user"
		case lacks(h):
			devices = "none"
		case h.Read:
			var serials, dates []string
			for _, d := range h.Devices {
				serials, dates = append(serials, d.Serial), append(dates, wording.UTC(d.Since))
			}
			devices, since = strings.Join(serials, ", "), strings.Join(dates, ", ")
		}
		t.Rows = append(t.Rows, []string{h.User, devices, since, fmt.Sprint(h.Asked), fmt.Sprint(h.With), fmt.Sprint(h.Refused), wording.Truth(playbook.Known(h.Named))})
	}
	return cut(t)
}
