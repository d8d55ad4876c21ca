package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/health"
	healthtypes "github.com/aws/aws-sdk-go-v2/service/health/types"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	// feedWait is how long the public status feed may take.
	feedWait = 5 * time.Second
	// feedSize bounds what is read of it, in bytes.
	feedSize = 16 << 20
	// healthPages bounds the pages of DescribeEvents, 100 events each.
	healthPages = 5
	// detailsAtOnce is how many events DescribeEventDetails takes.
	// https://docs.aws.amazon.com/health/latest/APIReference/API_DescribeEventDetails.html
	detailsAtOnce = 10
	// healthTextLength is how much of an event's text is kept, in characters.
	healthTextLength = 300
)

// healthServices are the services whose trouble touches sessions, as AWS Health names them.
var healthServices = []string{"STS", "IAM", "MULTIPLE_SERVICES"}

// healthAnswer is what AWS Health said, or the public feed in its place.
type healthAnswer struct {
	asked, feedRead playbook.Truth
	events          []facts.HealthEvent
	health          answer[[]facts.HealthEvent]
	details         *answer[map[string]string] // nil where there was nothing to read about
	feed            *answer[[]facts.HealthEvent]
}

// health asks AWS Health for issues of STS and IAM that bear on the window; the
// public feed is read where AWS Health cannot be asked.
func (r run) health(ctx context.Context, t playbook.Target, w playbook.Window) healthAnswer {
	regions := append(slices.Clone(t.TrailRegions()), "global")
	out := healthAnswer{health: r.healthEvents(ctx, t.Partition, regions, w)}
	out.events = out.health.Out
	switch {
	case out.health.Problem == nil:
		out.asked = playbook.Yes
		if len(out.events) > 0 {
			details := r.healthTexts(ctx, t.Partition, out.events)
			out.details = &details
			for i, e := range out.events {
				out.events[i].Text = details.Out[e.ID]
			}
		}
		return out
	case ownTrouble(out.health.Problem):
		return out
	}
	out.asked = playbook.No
	if r.StatusFeed != "" {
		feed := r.publicFeed(ctx, regions, w)
		out.feed, out.events = &feed, feed.Out
		out.feedRead = playbook.Known(feed.Problem == nil)
	}
	return out
}

// takeHealth notes how the health was asked and returns why the answer is cut, "" when it is whole.
func (n *notes) takeHealth(h healthAnswer) string {
	n.take(h.health.Proof, nil, "")
	if h.details != nil {
		n.take(h.details.Proof, h.details.Problem, "What AWS Health writes about its events")
	}
	if h.health.Problem == nil {
		return ""
	}
	if h.health.Problem.Action != "" {
		n.missing = append(n.missing, h.health.Problem.Action)
	}
	why := "AWS Health could not be asked: " + h.health.Problem.Text
	switch {
	case h.feed == nil:
		n.unseen = append(n.unseen, why+".")
	case h.feed.Problem == nil:
		n.take(h.feed.Proof, nil, "")
		n.unseen = append(n.unseen, why+". The public status feed was read instead; it shows open issues only.")
		return ""
	default:
		n.take(h.feed.Proof, nil, "")
		n.unseen = append(n.unseen, why+", and "+h.feed.Problem.Text+".")
	}
	return "Whether STS and IAM are well is not known: neither AWS Health nor the public status feed could be read."
}

func (r run) healthEvents(ctx context.Context, partition string, regions []string, w playbook.Window) answer[[]facts.HealthEvent] {
	filter := "services=" + strings.Join(healthServices, ",") + ",regions=" + strings.Join(regions, ",") + ",eventTypeCategories=issue,eventStatusCodes=open,closed"
	c := call{Action: "health:DescribeEvents", Region: healthRegion(partition), Args: []string{"--filter", filter}}
	if partition == "aws" {
		c.Console = "https://health.console.aws.amazon.com/health/home#/account/dashboard/open-issues"
	}
	a := ask(ctx, c, func(ctx context.Context) ([]facts.HealthEvent, error) {
		events := []facts.HealthEvent{}
		pages := health.NewDescribeEventsPaginator(r.Health, &health.DescribeEventsInput{Filter: &healthtypes.EventFilter{
			Services: healthServices, Regions: regions,
			EventTypeCategories: []healthtypes.EventTypeCategory{healthtypes.EventTypeCategoryIssue},
			EventStatusCodes:    []healthtypes.EventStatusCode{healthtypes.EventStatusCodeOpen, healthtypes.EventStatusCodeClosed},
		}, MaxResults: aws.Int32(100)})
		for n := 0; pages.HasMorePages() && n < healthPages; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Events {
				events = append(events, facts.HealthEvent{ID: aws.ToString(e.Arn), Service: aws.ToString(e.Service), Region: aws.ToString(e.Region),
					Code: aws.ToString(e.EventTypeCode), Open: e.StatusCode == healthtypes.EventStatusCodeOpen,
					Start: aws.ToTime(e.StartTime).UTC(), End: aws.ToTime(e.EndTime).UTC()})
			}
		}
		return events, nil
	})
	a.Out = bearingOn(w, a.Out)
	if a.Problem == nil {
		a.Proof.Result = wording.Count(len(a.Out), "issue", "issues") + " of STS and IAM in the window"
	}
	return a
}

// bearingOn keeps the events that were going on inside the window, oldest first.
func bearingOn(w playbook.Window, events []facts.HealthEvent) []facts.HealthEvent {
	out := []facts.HealthEvent{}
	for _, e := range events {
		if !e.Start.After(w.To) && (e.Open || e.End.IsZero() || !e.End.Before(w.From)) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b facts.HealthEvent) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID))
	})
	return out
}

