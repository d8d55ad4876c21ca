package awsemu

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/health"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// oneCall makes one call of each service.
var oneCall = map[string]func(context.Context, aws.Config) error{
	"iam:GetRole": func(ctx context.Context, cfg aws.Config) error {
		_, err := iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("payments-api")})
		return err
	},
	"sts:GetCallerIdentity": func(ctx context.Context, cfg aws.Config) error {
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	},
	"cloudtrail:LookupEvents": func(ctx context.Context, cfg aws.Config) error {
		_, err := cloudtrail.NewFromConfig(cfg).LookupEvents(ctx, &cloudtrail.LookupEventsInput{})
		return err
	},
	"logs:DescribeLogGroups": func(ctx context.Context, cfg aws.Config) error {
		_, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
		return err
	},
	"cloudwatch:ListMetrics": func(ctx context.Context, cfg aws.Config) error {
		_, err := cloudwatch.NewFromConfig(cfg).ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
		return err
	},
	"health:DescribeEvents": func(ctx context.Context, cfg aws.Config) error {
		cfg.Region = "us-east-1" // there is no other endpoint
		_, err := health.NewFromConfig(cfg).DescribeEvents(ctx, &health.DescribeEventsInput{})
		return err
	},
	"account:GetRegionOptStatus": func(ctx context.Context, cfg aws.Config) error {
		_, err := account.NewFromConfig(cfg).GetRegionOptStatus(ctx, &account.GetRegionOptStatusInput{RegionName: aws.String("eu-west-1")})
		return err
	},
}

func statusOfError(err error) int {
	var resp *awshttp.ResponseError
	if !errors.As(err, &resp) {
		return 0
	}
	return resp.HTTPStatusCode()
}

func TestDenyInTheServicesOwnWords(t *testing.T) {
	for _, tt := range []struct {
		action, code string
		status       int
	}{
		{"iam:GetRole", "AccessDenied", 403},
		{"sts:GetCallerIdentity", "AccessDenied", 403},
		{"cloudwatch:ListMetrics", "AccessDenied", 403},
		{"cloudtrail:LookupEvents", "AccessDeniedException", 400},
		{"logs:DescribeLogGroups", "AccessDeniedException", 400},
		{"health:DescribeEvents", "AccessDeniedException", 400},
		{"account:GetRegionOptStatus", "AccessDeniedException", 403},
	} {
		t.Run(tt.action, func(t *testing.T) {
			s := everything.with("faults.yaml", `faults: [{action: "`+tt.action+`", deny: true}]`).serve(t, Options{})
			err := oneCall[tt.action](t.Context(), s.once("eu-west-1"))
			wantCode(t, err, tt.code)
			if got := statusOfError(err); got != tt.status {
				t.Errorf("status is %d, want %d", got, tt.status)
			}
			for _, part := range []string{"User: arn:aws:iam::111122223333:user/stsleuth", "is not authorized to perform: " + tt.action, "on resource: "} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

// with is the capture with another file.
func (fs files) with(name, content string) files {
	out := files{name: content}
	for k, v := range fs {
		if k != name {
			out[k] = v
		}
	}
	return out
}

func TestThrottleInTheServicesOwnWords(t *testing.T) {
	s := everything.with("faults.yaml", `faults: [{action: "*:*", throttle: true}]`).serve(t, Options{})
	for action, code := range map[string]string{"iam:GetRole": "Throttling", "sts:GetCallerIdentity": "Throttling", "cloudwatch:ListMetrics": "Throttling",
		"cloudtrail:LookupEvents": "ThrottlingException", "logs:DescribeLogGroups": "ThrottlingException", "health:DescribeEvents": "ThrottlingException",
		"account:GetRegionOptStatus": "TooManyRequestsException"} {
		wantCode(t, oneCall[action](t.Context(), s.once("eu-west-1")), code)
	}
}

func TestErrorsOfFaultsHaveAWSsStatus(t *testing.T) {
	s := everything.serve(t, Options{})
	for _, tt := range []struct {
		action, code string
		status       int
	}{
		{"sts:GetCallerIdentity", "ExpiredToken", 403},
		{"sts:GetCallerIdentity", "RegionDisabledException", 403},
		{"sts:GetCallerIdentity", "InvalidClientTokenId", 403},
		{"logs:DescribeLogGroups", "ExpiredTokenException", 400},
		{"logs:DescribeLogGroups", "UnrecognizedClientException", 400},
		{"logs:DescribeLogGroups", "LimitExceededException", 400},
		{"logs:DescribeLogGroups", "ServiceUnavailableException", 500},
		{"iam:GetRole", "ServiceFailure", 500},
		{"cloudwatch:ListMetrics", "InternalServiceFault", 500},
		{"health:DescribeEvents", "SubscriptionRequiredException", 400},
		{"iam:GetRole", "503", 503},
	} {
		t.Run(tt.action+" "+tt.code, func(t *testing.T) {
			s.ClearFaults()
			s.AddFault(must(ParseFault([]byte(`{"action": "` + tt.action + `", "error": "` + tt.code + `"}`)))(t))
			err := oneCall[tt.action](t.Context(), s.once("eu-west-1"))
			if got := statusOfError(err); got != tt.status {
				t.Errorf("status %d, want %d: %v", got, tt.status, err)
			}
			if tt.code != "503" && tt.code != "InternalServiceFault" {
				wantCode(t, err, tt.code)
			}
		})
	}
}

func TestFirstMatchingFaultWinsAndCountsDown(t *testing.T) {
	s := everything.with("faults.yaml", `
faults:
  - {action: "iam:GetRole", throttle: true, times: 1}
  - {action: "IAM:get*", error: ServiceFailure, times: 1}
  - {action: "iam:*", region: us-east-1, deny: true}
`).serve(t, Options{})
	call := func(region string) error { return oneCall["iam:GetRole"](t.Context(), s.once(region)) }
	wantCode(t, call("eu-west-1"), "Throttling")
	wantCode(t, call("eu-west-1"), "ServiceFailure")
	if err := call("eu-west-1"); err != nil {
		t.Errorf("after both had counted down: %v", err)
	}
	wantCode(t, call("us-east-1"), "AccessDenied")

	s.AddFault(must(ParseFault([]byte(`{action: "iam:*", error: ExpiredToken}`)))(t))
	wantCode(t, call("us-east-1"), "ExpiredToken") // those added come before the capture's
	s.ClearFaults()
	wantCode(t, call("us-east-1"), "AccessDenied")
}

func TestThrottledOnceIsRetriedByTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything.with("faults.yaml", `faults: [{action: "iam:GetRole", throttle: true, times: 1}]`).serve(t, Options{})
		if err := oneCall["iam:GetRole"](t.Context(), s.Config("eu-west-1")); err != nil {
			t.Error(err)
		}
		if n := s.Stats().Calls["iam:GetRole"]; n != 2 {
			t.Errorf("%d calls", n)
		}
		s.Close()
	})
}

func TestQueryThatStaysRunning(t *testing.T) {
	s := everything.with("faults.yaml", `faults: [{action: "logs:GetQueryResults", stay: Running, times: 5}]`).serve(t, Options{QueryDuration: -1})
	_, statuses := ask(t, s, "/prod/app", "fields @message", 0)
	if len(statuses) != 6 || statuses[4] != "Running" || statuses[5] != "Complete" {
		t.Errorf("statuses are %v", statuses)
	}
}

func TestUnansweredCallEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything.with("faults.yaml", `faults: [{action: "sts:GetCallerIdentity", region: eu-west-1, timeout: true}]`).serve(t, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := oneCall["sts:GetCallerIdentity"](ctx, s.once("eu-west-1")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if err := oneCall["sts:GetCallerIdentity"](t.Context(), s.once("us-east-1")); err != nil {
			t.Errorf("the other region answers: %v", err)
		}
		synctest.Wait()
		if c := s.Calls()[0]; c.Code != "timeout" || c.Duration != 3*time.Second {
			t.Errorf("recorded as %q after %s", c.Code, c.Duration)
		}
		s.Close()
	})
}

