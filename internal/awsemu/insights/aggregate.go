package insights

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// statsStep is the stats command: it puts records into groups and replaces
// them by one record a group.
type statsStep struct {
	keys []keyOf
	aggs []aggregate
}

// keyOf is one criterion after by, and where its value goes.
type keyOf struct {
	eval expr
	slot int
}

// aggregate is one call of an aggregate function, and where its result goes.
type aggregate struct {
	of      expr // nil: count(*)
	at      expr // @timestamp, for earliest and latest
	percent float64
	make    func(a aggregate) accumulator
	slot    int
}

// accumulator takes the records of one group.
type accumulator interface {
	add(r *record)
	result() value
}

// aggregates by lower-case name.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
var aggregates = map[string]func(aggregate) accumulator{
	"count":          func(a aggregate) accumulator { return &counter{of: a.of} },
	"count_distinct": func(a aggregate) accumulator { return &distinct{of: a.of, seen: map[string]struct{}{}} },
	"sum":            func(a aggregate) accumulator { return &moments{of: a.of, pick: (*moments).total} },
	"avg":            func(a aggregate) accumulator { return &moments{of: a.of, pick: (*moments).average} },
	"stddev":         func(a aggregate) accumulator { return &moments{of: a.of, pick: (*moments).deviation} },
	"min":            func(a aggregate) accumulator { return &extreme{of: a.of, by: a.of, want: -1} },
	"max":            func(a aggregate) accumulator { return &extreme{of: a.of, by: a.of, want: 1} },
	"sortsfirst":     func(a aggregate) accumulator { return &extreme{of: a.of, by: a.of, want: -1} },
	"sortslast":      func(a aggregate) accumulator { return &extreme{of: a.of, by: a.of, want: 1} },
	"earliest":       func(a aggregate) accumulator { return &extreme{of: a.of, by: a.at, want: -1} },
	"latest":         func(a aggregate) accumulator { return &extreme{of: a.of, by: a.at, want: 1} },
	"pct":            func(a aggregate) accumulator { return &percentile{of: a.of, percent: a.percent} },
}

