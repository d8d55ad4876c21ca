package steps

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/aws/smithy-go/middleware"

	"github.com/stsleuth/stsleuth/playbook"
)

// call is one AWS call in the words with which a reader repeats it.
type call struct {
	Action  string   // "iam:GetRole": IAM action, which is also the API operation
	Region  string   // where it is asked
	Args    []string // what the AWS CLI needs after the operation: "--role-name", "payments-api"
	Console string   // link to the same view, see console
	As      string   // account whose credentials it takes, "" for the asked one's
}

// proof is the call as evidence, before it is known how it went.
func (c call) proof() playbook.Proof {
	return playbook.Proof{Action: c.Action, Region: c.Region, CLI: c.cli(), Console: c.Console}
}

// cli is a line that can be pasted into a shell.
func (c call) cli() string {
	service, operation, _ := strings.Cut(c.Action, ":")
	words := append([]string{"aws", service, kebab(operation)}, c.Args...)
	words = append(words, "--region", c.Region)
	for i, w := range words {
		words[i] = shellQuote(w)
	}
	line := strings.Join(words, " ")
	if c.As != "" {
		line += " # with credentials of account " + c.As
	}
	return line
}

// answer is how one call went: what AWS said, or the problem, and the proof of either.
type answer[T any] struct {
	Out     T
	Proof   playbook.Proof
	Problem *playbook.Problem // nil when AWS answered
}

// ask makes one call (or the pages of one) and tells how it went. It counts the
// requests, retries included, and classifies the error: nothing behind it sees
// an error of the SDK.
func ask[T any](ctx context.Context, c call, do func(context.Context) (T, error)) answer[T] {
	a := answer[T]{Proof: c.proof()}
	var requests atomic.Int64
	out, err := do(context.WithValue(ctx, requestCounter{}, &requests))
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), context.Cause(ctx), err)
	}
	a.Out = out
	a.Problem = classify(c.Action, c.Region, err)
	a.Proof.Calls = int(requests.Load())
	if a.Problem != nil {
		a.Proof.Result = outcomeOf(a.Problem)
	}
	return a
}

// beforeTheEnd bounds a step's calls a little under the step's own time: when
// one of them hangs, what the others saw can still be told.
func beforeTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, deadline.Add(-time.Until(deadline)/10), errors.New("the step's time is up"))
}

// notes gathers a step's evidence in a fixed order. Parallel calls keep their
// own answers; the step takes them one after the other when all are in.
type notes struct {
	proof       []playbook.Proof
	unseen      []string
	missing     []string
	corrections []string
}

// take notes how a call went. `what` is the part of the picture that is missing
// when it did not answer ("The account's aliases"): one sentence for people.
func (n *notes) take(p playbook.Proof, problem *playbook.Problem, what string) {
	n.proof = append(n.proof, p)
	if problem != nil {
		n.refused(problem, what)
	}
}

// refused notes what could not be read and why, without a proof of its own.
func (n *notes) refused(problem *playbook.Problem, what string) {
	if problem.Action != "" && !slices.Contains(n.missing, problem.Action) {
		n.missing = append(n.missing, problem.Action)
	}
	if what != "" {
		n.notSeen(what + " could not be read: " + problem.Text + ".")
	}
}

// notSeen notes a sentence once; "" is none.
func (n *notes) notSeen(sentence string) {
	if sentence != "" && !slices.Contains(n.unseen, sentence) {
		n.unseen = append(n.unseen, sentence)
	}
}

// evidence is what was gathered, for the step to complete.
func (n *notes) evidence(status playbook.Status, summary string, facts any) playbook.Evidence {
	return playbook.Evidence{Status: status, Summary: summary, Facts: facts, Proof: n.proof,
		Unseen: n.unseen, Missing: n.missing, Corrections: n.corrections}
}

// stopped is the evidence of a step that a problem ended: what was seen until
// then stays.
func (n *notes) stopped(problem *playbook.Problem, summary string, facts any) playbook.Evidence {
	if problem.Action != "" && !slices.Contains(n.missing, problem.Action) {
		n.missing = append(n.missing, problem.Action)
	}
	return n.evidence(problem.Status, summary, facts)
}

// console is a link into the AWS console of the region's partition:
// console("eu-west-1", "cloudwatch", "logsV2:log-groups").
func console(region, service, fragment string) string {
	host := region + ".console.aws.amazon.com"
	switch playbook.Partition(region) {
	case "aws-cn":
		host = region + ".console.amazonaws.cn"
	case "aws-us-gov":
		host = "console.amazonaws-us-gov.com"
	}
	link := "https://" + host + "/" + service + "/home?region=" + region
	if fragment != "" {
		link += "#" + fragment
	}
	return link
}

// roleConsole is the role's own page.
func roleConsole(region, name string) string {
	return console(region, "iam", "/roles/details/"+url.PathEscape(name))
}

// shellQuote makes a word safe for a POSIX shell: nothing in it is expanded.
func shellQuote(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r))
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// kebab spells an operation as the AWS CLI does: GetSAMLProvider is get-saml-provider.
func kebab(operation string) string {
	var b strings.Builder
	runes := []rune(operation)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// requestCounter is the context key under which ask counts requests.
type requestCounter struct{}

// countRequests counts every attempt of a call into the counter of its context:
// it sits behind the SDK's retries and behind the signing, which is where a call
// without credentials ends.
func countRequests(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("CountRequests",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if n, ok := ctx.Value(requestCounter{}).(*atomic.Int64); ok {
				n.Add(1)
			}
			return next.HandleFinalize(ctx, in)
		}), middleware.After)
}

// outcomeOf is what a proof says of a call that failed: AWS's own code where
// there is one, so that a reader who repeats the call can compare.
func outcomeOf(p *playbook.Problem) string {
	if _, own := errors.AsType[*credentialsError](p.Err); own {
		return "not sent: no valid credentials"
	}
	if code := awsCode(p.Err); code != "" {
		return code
	}
	if status := httpStatus(p.Err); status != 0 {
		return "HTTP " + strconv.Itoa(status)
	}
	return "no answer"
}
