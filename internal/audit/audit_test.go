package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// written is a chain of n entries.
func written(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	l := New(&b)
	l.now = func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }
	for i := range n {
		if _, err := l.Write(Entry{Event: "command", Action: "investigate", User: "U0A", Channel: "C0A", What: "payments-api eu-west-1 <&>", Allowed: i%2 == 0, Reason: "Rule 1 allows it."}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestAChainThatNobodyTouchedHolds(t *testing.T) {
	s, err := Verify(bytes.NewReader(written(t, 5)))
	if err != nil || s.Entries != 5 || s.Refused != 2 || s.Torn != 0 || len(s.Head) != 64 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := Verify(strings.NewReader("")); err != nil || s.Entries != 0 {
		t.Errorf("an empty log: %+v, %v", s, err)
	}
}

func TestTamperingShowsAtItsLine(t *testing.T) {
	whole := written(t, 5)
	lines := bytes.SplitAfter(whole, []byte("\n"))[:5]
	join := func(ls ...[]byte) []byte { return bytes.Join(ls, nil) }
	// rewritten makes a line that is sound by itself.
	rewritten := func(i int, change func(*Entry)) []byte {
		var e Entry
		decodeEntry(t, lines[i], &e)
		change(&e)
		line, _ := e.line()
		return line
	}
	for name, tt := range map[string]struct {
		log  []byte
		line uint64
	}{
		"a changed word":             {bytes.Replace(whole, []byte(`"user":"U0A"`), []byte(`"user":"U0B"`), 1), 1},
		"a refusal made a yes":       {join(lines[0], bytes.Replace(lines[1], []byte(`"allowed":false`), []byte(`"allowed":true`), 1), lines[2]), 2},
		"a line taken out":           {join(lines[0], lines[2], lines[3]), 2},
		"the first lines taken out":  {join(lines[2:]...), 1},
		"a line twice":               {join(lines[0], lines[1], lines[1], lines[2]), 3},
		"two lines swapped":          {join(lines[0], lines[2], lines[1]), 2},
		"a space":                    {bytes.Replace(whole, []byte(`"event":`), []byte(`"event": `), 1), 1},
		"an unknown key":             {bytes.Replace(whole, []byte(`"event":`), []byte(`"x":1,"event":`), 1), 1},
		"a key twice":                {bytes.Replace(whole, []byte(`"event":`), []byte(`"user":"U0X","event":`), 1), 1},
		"an empty line":              {join(lines[0], []byte("\n"), lines[1]), 2},
		"changed and hashed anew":    {join(lines[0], rewritten(1, func(e *Entry) { e.User = "U0B" }), lines[2]), 3},
		"put in with a hash":         {join(lines[0], rewritten(1, func(e *Entry) { e.User = "U0B" }), rewritten(1, func(e *Entry) { e.Seq = 3 }), lines[3]), 3},
		"something after the object": {bytes.Replace(whole, []byte("}\n"), []byte("} {}\n"), 1), 1},
		"a very long line":           {append(bytes.Repeat([]byte("x"), maxLine+1), '\n'), 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Verify(bytes.NewReader(tt.log))
			broken, ok := errors.AsType[*BrokenError](err)
			if !ok || broken.Line != tt.line {
				t.Errorf("%v, want a break at line %d", err, tt.line)
			}
		})
	}
}

// Lines cut off the end leave a sound chain: the head's hash, kept elsewhere,
// shows it.
func TestACutEndShowsByItsHead(t *testing.T) {
	whole := written(t, 5)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	all, _ := Verify(bytes.NewReader(whole))
	cut, err := Verify(bytes.NewReader(bytes.Join(lines[:3], nil)))
	if err != nil || cut.Head == all.Head || cut.Entries != 3 {
		t.Errorf("%+v, %v", cut, err)
	}
}

// No single changed, added or missing byte goes unnoticed.
func FuzzOneByteShows(f *testing.F) {
	whole := written(f, 4)
	f.Add(17, byte('x'), uint8(0))
	f.Add(len(whole)-1, byte('x'), uint8(1))
	f.Add(0, byte('\n'), uint8(2))
	f.Fuzz(func(t *testing.T, at int, b byte, how uint8) {
		if at < 0 || at >= len(whole) {
			return
		}
		var changed []byte
		switch how % 3 {
		case 0:
			changed = bytes.Clone(whole)
			changed[at] = b
		case 1:
			changed = append(bytes.Clone(whole[:at]), whole[at+1:]...)
		case 2:
			changed = append(append(bytes.Clone(whole[:at]), b), whole[at:]...)
		}
		want, _ := Verify(bytes.NewReader(whole))
		got, err := Verify(bytes.NewReader(changed))
		if err == nil && got.Head == want.Head && got.Torn == 0 && !bytes.Equal(changed, whole) {
			t.Errorf("byte %d changed to %q unnoticed:\n%s", at, b, changed)
		}
	})
}

func TestAFileGoesOnWhereItEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var last string
	for range 3 {
		l, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if last, err = l.Write(Entry{Event: "started"}); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Error("two wrote at once")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Verify(bytes.NewReader(text)); err != nil || s.Entries != 3 || s.Head != last {
		t.Errorf("%+v, %v; the last hash was %s", s, err, last)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}

	// Killed while writing: half a line.
	if err := os.WriteFile(path, append(text, text[:40]...), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	text, _ = os.ReadFile(path)
	if s, err := Verify(bytes.NewReader(text)); err != nil || s.Entries != 4 || !bytes.Contains(text, []byte("40 bytes was cut off")) {
		t.Errorf("after recovery: %+v, %v", s, err)
	}

	if err := os.WriteFile(path, bytes.Replace(text, []byte("started"), []byte("stopped"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a broken chain was gone on with: %v", err)
	}
}

func TestSecretsAndLongTextsAreCut(t *testing.T) {
	var b bytes.Buffer
	l := New(&b)
	if _, err := l.Write(Entry{Event: "command", What: "AKIAIOSFODNN7EXAMPLE xoxb-123456-abcdef " + strings.Repeat("ü", 2000) + "\xff"}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "IOSFODNN") || strings.Contains(s, "xoxb-1") || len(s) > 2000 {
		t.Errorf("%s", s)
	}
	if _, err := Verify(&b); err != nil {
		t.Error(err)
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return len(b) / 2, errors.New("no space left on device")
	}
	return len(b), nil
}

func TestAfterAFailedWriteNothingFollows(t *testing.T) {
	to := &failing{after: 1}
	l := New(to)
	_, first := l.Write(Entry{})
	_, second := l.Write(Entry{})
	to.after = 10
	_, third := l.Write(Entry{})
	if first != nil || second == nil || third == nil {
		t.Errorf("%v, %v, %v", first, second, third)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	var b bytes.Buffer
	l := New(&b)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { l.Write(Entry{Event: "press"}) })
	}
	all.Wait()
	if s, err := Verify(&b); err != nil || s.Entries != 50 {
		t.Errorf("%+v, %v", s, err)
	}
}

func decodeEntry(t *testing.T, line []byte, e *Entry) {
	t.Helper()
	if err := json.Unmarshal(line, e); err != nil {
		t.Fatal(err)
	}
}
