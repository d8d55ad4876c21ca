package render_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
	"github.com/stsleuth/stsleuth/playbook/rules"
)

// filler fills any value of the vocabulary: each string from text, each list with
// rows items, each number and time at random.
type filler struct {
	rnd  *rand.Rand
	text func() string
	rows int
}

var factsOf = map[playbook.StepID]any{
	playbook.RoleAndHealth: facts.RoleAndHealth{}, playbook.STSErrors: facts.STSErrors{}, playbook.RoleConfig: facts.RoleConfig{},
	playbook.STSMetrics: facts.STSMetrics{}, playbook.Sessions: facts.SessionLedger{}, playbook.AppErrors: facts.AppErrors{},
	playbook.CrossAccount: facts.CrossAccount{}, playbook.TrustChanges: facts.TrustChanges{}, playbook.Federation: facts.Federation{},
}

// enums are how many values a named number has.
var enums = map[reflect.Type]int{
	reflect.TypeFor[playbook.Truth](): 3, reflect.TypeFor[playbook.Status](): 7, reflect.TypeFor[playbook.Verdict](): 3,
	reflect.TypeFor[playbook.Confidence](): 3, reflect.TypeFor[playbook.Conclusion](): 4, reflect.TypeFor[playbook.State](): 6,
}

func (f filler) fill(v reflect.Value, depth int) {
	if n, ok := enums[v.Type()]; ok {
		v.SetInt(int64(f.rnd.IntN(n)))
		return
	}
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = asked.Add(-time.Duration(f.rnd.Int64N(int64(30 * time.Hour)))).Truncate(time.Second)
		if f.rnd.IntN(8) == 0 {
			*at = time.Time{}
		}
		return
	case *json.RawMessage:
		*at = json.RawMessage("{}")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.rnd.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(f.rnd.Int64N(1 << [3]int{4, 20, 45}[f.rnd.IntN(3)]))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), depth)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth)
	case reflect.Slice:
		n := f.rows
		if depth > 0 {
			n = min(n, 12)
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range min(f.rows, 12) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(k, depth+1)
			f.fill(e, depth+1)
			v.SetMapIndex(k, e)
		}
	default:
		panic(fmt.Sprintf("no way to fill a %s", v.Type()))
	}
}

func filled[T any](f filler) T {
	var v T
	f.fill(reflect.ValueOf(&v).Elem(), 0)
	return v
}

// investigation fills everything that an investigation can hold, facts included.
func (f filler) investigation(state playbook.State) playbook.Investigation {
	many := f.rows
	f.rows = min(many, 15) // lists beside the facts
	inv := filled[playbook.Investigation](f)
	inv.State, inv.Started, inv.Steps, inv.Report = state, nil, playbook.Outcomes{}, nil
	inv.Request.ID, inv.Request.At = "inv_2f6q7x3kd5m4a", asked // the id is ours
	inv.Request.Window = playbook.Window{From: asked.Add(-time.Duration(1+f.rnd.IntN(168)) * time.Hour), To: asked}
	inv.Presses = inv.Presses[:min(len(inv.Presses), 4)]
	for i := range inv.Presses {
		actions := []string{string(playbook.Extend48h), string(playbook.MFADevices), render.ActionRerun, render.ActionLookAgain, render.ActionReport, f.text()}
		inv.Presses[i].Action = actions[f.rnd.IntN(len(actions))]
		inv.Presses[i].ID = fmt.Sprint(i)
	}
	var settled []playbook.Outcome
	for _, step := range plan {
		inv.Started = append(inv.Started, step.ID)
		if !state.Ended() && f.rnd.IntN(3) == 0 {
			continue
		}
		o := filled[playbook.Outcome](f)
		o.Step, o.N = step.ID, step.N
		v := reflect.New(reflect.TypeOf(factsOf[step.ID]))
		deep := f
		deep.rows = many
		deep.fill(v.Elem(), 0)
		raw, err := json.Marshal(v.Interface())
		if err != nil {
			panic(err)
		}
		o.Facts = raw
		inv.Steps[step.ID] = o
		settled = append(settled, o)
	}
	if state == playbook.Finished {
		d := filled[playbook.Diagnosis](f)
		d.Causes = nil
		for _, c := range rules.Causes()[:f.rnd.IntN(len(rules.Causes())+1)] { // up to every cause at once
			finding := filled[playbook.Finding](f)
			finding.Cause = c.ID
			d.Causes = append(d.Causes, finding)
		}
		if d.Verdict == playbook.CauseFound && len(d.Causes) == 0 {
			d.Verdict = playbook.NoCorrelation
		}
		d.Offers = append(d.Offers, playbook.Offers()...)
		r := playbook.Report{Request: inv.Request, Steps: settled, Diagnosis: d}
		for _, rule := range rules.All() {
			j := filled[playbook.Judged](f)
			j.Rule, j.N = rule.ID, rule.N
			if rule.ID == playbook.Onset && f.rnd.IntN(2) == 0 {
				j.Verdict, j.Message = playbook.Supported, "The rate of failures left its baseline at 2026-11-03 07:00:00 UTC. "+j.Message
			}
			r.Rules = append(r.Rules, j)
		}
		inv.Report = &r
	}
	return inv
}
