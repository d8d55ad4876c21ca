package insights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// start is the time of the first event; each later one comes a minute after.
var start = time.Date(2026, 11, 2, 10, 1, 30, 195e6, time.UTC)

func eventsOf(messages ...string) []Event {
	events := make([]Event, len(messages))
	for i, m := range messages {
		at := start.Add(time.Duration(i) * time.Minute)
		events[i] = Event{
			Timestamp: at, Ingestion: at.Add(time.Second), LogStream: "stream", Log: "111122223333:/trail",
			Message: told{text: m, ptr: fmt.Sprintf("ptr%d", i)},
		}
	}
	return events
}

// told is a message that is there.
type told struct{ text, ptr string }

func (m told) Size() int           { return len(m.text) }
func (m told) Text() string        { return m.text }
func (m told) Ptr() string         { return m.ptr }
func (m told) Known(string) string { return "" }

// show writes rows one a line, "name=value | name=value", without @ptr.
func show(rows []Row) string {
	var lines []string
	for _, row := range rows {
		var fields []string
		for _, f := range row {
			if f.Name != "@ptr" {
				fields = append(fields, f.Name+"="+f.Value)
			}
		}
		lines = append(lines, strings.Join(fields, " | "))
	}
	return strings.Join(lines, "\n")
}

func run(t *testing.T, query string, messages ...string) ([]Row, Stats) {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("Parse(%q): %v", query, err)
	}
	rows, stats, err := q.Run(t.Context(), slices.Values(eventsOf(messages...)), 0)
	if err != nil {
		t.Fatal(err)
	}
	return rows, stats
}

