package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/trust"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// documentLength bounds a policy document in the facts; IAM's largest is 10,240
// characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const documentLength = 12_000

// defaultMaxSession is a new role's maximum where its maker asked for none.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
const defaultMaxSession = 3600

// earlierValues finds, in the event history, the changes that set the values
// which the window's first changes replaced: CloudTrail shows only new values.
func (r run) earlierValues(ctx context.Context, q trailQuestion, role cloudtrail.Role, changed []cloudtrail.Record, n *notes) ([]cloudtrail.Record, *playbook.Problem) {
	wants := map[string]bool{}
	made := false // the role was made in the window: what was before is another role's
	for _, rec := range changed {
		switch {
		case rec.EventName == "CreateRole":
			made = true
		case made:
		case rec.EventName == "UpdateAssumeRolePolicy", rec.EventName == "UpdateRole" && rec.Request.MaxSessionDuration != nil:
			wants[rec.EventName], wants["CreateRole"] = true, true
		}
	}
	var names []string
	for _, name := range []string{"CreateRole", "UpdateAssumeRolePolicy", "UpdateRole"} {
		if wants[name] {
			names = append(names, name)
		}
	}
	type found struct {
		answer[lookedUp]
		rec *cloudtrail.Record
	}
	results := make([]found, len(names))
	before := playbook.Window{From: q.At.Add(-eventHistory), To: q.Window.From.Add(-time.Second)}
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			l := lookup{Key: trailtypes.LookupAttributeKeyEventName, Value: name, Pages: beforePages}
			results[i].answer = r.history(ctx, q.Regions[0], l, before.From, before.To, func(raw string) bool {
				rec, err := cloudtrail.Decode([]byte(raw))
				if err != nil || rec.Failed() || rec.Request.RoleName != role.Name || !before.Contains(rec.EventTime) ||
					name == "UpdateRole" && rec.Request.MaxSessionDuration == nil {
					return true
				}
				results[i].rec = &rec
				return false
			})
		})
	}
	all.Wait()
	var out []cloudtrail.Record
	var problem *playbook.Problem
	for _, x := range results {
		n.take(x.Proof, x.Problem, "")
		problem = cmp.Or(problem, x.Problem)
		if x.rec != nil {
			out = append(out, *x.rec)
		}
	}
	slices.SortFunc(out, func(a, b cloudtrail.Record) int {
		return cmp.Or(a.EventTime.Compare(b.EventTime), cmp.Compare(a.EventID, b.EventID))
	})
	return out, problem
}

// describeChanges puts records, in order of time, into words, each with the
// value that the one before had set. policy and maxSession are what the last of
// them left, "" and 0 where that is not known.
func describeChanges(records []cloudtrail.Record, req playbook.Request, role cloudtrail.Role) (out []facts.Change, policy string, maxSession int) {
	out = []facts.Change{}
	for _, rec := range records {
		c := facts.Change{Time: rec.EventTime, EventID: rec.EventID, Event: rec.EventName, Kind: changeKinds[rec.EventName], Actor: said(rec.Identity.Requester(), 300),
			UserAgent: said(rec.UserAgent, 200), Source: said(rec.SourceIP, 100), InWindow: req.Window.Contains(rec.EventTime), Subject: role.Name}
		switch {
		case rec.EventName == "CreateRole":
			policy, maxSession = rec.Request.PolicyDocument, cmp.Or(seconds(rec.Request.MaxSessionDuration), defaultMaxSession)
			c.After, c.NowMax = document(policy), maxSession
			c.Text = "the role was created"
		case rec.EventName == "DeleteRole":
			policy, maxSession = "", 0
			c.Text = "the role was deleted"
		case c.Kind == facts.TrustEdited:
			editTrust(&c, policy, rec.Request.PolicyDocument)
			policy = rec.Request.PolicyDocument
		case rec.EventName == "UpdateRole":
			editMax(&c, maxSession, rec)
			maxSession = cmp.Or(seconds(rec.Request.MaxSessionDuration), maxSession)
		default:
			editOther(&c, rec)
		}
		out = append(out, c)
	}
	return out, policy, maxSession
}

// notYetRecorded says that the role is not as the last recorded change left it:
// a newer one has not arrived.
func notYetRecorded(live *iamtypes.Role, policy string, maxSession int) string {
	if live == nil {
		return ""
	}
	if now := aws.ToInt32(live.MaxSessionDuration); maxSession != 0 && now != 0 && int(now) != maxSession {
		return fmt.Sprintf("The maximum session length is %s now, which no record explains: a newer change may not have arrived yet.", lengthInWords(int(now)))
	}
	if policy == "" {
		return ""
	}
	recorded, err := trust.Decode(policy)
	if err != nil {
		return ""
	}
	current, err := trust.Decode(aws.ToString(live.AssumeRolePolicyDocument))
	// A principal that was deleted since shows as its id in the policy of today.
	if err != nil || slices.ContainsFunc(current.Statements, func(s trust.Statement) bool {
		return slices.ContainsFunc(s.Principals, func(p trust.Principal) bool { return p.Kind == trust.KindDeleted })
	}) || trust.Diff(recorded, current).Empty() {
		return ""
	}
	return "The trust policy is not what the last recorded change made it: a newer change may not have arrived yet."
}

func document(s string) string { return said(s, documentLength) }

