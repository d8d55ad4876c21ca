package awsemu

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"github.com/stsleuth/stsleuth/internal/awsemu/insights"
)

// Limits of Logs Insights: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html and
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
const (
	maxQueries     = 100
	maxQueryText   = 10_000
	maxQueryGroups = 50
	maxQueryRows   = 100_000
	queryResults   = 10_000 // rows of one page
	queryTimeout   = time.Hour
)

// queries are those that were started in the last hour.
type queries struct {
	mu   sync.Mutex
	byID map[string]*runningQuery // guarded by mu
}

// A runningQuery is one started query. The work is done at once, in a goroutine of its own; what the client is told
// follows the clock or the polls.
type runningQuery struct {
	account, region string
	started         time.Time
	duration        time.Duration
	stop            context.CancelFunc
	groups          int

	done  chan struct{} // closed once rows, stats and err are there
	rows  []insights.Row
	stats insights.Stats
	err   error

	polls     int  // guarded by queries.mu
	cancelled bool // guarded by queries.mu
	told      bool // that it is complete or failed; guarded by queries.mu
}

func queriedGroups(in *cloudwatchlogs.StartQueryInput) []string {
	all := slices.Concat(in.LogGroupNames, in.LogGroupIdentifiers)
	if in.LogGroupName != nil {
		all = append(all, *in.LogGroupName)
	}
	return all
}

func (s *Server) startQuery(r *request, in *cloudwatchlogs.StartQueryInput) (*cloudwatchlogs.StartQueryOutput, error) {
	invalid := func(format string, args ...any) error { return fail("InvalidParameterException", format, args...) }
	text := aws.ToString(in.QueryString)
	ways := 0
	for _, given := range []bool{in.LogGroupName != nil, in.LogGroupNames != nil, in.LogGroupIdentifiers != nil} {
		if given {
			ways++
		}
	}
	names := queriedGroups(in)
	switch {
	case in.QueryLanguage != "" && in.QueryLanguage != logstypes.QueryLanguageCwli:
		s.journal.surprise(r.action() + ": query language " + string(in.QueryLanguage))
		return nil, invalid("query language %s is not emulated", in.QueryLanguage)
	case ways != 1 || len(names) == 0:
		return nil, invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.")
	case len(names) > maxQueryGroups:
		return nil, invalid("A query takes at most %d log groups.", maxQueryGroups)
	case len([]rune(text)) > maxQueryText:
		return nil, invalid("A query has at most %d characters.", maxQueryText)
	case in.StartTime == nil || in.EndTime == nil || *in.StartTime > *in.EndTime:
		return nil, invalid("Query's start time must not be after its end time.")
	case in.Limit != nil && (*in.Limit < 1 || *in.Limit > maxQueryRows):
		return nil, invalid("limit must be between 1 and %d", maxQueryRows)
	}
	var groups []*logGroup
	for _, n := range names {
		g, err := r.groupNamed(n)
		if err != nil {
			return nil, err
		}
		if g.Class == "DELIVERY" {
			return nil, invalid("Log group %s is of the class DELIVERY, which can't be queried.", g.Name)
		}
		groups = append(groups, g)
	}
	query, err := insights.Parse(text)
	if err != nil {
		s.journal.surprise(r.action() + ": " + err.Error())
		return nil, malformed(err)
	}
	limit := 0
	if in.Limit != nil {
		limit = int(*in.Limit)
	}

	ctx, stop := context.WithCancel(s.ctx)
	q := &runningQuery{account: r.account(), region: r.region(), started: time.Now(), duration: s.options.QueryDuration, stop: stop,
		groups: len(groups), done: make(chan struct{})}
	id, err := s.queries.add(q, r.id, cmp.Or(s.options.MaxQueries, maxQueries))
	if err != nil {
		stop()
		return nil, err
	}
	view := r.incident
	if !s.start(func() {
		defer stop()
		defer close(q.done)
		var failed error
		q.rows, q.stats, q.err = query.Run(ctx, view.insightsEvents(groups, *in.StartTime, *in.EndTime, &failed), limit)
		q.err = errors.Join(q.err, failed)
		s.journal.scanned(int64(q.stats.BytesScanned))
	}) {
		stop()
		return nil, errNeverAnswered
	}
	return &cloudwatchlogs.StartQueryOutput{QueryId: &id}, nil
}

// add keeps a query under an id that depends on nothing but the request and how often it has been made.
func (qs *queries) add(q *runningQuery, requestID string, most int) (string, error) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	active := 0
	for id, other := range qs.byID {
		switch {
		case time.Since(other.started) > queryTimeout:
			other.stop()
			delete(qs.byID, id)
		case other.account == q.account && other.region == q.region && !other.ended():
			active++
		}
	}
	if active >= most {
		return "", fail("LimitExceededException", "Account maximum query concurrency limit of [%d] reached.", most)
	}
	for n := 0; ; n++ {
		id := uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d", requestID, n)).String()
		if qs.byID[id] == nil {
			qs.byID[id] = q
			return id, nil
		}
	}
}