// trail are four CloudTrail-like records.
var trail = []string{
	`{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"durationSeconds":3600},"resources":[{"ARN":"arn:a"},{"ARN":"arn:b"}],"n":1}`,
	`{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied","requestParameters":{"durationSeconds":43200},"n":20}`,
	`{"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"ExpiredToken","readOnly":true,"requestParameters":null,"n":"3"}`,
	`not JSON: errorCode ExpiredToken`,
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		messages    []string
		want        string
	}{
		{"no fields: time and message, newest first", "limit 2", []string{"a", "b", "c"},
			"@timestamp=2026-11-02 10:03:30.195 | @message=c\n@timestamp=2026-11-02 10:02:30.195 | @message=b"},
		{"system fields", "fields @log, @logStream, @ingestionTime", []string{"a"},
			"@log=111122223333:/trail | @logStream=stream | @ingestionTime=2026-11-02 10:01:31.195"},
		{"several fields commands add up, in the order of the query", "fields n | fields eventName, n", trail[:1],
			"n=1 | eventName=AssumeRole"},
		{"the last display wins", "fields n | display eventName | display eventSource, n", trail[:1],
			"eventSource=sts.amazonaws.com | n=1"},
		{"a missing field is absent", "fields errorCode, n | sort n", trail[:1], "n=1"},
		{"aliases and expressions are named as written", "fields n*2 as double, n + 1,  strlen( eventName )", trail[:1],
			"double=2 | n + 1=2 | strlen( eventName )=10"},
		{"an alias of an alias", "fields n as a | fields a + 1 as b | filter b = 2 | display b", trail, "b=2"},
		{"comments to the end of the line", "fields n # the number\n# | filter n = 1\n| limit 1", trail[:1], "n=1"},
		{"keywords in capitals", "FIELDS n | FILTER n > 5 AND NOT ISPRESENT(x) | SORT n DESC", trail, "n=20"},
		{"names in backticks", "fields `foo-bar`, `x.y-z` as xyz", []string{`{"foo-bar":1,"x":{"y-z":2}}`}, "foo-bar=1 | xyz=2"},
		{"minus outside of backticks subtracts", "fields foo-bar as d", []string{`{"foo":5,"bar":3}`}, "d=2"},

		// Discovered fields.
		{"dots and indexes", "fields requestParameters.durationSeconds as d, resources.1.ARN as arn", trail[:1], "d=3600 | arn=arn:b"},
		{"only leaves are fields", "fields requestParameters, resources, resources.0, n", trail[:1], "n=1"},
		{"null is missing", "fields ispresent(requestParameters) as p, n", trail[2:3], "p=0 | n=3"},
		{"booleans of JSON", "fields readOnly | filter readOnly", trail, "readOnly=true"},
		{"keys with @ get another", "fields @@a, x.@b", []string{`{"@a":1,"x":{"@b":2}}`}, "@@a=1 | x.@b=2"},
		{"a message that is not JSON has no fields", "fields n, @message", trail[3:], "@message=" + trail[3]},
		{"escapes in JSON", `fields a | filter a = "x/y" and ispresent(a)`, []string{`{"\u0061":"x\/y"}`}, "a=x/y"},
		{"numbers keep their digits", "fields a, b, c", []string{`{"a":123456789012345678901,"b":1.50,"c":1e3}`}, "a=123456789012345678901 | b=1.50 | c=1e3"},

		// Filters.
		{"equality", `filter errorCode = "AccessDenied" | display n`, trail, "n=20"},
		{"difference keeps what lacks the field", `filter errorCode != "AccessDenied" | display @message`, trail,
			"@message=" + trail[3] + "\n@message=" + trail[2] + "\n@message=" + trail[0]},
		{"order does not keep what lacks the field", `filter n > 0 | stats count(*) as c`, trail, "c=3"},
		{"not like keeps what lacks the field", `filter errorCode not like "Denied" | stats count(*) as c`, trail, "c=3"},
		{"not in keeps what lacks the field", `filter errorCode not in ["AccessDenied", "x"] | stats count(*) as c`, trail, "c=3"},
		{"text that looks like a number is one", `filter n = 3 | display n`, trail, "n=3"},
		{"numbers compare as numbers", `filter requestParameters.durationSeconds > 9000 | display n`, trail, "n=20"},
		{"text equals a number", `filter errorCode = "403" | display errorCode`, []string{`{"errorCode":403}`}, "errorCode=403"},
		{"long identifiers are not rounded", `filter a = "12345678901234567890" | display a`,
			[]string{`{"a":"12345678901234567891"}`, `{"a":"12345678901234567890"}`}, "a=12345678901234567890"},
		{"in takes strings and numbers", `filter n in [1, "3"] | sort n | display n`, trail, "n=1\nn=3"},
		{"in takes whole values", `filter errorCode in ["Access", "ExpiredToken"] | display errorCode`, trail, "errorCode=ExpiredToken"},
		{"like a substring", `filter @message like "ExpiredToken" | stats count(*) as c`, trail, "c=2"},
		{"like minds the case", `filter @message like "expiredtoken" | stats count(*) as c`, trail, ""},
		{"like a regular expression", `filter @message like /(?i)expired.?token/ | stats count(*) as c`, trail, "c=2"},
		{"match operator with both", `filter @message =~ /^not/ and @message =~ "JSON" | display @message`, trail, "@message=" + trail[3]},
		{"slash in a regular expression", `filter @message like /a\/b/`, []string{"a/b"}, "@timestamp=2026-11-02 10:01:30.195 | @message=a/b"},
		{"not binds closer than and, and than or", `filter not n = 1 and n = 20 or n = 3 | sort n | display n`, trail, "n=3\nn=20"},
		{"parentheses", `filter n = 1 and (n = 1 or n = 20) | display n`, trail, "n=1"},
		{"human-readable times are not compared", `filter @timestamp > "2020-01-01"`, trail, ""},
		{"times in milliseconds are", `filter toMillis(@timestamp) < 1793613750195 | display @timestamp`, trail[:2], "@timestamp=2026-11-02 10:01:30.195"},

		{"escapes in strings", `fields "a\"b" as a, 'c\'d' as b, "e\\f" as c, "\d" as d | filter @message like "x\ty\nz"`, []string{"x\ty\nz"}, `a=a"b | b=c'd | c=e\f | d=\d`},
		{"truth of functions and of JSON", `filter ispresent(readOnly) = true and readOnly = true and readOnly != false | display n`, trail, "n=3"},
		{"maps compare with nothing", `fields jsonParse(@message) as j | filter j.requestParameters != 1 or j = "x" | display n`, trail[:1], ""},

		// Arithmetic: the documentation's 2^3 and 10%3.
		{"arithmetic", `fields 2 ^ 3 as p, 10 % 3 as m, 1 + 2 * 3 as b, (1 + 2) * 3 as q, 7 / 2 as d, -2 ^ 2 as u, 1 / 0 as z`, []string{"x"},
			"p=8 | m=1 | b=7 | q=9 | d=3.5 | u=-4"},
		{"arithmetic on text is missing", `fields @message + 1 as x, 1 as one`, []string{"x"}, "one=1"},

		{"a regular expression is part of the name", "fields @message like /x y/, 1 as one", []string{"x"}, "@message like /x y/=0 | one=1"},
		{"a column by its text is part of a name", "stats count(*) by @message | fields count( *) + 1", []string{"x"}, "@message=x | count(*)=1 | count( *) + 1=2"},

		// Functions, with the documentation's examples where it has some:
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
		{"trim white space or characters", `fields trim("  x ") as a, ltrim("xyZxyfooxyZ","xyZ") as b, rtrim("xyZfooxyxyZ","xyZ") as c, trim("xyZxyfooxyxyZ","xyZ") as d`,
			[]string{"x"}, "a=x | b=fooxyZ | c=xyZfoo | d=foo"},
		{"substr and replace", `fields substr("xyZfooxyZ",3, 3) as a, substr("xyZfooxyZ", 6) as b, replace("foo","o","0") as c, substr("x", 5, 2) as d`, []string{"x"},
			"a=foo | b=xyZ | c=f00 | d="},
		{"strings", `fields concat(@message, '-', 1) as a, strlen("äö") as b, toupper("a") as c, tolower("B") as d, strcontains("abc", "b") as e, strcontains("abc", "B") as f, strcontains("abc", "B", true) as g`,
			[]string{"x"}, "a=x-1 | b=2 | c=A | d=b | e=1 | f=0 | g=1"},
		{"nothing there", `fields ispresent(a) as p, isPresent(x) as q, coalesce(x, a, "z") as c, isempty(x) as e, isempty(b) as f, isblank(s) as g, isempty(s) as h`,
			[]string{`{"a":"A","b":"","s":" "}`}, "p=1 | q=0 | c=A | e=1 | f=1 | g=1 | h=0"},
		{"a missing argument makes a missing result", `fields strlen(x) as a, concat(x, "b") as b, abs(x) as c, strcontains(x, "a") as d`, []string{`{}`}, "d=0"},
		{"numbers", `fields abs(-2) as a, ceil(1.2) as b, floor(-1.2) as c, greatest(1, 3, 2) as d, least(1, 3, -2) as e, sqrt(16) as f, log(1) as g, sqrt(-1) as h`,
			[]string{"x"}, "a=2 | b=2 | c=-2 | d=3 | e=-2 | f=4 | g=0"},
		{"times", `fields fromMillis(0) as a, toMillis(@timestamp) as b, datefloor(@timestamp, 1h) as c, dateceil(@timestamp, 1h) as d, bin(5m)`, []string{"x"},
			"a=1970-01-01 00:00:00.000 | b=1793613690195 | c=2026-11-02 10:00:00.000 | d=2026-11-02 11:00:00.000 | bin(5m)=2026-11-02 10:00:00.000"},
		{"units of time", `fields bin(1d) as d, bin(1w) as w, bin(1mo) as mo, bin(2q) as q, bin(1y) as y, bin(10secs) as s, bin(2hrs) as h, bin(100ms) as ms, dateceil(@timestamp, 1month) as c`, []string{"x"},
			"d=2026-11-02 00:00:00.000 | w=2026-10-29 00:00:00.000 | mo=2026-11-01 00:00:00.000 | q=2026-07-01 00:00:00.000 | y=2026-01-01 00:00:00.000 | s=2026-11-02 10:01:30.000 | h=2026-11-02 10:00:00.000 | ms=2026-11-02 10:01:30.100 | c=2026-12-01 00:00:00.000"},
		{"a bin of 300 seconds is one of 60", `fields bin(300s) as b`, []string{"x"}, "b=2026-11-02 10:01:00.000"},
		{"a ceiling at its own time stays", `fields dateceil(fromMillis(3600000), 1h) as c`, []string{"x"}, "c=1970-01-01 01:00:00.000"},
		{"addresses", `fields isValidIp("10.0.0.1") as a, isValidIpV6("10.0.0.1") as b, isIpInSubnet("2001:db8::1", "2001:db8::/32") as c, isIpv4InSubnet("192.0.3.1", "192.0.2.0/24") as d, isValidIpV4(x) as e`,
			[]string{"x"}, "a=1 | b=0 | c=1 | d=0 | e=0"},
		{"parsed JSON", "fields jsonParse(@message) as j | filter j.users[1].action = \"PutData\" | display j.users[1].`user.id` as u, jsonStringify(j.l) as l, toupper(j) as t, j.l = j.l as same",
			[]string{`{"users":[{},{"action":"PutData","user.id":7}],"l":[1]}`}, "u=7 | l=[1] | same=0"},

		// parse, with the documentation's log line.
		{"glob", `parse @message "[*] * The error was: *" as level, config, exception | display level, config, exception`,
			[]string{`25 May 2019 10:24:39,474 [ERROR] {foo=2, bar=data} The error was: DataIntegrityException`},
			"level=ERROR | config={foo=2, bar=data} | exception=DataIntegrityException"},
		{"regular expression with names", `parse @message /\[(?<level>\S+)\]\s+(?<config>\{.*\})\s+The error was: (?<exception>\S+)/ | display level, config, exception`,
			[]string{`25 May 2019 10:24:39,474 [ERROR] {foo=2, bar=data} The error was: DataIntegrityException`},
			"level=ERROR | config={foo=2, bar=data} | exception=DataIntegrityException"},
		{"glob from the beginning", `parse @message "* *" as a, b | display a, b`, []string{"x y z"}, "a=x | b=y z"},
		{"a glob that does not match makes no fields", `parse @message "a=*;" as a | display a, @message`, []string{"a=1"}, "@message=a=1"},
		{"a group that takes no part is missing", `parse /(?<a>x)|(?<b>y)/ | display a, b`, []string{"y"}, "b=y"},
		{"parsed numbers are numbers", `parse @message "took * ms" as took | filter took > 9 | display took`, []string{"took 10 ms", "took 9 ms"}, "took=10"},
		{"parse of a discovered field", `parse arn "*/*" as x, session | filter session like /s/ | display session`, []string{`{"arn":"role/s1"}`}, "session=s1"},

		// stats
		{"count", "stats count(*), count(errorCode) as errors, count()", trail, "count(*)=4 | errors=2 | count()=4"},
		{"by a field; its absence is a group too", "stats count(*) as c by errorCode", trail,
			"c=2\nerrorCode=AccessDenied | c=1\nerrorCode=ExpiredToken | c=1"},
		{"by time and field", "stats count(*) by bin(2m), ispresent(n) as p", trail,
			"bin(2m)=2026-11-02 10:00:00.000 | p=1 | count(*)=1\nbin(2m)=2026-11-02 10:02:00.000 | p=1 | count(*)=2\nbin(2m)=2026-11-02 10:04:00.000 | p=0 | count(*)=1"},
		{"aggregates of numbers", "stats sum(n), avg(n) as a, min(n) as lo, max(n) as hi, stddev(n) as s", []string{`{"n":2}`, `{"n":"4"}`, `{"n":"x"}`, `{}`},
			"sum(n)=6 | a=3 | lo=x | hi=4 | s=1"},
		{"percentiles by nearest rank", "stats pct(n, 50) as p50, pct(n, 99) as p99, pct(n, 0) as p0", []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":40}`}, "p50=2 | p99=40 | p0=1"},
		{"distinct values", "stats count_distinct(eventName) as names, count_distinct(x) as x", trail, "names=2 | x=0"},
		{"earliest and latest", "stats earliest(errorCode) as first, latest(errorCode) as last, latest(@timestamp) as at, sortsFirst(eventName) as a, sortsLast(eventName) as z", trail,
			"first=AccessDenied | last=ExpiredToken | at=2026-11-02 10:04:30.195 | a=AssumeRole | z=GetObject"},
		{"arithmetic on aggregates", "stats sum(n) / count(n) + 1 as a, ceil(avg(n)) as b, sum(strlen(eventName))", trail, "a=9 | b=8 | sum(strlen(eventName))=29"},
		{"no records, no groups", `filter n = 999 | stats count(*)`, trail, ""},
		{"no numbers, no average", `stats avg(x), count(*) as c`, trail, "c=4"},
		{"filter and sort on columns", "stats count(*) as c by eventName | filter c > 0 | sort c desc, eventName | display eventName, c * 10 as ten", trail,
			"eventName=AssumeRole | ten=20\neventName=GetObject | ten=10\nten=10"},
		{"columns by their text", "stats count(*) by eventName | filter count( * ) > 1 | sort count(*) desc", trail, "eventName=AssumeRole | count(*)=2"},
		{"stats of stats", "stats count(*) as c by eventName, errorCode | stats max(c) as most, count(*) as kinds", trail, "most=1 | kinds=4"},
		{"stats of unnamed columns", "stats count(*) by eventName | stats sum(count(*)) as all, count(*)", trail, "all=4 | count(*)=3"},
		{"buckets of buckets", "fields strlen(@message) as l | stats sum(l) as s by bin(1m) as @t | stats max(s) as hi, count(*) as n by dateceil(@t, 10m) as t",
			[]string{"aa", "bbbb", "c"}, "t=2026-11-02 10:10:00.000 | hi=4 | n=3"},

		// sort, limit, dedup
		{"sort goes up by default", "fields n | sort n", trail[:3], "n=1\nn=3\nn=20"},
		{"sort down", "fields n | sort n desc", trail[:3], "n=20\nn=3\nn=1"},
		{"missing values come last, up", "fields n, @message like /not/ as text | sort n asc | display n, text", trail, "n=1 | text=0\nn=3 | text=0\nn=20 | text=0\ntext=1"},
		{"missing values come last, down", "fields n | sort n desc | display n, 1 as one", trail, "n=20 | one=1\nn=3 | one=1\nn=1 | one=1\none=1"},
		{"equals stay newest first", "fields @message | sort strlen(@message)", []string{"b", "a", "cc"}, "@message=a\n@message=b\n@message=cc"},
		{"limit after sort", "fields n | sort n | limit 1", trail, "n=1"},
		{"limit any", "fields n | limit any 1", trail, "n=1"},
		{"filter after limit", "fields n | sort n desc | limit 2 | filter n < 10", trail, "n=3"},
		{"dedup keeps the newest", "fields eventName, n | dedup eventName", trail[:3], "eventName=GetObject | n=3\neventName=AssumeRole | n=20"},
		{"dedup keeps the first of the order", "fields eventName, n | sort n | dedup eventName | limit 1", trail[:3], "eventName=AssumeRole | n=1"},
		{"dedup keeps records without the field", "fields @message | dedup errorCode, eventName", []string{"x", "x"}, "@message=x\n@message=x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, _ := run(t, tt.query, tt.messages...)
			if got := show(rows); got != tt.want {
				t.Errorf("query  %s\ngot\n%s\nwant\n%s", tt.query, got, tt.want)
			}
		})
	}
}

