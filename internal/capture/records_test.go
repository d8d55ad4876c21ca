package capture_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/cloudtrail/gentrail"
)

func rec(id, at, source, name, rest string) string {
	return `{"eventVersion":"1.11","eventID":"` + id + `","eventTime":"` + at + `","eventSource":"` + source + `","eventName":"` + name +
		`","awsRegion":"eu-west-1","recipientAccountId":"111122223333"` + rest + `}`
}

func zip(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// eventIDs lists the records in the index's order, read through Raw.
func eventIDs(t *testing.T, c *capture.Capture) string {
	t.Helper()
	var ids []string
	for i := range c.Records.Len() {
		raw, err := c.Records.Raw(i)
		if err != nil {
			t.Fatal(err)
		}
		r, err := cloudtrail.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if e := c.Records.At(i); !e.Time.Equal(r.EventTime) || e.Name != r.EventName || e.Source != r.EventSource || e.Region != r.AWSRegion || e.Account != r.RecipientAccountID || e.ReadOnly != r.ReadOnly {
			t.Errorf("index %+v of %s", e, raw)
		}
		ids = append(ids, r.EventID)
	}
	return strings.Join(ids, "")
}

func TestRecordsAreInOrderOfTimeWhateverFolderTheyAreIn(t *testing.T) {
	a, b := rec("a", "2026-10-14T10:00:00Z", "sts.amazonaws.com", "AssumeRole", `,"readOnly":true`), rec("b", "2026-10-14T11:00:00Z", "iam.amazonaws.com", "UpdateRole", "")
	c, d := rec("c", "2026-10-14T12:00:00Z", "s3.amazonaws.com", "GetObject", ""), rec("d", "2026-10-14T13:00:00Z", "s3.amazonaws.com", "PutObject", "")
	const delivery = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/14/111122223333_CloudTrail_eu-west-1_20261014T1010Z_abcdefghijklmnop.json.gz"
	for name, files := range map[string]map[string]string{
		"one file":                    {"cloudtrail/x.jsonl": d + "\n" + c + "\n" + b + "\n" + a},
		"folders below cloudtrail":    {"cloudtrail/x/y/1.json": `{"Records":[` + c + "]}", "cloudtrail/2.jsonl.gz": zip(a + "\n" + b), "cloudtrail/3.json.gz": zip(`{"Records":[` + d + "]}")},
		"nothing but what S3 has":     {delivery: zip(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}")},
		"S3, below a folder":          {"trail/o-abc/" + delivery: zip(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}")},
		"S3, one day's files":         {filepath.Base(delivery): zip(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}")},
		"S3, and a trail by hand":     {delivery: zip(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}"), "cloudtrail/trails.json": `{"Trails":[{"Name":"t"}]}`},
		"S3, with digests and others": {delivery: zip(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}"), "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/x.json.gz": zip(`{"awsAccountId":"1"}`), "AWSLogs/111122223333/CloudTrail-Insight/eu-west-1/x.json.gz": zip(`{"Records":[{"eventName":"x"}]}`), "AWSLogs/111122223333/CloudTrail/y_CloudTrail-Digest_z.json.gz": "x", "README.json": "{}", "logs/other.jsonl": "x"},
		"pretty-printed":              {"cloudtrail/x.json": indent(`{"Records":[` + d + "," + b + "," + a + "," + c + "]}")},
	} {
		t.Run(name, func(t *testing.T) {
			loaded := load(t, files)
			if got := eventIDs(t, loaded); got != "abcd" || len(loaded.Bad) != 0 {
				t.Errorf("records %q, bad %v", got, loaded.Bad)
			}
			if raw, _ := loaded.Records.Raw(0); bytes.ContainsAny(raw, "\n") || !json.Valid(raw) {
				t.Errorf("%s is not one line of JSON", raw)
			}
			noon := time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
			if lo, hi := loaded.Records.Between(noon.Add(-time.Hour), noon); lo != 1 || hi != 2 {
				t.Errorf("between 11 and 12: [%d, %d), want only b", lo, hi)
			}
			if lo, hi := loaded.Records.Between(noon.Add(time.Hour), noon.Add(2*time.Hour)); lo != 3 || hi != 4 {
				t.Errorf("from 13: [%d, %d), want only d", lo, hi)
			}
			if lo, hi := loaded.Records.Between(noon.Add(9*time.Hour), noon.Add(10*time.Hour)); lo != hi {
				t.Errorf("after the last: [%d, %d)", lo, hi)
			}
		})
	}
}

func indent(s string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(s), "", "  "); err != nil {
		panic(err)
	}
	return b.String()
}

func TestARecordTwiceIsKeptTwiceAndMarkedOnce(t *testing.T) {
	a := rec("a", "2026-10-14T10:00:00Z", "sts.amazonaws.com", "AssumeRole", "")
	b := rec("b", "2026-10-14T10:00:00Z", "sts.amazonaws.com", "AssumeRole", "")
	other := strings.Replace(a, "111122223333", "444455556666", 1) // the copy for another account
	nameless := rec("", "2026-10-14T10:00:00Z", "sts.amazonaws.com", "AssumeRole", "")
	c := load(t, map[string]string{"cloudtrail/1.jsonl": a + "\n" + b + "\n" + other + "\n" + nameless + "\n" + nameless, "cloudtrail/2.jsonl": b + "\n" + a})
	got := ""
	for i := range c.Records.Len() {
		if c.Records.At(i).Again {
			got += "again "
		} else {
			got += "new "
		}
	}
	if want := "new new new new new again again "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestGlobalRecords(t *testing.T) {
	at := "2026-10-14T10:00:00Z"
	for record, want := range map[string]bool{
		rec("a", at, "iam.amazonaws.com", "UpdateRole", ""): true,
		rec("a", at, "sts.amazonaws.com", "AssumeRole", `,"additionalEventData":{"RequestDetails":{"endpointType":"global","awsServingRegion":"eu-west-1"}}`): true,
		rec("a", at, "sts.amazonaws.com", "AssumeRole", `,"tlsDetails":{"clientProvidedHostHeader":"sts.amazonaws.com"}`):                                     true,
		rec("a", at, "sts.amazonaws.com", "AssumeRole", `,"additionalEventData":{"RequestDetails":{"endpointType":"regional"}}`):                              false,
		rec("a", at, "sts.amazonaws.com", "AssumeRole", `,"tlsDetails":{"clientProvidedHostHeader":"sts.eu-west-1.amazonaws.com"}`):                           false,
		rec("a", at, "s3.amazonaws.com", "GetObject", `,"additionalEventData":{"endpointType":"global"}`):                                                     false,
	} {
		if got := load(t, map[string]string{"cloudtrail/x.jsonl": record}).Records.At(0).Global; got != want {
			t.Errorf("global %v, want %v: %s", got, want, record)
		}
	}
	for partition, want := range map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"} {
		if got := capture.GlobalRegion(partition); got != want {
			t.Errorf("%s: %s, want %s", partition, got, want)
		}
	}
}

func TestARecordThatCannotBePlacedIsNamed(t *testing.T) {
	c := load(t, map[string]string{"cloudtrail/x.jsonl": rec("a", "2026-10-14T10:00:00Z", "sts.amazonaws.com", "AssumeRole", "") + "\n" +
		rec("b", "redacted", "sts.amazonaws.com", "AssumeRole", "") + "\n" + `{"x":1}` + "\n"})
	if c.Records.Len() != 1 || len(c.Bad) != 2 || c.Read.Records != 3 || !strings.Contains(c.Bad[0].String(), "x.jsonl:2 ") || !strings.Contains(c.Bad[0].Reason, "eventTime") {
		t.Errorf("%d records, bad %v", c.Records.Len(), c.Bad)
	}
}

// Every published record ends up in the index or is named.
func TestPublishedRecordsAreIndexedOrNamed(t *testing.T) {
	paths, _ := filepath.Glob("../../../shared/data/cloudtrail-*.jsonl")
	if len(paths) == 0 {
		t.Skip("no published records in ../shared/data")
	}
	files, n := map[string]string{}, 0
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 4<<20)
		var out strings.Builder
		for lines.Scan() {
			var line struct{ Record json.RawMessage }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			out.WriteString(string(line.Record) + "\n")
			n++
		}
		files["cloudtrail/"+filepath.Base(p)] = out.String()
	}
	c := load(t, files)
	t.Logf("%d records in, %d indexed, %d named: %v", n, c.Records.Len(), len(c.Bad), c.Bad)
	if n == 0 || c.Read.Records != n || c.Records.Len()+len(c.Bad) != n {
		t.Errorf("%d in, %d read, %d indexed, %d named", n, c.Read.Records, c.Records.Len(), len(c.Bad))
	}
}

// Above 16 MiB the records go to a file without a name; what comes back is the same, from several goroutines too.
func TestManyRecordsAreSpooled(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	const n = 20_000 // 39 MB
	if err := gentrail.Write(dir, n, 7, gentrail.Lines); err != nil {
		t.Fatal(err)
	}
	c, err := capture.Load(context.Background(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%d files are left in the temporary folder", len(left))
	}
	want, err := os.ReadFile(filepath.Join(dir, "cloudtrail", "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for line := range bytes.Lines(want) {
		written[string(bytes.TrimSpace(line))] = true
	}
	if c.Records.Len() != n || len(written) != n {
		t.Fatalf("%d records, want %d", c.Records.Len(), n)
	}
	done := make(chan error)
	for part := range 4 {
		go func() {
			var err error
			near := c.Records.Reader()
			for k := part; k < n; k += 4 {
				i := k
				if part%2 == 0 { // backwards
					i = n - 1 - k
				}
				raw, e := c.Records.Raw(i)
				if e != nil || !written[string(raw)] {
					err = fmt.Errorf("record %d came back as %s: %w", i, raw, e)
				}
				if again, e := near.Raw(i); e != nil || !bytes.Equal(again, raw) {
					err = fmt.Errorf("record %d came back from a reader as %s: %w", i, again, e)
				}
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// KeepFor may keep too much, and must not drop what names the role or comes from a service that issues credentials.
func TestKeepFor(t *testing.T) {
	at := "2026-10-14T10:00:00Z"
	for name, tc := range map[string]struct {
		role, record string
		want         bool
	}{
		"STS":                                  {"app", rec("1", at, "sts.amazonaws.com", "AssumeRole", ""), true},
		"STS, spaces":                          {"app", strings.ReplaceAll(rec("1", at, "sts.amazonaws.com", "AssumeRole", ""), `":"`, `" : "`), true},
		"STS, pretty-printed":                  {"app", indent(rec("1", at, "sts.amazonaws.com", "AssumeRole", "")), true},
		"IAM":                                  {"app", rec("1", at, "iam.amazonaws.com", "UpdateRole", ""), true},
		"Identity Center":                      {"app", rec("1", at, "sso.amazonaws.com", "GetRoleCredentials", ""), true},
		"Pod Identity":                         {"app", rec("1", at, "eks-auth.amazonaws.com", "AssumeRoleForPodIdentity", ""), true},
		"organizations":                        {"app", rec("1", at, "organizations.amazonaws.com", "AttachPolicy", ""), true},
		"others":                               {"app", rec("1", at, "s3.amazonaws.com", "GetObject", ""), false},
		"others, by the role":                  {"app", rec("1", at, "s3.amazonaws.com", "GetObject", `,"userIdentity":{"arn":"arn:aws:sts::1:assumed-role/app/s"}`), true},
		"others, by an ARN asked for":          {"arn:aws:iam::1:role/team/app", rec("1", at, "s3.amazonaws.com", "GetObject", `,"userIdentity":{"arn":"arn:aws:sts::1:assumed-role/app/s"}`), true},
		"a name with letters that get escaped": {"a+app=x", rec("1", at, "s3.amazonaws.com", "GetObject", `,"x":"role/a\u002bapp\u003dx"`), true},
		"another source named before":          {"app", strings.Replace(rec("1", at, "sts.amazonaws.com", "AssumeRole", ""), `{`, `{"requestParameters":{"eventSource":"s3.amazonaws.com"},`, 1), true},
		"no source at all":                     {"app", `{"eventName":"x"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := capture.KeepFor(tc.role)([]byte(tc.record)); got != tc.want {
				t.Errorf("kept: %v", got)
			}
		})
	}
	t.Run("loads nothing else", func(t *testing.T) {
		dir := folder(t, map[string]string{"cloudtrail/x.jsonl": rec("a", at, "s3.amazonaws.com", "GetObject", "") + "\n" + rec("b", at, "sts.amazonaws.com", "AssumeRole", "")})
		c, err := capture.Load(context.Background(), dir, capture.Options{Keep: capture.KeepFor("app")})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := eventIDs(t, c); got != "b" || c.Read.Records != 2 {
			t.Errorf("%q of %d", got, c.Read.Records)
		}
	})
}

// What KeepFor lets through holds every record that decoding everything would have found to concern the role.
func TestKeepForLosesNothingOfTheExamples(t *testing.T) {
	dirs, err := capture.FindAll(shared)
	if err != nil || len(dirs) == 0 {
		t.Skip("no example captures in " + shared)
	}
	for _, dir := range dirs {
		c, err := capture.Load(context.Background(), dir, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		keep := capture.KeepFor(c.Incident.Ask.Role)
		role := cloudtrail.Role{Partition: c.Incident.Partition, Account: c.Incident.Account, Name: c.Incident.Ask.Role}
		about := 0
		for i := range c.Records.Len() {
			raw, err := c.Records.Raw(i)
			if err != nil {
				t.Fatal(err)
			}
			r, err := cloudtrail.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if r.Concerns(role) || r.UsedBy(role) {
				about++
				if !keep(raw) {
					t.Errorf("%s: %s is lost", dir, raw)
				}
			}
		}
		t.Logf("%s: %d of %d records are about the role", filepath.Base(dir), about, c.Records.Len())
	}
}

func TestGeneratedCapturesLoad(t *testing.T) {
	for _, layout := range []gentrail.Layout{gentrail.Lines, gentrail.S3} {
		dir := t.TempDir()
		if err := gentrail.Write(dir, 3000, 1, layout); err != nil {
			t.Fatal(err)
		}
		c, err := capture.Load(context.Background(), dir, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Records.Len() != 3000 || len(c.Bad) != 0 || c.Incident.Expect.Primary != "max-session-lowered" || len(c.Trails) != 1 || len(c.IAM.Roles) != 1 {
			t.Errorf("%s: %d records, bad %v", layout, c.Records.Len(), c.Bad)
		}
	}
}

func TestFindAll(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"b", "a/deep", "a"} {
		write(t, filepath.Join(root, d, "incident.yaml"), incident)
	}
	write(t, filepath.Join(root, "c", "other.yaml"), "")
	got, err := capture.FindAll(root, filepath.Join(root, "a"))
	if err != nil || len(got) != 3 || got[0] != filepath.Join(root, "a") || got[1] != filepath.Join(root, "a", "deep") || got[2] != filepath.Join(root, "b") {
		t.Errorf("%v %v", got, err)
	}
	if _, err := capture.FindAll(filepath.Join(root, "missing")); err == nil {
		t.Error("a folder that is not there gave no error")
	}
}
