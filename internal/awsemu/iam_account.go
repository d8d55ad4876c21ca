package awsemu

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func (s *Server) getAccountSummary(r *request, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	out := &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{}}
	for k, v := range r.incident.IAM.AccountSummary {
		out.SummaryMap[k] = int32(v)
	}
	return out, nil
}

// listAccountAliases: captures hold none.
func (s *Server) listAccountAliases(*request, *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	return &iam.ListAccountAliasesOutput{AccountAliases: []string{}}, nil
}

func (s *Server) listOIDCProviders(r *request, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	out := &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []iamtypes.OpenIDConnectProviderListEntry{}}
	for _, p := range r.incident.IAM.OIDCProviders {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, iamtypes.OpenIDConnectProviderListEntry{Arn: aws.String(p.Arn)})
	}
	return out, nil
}

func (s *Server) getOIDCProvider(r *request, in *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	arn := aws.ToString(in.OpenIDConnectProviderArn)
	for _, p := range r.incident.IAM.OIDCProviders {
		if p.Arn == arn {
			return &iam.GetOpenIDConnectProviderOutput{Url: aws.String(p.URL), ClientIDList: p.ClientIDList, ThumbprintList: p.ThumbprintList, CreateDate: when(p.CreateDate)}, nil
		}
	}
	return nil, noSuch("OpenIDConnect Provider not found for arn %s", arn)
}

func (s *Server) listSAMLProviders(r *request, _ *iam.ListSAMLProvidersInput) (*iam.ListSAMLProvidersOutput, error) {
	out := &iam.ListSAMLProvidersOutput{SAMLProviderList: []iamtypes.SAMLProviderListEntry{}}
	for _, p := range r.incident.IAM.SAMLProviders {
		out.SAMLProviderList = append(out.SAMLProviderList, iamtypes.SAMLProviderListEntry{Arn: aws.String(p.Arn), ValidUntil: when(p.ValidUntil), CreateDate: when(p.CreateDate)})
	}
	return out, nil
}

// getSAMLProvider gives the dates; captures hold no metadata documents.
func (s *Server) getSAMLProvider(r *request, in *iam.GetSAMLProviderInput) (*iam.GetSAMLProviderOutput, error) {
	arn := aws.ToString(in.SAMLProviderArn)
	for _, p := range r.incident.IAM.SAMLProviders {
		if p.Arn == arn {
			return &iam.GetSAMLProviderOutput{ValidUntil: when(p.ValidUntil), CreateDate: when(p.CreateDate)}, nil
		}
	}
	return nil, noSuch("Manifest not found for arn %s", arn)
}
