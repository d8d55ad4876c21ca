package followups

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const crossAccountDoc = `Who takes the role from where, over which hops, and which limit sets how long each hop may last?

It takes every caller from the sessions, the refused calls and the trust policy, and writes down its chain hop by hop: the ceiling of
each and the term that sets it (the length asked for, the role's maximum, one hour for a chained call, the identity provider, the
service itself), whether today's trust policy lets the caller in, and what it must bring (ExternalId, organization). Calling roles of
this account are read as well (GetRole and their policies): whether they are still the same, what revokes their sessions, and whether
a boundary or an explicit deny takes sts:AssumeRole away from them.

What it cannot tell: the policies, the limits and the denied calls of other accounts, which only they can see; the organization's
policies; and who began a chain that comes in as a role's session.`

var crossAccountActions = []string{"iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion"}

func (k check) crossAccount(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	var n steps.Notes
	config, _ := facts.Config.In(p.Done)
	policy, err := trust.Decode(config.TrustPolicy)
	known := config.TrustPolicy != "" && err == nil
	t := p.Report.Request.Target
	callers := callersOf(p, policy)
	read, over := k.callingRoles(ctx, callers, t, &n)
	f := facts.CallerChains{Chains: []facts.Chain{}}
	var found []playbook.Finding
	occasions := rules.Occasions(p.Request, p.Done)
	for _, c := range callers {
		chain := c.chain(t, config, policy, known, read[c.role])
		if wrong, ok := c.blame(occasions, read[c.role], t); ok {
			found = append(found, wrong)
		}
		f.Chains = append(f.Chains, chain)
	}
	f.Rejudged = judgeAgain(p, found)
	f.Table = chainTable(f.Chains)
	if slices.ContainsFunc(f.Chains, func(c facts.Chain) bool { return c.Cross }) {
		n.Unsee("Other accounts: their policies, their limits and the calls that they were denied are recorded there alone.")
	}
	n.Unsee("The organization's policies (SCP, RCP), which no member account can read.")
	n.Correct("A trust policy cannot shorten a session: the length follows from the request, MaxSessionDuration and role chaining (1 h).")

	status := playbook.Clear
	switch {
	case len(found) > 0 || slices.ContainsFunc(f.Chains, telling):
		status = playbook.Found
	case !p.Done[playbook.Sessions].Status.Saw() || !known || over > 0:
		status = playbook.Blind
	}
	e := n.Evidence(status, tellChains(f, config, known)+concluded(f.Rejudged), f)
	if over > 0 {
		e.Partial = fmt.Sprintf("%s not looked at: the bound is %d.", wording.Count(over, "more calling role was", "more calling roles were"), rolesRead)
	}
	return e, nil
}

// caller is one way into the role, with what was seen of it.
type caller struct {
	facts.Caller
	name     string // principal without its session
	role     string // ARN of the calling role, where it is one of this account
	sessions []facts.Session
	refused  []facts.Failure
	named    bool // only the trust policy names it
}

