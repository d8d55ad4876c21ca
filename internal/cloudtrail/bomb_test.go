package cloudtrail_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// Files that unpack to a thousand times their size cost time and no memory: what
// is no record is counted, the rest is read.
func TestDecompressionBombsCostNoMemory(t *testing.T) {
	const size = 256 << 20
	dir := t.TempDir()
	var files []cloudtrail.File
	for name, unit := range map[string]string{"one line.jsonl.gz": "x", "spaces.json.gz": " ", "deep.json.gz": "[", "lines.jsonl.gz": "{}\n"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		if strings.HasSuffix(name, ".json.gz") {
			fmt.Fprint(z, `{"Records":[`)
		}
		block := strings.Repeat(unit, 1<<20/len(unit))
		for range size / len(block) / 8 {
			if _, err := io.WriteString(z, block); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat(); err != nil || info.Size() > 1<<20 {
			t.Fatalf("%s is %d bytes, %v", name, info.Size(), err)
		}
		f.Close()
		files = append(files, cloudtrail.Path(f.Name()))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stats, err := cloudtrail.Read(t.Context(), files, func(raw []byte) (struct{}, bool, error) { return struct{}{}, false, nil }, func(struct{}) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 128<<20 {
		t.Errorf("%d MB more of memory", grown>>20)
	}
	t.Logf("%d MB unpacked, %d records, %d bad; %d MB more of memory", stats.Bytes>>20, stats.Records, stats.BadCount, (after.Sys-before.Sys)>>20)
}
