package cloudtrail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// reading is one file on its way.
type reading[T any] struct {
	name   string
	blocks chan *block[T] // in the file's order
	offset int64          // of the next block
}

// cut opens a file and cuts it into blocks of whole records, until its end, its first error or the end of ctx.
func (r *reading[T]) cut(ctx context.Context, f File, work chan<- *block[T]) {
	defer close(r.blocks)
	src, err := f.Open()
	if err != nil {
		r.unread(ctx, err)
		return
	}
	defer src.Close()
	in, done, err := unpack(src)
	defer done()
	if err != nil {
		r.unread(ctx, err)
		return
	}
	r.cutBlocks(ctx, in, work)
}

// unread tells that nothing of a file could be read.
func (r *reading[T]) unread(ctx context.Context, err error) {
	b := &block[T]{done: make(chan struct{}), badCount: 1, bad: []Bad{{Line: wholeFile, Reason: err.Error()}}}
	close(b.done)
	select {
	case r.blocks <- b:
	case <-ctx.Done():
	}
}

// cutBlocks fills a buffer, asks the file's cutter where the whole records in it end, and carries what is after that
// into the next buffer.
func (r *reading[T]) cutBlocks(ctx context.Context, in io.Reader, work chan<- *block[T]) {
	var carry []byte
	var cutter cutter
	for {
		buf, readErr := fill(in, carry)
		end := readErr != nil
		early := end && !errors.Is(readErr, io.EOF)
		if cutter == nil {
			if oneALine(buf) {
				cutter = &lineCutter{}
			} else {
				cutter = &framer{}
			}
		}
		c := cutter.next(buf, end && !early)
		rest := buf[c.whole:]
		if early {
			c.faults = append(c.faults, fault{at: c.whole, reason: "the file ends early: " + readErr.Error()})
			rest = nil
		}
		b := &block[T]{buf: buf[:c.whole:cap(buf)], offset: r.offset, spans: c.spans, lines: c.lines, from: c.from, done: make(chan struct{})}
		b.fault(c.faults...)
		r.offset += int64(c.whole)
		if !end { // what is carried over moves to another buffer, for this one is the takers' now
			carry = append(buffer(), rest...)
		}
		select {
		case r.blocks <- b:
		case <-ctx.Done():
			return
		}
		select {
		case work <- b:
		case <-ctx.Done():
			return
		}
		if end {
			return
		}
	}
}

// cutter finds whole records in a buffer that goes on where the last one's whole part ended.
type cutter interface {
	next(buf []byte, end bool) piece
}

// piece is the part of a buffer that holds whole records.
type piece struct {
	whole  int  // its length
	lines  bool // one record a line, beginning at from
	from   int
	spans  []span // else the records are here
	faults []fault
}

type span struct{ from, to int }

// fault is a place in a buffer where something is wrong.
type fault struct {
	at     int
	reason string
	record bool // what is wrong is a record, and not the file
}

const (
	tooLarge  = "record is larger than 4 MiB"
	noObject  = "not a JSON object"
	endsEarly = "the file ends inside this record"
	restLost  = "behind this broken record no other was found"
	listOpen  = "the file ends before its list of records does"
)

// lineCutter cuts at the last line break.
type lineCutter struct {
	skipping bool // the rest of a line that was too large
}

func (l *lineCutter) next(buf []byte, end bool) piece {
	from := 0
	if l.skipping {
		i := bytes.IndexByte(buf, '\n')
		if l.skipping = i < 0; l.skipping {
			return piece{whole: len(buf)}
		}
		from = i + 1
	}
	if end {
		return piece{whole: len(buf), lines: true, from: from}
	}
	whole := bytes.LastIndexByte(buf, '\n') + 1
	if whole == 0 && len(buf) > MaxRecord {
		l.skipping = true
		return piece{whole: len(buf), faults: []fault{{0, tooLarge, true}}}
	}
	return piece{whole: whole, lines: true, from: from}
}

// oneALine says whether a file that begins with buf has one record a line. Deliveries and lists may have records on
// lines of their own too, but begin otherwise.
func oneALine(buf []byte) bool {
	text := bytes.TrimLeft(buf, " \t\r\n")
	if len(text) == 0 || text[0] == '[' || envelope(text) != 0 {
		return false
	}
	const look = 8 // lines, so that a broken first record does not decide
	for range look {
		line, rest, more := bytes.Cut(text, newline)
		if line = bytes.TrimRight(line, " \t\r"); len(line) > 0 && line[0] == '{' && nestEnd(line, 0) == len(line) {
			return true
		}
		if text = rest; !more {
			break
		}
	}
	return false
}

// fill reads until the buffer is full; it grows when what was carried over leaves no room.
func fill(in io.Reader, buf []byte) ([]byte, error) {
	if buf == nil {
		buf = buffer()
	}
	if cap(buf)-len(buf) < blockSize/2 {
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
	for len(buf) < cap(buf) {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// unpack takes gz and a byte order mark off. done must be called in any case.
func unpack(src io.Reader) (in *bufio.Reader, done func(), err error) {
	done = func() {}
	in = bufio.NewReaderSize(src, 32<<10)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z := unzippers.Get().(*gzip.Reader)
		done = func() { unzippers.Put(z) }
		if err := z.Reset(in); err != nil {
			return nil, done, fmt.Errorf("unpack gz: %w", err)
		}
		in = bufio.NewReader(z)
	}
	if head, _ := in.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, err = in.Discard(3)
	}
	return in, done, err
}

var unzippers = sync.Pool{New: func() any { return new(gzip.Reader) }}
