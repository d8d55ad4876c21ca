package awsemu

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// A logGroup is a group of logs.yaml, or one that trails write to, or both. It belongs to the account that asks, or to
// one that is linked to it.
type logGroup struct {
	capture.LogGroup
	owner  string // account
	trails []capture.Trail
}

// logEvent is one event of a group. number is its place in the capture.
type logEvent struct {
	ms     int64
	number int
	stream string
	text   string       // of an event of logs/
	record *trailRecord // or the record that a trail wrote
}

// Size is the length of the message.
func (e logEvent) Size() int {
	if e.record != nil {
		return e.record.Size
	}
	return len(e.text)
}

// Text is the message. A record is read when it is asked for.
func (e logEvent) Text() string {
	if e.record != nil {
		return string(e.record.raw())
	}
	return e.text
}

// Known is a field of the message that the index of records holds.
func (e logEvent) Known(field string) string {
	if e.record == nil {
		return ""
	}
	switch field {
	case "eventSource":
		return e.record.Source
	case "eventName":
		return e.record.Name
	case "awsRegion":
		return e.record.Region
	case "recipientAccountId":
		return e.record.Account
	}
	return ""
}

// unknownAge is the age of a group whose creation no file tells: older than any window.
const unknownAge = 365 * 24 * time.Hour

// logGroups gives the groups that the account may see, its own and those linked to it, sorted by region, name and owner.
func logGroups(in *incident) []*logGroup {
	var groups []*logGroup
	for _, g := range in.Groups {
		if owner := cmp.Or(g.Account, in.Account); owner == in.Account || g.Linked {
			groups = append(groups, &logGroup{LogGroup: g, owner: owner})
		}
	}
	for _, t := range in.Trails {
		region, account, name, ok := groupOf(t)
		if !ok {
			continue
		}
		g := groupIn(groups, account, region, name)
		switch {
		case g == nil && account != in.Account: // of an account that shows it to nobody here
			continue
		case g == nil:
			g = &logGroup{LogGroup: capture.LogGroup{Name: name, Region: region, Class: "STANDARD"}, owner: account}
			groups = append(groups, g)
		}
		g.trails = append(g.trails, t)
	}
	for _, g := range groups {
		if g.Created.IsZero() {
			g.Created = in.Now.Add(-unknownAge)
		}
		if g.StoredBytes == 0 {
			g.StoredBytes = in.estimateBytes(g)
		}
	}
	slices.SortFunc(groups, func(a, b *logGroup) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name), cmp.Compare(a.owner, b.owner))
	})
	return groups
}

func groupIn(groups []*logGroup, account, region, name string) *logGroup {
	for _, g := range groups {
		if g.owner == account && g.Region == region && g.Name == name {
			return g
		}
	}
	return nil
}

// estimateBytes gives the size of a group that no file tells. Of a trail's records it weighs a thousand.
func (in *incident) estimateBytes(g *logGroup) (bytes int64) {
	for _, e := range g.Events {
		bytes += int64(len(e.Message))
	}
	if len(g.trails) == 0 {
		return bytes
	}
	const sample = 1000
	n := in.Records.Len()
	step := max(1, n/sample)
	weighed := int64(0)
	records := in.reader(new(error)) // what fails here is asked again, and answered for, when the events are read
	for i := 0; i < n; i += step {
		rec := records.at(i)
		for _, t := range g.trails {
			if in.delivers(t, rec) {
				weighed += int64(rec.Size)
			}
		}
	}
	return bytes + weighed*int64(step)
}

// between gives the group's events with from <= time <= to, in milliseconds, as far as its retention goes back. What
// goes wrong is left in failed.
func (in *incident) between(g *logGroup, from, to int64, newestFirst bool, failed *error) iter.Seq[logEvent] {
	if g.RetentionDays > 0 {
		from = max(from, in.Now.AddDate(0, 0, -g.RetentionDays).UnixMilli())
	}
	at := func(ms int64) int {
		return sort.Search(len(g.Events), func(i int) bool { return g.Events[i].Timestamp >= ms })
	}
	lo, hi := at(from), at(to+1)
	hi = max(lo, hi)
	written := func(yield func(logEvent) bool) {
		for n := range hi - lo {
			i := lo + n
			if newestFirst {
				i = hi - 1 - n
			}
			if e := g.Events[i]; !yield(logEvent{ms: e.Timestamp, number: i, stream: e.Stream, text: e.Message}) {
				return
			}
		}
	}
	if len(g.trails) == 0 {
		return written
	}
	first, last := in.Records.Between(time.UnixMilli(from), time.UnixMilli(to+1))
	fromTrails := in.trailEvents(g.trails, first, max(first, last), newestFirst, failed)
	if len(g.Events) == 0 {
		return fromTrails
	}
	return merged(written, fromTrails, newestFirst)
}

func merged(a, b iter.Seq[logEvent], newestFirst bool) iter.Seq[logEvent] {
	return func(yield func(logEvent) bool) {
		nextB, stop := iter.Pull(b)
		defer stop()
		eb, ok := nextB()
		for ea := range a {
			for ok && (eb.ms < ea.ms) != newestFirst {
				if !yield(eb) {
					return
				}
				eb, ok = nextB()
			}
			if !yield(ea) {
				return
			}
		}
		for ; ok; eb, ok = nextB() {
			if !yield(eb) {
				return
			}
		}
	}
}

// groupNamed finds a group of the caller's region by name, or by ARN, which alone names one of a linked account. AWS takes
// no ARN that ends in :*. What it says of another account's group that is not linked is in a report of it.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
// https://github.com/grafana/grafana/issues/111504
func (r *request) groupNamed(identifier string) (*logGroup, error) {
	if strings.ContainsAny(identifier, "*") || identifier == "" {
		return nil, fail("InvalidParameterException", "1 validation error detected: Value '%s' at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*", identifier)
	}
	account, name := r.account(), identifier
	if strings.HasPrefix(identifier, "arn:") {
		parts := strings.SplitN(identifier, ":", 7)
		if len(parts) != 7 || identifier != r.logsARN(parts[4], parts[6]) {
			return nil, fail("ResourceNotFoundException", "Log group '%s' does not exist for account ID '%s'", identifier, r.account())
		}
		account, name = parts[4], parts[6]
	}
	if g := groupIn(r.incident.groups, account, r.region(), name); g != nil {
		return g, nil
	}
	if account != r.account() {
		return nil, fail("AccessDeniedException", "User with accountId: %s is not authorized to perform %s on resources %s.", r.account(), r.op, name)
	}
	return nil, fail("ResourceNotFoundException", "Log group '%s' does not exist for account ID '%s' (Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException)", name, r.account())
}

// logsARN is the ARN of a log group, without the :* that some replies carry.
func (r *request) logsARN(account, name string) string {
	return "arn:" + r.incident.Partition + ":logs:" + r.region() + ":" + account + ":log-group:" + name
}

// logsResources are the resources of calls about groups, as AWS names them when it refuses one.
func (r *request) logsResources(identifiers ...string) []string {
	var out []string
	for _, id := range identifiers {
		if !strings.HasPrefix(id, "arn:") {
			id = r.logsARN(r.account(), id)
		}
		out = append(out, id+":log-stream:")
	}
	if out == nil {
		return []string{r.logsARN(r.account(), "") + ":log-stream:"}
	}
	return out
}
