package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/policy"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

// asked is one account as it is asked, with what its first checks found out.
type asked struct {
	id        string // "" where only the own credentials say it
	cfg       aws.Config
	role      string // that reads it, "" for the own credentials
	global    string // region of the partition's global calls
	logGroups []string
	pool      *accounts.Pool
	now       func() time.Time

	mu     sync.Mutex
	caller string        // guarded by mu: ARN of who asks
	offset time.Duration // guarded by mu: AWS's clock less ours
	timed  bool          // guarded by mu: offset is known
}

// awsGroups are, for every account, what is asked once and what is asked in
// every region.
func awsGroups(a *AWS, now func() time.Time) []Group {
	if now == nil {
		now = time.Now
	}
	ids := a.Pool.Accounts()
	if len(ids) == 0 {
		ids = []string{""}
	}
	var out []Group
	for _, id := range ids {
		name := strings.TrimSpace("AWS " + cmp.Or(id, "with the own credentials"))
		cfg, err := a.Pool.Config(id)
		if err != nil {
			out = append(out, Group{Name: name, First: []Check{{"aws.identity", "The account is known", func(context.Context) Finding { return missing("", "%s", err) }}}})
			continue
		}
		partition := cmp.Or(playbook.Partition(a.Regions[0]), "aws")
		one := &asked{id: id, cfg: cfg, role: a.Pool.Account(id).RoleARN, global: playbook.GlobalRegion(partition), logGroups: a.LogGroups, pool: a.Pool, now: now}
		out = append(out, one.once(name, a.Actions))
		for _, region := range a.Regions {
			out = append(out, one.in(region, name+", "+region, a.Actions))
		}
	}
	return out
}

// once is what is asked once an account: who we are, the clock, global actions.
func (a *asked) once(name string, actions []string) Group {
	g := Group{Name: name, First: []Check{
		{"aws.identity", "The credentials are accepted", func(ctx context.Context) Finding { return a.identity(ctx, a.cfg.Region) }},
	}, Then: []Check{
		{"aws.clock", "The clock agrees with AWS's", func(context.Context) Finding { return a.clock() }},
		{"aws.lasting", "The credentials renew themselves", a.lasting},
	}}
	here := newPlace(a, a.global)
	for _, action := range actions {
		if p, ok := probes[action]; ok && p.global {
			g.Then = append(g.Then, a.permission(action, p, here))
		} else if !ok && action != "sts:GetCallerIdentity" {
			g.Then = append(g.Then, Check{"aws." + action, action, func(context.Context) Finding {
				return worth("", "There is no harmless way to ask.")
			}})
		}
	}
	return g
}

// in is what is asked in every region.
func (a *asked) in(region, name string, actions []string) Group {
	here := newPlace(a, region)
	g := Group{Name: name, First: []Check{
		{"aws.region", "STS answers in the region", func(ctx context.Context) Finding { return a.identity(ctx, region) }},
	}, Then: []Check{
		{"aws.trail", "A trail delivers sign-ins and changes to a log group", here.trail},
		{"aws.log-groups", "There are application logs to read", here.logs},
	}}
	for _, action := range actions {
		if p, ok := probes[action]; ok && !p.global {
			g.Then = append(g.Then, a.permission(action, p, here))
		}
	}
	return g
}

// identity asks who we are, and notes the time of the answer.
func (a *asked) identity(ctx context.Context, region string) Finding {
	cfg := a.cfg.Copy()
	cfg.Region = region
	begun := time.Now()
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	var date string
	if err == nil {
		if resp, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
			date = resp.Header.Get("Date")
		}
	} else if answered, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answered.Response != nil {
		date = answered.Response.Header.Get("Date")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, e := http.ParseTime(date); e == nil && !a.timed {
		a.offset, a.timed = at.Sub(begun.Add(time.Since(begun)/2)), true
	}
	if err != nil {
		return a.trouble(err, region)
	}
	a.caller = aws.ToString(out.Arn)
	if got := aws.ToString(out.Account); a.id != "" && a.id != got {
		return missing("Correct the account map: give account "+a.id+" the ARN of its read-only role.", "These are credentials of account %s, by %s.", got, a.caller)
	}
	return good("As %s.", a.caller)
}

