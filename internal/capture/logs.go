package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// LogGroup is one group of logs/logs.yaml, with its events.
type LogGroup struct {
	Name          string           `yaml:"name"`
	Region        string           `yaml:"region"`
	Class         string           `yaml:"class"`          // STANDARD, INFREQUENT_ACCESS, DELIVERY or ESSENTIALS
	RetentionDays int              `yaml:"retention_days"` // 0: never expire
	Created       time.Time        `yaml:"created"`
	StoredBytes   int64            `yaml:"stored_bytes"`
	EventsFile    string           `yaml:"events"` // below logs/; "" has none
	MetricFilters []map[string]any `yaml:"metric_filters"`
	// Account is whose group it is, "" for the account that is asked. Linked says that the account shares it with the one
	// that is asked, by CloudWatch cross-account observability.
	Account string `yaml:"account"`
	Linked  bool   `yaml:"linked"`

	Events []LogEvent `yaml:"-"` // by time, then in the file's order
}

// LogEvent is one line of an events file.
type LogEvent struct {
	Timestamp int64 // milliseconds since the epoch
	Stream    string
	Message   string
}

var logClasses = []string{"STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"}

func (c *Capture) loadLogs() error {
	path := filepath.Join(c.Dir, "logs", "logs.yaml")
	var file struct {
		Groups []LogGroup `yaml:"groups"`
	}
	if err := readYAML(path, &file); err != nil {
		return err
	}
	var errs []error
	for i := range file.Groups {
		g := &file.Groups[i]
		if g.Class == "" {
			g.Class = "STANDARD"
		}
		switch {
		case g.Name == "" || g.Region == "":
			errs = append(errs, fmt.Errorf("%s: groups[%d]: name and region are needed", path, i))
			continue
		case g.Account != "" && !accountID.MatchString(g.Account):
			errs = append(errs, fmt.Errorf("%s: groups[%d].account %q: want 12 digits, in quotes", path, i, g.Account))
			continue
		case g.Linked && (g.Account == "" || g.Account == c.Incident.Account):
			errs = append(errs, fmt.Errorf("%s: groups[%d].linked: only a group of another account is linked; name its account", path, i))
			continue
		case !slices.Contains(logClasses, g.Class):
			errs = append(errs, fmt.Errorf("%s: groups[%d].class %q: want one of %s", path, i, g.Class, strings.Join(logClasses, ", ")))
			continue
		case g.EventsFile == "":
			continue
		case !filepath.IsLocal(g.EventsFile):
			errs = append(errs, fmt.Errorf("%s: groups[%d].events %q is not below logs/", path, i, g.EventsFile))
			continue
		}
		if err := c.loadEvents(g); err != nil {
			errs = append(errs, fmt.Errorf("%s: groups[%d].events: %w", path, i, err))
		}
	}
	c.Groups = file.Groups
	return errors.Join(errs...)
}

// loadEvents reads one events file; a line that cannot be read is counted and named, and the others count.
func (c *Capture) loadEvents(g *LogGroup) error {
	path := filepath.Join(c.Dir, "logs", g.EventsFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	line, offset := 0, int64(0)
	for text := range strings.Lines(string(data)) {
		line++
		at := offset
		offset += int64(len(text))
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		e, err := parseLogEvent(text)
		if err != nil {
			c.Bad = append(c.Bad, cloudtrail.Bad{File: path, Line: line, Offset: at, Reason: err.Error()})
			continue
		}
		g.Events = append(g.Events, e)
	}
	slices.SortStableFunc(g.Events, func(a, b LogEvent) int {
		switch {
		case a.Timestamp < b.Timestamp:
			return -1
		case a.Timestamp > b.Timestamp:
			return 1
		}
		return 0
	})
	return nil
}

func parseLogEvent(line string) (LogEvent, error) {
	var e struct {
		Timestamp json.RawMessage `json:"timestamp"`
		Stream    string          `json:"stream"`
		Message   *string         `json:"message"`
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return LogEvent{}, errors.New("not a log event: broken JSON or a value of the wrong kind")
	}
	if e.Message == nil {
		return LogEvent{}, errors.New("not a log event: no message")
	}
	var ms int64
	if json.Unmarshal(e.Timestamp, &ms) != nil {
		var t time.Time
		if json.Unmarshal(e.Timestamp, &t) != nil {
			return LogEvent{}, errors.New("timestamp is neither milliseconds since the epoch nor RFC 3339")
		}
		ms = t.UnixMilli()
	}
	return LogEvent{Timestamp: ms, Stream: e.Stream, Message: *e.Message}, nil
}
