package cloudtrail_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/cloudtrail/gentrail"
)

// benchRecords is 50,000, or what STSLEUTH_BENCH_RECORDS says; 1000000 makes a line-file of 1.9 GB.
func benchRecords(b *testing.B) int {
	text := os.Getenv("STSLEUTH_BENCH_RECORDS")
	if text == "" {
		return 50_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal("STSLEUTH_BENCH_RECORDS:", err)
	}
	return n
}

// benchmarkRead selects what an investigation of one role may ask for, decodes it and keeps the role's records.
func benchmarkRead(b *testing.B, layout gentrail.Layout, pattern string) {
	dir, n := b.TempDir(), benchRecords(b)
	if err := gentrail.Write(dir, n, 1, layout); err != nil {
		b.Fatal(err)
	}
	var files []cloudtrail.File
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, pattern) {
			files = append(files, cloudtrail.Path(path))
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	role, _ := cloudtrail.ParseRole("arn:aws:iam::111122223333:role/archive-export")
	keep := capture.KeepFor(role.Name)
	take := func(raw []byte) (cloudtrail.Record, bool, error) {
		if !keep(raw) {
			return cloudtrail.Record{}, false, nil
		}
		r, err := cloudtrail.Decode(raw)
		return r, err == nil, err
	}
	var stats cloudtrail.Stats
	about := 0
	b.ResetTimer()
	for b.Loop() {
		about = 0
		stats, err = cloudtrail.Read(context.Background(), files, take, func(r cloudtrail.Record) error {
			if r.Concerns(role) {
				about++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	// The incident has 35 records; what else is about the role, nothing.
	if stats.Records != n || stats.BadCount != 0 || about != 35 {
		b.Fatalf("%d of %d records, %d bad, %d about the role; want 35", stats.Records, n, stats.BadCount, about)
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(stats.Records)/seconds, "records/s")
	b.ReportMetric(float64(stats.Bytes)/1e6/seconds, "MB/s")
	b.ReportMetric(float64(stats.Kept), "decoded")
}

func BenchmarkReadLines(b *testing.B) { benchmarkRead(b, gentrail.Lines, "events.jsonl") }
func BenchmarkReadGz(b *testing.B)    { benchmarkRead(b, gentrail.S3, ".json.gz") }

func BenchmarkDecode(b *testing.B) {
	raw := []byte(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAUNVRVMMDSIKX54HLG","arn":"arn:aws:iam::111122223333:user/svc","accountId":"111122223333","accessKeyId":"AKIAZABV347EK5OGD55P","userName":"svc"},"eventTime":"2026-11-05T04:15:01Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/archive-export","roleSessionName":"archive","durationSeconds":43200},"responseElements":{"credentials":{"accessKeyId":"ASIALBYVMQKC6KNDA3AN","expiration":"Nov 4, 2026, 4:25:00 PM"}},"eventID":"7db7eddc-f545-4f05-92e2-1ed935e3164f","readOnly":true}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := cloudtrail.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
