package capture

import (
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// indexed is what is taken from one record while it is read, in parallel.
type indexed struct {
	cloudtrail.Head
	raw []byte
}

func index(raw []byte) (indexed, error) {
	head, err := cloudtrail.Skim(raw)
	if err != nil {
		return indexed{}, err
	}
	if head.EventTime.IsZero() {
		return indexed{}, errors.New("record has no readable eventTime")
	}
	if bytes.IndexByte(raw, '\n') >= 0 {
		raw = cloudtrail.OneLine(raw)
	}
	return indexed{head, raw}, nil
}

// add appends one record; Read calls it for one record at a time, in order.
func (r *Records) add(x indexed) error {
	off, err := r.raw.add(x.raw)
	if err != nil {
		return err
	}
	e := entry{
		at: x.EventTime.UnixNano(), off: off, size: uint32(len(x.raw)),
		id:     maphash.String(seed, x.EventID+"\x00"+x.RecipientAccountID),
		region: r.names.number(x.AWSRegion), account: r.names.number(x.RecipientAccountID),
		source: r.names.number(x.EventSource), name: r.names.number(x.EventName),
	}
	if x.ReadOnly {
		e.flags |= readOnly
	}
	if globalServices[x.EventSource] || x.EventSource == "sts.amazonaws.com" && x.Global {
		e.flags |= global
	}
	if x.Management {
		e.flags |= management
	}
	if x.EventID == "" {
		e.id = 0
	}
	r.entries = append(r.entries, e)
	return nil
}

// Services whose records are written to the global region.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
var globalServices = map[string]bool{
	"iam.amazonaws.com": true, "cloudfront.amazonaws.com": true, "route53.amazonaws.com": true,
	"organizations.amazonaws.com": true, "support.amazonaws.com": true, "health.amazonaws.com": true,
}

var seed = maphash.MakeSeed()

// finish sorts by time, then by place, and marks the records that came before: they have one time, so only records of
// one moment are compared.
func (r *Records) finish() error {
	slices.SortFunc(r.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.off, b.off)) })
	seen := map[uint64]bool{}
	for i := range r.entries {
		e := &r.entries[i]
		if i > 0 && r.entries[i-1].at != e.at {
			clear(seen)
		}
		if e.id != 0 && seen[e.id] {
			e.flags |= again
		}
		seen[e.id] = true
	}
	return r.raw.done()
}

// intern gives each distinct text a number, so that a million records hold each name once.
type intern struct {
	numbers map[string]uint32
	texts   []string
}

func (n *intern) number(s string) uint32 {
	if i, ok := n.numbers[s]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = map[string]uint32{}
	}
	s = strings.Clone(s)
	i := uint32(len(n.texts))
	n.numbers[s], n.texts = i, append(n.texts, s)
	return i
}

func (n *intern) name(i uint32) string { return n.texts[i] }
