package config

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stsleuth/stsleuth/internal/redact"
)

// Print writes every setting with its effective value, secrets cut, and where it
// came from.
func (l *Loaded) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	v := reflect.ValueOf(l.Options)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("name")
		lines := l.lines(name, v.Field(i).Interface())
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, cmp.Or(lines[0], "-"), cmp.Or(string(l.Origins[name]), "not set"))
		for _, more := range lines[1:] {
			fmt.Fprintf(t, "\t%s\t\n", more)
		}
	}
	return t.Flush()
}

// lines are a value as people read it, at least one.
func (l *Loaded) lines(name string, v any) []string {
	switch v := v.(type) {
	case string:
		if name == "redis-url" {
			return []string{cutURL(v)}
		}
		return []string{redact.String(v)}
	case []string:
		return []string{strings.Join(v, ", ")}
	case time.Duration:
		return []string{v.String()}
	}
	switch name {
	case "accounts":
		out := []string{}
		for _, id := range slices.Sorted(maps.Keys(l.Accounts)) {
			a := l.Accounts[id]
			line := id
			if a.Name != "" {
				line += " (" + a.Name + ")"
			}
			line += " by " + cmp.Or(a.RoleARN, "the bot's own credentials")
			if a.ExternalID != "" {
				line += ", external id " + redact.Mark
			}
			out = append(out, line)
		}
		return orNone(out)
	case "access":
		out := []string{}
		for i, r := range l.Access {
			var parts []string
			add := func(what string, list any) {
				if s := reflect.ValueOf(list); s.Len() > 0 {
					parts = append(parts, fmt.Sprintf("%s %v", what, list))
				}
			}
			add("may", r.May)
			add("users", r.Users)
			add("groups", r.Groups)
			add("channels", r.Channels)
			add("accounts", r.Accounts)
			out = append(out, strings.Join(append([]string{fmt.Sprintf("%d %s", i+1, r.Name)}, parts...), " "))
		}
		return orNone(out)
	}
	return []string{fmt.Sprint(v)}
}

func orNone(lines []string) []string {
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}
