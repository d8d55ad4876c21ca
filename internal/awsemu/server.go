// Package awsemu is AWS over the wire, answered from an incident capture: the read-only calls of IAM, STS, CloudTrail,
// CloudWatch Logs, CloudWatch, Health and Account Management that an investigation makes, in the protocols that the SDKs
// and the AWS CLI really speak.
//
// In comes HTTP, on a listener (Server is an http.Handler) or in process (Server.Client, Server.Config); out come the
// answers AWS would have given, with AWS's paging, error codes and limits, and the faults that the capture or a test
// asks for. What is asked and not emulated is refused and remembered (Server.Unexpected), never guessed at.
//
// A request goes route (protocol.go) → fault (faults.go) → signature and policy (policy.go) → operation → writer
// (write.go). Operations take and give the SDK's own structs and are listed in one table a service: iam.go, sts.go,
// cloudtrail.go, logs.go, cloudwatch.go, health.go, account.go. Controls for people outside are in controls.go.
//
// Time in the answers is the capture's; signatures, the Date header and issued credentials go by the wall clock, because
// the SDKs compare those with their own.
package awsemu

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// Options change how the emulator behaves. The zero value is strict about what it was not built for, generous about
// rates, and pages small.
type Options struct {
	// Policy, where it is set, is what the callers' identity policy allows. Nil allows everything.
	Policy *Policy

	// QueryDuration is how long a Logs Insights query takes: Scheduled for the first tenth, then Running with partial
	// results, then Complete. Zero counts polls instead of time: Scheduled, Running, Complete. Below zero a query is
	// complete when it is first asked for.
	QueryDuration time.Duration

	// PageSizes overrides how many items a page of an action holds, as {"iam:ListRoles": 100}. The client's own limit
	// counts where it is lower, AWS's where that is.
	PageSizes map[string]int

	// Rates are how many requests of an action one account may send to one region in a second, as AWSRates; what is more
	// is throttled. An action that is not in there may be asked any number of times.
	Rates map[string]int

	// MaxQueries is how many Logs Insights queries of one account may run in one region at once; 0 is AWS's 100.
	MaxQueries int

	// Latency is added to every call, besides the capture's own.
	Latency time.Duration
}

// Server is the emulator. Close it after use.
type Server struct {
	options Options
	journal journal
	faults  faultRules
	queries queries
	handler http.Handler

	incident atomic.Pointer[incident]

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // queries and in-process handlers

	mu     sync.Mutex
	closed bool                     // guarded by mu
	issued map[string]principal     // by access key; guarded by mu
	rates  map[string]*rate.Limiter // by account, region and action; guarded by mu
	loaded []*capture.Capture       // by POST /_emu/capture; guarded by mu
}

// New makes an emulator of c, which stays the caller's to close.
func New(c *capture.Capture, options Options) *Server {
	s := &Server{options: options, issued: map[string]principal{}, rates: map[string]*rate.Limiter{}}
	s.queries.byID = map[string]*runningQuery{}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.show(c)

	mux := http.NewServeMux()
	s.controls(mux)
	mux.HandleFunc("GET /public/currentevents", s.publicEvents)
	mux.HandleFunc("/", s.api)
	s.handler = mux
	return s
}

// show makes c the capture that is answered from.
func (s *Server) show(c *capture.Capture) {
	s.incident.Store(newIncident(c))
	s.faults.replace(c.Faults)
}

// Close ends what is under way, unanswered calls too, and waits for it.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, c := range s.loaded {
		errs = append(errs, c.Close())
	}
	s.loaded = nil
	return errors.Join(errs...)
}

// start runs f beside the caller, unless the server has been closed; Close waits for f.
func (s *Server) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Go(f)
	return true
}

func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) { s.handler.ServeHTTP(w, req) }

// errNeverAnswered ends a call whose client went away, or that a fault keeps from being answered.
var errNeverAnswered = errors.New("never answered")

// api answers one AWS call.
func (s *Server) api(w http.ResponseWriter, req *http.Request) {
	r, err := route(req)
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	r.ctx = ctx
	r.incident, r.caller = s.seenBy(r.scope)

	code := "timeout"
	end := s.journal.begin(r)
	defer func() { end(code) }()

	var out any
	if err == nil {
		out, err = s.answer(w, r)
	} else {
		s.journal.surprise(r.action() + ": " + err.Error())
	}
	var refused *Error
	switch {
	case err == nil:
		code = "OK"
		r.writeOutput(w, out)
	case errors.As(err, &refused):
		code = refused.Code
		r.writeError(w, refused)
	case errors.Is(err, errNeverAnswered):
		panic(http.ErrAbortHandler) // closes the connection without a reply
	default:
		code = "InternalFailure"
		r.writeError(w, fail(code, "%s", err))
	}
}

// answer takes the call's way: fault, signature, policy, operation.
func (s *Server) answer(w http.ResponseWriter, r *request) (any, error) {
	op, known := operationOf(r.svc, r.op)
	if !known {
		s.journal.surprise(r.action() + ": unknown operation")
		return nil, r.unknownOperation()
	}
	in, err := op.decode(r)
	if err != nil {
		s.journal.surprise(r.action() + ": " + err.Error())
		return nil, r.badParameter(err)
	}
	resources := op.resources(r, in)
	if err := s.meetFault(w, r, resources[0]); err != nil {
		return nil, err
	}
	if s.tooOften(r) {
		return nil, r.throttled()
	}
	if !r.scope.signed {
		return nil, r.unsigned()
	}
	if r.scope.service != r.svc.signing {
		return nil, r.wrongScope()
	}
	if err := s.options.Policy.check(r, resources); err != nil {
		return nil, err
	}
	out, err := op.serve(s, r, in)
	if err != nil {
		return nil, err
	}
	return treeOf(r.svc, out), nil
}
