package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const incidentFile = "incident.yaml"

// Incident is incident.yaml.
type Incident struct {
	Format    int       `yaml:"format"` // 1
	Title     string    `yaml:"title"`
	Now       time.Time `yaml:"now"`     // the moment at which the command is typed
	Account   string    `yaml:"account"` // the account that is asked
	Partition string    `yaml:"partition"`
	Ask       Ask       `yaml:"ask"`
	Expect    *Expect   `yaml:"expect"` // read by eval and by nothing else
}

// Ask is what the person types.
type Ask struct {
	Role   string   `yaml:"role"` // name, name with path, or ARN
	Region string   `yaml:"region"`
	Window Duration `yaml:"window"`
}

// Expect is the diagnosis that eval compares with.
type Expect struct {
	Verdict string            `yaml:"verdict"`
	Primary string            `yaml:"primary"`
	Also    []string          `yaml:"also"`
	May     []string          `yaml:"may"`
	Never   []string          `yaml:"never"`
	Steps   map[string]string `yaml:"steps"`
}

// Duration is a duration in YAML, as 24h or 800ms.
type Duration time.Duration

// UnmarshalYAML reads Go's spelling and d for days.
func (d *Duration) UnmarshalYAML(b []byte) error {
	s := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	var days time.Duration
	if n, rest, ok := strings.Cut(s, "d"); ok {
		var count int
		if _, err := fmt.Sscanf(n, "%d", &count); err != nil || fmt.Sprint(count) != n || count < 0 || count > 3650 {
			return fmt.Errorf("duration %q: want something like 24h", s)
		}
		days, s = time.Duration(count)*24*time.Hour, rest
		if s == "" {
			s = "0"
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("duration %q: want something like 24h", s)
	}
	*d = Duration(days + v)
	return nil
}

const defaultWindow = 24 * time.Hour

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	verdicts  = []string{"cause-found", "several-causes", "no-correlation", "insufficient-evidence"}
)

func (c *Capture) loadIncident() error {
	path := filepath.Join(c.Dir, incidentFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c.Incident, err = ParseIncident(path, data)
	return err
}

// ParseIncident reads an incident.yaml; path names it in errors.
func ParseIncident(path string, data []byte) (Incident, error) {
	var in Incident
	if err := decodeYAML(path, data, &in); err != nil {
		return Incident{}, err
	}
	if err := in.check(); err != nil {
		return Incident{}, fmt.Errorf("%s: %w", path, err)
	}
	return in, nil
}

// ReadIncident reads a capture's incident.yaml alone, for who must know what is asked before the records are read.
func ReadIncident(dir string) (Incident, error) {
	c := Capture{Dir: dir}
	err := c.loadIncident()
	return c.Incident, err
}

func (in *Incident) check() error {
	if in.Format != 1 {
		return fmt.Errorf("format %d is not known, want 1", in.Format)
	}
	if in.Partition == "" {
		in.Partition = "aws"
	}
	if in.Ask.Window == 0 {
		in.Ask.Window = Duration(defaultWindow)
	}
	in.Now = in.Now.UTC()
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	need(!in.Now.IsZero(), "now is missing")
	need(accountID.MatchString(in.Account), "account must have 12 digits")
	need(in.Partition == "aws" || in.Partition == "aws-cn" || in.Partition == "aws-us-gov", "partition must be aws, aws-cn or aws-us-gov")
	need(in.Ask.Role != "", "ask.role is missing")
	need(in.Ask.Region != "", "ask.region is missing")
	if e := in.Expect; e != nil {
		known := false
		for _, v := range verdicts {
			known = known || v == e.Verdict
		}
		need(known, "expect.verdict must be one of "+strings.Join(verdicts, ", "))
		need(len(e.Also) == 0 || e.Verdict == "several-causes", "expect.also asks for the verdict several-causes")
		need((e.Primary != "") == (e.Verdict == "cause-found" || e.Verdict == "several-causes"),
			"expect.primary goes with the verdicts cause-found and several-causes, and with them only")
	}
	return errors.Join(errs...)
}

// GlobalRegion is where IAM, and STS through the global endpoint, write their records.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
func GlobalRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}
