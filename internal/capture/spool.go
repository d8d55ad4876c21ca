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
	if cap(s.mem)-len(s.mem) < len(b) { // append would grow in small steps, and each costs its pages again
		s.mem = append(make([]byte, 0, max(1<<20, 2*cap(s.mem), len(s.mem)+len(b))), s.mem...)
	}
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

// window is a part of the file that was read last.
type window struct {
	at int64
	b  []byte
}

// windowSize is how much of the file is read at a time: a hundred records' worth.
const windowSize = 128 << 10

// read returns the n bytes at off, which hold until w is used again. It may be called from several goroutines, each with
// its own window, once adding is done.
func (s *spool) read(off int64, n int, w *window) ([]byte, error) {
	if s.file == nil {
		return s.mem[off : off+int64(n) : off+int64(n)], nil
	}
	if end := off + int64(n); off < w.at || end > w.at+int64(len(w.b)) {
		size := int64(n)
		if w.b != nil { // a second record: more will follow
			size = max(size, windowSize)
		}
		from := off
		if off < w.at { // backwards
			from = max(0, end-size)
		}
		size = min(size, s.flushed-from)
		if int64(cap(w.b)) < size {
			w.b = make([]byte, size)
		}
		w.at, w.b = from, w.b[:size]
		if _, err := s.file.ReadAt(w.b, from); err != nil {
			w.b = w.b[:0]
			return nil, fmt.Errorf("read spooled record: %w", err)
		}
	}
	return w.b[off-w.at:][:n:n], nil
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
