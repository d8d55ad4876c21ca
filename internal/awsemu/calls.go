package awsemu

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Call is one API call as the emulator saw it.
type Call struct {
	Service    string         `json:"service"` // as IAM actions begin: cloudwatch
	Action     string         `json:"action"`  // cloudwatch:GetMetricData
	Region     string         `json:"region"`  // the one it was signed for
	Account    string         `json:"account"`
	Parameters map[string]any `json:"parameters"` // as sent, secrets cut
	Code       string         `json:"code"`       // "OK", an error code, "timeout" when it was never answered, "" in flight
	Time       time.Time      `json:"time"`       // wall clock
	Duration   time.Duration  `json:"-"`
	TookMS     int64          `json:"took_ms"`
}

// Stats sums the calls up.
type Stats struct {
	Calls        map[string]int `json:"calls"`         // by action
	MaxInFlight  int            `json:"max_in_flight"` // most calls that were being answered at one moment
	BytesScanned int64          `json:"bytes_scanned"` // by Logs Insights queries
}

// journal records every call. All fields are guarded by mu.
type journal struct {
	mu           sync.Mutex
	calls        []Call
	inFlight     int
	maxInFlight  int
	bytesScanned int64
	unexpected   []string
}

// begin notes a call and returns the function that notes its answer.
func (j *journal) begin(r *request) (end func(code string)) {
	c := Call{Action: r.action(), Region: r.region(), Account: r.account(), Parameters: cutSecrets(r.params), Time: time.Now()}
	c.Service, _, _ = strings.Cut(c.Action, ":")
	j.mu.Lock()
	defer j.mu.Unlock()
	i := len(j.calls)
	j.calls = append(j.calls, c)
	j.inFlight++
	j.maxInFlight = max(j.maxInFlight, j.inFlight)
	return func(code string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.inFlight--
		j.calls[i].Code = code
		j.calls[i].Duration = time.Since(c.Time)
		j.calls[i].TookMS = j.calls[i].Duration.Milliseconds()
	}
}

func (j *journal) scanned(bytes int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.bytesScanned += bytes
}

func (j *journal) surprise(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unexpected = append(j.unexpected, what)
}

// Calls returns every call so far, in the order of arrival.
func (s *Server) Calls() []Call {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.calls)
}

// Unexpected returns what was asked and is not emulated: operations, parameters, parts of the query language. A test
// whose client asked for something here must fail: it would get an answer from AWS that it did not get from us.
func (s *Server) Unexpected() []string {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.unexpected)
}

// Stats sums up the calls so far.
func (s *Server) Stats() Stats {
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	st := Stats{Calls: map[string]int{}, MaxInFlight: j.maxInFlight, BytesScanned: j.bytesScanned}
	for _, c := range j.calls {
		st.Calls[c.Action]++
	}
	return st
}

// secretNames are parameters whose value is worth nothing to a reader and something to a thief.
var secretNames = []string{"TokenCode", "ExternalId", "WebIdentityToken", "SAMLAssertion"}

// secretShapes are an access key id (its last four characters stay) and a JWT.
var (
	accessKeyShape = regexp.MustCompile(`\b(A[KS]IA)[A-Z0-9]{8,}([A-Z0-9]{4})\b`)
	jwtShape       = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)
)

func cutSecrets(params map[string]any) map[string]any {
	cut, _ := cutValue(params).(map[string]any)
	return cut
}

func cutValue(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := maps.Clone(t)
		for k, e := range out {
			if slices.Contains(secretNames, k) {
				out[k] = "…"
				continue
			}
			out[k] = cutValue(e)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = cutValue(e)
		}
		return out
	case string:
		return jwtShape.ReplaceAllString(accessKeyShape.ReplaceAllString(t, "$1…$2"), "eyJ…")
	case json.Number:
		return t
	}
	return v
}
