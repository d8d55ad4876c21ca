package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// stamp writes a moment for people: UTC, to the minute's second only where it helps.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span writes a duration for people: "1 h", "3 h 12 min", "45 s".
func span(d time.Duration) string {
	return wording.Span(d.Round(time.Second))
}

// seconds writes a session's length. CloudTrail truncates both ends, so that a
// session of an hour shows as 3599 seconds: the last second is not told.
func seconds(n int) string {
	if near := (n + 30) / 60 * 60; near > 0 && abs(n-near) <= int(expirySlack/time.Second) {
		n = near
	}
	return span(time.Duration(n) * time.Second)
}

func tally(fs []failure) string {
	cites := make([]playbook.Cite, len(fs))
	for i, f := range fs {
		cites[i] = f.cite
	}
	return Tally(cites)
}

// Tally counts what is cited of failures by where they were seen: a failed attempt
// is often in both places, and must not look like two.
func Tally(cites []playbook.Cite) string {
	lines := len(pick(cites, func(c playbook.Cite) bool { return c.Step == playbook.AppErrors }))
	records := len(cites) - lines
	switch {
	case lines == 0:
		return wording.Count(records, "CloudTrail record", "CloudTrail records")
	case records == 0:
		return wording.Count(lines, "log line", "log lines")
	}
	return wording.Count(records, "CloudTrail record", "CloudTrail records") + " and " + wording.Count(lines, "log line", "log lines")
}

// principalWords shortens an ARN to what people call it: "role batch-runner",
// "user ci", the last part of anything else.
func principalWords(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return arn
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "role " + role
	case "role", "user":
		return kind + " " + rest[strings.LastIndexByte(rest, '/')+1:]
	case "root":
		return "account " + parts[4]
	case "oidc-provider", "saml-provider":
		return "identity provider " + rest
	}
	return arn
}

// policyWords is a kind of policy with its article.
func policyWords(r trust.DenialReason) string {
	switch r {
	case trust.DenialOther:
		return "a policy of another kind"
	case trust.DenialIdentityPolicy:
		return "an " + string(r)
	}
	return "a " + string(r)
}

func shorten(s string, runes int) string {
	s = strings.Join(strings.Fields(s), " ")
	r := []rune(s)
	if len(r) <= runes {
		return s
	}
	return string(r[:runes-1]) + "…"
}

// gist is what a failure's text says, cut to a length around the error code:
// SDKs write the cause that counts behind all that wraps it.
func gist(f failure, runes int) string {
	text := strings.Join(strings.Fields(f.text), " ")
	if f.line == nil || f.line.Code == "" || len([]rune(text)) <= runes {
		return shorten(text, runes)
	}
	at := strings.LastIndex(text, f.line.Code)
	if at < 0 || len([]rune(text[:at+len(f.line.Code)])) <= runes/2 {
		return shorten(text, runes)
	}
	return shorten("… "+text[at:], runes)
}

// Some lists a few of many: "a, b and 3 more".
func Some(items []string, most int) string {
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}

func unique(items []string) []string {
	out := slices.Clone(items)
	slices.Sort(out)
	return slices.Compact(slices.DeleteFunc(out, func(s string) bool { return s == "" }))
}

func stepsOf(cites []playbook.Cite) []playbook.StepID {
	out := []playbook.StepID{}
	for _, c := range cites {
		if !slices.Contains(out, c.Step) {
			out = append(out, c.Step)
		}
	}
	return out
}

func firstRefs(cites []playbook.Cite) []playbook.Cite {
	var out []playbook.Cite
	for _, c := range cites {
		if c.Ref != "" && !slices.Contains(out, c) && len(out) < maxCites {
			out = append(out, c)
		}
	}
	return out
}

var kindNames = map[facts.Kind]string{
	facts.SessionExpired:       "expired session",
	facts.ExpiredOrSkew:        "expired session or clock skew",
	facts.IdentityTokenExpired: "stale identity token",
	facts.SSOExpired:           "ended Identity Center session",
	facts.DurationAboveRole:    "duration above the role's maximum",
	facts.DurationAboveChain:   "duration above one hour in a chained call",
	facts.DurationInvalid:      "duration outside what STS takes",
	facts.MFAFailed:            "MFA failure",
	facts.IdentityProviderBad:  "identity provider refused",
	facts.RegionOff:            "STS not active in the region",
	facts.AssumeDenied:         "denied request for a session",
	facts.AccessDenied:         "access denied",
	facts.ThrottledCall:        "throttled",
	facts.RefreshFailed:        "failed refresh",
	facts.InvalidCredentials:   "invalid credentials",
	facts.Skew:                 "clock skew",
	facts.NoSuchRole:           "role not found",
}

func kindWords(k facts.Kind) string {
	if w, ok := kindNames[k]; ok {
		return w
	}
	return "other failure"
}

// blindTo says which of the steps could not look, for "…, but X could not be seen".
func (s *sight) blindTo(ids ...playbook.StepID) string {
	var parts []string
	for _, id := range ids {
		step := "step " + string(id)
		if n := s.steps[id].N; n > 0 {
			step = fmt.Sprintf("step %d (%s)", n, id)
		}
		switch s.steps.Status(id) {
		case playbook.Found, playbook.Clear:
		case playbook.Denied:
			lacks := "a permission"
			if missing := s.steps[id].Missing; len(missing) > 0 {
				lacks = Some(missing, 2)
			}
			parts = append(parts, step+" lacks "+lacks)
		case playbook.TimedOut:
			parts = append(parts, step+" did not end in time")
		case playbook.Broken, playbook.Unasked:
			parts = append(parts, step+" could not be done")
		case playbook.Blind:
			parts = append(parts, step+" could not see what it looks for")
		}
	}
	switch last := len(parts) - 1; {
	case last < 0:
		return "nothing was hidden"
	case last == 0:
		return parts[0]
	default:
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
}

// undetermined is a rule's answer where it could not see.
func (s *sight) undetermined(need ...playbook.StepID) playbook.Opinion {
	return playbook.Opinion{Verdict: playbook.Undetermined, Message: wording.Capital(s.blindTo(need...)) + "."}
}
