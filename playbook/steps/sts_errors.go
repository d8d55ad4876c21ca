package steps

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const stsErrorsDoc = `Which calls for sessions of the role failed, when and for whom?

It reads CloudTrail's AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetSessionToken and GetFederationToken records of
the region and of the region that records calls to the global STS endpoint (those served for the region that is asked about, and those
that us-east-1 serves, as it does for clients outside of AWS): from the log group of a trail with Logs Insights, and
from the event history (LookupEvents) for whatever no group covers. An organization's trail may keep its group in another account:
it is read with that account's own role where stsleuth has one, else through CloudWatch cross-account observability, and other
accounts' records in it are left out unless they are about this role; where there is no way to it, that is said with what would make
one. A record is this role's when its parameters, its resources or its message name the role's whole ARN. All other roles' calls are
counted in slices of five minutes, so that one role's trouble can be told from the account's.

What it cannot tell: calls made with expired credentials fail before anything is logged, so no records do not mean that nothing
expired. A denied call from another account is recorded in that account only: an organization's trail shows those of its accounts.
Tokens of identity providers that are far from valid may be refused without a record. The newest 15 minutes may not have arrived.`

var stsErrorsActions = trailActions

// issuingEvents are the STS calls that hand out credentials for a role or user.
var issuingEvents = []string{"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken"}

// issuingNeeds are the events without which a trail cannot show who got or was
// refused a session: read events, although they issue credentials.
var issuingNeeds = []eventKind{
	{Source: "sts.amazonaws.com", Name: "AssumeRole", ReadOnly: true, Global: true},
	{Source: "sts.amazonaws.com", Name: "AssumeRoleWithSAML", ReadOnly: true, Global: true},
	{Source: "sts.amazonaws.com", Name: "AssumeRoleWithWebIdentity", ReadOnly: true, Global: true},
}

// firehosePages bounds a lookup by event name, which hits every role's records:
// 5,000 of them.
const firehosePages = 100

// maxRates bounds the roles that are kept for the comparison; those with
// failures stay.
const maxRates = 500

const correctionExpired = "CloudTrail does not normally record calls made with expired credentials: they fail before they are authenticated. " +
	"No records of expiry prove nothing; application logs and the times of issued sessions show it."

