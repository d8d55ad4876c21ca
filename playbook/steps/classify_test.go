package steps

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/stsleuth/stsleuth/playbook"
)

// sdkError is an error as the SDK wraps it.
func sdkError(code string, status int) error {
	return &smithy.OperationError{ServiceID: "IAM", OperationName: "GetRole", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "words of AWS"}}}
}

func sendError(err error) error {
	return &smithy.OperationError{ServiceID: "IAM", OperationName: "GetRole", Err: &smithyhttp.RequestSendError{Err: err}}
}

func TestClassify(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status playbook.Status
		says   string
	}{
		"denied by a query service names the action":  {sdkError("AccessDenied", 403), playbook.Denied, "lack iam:GetRole in eu-west-1"},
		"denied by a JSON service":                    {sdkError("AccessDeniedException", 400), playbook.Denied, "lack iam:GetRole"},
		"denied by EC2's words":                       {sdkError("UnauthorizedOperation", 403), playbook.Denied, "lack iam:GetRole"},
		"throttled":                                   {sdkError("Throttling", 400), playbook.Blind, "throttled"},
		"throttled by a JSON service":                 {sdkError("ThrottlingException", 400), playbook.Blind, "throttled"},
		"too many queries at once":                    {sdkError("LimitExceededException", 400), playbook.Blind, "throttled"},
		"too many requests without a code":            {sdkError("UnknownError", 429), playbook.Blind, "throttled"},
		"the tool's session has ended":                {sdkError("ExpiredToken", 403), playbook.Blind, "stsleuth's own credentials have expired"},
		"the tool's session has ended, JSON":          {sdkError("ExpiredTokenException", 400), playbook.Blind, "stsleuth's own credentials have expired"},
		"the tool's session has ended, EC2":           {sdkError("RequestExpired", 400), playbook.Blind, "stsleuth's own credentials have expired"},
		"a key that AWS does not know":                {sdkError("InvalidClientTokenId", 403), playbook.Blind, "does not accept stsleuth's own credentials in eu-west-1"},
		"a key that AWS does not know, JSON":          {sdkError("UnrecognizedClientException", 400), playbook.Blind, "does not accept stsleuth's own"},
		"a wrong signature":                           {sdkError("SignatureDoesNotMatch", 403), playbook.Blind, "clock is off"},
		"STS switched off":                            {sdkError("RegionDisabledException", 403), playbook.Blind, "not activated in eu-west-1"},
		"a support plan without Health":               {sdkError("SubscriptionRequiredException", 400), playbook.Blind, "support plan"},
		"nothing of that name":                        {sdkError("NoSuchEntity", 404), playbook.Blind, "does not exist"},
		"nothing of that name, JSON":                  {sdkError("ResourceNotFoundException", 400), playbook.Blind, "does not exist"},
		"AWS's own trouble":                           {sdkError("InternalFailure", 500), playbook.Blind, "error of its own"},
		"AWS's own trouble without a code":            {sdkError("UnknownError", 503), playbook.Blind, "error of its own"},
		"a mistake of ours is broken":                 {sdkError("MalformedQueryException", 400), playbook.Broken, "as MalformedQueryException"},
		"no time left":                                {fmt.Errorf("call: %w", context.DeadlineExceeded), playbook.TimedOut, "did not answer in time"},
		"stopped":                                     {&smithy.CanceledError{Err: context.Canceled}, playbook.TimedOut, "was stopped"},
		"a name that does not resolve":                {sendError(&net.DNSError{Err: "no such host", Name: "iam", IsNotFound: true}), playbook.Blind, "does not resolve"},
		"any other trouble of the network":            {sendError(errors.New("tls: bad certificate from 10.1.2.3:443")), playbook.Blind, "the connection failed"},
		"no credentials":                              {&smithy.OperationError{Err: &credentialsError{errNoCredentials}}, playbook.Blind, "found no AWS credentials"},
		"the tool may not assume its role":            {&smithy.OperationError{Err: &credentialsError{sdkError("AccessDenied", 403)}}, playbook.Blind, "could not get its own credentials: AWS answered AccessDenied"},
		"the tool's session for assuming has ended":   {&smithy.OperationError{Err: &credentialsError{sdkError("ExpiredToken", 403)}}, playbook.Blind, "own credentials have expired"},
		"a credential provider that answers too late": {&smithy.OperationError{Err: &credentialsError{context.DeadlineExceeded}}, playbook.Blind, "own credentials in time"},
		"a problem that is classified stays as it is": {fmt.Errorf("wrap: %w", &playbook.Problem{Status: playbook.Blind, Text: "kept"}), playbook.Blind, "kept"},
		"anything else is ours":                       {errors.New("boom"), playbook.Broken, "internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			p := classify("iam:GetRole", "eu-west-1", c.err)
			if p.Status != c.status || !strings.Contains(p.Text, c.says) {
				t.Errorf("got %s %q, want %s …%s…", p.Status, p.Text, c.status, c.says)
			}
			if strings.Contains(p.Text, "words of AWS") || strings.Contains(p.Text, "10.1.2.3") || strings.Contains(p.Text, "{") {
				t.Errorf("the text for people has what is not for them: %q", p.Text)
			}
			if (p.Action != "") != (p.Status == playbook.Denied) {
				t.Errorf("action %q with status %s: only a denial names one", p.Action, p.Status)
			}
		})
	}
	if p := classify("iam:GetRole", "eu-west-1", nil); p != nil {
		t.Errorf("no error became %v", p)
	}
}

// Every code that is listed is listed once: the first group would win unseen.
func TestErrorCodesAreInOneGroup(t *testing.T) {
	seen := map[string]string{}
	for _, g := range errorGroups {
		for _, code := range g.codes {
			if other, twice := seen[code]; twice {
				t.Errorf("%s is in the groups %q and %q", code, other, g.text)
			}
			seen[code] = g.text
		}
	}
}
