package trust

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const (
	roleApp     = "arn:aws:iam::111122223333:role/app"
	rolePath    = "arn:aws:iam::111122223333:role/team/app"
	sessionApp  = "arn:aws:sts::111122223333:assumed-role/app/worker-1"
	userAlice   = "arn:aws:iam::111122223333:user/alice"
	otherApp    = "arn:aws:iam::444455556666:role/app"
	targetRole  = "arn:aws:iam::999988887777:role/target"
	samlOkta    = "arn:aws:iam::999988887777:saml-provider/Okta"
	oidcGitHub  = "arn:aws:iam::999988887777:oidc-provider/token.actions.githubusercontent.com"
	roleAppID   = "AROAAAAAAAAAAAAAAAAAA"
	roleAppIDNo = "AROABBBBBBBBBBBBBBBBB"
	userAliceID = "AIDAAAAAAAAAAAAAAAAAA"
)

// allowing is a trust policy with one Allow statement.
func allowing(t *testing.T, principal, condition string) Policy {
	t.Helper()
	if condition == "" {
		condition = "null"
	}
	return decode(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:*","Condition":`+condition+`}]}`)
}

func TestPrincipalMatching(t *testing.T) {
	aws := func(value string) string { return `{"AWS":"` + value + `"}` }
	tests := []struct {
		name, principal string
		caller          Caller
		want            Truth
	}{
		{"account id lets any role of it in", aws("111122223333"), Caller{ARN: roleApp}, True},
		{"account id lets any session of it in", aws("111122223333"), Caller{ARN: sessionApp}, True},
		{"account id lets any user of it in", aws("111122223333"), Caller{ARN: userAlice}, True},
		{"account id lets its root user in", aws("111122223333"), Caller{ARN: "arn:aws:iam::111122223333:root"}, True},
		{"account id keeps another account out", aws("111122223333"), Caller{ARN: otherApp}, False},
		{"root ARN is the account", aws("arn:aws:iam::111122223333:root"), Caller{ARN: sessionApp}, True},
		{"root ARN keeps another account out", aws("arn:aws:iam::111122223333:root"), Caller{ARN: otherApp}, False},
		{"account known, ARN not", aws("111122223333"), Caller{Account: "111122223333"}, True},
		{"other account known, ARN not", aws("111122223333"), Caller{Account: "444455556666"}, False},
		{"only a unique id is known", aws("111122223333"), Caller{PrincipalID: roleAppID}, Unknown},
		{"nothing is known", aws("111122223333"), Caller{}, Unknown},
		{"partition of the ARN counts", aws("arn:aws-cn:iam::111122223333:root"), Caller{ARN: roleApp}, False},
		{"same partition elsewhere", aws("arn:aws-cn:iam::111122223333:root"), Caller{ARN: "arn:aws-cn:sts::111122223333:assumed-role/app/x"}, True},

		{"role ARN lets the role in", aws(roleApp), Caller{ARN: roleApp}, True},
		{"role ARN lets its session in", aws(roleApp), Caller{ARN: sessionApp}, True},
		{"role ARN keeps a longer name out", aws(roleApp), Caller{ARN: "arn:aws:sts::111122223333:assumed-role/app-admin/x"}, False},
		{"role ARN minds the case of names", aws(roleApp), Caller{ARN: "arn:aws:iam::111122223333:role/App"}, False},
		{"role ARN of another account", aws(roleApp), Caller{ARN: "arn:aws:sts::444455556666:assumed-role/app/x"}, False},
		{"role with a path, path unknown", aws(rolePath), Caller{ARN: sessionApp}, True},
		{"role with a path, path known", aws(rolePath), Caller{ARN: sessionApp, RoleARN: rolePath}, True},
		{"role with a path, another path known", aws(rolePath), Caller{ARN: sessionApp, RoleARN: roleApp}, False},
		{"role ARN alone is known", aws(rolePath), Caller{RoleARN: rolePath}, True},
		{"role ARN and a user of that name", aws(roleApp), Caller{ARN: "arn:aws:iam::111122223333:user/app"}, False},
		{"role ARN, only the account is known", aws(roleApp), Caller{Account: "111122223333", PrincipalID: roleAppID + ":x"}, Unknown},
		{"role ARN, caller is known to be a user", aws(roleApp), Caller{Account: "111122223333", PrincipalID: userAliceID}, False},
		{"role ARN, only another account is known", aws(roleApp), Caller{Account: "444455556666", PrincipalID: roleAppID + ":x"}, False},

		{"session ARN lets that session in", aws(sessionApp), Caller{ARN: sessionApp}, True},
		{"session ARN keeps another session out", aws(sessionApp), Caller{ARN: "arn:aws:sts::111122223333:assumed-role/app/worker-2"}, False},
		{"session ARN, session name unknown", aws(sessionApp), Caller{ARN: roleApp}, Unknown},
		{"session ARN, other role", aws(sessionApp), Caller{ARN: "arn:aws:sts::111122223333:assumed-role/other/worker-1"}, False},

		{"user ARN lets the user in", aws(userAlice), Caller{ARN: userAlice}, True},
		{"user ARN keeps another path out", aws(userAlice), Caller{ARN: "arn:aws:iam::111122223333:user/x/alice"}, False},
		{"user ARN keeps a role of that name out", aws(userAlice), Caller{ARN: "arn:aws:iam::111122223333:role/alice"}, False},
		{"federated user", aws("arn:aws:sts::111122223333:federated-user/bob"), Caller{ARN: "arn:aws:sts::111122223333:federated-user/bob"}, True},

		{"star lets anyone in", aws("*"), Caller{ARN: otherApp}, True},
		{"bare star lets anyone in", `"*"`, Caller{Account: "444455556666"}, True},
		{"star and a service", `"*"`, Caller{Service: "ec2.amazonaws.com"}, Unknown},
		{"star inside an ARN is no wildcard", aws("arn:aws:iam::111122223333:role/*"), Caller{ARN: roleApp}, Unknown},

		{"deleted id never matches a live ARN", aws(roleAppID), Caller{ARN: roleApp}, False},
		{"deleted id matches its own sessions", aws(roleAppID), Caller{ARN: sessionApp, PrincipalID: roleAppID + ":worker-1"}, True},
		{"deleted id and the role created again", aws(roleAppID), Caller{ARN: sessionApp, PrincipalID: roleAppIDNo + ":worker-1"}, False},
		{"deleted id, caller's account only", aws(roleAppID), Caller{Account: "111122223333"}, Unknown},

		{"service by name", `{"Service":"ec2.amazonaws.com"}`, Caller{Service: "ec2.amazonaws.com"}, True},
		{"another service", `{"Service":"ec2.amazonaws.com"}`, Caller{Service: "ecs.amazonaws.com"}, False},
		{"service and a role", `{"Service":"ec2.amazonaws.com"}`, Caller{ARN: roleApp}, False},
		{"service and nobody", `{"Service":"ec2.amazonaws.com"}`, Caller{}, Unknown},

		{"SAML provider", `{"Federated":"` + samlOkta + `"}`, Caller{Call: AssumeRoleWithSAML, Federated: samlOkta}, True},
		{"another SAML provider", `{"Federated":"` + samlOkta + `"}`, Caller{Call: AssumeRoleWithSAML, Federated: samlOkta + "2"}, False},
		{"SAML provider and a web identity", `{"Federated":"` + samlOkta + `"}`, Caller{Call: AssumeRoleWithWebIdentity}, False},
		{"SAML provider, provider not known", `{"Federated":"` + samlOkta + `"}`, Caller{Call: AssumeRoleWithSAML}, Unknown},
		{"OIDC provider", `{"Federated":"` + oidcGitHub + `"}`, Caller{Call: AssumeRoleWithWebIdentity, Federated: oidcGitHub}, True},
		{"built-in provider by host", `{"Federated":"accounts.google.com"}`, Caller{Call: AssumeRoleWithWebIdentity, Federated: "accounts.google.com"}, True},
		{"another host", `{"Federated":"accounts.google.com"}`, Caller{Call: AssumeRoleWithWebIdentity, Federated: "graph.facebook.com"}, False},
		{"provider and a role", `{"Federated":"` + oidcGitHub + `"}`, Caller{ARN: roleApp}, False},

		{"second of a list", `{"AWS":["` + otherApp + `","` + roleApp + `"]}`, Caller{ARN: sessionApp}, True},
		{"role itself, unless named, is not let in", aws("444455556666"), Caller{ARN: roleApp, TargetARN: roleApp}, False},
		{"canonical id", `{"CanonicalUser":"79a59df900b949e5"}`, Caller{ARN: roleApp}, Unknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(allowing(t, test.principal, ""), test.caller)
			if d.Allowed != test.want {
				t.Errorf("got %v, want %v: %s", d.Allowed, test.want, d.Reason)
			}
		})
	}
}