// callersOf lists who was given sessions, who was refused and whom the trust
// policy names, by what was seen of them.
func callersOf(p playbook.FollowPass, policy trust.Policy) []*caller {
	by := map[string]*caller{}
	t := p.Report.Request.Target
	see := func(c facts.Caller) *caller {
		name := principal(cmp.Or(c.ARN, c.IssuerARN, c.Provider, c.Service, stem(c), c.Account, "a caller that CloudTrail does not name"))
		if by[name] == nil {
			by[name] = &caller{Caller: c, name: name, role: callingRole(c, t)}
		}
		return by[name]
	}
	ledger, _ := facts.Ledger.In(p.Done)
	for _, s := range ledger.Sessions {
		c := see(s.Caller)
		c.sessions = append(c.sessions, s)
	}
	errors, _ := facts.Errors.In(p.Done)
	for _, x := range errors.Failures {
		c := see(x.Caller)
		c.refused = append(c.refused, x)
	}
	seen := map[string]bool{}
	for _, c := range by {
		seen[cmp.Or(c.IssuerARN, c.ARN)], seen[c.name] = true, true
	}
	for _, e := range trust.Principals(policy) {
		if e.Effect != trust.Allow || e.NotPrincipal || seen[e.Principal.Value] {
			continue
		}
		switch e.Principal.Kind {
		case trust.KindRole, trust.KindUser:
			c := see(facts.Caller{ARN: e.Principal.Value, Account: e.Account})
			c.named = true
			if e.Principal.Kind == trust.KindRole {
				c.IssuerARN, c.role = e.Principal.Value, callingRole(facts.Caller{IssuerARN: e.Principal.Value}, t)
			}
		case trust.KindAccount:
			if e.Account != t.Account && !slices.ContainsFunc(mapValues(by), func(c *caller) bool { return c.account() == e.Account }) {
				see(facts.Caller{Account: e.Account}).named = true
			}
		}
	}
	out := mapValues(by)
	slices.SortFunc(out, func(a, b *caller) int {
		return cmp.Or(-cmp.Compare(len(a.refused), len(b.refused)), -cmp.Compare(len(a.sessions), len(b.sessions)), cmp.Compare(a.name, b.name))
	})
	return out
}

func mapValues(m map[string]*caller) []*caller {
	var out []*caller
	for _, c := range m {
		out = append(out, c)
	}
	return out
}

// stem is what stays the same of a principal id: all that the role's account is
// shown of another account's caller.
func stem(c facts.Caller) string {
	id, _, _ := strings.Cut(c.Principal, ":")
	if id == "" {
		return ""
	}
	return id + " of account " + c.Account
}

func (c *caller) account() string { return cmp.Or(c.Account, accountIn(cmp.Or(c.ARN, c.IssuerARN))) }

// callingRole is the ARN of the role behind a caller of the role's own account;
// without its path where CloudTrail shows only the session.
func callingRole(c facts.Caller, t playbook.Target) string {
	arn := cmp.Or(c.IssuerARN, c.ARN)
	if accountIn(arn) != t.Account || t.Account == "" {
		return ""
	}
	switch kind, rest, _ := strings.Cut(part(arn, 5), "/"); kind {
	case "role":
		return arn
	case "assumed-role":
		name, _, _ := strings.Cut(rest, "/")
		return "arn:" + t.Partition + ":iam::" + t.Account + ":role/" + name
	}
	return ""
}

// chain writes a caller's hops down.
func (c *caller) chain(t playbook.Target, config facts.RoleConfig, policy trust.Policy, known bool, read *readRole) facts.Chain {
	out := facts.Chain{Caller: c.name, Account: c.account(), Sessions: len(c.sessions), Refused: len(c.refused), ExternalID: "not known", Org: "not known"}
	out.Cross = out.Account != "" && t.Account != "" && out.Account != t.Account
	for _, s := range c.sessions {
		out.Longest = max(out.Longest, s.Seconds)
	}
	if c.IssuerARN != "" || strings.Contains(c.ARN, ":assumed-role/") {
		hop := facts.Hop{From: "who began the chain is not shown", Account: out.Account, To: cmp.Or(c.IssuerARN, c.role, c.name), Term: "limits of account " + out.Account + " that cannot be seen from here", Seen: "the caller is a role's session"}
		if read != nil && read.role != nil {
			hop.Ceiling, hop.Term, hop.Seen = int(aws.ToInt32(read.role.MaxSessionDuration)), "the calling role's maximum", "GetRole"
		} else if read != nil && read.gone {
			hop.Term, hop.Seen = "the calling role does not exist any more", "GetRole"
		}
		out.Hops = append(out.Hops, hop)
	}
	out.Hops = append(out.Hops, c.lastHop(t, config))
	if known {
		out.ExternalID, out.Org = wants(policy, "sts:ExternalId"), wants(policy, "aws:PrincipalOrgID", "aws:PrincipalOrgPaths")
		if sent, all := c.sentExternalID(); out.ExternalID == "wanted" && all > 0 {
			out.ExternalID += fmt.Sprintf(", sent in %d of %s", sent, wording.Count(all, "refused call", "refused calls"))
		}
		d := trust.Evaluate(policy, c.evaluated(t))
		out.LetIn, out.Reason = map[trust.Truth]playbook.Truth{trust.True: playbook.Yes, trust.False: playbook.No}[d.Allowed], steps.Said(d.Reason, 400)
	}
	out.Problems = problems(read, t)
	if out.Cross {
		out.Hidden = fmt.Sprintf("Account %s: whether the caller's own policies allow the call, its organization's policies, and the calls that it was denied.", out.Account)
	}
	return out
}

