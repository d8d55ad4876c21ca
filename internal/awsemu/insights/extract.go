package insights

import (
	"regexp"
	"strings"
)

// parseStep is the parse command: it fills slots with parts of a field, or
// with none of them when the field does not match.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
type parseStep struct {
	from  expr
	glob  []string       // the text between the asterisks
	re    *regexp.Regexp // or a regular expression
	group []int          // its named groups
	slots []int
}

// parse reads [field] "glob" as a, b or [field] /regexp/; without a field it
// is @message.
func (p *parser) parse() error {
	var s parseStep
	field := systemToken("@message", p.tok)
	if p.tok.kind != tokString && !p.tok.is("/") {
		if p.tok.kind != tokName {
			return p.unexpected("a field")
		}
		field = p.tok
		if err := p.advance(); err != nil {
			return err
		}
	}
	n, err := p.lookup(field)
	if err != nil {
		return err
	}
	s.from = n.eval
	names, start := []string(nil), p.tok.start
	switch {
	case p.tok.is("/"):
		re, err := p.regexp()
		if err != nil {
			return err
		}
		s.re = re
		for i, name := range re.SubexpNames() {
			if name != "" {
				names, s.group = append(names, name), append(s.group, i)
			}
		}
		if len(names) == 0 {
			return p.lex.fail(start, p.last, "the regular expression has no named group")
		}
	case p.tok.kind == tokString:
		s.glob = strings.Split(p.tok.text, "*")
		if err := p.advance(); err != nil {
			return err
		}
		if !p.tok.keyword("as") {
			return p.unexpected("as")
		}
		for p.tok.keyword("as") || p.tok.is(",") {
			if err := p.advance(); err != nil {
				return err
			}
			name, err := p.newName()
			if err != nil {
				return err
			}
			names = append(names, name)
			if p.tok.keyword("as") {
				return p.unexpected("a comma")
			}
		}
		if len(names) != len(s.glob)-1 {
			return p.lex.fail(start, p.last, "%d asterisks for %d names", len(s.glob)-1, len(names))
		}
	default:
		return p.unexpected("a glob string or a regular expression")
	}
	for _, name := range names {
		slot := p.slot()
		s.slots = append(s.slots, slot)
		p.scope[name] = node{eval: func(r *record) value { return r.slots[slot] }}
	}
	p.q.steps = append(p.q.steps, s)
	return nil
}

func (s parseStep) run(r *record) {
	v := s.from(r)
	if v.isMissing() || v.kind == structured {
		return
	}
	if s.re == nil {
		s.runGlob(r, v.string())
		return
	}
	in := v.string()
	at := s.re.FindStringSubmatchIndex(in)
	for i, g := range s.group {
		if at != nil && at[2*g] >= 0 {
			r.slots[s.slots[i]] = textOf(in[at[2*g]:at[2*g+1]])
		}
	}
}

// runGlob finds the fixed texts one after the other, each as early as it can
// be. An asterisk at either end reaches to that end.
func (s parseStep) runGlob(r *record, in string) {
	from := 0
	if s.glob[0] != "" {
		if from = strings.Index(in, s.glob[0]); from < 0 {
			return
		}
		from += len(s.glob[0])
	}
	found := make([]string, len(s.slots))
	for i := range found {
		fixed := s.glob[i+1]
		end := strings.Index(in[from:], fixed)
		if fixed == "" && i == len(found)-1 {
			end = len(in) - from
		}
		if end < 0 {
			return
		}
		found[i] = in[from : from+end]
		from += end + len(fixed)
	}
	for i, part := range found {
		r.slots[s.slots[i]] = textOf(part)
	}
}
