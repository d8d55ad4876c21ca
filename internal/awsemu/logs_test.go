package awsemu

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

var (
	dayStart = time.Date(2026, 10, 14, 0, 0, 0, 0, time.UTC)
	dayEnd   = time.Date(2026, 10, 14, 15, 20, 0, 0, time.UTC)
)

func TestDescribeLogGroups(t *testing.T) {
	c := cloudwatchlogs.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	names := func(in *cloudwatchlogs.DescribeLogGroupsInput) (out []string) {
		for p := cloudwatchlogs.NewDescribeLogGroupsPaginator(c, in); p.HasMorePages(); {
			page := must(p.NextPage(t.Context()))(t).LogGroups
			if len(page) > 3 {
				t.Errorf("a page holds %d groups", len(page))
			}
			for _, g := range page {
				out = append(out, *g.LogGroupName)
			}
		}
		return out
	}
	for _, tt := range []struct {
		name string
		in   cloudwatchlogs.DescribeLogGroupsInput
		want []string
	}{
		{"all of the region, the trail's too", cloudwatchlogs.DescribeLogGroupsInput{}, []string{"/prod/app", "/prod/cold", "/prod/d", "/prod/ship", "trail-logs"}},
		{"prefix", cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/prod/c")}, []string{"/prod/cold"}},
		{"pattern is a substring and knows case", cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("rail")}, []string{"trail-logs"}},
		{"pattern in another case", cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("RAIL")}, nil},
		{"class", cloudwatchlogs.DescribeLogGroupsInput{LogGroupClass: "DELIVERY"}, []string{"/prod/ship"}},
		{"ESSENTIALS is INFREQUENT_ACCESS", cloudwatchlogs.DescribeLogGroupsInput{LogGroupClass: "ESSENTIALS"}, []string{"/prod/cold"}},
		{"identifiers", cloudwatchlogs.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"/prod/d", "/prod/app"}}, []string{"/prod/app", "/prod/d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := names(&tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	full := must(c.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/prod/app")}))(t).LogGroups[0]
	if *full.StoredBytes != 4711 || *full.RetentionInDays != 30 || full.LogGroupClass != "STANDARD" || *full.Arn != "arn:aws:logs:eu-west-1:111122223333:log-group:/prod/app:*" || *full.MetricFilterCount != 1 {
		t.Errorf("group by prefix is %+v", full)
	}
	reduced := must(c.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("/prod/app")}))(t).LogGroups[0]
	if reduced.StoredBytes != nil || reduced.RetentionInDays != nil || reduced.LogGroupClass != "" || *reduced.CreationTime != 1735689600000 {
		t.Errorf("group by pattern is %+v", reduced)
	}
	for _, in := range []cloudwatchlogs.DescribeLogGroupsInput{{LogGroupNamePrefix: aws.String("a"), LogGroupNamePattern: aws.String("bcd")}, {Limit: aws.Int32(51)}} {
		_, err := c.DescribeLogGroups(t.Context(), &in)
		wantCode(t, err, "InvalidParameterException")
	}
}

func TestDescribeMetricFilters(t *testing.T) {
	c := cloudwatchlogs.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	f := must(c.DescribeMetricFilters(t.Context(), &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("/prod/app")}))(t).MetricFilters
	if len(f) != 1 || *f[0].FilterPattern != "ERROR" || *f[0].MetricTransformations[0].MetricNamespace != "App" || *f[0].LogGroupName != "/prod/app" || *f[0].CreationTime != 1735689600000 {
		t.Errorf("filters are %+v", f)
	}
	byMetric := &cloudwatchlogs.DescribeMetricFiltersInput{MetricName: aws.String("Errors"), MetricNamespace: aws.String("Other")}
	if f := must(c.DescribeMetricFilters(t.Context(), byMetric))(t).MetricFilters; len(f) != 0 {
		t.Errorf("filters of another namespace are %+v", f)
	}
	_, err := c.DescribeMetricFilters(t.Context(), &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("/none")})
	wantCode(t, err, "ResourceNotFoundException")
}

