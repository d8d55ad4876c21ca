package insights

import (
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// function is a scalar function: how many arguments it takes and what it makes
// of them. Unless nullable, a missing argument makes a missing result.
type function struct {
	min, max int // max -1: any number
	nullable bool
	call     func(args []value) value
}

// functions by lower-case name; the names are not case-sensitive
// (documentation writes both ispresent and isPresent).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
var functions = map[string]function{
	"ispresent": {1, 1, true, func(a []value) value { return boolOf(!a[0].isMissing()) }},
	"coalesce":  {1, -1, true, coalesce},
	"isempty":   {1, 1, true, func(a []value) value { return boolOf(a[0].string() == "") }},
	"isblank":   {1, 1, true, func(a []value) value { return boolOf(strings.TrimSpace(a[0].string()) == "") }},

	"strcontains": {2, 3, true, strcontains},
	"concat":      {1, -1, false, concat},
	"strlen":      {1, 1, false, func(a []value) value { return numberOf(float64(utf8.RuneCountInString(a[0].string()))) }},
	"toupper":     {1, 1, false, func(a []value) value { return textOf(strings.ToUpper(a[0].string())) }},
	"tolower":     {1, 1, false, func(a []value) value { return textOf(strings.ToLower(a[0].string())) }},
	"trim":        {1, 2, false, trimmer(strings.TrimSpace, strings.Trim)},
	"ltrim":       {1, 2, false, trimmer(func(s string) string { return strings.TrimLeft(s, " \t\r\n") }, strings.TrimLeft)},
	"rtrim":       {1, 2, false, trimmer(func(s string) string { return strings.TrimRight(s, " \t\r\n") }, strings.TrimRight)},
	"substr":      {2, 3, false, substr},
	"replace":     {3, 3, false, replace},

	"abs":      {1, 1, false, numeric(math.Abs)},
	"ceil":     {1, 1, false, numeric(math.Ceil)},
	"floor":    {1, 1, false, numeric(math.Floor)},
	"log":      {1, 1, false, numeric(math.Log)},
	"sqrt":     {1, 1, false, numeric(math.Sqrt)},
	"greatest": {1, -1, false, fold(math.Max)},
	"least":    {1, -1, false, fold(math.Min)},

	"tomillis": {1, 1, false, numeric(func(n float64) float64 { return n })},
	"frommillis": {1, 1, false, func(a []value) value {
		if ms, ok := a[0].number(); ok {
			return millisOf(ms)
		}
		return none
	}},

	"jsonparse":     {1, 1, false, jsonParse},
	"jsonstringify": {1, 1, false, jsonStringify},

	"isvalidip":      {1, 1, true, ipTest(func(netip.Addr) bool { return true })},
	"isvalidipv4":    {1, 1, true, ipTest(netip.Addr.Is4)},
	"isvalidipv6":    {1, 1, true, ipTest(netip.Addr.Is6)},
	"isipinsubnet":   {2, 2, true, subnetTest(func(netip.Addr) bool { return true })},
	"isipv4insubnet": {2, 2, true, subnetTest(netip.Addr.Is4)},
	"isipv6insubnet": {2, 2, true, subnetTest(netip.Addr.Is6)},
}

// call reads the arguments of a function whose name is tok; the current token
// is the opening parenthesis.
func (p *parser) call(tok token) (node, error) {
	name := strings.ToLower(tok.text)
	_, isAggregate := aggregates[name]
	if p.aggregated && !(isAggregate && p.group != nil && !p.inAggregate) {
		// After stats, count(*) or bin(5m) names the column of that text.
		if column, end, ok := p.columnText(tok.start); ok {
			if p.group != nil && !p.inAggregate && p.bare == nil {
				p.bare = &tok
			}
			p.lex.pos, p.tok.end = end, end
			return column, p.advance()
		}
	}
	switch name {
	case "bin", "datefloor", "dateceil":
		return p.periodCall(name, tok)
	}
	if isAggregate {
		return p.aggregateCall(name, tok)
	}
	f, ok := functions[name]
	if !ok {
		return node{}, p.lex.fail(tok.start, tok.end, "unknown function: %s", tok.text)
	}
	args, err := p.arguments()
	if err != nil {
		return node{}, err
	}
	if len(args) < f.min || f.max >= 0 && len(args) > f.max {
		return node{}, p.lex.fail(tok.start, p.last, "wrong number of arguments for %s: %d", tok.text, len(args))
	}
	result := node{structured: name == "jsonparse"}
	if name == "ispresent" {
		if args[0].name == "" && !args[0].structured {
			return node{}, p.lex.fail(tok.start, p.last, "ispresent takes a field")
		}
		if args[0].discovered {
			result.maybe = maybeKey(args[0].name)
		}
	}
	takesStructure := name == "ispresent" || name == "coalesce" || name == "jsonstringify"
	result.eval = func(r *record) value {
		values := make([]value, len(args))
		for i, arg := range args {
			v := arg.eval(r)
			if v.kind == structured && !takesStructure {
				v = none // maps and lists are null for other functions; same page
			}
			if v.isMissing() && !f.nullable {
				return none
			}
			values[i] = v
		}
		return f.call(values)
	}
	return result, nil
}

// arguments reads (a, b, …); the current token is the opening parenthesis.
func (p *parser) arguments() ([]node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	var args []node
	if p.tok.is(")") {
		return nil, p.expect(")")
	}
	for {
		arg, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if !p.tok.is(",") {
			return args, p.expect(")")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func coalesce(args []value) value {
	for _, v := range args {
		if !v.isMissing() {
			return v
		}
	}
	return none
}

func strcontains(a []value) value {
	s, part := a[0].string(), a[1].string()
	if len(a) == 3 && a[2].truth() {
		s, part = strings.ToLower(s), strings.ToLower(part)
	}
	return boolOf(!a[0].isMissing() && !a[1].isMissing() && strings.Contains(s, part))
}

// maxText bounds what functions build, in bytes: the size of the largest event.
// A query that doubles a text in each of its commands would fill the memory.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
const maxText = 1 << 20

func concat(args []value) value {
	var all strings.Builder
	for _, v := range args {
		s := v.string()
		if all.Len()+len(s) > maxText {
			return none
		}
		all.WriteString(s)
	}
	return textOf(all.String())
}

func replace(a []value) value {
	s, old, now := a[0].string(), a[1].string(), a[2].string()
	if len(s)+strings.Count(s, old)*len(now) > maxText {
		return none
	}
	return textOf(strings.ReplaceAll(s, old, now))
}

func trimmer(space func(string) string, chars func(s, cutset string) string) func([]value) value {
	return func(a []value) value {
		if len(a) == 1 {
			return textOf(space(a[0].string()))
		}
		return textOf(chars(a[0].string(), a[1].string()))
	}
}

// substr counts characters from 0; a range outside the text is cut to it.
func substr(a []value) value {
	runes := []rune(a[0].string())
	from, ok := a[1].number()
	if !ok {
		return none
	}
	from = min(max(math.Trunc(from), 0), float64(len(runes)))
	to := float64(len(runes))
	if len(a) == 3 {
		length, ok := a[2].number()
		if !ok {
			return none
		}
		to = min(from+max(math.Trunc(length), 0), to)
	}
	return textOf(string(runes[int(from):int(to)]))
}

func numeric(f func(float64) float64) func([]value) value {
	return func(a []value) value {
		n, ok := a[0].number()
		if !ok {
			return none
		}
		return numberOf(f(n))
	}
}

func fold(f func(x, y float64) float64) func([]value) value {
	return func(a []value) value {
		best, ok := a[0].number()
		for _, v := range a[1:] {
			n, isNumber := v.number()
			ok = ok && isNumber
			best = f(best, n)
		}
		if !ok {
			return none
		}
		return numberOf(best)
	}
}

func ipTest(kind func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		addr, err := netip.ParseAddr(a[0].string())
		return boolOf(err == nil && addr.Zone() == "" && kind(addr))
	}
}

func subnetTest(kind func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		addr, err := netip.ParseAddr(a[0].string())
		if err != nil || !kind(addr) {
			return boolOf(false)
		}
		subnet, err := netip.ParsePrefix(a[1].string())
		return boolOf(err == nil && subnet.Contains(addr))
	}
}