// healthTexts reads what AWS Health writes about the events, by event id.
func (r run) healthTexts(ctx context.Context, partition string, events []facts.HealthEvent) answer[map[string]string] {
	var ids []string
	for _, e := range events[max(0, len(events)-detailsAtOnce):] {
		ids = append(ids, e.ID)
	}
	c := call{Action: "health:DescribeEventDetails", Region: healthRegion(partition), Args: append([]string{"--event-arns"}, ids...)}
	a := ask(ctx, c, func(ctx context.Context) (map[string]string, error) {
		out, err := r.Health.DescribeEventDetails(ctx, &health.DescribeEventDetailsInput{EventArns: ids})
		if err != nil {
			return nil, err
		}
		texts := map[string]string{}
		for _, d := range out.SuccessfulSet {
			if d.Event != nil && d.EventDescription != nil {
				texts[aws.ToString(d.Event.Arn)] = shorten(aws.ToString(d.EventDescription.LatestDescription), healthTextLength)
			}
		}
		return texts, nil
	})
	if a.Problem == nil {
		a.Proof.Result = wording.Count(len(a.Out), "description", "descriptions")
	}
	return a
}

// publicFeed reads the feed behind AWS's public status page. It has no API and
// no contract: UTF-16 with a byte order mark, and fields that may change.
func (r run) publicFeed(ctx context.Context, regions []string, w playbook.Window) answer[[]facts.HealthEvent] {
	ctx, cancel := context.WithTimeoutCause(ctx, feedWait, errors.New("the public status feed took too long"))
	defer cancel()
	a := answer[[]facts.HealthEvent]{Proof: playbook.Proof{Action: "public status feed", Calls: 1,
		CLI: "curl -s " + shellQuote(r.StatusFeed) + " | iconv -f UTF-16 -t UTF-8", Console: "https://health.aws.amazon.com/health/status"}}
	events, err := fetchFeed(ctx, r.HTTP, r.StatusFeed)
	if err != nil {
		a.Problem = &playbook.Problem{Status: playbook.Blind, Text: "the public status feed could not be read", Err: err}
		a.Proof.Result = "not read"
		return a
	}
	a.Out = slices.DeleteFunc(bearingOn(w, events), func(e facts.HealthEvent) bool {
		return !slices.Contains(healthServices, e.Service) || !slices.Contains(regions, e.Region)
	})
	a.Proof.Result = fmt.Sprintf("%s, %d of STS and IAM in these regions", wording.Count(len(events), "event", "events"), len(a.Out))
	return a
}

func fetchFeed(ctx context.Context, client *http.Client, url string) ([]facts.HealthEvent, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", url, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch %s: HTTP %d", url, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, feedSize))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", url, err)
	}
	return parseFeed(body)
}

// feedItem is one event of the public feed, as far as it is used.
type feedItem struct {
	ARN     string `json:"arn"` // arn:aws:health:<region>::event/<SERVICE>/<CODE>/<id>
	Service string `json:"service"`
	Status  loose  `json:"status"` // "0" is over; higher is worse
	Date    loose  `json:"date"`   // epoch seconds
	EndTime loose  `json:"end_time"`
	Summary string `json:"summary"`
}

// loose takes a JSON string or number: the feed has had both.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" {
		text = ""
	}
	*l = loose(text)
	return nil
}

func (l loose) time() time.Time {
	seconds, err := strconv.ParseFloat(string(l), 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// parseFeed reads the feed in UTF-16 or UTF-8, as its byte order mark says.
func parseFeed(body []byte) ([]facts.HealthEvent, error) {
	text, _, err := transform.Bytes(unicode.BOMOverride(unicode.UTF8.NewDecoder()), body)
	if err != nil {
		return nil, fmt.Errorf("decode the public status feed: %w", err)
	}
	var items []feedItem
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("decode the public status feed: %w", err)
	}
	events := []facts.HealthEvent{}
	for _, item := range items {
		e := facts.HealthEvent{ID: item.ARN, Open: item.Status != "0" && item.EndTime == "", Start: item.Date.time(), End: item.EndTime.time(),
			Text: shorten(item.Summary, healthTextLength)}
		if parts := strings.Split(item.ARN, ":"); len(parts) >= 6 && parts[2] == "health" {
			e.Region = parts[3]
			if event := strings.Split(parts[5], "/"); len(event) == 4 {
				e.Service, e.Code = event[1], event[2]
			}
		}
		if e.Service == "" { // "sts-eu-west-1"
			service, region, _ := strings.Cut(item.Service, "-")
			e.Service, e.Region = strings.ToUpper(service), cmp.Or(region, "global")
			e.ID = item.Service + "_" + string(item.Date)
		}
		events = append(events, e)
	}
	return events, nil
}

// tellHealth says how STS and IAM are.
func tellHealth(f facts.RoleAndHealth) string {
	source := "AWS Health"
	if f.HealthAsked != playbook.Yes {
		source = "The public status feed"
		if f.FeedRead != playbook.Yes {
			return "Whether AWS has an issue with them is not known."
		}
	}
	if len(f.Events) == 0 {
		return source + " has no issue of STS or IAM there."
	}
	var words []string
	for _, e := range f.Events {
		state := "closed"
		if e.Open {
			state = "open"
		}
		words = append(words, fmt.Sprintf("%s in %s (%s, since %s)", cmp.Or(e.Code, e.Service), e.Region, state, e.Start.Format("2006-01-02 15:04 UTC")))
	}
	return source + " has " + strings.Join(words, "; ") + "."
}

// shorten makes one line of a text and cuts it to a number of characters.
func shorten(text string, most int) string {
	line := []rune(strings.Join(strings.Fields(redact.String(text)), " ")) // before it is one line: a secret may be broken
	if len(line) <= most {
		return string(line)
	}
	return string(line[:most-1]) + "…"
}
