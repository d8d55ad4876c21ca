// Package insights interprets CloudWatch Logs Insights QL over log events.
//
// In goes the text of a query (Parse) and a sequence of events (Query.Run);
// out come the rows that GetQueryResults answers with, and the statistics.
// What the package does not know (unknown commands and functions, pattern,
// diff, SOURCE, join and so on) is a *CompileError with the place in the query;
// nothing is skipped.
//
// Read on: lex.go cuts the text, parse.go reads the commands, expr.go the
// expressions, run.go walks the pipeline over the events.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
package insights

import (
	"fmt"
	"time"
)

// Limits of Logs Insights QL.
const (
	// DefaultLimit is the number of rows without a limit command.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html
	DefaultLimit = 10_000
	// MaxLimit is the greatest number a limit command may name. Same page.
	MaxLimit = 100_000
	// MaxFields is the number of fields found in one JSON event; later ones
	// do not exist for a query.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
	MaxFields = 200
	// MaxStats is the number of stats commands in one query.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
	MaxStats = 2
)

// Event is one log event of one log group.
type Event struct {
	Timestamp time.Time // @timestamp
	Ingestion time.Time // @ingestionTime; zero: the field is missing
	LogStream string    // @logStream
	Log       string    // @log, as 111122223333:/group
	Message
}

// Message is what of an event takes time to read. Most queries are about few
// of the events that they scan, and ask only those for their text.
type Message interface {
	Size() int    // of the text, in bytes
	Text() string // @message
	Ptr() string  // @ptr, opaque

	// Known is a field of the text that is known without reading it: what a
	// query would find there, or "".
	Known(field string) string
}

// Field is one named value of a row. All values are text.
type Field struct{ Name, Value string }

// Row is one result: the fields the event has, in the order of the query, and
// @ptr at the end unless the row is an aggregate.
type Row []Field

// Stats are the statistics of a query over one run.
type Stats struct{ RecordsMatched, RecordsScanned, BytesScanned float64 }

// CompileError is a query that is malformed or asks for what is not supported.
// Start and End are character offsets in the query, End exclusive.
type CompileError struct {
	Start, End int
	Message    string
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("%s at %d-%d", e.Message, e.Start, e.End)
}
