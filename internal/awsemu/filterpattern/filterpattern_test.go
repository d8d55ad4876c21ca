package filterpattern

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The messages and answers of the documentation's examples:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
var webMessages = []string{
	"[ERROR 400] BAD REQUEST",
	"[ERROR 401] UNAUTHORIZED REQUEST",
	"[ERROR 419] MISSING ARGUMENTS",
	"[ERROR 420] INVALID ARGUMENTS",
	"[ERROR 500] INTERNAL SERVER ERROR",
	"[SUCCESS 200] AUTHORIZED REQUEST",
	"[INFO] REQUEST FAILED",
}

const trailJSON = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],
"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"ThisFlag":true,"cluster.name":"c","size":1000}`

const userJSON = `{"user":{"id":1,"email":"John.Stiles@example.com"},
"users":[{"id":2,"email":"John.Doe@example.com"},{"id":3,"email":"Jane.Doe@example.com"}],
"actions":["GET","PUT","DELETE"],"coordinates":[[0,1,2],[4,5,6],[7,8,9]]}`

var spaceMessages = []string{
	"INFO 09/25/2014 12:00:00 GET /service/resource/67 1200",
	"INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310",
	"WARNING 09/25/2014 12:00:02 Invalid user request",
	"ERROR 09/25/2014 12:00:02 Failed to process request",
}

