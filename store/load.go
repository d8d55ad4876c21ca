package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// Load reads the whole record of an investigation. One that is not there gives
// ErrUnknown.
func (s *Store) Load(ctx context.Context, id string) (playbook.Investigation, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	what := "load investigation " + id
	fields, err := s.rdb.HGetAll(ctx, recordKey(id)).Result()
	if err != nil {
		return playbook.Investigation{}, wrap(ctx, what, err)
	}
	inv, err := decode(fields)
	if err != nil {
		return playbook.Investigation{}, fmt.Errorf("%s: %w", what, err)
	}
	return inv, nil
}

// decode builds an investigation from its record's fields, or from some of them.
func decode(fields map[string]string) (inv playbook.Investigation, err error) {
	if fields["head"] == "" || fields["state"] == "" {
		return inv, ErrUnknown
	}
	read := func(text string, into any) {
		if err == nil && text != "" {
			err = unpack([]byte(text), into)
		}
	}
	read(fields["head"], &inv)
	if e := inv.State.UnmarshalText([]byte(fields["state"])); err == nil {
		err = e
	}
	inv.Accepted, inv.Ended = moment(fields["accepted"]), moment(fields["ended"])
	inv.Problem, inv.SupersededBy, inv.SupersededAt = fields["problem"], fields["superseded_by"], fields["superseded_at"]
	read(fields["stopped_by"], &inv.StoppedBy)

	starts := map[playbook.StepID]int{}
	for field, value := range fields {
		kind, name, _ := strings.Cut(field, ":")
		switch kind {
		case "start":
			inv.Started = append(inv.Started, playbook.StepID(name))
			starts[playbook.StepID(name)], _ = strconv.Atoi(value)
		case "step":
			var o playbook.Outcome
			read(value, &o)
			if inv.Steps == nil {
				inv.Steps = playbook.Outcomes{}
			}
			inv.Steps[playbook.StepID(name)] = o
		case "posted":
			var p playbook.Posted
			read(value, &p)
			if p.TS != "" { // else there was nothing to post
				inv.Posted = append(inv.Posted, p)
			}
		case "feedback":
			var f playbook.Feedback
			read(value, &f)
			inv.Feedback = append(inv.Feedback, f)
		case "press":
			p, e := pressOf(fields, name)
			if err == nil {
				err = e
			}
			inv.Presses = append(inv.Presses, p)
		}
	}
	slices.SortFunc(inv.Started, func(a, b playbook.StepID) int { return starts[a] - starts[b] })
	slices.SortFunc(inv.Posted, func(a, b playbook.Posted) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Message, b.Message))
	})
	slices.SortFunc(inv.Feedback, func(a, b playbook.Feedback) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.By.User, b.By.User))
	})
	slices.SortFunc(inv.Presses, func(a, b playbook.Press) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	if text := fields["report"]; text != "" {
		var v verdict
		read(text, &v)
		inv.Report = &playbook.Report{Request: v.Request, Rules: v.Rules, Diagnosis: v.Diagnosis, Was: v.Was}
		for _, o := range inv.Steps {
			inv.Report.Steps = append(inv.Report.Steps, o)
		}
		slices.SortFunc(inv.Report.Steps, func(a, b playbook.Outcome) int { return a.N - b.N })
	}
	return inv, err
}

// pressOf puts a press together from its fields.
func pressOf(fields map[string]string, id string) (p playbook.Press, err error) {
	if fields["press:"+id] == "" {
		return p, ErrUnknown
	}
	if err := json.Unmarshal([]byte(fields["press:"+id]), &p); err != nil {
		return p, err
	}
	if text := fields["press-end:"+id]; text != "" {
		var end playbook.Press
		if err := unpack([]byte(text), &end); err != nil {
			return p, err
		}
		p.Outcome, p.Led = end.Outcome, end.Led
	}
	p.At, p.Due = moment(fields["press-at:"+id]), moment(fields["press-due:"+id])
	return p, p.State.UnmarshalText([]byte(fields["state:"+id]))
}

// moment reads milliseconds; "" is the zero time.
func moment(ms string) time.Time {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
