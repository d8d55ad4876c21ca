package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Summary is what a sound chain says of itself.
type Summary struct {
	Entries     uint64
	First, Last time.Time
	Head        string // hash of the last entry
	Bytes       int64  // of whole lines
	Torn        int    // bytes of an unfinished last line, 0 ordinarily
	Refused     uint64 // entries that were not allowed
}

// A BrokenError says where a chain does not hold.
type BrokenError struct {
	Line    uint64
	Problem string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Verify reads a whole log. The error is a *BrokenError at the first line that
// does not hold. An unfinished last line is no break: Summary.Torn says so.
func Verify(r io.Reader) (Summary, error) {
	var s Summary
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			s.Torn = len(line)
			return s, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return s, &BrokenError{s.Entries + 1, "it is longer than any entry"}
		case err != nil:
			return s, fmt.Errorf("read audit log: %w", err)
		}
		if err := s.add(line); err != nil {
			return s, err
		}
	}
}

// add checks one line against the one before.
func (s *Summary) add(line []byte) error {
	broken := func(format string, args ...any) error {
		return &BrokenError{s.Entries + 1, fmt.Sprintf(format, args...)}
	}
	var e Entry
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return broken("it is not an entry: %v", err)
	}
	// Any other spelling of the same values would be a change that the hash does
	// not see.
	want, hash := e.line()
	switch {
	case e.Hash != hash:
		return broken("its hash does not fit what it says: it was changed")
	case !bytes.Equal(line, want):
		return broken("it is not spelled as it was written")
	case e.Seq != s.Entries+1:
		return broken("it is number %d where %d is due: a line was taken out, put in or moved", e.Seq, s.Entries+1)
	case e.Prev != s.Head:
		return broken("it does not follow the line before: a line was changed, taken out, put in or moved")
	}
	if s.Entries == 0 {
		s.First = e.At
	}
	s.Entries, s.Last, s.Head = e.Seq, e.At, hash
	s.Bytes += int64(len(line))
	if !e.Allowed && e.Event != "recovered" {
		s.Refused++
	}
	return nil
}