const apache = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`

func TestMatchList(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		messages      []string
		want          []int
	}{
		{"empty pattern matches everything", "", webMessages, []int{0, 1, 2, 3, 4, 5, 6}},
		{"blank phrase matches everything", `" "`, webMessages, []int{0, 1, 2, 3, 4, 5, 6}},
		{"one term", "ERROR", webMessages, []int{0, 1, 2, 3, 4}},
		{"case counts", "error", webMessages, nil},
		{"all terms must occur", "ERROR ARGUMENTS", webMessages, []int{2, 3}},
		{"any of the optional terms", "?ERROR ?ARGUMENTS", webMessages, []int{0, 1, 2, 3, 4}},
		{"a phrase", `"INTERNAL SERVER ERROR"`, webMessages, []int{4}},
		{"a term that must not occur", "ERROR -ARGUMENTS", webMessages, []int{0, 1, 4}},
		{"a phrase that must not occur", `REQUEST -"BAD REQUEST"`, webMessages, []int{1, 5, 6}},
		{"a regular expression is not bound to words", "%AUTHORIZED%", webMessages, []int{1, 5}},
		{"a hexadecimal escape", `%\x5BINFO%`, webMessages, []int{6}},
		{"alternatives that begin the message", "%^.INFO|^.SUCCESS%", webMessages, []int{5, 6}},
		{"first word", "[w1=ERROR, w2]", spaceMessages, []int{3}},
		{"first word or another", "[w1=ERROR || w1=WARNING, w2]", spaceMessages, []int{2, 3}},
		{"first word neither", "[w1!=ERROR && w1!=WARNING, w2]", spaceMessages, []int{0, 1}},
		{"first word neither, no spaces", "[w1!=ERROR&&w1!=WARNING, w2]", spaceMessages, []int{0, 1}},
		{"top level item by regular expression", "[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]", spaceMessages, []int{0}},
		{"child item by regular expression", "[logLevel, date, time, method, url=%/service/resource/[0-9]+/part/[0-9]+$%, response_time]", spaceMessages, []int{1}},
		{"number from the end", "[..., ms > 1200]", spaceMessages, []int{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			want := map[int]bool{}
			for _, i := range tt.want {
				want[i] = true
			}
			for i, m := range tt.messages {
				if got := p.Match(m); got != want[i] {
					t.Errorf("Match(%q) = %v, want %v", m, got, want[i])
				}
			}
		})
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, message string
		want                   bool
	}{
		{"string", `{ $.eventType = "UpdateTrail" }`, trailJSON, true},
		{"string of another case", `{ $.eventType = "updatetrail" }`, trailJSON, false},
		{"word without quotes", `{$.eventType=UpdateTrail}`, trailJSON, true},
		{"address outside of a subnet", `{ $.sourceIPAddress != 123.123.* }`, trailJSON, true},
		{"address inside of a subnet", `{ $.sourceIPAddress != 111.111.* }`, trailJSON, false},
		{"asterisk in front", `{ $.eventType = "*Trail" }`, trailJSON, true},
		{"asterisk at both ends", `{ $.eventType = "*ateTr*" }`, trailJSON, true},
		{"asterisk in the middle is only itself", `{ $.eventType = "Update*rail" }`, trailJSON, false},
		{"asterisk alone means there is a value", `{ $.eventType = * }`, trailJSON, true},
		{"item of an array", `{ $.arrayKey[0] = "value" }`, trailJSON, true},
		{"any item of an array", `{ $.arrayKey[*] = %val.{2}% }`, trailJSON, true},
		{"any field", `{ $.* = %111\.111\.111\.1[0-9]{1,2}% }`, trailJSON, true},
		{"regular expression", `{ $.eventType = %Trail% }`, trailJSON, true},
		{"not the regular expression", `{ $.eventType != %Trail% }`, trailJSON, false},
		{"field of an item", `{ $.objectList[1].id = 2 }`, trailJSON, true},
		{"item past the end", `{ $.objectList[2].id = 2 }`, trailJSON, false},
		{"key with a dot", `{ $.['cluster.name'] = "c" }`, trailJSON, true},
		{"key with a dot, without the dot before", `{ $['cluster.name'] = "c" }`, trailJSON, true},
		{"null", `{ $.SomeObject IS NULL }`, trailJSON, true},
		{"null has no text", `{ $.SomeObject = * }`, trailJSON, false},
		{"null exists", `{ $.SomeObject NOT EXISTS }`, trailJSON, false},
		{"missing is not null", `{ $.SomeOtherObject IS NULL }`, trailJSON, false},
		{"missing does not exist", `{ $.SomeOtherObject NOT EXISTS }`, trailJSON, true},
		{"true", `{ $.ThisFlag IS TRUE }`, trailJSON, true},
		{"not false", `{ $.ThisFlag IS FALSE }`, trailJSON, false},
		{"missing equals nothing", `{ $.errorCode = "AccessDenied" }`, trailJSON, false},
		{"missing differs from nothing either", `{ $.errorCode != "AccessDenied" }`, trailJSON, false},
		{"an array is no value", `{ $.arrayKey = 1 }`, trailJSON, false},
		{"an array is no other value either", `{ $.arrayKey != 1 }`, trailJSON, false},
		{"number", `{ $.size = 1000 }`, trailJSON, true},
		{"number in scientific notation", `{ $.size = 1e+3 }`, trailJSON, true},
		{"number with a sign", `{ $.size > -1000 }`, trailJSON, true},
		{"number with a wildcard", `{ $.size = 10* }`, trailJSON, true},
		{"number by its text", `{ $.size = "1000" }`, trailJSON, true},
		{"number by other text", `{ $.size = "1e3" }`, trailJSON, false},
		{"greater", `{ $.size > 1000 }`, trailJSON, false},
		{"greater or equal", `{ $.size >= 1000 }`, trailJSON, true},
		{"less", `{ $.size < 1000.5 }`, trailJSON, true},
		{"less or equal", `{ $.size <= 999 }`, trailJSON, false},
		{"order needs a number in the message", `{ $.sourceIPAddress > 1 }`, trailJSON, false},

		{"and", `{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }`, userJSON, true},
		{"and binds closer than or", `{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" }`, userJSON, true},
		{"parentheses first", `{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch") && $.actions[2] = "nonmatch" }`, userJSON, false},
		{"neither side of or", `{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }`, userJSON, false},
		{"item of an item", `{ $.coordinates[0][1] = 1 }`, userJSON, true},

		{"braces on text", `{ $.a = 1 }`, "a=1", false},
		{"braces on broken JSON", `{ $.a = 1 }`, `{"a":1`, false},
		{"braces on two JSON texts", `{ $.a = 1 }`, `{"a":1} {"a":1}`, false},
		{"text written with escapes", `{ $.a = "Expired/Token" }`, `{"a":"Expired\/T\u006fken"}`, true},
		{"quote in a string", `{ $.a = "say \"x\"" }`, `{"a":"say \"x\""}`, true},
		{"expired tokens of a CloudTrail event",
			`{ ($.eventSource = "sts.amazonaws.com") && (($.errorCode = "*ExpiredToken*") || ($.errorCode = "AccessDenied*")) }`,
			`{"eventSource":"sts.amazonaws.com","errorCode":"ExpiredTokenException"}`, true},
		{"other errors of a CloudTrail event",
			`{ ($.eventSource = "sts.amazonaws.com") && (($.errorCode = "*ExpiredToken*") || ($.errorCode = "AccessDenied*")) }`,
			`{"eventSource":"sts.amazonaws.com","errorCode":"ValidationError"}`, false},

		{"fields by name", `[ip, user, username, timestamp, request, status_code = 4*, bytes]`, apache, true},
		{"quotes and brackets hold one field", `[ip, user, username, timestamp = 10/Oct*, request = "GET /index.html HTTP/1.0", status_code, bytes]`, apache, true},
		{"all kinds of conditions", `[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]`, apache, true},
		{"fields from the end", `[..., request =*.html*, status_code = 4*, bytes]`, apache, true},
		{"fields from both ends", `[ip, user = Prod, ..., status_code = 404, bytes > 1000]`, apache, true},
		{"one of two numbers", `[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]`, apache, true},
		{"and in a field", `[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]`, apache, false},
		{"a field without a name at the end", `[..., request=*.html*, status_code=4*,]`, apache, true},
		{"more fields than words", `[a, b, c]`, "one two", false},
		{"ellipsis alone", `[...]`, "", true},
		{"order needs a number in the field", `[..., n > 5]`, "x y", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(tt.message); got != tt.want {
				t.Errorf("Parse(%q).Match(%q) = %v, want %v", tt.pattern, tt.message, got, tt.want)
			}
		})
	}
}

