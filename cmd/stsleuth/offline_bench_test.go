package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail/gentrail"
	"github.com/stsleuth/stsleuth/playbook"
)

// mostResident is what an offline investigation may keep in memory, however many records it reads.
const mostResident = 256 << 20

// duckScript answers the plain selection over the same files, with as many threads as there are processors, and prints
// how many rows it found and the seconds that the query alone took.
const duckScript = `const [dir, layout, from, threads] = process.argv.slice(1);
const { DuckDBInstance } = await import(dir + '/node_modules/@duckdb/node-api/lib/index.js');
const db = await (await DuckDBInstance.create(':memory:', { threads })).connect();
const fields = { eventTime: 'VARCHAR', eventName: 'VARCHAR', eventSource: 'VARCHAR', errorCode: 'VARCHAR', requestParameters: 'JSON' };
const list = Object.entries(fields);
const records = layout === 'lines'
  ? "select * from read_json('" + from + "/cloudtrail/events.jsonl', format='newline_delimited', columns={" + list.map(([k, t]) => k + ":'" + t + "'") + "})"
  : "select unnest(Records, recursive:=false) as r from read_json('" + from + "/AWSLogs/**/*.json.gz', maximum_object_size=100000000, columns={Records:'STRUCT(" + list.map(([k, t]) => k + ' ' + t) + ")[]'})";
const r = layout === 'lines' ? '' : 'r.';
const began = process.hrtime.bigint();
const found = await db.runAndReadAll("select " + r + "eventTime, " + r + "eventName, " + r + "errorCode from (" + records + ") where " + r + "eventSource='sts.amazonaws.com' and (" + r + "requestParameters->>'roleArn') like '%:role/archive-export'");
console.log(JSON.stringify({ rows: found.getRows().length, seconds: Number(process.hrtime.bigint() - began) / 1e9 }));`

// BenchmarkOfflineMillion investigates a generated incident with the real program, from its start to its report:
// 50,000 records, or as many as STSLEUTH_BENCH_RECORDS says (1000000 are 1.9 GB). Where STSLEUTH_DUCKDB names a folder
// with the npm module @duckdb/node-api, DuckDB answers the plain selection over the same files, in turns; of both the
// median is given, of DuckDB's process the query alone.
func BenchmarkOfflineMillion(b *testing.B) {
	n := 50_000
	if text := os.Getenv("STSLEUTH_BENCH_RECORDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal("STSLEUTH_BENCH_RECORDS:", err)
		}
	}
	program := filepath.Join(b.TempDir(), "stsleuth")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("build the program: %v\n%s", err, out)
	}
	duck := os.Getenv("STSLEUTH_DUCKDB")
	if duck == "" {
		b.Log("not compared with DuckDB: STSLEUTH_DUCKDB names no folder with @duckdb/node-api")
	}
	for _, layout := range []gentrail.Layout{gentrail.Lines, gentrail.S3} {
		b.Run(string(layout), func(b *testing.B) {
			dir := b.TempDir()
			if err := gentrail.Write(dir, n, 1, layout); err != nil {
				b.Fatal(err)
			}
			size := recordBytes(b, dir, n)
			var ours, theirs []time.Duration
			var processors time.Duration
			resident := int64(0)
			for b.Loop() {
				took, used := investigated(b, program, dir)
				ours = append(ours, took)
				processors += time.Duration(used.Utime.Nano() + used.Stime.Nano())
				resident = max(resident, peak(used))
				if duck != "" {
					b.StopTimer()
					theirs = append(theirs, selected(b, duck, string(layout), dir))
					b.StartTimer()
				}
			}
			seconds := median(ours).Seconds()
			b.ReportMetric(seconds, "s/median")
			b.ReportMetric(float64(n)/seconds, "records/s")
			b.ReportMetric(float64(size)/1e6/seconds, "MB/s")
			b.ReportMetric(processors.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(resident)/(1<<20), "MiB-peak")
			if duck != "" {
				b.ReportMetric(median(theirs).Seconds(), "duckdb-s/median")
				b.ReportMetric(seconds/median(theirs).Seconds(), "of-duckdb")
			}
			if resident > mostResident {
				b.Errorf("%d MiB were resident, more than %d", resident>>20, mostResident>>20)
			}
		})
	}
}

// recordBytes is the size of the capture's records, unpacked.
func recordBytes(b *testing.B, dir string, records int) int64 {
	c, err := capture.Load(b.Context(), dir, capture.Options{Keep: func([]byte) bool { return false }})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if c.Read.Records != records || len(c.Bad) > 0 {
		b.Fatalf("%d records of %d were read, %d are bad", c.Read.Records, records, len(c.Bad))
	}
	return c.Read.Bytes
}

// investigated runs the program and checks that it found the planted cause.
func investigated(b *testing.B, program, dir string) (time.Duration, *syscall.Rusage) {
	cmd := exec.CommandContext(b.Context(), program, "investigate", "--capture", dir, "-o", "json")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		b.Fatalf("%v: %s", err, problems.String())
	}
	var r playbook.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		b.Fatal(err)
	}
	if d := r.Diagnosis; len(d.Causes) == 0 || d.Causes[0].Cause != "max-session-lowered" {
		b.Fatalf("the diagnosis is %s, %v", d.Verdict, d.Causes)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage)
}

// peak is the most that was resident, in bytes; only macOS gives it so.
func peak(used *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return used.Maxrss
	}
	return used.Maxrss << 10
}

func selected(b *testing.B, duck, layout, dir string) time.Duration {
	duck, err := filepath.Abs(duck)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "node", "--input-type=module", "-e", duckScript, "--", duck, layout, dir, strconv.Itoa(runtime.GOMAXPROCS(0)))
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("DuckDB: %v: %s", err, problems.String())
	}
	var found struct {
		Rows    int
		Seconds float64
	}
	if err := json.Unmarshal(out, &found); err != nil || found.Rows != 33 {
		b.Fatalf("DuckDB found %d rows, want 33: %v", found.Rows, err)
	}
	return time.Duration(found.Seconds * float64(time.Second))
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
