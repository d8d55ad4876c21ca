// Package capture loads an incident capture: a folder with everything AWS would have answered about one incident.
//
// In comes a folder in capture format 1 (incident.yaml, and whatever of iam/, cloudtrail/, logs/, metrics.json,
// health.json, public-status.json and faults.yaml there is), or nothing but an incident.yaml and what
// `aws s3 sync s3://<trail bucket> .` left there. Out comes a Capture. CloudTrail records stay raw and, when there are
// many, on disk: Records holds an index of some 50 bytes a record. A missing file means that AWS has nothing there.
// What could not be read is in Bad, counted and named; what contradicts the format is an error.
//
// The AWS emulator answers from a Capture, offline investigations run against that emulator, and eval compares
// diagnoses with Incident.Expect.
package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// Options say how to load.
type Options struct {
	// Keep says which raw records are wanted; nil keeps all. It is called from several goroutines, and may let too
	// many through but none too few. See KeepFor.
	Keep func(raw []byte) bool
}

// Capture is one loaded incident. It is read-only and safe for concurrent use until Close.
type Capture struct {
	Dir      string
	Incident Incident
	IAM      IAM
	Trails   []Trail
	Records  *Records
	Groups   []LogGroup
	Metrics  []Metric
	Health   *Health // nil: the account has no support plan that includes the Health API

	// PublicStatus is the array that the public current-events feed serves; nil: the feed is unreachable.
	PublicStatus json.RawMessage

	Faults Faults

	Read cloudtrail.Stats // what reading cloudtrail records came to; Read.Bad names what could not be read
	Bad  []cloudtrail.Bad // lines of log files that could not be read, and Read.Bad
}

// Load reads the capture in dir. Close it after use.
func Load(ctx context.Context, dir string, opt Options) (*Capture, error) {
	c := &Capture{Dir: dir}
	err := errors.Join(
		c.loadIncident(),
		c.loadIAM(),
		c.loadHealth(),
		c.loadLogs(),
		readJSON(filepath.Join(dir, "metrics.json"), &struct{ Metrics *[]Metric }{&c.Metrics}),
		readJSON(filepath.Join(dir, "cloudtrail", "trails.json"), &struct{ Trails *[]Trail }{&c.Trails}),
		readYAML(filepath.Join(dir, "faults.yaml"), &c.Faults),
		c.Faults.check(filepath.Join(dir, "faults.yaml")),
	)
	if err != nil {
		return nil, err
	}
	if err := c.loadRecords(ctx, opt); err != nil {
		return nil, err
	}
	return c, nil
}

// Close frees the spool file, if there is one.
func (c *Capture) Close() error { return c.Records.Close() }

// FindAll lists every folder at or below dirs that holds an incident.yaml, sorted.
func FindAll(dirs ...string) ([]string, error) {
	var found []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && d.Name() == incidentFile {
				found = append(found, filepath.Dir(path))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find captures below %s: %w", dir, err)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// Health is health.json: events as `aws health describe-events` prints them.
type Health struct {
	Events               []HealthEvent
	SubscriptionRequired bool
}

// HealthEvent keeps the names that the AWS CLI prints.
type HealthEvent struct {
	ARN               string    `json:"arn"`
	Service           string    `json:"service"`
	EventTypeCode     string    `json:"eventTypeCode"`
	EventTypeCategory string    `json:"eventTypeCategory"`
	EventScopeCode    string    `json:"eventScopeCode"`
	Region            string    `json:"region"`
	AvailabilityZone  string    `json:"availabilityZone"`
	StartTime         time.Time `json:"startTime"`
	EndTime           time.Time `json:"endTime"`
	LastUpdatedTime   time.Time `json:"lastUpdatedTime"`
	StatusCode        string    `json:"statusCode"`

	// Description is eventDescription.latestDescription, as describe-event-details prints it.
	EventDescription struct {
		LatestDescription string `json:"latestDescription"`
	} `json:"eventDescription"`
}

func (c *Capture) loadHealth() error {
	path := filepath.Join(c.Dir, "health.json")
	var h Health
	found, err := readJSONFound(path, &h)
	if err != nil {
		return err
	}
	if found && !h.SubscriptionRequired {
		c.Health = &h
	}
	path = filepath.Join(c.Dir, "public-status.json")
	var feed []json.RawMessage
	if found, err = readJSONFound(path, &feed); err != nil || !found {
		return err
	}
	c.PublicStatus, err = os.ReadFile(path)
	return err
}

// Metric is one metric of metrics.json.
type Metric struct {
	Region, Namespace, MetricName string
	Dimensions                    []Dimension
	Unit                          string
	Period                        int // seconds that a data point is the sum of; 0: 60
	Datapoints                    []Datapoint
}

type Dimension struct{ Name, Value string }

type Datapoint struct {
	Timestamp time.Time
	Value     float64
}
