package filterpattern

import "strings"

// terms reads words, phrases and regular expressions: all must occur, those
// after a minus must not, and of those after question marks one must.
func (p *parser) terms() (func(string) bool, error) {
	type test = func(message string) bool
	var all, anyOf []test
	for p.skipSpace(); p.pos < len(p.src); p.skipSpace() {
		optional, negated := p.take("?"), p.take("-")
		if optional && negated {
			return nil, p.fail("? and - at one term")
		}
		occurs, err := p.term()
		if err != nil {
			return nil, err
		}
		if optional {
			anyOf = append(anyOf, occurs)
			continue
		}
		all = append(all, func(m string) bool { return occurs(m) != negated })
	}
	if len(all) > 0 && len(anyOf) > 0 {
		// AWS ignores the ? terms here, which nobody can have meant.
		return nil, p.fail("? terms cannot be combined with others")
	}
	return func(m string) bool {
		for _, t := range all {
			if !t(m) {
				return false
			}
		}
		for _, t := range anyOf {
			if t(m) {
				return true
			}
		}
		return len(anyOf) == 0
	}, nil
}

func (p *parser) term() (func(string) bool, error) {
	start := p.pos
	var occurs func(string) bool
	switch {
	case p.pos == len(p.src):
		return nil, p.fail("no term")
	case p.src[p.pos] == '"':
		text, err := p.phrase()
		if err != nil {
			return nil, err
		}
		occurs = func(m string) bool { return strings.Contains(m, text) }
	case p.src[p.pos] == '%':
		re, err := p.regexp()
		if err != nil {
			return nil, err
		}
		occurs = re.MatchString
	default:
		word := p.run(isWord)
		if word == "" {
			return nil, p.badTerm(start)
		}
		occurs = func(m string) bool { return strings.Contains(m, word) }
	}
	if p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) < 0 {
		return nil, p.badTerm(start)
	}
	return occurs, nil
}

func (p *parser) badTerm(start int) error {
	end := strings.IndexAny(p.src[start:], " \t\r\n")
	if end < 0 {
		end = len(p.src) - start
	}
	p.pos = start
	return p.fail("invalid character(s) in term %q", p.src[start:start+end])
}
