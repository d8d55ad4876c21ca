package awsemu

import (
	"net/http"
	"regexp"
	"strings"
)

// scope is what a request's signature was made for. The emulator believes it and checks no signature.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
type scope struct {
	signed    bool
	accessKey string
	region    string
	service   string
}

var (
	credentialScope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request,`)
	regionalHost    = regexp.MustCompile(`^[a-z]+\.([a-z]{2,4}(?:-[a-z]+)+-\d)\.`)
)

// scopeOf reads the Authorization header. An unsigned request to a regional host name (in process, any name leads here)
// still says which region it meant.
func scopeOf(req *http.Request) scope {
	if m := credentialScope.FindStringSubmatch(req.Header.Get("Authorization")); m != nil {
		return scope{signed: true, accessKey: m[1], region: m[2], service: m[3]}
	}
	if m := regionalHost.FindStringSubmatch(req.Host); m != nil {
		return scope{region: m[1]}
	}
	return scope{}
}

func lastPart(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }
