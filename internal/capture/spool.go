package capture

import (
	"errors"
	"fmt"
	"os"
)

// spoolAfter is how many raw bytes are held in memory before they go to disk: enough for every hand-made capture, and
// little of the 256 MiB that a run may take.
const spoolAfter = 16 << 20

// spool holds raw records one after the other: in memory while they are few, else in a file that has no name any more,
// so that nothing is left behind whatever ends the process.
type spool struct {
	mem     []byte // all of it, or what is not yet in file
	file    *os.File
	flushed int64
}

// add appends b and returns where it begins.
func (s *spool) add(b []byte) (int64, error) {
	off := s.flushed + int64(len(s.mem))
	s.mem = append(s.mem, b...)
	if s.file != nil && len(s.mem) >= 1<<20 || len(s.mem) >= spoolAfter {
		return off, s.flush()
	}
	return off, nil
}

func (s *spool) flush() error {
	if s.file == nil {
		f, err := os.CreateTemp("", "stsleuth-records-*")
		if err != nil {
			return fmt.Errorf("spool records: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return errors.Join(fmt.Errorf("spool records: %w", err), f.Close())
		}
		s.file = f
		defer func() { s.mem = make([]byte, 0, 1<<20+1<<16) }() // the large one goes back
	}
	n, err := s.file.Write(s.mem)
	s.flushed += int64(n)
	s.mem = s.mem[:0]
	if err != nil {
		return fmt.Errorf("spool records: %w", err)
	}
	return nil
}

// done ends adding.
func (s *spool) done() error {
	if s.file == nil {
		return nil
	}
	defer func() { s.mem = nil }()
	return s.flush()
}

// read returns the n bytes at off. It may be called from several goroutines once adding is done.
func (s *spool) read(off int64, n int) ([]byte, error) {
	if s.file == nil {
		return s.mem[off : off+int64(n) : off+int64(n)], nil
	}
	b := make([]byte, n)
	if _, err := s.file.ReadAt(b, off); err != nil {
		return nil, fmt.Errorf("read spooled record: %w", err)
	}
	return b, nil
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
