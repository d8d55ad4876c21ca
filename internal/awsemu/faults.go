package awsemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// A Fault is a rule of faults.yaml, and one effect that only tests of clocks need.
type Fault struct {
	capture.Fault `yaml:",inline"`

	// DateOffset is added to the reply's Date header, as if AWS's clock and the client's differed: "10m", "-3h". The
	// SDKs believe the header and sign later requests by it.
	DateOffset string `yaml:"date_offset"`
}

// rule is a fault and how many calls it still meets; below zero, all.
type rule struct {
	Fault
	left int
}

// faultRules holds the rules in the order in which they are tried: those added while running, then the capture's.
type faultRules struct {
	mu       sync.Mutex
	added    []*rule // guarded by mu
	captured []*rule // guarded by mu
	latency  time.Duration
}

func newRule(f Fault) *rule {
	if f.Times == 0 {
		return &rule{f, -1}
	}
	return &rule{f, f.Times}
}

func (fs *faultRules) replace(f capture.Faults) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.captured = nil
	fs.latency = time.Duration(f.Latency)
	for _, r := range f.Faults {
		fs.captured = append(fs.captured, newRule(Fault{Fault: r}))
	}
}

// AddFault puts a rule behind those added before and ahead of the capture's.
func (s *Server) AddFault(f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.added = append(s.faults.added, newRule(f))
}

// ClearFaults takes away the rules that AddFault added.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.added = nil
}

// first gives the first rule that matches, and counts it down.
func (fs *faultRules) first(action, region string) (Fault, time.Duration) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, rules := range [][]*rule{fs.added, fs.captured} {
		for _, r := range rules {
			if r.left == 0 || !r.Matches(action, region) {
				continue
			}
			if r.left > 0 {
				r.left--
			}
			return r.Fault, fs.latency
		}
	}
	return Fault{}, fs.latency
}

// meetFault does to a call what the first matching rule says.
func (s *Server) meetFault(w http.ResponseWriter, r *request, resource string) error {
	f, latency := s.faults.first(r.action(), r.region())
	if err := pause(r.ctx, latency+s.options.Latency+time.Duration(f.Latency)); err != nil {
		return err
	}
	if offset, err := time.ParseDuration(f.DateOffset); err == nil {
		w.Header().Set("Date", time.Now().Add(offset).UTC().Format(http.TimeFormat))
	}
	switch {
	case f.Timeout:
		<-r.ctx.Done()
		return errNeverAnswered
	case f.Throttle:
		return r.throttled()
	case f.Error != "":
		return fail(f.Error, "%s", r.messageOf(f.Error))
	case f.Deny && r.scope.signed:
		return r.denied(resource, "because no identity-based policy allows the "+r.action()+" action")
	}
	r.stay = f.Stay
	return nil
}

// messageOf gives the words that AWS sends with a code, for the codes whose words clients read.
func (r *request) messageOf(code string) string {
	switch code {
	case "ExpiredToken", "ExpiredTokenException":
		return "The security token included in the request is expired"
	case "InvalidClientTokenId", "UnrecognizedClientException":
		return "The security token included in the request is invalid."
	case "RegionDisabledException":
		return fmt.Sprintf("STS is not activated in this region for account:%s. Your account administrator can activate STS in this region using the IAM Console.", r.account())
	case "Throttling", "ThrottlingException", "TooManyRequestsException":
		return "Rate exceeded"
	case "LimitExceededException":
		return "Account maximum query concurrency limit of [100] reached."
	case "SubscriptionRequiredException":
		return "AWS Support subscription is required for this operation."
	case "RequestExpired":
		return "Request has expired."
	}
	return "The emulator was told to answer with this error."
}

// pause waits, as long as the caller is there.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errNeverAnswered
	}
}

var faultAction = regexp.MustCompile(`^(\*|[A-Za-z0-9*-]+:[A-Za-z0-9*]+)$`)

// ParseFault reads one rule, as YAML or as JSON, and refuses keys that it does not know.
func ParseFault(data []byte) (Fault, error) {
	var f Fault
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&f); err != nil {
		return f, fmt.Errorf("read fault: %w", err)
	}
	if !faultAction.MatchString(f.Action) {
		return f, fmt.Errorf("read fault: action %q: want service:Operation, with * for any text", f.Action)
	}
	if f.Times < 0 {
		return f, errors.New("read fault: times is below zero")
	}
	if f.DateOffset != "" {
		if _, err := time.ParseDuration(f.DateOffset); err != nil {
			return f, fmt.Errorf("read fault: date_offset: %w", err)
		}
	}
	effects := 0
	for _, set := range []bool{f.Deny, f.Throttle, f.Timeout, f.Error != "", f.Stay != ""} {
		if set {
			effects++
		}
	}
	switch {
	case effects > 1:
		return f, errors.New("read fault: only one of deny, error, throttle, stay and timeout")
	case effects == 0 && f.Latency == 0 && f.DateOffset == "":
		return f, errors.New("read fault: it says nothing that goes wrong")
	}
	return f, nil
}
