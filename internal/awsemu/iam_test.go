package awsemu

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// wantCode checks the code of an API error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error is %v, want %s", err, code)
	}
}

// must is for calls that have to work.
func must[T any](out T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func TestGetRoleRoundTrip(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	role := must(c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("payments-api")}))(t).Role
	if *role.Description != `<pays> & "more"` || *role.MaxSessionDuration != 3600 || *role.Path != "/" ||
		!role.CreateDate.Equal(time.Date(2025, 2, 11, 9, 31, 7, 0, time.UTC)) ||
		*role.RoleLastUsed.Region != "eu-west-1" || *role.Tags[0].Value != "pay" ||
		*role.PermissionsBoundary.PermissionsBoundaryArn != "arn:aws:iam::111122223333:policy/boundary" {
		t.Errorf("role came back as %+v", role)
	}
	raw := *role.AssumeRolePolicyDocument
	if strings.ContainsAny(raw, `{"+ `) {
		t.Errorf("trust policy is not encoded by RFC 3986: %s", raw)
	}
	doc := must(url.PathUnescape(raw))(t)
	if !strings.Contains(doc, `user/a b+c%d`) {
		t.Errorf("trust policy came back as %s", doc)
	}
}

func TestIAMNamesWhatIsMissing(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	ctx := t.Context()
	_, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")})
	var typed *iamtypes.NoSuchEntityException
	if !errors.As(err, &typed) || typed.ErrorMessage() != "The role with name nobody cannot be found." {
		t.Errorf("got %v", err)
	}
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("team/batch")})
	wantCode(t, err, "ValidationError")
	_, err = c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String("payments-api"), PolicyName: aws.String("none")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::111122223333:policy/boundary"), VersionId: aws.String("v9")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("nobody")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String("arn:aws:iam::111122223333:oidc-provider/none")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: aws.String("arn:aws:iam::111122223333:saml-provider/none")})
	wantCode(t, err, "NoSuchEntity")
}

func TestListRolesPagesInTwosAndMayGiveAnEmptyPage(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	var names []string
	pages := 0
	for p := iam.NewListRolesPaginator(c, &iam.ListRolesInput{}); p.HasMorePages(); pages++ {
		for _, r := range must(p.NextPage(t.Context()))(t).Roles {
			names = append(names, *r.RoleName)
			if r.RoleLastUsed != nil || r.Tags != nil || r.PermissionsBoundary != nil {
				t.Errorf("ListRoles shows more of %s than IAM does", *r.RoleName)
			}
		}
	}
	if pages != 2 || !slices.Equal(names, []string{"payments-api", "batch", "third"}) {
		t.Errorf("%d pages with %v", pages, names)
	}
	first := must(c.ListRoles(t.Context(), &iam.ListRolesInput{MaxItems: aws.Int32(1), PathPrefix: aws.String("/team/")}))(t)
	if len(first.Roles) != 0 || !first.IsTruncated || first.Marker == nil {
		t.Errorf("want an empty page with a marker, got %+v", first)
	}
	_, err := c.ListRoles(t.Context(), &iam.ListRolesInput{Marker: first.Marker})
	wantCode(t, err, "InvalidInput") // the marker is bound to the path
}

