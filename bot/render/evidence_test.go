package render_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

// A command in a message can be run as it stands; one that is too long is in the
// file, whole.
func TestCommandsAreWholeOrInTheFile(t *testing.T) {
	step, _ := plan.Step(playbook.AppErrors)
	for _, n := range []int{100, 3000, 3600, 3601, 20_000} {
		command := "aws logs start-query --query-string '" + strings.Repeat("x", n-38) + "'"
		o := playbook.Outcome{Step: step.ID, N: step.N, Status: playbook.Found, Summary: "Read.", Proof: []playbook.Proof{{Action: "logs:StartQuery", CLI: command}}}
		m := render.Evidence(handmade()["accepted"], step, o)
		raw, err := json.Marshal(m.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		shown, filed := strings.Contains(string(raw), command), len(m.Files) == 1 && strings.Contains(string(m.Files[0].Bytes), command)
		if shown == filed || shown != (n <= 3600) || strings.Contains(string(raw), "xxx…") {
			t.Errorf("%d letters: in the message %v, in the file %v", n, shown, filed)
		}
	}
}
