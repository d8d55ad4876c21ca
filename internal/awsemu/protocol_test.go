package awsemu

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/health"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// listen serves s on a loopback port.
func listen(t testing.TB, s *Server) string {
	l := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close() // ends calls that are never answered
		l.Close()
	})
	return l.URL
}

// snapshot is what a request looks like on the wire.
type snapshot struct {
	Request string
	Headers map[string]string
	Signed  string
	Body    any
}

type recorder struct {
	to   http.RoundTripper
	seen []snapshot
}

func (rec *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	shot := snapshot{Request: req.Method + " " + req.URL.RequestURI(), Headers: map[string]string{}, Body: string(body)}
	for _, h := range []string{"Content-Type", "Accept", "X-Amz-Target", "Smithy-Protocol", "X-Amzn-Query-Mode", "Content-Encoding"} {
		if v := req.Header.Get(h); v != "" {
			shot.Headers[h] = v
		}
	}
	sc := scopeOf(req)
	shot.Signed = sc.service + " in " + sc.region
	if shot.Headers["Content-Type"] == "application/cbor" {
		v, err := cbor.Decode(body)
		if err != nil {
			return nil, err
		}
		shot.Body = cborTree(v)
	}
	rec.seen = append(rec.seen, shot)
	return rec.to.RoundTrip(req)
}

// An SDK release that changes a service's protocol must not pass unseen: CloudWatch's did, in service/cloudwatch v1.53.0.
func TestRequestsOnTheWire(t *testing.T) {
	s := everything.serve(t, Options{})
	rec := &recorder{to: s.Client().Transport}
	cfg := s.once("eu-west-1")
	cfg.HTTPClient = &http.Client{Transport: rec}
	ctx := t.Context()
	must(iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("payments-api")}))(t)
	must(sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
	must(cloudtrail.NewFromConfig(cfg).LookupEvents(ctx, &cloudtrail.LookupEventsInput{StartTime: aws.Time(time.Unix(1791990000, 0))}))(t)
	must(cloudwatchlogs.NewFromConfig(cfg).StartQuery(ctx, &cloudwatchlogs.StartQueryInput{LogGroupName: aws.String("/prod/app"), QueryString: aws.String("fields @message"), StartTime: aws.Int64(1), EndTime: aws.Int64(2)}))(t)
	must(cloudwatch.NewFromConfig(cfg).GetMetricData(ctx, errorsOf(60, "14:00:00", "15:00:00")))(t)
	cfg.Region = "us-east-1"
	must(health.NewFromConfig(cfg).DescribeEvents(ctx, &health.DescribeEventsInput{}))(t)
	must(account.NewFromConfig(cfg).GetRegionOptStatus(ctx, &account.GetRegionOptStatusInput{RegionName: aws.String("eu-west-1")}))(t)

	got := must(json.MarshalIndent(rec.seen, "", "  "))(t)
	const golden = "testdata/requests.golden.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := must(os.ReadFile(golden))(t)
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
		t.Errorf("requests differ from %s (-want +got):\n%s", golden, diff)
	}
}