// aggregate reads the stats command.
func (p *parser) aggregate() error {
	command := token{start: p.last - len("stats"), end: p.last}
	if p.stats++; p.stats > MaxStats {
		return p.lex.fail(command.start, command.end, "more than %d stats commands", MaxStats)
	}
	if p.stats > 1 && p.ordered {
		return p.lex.fail(command.start, command.end, "sort and limit must come after the second stats command")
	}
	s := &statsStep{}
	type item struct {
		name string
		node node
	}
	var keys, items []item
	taken := map[string]bool{}
	read := func() (item, error) {
		start := p.tok.start
		n, err := p.expression()
		if err == nil && n.structured {
			err = p.lex.fail(start, p.last, "stats does not take a map or list")
		}
		if err != nil {
			return item{}, err
		}
		name, err := p.columnName(n, start)
		if err == nil && taken[name] {
			err = p.lex.fail(start, p.last, "two columns are named %s", name)
		}
		taken[name] = true
		return item{name, n}, err
	}
	for {
		start, before := p.tok.start, len(s.aggs)
		p.group, p.bare = s, nil
		it, err := read()
		p.group = nil
		switch {
		case err != nil:
			return err
		case p.bare != nil:
			return p.lex.fail(p.bare.start, p.bare.end, "field %s is outside of an aggregate function", p.bare.text)
		case len(s.aggs) == before:
			return p.lex.fail(start, p.last, "stats without an aggregate function")
		}
		items = append(items, it)
		if !p.tok.is(",") {
			break
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	for p.tok.keyword("by") || len(keys) > 0 && p.tok.is(",") {
		if p.tok.keyword("by") && len(keys) > 0 {
			return p.unexpected("a comma")
		}
		if err := p.advance(); err != nil {
			return err
		}
		it, err := read()
		if err != nil {
			return err
		}
		keys = append(keys, it)
	}

	// From here on only the columns of this command exist.
	p.scope, p.aggregated, p.display = map[string]node{}, true, false
	p.q.columns, p.q.aggregated = nil, true
	for _, key := range keys {
		slot := p.slot()
		s.keys = append(s.keys, keyOf{key.node.eval, slot})
		p.scope[key.name] = node{eval: func(r *record) value { return r.slots[slot] }}
		p.q.columns = append(p.q.columns, column{key.name, p.scope[key.name].eval})
	}
	for _, it := range items {
		p.q.columns = append(p.q.columns, column{it.name, p.bind(it.name, it.node).eval})
	}
	p.q.steps = append(p.q.steps, s)
	return nil
}

// aggregateCall reads the call of an aggregate function; the current token is
// the opening parenthesis.
func (p *parser) aggregateCall(name string, tok token) (node, error) {
	if p.group == nil || p.inAggregate {
		return node{}, p.lex.fail(tok.start, tok.end, "%s is for the stats command, and not inside another aggregate", tok.text)
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	a := aggregate{make: aggregates[name]}
	p.inAggregate = true
	defer func() { p.inAggregate = false }()
	switch {
	case name == "count" && p.tok.is(")"):
	case name == "count" && p.tok.is("*"):
		if err := p.advance(); err != nil {
			return node{}, err
		}
	default:
		of, err := p.expression()
		if err != nil {
			return node{}, err
		}
		a.of = of.eval
	}
	if name == "earliest" || name == "latest" {
		at, err := p.lookup(systemToken("@timestamp", tok))
		if err != nil {
			return node{}, err
		}
		a.at = at.eval
	}
	if name == "pct" {
		if err := p.expect(","); err != nil {
			return node{}, err
		}
		percent, ok := parseNumber(p.tok.text)
		if p.tok.kind != tokNumber || !ok || percent > 100 {
			return node{}, p.unexpected("a percentage")
		}
		a.percent = percent
		if err := p.advance(); err != nil {
			return node{}, err
		}
	}
	a.slot = p.slot()
	p.group.aggs = append(p.group.aggs, a)
	return node{eval: func(r *record) value { return r.slots[a.slot] }}, p.expect(")")
}

// groups holds the groups of one stats command, in the order of their first
// record.
type groups struct {
	step  *statsStep
	slots int
	byKey map[string]*group
	all   []*group
	key   []byte
}

type group struct {
	record *record
	accs   []accumulator
}

func (g *groups) add(r *record) {
	g.key = g.key[:0]
	for _, k := range g.step.keys {
		v := k.eval(r)
		if v.isMissing() {
			g.key = append(g.key, '-')
			continue
		}
		s := v.string()
		g.key = strconv.AppendInt(g.key, int64(len(s)), 10)
		g.key = append(append(g.key, ':'), s...)
	}
	to := g.byKey[string(g.key)]
	if to == nil {
		to = &group{record: &record{group: true, slots: make([]value, g.slots)}}
		for _, k := range g.step.keys {
			to.record.slots[k.slot] = k.eval(r)
		}
		for _, a := range g.step.aggs {
			to.accs = append(to.accs, a.make(a))
		}
		g.byKey[string(g.key)] = to
		g.all = append(g.all, to)
	}
	for _, acc := range to.accs {
		acc.add(r)
	}
}

func (g *groups) records() []*record {
	records := make([]*record, len(g.all))
	for i, gr := range g.all {
		for j, acc := range gr.accs {
			gr.record.slots[g.step.aggs[j].slot] = acc.result()
		}
		records[i] = gr.record
	}
	return records
}

type counter struct {
	of expr
	n  float64
}

func (c *counter) add(r *record) {
	if c.of == nil || !c.of(r).isMissing() {
		c.n++
	}
}
func (c *counter) result() value { return numberOf(c.n) }

type distinct struct {
	of   expr
	seen map[string]struct{}
}

func (d *distinct) add(r *record) {
	if v := d.of(r); !v.isMissing() {
		d.seen[strings.Clone(v.string())] = struct{}{}
	}
}
func (d *distinct) result() value { return numberOf(float64(len(d.seen))) }

// moments is count, sum and spread of the numbers; other values do not count.
type moments struct {
	of              expr
	pick            func(*moments) float64
	n, sum, mean, m float64
}

func (m *moments) add(r *record) {
	x, ok := m.of(r).number()
	if !ok {
		return
	}
	m.n++
	m.sum += x
	delta := x - m.mean
	m.mean += delta / m.n
	m.m += delta * (x - m.mean)
}

func (m *moments) total() float64     { return m.sum }
func (m *moments) average() float64   { return m.sum / m.n }
func (m *moments) deviation() float64 { return math.Sqrt(m.m / m.n) }

func (m *moments) result() value {
	if m.n == 0 {
		return none
	}
	return numberOf(m.pick(m))
}

// extreme keeps the value of the record that comes first (want -1) or last
// (want 1) in the order of the sort command; of equals, the first seen.
type extreme struct {
	of, by     expr
	want       int
	best, rank value
}

func (e *extreme) add(r *record) {
	v, rank := e.of(r), e.by(r)
	if v.isMissing() || rank.isMissing() {
		return
	}
	if e.rank.isMissing() || compareSorted(rank, e.rank)*e.want > 0 {
		e.best, e.rank = v, rank
	}
}
func (e *extreme) result() value {
	if e.best.kind == unset {
		return none
	}
	return e.best
}

// percentile is exact, by nearest rank; AWS approximates.
type percentile struct {
	of      expr
	percent float64
	values  []float64
}

func (p *percentile) add(r *record) {
	if x, ok := p.of(r).number(); ok {
		p.values = append(p.values, x)
	}
}

func (p *percentile) result() value {
	if len(p.values) == 0 {
		return none
	}
	slices.Sort(p.values)
	rank := int(math.Ceil(p.percent / 100 * float64(len(p.values))))
	return numberOf(p.values[min(max(rank, 1), len(p.values))-1])
}
