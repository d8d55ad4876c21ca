package steps

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/health"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stsleuth/stsleuth/playbook"
)

// Clients is all of AWS that the steps reach. Every call in it only reads. The
// clients of regional services are functions of the region, because one
// investigation asks in two.
type Clients struct {
	IAM        IAM // in the partition's global region
	STS        func(region string) STS
	CloudTrail func(region string) CloudTrail
	Logs       func(region string) Logs
	CloudWatch func(region string) CloudWatch
	Health     Health  // in its own fixed region
	Account    Account // in the partition's global region

	// HTTP fetches the public status feed, which is no API and takes no credentials.
	HTTP *http.Client
	// StatusFeed is the feed's URL, "" where the partition has none that we know of.
	StatusFeed string
	// Limits are AWS's on the account; all Clients of one account share them. Use
	// with captures lifts them with Unpaced.
	Limits *Limits

	// Other gives the clients of another account that may be asked too, whose By
	// is that account. Nil: there is no other.
	Other func(account string) (Clients, bool)
	// By is the account whose credentials these are, where it is not the one that
	// is asked.
	By string
}

// The calls that are made of each service, and no others.
type (
	IAM interface {
		iam.GetRoleAPIClient
		iam.ListRolesAPIClient
		iam.ListRolePoliciesAPIClient
		iam.ListAttachedRolePoliciesAPIClient
		iam.GetPolicyAPIClient
		iam.ListAccountAliasesAPIClient
		iam.ListMFADevicesAPIClient
		iam.GetUserAPIClient
		GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
		GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error)
		GetAccountSummary(context.Context, *iam.GetAccountSummaryInput, ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error)
		GetOpenIDConnectProvider(context.Context, *iam.GetOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.GetOpenIDConnectProviderOutput, error)
		GetSAMLProvider(context.Context, *iam.GetSAMLProviderInput, ...func(*iam.Options)) (*iam.GetSAMLProviderOutput, error)
		ListOpenIDConnectProviders(context.Context, *iam.ListOpenIDConnectProvidersInput, ...func(*iam.Options)) (*iam.ListOpenIDConnectProvidersOutput, error)
		ListSAMLProviders(context.Context, *iam.ListSAMLProvidersInput, ...func(*iam.Options)) (*iam.ListSAMLProvidersOutput, error)
	}
	STS interface {
		GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
	}
	CloudTrail interface {
		cloudtrail.LookupEventsAPIClient
		DescribeTrails(context.Context, *cloudtrail.DescribeTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.DescribeTrailsOutput, error)
		GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error)
		GetEventSelectors(context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error)
	}
	Logs interface {
		cloudwatchlogs.DescribeLogGroupsAPIClient
		cloudwatchlogs.DescribeMetricFiltersAPIClient
		cloudwatchlogs.FilterLogEventsAPIClient
		GetQueryResults(context.Context, *cloudwatchlogs.GetQueryResultsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetQueryResultsOutput, error)
		StartQuery(context.Context, *cloudwatchlogs.StartQueryInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.StartQueryOutput, error)
		StopQuery(context.Context, *cloudwatchlogs.StopQueryInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.StopQueryOutput, error)
	}
	CloudWatch interface {
		cloudwatch.ListMetricsAPIClient
		cloudwatch.GetMetricDataAPIClient
	}
	Health interface {
		health.DescribeEventsAPIClient
		DescribeEventDetails(context.Context, *health.DescribeEventDetailsInput, ...func(*health.Options)) (*health.DescribeEventDetailsOutput, error)
	}
	Account interface {
		GetRegionOptStatus(context.Context, *account.GetRegionOptStatusInput, ...func(*account.Options)) (*account.GetRegionOptStatusOutput, error)
	}
)

const (
	// PublicFeed is the feed behind health.aws.amazon.com/health/status: the
	// current events of the aws partition, without credentials.
	PublicFeed = "https://health.aws.amazon.com/public/currentevents"
)

