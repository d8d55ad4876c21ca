package render_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

// The largest evidence there is: as many sessions as a step keeps.
func BenchmarkLargestEvidence(b *testing.B) {
	n := 0
	f := filler{rnd: rand.New(rand.NewPCG(3, 3)), text: func() string {
		n++
		return fmt.Sprintf("arn:aws:sts::111122223333:assumed-role/payments-api/i-%d", n%4000)
	}, rows: 1000}
	inv := f.investigation(playbook.Finished)
	step, _ := plan.Step(playbook.Sessions)
	for b.Loop() {
		render.Evidence(inv, step, inv.Steps[playbook.Sessions])
	}
}

func BenchmarkCard(b *testing.B) {
	f := filler{rnd: rand.New(rand.NewPCG(3, 3)), text: func() string { return "arn:aws:sts::111122223333:assumed-role/payments-api/i-0ab1c2d3e4f5" }, rows: 40}
	inv := f.investigation(playbook.Finished)
	for b.Loop() {
		render.Parent(inv, plan)
	}
}
