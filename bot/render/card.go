package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	shownCauses = 3 // beside the first one
	shownUnseen = 4
	summaryCell = 160
)

// Diagnosis is the card that the parent becomes: verdict; cause, fix and
// prevention; facts; evidence; buttons; feedback; where it comes from. It needs the
// report.
func Diagnosis(inv playbook.Investigation, plan playbook.Plan) Message {
	d := current(inv)
	return fit(maxWithButtons, func(room int) Message {
		m := Message{Text: diagnosisText(inv, plan), Blocks: []slack.Block{header(verdictTitle(d))}}
		add := func(b ...slack.Block) { m.Blocks = append(m.Blocks, b...) }
		add(superseded(inv)...)
		if words := judgedAgain(inv); words != "" {
			add(paragraph(sayBold("Judged again: "), say(words)))
		}
		switch d.Verdict {
		case playbook.CauseFound, playbook.SeveralCauses:
			add(causes(d.Causes, room)...)
		case playbook.NoCorrelation:
			add(nothingFits(inv, room)...)
		default:
			add(tooBlind(inv, plan, room)...)
		}
		add(known(inv))
		if len(d.NotChecked) > 0 && d.Verdict != playbook.InsufficientEvidence {
			add(unchecked(inv, plan, "Not checked", min(room, shownLine)))
		}
		if b := offers(inv); b != nil {
			add(b)
		}
		add(earlier(inv)...)
		add(tools(inv), feedback(inv), provenance(inv), checks(inv, plan, min(room, summaryCell)))
		return m
	})
}

// current is the diagnosis as it stands: the investigation's own, or what the
// checks after it that changed it made of it. Each of them judged the first
// diagnosis with its own findings, so what the earlier ones found is added to what
// the last one says. All stay in the trace.
func current(inv playbook.Investigation) playbook.Diagnosis {
	d := inv.Report.Diagnosis
	found := rejudged(inv)
	if len(found) == 0 {
		return d
	}
	d = found[len(found)-1].Now
	d.Causes = slices.Clone(d.Causes)
	has := func(all []playbook.Finding, f playbook.Finding) bool {
		return slices.ContainsFunc(all, func(o playbook.Finding) bool { return o.Cause == f.Cause })
	}
	for _, earlier := range found[:len(found)-1] {
		for _, f := range earlier.Now.Causes {
			if !has(earlier.Was.Causes, f) && !has(d.Causes, f) {
				d.Causes = append(d.Causes, f)
			}
		}
	}
	switch len(d.Causes) {
	case 0:
	case 1:
		d.Verdict = playbook.CauseFound
	default:
		d.Verdict = playbook.SeveralCauses
	}
	return d
}

// rejudgment is what one check after the diagnosis made of it.
type rejudgment struct {
	action string
	*facts.Rejudged
}

// rejudged are the checks after the diagnosis that changed it, as they were asked for.
func rejudged(inv playbook.Investigation) (out []rejudgment) {
	for _, p := range inv.Presses {
		if p.Outcome == nil {
			continue
		}
		if review, ok := facts.ReviewOf(*p.Outcome); ok && review.Rejudged != nil {
			out = append(out, rejudgment{p.Action, review.Rejudged})
		}
	}
	return out
}

// verdictTitle is the first thing people read.
func verdictTitle(d playbook.Diagnosis) string {
	title := wording.Conclusion(d)
	switch len(d.Causes) {
	case 0:
		return title
	case 1:
		return title + ": " + line(d.Causes[0].Headline, maxHeader)
	}
	return title + ". First: " + line(d.Causes[0].Headline, maxHeader)
}

// causes explains the first cause in full and names the others with their fix.
func causes(fs []playbook.Finding, room int) []slack.Block {
	if len(fs) == 0 {
		return nil
	}
	first, others := fs[0], fs[1:]
	out := []slack.Block{
		paragraph(sayBold("Cause"), say(" ("), say(first.Confidence.String()+" confidence, "), dataCode(string(first.Cause), 60), say("): "), data(first.Why, room)),
		paragraph(sayBold("Fix now: "), data(first.Fix, room)),
		paragraph(sayBold("Prevent: "), data(first.Prevent, room)),
	}
	if len(others) > 0 {
		var items [][]part
		for _, f := range others {
			items = append(items, []part{dataBold(f.Headline, min(room, 150)), say(" (" + f.Confidence.String() + " confidence, "), dataCode(string(f.Cause), 60), say("). Fix now: "), data(f.Fix, min(room, shownLine))})
		}
		out = append(out, bullets("Also found", items, shownCauses, "in the report"))
	}
	return out
}

// nothingFits never says "fine": it names what is known and what to ask next.
func nothingFits(inv playbook.Investigation, room int) []slack.Block {
	words := "The checks could look and their evidence fits no known cause. That is no proof that nothing is wrong"
	if offers(inv) != nil {
		words += ": the checks below look further, a longer window first"
	}
	out := []slack.Block{paragraph(sayBold("Nothing that was seen explains expiring credentials. "), say(words+"."))}
	if lead := lead(inv); lead != nil {
		out = append(out, paragraph(sayBold("Strongest lead: "), data(lead.Message, room)))
	}
	return out
}

