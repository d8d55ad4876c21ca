package render

import (
	"time"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// statusWords says how a step ended, in words rather than in colours.
func statusWords(s playbook.Status) string { return wording.Capital(wording.Status(s)) }

func verdictWords(v playbook.Verdict) string { return wording.Capital(wording.Verdict(v)) }

// at is a moment in a table whose head says UTC; seconds matter there.
func at(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("01-02 15:04:05")
}

// who is the role in question as people call it.
func who(inv playbook.Investigation) string {
	if r := inv.Request.Target.Role; r != "" {
		return line(r, 64)
	}
	return line(inv.Request.Target.Asked, 64)
}

func where(inv playbook.Investigation) string { return line(inv.Request.Target.Region, 20) }
