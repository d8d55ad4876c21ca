package chaos

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// The example incident that is asked about: all of its roles, in its region and,
// copied, in others.
const (
	example = "../captures/one-image-many-roles"
	home    = "eu-west-1"
)

var roles = []string{"cart-api", "login-api", "stock-api", "price-api", "build-hosts", "deployer", "asset-scan", "image-resizer", "nightly-report"}

// The ways in which the example writes moments.
var (
	isoTime   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
	longTime  = regexp.MustCompile(`[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M`)
	epochTime = regexp.MustCompile(`"timestamp":\d{13}`)
)

const longLayout = "Jan 2, 2006, 3:04:05 PM"

// Names that a copied record must have for itself.
var ownNames = regexp.MustCompile(`ASIA[A-Z0-9]{16}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// incident writes the example as if it happened now: the bot asks about the
// last 24 hours. It happens in these regions alike.
func incident(t testing.TB, regions []string) (dir string) {
	t.Helper()
	c, err := capture.Load(t.Context(), example, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Truncate(time.Minute).Sub(c.Incident.Now)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	err = fs.WalkDir(os.DirFS(example), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		raw, err := readPlain(filepath.Join(example, path))
		if err != nil {
			return err
		}
		text := shifted(string(raw), later)
		switch d.Name() {
		case "events.jsonl.gz":
			text = inRegions(text, regions)
		case "logs.yaml":
			head, groups, _ := strings.Cut(text, "\n")
			text = head
			for _, region := range regions {
				text += "\n" + strings.ReplaceAll(strings.TrimRight(groups, "\n"), home, region)
			}
		}
		return os.WriteFile(strings.TrimSuffix(to, ".gz"), []byte(text), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func readPlain(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return raw, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// shifted moves every moment.
func shifted(text string, by time.Duration) string {
	move := func(layout string) func(string) string {
		return func(s string) string {
			at, err := time.Parse(layout, s)
			if err != nil {
				return s
			}
			return at.Add(by).Format(layout)
		}
	}
	text = isoTime.ReplaceAllStringFunc(text, move("2006-01-02T15:04:05"))
	text = longTime.ReplaceAllStringFunc(text, move(longLayout))
	return epochTime.ReplaceAllStringFunc(text, func(s string) string {
		key, digits, _ := strings.Cut(s, ":")
		ms, _ := strconv.ParseInt(digits, 10, 64) // 13 digits
		return key + ":" + strconv.FormatInt(ms+by.Milliseconds(), 10)
	})
}

// inRegions has every record once in each region.
func inRegions(text string, regions []string) string {
	var b strings.Builder
	for i, region := range regions {
		b.WriteString(ownNames.ReplaceAllStringFunc(
			strings.NewReplacer(`"awsRegion":"`+home, `"awsRegion":"`+region, `"awsServingRegion":"`+home, `"awsServingRegion":"`+region,
				"sts."+home, "sts."+region).Replace(text),
			func(name string) string {
				if region == home {
					return name
				}
				last := len(name) - 2
				if strings.HasPrefix(name, "ASIA") {
					return name[:last] + string(rune('A'+i)) + "Q"
				}
				return name[:last] + fmt.Sprintf("%02x", i)
			}))
	}
	return b.String()
}
