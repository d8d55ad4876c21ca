package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const sessionsDoc = `Which sessions of the role were issued, to whom, for how long, and which have ended?

It rebuilds the list from CloudTrail: every successful AssumeRole, AssumeRoleWithSAML and AssumeRoleWithWebIdentity for the role from
12 hours before the window on (the longest life of a session), EKS Pod Identity's AssumeRoleForPodIdentity and Identity Center's
GetRoleCredentials. The expiry is the record's own. Sessions that AWS services take for themselves are marked: they renew by
themselves and the role's maximum does not limit them. The last use is the newest record made with the session's key; from the event
history it is looked up for the ten newest sessions only.

What it cannot tell: AWS has no call that lists role sessions, so this is a lower bound: sessions issued on a path that is not logged
are missing. A session that was revoked still counts as unexpired. Credentials handed on inside a service (EC2, Lambda) show up as
the service's call. Data events are not read, so a last use may be earlier than the real one.`

var sessionsActions = trailActions

const correctionSessions = "AWS has no call that lists role sessions; these are rebuilt from the credentials that CloudTrail saw issued, and are a lower bound."

// keyLookups is for how many sessions, the newest, the event history is asked
// for the last use: one call each and region, at two calls a second.
const keyLookups = 10

func (r run) sessions(ctx context.Context, p playbook.Pass) (playbook.Evidence, error) {
	t, known := target(p)
	role := trailRole(t)
	account := cmp.Or(known.Account, t.Account)
	window := playbook.Window{From: p.Request.Window.From.Add(-playbook.LongestSession), To: p.Request.Window.To}
	if p.Read != (playbook.Window{}) {
		// The run before looked this long before its own window already.
		window.To = p.Read.To.Add(-playbook.LongestSession)
	}
	var n notes
	n.corrections = append(n.corrections, correctionSessions)
	f := facts.SessionLedger{Trails: []facts.Trail{}, Sessions: []facts.Session{}, From: window.From}
	if role.Account == "" || account == "" {
		return n.evidence(playbook.Blind, "The role's account is not known, so no session can be told to be the role's.", f), nil
	}

	uses := lastUses{}
	q := trailQuestion{Target: t, Account: account, Window: window, At: p.Request.At, Regions: t.TrailRegions(), Needs: issuingNeeds,
		Filter: `((eventSource = "sts.amazonaws.com" and eventName in ["AssumeRole","AssumeRoleWithSAML","AssumeRoleWithWebIdentity"])` +
			` or eventName in ["AssumeRoleForPodIdentity","GetRoleCredentials"]) and not ispresent(errorCode) and ` + mentions(role),
		// A session may be used in any region.
		Count: func([]string) string {
			return `filter userIdentity.type = "AssumedRole" and (userIdentity.sessionContext.sessionIssuer.arn = ` + quoted(role.ARN()) +
				` or (userIdentity.sessionContext.sessionIssuer.userName = ` + quoted(role.Name) +
				` and userIdentity.sessionContext.sessionIssuer.accountId = ` + quoted(role.Account) + `))` +
				` | stats sortsLast(eventTime) as last by userIdentity.accessKeyId as key, errorCode as code`
		},
		CountRow: func(row []logtypes.ResultField) {
			at, _ := cloudtrail.ParseTime(column(row, "last"))
			uses.add(column(row, "key"), at, column(row, "code"))
		},
		Lookups: []lookup{
			{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.ARN()},
			{Key: trailtypes.LookupAttributeKeyResourceName, Value: role.Name},
		},
		InRegion: []lookup{{Key: trailtypes.LookupAttributeKeyEventName, Value: "AssumeRoleForPodIdentity", Pages: firehosePages / 4, Side: true}},
		Keep: func(rec cloudtrail.Record, _ bool) bool {
			_, issuing := rec.Issuing()
			return issuing && !rec.Failed() && rec.Concerns(role)
		},
	}
	if strings.HasPrefix(role.Name, "AWSReservedSSO_") {
		q.Lookups = append(q.Lookups, lookup{Key: trailtypes.LookupAttributeKeyEventName, Value: "GetRoleCredentials", Pages: firehosePages / 4, Side: true})
	}
	a := r.readTrail(ctx, q, &n)
	f.Trails = a.Trails
	if a.Problem != nil {
		return n.stopped(a.Problem, "The role's sessions could not be rebuilt: "+a.Problem.Text+".", f), nil
	}

	ledger, records := cloudtrail.NewLedger(role), map[string]cloudtrail.Record{}
	for _, rec := range a.Records {
		ledger.Add(rec)
		records[rec.EventID] = rec
	}
	issued := ledger.Sessions()
	partial := a.Partial
	if !a.Counted {
		if asked := r.lookupUses(ctx, q, issued, uses, &n); asked < len(issued) {
			partial = append(partial, fmt.Sprintf("The last use was looked up for the newest %d of %s.", asked, wording.Count(len(issued), "session", "sessions")))
		}
	}
	odd := 0
	for _, s := range issued {
		x := sessionOf(s, records[s.EventID], uses)
		if !x.Expires.IsZero() {
			if x.Expires.After(p.Request.At) {
				f.ActiveNow++
			} else if p.Request.Window.Contains(x.Expires) {
				f.Ended++
			}
		}
		if x.RoleID != "" && known.RoleID != "" && x.RoleID != known.RoleID || x.Chained == playbook.Yes && cloudtrail.Near(s.Length, time.Hour) {
			odd++
		}
		f.Sessions = append(f.Sessions, x)
		delete(uses, s.AccessKeyID)
	}
	f.Unissued = uses.masked()
	f.Total = len(f.Sessions)
	if keepFairly(&f) {
		partial = append(partial, fmt.Sprintf("Of %d sessions %d are kept, the newest of each requester.", f.Total, facts.MaxSessions))
	}
	if role.Account != account {
		n.unseen = append(n.unseen, fmt.Sprintf("The role belongs to account %s; sessions that other accounts took are recorded there.", role.Account))
	}
	status := seen(f.Ended > 0 || odd > 0, a.Whole && role.Account == account)
	e := n.evidence(status, sessionsSummary(f, role.Name), f)
	e.Partial = strings.Join(partial, " ")
	return e, nil
}

