package followups

import (
	"fmt"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// hours says a length of a window: "24 h", "7 d".
func hours(d time.Duration) string {
	d = d.Round(time.Minute)
	switch {
	case d >= 72*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return span(d)
}

// span says a duration with its two largest units: "1 h 12 min", "45 s".
func span(d time.Duration) string {
	d = d.Abs().Round(time.Second)
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	case m > 0 && s > 0 && m < 10:
		return fmt.Sprintf("%d min %d s", m, s)
	case m > 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d s", s)
}

func seconds(n int) string { return span(time.Duration(n) * time.Second) }

func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n), 0
	for f >= 1000 && i < 4 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", f, "kMGT"[i-1])
}

func dollars(f float64) string {
	if f < 0.01 {
		return "less than $0.01"
	}
	return fmt.Sprintf("$%.2f", f)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// principal drops the session from an assumed-role ARN: a role's sessions are one
// caller.
func principal(arn string) string {
	if i := strings.Index(arn, ":assumed-role/"); i >= 0 {
		if j := strings.LastIndexByte(arn, '/'); j > i+len(":assumed-role/") {
			return arn[:j]
		}
	}
	return arn
}

// short is what people call a principal: "role batch-runner", "user ci".
func short(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return arn
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "role " + role
	case "role", "user":
		return kind + " " + rest[strings.LastIndexByte(rest, '/')+1:]
	case "root":
		return "account " + parts[4]
	}
	return parts[5]
}

// part is one colon-separated field of an ARN, "" where there is none.
func part(arn string, n int) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[n]
	}
	return ""
}

// accountIn is the account that an ARN names.
func accountIn(arn string) string { return part(arn, 4) }

func list(items []string, most int) string {
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}

func yesNo(t playbook.Truth) string {
	if t == playbook.Unknown {
		return "not known"
	}
	return t.String()
}
