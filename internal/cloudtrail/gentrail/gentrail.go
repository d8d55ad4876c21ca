// Package gentrail writes captures of any size with one incident planted in everyday traffic: for benchmarks, and to
// see that an investigation finds a few records among a million. One seed gives the same bytes every time.
//
// The command internal/cloudtrail/gen writes one from the shell.
package gentrail

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Layout is how the records lie on disk.
type Layout string

const (
	Lines Layout = "lines" // cloudtrail/events.jsonl, one record a line
	S3    Layout = "s3"    // AWSLogs/<account>/CloudTrail/<region>/<y>/<m>/<d>/*.json.gz, as a trail delivers them
)

// Now is the moment of the incident; the traffic is of the day before it.
var Now = time.Date(2026, 11, 5, 9, 25, 0, 0, time.UTC)

// Write makes the capture in dir: records with the incident's among them, incident.yaml, the role and the trail.
func Write(dir string, records int, seed uint64, layout Layout) error {
	for path, text := range map[string]string{
		"incident.yaml":          fmt.Sprintf(incidentYAML, Now.Format(time.RFC3339)),
		"iam/roles.json":         rolesJSON,
		"cloudtrail/trails.json": fmt.Sprintf(trailsJSON, Now.Add(-4*time.Minute).Format(time.RFC3339)),
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if layout == S3 {
		t := &tree{dir: dir, open: map[string]*delivery{}}
		if err := Records(records, seed, t.add); err != nil {
			return err
		}
		return t.closeAll()
	}
	f, err := os.Create(filepath.Join(dir, "cloudtrail", "events.jsonl"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := WriteLines(f, records, seed); err != nil {
		return err
	}
	return f.Close()
}

// WriteLines writes the records one a line.
func WriteLines(w io.Writer, records int, seed uint64) error {
	out := bufio.NewWriterSize(w, 1<<20)
	err := Records(records, seed, func(_ time.Time, _ string, record []byte) error {
		if _, err := out.Write(record); err != nil {
			return err
		}
		return out.WriteByte('\n')
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// Records makes n records in order of time; the bytes are valid during the call.
func Records(n int, seed uint64, each func(at time.Time, region string, record []byte) error) error {
	w := writer{rand.New(rand.NewPCG(seed, 1))}
	plants := w.incident(Now)
	if n < len(plants) {
		return fmt.Errorf("generate %d records: the incident alone has %d", n, len(plants))
	}
	const day = 24 * time.Hour
	background := n - len(plants)
	var b []byte
	for i := 0; i <= background; i++ {
		at := Now
		if i < background {
			at = Now.Add(-day + time.Duration(float64(day)*float64(i)/float64(background))).Truncate(time.Second)
		}
		for len(plants) > 0 && !plants[0].at.After(at) {
			if err := each(plants[0].at, plants[0].region, plants[0].record); err != nil {
				return err
			}
			plants = plants[1:]
		}
		if i == background {
			break
		}
		record, region := w.background(b[:0], at)
		if err := each(at, region, record); err != nil {
			return err
		}
		b = record
	}
	return nil
}

// tree writes deliveries: one file a region and five minutes.
type tree struct {
	dir   string
	open  map[string]*delivery
	count int
}

type delivery struct {
	slot time.Time
	file *os.File
	gz   *gzip.Writer
	sep  string
}

func (t *tree) add(at time.Time, region string, record []byte) error {
	slot := at.Truncate(5 * time.Minute)
	d := t.open[region]
	if d == nil || !d.slot.Equal(slot) {
		if err := d.close(); err != nil {
			return err
		}
		var err error
		if d, err = t.create(slot, region); err != nil {
			return err
		}
		t.open[region] = d
	}
	if _, err := io.WriteString(d.gz, d.sep); err != nil {
		return err
	}
	d.sep = ","
	_, err := d.gz.Write(record)
	return err
}

func (t *tree) create(slot time.Time, region string) (*delivery, error) {
	dir := filepath.Join(t.dir, "AWSLogs", account, "CloudTrail", region, slot.Format("2006/01/02"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	t.count++
	name := fmt.Sprintf("%s_CloudTrail_%s_%s_%016d.json.gz", account, region, slot.Format("20060102T1504Z"), t.count)
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return &delivery{slot: slot, file: f, gz: gzip.NewWriter(f), sep: `{"Records":[`}, nil
}

func (d *delivery) close() error {
	if d == nil {
		return nil
	}
	if _, err := io.WriteString(d.gz, "]}"); err != nil {
		return err
	}
	if err := d.gz.Close(); err != nil {
		return err
	}
	return d.file.Close()
}

func (t *tree) closeAll() error {
	for _, d := range t.open {
		if err := d.close(); err != nil {
			return err
		}
	}
	return nil
}