// keepFairly drops sessions beyond the bound and keeps their names. Every
// requester (who asked, from where) keeps its newest: one that takes thousands
// must not push out those of a worker that takes a few.
func keepFairly(f *facts.SessionLedger) bool {
	if len(f.Sessions) <= facts.MaxSessions {
		return false
	}
	type requester struct{ caller, source string }
	places := map[requester][]int{}
	for i, s := range f.Sessions {
		k := requester{s.Caller.Name(), s.Source}
		places[k] = append(places[k], i)
	}
	var sets [][]int
	for _, set := range places {
		sets = append(sets, set)
	}
	keep := map[int]bool{}
	for i, n := range shares(sets, facts.MaxSessions) {
		for _, at := range sets[i][len(sets[i])-n:] {
			keep[at] = true
		}
	}
	var kept []facts.Session
	for i, s := range f.Sessions {
		if keep[i] {
			kept = append(kept, s)
		} else {
			f.Names = append(f.Names, s.Name)
		}
	}
	slices.Sort(f.Names)
	f.Names = slices.Compact(f.Names)
	f.Names = f.Names[:min(len(f.Names), 100)]
	f.Sessions = kept
	return true
}

// shares says how many of its elements each set may keep where `most` are kept in
// all, one at least while there is room. It sorts the sets: the smallest first, so
// that what they leave over is shared by the rest, and of equals the one with the
// newest element, which is its last.
func shares(sets [][]int, most int) []int {
	slices.SortFunc(sets, func(a, b []int) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), -cmp.Compare(a[len(a)-1], b[len(b)-1]))
	})
	out := make([]int, len(sets))
	for i, set := range sets {
		out[i] = min(len(set), max(most/(len(sets)-i), min(most, 1)))
		most -= out[i]
	}
	return out
}

func sessionsSummary(f facts.SessionLedger, name string) string {
	return fmt.Sprintf("%s of %s issued since %s: %d active now, %d ended inside the window.", wording.Count(f.Total, "session", "sessions"), name, clock(f.From), f.ActiveNow, f.Ended)
}

