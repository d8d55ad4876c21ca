package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// Records is an index over the raw records of a capture, in order of time, then of files and of lines. Two records with
// one eventID and one recipient are kept both, as AWS would deliver them; the later is marked Again, so that
// LookupEvents, which AWS answers from one store and not from deliveries, leaves it out.
type Records struct {
	entries []entry
	names   intern
	raw     spool
}

// entry is one record's index. Names are numbers in names.
type entry struct {
	at, off                       int64  // nanoseconds since the epoch; place in raw
	id                            uint64 // hash of eventID and recipient; 0 without an eventID
	size                          uint32
	region, account, source, name uint32
	flags                         uint8
}

const (
	readOnly = 1 << iota
	global
	management
	again
)

// Event is what the index knows about one record.
type Event struct {
	Time     time.Time
	Region   string // awsRegion
	Account  string // recipientAccountId
	Source   string // sts.amazonaws.com
	Name     string // AssumeRole
	Size     int    // of the raw record, in bytes
	ReadOnly bool
	Global   bool // of a global service, or of STS through its global endpoint
	Again    bool // the same record came earlier in the capture

	// Management is set for what is surely a management event; of the others the raw record tells.
	Management bool
}

// Len is the number of records.
func (r *Records) Len() int { return len(r.entries) }

// At is the index of record i.
func (r *Records) At(i int) Event {
	e := r.entries[i]
	return Event{
		Time:       time.Unix(0, e.at).UTC(),
		Region:     r.names.name(e.region),
		Account:    r.names.name(e.account),
		Source:     r.names.name(e.source),
		Name:       r.names.name(e.name),
		Size:       int(e.size),
		ReadOnly:   e.flags&readOnly != 0,
		Global:     e.flags&global != 0,
		Again:      e.flags&again != 0,
		Management: e.flags&management != 0,
	}
}

// Raw is record i as CloudTrail wrote it, but on one line. The bytes must not be changed.
func (r *Records) Raw(i int) ([]byte, error) {
	return r.Reader().Raw(i)
}

// Reader reads many records that lie near each other, as those of one time do.
func (r *Records) Reader() *Reader { return &Reader{records: r} }

// Reader is for one goroutine.
type Reader struct {
	records *Records
	near    window
}

// Raw is Records.Raw; the bytes hold until the next call.
func (r *Reader) Raw(i int) ([]byte, error) {
	e := r.records.entries[i]
	return r.records.raw.read(e.off, int(e.size), &r.near)
}

// Between gives the half-open range of records with from <= time < to.
func (r *Records) Between(from, to time.Time) (lo, hi int) {
	at := func(t time.Time) int {
		return sort.Search(len(r.entries), func(i int) bool { return !time.Unix(0, r.entries[i].at).Before(t) })
	}
	return at(from), at(to)
}

// Close frees the spool file, if there is one.
func (r *Records) Close() error { return r.raw.close() }

func (c *Capture) loadRecords(ctx context.Context, opt Options) error {
	paths, err := recordFiles(c.Dir)
	if err != nil {
		return err
	}
	files := make([]cloudtrail.File, len(paths))
	for i, p := range paths {
		files[i] = cloudtrail.Path(p)
	}
	r := &Records{}
	take := func(raw []byte) (indexed, bool, error) {
		if opt.Keep != nil && !opt.Keep(raw) {
			return indexed{}, false, nil
		}
		x, err := index(raw)
		return x, err == nil, err
	}
	c.Read, err = cloudtrail.Read(ctx, files, take, r.add)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	c.Bad = append(c.Bad, c.Read.Bad...)
	if err := r.finish(); err != nil {
		return errors.Join(err, r.Close())
	}
	c.Records = r
	return nil
}

// recordFiles lists the files with records, sorted: everything below cloudtrail/ but its trails.json, and, wherever they
// are, the files that CloudTrail delivers, as `aws s3 sync` leaves them.
func recordFiles(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && notRecords(d.Name()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || d.IsDir() {
			return err
		}
		rel = filepath.ToSlash(rel)
		ext := filepath.Ext(strings.TrimSuffix(rel, ".gz"))
		ours := strings.HasPrefix(rel, "cloudtrail/") && rel != "cloudtrail/trails.json"
		synced := strings.Contains("/"+rel, "/AWSLogs/") || strings.Contains(d.Name(), "_CloudTrail_")
		if (ext == ".json" || ext == ".jsonl") && (ours || synced) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list CloudTrail files: %w", err)
	}
	slices.Sort(paths)
	return paths, nil
}

// notRecords says whether a file or folder of a trail's bucket holds digests, insights or aggregates, which are not
// records of calls. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
func notRecords(name string) bool {
	for _, other := range []string{"CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-Aggregated", "CloudTrail-NetworkActivity"} {
		if name == other || strings.Contains(name, "_"+other+"_") {
			return true
		}
	}
	return false
}
