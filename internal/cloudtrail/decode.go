package cloudtrail

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrNotRecord is the reason that Decode gives for JSON that cannot be a CloudTrail record.
var ErrNotRecord = errors.New("not a CloudTrail record")

// lenient takes what encoders of other languages let through.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// Decode reads one record. It takes whatever has an event name or an event source: keys in any case, numbers and
// booleans as strings, tags as list or map, policy documents URL-encoded, as text or as objects, "null" for null,
// @timestamp for eventTime. A time that cannot be read is left zero; only JSON that is broken or no record is an error.
func Decode(raw []byte) (Record, error) {
	var tree any
	if err := json.Unmarshal(raw, &tree, lenient); err != nil {
		return Record{}, fmt.Errorf("decode record: %w", syntaxOnly(err))
	}
	top, ok := tree.(map[string]any)
	if !ok {
		return Record{}, ErrNotRecord
	}
	r := Record{
		EventID:            str(top, "eventID"),
		SharedEventID:      str(top, "sharedEventID"),
		EventTime:          when(top, "eventTime"),
		EventName:          str(top, "eventName"),
		EventSource:        str(top, "eventSource"),
		EventType:          str(top, "eventType"),
		AWSRegion:          str(top, "awsRegion"),
		RecipientAccountID: str(top, "recipientAccountId"),
		ErrorCode:          str(top, "errorCode"),
		ErrorMessage:       str(top, "errorMessage"),
		UserAgent:          str(top, "userAgent"),
		SourceIP:           str(top, "sourceIPAddress"),
		RequestID:          str(top, "requestID"),
		HostHeader:         str(obj(top, "tlsDetails"), "clientProvidedHostHeader"),
		Identity:           identity(obj(top, "userIdentity")),
		Response:           response(obj(top, "responseElements")),
		Resources:          resources(list(top, "resources")),
	}
	r.ReadOnly, _ = boolean(top, "readOnly")
	if r.EventTime.IsZero() {
		r.EventTime = when(top, "@timestamp")
	}
	if r.EventName == "" && r.EventSource == "" {
		return Record{}, ErrNotRecord
	}
	params := obj(top, "requestParameters")
	if service := obj(top, "serviceEventDetails"); params == nil && service != nil {
		params = service // Identity Center puts the role that was asked for here
	}
	r.Request = request(params)

	extra := obj(top, "additionalEventData")
	details := obj(extra, "RequestDetails")
	r.Additional = Additional{
		EndpointType:       str(details, "endpointType"),
		ServingRegion:      str(details, "awsServingRegion"),
		VerificationMethod: str(extra, "identityProviderConnectionVerificationMethod"),
	}
	return r, nil
}

func identity(m map[string]any) Identity {
	session := obj(m, "sessionContext")
	issuer, attributes := obj(session, "sessionIssuer"), obj(session, "attributes")
	id := Identity{
		Type:             str(m, "type"),
		PrincipalID:      str(m, "principalId"),
		ARN:              str(m, "arn"),
		AccountID:        str(m, "accountId"),
		AccessKeyID:      str(m, "accessKeyId"),
		UserName:         str(m, "userName"),
		InvokedBy:        str(m, "invokedBy"),
		SessionCreated:   when(attributes, "creationDate"),
		IdentityProvider: str(m, "identityProvider"),
		OnBehalfOf:       str(obj(m, "onBehalfOf"), "userId"),
		SessionIssuer: SessionIssuer{
			Type:        str(issuer, "type"),
			ARN:         str(issuer, "arn"),
			PrincipalID: str(issuer, "principalId"),
			AccountID:   str(issuer, "accountId"),
			UserName:    str(issuer, "userName"),
		},
	}
	id.MFA, id.MFAKnown = boolean(attributes, "mfaAuthenticated")
	if id.IdentityProvider == "" {
		id.IdentityProvider = str(obj(session, "webIdFederationData"), "federatedProvider")
	}
	return id
}

func request(m map[string]any) Request {
	dropSecrets(m)
	r := Request{
		RoleARN:             str(m, "roleArn"),
		RoleName:            str(m, "roleName", "role_name"),
		RoleSessionName:     str(m, "roleSessionName"),
		DurationSeconds:     integer(m, "durationSeconds"),
		ExternalID:          str(m, "externalId"),
		SerialNumber:        str(m, "serialNumber"),
		SourceIdentity:      str(m, "sourceIdentity"),
		HasPolicy:           document(member(m, "policy")) != "",
		PrincipalARN:        str(m, "principalArn"),
		PolicyDocument:      document(first(m, "policyDocument", "assumeRolePolicyDocument")),
		PolicyName:          str(m, "policyName"),
		PolicyARN:           str(m, "policyArn"),
		PermissionsBoundary: str(m, "permissionsBoundary"),
		MaxSessionDuration:  integer(m, "maxSessionDuration"),
		UserName:            str(m, "userName"),
		OIDCProviderARN:     str(m, "openIDConnectProviderArn"),
		SAMLProviderARN:     str(m, "sAMLProviderArn"),
		AccessKeyID:         str(m, "accessKeyId"),
		Status:              str(m, "status"),
		AccountID:           str(m, "accountId", "account_id"),
		ClusterName:         str(m, "clusterName"),
		Tags:                tags(first(m, "tags", "principalTags")),
		TransitiveTagKeys:   texts(list(m, "transitiveTagKeys")),
		params:              m,
	}
	for _, v := range list(m, "policyArns") {
		if o, ok := v.(map[string]any); ok {
			v = member(o, "arn")
		}
		if s := asText(v); s != "" {
			r.PolicyARNs = append(r.PolicyARNs, s)
		}
	}
	return r
}

