package trust

import (
	"strings"
	"testing"
)

func TestEnrichedDenialTakesAWSsWords(t *testing.T) {
	const user = "arn:aws:sts::111122223333:assumed-role/app/worker-1"
	const head = "User: " + user + " is not authorized to perform: sts:AssumeRole on resource: " + targetRole
	plain := Denial{User: user, Action: "sts:AssumeRole", Resource: targetRole}
	with := func(reason DenialReason, explicit bool) Denial {
		d := plain
		d.Reason, d.Explicit = reason, explicit
		return d
	}
	tests := map[string]struct {
		message string
		want    Denial
	}{
		"plain":                                 {head, plain},
		"with a period":                         {head + ".", plain},
		"quoted ARNs":                           {`User: "` + user + `" is not authorized to perform: sts:AssumeRole on resource: "` + targetRole + `"`, plain},
		"escaped quotes":                        {`{"message":"User: \"` + user + `\" is not authorized to perform: sts:AssumeRole on resource: \"` + targetRole + `\""}`, plain},
		"the whole message quoted":              {`"` + head + `"`, plain},
		"inside the CLI's words":                {"An error occurred (AccessDenied) when calling the AssumeRole operation: " + head, plain},
		"inside the Go SDK's words":             {"operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 16fe6872-71b6-400f-9ebd-9c7ba26adaa3, api error AccessDenied: " + head, plain},
		"inside the Java SDK's words":           {head + " (Service: Sts, Status Code: 403, Request ID: 16fe6872-71b6-400f-9ebd-9c7ba26adaa3)", plain},
		"broken over lines":                     {"User: " + user + " is not authorized\n  to perform: sts:AssumeRole on resource:\n" + targetRole, plain},
		"no role trust policy allows":           {head + " because no role trust policy allows the sts:AssumeRole action", with(DenialTrustPolicy, false)},
		"explicit deny in the trust policy":     {head + " with an explicit deny in the role trust policy", with(DenialTrustPolicy, true)},
		"explicit deny in an SCP":               {head + " with an explicit deny in a service control policy", with(DenialSCP, true)},
		"no SCP allows":                         {head + " because no service control policy allows the sts:AssumeRole action", with(DenialSCP, false)},
		"explicit deny in an RCP":               {head + " with an explicit deny in a resource control policy.", with(DenialRCP, true)},
		"no session policy allows":              {head + " because no session policy allows the sts:AssumeRole action.", with(DenialSessionPolicy, false)},
		"explicit deny in a session policy":     {head + " with an explicit deny in a session policy", with(DenialSessionPolicy, true)},
		"no boundary allows":                    {head + " because no permissions boundary allows the sts:AssumeRole action", with(DenialBoundary, false)},
		"explicit deny in a boundary":           {head + " with an explicit deny in a permissions boundary", with(DenialBoundary, true)},
		"no identity policy allows":             {head + " because no identity-based policy allows the sts:AssumeRole action", with(DenialIdentityPolicy, false)},
		"explicit deny in an identity policy":   {head + " with an explicit deny in an identity-based policy", with(DenialIdentityPolicy, true)},
		"no resource policy allows":             {head + " because no resource-based policy allows the sts:AssumeRole action", with(DenialResourcePolicy, false)},
		"explicit deny in a resource policy":    {head + " with an explicit deny in a resource-based policy", with(DenialResourcePolicy, true)},
		"explicit deny in an endpoint policy":   {head + " with an explicit deny in a VPC endpoint policy", with(DenialEndpointPolicy, true)},
		"explicit deny, nothing named":          {head + " with an explicit deny", with(DenialUnnamed, true)},
		"a kind of policy not known here":       {head + " with an explicit deny in a moon policy", with(DenialOther, true)},
		"the policy's ARN":                      {head + " with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-abc/service_control_policy/p-1.", Denial{User: user, Action: "sts:AssumeRole", Resource: targetRole, Reason: DenialSCP, Explicit: true, PolicyARN: "arn:aws:organizations::123456789012:policy/o-abc/service_control_policy/p-1"}},
		"an ARN later on is not the policy's":   {head + " with an explicit deny in a service control policy. See arn:aws:iam::111122223333:role/x", with(DenialSCP, true)},
		"quotes and a reason":                   {`User: ` + user + ` is not authorized to perform: sts:AssumeRole on resource: "` + targetRole + `" because no role trust policy allows the sts:AssumeRole action`, with(DenialTrustPolicy, false)},
		"no resource":                           {"User: " + user + " is not authorized to perform: iam:ListUsers because no identity-based policy allows the iam:ListUsers action", Denial{User: user, Action: "iam:ListUsers", Reason: DenialIdentityPolicy}},
		"resource is a star":                    {"User: " + user + " is not authorized to perform: lambda:ListFunctions on resource: * with an explicit deny", Denial{User: user, Action: "lambda:ListFunctions", Resource: "*", Explicit: true}},
		"user is no ARN":                        {"User: anonymous is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111122223333:q", Denial{User: "anonymous", Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-1:111122223333:q"}},
		"web identity names nobody":             {"Not authorized to perform sts:AssumeRoleWithWebIdentity", Denial{Action: AssumeRoleWithWebIdentity}},
		"SAML in the CLI's words":               {"An error occurred (AccessDenied) when calling the AssumeRoleWithSAML operation: Not authorized to perform sts:AssumeRoleWithSAML", Denial{Action: AssumeRoleWithSAML}},
		"EC2's preface and encoded message":     {"You are not authorized to perform this operation. User: " + user + " is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure message: AAAA", Denial{User: user, Action: "ec2:RunInstances", Resource: "arn:aws:ec2:eu-west-1:111122223333:instance/*", Reason: DenialIdentityPolicy}},
		"a line that lost its head":             {"is not authorized to perform: sts:AssumeRole on resource: " + targetRole, Denial{Action: AssumeRole, Resource: targetRole}},
		"a role path and odd session name":      {"User: arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123/a.b+c=d@example.com is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999988887777:role/a/b/target", Denial{User: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123/a.b+c=d@example.com", Action: "sts:AssumeRole", Resource: "arn:aws:iam::999988887777:role/a/b/target"}},
		"cut in the resource":                   {head[:len(head)-5], Denial{User: user, Action: "sts:AssumeRole", Resource: targetRole[:len(targetRole)-5]}},
		"cut in the reason":                     {head + " because no role trust pol", plain},
		"filled up to CloudTrail's limit":       {head + " because no role trust policy allows the sts:AssumeRole action " + strings.Repeat("x", 1024-len(head)-63), func() Denial { d := with(DenialTrustPolicy, false); d.Truncated = true; return d }()},
		"longer than CloudTrail keeps is whole": {head + " " + strings.Repeat("x", 1024), plain},
		"an action in capitals in the message":  {strings.Replace(head, "is not authorized", "is NOT authorized", 1), plain},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := EnrichedDenial(test.message)
			if !ok || got != test.want {
				t.Errorf("%d bytes: %s\n got %+v %v\nwant %+v", len(test.message), test.message, got, ok, test.want)
			}
		})
	}
}

func TestOtherErrorsAreNoDenial(t *testing.T) {
	for _, message := range []string{
		"", "An unknown error occurred", "The security token included in the request is expired", "AccessDenied", "Access Denied",
		"You are not authorized to perform this operation.",
		"MultiFactorAuthentication failed with invalid MFA one time pass code.",
		"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
	} {
		if d, ok := EnrichedDenial(message); ok {
			t.Errorf("%q was read as %+v", message, d)
		}
	}
}