func TestParseRejects(t *testing.T) {
	for _, tt := range []struct {
		name, pattern, message string
		offset                 int
	}{
		{"sign outside of quotes", "ERROR sts:AssumeRole", "sts:AssumeRole", 6},
		{"optional beside plain terms", "?ERROR ?ARGUMENTS REQUEST", "cannot be combined", 25},
		{"optional beside excluded terms", "?ERROR -REQUEST", "cannot be combined", 15},
		{"minus alone", "ERROR -", "no term", 7},
		{"question mark and minus", "?-ERROR", "? and -", 2},
		{"open quote", `  "INTERNAL`, "quote without an end", 2},
		{"open regular expression", "%abc", "without an end", 0},
		{"empty regular expression", "%%", "without an end or content", 0},
		{"sign that a regular expression cannot have", "%something!%", "'!'", 0},
		{"parentheses in a regular expression", "%(a|b)%", "'('", 0},
		{"many bytes in a regular expression", "%é%", "'é'", 0},
		{"unknown escape in a regular expression", `%\bword%`, `\b`, 0},
		{"broken regular expression", "%a[%", "missing closing ]", 0},
		{"three regular expressions", "%a% %b% %c%", "more than 2", 8},
		{"IS NOT", "{ $.a IS NOT NULL }", "expected NULL", 9},
		{"EXISTS", "{ $.a EXISTS }", "expected an operator", 6},
		{"no selector", "{ a = 1 }", "selector", 2},
		{"root selector", "{ $ = 1 }", "name after $", 3},
		{"index of the root", "{ $[0] = 1 }", "index after a name", 5},
		{"huge index", "{ $.a[99999999999999999999] = 1 }", "index", 26},
		{"no condition", "{ }", "selector", 2},
		{"no closing brace", "{ $.a = 1", "expected }", 9},
		{"no closing parenthesis", "{ ($.a = 1 }", "expected )", 11},
		{"text after the brace", "{ $.a = 1 } x", "text after }", 11},
		{"single ampersand", "{ $.a = 1 & $.b = 2 }", "expected }", 10},
		{"order of words", "{ $.a > word }", "not a number", 8},
		{"order of quoted numbers", `{ $.a > "5" }`, "not a number", 8},
		{"order of a regular expression", "{ $.a > %5% }", "with a regular expression", 11},
		{"no operand", "{ $.a = }", "expected a value", 8},
		{"two wildcards in a selector", "{ $.*[*] = 1 }", "wildcard", 8},
		{"four wildcards", "{ $.*=1 || $.*=2 || $.*=3 || $.*=4 }", "wildcard", 32},
		{"no closing bracket", "[a, b", "expected , or ]", 5},
		{"text after the bracket", "[a, b] c", "text after ]", 6},
		{"two ellipses", "[..., a, ...]", "more than one ...", 12},
		{"condition on another field", "[a = 1 && b = 2]", `"a" and "b"`, 11},
		{"condition without a name", "[= 1]", "field name", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.pattern)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("Parse(%q) = %v, want a *SyntaxError", tt.pattern, err)
			}
			if !strings.Contains(err.Error(), tt.message) || syntax.Offset != tt.offset {
				t.Errorf("Parse(%q) = %v, want %q at %d", tt.pattern, err, tt.message, tt.offset)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"ERROR -ARGUMENTS", "?a ?b", `"x y"`, "%a{2}%", `{ ($.a[0].b = "x*") || $.c IS NULL && $.d NOT EXISTS }`,
		`{ $.['a.b'] >= 1e-3 }`, "{ $.* = %x% }", "[a=1 || a=2*, ..., b]", "[...]", "[a,]",
	} {
		f.Add(seed, `{"a":[{"b":"xy"}],"c":null}`)
		f.Add(seed, `a [b c] "d e" 1`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(pattern) {
				t.Fatalf("Parse(%q) = %#v", pattern, err)
			}
			return
		}
		matched := p.Match(message)
		var root map[string]any
		if source := strings.TrimSpace(pattern); strings.HasPrefix(source, "{") && json.Unmarshal([]byte(message), &root) == nil {
			// The look at the raw text must not lose a match.
			c, err := (&parser{src: source, pos: 1}).or()
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(strings.NewReader(message))
			d.UseNumber()
			if err := d.Decode(&root); err == nil && root != nil && c.test(root) != matched {
				t.Fatalf("Parse(%q).Match(%q) = %v, and on the decoded message %v", pattern, message, matched, !matched)
			}
		}
	})
}

func BenchmarkMatchJSON(b *testing.B) {
	p, err := Parse(`{ ($.eventSource = "sts.amazonaws.com") && (($.errorCode = "*ExpiredToken*") || ($.errorCode = "AccessDenied*")) }`)
	if err != nil {
		b.Fatal(err)
	}
	filler := strings.Repeat(`"k":"0123456789abcdef",`, 60)
	for name, message := range map[string]string{
		"hit":  `{` + filler + `"eventSource":"sts.amazonaws.com","errorCode":"AccessDenied"}`,
		"miss": `{` + filler + `"eventSource":"sts.amazonaws.com"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				p.Match(message)
			}
		})
	}
}
