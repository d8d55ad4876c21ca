package awsemu

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/awsemu/insights"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// indexed is a record as the index and its text tell of it, and as its text alone does.
type indexed struct {
	logEvent
	text  string
	alone bool
}

func (m indexed) Size() int    { return len(m.text) }
func (m indexed) Text() string { return m.text }
func (m indexed) Ptr() string  { return "ptr" }
func (m indexed) Known(field string) string {
	if m.alone {
		return ""
	}
	return m.logEvent.Known(field)
}

// sameAnswer runs a query over records with the index and without, and says whether it could be run at all.
func sameAnswer(t *testing.T, query string, records [][]byte) bool {
	t.Helper()
	q, err := insights.Parse(query)
	if err != nil {
		return false
	}
	var with, without []insights.Event
	for _, raw := range records {
		head, err := cloudtrail.Skim(raw)
		if err != nil {
			continue
		}
		rec := &trailRecord{Event: capture.Event{Source: head.EventSource, Name: head.EventName, Region: head.AWSRegion, Account: head.RecipientAccountID}}
		with = append(with, insights.Event{Timestamp: head.EventTime, Message: indexed{logEvent{record: rec}, string(raw), false}})
		without = append(without, insights.Event{Timestamp: head.EventTime, Message: indexed{logEvent{record: rec}, string(raw), true}})
	}
	rows, stats, err := q.Run(t.Context(), slices.Values(with), 0)
	want, wantStats, wantErr := q.Run(t.Context(), slices.Values(without), 0)
	if !reflect.DeepEqual(rows, want) || stats != wantStats || (err == nil) != (wantErr == nil) {
		t.Fatalf("query %s\nwith the index    %d rows, %+v, %v\nwithout the index %d rows, %+v, %v", query, len(rows), stats, err, len(want), wantStats, wantErr)
	}
	return true
}

// Records that tell the same thing in ways that an index could get wrong.
var crooked = []string{
	`{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":"2026-10-14T10:00:00Z"}`,
	`{"eventSource":"sts.amazonaws.com","eventSource":"iam.amazonaws.com","eventName":"AssumeRole","eventName":"GetRole","awsRegion":"eu-west-1","recipientAccountId":"1","eventTime":"2026-10-14T10:00:00Z"}`,
	`{"":{"eventSource":"iam.amazonaws.com"},"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"1","eventTime":"2026-10-14T10:00:00Z"}`,
	`{"eventSource":"sts\u002eamazonaws.com","eventName":"Assume\u0052ole","awsRegion":"eu-west-1","recipientAccountId":"1","eventTime":"2026-10-14T10:00:00Z"}`,
	`{"\u0065ventSource":"sts.amazonaws.com","EventName":"AssumeRole","eventName":"GetRole","awsRegion":null,"recipientAccountId":111122223333,"eventTime":"2026-10-14T10:00:00Z"}`,
	`{"\u0065ventSource":"sts.amazonaws.com","eventSource":"iam.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"1","eventTime":"2026-10-14T10:00:00Z"}`,
	`{"eventsource":"sts.amazonaws.com","eventname":"AssumeRole","awsregion":"eu-west-1","recipientaccountid":"111122223333","eventtime":"2026-10-14T10:00:00Z"}`,
	`{"eventSource":"null","eventName":"AssumeRole","awsRegion":true,"recipientAccountId":1.11122223333e11,"eventTime":"2026-10-14T10:00:00Z"}`,
	`{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":"2026-10-14T10:00:00Z","broken":}`,
	`{` + strings.Repeat(`"x":1,`, insights.MaxFields) + `"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventTime":"2026-10-14T10:00:00Z"}`,
}

// filters are conditions as steps write them, and others.
func filters(rnd *rand.Rand) string {
	fields := []string{"eventSource", "eventName", "awsRegion", "recipientAccountId", "errorCode", "@message", "userIdentity.type"}
	values := []string{`"sts.amazonaws.com"`, `"iam.amazonaws.com"`, `"AssumeRole"`, `"GetRole"`, `"eu-west-1"`, `"us-east-1"`, `"111122223333"`, `111122223333`, `"AssumedRole"`, `"AccessDenied"`, `1`, `"null"`, `"true"`, `""`}
	any := func(of []string) string { return of[rnd.IntN(len(of))] }
	var condition func(depth int) string
	condition = func(depth int) string {
		switch rnd.IntN(4 + 2*min(depth, 3)) {
		case 0:
			return any(fields) + any([]string{" = ", " != ", " < ", " >= "}) + any(values)
		case 1:
			return any(fields) + any([]string{" in ", " not in "}) + "[" + any(values) + "," + any(values) + "]"
		case 2:
			return any(fields) + any([]string{" like ", " not like "}) + any([]string{`"sts"`, `"Assume"`, `"archive-export"`, `/(?i)role/`})
		case 3:
			return "ispresent(" + any(fields) + ")"
		case 4:
			return "not (" + condition(depth-1) + ")"
		}
		return "(" + condition(depth-1) + any([]string{" and ", " or "}) + condition(depth-1) + ")"
	}
	return condition(3)
}

// What the index knows saves reading records, and changes no answer.
func TestTheIndexChangesNoAnswer(t *testing.T) {
	var records [][]byte
	for _, r := range crooked {
		records = append(records, []byte(r))
	}
	for line := range strings.Lines(variety) {
		records = append(records, []byte(strings.TrimSpace(line)))
	}
	published, _ := filepath.Glob("../../../shared/data/cloudtrail-*.jsonl")
	for _, path := range published {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, cloudtrail.MaxRecord)
		for i := 0; lines.Scan(); i++ {
			if i%5 > 0 {
				continue
			}
			var line struct{ Record json.RawMessage }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			records = append(records, line.Record)
		}
		if err := errors.Join(lines.Err(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d records", len(records))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		query := "fields @message | filter " + filters(rnd)
		if rnd.IntN(3) == 0 {
			query = fmt.Sprintf("filter %s | filter %s | stats count(*) by eventSource, eventName", filters(rnd), filters(rnd))
		}
		if !sameAnswer(t, query, records) {
			t.Fatalf("query %s does not compile", query)
		}
	}
}

func FuzzTheIndexChangesNoAnswer(f *testing.F) {
	for _, r := range crooked {
		f.Add(`eventSource = "sts.amazonaws.com" and eventName in ["AssumeRole", 1] and awsRegion in ["eu-west-1"] or recipientAccountId = 111122223333`, r)
	}
	f.Fuzz(func(t *testing.T, condition, record string) {
		sameAnswer(t, "fields @message | filter "+condition, [][]byte{[]byte(record)})
	})
}
