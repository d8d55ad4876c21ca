package followups

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const sessionPoliciesDoc = `Were sessions issued with a session policy, and what does it take away from the role?

It reads, over the stretch of step 5, the issuing calls that carry an inline or a managed session policy and the calls that such
sessions were denied, the managed policies' documents (GetPolicy, GetPolicyVersion), and the refusals for a policy or token that is too
large. Each denied call is put to the session's own policies: a session may do only what both the role and its session policies allow.
Where the ledger was whole and shows no session policy, nothing is asked.

A session policy never shortens a session. Its effect is AccessDenied, which a fresh session with the same policy gets as well.

What it cannot tell: what the role's own policies and the organization's allow beside it, denied calls that CloudTrail does not record (most
data events), and the text of a policy that was so long that CloudTrail left it out.`

var sessionPoliciesActions = slices.Concat(steps.IssuedActions, []string{"iam:GetPolicy", "iam:GetPolicyVersion"})

const (
	// tokenBytes is the most that a session token takes; session policies and tags
	// are packed into it.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	tokenBytes = 4096
	// managedRead bounds the managed session policies that are read: two calls
	// each. One session takes ten.
	managedRead = 20

	notShorter = "A session policy never shortens a session: it only takes permissions away. Its effect is AccessDenied, not expiry."
)

func (k check) sessionPolicies(ctx context.Context, p playbook.FollowPass) (playbook.Evidence, error) {
	var n steps.Notes
	ledger, _ := facts.Ledger.In(p.Done)
	errors, _ := facts.Errors.In(p.Done)
	f := facts.SessionPolicies{Issued: ledger.Total, Policies: []facts.SessionPolicy{}, Taken: []facts.TakenAway{}}
	f.TooLarge = tooLarge(errors.Failures)
	carried := slices.ContainsFunc(ledger.Sessions, func(s facts.Session) bool { return s.Policies })
	if step5 := p.Done[playbook.Sessions]; !carried && len(f.TooLarge) == 0 && step5.Status.Saw() && step5.Partial == "" {
		f.Table = policyTable(f)
		return n.Evidence(playbook.Clear, fmt.Sprintf("None of the %s carries a session policy. %s", wording.Count(ledger.Total, "session that step 5 saw", "sessions that step 5 saw"), notShorter), f), nil
	}

	read := steps.Issued(ctx, k.Clients, p, &n)
	if read.Problem != nil {
		f.Table = policyTable(f)
		return n.Evidence(read.Problem.Status, "Session policies could not be looked for: "+read.Problem.Text+". "+notShorter, f), nil
	}
	seen := newPolicyBook()
	for _, rec := range read.Issuing {
		seen.add(rec)
	}
	f.With, f.Largest = seen.with, seen.largest
	k.readManaged(ctx, seen, playbook.GlobalRegion(p.Report.Request.Target.Partition), &n)
	f.Policies = seen.list()
	f.Taken = seen.taken(read.Denied)
	found := takenAway(f)
	f.Rejudged = judgeAgain(p, found)
	f.Table = policyTable(f)

	status := playbook.Clear
	switch {
	case f.With > 0 || len(f.TooLarge) > 0:
		status = playbook.Found
	case read.Partial != "":
		status = playbook.Blind
	}
	e := n.Evidence(status, tellPolicies(f)+concluded(f.Rejudged), f)
	e.Partial = read.Partial
	return e, nil
}

// tooLarge are the refusals for the size of the policies or of the token.
func tooLarge(failures []facts.Failure) []string {
	var out []string
	for _, f := range failures {
		low := strings.ToLower(f.Code + " " + f.Message)
		if strings.Contains(low, "packed") || strings.Contains(low, "session token size") || strings.Contains(low, fmt.Sprint(tokenBytes)) {
			out = append(out, fmt.Sprintf("event %s at %s: %s %s", f.EventID, wording.UTC(f.Time), f.Code, steps.Said(f.Message, 200)))
		}
	}
	return out[:min(len(out), 20)]
}