// ask runs a query on a group of eu-west-1 and returns its rows and the statuses on the way.
func ask(t *testing.T, s *Server, group, query string, limit int32) (rows [][]logstypes.ResultField, statuses []logstypes.QueryStatus) {
	t.Helper()
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	in := &cloudwatchlogs.StartQueryInput{LogGroupName: &group, QueryString: &query, StartTime: aws.Int64(dayStart.Unix()), EndTime: aws.Int64(dayEnd.Unix())}
	if limit > 0 {
		in.Limit = &limit
	}
	id := must(c.StartQuery(t.Context(), in))(t).QueryId
	for {
		out := must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: id}))(t)
		statuses = append(statuses, out.Status)
		if out.Status != logstypes.QueryStatusScheduled && out.Status != logstypes.QueryStatusRunning {
			rows = out.Results
			for out.NextToken != nil {
				out = must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: id, NextToken: out.NextToken}))(t)
				rows = append(rows, out.Results...)
			}
			return rows, statuses
		}
		if len(statuses) > 100 {
			t.Fatal("the query never completes")
		}
		if s.options.QueryDuration > 0 {
			<-time.After(s.options.QueryDuration / 4) // in a synctest bubble
		}
	}
}

func TestQueryIsScheduledThenRunningWithPartOfTheRowsThenComplete(t *testing.T) {
	s := everything.serve(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	id := must(c.StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{LogGroupIdentifiers: []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/prod/app"},
		QueryString: aws.String("fields @message | filter @message like /ExpiredToken/"), StartTime: aws.Int64(dayStart.Unix()), EndTime: aws.Int64(dayEnd.Unix())}))(t).QueryId
	var got []string
	for range 4 {
		out := must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: id}))(t)
		got = append(got, fmt.Sprintf("%s %d/%v", out.Status, len(out.Results), out.Statistics.RecordsMatched))
	}
	if want := []string{"Scheduled 0/0", "Running 1/1", "Complete 2/2", "Complete 2/2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	out := must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: id}))(t)
	if row := out.Results[0]; *row[0].Field != "@message" || *row[0].Value != "ERROR ExpiredToken two" || *row[len(row)-1].Field != "@ptr" {
		t.Errorf("first row is the newest event with @ptr last; got %s=%s", *row[0].Field, *row[0].Value)
	}
	if out.Statistics.RecordsScanned != 3 || out.Statistics.BytesScanned == 0 || out.Statistics.LogGroupsScanned != 1 || out.Statistics.ResultCount != 2 {
		t.Errorf("statistics are %+v", *out.Statistics)
	}
	if b := s.Stats().BytesScanned; float64(b) != out.Statistics.BytesScanned {
		t.Errorf("the emulator counted %d bytes", b)
	}
	_, err := c.StopQuery(t.Context(), &cloudwatchlogs.StopQueryInput{QueryId: id})
	wantCode(t, err, "InvalidParameterException")
}

func TestQueryGoesByTheClockWhereADurationIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything.serve(t, Options{QueryDuration: 2 * time.Second})
		began := time.Now()
		rows, statuses := ask(t, s, "/prod/app", "fields @message", 0)
		if len(rows) != 3 || statuses[0] != "Scheduled" || statuses[1] != "Running" || time.Since(began) < 2*time.Second {
			t.Errorf("%d rows after %s by %v", len(rows), time.Since(began), statuses)
		}
		s.Close()
	})
}

func TestQueryRows(t *testing.T) {
	var events []string
	for i := range 450 {
		events = append(events, fmt.Sprintf(`{"timestamp":%d,"stream":"s","message":"m%03d"}`, dayStart.UnixMilli()+int64(i), i))
	}
	fs := files{"logs/logs.yaml": "groups:\n  - {name: g, region: eu-west-1, events: e.jsonl}\n", "logs/e.jsonl": lines(events...)}
	s := fs.serve(t, Options{QueryDuration: -1})
	if rows, statuses := ask(t, s, "g", "fields @message", 0); len(rows) != 450 || *rows[449][0].Value != "m000" || !slices.Equal(statuses, []logstypes.QueryStatus{"Complete"}) {
		t.Errorf("%d rows by %v", len(rows), statuses)
	}
	if rows, _ := ask(t, s, "g", "fields @message", 7); len(rows) != 7 {
		t.Errorf("with limit 7 there are %d rows", len(rows))
	}
	if rows, _ := ask(t, s, "g", "stats count(*) as n", 0); *rows[0][0].Value != "450" {
		t.Errorf("count is %s", *rows[0][0].Value)
	}
}

