package telemetry

import (
	"context"
	"errors"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// What became of a request that AWS did not answer with a code of its own.
const (
	codeOK         = "OK"
	codeGaveUp     = "gave-up"    // we did: the step's time was over, or the run was stopped
	codeUnreadable = "unreadable" // an answer that the SDK can't read
	codeNoAnswer   = "no-answer"
)

// AWS counts every request to AWS and makes a span of it: one of the SDK's
// middlewares, for the APIOptions of the one configuration from which all
// clients are made. A call that the SDK tries again is several requests.
func (m *Metrics) AWS(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("stsleuth/telemetry", m.request), middleware.Before)
}

func (m *Metrics) request(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	action := actionOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
	ctx, span := start(ctx, action, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("aws.region", awsmiddleware.GetRegion(ctx))))
	defer span.End()
	out, meta, err := next.HandleDeserialize(ctx, in)
	code := m.awsCodes.label(codeOf(ctx, err))
	m.awsCalls.WithLabelValues(action, code).Inc()
	span.SetAttributes(attribute.String("aws.code", code))
	if err != nil {
		span.SetStatus(codes.Error, code) // never the error's text: it is AWS's, and may quote what it was asked
	}
	return out, meta, err
}

// prefixes are IAM's names of services where they are not the SDK's in lower case.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var prefixes = map[string]string{"CloudWatch Logs": "logs", "SSO OIDC": "sso-oidc"}

// actionOf names a call as IAM does: "logs:StartQuery".
func actionOf(service, operation string) string {
	prefix, ok := prefixes[service]
	if !ok {
		prefix = strings.ToLower(strings.ReplaceAll(service, " ", ""))
	}
	return prefix + ":" + operation
}

func codeOf(ctx context.Context, err error) string {
	var api smithy.APIError
	var unreadable *smithy.DeserializationError
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &api) && api.ErrorCode() != "":
		return api.ErrorCode()
	case ctx.Err() != nil:
		return codeGaveUp
	case errors.As(err, &unreadable):
		return codeUnreadable
	}
	return codeNoAnswer
}
