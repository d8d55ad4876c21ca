// Package audit records who asked for what and what was decided: one JSON object
// a line, each holding the hash of the line before, so that a line that was
// changed, taken out, put in or moved shows.
//
// In come entries ([Log.Write], from internal/access's gate); out goes a file,
// or any writer. [Verify] in verify.go reads one back; `stsleuth audit verify`
// is its command. A chain shows tampering by whoever can't write the whole file
// anew: keep the head's hash elsewhere as well (every entry's hash is also given
// back by Write, for the program's own log), and what was cut off its end shows
// too.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/internal/redact"
)

// Entry is one thing that happened. Seq, At, Prev and Hash are filled in by Write.
type Entry struct {
	Seq           uint64    `json:"seq"` // 1 is the first
	At            time.Time `json:"at"`
	Event         string    `json:"event"`  // started, command, form, shortcut, press, recovered
	Action        string    `json:"action"` // as in internal/access
	Allowed       bool      `json:"allowed"`
	Reason        string    `json:"reason,omitempty"`
	Team          string    `json:"team,omitempty"`
	User          string    `json:"user,omitempty"`
	Channel       string    `json:"channel,omitempty"`
	Account       string    `json:"account,omitempty"`
	What          string    `json:"what,omitempty"` // what was typed or pressed, secrets cut
	Investigation string    `json:"investigation,omitempty"`
	Prev          string    `json:"prev"` // Hash of the line before, "" in the first
	Hash          string    `json:"hash"` // SHA-256 over this line with an empty hash
}

// maxText bounds what a person typed, in letters; maxLine a whole line, in bytes.
const (
	maxText = 500
	maxLine = 64 << 10
)

// line is the entry as it is written: its hash is taken over the same line
// without one.
func (e Entry) line() ([]byte, string) {
	e.Hash = ""
	sum := sha256.Sum256(encode(e))
	e.Hash = hex.EncodeToString(sum[:])
	return encode(e), e.Hash
}

func encode(e Entry) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(err) // text, numbers and a time of this millennium always encode
	}
	return b.Bytes()
}

// Log is an open audit log. Safe for concurrent use.
type Log struct {
	now func() time.Time

	mu   sync.Mutex
	to   io.Writer // guarded by mu
	sync func() error
	shut func() error
	seq  uint64 // guarded by mu
	head string // guarded by mu
	bad  error  // guarded by mu: a write failed half way, nothing may follow it
}

// New starts a chain on a writer that keeps nothing back, such as a pipe.
func New(to io.Writer) *Log {
	return &Log{now: time.Now, to: to, sync: func() error { return nil }, shut: func() error { return nil }}
}

// Open goes on with the chain in a file, or starts one. It checks the whole
// chain first, and refuses one that is broken: move the file away, it is
// evidence. The half line of a process that was killed while writing is cut and
// noted. One process writes a file: another's is refused.
func Open(path string) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	l, err := resume(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open audit log %s: %w", path, err), f.Close())
	}
	return l, nil
}

func resume(f *os.File) (*Log, error) {
	if err := lock(f); err != nil {
		return nil, err
	}
	s, err := Verify(f)
	if err != nil {
		return nil, err
	}
	l := &Log{now: time.Now, to: f, sync: f.Sync, shut: f.Close, seq: s.Entries, head: s.Head}
	if s.Torn == 0 {
		return l, nil
	}
	if err := f.Truncate(s.Bytes); err != nil {
		return nil, err
	}
	_, err = l.Write(Entry{Event: "recovered", Reason: fmt.Sprintf("An unfinished line of %d bytes was cut off: the process was killed while writing it.", s.Torn)})
	return l, err
}

// Write adds an entry and returns its hash. When it returns, the entry is on
// disk. After an error nothing more can be written.
func (l *Log) Write(e Entry) (hash string, err error) {
	e.What, e.Reason = clip(e.What), clip(e.Reason)
	for _, s := range []*string{&e.Event, &e.Action, &e.Team, &e.User, &e.Channel, &e.Account, &e.Investigation} {
		*s = clip(*s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad != nil {
		return "", l.bad
	}
	e.Seq, e.Prev, e.At = l.seq+1, l.head, l.now().UTC().Truncate(time.Millisecond)
	line, hash := e.line()
	_, err = l.to.Write(line)
	if err == nil {
		err = l.sync()
	}
	if err != nil {
		l.bad = fmt.Errorf("write audit log: %w", err)
		return "", l.bad
	}
	l.seq, l.head = e.Seq, hash
	return hash, nil
}

// clip cuts secrets, what is not text, and what is too long.
func clip(s string) string {
	s = redact.String(strings.ToValidUTF8(s, "�"))
	if r := []rune(s); len(r) > maxText {
		s = string(r[:maxText]) + "…"
	}
	return s
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad = errors.New("write audit log: it is closed")
	return l.shut()
}