func TestRolePoliciesAndVersions(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	ctx, role := t.Context(), aws.String("payments-api")
	var inline []string
	pages := 0
	for p := iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: role}); p.HasMorePages(); pages++ {
		inline = append(inline, must(p.NextPage(ctx))(t).PolicyNames...)
	}
	if pages != 2 || len(inline) != 4 {
		t.Errorf("%d pages of inline policies with %v", pages, inline)
	}
	doc := must(c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role, PolicyName: aws.String("AWSRevokeOlderSessions")}))(t)
	if got := must(url.PathUnescape(*doc.PolicyDocument))(t); got != `{"Version":"2012-10-17","Statement":[]}` {
		t.Errorf("inline policy is %s", got)
	}
	attached := must(c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role}))(t).AttachedPolicies
	policy := must(c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: attached[0].PolicyArn}))(t).Policy
	if *policy.DefaultVersionId != "v2" || *policy.AttachmentCount != 1 || policy.CreateDate.Year() != 2025 || policy.UpdateDate.Year() != 2026 {
		t.Errorf("policy is %+v", policy)
	}
	versions := must(c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: policy.Arn}))(t).Versions
	if len(versions) != 2 || !versions[0].IsDefaultVersion || versions[1].IsDefaultVersion || versions[0].Document != nil {
		t.Errorf("versions are %+v", versions)
	}
	v := must(c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: policy.Arn, VersionId: aws.String("v1")}))(t).PolicyVersion
	if got := must(url.PathUnescape(*v.Document))(t); got != `{"a":1}` || v.IsDefaultVersion {
		t.Errorf("version v1 is %s", got)
	}
}

func TestUsersKeysAndDevices(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	ctx, ops := t.Context(), aws.String("ops")
	if u := must(c.GetUser(ctx, &iam.GetUserInput{UserName: ops}))(t).User; *u.Path != "/staff/" || *u.UserId != "AIDAOPS" {
		t.Errorf("user is %+v", u)
	}
	if d := must(c.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: ops}))(t).MFADevices; len(d) != 1 || *d[0].SerialNumber != "arn:aws:iam::111122223333:mfa/ops" {
		t.Errorf("devices are %+v", d)
	}
	if d := must(c.ListMFADevices(ctx, &iam.ListMFADevicesInput{}))(t).MFADevices; len(d) != 0 {
		t.Errorf("without a user name the caller is meant, who has no device; got %+v", d)
	}
	if d := must(c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{}))(t).VirtualMFADevices; len(d) != 1 || *d[0].User.UserName != "ops" {
		t.Errorf("virtual devices are %+v", d)
	}
	if d := must(c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: iamtypes.AssignmentStatusTypeUnassigned}))(t).VirtualMFADevices; len(d) != 0 {
		t.Errorf("unassigned virtual devices are %+v", d)
	}
	key := must(c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: ops}))(t).AccessKeyMetadata[0]
	if key.Status != iamtypes.StatusTypeInactive {
		t.Errorf("key is %+v", key)
	}
	if used := must(c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId}))(t); *used.UserName != "ops" || *used.AccessKeyLastUsed.ServiceName != "N/A" {
		t.Errorf("last use is %+v", used)
	}
}

func TestAccountAndProviders(t *testing.T) {
	c := iam.NewFromConfig(everything.serve(t, Options{}).once("eu-west-1"))
	ctx := t.Context()
	if m := must(c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{}))(t).SummaryMap; m["GlobalEndpointTokenVersion"] != 2 || m["Roles"] != 3 {
		t.Errorf("summary is %v", m)
	}
	if a := must(c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{}))(t); len(a.AccountAliases) != 0 || a.IsTruncated {
		t.Errorf("aliases are %+v", a)
	}
	oidc := must(c.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{}))(t).OpenIDConnectProviderList
	if p := must(c.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: oidc[0].Arn}))(t); *p.Url != "issuer.example" || p.ClientIDList[0] != "sts.amazonaws.com" {
		t.Errorf("OIDC provider is %+v", p)
	}
	saml := must(c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{}))(t).SAMLProviderList
	if p := must(c.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: saml[0].Arn}))(t); p.ValidUntil.Year() != 2034 || saml[0].ValidUntil.Year() != 2034 {
		t.Errorf("SAML provider is %+v", p)
	}
}

func TestEmptyCaptureAnswersWithEmptyLists(t *testing.T) {
	c := iam.NewFromConfig(files{}.serve(t, Options{}).once("eu-west-1"))
	ctx := t.Context()
	if n := len(must(c.ListRoles(ctx, &iam.ListRolesInput{}))(t).Roles) + len(must(c.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{}))(t).SAMLProviderList) +
		len(must(c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{}))(t).SummaryMap); n != 0 {
		t.Errorf("%d things in an empty account", n)
	}
}
