package rules

import (
	"cmp"
	"slices"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Beside the cause that explains most, another one is reported when it explains
// at least noiseBelow occasions, or a third of the largest: less is background
// noise, which every account has.
const (
	noiseBelow = 3
	noiseShare = 1.0 / 3
)

// standing are causes that need no failure to explain: a state that was seen is
// enough (a role that is gone, sessions that were revoked, a disabled region),
// or they qualify another cause (a chain's limit beside no-refresh).
var standing = []playbook.CauseID{playbook.RoleMissing, playbook.PrincipalRecreated, playbook.SessionsRevoked, playbook.RegionDisabled, playbook.RoleChainingLimit}

// conclude gives each failure to the most direct cause that explains it, drops
// causes that are left with nothing of their own, and says what it comes to.
func conclude(candidates []playbook.Finding, role string, steps []playbook.Outcome) playbook.Diagnosis {
	d := playbook.Diagnosis{Causes: settleCauses(candidates), NotChecked: notChecked(steps)}
	switch {
	case len(d.Causes) > 1:
		d.Verdict = playbook.SeveralCauses
	case len(d.Causes) == 1:
		d.Verdict = playbook.CauseFound
	case couldSee(role, steps):
		d.Verdict = playbook.NoCorrelation
	default:
		d.Verdict = playbook.InsufficientEvidence
	}
	d.Offers = offers(d.Causes, steps)
	return d
}

func settleCauses(candidates []playbook.Finding) []playbook.Finding {
	rank := map[playbook.CauseID]int{}
	for i, c := range Causes() {
		rank[c.ID] = i
	}
	merged := mergeSame(candidates)
	slices.SortStableFunc(merged, func(a, b playbook.Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Cause], rank[b.Cause]), cmp.Compare(b.Confidence, a.Confidence))
	})

	owned := map[string]bool{}
	explains := map[playbook.CauseID]int{} // occasions that no more direct cause explains
	largest := 0
	own := make([]int, len(merged))
	for i, f := range merged {
		for _, k := range f.Explains {
			if !owned[k] {
				owned[k] = true
				own[i]++
			}
		}
		largest = max(largest, own[i])
		explains[f.Cause] = own[i]
	}
	var kept []playbook.Finding
	for i, f := range merged {
		if len(f.Cites) == 0 {
			continue // no cause without cited evidence
		}
		stands := slices.Contains(standing, f.Cause) && (len(f.Explains) == 0 || own[i] > 0)
		enough := own[i] >= noiseBelow || own[i] > 0 && float64(own[i]) >= noiseShare*float64(largest)
		if !stands && !enough {
			continue
		}
		kept = append(kept, f)
	}
	kept = withoutBystanders(kept)
	// What the callers' failure comes from directly is first; a state that merely
	// stands beside it follows.
	slices.SortStableFunc(kept, func(a, b playbook.Finding) int {
		return cmp.Compare(qualifies(a), qualifies(b))
	})
	return leadFirst(kept, explains)
}

// leadFirst puts first the most direct of the causes that explain at least a
// third of what the largest explains: a cause of a few occasions does not stand
// before one of many. Failed renewals count for nothing here, for what makes them
// fail is named by others.
func leadFirst(kept []playbook.Finding, explains map[playbook.CauseID]int) []playbook.Finding {
	largest := 0
	for _, f := range kept {
		if f.Cause != playbook.RefreshFailing {
			largest = max(largest, explains[f.Cause])
		}
	}
	lead := slices.IndexFunc(kept, func(f playbook.Finding) bool {
		return qualifies(f) == 0 && float64(explains[f.Cause]) >= noiseShare*float64(largest)
	})
	if lead <= 0 {
		return kept
	}
	return slices.Concat(kept[lead:lead+1], kept[:lead], kept[lead+1:])
}

// qualifies is 1 for a finding that only qualifies another.
func qualifies(f playbook.Finding) int {
	if f.Cause == playbook.RoleChainingLimit && len(f.Explains) == 0 {
		return 1
	}
	return 0
}

// withoutBystanders drops what another cause makes moot: a role that is gone
// explains everything; a chain's limit only matters beside sessions that ran
// out; look-alikes only where nothing else is wrong.
func withoutBystanders(fs []playbook.Finding) []playbook.Finding {
	has := func(id playbook.CauseID) bool {
		return slices.ContainsFunc(fs, func(f playbook.Finding) bool { return f.Cause == id })
	}
	// A missing role to which sessions were issued is a contradiction, not an explanation.
	if len(fs) > 1 {
		fs = slices.DeleteFunc(fs, func(f playbook.Finding) bool { return f.Cause == playbook.RoleMissing && f.Confidence == playbook.Low })
	}
	return slices.DeleteFunc(fs, func(f playbook.Finding) bool {
		switch {
		case f.Cause != playbook.RoleMissing && has(playbook.RoleMissing):
			return true
		case f.Cause == playbook.NotAWS && len(fs) > 1:
			return true
		case qualifies(f) == 1:
			return !has(playbook.NoRefresh)
		}
		return false
	})
}

