package insights

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/internal/needle"
)

// expr computes a value on one record.
type expr func(*record) value

// node is a compiled expression and what the parser needs to know about it.
type node struct {
	eval expr
	// maybe looks at what is known of the message, then at its text, and answers
	// false only where eval cannot be true: it saves reading most events, and
	// decoding the JSON of more. nil: cannot tell.
	maybe      func(*record) bool
	name       string // a bare name: the column it makes
	discovered bool   // a bare name that is found in the JSON of the message
	message    bool   // @message
	literal    *value
	structured bool // a map or list of jsonParse
}

// expression reads or-expressions; the binding grows downwards:
// or, and, not, comparison, + -, * / %, ^, sign.
func (p *parser) expression() (node, error) {
	left, err := p.conjunction()
	for err == nil && p.tok.keyword("or") {
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = p.conjunction(); err != nil {
			break
		}
		a, b := left, right
		left = node{eval: func(r *record) value { return boolOf(a.eval(r).truth() || b.eval(r).truth()) }}
		if a.maybe != nil && b.maybe != nil {
			left.maybe = func(r *record) bool { return a.maybe(r) || b.maybe(r) }
		}
	}
	return left, err
}

func (p *parser) conjunction() (node, error) {
	left, err := p.negation()
	for err == nil && p.tok.keyword("and") {
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = p.negation(); err != nil {
			break
		}
		a, b := left, right
		left = node{eval: func(r *record) value { return boolOf(a.eval(r).truth() && b.eval(r).truth()) }}
		switch {
		case a.maybe != nil && b.maybe != nil:
			left.maybe = func(r *record) bool { return a.maybe(r) && b.maybe(r) }
		case a.maybe != nil:
			left.maybe = a.maybe
		default:
			left.maybe = b.maybe
		}
	}
	return left, err
}

func (p *parser) negation() (node, error) {
	if !p.tok.keyword("not") {
		return p.comparison()
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	operand, err := p.negation()
	return node{eval: func(r *record) value { return boolOf(!operand.eval(r).truth()) }}, err
}

func (p *parser) comparison() (node, error) {
	left, err := p.binary(0)
	if err != nil {
		return left, err
	}
	if p.tok.kind == tokSign && slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, p.tok.text) {
		op := p.tok.text
		if err := p.advance(); err != nil {
			return node{}, err
		}
		right, err := p.binary(0)
		result := node{eval: func(r *record) value { return boolOf(compare(op, left.eval(r), right.eval(r))) }}
		if op == "=" && left.discovered && right.literal != nil {
			result.maybe = maybeEqual(left.name, *right.literal)
		}
		return result, err
	}
	negated := p.tok.keyword("not")
	if negated {
		if err := p.advance(); err != nil {
			return node{}, err
		}
	}
	var match node
	switch {
	case p.tok.keyword("like"), p.tok.is("=~") && !negated:
		match, err = p.like(left)
	case p.tok.keyword("in"):
		match, err = p.in(left)
	case negated:
		return node{}, p.unexpected("like or in")
	default:
		return left, nil
	}
	if negated && err == nil {
		yes := match.eval
		match = node{eval: func(r *record) value { return boolOf(!yes(r).truth()) }}
	}
	return match, err
}

// like reads the substring or regular expression after like and =~.
func (p *parser) like(left node) (node, error) {
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if p.tok.is("/") {
		re, err := p.regexp()
		return node{eval: func(r *record) value {
			v := left.eval(r)
			return boolOf(!v.isMissing() && v.kind != structured && re.MatchString(v.string()))
		}}, err
	}
	if p.tok.kind != tokString {
		return node{}, p.unexpected("a string or a regular expression")
	}
	part := p.tok.text
	match := node{eval: func(r *record) value {
		v := left.eval(r)
		return boolOf(!v.isMissing() && v.kind != structured && strings.Contains(v.string(), part))
	}}
	switch {
	case left.discovered:
		match.maybe = maybeContains(textOf(part))
	case left.message:
		text := needle.New(part)
		match.maybe = func(r *record) bool { return text.In(r.message()) }
	}
	return match, p.advance()
}

