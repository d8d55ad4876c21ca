package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

func file(name string, content []byte) cloudtrail.File {
	return cloudtrail.File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// ids reads files and returns the ids of all records, in order.
func ids(t testing.TB, files ...cloudtrail.File) ([]string, cloudtrail.Stats) {
	t.Helper()
	var got []string
	stats, err := cloudtrail.Read(context.Background(), files, takeID, func(id string) error {
		got = append(got, id)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, stats
}

func takeID(raw []byte) (string, bool, error) {
	r, err := cloudtrail.Decode(raw)
	return r.EventID, err == nil, err
}

func record(id string) string {
	return `{"eventVersion":"1.11","eventID":"` + id + `","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"a":"} ] \" \\","tags":[{"key":"{"}]}}`
}

func pretty(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "    "); err != nil {
		panic(err)
	}
	return b.String()
}

func zip(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		io.WriteString(z, p)
		z.Close()
	}
	return b.Bytes()
}

func TestReadTakesEveryLayout(t *testing.T) {
	a, b, c := record("a"), record("b"), record("c")
	list := `{"Records":[` + a + "," + b + "," + c + "]}"
	for name, content := range map[string]string{
		"a delivery":                         list,
		"a delivery, pretty-printed":         pretty(list),
		"a delivery, one record a line":      "{\"Records\": [\n" + a + ",\n" + b + ",\n" + c + "\n]}\n",
		"a delivery after a byte order mark": "\xef\xbb\xbf" + list,
		"one a line":                         a + "\n" + b + "\n" + c + "\n",
		"one a line, without the last break": a + "\n" + b + "\n" + c,
		"one a line, with carriage returns":  a + "\r\n" + b + "\r\n" + c + "\r\n",
		"one a line, with blank lines":       "\n" + a + "\n\n  \n" + b + "\n" + c + "\n\n",
		"one a line after a byte order mark": "\xef\xbb\xbf" + a + "\n" + b + "\n" + c,
		"one a line, indented":               "  " + a + "\n\t" + b + "\n " + c + " \n",
		"deliveries, one a line":             `{"Records":[` + a + "]}\n" + `{"Records":[` + b + "," + c + "]}\n",
		"deliveries, end to end":             `{"Records":[` + a + `]}{"Records":[` + b + "," + c + "]}",
		"a delivery among lines":             a + "\n" + `{"Records":[` + b + "," + c + "]}\n",
		"a list":                             "[" + a + "," + b + "," + c + "]",
		"records pretty-printed in a row":    pretty(a) + "\n" + pretty(b) + "\n" + pretty(c),
		"an empty delivery before":           `{"Records":[]} {"Records":null} ` + list,
		"gz":                                 string(zip(list)),
		"gz, one a line":                     string(zip(a + "\n" + b + "\n" + c + "\n")),
		"gz in members":                      string(zip(a+"\n", b+"\n"+c+"\n")),
		"gz in members that cut a record":    string(zip(list[:50], list[50:])),
		"gz with a byte order mark":          string(zip("\xef\xbb\xbf" + list)),
		"gz of deliveries, member by member": string(zip(`{"Records":[`+a+"]}", `{"Records":[`+b+","+c+"]}")),
	} {
		t.Run(name, func(t *testing.T) {
			got, stats := ids(t, file("f", []byte(content)))
			if d := cmp.Diff([]string{"a", "b", "c"}, got); d != "" || stats.BadCount != 0 || stats.Records != 3 {
				t.Errorf("%s%+v", d, stats)
			}
		})
	}
	for name, content := range map[string]string{"empty": "", "only blanks": " \n\n", "gz of nothing": string(zip("")), "no records": `{"Records":[]}`} {
		t.Run(name, func(t *testing.T) {
			if got, stats := ids(t, file("f", []byte(content))); len(got) != 0 || stats.BadCount != 0 || stats.Files != 1 {
				t.Errorf("%v %+v", got, stats)
			}
		})
	}
}

func TestWhatCannotBeReadIsNamedAndTheRestIsRead(t *testing.T) {
	a, b, c := record("a"), record("b"), record("c")
	huge := `{"eventVersion":"1.11","eventID":"huge","eventName":"` + strings.Repeat("x", cloudtrail.MaxRecord) + `"}`
	unquoted := strings.Replace(b, `"eventSource"`, `"eventSource`, 1)
	cutGz := zip(strings.Repeat(a+"\n", 20_000))
	for name, tc := range map[string]struct {
		content string
		want    string // ids
		records int
		bad     string // of the one that is named
	}{
		"a line of text":                {a + "\nhello\n" + c + "\n", "ac", 3, "f:2 (byte %d): not a JSON object"},
		"a first line of text":          {"# exported\n" + a + "\n" + c + "\n", "ac", 3, "f:1 (byte 0): not a JSON object"},
		"a broken line":                 {a + "\n" + unquoted + "\n" + c + "\n", "ac", 3, "f:2 (byte %d): decode record: broken JSON at byte 51"},
		"half a line at the end":        {a + "\n" + c + "\n" + b[:60], "ac", 3, "f:3 (byte %d): not a JSON object"},
		"a line that is no record":      {a + "\n" + `{"x":1}` + "\n" + c, "ac", 3, "f:2 (byte %d): not a CloudTrail record"},
		"a huge line":                   {a + "\n" + huge + "\n" + c + "\n", "ac", 3, "f:2 (byte %d): record is larger than 4 MiB"},
		"a huge first line":             {huge + "\n" + a + "\n" + c + "\n", "ac", 3, "f:1 (byte 0): record is larger than 4 MiB"},
		"a huge line of many blocks":    {a + "\n" + strings.Repeat(huge, 3) + "\n" + c + "\n", "ac", 3, "f:2 (byte %d): record is larger than 4 MiB"},
		"a huge record in a delivery":   {`{"Records":[` + a + "," + huge + "," + c + "]}", "ac", 3, "f:1 (byte %d): record is larger than 4 MiB"},
		"a broken record in a delivery": {`{"Records":[` + a + "," + unquoted + "," + c + "]}", "ac", 3, "f:1 (byte %d): decode record: broken JSON"},
		"a word in a delivery":          {`{"Records":[` + a + `,"hello",` + c + "]}", "ac", 3, "f:1 (byte %d): not a JSON object"},
		"a delivery cut in a record":    {`{"Records":[` + a + "," + c + "," + b[:60], "ac", 3, "f:1 (byte %d): the file ends inside this record"},
		"a delivery cut between":        {`{"Records":[` + a + "," + c + ",", "ac", 2, "f:1 (byte %d): the file ends before its list of records does"},
		"a pretty record, broken":       {pretty(`{"Records":[` + a + "]}")[:0] + "{\"Records\": [\n" + pretty(a) + ",\n" + strings.Replace(pretty(b), `"eventSource"`, `"eventSource`, 1) + ",\n" + pretty(c) + "\n]}", "ac", 3, "f:"},
		"a gz cut short":                {string(cutGz[:len(cutGz)-20]), "", -1, "the file ends early: unexpected EOF"},
		"not gz after all":              {"\x1f\x8bhello", "", 0, "f: unpack gz: "},
		"text":                          {"hello", "", 1, "f:1 (byte 0): not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, stats := ids(t, file("f", []byte(tc.content)))
			if tc.records == -1 { // what was read of the gz counts
				if len(got) < 10_000 || stats.Records != len(got) {
					t.Errorf("%d records kept of %d read", len(got), stats.Records)
				}
			} else if strings.Join(got, "") != tc.want || stats.Records != tc.records {
				t.Errorf("got %q of %d records, want %q of %d", got, stats.Records, tc.want, tc.records)
			}
			if stats.BadCount != 1 || len(stats.Bad) != 1 {
				t.Fatalf("%d bad: %v", stats.BadCount, stats.Bad)
			}
			bad := stats.Bad[0]
			if want := strings.Replace(tc.bad, "%d", fmt.Sprint(bad.Offset), 1); !strings.Contains(bad.String(), want) {
				t.Errorf("named as %q, want %q", bad, want)
			}
			if start := strings.Index(tc.content, "\n"); bad.Line == 2 && start >= 0 && !strings.HasPrefix(tc.content[:start], "{\"Records") && bad.Offset != int64(start+1) {
				t.Errorf("byte %d, want %d", bad.Offset, start+1)
			}
			if strings.Contains(bad.String(), "eventSource") {
				t.Error("the name holds text of the record")
			}
		})
	}
}

