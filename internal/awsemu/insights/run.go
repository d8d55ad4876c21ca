package insights

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// step is one command that does something at run time: filterStep, parseStep,
// *statsStep, sortStep, limitStep or dedupStep.
type step any

type filterStep struct{ cond node }

type sortStep []sortKey

type sortKey struct {
	eval expr
	desc bool
}

type limitStep struct {
	n        int
	anyOrder bool
}

type dedupStep []expr

// record is an event, or a group of a stats command, on its way through the
// pipeline.
type record struct {
	event   Event
	text    *string // of the event, once it has been read
	group   bool    // no event: a group of a stats command
	slots   []value
	json    *discovery
	decoded bool // the discovered fields are in their slots
}

// message is the text of the event.
func (r *record) message() string {
	if r.text == nil {
		text := r.event.Text()
		r.text = &text
	}
	return *r.text
}

// field is a field of the JSON message, which is decoded when the first is
// asked for.
func (r *record) field(slot int) value {
	if !r.decoded {
		r.json.fill(r.message(), r.slots)
		r.decoded = true
	}
	return r.slots[slot]
}

var systemFields = map[string]expr{
	"@timestamp":     func(r *record) value { return timeOf(r.event.Timestamp) },
	"@ingestionTime": func(r *record) value { return timeOf(r.event.Ingestion) },
	"@message":       func(r *record) value { return textOf(r.message()) },
	"@logStream":     func(r *record) value { return textOf(r.event.LogStream) },
	"@log":           func(r *record) value { return textOf(r.event.Log) },
	"@ptr":           func(r *record) value { return textOf(r.event.Ptr()) },
}

// checkEvery is how many events pass between two looks at the context.
const checkEvery = 1024

// Run answers the query over events. limit is StartQuery's, or 0; without it
// and without a limit command there are at most DefaultLimit rows. Filters and
// parse commands at the head of the query see one event at a time; only what
// passes them is kept, and with stats only the groups are.
func (q *Query) Run(ctx context.Context, events iter.Seq[Event], limit int) ([]Row, Stats, error) {
	var stats Stats
	head := slices.IndexFunc(q.steps, func(s step) bool {
		switch s.(type) {
		case filterStep, parseStep:
			return false
		}
		return true
	})
	if head < 0 {
		head = len(q.steps)
	}
	rest := q.steps[head:]
	take := 0
	var grouped *groups
	if len(rest) > 0 {
		switch s := rest[0].(type) {
		case *statsStep:
			grouped = q.groups(s)
			rest = rest[1:]
		case limitStep:
			if s.anyOrder {
				take, rest = s.n, rest[1:]
			}
		}
	}

	json := &discovery{wanted: q.discovered}
	var kept []*record
	spare := &record{slots: make([]value, q.slots)}
	for event := range events {
		if int(stats.RecordsScanned)%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return nil, stats, fmt.Errorf("run query: %w", context.Cause(ctx))
			}
		}
		stats.RecordsScanned++
		stats.BytesScanned += float64(event.Size())
		clear(spare.slots)
		spare.event, spare.text, spare.json, spare.decoded = event, nil, json, false
		if !spare.pass(q.steps[:head]) {
			continue
		}
		stats.RecordsMatched++
		if grouped != nil {
			grouped.add(spare)
			continue
		}
		kept = append(kept, spare)
		spare = &record{slots: make([]value, q.slots)}
		if take > 0 && len(kept) == take {
			break
		}
	}
	if grouped != nil {
		kept = grouped.records()
	} else if take == 0 {
		// Newest first unless the query says otherwise.
		slices.SortStableFunc(kept, func(a, b *record) int { return b.event.Timestamp.Compare(a.event.Timestamp) })
	}

	perEvent := grouped == nil
	for _, s := range rest {
		if err := ctx.Err(); err != nil {
			return nil, stats, fmt.Errorf("run query: %w", context.Cause(ctx))
		}
		switch s := s.(type) {
		case filterStep, parseStep:
			before := len(kept)
			kept = slices.DeleteFunc(kept, func(r *record) bool { return !r.pass([]step{s}) })
			if perEvent {
				stats.RecordsMatched -= float64(before - len(kept))
			}
		case *statsStep:
			g := q.groups(s)
			for _, r := range kept {
				g.add(r)
			}
			kept, perEvent = g.records(), false
		case sortStep:
			s.run(kept)
		case limitStep:
			kept = kept[:min(s.n, len(kept))]
		case dedupStep:
			kept = s.run(kept)
		}
	}

	if limit <= 0 && !q.limited {
		limit = DefaultLimit
	}
	if limit > 0 {
		kept = kept[:min(limit, len(kept))]
	}
	rows := make([]Row, len(kept))
	for i, r := range kept {
		rows[i] = q.row(r)
	}
	return rows, stats, nil
}

func (q *Query) groups(s *statsStep) *groups {
	return &groups{step: s, slots: q.slots, byKey: map[string]*group{}}
}

// pass runs filters and parse commands on one record.
func (r *record) pass(steps []step) bool {
	for _, s := range steps {
		switch s := s.(type) {
		case filterStep:
			if !r.group && !r.decoded && s.cond.maybe != nil && !s.cond.maybe(r) {
				return false
			}
			if !s.cond.eval(r).truth() {
				return false
			}
		case parseStep:
			s.run(r)
		}
	}
	return true
}

// run sorts; a missing value comes last in either direction.
func (s sortStep) run(records []*record) {
	type ranked struct {
		record *record
		keys   []value
	}
	all := make([]ranked, len(records))
	for i, r := range records {
		all[i] = ranked{r, make([]value, len(s))}
		for j, key := range s {
			all[i].keys[j] = key.eval(r)
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		for j, key := range s {
			x, y := a.keys[j], b.keys[j]
			switch {
			case x.isMissing() && y.isMissing():
				continue
			case x.isMissing():
				return 1
			case y.isMissing():
				return -1
			}
			c := compareSorted(x, y)
			if key.desc {
				c = -c
			}
			if c != 0 {
				return cmp.Compare(c, 0)
			}
		}
		return 0
	})
	for i := range all {
		records[i] = all[i].record
	}
}

// run keeps the first of the records with the same values; records that lack
// one of the fields are all kept.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
func (s dedupStep) run(records []*record) []*record {
	seen := map[string]bool{}
	return slices.DeleteFunc(records, func(r *record) bool {
		var key []byte
		for _, eval := range s {
			v := eval(r)
			if v.isMissing() {
				return false
			}
			key = append(append(strconv.AppendInt(key, int64(len(v.string())), 10), ':'), v.string()...)
		}
		if seen[string(key)] {
			return true
		}
		seen[string(key)] = true
		return false
	})
}

// defaultColumns are the fields of a query that names none.
var defaultColumns = []column{
	{"@timestamp", systemFields["@timestamp"]},
	{"@message", systemFields["@message"]},
}

func (q *Query) row(r *record) Row {
	columns := q.columns
	if columns == nil {
		columns = defaultColumns
	}
	row := make(Row, 0, len(columns)+1)
	for _, c := range columns {
		if c.name == "@ptr" && !q.aggregated {
			continue // it comes last, asked for or not
		}
		if v := c.eval(r); !v.isMissing() {
			row = append(row, Field{c.name, v.string()})
		}
	}
	if !q.aggregated {
		row = append(row, Field{"@ptr", r.event.Ptr()})
	}
	return row
}
