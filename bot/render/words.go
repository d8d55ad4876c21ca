package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// statusWords says how a step ended, in words rather than in colours.
func statusWords(s playbook.Status) string {
	switch s {
	case playbook.Found:
		return "Found"
	case playbook.Clear:
		return "Clear"
	case playbook.Blind:
		return "Could not see"
	case playbook.Denied:
		return "Permission missing"
	case playbook.TimedOut:
		return "Timed out"
	case playbook.Broken:
		return "Broken"
	}
	return "Not asked"
}

func verdictWords(v playbook.Verdict) string {
	switch v {
	case playbook.Supported:
		return "Fired"
	case playbook.Refuted:
		return "Ruled out"
	}
	return "Undetermined"
}

func truth(t playbook.Truth) string {
	switch t {
	case playbook.Yes:
		return "yes"
	case playbook.No:
		return "no"
	}
	return "not known"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// span writes a duration: "1 h", "3 h 12 min", "45 s", "400 ms".
func span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	d = d.Round(time.Second)
	var parts []string
	for _, p := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / p.unit; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.name))
		}
		d %= p.unit
	}
	return strings.Join(parts, " ")
}

func seconds(n int) string {
	if n <= 0 {
		return "not set"
	}
	return span(time.Duration(n) * time.Second)
}

// hours writes a window the way people ask for it: "24 h", "7 days".
func hours(d time.Duration) string {
	if h := int(d.Round(time.Hour).Hours()); h <= 72 || h%24 != 0 {
		return fmt.Sprintf("%d h", h)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// utc is a moment for text that holds no dates of Slack's: tables, files, Text.
func utc(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// at is a moment in a table whose head says UTC; seconds matter there.
func at(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("01-02 15:04:05")
}

func scanned(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d bytes", n)
	case n < unit*unit:
		return fmt.Sprintf("%.0f KB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/unit/unit/unit)
}

// who is the role in question as people call it.
func who(inv playbook.Investigation) string {
	if r := inv.Request.Target.Role; r != "" {
		return line(r, 64)
	}
	return line(inv.Request.Target.Asked, 64)
}

func where(inv playbook.Investigation) string { return line(inv.Request.Target.Region, 20) }