// mentions narrows a query to records that could be about the role. Identity
// Center's records name the permission set, which is a part of the role's name.
func mentions(role cloudtrail.Role) string {
	like := "@message like " + quoted(role.Name)
	if rest, ok := strings.CutPrefix(role.Name, "AWSReservedSSO_"); ok {
		if i := strings.LastIndexByte(rest, '_'); i > 0 {
			return "(" + like + " or @message like " + quoted(rest[:i]) + ")"
		}
	}
	return like
}

// lastUses is by access key id, not masked: it never leaves this step.
type lastUses map[string]lastUse

type lastUse struct {
	at   time.Time
	code string
}

func (u lastUses) add(key string, at time.Time, code string) {
	if old := u[key]; key != "" && (at.After(old.at) || at.Equal(old.at) && code < old.code) {
		u[key] = lastUse{at, code}
	}
}

// masked are the uses as they may be stored, the newest first.
func (u lastUses) masked() []facts.KeyUse {
	var out []facts.KeyUse
	for key, use := range u {
		out = append(out, facts.KeyUse{Key: redact.Key(key), At: use.at, Failure: said(use.code, 100)})
	}
	return newestUses(out)
}

func newestUses(uses []facts.KeyUse) []facts.KeyUse {
	slices.SortFunc(uses, func(a, b facts.KeyUse) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Failure, b.Failure))
	})
	return uses[:min(len(uses), facts.MaxUnissued)]
}

// lookupUses asks the event history for the last use of the newest sessions and
// says for how many.
func (r run) lookupUses(ctx context.Context, q trailQuestion, issued []cloudtrail.Session, uses lastUses, n *notes) int {
	var keys []string
	for _, s := range slices.Backward(issued) {
		if s.AccessKeyID != "" && len(keys) < keyLookups {
			keys = append(keys, s.AccessKeyID)
		}
	}
	type found struct {
		answer[lookedUp]
		rec cloudtrail.Record
	}
	results := make([]found, len(keys)*len(q.Regions))
	var all sync.WaitGroup
	for i, key := range keys {
		for j, region := range q.Regions {
			out := &results[i*len(q.Regions)+j]
			all.Go(func() {
				l := lookup{Key: trailtypes.LookupAttributeKeyAccessKeyId, Value: key, Pages: 1}
				out.answer = r.history(ctx, region, l, q.Window.From, q.Window.To, func(raw string) bool {
					rec, err := cloudtrail.Decode([]byte(raw))
					// The record that issued the key names it too.
					if err != nil || rec.Identity.AccessKeyID != key {
						return true
					}
					out.rec = rec
					return false
				})
			})
		}
	}
	all.Wait()
	for _, x := range results {
		n.take(x.Proof, x.Problem, "When sessions were last used")
		uses.add(x.rec.Identity.AccessKeyID, x.rec.EventTime, x.rec.ErrorCode)
	}
	return len(keys)
}

func sessionOf(s cloudtrail.Session, rec cloudtrail.Record, uses lastUses) facts.Session {
	id, _, _ := strings.Cut(s.AssumedRoleID, ":")
	x := facts.Session{Key: redact.Key(s.AccessKeyID), EventID: s.EventID, Event: rec.EventName, Issued: s.Issued, Expires: s.Expires,
		Seconds: int(s.Length / time.Second), Requested: seconds(s.Requested), Name: said(s.SessionName, 100), Caller: callerOf(rec),
		Chained: truthOf(s.Chained), Service: s.Kind == cloudtrail.KindService, Region: s.Region, Endpoint: endpointOf(rec),
		UserAgent: said(s.UserAgent, 200), Source: said(s.SourceIP, 100), RoleID: id,
		MFA: rec.Request.SerialNumber != "", Policies: rec.Request.HasPolicy || len(rec.Request.PolicyARNs) > 0}
	if use, ok := uses[s.AccessKeyID]; ok {
		x.LastUse, x.LastFailure = use.at, said(use.code, 100)
	}
	return x
}
