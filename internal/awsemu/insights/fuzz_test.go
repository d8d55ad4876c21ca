package insights

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var seeds = []string{
	"fields @timestamp, a.b.0 as x | filter x = 1 and not y like /z/ or q in [1, 'a', -2] | sort x desc | limit 5",
	"stats count(*) as c, sum(n)/2, pct(n, 95), latest(a) by bin(5m), a | filter c > 1 | stats max(c) by a",
	"parse @message \"[*] *\" as level, `x-y` | dedup level | limit any 3",
	"parse /(?<a>.)(?<b>x)?/ | display a, b, coalesce(b, a), substr(a, 0, 1) # comment",
	"fields jsonParse(@message) as j | display j.a[0].`b`, jsonStringify(j), dateceil(fromMillis(n), 1q), 1/0, 2^-1",
	"filter errorCode = 'x' and ispresent(a.b) | display errorCode, isIpInSubnet(a, '10.0.0.0/8')",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		_, err := Parse(query)
		var compile *CompileError
		if err != nil && (!errors.As(err, &compile) || compile.Start < 0 || compile.Start > compile.End || compile.End > utf8.RuneCountInString(query)) {
			t.Fatalf("Parse(%q) = %#v", query, err)
		}
	})
}

// FuzzRun runs whatever compiles, twice: the second time without the look at
// the raw message, which may not change the answer.
func FuzzRun(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, `{"a":{"b":[1,"x",null]},"n":-1e3,"errorCode":"x"}`, "[x] 10.0.0.1")
	}
	f.Fuzz(func(t *testing.T, query, first, second string) {
		q, err := Parse(query)
		if err != nil {
			return
		}
		events := eventsOf(first, second, first+second, `{"a":`+first+`}`)
		rows, stats, err := q.Run(t.Context(), slices.Values(events), 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range q.steps {
			if s, ok := s.(filterStep); ok {
				s.cond.maybe = nil
				q.steps[i] = s
			}
		}
		again, againStats, err := q.Run(t.Context(), slices.Values(events), 0)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(rows, again) || stats != againStats {
			t.Fatalf("query %q\nwith the raw look    %v %+v\nwithout the raw look %v %+v", query, rows, stats, again, againStats)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	filler := strings.Repeat(`"k%":"0123456789abcdef",`, 50)
	var messages []string
	for i := range 1000 {
		code := ""
		if i%10 == 0 {
			code = `"errorCode":"ExpiredTokenException",`
		}
		messages = append(messages, `{"eventSource":"sts.amazonaws.com",`+filler+code+`"eventName":"AssumeRole","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/r/s"}}`)
	}
	events := eventsOf(messages...)
	for name, query := range map[string]string{
		"rare":  `filter errorCode = "ExpiredTokenException" | fields @timestamp, userIdentity.arn`,
		"stats": `stats count(*) as c by bin(5m), eventName, errorCode`,
		"regex": `filter @message like /(?i)expired ?token/ | stats count(*)`,
		"all":   `fields @timestamp, eventName, userIdentity.arn | sort eventName | limit 100`,
	} {
		b.Run(name, func(b *testing.B) {
			q, err := Parse(query)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := q.Run(b.Context(), slices.Values(events), 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/event")
		})
	}
}
