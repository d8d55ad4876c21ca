package cloudtrail_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
)

// shared is the folder of published records beside the repository; tests that need it skip where it is absent.
const shared = "../../../shared/data"

func publishedRecords(t testing.TB) map[string][]json.RawMessage {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(shared, "cloudtrail-*.jsonl"))
	if len(paths) == 0 {
		t.Skip("no published records in " + shared)
	}
	records := map[string][]json.RawMessage{}
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var line struct{ Record json.RawMessage }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			records[filepath.Base(p)] = append(records[filepath.Base(p)], line.Record)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

func TestEveryPublishedRecordIsDecodedOrNamed(t *testing.T) {
	in, decoded, bad, untimed := 0, 0, 0, 0
	for file, records := range publishedRecords(t) {
		issued, expiring, roles, failed := 0, 0, 0, 0
		for i, raw := range records {
			in++
			r, err := cloudtrail.Decode(raw)
			if err != nil {
				bad++
				t.Logf("bad: %s:%d: %v", file, i+1, err)
				continue
			}
			decoded++
			if r.EventTime.IsZero() {
				untimed++
				t.Logf("no readable time: %s:%d: %s", file, i+1, r.EventName)
			}
			head, err := cloudtrail.Skim(raw)
			if err != nil || head.EventName != r.EventName || !head.EventTime.Equal(r.EventTime) || head.EventID != r.EventID || head.ReadOnly != r.ReadOnly {
				t.Errorf("%s:%d: Skim differs from Decode: %+v, %v", file, i+1, head, err)
			}
			if r.Response.AccessKeyID != "" {
				issued++
				if !r.Response.Expiration.IsZero() {
					expiring++
				}
			}
			if r.Request.RoleARN != "" || r.Request.RoleName != "" {
				roles++
			}
			if r.Failed() {
				failed++
			}
		}
		t.Logf("%s: %d records, %d name a role, %d failed, %d issued credentials, %d of them with an end", file, len(records), roles, failed, issued, expiring)
	}
	t.Logf("%d records in, %d decoded (%d of them without a readable time), %d bad and named", in, decoded, untimed, bad)
	if in == 0 || in != decoded+bad || bad != 0 {
		t.Errorf("%d in, %d decoded, %d bad: every published record must decode", in, decoded, bad)
	}
}

// Expirations are the field that matters most: none that is there may be lost.
func TestEveryPublishedExpirationIsRead(t *testing.T) {
	for file, records := range publishedRecords(t) {
		for i, raw := range records {
			var r struct {
				ResponseElements any `json:"responseElements"`
			}
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			elements, _ := r.ResponseElements.(map[string]any)
			credentials, _ := elements["credentials"].(map[string]any)
			text, _ := credentials["expiration"].(string)
			if text == "" {
				continue
			}
			got, err := cloudtrail.Decode(raw)
			if err != nil || got.Response.Expiration.IsZero() {
				t.Errorf("%s:%d: expiration %q was not read", file, i+1, text)
			}
		}
	}
}

func TestParseTime(t *testing.T) {
	at := time.Date(2023, 7, 8, 16, 7, 9, 0, time.UTC)
	for name, tc := range map[string]struct {
		in   string
		want time.Time
	}{
		"ISO":                             {"2023-07-08T16:07:09Z", at},
		"ISO with an offset":              {"2023-07-08T18:07:09+02:00", at},
		"ISO with a short offset":         {"2023-07-08T18:07:09+0200", at},
		"ISO without a zone":              {"2023-07-08T16:07:09", at},
		"ISO with milliseconds":           {"2023-07-08T16:07:09.250Z", at.Add(250 * time.Millisecond)},
		"a space and nanoseconds":         {"2023-07-08 16:07:09.000000001", at.Add(1)},
		"a space":                         {"2023-07-08 16:07:09", at},
		"a space and Z":                   {"2023-07-08 16:07:09Z", at},
		"US with two commas, not padded":  {"Jul 8, 2023, 4:07:09 PM", at},
		"US with one comma, not padded":   {"Jul 8, 2023 4:07:09 PM", at},
		"US padded":                       {"Jul 08, 2023, 04:07:09 PM", at},
		"US with a narrow no-break space": {"Jul 8, 2023, 4:07:09\u202fPM", at},
		"US with a no-break space":        {"Jul 8, 2023 4:07:09\u00a0PM", at},
		"US just after midnight":          {"Jul 8, 2023, 12:46:28 AM", time.Date(2023, 7, 8, 0, 46, 28, 0, time.UTC)},
		"US just after noon":              {"Jul 8, 2023, 12:08:19 PM", time.Date(2023, 7, 8, 12, 8, 19, 0, time.UTC)},
		"blanks around":                   {" 2023-07-08T16:07:09Z\n", at},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cloudtrail.ParseTime(tc.in)
			if err != nil || !got.Equal(tc.want) || got.Location() != time.UTC {
				t.Errorf("ParseTime(%q) = %v, %v; want %v", tc.in, got, err, tc.want)
			}
		})
	}
	for _, in := range []string{"", "redacted", "...", "null", "08/07/2023", "2023-13-08T16:07:09Z", "Jul 32, 2023, 4:07:09 PM", "1688832429"} {
		if got, err := cloudtrail.ParseTime(in); err == nil {
			t.Errorf("ParseTime(%q) = %v, want an error", in, got)
		}
	}
}

