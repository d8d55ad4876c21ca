package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const federationDoc = `Where the role is assumed with a SAML assertion or an OIDC token: do the exchanges work, and is the identity provider still what the trust policy takes it for?

It counts AssumeRoleWithSAML and AssumeRoleWithWebIdentity from the records that steps 2 and 5 read. For each provider that the trust policy or a call names it asks IAM whether it still exists, whether the audience that the trust policy wants is among an OIDC provider's client ids, and until when a SAML provider's metadata is valid. A role without an identity provider needs no call at all.

A web identity session is not shortened by its token's end: the token only counts at the moment of the exchange. A SAML session ends at SessionNotOnOrAfter where that comes first.

What it cannot tell: exchanges that AWS refuses as too malformed or too stale are often not recorded in CloudTrail, so few errors here prove little; the application's own log (step 6) has the message with both times. The provider's own signing keys and claims are not AWS's to show, and the built-in providers (Google, Cognito, Facebook, Amazon) are no objects in IAM.`

var federationActions = []string{"iam:GetOpenIDConnectProvider", "iam:ListOpenIDConnectProviders", "iam:GetSAMLProvider", "iam:ListSAMLProviders"}

// The kinds that facts.Provider names.
const (
	samlProvider = "saml"
	oidcProvider = "oidc"
)