func (c *caller) sentExternalID() (sent, all int) {
	for _, x := range c.refused {
		all++
		if x.ExternalID {
			sent++
		}
	}
	return sent, all
}

// evaluated is the caller as the trust policy is asked about it. What is not
// known of the request is left open.
func (c *caller) evaluated(t playbook.Target) trust.Caller {
	event := ""
	if len(c.sessions) > 0 {
		event = c.sessions[len(c.sessions)-1].Event
	} else if len(c.refused) > 0 {
		event = c.refused[len(c.refused)-1].Event
	}
	call := ""
	if strings.HasPrefix(event, "AssumeRole") && event != "AssumeRoleForPodIdentity" {
		call = "sts:" + event
	}
	out := trust.Caller{Call: call, ARN: c.ARN, RoleARN: c.IssuerARN, PrincipalID: c.Principal, Account: c.Account, Service: c.Service, TargetARN: t.RoleARN}
	if c.Provider != "" {
		out.ARN, out.RoleARN, out.PrincipalID, out.Federated = "", "", "", c.Provider
	}
	return out
}

// lastHop is the hop into the role: its ceiling is the smallest limit that applies.
func (c *caller) lastHop(t playbook.Target, config facts.RoleConfig) facts.Hop {
	hop := facts.Hop{From: c.name, Account: c.account(), To: cmp.Or(t.RoleARN, t.Role), Ceiling: config.MaxSessionDuration, Term: "the role's maximum", Seen: "the trust policy names it"}
	temporary := c.Temporary
	switch {
	case len(c.sessions) > 0:
		hop.Seen = wording.Count(len(c.sessions), "session", "sessions")
		temporary = c.sessions[len(c.sessions)-1].Chained
	case len(c.refused) > 0:
		hop.Seen = wording.Count(len(c.refused), "refused call", "refused calls")
	case strings.Contains(c.ARN, ":role/"):
		temporary = playbook.Yes // a role calls with temporary credentials, always
	}
	if hop.Ceiling == 0 {
		hop.Term = "the role's maximum, which could not be read"
	}
	switch {
	case c.Service != "":
		hop.Ceiling, hop.Term = 0, "the AWS service, which renews by itself and which the role's maximum does not limit"
	case temporary == playbook.Yes:
		hop.Ceiling, hop.Term = rules.ChainLimit, "role chaining: one hour, whatever the role allows"
	case len(c.sessions) > 0 && c.sessions[len(c.sessions)-1].Event == "AssumeRoleWithSAML":
		hop.Term = "the role's maximum, or the identity provider's SessionNotOnOrAfter where that comes first"
	}
	if asked := c.askedFor(); c.Service == "" && asked != 0 && (hop.Ceiling == 0 || asked <= hop.Ceiling) {
		hop.Term += fmt.Sprintf("; it asks for %s", wording.Seconds(asked))
	} else if c.Service == "" && asked == 0 && len(c.sessions) > 0 {
		hop.Term += fmt.Sprintf("; it asks for no length, so STS gives %s", wording.Seconds(rules.DefaultLength))
	} else if asked > hop.Ceiling && hop.Ceiling > 0 {
		hop.Term += fmt.Sprintf("; it asks for %s, which is refused", wording.Seconds(asked))
	}
	return hop
}

