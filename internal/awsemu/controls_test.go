package awsemu

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// control uses a control and decodes what it says.
func control(t *testing.T, s *Server, method, path, body string, into any) int {
	t.Helper()
	req := must(http.NewRequest(method, "http://aws.invalid"+path, strings.NewReader(body)))(t)
	resp := must(s.Client().Do(req))(t)
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return resp.StatusCode
}

func TestCallsAndStatsFromOutside(t *testing.T) {
	s := everything.tolerant(t, Options{})
	cfg := s.once("eu-west-1")
	must(iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("payments-api")}))(t)
	_, err := iam.NewFromConfig(cfg).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("nobody")})
	wantCode(t, err, "NoSuchEntity")
	must(cloudtrail.NewFromConfig(cfg).LookupEvents(t.Context(), by("AccessKeyId", "ASIACALLER0000000001")))(t)

	var calls struct {
		Calls []struct {
			Service, Action, Region, Account, Code, Time string
			Parameters                                   map[string]any
		}
	}
	if status := control(t, s, "GET", "/_emu/calls", "", &calls); status != 200 || len(calls.Calls) != 3 {
		t.Fatalf("%d calls, status %d", len(calls.Calls), status)
	}
	if c := calls.Calls[1]; c.Service != "iam" || c.Action != "iam:GetRole" || c.Region != "eu-west-1" || c.Code != "NoSuchEntity" || c.Parameters["RoleName"] != "nobody" || c.Account != "111122223333" {
		t.Errorf("second call is %+v", c)
	}
	text := string(must(json.Marshal(calls.Calls[2].Parameters))(t))
	if strings.Contains(text, "CALLER") || !strings.Contains(text, "ASIA…0001") {
		t.Errorf("the key in %s is not cut", text)
	}
	var stats Stats
	control(t, s, "GET", "/_emu/stats", "", &stats)
	if stats.Calls["iam:GetRole"] != 2 || stats.MaxInFlight != 1 {
		t.Errorf("stats are %+v", stats)
	}
	if status := control(t, s, "GET", "/_emu/colour", "", nil); status != 404 {
		t.Errorf("an unknown control answers %d", status)
	}
}

func TestFaultsFromOutside(t *testing.T) {
	s := everything.serve(t, Options{})
	call := func() error { return oneCall["iam:GetRole"](t.Context(), s.once("eu-west-1")) }
	if status := control(t, s, "POST", "/_emu/fault", `{"action":"iam:GetRole","deny":true,"latency":"1ms"}`, nil); status != 200 {
		t.Fatalf("status %d", status)
	}
	wantCode(t, call(), "AccessDenied")
	control(t, s, "DELETE", "/_emu/fault", "", nil)
	if err := call(); err != nil {
		t.Error(err)
	}
	var answer struct {
		OK    bool
		Error string
	}
	if status := control(t, s, "POST", "/_emu/fault", `{"action":"iam:GetRole","colour":"red"}`, &answer); status != 400 || !strings.Contains(answer.Error, "colour") {
		t.Errorf("a rule with an unknown key: %d %+v", status, answer)
	}
}

func TestAnotherCaptureWhileRunning(t *testing.T) {
	s := files{}.serve(t, Options{})
	wantCode(t, oneCall["iam:GetRole"](t.Context(), s.once("eu-west-1")), "NoSuchEntity")
	dir := string(must(json.Marshal(everything.write(t)))(t))
	if status := control(t, s, "POST", "/_emu/capture", `{"dir":`+dir+`}`, nil); status != 200 {
		t.Fatalf("status %d", status)
	}
	if err := oneCall["iam:GetRole"](t.Context(), s.once("eu-west-1")); err != nil {
		t.Error(err)
	}
	for _, body := range []string{`{"dir":"/nowhere"}`, `{}`, `{`} {
		if status := control(t, s, "POST", "/_emu/capture", body, nil); status != 400 {
			t.Errorf("%s answers %d", body, status)
		}
	}
	if err := oneCall["iam:GetRole"](t.Context(), s.once("eu-west-1")); err != nil {
		t.Errorf("after captures that don't load: %v", err)
	}
}

func TestCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := everything.with("faults.yaml", "latency: 80ms").serve(t, Options{})
		var wg sync.WaitGroup
		for range 4 {
			for action, call := range oneCall {
				wg.Go(func() {
					if err := call(t.Context(), s.once("eu-west-1")); err != nil {
						t.Errorf("%s: %v", action, err)
					}
				})
			}
		}
		wg.Wait()
		if st := s.Stats(); st.MaxInFlight != 4*len(oneCall) {
			t.Errorf("at most %d in flight", st.MaxInFlight)
		}
		s.Close()
	})
}
