package awsemu

import "github.com/stsleuth/stsleuth/internal/capture"

// trailRecord is a CloudTrail record of the capture. Its index is at hand; the record itself is read when it is asked for,
// because most are not: a query scans many and is about few.
type trailRecord struct {
	capture.Event
	number  int
	from    *recordReader
	decoded *selectorFields // see decode
}

// recordReader gives records to one goroutine. The first that could not be read is left in failed.
type recordReader struct {
	records *capture.Records
	near    *capture.Reader
	failed  *error
}

func (in *incident) reader(failed *error) *recordReader {
	return &recordReader{in.Records, in.Records.Reader(), failed}
}

func (r *recordReader) at(i int) *trailRecord {
	return &trailRecord{Event: r.records.At(i), number: i, from: r}
}

// raw is the record's JSON, which holds until another is read.
func (r *trailRecord) raw() []byte {
	b, err := r.from.near.Raw(r.number)
	if err != nil && *r.from.failed == nil {
		*r.from.failed = err
	}
	return b
}
