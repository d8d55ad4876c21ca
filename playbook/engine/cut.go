package engine

import (
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

// cut takes secrets out of an outcome before anybody sees it: the rules, the
// journal, whoever watches. Steps cut what they shorten; this is for everything
// else, so that no field of any step can be forgotten.
func cut(o playbook.Outcome) playbook.Outcome {
	texts := []*string{&o.Partial, &o.Summary}
	for i := range o.Proof {
		p := &o.Proof[i]
		texts = append(texts, &p.Action, &p.Region, &p.CLI, &p.Console, &p.Query, &p.LogGroup, &p.Result)
	}
	for _, list := range [][]string{o.Unseen, o.Missing, o.Corrections} {
		for i := range list {
			texts = append(texts, &list[i])
		}
	}
	for _, text := range texts {
		*text = redact.String(*text)
	}
	if len(o.Facts) > 0 {
		o.Facts = redact.JSON(o.Facts)
	}
	return o
}
