package rules

import (
	"slices"

	"github.com/stsleuth/stsleuth/playbook"
)

// Causes documents every cause once, the most direct first: where two causes
// explain the same failure, the one that stands earlier here has it. A refused
// request for a session comes before a session that ran out, because it says
// why no new one could be had; refresh-failing comes after every cause that
// names the reason; not-aws is last, for it explains no AWS failure at all.
func Causes() []playbook.Cause {
	return []playbook.Cause{
		{ID: playbook.RoleMissing,
			Means:    "The role does not exist, or not any more.",
			Decisive: "IAM answers NoSuchEntity; a DeleteRole event tells since when.",
			Fix:      "Check the name and the account. If the role was deleted by mistake, make it again with the same trust policy; every policy that trusted the old one must then be saved again, because the new role has another id.",
			Prevent:  "Keep roles in infrastructure code and deny iam:DeleteRole on roles in use.",
			Confirm:  []playbook.Offer{playbook.Extend48h}},
		{ID: playbook.PrincipalRecreated,
			Means:    "The trust policy names a principal that was deleted, or the role itself was deleted and made again.",
			Decisive: "A bare AROA… or AIDA… id as principal and a refused caller; or the role's CreateDate inside the window and traces of the former one.",
			Fix:      "Save the trust policy again with the principal's ARN: IAM then stores the new id. Where the role itself was made again, save the policies that trust it and let clients fetch new sessions.",
			Prevent:  "Change roles and users in place instead of replacing them; where a tool replaces them, let it update the policies that trust them in the same run.",
			Confirm:  []playbook.Offer{playbook.ChainLimits}},
		{ID: playbook.SessionsRevoked,
			Means:    "Sessions of the role were revoked on purpose.",
			Decisive: "The inline policy AWSRevokeOlderSessions with a time inside the window.",
			Fix:      "Ask who revoked them and why before anything else. Then restart the clients, or empty their credential caches: sessions issued after the cut-off work.",
			Prevent:  "Tell the owners of a role when its sessions are revoked, and have clients drop cached credentials on AccessDenied with an explicit deny.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh, playbook.SessionPolicies}},
		{ID: playbook.TrustPolicyChanged,
			Means:    "A change of the trust policy keeps this caller out.",
			Decisive: "UpdateAssumeRolePolicy before the failures, whose difference removes this caller or puts a condition on it.",
			Fix:      "Put the caller back into the trust policy (or meet the new condition). Clients get sessions again at their next attempt, within seconds to minutes.",
			Prevent:  "Review trust policy changes with the list of callers that use the role (CloudTrail knows them), and alert on UpdateAssumeRolePolicy.",
			Confirm:  []playbook.Offer{playbook.ChainLimits, playbook.MFADevices}},
		{ID: playbook.MaxSessionLowered,
			Means:    "MaxSessionDuration of the role was lowered below what callers ask for.",
			Decisive: "UpdateRole before the failures with a lower value, and refused calls that ask for more.",
			Fix:      "Either ask for no more than the new maximum and renew in time, or set the maximum back: aws iam update-role --role-name ROLE --max-session-duration SECONDS.",
			Prevent:  "Before lowering the maximum, look up in CloudTrail which callers ask for more.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.RoleChainingLimit,
			Means:    "A chained session lives one hour, whatever the role allows.",
			Decisive: "The caller's own key is temporary, and the length is one hour or more was asked for.",
			Fix:      "Ask for 3600 seconds or less and renew before the end; or assume the role with long-term or federated credentials directly, without a role in between.",
			Prevent:  "Have clients renew sessions (every SDK can), rather than hand one set of credentials to a long job.",
			Confirm:  []playbook.Offer{playbook.ChainLimits, playbook.TokenRefresh}},
		{ID: playbook.DurationAboveMax,
			Means:    "A caller asks for a longer session than the role allows; AWS refuses rather than shortens.",
			Decisive: "ValidationError that names MaxSessionDuration.",
			Fix:      "Ask for no more than the role's maximum, or raise the maximum (at most 43200 seconds): aws iam update-role --role-name ROLE --max-session-duration SECONDS.",
			Prevent:  "Leave DurationSeconds out unless it matters, and renew; keep the requested length and the role's maximum in the same place.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh, playbook.ChainLimits}},
		{ID: playbook.RegionDisabled,
			Means:    "STS is not active in the region, or a version 1 token is used in an opt-in region.",
			Decisive: "RegionDisabledException; or token version 1, an opt-in region and invalid-token answers.",
			Fix:      "Activate STS for the region in IAM's account settings (or enable the region), in the account that issues the credentials.",
			Prevent:  "Use regional endpoints, and version 2 tokens for the global one.",
			Confirm:  []playbook.Offer{playbook.ChainLimits}},
		{ID: playbook.MFACondition,
			Means:    "An MFA condition is not met, or not any more.",
			Decisive: "An MFA condition in the trust policy and a refusal after the allowed age, or AWS's MFA failure text.",
			Fix:      "Sign in with MFA again and ask for a new session. A code works once; wait for the next one.",
			Prevent:  "Do not put MFA age conditions on roles that programs renew; give programs a role of their own without MFA.",
			Confirm:  []playbook.Offer{playbook.MFADevices}},
		{ID: playbook.IDPTokenExpired,
			Means:    "The OIDC token or SAML assertion was stale when it was exchanged.",
			Decisive: "AWS's message with both times, or \"redeemed within 5 minutes\".",
			Fix:      "Restart the client so that it reads the current token. In Kubernetes the projected token file is renewed in place: it must be read again for every exchange.",
			Prevent:  "Use an SDK version that re-reads the token file, and never copy the token into a variable or an image.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.IDPConfig,
			Means:    "The identity provider is missing, or its audience, issuer, keys or metadata do not fit.",
			Decisive: "InvalidIdentityToken and its kind, and the list of providers.",
			Fix:      "Make IAM's provider match the issuer: its URL, its audience list, its metadata. After a cluster was made again the issuer is a new one.",
			Prevent:  "Create provider, role and cluster in one stack, and alert before SAML metadata ends (ListSAMLProviders shows ValidUntil).",
			Confirm:  []playbook.Offer{playbook.ChainLimits}},
		{ID: playbook.SSOSessionExpired,
			Means:    "The Identity Center portal session has ended, so refreshing fails.",
			Decisive: "The SDKs' SSO messages.",
			Fix:      "Sign in again: aws sso login --profile PROFILE.",
			Prevent:  "Do not run unattended jobs on a person's portal session; give them a role. Lengthen the portal session in Identity Center if people are cut off.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.SourceCredentials,
			Means:    "The credentials that ask for the session are themselves expired, inactive or deleted.",
			Decisive: "InvalidClientTokenId and its kin, or an expired code, on the issuing call; the key's status.",
			Fix:      "Give the caller working credentials of its own: a current access key, or renewal of the session that it starts from.",
			Prevent:  "Replace long-term keys by roles; where credentials are rotated on disk, have clients read them again.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh, playbook.ChainLimits}},
		{ID: playbook.ClockSkew,
			Means:    "The client's clock is off, so its signatures look too old or too new.",
			Decisive: "Signature-time messages; both times give the skew.",
			Fix:      "Set the host's clock (chronyc tracking shows the offset; Amazon's time source is 169.254.169.123) and retry.",
			Prevent:  "Run a time service on every host and alert on offset; mind virtual machines that are suspended.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.STSServiceEvent,
			Means:    "AWS has trouble with STS in the region.",
			Decisive: "An open Health event or a failing probe, and failures of unrelated roles.",
			Fix:      "Point clients at another region's STS endpoint (AWS_REGION for the STS client only) until the event is closed. Sessions from any region work everywhere.",
			Prevent:  "Renew early, so that clients outlive a short event, and be able to switch the STS endpoint.",
			Confirm:  []playbook.Offer{playbook.Extend48h}},
		{ID: playbook.Throttled,
			Means:    "Calls that ask for sessions are throttled.",
			Decisive: "Throttling on AssumeRole before the session's end.",
			Fix:      "Find the client that asks most (sessions by name and address are in the thread) and make it keep its sessions until near their end.",
			Prevent:  "Cache sessions per process, renew with jitter, use regional endpoints, ask for longer sessions.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.CrossAccountDenied,
			Means:    "A caller of another account is not let in, without a change in the window.",
			Decisive: "The trust policy does not match the caller: account, ARN, ExternalId or organisation.",
			Fix:      "Add the caller to the trust policy (with its ExternalId), or have it use the principal that the policy names. The caller's own account must allow sts:AssumeRole as well.",
			Prevent:  "Agree on principal and ExternalId with the other account in writing, and test an AssumeRole from there after every change.",
			Confirm:  []playbook.Offer{playbook.ChainLimits, playbook.MFADevices}},
		{ID: playbook.AccountWideRefresh,
			Means:    "Many roles fail the same way through one shared client: its refresh logic.",
			Decisive: "The same failure across roles at the same time, the same user agent or image, no service event.",
			Fix:      "Roll back the client, image or agent that the struck roles share, and restart them.",
			Prevent:  "Roll out credential-handling changes gradually, and test them past one session length.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.NoRefresh,
			Means:    "Credentials are used past their end; nobody refreshes them.",
			Decisive: "Failures come when a session's age reaches its length, and the client had not asked for a new one.",
			Fix:      "Restart the failing clients: they start with a new session.",
			Prevent:  "Give the client a credential provider that renews by itself instead of fixed values, and renew some minutes before the end.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.RefreshFailing,
			Means:    "Refreshing is tried and fails.",
			Decisive: "Refresh-failure lines, or issuing calls that fail before the session's end; spread ages.",
			Fix:      "Look at what stands between the client and its credentials: metadata service, proxy, agent, network. Restart what hands out old ones.",
			Prevent:  "Alert on failed refreshes rather than on the expiry that follows, and let clients retry with backoff well before the end.",
			Confirm:  []playbook.Offer{playbook.TokenRefresh}},
		{ID: playbook.AccessDeniedOther,
			Means:    "A denial that is not expiry: boundary, service control policy, session policy or identity policy.",
			Decisive: "AWS's enriched AccessDenied text.",
			Fix:      "Have the policy that AWS names allow the action. New sessions don't help: they are refused as well.",
			Prevent:  "Test policy changes with the policy simulator or Access Analyzer against the actions that the role uses.",
			Confirm:  []playbook.Offer{playbook.MFADevices, playbook.SessionPolicies, playbook.ChainLimits}},
		{ID: playbook.NotAWS,
			Means:    "The message is not about AWS credentials at all.",
			Decisive: "The look-alike's own text, and no failure of AWS credentials beside it.",
			Fix:      "Take it to the owners of the application: its users' or partners' tokens run out, which may be quite normal.",
			Prevent:  "Make the alert look for AWS's own codes (ExpiredToken, ExpiredTokenException, RequestExpired), not for any \"token … expired\".",
			Confirm:  []playbook.Offer{playbook.Extend48h}},
	}
}

// FindCause looks a cause up by id.
func FindCause(id playbook.CauseID) (playbook.Cause, bool) {
	all := Causes()
	i := slices.IndexFunc(all, func(c playbook.Cause) bool { return c.ID == id })
	if i < 0 {
		return playbook.Cause{}, false
	}
	return all[i], true
}

// finding makes a finding whose advice is the cause's own, to be made more
// exact by the rule where it knows more.
func finding(id playbook.CauseID, confidence playbook.Confidence, explained []failure, headline, why string) playbook.Finding {
	c, _ := FindCause(id)
	return playbook.Finding{Cause: id, Confidence: confidence, Headline: headline, Why: why, Fix: c.Fix, Prevent: c.Prevent,
		Cites: cites(explained), Explains: occasions(explained)}
}

// Found makes a follow-up check's finding, with the cause's own advice where it
// has none more exact. explains names the occasions that it accounts for, by
// keys of the check's own: to be reported beside other causes it takes three.
func Found(id playbook.CauseID, confidence playbook.Confidence, headline, why string, cites []playbook.Cite, explains []string) playbook.Finding {
	f := finding(id, confidence, nil, headline, why)
	f.Cites, f.Explains = cites, explains
	return f
}
