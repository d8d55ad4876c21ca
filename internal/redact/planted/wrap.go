package planted

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
)

// Statement says that a field has a value, as some program writes it.
type Statement struct {
	Name string
	Of   func(name, value string) string
}

// Encoding is what happens to a text on its way into a log.
type Encoding struct {
	Name   string
	Of     func(string) string
	Breaks bool // it breaks lines anywhere
}

// Wrapping is a text around secrets, by the names of what it is made of.
type Wrapping struct {
	Name string
	Of   func(Secret) string
}

func quoteJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // text always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// words of a name: aws_session_token is aws, session, token.
func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' })
}

func camel(name string, first bool) string {
	var b strings.Builder
	for i, w := range words(name) {
		if i > 0 || first {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	return b.String()
}

func indent(value, by string) string { return by + strings.ReplaceAll(value, "\n", "\n"+by) }

func oneLine(value string) string { return strings.ReplaceAll(value, "\n", `\n`) }

// Statements are the ways in which programs write a field and its value.
var Statements = []Statement{
	{"JSON", func(n, v string) string {
		return `{"level":"debug",` + quoteJSON(n) + ":" + quoteJSON(v) + `,"region":"eu-west-1"}`
	}},
	{"JSON, camel case", func(n, v string) string { return "{" + quoteJSON(camel(n, false)) + ": " + quoteJSON(v) + "}" }},
	{"JSON, pascal case", func(n, v string) string { return "{" + quoteJSON(camel(n, true)) + " : " + quoteJSON(v) + "}" }},
	{"name and value", func(n, v string) string {
		return `{"name":` + quoteJSON(strings.ToUpper(n)) + `,"value":` + quoteJSON(v) + "}"
	}},
	{"export", func(n, v string) string { return "export " + strings.ToUpper(n) + "='" + v + "'" }},
	{"environment", func(n, v string) string {
		return "HOME=/root\n" + strings.ToUpper(n) + "=" + oneLine(v) + "\nPATH=/bin"
	}},
	{"prefix and suffix", func(n, v string) string { return "MY_APP_" + strings.ToUpper(n) + "_VALUE=\"" + v + "\"" }},
	{"ini", func(n, v string) string { return "[default]\n" + n + " = " + oneLine(v) + "\nregion = eu-west-1" }},
	{"YAML", func(n, v string) string { return "env:\n  " + n + ": " + quoteJSON(v) + "\n  REGION: eu-west-1" }},
	{"YAML block", func(n, v string) string { return n + ": |-\n" + indent(v, "  ") + "\nnext: 1" }},
	{"YAML name and value", func(n, v string) string { return "- name: " + strings.ToUpper(n) + "\n  value: " + quoteJSON(v) }},
	{"header", func(n, v string) string {
		return "> x-amz-" + strings.Join(words(n), "-") + ": " + oneLine(v) + "\n> host: sts"
	}},
	{"Go struct", func(n, v string) string {
		return "{AccessKeyID: " + camel(n, true) + ":" + v + " Source:EnvProvider CanExpire:true}"
	}},
	{"Go value", func(n, v string) string {
		return fmt.Sprintf("aws.Credentials{%s:%q, CanExpire:true}", camel(n, true), v)
	}},
	{"Python dictionary", func(n, v string) string {
		return "{'" + camel(n, true) + "': '" + oneLine(v) + "', 'Expiration': datetime(2026, 1, 1)}"
	}},
	{"Python arguments", func(n, v string) string { return "Session(" + n + "='" + oneLine(v) + "', region_name='eu-west-1')" }},
	{"Python tuple", func(n, v string) string { return "('" + n + "', '" + oneLine(v) + "')" }},
	{"Java", func(n, v string) string {
		return "AwsSessionCredentials(providerName=Env, " + camel(n, false) + "=" + oneLine(v) + ")"
	}},
	{"Ruby hash", func(n, v string) string { return "{:" + n + "=>" + quoteJSON(v) + "}" }},
	{"XML", func(n, v string) string {
		return "<Credentials><" + camel(n, true) + ">" + html.EscapeString(v) + "</" + camel(n, true) + "></Credentials>"
	}},
	{"query string", func(n, v string) string {
		return "GET /?Action=AssumeRole&" + camel(n, true) + "=" + url.QueryEscape(v) + "&Version=2011-06-15 HTTP/1.1"
	}},
	{"command line", func(n, v string) string {
		return "+ aws sts assume-role --" + strings.Join(words(n), "-") + " '" + v + "' --region eu-west-1"
	}},
	{"logfmt", func(n, v string) string {
		return `level=info msg="got credentials" ` + n + "=" + quoteJSON(v) + " took=12ms"
	}},
}

// bare stands for statements that do not name the field.
var bare = []Statement{
	{"bare", func(_, v string) string { return v }},
	{"in a sentence", func(_, v string) string { return "credentials refreshed, got " + v + " from the provider" }},
	{"in a list", func(_, v string) string { return `["a",` + quoteJSON(v) + `,"b"]` }},
	{"in brackets", func(_, v string) string { return "[" + oneLine(v) + "]" }},
}

// Encodings are what loggers, shells, mail and terminals do to a text.
var Encodings = []Encoding{
	{"JSON string", func(s string) string { return `{"time":"2026-10-14T15:03:11Z","message":` + quoteJSON(s) + `,"n":1}` }, false},
	{"escaped solidus", func(s string) string { return `{"m":` + strings.ReplaceAll(quoteJSON(s), "/", `\/`) + "}" }, false},
	{"escaped for HTML", func(s string) string { b, _ := json.Marshal(s); return `{"log":` + string(b) + "}" }, false},
	{"every sign escaped", func(s string) string {
		var b strings.Builder
		for _, c := range s {
			if strings.ContainsRune(alnum, c) {
				b.WriteRune(c)
			} else {
				fmt.Fprintf(&b, `\u%04x`, c)
			}
		}
		return `"` + b.String() + `"`
	}, false},
	{"every letter escaped", func(s string) string {
		var b strings.Builder
		for _, c := range s {
			fmt.Fprintf(&b, `\u%04X`, c)
		}
		return b.String()
	}, false},
	{"percent-encoded", func(s string) string { return "body=" + url.QueryEscape(s) + "&x=1" }, false},
	{"percent-encoded path", func(s string) string { return "/log/" + url.PathEscape(s) }, false},
	{"XML entities", func(s string) string { return "<Message>" + html.EscapeString(s) + "</Message>" }, false},
	{"base64", func(s string) string { return "data:" + base64.StdEncoding.EncodeToString([]byte(s)) + " end" }, false},
	{"base64, lines", func(s string) string {
		return "mail:\n" + Fold(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\n") + "\n."
	}, false},
	{"gzip and base64", func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(s))
		w.Close()
		return `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(b.Bytes()) + `"}}`
	}, false},
	{"quoted-printable", func(s string) string { return Fold(strings.ReplaceAll(s, "=", "=3D"), 75, "=\n") }, true},
	{"quoted-printable, CRLF", func(s string) string { return Fold(strings.ReplaceAll(s, "=", "=3D"), 75, "=\r\n") }, true},
	{"folded at 76", func(s string) string { return Fold(s, 76, "\n") }, true},
	{"coloured", func(s string) string { return "\x1b[32mDEBUG\x1b[0m \x1b[1;31m" + s + "\x1b[0m" }, false},
	{"zero width", func(s string) string { return Fold(s, 7, "\u200b") }, false},
	{"soft hyphens", func(s string) string { return Fold(s, 9, "\u00ad") }, false},
	{"coloured inside", func(s string) string { return Fold(s, 11, "\x1b[0m\x1b[33m") }, false},
	{"Go quoted", func(s string) string { return fmt.Sprintf("msg=%q err=nil", s) }, false},
	{"C escapes", func(s string) string {
		return strings.NewReplacer("=", `\x3d`, "/", `\x2f`, `"`, `\x22`, ":", `\x3a`, "\n", `\x0a`).Replace(s)
	}, false},
}

// Fold breaks a text, between letters, after every n bytes.
func Fold(s string, n int, by string) string {
	var b strings.Builder
	k := 0
	for _, c := range s {
		if k >= n {
			b.WriteString(by)
			k = 0
		}
		if c == '\n' {
			k = -1
		}
		b.WriteRune(c)
		k++
	}
	return b.String()
}

// Of are the statements that a secret may stand in: those without a name only
// where its shape is enough.
func Of(s Secret) []Statement {
	switch {
	case s.Kind == "MFA code": // six digits are a secret beside their name alone
		return Statements
	case s.Bare:
		return append(Statements[:len(Statements):len(Statements)], bare...)
	}
	return Statements
}

// Wrappings are every statement for a secret, plain and in every encoding.
func Wrappings(s Secret) (all []Wrapping) {
	for _, st := range Of(s) {
		all = append(all, Wrapping{st.Name, func(s Secret) string { return st.Of(s.Name, s.Value) }})
		for _, e := range Encodings {
			all = append(all, Wrapping{st.Name + ", " + e.Name, func(s Secret) string { return e.Of(st.Of(s.Name, s.Value)) }})
		}
	}
	return all
}
