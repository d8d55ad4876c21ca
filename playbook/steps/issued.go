package steps

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// IssuedActions are what Issued may call.
var IssuedActions = trailActions

// IssuedRecords are CloudTrail's records of how sessions came with policies.
type IssuedRecords struct {
	Issuing []cloudtrail.Record // issuing calls that carry a session policy or were refused for one, by time
	Denied  []cloudtrail.Record // calls that sessions of the role were denied, by time
	Partial string              // what of it could not be seen
	Problem *playbook.Problem   // nil when anything could be read
}

// deniedCodes are the codes of a call that was refused for want of a permission.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var deniedCodes = []string{"AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException"}

// Issued reads, over the stretch of step 5, the calls for sessions of the role
// that carry a session policy, and the calls that such sessions were denied.
func Issued(ctx context.Context, c Clients, p playbook.FollowPass, n *Notes) IssuedRecords {
	r := run{Clients: c}
	t, known := target(playbook.Pass{Request: p.Request, Done: p.Done})
	role, account := trailRole(t), cmp.Or(known.Account, t.Account)
	if role.Account == "" || account == "" {
		return IssuedRecords{Problem: &playbook.Problem{Status: playbook.Blind, Text: "the role's account is not known"}}
	}
	q := trailQuestion{Target: t, Account: account, At: p.Request.At, Regions: t.TrailRegions(), Needs: issuingNeeds,
		Window: playbook.Window{From: p.Request.Window.From.Add(-playbook.LongestSession), To: p.Request.Window.To},
		Filter: `((eventSource = "sts.amazonaws.com" and eventName in ["AssumeRole","AssumeRoleWithSAML","AssumeRoleWithWebIdentity"] and ` + mentions(role) +
			` and @message like /[pP]olicy/) or (userIdentity.sessionContext.sessionIssuer.userName = ` + quoted(role.Name) + ` and errorCode in ` + quotedList(deniedCodes) + `))`,
		Lookups: []lookup{
			{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.ARN()},
			{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.Name},
		},
		Keep: func(rec cloudtrail.Record, _ bool) bool {
			return withPolicy(rec) && matchedBy(rec, role) != "" || rec.UsedBy(role) && slices.Contains(deniedCodes, rec.ErrorCode)
		},
	}
	a := r.readTrail(ctx, q, n)
	out := IssuedRecords{Partial: strings.Join(a.Partial, " "), Problem: a.Problem}
	for _, rec := range a.Records {
		if rec.UsedBy(role) && slices.Contains(deniedCodes, rec.ErrorCode) {
			out.Denied = append(out.Denied, rec)
		} else {
			out.Issuing = append(out.Issuing, rec)
		}
	}
	if a.Problem == nil && slices.ContainsFunc(a.Trails, func(t facts.Trail) bool { return t.Source == fromEventHistory }) {
		out.Denied = append(out.Denied, r.lookupDenied(ctx, q, out.Issuing, n)...)
		slices.SortFunc(out.Denied, func(a, b cloudtrail.Record) int {
			return cmp.Or(a.EventTime.Compare(b.EventTime), cmp.Compare(a.EventID, b.EventID))
		})
		out.Denied = slices.CompactFunc(out.Denied, func(a, b cloudtrail.Record) bool { return a.EventID == b.EventID })
	}
	return out
}

// withPolicy says that a call for a session carries a session policy, or was
// refused for one.
func withPolicy(rec cloudtrail.Record) bool {
	if _, issuing := rec.Issuing(); !issuing {
		return false
	}
	return rec.Request.HasPolicy || len(rec.Request.PolicyARNs) > 0 || rec.ErrorCode == "PackedPolicyTooLarge" || rec.ErrorCode == "MalformedPolicyDocument" ||
		strings.Contains(rec.ErrorCode, "PackedPolicy")
}

// lookupDenied asks the event history for what the newest sessions with policies
// were denied: it takes one key a call.
func (r run) lookupDenied(ctx context.Context, q trailQuestion, issuing []cloudtrail.Record, n *notes) []cloudtrail.Record {
	var keys []string
	for _, rec := range slices.Backward(issuing) {
		if key := rec.Response.AccessKeyID; key != "" && len(keys) < keyLookups {
			keys = append(keys, key)
		}
	}
	found := make([][]cloudtrail.Record, len(keys)*len(q.Regions))
	answers := make([]answer[lookedUp], len(found))
	var all sync.WaitGroup
	for i, key := range keys {
		for j, region := range q.Regions {
			at := i*len(q.Regions) + j
			all.Go(func() {
				l := lookup{Key: trailtypes.LookupAttributeKeyAccessKeyId, Value: key, Pages: 2}
				answers[at] = r.history(ctx, region, l, q.Window.From, q.Window.To, func(raw string) bool {
					if rec, err := cloudtrail.Decode([]byte(raw)); err == nil && rec.Identity.AccessKeyID == key && slices.Contains(deniedCodes, rec.ErrorCode) {
						found[at] = append(found[at], rec)
					}
					return true
				})
			})
		}
	}
	all.Wait()
	for _, a := range answers {
		n.take(a.Proof, a.Problem, "What sessions with a session policy were denied")
	}
	return slices.Concat(found...)
}
