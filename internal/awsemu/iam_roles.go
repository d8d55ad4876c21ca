package awsemu

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

func (r *request) role(name *string) (*capture.Role, error) {
	n, err := named("roleName", name)
	if err != nil {
		return nil, err
	}
	for i := range r.incident.IAM.Roles {
		if role := &r.incident.IAM.Roles[i]; strings.EqualFold(role.RoleName, n) { // IAM's names keep their case but don't differ by it
			return role, nil
		}
	}
	return nil, noSuch("The role with name %s cannot be found.", n)
}

func (s *Server) getRole(r *request, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	role, err := r.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	out := listedRole(*role)
	if b := role.PermissionsBoundary; b != nil {
		out.PermissionsBoundary = &iamtypes.AttachedPermissionsBoundary{
			PermissionsBoundaryArn:  aws.String(b.PermissionsBoundaryArn),
			PermissionsBoundaryType: iamtypes.PermissionsBoundaryAttachmentType(b.PermissionsBoundaryType),
		}
	}
	for _, t := range role.Tags {
		out.Tags = append(out.Tags, iamtypes.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	out.RoleLastUsed = &iamtypes.RoleLastUsed{LastUsedDate: when(role.RoleLastUsed.LastUsedDate), Region: text(role.RoleLastUsed.Region)}
	return &iam.GetRoleOutput{Role: &out}, nil
}

// listedRole is a role as ListRoles shows it: without boundary, tags and last use.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
func listedRole(role capture.Role) iamtypes.Role {
	return iamtypes.Role{
		Path: aws.String(role.Path), RoleName: aws.String(role.RoleName), RoleId: aws.String(role.RoleID), Arn: aws.String(role.Arn),
		CreateDate: when(role.CreateDate), Description: text(role.Description),
		AssumeRolePolicyDocument: encoded(role.AssumeRolePolicyDocument),
		MaxSessionDuration:       aws.Int32(maxSessionOf(role)),
	}
}

// maxSessionOf is what IAM takes where nothing was set: an hour.
func maxSessionOf(role capture.Role) int32 {
	return int32(cmp.Or(role.MaxSessionDuration, defaultSession))
}

// listRoles cuts the page first and then keeps what is below the path, so that a page may come back with nothing on it
// and a marker. IAM does so: "IAM might return fewer than the MaxItems number of results, even when there are more".
func (s *Server) listRoles(r *request, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	roles, more, marker, err := iamPaged(s, r, r.incident.IAM.Roles, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolesOutput{Roles: []iamtypes.Role{}, IsTruncated: more, Marker: marker}
	for _, role := range roles {
		if strings.HasPrefix(role.Path, aws.ToString(in.PathPrefix)) {
			out.Roles = append(out.Roles, listedRole(role))
		}
	}
	return out, nil
}

func (s *Server) listRolePolicies(r *request, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	role, err := r.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	policies, more, marker, err := iamPaged(s, r, role.InlinePolicies, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolePoliciesOutput{PolicyNames: []string{}, IsTruncated: more, Marker: marker}
	for _, p := range policies {
		out.PolicyNames = append(out.PolicyNames, p.PolicyName)
	}
	return out, nil
}

func (s *Server) getRolePolicy(r *request, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	role, err := r.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	name, err := named("policyName", in.PolicyName)
	if err != nil {
		return nil, err
	}
	for _, p := range role.InlinePolicies {
		if p.PolicyName == name {
			return &iam.GetRolePolicyOutput{RoleName: &role.RoleName, PolicyName: &name, PolicyDocument: encoded(p.PolicyDocument)}, nil
		}
	}
	return nil, noSuch("The role policy with name %s cannot be found.", name)
}

func (s *Server) listAttachedRolePolicies(r *request, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	role, err := r.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	policies, more, marker, err := iamPaged(s, r, role.AttachedPolicies, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []iamtypes.AttachedPolicy{}, IsTruncated: more, Marker: marker}
	for _, p := range policies {
		if in.PathPrefix == nil || strings.Contains(p.PolicyArn, ":policy"+*in.PathPrefix) {
			out.AttachedPolicies = append(out.AttachedPolicies, iamtypes.AttachedPolicy{PolicyName: aws.String(p.PolicyName), PolicyArn: aws.String(p.PolicyArn)})
		}
	}
	return out, nil
}
