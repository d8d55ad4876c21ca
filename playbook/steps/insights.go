package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// insightsRows is the most rows that one query gives.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
	insightsRows = 100_000
	// insightsGroups is the most log groups that one query takes (same page).
	insightsGroups = 50

	// A query is asked about soon, which is enough for a quick one, and then less and
	// less often: the queries of one investigation run at the same time, and asking
	// about all of them has to fit into the account's turns.
	firstPoll, nextPoll, slowestPoll = 150 * time.Millisecond, 300 * time.Millisecond, time.Second

	// The account's limits are shared with dashboards and people: a refused start
	// is tried again this often, after pauses that double; so often in a row may
	// asking for the results be refused.
	startAttempts  = 5
	firstRestart   = 500 * time.Millisecond
	stopQueryWaits = 3 * time.Second
)

// throttles knows AWS's codes for "too often".
var throttles = retry.IsErrorThrottles(retry.DefaultThrottles)

// insightsQuery is one Logs Insights query. Text holds nothing of what a person
// typed but through quoted.
type insightsQuery struct {
	Region   string
	Groups   []string // names, or ARNs without ":*"; at most insightsGroups
	Text     string
	From, To time.Time // sent in whole seconds, both ends included
}

// end is the last second asked for: a part of a second counts as one.
func (q insightsQuery) end() int64 { return q.To.Add(time.Second - 1).Unix() }

// insightsStats is what is known of a query besides its rows.
type insightsStats struct {
	Rows    int
	Matched int64
	Scanned int64 // bytes
	Cut     bool  // there were more rows than a query gives
}

// insights runs one query and hands over its rows once it is complete: what a
// running query shows is partial and never looked at. The query is stopped if
// nobody waits for it any more, for it holds one of the account's few slots.
func (r run) insights(ctx context.Context, q insightsQuery, row func([]types.ResultField)) answer[insightsStats] {
	api := r.Logs(q.Region)
	inTurn := cloudwatchlogs.WithAPIOptions(r.Limits.underRetries(q.Region, r.Limits.quotas.polls))
	results := func(ctx context.Context, in *cloudwatchlogs.GetQueryResultsInput) (*cloudwatchlogs.GetQueryResultsOutput, error) {
		return api.GetQueryResults(ctx, in, inTurn)
	}
	c := call{Action: "logs:StartQuery", Region: q.Region, Console: insightsConsole(q), As: r.By,
		Args: append(append([]string{"--log-group-identifiers"}, q.Groups...),
			"--start-time", strconv.FormatInt(q.From.Unix(), 10), "--end-time", strconv.FormatInt(q.end(), 10),
			"--limit", strconv.Itoa(insightsRows), "--query-string", q.Text)}
	a := ask(ctx, c, func(ctx context.Context) (insightsStats, error) {
		slot, err := r.Limits.slot(ctx, q.Region)
		if err != nil {
			return insightsStats{}, err
		}
		defer slot.free()
		id, err := startQuery(ctx, api, q)
		if err != nil {
			return insightsStats{}, err
		}
		page, err := awaitQuery(ctx, api, id, results, slot.keep)
		slot.free()
		if err != nil {
			return insightsStats{}, asProblem("logs:GetQueryResults", q.Region, err)
		}
		var s insightsStats
		if st := page.Statistics; st != nil {
			s.Matched, s.Scanned = int64(st.RecordsMatched), int64(st.BytesScanned)
		}
		for {
			for _, fields := range page.Results {
				row(fields)
			}
			s.Rows += len(page.Results)
			if page.NextToken == nil {
				s.Cut = s.Rows >= insightsRows
				return s, nil
			}
			page, err = results(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: &id, NextToken: page.NextToken})
			if err != nil {
				return s, asProblem("logs:GetQueryResults", q.Region, err)
			}
		}
	})
	from, to := q.From.UTC(), q.To.UTC()
	a.Proof.Query, a.Proof.LogGroup, a.Proof.From, a.Proof.To = q.Text, strings.Join(q.Groups, " "), &from, &to
	a.Proof.Scanned = a.Out.Scanned
	notSent(&a, "not started: no slot was free in time")
	if a.Problem == nil {
		a.Proof.Result = wording.Count(a.Out.Rows, "row", "rows")
		if a.Out.Cut {
			a.Proof.Result += ", the most that a query gives"
		}
	}
	return a
}