// NewClients makes the clients from one configuration, which is one account.
// The partition follows from cfg.Region. Health is always asked in its fixed
// region: there is no health.eu-west-1.amazonaws.com.
// https://docs.aws.amazon.com/health/latest/ug/health-api.html
func NewClients(cfg aws.Config) Clients {
	partition := cmp.Or(playbook.Partition(cfg.Region), "aws")
	global := playbook.GlobalRegion(partition)
	cfg.Credentials = newOwnCredentials(cfg.Credentials)
	cfg.APIOptions = append(cfg.APIOptions[:len(cfg.APIOptions):len(cfg.APIOptions)], countRequests)
	in := func(region string) aws.Config {
		c := cfg.Copy()
		c.Region = region
		return c
	}
	feed := ""
	if partition == "aws" {
		feed = PublicFeed
	}
	return Clients{
		IAM:        iam.NewFromConfig(in(global)),
		STS:        byRegion(func(region string) STS { return sts.NewFromConfig(in(region)) }),
		CloudTrail: byRegion(func(region string) CloudTrail { return cloudtrail.NewFromConfig(in(region)) }),
		Logs:       byRegion(func(region string) Logs { return cloudwatchlogs.NewFromConfig(in(region)) }),
		CloudWatch: byRegion(func(region string) CloudWatch { return cloudwatch.NewFromConfig(in(region)) }),
		Health:     health.NewFromConfig(in(healthRegion(partition))),
		Account:    account.NewFromConfig(in(global)),
		HTTP:       http.DefaultClient,
		StatusFeed: feed,
		Limits:     NewLimits("own", nil),
	}
}

// healthRegion is the one region in which a partition's Health API is asked. In
// China it has only a global endpoint, which the SDK knows by a pseudo-region.
func healthRegion(partition string) string {
	if partition == "aws-cn" {
		return "aws-cn-global"
	}
	return playbook.GlobalRegion(partition)
}

// byRegion makes one value per region and keeps it: the SDK's retry quota belongs
// to the value.
func byRegion[T any](make func(region string) T) func(region string) T {
	var mu sync.Mutex
	kept := map[string]T{} // guarded by mu
	return func(region string) T {
		mu.Lock()
		defer mu.Unlock()
		v, ok := kept[region]
		if !ok {
			v = make(region)
			kept[region] = v
		}
		return v
	}
}

const (
	// metadataWait is how long the instance metadata service may take. It answers
	// in milliseconds where there is one; where there is none the SDK tries for
	// about 13 s, and a person who typed a command waits that long for nothing.
	metadataWait = 2 * time.Second
	// metadataMemory is how long its silence is remembered, so that the other
	// steps of the same investigation do not wait again.
	metadataMemory = 5 * time.Second
)

// errNoCredentials: the SDK's chain of providers came to its end without any.
var errNoCredentials = errors.New("no AWS credentials found")

// ownCredentials marks errors of the tool's own credentials as such, so that
// they never pass for an answer to the call that needed them. It bounds the one
// provider that hangs where there is none, the instance metadata service at the
// end of the SDK's chain; others (a browser login, a credential process) may
// rightly take long and are bounded by the step's own time.
type ownCredentials struct {
	from     aws.CredentialsProvider // nil: none configured
	metadata bool                    // from is the instance metadata service

	mu     sync.Mutex
	silent time.Time // guarded by mu: when the metadata service last did not answer
}

func newOwnCredentials(from aws.CredentialsProvider) *ownCredentials {
	return &ownCredentials{from: from,
		metadata: from != nil && aws.IsCredentialsProvider(from, (*ec2rolecreds.Provider)(nil))}
}

// Retrieve gives the credentials, or an error that is a *credentialsError.
func (o *ownCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	switch {
	case o.from == nil:
		return aws.Credentials{}, &credentialsError{errNoCredentials}
	case o.metadata:
		return o.fromMetadata(ctx)
	}
	creds, err := o.from.Retrieve(ctx)
	if err != nil {
		if _, empty := errors.AsType[*credentials.StaticCredentialsEmptyError](err); empty {
			err = errors.Join(errNoCredentials, err)
		}
		return aws.Credentials{}, &credentialsError{err}
	}
	return creds, nil
}

func (o *ownCredentials) fromMetadata(ctx context.Context) (aws.Credentials, error) {
	o.mu.Lock()
	silent := time.Since(o.silent) < metadataMemory
	o.mu.Unlock()
	if silent {
		return aws.Credentials{}, &credentialsError{errNoCredentials}
	}
	bounded, cancel := context.WithTimeout(ctx, metadataWait)
	defer cancel()
	creds, err := o.from.Retrieve(bounded)
	if err == nil {
		return creds, nil
	}
	if ctx.Err() != nil { // the step's own time was up, which says nothing about the service
		return aws.Credentials{}, &credentialsError{err}
	}
	o.mu.Lock()
	o.silent = time.Now()
	o.mu.Unlock()
	return aws.Credentials{}, &credentialsError{errors.Join(errNoCredentials, err)}
}