func (r run) stsErrors(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	t, known := target(p)
	role, w := trailRole(t), p.Reading()
	account := cmp.Or(known.Account, t.Account)
	var n notes
	n.corrections = append(n.corrections, correctionExpired)
	f := facts.STSErrors{Trails: []facts.Trail{}, Failures: []facts.Failure{}, Roles: []facts.RoleRate{}}
	if role.Account == "" || account == "" {
		return n.evidence(playbook.Blind, "The role's account is not known, so no record can be told to be the role's.", f), nil
	}

	tally := tally{role: role, roles: map[string]*facts.RoleRate{}, buckets: map[string]map[time.Time]*facts.Bucket{}, agents: map[string]map[string]bool{}, names: map[string]map[string]bool{}}
	var counted []countedCalls
	names := quotedList(issuingEvents)
	q := trailQuestion{Target: t, Account: account, Window: w, At: p.Request.At, Regions: t.TrailRegions(), Needs: issuingNeeds,
		Filter: `eventSource = "sts.amazonaws.com" and eventName in ` + names +
			` and (ispresent(errorCode) or ispresent(errorMessage) or @message like ` + quoted(role.Name) + `)`,
		Count: func(regions []string) string {
			return `filter eventSource = "sts.amazonaws.com" and eventName in ` + names +
				` and not ispresent(errorCode) and recipientAccountId = ` + quoted(account) + ` and awsRegion in ` + quotedList(regions) +
				` | stats count(*) as calls, ` + someNames + ` by bin(5m) as start, requestParameters.roleArn as role, awsRegion as region,` +
				` additionalEventData.RequestDetails.endpointType as endpoint, additionalEventData.RequestDetails.awsServingRegion as serving,` +
				` tlsDetails.clientProvidedHostHeader as host`
		},
		CountRow: func(row []logtypes.ResultField) {
			if c := countedOf(row); ofRegion(c.as, t) {
				counted = append(counted, c)
			}
		},
		Lookups: issuingLookups(role),
		Keep: func(rec cloudtrail.Record, isCounted bool) bool {
			if _, issuing := rec.Issuing(); !issuing || rec.EventSource != "sts.amazonaws.com" {
				return false
			}
			if matchedBy(rec, role) != "" {
				return true
			}
			ours := rec.RecipientAccountID == account || rec.RecipientAccountID == ""
			if asked, ok := cloudtrail.ParseRole(roleOf(rec)); ok && asked.Account == account {
				ours = true
			}
			return ours && (rec.Failed() || !isCounted)
		},
	}
	a := r.readTrail(ctx, q, &n)
	f.Trails = a.Trails
	if a.Problem != nil {
		return n.stopped(a.Problem, strings.Join(a.Partial, " "), f), nil
	}
	for _, rec := range a.Records {
		tally.record(rec)
		if matchedBy(rec, role) == "" {
			continue
		}
		f.Calls++
		if rec.Failed() {
			f.Failures = append(f.Failures, failureOf(rec, role))
		}
	}
	for _, c := range counted {
		if !role.Is(c.role) {
			tally.add(c.role, c.start, c.calls, 0)
			tally.name(c.role, c.names...)
		}
	}
	f.Total = len(f.Failures)
	f.Failures = thin(f.Failures, facts.MaxFailures)
	f.Roles = tally.rates()

	partial := union(a.Partial, a.Unreached)
	if a.SideCut {
		partial = append(partial, "Calls of other users (GetSessionToken, GetFederationToken) could not be counted to the end.")
	}
	if !a.Counted && slices.ContainsFunc(a.Trails, func(t facts.Trail) bool { return t.Source == fromTrailLogs }) && len(counted) == 0 {
		partial = append(partial, "The successful calls of other roles could not be counted everywhere.")
	}
	if role.Account != account {
		n.unseen = append(n.unseen, fmt.Sprintf("The role belongs to account %s; only this account's copies of calls for it are seen.", role.Account))
	} else if facts.OfOrganization(f.Trails) {
		n.unseen = append(n.unseen, deniedOutside)
	} else {
		n.unseen = append(n.unseen, deniedElsewhere)
	}
	status := seen(f.Total > 0, a.Whole && role.Account == account)
	e := n.evidence(status, stsErrorsSummary(f, role.Name, status), f)
	e.Partial = strings.Join(partial, " ")
	return e, nil
}

// Whose refused calls trails cannot show: an organization's have those of its
// other accounts.
const (
	deniedElsewhere = "Denied calls from other accounts: CloudTrail records them in the caller's account only."
	deniedOutside   = "Denied calls from accounts outside of the organization: CloudTrail records them in the caller's account only."
)

// seen is the status of a step that looked: silence is only clear where nothing
// of the window was hidden.
func seen(found, whole bool) playbook.Status {
	switch {
	case found:
		return playbook.Found
	case whole:
		return playbook.Clear
	}
	return playbook.Blind
}

// issuingLookups ask the event history for the role's calls: by the role itself,
// and by name for refused calls that name no resource and for the comparison.
func issuingLookups(role cloudtrail.Role) []lookup {
	l := []lookup{
		{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.ARN()},
		{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.Name},
	}
	for _, name := range issuingEvents {
		l = append(l, lookup{Key: trailtypes.LookupAttributeKeyEventName, Value: name, Pages: firehosePages, Side: !strings.HasPrefix(name, "AssumeRole")})
	}
	return l
}

