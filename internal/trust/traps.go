package trust

import (
	"fmt"
	"strings"
)

// traps are the warnings about one condition. They follow from how each key gets into a request:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
func (c Condition) traps(s Statement) []Trap {
	op, ok := parseOperator(c.Operator)
	if !ok {
		return []Trap{{TrapUnreadable, c.Key, "this condition cannot be read; it is never counted as met"}}
	}
	var out []Trap
	warn := func(id TrapID, format string, args ...any) {
		out = append(out, Trap{id, c.Key, fmt.Sprintf(format, args...)})
	}
	if op.set == "all" && s.Effect == Allow {
		warn(TrapForAllValues, "ForAllValues also holds for a request without this key")
	}
	if c.Literal {
		for _, v := range c.Values {
			if strings.Contains(v, "${") {
				warn(TrapLiteralVariable, "without Version 2012-10-17 the variable in %q is plain text", v)
			}
		}
	}
	switch key := strings.ToLower(c.Key); key {
	case "sts:durationseconds":
		if absentOutcome(op) == False && s.Effect == Allow {
			warn(TrapDuration, "a request for a role session never carries sts:DurationSeconds, so this Allow never applies; a trust policy cannot limit how long sessions last")
		} else {
			warn(TrapDuration, "a request for a role session never carries sts:DurationSeconds, so this condition changes nothing; a trust policy cannot limit how long sessions last")
		}
	case "aws:multifactorauthage":
		warn(TrapMFAAge, "the age of the MFA login grows while the caller works: with a limit of %s s, new sessions are refused that long after the login, which looks like expiry. Without MFA the key is absent", wordList(c.Values, "or"))
	case "aws:multifactorauthpresent":
		if s.Effect == Deny && op.base == "Bool" && !op.ifExists {
			warn(TrapMFADeny, "the key is absent for long-term access keys, so this Deny lets them pass; BoolIfExists is the strict form")
		} else {
			warn(TrapMFAPresent, "the key is absent for long-term access keys, and for services and federated callers; without an MFA code the call is refused with a plain AccessDenied")
		}
	case "aws:currenttime", "aws:epochtime":
		warn(TrapDateBox, "the statement applies only within a stretch of time; outside of it the same call gets AccessDenied")
	case "aws:tokenissuetime":
		warn(TrapTokenIssueTime, "the key is there only when the caller itself has temporary credentials")
	case "sts:externalid":
		warn(TrapExternalID, "the caller must pass this ExternalId in every call; a missing or wrong one gets the same plain AccessDenied as no trust at all")
	case "aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:sourceorgid":
		warn(TrapOrganization, "an account that leaves or moves within the organization loses access without any change to this policy")
	case "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip":
		warn(TrapNetwork, "a caller whose network path changes (NAT gateway, VPC endpoint, VPN) is refused at its next refresh")
	case "sts:rolesessionname":
		warn(TrapSessionName, "the session name that the caller passes is checked")
	case "sts:sourceidentity", "aws:sourceidentity":
		warn(TrapSourceIdentity, "the caller must pass or carry this source identity, which also needs sts:SetSourceIdentity")
	case "aws:sourcearn", "aws:sourceaccount":
		warn(TrapServiceSource, "only an AWS service that calls for another resource sets this key")
	default:
		out = append(out, c.claimTraps(key)...)
	}
	return out
}

// claimTraps are about keys that come from a web identity token or SAML assertion: issuer:aud, issuer:sub, SAML:aud.
func (c Condition) claimTraps(key string) []Trap {
	colon := strings.LastIndex(key, ":") // an issuer may have a port
	issuer, claim := key[:max(colon, 0)], key[colon+1:]
	switch {
	case issuer == "token.actions.githubusercontent.com" && claim == "sub":
		return []Trap{{TrapGitHubSubject, c.Key, "GitHub's subject changes when a job uses an environment, runs for another ref or a pull request, or when the repository's subject format is customised"}}
	case issuer == "saml" || strings.Contains(issuer, ".") && (claim == "aud" || claim == "sub" || claim == "oaud" || claim == "amr" || claim == "app_id"):
		return []Trap{{TrapTokenClaim, c.Key, "the claim comes from the identity provider's token: a new issuer (a cluster made anew), audience or subject no longer fits"}}
	}
	return nil
}
