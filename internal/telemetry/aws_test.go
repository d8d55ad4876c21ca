package telemetry

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// values are a counter's values by its labels'.
func values(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	ch := make(chan prometheus.Metric, 1000)
	c.Collect(ch)
	close(ch)
	out := map[string]float64{}
	for m := range ch {
		var d dto.Metric
		if err := m.Write(&d); err != nil {
			t.Fatal(err)
		}
		var labels []string
		for _, l := range d.Label {
			labels = append(labels, l.GetValue())
		}
		out[strings.Join(labels, " ")] = d.Counter.GetValue()
	}
	return out
}

// account is an AWS that answers as it is told, and metrics that watch it.
func account(t *testing.T, answer http.HandlerFunc) (*Metrics, aws.Config) {
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	m := NewMetrics()
	return m, aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "x", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
		APIOptions: []func(*middleware.Stack) error{m.AWS}}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>who knows</Message></Error></ErrorResponse>`, code)
}

// A call that the SDK tries again is as many requests as were made.
func TestEveryRequestIsCountedByItsCode(t *testing.T) {
	t.Parallel()
	n := 0
	m, cfg := account(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			refuse(w, 400, "Throttling")
			return
		}
		fmt.Fprint(w, `<GetRoleResponse><GetRoleResult><Role><RoleName>x</RoleName></Role></GetRoleResult></GetRoleResponse>`)
	})
	if _, err := iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	if got := values(t, m.awsCalls); !maps.Equal(got, map[string]float64{"iam:GetRole Throttling": 2, "iam:GetRole OK": 1}) {
		t.Error(got)
	}
}

func TestWhatAWSDidNotAnswerHasAName(t *testing.T) {
	t.Parallel()
	for want, answer := range map[string]http.HandlerFunc{
		"AccessDenied": func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "AccessDenied") },
		"other":        func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "Access denied to arn:aws:iam::1:role/x") },
		"no-answer":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"unreadable":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<GetRoleResponse><GetRole") },
		"gave-up":      func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	} {
		m, cfg := account(t, answer)
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if want == "gave-up" {
			ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		}
		_, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("x")})
		cancel()
		if got := values(t, m.awsCalls); err == nil || !maps.Equal(got, map[string]float64{"iam:GetRole " + want: 1}) {
			t.Errorf("%s: %v (%v)", want, got, err)
		}
	}
}

func TestServicesAreNamedAsIAMDoes(t *testing.T) {
	t.Parallel()
	for service, want := range map[string]string{"CloudTrail": "cloudtrail", cloudwatchlogs.ServiceID: "logs", "CloudWatch": "cloudwatch", "IAM": "iam", "STS": "sts", "Health": "health", "Account": "account", "SSO OIDC": "sso-oidc"} {
		if got := actionOf(service, "Do"); got != want+":Do" {
			t.Errorf("%s is %s", service, got)
		}
	}
}

// What strangers choose neither floods Prometheus nor writes there.
func TestALabelHasFewValues(t *testing.T) {
	t.Parallel()
	var f few
	for _, v := range []string{"", "not in channel", "x\n", "a\"b", "<!here>", "1st", strings.Repeat("x", 65), "-", "a..b", "ключ"} {
		if got := f.label(v); got != other {
			t.Errorf("%q is %q", v, got)
		}
	}
	for _, v := range []string{"ok", "not_in_channel", "chat.postMessage", "logs:StartQuery", "http-503", "InvalidIdentityToken", "AWS.SimpleQueueService.NonExistentQueue"} {
		if got := f.label(v); got != v {
			t.Errorf("%q is %q", v, got)
		}
	}
	seen := map[string]bool{}
	for i := range 10_000 {
		seen[f.label(fmt.Sprintf("code%d", i))] = true
	}
	if len(seen) > fewMost || !seen[other] || f.label("ok") != "ok" {
		t.Errorf("%d values", len(seen))
	}
}
