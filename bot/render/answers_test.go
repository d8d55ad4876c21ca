package render_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

func TestAnswersNameTheCommandAsItIsCalledHere(t *testing.T) {
	const command = "/why-expired"
	for name, m := range map[string]render.Message{
		"help": render.Help(command), "a bad line": render.BadInput(command, &playbook.InputError{Problem: "That is no role."}),
		"gone": render.Gone(command), "nothing runs": render.Status(command, nil), "nothing asked": render.List(command, nil),
	} {
		raw, err := json.Marshal(m.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		if said := m.Text + string(raw); !strings.Contains(said, command+" payments-api") || strings.Contains(said, "/sts-expired") {
			t.Errorf("%s: %s", name, said)
		}
	}
}