func TestAFileThatCannotBeOpenedIsNamed(t *testing.T) {
	missing := cloudtrail.Path("/nonexistent/events.json")
	got, stats := ids(t, file("f", []byte(record("a"))), missing, file("g", []byte(record("b"))))
	if strings.Join(got, "") != "ab" || stats.BadCount != 1 || stats.Bad[0].Line != 0 || !strings.Contains(stats.Bad[0].String(), "/nonexistent/events.json: open") {
		t.Errorf("%v %+v", got, stats)
	}
}

// Files and the blocks of one file are read at once; what comes out is in order all the same, and lines are counted
// across blocks.
func TestOrderIsThatOfFilesAndRecords(t *testing.T) {
	const files, perFile = 7, 15_000 // 2.5 MB each
	var in []cloudtrail.File
	var want []string
	for f := range files {
		var b bytes.Buffer
		for i := range perFile {
			id := fmt.Sprintf("%d-%d", f, i)
			want = append(want, id)
			b.WriteString(record(id) + "\n")
		}
		b.WriteString("bad\n")
		content := b.Bytes()
		if f%2 == 1 {
			content = zip(b.String())
		}
		in = append(in, file(fmt.Sprint("f", f), content))
	}
	got, stats := ids(t, in...)
	if !cmp.Equal(got, want) {
		t.Errorf("%d records in another order or number than the %d written", len(got), len(want))
	}
	if stats.BadCount != files || stats.Kept != files*perFile || stats.Records != files*perFile+files {
		t.Errorf("%d bad, %d kept of %d", stats.BadCount, stats.Kept, stats.Records)
	}
	for i, bad := range stats.Bad {
		if bad.File != fmt.Sprint("f", i) || bad.Line != perFile+1 {
			t.Errorf("named as %s, want f%d:%d", bad, i, perFile+1)
		}
	}
}