// matchedBy says how a record is tied to the role, "" when it is not: by
// equality of ARNs, never by a beginning that another role's name shares.
func matchedBy(rec cloudtrail.Record, role cloudtrail.Role) string {
	if rec.Request.RoleARN != "" {
		if role.Is(rec.Request.RoleARN) {
			return "parameters"
		}
		return ""
	}
	for _, res := range rec.Resources {
		if role.Is(res.ARN) {
			return "resources"
		}
	}
	if role.In(rec.ErrorMessage) {
		return "message"
	}
	return ""
}

func failureOf(rec cloudtrail.Record, role cloudtrail.Role) facts.Failure {
	return facts.Failure{Time: rec.EventTime, EventID: rec.EventID, Event: rec.EventName, Region: rec.AWSRegion, Kind: recordKind(rec),
		Code: said(rec.ErrorCode, 100), Message: said(rec.ErrorMessage, 1000), Caller: callerOf(rec), SessionName: said(rec.Request.RoleSessionName, 100),
		Requested: seconds(rec.Request.DurationSeconds), ExternalID: rec.Request.ExternalID != "", Serial: rec.Request.SerialNumber != "",
		Endpoint: endpointOf(rec), UserAgent: said(rec.UserAgent, 200), Source: said(rec.SourceIP, 100), Matched: matchedBy(rec, role)}
}

// thin keeps the oldest half and the newest half of what is allowed: the onset
// is at one end, what goes on now at the other.
func thin[T any](all []T, most int) []T {
	if len(all) <= most {
		return all
	}
	return slices.Concat(all[:most/2], all[len(all)-(most-most/2):])
}

// someNames are up to four session names of a slice: those that the same clients
// take again and again are all met in time, without a row for each.
const someNames = `earliest(requestParameters.roleSessionName) as n1, latest(requestParameters.roleSessionName) as n2, ` +
	`sortsFirst(requestParameters.roleSessionName) as n3, sortsLast(requestParameters.roleSessionName) as n4`

// countedCalls is a row of the counting query: successful calls of one slice.
type countedCalls struct {
	role  string
	start time.Time
	calls int
	names []string          // some of the sessions' names
	as    cloudtrail.Record // where it was called, for ofRegion
}

func countedOf(row []logtypes.ResultField) countedCalls {
	c := countedCalls{role: column(row, "role"), start: insightsTime(column(row, "start"))}
	calls, _ := strconv.ParseFloat(column(row, "calls"), 64)
	c.calls = int(calls)
	c.names = []string{column(row, "n1"), column(row, "n2"), column(row, "n3"), column(row, "n4")}
	c.as.EventSource, c.as.AWSRegion, c.as.HostHeader = "sts.amazonaws.com", column(row, "region"), column(row, "host")
	c.as.Additional.EndpointType, c.as.Additional.ServingRegion = column(row, "endpoint"), column(row, "serving")
	return c
}

// tally counts issuing calls by role and slice of time.
type tally struct {
	role    cloudtrail.Role
	roles   map[string]*facts.RoleRate
	buckets map[string]map[time.Time]*facts.Bucket
	agents  map[string]map[string]bool
	names   map[string]map[string]bool
}

// mostNames bounds the session names that are kept of a role.
const mostNames = 50

func (t *tally) name(arn string, names ...string) {
	for _, n := range names {
		if t.names[arn] == nil {
			t.names[arn] = map[string]bool{}
		}
		if n = said(n, 100); n != "" {
			t.names[arn][n] = true
		}
	}
}

func (t *tally) record(rec cloudtrail.Record) {
	arn := roleOf(rec)
	t.name(arn, rec.Request.RoleSessionName)
	if !rec.Failed() {
		t.add(arn, rec.EventTime, 1, 0)
		return
	}
	rate := t.add(arn, rec.EventTime, 1, 1)
	if rate.ByKind == nil {
		rate.ByKind = map[facts.Kind]int{}
	}
	rate.ByKind[recordKind(rec)]++
	if agent := said(rec.UserAgent, 200); agent != "" {
		if t.agents[arn] == nil {
			t.agents[arn] = map[string]bool{}
		}
		t.agents[arn][agent] = true
	}
}