// lead is a rule that fired though it led to no cause.
func lead(inv playbook.Investigation) *playbook.Judged {
	i := slices.IndexFunc(inv.Report.Rules, func(j playbook.Judged) bool { return j.Verdict == playbook.Supported })
	if i < 0 {
		return nil
	}
	return &inv.Report.Rules[i]
}

// tooBlind says what would open its eyes.
func tooBlind(inv playbook.Investigation, plan playbook.Plan, room int) []slack.Block {
	var out []slack.Block
	words := "What could be seen shows no cause, but too much could not be seen for that to mean anything."
	out = append(out, paragraph(sayBold("No verdict. "), say(words)))
	if lead := lead(inv); lead != nil {
		out = append(out, paragraph(sayBold("Strongest lead: "), data(lead.Message, room)))
	}
	if missing := missing(inv); len(missing) > 0 {
		parts := []part{sayBold("To open its eyes, allow: ")}
		for i, a := range missing {
			if i == shownItems {
				parts = append(parts, say(fmt.Sprintf(" and %d more", len(missing)-i)))
				break
			}
			if i > 0 {
				parts = append(parts, say(", "))
			}
			parts = append(parts, dataCode(a, 100))
		}
		out = append(out, paragraph(append(parts, say(". The bot's policy grants them: see "), sayCode("stsleuth policy"), say(". Then run it again."))...))
	}
	return append(out, unchecked(inv, plan, "What could not be seen", min(room, shownLine)))
}

func sayCode(words string) part { return styled(words, &slack.RichTextSectionTextStyle{Code: true}) }

