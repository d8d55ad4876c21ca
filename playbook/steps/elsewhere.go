package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/stsleuth/stsleuth/playbook"
)

// groupARN is a log group's ARN in its parts; whole ends in no ":*", which
// queries do not take.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
type groupARN struct{ whole, region, account, name string }

func parseGroupARN(s string) (groupARN, bool) {
	whole := strings.TrimSuffix(s, ":*")
	parts := strings.SplitN(whole, ":", 7)
	if len(parts) != 7 || parts[5] != "log-group" {
		return groupARN{}, false
	}
	return groupARN{whole, parts[3], parts[4], parts[6]}, true
}

// way is how a log group of another account can be read: with that account's own
// credentials, or with the asked account's where CloudWatch links the two.
type way struct {
	by     run
	linked bool
	group  *logtypes.LogGroup // nil where there is no way
	why    string             // there is none, and what would make one: the end of a sentence
	asked  []asked
}

// wayTo looks for a way to a log group of another account than the asked one.
// The account's own role comes first, because it is known to be meant for this.
func (r run) wayTo(ctx context.Context, g groupARN, askedAccount string) way {
	var w way
	own := "put account " + g.account + " with its read-only role into stsleuth's accounts"
	if r.Other != nil {
		if c, ok := r.Other(g.account); ok {
			by := run{c, r.Settings}
			a := by.describeGroup(ctx, g.region, g.name)
			w.asked = append(w.asked, asked{a.Proof, a.Problem})
			switch {
			case a.Out != nil:
				w.by, w.group = by, a.Out
				return w
			case a.Problem == nil:
				own = "it does not exist there any more; correct what names it"
			default:
				own = "mend the way into that account (" + a.Problem.Text + ")"
			}
		}
	}
	a := r.describeLinked(ctx, g)
	w.asked = append(w.asked, asked{a.Proof, a.Problem})
	if a.Out != nil {
		w.by, w.linked, w.group = r, true, a.Out
		return w
	}
	w.why = own + ", or link it to account " + askedAccount + " by CloudWatch cross-account observability"
	return w
}

// describeLinked finds a log group of an account that is linked to the asked one,
// nil where it is not linked. Only a monitoring account may name groups by ARN,
// so AWS's refusal of the question means that this is none.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html
func (r run) describeLinked(ctx context.Context, g groupARN) answer[*logtypes.LogGroup] {
	a := ask(ctx, call{Action: "logs:DescribeLogGroups", Region: g.region, Args: []string{"--include-linked-accounts", "--log-group-identifiers", g.whole}},
		func(ctx context.Context) (*logtypes.LogGroup, error) {
			out, err := r.Logs(g.region).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
				IncludeLinkedAccounts: aws.Bool(true), LogGroupIdentifiers: []string{g.whole}})
			if err != nil {
				return nil, err
			}
			for _, found := range out.LogGroups {
				if groupID(found) == g.whole {
					return &found, nil
				}
			}
			return nil, nil
		})
	switch {
	case refusesLinked(a.Problem):
		a.Problem, a.Proof.Result = nil, "not linked: "+a.Proof.Result
	case a.Problem == nil && a.Out == nil:
		a.Proof.Result = "not linked"
	case a.Problem == nil:
		a.Proof.Result = "linked, " + groupInWords(*a.Out)
	}
	return a
}

// refusesLinked says that AWS does not answer a question about linked accounts
// from here. What it says to an account that monitors none is not documented, so
// a denial counts too: the plain question tells whether it is one.
func refusesLinked(p *playbook.Problem) bool {
	return p != nil && (p.Status == playbook.Denied || awsCode(p.Err) == "InvalidParameterException" || awsCode(p.Err) == "ValidationException")
}

// groupInWords is what a proof says of a described group.
func groupInWords(g logtypes.LogGroup) string {
	return fmt.Sprintf("class %s, created %s", classOf(g), clock(millis(g.CreationTime)))
}
