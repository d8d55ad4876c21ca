package awsemu

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
)

var accountOperations = []operation{
	on(accountService, "GetRegionOptStatus", (*Server).getRegionOptStatus, "RegionName"),
	on(accountService, "ListRegions", (*Server).listRegions, "MaxResults", "NextToken", "RegionOptStatusContains"),
}

// Regions by partition. In every capture every region is enabled; those that must be opted into say so.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var (
	defaultRegions = map[string][]string{
		"aws": {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
			"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"},
		"aws-cn":     {"cn-north-1", "cn-northwest-1"},
		"aws-us-gov": {"us-gov-east-1", "us-gov-west-1"},
	}
	optInRegions = map[string][]string{
		"aws": {"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
			"ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"},
	}
)

func (r *request) regions() []accounttypes.Region {
	var out []accounttypes.Region
	for _, n := range defaultRegions[r.incident.Partition] {
		out = append(out, accounttypes.Region{RegionName: aws.String(n), RegionOptStatus: accounttypes.RegionOptStatusEnabledByDefault})
	}
	for _, n := range optInRegions[r.incident.Partition] {
		out = append(out, accounttypes.Region{RegionName: aws.String(n), RegionOptStatus: accounttypes.RegionOptStatusEnabled})
	}
	return out
}

func (s *Server) getRegionOptStatus(r *request, in *account.GetRegionOptStatusInput) (*account.GetRegionOptStatusOutput, error) {
	for _, region := range r.regions() {
		if *region.RegionName == aws.ToString(in.RegionName) {
			return &account.GetRegionOptStatusOutput{RegionName: region.RegionName, RegionOptStatus: region.RegionOptStatus}, nil
		}
	}
	return nil, fail("ValidationException", "%s is not a region of this partition", aws.ToString(in.RegionName))
}

func (s *Server) listRegions(r *request, in *account.ListRegionsInput) (*account.ListRegionsOutput, error) {
	all := slices.DeleteFunc(r.regions(), func(region accounttypes.Region) bool {
		return !oneOf(in.RegionOptStatusContains, region.RegionOptStatus)
	})
	regions, next, err := page(r, all, in.NextToken, s.pageSize(r, in.MaxResults, 50))
	if err != nil {
		return nil, fail("ValidationException", "%s", err)
	}
	return &account.ListRegionsOutput{Regions: append([]accounttypes.Region{}, regions...), NextToken: next}, nil
}
