package awsemu

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// An Error is an AWS error: a code, a message, and an HTTP status where the code alone does not settle it.
type Error struct {
	Code    string
	Message string
	Status  int // zero: the status that AWS sends with this code

	more []member // further members of a modelled error
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func errUnknownOperation(what string) *Error {
	return &Error{Code: "UnknownOperationException", Message: what + " is not an operation of this emulator"}
}

// statusOf lists the codes that AWS does not send with 400. JSON services say 400 to a refused or expired credential
// where query services say 403.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var statusOf = map[string]int{
	"AccessDenied":                403,
	"AuthFailure":                 401,
	"ExpiredToken":                403,
	"IncompleteSignature":         403,
	"InvalidClientTokenId":        403,
	"MissingAuthenticationToken":  403,
	"OptInRequired":               403,
	"RegionDisabledException":     403,
	"SignatureDoesNotMatch":       403,
	"NoSuchEntity":                404,
	"ResourceNotFound":            404,
	"LimitExceeded":               409,
	"TooManyRequestsException":    429,
	"InternalError":               500,
	"InternalFailure":             500,
	"InternalServerException":     500,
	"InternalServiceError":        500,
	"InternalServiceFault":        500,
	"ServiceFailure":              500,
	"ServiceUnavailableException": 500,
	"RequestLimitExceeded":        503,
	"ServiceUnavailable":          503,
	"SlowDown":                    503,
}

func (e *Error) status() int {
	if e.Status != 0 {
		return e.Status
	}
	if statusCode.MatchString(e.Code) {
		n, _ := strconv.Atoi(e.Code)
		return n
	}
	if n, ok := statusOf[e.Code]; ok {
		return n
	}
	return http.StatusBadRequest
}

// throttled is how the service that r asks says that it was asked too often.
func (r *request) throttled() *Error {
	switch {
	case r.svc == accountService:
		return fail("TooManyRequestsException", "Rate exceeded")
	case r.svc.version != "": // services that speak, or once spoke, the query protocol
		return fail("Throttling", "Rate exceeded")
	}
	return fail("ThrottlingException", "Rate exceeded")
}

// denied is how the service that r asks says that the caller may not do this, and why.
func (r *request) denied(resource, why string) *Error {
	e := fail("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s %s", r.callerARN(), r.action(), resource, why)
	switch {
	case r.svc == accountService:
		e.Status = http.StatusForbidden
	case r.svc.version != "":
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	}
	return e
}

// unsigned is the answer to a request that carries no signature: the service is there, and it refuses.
func (r *request) unsigned() *Error {
	if r.protocol == query {
		return fail("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	return fail("MissingAuthenticationTokenException", "Missing Authentication Token")
}

// unknown is the protocol's answer to an operation or a parameter that the service does not have.
func (r *request) unknownOperation() *Error {
	if r.protocol == query {
		return fail("InvalidAction", "Could not find operation %s for version %s", r.op, r.svc.version)
	}
	e := fail("UnknownOperationException", "%s", strings.TrimSpace("Unknown operation "+r.op))
	if r.protocol != awsJSON {
		e.Status = http.StatusNotFound
	}
	return e
}

func (r *request) badParameter(err error) *Error {
	if r.protocol == query {
		return fail("MalformedInput", "%s", err)
	}
	return fail("SerializationException", "%s", err)
}

// wrongScope refuses a signature that was made for another service.
func (r *request) wrongScope() *Error {
	if r.protocol == query {
		return fail("SignatureDoesNotMatch", "Credential should be scoped to correct service: '%s'.", r.svc.signing)
	}
	return fail("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", r.svc.signing)
}
