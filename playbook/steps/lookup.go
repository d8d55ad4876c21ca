package steps

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/stsleuth/stsleuth/internal/wording"
)

const (
	// eventHistory is how far back LookupEvents sees.
	// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
	eventHistory = 90 * 24 * time.Hour
	// lookupPage is the most records of one LookupEvents page (same page).
	lookupPage = 50
	// lookupReserve is the part of a step's time that reading the event history
	// must leave over: what was read until then is worth more than a timeout.
	lookupReserve = 10 * time.Second
)

// lookup is one attribute to ask the event history for; AWS takes one a call.
type lookup struct {
	Key   types.LookupAttributeKey
	Value string
	// Pages bounds a lookup that may hit a whole account's records; 0 reads all
	// there is time for.
	Pages int
	// Side marks a lookup that only completes the picture (other roles): where it
	// is cut, what is known about the role in question is still whole.
	Side bool
}

// lookedUp is what one lookup read.
type lookedUp struct {
	Records int
	// Through is the oldest moment from which on everything was read: the start
	// of the time asked for, later where the lookup was cut.
	Through time.Time
	Cut     bool
}

// history reads the event history for one attribute, newest first, at the pace
// that AWS allows. each gets the record's JSON; reading ends where it
// returns false.
func (r run) history(ctx context.Context, region string, l lookup, from, to time.Time, each func(raw string) bool) answer[lookedUp] {
	c := call{Action: "cloudtrail:LookupEvents", Region: region,
		Args: []string{"--lookup-attributes", "AttributeKey=" + string(l.Key) + ",AttributeValue=" + l.Value,
			"--start-time", from.UTC().Format(time.RFC3339), "--end-time", to.UTC().Format(time.RFC3339)},
		Console: console(region, "cloudtrailv2", "/events?"+string(l.Key)+"="+l.Value)}
	inTurn := cloudtrail.WithAPIOptions(r.Limits.underRetries(region, r.Limits.quotas.lookups))
	a := ask(ctx, c, func(ctx context.Context) (lookedUp, error) {
		out := lookedUp{Through: from}
		in := &cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: l.Key, AttributeValue: &l.Value}},
			StartTime: &from, EndTime: &to, MaxResults: aws.Int32(lookupPage)}
		reading, cancel := withReserve(ctx)
		defer cancel()
		oldest := to
		for page := 1; ; page++ {
			if l.Pages > 0 && page > l.Pages || reading.Err() != nil && page > 1 {
				out.Through, out.Cut = oldest, true
				return out, nil
			}
			got, err := r.CloudTrail(region).LookupEvents(reading, in, inTurn)
			if err != nil {
				// Not one page in the whole step is no answer.
				if (reading.Err() != nil || errors.Is(err, errNoTurn)) && ctx.Err() == nil && page > 1 {
					out.Through, out.Cut = oldest, true
					return out, nil
				}
				return out, err
			}
			for _, e := range got.Events {
				out.Records++
				if e.EventTime != nil && e.EventTime.Before(oldest) {
					oldest = e.EventTime.UTC()
				}
				if !each(aws.ToString(e.CloudTrailEvent)) {
					return out, nil
				}
			}
			if got.NextToken == nil {
				return out, nil
			}
			in.NextToken = got.NextToken
		}
	})
	start, end := from.UTC(), to.UTC()
	a.Proof.From, a.Proof.To = &start, &end
	notSent(&a, "not sent: its turn did not come in time")
	if a.Problem == nil {
		a.Proof.Result = wording.Count(a.Out.Records, "record", "records")
		if a.Out.Cut {
			a.Proof.Result += ", cut at " + a.Out.Through.Format(time.RFC3339)
		}
	}
	return a
}

// withReserve ends lookupReserve before ctx does; a step that has little time
// gives half of it.
func withReserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithDeadline(ctx, deadline.Add(-min(lookupReserve, left/2)))
}
