package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/stsleuth/stsleuth/internal/redact"
)

var marks = map[State]string{Good: "ok", Worth: "note", Missing: "MISSING", Unasked: "-"}

// Text writes results for people: fixes stand below what they mend.
func Text(w io.Writer, results []Result) error {
	var b strings.Builder
	group := ""
	counts := map[State]int{}
	for _, r := range results {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(&b, "%s\n", group)
		}
		counts[r.State]++
		fmt.Fprintf(&b, "  %-8s %s: %s\n", marks[r.State], r.Title, redact.String(r.Found))
		if r.Fix != "" {
			for i, line := range strings.Split(strings.TrimSpace(redact.String(r.Fix)), "\n") {
				lead := "           "
				if i == 0 {
					lead = "         → "
				}
				fmt.Fprintf(&b, "%s%s\n", lead, line)
			}
		}
	}
	fmt.Fprintf(&b, "%d ok, %d worth knowing, %d missing", counts[Good], counts[Worth], counts[Missing])
	if n := counts[Unasked]; n > 0 {
		fmt.Fprintf(&b, ", %d not looked at", n)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes results for programs: {"sound": …, "checks": […]}.
func JSON(w io.Writer, results []Result) error {
	if results == nil {
		results = []Result{}
	}
	for i := range results {
		results[i].Found, results[i].Fix = redact.String(results[i].Found), redact.String(results[i].Fix)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"sound": Sound(results), "checks": results})
}
