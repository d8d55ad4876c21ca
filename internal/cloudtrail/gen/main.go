// Command gen writes a capture of any size with one incident planted in everyday traffic:
//
//	go run ./internal/cloudtrail/gen -records 1000000 -layout lines DIR     (1.9 GB, one record a line)
//	go run ./internal/cloudtrail/gen -records 1000000 -layout s3 DIR        (the same as gz deliveries)
//	go run ./cmd/stsleuth investigate --capture DIR
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/stsleuth/stsleuth/internal/cloudtrail/gentrail"
)

func main() {
	records := flag.Int("records", 50_000, "how many records, about 1.9 kB each")
	seed := flag.Uint64("seed", 1, "the same seed gives the same bytes")
	layout := flag.String("layout", "lines", "lines or s3")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: gen [flags] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	l := gentrail.Layout(*layout)
	if flag.NArg() != 1 || l != gentrail.Lines && l != gentrail.S3 {
		flag.Usage()
		os.Exit(2)
	}
	if err := gentrail.Write(flag.Arg(0), *records, *seed, l); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
