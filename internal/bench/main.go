// Command bench runs every benchmark of the module and prints one table: package, benchmark, time, and whatever else a
// benchmark measures. What benchmarks log, what was not compared for instance, follows below. `make bench` calls it.
//
// Packages run one after the other, each benchmark for a second or once, whichever is longer: enough for a figure to
// stand on, and a minute or two for all. Sizes that take longer are asked for by environment variables, which reach the
// benchmarks: STSLEUTH_BENCH_RECORDS=1000000, STSLEUTH_DUCKDB=DIR.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	if err := run(os.Stdout, os.Stderr, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run takes package patterns; none is the whole module.
func run(out, progress io.Writer, patterns []string) error {
	packages, err := withBenchmarks(patterns)
	if err != nil {
		return err
	}
	began := load()
	var rows []result
	var notes, failed []string
	for _, p := range packages {
		fmt.Fprintln(progress, "bench", p)
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1s", p)
		text, err := cmd.CombinedOutput()
		if err != nil {
			failed = append(failed, p)
			fmt.Fprintf(progress, "%s\n", text)
		}
		found, said := parse(string(text))
		rows, notes = append(rows, found...), append(notes, said...)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PACKAGE\tBENCHMARK\tTIME\tMEASURED")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.pkg, r.name, r.time, strings.Join(r.metrics, "  "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, n := range slices.Compact(notes) {
		fmt.Fprintln(out, n)
	}
	fmt.Fprintf(out, "%s %s/%s, %d processors, load %s before and %s after\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), began, load())
	if len(failed) > 0 {
		return fmt.Errorf("benchmarks failed in %s", strings.Join(failed, ", "))
	}
	return nil
}

// withBenchmarks lists the packages that have a benchmark, so that the others need not be built.
func withBenchmarks(patterns []string) ([]string, error) {
	const format = `{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}`
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	cmd := exec.Command("go", append([]string{"list", "-f", format}, patterns...)...)
	cmd.Stderr = os.Stderr
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var found []string
	for line := range strings.Lines(string(list)) {
		pkg, file, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(text, []byte("\nfunc Benchmark")) {
			found = append(found, pkg)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// result is one row of the table.
type result struct {
	pkg, name, time string
	metrics         []string
}

// A line of a result is the name with the number of processors, the runs, and pairs of a value and its unit.
// https://go.dev/design/14313-benchmark-format
var resultLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(\S.*)$`)

// parse reads what go test prints: results, and what benchmarks log, which it indents.
func parse(text string) (rows []result, notes []string) {
	pkg := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			_, path, _ := strings.Cut(strings.TrimPrefix(p, "github.com/"), "/")
			_, path, _ = strings.Cut(path, "/")
			pkg = cmp.Or(path, ".")
		}
		if m := resultLine.FindStringSubmatch(line); m != nil {
			r := result{pkg: pkg, name: m[1]}
			pairs := strings.Fields(m[2])
			for i := 0; i+1 < len(pairs); i += 2 {
				if pairs[i+1] == "ns/op" {
					r.time = duration(pairs[i])
				} else {
					r.metrics = append(r.metrics, figure(pairs[i])+" "+pairs[i+1])
				}
			}
			rows = append(rows, r)
		} else if note := strings.TrimLeft(line, " "); len(note) <= len(line)-4 {
			notes = append(notes, pkg+": "+note)
		}
	}
	return rows, notes
}

// duration is a number of nanoseconds in the unit that suits it.
func duration(ns string) string {
	f, err := strconv.ParseFloat(ns, 64)
	if err != nil {
		return ns
	}
	d := time.Duration(f)
	for unit := time.Second; unit >= time.Microsecond; unit /= 1000 {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return ns + "ns"
}

// figure is a number without the digits that no measurement has.
func figure(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return s
	case f >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// load is the machine's load in the last minute: figures of a busy machine say little.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
