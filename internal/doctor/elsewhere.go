package doctor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

// linkOr is how a log group of another account is made readable.
func (p *place) linkOr(owner string) string {
	return "Put account " + owner + " with its read-only role into the account map too, or link it to account " + p.account() + ": https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account-Setup.html"
}

// account is the one that is asked, "" before it has said which it is.
func (p *place) account() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return cmp.Or(p.id, accountOf(p.caller))
}

// foreign says that an ARN is a log group's of another account.
func (p *place) foreign(arn string) bool {
	own, owner := p.account(), accountOf(arn)
	return own != "" && owner != "" && owner != own
}

// reaches says how a log group of another account can be read, "" where it can't:
// with that account's own role, as the account map has it, or through a link.
func (p *place) reaches(ctx context.Context, arn string) (how string, err error) {
	arn = strings.TrimSuffix(arn, ":*")
	has := func(cfg aws.Config, in *cloudwatchlogs.DescribeLogGroupsInput) (bool, error) {
		cfg = cfg.Copy()
		cfg.Region = strings.Split(arn, ":")[3]
		out, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, in)
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(out.LogGroups, func(g logtypes.LogGroup) bool { return groupARN(g) == arn }), nil
	}
	if owner := accountOf(arn); slices.Contains(p.pool.Accounts(), owner) {
		cfg, err := p.pool.Config(owner)
		if err != nil {
			return "", err
		}
		there, err := has(cfg, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(groupName(arn)), Limit: aws.Int32(50)})
		if there {
			return "read with that account's role", nil
		}
		if err != nil && !refusal(err) {
			return "", err
		}
	}
	linked, err := has(p.cfg, &cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), LogGroupIdentifiers: []string{arn}})
	if linked {
		return "linked", nil
	}
	if err != nil && !refusal(err) {
		return "", err
	}
	return "", nil
}

// refusal says whether AWS answered that this may not be asked. What it says of
// linked accounts to one that monitors none it does not document.
func refusal(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains([]string{"InvalidParameterException", "ValidationException", "AccessDenied", "AccessDeniedException", "ResourceNotFoundException"}, api.ErrorCode())
}

// listGroups gives the first of the region's groups, those of linked accounts too
// where AWS shows them.
func (p *place) listGroups(ctx context.Context) ([]logtypes.LogGroup, error) {
	client := cloudwatchlogs.NewFromConfig(p.cfg)
	out, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), Limit: aws.Int32(50)})
	if err != nil && refusal(err) {
		out, err = client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(50)})
	}
	if err != nil {
		return nil, err
	}
	return out.LogGroups, nil
}

func groupARN(g logtypes.LogGroup) string {
	return strings.TrimSuffix(cmp.Or(aws.ToString(g.LogGroupArn), aws.ToString(g.Arn)), ":*")
}
