package awsemu

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// iamOperations. Pages hold at most 1000 items: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
var iamOperations = []operation{
	of(on(iamService, "GetRole", (*Server).getRole, "RoleName"),
		func(r *request, in *iam.GetRoleInput) []string { return r.roleARN(in.RoleName) }),
	of(on(iamService, "ListRoles", (*Server).listRoles, "PathPrefix", "Marker", "MaxItems"),
		func(r *request, in *iam.ListRolesInput) []string {
			return r.iamARN("role" + strings.TrimSuffix(aws.ToString(in.PathPrefix), "/") + "/")
		}),
	of(on(iamService, "ListRolePolicies", (*Server).listRolePolicies, "RoleName", "Marker", "MaxItems"),
		func(r *request, in *iam.ListRolePoliciesInput) []string { return r.roleARN(in.RoleName) }),
	of(on(iamService, "GetRolePolicy", (*Server).getRolePolicy, "RoleName", "PolicyName"),
		func(r *request, in *iam.GetRolePolicyInput) []string { return r.roleARN(in.RoleName) }),
	of(on(iamService, "ListAttachedRolePolicies", (*Server).listAttachedRolePolicies, "RoleName", "PathPrefix", "Marker", "MaxItems"),
		func(r *request, in *iam.ListAttachedRolePoliciesInput) []string { return r.roleARN(in.RoleName) }),
	of(on(iamService, "GetPolicy", (*Server).getPolicy, "PolicyArn"),
		func(r *request, in *iam.GetPolicyInput) []string { return []string{aws.ToString(in.PolicyArn)} }),
	of(on(iamService, "GetPolicyVersion", (*Server).getPolicyVersion, "PolicyArn", "VersionId"),
		func(r *request, in *iam.GetPolicyVersionInput) []string { return []string{aws.ToString(in.PolicyArn)} }),
	of(on(iamService, "ListPolicyVersions", (*Server).listPolicyVersions, "PolicyArn", "Marker", "MaxItems"),
		func(r *request, in *iam.ListPolicyVersionsInput) []string {
			return []string{aws.ToString(in.PolicyArn)}
		}),
	of(on(iamService, "GetUser", (*Server).getUser, "UserName"),
		func(r *request, in *iam.GetUserInput) []string { return r.userARN(in.UserName) }),
	of(on(iamService, "ListMFADevices", (*Server).listMFADevices, "UserName", "Marker", "MaxItems"),
		func(r *request, in *iam.ListMFADevicesInput) []string { return r.userARN(in.UserName) }),
	of(on(iamService, "ListVirtualMFADevices", (*Server).listVirtualMFADevices, "AssignmentStatus", "Marker", "MaxItems"),
		func(r *request, in *iam.ListVirtualMFADevicesInput) []string { return r.iamARN("mfa/") }),
	of(on(iamService, "ListAccessKeys", (*Server).listAccessKeys, "UserName", "Marker", "MaxItems"),
		func(r *request, in *iam.ListAccessKeysInput) []string { return r.userARN(in.UserName) }),
	of(on(iamService, "GetAccessKeyLastUsed", (*Server).getAccessKeyLastUsed, "AccessKeyId"),
		func(r *request, in *iam.GetAccessKeyLastUsedInput) []string { return r.keyOwnerARN(in.AccessKeyId) }),
	on(iamService, "GetAccountSummary", (*Server).getAccountSummary),
	on(iamService, "ListAccountAliases", (*Server).listAccountAliases, "Marker", "MaxItems"),
	of(on(iamService, "ListOpenIDConnectProviders", (*Server).listOIDCProviders),
		func(r *request, in *iam.ListOpenIDConnectProvidersInput) []string { return r.iamARN("oidc-provider/") }),
	of(on(iamService, "GetOpenIDConnectProvider", (*Server).getOIDCProvider, "OpenIDConnectProviderArn"),
		func(r *request, in *iam.GetOpenIDConnectProviderInput) []string {
			return []string{aws.ToString(in.OpenIDConnectProviderArn)}
		}),
	of(on(iamService, "ListSAMLProviders", (*Server).listSAMLProviders),
		func(r *request, in *iam.ListSAMLProvidersInput) []string { return r.iamARN("saml-provider/") }),
	of(on(iamService, "GetSAMLProvider", (*Server).getSAMLProvider, "SAMLProviderArn"),
		func(r *request, in *iam.GetSAMLProviderInput) []string {
			return []string{aws.ToString(in.SAMLProviderArn)}
		}),
}

const iamPage = 1000

// iamPaged cuts a page in IAM's way: IsTruncated and Marker.
func iamPaged[T any](s *Server, r *request, all []T, marker *string, limit *int32) ([]T, bool, *string, error) {
	items, next, err := page(r, all, marker, s.pageSize(r, limit, iamPage))
	if err != nil {
		return nil, false, nil, fail("InvalidInput", "Invalid Marker: %s", err)
	}
	return items, next != nil, next, nil
}

var iamName = regexp.MustCompile(`^[\w+=,.@-]+$`)

// named checks a name as IAM does, which takes neither a path nor an ARN for one.
func named(param string, name *string) (string, error) {
	if name == nil || *name == "" {
		return "", fail("ValidationError", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", param)
	}
	if !iamName.MatchString(*name) {
		return "", fail("ValidationError", "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", param)
	}
	return *name, nil
}

func noSuch(format string, args ...any) *Error { return fail("NoSuchEntity", format, args...) }

// encoded is a policy document as IAM sends it: URL-encoded by RFC 3986, a space as %20.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
func encoded(document json.RawMessage) *string {
	if len(document) == 0 {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, document) != nil {
		b.Reset()
		b.Write(document)
	}
	text := b.String()
	var asText string // a document that was exported as a string
	if json.Unmarshal(document, &asText) == nil {
		text = asText
	}
	return aws.String(strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (r *request) iamARN(resource string) []string {
	return []string{"arn:" + r.incident.Partition + ":iam::" + r.account() + ":" + resource}
}

func (r *request) roleARN(name *string) []string {
	if role, err := r.role(name); err == nil {
		return []string{role.Arn}
	}
	return r.iamARN("role/" + aws.ToString(name))
}

func (r *request) userARN(name *string) []string {
	if u, err := r.user(name); err == nil {
		return []string{u.Arn}
	}
	return r.iamARN("user/" + aws.ToString(name))
}

func (r *request) keyOwnerARN(key *string) []string {
	if u, _, err := r.accessKey(key); err == nil {
		return []string{u.Arn}
	}
	return r.iamARN("user/")
}
