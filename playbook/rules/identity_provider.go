package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

var identityProvider = playbook.Rule{
	ID: playbook.IdentityProvider, N: 7,
	Title: "Whether the identity provider's token or set-up is at fault",
	Doc: `Looks at exchanges of SAML assertions and OIDC tokens for sessions. Those calls are not signed with AWS credentials, so an expired
AWS credential is never why they fail: only the token or the provider is.

Criterion for idp-token-expired: AWS says that the presented token is past its end (usually with both times in the message), too old,
or not redeemed within 5 minutes. That is the client presenting an old token, and nobody reading the new one.

Criterion for idp-config: AWS says that the provider, the audience, the signature or the verification key is wrong; or such refusals
are seen and the provider is gone, does not list the wanted audience, or its SAML metadata has passed its end. SAML metadata past its end
counts by itself when SAML exchanges are refused.

Criterion for sso-session-expired: the SDKs' own messages that the Identity Center (portal) session has ended, so that role credentials
cannot be fetched again though the role is fine.`,
	Reads: []playbook.StepID{playbook.STSErrors, playbook.RoleConfig, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges, playbook.Federation},
	Eval:  evalIdentityProvider,
}

func evalIdentityProvider(c playbook.Case) playbook.Opinion {
	s := look(c)
	var op playbook.Opinion
	if fs := s.of(facts.IdentityTokenExpired); len(fs) > 0 {
		op.Causes = append(op.Causes, s.staleToken(fs))
	}
	if f, ok := s.providerWrong(); ok {
		op.Causes = append(op.Causes, f)
	}
	if fs := s.of(facts.SSOExpired); len(fs) > 0 {
		op.Causes = append(op.Causes, finding(playbook.SSOSessionExpired, playbook.High, fs, "The Identity Center session has ended, so credentials cannot be fetched again",
			fmt.Sprintf("The SDK says so in its own words (%q). The role and its session length are not at fault: the portal session behind them is over, and only signing in again starts a new one.", gist(fs[0], 140))))
	}
	switch {
	case len(op.Causes) > 0:
		op.Verdict = playbook.Supported
		op.Message = op.Causes[0].Headline + "."
		op.Cites = op.Causes[0].Cites
	case s.idp.Used == playbook.No && s.saw(playbook.Federation):
		op.Verdict = playbook.Refuted
		op.Message = "The role is not assumed through an identity provider."
		op.Cites = []playbook.Cite{{Step: playbook.Federation, Ref: "no provider in the trust policy, no exchange in CloudTrail"}}
	case s.saw(playbook.Federation, playbook.AppErrors):
		op.Verdict = playbook.Refuted
		op.Message = "Exchanges through the identity provider work, and nothing says that a token was stale. CloudTrail leaves out exchanges whose token is not valid enough; application logs would show those."
		op.Cites = []playbook.Cite{{Step: playbook.Federation, Ref: s.exchanges()}}
	default:
		return s.undetermined(playbook.Federation, playbook.AppErrors)
	}
	return op
}

func (s *sight) exchanges() string {
	var parts []string
	for _, c := range s.idp.Calls {
		parts = append(parts, fmt.Sprintf("%s: %s, %s", c.Event, wording.Count(c.Calls, "call", "calls"), wording.Count(c.Errors, "error", "errors")))
	}
	if len(parts) == 0 {
		return "no exchange in the window"
	}
	return strings.Join(parts, "; ")
}

func (s *sight) staleToken(fs []failure) playbook.Finding {
	confidence := playbook.Medium
	var stale time.Duration
	var ended time.Time
	for _, f := range fs {
		if f.line == nil || f.line.Now.IsZero() || f.line.Until.IsZero() {
			continue
		}
		if d := f.line.Now.Sub(f.line.Until); d > stale || confidence < playbook.High {
			stale, ended = max(stale, d), f.line.Until
		}
		confidence = playbook.High
	}
	why := fmt.Sprintf("AWS refuses to exchange an identity token for a session because the token itself is stale (%s, first at %s).", tally(fs), stamp(fs[0].at))
	headline := "The identity token that is exchanged for a session is stale"
	if stale > 0 {
		headline = fmt.Sprintf("The identity token ended at %s and is still presented", ended.UTC().Format("2006-01-02 15:04 UTC"))
		why += fmt.Sprintf(" The messages carry both times: the token ended at %s and was presented up to %s later, so the client does not read the renewed one.", stamp(ended), span(stale))
	}
	if strings.Contains(fs[0].text, "redeemed within 5 minutes") || strings.Contains(fs[0].text, "Response has expired") {
		confidence = playbook.High
		why += " A SAML assertion must be redeemed within 5 minutes; it was kept and presented later, or the provider's clock is behind."
	}
	return finding(playbook.IDPTokenExpired, confidence, fs, headline, why)
}

// providerWrong gathers refusals that name the provider's set-up, and the state
// of the providers that explains them.
func (s *sight) providerWrong() (playbook.Finding, bool) {
	fs := s.of(facts.IdentityProviderBad)
	denied := pick(s.of(facts.AssumeDenied), func(f failure) bool {
		return f.call == "AssumeRoleWithWebIdentity" || f.call == "AssumeRoleWithSAML"
	})
	var state []string
	var proof []playbook.Cite
	note := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		state = append(state, text)
		proof = append(proof, playbook.Cite{Step: playbook.Federation, Ref: text})
	}
	for _, p := range s.idp.Providers {
		switch {
		case p.Exists == playbook.No:
			note("the provider %s does not exist in the account", p.ARN)
		case p.Listed == playbook.No:
			note("the provider %s does not list the audience that is wanted (%s)", p.ARN, Some(p.Audiences, 3))
		case !p.ValidUntil.IsZero() && p.ValidUntil.Before(s.req.At):
			note("the SAML metadata of %s was valid until %s only", p.ARN, stamp(p.ValidUntil))
		}
	}
	if len(state) > 0 {
		fs = append(fs, denied...)
	}
	if len(fs) == 0 {
		return playbook.Finding{}, false
	}
	for _, c := range s.inWindow(facts.ProviderEdited) {
		if !c.Time.After(fs[0].at) {
			state = append(state, fmt.Sprintf("%s changed the provider (%s) at %s", principalWords(c.Actor), c.Event, stamp(c.Time)))
			proof = append(proof, changeCite(c))
		}
	}
	confidence := playbook.Medium
	why := fmt.Sprintf("AWS refuses the exchange because of the identity provider's set-up (%s): %q.", tally(fs), gist(fs[0], 140))
	if len(state) > 0 {
		confidence = playbook.High
		why += " In IAM: " + Some(state, 3) + "."
	} else if strings.Contains(fs[0].text, "No OpenIDConnect provider found") || strings.Contains(fs[0].text, "audience") || strings.Contains(fs[0].text, "signature") {
		confidence = playbook.High // AWS names the fault itself
	}
	f := finding(playbook.IDPConfig, confidence, fs, "The identity provider's set-up does not fit", why)
	f.Cites = append(f.Cites, proof...)
	return f, true
}
