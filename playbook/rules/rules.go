// Package rules judges an investigation. It is pure: in go the request and the
// settled steps, out comes the Report, and the same steps give the same bytes.
//
// Judging has three moves. A sight (sight.go) decodes the facts once and turns
// CloudTrail failures and log lines into one list of failures, each tied to the
// session and the caller that it concerns. Each of the seven rules (one file
// each) takes a stand on what it reads and may name causes, saying which
// failures each cause explains. The conclusion (conclude.go) lets the most
// direct cause have a failure, drops what is left with nothing of its own to
// explain, and gives the verdict of the whole.
//
// A rule that could not see what it needs is undetermined, never refuted.
package rules

import "github.com/stsleuth/stsleuth/playbook"

// All is the runbook's diagnosis in its order.
func All() []playbook.Rule {
	return []playbook.Rule{onset, durationVsUsage, trustChange, scope, timing, crossAccountLimits, identityProvider}
}

// Judge lets every rule look at the steps that it reads, and concludes.
func Judge(req playbook.Request, steps playbook.Outcomes) playbook.Report {
	return Again(req, steps, nil)
}

// Again judges with what a follow-up check found beside the steps. What a rule
// and a check both found is one cause.
func Again(req playbook.Request, steps playbook.Outcomes, found []playbook.Finding) playbook.Report {
	report := playbook.Report{Request: req}
	report.Request.Target = resolved(req.Target, steps)
	candidates := found[:len(found):len(found)]
	for _, r := range All() {
		op := r.Eval(playbook.Case{Request: report.Request, Steps: steps.Only(r.Reads)})
		report.Rules = append(report.Rules, playbook.Judged{N: r.N, Rule: r.ID, Verdict: op.Verdict, Message: op.Message,
			Cites: stepsOf(op.Cites), Refs: firstRefs(op.Cites)})
		candidates = append(candidates, op.Causes...)
	}
	for _, o := range steps {
		report.Steps = append(report.Steps, o)
	}
	report = report.InOrder()
	report.Diagnosis = conclude(candidates, report.Request.Target.Role, report.Steps)
	look(playbook.Case{Request: report.Request, Steps: steps}).tellPast(report.Diagnosis.Causes)
	return report
}