// notSent says of a call that waited in vain for one of AWS's limits that it was
// not made, where classify could only say that there was no answer.
func notSent[T any](a *answer[T], result string) {
	if a.Problem != nil && errors.Is(a.Problem.Err, errNoTurn) && a.Proof.Calls == 0 {
		a.Proof.Result = result
	}
}

// asProblem classifies an error of a call inside another one, so that the right
// IAM action is named.
func asProblem(action, region string, err error) error {
	if p := classify(action, region, err); p != nil {
		return p
	}
	return nil
}

func startQuery(ctx context.Context, api Logs, q insightsQuery) (string, error) {
	in := &cloudwatchlogs.StartQueryInput{LogGroupIdentifiers: q.Groups, QueryString: &q.Text, Limit: aws.Int32(insightsRows),
		StartTime: aws.Int64(q.From.Unix()), EndTime: aws.Int64(q.end())}
	pause := firstRestart
	for attempt := 1; ; attempt++ {
		out, err := api.StartQuery(ctx, in)
		if err == nil {
			return aws.ToString(out.QueryId), nil
		}
		if _, full := errors.AsType[*types.LimitExceededException](err); !full || attempt == startAttempts {
			return "", err
		}
		if err := pauseFor(ctx, pause); err != nil {
			return "", err
		}
		pause *= 2
	}
}

// resultsCall is GetQueryResults, each attempt in its turn.
type resultsCall func(context.Context, *cloudwatchlogs.GetQueryResultsInput) (*cloudwatchlogs.GetQueryResultsOutput, error)

// awaitQuery polls until the query has ended and gives its first page; keep is
// called every time.
func awaitQuery(ctx context.Context, api Logs, id string, results resultsCall, keep func(context.Context)) (page *cloudwatchlogs.GetQueryResultsOutput, err error) {
	ended := false
	defer func() {
		if ended {
			return
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopQueryWaits)
		defer cancel()
		// Its answer changes nothing: a query that has ended meanwhile says so, and
		// one that cannot be stopped runs out by itself.
		_, _ = api.StopQuery(stop, &cloudwatchlogs.StopQueryInput{QueryId: &id})
	}()
	pause, refused := firstPoll, 0
	for {
		if err := pauseFor(ctx, pause); err != nil {
			return nil, err
		}
		keep(ctx)
		page, err := results(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: &id})
		if err != nil {
			if refused++; refused < startAttempts && throttles.IsErrorThrottle(err).Bool() {
				pause = slowestPoll // others ask as well; the query goes on meanwhile
				continue
			}
			return nil, err
		}
		refused = 0
		switch page.Status {
		case types.QueryStatusComplete:
			ended = true
			return page, nil
		case types.QueryStatusFailed, types.QueryStatusCancelled, types.QueryStatusTimeout:
			ended = true
			return nil, &playbook.Problem{Status: playbook.Blind, Text: "CloudWatch Logs Insights ended the query as " + string(page.Status)}
		}
		pause = min(max(pause, nextPoll)*115/100, slowestPoll)
	}
}

func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// quoted is a text as a string of the Logs Insights query language. Role names
// and paths may hold almost any ASCII character, so this is the only way for
// them into a query. Control characters are in no name and become spaces.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quotedList(values []string) string {
	var out []string
	for _, v := range values {
		out = append(out, quoted(v))
	}
	return "[" + strings.Join(out, ",") + "]"
}

// column is a row's value of one field, "" where the row does not have it.
func column(row []types.ResultField, field string) string {
	for _, f := range row {
		if aws.ToString(f.Field) == field {
			return aws.ToString(f.Value)
		}
	}
	return ""
}

// insightsTime reads @timestamp and bin(): UTC without a zone.
func insightsTime(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// insightsConsole links to the query in the console, whose address spells
// strings with *xx for everything but letters, digits, dash, dot and underscore.
func insightsConsole(q insightsQuery) string {
	spell := func(s string) string {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "*%02x", c)
			}
		}
		return b.String()
	}
	var groups []string
	for _, g := range q.Groups {
		groups = append(groups, "~'"+spell(g))
	}
	return console(q.Region, "cloudwatch", fmt.Sprintf("logsV2:logs-insights?queryDetail=~(end~'%s~start~'%s~timeType~'ABSOLUTE~tz~'UTC~editorString~'%s~source~(%s))",
		spell(q.To.UTC().Format("2006-01-02T15:04:05.000Z")), spell(q.From.UTC().Format("2006-01-02T15:04:05.000Z")), spell(q.Text), strings.Join(groups, "")))
}