func TestMatchByRoleNameIsCalledPossible(t *testing.T) {
	d := Evaluate(allowing(t, `{"AWS":"`+rolePath+`"}`, ""), Caller{ARN: sessionApp})
	if note := d.Statements[0].Note; !strings.HasPrefix(note, "possible") {
		t.Errorf("note %q", note)
	}
	if d = Evaluate(allowing(t, `{"AWS":"`+rolePath+`"}`, ""), Caller{ARN: sessionApp, RoleARN: rolePath}); d.Statements[0].Note != "" {
		t.Errorf("note %q on a sure match", d.Statements[0].Note)
	}
}

func TestConditionOperators(t *testing.T) {
	absent := []string{}
	tests := []struct {
		operator, wanted string
		have             []string // nil: unknown
		want             Truth
	}{
		{"StringEquals", `"a"`, []string{"a"}, True},
		{"StringEquals", `"a"`, []string{"A"}, False},
		{"StringEquals", `["b","a"]`, []string{"a"}, True},
		{"StringEquals", `"a*"`, []string{"ab"}, False},
		{"StringEquals", `"a"`, absent, False},
		{"StringEquals", `"a"`, nil, Unknown},
		{"StringNotEquals", `"a"`, []string{"b"}, True},
		{"StringNotEquals", `"a"`, []string{"a"}, False},
		{"StringNotEquals", `["a","b"]`, []string{"b"}, False},
		{"StringNotEquals", `"a"`, absent, True},
		{"StringNotEquals", `"a"`, nil, Unknown},
		{"StringEqualsIgnoreCase", `"a"`, []string{"A"}, True},
		{"StringEqualsIgnoreCase", `"a"`, []string{"b"}, False},
		{"StringNotEqualsIgnoreCase", `"a"`, []string{"A"}, False},
		{"StringNotEqualsIgnoreCase", `"a"`, []string{"b"}, True},
		{"StringLike", `"repo:org/*:ref"`, []string{"repo:org/x/y:ref"}, True},
		{"StringLike", `"repo:org/*:ref"`, []string{"repo:org/x:refs"}, False},
		{"StringLike", `"a?c"`, []string{"abc"}, True},
		{"StringLike", `"a?c"`, []string{"ac"}, False},
		{"StringNotLike", `"a*"`, []string{"ab"}, False},
		{"StringNotLike", `"a*"`, []string{"ba"}, True},
		{"stringlike", `"a*"`, []string{"ab"}, True},

		{"NumericEquals", `"7"`, []string{"7.0"}, True},
		{"NumericEquals", `"7"`, []string{"8"}, False},
		{"NumericNotEquals", `"7"`, []string{"7"}, False},
		{"NumericNotEquals", `"7"`, []string{"8"}, True},
		{"NumericLessThan", `"3600"`, []string{"3599"}, True},
		{"NumericLessThan", `"3600"`, []string{"3600"}, False},
		{"NumericLessThan", `3600`, []string{"3599"}, True},
		{"NumericLessThan", `"3600"`, absent, False},
		{"NumericLessThanIfExists", `"3600"`, absent, True},
		{"NumericLessThanEquals", `"3600"`, []string{"3600"}, True},
		{"NumericLessThanEquals", `"3600"`, []string{"3601"}, False},
		{"NumericGreaterThan", `"3600"`, []string{"3601"}, True},
		{"NumericGreaterThan", `"3600"`, []string{"3600"}, False},
		{"NumericGreaterThanEquals", `"3600"`, []string{"3600"}, True},
		{"NumericGreaterThanEquals", `"3600"`, []string{"3599"}, False},
		{"NumericLessThan", `"an hour"`, []string{"3599"}, Unknown},

		{"DateLessThan", `"2026-07-01T00:00:00Z"`, []string{"2026-06-30T23:59:59Z"}, True},
		{"DateLessThan", `"2026-07-01T00:00:00Z"`, []string{"2026-07-01T00:00:00Z"}, False},
		{"DateLessThanEquals", `"2026-07-01T00:00:00Z"`, []string{"2026-07-01T02:00:00+02:00"}, True},
		{"DateLessThanEquals", `"2026-07-01T00:00:00Z"`, []string{"2026-07-01T00:00:01Z"}, False},
		{"DateGreaterThan", `"2026-07-01"`, []string{"2026-07-01T00:00:01Z"}, True},
		{"DateGreaterThan", `"2026-07-01"`, []string{"2026-07-01T00:00:00Z"}, False},
		{"DateGreaterThanEquals", `"1782864000"`, []string{"2026-07-01T00:00:00Z"}, True},
		{"DateGreaterThanEquals", `"1782864000"`, []string{"2026-06-30T23:59:59Z"}, False},
		{"DateEquals", `"2026-07-01T00:00:00Z"`, []string{"1782864000"}, True},
		{"DateNotEquals", `"2026-07-01T00:00:00Z"`, []string{"1782864000"}, False},
		{"DateLessThan", `"next week"`, []string{"2026-07-01T00:00:00Z"}, Unknown},

		{"Bool", `"true"`, []string{"true"}, True},
		{"Bool", `true`, []string{"true"}, True},
		{"Bool", `"true"`, []string{"false"}, False},
		{"Bool", `"true"`, absent, False},
		{"Bool", `"false"`, absent, False},
		{"BoolIfExists", `"true"`, absent, True},
		{"BoolIfExists", `"true"`, []string{"false"}, False},
		{"BoolIfExists", `"true"`, nil, Unknown},
		{"Bool", `"yes"`, []string{"true"}, Unknown},

		{"IpAddress", `"203.0.113.0/24"`, []string{"203.0.113.255"}, True},
		{"IpAddress", `"203.0.113.0/24"`, []string{"203.0.114.0"}, False},
		{"IpAddress", `"203.0.113.7"`, []string{"203.0.113.7"}, True},
		{"IpAddress", `"203.0.113.7/32"`, []string{"::ffff:203.0.113.7"}, True},
		{"IpAddress", `"2001:db8::/32"`, []string{"2001:db8::1"}, True},
		{"IpAddress", `"2001:db8::/32"`, []string{"203.0.113.7"}, False},
		{"IpAddress", `"203.0.113.0/24"`, []string{"ecs-tasks.amazonaws.com"}, Unknown},
		{"NotIpAddress", `"203.0.113.0/24"`, []string{"203.0.113.1"}, False},
		{"NotIpAddress", `"203.0.113.0/24"`, []string{"203.0.114.1"}, True},

		{"ArnLike", `"arn:aws:iam::*:role/app-*"`, []string{"arn:aws:iam::111122223333:role/app-1"}, True},
		{"ArnLike", `"arn:aws:iam::*:role/app-*"`, []string{"arn:aws:iam::111122223333:role/app"}, False},
		{"ArnLike", `"arn:aws:iam:*:role/app"`, []string{"arn:aws:iam::111122223333:role/app"}, Unknown},
		{"ArnNotLike", `"arn:aws:iam:*:role/app"`, []string{"arn:aws:iam::111122223333:role/app"}, Unknown},
		{"ArnLike", `"arn:aws:*::*:role/app"`, []string{"arn:aws:iam:x:111122223333:role/app"}, False},
		{"ArnLike", `"*"`, []string{"arn:aws:iam::111122223333:role/app"}, True},
		{"ArnEquals", `"arn:aws:iam::111122223333:role/*"`, []string{"arn:aws:iam::111122223333:role/x/y"}, True},
		{"ArnNotLike", `"arn:aws:iam::*:role/app"`, []string{"arn:aws:iam::111122223333:role/app"}, False},
		{"ArnNotEquals", `"arn:aws:iam::*:role/app"`, []string{"arn:aws:iam::111122223333:role/b"}, True},

		{"Null", `"true"`, absent, True},
		{"Null", `"true"`, []string{"x"}, False},
		{"Null", `"false"`, []string{"x"}, True},
		{"Null", `"false"`, absent, False},
		{"Null", `"true"`, nil, Unknown},

		{"ForAnyValue:StringEquals", `["a","b"]`, []string{"c", "b"}, True},
		{"ForAnyValue:StringEquals", `["a","b"]`, []string{"c"}, False},
		{"ForAnyValue:StringEquals", `"a"`, absent, False},
		{"ForAnyValue:StringNotEquals", `"a"`, absent, False},
		{"ForAnyValue:StringEqualsIfExists", `"a"`, absent, Unknown},
		{"ForAllValues:StringEqualsIfExists", `"a"`, absent, True},
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"a", "b"}, True},
		{"ForAllValues:StringEquals", `["a","b"]`, []string{"a", "c"}, False},
		{"ForAllValues:StringEquals", `"a"`, absent, True},
		{"ForAllValues:StringEquals", `"a"`, nil, Unknown},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, []string{"a", "c"}, True},
		{"ForAnyValue:StringNotEquals", `["a","b"]`, []string{"a", "b"}, False},
		{"ForAllValues:StringNotLike", `"a*"`, []string{"b", "c"}, True},
		{"ForAllValues:StringNotLike", `"a*"`, []string{"b", "ab"}, False},
		{"StringEquals", `"a"`, []string{"a", "b"}, Unknown},

		{"StringSortOf", `"a"`, []string{"a"}, Unknown},
		{"NullIfExists", `"true"`, absent, Unknown},
		{"StringEquals", `[]`, []string{"a"}, Unknown},
	}
	for _, test := range tests {
		t.Run(test.operator+" "+test.wanted+" "+strings.Join(test.have, "+"), func(t *testing.T) {
			c := Caller{ARN: roleApp}
			if test.have != nil {
				c = c.With("Some:Key", test.have...)
			}
			p := allowing(t, `"*"`, `{"`+test.operator+`":{"some:key":`+test.wanted+`}}`)
			d := Evaluate(p, c)
			if d.Allowed != test.want {
				t.Errorf("got %v, want %v: %s", d.Allowed, test.want, d.Reason)
			}
		})
	}
}

