package main

import (
	"reflect"
	"testing"
)

func TestParseReadsResultsAndWhatBenchmarksLog(t *testing.T) {
	rows, notes := parse(`goos: linux
goarch: amd64
pkg: github.com/stsleuth/stsleuth/internal/capture
cpu: AMD EPYC
BenchmarkLoad/for_one_role-2         	       4	 193712278 ns/op	1999.88 MB/s	   1032459 records/s
BenchmarkTiny-2   	123456789	         9.612 ns/op
--- BENCH: BenchmarkTiny-2
    bench_test.go:7: not compared
PASS
ok  	github.com/stsleuth/stsleuth/internal/capture	2.551s
pkg: github.com/stsleuth/stsleuth
BenchmarkWhole 	       1	61000000000 ns/op	 0.4664 s/median
`)
	want := []result{
		{"internal/capture", "Load/for_one_role", "193.71ms", []string{"2000 MB/s", "1032459 records/s"}},
		{"internal/capture", "Tiny", "9.612ns", nil},
		{".", "Whole", "1m1s", []string{"0.466 s/median"}},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("rows are %+v\nwant %+v", rows, want)
	}
	if want := []string{"internal/capture: bench_test.go:7: not compared"}; !reflect.DeepEqual(notes, want) {
		t.Errorf("notes are %q, want %q", notes, want)
	}
}
