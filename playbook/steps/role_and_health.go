package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const roleAndHealthDoc = `Does the role exist, and are STS and IAM well?

It asks IAM for the role by name and compares path and account where an ARN or a path was given: a role of the same name in another place is not taken for it. A name that does not exist is answered with the names that come close.

It probes STS with a signed GetCallerIdentity in the region and in one more, which tells AWS's trouble from trouble of our own network. It asks AWS Health for issues of STS and IAM that are open or ended inside the window; where the support plan does not include the Health API it reads the public status feed, which shows open issues only. It reads whether the region is an opt-in one and enabled, and which token version the global STS endpoint hands out: version 1 tokens are not valid in opt-in regions.

What it cannot tell: whether STS was switched off for a region that is on by default (GetCallerIdentity is answered there all the same; a refused issuing call in step 2 shows it); when the role was last used to the minute (IAM's own date is hours late); anything about a role of an account for which there are no credentials. A status feed that cannot be reached leaves the health unknown, not well.`

var roleAndHealthActions = []string{"sts:GetCallerIdentity", "iam:GetRole", "iam:ListRoles", "iam:GetAccountSummary", "iam:ListAccountAliases",
	"health:DescribeEvents", "health:DescribeEventDetails", "account:GetRegionOptStatus"}

func (r run) roleAndHealth(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	t := p.Request.Target
	if t.Partition == "" {
		t.Partition = playbook.Partition(t.Region)
	}
	global, second := playbook.GlobalRegion(t.Partition), secondRegion(t)

	var (
		all         sync.WaitGroup
		here, there answer[*sts.GetCallerIdentityOutput]
		role        roleAnswer
		summary     answer[map[string]int32]
		alias       answer[string]
		well        healthAnswer
		enabled     answer[accounttypes.RegionOptStatus]
	)
	all.Go(func() { here = r.identity(ctx, t.Region) })
	all.Go(func() { there = r.identity(ctx, second) })
	all.Go(func() { role = r.findRole(ctx, t.Role, global) })
	all.Go(func() { summary = r.accountSummary(ctx, global) })
	all.Go(func() { alias = r.accountAlias(ctx, global) })
	all.Go(func() { well = r.health(ctx, t, p.Reading()) })
	if playbook.OptIn(t.Region) {
		all.Go(func() { enabled = r.regionStatus(ctx, t.Region, global) })
	}
	all.Wait()

	var n notes
	f := facts.RoleAndHealth{RoleName: t.Role, RoleARN: t.RoleARN, Path: t.Path, Events: []facts.HealthEvent{}, Probes: []facts.Probe{}}
	if ownTrouble(here.Problem) && ownTrouble(there.Problem) {
		for _, p := range []playbook.Proof{here.Proof, there.Proof, role.get.Proof, summary.Proof, alias.Proof, well.health.Proof, enabled.Proof} {
			if p.Action != "" {
				n.take(p, nil, "")
			}
		}
		return n.stopped(here.Problem, "Nothing could be looked at: "+here.Problem.Text+".", f), nil
	}
	n.take(role.get.Proof, nil, "")
	if role.listed {
		n.take(role.list.Proof, role.list.Problem, "Names that come close to the role's")
	}
	n.take(here.Proof, nil, "")
	n.take(there.Proof, nil, "")
	n.take(summary.Proof, summary.Problem, "The version of the global endpoint's tokens")
	n.take(alias.Proof, alias.Problem, "The account's alias")
	partial := n.takeHealth(well)

	var telling []string
	add := func(sentence string, matters bool) bool {
		if sentence != "" {
			telling = append(telling, sentence)
		}
		return matters
	}
	noteCaller(&f, here, there)
	found := add(noteRole(&f, t, role))
	f.Events, f.HealthAsked, f.FeedRead = well.events, well.asked, well.feedRead
	f.Probes = probes(t.Region, here, second, there)
	found = add(tellProbes(f.Probes), probesFail(f.Probes)) || found
	found = add(tellHealth(f), len(f.Events) > 0) || found
	f.AccountAlias, f.GlobalTokenVersion = alias.Out, int(summary.Out["GlobalEndpointTokenVersion"])
	if f.RegionOptIn = playbook.OptIn(t.Region); f.RegionOptIn {
		n.take(enabled.Proof, enabled.Problem, "Whether the account has enabled "+t.Region)
	}
	noteRegion(&f, t.Region, here, enabled)
	found = add(tellRegion(f, t.Region)) || found
	if f.STSActive == playbook.Unknown && here.Problem == nil {
		n.unseen = append(n.unseen, "No call tells whether STS was deactivated for "+t.Region+": GetCallerIdentity is answered there either way. Refused issuing calls (step 2) would show it.")
	}

	status := playbook.Clear
	if found {
		status = playbook.Found
	}
	if trouble := role.get.Problem; trouble != nil && !absent(trouble) {
		e := n.stopped(trouble, strings.Join(telling, " "), f)
		e.Partial = partial
		return e, nil
	}
	if f.Exists == playbook.Unknown { // another account's, or it is not known whose
		status = playbook.Blind
	}
	e := n.evidence(status, strings.Join(telling, " "), f)
	e.Partial = partial
	return e, nil
}

