package render_test

import (
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Each check after the diagnosis judges the first diagnosis again with its own
// findings alone; the card has what all of them found, the last one's first, and
// not what one of them took back.
func TestTheCardHasWhatEveryCheckAfterwardsFound(t *testing.T) {
	finding := func(id playbook.CauseID) playbook.Finding {
		return playbook.Finding{Cause: id, Confidence: playbook.High, Headline: "Headline of " + string(id), Why: "why", Fix: "fix", Prevent: "prevent"}
	}
	diagnosis := func(ids ...playbook.CauseID) (d playbook.Diagnosis) {
		d.Verdict = []playbook.Conclusion{playbook.NoCorrelation, playbook.CauseFound, playbook.SeveralCauses}[len(ids)]
		for _, id := range ids {
			d.Causes = append(d.Causes, finding(id))
		}
		return d
	}
	const a, b, c = playbook.MFACondition, playbook.NoRefresh, playbook.RoleChainingLimit
	for name, tc := range map[string]struct {
		first playbook.Diagnosis
		now   []playbook.Diagnosis
		title string
		also  []playbook.CauseID
	}{
		"one check found a cause":                     {diagnosis(), []playbook.Diagnosis{diagnosis(a)}, "Cause found: Headline of mfa-condition", nil},
		"two checks found a cause each":               {diagnosis(), []playbook.Diagnosis{diagnosis(a), diagnosis(b)}, "2 causes found. First: Headline of no-refresh", []playbook.CauseID{a}},
		"two checks found the same":                   {diagnosis(), []playbook.Diagnosis{diagnosis(a), diagnosis(a)}, "Cause found: Headline of mfa-condition", nil},
		"the last one took back what was said first":  {diagnosis(a), []playbook.Diagnosis{diagnosis(a, b), diagnosis(c)}, "2 causes found. First: Headline of role-chaining-limit", []playbook.CauseID{b}},
		"the last one took it back and found nothing": {diagnosis(a), []playbook.Diagnosis{diagnosis(a, b), diagnosis()}, "Cause found: Headline of no-refresh", nil},
	} {
		t.Run(name, func(t *testing.T) {
			inv := of(playbook.Report{Request: question().Request, Diagnosis: tc.first})
			for i, now := range tc.now {
				o := settled(playbook.StepID([]playbook.Offer{playbook.MFADevices, playbook.TokenRefresh}[i]), playbook.Found, "Found.", facts.Review{Rejudged: &facts.Rejudged{Was: tc.first, Now: now, Words: "was this, now that"}})
				inv.Presses = append(inv.Presses, playbook.Press{ID: string(rune('1' + i)), Action: string(o.Step), State: playbook.Finished, Outcome: &o})
			}
			text := render.Parent(inv, plan).Text
			if !strings.Contains(text, tc.title) {
				t.Errorf("%q is not in %q", tc.title, text)
			}
			if n := strings.Count(text, "Also found"); n != len(tc.also) {
				t.Errorf("%d more causes, want %d: %q", n, len(tc.also), text)
			}
			for _, id := range tc.also {
				if !strings.Contains(text, "Headline of "+string(id)) {
					t.Errorf("%s is not in %q", id, text)
				}
			}
		})
	}
}
