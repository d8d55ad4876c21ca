package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/playbook"
)

// heard notes what was decided about, and allows nothing.
type heard struct{ said []string }

func (h *heard) May(_ context.Context, ask access.Ask) access.Decision {
	h.said = append(h.said, ask.What)
	return access.Decision{Reason: "no"}
}

func (h *heard) Record(ask access.Ask, _ access.Decision) { h.said = append(h.said, ask.What) }

// However long a text is, its first 40,000 bytes are read, in no time.
func TestAHugeLineIsReadInPart(t *testing.T) {
	words := strings.Repeat("An error occurred (ExpiredToken) ", 1<<20)
	for name, ask := range map[string]func(*Desk, string) Reply{
		"a command":  func(d *Desk, text string) Reply { return d.Command(t.Context(), Source{}, text) },
		"a shortcut": func(d *Desk, text string) Reply { return d.Shortcut(t.Context(), Source{}, text) },
	} {
		gate := &heard{}
		d := &Desk{Gate: gate, Now: time.Now, Account: func(string) (string, error) { return "", nil }}
		begun := time.Now()
		for _, text := range []string{words + " arn:aws:iam::111122223333:role/behind eu-west-1", "arn:aws:iam::111122223333:role/before eu-west-1 " + words} {
			if r := ask(d, text); r.Answer != Words || r.Text != "no" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		for _, said := range gate.said {
			if len(said) > MaxLine+100 {
				t.Errorf("%s: %d bytes were looked at", name, len(said))
			}
		}
		if len(gate.said) != 2 || strings.Contains(gate.said[0], "role/behind") || !strings.Contains(gate.said[1], "role/before") {
			t.Errorf("%s: decided about %d texts, or not their beginnings", name, len(gate.said))
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// Slack shows an error beside an input only: one that names none is the role's.
func TestAFormsErrorIsAtAnInput(t *testing.T) {
	for slip, field := range map[*playbook.InputError]string{
		{What: "region", Problem: "No region was given."}: FieldRegion,
		{Problem: "That is too much."}:                    FieldRole,
	} {
		if r := wrong(slip); r.Answer != WrongFields || r.Fields[field] != slip.Problem || len(r.Fields) != 1 {
			t.Errorf("%v: %+v", slip, r)
		}
	}
}