// missing are the IAM actions that were refused, once each, in the plan's order.
func missing(inv playbook.Investigation) []string {
	var out []string
	for _, o := range inv.Report.Steps {
		for _, a := range o.Missing {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

func unchecked(inv playbook.Investigation, plan playbook.Plan, heading string, room int) slack.Block {
	var items [][]part
	most := shownUnseen
	if len(inv.Report.Diagnosis.Causes) == 0 {
		most = shownItems
	}
	for i, n := range inv.Report.Diagnosis.NotChecked {
		items = append(items, nil) // what is not shown is only counted
		if i >= most {
			continue
		}
		name := string(n.Step)
		if step, ok := plan.Step(n.Step); ok {
			name = step.Title
		}
		items[i] = []part{dataBold(name, 80), say(": "), data(n.Reason, room)}
	}
	return bullets(heading, items, most, "in the rule trace")
}

// known is the facts in two columns.
func known(inv playbook.Investigation) slack.Block {
	w := inv.Request.Window
	fields := []*slack.TextBlockObject{fact("Role", who(inv)), fact("Account", account(inv)), fact("Region", where(inv)),
		ours("*Window*\n" + wording.Window(w.Length()) + ", " + token(w.From) + " to " + token(w.To))}
	if t, ok := onset(inv); ok {
		fields = append(fields, ours("*Began*\n"+token(t)))
	}
	if c, ok := facts.Config.In(outcomes(inv)); ok && c.MaxSessionDuration > 0 {
		fields = append(fields, fact("Longest session allowed", wording.Seconds(c.MaxSessionDuration)))
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

// offers are the follow-ups that nobody has pressed yet.
func offers(inv playbook.Investigation) slack.Block {
	var buttons []slack.BlockElement
	if inv.SupersededBy != "" {
		return nil
	}
	for _, o := range inv.Report.Diagnosis.Offers {
		title := line(wording.Offer(o, inv.Request.Window.Length()), maxButtonText)
		if title == "" || pressed(inv, string(o)) || slices.ContainsFunc(buttons, func(b slack.BlockElement) bool {
			return b.(*slack.ButtonBlockElement).ActionID == followUpAction(o)
		}) {
			continue
		}
		b := button(followUpAction(o), inv.Request.ID, title, title+" for "+who(inv)+" in "+where(inv))
		if o == playbook.Extend48h {
			b.Confirm = estimate(inv, title)
		}
		buttons = append(buttons, b)
	}
	if len(buttons) == 0 {
		return nil
	}
	return actions(buttons...)
}

// estimate tells before a longer window is read what reading it costs.
func estimate(inv playbook.Investigation, title string) *slack.ConfirmationBlockObject {
	e, _ := facts.EstimateOf(*inv.Report)
	return slack.NewConfirmationBlockObject(plain(title+"?", maxConfirmTitle),
		plain(e.Words, maxConfirmText),
		plain("Read it", maxConfirmButton), plain("Not now", maxConfirmButton))
}

// pressed says whether somebody asked for this and it was not in vain.
func pressed(inv playbook.Investigation, action string) bool {
	return slices.ContainsFunc(inv.Presses, func(p playbook.Press) bool {
		return p.Action == action && p.State != playbook.Failed && p.State != playbook.Stopped
	})
}

func tools(inv playbook.Investigation) slack.Block {
	id, of := inv.Request.ID, " of "+who(inv)
	buttons := []slack.BlockElement{rerun(inv)}
	if inv.SupersededBy == "" && !pressed(inv, ActionLookAgain) {
		buttons = append(buttons, button(ActionLookAgain, id, "Look again in 15 minutes", "Run again in 15 minutes, when CloudTrail has caught up"))
	}
	return actions(append(buttons, button(ActionTrace, id, "Rule trace", "Show the rule trace"+of), button(ActionReport, id, "Report", "Post the report"+of+" as files"))...)
}

func feedback(inv playbook.Investigation) slack.Block {
	id := inv.Request.ID
	choice := func(words, suffix, label string) *slack.FeedbackButton {
		b := slack.NewFeedbackButton(plain(words, maxButtonText), cut(id, maxButtonValue-len(suffix))+suffix)
		b.AccessibilityLabel = label
		return b
	}
	return slack.NewContextActionsBlock("", slack.NewFeedbackButtonsBlockElement(ActionFeedback,
		choice("Right", FeedbackRight, "Mark this diagnosis as right"), choice("Wrong", FeedbackWrong, "Mark this diagnosis as wrong and say why")))
}

// provenance says who asked, what it cost and that nothing was changed.
func provenance(inv playbook.Investigation) slack.Block {
	cost := inv.Report.Cost()
	words := wording.Count(cost.APICalls, "AWS call", "AWS calls")
	if cost.BytesScanned > 0 {
		words += ", " + wording.Bytes(cost.BytesScanned) + " of logs scanned"
	}
	if took := inv.Ended.Sub(inv.Accepted); !inv.Accepted.IsZero() && took > 0 {
		words += ", took " + wording.Span(took)
	}
	b := context(asked(inv), plain(inv.Request.ID, 60), ours(words), ours("Reads only, nothing was changed"))
	for _, p := range inv.Presses {
		if len(b.ContextElements.Elements) == maxContext-1 {
			break
		}
		if title := pressTitleIn(inv, p.Action); title != "" {
			b.ContextElements.Elements = append(b.ContextElements.Elements, ours(title+": "+pressState(p)+", asked by "+mention(p.By.User)))
		}
	}
	return b
}

// judgedAgain says what was said before a longer window was read, or what a check
// after the diagnosis made of it; "" where the diagnosis is the only one.
func judgedAgain(inv playbook.Investigation) string {
	if inv.Report == nil {
		return ""
	}
	var parts []string
	if was := inv.Report.Was; was != nil {
		parts = append(parts, fmt.Sprintf("%s, with %s read in place of %s.", playbook.Verdicts(was.Diagnosis, inv.Report.Diagnosis), wording.Window(inv.Request.Window.Length()), wording.Window(was.Window.Length())))
	}
	for _, a := range rejudged(inv) {
		parts = append(parts, fmt.Sprintf("%s: %s.", pressTitle(a.action), a.Words))
	}
	return strings.Join(parts, " ")
}

// superseded points to the card that judges this again, whatever comes of it; nil
// where there is none.
func superseded(inv playbook.Investigation) []slack.Block {
	if inv.SupersededBy == "" {
		return nil
	}
	if l := link(inv.SupersededAt, "its card"); l != nil {
		return []slack.Block{paragraph(sayBold("Superseded. "), say("A newer investigation asks this again: "), l, say(" says what comes of it."))}
	}
	return []slack.Block{paragraph(sayBold("Superseded. "), say("A newer investigation asks this again; its card says what comes of it."))}
}

// diagnosisText says all that the card says that matters, for a screen reader.
func diagnosisText(inv playbook.Investigation, plan playbook.Plan) string {
	d := current(inv)
	s := []string{"Diagnosis for " + who(inv) + " in " + where(inv) + "."}
	if inv.SupersededBy != "" {
		s = append(s, "It was superseded by a newer one.")
	}
	if words := judgedAgain(inv); words != "" {
		s = append(s, "Judged again: "+words)
	}
	switch {
	case len(d.Causes) > 0:
		f := d.Causes[0]
		s = append(s, line(verdictTitle(d), maxHeader)+",", f.Confidence.String()+" confidence.", line(f.Why, 900), "Fix now: "+line(f.Fix, 600), "Prevent: "+line(f.Prevent, 600))
		for _, o := range d.Causes[1:min(len(d.Causes), 1+shownCauses)] {
			s = append(s, "Also found, "+o.Confidence.String()+" confidence: "+line(o.Headline, 150)+".")
		}
	default:
		s = append(s, verdictTitle(d)+".")
		if l := lead(inv); l != nil {
			s = append(s, "Strongest lead: "+line(l.Message, 600))
		}
	}
	t := tally(inv, plan)
	s = append(s, fmt.Sprintf("%d of %d checks done%s.", t.done, len(plan), t.words()))
	var blind []string
	for _, n := range d.NotChecked[:min(len(d.NotChecked), shownUnseen)] {
		blind = append(blind, line(n.Reason, 160))
	}
	if len(blind) > 0 {
		s = append(s, "Not checked: "+strings.Join(blind, " "))
	}
	return sentence(s...)
}