func TestKeysThatFollowFromTheCaller(t *testing.T) {
	user := Caller{ARN: userAlice}
	tests := []struct {
		name, condition string
		caller          Caller
		want            Truth
	}{
		{"duration is absent from every request", `{"NumericLessThan":{"sts:DurationSeconds":"3600"}}`, user, False},
		{"duration IfExists holds", `{"NumericLessThanIfExists":{"sts:DurationSeconds":"3600"}}`, user, True},
		{"principal's ARN", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/alice"}}`, user, True},
		{"principal's ARN is the role's", `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}`, Caller{ARN: sessionApp, RoleARN: roleApp}, True},
		{"role's path unknown", `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}`, Caller{ARN: sessionApp}, Unknown},
		{"another name whatever the path", `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/batch"}}`, Caller{ARN: sessionApp}, False},
		{"negated, another name whatever the path", `{"StringNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/batch"}}`, Caller{ARN: sessionApp}, True},
		{"principal's account", `{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`, user, True},
		{"another account", `{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}`, user, False},
		{"organisation is not known", `{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}`, user, Unknown},
		{"organisation given", `{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}`, user.With("aws:principalorgid", "o-abc"), True},
		{"TLS always", `{"Bool":{"aws:SecureTransport":"true"}}`, user, True},
		{"variable filled in", `{"StringLike":{"sts:RoleSessionName":"${aws:username}"}}`, user.With("sts:RoleSessionName", "alice"), True},
		{"variable does not fit", `{"StringLike":{"sts:RoleSessionName":"${aws:username}"}}`, user.With("sts:RoleSessionName", "bob"), False},
		{"variable not known", `{"StringLike":{"sts:RoleSessionName":"${aws:PrincipalTag/team}"}}`, user.With("sts:RoleSessionName", "bob"), Unknown},
		{"no MFA, no age", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, user.With("aws:MultiFactorAuthPresent"), False},
		{"MFA of unknown age", `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, user.With("aws:MultiFactorAuthPresent", "true"), Unknown},
		{"web identity has no ExternalId", `{"StringEquals":{"sts:ExternalId":"x"}}`, Caller{Call: AssumeRoleWithWebIdentity, Federated: oidcGitHub}, False},
		{"given key wins", `{"StringEquals":{"sts:DurationSeconds":"900"}}`, user.With("sts:durationSeconds", "900"), True},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			principal := `{"AWS":"*","Federated":"` + oidcGitHub + `"}`
			d := Evaluate(allowing(t, principal, test.condition), test.caller)
			if d.Allowed != test.want {
				t.Errorf("got %v, want %v: %s", d.Allowed, test.want, d.Reason)
			}
		})
	}
}

func TestStatementsTogether(t *testing.T) {
	allowAll := `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`
	denyAll := `{"Effect":"Deny","Principal":"*","Action":"sts:*"}`
	denyNoMFA := `{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`
	tests := []struct {
		name, statements string
		caller           Caller
		want             Truth
		explicit         bool
		reason           string
	}{
		{"nothing allows", "", Caller{ARN: userAlice}, False, false, "no statement allows sts:AssumeRole to " + userAlice},
		{"one allows", allowAll, Caller{ARN: userAlice}, True, false, "statement 1 allows sts:AssumeRole to " + userAlice},
		{"deny wins over allow", allowAll + "," + denyAll, Caller{ARN: userAlice}, False, true, "statement 2 explicitly denies sts:AssumeRole to " + userAlice},
		{"deny that hinges", allowAll + "," + denyNoMFA, Caller{ARN: userAlice}, Unknown, false,
			"whether " + userAlice + ` may call sts:AssumeRole hinges on statement 2: aws:MultiFactorAuthPresent (BoolIfExists "false"), which is not known`},
		{"deny that does not apply", allowAll + "," + denyNoMFA, Caller{ARN: userAlice}.With("aws:MultiFactorAuthPresent", "true"), True, false, ""},
		{"deny for those without the key", allowAll + "," + denyNoMFA, Caller{ARN: userAlice}.With("aws:MultiFactorAuthPresent"), False, true, ""},
		{"deny hinges but nothing allows", denyNoMFA, Caller{ARN: userAlice}, False, false, ""},
		{"effect that cannot be read is no allow", strings.Replace(allowAll, "Allow", "ALLOW", 1), Caller{ARN: userAlice}, Unknown, false,
			"whether " + userAlice + " may call sts:AssumeRole hinges on statement 1, whose Effect cannot be read"},
		{"effect that cannot be read elsewhere", strings.Replace(allowAll, "Allow", "ALLOW", 1), Caller{ARN: otherApp}, False, false, ""},
		{"another call", allowAll, Caller{ARN: userAlice, Call: TagSession}, False, false, "no statement allows sts:TagSession to " + userAlice + ": statement 1 is about other calls"},
		{"action in another case", strings.Replace(allowAll, "sts:AssumeRole", "STS:assumerole", 1), Caller{ARN: userAlice}, True, false, ""},
		{"action pattern", strings.Replace(allowAll, "sts:AssumeRole", "sts:Assume*", 1), Caller{ARN: userAlice}, True, false, ""},
		{"NotAction", strings.Replace(allowAll, `"Action":"sts:AssumeRole"`, `"NotAction":"sts:TagSession"`, 1), Caller{ARN: userAlice}, True, false, ""},
		{"NotAction names the call", strings.Replace(allowAll, `"Action":"sts:AssumeRole"`, `"NotAction":"sts:AssumeRole"`, 1), Caller{ARN: userAlice}, False, false, ""},
		{"deny everyone but an account", allowAll + `,{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*"}`, Caller{ARN: userAlice}, Unknown, false, ""},
		{"deny everyone but a user and its account", allowAll + `,{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","` + userAlice + `"]},"Action":"*"}`, Caller{ARN: userAlice}, True, false, ""},
		{"deny everyone but a role, asked for its session", allowAll + `,{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","` + roleApp + `"]},"Action":"*"}`, Caller{ARN: sessionApp}, Unknown, false, ""},
		{"deny everyone but a service", `{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"*"},{"Effect":"Deny","NotPrincipal":{"Service":"ec2.amazonaws.com"},"Action":"*"}`, Caller{Service: "ec2.amazonaws.com"}, True, false, ""},
		{"deny everyone but another account", allowAll + `,{"Effect":"Deny","NotPrincipal":{"AWS":"444455556666"},"Action":"*"}`, Caller{ARN: userAlice}, False, true, ""},
		{"exempting a user without its account", allowAll + `,{"Effect":"Deny","NotPrincipal":{"AWS":"` + userAlice + `"},"Action":"*"}`, Caller{ARN: userAlice}, Unknown, false, ""},
		{"wrong ExternalId is a near miss", `{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"a"}}}`,
			Caller{ARN: userAlice}.With("sts:ExternalId", "b"), False, false,
			"no statement allows sts:AssumeRole to " + userAlice + `: statement 1 needs sts:ExternalId (StringEquals "a"), which is "b"`},
		{"misspelt condition is no allow", strings.Replace(allowAll, `"Action"`, `"Conditoin":{},"Action"`, 1), Caller{ARN: userAlice}, Unknown, false, ""},
		{"no principal is no allow", `{"Effect":"Allow","Action":"sts:AssumeRole"}`, Caller{ARN: userAlice}, Unknown, false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(decode(t, `{"Version":"2012-10-17","Statement":[`+test.statements+`]}`), test.caller)
			if d.Allowed != test.want || d.ExplicitDeny != test.explicit {
				t.Errorf("got %v explicit %v, want %v %v: %s", d.Allowed, d.ExplicitDeny, test.want, test.explicit, d.Reason)
			}
			if test.reason != "" && d.Reason != test.reason {
				t.Errorf("reason\n got %s\nwant %s", d.Reason, test.reason)
			}
		})
	}
}

func TestWhenTheCallersOwnPolicyIsNeededToo(t *testing.T) {
	tests := []struct {
		name, principal string
		caller          Caller
		want            Truth
	}{
		{"another account always", `{"AWS":"` + otherApp + `"}`, Caller{ARN: otherApp, TargetARN: targetRole}, True},
		{"same account, named itself", `{"AWS":"arn:aws:iam::999988887777:role/app"}`, Caller{ARN: "arn:aws:iam::999988887777:role/app", TargetARN: targetRole}, False},
		{"same account, only the account named", `{"AWS":"999988887777"}`, Caller{ARN: "arn:aws:iam::999988887777:role/app", TargetARN: targetRole}, True},
		{"both named", `{"AWS":["999988887777","arn:aws:iam::999988887777:role/app"]}`, Caller{ARN: "arn:aws:iam::999988887777:role/app", TargetARN: targetRole}, False},
		{"role's account not known", `{"AWS":"` + otherApp + `"}`, Caller{ARN: otherApp}, Unknown},
		{"account named, role's account not known", `{"AWS":"444455556666"}`, Caller{ARN: otherApp}, True},
		{"service", `{"Service":"ec2.amazonaws.com"}`, Caller{Service: "ec2.amazonaws.com", TargetARN: targetRole}, False},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Evaluate(allowing(t, test.principal, ""), test.caller).NeedsIdentityPolicy; got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestVersionWithoutVariables(t *testing.T) {
	text := `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringLike":{"sts:RoleSessionName":"${aws:username}"}}}]}`
	d := Evaluate(decode(t, text), Caller{ARN: userAlice}.With("sts:RoleSessionName", "alice"))
	if d.Allowed != False {
		t.Errorf("variable was filled in without Version 2012-10-17: %s", d.Reason)
	}
}

func TestDecisionSurvivesJSON(t *testing.T) {
	p := allowing(t, `{"AWS":["`+rolePath+`","111122223333"]}`, `{"StringEquals":{"sts:ExternalId":"a"}}`)
	want := Evaluate(p, Caller{ARN: sessionApp})
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Decision
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestTruthTables(t *testing.T) {
	values := []Truth{Unknown, True, False}
	for _, a := range values {
		for _, b := range values {
			and, or := a.And(b), a.Or(b)
			if (and == True) != (a == True && b == True) || (and == False) != (a == False || b == False) {
				t.Errorf("%v and %v is %v", a, b, and)
			}
			if (or == True) != (a == True || b == True) || (or == False) != (a == False && b == False) {
				t.Errorf("%v or %v is %v", a, b, or)
			}
		}
		text, _ := a.MarshalText()
		var back Truth
		if err := back.UnmarshalText(text); err != nil || back != a {
			t.Errorf("%v became %v, %v", a, back, err)
		}
	}
	var zero Truth
	if zero != Unknown || zero.UnmarshalText([]byte("yes")) == nil {
		t.Error("zero value is not Unknown, or rubbish was read")
	}
}
