package rules

import (
	"time"

	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// Occasion is one failure as the rules see it. A follow-up check that explains
// it names its key in the finding, and so takes it from a less direct cause.
type Occasion struct {
	Key     string
	At      time.Time
	Kind    facts.Kind
	Text    string // AWS's or the client's words
	Cite    playbook.Cite
	Caller  string    // ARN of who failed, "" where nothing shows it
	Since   time.Time // when the caller's own session began, zero where nothing shows it
	Session string    // name of the role's session that failed, "" where nothing shows it
}

// Occasions are the failures of the role that an investigation saw, oldest first.
func Occasions(req playbook.Request, steps playbook.Outcomes) []Occasion {
	req.Target = resolved(req.Target, steps)
	s := look(playbook.Case{Request: req, Steps: steps})
	var out []Occasion
	for _, f := range s.failures {
		o := Occasion{Key: f.occasion, At: f.at, Kind: f.kind, Text: f.text, Cite: f.cite}
		if o.Key == "" {
			o.Key = f.key
		}
		if f.event != nil {
			o.Caller, o.Since = f.event.Caller.ARN, f.event.Caller.Since
		} else if d, ok := trust.EnrichedDenial(f.text); ok {
			o.Caller = d.User
		}
		if f.session != nil {
			o.Session = f.session.Name
		}
		out = append(out, o)
	}
	return out
}
