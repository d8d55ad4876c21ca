package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Parent is the message in the channel, in whatever state the investigation is:
// the plan while it runs, the diagnosis card when it has a report, else why there is
// none.
func Parent(inv playbook.Investigation, plan playbook.Plan) Message {
	switch {
	case inv.Report != nil && inv.State == playbook.Finished:
		return Diagnosis(inv, plan)
	case inv.State == playbook.Stopped, inv.State == playbook.Failed, inv.State == playbook.Finished:
		return unfinished(inv, plan)
	}
	return running(inv, plan)
}

// taskOutput is how much of a step's summary stands in the plan.
const taskOutput = 140

func running(inv playbook.Investigation, plan playbook.Plan) Message {
	t := tally(inv, plan)
	return fit(maxWithButtons, func(room int) Message {
		p := slack.NewPlanBlock(line(fmt.Sprintf("Why do credentials of %s expire in %s? %d of %d checks done", who(inv), where(inv), t.done, len(plan)), maxHeader))
		for _, step := range plan {
			p.Tasks = append(p.Tasks, *task(inv, step, min(room, taskOutput)))
		}
		return Message{
			Text: sentence(fmt.Sprintf("Checking why credentials of %s expire in %s: %d of %d checks done%s.", who(inv), where(inv), t.done, len(plan), t.words()),
				"The evidence of each check is in the thread."),
			Blocks: append(append([]slack.Block{p, about(inv)}, earlier(inv)...),
				context(asked(inv), ours("Evidence is in the thread · Reads only, changes nothing")),
				actions(button(ActionStop, inv.Request.ID, "Stop", "Stop the investigation of "+who(inv)))),
		}
	})
}

// task shows a step in the plan. Slack's mark is beside the words, never instead.
func task(inv playbook.Investigation, step playbook.Step, room int) *slack.TaskCardBlock {
	card := slack.NewTaskCardBlock(line(string(step.ID), 60), line(step.Title, 120))
	o, settled := outcome(inv, step.ID)
	card.Status = slack.TaskCardStatusPending
	switch {
	case settled && o.Status.Saw():
		card.Status = slack.TaskCardStatusComplete
	case settled:
		card.Status = slack.TaskCardStatusError
	case started(inv, step.ID):
		card.Status = slack.TaskCardStatusInProgress
	}
	if settled {
		words := statusWords(o.Status)
		if o.Partial != "" {
			words += " in part"
		}
		card.Title += ": " + words // the output is folded away at first
		card.Output = paragraph(data(o.Summary, room))
	}
	return card
}

func started(inv playbook.Investigation, id playbook.StepID) bool {
	for _, s := range inv.Started {
		if s == id {
			return !inv.State.Ended()
		}
	}
	return false
}

// about is the question: role, account, region, window.
func about(inv playbook.Investigation) *slack.ContextBlock {
	w := inv.Request.Window
	return context(plain("Role: "+who(inv), 120), plain("Account: "+account(inv), 120), plain("Region: "+where(inv), 60),
		ours("Window: "+wording.Window(w.Length())+", "+token(w.From)+" to "+token(w.To)))
}

// account is the account's id and, where it has one, its alias.
func account(inv playbook.Investigation) string {
	role, _ := facts.Role.In(outcomes(inv))
	id := inv.Request.Target.Account
	if inv.Report != nil && id == "" {
		id = inv.Report.Request.Target.Account
	}
	if id == "" {
		id = role.Account
	}
	switch {
	case id == "":
		return "not known yet"
	case role.AccountAlias != "" && id == role.Account:
		return id + " (" + role.AccountAlias + ")"
	}
	return id
}

// tallied counts how the steps of an investigation went.
type tallied struct{ done, found, blind int }

func tally(inv playbook.Investigation, plan playbook.Plan) (t tallied) {
	for _, step := range plan {
		o, settled := outcome(inv, step.ID)
		switch {
		case !settled:
			continue
		case o.Status == playbook.Found:
			t.found++
		case !o.Status.Saw():
			t.blind++
		}
		t.done++
	}
	return t
}

func (t tallied) words() string {
	if t.done == 0 {
		return ""
	}
	s := fmt.Sprintf(", %d found something", t.found)
	if t.blind > 0 {
		s += fmt.Sprintf(", %d could not look", t.blind)
	}
	return s
}

// unfinished is the parent of an investigation that was stopped or failed.
func unfinished(inv playbook.Investigation, plan playbook.Plan) Message {
	title, words := "Stopped: "+who(inv)+" in "+where(inv)+" was not fully looked into", "Stopped on request before all checks were done; there is no diagnosis."
	if inv.State != playbook.Stopped {
		title, words = "Not carried out: "+who(inv)+" in "+where(inv)+" could not be looked into", line(inv.Problem, shownLine)
		if words == "" {
			words = "Internal error; the log has the cause under " + inv.Request.ID + "."
		}
	}
	t := tally(inv, plan)
	return fit(maxWithButtons, func(room int) Message {
		m := Message{
			Text:   sentence(title+".", words, fmt.Sprintf("%d of %d checks done%s; what was seen is in the thread.", t.done, len(plan), t.words())),
			Blocks: []slack.Block{header(title), paragraph(data(words, room))},
		}
		ended := context(asked(inv))
		if inv.State == playbook.Stopped {
			ended.ContextElements.Elements = append(ended.ContextElements.Elements, ours("Stopped by "+mention(inv.StoppedBy.User)))
		}
		m.Blocks = append(m.Blocks, superseded(inv)...)
		m.Blocks = append(append(m.Blocks, about(inv)), earlier(inv)...)
		m.Blocks = append(m.Blocks, ended, actions(rerun(inv)), checks(inv, plan, min(room, shownCell)))
		return m
	})
}

func rerun(inv playbook.Investigation) slack.BlockElement {
	b := button(ActionRerun, inv.Request.ID, "Run again", "Look into "+who(inv)+" in "+where(inv)+" again, up to now")
	b.Style = slack.StylePrimary
	return b
}

// checks is the evidence of all steps in a table.
func checks(inv playbook.Investigation, plan playbook.Plan, cell int) *slack.TableBlock {
	var rows [][]string
	for _, step := range plan {
		o, settled := outcome(inv, step.ID)
		words := "Not done"
		if settled {
			words = statusWords(o.Status)
			if o.Partial != "" {
				words += " in part"
			}
		}
		rows = append(rows, []string{fmt.Sprintf("%d %s", step.N, step.Title), words, o.Summary})
	}
	return table([]string{"Check", "Result", "What was seen"}, rows, cell)
}