func (t *tally) add(arn string, at time.Time, calls, errors int) *facts.RoleRate {
	rate := t.roles[arn]
	if rate == nil {
		rate = &facts.RoleRate{RoleARN: arn}
		t.roles[arn], t.buckets[arn] = rate, map[time.Time]*facts.Bucket{}
	}
	rate.Calls += calls
	rate.Errors += errors
	start := at.UTC().Truncate(facts.BucketLength)
	b := t.buckets[arn][start]
	if b == nil {
		b = &facts.Bucket{Start: start}
		t.buckets[arn][start] = b
	}
	b.Calls += calls
	b.Errors += errors
	return rate
}

func (t *tally) rates() []facts.RoleRate {
	out := make([]facts.RoleRate, 0, len(t.roles))
	for arn, rate := range t.roles {
		for _, b := range t.buckets[arn] {
			rate.Buckets = append(rate.Buckets, *b)
		}
		slices.SortFunc(rate.Buckets, func(a, b facts.Bucket) int { return a.Start.Compare(b.Start) })
		rate.UserAgents = slices.Sorted(maps.Keys(t.agents[arn]))
		rate.UserAgents = rate.UserAgents[:min(5, len(rate.UserAgents))]
		rate.SessionNames = slices.Sorted(maps.Keys(t.names[arn]))
		rate.SessionNames = rate.SessionNames[:min(mostNames, len(rate.SessionNames))]
		out = append(out, *rate)
	}
	return sortRates(out, t.role)
}

// sortRates keeps at most maxRates, the role in question and those with failures first.
func sortRates(out []facts.RoleRate, role cloudtrail.Role) []facts.RoleRate {
	if len(out) > maxRates {
		slices.SortFunc(out, func(a, b facts.RoleRate) int {
			return cmp.Or(-cmp.Compare(boolInt(role.Is(a.RoleARN)), boolInt(role.Is(b.RoleARN))), -cmp.Compare(a.Errors, b.Errors), -cmp.Compare(a.Calls, b.Calls), cmp.Compare(a.RoleARN, b.RoleARN))
		})
		out = out[:maxRates]
	}
	slices.SortFunc(out, func(a, b facts.RoleRate) int { return cmp.Compare(a.RoleARN, b.RoleARN) })
	return out
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func stsErrorsSummary(f facts.STSErrors, name string, status playbook.Status) string {
	if f.Total == 0 {
		if status == playbook.Blind {
			return fmt.Sprintf("No failed call for %s was seen, but part of the window could not be looked at.", name)
		}
		return fmt.Sprintf("No failed call among %s for sessions of %s.", wording.Count(f.Calls, "call", "calls"), name)
	}
	kinds := map[facts.Kind]int{}
	for _, x := range f.Failures {
		kinds[x.Kind]++
	}
	first, last := f.Failures[0].Time, f.Failures[len(f.Failures)-1].Time
	return fmt.Sprintf("%d of %s for sessions of %s failed between %s and %s: %s.", f.Total, wording.Count(f.Calls, "call", "calls"), name, clock(first), clock(last), kindWords(kinds))
}

// kindWords lists kinds with their counts, the most frequent first.
func kindWords(kinds map[facts.Kind]int) string {
	keys := slices.Collect(maps.Keys(kinds))
	slices.SortFunc(keys, func(a, b facts.Kind) int { return cmp.Or(-cmp.Compare(kinds[a], kinds[b]), cmp.Compare(a, b)) })
	var words []string
	for _, k := range keys {
		words = append(words, fmt.Sprintf("%s (%d)", strings.ReplaceAll(string(k), "-", " "), kinds[k]))
	}
	return strings.Join(words, ", ")
}