// policyBook is every session policy that was seen, and which sessions carry it.
type policyBook struct {
	by      map[string]*bookEntry // by the document or the ARN
	order   []string
	issuing map[string]cloudtrail.Record // by access key id, which never leaves here
	with    int
	largest int
}

type bookEntry struct {
	facts.SessionPolicy
	policy  trust.Policy
	callers map[string]bool
}

func newPolicyBook() *policyBook {
	return &policyBook{by: map[string]*bookEntry{}, issuing: map[string]cloudtrail.Record{}}
}

// policiesOf are the session policies of one issuing call, by document or ARN.
func policiesOf(rec cloudtrail.Record) []string {
	var out []string
	if text := rec.Request.Param("policy"); text != "" {
		out = append(out, text)
	}
	return append(out, rec.Request.PolicyARNs...)
}

func (b *policyBook) add(rec cloudtrail.Record) {
	names := policiesOf(rec)
	if rec.Failed() || len(names) == 0 {
		return
	}
	b.with++
	if size := rec.Response.PackedPolicySize; size != nil {
		b.largest = max(b.largest, *size)
	}
	if key := rec.Response.AccessKeyID; key != "" {
		b.issuing[key] = rec
	}
	for _, name := range names {
		e := b.by[name]
		if e == nil {
			e = &bookEntry{callers: map[string]bool{}, SessionPolicy: facts.SessionPolicy{Kind: "managed", ARN: name, Example: rec.EventID, First: rec.EventTime}}
			if strings.HasPrefix(strings.TrimSpace(name), "{") {
				e.Kind, e.ARN = "inline", ""
				e.read(name)
			}
			b.by[name] = e
			b.order = append(b.order, name)
		}
		e.Sessions++
		e.callers[principal(steps.CallerOf(rec).Name())] = true
	}
}

// read takes the policy's document.
func (e *bookEntry) read(text string) {
	policy, err := trust.Decode(text)
	if err != nil {
		return
	}
	e.policy, e.Read, e.Text = policy, true, clip(redact.String(text), 6000)
	for _, s := range policy.Statements {
		e.Allows = append(e.Allows, statementWords(s))
	}
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// statementWords says one statement of a session policy.
func statementWords(s trust.Statement) string {
	what := rules.Some(s.Actions, 4)
	if s.NotAction {
		what = "everything but " + what
	}
	on := rules.Some(s.Resources, 2)
	if s.NotResource {
		on = "everything but " + on
	}
	words := fmt.Sprintf("%s %s on %s", strings.ToLower(string(s.Effect)), what, cmp.Or(on, "nothing"))
	if len(s.Conditions) > 0 {
		words += fmt.Sprintf(" under %s", wording.Count(len(s.Conditions), "condition", "conditions"))
	}
	return steps.Said(words, 300)
}

func (b *policyBook) list() []facts.SessionPolicy {
	out := []facts.SessionPolicy{}
	for _, name := range b.order {
		e := b.by[name]
		for who := range e.callers {
			e.Callers = append(e.Callers, who)
		}
		slices.Sort(e.Callers)
		e.Callers = e.Callers[:min(len(e.Callers), 10)]
		out = append(out, e.SessionPolicy)
	}
	slices.SortStableFunc(out, func(a, b facts.SessionPolicy) int {
		return cmp.Or(-cmp.Compare(a.Sessions, b.Sessions), a.First.Compare(b.First), cmp.Compare(a.ARN, b.ARN))
	})
	return out[:min(len(out), facts.MaxRows)]
}

// readManaged reads the documents of the managed session policies.
func (k check) readManaged(ctx context.Context, b *policyBook, region string, n *steps.Notes) {
	var arns []string
	for _, name := range b.order {
		if b.by[name].Kind == "managed" && len(arns) < managedRead {
			arns = append(arns, name)
		}
	}
	type answers struct {
		version, document steps.Answer[string]
	}
	got := make([]answers, len(arns))
	var all sync.WaitGroup
	for i, arn := range arns {
		all.Go(func() {
			got[i].version = steps.Ask(ctx, steps.Call{Action: "iam:GetPolicy", Region: region, Args: []string{"--policy-arn", arn}}, func(ctx context.Context) (string, error) {
				out, err := k.IAM.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
				if err != nil || out.Policy == nil {
					return "", err
				}
				return aws.ToString(out.Policy.DefaultVersionId), nil
			})
			version := got[i].version.Out
			if got[i].version.Problem != nil || version == "" {
				return
			}
			got[i].document = steps.Ask(ctx, steps.Call{Action: "iam:GetPolicyVersion", Region: region, Args: []string{"--policy-arn", arn, "--version-id", version}},
				func(ctx context.Context) (string, error) {
					out, err := k.IAM.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: &version})
					if err != nil || out.PolicyVersion == nil {
						return "", err
					}
					return aws.ToString(out.PolicyVersion.Document), nil
				})
		})
	}
	all.Wait()
	for i, arn := range arns {
		for _, a := range []steps.Answer[string]{got[i].version, got[i].document} {
			if a.Proof.Action != "" {
				n.Take(a.Proof, a.Problem, "The session policy "+arn)
			}
		}
		if text := got[i].document.Out; text != "" {
			b.by[arn].read(steps.PolicyText(text))
		}
	}
}

