package steps

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/stsleuth/stsleuth/playbook"
)

// errorGroup is AWS error codes that mean the same to us. Services spell them
// differently, so a group is a set of spellings.
type errorGroup struct {
	codes  []string
	status playbook.Status
	text   string // for people; {action} and {region} are filled in
}

// expired, unaccepted and misSigned are AWS's no to the credentials of the call
// itself, whatever was asked.
var (
	expired    = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
	unaccepted = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken", "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException"}
	misSigned  = []string{"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed", "RequestInTheFuture"}
)

var noSuch = []string{"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "ResourceNotFound", "TrailNotFoundException"}

// errorGroups is every code that a step may meet.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the
// error lists of the services' API references.
var errorGroups = []errorGroup{
	{[]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized"},
		playbook.Denied, "stsleuth's own credentials lack {action} in {region}"},
	{expired,
		playbook.Blind, expiredText},
	{unaccepted,
		playbook.Blind, "AWS does not accept stsleuth's own credentials in {region}: the key is inactive or of another partition, or the account has not enabled the region"},
	{misSigned,
		playbook.Blind, "AWS refused the signature of stsleuth's own call in {region}: its clock is off or its secret key is wrong"},
	{[]string{"RegionDisabledException"},
		playbook.Blind, "STS is not activated in {region} for the account"},
	{[]string{"OptInRequired"},
		playbook.Blind, "the account is not signed up for the service behind {action} in {region}"},
	{[]string{"SubscriptionRequiredException", "SubscriptionRequired"},
		playbook.Blind, "the account's support plan does not include the AWS Health API"},
	{[]string{"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "LimitExceededException", "LimitExceeded", "SlowDown", "PriorRequestNotComplete"},
		playbook.Blind, "AWS throttled {action} in {region}, retries included"},
	{noSuch,
		playbook.Blind, "{action} in {region} asked for something that does not exist"},
	{[]string{"InternalFailure", "InternalError", "InternalServerError", "InternalServerException", "InternalServiceError", "InternalServiceFault", "ServiceFailure", "ServiceFailureException", "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException"},
		playbook.Blind, "AWS answered {action} in {region} with an error of its own, retries included"},
}

const (
	expiredText = "stsleuth's own credentials have expired: renew them and ask again (this says nothing about the role in question)"
	noneText    = "stsleuth found no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the machine or pod that it runs on a role"
)

// classify says in words why a call could not look; nil for a nil error. It is
// the only place that knows AWS's error codes. What is neither AWS's no nor the
// network's is Broken.
func classify(action, region string, err error) *playbook.Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*playbook.Problem](err); ok {
		return p
	}
	problem := func(status playbook.Status, text string) *playbook.Problem {
		p := &playbook.Problem{Status: status, Err: err,
			Text: strings.NewReplacer("{action}", action, "{region}", region).Replace(text)}
		if status == playbook.Denied {
			p.Action = action
		}
		return p
	}
	// The tool's own credentials come first: the calls that renew them have codes
	// of their own, which must not pass for this call's.
	if own, ok := errors.AsType[*credentialsError](err); ok {
		return problem(playbook.Blind, own.words())
	}
	code := awsCode(err)
	for _, g := range errorGroups {
		if slices.Contains(g.codes, code) {
			return problem(g.status, g.text)
		}
	}
	if errors.Is(err, context.Canceled) {
		return problem(playbook.TimedOut, "{action} in {region} was stopped before AWS answered")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return problem(playbook.TimedOut, "{action} in {region} did not answer in time")
	}
	switch status := httpStatus(err); {
	case status >= 500:
		return problem(playbook.Blind, "AWS answered {action} in {region} with an error of its own, retries included")
	case status == 429:
		return problem(playbook.Blind, "AWS throttled {action} in {region}, retries included")
	}
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return problem(playbook.Blind, "{action} in {region} could not be reached: "+networkWords(err))
	}
	if code != "" {
		return problem(playbook.Broken, "AWS refused {action} in {region} as "+code)
	}
	return problem(playbook.Broken, "{action} in {region} ended in an internal error")
}

// ownTrouble reports whether a problem is of the tool's own credentials: it says
// nothing about what was asked.
func ownTrouble(p *playbook.Problem) bool {
	if p == nil {
		return false
	}
	if _, ok := errors.AsType[*credentialsError](p.Err); ok {
		return true
	}
	code := awsCode(p.Err)
	return slices.Contains(expired, code) || slices.Contains(unaccepted, code) || slices.Contains(misSigned, code)
}

// absent reports whether AWS answered that what was asked for does not exist,
// which is an answer and no trouble.
func absent(p *playbook.Problem) bool {
	return p != nil && slices.Contains(noSuch, awsCode(p.Err))
}

// awsCode is AWS's own code for an error, "" where AWS gave none.
func awsCode(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" { // the SDK's word for a body that it could not read
		return ""
	}
	return api.ErrorCode()
}

// httpStatus is the status of the answer that an error came in, 0 where there
// was no answer.
func httpStatus(err error) int {
	if answered, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answered.Response != nil && answered.Response.Response != nil {
		return answered.HTTPStatusCode()
	}
	return 0
}

// networkWords says what the network did, without addresses and ports, which
// differ from run to run.
func networkWords(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "its name does not resolve"
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was cut"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no connection in time"
	}
	return "the connection failed"
}

// credentialsError is why the tool's own credentials could not be had.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "get own credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

func (e *credentialsError) words() string {
	if errors.Is(e.err, errNoCredentials) {
		return noneText
	}
	code := awsCode(e.err)
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](e.err); ok || slices.Contains(expired, code) ||
		code == "UnauthorizedException" || code == "InvalidGrantException" { // what IAM Identity Center says of an old portal session
		return expiredText
	}
	switch {
	case code != "":
		return "stsleuth could not get its own credentials: AWS answered " + code
	case errors.Is(e.err, context.DeadlineExceeded), errors.Is(e.err, context.Canceled):
		return "stsleuth did not get its own credentials in time"
	}
	return "stsleuth could not get its own credentials from the provider that is configured for them"
}
