package cloudtrail

import (
	"fmt"
	"strings"
	"time"
)

// eventLayouts are the spellings of time met in records: eventTime and creationDate are ISO 8601; the expiration of
// issued credentials is a US locale string in UTC, with or without a second comma; tables that records were copied
// through write a space for the T. Fractions of a second are taken by all that end in seconds.
var eventLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"Jan 2, 2006, 3:04:05 PM",
	"Jan 2, 2006 3:04:05 PM",
}

// JDK 20 and later write a narrow no-break space before AM and PM. https://bugs.openjdk.org/browse/JDK-8284840
var plainSpaces = strings.NewReplacer("\u202f", " ", "\u00a0", " ")

// ParseTime reads a time as CloudTrail and the tables it is copied through spell it. Without a zone it is UTC.
func ParseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(plainSpaces.Replace(s))
	for _, layout := range eventLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("read time %q: not a spelling that CloudTrail uses", clip(s, 40))
}

// clip cuts a text that goes into an error message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