// mergeSame joins findings of one cause, keeping the surest one's words.
func mergeSame(fs []playbook.Finding) []playbook.Finding {
	var out []playbook.Finding
	for _, f := range fs {
		i := slices.IndexFunc(out, func(o playbook.Finding) bool { return o.Cause == f.Cause })
		if i < 0 {
			out = append(out, f)
			continue
		}
		keep, other := out[i], f
		if other.Confidence > keep.Confidence {
			keep, other = other, keep
		}
		for _, k := range other.Explains {
			if !slices.Contains(keep.Explains, k) {
				keep.Explains = append(keep.Explains, k)
			}
		}
		for _, c := range other.Cites {
			if !slices.Contains(keep.Cites, c) && len(keep.Cites) < 2*maxCites {
				keep.Cites = append(keep.Cites, c)
			}
		}
		out[i] = keep
	}
	return out
}

// couldSee: the four steps that would show a failure, its sessions and its
// changes all looked. Only then does finding nothing mean something. Where log
// groups are named like the role, one of them must show the whole window: other
// groups' lines do not make up for theirs.
func couldSee(role string, steps []playbook.Outcome) bool {
	seen := playbook.Outcomes{}
	for _, o := range steps {
		seen[o.Step] = o
	}
	app, _ := facts.AppLogs.In(seen)
	own := pick(app.Groups, func(g facts.LogGroup) bool { return facts.SharedWords(role, g.Name) > 0 })
	if len(own) > 0 && !slices.ContainsFunc(own, func(g facts.LogGroup) bool { return g.Method != "" && g.Why == "" }) {
		return false
	}
	// Of a ledger that was cut, the session that a line speaks of may be missing.
	if ledger, _ := facts.Ledger.In(seen); ledger.Total > len(ledger.Sessions) && app.ByKind[facts.SessionExpired]+app.ByKind[facts.ExpiredOrSkew] > 0 {
		return false
	}
	return seen.Saw(playbook.STSErrors, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges)
}

func notChecked(steps []playbook.Outcome) []playbook.NotChecked {
	var out []playbook.NotChecked
	for _, o := range steps {
		switch {
		case !o.Status.Saw():
			out = append(out, playbook.NotChecked{Step: o.Step, Reason: o.Summary})
		case o.Partial != "":
			out = append(out, playbook.NotChecked{Step: o.Step, Reason: o.Partial})
		}
	}
	return out
}

// offers are the follow-ups: a longer window always, what would confirm the
// causes, and all of the runbook's five where nothing fits; but none that would
// be as blind as the steps that it builds on were in this very run.
func offers(causes []playbook.Finding, steps []playbook.Outcome) []playbook.Offer {
	want := map[playbook.Offer]bool{playbook.Extend48h: true}
	for _, f := range causes {
		c, _ := FindCause(f.Cause)
		for _, o := range c.Confirm {
			want[o] = true
		}
	}
	blind := map[playbook.StepID]bool{} // what timed out or broke may go well the next time
	for _, o := range steps {
		blind[o.Step] = o.Status == playbook.Blind || o.Status == playbook.Denied
	}
	return pick(playbook.Offers(), func(o playbook.Offer) bool {
		sees := slices.ContainsFunc(buildsOn[o], func(s playbook.StepID) bool { return !blind[s] })
		return sees && (want[o] || len(causes) == 0)
	})
}

// buildsOn are the steps of which a follow-up needs at least one to have looked:
// it repeats them over a longer window, or goes into what they saw.
var buildsOn = map[playbook.Offer][]playbook.StepID{
	playbook.Extend48h:       {playbook.STSErrors, playbook.Sessions, playbook.AppErrors, playbook.TrustChanges},
	playbook.TokenRefresh:    {playbook.Sessions},
	playbook.MFADevices:      {playbook.RoleConfig, playbook.STSErrors, playbook.Sessions},
	playbook.SessionPolicies: {playbook.Sessions},
	playbook.ChainLimits:     {playbook.RoleConfig, playbook.STSErrors, playbook.Sessions},
}

// resolved completes the target with what step 1 found out.
func resolved(t playbook.Target, steps playbook.Outcomes) playbook.Target {
	role, _ := facts.Role.In(steps)
	if role.RoleARN != "" {
		t.RoleARN, t.Path = role.RoleARN, role.Path
	}
	if t.Account == "" {
		t.Account = role.Account
	}
	if t.Partition == "" {
		t.Partition = playbook.Partition(t.Region)
	}
	return t
}