// taken puts each denied call to the policies of the session that made it.
func (b *policyBook) taken(denied []cloudtrail.Record) []facts.TakenAway {
	out := []facts.TakenAway{}
	for _, rec := range denied {
		issued, ok := b.issuing[rec.Identity.AccessKeyID]
		if !ok || len(out) == 4*facts.MaxRows {
			continue
		}
		t := facts.TakenAway{Time: rec.EventTime, Session: steps.Said(issued.Request.RoleSessionName, 100),
			Action: strings.TrimSuffix(rec.EventSource, ".amazonaws.com") + ":" + rec.EventName, Ref: rec.EventID}
		resource := "*"
		denial, said := trust.EnrichedDenial(rec.ErrorMessage)
		if said {
			t.Action, resource = denial.Action, cmp.Or(denial.Resource, "*")
		}
		t.Action = steps.Said(t.Action, 200)
		t.By, t.Why = b.judge(issued, t.Action, resource, denial)
		out = append(out, t)
	}
	return out
}

// judge says whether the session's policies take a call away. Several policies
// add up: one that allows is enough, one that denies decides.
func (b *policyBook) judge(issued cloudtrail.Record, action, resource string, d trust.Denial) (playbook.Truth, string) {
	switch d.Reason {
	case trust.DenialSessionPolicy:
		return playbook.Yes, "AWS names the session policy itself"
	case trust.DenialUnnamed:
	default:
		return playbook.No, "AWS names another policy: a " + string(d.Reason)
	}
	allowed, unread := trust.False, 0
	for _, name := range policiesOf(issued) {
		e := b.by[name]
		if e == nil || !e.Read {
			unread++
			continue
		}
		one := trust.AllowsAction(e.policy, action, resource)
		if one == trust.False && len(trust.ExplicitDenies(e.policy, action)) > 0 {
			return playbook.Unknown, "a statement of the session policy denies it, perhaps under a condition"
		}
		allowed = allowed.Or(one)
	}
	switch {
	case allowed == trust.True:
		return playbook.No, "the session policies allow it: something else denies it"
	case unread > 0:
		return playbook.Unknown, "not every session policy could be read"
	case allowed == trust.False:
		return playbook.Yes, "no statement of the session policies allows it"
	}
	return playbook.Unknown, "it hinges on a condition or a variable in the session policy"
}

