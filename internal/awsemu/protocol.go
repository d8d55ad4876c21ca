package awsemu

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/uuid"
)

// One port answers every service. Which protocol a request speaks shows in its form:
//
//	POST /service/<Service>/operation/<Op>   Smithy RPC v2 CBOR
//	X-Amz-Target: <Prefix>.<Op>              awsJson 1.0 or 1.1
//	POST /getRegionOptStatus, /listRegions   REST with JSON (Account Management)
//	a form, or a GET with a query            AWS query: parameters in, XML out
//
// Region and service are the ones that the request was signed for.
type protocol int

const (
	query protocol = iota
	awsJSON
	rpcCBOR
	restJSON
)

// maxBody is far above what any read-only call sends.
const maxBody = 1 << 20

// route finds the service and operation that a request names and decodes its parameters. The request it returns is
// never nil: an error is answered in the protocol that was recognised.
func route(req *http.Request) (*request, error) {
	r := &request{ctx: req.Context(), scope: scopeOf(req), queryMode: req.Header.Get("X-Amzn-Query-Mode") == "true"}
	target := req.Header.Get("X-Amz-Target")
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		return r, fmt.Errorf("read request: %w", err)
	}
	// The same request gets the same id, so that an error's text, which quotes it, is the same on every run.
	r.id = uuid.NewSHA1(uuid.NameSpaceURL, slices.Concat([]byte(req.URL.RequestURI()+" "+target+" "+r.scope.region+" "), body)).String()
	switch {
	case strings.HasPrefix(req.URL.Path, "/service/"):
		return r, r.decodeCBOR(req.URL.Path, body)
	case target != "":
		return r, r.decodeJSON(target, body)
	case req.Method == http.MethodPost && req.URL.Path != "/":
		return r, r.decodeREST(req.URL.Path, body)
	}
	return r, r.decodeQuery(req.URL.RawQuery, body)
}

func (r *request) decodeCBOR(path string, body []byte) error {
	r.protocol = rpcCBOR
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) != 4 || parts[2] != "operation" {
		return errUnknownOperation(path)
	}
	r.svc = serviceBy(func(s *service) bool { return s.target == parts[1] })
	r.op = parts[3]
	if r.svc == nil {
		return errUnknownOperation(path)
	}
	if len(body) == 0 {
		return nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return &Error{Code: "SerializationException", Message: err.Error()}
	}
	m, ok := cborTree(v).(map[string]any)
	if !ok {
		return &Error{Code: "SerializationException", Message: "want a map"}
	}
	r.params = m
	return nil
}

func (r *request) decodeJSON(target string, body []byte) error {
	r.protocol = awsJSON
	i := max(strings.LastIndexByte(target, '.'), 0)
	prefix := lastPart(target[:i], ".") // botocore puts com.amazonaws.cloudtrail.v20131101. before CloudTrail's
	r.op = strings.TrimPrefix(target[i:], ".")
	r.svc = serviceBy(func(s *service) bool { return s.target != "" && s.target == prefix })
	if r.svc == nil {
		return errUnknownOperation(target)
	}
	return r.decodeJSONBody(body)
}

func (r *request) decodeREST(path string, body []byte) error {
	r.protocol, r.svc = restJSON, accountService
	r.op = strings.TrimPrefix(path, "/")
	if r.op != "" {
		r.op = strings.ToUpper(r.op[:1]) + r.op[1:]
	}
	return r.decodeJSONBody(body)
}

func (r *request) decodeJSONBody(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&r.params); err != nil {
		return &Error{Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

func (r *request) decodeQuery(rawQuery string, body []byte) error {
	r.protocol = query
	form, err := url.ParseQuery(strings.Trim(rawQuery+"&"+string(body), "&"))
	if err != nil {
		return &Error{Code: "MalformedQueryString", Message: err.Error()}
	}
	version := form.Get("Version")
	r.op = form.Get("Action")
	r.svc = serviceBy(func(s *service) bool {
		return s.version != "" && (s.version == version || version == "" && s.signing == r.scope.service)
	})
	if r.op == "" {
		return &Error{Code: "MissingAction", Message: "No action was supplied with this request"}
	}
	if r.svc == nil {
		return errUnknownOperation(r.op + " for version " + version)
	}
	form.Del("Action")
	form.Del("Version")
	r.params, err = formTree(form)
	if err != nil {
		return &Error{Code: "MalformedQueryString", Message: err.Error()}
	}
	return nil
}

// writeOutput answers with an operation's output.
func (r *request) writeOutput(w http.ResponseWriter, tree any) {
	var b bytes.Buffer
	w.Header().Set("X-Amzn-Requestid", r.id)
	switch r.protocol {
	case query:
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(&b, `<%sResponse xmlns="%s"><%sResult>`, r.op, r.svc.namespace, r.op)
		writeXML(&b, tree)
		fmt.Fprintf(&b, `</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, r.op, r.id, r.op)
	case rpcCBOR:
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		b.Write(cbor.Encode(cborValue(tree)))
	case awsJSON:
		w.Header().Set("Content-Type", "application/x-amz-json-"+r.svc.json)
		writeJSON(&b, tree)
	case restJSON:
		w.Header().Set("Content-Type", "application/json")
		writeJSON(&b, tree)
	}
	w.Write(b.Bytes())
}

// queryCode gives the codes that CloudWatch's modelled errors had in the query protocol. AWS still sends them, in a
// header, to clients that say X-Amzn-Query-Mode.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
var queryCode = map[string]string{
	"InvalidParameterValueException":       "InvalidParameterValue",
	"InvalidParameterCombinationException": "InvalidParameterCombination",
	"MissingRequiredParameterException":    "MissingParameter",
	"InternalServiceFault":                 "InternalServiceError",
}

var statusCode = regexp.MustCompile(`^[45]\d\d$`)

// writeError answers with an error in the protocol's own form. A code that is a bare HTTP status has no body that a
// client could read, as when a load balancer answers in the service's place.
func (r *request) writeError(w http.ResponseWriter, e *Error) {
	w.Header().Set("X-Amzn-Requestid", r.id)
	status := e.status()
	if statusCode.MatchString(e.Code) {
		http.Error(w, http.StatusText(status), status)
		return
	}
	code, compatible := queryCode[e.Code]
	if !compatible {
		code = e.Code
	}
	if r.queryMode && r.protocol != query {
		w.Header().Set("X-Amzn-Query-Error", code+";"+faultOf(status))
	}
	var b bytes.Buffer
	switch r.protocol {
	case query:
		w.Header().Set("Content-Type", "text/xml")
		namespace := ""
		if r.svc != nil {
			namespace = fmt.Sprintf(` xmlns="%s"`, r.svc.namespace)
		}
		fmt.Fprintf(&b, "<ErrorResponse%s><Error><Type>%s</Type><Code>%s</Code><Message>", namespace, faultOf(status), code)
		xml.EscapeText(&b, []byte(e.Message))
		fmt.Fprintf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", r.id)
	case rpcCBOR:
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		b.Write(cbor.Encode(cborValue(object{members: append([]member{
			{"__type", "com.amazonaws.cloudwatch#" + e.Code}, {"message", e.Message}}, e.more...)})))
	case awsJSON:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		writeJSON(&b, object{members: append([]member{{"__type", e.Code}, {"message", e.Message}}, e.more...)})
	case restJSON:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", e.Code)
		writeJSON(&b, object{members: []member{{"message", e.Message}}})
	}
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func faultOf(status int) string {
	if status >= 500 {
		return "Receiver"
	}
	return "Sender"
}
