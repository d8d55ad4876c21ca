package awsemu

import (
	"context"
	"reflect"
	"slices"
	"time"
)

// A request is one call, decoded.
type request struct {
	ctx       context.Context
	id        string
	scope     scope
	protocol  protocol
	queryMode bool // the client wants query codes besides the protocol's own
	svc       *service
	op        string
	params    map[string]any

	incident *incident // what the account that asks may see
	caller   principal
	stay     string // the status that a fault keeps a query in
}

// action is the call as IAM policies and fault rules name it: cloudtrail:LookupEvents.
func (r *request) action() string {
	if r.svc == nil {
		return "unknown:" + r.op
	}
	return r.svc.name + ":" + r.op
}

func (r *request) region() string    { return r.scope.region }
func (r *request) now() time.Time    { return r.incident.Now }
func (r *request) account() string   { return r.caller.account }
func (r *request) callerARN() string { return r.caller.arn }

// An operation is one call that the emulator answers.
type operation struct {
	svc    *service
	name   string
	params []string // those it honours; any other is refused, because ignoring it would answer another question

	// resources gives what a policy statement's Resource must cover, "*" where the call has no resource.
	resources func(*request, any) []string
	input     func() any
	serve     func(*Server, *request, any) (any, error)
}

// on makes an operation of a function from the SDK's input to its output.
func on[I, O any](svc *service, name string, serve func(*Server, *request, *I) (*O, error), params ...string) operation {
	return operation{
		svc: svc, name: name, params: params,
		resources: func(*request, any) []string { return []string{"*"} },
		input:     func() any { return new(I) },
		serve:     func(s *Server, r *request, in any) (any, error) { return orNil(serve(s, r, in.(*I))) },
	}
}

func orNil[O any](out *O, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

// of gives the operation the resources that a policy may name.
func of[I any](o operation, resources func(*request, *I) []string) operation {
	o.resources = func(r *request, in any) []string { return resources(r, in.(*I)) }
	return o
}

// operations is everything the emulator can be asked. All of it reads.
var operations = slices.Concat(iamOperations, stsOperations, cloudtrailOperations, logsOperations, cloudwatchOperations,
	healthOperations, accountOperations)

func operationOf(svc *service, name string) (operation, bool) {
	for _, o := range operations {
		if o.svc == svc && o.name == name {
			return o, true
		}
	}
	return operation{}, false
}

// decode fills the operation's input from the request's parameters.
func (o operation) decode(r *request) (any, error) {
	for name, v := range r.params {
		if v != nil && !slices.Contains(o.params, name) {
			return nil, &wireError{name, "parameter is unknown or not emulated"}
		}
	}
	in := o.input()
	return in, intoStruct(r.svc, r.params, reflect.ValueOf(in).Elem(), "")
}
