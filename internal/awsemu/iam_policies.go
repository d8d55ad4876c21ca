package awsemu

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

func (r *request) policy(arn *string) (*capture.Policy, error) {
	if !strings.HasPrefix(aws.ToString(arn), "arn:") {
		return nil, fail("InvalidInput", "ARN %s is not valid.", aws.ToString(arn))
	}
	for i := range r.incident.IAM.Policies {
		if p := &r.incident.IAM.Policies[i]; p.Arn == *arn {
			return p, nil
		}
	}
	return nil, noSuch("Policy %s was not found.", *arn)
}

func (s *Server) getPolicy(r *request, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, err := r.policy(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	_, path, _ := strings.Cut(p.Arn, ":policy")
	out := &iamtypes.Policy{
		Arn: &p.Arn, PolicyName: &p.PolicyName, DefaultVersionId: &p.DefaultVersionID, IsAttachable: true,
		Path: aws.String(strings.TrimSuffix(path, p.PolicyName)),
	}
	for _, v := range p.Versions {
		if out.CreateDate == nil || v.CreateDate.Before(*out.CreateDate) {
			out.CreateDate = when(v.CreateDate)
		}
		if out.UpdateDate == nil || v.CreateDate.After(*out.UpdateDate) {
			out.UpdateDate = when(v.CreateDate)
		}
	}
	attached := int32(0)
	for _, role := range r.incident.IAM.Roles {
		for _, a := range role.AttachedPolicies {
			if a.PolicyArn == p.Arn {
				attached++
			}
		}
	}
	out.AttachmentCount = &attached
	return &iam.GetPolicyOutput{Policy: out}, nil
}

func policyVersion(p *capture.Policy, v capture.PolicyVersion) iamtypes.PolicyVersion {
	return iamtypes.PolicyVersion{VersionId: aws.String(v.VersionID), IsDefaultVersion: v.VersionID == p.DefaultVersionID, CreateDate: when(v.CreateDate)}
}

func (s *Server) getPolicyVersion(r *request, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	p, err := r.policy(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	for _, v := range p.Versions {
		if v.VersionID == aws.ToString(in.VersionId) {
			out := policyVersion(p, v)
			out.Document = encoded(v.Document)
			return &iam.GetPolicyVersionOutput{PolicyVersion: &out}, nil
		}
	}
	return nil, noSuch("Policy %s version %s does not exist or is not attachable.", p.Arn, aws.ToString(in.VersionId))
}

// listPolicyVersions gives no documents; IAM doesn't either.
func (s *Server) listPolicyVersions(r *request, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, err := r.policy(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	versions, more, marker, err := iamPaged(s, r, p.Versions, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []iamtypes.PolicyVersion{}, IsTruncated: more, Marker: marker}
	for _, v := range versions {
		out.Versions = append(out.Versions, policyVersion(p, v))
	}
	return out, nil
}