func TestDecodeTakesWhatPublishersDoToRecords(t *testing.T) {
	n := func(i int) *int { return &i }
	type reading struct {
		Duration, Max *int
		Document      string
		Tags          map[string]string
		MFA, Known    bool
		Time          time.Time
		ReadOnly      bool
		Failed        bool
		HasPolicy     bool
		PolicyARNs    []string
	}
	for name, tc := range map[string]struct {
		in   string
		want reading
	}{
		"nothing but a name":     {`{"eventName":"AssumeRole"}`, reading{}},
		"absent duration":        {`{"eventName":"AssumeRole","requestParameters":{"roleArn":"x"}}`, reading{}},
		"duration as text":       {`{"eventName":"AssumeRole","requestParameters":{"durationSeconds":"3600"}}`, reading{Duration: n(3600)}},
		"duration as a number":   {`{"eventName":"AssumeRole","requestParameters":{"durationSeconds":900}}`, reading{Duration: n(900)}},
		"duration as a fraction": {`{"eventName":"AssumeRole","requestParameters":{"durationSeconds":900.5}}`, reading{}},
		"parameters null":        {`{"eventName":"AssumeRole","requestParameters":null,"errorCode":"AccessDenied"}`, reading{Failed: true}},
		"parameters the string null": {`{"eventName":"AssumeRole","requestParameters":"null","errorMessage":"An unknown error occurred"}`,
			reading{Failed: true}},
		"tags as a list":   {`{"eventName":"x","requestParameters":{"tags":[{"key":"a","value":"b"}]}}`, reading{Tags: map[string]string{"a": "b"}}},
		"tags as a map":    {`{"eventName":"x","requestParameters":{"tags":{"a":"b"}}}`, reading{Tags: map[string]string{"a": "b"}}},
		"principal tags":   {`{"eventName":"x","requestParameters":{"principalTags":{"a":"b"}}}`, reading{Tags: map[string]string{"a": "b"}}},
		"document as text": {`{"eventName":"x","requestParameters":{"policyDocument":"{\"Version\":\"2012-10-17\"}"}}`, reading{Document: `{"Version":"2012-10-17"}`}},
		"document as an object": {`{"eventName":"x","requestParameters":{"policyDocument":{"Version":"2012-10-17","Statement":[]}}}`,
			reading{Document: `{"Statement":[],"Version":"2012-10-17"}`}},
		"document URL-encoded": {`{"eventName":"x","requestParameters":{"assumeRolePolicyDocument":"%7B%22Version%22%3A%20%222012-10-17%22%7D"}}`,
			reading{Document: `{"Version": "2012-10-17"}`}},
		"booleans as text": {`{"eventName":"x","readOnly":"true","userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"true"}}}}`,
			reading{MFA: true, Known: true, ReadOnly: true}},
		"MFA in capitals": {`{"eventName":"x","userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"False"}}}}`, reading{Known: true}},
		"@timestamp":      {`{"eventName":"x","@timestamp":"2020-09-14T00:45:31.000Z"}`, reading{Time: time.Date(2020, 9, 14, 0, 45, 31, 0, time.UTC)}},
		"unreadable time": {`{"eventName":"x","eventTime":"redacted"}`, reading{}},
		"keys in lower case": {`{"eventname":"x","requestparameters":{"durationseconds":900},"readonly":true}`,
			reading{Duration: n(900), ReadOnly: true}},
		"a duplicate key": {`{"eventName":"x","eventName":"y"}`, reading{}},
		"session policies": {`{"eventName":"x","requestParameters":{"policy":"{}","policyArns":[{"arn":"a"},"b"]}}`,
			reading{HasPolicy: true, PolicyARNs: []string{"a", "b"}}},
		"new maximum": {`{"eventName":"UpdateRole","requestParameters":{"maxSessionDuration":43200}}`, reading{Max: n(43200)}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := cloudtrail.Decode([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			got := reading{
				Duration: r.Request.DurationSeconds, Max: r.Request.MaxSessionDuration, Document: r.Request.PolicyDocument,
				Tags: r.Request.Tags, MFA: r.Identity.MFA, Known: r.Identity.MFAKnown, Time: r.EventTime, ReadOnly: r.ReadOnly,
				Failed: r.Failed(), HasPolicy: r.Request.HasPolicy, PolicyARNs: r.Request.PolicyARNs,
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	for _, in := range []string{"", "null", "[]", `"x"`, "{}", `{"Records":[]}`, `{"eventName":"x"`, `{"eventName":"x"} {}`, "{\x00}"} {
		if _, err := cloudtrail.Decode([]byte(in)); err == nil {
			t.Errorf("Decode(%q) gave no error", in)
		}
	}
}

func TestParametersByName(t *testing.T) {
	r, err := cloudtrail.Decode([]byte(`{"eventName":"x","requestParameters":{"roleName":"app","b":{"z":1,"a":[true,null]},"n":43200}}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"b", "n", "roleName"}, r.Request.ParamNames()); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{"rolename": "app", "b": `{"a":[true,null],"z":1}`, "n": "43200", "absent": ""} {
		if got := r.Request.Param(name); got != want {
			t.Errorf("Param(%q) = %q, want %q", name, got, want)
		}
	}
}

// Whatever a record holds that opens something must not come out of the decoder, not even in an error.
func TestNoSecretSurvivesDecoding(t *testing.T) {
	const secret = "IQoJb3JpZ2luX2VjSECRET"
	for _, in := range []string{
		`{"eventName":"AssumeRole","responseElements":{"credentials":{"accessKeyId":"ASIAX","sessionToken":"` + secret + `","secretAccessKey":"` + secret + `"}}}`,
		`{"eventName":"x","requestParameters":{"token":"` + secret + `","webIdentityToken":"` + secret + `","sAMLAssertion":"` + secret + `","tokenCode":"` + secret + `","clientSecret":"` + secret + `"}}`,
		`{"eventName":"x","sessionToken":"` + secret + `" broken`,
		`{"eventName":"x","sessionToken":"` + secret,
	} {
		r, err := cloudtrail.Decode([]byte(in))
		if out := sprint(r, err); strings.Contains(out, secret) {
			t.Errorf("the secret of %s came out: %s", in, out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"eventName":"AssumeRole","eventTime":"2026-10-13T05:22:58Z","requestParameters":{"durationSeconds":"900","tags":[{"key":"a"}]}}`))
	f.Add([]byte(`{"eventSource":"sts.amazonaws.com","userIdentity":{"type":"AWSService"},"responseElements":"null","resources":[1,{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := cloudtrail.Decode(raw)
		if err != nil {
			return
		}
		if r.EventName == "" && r.EventSource == "" {
			t.Error("a record without a name and a source was taken")
		}
		head, err := cloudtrail.Skim(raw)
		if err != nil && json.Valid(raw) {
			t.Errorf("Skim refuses what Decode takes: %v", err)
		}
		_ = head
		r.Concerns(cloudtrail.Role{Partition: "aws", Account: "111122223333", Name: "app"})
		l := cloudtrail.NewLedger(cloudtrail.Role{})
		l.Add(r)
		l.Sessions()
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2023-07-08T16:07:09Z", "Jul 8, 2023, 4:07:09\u202fPM", "2023-07-08 16:07:09.000000001", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := cloudtrail.ParseTime(s)
		if err != nil {
			return
		}
		again, err := cloudtrail.ParseTime(at.Format(time.RFC3339Nano))
		if err == nil && !again.Equal(at) {
			t.Errorf("%q is %v, and that is %v", s, at, again)
		}
	})
}
