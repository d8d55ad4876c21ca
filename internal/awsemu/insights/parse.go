package insights

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Query is a compiled query. It is safe for concurrent use.
type Query struct {
	steps      []step
	columns    []column // nil: @timestamp and @message
	aggregated bool     // rows are groups and have no @ptr
	limited    bool     // a limit command is there
	slots      int      // values that one record holds
	discovered map[string]int
}

// column is one field of the rows that come out.
type column struct {
	name string
	eval expr
}

// Parse compiles a query. The error is a *CompileError. How long a query may
// be (10,000 characters) is for the caller to check.
func Parse(query string) (*Query, error) {
	p := &parser{
		lex:   lexer{src: query},
		q:     &Query{discovered: map[string]int{}},
		scope: map[string]node{},
	}
	err := p.advance()
	for err == nil {
		if err = p.command(); err != nil {
			break
		}
		if p.tok.kind == tokEnd {
			return p.q, nil
		}
		err = p.expect("|")
	}
	var compile *CompileError
	if !errors.As(err, &compile) {
		compile = p.lex.fail(p.tok.start, p.tok.end, "%v", err)
	}
	return nil, compile
}

// parser is one pass over a query: names are bound to slots as they appear, so
// a command sees what the commands before it defined.
type parser struct {
	lex  lexer
	tok  token // the current token
	last int   // where the token before it ended
	q    *Query

	scope      map[string]node // aliases, parsed fields; after stats its columns, and nothing else
	aggregated bool            // past a stats command
	display    bool            // a display command has set the columns
	dedup      bool            // only limit may follow
	stats      int             // stats commands so far
	ordered    bool            // a sort or limit command so far

	group       *statsStep // the stats command whose results are being read
	inAggregate bool       // inside the parentheses of an aggregate
	bare        *token     // a field of group outside of any aggregate
}

func (p *parser) advance() error {
	p.last = p.tok.end
	tok, err := p.lex.next()
	p.tok = tok
	return err
}

func (p *parser) expect(sign string) error {
	if !p.tok.is(sign) {
		return p.unexpected(strconv.Quote(sign))
	}
	return p.advance()
}

func (p *parser) unexpected(want string) error {
	if p.tok.kind == tokEnd {
		return p.lex.fail(p.tok.start, p.tok.end, "unexpected end of query, expected %s", want)
	}
	return p.lex.fail(p.tok.start, p.tok.end, "unexpected %q, expected %s", p.lex.src[p.tok.start:p.tok.end], want)
}

// command reads one command of the pipeline.
func (p *parser) command() error {
	tok := p.tok
	if tok.kind != tokName || tok.quoted {
		return p.unexpected("a command")
	}
	name := strings.ToLower(tok.text)
	if p.dedup && name != "limit" {
		return p.lex.fail(tok.start, tok.end, "only limit can follow dedup")
	}
	read, ok := map[string]func(*parser) error{
		"fields":  (*parser).fields,
		"display": (*parser).displayed,
		"filter":  (*parser).filter,
		"parse":   (*parser).parse,
		"stats":   (*parser).aggregate,
		"sort":    (*parser).sort,
		"limit":   (*parser).limit,
		"dedup":   (*parser).deduplicate,
	}[name]
	if !ok {
		return p.lex.fail(tok.start, tok.end, "unknown or unsupported command: %s", tok.text)
	}
	if err := p.advance(); err != nil {
		return err
	}
	return read(p)
}

func (p *parser) fields() error {
	columns, err := p.named()
	if err != nil || p.display {
		return err
	}
	for _, c := range columns {
		i := slices.IndexFunc(p.q.columns, func(old column) bool { return old.name == c.name })
		if i < 0 {
			p.q.columns = append(p.q.columns, c)
		} else {
			p.q.columns[i] = c
		}
	}
	return nil
}

// displayed reads display: the last one wins over all fields commands.
func (p *parser) displayed() error {
	columns, err := p.named()
	p.q.columns, p.display = columns, true
	return err
}

