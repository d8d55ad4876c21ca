package cloudtrail

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// framer finds the records of a delivery, {"Records":[…]} in any layout, also several one after the other, and of a
// list or row of objects. It looks at braces and quotes only, which is ten times as fast as decoding.
type framer struct {
	open bool // in a list that has not ended
	lost bool // behind a broken record, looking for the next by how it begins
}

func (f *framer) next(buf []byte, end bool) piece { return f.frame(buf, 0, end) }

// frame works on buf from index i. Between records it is forgiving: a comma too many loses nothing.
func (f *framer) frame(buf []byte, i int, end bool) piece {
	var p piece
	broken := 0    // in a row
	fresh := false // nothing but closing braces since the last span
	for i < len(buf) {
		if broken == maxBroken {
			p.faults = append(p.faults, fault{at: i, reason: "too much is broken here"})
			i, f.lost = len(buf), true
			break
		}
		if f.lost {
			n := nextStart(buf[i:])
			if n < 0 {
				if !end {
					// A start may straddle the end of the buffer.
					i = max(i, len(buf)-maxStart)
				} else {
					if n := len(p.faults); n == 0 || p.faults[n-1].reason != endsEarly {
						p.faults = append(p.faults, fault{at: i, reason: restLost})
					}
					i = len(buf)
				}
				break
			}
			i, f.lost, fresh = i+n, false, false
		}
		switch c := buf[i]; c {
		case ' ', '\t', '\r', '\n', '}':
			i++
		case ',':
			i, fresh = i+1, false
		case '[':
			i, f.open = i+1, true
		case ']':
			i, f.open = i+1, false
		case '{':
			n := envelope(buf[i:])
			if n < 0 && !end {
				p.whole = i
				return p
			}
			if n > 0 {
				i += n
				continue
			}
			to := nestEnd(buf, i)
			switch {
			case to >= 0:
				if next := swallowed(buf[i:to]); next > 0 {
					p.faults = append(p.faults, fault{i, errBroken.Error(), true})
					i, broken = i+next, broken+1
					continue
				}
				if to-i > MaxRecord {
					p.faults = append(p.faults, fault{i, tooLarge, true})
				} else {
					p.spans, fresh = append(p.spans, span{i, to}), true
				}
				i, broken = to, 0
			case !end && len(buf)-i <= MaxRecord:
				p.whole = i
				return p
			default:
				reason := endsEarly
				if len(buf)-i > MaxRecord {
					reason = tooLarge
				}
				p.faults = append(p.faults, fault{i, reason, true})
				i, broken, f.lost = i+1, broken+1, true
			}
		case 'n': // "Records":null
			if len(buf)-i < len("null") && !end {
				p.whole = i
				return p
			}
			if bytes.HasPrefix(buf[i:], []byte("null")) {
				i += len("null")
				continue
			}
			fallthrough
		default:
			if fresh { // no record ends like this: its quotes are out of step
				last := p.spans[len(p.spans)-1]
				p.spans, fresh = p.spans[:len(p.spans)-1], false
				p.faults = append(p.faults, fault{last.from, errBroken.Error(), true})
				f.lost = true
				continue
			}
			p.faults = append(p.faults, fault{i, noObject, true})
			n := bytes.IndexAny(buf[i:], "{\n")
			if n < 0 {
				n = len(buf) - i
			}
			i += n
		}
	}
	p.whole = i
	if end && f.open && len(p.faults) == 0 {
		p.faults = append(p.faults, fault{at: len(buf), reason: listOpen})
	}
	return p
}

// envelope returns the length of {"Records": at the beginning of b: 0 when something else is there, -1 when b is too
// short to say.
func envelope(b []byte) int {
	s := scanner{b: b}
	if !s.byte('{') {
		return 0
	}
	s.space()
	const key = `"Records"`
	if rest := b[s.i:]; len(rest) < len(key) {
		if bytes.HasPrefix([]byte(key), rest) {
			return -1
		}
		return 0
	} else if !bytes.HasPrefix(rest, []byte(key)) {
		return 0
	}
	s.i += len(key)
	if s.byte(':') {
		return s.i
	}
	if s.i == len(b) {
		return -1
	}
	return 0
}

// swallowed returns where the next record begins inside a broken one, whose quotes went out of step; 0 when there is
// none.
func swallowed(record []byte) int {
	n := nextStart(record[1:])
	if n < 0 || jsontext.Value(record).IsValid(lenient) {
		return 0
	}
	return n + 1
}

const (
	// maxBroken is after how many broken records in a row the rest of a buffer is given up: looking for the next one
	// reads up to MaxRecord each time.
	maxBroken = 64

	maxStart = 64 // of a record's { and first key, with blanks between
)

// nextStart finds where the next record begins, by the key that CloudTrail writes first, "eventVersion"; -1 without
// one. The same text inside a string has backslashes.
func nextStart(b []byte) int {
	for i := 0; ; {
		// Searched by its rare capital, which is several times as fast as by a quote.
		n := bytes.Index(b[i:], []byte(`Version"`))
		if n < 0 {
			return -1
		}
		if before, ok := bytes.CutSuffix(b[:i+n], []byte(`"event`)); ok {
			before = bytes.TrimRight(before, " \t\r\n")
			if len(before) > 0 && before[len(before)-1] == '{' {
				return len(before) - 1
			}
		}
		i += n + len(`Version"`)
	}
}