// signedFor is an Authorization header for a service in eu-west-1.
func signedFor(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261014/eu-west-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func TestErrorsInEachProtocol(t *testing.T) {
	s := everything.tolerant(t, Options{})
	jsonTo := func(target string) map[string]string {
		return map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, tt := range []struct {
		name, request string
		headers       map[string]string
		signed, body  string
		status        int
		want          []string
		unexpected    bool
	}{
		{"query: unsigned", "GET /?Action=GetCallerIdentity&Version=2011-06-15", nil, "", "", 403, []string{"<Code>MissingAuthenticationToken</Code>", "<Message>Request is missing Authentication Token</Message>", "https://sts.amazonaws.com/doc/2011-06-15/"}, false},
		{"json: unsigned", "POST /", jsonTo("Logs_20140328.DescribeLogGroups"), "", "{}", 400, []string{`"__type":"MissingAuthenticationTokenException"`}, false},
		{"query: signed for another service", "POST /", form, "sts", "Action=ListRoles&Version=2010-05-08", 403, []string{"<Code>SignatureDoesNotMatch</Code>", "&#39;iam&#39;"}, false},
		{"json: signed for another service", "POST /", jsonTo("Logs_20140328.DescribeLogGroups"), "iam", "{}", 400, []string{`InvalidSignatureException`}, false},
		{"query: unknown operation", "POST /", form, "iam", "Action=DeleteRole&Version=2010-05-08&RoleName=x", 400, []string{"<Code>InvalidAction</Code>", "<RequestId>"}, true},
		{"query: unknown version", "POST /", form, "ec2", "Action=DescribeInstances&Version=2016-11-15", 400, []string{"<Code>UnknownOperationException</Code>"}, true},
		{"query: no action", "GET /", nil, "", "", 400, []string{"<Code>MissingAction</Code>"}, true},
		{"query: service from the signature", "POST /", form, "sts", "Action=GetCallerIdentity", 200, []string{"<Account>111122223333</Account>"}, false},
		{"query: unknown parameter", "POST /", form, "iam", "Action=GetRole&Version=2010-05-08&RoleName=payments-api&Colour=red", 400, []string{"<Code>MalformedInput</Code>", "Colour"}, true},
		{"query: wrong type", "POST /", form, "iam", "Action=ListRoles&Version=2010-05-08&MaxItems=many", 400, []string{"MaxItems: want an integer"}, true},
		{"json: unknown operation", "POST /", jsonTo("Logs_20140328.DeleteLogGroup"), "logs", "{}", 400, []string{`"__type":"UnknownOperationException"`}, true},
		{"json: unknown service", "POST /", jsonTo("DynamoDB_20120810.GetItem"), "dynamodb", "{}", 400, []string{`"__type":"UnknownOperationException"`}, true},
		{"json: unknown parameter", "POST /", jsonTo("Logs_20140328.DescribeLogGroups"), "logs", `{"colour":1}`, 400, []string{`"__type":"SerializationException"`, "colour"}, true},
		{"json: wrong type", "POST /", jsonTo("CloudTrail_20131101.LookupEvents"), "cloudtrail", `{"LookupAttributes":"x"}`, 400, []string{"LookupAttributes: want a list"}, true},
		{"json: broken", "POST /", jsonTo("Logs_20140328.DescribeLogGroups"), "logs", `{`, 400, []string{`SerializationException`}, true},
		{"json: long target of botocore", "POST /", jsonTo("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails"), "cloudtrail", "{}", 200, []string{`"trailList":[`}, false},
		{"cbor: unknown operation", "POST /service/GraniteServiceVersion20100801/operation/PutMetricData", nil, "monitoring", "\xbf\xff", 404, []string{"com.amazonaws.cloudwatch#UnknownOperationException"}, true},
		{"cbor: broken", "POST /service/GraniteServiceVersion20100801/operation/ListMetrics", nil, "monitoring", "\xbf", 400, []string{"SerializationException"}, true},
		{"cbor: empty input of indefinite length", "POST /service/GraniteServiceVersion20100801/operation/ListMetrics", nil, "monitoring", "\xbf\xff", 200, []string{"Errors"}, false},
		{"rest: unknown operation", "POST /disableRegion", map[string]string{"Content-Type": "application/json"}, "account", "{}", 404, []string{"Unknown operation DisableRegion"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.Unexpected())
			method, uri, _ := strings.Cut(tt.request, " ")
			req := must(http.NewRequest(method, "http://aws.invalid"+uri, strings.NewReader(tt.body)))(t)
			for k, v := range tt.headers {
				req.Header.Set(k, v)
			}
			if tt.signed != "" {
				req.Header.Set("Authorization", signedFor(tt.signed))
			}
			resp := must(s.Client().Do(req))(t)
			defer resp.Body.Close()
			body := string(must(io.ReadAll(resp.Body))(t))
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, tt.status, body)
			}
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("%s lacks %s", body, want)
				}
			}
			if got := len(s.Unexpected()) > before; got != tt.unexpected {
				t.Errorf("remembered as unexpected: %t, want %t", got, tt.unexpected)
			}
		})
	}
}

func TestSameRequestSameErrorText(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	var texts []string
	for range 2 {
		_, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("nobody")})
		texts = append(texts, err.Error())
	}
	if texts[0] != texts[1] {
		t.Errorf("%q differs from %q", texts[0], texts[1])
	}
}

func TestDateHeaderIsTheWallClocks(t *testing.T) {
	resp := must(http.Get(listen(t, everything.serve(t, Options{})) + "/?Action=GetCallerIdentity&Version=2011-06-15"))(t)
	resp.Body.Close()
	if date := must(http.ParseTime(resp.Header.Get("Date")))(t); time.Since(date).Abs() > time.Minute {
		t.Errorf("Date is %s, and the SDK would sign by it", date)
	}
}

// Nothing a stranger sends may take the emulator down.
func FuzzRequest(f *testing.F) {
	f.Add("/", "", "iam", "Action=GetRole&Version=2010-05-08&RoleName=x")
	f.Add("/", "", "sts", "Action=AssumeRole&Version=2011-06-15&RoleArn=a&Tags.member.1.Key=k&Tags.member.1.Value=v&PolicyArns.member.2.arn=x")
	f.Add("/", "Logs_20140328.StartQuery", "logs", `{"logGroupNames":["a"],"queryString":"fields @message","startTime":1,"endTime":2}`)
	f.Add("/", "CloudTrail_20131101.LookupEvents", "cloudtrail", `{"StartTime":1e300,"NextToken":"x","LookupAttributes":[{"AttributeKey":"EventId","AttributeValue":"e1"}]}`)
	f.Add("/", "AWSHealth_20160804.DescribeEvents", "health", `{"filter":{"startTimes":[{"from":-1}],"tags":[{"a":"b"}]}}`)
	f.Add("/service/GraniteServiceVersion20100801/operation/GetMetricData", "", "monitoring", "\xbf\xff")
	f.Add("/getRegionOptStatus", "", "account", `{"RegionName":null}`)
	s := everything.tolerant(f, Options{QueryDuration: -1})
	f.Fuzz(func(t *testing.T, path, target, service, body string) {
		req, err := http.NewRequest("POST", "http://aws.invalid/", strings.NewReader(body))
		if err != nil {
			return
		}
		req.URL.Path = path
		req.Header.Set("X-Amz-Target", target)
		req.Header.Set("Authorization", signedFor(service))
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
}
