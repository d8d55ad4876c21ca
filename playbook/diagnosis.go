package playbook

import "strings"

// CauseID names a cause; the ids are part of the product's contract.
type CauseID string

const (
	NoRefresh          CauseID = "no-refresh"
	RefreshFailing     CauseID = "refresh-failing"
	DurationAboveMax   CauseID = "duration-above-max"
	MaxSessionLowered  CauseID = "max-session-lowered"
	RoleChainingLimit  CauseID = "role-chaining-limit"
	TrustPolicyChanged CauseID = "trust-policy-changed"
	CrossAccountDenied CauseID = "cross-account-denied"
	PrincipalRecreated CauseID = "principal-recreated"
	RoleMissing        CauseID = "role-missing"
	MFACondition       CauseID = "mfa-condition"
	SessionsRevoked    CauseID = "sessions-revoked"
	IDPTokenExpired    CauseID = "idp-token-expired"
	IDPConfig          CauseID = "idp-config"
	SSOSessionExpired  CauseID = "sso-session-expired"
	SourceCredentials  CauseID = "source-credentials"
	ClockSkew          CauseID = "clock-skew"
	RegionDisabled     CauseID = "region-disabled"
	Throttled          CauseID = "throttled"
	STSServiceEvent    CauseID = "sts-service-event"
	AccountWideRefresh CauseID = "account-wide-refresh"
	AccessDeniedOther  CauseID = "access-denied-other"
	NotAWS             CauseID = "not-aws"
)

// Confidence in a cause. Each rule's doc states what earns which; it is never a
// percentage. The zero value is the cautious one.
type Confidence int

const (
	Low Confidence = iota
	Medium
	High
)

var confidenceNames = names[Confidence]{"low", "medium", "high"}

func (c Confidence) String() string                { return confidenceNames.of(c) }
func (c Confidence) MarshalText() ([]byte, error)  { return confidenceNames.marshal(c) }
func (c *Confidence) UnmarshalText(b []byte) error { return confidenceNames.unmarshal(c, b) }

// Cause documents a cause once, for `stsleuth explain`, the docs and the texts
// that a finding does not say better itself.
type Cause struct {
	ID       CauseID
	Means    string  // one sentence
	Decisive string  // the evidence that decides it
	Fix      string  // what to do now, for when the finding has nothing more exact
	Prevent  string  // how it does not come back
	Confirm  []Offer // follow-up checks that would confirm it
}

// Finding is a cause as seen in one incident. It always cites evidence.
type Finding struct {
	Cause      CauseID    `json:"id"`
	Confidence Confidence `json:"confidence"`
	Headline   string     `json:"headline"`
	Why        string     `json:"why"`
	Fix        string     `json:"fix"`
	Prevent    string     `json:"prevent"`
	Cites      []Cite     `json:"cites"`
	// Explains are the occasions on which a client failed, by key, that this cause
	// accounts for. When two causes explain one, the more direct one has it.
	Explains []string `json:"-"`
}

// Conclusion is the verdict of the whole investigation.
type Conclusion int

const (
	InsufficientEvidence Conclusion = iota // too blind to say; NotChecked names what would open its eyes
	NoCorrelation                          // could see, and nothing fits
	CauseFound
	SeveralCauses
)

var conclusionNames = names[Conclusion]{"insufficient-evidence", "no-correlation", "cause-found", "several-causes"}

func (c Conclusion) String() string                { return conclusionNames.of(c) }
func (c Conclusion) MarshalText() ([]byte, error)  { return conclusionNames.marshal(c) }
func (c *Conclusion) UnmarshalText(b []byte) error { return conclusionNames.unmarshal(c, b) }

// Diagnosis is what the investigation says.
type Diagnosis struct {
	Verdict    Conclusion   `json:"verdict"`
	Causes     []Finding    `json:"causes"`
	NotChecked []NotChecked `json:"not_checked"`
	Offers     []Offer      `json:"offers"`
}

// Verdicts says two diagnoses in a line: "was no-correlation, now max-session-lowered".
func Verdicts(was, now Diagnosis) string {
	a, b := was.named(), now.named()
	if a == b {
		return "still " + a
	}
	return "was " + a + ", now " + b
}

// named is the diagnosis by its causes' ids, or by its verdict where there are none.
func (d Diagnosis) named() string {
	var ids []string
	for _, c := range d.Causes {
		ids = append(ids, string(c.Cause))
	}
	if len(ids) == 0 {
		return d.Verdict.String()
	}
	return strings.Join(ids, " and ")
}

// NotChecked is what could not be looked at and why, in words for people.
type NotChecked struct {
	Step   StepID `json:"step"`
	Reason string `json:"reason"`
}

// Offer is a follow-up that can be asked for with a button or on the command line.
type Offer string

const (
	Extend48h       Offer = "extend-48h"
	TokenRefresh    Offer = "token-refresh"
	MFADevices      Offer = "mfa"
	SessionPolicies Offer = "session-policies"
	ChainLimits     Offer = "cross-account"
)

// Offers are the runbook's five follow-ups in its order.
func Offers() []Offer {
	return []Offer{Extend48h, TokenRefresh, MFADevices, SessionPolicies, ChainLimits}
}

// Title is what the button says.
func (o Offer) Title() string {
	switch o {
	case Extend48h:
		return "Extend to 48 h"
	case TokenRefresh:
		return "Token refresh review"
	case MFADevices:
		return "MFA devices"
	case SessionPolicies:
		return "Session policies"
	case ChainLimits:
		return "Cross-account duration limits"
	}
	return string(o)
}