func response(m map[string]any) Response {
	credentials, user, role := obj(m, "credentials"), obj(m, "assumedRoleUser"), obj(m, "role")
	r := Response{
		AccessKeyID:      str(credentials, "accessKeyId"),
		Expiration:       when(credentials, "expiration"),
		AssumedRoleARN:   str(user, "arn"),
		AssumedRoleID:    str(user, "assumedRoleId", "assumeRoleId"),
		Provider:         str(m, "provider"),
		Subject:          str(m, "subjectFromWebIdentityToken", "subject"),
		Audience:         str(m, "audience"),
		Issuer:           str(m, "issuer"),
		SourceIdentity:   str(m, "sourceIdentity"),
		PackedPolicySize: integer(m, "packedPolicySize"),
		RoleARN:          str(role, "arn"),
		RoleID:           str(role, "roleId"),
	}
	if pod := obj(m, "subject"); pod != nil { // AssumeRoleForPodIdentity
		r.Subject = str(pod, "namespace") + "/" + str(pod, "serviceAccount")
	}
	return r
}

func resources(vs []any) []Resource {
	var out []Resource
	for _, v := range vs {
		if m, ok := v.(map[string]any); ok {
			out = append(out, Resource{ARN: str(m, "ARN"), AccountID: str(m, "accountId"), Type: str(m, "type")})
		}
	}
	return out
}

// dropSecrets removes parameters whose value may open something. CloudTrail blanks most of them itself.
func dropSecrets(m map[string]any) {
	for k := range m {
		switch l := strings.ToLower(k); {
		case strings.Contains(l, "secret") && l != "secretid", strings.Contains(l, "password"),
			l == "token", l == "tokencode", l == "sessiontoken", l == "webidentitytoken", l == "samlassertion",
			l == "refreshtoken", l == "accesstoken", l == "devicecode":
			delete(m, k)
		}
	}
}

// member finds a key as CloudTrail writes it, else in any case; of several such the first in order.
func member(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	found := ""
	for k := range m {
		if len(k) == len(name) && strings.EqualFold(k, name) && (found == "" || k < found) {
			found = k
		}
	}
	if found == "" {
		return nil
	}
	return m[found]
}

func first(m map[string]any, names ...string) any {
	for _, n := range names {
		if v := member(m, n); v != nil {
			return v
		}
	}
	return nil
}

func obj(m map[string]any, name string) map[string]any {
	o, _ := member(m, name).(map[string]any)
	return o
}
func list(m map[string]any, name string) []any { l, _ := member(m, name).([]any); return l }

// str is a member that is text or a number.
func str(m map[string]any, names ...string) string {
	switch v := first(m, names...).(type) {
	case string:
		if v == "null" {
			return ""
		}
		return v
	case float64:
		return asText(v) // an account id that somebody's YAML turned into a number
	}
	return ""
}

func boolean(m map[string]any, name string) (value, known bool) {
	switch v := member(m, name).(type) {
	case bool:
		return v, true
	case string:
		value = strings.EqualFold(v, "true")
		return value, value || strings.EqualFold(v, "false")
	}
	return false, false
}

func integer(m map[string]any, name string) *int {
	switch v := member(m, name).(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			n := int(v)
			return &n
		}
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return &n
		}
	}
	return nil
}

func when(m map[string]any, name string) time.Time {
	switch v := member(m, name).(type) {
	case string:
		t, _ := ParseTime(v)
		return t
	case float64: // seconds or milliseconds since the epoch, as SDKs and log agents write them
		if v >= 1e9 && v < 1e11 {
			return time.UnixMilli(int64(math.Round(v * 1000))).UTC()
		}
		if v >= 1e12 && v < 1e14 {
			return time.UnixMilli(int64(v)).UTC()
		}
	}
	return time.Time{}
}

// document is a policy as JSON text, whichever way it was put into the record.
func document(v any) string {
	s := asText(v)
	if s == "null" {
		return ""
	}
	if strings.HasPrefix(s, "%7B") || strings.HasPrefix(s, "%7b") {
		if plain, err := url.QueryUnescape(s); err == nil {
			return plain
		}
	}
	return s
}

// tags reads {"k":"v"} and [{"key":"k","value":"v"}].
func tags(v any) map[string]string {
	out := map[string]string{}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			out[k] = asText(x)
		}
	case []any:
		for _, x := range v {
			if m, ok := x.(map[string]any); ok {
				out[str(m, "key")] = str(m, "value")
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func texts(vs []any) []string {
	var out []string
	for _, v := range vs {
		out = append(out, asText(v))
	}
	return slices.Clip(out)
}

// asText is a JSON value as text; objects and lists as compact JSON with sorted keys.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(v, json.Deterministic(true), lenient)
	if err != nil {
		return ""
	}
	return string(b)
}

// syntaxOnly keeps an error's cause and place, and not the text around it: a broken record may break in a token.
func syntaxOnly(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return fmt.Errorf("broken JSON at byte %d", syntactic.ByteOffset)
	}
	return errors.New("broken JSON")
}
