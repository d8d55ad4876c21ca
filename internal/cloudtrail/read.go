package cloudtrail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
)

// File is one source of records. What it holds shows in its bytes, not in its name: {"Records":[…]} in any layout, a
// list of records, or one record a line, each plain or gz (also several gz members one after the other).
type File struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Path is a file of the file system.
func Path(name string) File {
	return File{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }}
}

// Stats is what reading came to. Every record that was found is counted; every one that could not be read is named.
type Stats struct {
	Files    int
	Bytes    int64 // unpacked
	Records  int   // found, good and bad
	Kept     int
	BadCount int
	Bad      []Bad // the first MaxNamed of BadCount
}

// Bad names a record, or a file's rest, that could not be read. It never holds the record's text.
type Bad struct {
	File   string
	Line   int   // from 1; 0 when the whole file is meant
	Offset int64 // in the unpacked file
	Reason string
}

func (b Bad) String() string {
	if b.Line == 0 {
		return fmt.Sprintf("%s: %s", b.File, b.Reason)
	}
	return fmt.Sprintf("%s:%d (byte %d): %s", b.File, b.Line, b.Offset, b.Reason)
}

const (
	// MaxRecord is the size in bytes above which a record is bad. CloudTrail's own limit is 1 MB for an event.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
	MaxRecord = 4 << 20

	// MaxNamed is how many bad records are named; the others are only counted.
	MaxNamed = 1000

	// blockSize is how much is cut and taken at a time: large enough that handing over costs nothing, small enough
	// that the blocks on their way fit into the processor's cache.
	blockSize = 1 << 20
)

// Take looks at one raw record and says whether it is wanted, and as what. It is called from several goroutines. An
// error makes the record a bad one. The value may refer to raw until it has been given to each.
type Take[T any] func(raw []byte) (value T, wanted bool, err error)

// Read streams every record of the files through take, several at once, and gives what was wanted to each, one at a
// time, in the order of files and of records in them. A bad record or file is counted and named in Stats and the rest is
// read; only ctx and an error of each end Read early. Memory stays at a few blocks, whatever the files' sizes.
//
// One goroutine a file unpacks and cuts blocks of whole records, and as many goroutines as there are processors take
// from blocks, so that both one large file and many small ones keep all processors busy.
func Read[T any](ctx context.Context, files []File, take Take[T], each func(T) error) (Stats, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	processors := runtime.GOMAXPROCS(0)
	work := make(chan *block[T])
	running := make(chan *reading[T], processors)

	var takers, cutters sync.WaitGroup
	for range processors {
		takers.Go(func() {
			for b := range work {
				b.take(take)
				close(b.done)
			}
		})
	}
	cutters.Go(func() {
		defer close(running)
		for _, f := range files {
			r := &reading[T]{name: f.Name, blocks: make(chan *block[T], processors+1)}
			select {
			case running <- r: // waits while enough files are open
			case <-ctx.Done():
				return
			}
			cutters.Go(func() { r.cut(ctx, f, work) })
		}
	})

	stats, err := collect(ctx, running, each)
	cancel()
	cutters.Wait()
	close(work)
	takers.Wait()
	return stats, err
}

// collect gives what the takers kept to each, in order.
func collect[T any](ctx context.Context, running <-chan *reading[T], each func(T) error) (Stats, error) {
	var stats Stats
	for r := range running {
		stats.Files++
		line := 1
		for b := range r.blocks {
			select {
			case <-b.done:
			case <-ctx.Done():
				return stats, context.Cause(ctx)
			}
			stats.Bytes += int64(len(b.buf))
			stats.Records += b.records
			stats.BadCount += b.badCount
			for _, bad := range b.bad {
				if len(stats.Bad) == MaxNamed {
					break
				}
				bad.File, bad.Line = r.name, max(0, bad.Line+line)
				stats.Bad = append(stats.Bad, bad)
			}
			line += b.breaks
			for _, v := range b.values {
				stats.Kept++
				if err := each(v); err != nil {
					return stats, err
				}
			}
			b.free()
		}
	}
	return stats, context.Cause(ctx)
}

// block is a piece of a file that holds whole records.
type block[T any] struct {
	buf    []byte
	offset int64 // of buf in the unpacked file
	lines  bool  // one record a line, beginning at from
	from   int
	spans  []span
	done   chan struct{} // closed when all below is filled in

	records  int
	breaks   int   // line breaks in buf
	bad      []Bad // the first of badCount; Line counts from the block's first
	badCount int
	values   []T
}

// wholeFile in Bad.Line becomes line 0, whichever line the block begins at.
const wholeFile = math.MinInt

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, blockSize); return &b }}

func buffer() []byte { return (*buffers.Get().(*[]byte))[:0] }

// free gives the buffer back. One that grew for a giant record is left to the collector.
func (b *block[T]) free() {
	if cap(b.buf) == blockSize {
		buffers.Put(&b.buf)
	}
}

func (b *block[T]) take(take Take[T]) {
	if b.lines {
		b.takeLines(take)
		return
	}
	for _, s := range b.spans {
		b.takeOne(take, s)
	}
	b.breaks = bytes.Count(b.buf, newline)
}

var newline = []byte{'\n'}

func (b *block[T]) takeLines(take Take[T]) {
	b.breaks = bytes.Count(b.buf[:b.from], newline)
	for from, next := b.from, 0; from < len(b.buf); from = next {
		to := len(b.buf)
		if n := bytes.IndexByte(b.buf[from:], '\n'); n >= 0 {
			to = from + n
			b.breaks++
		}
		next = to + 1
		for from < to && blank(b.buf[from]) {
			from++
		}
		for from < to && blank(b.buf[to-1]) {
			to--
		}
		switch {
		case from == to:
		case b.buf[from] != '{' || b.buf[to-1] != '}':
			b.fault(fault{from, noObject, true})
		case to-from > MaxRecord:
			b.fault(fault{from, tooLarge, true})
		case envelope(b.buf[from:to]) > 0: // a whole delivery on a line of its own
			b.takeFramed(take, span{from, to})
		default:
			b.takeOne(take, span{from, to})
		}
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// takeFramed takes the records that a framer finds in a part of the block.
func (b *block[T]) takeFramed(take Take[T], part span) {
	p := new(framer).frame(b.buf[:part.to], part.from, true)
	b.fault(p.faults...)
	for _, s := range p.spans {
		b.takeOne(take, s)
	}
}

func (b *block[T]) takeOne(take Take[T], s span) {
	v, wanted, err := take(b.buf[s.from:s.to:s.to])
	if err != nil {
		b.fault(fault{s.from, err.Error(), true})
		return
	}
	b.records++
	if wanted {
		b.values = append(b.values, v)
	}
}

// fault counts what is wrong in the block and names the first of it.
func (b *block[T]) fault(faults ...fault) {
	for _, f := range faults {
		if f.record {
			b.records++
		}
		b.badCount++
		if len(b.bad) < MaxNamed {
			b.bad = append(b.bad, Bad{
				Line:   bytes.Count(b.buf[:f.at], newline),
				Offset: b.offset + int64(f.at),
				Reason: f.reason,
			})
		}
	}
}