// The list of the documentation, in ascending order:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
func TestSortIsNatural(t *testing.T) {
	want := []string{"!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "01", "1", "2", "3"}
	shuffled := slices.Clone(want)
	for i := range shuffled {
		j := i * 7 % len(shuffled)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	for _, order := range []string{"asc", "desc"} {
		rows, _ := run(t, "fields @message | sort @message "+order, shuffled...)
		var got []string
		for _, row := range rows {
			got = append(got, row[0].Value)
		}
		if order == "desc" {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Errorf("sort %s:\ngot  %q\nwant %q", order, got, want)
		}
	}
}

func TestPointerComesLastAndNotWithStats(t *testing.T) {
	rows, _ := run(t, "fields @ptr, @message", "a")
	if want := (Row{{"@message", "a"}, {"@ptr", "ptr0"}}); !slices.Equal(rows[0], want) {
		t.Errorf("got %v, want %v", rows[0], want)
	}
	rows, _ = run(t, "stats count(*)", "a")
	if want := (Row{{"count(*)", "1"}}); !slices.Equal(rows[0], want) {
		t.Errorf("got %v, want %v", rows[0], want)
	}
}

func TestStatsCountEventsAndBytes(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  Stats
	}{
		{"filter @message like /b/", Stats{RecordsMatched: 2, RecordsScanned: 3, BytesScanned: 6}},
		{"filter @message like /b/ | stats count(*)", Stats{RecordsMatched: 2, RecordsScanned: 3, BytesScanned: 6}},
		{"sort @message | filter @message like /c/ | limit 1", Stats{RecordsMatched: 1, RecordsScanned: 3, BytesScanned: 6}},
		{"stats count(*) as c by @message | filter c > 5", Stats{RecordsMatched: 3, RecordsScanned: 3, BytesScanned: 6}},
		{"limit any 1", Stats{RecordsMatched: 1, RecordsScanned: 1, BytesScanned: 1}},
	} {
		if _, got := run(t, tt.query, "a", "bb", "bcd"); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.query, got, tt.want)
		}
	}
}