// probeWait is how long an STS endpoint may be silent before it counts as one
// that does not answer.
const probeWait = 10 * time.Second

// secondRegion is where STS is probed besides the region in question: a region
// of the same partition that has nothing to do with it.
func secondRegion(t playbook.Target) string {
	if global := playbook.GlobalRegion(t.Partition); global != t.Region {
		return global
	}
	switch t.Partition {
	case "aws-cn":
		return "cn-northwest-1"
	case "aws-us-gov":
		return "us-gov-east-1"
	}
	return "us-west-2"
}

// identity asks STS who we are. It needs no permission, so it is the probe of
// the endpoint as well.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (r run) identity(ctx context.Context, region string) answer[*sts.GetCallerIdentityOutput] {
	ctx, cancel := context.WithTimeoutCause(ctx, probeWait, errors.New("the endpoint is silent"))
	defer cancel()
	c := call{Action: "sts:GetCallerIdentity", Region: region}
	a := ask(ctx, c, func(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
		return r.STS(region).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	})
	if a.Problem == nil {
		a.Proof.Result = "answered as " + aws.ToString(a.Out.Arn)
	}
	return a
}

// roleAnswer is the role, or the names that come close to one that is not there.
type roleAnswer struct {
	get    answer[*iamtypes.Role]
	listed bool // the roles were listed, because there was none of that name
	list   answer[[]string]
}

func (r run) findRole(ctx context.Context, name, region string) roleAnswer {
	found := roleAnswer{get: r.getRole(ctx, name, region)}
	switch {
	case found.get.Problem == nil:
		found.get.Proof.Result = "exists: " + aws.ToString(found.get.Out.Arn)
	case absent(found.get.Problem):
		found.listed, found.list = true, r.similarRoles(ctx, name, region)
	}
	return found
}

func (r run) getRole(ctx context.Context, name, region string) answer[*iamtypes.Role] {
	c := call{Action: "iam:GetRole", Region: region, Args: []string{"--role-name", name}, Console: roleConsole(region, name)}
	return ask(ctx, c, func(ctx context.Context) (*iamtypes.Role, error) {
		out, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			return nil, err
		}
		return out.Role, nil
	})
}

func (r run) accountSummary(ctx context.Context, region string) answer[map[string]int32] {
	c := call{Action: "iam:GetAccountSummary", Region: region, Console: console(region, "iam", "/account_settings")}
	a := ask(ctx, c, func(ctx context.Context) (map[string]int32, error) {
		out, err := r.IAM.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		if err != nil {
			return nil, err
		}
		return out.SummaryMap, nil
	})
	if v := a.Out["GlobalEndpointTokenVersion"]; v != 0 {
		a.Proof.Result = "GlobalEndpointTokenVersion " + strconv.Itoa(int(v))
	}
	return a
}