// exchanges are the calls that take a token or assertion for a session.
var exchanges = []string{"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}

func (r run) federation(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	ctx, cancel := beforeTheEnd(ctx)
	defer cancel()
	config, _ := facts.Config.In(p.Done)
	seen, _ := facts.Errors.In(p.Done)
	ledger, _ := facts.Ledger.In(p.Done)
	policy, err := trust.Decode(config.TrustPolicy)
	policySeen := config.TrustPolicy != "" && err == nil
	callsSeen := p.Done.Saw(playbook.STSErrors)

	f := facts.Federation{Calls: countExchanges(seen, ledger, p.Request.Window), Providers: namedProviders(policy, seen, ledger), Subjects: subjects(ledger)}
	switch {
	case len(f.Providers) > 0 || len(f.Calls) > 0:
		f.Used = playbook.Yes
	case policySeen:
		f.Used = playbook.No // nobody else's token can be taken, whatever CloudTrail shows
		return playbook.Evidence{Status: playbook.Clear, Facts: f,
			Summary: "The role does not use an identity provider: its trust policy names none."}, nil
	default:
		return playbook.Evidence{Status: playbook.Blind, Facts: f,
			Summary: "Whether the role uses an identity provider is not known: its trust policy could not be read (step 3)."}, nil
	}

	reads := make([]providerAnswer, len(f.Providers))
	var group errgroup.Group
	group.SetLimit(policiesAtOnce)
	region := playbook.GlobalRegion(playbook.Partition(p.Request.Target.Region))
	for i, named := range f.Providers {
		group.Go(func() error {
			reads[i] = r.readProvider(ctx, named, region)
			return nil
		})
	}
	group.Wait()

	n := notes{unseen: []string{"AWS does not record every exchange that it refuses: malformed and stale tokens often leave no trace in CloudTrail."}}
	var telling []string
	var refused *playbook.Problem
	for i, a := range reads {
		f.Providers[i] = a.provider
		n.takeAll(a.calls, "The identity provider "+a.provider.ARN)
		for _, c := range a.calls {
			if c.problem != nil && refused == nil {
				refused = c.problem
			}
		}
		if what := tellProvider(a.provider, a.others, p.Request.At); what != "" {
			telling = append(telling, what)
		}
	}
	wrong := len(telling) > 0
	failed := 0
	for _, c := range f.Calls {
		failed += c.Errors
		telling = append(telling, fmt.Sprintf("%s: %s in the window, %d of them failed.", c.Event, wording.Count(c.Calls, "call", "calls"), c.Errors))
	}
	switch {
	case len(f.Calls) > 0:
	case callsSeen:
		telling = append(telling, "No exchange was recorded in the window.")
	default:
		telling = append(telling, "CloudTrail could not be read, so the exchanges are not counted.")
	}
	if !wrong && refused == nil {
		telling = append([]string{tellProviders(f.Providers)}, telling...)
	}

	status := playbook.Clear
	switch {
	case wrong || failed > 0:
		status = playbook.Found
	case refused != nil:
		status = refused.Status
	case !callsSeen:
		status = playbook.Blind
	}
	e := n.evidence(status, strings.Join(telling, " "), f)
	switch {
	case refused != nil:
		e.Partial = "Not every identity provider could be read: " + refused.Text + "."
	case !callsSeen:
		e.Partial = "The exchanges are not counted, because CloudTrail could not be read (step 2)."
	case seen.Total > len(seen.Failures) || ledger.Total > len(ledger.Sessions):
		e.Partial = "There were more calls than are kept one by one: the counts are a lower bound."
	}
	return e, nil
}

// countExchanges counts the exchanges in the window: those that issued a session
// from the ledger, those that failed from step 2.
func countExchanges(seen facts.STSErrors, ledger facts.SessionLedger, w playbook.Window) []facts.FederatedCalls {
	out := []facts.FederatedCalls{}
	for _, event := range exchanges {
		c := facts.FederatedCalls{Event: event}
		for _, s := range ledger.Sessions {
			if s.Event == event && w.Contains(s.Issued) {
				c.Calls++
			}
		}
		for _, failure := range seen.Failures {
			if failure.Event == event {
				if c.ByKind == nil {
					c.ByKind = map[facts.Kind]int{}
				}
				c.Calls++
				c.Errors++
				c.ByKind[failure.Kind]++
			}
		}
		if c.Calls > 0 {
			out = append(out, c)
		}
	}
	return out
}

// subjects are the federated identities that got sessions, sorted.
func subjects(ledger facts.SessionLedger) []string {
	var out []string
	for _, s := range ledger.Sessions {
		if slices.Contains(exchanges, s.Event) {
			for _, name := range []string{s.Caller.UserName, s.Caller.Principal} {
				if name != "" {
					out = append(out, name)
					break
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namedProviders are the providers that the trust policy lets in or that a call
// named, sorted by ARN.
func namedProviders(policy trust.Policy, seen facts.STSErrors, ledger facts.SessionLedger) []facts.Provider {
	out := []facts.Provider{}
	add := func(name string) {
		p := facts.Provider{ARN: name, Kind: oidcProvider}
		if strings.Contains(name, ":saml-provider/") {
			p.Kind = samlProvider
		}
		if name == "" || slices.ContainsFunc(out, func(o facts.Provider) bool { return o.ARN == name }) {
			return
		}
		key := "SAML:aud"
		if p.Kind == oidcProvider {
			key = issuer(name) + ":aud"
		}
		for _, c := range trust.Requires(policy, key) {
			p.Audiences = append(p.Audiences, c.Values...)
		}
		slices.Sort(p.Audiences)
		p.Audiences = slices.Compact(p.Audiences)
		out = append(out, p)
	}
	for _, e := range trust.Principals(policy) {
		if e.Effect == trust.Allow && !e.NotPrincipal && (e.Principal.Kind == trust.KindSAML || e.Principal.Kind == trust.KindOIDC) {
			add(e.Principal.Value)
		}
	}
	for _, failure := range seen.Failures {
		if isProviderARN(failure.Caller.Provider) {
			add(failure.Caller.Provider)
		}
	}
	for _, s := range ledger.Sessions {
		if isProviderARN(s.Caller.Provider) {
			add(s.Caller.Provider)
		}
	}
	slices.SortFunc(out, func(a, b facts.Provider) int { return strings.Compare(a.ARN, b.ARN) })
	return out
}

func isProviderARN(name string) bool {
	return strings.Contains(name, ":oidc-provider/") || strings.Contains(name, ":saml-provider/")
}

// issuer is an OIDC provider's host and path, as condition keys begin.
func issuer(provider string) string {
	_, host, found := strings.Cut(provider, ":oidc-provider/")
	if !found {
		return provider
	}
	return host
}

// providerAnswer is one provider as IAM has it.
type providerAnswer struct {
	provider facts.Provider
	others   int // providers of the kind that there are, where this one is not
	calls    []asked
}

func (r run) readProvider(ctx context.Context, p facts.Provider, region string) providerAnswer {
	switch {
	case !isProviderARN(p.ARN): // a built-in provider: there is nothing in IAM to read
		return providerAnswer{provider: p}
	case p.Kind == samlProvider:
		return r.readSAML(ctx, p, region)
	}
	return r.readOIDC(ctx, p, region)
}

func (r run) readOIDC(ctx context.Context, p facts.Provider, region string) providerAnswer {
	link := console(region, "iam", "/identity_providers/details/OPENID/"+p.ARN)
	get := ask(ctx, call{Action: "iam:GetOpenIDConnectProvider", Region: region, Args: []string{"--open-id-connect-provider-arn", p.ARN}, Console: link},
		func(ctx context.Context) (*iam.GetOpenIDConnectProviderOutput, error) {
			return r.IAM.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &p.ARN})
		})
	switch {
	case absent(get.Problem):
		list := ask(ctx, call{Action: "iam:ListOpenIDConnectProviders", Region: region}, func(ctx context.Context) (int, error) {
			out, err := r.IAM.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
			if err != nil {
				return 0, err
			}
			return len(out.OpenIDConnectProviderList), nil
		})
		return missingProvider(p, get.Proof, list)
	case get.Problem == nil:
		p.Exists, p.URL, p.ClientIDs, p.Created = playbook.Yes, aws.ToString(get.Out.Url), slices.Clone(get.Out.ClientIDList), aws.ToTime(get.Out.CreateDate).UTC()
		slices.Sort(p.ClientIDs)
		p.Listed = listed(p.Audiences, p.ClientIDs)
		get.Proof.Result = "exists, client ids: " + strings.Join(p.ClientIDs, ", ")
	}
	return providerAnswer{provider: p, calls: []asked{{get.Proof, get.Problem}}}
}

func (r run) readSAML(ctx context.Context, p facts.Provider, region string) providerAnswer {
	link := console(region, "iam", "/identity_providers/details/SAML/"+p.ARN)
	get := ask(ctx, call{Action: "iam:GetSAMLProvider", Region: region, Args: []string{"--saml-provider-arn", p.ARN, "--query", "ValidUntil"}, Console: link},
		func(ctx context.Context) (*iam.GetSAMLProviderOutput, error) {
			return r.IAM.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: &p.ARN})
		})
	switch {
	case absent(get.Problem):
		list := ask(ctx, call{Action: "iam:ListSAMLProviders", Region: region}, func(ctx context.Context) (int, error) {
			out, err := r.IAM.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
			if err != nil {
				return 0, err
			}
			return len(out.SAMLProviderList), nil
		})
		return missingProvider(p, get.Proof, list)
	case get.Problem == nil:
		p.Exists, p.ValidUntil, p.Created = playbook.Yes, aws.ToTime(get.Out.ValidUntil).UTC(), aws.ToTime(get.Out.CreateDate).UTC()
		get.Proof.Result = "exists"
		if !p.ValidUntil.IsZero() {
			get.Proof.Result += ", metadata valid until " + p.ValidUntil.Format(time.RFC3339)
		}
	}
	return providerAnswer{provider: p, calls: []asked{{get.Proof, get.Problem}}}
}

// missingProvider is a provider that IAM does not have, and how many others it has.
func missingProvider(p facts.Provider, get playbook.Proof, list answer[int]) providerAnswer {
	p.Exists = playbook.No
	if list.Problem == nil {
		list.Proof.Result = wording.Count(list.Out, "provider", "providers")
	}
	return providerAnswer{provider: p, others: list.Out, calls: []asked{{get, nil}, {list.Proof, list.Problem}}}
}

// listed says whether every audience that the trust policy wants is among the
// provider's client ids. Patterns and an unnamed audience leave it open.
func listed(audiences, clientIDs []string) playbook.Truth {
	if len(audiences) == 0 {
		return playbook.Unknown
	}
	for _, a := range audiences {
		switch {
		case strings.ContainsAny(a, "*?$"):
			return playbook.Unknown
		case !slices.Contains(clientIDs, a):
			return playbook.No
		}
	}
	return playbook.Yes
}

// tellProvider says what is wrong with a provider, "" if nothing is seen to be.
func tellProvider(p facts.Provider, others int, at time.Time) string {
	switch {
	case p.Exists == playbook.No:
		return fmt.Sprintf("The identity provider %s does not exist (the account has %s of its kind).", p.ARN, wording.Count(others, "other", "others"))
	case p.Listed == playbook.No:
		return fmt.Sprintf("The trust policy wants the audience %s, and the provider %s lists only %s.", strings.Join(p.Audiences, ", "), p.ARN, strings.Join(p.ClientIDs, ", "))
	case !p.ValidUntil.IsZero() && p.ValidUntil.Before(at):
		return fmt.Sprintf("The SAML metadata of %s was valid until %s.", p.ARN, p.ValidUntil.Format("2006-01-02 15:04 UTC"))
	}
	return ""
}

// tellProviders names the providers of a role when nothing is wrong with them.
func tellProviders(providers []facts.Provider) string {
	if len(providers) == 0 {
		return "Exchanges were recorded, and the trust policy names no provider today."
	}
	var names []string
	for _, p := range providers {
		names = append(names, p.ARN[strings.Index(p.ARN, "/")+1:])
	}
	return "The role takes tokens of " + strings.Join(names, ", ") + "; nothing is wrong with the provider in IAM."
}
