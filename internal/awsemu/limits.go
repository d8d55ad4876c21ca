package awsemu

import "golang.org/x/time/rate"

// AWSRates are how many requests of an action AWS takes in a second, for one account in one region.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html and
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
var AWSRates = map[string]int{"cloudtrail:LookupEvents": 2, "logs:StartQuery": 10, "logs:GetQueryResults": 10}

// tooOften says that the account has used up this second's requests of the action in the region.
func (s *Server) tooOften(r *request) bool {
	n := s.options.Rates[r.action()]
	if n == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.account() + " " + r.region() + " " + r.action()
	if s.rates[key] == nil {
		s.rates[key] = rate.NewLimiter(rate.Limit(n), n)
	}
	return !s.rates[key].Allow()
}