// askedFor is the longest length asked for, 0 where none was.
func (c *caller) askedFor() int {
	n := 0
	for _, s := range c.sessions {
		n = max(n, s.Requested)
	}
	for _, x := range c.refused {
		n = max(n, x.Requested)
	}
	return n
}

// wants says whether the trust policy asks for a condition key.
func wants(policy trust.Policy, keys ...string) string {
	for _, key := range keys {
		if len(trust.Requires(policy, key)) > 0 {
			return "wanted"
		}
	}
	return "not wanted"
}

// telling says that a chain explains something: a ceiling below what the role
// would allow, a refusal, or something wrong with the calling role.
func telling(c facts.Chain) bool {
	last := c.Hops[len(c.Hops)-1]
	return len(c.Problems) > 0 || c.Refused > 0 || c.Sessions > 0 && (c.Cross || strings.HasPrefix(last.Term, "role chaining"))
}

func tellChains(f facts.CallerChains, config facts.RoleConfig, known bool) string {
	if len(f.Chains) == 0 {
		if !known {
			return "No caller was seen, and the trust policy could not be read."
		}
		return "No caller was seen and the trust policy names none by itself."
	}
	cross, capped := 0, 0
	accounts := map[string]bool{}
	for _, c := range f.Chains {
		if c.Cross {
			cross++
			accounts[c.Account] = true
		}
		if strings.HasPrefix(c.Hops[len(c.Hops)-1].Term, "role chaining") {
			capped++
		}
	}
	out := []string{wording.Count(len(f.Chains), "way", "ways") + " into the role"}
	if cross > 0 {
		out[0] += fmt.Sprintf(", %d from %s", cross, wording.Count(len(accounts), "other account", "other accounts"))
	} else {
		out[0] += ", none from another account"
	}
	out[0] += "."
	if capped > 0 && config.MaxSessionDuration > rules.ChainLimit {
		out = append(out, fmt.Sprintf("%s capped at 1 h by role chaining, though the role allows %s.", wording.Count(capped, "is", "are"), wording.Seconds(config.MaxSessionDuration)))
	} else if capped > 0 {
		out = append(out, fmt.Sprintf("%s capped at 1 h by role chaining, which is the role's own maximum as well.", chained(capped)))
	} else {
		out = append(out, "None is capped by role chaining.")
	}
	for _, c := range f.Chains {
		for _, what := range c.Problems {
			out = append(out, fmt.Sprintf("The calling %s: %s", short(c.Caller), what))
		}
	}
	return strings.Join(out[:min(len(out), 5)], " ")
}

func chainTable(chains []facts.Chain) facts.Table {
	t := facts.Table{Title: "Ways into the role, hop by hop", Columns: []string{"caller", "account", "sessions", "refused", "ceiling of each hop", "set by", "ExternalId", "organization", "let in today", "problems"}}
	for _, c := range chains {
		var ceilings, terms []string
		for _, h := range c.Hops {
			ceiling := "not known"
			if h.Ceiling > 0 {
				ceiling = wording.Seconds(h.Ceiling)
			}
			ceilings, terms = append(ceilings, ceiling), append(terms, h.Term)
		}
		t.Rows = append(t.Rows, []string{short(c.Caller), c.Account, fmt.Sprint(c.Sessions), fmt.Sprint(c.Refused), strings.Join(ceilings, " → "), strings.Join(terms, " → "),
			c.ExternalID, c.Org, wording.Truth(c.LetIn), strings.Join(c.Problems, " ")})
	}
	return cut(t)
}

func chained(n int) string {
	if n == 1 {
		return "One of them is"
	}
	return fmt.Sprintf("%d of them are", n)
}
