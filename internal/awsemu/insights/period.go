package insights

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// period is a time span such as 5m: fixed milliseconds, or calendar months.
type period struct {
	millis float64
	months int
}

// units by name, without the plural s. Names longer than one letter take it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
// cap is the greatest number for a unit; larger ones are cut down to it:
// bin(300s) is bin(60s).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
var units = map[string]struct {
	period
	cap int
}{
	"ms": {period{millis: 1}, 1000}, "msec": {period{millis: 1}, 1000}, "millisecond": {period{millis: 1}, 1000},
	"s": {period{millis: 1e3}, 60}, "sec": {period{millis: 1e3}, 60}, "second": {period{millis: 1e3}, 60},
	"m": {period{millis: 60e3}, 60}, "min": {period{millis: 60e3}, 60}, "minute": {period{millis: 60e3}, 60},
	"h": {period{millis: 3600e3}, 24}, "hr": {period{millis: 3600e3}, 24}, "hour": {period{millis: 3600e3}, 24},
	"d": {period{millis: 86400e3}, maxPeriod}, "day": {period{millis: 86400e3}, maxPeriod},
	"w": {period{millis: 7 * 86400e3}, maxPeriod}, "week": {period{millis: 7 * 86400e3}, maxPeriod},
	"mo": {period{months: 1}, maxPeriod}, "mon": {period{months: 1}, maxPeriod}, "month": {period{months: 1}, maxPeriod},
	"q": {period{months: 3}, maxPeriod}, "qtr": {period{months: 3}, maxPeriod}, "quarter": {period{months: 3}, maxPeriod},
	"y": {period{months: 12}, maxPeriod}, "yr": {period{months: 12}, maxPeriod}, "year": {period{months: 12}, maxPeriod},
}

// maxPeriod keeps calendar arithmetic inside what time.Time holds.
const maxPeriod = 10_000

// period reads a period token.
func (p *parser) period() (period, error) {
	t := p.tok
	digits := len(t.text) - len(strings.TrimLeft(t.text, "0123456789"))
	name := t.text[digits:]
	unit, ok := units[name]
	if !ok && len(name) > 2 {
		unit, ok = units[strings.TrimSuffix(name, "s")]
	}
	n, err := strconv.Atoi(t.text[:digits])
	if t.kind != tokPeriod || !ok || err != nil || n < 1 {
		return period{}, p.unexpected("a period such as 5m")
	}
	n = min(n, unit.cap)
	return period{millis: unit.millis * float64(n), months: unit.months * n}, p.advance()
}

// periodCall reads bin(period), datefloor(time, period), dateceil(time, period).
func (p *parser) periodCall(name string, tok token) (node, error) {
	if err := p.advance(); err != nil {
		return node{}, err
	}
	var of node
	var err error
	if name == "bin" {
		of, err = p.lookup(systemToken("@timestamp", tok))
	} else if of, err = p.expression(); err == nil {
		err = p.expect(",")
	}
	if err != nil {
		return node{}, err
	}
	span, err := p.period()
	if err != nil {
		return node{}, err
	}
	return node{eval: func(r *record) value {
		ms, ok := of.eval(r).number()
		if !ok || math.Abs(ms) > maxMillis {
			return none
		}
		floor := span.floor(ms)
		if name == "dateceil" && floor < ms {
			floor = span.next(floor)
		}
		return millisOf(floor)
	}}, p.expect(")")
}

// floor is the start of the span that holds ms: a multiple of the span since
// the epoch, in UTC.
func (s period) floor(ms float64) float64 {
	if s.months == 0 {
		return math.Floor(ms/s.millis) * s.millis
	}
	t := time.UnixMilli(int64(ms)).UTC()
	month := (t.Year()-1970)*12 + int(t.Month()) - 1
	month -= ((month % s.months) + s.months) % s.months
	return float64(time.Date(1970, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC).UnixMilli())
}

func (s period) next(floor float64) float64 {
	if s.months == 0 {
		return floor + s.millis
	}
	return float64(time.UnixMilli(int64(floor)).UTC().AddDate(0, s.months, 0).UnixMilli())
}