func TestUnsignedProbeMeetsTheFaultsOfTheRegionInItsHost(t *testing.T) {
	s := everything.with("faults.yaml", `faults: [{action: "sts:*", region: eu-west-1, error: "503"}, {action: "sts:*", deny: true}]`).serve(t, Options{})
	for host, want := range map[string]int{"sts.eu-west-1.amazonaws.com": 503, "sts.us-east-1.amazonaws.com": 403} {
		resp := must(s.Client().Get("https://" + host + "/?Action=GetCallerIdentity&Version=2011-06-15"))(t)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s answers %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestLatencyAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything.with("faults.yaml", "faults: [{action: \"iam:*\", latency: 800ms}]\nlatency: 50ms\n").serve(t, Options{Latency: 30 * time.Millisecond})
		for action, want := range map[string]time.Duration{"iam:GetRole": 880 * time.Millisecond, "sts:GetCallerIdentity": 80 * time.Millisecond} {
			began := time.Now()
			if err := oneCall[action](t.Context(), s.once("eu-west-1")); err != nil || time.Since(began) != want {
				t.Errorf("%s took %s, want %s: %v", action, time.Since(began), want, err)
			}
		}
		s.Close()
	})
}

func TestCloseEndsUnansweredCallsOnAListener(t *testing.T) {
	s := everything.with("faults.yaml", `faults: [{action: "sts:*", timeout: true}]`).serve(t, Options{})
	cfg := Config(listen(t, s), "eu-west-1")
	cfg.RetryMaxAttempts = 1
	answered := make(chan error, 1)
	go func() { answered <- oneCall["sts:GetCallerIdentity"](t.Context(), cfg) }()
	for s.Stats().MaxInFlight == 0 {
		select {
		case err := <-answered:
			t.Fatalf("answered: %v", err)
		default:
			runtime.Gosched()
		}
	}
	s.Close()
	if err := <-answered; err == nil {
		t.Error("an unanswered call succeeded")
	}
	if _, err := s.Client().Get("http://aws.invalid/_emu/stats"); err == nil {
		t.Error("a closed emulator answers in process")
	}
}

func TestDateOffsetMovesTheClockThatClientsSee(t *testing.T) {
	s := everything.serve(t, Options{})
	s.AddFault(must(ParseFault([]byte(`{"action":"sts:*","date_offset":"-10m"}`)))(t))
	resp := must(http.Get(listen(t, s) + "/?Action=GetCallerIdentity&Version=2011-06-15"))(t)
	resp.Body.Close()
	date := must(http.ParseTime(resp.Header.Get("Date")))(t)
	if off := time.Since(date); off < 9*time.Minute || off > 11*time.Minute {
		t.Errorf("Date is %s back", off)
	}
}

func TestFaultRulesAreStrict(t *testing.T) {
	for _, rule := range []string{``, `{}`, `{"action":"iam:GetRole"}`, `{"action":"GetRole","deny":true}`, `{"action":"iam:*","deny":true,"colour":"red"}`,
		`{"action":"iam:*","deny":true,"times":-1}`, `{"action":"iam:*","deny":true,"throttle":true}`, `{"action":"iam:*","date_offset":"soon"}`, `{"action":"iam:*","latency":"-1s"}`, `[]`, `"`} {
		if f, err := ParseFault([]byte(rule)); err == nil {
			t.Errorf("%s was taken for %+v", rule, f)
		}
	}
}