func TestStartQueryRefuses(t *testing.T) {
	s := everything.tolerant(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	start := func(change func(*cloudwatchlogs.StartQueryInput)) error {
		in := &cloudwatchlogs.StartQueryInput{LogGroupName: aws.String("/prod/app"), QueryString: aws.String("fields @message"), StartTime: aws.Int64(1), EndTime: aws.Int64(2)}
		change(in)
		_, err := c.StartQuery(t.Context(), in)
		return err
	}
	for name, tt := range map[string]struct {
		change func(*cloudwatchlogs.StartQueryInput)
		code   string
	}{
		"an unknown group": {func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = aws.String("/none") }, "ResourceNotFoundException"},
		"a group of another region": {func(in *cloudwatchlogs.StartQueryInput) {
			in.LogGroupName = nil
			in.LogGroupIdentifiers = []string{"arn:aws:logs:us-east-1:111122223333:log-group:/prod/app"}
		}, "ResourceNotFoundException"},
		"an ARN that ends in :*": {func(in *cloudwatchlogs.StartQueryInput) {
			in.LogGroupName = nil
			in.LogGroupIdentifiers = []string{"arn:aws:logs:eu-west-1:111122223333:log-group:/prod/app:*"}
		}, "InvalidParameterException"},
		"two ways to name a group": {func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupNames = []string{"/prod/app"} }, "InvalidParameterException"},
		"no group":                 {func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = nil }, "InvalidParameterException"},
		"51 groups": {func(in *cloudwatchlogs.StartQueryInput) {
			in.LogGroupName = nil
			in.LogGroupNames = slices.Repeat([]string{"/prod/app"}, 51)
		}, "InvalidParameterException"},
		"a start after the end":      {func(in *cloudwatchlogs.StartQueryInput) { in.StartTime = aws.Int64(3) }, "InvalidParameterException"},
		"a limit above the greatest": {func(in *cloudwatchlogs.StartQueryInput) { in.Limit = aws.Int32(100001) }, "InvalidParameterException"},
		"a text that is too long": {func(in *cloudwatchlogs.StartQueryInput) {
			in.QueryString = aws.String("#" + strings.Repeat("x", 10000))
		}, "InvalidParameterException"},
		"a class without queries": {func(in *cloudwatchlogs.StartQueryInput) { in.LogGroupName = aws.String("/prod/ship") }, "InvalidParameterException"},
		"another language":        {func(in *cloudwatchlogs.StartQueryInput) { in.QueryLanguage = logstypes.QueryLanguageSql }, "InvalidParameterException"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, start(tt.change), tt.code) })
	}
	err := start(func(in *cloudwatchlogs.StartQueryInput) { in.QueryString = aws.String("fields @message | diff") })
	var bad *logstypes.MalformedQueryException
	if !errors.As(err, &bad) || bad.QueryCompileError == nil || *bad.QueryCompileError.Location.StartCharOffset != 18 {
		t.Errorf("an unsupported command gives %v", err)
	}
	if u := s.Unexpected(); len(u) != 2 {
		t.Errorf("remembered as unexpected: %q", u)
	}
}

func TestInfrequentAccessIsForQueriesOnly(t *testing.T) {
	s := everything.serve(t, Options{})
	if rows, _ := ask(t, s, "/prod/cold", "fields @message", 0); len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
	_, err := cloudwatchlogs.NewFromConfig(s.once("eu-west-1")).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/prod/cold")})
	wantCode(t, err, "InvalidOperationException")
}