// accountAlias is the account's alias, "" where it has none: an account has at most one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html
func (r run) accountAlias(ctx context.Context, region string) answer[string] {
	a := ask(ctx, call{Action: "iam:ListAccountAliases", Region: region}, func(ctx context.Context) (string, error) {
		out, err := r.IAM.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
		if err != nil || len(out.AccountAliases) == 0 {
			return "", err
		}
		return out.AccountAliases[0], nil
	})
	if a.Problem == nil {
		a.Proof.Result = cmp.Or(a.Out, "no alias")
	}
	return a
}

func (r run) regionStatus(ctx context.Context, region, global string) answer[accounttypes.RegionOptStatus] {
	c := call{Action: "account:GetRegionOptStatus", Region: global, Args: []string{"--region-name", region}}
	a := ask(ctx, c, func(ctx context.Context) (accounttypes.RegionOptStatus, error) {
		out, err := r.Account.GetRegionOptStatus(ctx, &account.GetRegionOptStatusInput{RegionName: &region})
		if err != nil {
			return "", err
		}
		return out.RegionOptStatus, nil
	})
	if a.Problem == nil {
		a.Proof.Result = string(a.Out)
	}
	return a
}

func noteCaller(f *facts.RoleAndHealth, probes ...answer[*sts.GetCallerIdentityOutput]) {
	for _, a := range probes {
		if a.Problem == nil {
			f.Account, f.CallerARN = aws.ToString(a.Out.Account), aws.ToString(a.Out.Arn)
			return
		}
	}
}

// noteRole notes what is known of the role and says it; true when it is missing.
// A role of the same name elsewhere is never taken for the one that was asked for.
func noteRole(f *facts.RoleAndHealth, t playbook.Target, role roleAnswer) (string, bool) {
	got := role.get.Out
	if f.Account == "" && got != nil {
		asked, _ := cloudtrail.ParseRole(aws.ToString(got.Arn))
		f.Account = asked.Account
	}
	switch {
	case t.Account != "" && f.Account != "" && t.Account != f.Account:
		f.OtherAccount = true
		return fmt.Sprintf("The role is of account %s and stsleuth's credentials are of account %s: its configuration cannot be read from here.", t.Account, f.Account), false
	case absent(role.get.Problem) && t.Account != "" && f.Account == "":
		return "There is no role " + t.Role + " in the account that answered, but which account that is could not be read.", false
	case absent(role.get.Problem):
		f.Exists, f.Similar = playbook.No, role.list.Out
		return fmt.Sprintf("There is no role %s in account %s.%s", t.Role, cmp.Or(f.Account, "(unknown)"), tellSimilar(f.Similar)), true
	case got == nil:
		if f.RoleARN == "" && t.Path != "" && f.Account != "" {
			f.RoleARN = cloudtrail.Role{Partition: t.Partition, Account: f.Account, Path: t.Path, Name: t.Role}.ARN()
		}
		return "Whether the role exists could not be read: " + role.get.Problem.Text + ".", false
	case t.Path != "" && t.Path != aws.ToString(got.Path):
		f.Exists, f.Similar = playbook.No, []string{strings.TrimPrefix(aws.ToString(got.Path), "/") + t.Role}
		return fmt.Sprintf("There is no role %s with the path %s in account %s.%s", t.Role, t.Path, cmp.Or(f.Account, "(unknown)"), tellSimilar(f.Similar)), true
	}
	f.Exists = playbook.Yes
	f.RoleARN, f.Path, f.RoleID = aws.ToString(got.Arn), aws.ToString(got.Path), aws.ToString(got.RoleId)
	f.Created = aws.ToTime(got.CreateDate).UTC()
	used := "no use of it is on record"
	if u := got.RoleLastUsed; u != nil && u.LastUsedDate != nil {
		f.LastUsed, f.LastRegion = u.LastUsedDate.UTC(), aws.ToString(u.Region)
		used = "last used " + f.LastUsed.Format("2006-01-02") + " in " + cmp.Or(f.LastRegion, "(unknown)")
	}
	return fmt.Sprintf("Role %s exists (created %s, %s).", t.Role, f.Created.Format("2006-01-02"), used), false
}

func tellSimilar(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return " There is " + names[0] + "."
	}
	return " Names that come close: " + strings.Join(names, ", ") + "."
}

