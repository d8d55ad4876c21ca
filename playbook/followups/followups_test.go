package followups

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

func TestAllAreValid(t *testing.T) {
	all := All(steps.NewClients(aws.Config{Region: "eu-west-1"}), steps.Settings{})
	if err := playbook.ValidateFollowUps(all); err != nil {
		t.Fatal(err)
	}
	var offers []playbook.Offer
	for _, f := range all {
		offers = append(offers, f.Offer)
	}
	if !slices.Equal(offers, playbook.Offers()) {
		t.Errorf("follow-ups are %v, offers %v", offers, playbook.Offers())
	}
}

// Each follow-up finds the cause that the first look could not, and finds nothing
// where there is nothing.
func TestWhatTheyFind(t *testing.T) {
	for _, tt := range []struct {
		capture string
		offer   playbook.Offer
		status  playbook.Status
		words   string // of the new judgement, "" for none
		summary string // a part of it
	}{
		{"follow-up-extend-finds", playbook.Extend48h, playbook.Found, "was no-correlation, now max-session-lowered", "Over 48 h"},
		{"follow-up-extend-nothing", playbook.Extend48h, playbook.Clear, "still no-correlation", "is still no-correlation"},
		{"follow-up-refresh-late", playbook.TokenRefresh, playbook.Found, "was no-correlation, now no-refresh", "sensor-feed-a"},
		{"follow-up-refresh-fine", playbook.TokenRefresh, playbook.Clear, "", "None of them is at risk"},
		{"follow-up-mfa-no-device", playbook.MFADevices, playbook.Found, "was access-denied-other, now mfa-condition", "No MFA device: oncall-lead"},
		{"follow-up-mfa-fine", playbook.MFADevices, playbook.Clear, "", "Nothing in the trust policy asks for MFA"},
		{"follow-up-session-policy-denies", playbook.SessionPolicies, playbook.Found, "was no-correlation, now access-denied-other", "never shortens a session"},
		{"follow-up-session-policy-none", playbook.SessionPolicies, playbook.Clear, "", "never shortens a session"},
		{"follow-up-calling-role-revoked", playbook.ChainLimits, playbook.Found, "was access-denied-other, now sessions-revoked", "AWSRevokeOlderSessions"},
		{"follow-up-chains-plain", playbook.ChainLimits, playbook.Clear, "", "none from another account"},
	} {
		t.Run(tt.capture, func(t *testing.T) {
			t.Parallel()
			a := open(t, "../../captures/"+tt.capture)
			r := a.investigate(t, a.plan, playbook.DefaultWindow)
			o := a.follow(t, tt.offer, r)
			if o.Status != tt.status || !strings.Contains(o.Summary, tt.summary) {
				t.Errorf("%s: %s", o.Status, o.Summary)
			}
			if words := rejudged(o); words != tt.words {
				t.Errorf("judged again: %q, want %q", words, tt.words)
			}
		})
	}
}

func rejudged(o playbook.Outcome) string {
	if x, ok := facts.Extended.In(playbook.Outcomes{o.Step: o}); ok && o.Step == facts.Extended.Step {
		return x.Rejudged.Words
	}
	if review, ok := facts.ReviewOf(o); ok && review.Rejudged != nil {
		return review.Rejudged.Words
	}
	return ""
}

// Every check on every capture: none breaks, none calls what it does not declare,
// and the same question gives the same bytes.
func TestEveryCheckOnEveryCapture(t *testing.T) {
	for _, dir := range captures(t) {
		t.Run(name(dir), func(t *testing.T) {
			t.Parallel()
			a := open(t, dir)
			r := a.investigate(t, a.plan, playbook.DefaultWindow)
			for _, o := range playbook.Offers()[1:] { // the longer window has tests of its own
				once, again := a.follow(t, o, r), a.follow(t, o, r)
				once.TookMS, again.TookMS = 0, 0
				if once.Summary != again.Summary || string(once.Facts) != string(again.Facts) || once.Status != again.Status {
					t.Errorf("%s says one thing and then another:\n%s\n%s", o, once.Summary, again.Summary)
				}
				if once.Summary == "" || strings.Contains(once.Summary, "Internal error") {
					t.Errorf("%s: %q", o, once.Summary)
				}
			}
			for _, c := range a.server.Calls() {
				if c.Action == "iam:ListMFADevices" || c.Action == "iam:GetUser" {
					if name, _ := c.Parameters["UserName"].(string); name == "" {
						t.Errorf("%s without a user's name asks about the tool itself", c.Action)
					}
				}
			}
		})
	}
}
