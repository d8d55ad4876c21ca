package capture_test

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail/gentrail"
)

// BenchmarkLoad loads a capture of 50,000 records, or of as many as STSLEUTH_BENCH_RECORDS says: whole, as the emulator
// may want it, and only what an investigation of the role can ask for.
func BenchmarkLoad(b *testing.B) {
	n := 50_000
	if text := os.Getenv("STSLEUTH_BENCH_RECORDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal("STSLEUTH_BENCH_RECORDS:", err)
		}
	}
	dir := b.TempDir()
	if err := gentrail.Write(dir, n, 1, gentrail.Lines); err != nil {
		b.Fatal(err)
	}
	for name, keep := range map[string]func([]byte) bool{"everything": nil, "for one role": capture.KeepFor("archive-export")} {
		b.Run(name, func(b *testing.B) {
			var bytes int64
			for b.Loop() {
				c, err := capture.Load(context.Background(), dir, capture.Options{Keep: keep})
				if err != nil {
					b.Fatal(err)
				}
				if c.Read.Records != n || len(c.Bad) != 0 {
					b.Fatalf("%d records of %d, %d bad", c.Read.Records, n, len(c.Bad))
				}
				bytes = c.Read.Bytes
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(n)/seconds, "records/s")
			b.ReportMetric(float64(bytes)/1e6/seconds, "MB/s")
		})
	}
}
