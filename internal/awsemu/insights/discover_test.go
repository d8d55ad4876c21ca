package insights

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// flatten is a second way to the fields of a message, by encoding/json.
func flatten(prefix string, v any, fields map[string]string) {
	join := func(part string) string {
		if prefix == "" && strings.HasPrefix(part, "@") {
			return "@" + part
		}
		if prefix == "" {
			return part
		}
		return prefix + "." + part
	}
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			flatten(join(k), member, fields)
		}
	case []any:
		for i, item := range v {
			flatten(join(fmt.Sprint(i)), item, fields)
		}
	case nil:
	default:
		fields[prefix] = fmt.Sprint(v)
	}
}

// TestFieldsOfRealRecords compares every field of published CloudTrail records
// with what encoding/json finds in them.
func TestFieldsOfRealRecords(t *testing.T) {
	for _, name := range []string{"cloudtrail-sts.jsonl", "cloudtrail-iam.jsonl", "cloudtrail-related-errors.jsonl"} {
		file, err := os.Open("../../../../shared/data/" + name)
		if os.IsNotExist(err) {
			t.Skip("no recorded events here: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<22)
		for n := 1; lines.Scan(); n++ {
			var line struct {
				Record json.RawMessage `json:"record"`
			}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			var decoded map[string]any
			d := json.NewDecoder(strings.NewReader(string(line.Record)))
			d.UseNumber()
			if err := d.Decode(&decoded); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			flatten("", decoded, want)
			if len(want) > MaxFields {
				continue
			}
			found := discovery{wanted: map[string]int{}}
			names := make([]string, 0, len(want))
			for field := range want {
				found.wanted[field] = len(names)
				names = append(names, field)
			}
			slots := make([]value, len(names))
			found.fill(string(line.Record), slots)
			for i, field := range names {
				if got := slots[i].string(); got != want[field] {
					t.Errorf("%s:%d: %s is %q, want %q", name, n, field, got, want[field])
				}
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenJSONHasNoFields(t *testing.T) {
	for _, message := range []string{
		``, `{`, `{"a":1`, `{"a":1}}`, `{"a":1} x`, `[{"a":1}]`, `"a"`, `x {"a":1}`, `{"a":01}`, strings.Repeat(`{"a":`, 20_000),
	} {
		rows, _ := run(t, "fields a, ispresent(a) as there", message)
		if got := show(rows); got != "there=0" {
			t.Errorf("%.20q: got %s", message, got)
		}
	}
}

// Each of these commands doubles a text: 100 of them would fill any memory.
func TestTextDoesNotGrowWithoutBound(t *testing.T) {
	query := "fields @message as a"
	for range 100 {
		query += " | fields concat(a, a) as a"
	}
	rows, _ := run(t, query+` | display a, replace("xx", "x", @message) as r`, strings.Repeat("m", maxText))
	if got := show(rows); got != "" {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestQueryRunsConcurrently(t *testing.T) {
	q, err := Parse("fields n + 1 as m | filter n > 1 | sort m | display m")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			rows, _, err := q.Run(t.Context(), slices.Values(eventsOf(trail...)), 0)
			if err != nil || show(rows) != "m=4\nm=21" {
				t.Errorf("got %s, %v", show(rows), err)
			}
		})
	}
	wg.Wait()
}
