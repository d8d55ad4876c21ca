package followups

import "strings"

// sdk is what a client's user agent tells: the SDK, its version, and when it
// renews a role's session if nobody says otherwise.
type sdk struct{ name, version, habit string }

// fixed says that the client hands out credentials that nobody renews.
func (s sdk) fixed() bool { return strings.HasPrefix(s.habit, "hands out fixed values") }

// sdks is in order: tools that carry an SDK's own mark come before it. The habits
// are the SDKs' documented or published defaults.
var sdks = []struct{ mark, name, habit string }{
	// Credentials that a workflow step exports are plain variables.
	// https://github.com/aws-actions/configure-aws-credentials
	{"configure-aws-credentials", "configure-aws-credentials", "hands out fixed values that are never renewed"},
	// https://registry.terraform.io/providers/hashicorp/aws/latest/docs
	{"terraform-provider-aws/", "Terraform AWS provider", "asks for 15 min by default (since provider 4.0) and renews at the end"},
	// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/credentials/stscreds#pkg-variables
	// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/aws#CredentialsCacheOptions
	{"aws-sdk-go-v2/", "AWS SDK for Go v2", "asks for 15 min by default and renews exactly at the end unless ExpiryWindow is set"},
	{"aws-sdk-go/", "AWS SDK for Go v1", "asks for 15 min by default and renews exactly at the end unless ExpiryWindow is set"},
	// https://github.com/boto/botocore/blob/develop/botocore/credentials.py
	{"aws-cli/", "AWS CLI", "asks for 1 h by default and renews from 15 min before the end, at the latest 10 min before"},
	{"botocore/", "botocore (boto3)", "asks for 1 h by default and renews from 15 min before the end, at the latest 10 min before; a Session built from the three values never renews"},
	{"boto3/", "botocore (boto3)", "asks for 1 h by default and renews from 15 min before the end, at the latest 10 min before; a Session built from the three values never renews"},
	// https://sdk.amazonaws.com/java/api/latest/software/amazon/awssdk/services/sts/auth/StsCredentialsProvider.Builder.html
	{"aws-sdk-java/2", "AWS SDK for Java 2", "asks for 1 h by default and renews from 5 min before the end, at the latest 1 min before"},
	{"aws-sdk-java/", "AWS SDK for Java", ""},
	// https://github.com/smithy-lang/smithy-typescript/tree/main/packages/core
	{"aws-sdk-js/", "AWS SDK for JavaScript 3", "asks for 1 h by default and renews from 5 min before the end where it holds a provider; values that one AssumeRole returned never renew"},
	{"aws-sdk-nodejs/", "AWS SDK for JavaScript 2", ""},
	// https://docs.aws.amazon.com/sdkfornet/v3/apidocs/items/Runtime/TRefreshingAWSCredentials.html
	{"aws-sdk-dotnet", "AWS SDK for .NET", "renews from 15 min before the end: with sessions of 15 min that is every call"},
	{"aws-sdk-rust/", "AWS SDK for Rust", ""},
	{"aws-sdk-ruby", "AWS SDK for Ruby", ""},
	{"aws-sdk-php/", "AWS SDK for PHP", ""},
	{"aws-vault/", "aws-vault", ""},
	{"mozilla/", "a browser (console)", "the console switches roles for as long as the role and the person's own session allow"},
}

// sdkOf reads a user agent.
func sdkOf(agent string) sdk {
	low := strings.ToLower(agent)
	for _, s := range sdks {
		i := strings.Index(low, s.mark)
		if i < 0 {
			continue
		}
		rest := low[i+len(s.mark):]
		if strings.HasSuffix(s.mark, "/2") {
			rest = "2" + rest
		}
		rest = strings.TrimLeft(rest, "/-_")
		version := strings.FieldsFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		out := sdk{name: s.name, habit: s.habit}
		if len(version) > 0 && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			out.version = strings.Trim(version[0], ".")
		}
		return out
	}
	if agent == "" {
		return sdk{name: "not shown"}
	}
	return sdk{name: "unknown"}
}
