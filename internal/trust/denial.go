package trust

import (
	"regexp"
	"strings"
)

// DenialReason is the kind of policy that AWS names in an AccessDenied message. The zero value: the message names none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
type DenialReason string

const (
	DenialUnnamed         DenialReason = ""
	DenialTrustPolicy     DenialReason = "role trust policy"
	DenialSCP             DenialReason = "service control policy"
	DenialRCP             DenialReason = "resource control policy"
	DenialSessionPolicy   DenialReason = "session policy"
	DenialBoundary        DenialReason = "permissions boundary"
	DenialIdentityPolicy  DenialReason = "identity-based policy"
	DenialResourcePolicy  DenialReason = "resource-based policy"
	DenialEndpointPolicy  DenialReason = "VPC endpoint policy"
	DenialOther           DenialReason = "other" // named, but none of these
	maxCloudTrailMessage               = 1024    // bytes: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
	maxDenialMessageBytes              = 64 << 10
)

// Denial is an AccessDenied message taken apart.
type Denial struct {
	User     string       `json:"user,omitempty"`     // ARN of who was refused; empty where the message names nobody
	Action   string       `json:"action"`             // such as sts:AssumeRole
	Resource string       `json:"resource,omitempty"` // ARN of what was asked for
	Reason   DenialReason `json:"reason,omitempty"`
	// Explicit: a Deny statement refused. AWS may say so of a service control policy even where merely nothing allows.
	Explicit  bool   `json:"explicit,omitempty"`
	PolicyARN string `json:"policy_arn,omitempty"` // the policy that refused, where the message gives it
	Truncated bool   `json:"truncated,omitempty"`  // the message ends in the middle: a reason may have been cut off
}

var (
	deniedUser = regexp.MustCompile(`(?i)User: (\S+) is not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9*]+)`)
	// The unsigned calls name no user: Not authorized to perform sts:AssumeRoleWithWebIdentity.
	deniedUnsigned = regexp.MustCompile(`(?i)Not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)`)
	deniedResource = regexp.MustCompile(`(?i)^,? on (?:the )?resource: ?(.*)`)
	deniedImplicit = regexp.MustCompile(`(?i)\bbecause no (.+?) allows the`)
	deniedExplicit = regexp.MustCompile(`(?i)\bwith an explicit deny(?: in (?:an?|the) (.+))?`)
	deniedReason   = regexp.MustCompile(`(?i)[,.]? (because |with an explicit deny).*`)
	policyARN      = regexp.MustCompile(`(?i)^[a-z -]+(?:policy|boundary)[: (]+(arn:[^\s"',)]+)`)
)

// EnrichedDenial reads the text of an AccessDenied error, as the client or CloudTrail has it, alone or inside an SDK's words.
// False when the text is not such a message.
func EnrichedDenial(message string) (Denial, bool) {
	if len(message) > maxDenialMessageBytes {
		message = message[:maxDenialMessageBytes]
	}
	text := strings.Join(strings.Fields(strings.NewReplacer(`\"`, `"`, "`", `"`).Replace(message)), " ")
	var d Denial
	var rest string
	if at := deniedUser.FindStringSubmatchIndex(text); at != nil {
		d.User, d.Action, rest = trimQuotes(text[at[2]:at[3]]), text[at[4]:at[5]], text[at[1]:]
	} else if at := deniedUnsigned.FindStringSubmatchIndex(text); at != nil {
		d.Action, rest = text[at[2]:at[3]], text[at[1]:]
	} else {
		return Denial{}, false
	}
	rest = strings.TrimLeft(rest, `"'`)
	if m := deniedResource.FindStringSubmatch(rest); m != nil {
		d.Resource = trimQuotes(firstWord(deniedReason.ReplaceAllString(m[1], "")))
	}
	d.Truncated = len(message) >= maxCloudTrailMessage-1 && len(message) <= maxCloudTrailMessage
	if m := deniedExplicit.FindStringSubmatch(rest); m != nil {
		d.Explicit, d.Reason = true, denialReason(m[1])
		if arn := policyARN.FindStringSubmatch(m[1]); arn != nil {
			d.PolicyARN = trimQuotes(arn[1])
		}
	} else if m := deniedImplicit.FindStringSubmatch(rest); m != nil {
		d.Reason = denialReason(m[1])
	}
	return d, true
}

// denialReason finds the kind of policy in what follows "explicit deny in a" or "because no".
func denialReason(text string) DenialReason {
	if text == "" {
		return DenialUnnamed
	}
	text = strings.ToLower(text)
	first, at := DenialOther, len(text)
	for _, kind := range []struct {
		words  string
		reason DenialReason
	}{
		{"role trust policy", DenialTrustPolicy},
		{"service control policy", DenialSCP},
		{"resource control policy", DenialRCP},
		{"session policy", DenialSessionPolicy},
		{"permissions boundary", DenialBoundary},
		{"permission boundary", DenialBoundary},
		{"identity-based policy", DenialIdentityPolicy},
		{"resource-based policy", DenialResourcePolicy},
		{"resource policy", DenialResourcePolicy},
		{"vpc endpoint policy", DenialEndpointPolicy},
	} {
		if i := strings.Index(text, kind.words); i >= 0 && i < at {
			first, at = kind.reason, i
		}
	}
	return first
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// trimQuotes cuts quotes and closing punctuation around a value.
func trimQuotes(text string) string { return strings.Trim(strings.TrimRight(text, `.,;"')}]`), `"'(`) }