// in reads [a, b, …]: strings and numbers.
func (p *parser) in(left node) (node, error) {
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if err := p.expect("["); err != nil {
		return node{}, err
	}
	var members []value
	for {
		minus := p.tok.is("-")
		if minus {
			if err := p.advance(); err != nil {
				return node{}, err
			}
		}
		var member value
		switch {
		case p.tok.kind == tokNumber:
			n, ok := parseNumber(p.tok.text)
			if !ok {
				return node{}, p.unexpected("a number")
			}
			member = value{kind: number, n: n, s: p.tok.text}
			if minus {
				member = numberOf(-n)
			}
		case p.tok.kind == tokString && !minus:
			member = textOf(p.tok.text)
		default:
			return node{}, p.unexpected("a string or a number")
		}
		members = append(members, member)
		if err := p.advance(); err != nil {
			return node{}, err
		}
		if !p.tok.is(",") {
			break
		}
		if err := p.advance(); err != nil {
			return node{}, err
		}
	}
	match := node{eval: func(r *record) value {
		v := left.eval(r)
		return boolOf(slices.ContainsFunc(members, func(m value) bool { return equal(v, m) }))
	}}
	if left.discovered {
		match.maybe = maybeEqual(left.name, members...)
	}
	return match, p.expect("]")
}

// maybeEqual is the test for a discovered field that equals one of the values.
func maybeEqual(field string, values ...value) func(*record) bool {
	var contains []func(*record) bool
	for _, v := range values {
		contains = append(contains, maybeContains(v))
	}
	return func(r *record) bool {
		if known := r.event.Known(field); known != "" {
			return slices.ContainsFunc(values, func(v value) bool { return equal(textOf(known), v) })
		}
		return slices.ContainsFunc(contains, func(c func(*record) bool) bool { return c == nil || c(r) })
	}
}

// maybeContains is the test for a discovered field that holds v. Numbers can be
// written in many ways, and so can text with escapes.
func maybeContains(v value) func(*record) bool {
	if _, numeric := v.number(); numeric || v.kind != text {
		return nil
	}
	text := needle.New(v.s)
	return func(r *record) bool { return text.In(r.message()) || strings.IndexByte(r.message(), '\\') >= 0 }
}

var levels = [][]string{{"+", "-"}, {"*", "/", "%"}}

// binary reads arithmetic from the given level of levels on.
func (p *parser) binary(level int) (node, error) {
	if level == len(levels) {
		return p.power()
	}
	left, err := p.binary(level + 1)
	for err == nil && p.tok.kind == tokSign && slices.Contains(levels[level], p.tok.text) {
		op := p.tok.text
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = p.binary(level + 1); err == nil {
			left = arithmetic(op, left, right)
		}
	}
	return left, err
}

func (p *parser) power() (node, error) {
	if p.tok.is("-") {
		if err := p.advance(); err != nil {
			return node{}, err
		}
		operand, err := p.power()
		return arithmetic("-", node{eval: func(*record) value { return numberOf(0) }}, operand), err
	}
	base, err := p.primary()
	if err != nil || !p.tok.is("^") {
		return base, err
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	exponent, err := p.power()
	return arithmetic("^", base, exponent), err
}

func arithmetic(op string, left, right node) node {
	return node{eval: func(r *record) value {
		a, ok := left.eval(r).number()
		if !ok {
			return none
		}
		b, ok := right.eval(r).number()
		if !ok {
			return none
		}
		switch op {
		case "+":
			return numberOf(a + b)
		case "-":
			return numberOf(a - b)
		case "*":
			return numberOf(a * b)
		case "/":
			return numberOf(a / b)
		case "%":
			return numberOf(math.Mod(a, b))
		default:
			return numberOf(math.Pow(a, b))
		}
	}}
}

func (p *parser) primary() (node, error) {
	tok := p.tok
	switch {
	case tok.is("("):
		if err := p.advance(); err != nil {
			return node{}, err
		}
		inner, err := p.expression()
		if err != nil {
			return node{}, err
		}
		return node{eval: inner.eval, maybe: inner.maybe, structured: inner.structured}, p.expect(")")
	case tok.kind == tokString:
		return constant(textOf(tok.text)), p.advance()
	case tok.kind == tokNumber:
		n, ok := parseNumber(tok.text)
		if !ok {
			return node{}, p.unexpected("a number")
		}
		return constant(value{kind: number, n: n, s: tok.text}), p.advance()
	case tok.kind != tokName:
		return node{}, p.unexpected("an expression")
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if p.tok.is("(") && !tok.quoted {
		return p.call(tok)
	}
	if tok.keyword("true") || tok.keyword("false") {
		return constant(textOf(strings.ToLower(tok.text))), nil
	}
	return p.lookup(tok)
}

func constant(v value) node {
	return node{eval: func(*record) value { return v }, literal: &v}
}

// regexp compiles the expression whose slash is the current token. RE2 and
// Hyperscan agree on what matters here: neither knows lookaround or
// backreferences.
func (p *parser) regexp() (*regexp.Regexp, error) {
	start := p.tok.start
	text, err := p.lex.regexp(start)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, p.lex.fail(start, p.lex.pos, "regular expression: %v", err)
	}
	p.tok.end = p.lex.pos
	return re, p.advance()
}