// takenAway is the cause behind denied calls that session policies do not allow.
func takenAway(f facts.SessionPolicies) []playbook.Finding {
	var keys []string
	var cites []playbook.Cite
	var actions []string
	for _, t := range f.Taken {
		if t.By != playbook.Yes {
			continue
		}
		keys = append(keys, "denied:"+t.Ref)
		if len(cites) < 5 {
			cites = append(cites, playbook.Cite{Step: playbook.StepID(playbook.SessionPolicies), Ref: fmt.Sprintf("event %s at %s: %s denied, %s", t.Ref, wording.UTC(t.Time), t.Action, t.Why)})
		}
		if !slices.Contains(actions, t.Action) {
			actions = append(actions, t.Action)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	for _, p := range f.Policies[:min(2, len(f.Policies))] {
		cites = append(cites, playbook.Cite{Step: playbook.StepID(playbook.SessionPolicies), Ref: fmt.Sprintf("event %s: a session with %s session policy, %s", p.Example, article(p), rules.Some(p.Allows, 2))})
	}
	slices.Sort(actions)
	why := fmt.Sprintf("Sessions of the role are issued with a session policy, which does not allow %s that they were denied (%s), whatever the role itself may do. A session policy takes permissions away and never shortens a session: a fresh session is denied as well.",
		wording.Count(len(keys), "call", "calls"), rules.Some(actions, 4))
	finding := rules.Found(playbook.AccessDeniedOther, playbook.High, "A session policy takes away what the calls need", why, cites, keys)
	finding.Fix = "Have whoever asks for the session leave the session policy out, or add the denied actions to it: " + rules.Some(actions, 4) + "."
	finding.Prevent = "Keep session policies beside the code that uses the session, and test them together."
	return []playbook.Finding{finding}
}

func article(p facts.SessionPolicy) string {
	if p.Kind == "inline" {
		return "an inline"
	}
	return "the managed " + p.ARN + " as"
}

func tellPolicies(f facts.SessionPolicies) string {
	var out []string
	switch {
	case f.With == 0:
		out = append(out, "No issuing call with a session policy was seen.")
	default:
		out = append(out, fmt.Sprintf("%s issued with a session policy (%s).", wording.Count(f.With, "session was", "sessions were"), wording.Count(len(f.Policies), "different one", "different ones")))
		var yes, open int
		for _, t := range f.Taken {
			switch t.By {
			case playbook.Yes:
				yes++
			case playbook.Unknown:
				open++
			}
		}
		switch {
		case len(f.Taken) == 0:
			out = append(out, "No denied call of such a session was seen.")
		case yes > 0:
			out = append(out, fmt.Sprintf("Of %s by such sessions, %s not allowed by the session policy.", wording.Count(len(f.Taken), "call denied", "calls denied"), wording.Count(yes, "is", "are")))
		case open > 0:
			out = append(out, fmt.Sprintf("%s by such sessions; whether the session policy is why cannot be told of %d.", wording.Count(len(f.Taken), "call was denied", "calls were denied"), open))
		default:
			out = append(out, fmt.Sprintf("%s by such sessions, for other reasons than the session policy.", wording.Count(len(f.Taken), "call was denied", "calls were denied")))
		}
		if f.Largest > 0 {
			out = append(out, fmt.Sprintf("The largest takes %d %% of what is allowed.", f.Largest))
		}
	}
	if len(f.TooLarge) > 0 {
		out = append(out, fmt.Sprintf("%s refused because policies and tags are too large for the session token (%d bytes).", wording.Count(len(f.TooLarge), "request was", "requests were"), tokenBytes))
	}
	return strings.Join(append(out, notShorter), " ")
}

func policyTable(f facts.SessionPolicies) facts.Table {
	t := facts.Table{Title: "Session policies and what they leave", Columns: []string{"policy", "sessions", "callers", "what it leaves", "seen first"}}
	for _, p := range f.Policies {
		name := cmp.Or(p.ARN, "inline, as in event "+p.Example)
		leaves := strings.Join(p.Allows, "; ")
		if !p.Read {
			leaves = "could not be read"
		}
		var who []string
		for _, c := range p.Callers {
			who = append(who, short(c))
		}
		t.Rows = append(t.Rows, []string{name, fmt.Sprint(p.Sessions), rules.Some(who, 3), steps.Said(leaves, 400), wording.UTC(p.First)})
	}
	return cut(t)
}