// ended says whether the query has given its place back. Without a duration it has once the client was told.
func (q *runningQuery) ended() bool {
	return q.cancelled || q.told || q.duration > 0 && time.Since(q.started) >= q.duration
}

func malformed(err error) *Error {
	e := fail("MalformedQueryException", "%s", err)
	var at *insights.CompileError
	if errors.As(err, &at) {
		e.Message = at.Message
		e.more = []member{{"queryCompileError", treeOf(logsService, logstypes.QueryCompileError{Message: &at.Message,
			Location: &logstypes.QueryCompileErrorLocation{StartCharOffset: aws.Int32(int32(at.Start)), EndCharOffset: aws.Int32(int32(at.End))}})}}
	}
	return e
}

// insightsEvents gives the events of the groups, with both ends of the time, in seconds, inclusive.
func (in *incident) insightsEvents(groups []*logGroup, from, to int64, failed *error) iter.Seq[insights.Event] {
	return func(yield func(insights.Event) bool) {
		for _, g := range groups {
			log := g.owner + ":" + g.Name
			for e := range in.between(g, from*1000, to*1000+999, true, failed) {
				at := time.UnixMilli(e.ms).UTC()
				if !yield(insights.Event{Timestamp: at, Ingestion: at, LogStream: e.stream, Log: log, Message: groupEvent{e, log}}) {
					return
				}
			}
		}
	}
}

// groupEvent is an event that can be pointed at.
type groupEvent struct {
	logEvent
	group string
}

func (e groupEvent) Ptr() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%s:%d", e.group, e.stream, e.number))
}

func (s *Server) query(r *request, id *string) (*runningQuery, error) {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	q := s.queries.byID[aws.ToString(id)]
	if q == nil || q.account != r.account() || q.region != r.region() {
		return nil, fail("ResourceNotFoundException", "The query with ID '%s' does not exist in this account and region.", aws.ToString(id))
	}
	return q, nil
}

// stage is what a client is told that asks now.
func (s *Server) stage(q *runningQuery) logstypes.QueryStatus {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	polls, elapsed := q.polls, time.Since(q.started)
	q.polls++
	switch {
	case q.cancelled:
		return logstypes.QueryStatusCancelled
	case q.duration == 0 && polls == 0, q.duration > 0 && elapsed < q.duration/10:
		return logstypes.QueryStatusScheduled
	case q.duration == 0 && polls == 1, q.duration > 0 && elapsed < q.duration:
		return logstypes.QueryStatusRunning
	}
	q.told = true
	return logstypes.QueryStatusComplete
}

// getQueryResults gives nothing while the query is scheduled, half of the rows while it runs, all of them page by page
// at the end. It waits for the rows it shows, so that the answers don't depend on this machine's speed.
func (s *Server) getQueryResults(r *request, in *cloudwatchlogs.GetQueryResultsInput) (*cloudwatchlogs.GetQueryResultsOutput, error) {
	q, err := s.query(r, in.QueryId)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.GetQueryResultsOutput{QueryLanguage: logstypes.QueryLanguageCwli, Results: [][]logstypes.ResultField{}}
	if r.stay != "" {
		out.Status = logstypes.QueryStatus(r.stay)
	} else {
		out.Status = s.stage(q)
	}
	if out.Status == logstypes.QueryStatusScheduled || out.Status == logstypes.QueryStatusCancelled {
		out.Statistics = &logstypes.QueryStatistics{}
		return out, nil
	}
	select {
	case <-q.done:
	case <-r.ctx.Done():
		return nil, errNeverAnswered
	}
	if q.err != nil {
		out.Status = logstypes.QueryStatusFailed
		return out, nil
	}
	rows := q.rows
	share := 1.0
	if out.Status != logstypes.QueryStatusComplete {
		rows, share = rows[:(len(rows)+1)/2], 0.5
	}
	rows, out.NextToken, err = page(r, rows, in.NextToken, s.pageSize(r, in.MaxItems, queryResults))
	if err != nil {
		return nil, badToken(err)
	}
	if out.Status != logstypes.QueryStatusComplete {
		out.NextToken = nil
	}
	for _, row := range rows {
		fields := []logstypes.ResultField{}
		for _, f := range row {
			fields = append(fields, logstypes.ResultField{Field: aws.String(f.Name), Value: aws.String(f.Value)})
		}
		out.Results = append(out.Results, fields)
	}
	out.Statistics = &logstypes.QueryStatistics{BytesScanned: q.stats.BytesScanned * share, RecordsScanned: q.stats.RecordsScanned * share,
		RecordsMatched: q.stats.RecordsMatched * share, LogGroupsScanned: float64(q.groups), ResultCount: float64(len(q.rows)) * share}
	return out, nil
}

func (s *Server) stopQuery(r *request, in *cloudwatchlogs.StopQueryInput) (*cloudwatchlogs.StopQueryOutput, error) {
	q, err := s.query(r, in.QueryId)
	if err != nil {
		return nil, err
	}
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	if q.ended() {
		return nil, fail("InvalidParameterException", "Query with ID '%s' is not running or scheduled.", *in.QueryId)
	}
	q.cancelled = true
	q.stop()
	return &cloudwatchlogs.StopQueryOutput{Success: true}, nil
}