func TestOnlyTheFirst200FieldsAreFound(t *testing.T) {
	var keys []string
	for i := range MaxFields + 1 {
		keys = append(keys, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	rows, _ := run(t, "fields k0, k199, k200", "{"+strings.Join(keys, ",")+"}")
	if got, want := show(rows), "k0=0 | k199=199"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLimitOfTheRequest(t *testing.T) {
	many := func(yield func(Event) bool) {
		for range DefaultLimit + 5 {
			if !yield(Event{Message: told{text: "m"}}) {
				return
			}
		}
	}
	for _, tt := range []struct {
		query string
		limit int
		want  int
	}{
		{"fields @message", 0, DefaultLimit},
		{"fields @message", 7, 7},
		{"fields @message", MaxLimit, DefaultLimit + 5},
		{"limit 20000", 0, DefaultLimit + 5},
		{"limit 5", 7, 5},
		{"limit 7", 5, 5},
	} {
		q, err := Parse(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := q.Run(t.Context(), many, tt.limit)
		if err != nil || len(rows) != tt.want {
			t.Errorf("%s with limit %d: %d rows, %v; want %d", tt.query, tt.limit, len(rows), err, tt.want)
		}
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("query was stopped")
	q, err := Parse("stats count(*)")
	if err != nil {
		t.Fatal(err)
	}
	_, stats, err := q.Run(ctx, func(yield func(Event) bool) {
		for yield(Event{Message: told{text: "m"}}) {
			cancel(stopped)
		}
	}, 0)
	if !errors.Is(err, stopped) || stats.RecordsScanned > checkEvery {
		t.Errorf("got %v after %v events", err, stats.RecordsScanned)
	}
}

func TestParseRejects(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		start, end  int
		message     string
	}{
		{"nothing", "", 0, 0, "expected a command"},
		{"a comment alone", "# x", 3, 3, "expected a command"},
		{"unknown command", "fields a | grep x", 11, 15, "unknown or unsupported command: grep"},
		{"nothing after the bar", "fields a |", 10, 10, "expected a command"},
		{"two bars", "fields a || limit 1", 10, 11, "expected a command"},
		{"text after a command", "limit 5 extra", 8, 13, "expected \"|\""},
		{"unknown function", "fields frobnicate(a)", 7, 17, "unknown function: frobnicate"},
		{"too few arguments", "fields substr(a)", 7, 16, "wrong number of arguments for substr: 1"},
		{"too many arguments", "fields strlen(a, b)", 7, 19, "wrong number of arguments for strlen: 2"},
		{"no arguments", "fields concat()", 7, 15, "wrong number of arguments for concat: 0"},
		{"ispresent of an expression", `filter ispresent("a")`, 7, 21, "takes a field"},
		{"open parenthesis", "filter (a = 1", 13, 13, "expected \")\""},
		{"closing parenthesis", "filter a = 1)", 12, 13, "expected \"|\""},
		{"open string", `filter a = "x`, 11, 13, "string without an end"},
		{"open backtick", "fields `a", 7, 9, "backtick"},
		{"open regular expression", "filter a like /x", 14, 16, "without an end"},
		{"broken regular expression", "filter a like /x(/", 14, 18, "missing closing )"},
		{"lookahead", "filter a like /x(?=y)/", 14, 22, "invalid or unsupported Perl syntax"},
		{"lookbehind", "filter a like /(?<!x)y/", 14, 23, "invalid"},
		{"backreference", `filter a like /(x)\1/`, 14, 21, "invalid escape"},
		{"like a number", "filter a like 5", 14, 15, "a string or a regular expression"},
		{"in without brackets", "filter a in (1)", 12, 13, "expected \"[\""},
		{"in with a field", "filter a in [b]", 13, 14, "a string or a number"},
		{"empty in", "filter a in []", 13, 14, "a string or a number"},
		{"two comparisons", "filter a = b = c", 13, 14, "expected \"|\""},
		{"double equal sign", "filter a == b", 10, 11, "an expression"},
		{"exclamation mark", "filter !a", 7, 8, "unexpected character"},
		{"character after umlauts", `filter a = "äö" ;`, 16, 17, "unexpected character \";\""},
		{"number with letters", "filter a > 5x", 11, 13, "an expression"},
		{"limit without a number", "limit many", 6, 10, "a number from 1 to 100000"},
		{"limit of zero", "limit 0", 6, 7, "a number from 1 to 100000"},
		{"limit above the maximum", "limit 100001", 6, 12, "a number from 1 to 100000"},
		{"broken limit", "limit 1.5", 6, 9, "a number from 1 to 100000"},
		{"dedup then fields", "dedup a | fields b", 10, 16, "only limit can follow dedup"},
		{"dedup of an expression", "dedup strlen(a)", 12, 13, "expected \"|\""},
		{"three stats", "stats count(*) as a | stats sum(a) as b | stats sum(b)", 42, 47, "more than 2 stats commands"},
		{"sort between stats", "stats count(*) as a by b | sort a | stats sum(a)", 36, 41, "after the second stats"},
		{"stats without an aggregate", "stats 5", 6, 7, "without an aggregate"},
		{"stats of a field", "stats a", 6, 7, "field a is outside"},
		{"stats of a field beside an aggregate", "stats sum(a) + b", 15, 16, "field b is outside"},
		{"aggregate in fields", "fields sum(a)", 7, 10, "sum is for the stats command"},
		{"aggregate in an aggregate", "stats sum(count(*))", 10, 15, "count is for the stats command"},
		{"aggregate in by", "stats count(*) by sum(a)", 18, 21, "sum is for the stats command"},
		{"two columns of a name", "stats sum(a) as x, sum(b) as x", 19, 30, "two columns are named x"},
		{"field that stats did not make", "stats count(*) by a | filter b = 1", 29, 30, "field b is not defined"},
		{"bin after stats", "stats count(*) by a | stats count(*) by bin(5m)", 40, 43, "@timestamp is not defined"},
		{"percentage above 100", "stats pct(a, 101)", 13, 16, "a percentage"},
		{"period without a unit", "stats count(*) by bin(5)", 22, 23, "a period such as 5m"},
		{"period of an unknown unit", "stats count(*) by bin(5x)", 22, 24, "a period such as 5m"},
		{"plural of one letter", "stats count(*) by bin(5ds)", 22, 25, "a period such as 5m"},
		{"period of zero", "stats count(*) by bin(0m)", 22, 24, "a period such as 5m"},
		{"fewer names than asterisks", `parse @message "* *" as a`, 15, 25, "2 asterisks for 1 names"},
		{"glob without names", `parse @message "*"`, 18, 18, "expected as"},
		{"regular expression without names", `parse @message /(x)/`, 15, 20, "no named group"},
		{"index of a discovered field", "fields a[0].b", 7, 13, "not a list of jsonParse"},
		{"sort by a map", "fields jsonParse(a) as j | sort j", 32, 33, "does not take a map"},
		{"stats by a map", "fields jsonParse(a) as j | stats count(*) by j", 45, 46, "does not take a map"},
		{"parse of the message after stats", `stats count(*) | parse "*" as x`, 23, 26, "@message is not defined"},
		{"alias without a name", "fields a as 5", 12, 13, "a name"},

		{"SOURCE", "SOURCE logGroups(namePrefix: ['a']) | fields a", 0, 6, "unsupported command: SOURCE"},
		{"pattern", "pattern @message", 0, 7, "unsupported command: pattern"},
		{"diff", "pattern @message | diff", 0, 7, "unsupported command"},
		{"anomaly", "anomaly", 0, 7, "unsupported command: anomaly"},
		{"unmask", "fields unmask(@message)", 7, 13, "unknown function: unmask"},
		{"unnest", "unnest a into b", 0, 6, "unsupported command: unnest"},
		{"expand", "expand a", 0, 6, "unsupported command: expand"},
		{"join", "fields a | join b", 11, 15, "unsupported command: join"},
		{"lookup", "lookup a b", 0, 6, "unsupported command: lookup"},
		{"filterIndex", "filterIndex a = 1", 0, 11, "unsupported command: filterIndex"},
		{"time series", "timeseries count(*)", 0, 10, "unsupported command: timeseries"},
		{"now", "filter now() > 1", 7, 10, "unknown function: now"},
		{"SQL", "SELECT * FROM x", 0, 6, "unsupported command: SELECT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.query)
			var compile *CompileError
			if !errors.As(err, &compile) {
				t.Fatalf("Parse(%q) = %v, want a *CompileError", tt.query, err)
			}
			if compile.Start != tt.start || compile.End != tt.end || !strings.Contains(compile.Message, tt.message) {
				t.Errorf("Parse(%q) = %v, want %q at %d-%d", tt.query, compile, tt.message, tt.start, tt.end)
			}
		})
	}
}