func editTrust(c *facts.Change, before, after string) {
	c.After, c.Text = document(after), "the trust policy was replaced; what it was before is not known"
	if after == "" {
		c.Text = "the trust policy was replaced; CloudTrail does not show the new one"
	}
	if before == "" {
		return
	}
	c.Before, c.BeforeIs = document(before), playbook.Yes
	if after == "" {
		return
	}
	old, oldErr := trust.Decode(before)
	new, newErr := trust.Decode(after)
	if oldErr != nil || newErr != nil {
		// Not comparable is not the same.
		c.BeforeIs, c.Text = playbook.Unknown, "the trust policy was replaced; the two versions could not be compared"
		return
	}
	for _, item := range trust.Diff(old, new).Items {
		c.Diff = append(c.Diff, said(item.Text, 600))
	}
	if len(c.Diff) == 0 {
		c.Text = "the trust policy was written again with the same meaning"
		return
	}
	c.Text = "the trust policy was changed: " + clip(strings.Join(c.Diff, "; "), 600)
}

func editMax(c *facts.Change, was int, rec cloudtrail.Record) {
	now := seconds(rec.Request.MaxSessionDuration)
	if now == 0 {
		c.Kind, c.Text = facts.OtherEdit, "the description was changed"
		return
	}
	setMax(c, was, now)
}

// setMax says that the maximum session length was set; was is 0 where it is not known.
func setMax(c *facts.Change, was, now int) {
	c.WasMax, c.NowMax, c.After = was, now, fmt.Sprint(now)
	if was == 0 {
		c.Text = fmt.Sprintf("the maximum session length was set to %s; what it was before is not known", lengthInWords(now))
		return
	}
	c.Before, c.BeforeIs = fmt.Sprint(was), playbook.Yes
	word := "raised"
	switch {
	case now == was:
		c.Text = fmt.Sprintf("the maximum session length was set again to %s", lengthInWords(now))
		return
	case now < was:
		word = "lowered"
	}
	c.Text = fmt.Sprintf("the maximum session length was %s from %s to %s", word, lengthInWords(was), lengthInWords(now))
}

func editOther(c *facts.Change, rec cloudtrail.Record) {
	req := rec.Request
	set := func(subject, text string) { c.Subject, c.Text = said(subject, 300), text+" "+said(subject, 300) }
	switch rec.EventName {
	case "PutRolePermissionsBoundary":
		c.After = said(req.PermissionsBoundary, 300)
		c.Text = "the permissions boundary was set to " + c.After
	case "DeleteRolePermissionsBoundary":
		c.Text = "the permissions boundary was removed"
	case "PutRolePolicy":
		c.After = document(req.PolicyDocument)
		if at := revokesBefore(req.PolicyDocument); !at.IsZero() {
			c.Kind, c.RevokesBefore = facts.SessionsCut, at
			c.Subject, c.Text = said(req.PolicyName, 200), "sessions issued before "+at.Format("2006-01-02 15:04:05")+" UTC were revoked"
			return
		}
		set(req.PolicyName, "the inline policy was written:")
	case "DeleteRolePolicy":
		set(req.PolicyName, "the inline policy was removed:")
	case "AttachRolePolicy":
		set(req.PolicyARN, "a policy was attached:")
	case "DetachRolePolicy":
		set(req.PolicyARN, "a policy was detached:")
	case "CreatePolicyVersion", "SetDefaultPolicyVersion":
		c.After = document(req.PolicyDocument)
		set(req.PolicyARN, "a policy of the role was changed:")
		if rec.EventName == "CreatePolicyVersion" && !strings.EqualFold(req.Param("setAsDefault"), "true") {
			c.Kind, c.Text = facts.OtherEdit, "a version was added, but not put in force, to the policy "+c.Subject
		}
	case "UpdateAccessKey":
		c.Subject, c.After = keySubject(rec), said(req.Status, 20)
		c.Text = fmt.Sprintf("the access key %s was set to %s", c.Subject, c.After)
	case "DeleteAccessKey":
		c.Subject = keySubject(rec)
		c.Text = "the access key " + c.Subject + " was deleted"
	case "DeactivateMFADevice":
		set(cmp.Or(req.UserName, rec.Identity.UserName), "an MFA device was deactivated, of the user")
	case "DeleteUser":
		set(req.UserName, "the user was deleted:")
	case "SetSecurityTokenServicePreferences":
		c.Subject, c.After = "STS", said(req.Param("globalEndpointTokenVersion"), 50)
		c.Text = "the token version of the global STS endpoint was set to " + c.After
	case "SetSTSRegionalEndpointStatus":
		c.Subject = "STS"
		c.Text = "STS was switched on or off in a region"
	case "AttachPolicy", "DetachPolicy", "UpdatePolicy":
		set(req.Param("policyId"), "a policy of the organization was changed ("+rec.EventName+"):")
	case "UpdatePermissionSet", "ProvisionPermissionSet", "PutInlinePolicyToPermissionSet", "DeleteInlinePolicyFromPermissionSet":
		c.After = said(req.Param("sessionDuration"), 50)
		set(req.Param("permissionSetArn"), "the permission set was changed ("+rec.EventName+"):")
	default:
		if c.Kind == facts.ProviderEdited {
			c.After = said(cmp.Or(req.Param("clientID"), req.Param("thumbprintList")), 300)
			set(providerOf(rec), "the identity provider was changed ("+rec.EventName+"):")
			return
		}
		c.Text = "something that cannot touch sessions was changed (" + rec.EventName + ")"
	}
}

// keySubject is the user and the masked key.
func keySubject(rec cloudtrail.Record) string {
	return said(cmp.Or(rec.Request.UserName, rec.Identity.UserName), 100) + " " + redact.Key(rec.Request.AccessKeyID)
}

// revokesBefore is the time before which a policy denies sessions everything, as
// AWSRevokeOlderSessions does; zero where it does not.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
func revokesBefore(text string) time.Time {
	policy, err := trust.Decode(text)
	if err != nil {
		return time.Time{}
	}
	at, _ := trust.RevokeTime(policy)
	return at
}
