package awsemu

import (
	"strings"
)

// A service is what tells one AWS service's requests and replies from another's.
type service struct {
	name      string // as IAM actions begin: cloudwatch, not monitoring
	signing   string // in the credential scope
	version   string // of the query protocol; empty where the service does not speak it
	namespace string // of the query protocol's replies
	target    string // before the dot in X-Amz-Target
	json      string // awsJson version of its replies, "1.1" or "1.0"
	camel     bool   // members begin with a small letter
	wireNames map[string]string
}

// memberName is the name on the wire of a Go field of the SDK's structs.
func (s *service) memberName(field string) string {
	if n, ok := s.wireNames[field]; ok {
		return n
	}
	if s.camel {
		return strings.ToLower(field[:1]) + field[1:]
	}
	return field
}

var (
	iamService = &service{name: "iam", signing: "iam", version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/"}
	stsService = &service{name: "sts", signing: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}

	cloudtrailService = &service{name: "cloudtrail", signing: "cloudtrail", target: "CloudTrail_20131101", json: "1.1",
		wireNames: map[string]string{"TrailList": "trailList", "TrailNameList": "trailNameList", "IncludeShadowTrails": "includeShadowTrails"}}
	logsService   = &service{name: "logs", signing: "logs", target: "Logs_20140328", json: "1.1", camel: true}
	healthService = &service{name: "health", signing: "health", target: "AWSHealth_20160804", json: "1.1", camel: true}

	// CloudWatch is asked in CBOR by today's SDK for Go, in awsJson 1.0 by botocore, in the query protocol by older clients.
	cloudwatchService = &service{name: "cloudwatch", signing: "monitoring", version: "2010-08-01",
		namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", target: "GraniteServiceVersion20100801", json: "1.0"}

	// Account Management is REST with JSON: the path is the operation.
	accountService = &service{name: "account", signing: "account"}

	services = []*service{iamService, stsService, cloudtrailService, logsService, cloudwatchService, healthService, accountService}
)

func serviceBy(match func(*service) bool) *service {
	for _, s := range services {
		if match(s) {
			return s
		}
	}
	return nil
}