func TestEveryBadRecordIsCountedAndTheFirstThousandAreNamed(t *testing.T) {
	_, stats := ids(t, file("f", []byte(record("a")+"\n"+strings.Repeat("bad\n", 200_000))))
	if stats.BadCount != 200_000 || len(stats.Bad) != cloudtrail.MaxNamed || stats.Records != 200_001 {
		t.Errorf("%d bad of %d, %d named", stats.BadCount, stats.Records, len(stats.Bad))
	}
	if last := stats.Bad[len(stats.Bad)-1]; last.Line != cloudtrail.MaxNamed+1 {
		t.Errorf("the last that is named is %s", last)
	}
}

func TestReadEndsEarlyForItsCallerOnly(t *testing.T) {
	many := file("f", []byte(strings.Repeat(record("a")+"\n", 100_000)))
	files := []cloudtrail.File{many, many, many, many, many, many, many, many}
	t.Run("an error of each", func(t *testing.T) {
		stop, n := errors.New("stop"), 0
		_, err := cloudtrail.Read(context.Background(), files, takeID, func(string) error {
			if n++; n == 10 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || n != 10 {
			t.Errorf("%v after %d records", err, n)
		}
	})
	t.Run("the end of the context", func(t *testing.T) {
		cause := errors.New("out of time")
		ctx, cancel := context.WithCancelCause(context.Background())
		_, err := cloudtrail.Read(ctx, files, takeID, func(string) error {
			cancel(cause)
			return nil
		})
		if !errors.Is(err, cause) {
			t.Errorf("%v, want the cause", err)
		}
	})
	t.Run("a context that has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := cloudtrail.Read(ctx, files, takeID, func(string) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzRead checks that nothing is dropped in silence: a reader of any bytes returns, twice the same, and what it found
// is kept or named.
func FuzzRead(f *testing.F) {
	a := record("a")
	f.Add([]byte(a + "\n" + a))
	f.Add([]byte(`{"Records":[` + a + "," + a[:40]))
	f.Add([]byte(pretty(`{"Records":[` + a + "]}")))
	f.Add(zip(a))
	f.Add([]byte(`{"eventVersion"{"eventVersion"{"eventVersion"`))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, stats := ids(t, file("f", content))
		again, second := ids(t, file("f", content))
		if d := cmp.Diff(stats, second); d != "" || !cmp.Equal(got, again) {
			t.Error("two readings differ", d)
		}
		if stats.Kept != len(got) || stats.Records > stats.Kept+stats.BadCount {
			t.Errorf("%d kept and %d bad of %d", stats.Kept, stats.BadCount, stats.Records)
		}
		if len(bytes.TrimSpace(content)) > 0 && content[0] != '{' && content[0] != '[' && content[0] != 0x1f && stats.Records == 0 && stats.BadCount == 0 &&
			len(bytes.Trim(content, "\xef\xbb\xbf \t\r\n,[]{}null")) > 0 {
			t.Error("something was dropped in silence")
		}
	})
}