func TestAHundredQueriesAtOnce(t *testing.T) {
	s := everything.serve(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	in := &cloudwatchlogs.StartQueryInput{LogGroupName: aws.String("/prod/app"), QueryString: aws.String("fields @message"), StartTime: aws.Int64(1), EndTime: aws.Int64(2)}
	ids := map[string]bool{}
	var last *string
	for range maxQueries {
		last = must(c.StartQuery(t.Context(), in))(t).QueryId
		ids[*last] = true
	}
	if len(ids) != maxQueries {
		t.Errorf("%d ids for %d queries", len(ids), maxQueries)
	}
	_, err := c.StartQuery(t.Context(), in)
	wantCode(t, err, "LimitExceededException")
	if !must(c.StopQuery(t.Context(), &cloudwatchlogs.StopQueryInput{QueryId: last}))(t).Success {
		t.Error("the query was not stopped")
	}
	if out := must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: last}))(t); out.Status != logstypes.QueryStatusCancelled {
		t.Errorf("a stopped query is %s", out.Status)
	}
	must(c.StartQuery(t.Context(), in))(t)
	_, err = c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String("none")})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestFilterLogEventsBeginsWithAnEmptyPage(t *testing.T) {
	s := everything.serve(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/prod/app"), FilterPattern: aws.String(`"ExpiredToken"`)}
	first := must(c.FilterLogEvents(t.Context(), in))(t)
	if len(first.Events) != 0 || first.NextToken == nil {
		t.Errorf("first page has %d events and the token %v", len(first.Events), first.NextToken)
	}
	if got := filtered(t, s, in); len(got) != 2 || *got[0].Message != "ERROR ExpiredToken one" {
		t.Errorf("%d events, older ones than the retention among them", len(got))
	}
	newest := *in
	newest.StartFromHead, newest.StartTime = aws.Bool(false), aws.Int64(dayStart.UnixMilli())
	token := must(c.FilterLogEvents(t.Context(), &newest))(t).NextToken
	newest.StartFromHead, newest.NextToken = nil, token
	if e := must(c.FilterLogEvents(t.Context(), &newest))(t).Events; len(e) != 2 || *e[0].Message != "ERROR ExpiredToken two" {
		t.Errorf("the token does not keep the direction: %d events", len(e))
	}
	changed := *in
	changed.NextToken, changed.FilterPattern = first.NextToken, aws.String("ERROR")
	_, err := c.FilterLogEvents(t.Context(), &changed)
	wantCode(t, err, "InvalidParameterException")
}

func TestFilterLogEventsSelects(t *testing.T) {
	s := everything.tolerant(t, Options{})
	second := dayStart.Add(14*time.Hour + time.Second).UnixMilli()
	for name, tt := range map[string]struct {
		in   cloudwatchlogs.FilterLogEventsInput
		want int
	}{
		"a stream":                {cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"b"}}, 2},
		"streams by prefix":       {cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: aws.String("a")}, 1},
		"a JSON pattern":          {cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(`{ $.level = "info" }`)}, 1},
		"milliseconds, inclusive": {cloudwatchlogs.FilterLogEventsInput{StartTime: &second, EndTime: &second}, 1},
		"nothing before":          {cloudwatchlogs.FilterLogEventsInput{EndTime: aws.Int64(second - 1001)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tt.in.LogGroupName = aws.String("/prod/app")
			if got := filtered(t, s, &tt.in); len(got) != tt.want {
				t.Errorf("%d events, want %d", len(got), tt.want)
			}
		})
	}
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	for name, in := range map[string]cloudwatchlogs.FilterLogEventsInput{
		"streams both ways": {LogGroupName: aws.String("/prod/app"), LogStreamNames: []string{"a"}, LogStreamNamePrefix: aws.String("b")},
		"no group":          {},
		"a bad pattern":     {LogGroupName: aws.String("/prod/app"), FilterPattern: aws.String("{ $.level = ")},
		"newest of old":     {LogGroupName: aws.String("/prod/app"), StartFromHead: aws.Bool(false), StartTime: aws.Int64(newestFirstFrom - 1)},
		"too high a limit":  {LogGroupName: aws.String("/prod/app"), Limit: aws.Int32(10001)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.FilterLogEvents(t.Context(), &in)
			wantCode(t, err, "InvalidParameterException")
		})
	}
}

func TestFilterLogEventsPagesByCountAndByStretch(t *testing.T) {
	var events []string
	for i := range 2500 {
		events = append(events, fmt.Sprintf(`{"timestamp":%d,"stream":"s","message":"m%04d"}`, dayStart.UnixMilli()+int64(i), i))
	}
	fs := files{"logs/logs.yaml": "groups:\n  - {name: g, region: eu-west-1, events: e.jsonl}\n", "logs/e.jsonl": lines(events...)}
	s := fs.serve(t, Options{})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	for _, tt := range []struct {
		pattern         string
		pages, n, empty int
	}{
		{"", 26, 2500, 1},
		{"m2499", 4, 1, 3}, // the one event is in the third stretch of a thousand
	} {
		pages, empty, seen := 0, 0, map[string]bool{}
		for p := cloudwatchlogs.NewFilterLogEventsPaginator(c, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g"), FilterPattern: &tt.pattern}); p.HasMorePages(); pages++ {
			page := must(p.NextPage(t.Context()))(t).Events
			if len(page) == 0 {
				empty++
			}
			for _, e := range page {
				seen[*e.EventId] = true
			}
		}
		if pages != tt.pages || len(seen) != tt.n || empty != tt.empty {
			t.Errorf("%q gives %d events on %d pages, %d of them empty", tt.pattern, len(seen), pages, empty)
		}
	}
}
