package awsemu

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Pages are small, so that every client's paginator is put to work by small captures.
var pageSizes = map[string]int{
	"iam:ListRoles":            2,
	"iam:*":                    3,
	"cloudtrail:LookupEvents":  25,
	"logs:DescribeLogGroups":   3,
	"logs:GetQueryResults":     200,
	"logs:FilterLogEvents":     100,
	"logs:*":                   5,
	"cloudwatch:GetMetricData": 500, // data points
	"health:*":                 10,
	"account:*":                10,
}

const defaultPage = 10

// pageSize is the number of items on a page of r: the client's limit, ours, or the most that AWS gives.
func (s *Server) pageSize(r *request, limit *int32, most int) int {
	n := defaultPage
	for _, key := range []string{r.svc.name + ":*", r.action()} {
		if v, ok := pageSizes[key]; ok {
			n = v
		}
	}
	if v, ok := s.options.PageSizes[r.action()]; ok {
		n = v
	}
	if limit != nil && *limit > 0 {
		n = min(n, int(*limit))
	}
	return min(n, most)
}

var errBadToken = errors.New("the token is not one of this operation's, or the parameters have changed")

// tokenNames are the parameters that may differ from one page to the next.
var tokenNames = []string{"NextToken", "nextToken", "Marker", "MaxItems", "MaxResults", "maxResults", "limit", "maxItems", "startFromHead"}

// token makes the token with which the same call goes on at offset. It holds only for the same call: AWS wants the same
// parameters with a token, and so does this.
func (r *request) token(offset int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(r.fingerprint() + ":" + strconv.Itoa(offset)))
}

// offset reads a token; none begins at the beginning.
func (r *request) offset(token *string) (int, error) {
	n, err := r.signedOffset(token)
	if n < 0 {
		return 0, errBadToken
	}
	return n, err
}

// signedOffset is for FilterLogEvents, whose tokens tell the direction by their sign.
func (r *request) signedOffset(token *string) (int, error) {
	if token == nil {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return 0, errBadToken
	}
	print, n, ok := strings.Cut(string(b), ":")
	offset, err := strconv.Atoi(n)
	if !ok || err != nil || print != r.fingerprint() {
		return 0, errBadToken
	}
	return offset, nil
}

func (r *request) fingerprint() string {
	params := maps.Clone(r.params)
	for _, n := range tokenNames {
		delete(params, n)
	}
	b, _ := json.Marshal(params) // map keys come out sorted
	return fmt.Sprintf("%x", sha256.Sum256([]byte(r.action()+"|"+r.region()+"|"+r.account()+"|"+string(b))))[:16]
}

// page cuts one page out of all, and gives the token of the next, nil at the end.
func page[T any](r *request, all []T, token *string, size int) ([]T, *string, error) {
	from, err := r.offset(token)
	if err != nil {
		return nil, nil, err
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	if to == len(all) {
		return all[from:to:to], nil, nil
	}
	next := r.token(to)
	return all[from:to:to], &next, nil
}