// trouble is why no identity was had. The caller holds mu.
func (a *asked) trouble(err error, region string) Finding {
	if assume, ok := errors.AsType[*accounts.AssumeError](err); ok {
		switch code := assume.Code(); code {
		case "AccessDenied":
			return missing(fmt.Sprintf("Deploy the output of `stsleuth policy -o cloudformation` in account %s with the ARN of the bot's role and the external id of the account map; and allow the bot's own role:\n%s",
				assume.Account, policy.Statement{Sid: "Members", Effect: "Allow", Action: []string{"sts:AssumeRole"}, Resource: []string{assume.RoleARN}}.JSON()),
				"The bot may not assume %s. AWS gives the same words for a role that does not exist, a trust policy without the bot's role, and another external id.", assume.RoleARN)
		case "":
			return missing("See what the bot's own account says above.", "%s can't be assumed: %s.", assume.RoleARN, brief(assume.Err))
		default:
			return missing("See what the bot's own account says above.", "%s can't be assumed: AWS answered %s.", assume.RoleARN, code)
		}
	}
	switch code := codeOf(err); code {
	case "ExpiredToken", "ExpiredTokenException":
		return missing("Renew them, or give the machine or pod a role.", "The credentials have expired.")
	case "InvalidClientTokenId", "UnrecognizedClientException":
		return missing("Check the key, the partition, and that the account has enabled "+region+".", "AWS does not accept the credentials in %s (%s).", region, code)
	case "SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidSignatureException":
		return missing("Check the clock (`timedatectl`) and the secret key.", "AWS refuses the signature (%s).", code)
	case "RegionDisabledException":
		return missing("Activate STS in "+region+" under \"Account settings\" in the IAM console.", "STS is not activated in %s.", region)
	case "":
		if strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "credentials") && !reached(err) {
			return missing("Give the machine or pod a role (IRSA, Pod Identity, instance profile), or set AWS_PROFILE.", "No AWS credentials were found: %s.", brief(err))
		}
		return missing("Open the way from here to sts."+region+".amazonaws.com on port 443, or make a VPC endpoint for it.", "STS can't be reached in %s: %s.", region, brief(err))
	default:
		return missing("", "AWS answered %s in %s.", code, region)
	}
}

// The furthest that our clock may be off. AWS refuses signatures from five
// minutes on; the times of sessions and failures are compared by the second, and
// a machine that keeps its time is never a minute off.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const maxOffset = time.Minute

func (a *asked) clock() Finding {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.timed {
		return worth("", "AWS's answer had no date.")
	}
	off := a.offset.Round(time.Second)
	if off.Abs() > maxOffset {
		return missing("Set the machine's clock by the network: `timedatectl set-ntp true`, or `chronyc makestep` as root.",
			"The clock here is %s %s.", off.Abs(), map[bool]string{true: "slow", false: "fast"}[off > 0])
	}
	return good("It is %s off, at most.", max(off.Abs(), time.Second))
}

// lasting notices credentials that were handed over once: after some hours the
// bot would be blind, for the very reason that it is asked about.
func (a *asked) lasting(ctx context.Context) Finding {
	creds, err := a.cfg.Credentials.Retrieve(ctx)
	switch {
	case err != nil:
		return missing("", "The credentials can't be had: %s.", brief(err))
	case creds.SessionToken != "" && !creds.CanExpire:
		return worth("Give the machine or pod a role (IRSA, Pod Identity, instance profile) in place of AWS_SESSION_TOKEN.",
			"They are a session's that was handed over (%s) and are never renewed: the bot goes blind when it ends.", creds.Source)
	case creds.CanExpire:
		return good("Until %s, renewed before.", creds.Expires.UTC().Format("15:04 MST"))
	}
	return good("They don't end.")
}

// permission asks for one action, in a way that changes nothing and needs
// nothing to be there.
func (a *asked) permission(action string, p probe, here *place) Check {
	return Check{"aws." + action, "May " + action, func(ctx context.Context) Finding {
		err := p.ask(ctx, here)
		code := codeOf(err)
		switch {
		case err == nil:
			return good("Allowed.")
		case slices.Contains(deniedCodes, code):
			return missing(a.statement(action), "Not allowed in %s.", here.region)
		case code == "SubscriptionRequiredException":
			return worth("", "Allowed, but the account's support plan does not include the AWS Health API: the public status feed is read instead.")
		case code == "OptInRequired":
			return worth("", "The account is not signed up for the service.")
		case slices.Contains(throttleCodes, code):
			return worth("Run doctor again in a minute.", "AWS throttled the question.")
		case code != "" && !serverError(err):
			return good("Allowed.") // AWS only says what else is wrong with a question that it would answer
		}
		return missing("Open the way from here to the service in "+here.region+", and run doctor again.", "It could not be found out: %s.", brief(err))
	}}
}

// statement is what has to be added to whose policy.
func (a *asked) statement(action string) string {
	scope := policy.Scope{Account: a.id, LogGroups: a.logGroups}
	if arn := strings.Split(a.role, ":"); len(arn) > 1 {
		scope.Partition = arn[1]
	}
	d, err := policy.For([]string{action}, scope)
	if err != nil || len(d.Statement) == 0 {
		return "Allow " + action + "."
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return fmt.Sprintf("Add this statement to the policy of %s (`stsleuth policy` prints the whole):\n%s", cmp.Or(a.role, a.caller), d.Statement[0].JSON())
}

var (
	deniedCodes   = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized"}
	throttleCodes = []string{"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException"}
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != "UnknownError" {
		return api.ErrorCode()
	}
	return ""
}

func serverError(err error) bool {
	answered, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answered.Response != nil && answered.HTTPStatusCode() >= 500
}

// reached reports whether a request left: then credentials were had.
func reached(err error) bool {
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	return sent
}

// brief is an error without the SDK's preamble, which names every layer.
func brief(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	text := redact.String(err.Error())
	if i := strings.LastIndex(text, "request send failed, "); i >= 0 {
		text = text[i+len("request send failed, "):]
	}
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return strings.TrimSuffix(text, ".")
}