// named reads expressions with or without an alias and binds the aliases.
func (p *parser) named() ([]column, error) {
	var columns []column
	for {
		start := p.tok.start
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		name, err := p.columnName(n, start)
		if err != nil {
			return nil, err
		}
		if name != n.name {
			n = p.bind(name, n)
		}
		columns = append(columns, column{name, n.eval})
		if !p.tok.is(",") {
			return columns, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// columnName is the alias after as, a bare name, or the text as written.
func (p *parser) columnName(n node, start int) (string, error) {
	if p.tok.keyword("as") {
		if err := p.advance(); err != nil {
			return "", err
		}
		return p.newName()
	}
	if n.name != "" {
		return n.name, nil
	}
	return p.lex.src[start:p.last], nil
}

func (p *parser) newName() (string, error) {
	if p.tok.kind != tokName || p.tok.indexed {
		return "", p.unexpected("a name")
	}
	name := p.tok.text
	return name, p.advance()
}

// bind makes name stand for n from here on, computed once a record: aliases of
// aliases would otherwise cost twice as much at every step.
func (p *parser) bind(name string, n node) node {
	slot := p.slot()
	bound := node{structured: n.structured, eval: func(r *record) value {
		if r.slots[slot].kind == unset {
			v := n.eval(r)
			if v.kind == unset {
				v = none
			}
			r.slots[slot] = v
		}
		return r.slots[slot]
	}}
	p.scope[name] = bound
	return bound
}

func (p *parser) slot() int {
	p.q.slots++
	return p.q.slots - 1
}

// lookup finds what a name means here: something defined before, a part of a
// jsonParse result, a system field, or else a field of the JSON message.
func (p *parser) lookup(tok token) (node, error) {
	if p.group != nil && !p.inAggregate && p.bare == nil {
		p.bare = &tok
	}
	if n, ok := p.scope[tok.text]; ok {
		n.name = tok.text
		return n, nil
	}
	for i := len(tok.path) - 1; i > 0; i-- {
		base, ok := p.scope[strings.Join(tok.path[:i], ".")]
		if ok && base.structured {
			path := tok.path[i:]
			return node{name: tok.text, eval: func(r *record) value { return jsonAccess(base.eval(r), path) }}, nil
		}
	}
	if p.aggregated {
		return node{}, p.lex.fail(tok.start, tok.end, "field %s is not defined by the stats command before", tok.text)
	}
	if tok.indexed {
		return node{}, p.lex.fail(tok.start, tok.end, "%s is not a list of jsonParse; the items of discovered arrays are fields such as items.0", tok.text)
	}
	if eval, ok := systemFields[tok.text]; ok {
		return node{name: tok.text, message: tok.text == "@message", eval: eval}, nil
	}
	slot, ok := p.q.discovered[tok.text]
	if !ok {
		slot = p.slot()
		p.q.discovered[tok.text] = slot
	}
	return node{name: tok.text, discovered: true, eval: func(r *record) value { return r.field(slot) }}, nil
}

// columnText finds the column whose name is the call that starts at start, and
// where the call ends. White space does not count.
func (p *parser) columnText(start int) (node, int, bool) {
	depth, quote := 0, byte(0)
	for i := p.tok.start; i < len(p.lex.src); i++ {
		switch c := p.lex.src[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth > 0 {
				continue
			}
			call := withoutSpace(p.lex.src[start : i+1])
			for _, name := range slices.Sorted(maps.Keys(p.scope)) {
				if withoutSpace(name) == call {
					n := p.scope[name]
					n.name = name
					return n, i + 1, true
				}
			}
			return node{}, 0, false
		}
	}
	return node{}, 0, false
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func (p *parser) filter() error {
	cond, err := p.expression()
	p.q.steps = append(p.q.steps, filterStep{cond})
	return err
}

func (p *parser) sort() error {
	p.ordered = true
	var by sortStep
	for {
		start := p.tok.start
		n, err := p.expression()
		if err != nil {
			return err
		}
		if n.structured {
			return p.lex.fail(start, p.last, "sort does not take a map or list")
		}
		key := sortKey{eval: n.eval, desc: p.tok.keyword("desc")}
		if key.desc || p.tok.keyword("asc") {
			if err := p.advance(); err != nil {
				return err
			}
		}
		by = append(by, key)
		if !p.tok.is(",") {
			p.q.steps = append(p.q.steps, by)
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

func (p *parser) limit() error {
	p.ordered, p.q.limited = true, true
	anyOrder := p.tok.keyword("any")
	if anyOrder {
		if err := p.advance(); err != nil {
			return err
		}
	}
	n, err := strconv.Atoi(p.tok.text)
	if p.tok.kind != tokNumber || err != nil || n < 1 || n > MaxLimit {
		return p.unexpected("a number from 1 to " + strconv.Itoa(MaxLimit))
	}
	p.q.steps = append(p.q.steps, limitStep{n, anyOrder})
	return p.advance()
}

func (p *parser) deduplicate() error {
	p.dedup = true
	var by dedupStep
	for {
		if p.tok.kind != tokName {
			return p.unexpected("a field")
		}
		tok := p.tok
		if err := p.advance(); err != nil {
			return err
		}
		n, err := p.lookup(tok)
		if err != nil {
			return err
		}
		if n.structured {
			return p.lex.fail(tok.start, tok.end, "dedup does not take a map or list")
		}
		by = append(by, n.eval)
		if !p.tok.is(",") {
			p.q.steps = append(p.q.steps, by)
			return nil
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}