// probes says of both endpoints whether they answered. Where neither did, our
// own network is as likely the reason, and nothing is known of either.
func probes(region string, here answer[*sts.GetCallerIdentityOutput], second string, there answer[*sts.GetCallerIdentityOutput]) []facts.Probe {
	one := func(region string, a answer[*sts.GetCallerIdentityOutput]) facts.Probe {
		p := facts.Probe{Region: region, Answered: playbook.Yes}
		if a.Problem == nil {
			return p
		}
		p.Code = outcomeOf(a.Problem)
		if httpStatus(a.Problem.Err) == 0 {
			p.Answered = playbook.No
		}
		if ownTrouble(a.Problem) && httpStatus(a.Problem.Err) == 0 {
			p.Answered = playbook.Unknown // it was never sent
		}
		return p
	}
	out := []facts.Probe{one(region, here), one(second, there)}
	if out[0].Answered != playbook.Yes && out[1].Answered != playbook.Yes {
		out[0].Answered, out[1].Answered = playbook.Unknown, playbook.Unknown
	}
	return out
}

// probesFail reports whether the probes show trouble of AWS's: an endpoint that
// is silent while the other answers, or an error where an identity was due.
func probesFail(probes []facts.Probe) bool {
	for _, p := range probes {
		if p.Answered == playbook.No || p.Answered == playbook.Yes && p.Code != "" {
			return true
		}
	}
	return false
}

func tellProbes(probes []facts.Probe) string {
	here, there := probes[0], probes[1]
	if here.Answered == playbook.Unknown && there.Answered == playbook.Unknown {
		return fmt.Sprintf("STS could be reached neither in %s nor in %s, which is as likely stsleuth's own network as AWS.", here.Region, there.Region)
	}
	if here.Answered == playbook.Yes && there.Answered == playbook.Yes && here.Code == "" && there.Code == "" {
		return fmt.Sprintf("STS answers in %s and %s.", here.Region, there.Region)
	}
	var words []string
	for _, p := range probes {
		switch {
		case p.Answered == playbook.Yes && p.Code == "":
			words = append(words, "answers in "+p.Region)
		case p.Answered == playbook.Yes:
			words = append(words, "answers "+p.Code+" in "+p.Region)
		default:
			words = append(words, "does not answer in "+p.Region)
		}
	}
	return "STS " + strings.Join(words, " and ") + "."
}

// noteRegion notes whether the account can use STS in the region at all.
// That GetCallerIdentity is answered does not show that STS is active:
// https://github.com/aws/aws-sdk-go-v2/issues/2846
func noteRegion(f *facts.RoleAndHealth, region string, here answer[*sts.GetCallerIdentityOutput], enabled answer[accounttypes.RegionOptStatus]) {
	f.RegionEnabled = playbook.Yes
	if f.RegionOptIn {
		f.RegionEnabled = playbook.Unknown
		switch {
		case enabled.Problem == nil:
			f.RegionEnabled = playbook.Known(enabled.Out == accounttypes.RegionOptStatusEnabled || enabled.Out == accounttypes.RegionOptStatusEnabledByDefault)
		case here.Problem == nil:
			f.RegionEnabled = playbook.Yes // a key is accepted only in regions that its account has enabled
		}
	}
	switch {
	case here.Problem != nil && awsCode(here.Problem.Err) == "RegionDisabledException":
		f.STSActive = playbook.No
	case f.RegionOptIn:
		f.STSActive = f.RegionEnabled // with an opt-in region STS comes and goes
	case region == "us-east-1":
		f.STSActive = playbook.Yes // the one region in which it cannot be deactivated
	}
}

// tellRegion says what keeps sessions from working in the region, "" if nothing does.
func tellRegion(f facts.RoleAndHealth, region string) (string, bool) {
	switch {
	case f.RegionEnabled == playbook.No:
		return "The account has not enabled " + region + ": no credentials are valid there.", true
	case f.STSActive == playbook.No:
		return "STS is not activated in " + region + " for the account: it issues no sessions there.", true
	case f.RegionOptIn && f.GlobalTokenVersion == 1:
		return "The global STS endpoint hands out version 1 tokens, which are not valid in " + region + ", an opt-in region.", true
	}
	return "", false
}
