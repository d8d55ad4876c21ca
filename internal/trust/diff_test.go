package trust

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func statements(t *testing.T, list ...string) Policy {
	t.Helper()
	return decode(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(list, ",")+`]}`)
}

func allow(principal, action, condition string) string {
	if condition == "" {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + `}`
	}
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + `,"Condition":` + condition + `}`
}

func TestDiffSeesMeaningOnly(t *testing.T) {
	const app, other, ar = `{"AWS":"` + roleApp + `"}`, `{"AWS":"` + otherApp + `"}`, `"sts:AssumeRole"`
	externalID := func(values string) string { return `{"StringEquals":{"sts:ExternalId":` + values + `}}` }
	both := `{"AWS":["` + roleApp + `","` + otherApp + `"]}`
	tests := []struct {
		name          string
		before, after []string
		want          []string // "kind principal: text" of each item
	}{
		{"reordered statements", []string{allow(app, ar, ""), allow(other, ar, "")}, []string{allow(other, ar, ""), allow(app, ar, "")}, nil},
		{"reordered principals", []string{allow(both, ar, "")}, []string{allow(`{"AWS":["`+otherApp+`","`+roleApp+`"]}`, ar, "")}, nil},
		{"split by principal", []string{allow(both, ar, "")}, []string{allow(app, ar, ""), allow(other, ar, "")}, nil},
		{"split by action", []string{allow(app, `["sts:AssumeRole","sts:TagSession"]`, "")}, []string{allow(app, ar, ""), allow(app, `"sts:TagSession"`, "")}, nil},
		{"split by value", []string{allow(app, ar, externalID(`["a","b","c"]`))},
			[]string{allow(app, ar, externalID(`"c"`)), allow(app, ar, externalID(`"a"`)), allow(app, ar, externalID(`"b"`))}, nil},
		{"a Sid", []string{allow(app, ar, "")}, []string{strings.Replace(allow(app, ar, ""), "{", `{"Sid":"x",`, 1)}, nil},
		{"account id for root ARN", []string{allow(`{"AWS":"111122223333"}`, ar, "")}, []string{allow(`{"AWS":"arn:aws:iam::111122223333:root"}`, ar, "")}, nil},
		{"star in both spellings", []string{allow(`"*"`, ar, "")}, []string{allow(`{"AWS":"*"}`, ar, "")}, nil},
		{"action in another case", []string{allow(app, ar, "")}, []string{allow(app, `"sts:assumerole"`, "")}, nil},
		{"action spelled out", []string{allow(app, `"sts:AssumeRole*"`, "")}, []string{allow(app, `["sts:AssumeRole","sts:AssumeRoleWithSAML","sts:AssumeRoleWithWebIdentity"]`, "")}, nil},
		{"action that a trust policy does not decide", []string{allow(app, ar, "")}, []string{allow(app, `["sts:AssumeRole","s3:GetObject"]`, "")}, nil},
		{"key and operator in another case", []string{allow(app, ar, externalID(`"a"`))}, []string{allow(app, ar, `{"stringequals":{"STS:externalid":["a"]}}`)}, nil},
		{"like without a wildcard", []string{allow(app, ar, externalID(`"a"`))}, []string{allow(app, ar, `{"StringLike":{"sts:ExternalId":"a"}}`)}, nil},
		{"a statement that another covers", []string{allow(app, ar, "")}, []string{allow(app, ar, ""), allow(app, ar, externalID(`"a"`))}, nil},
		{"the same date written another way", []string{allow(app, ar, `{"DateLessThan":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}}`)},
			[]string{allow(app, ar, `{"DateLessThan":{"aws:CurrentTime":"2026-07-01"}}`)}, nil},

		{"principal added", []string{allow(app, ar, "")}, []string{allow(both, ar, "")},
			[]string{"access-gained " + otherApp + ": " + otherApp + " is now allowed sts:AssumeRole"}},
		{"principal removed", []string{allow(both, ar, "")}, []string{allow(other, ar, "")},
			[]string{"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:AssumeRole"}},
		{"role replaced by its account", []string{allow(app, ar, "")}, []string{allow(`{"AWS":"111122223333"}`, ar, "")},
			[]string{
				"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:AssumeRole (still let in by 111122223333, if that entry's conditions and the caller's own policies allow)",
				"access-gained 111122223333: 111122223333 is now allowed sts:AssumeRole"}},
		{"principal deleted", []string{allow(app, ar, "")}, []string{allow(`{"AWS":"`+roleAppID+`"}`, ar, "")},
			[]string{
				"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:AssumeRole",
				"access-gained " + roleAppID + ": the policy now names " + roleAppID + " for sts:AssumeRole: the id of a principal that was deleted, which lets in nobody who exists"}},
		{"action removed", []string{allow(app, `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`, "")}, []string{allow(app, ar, "")},
			[]string{"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:SetSourceIdentity and sts:TagSession"}},
		{"condition added", []string{allow(app, ar, "")}, []string{allow(app, ar, externalID(`"a"`))},
			[]string{"condition-added " + roleApp + ": for sts:AssumeRole to " + roleApp + ` there is a new condition: sts:ExternalId is "a"`}},
		{"condition removed", []string{allow(app, ar, externalID(`"a"`))}, []string{allow(app, ar, "")},
			[]string{"condition-removed " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is gone: sts:ExternalId is "a"`}},
		{"ExternalId tightened", []string{allow(app, ar, externalID(`["a","b"]`))}, []string{allow(app, ar, externalID(`"b"`))},
			[]string{"condition-tightened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is stricter: sts:ExternalId is "b", was sts:ExternalId is "a" or "b"`}},
		{"ExternalId loosened", []string{allow(app, ar, externalID(`"b"`))}, []string{allow(app, ar, `{"StringLike":{"sts:ExternalId":"b*"}}`)},
			[]string{"condition-loosened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is wider: sts:ExternalId is like "b*", was sts:ExternalId is "b"`}},
		{"ExternalId replaced", []string{allow(app, ar, externalID(`"a"`))}, []string{allow(app, ar, externalID(`"b"`))},
			[]string{"condition-changed " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition changed: sts:ExternalId is "b", was sts:ExternalId is "a"`}},
		{"MFA age tightened", []string{allow(app, ar, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"28800"}}`)}, []string{allow(app, ar, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`)},
			[]string{"condition-tightened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is stricter: aws:MultiFactorAuthAge is less than "3600", was aws:MultiFactorAuthAge is less than "28800"`}},
		{"date box moved out", []string{allow(app, ar, `{"DateLessThan":{"aws:CurrentTime":"2026-07-01"}}`)}, []string{allow(app, ar, `{"DateLessThan":{"aws:CurrentTime":"2026-08-01"}}`)},
			[]string{"condition-loosened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is wider: aws:CurrentTime is before "2026-08-01T00:00:00Z", was aws:CurrentTime is before "2026-07-01T00:00:00Z"`}},
		{"network narrowed", []string{allow(app, ar, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)}, []string{allow(app, ar, `{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`)},
			[]string{"condition-tightened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is stricter: aws:SourceIp is within "203.0.113.7/32", was aws:SourceIp is within "203.0.113.0/24"`}},
		{"network widened", []string{allow(app, ar, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/24"}}`)}, []string{allow(app, ar, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/16"}}`)},
			[]string{"condition-loosened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is wider: aws:SourceIp is within "10.0.0.0/16", was aws:SourceIp is within "10.0.0.0/24"`}},
		{"what another statement covers is not told", []string{allow(app, ar, ""), allow(app, ar, externalID(`"a"`)), allow(other, ar, "")}, []string{allow(other, ar, "")},
			[]string{"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:AssumeRole"}},
		{"one more forbidden value", []string{allow(app, ar, `{"StringNotEquals":{"sts:RoleSessionName":"a"}}`)}, []string{allow(app, ar, `{"StringNotEquals":{"sts:RoleSessionName":["a","b"]}}`)},
			[]string{"condition-tightened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is stricter: sts:RoleSessionName is not "a" or "b" (or is absent), was sts:RoleSessionName is not "a" (or is absent)`}},
		{"IfExists dropped", []string{allow(app, ar, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`)}, []string{allow(app, ar, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`)},
			[]string{"condition-tightened " + roleApp + ": for sts:AssumeRole to " + roleApp + ` a condition is stricter: aws:MultiFactorAuthPresent is "true", was aws:MultiFactorAuthPresent is "true", or is absent`}},
		{"deny added", []string{allow(app, ar, "")}, []string{allow(app, ar, ""), strings.Replace(allow(`"*"`, ar, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`), "Allow", "Deny", 1)},
			[]string{`deny-added *: * is now denied sts:AssumeRole when aws:MultiFactorAuthPresent is "false", or is absent`}},
		{"deny widened", []string{strings.Replace(allow(app, ar, externalID(`"a"`)), "Allow", "Deny", 1)}, []string{strings.Replace(allow(app, ar, ""), "Allow", "Deny", 1)},
			[]string{"deny-tightened " + roleApp + ": the denial of sts:AssumeRole to " + roleApp + ` covers more: unconditionally, was sts:ExternalId is "a"`}},
		{"effect broken", []string{allow(app, ar, "")}, []string{strings.Replace(allow(app, ar, ""), "Allow", "ALLOW", 1)},
			[]string{
				"access-lost " + roleApp + ": " + roleApp + " is no longer allowed sts:AssumeRole",
				"unclear-changed " + roleApp + ": a statement about " + roleApp + " and sts:AssumeRole whose Effect cannot be read changed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change := Diff(statements(t, test.before...), statements(t, test.after...))
			var got []string
			for _, item := range change.Items {
				got = append(got, string(item.Kind)+" "+item.Principal+": "+item.Text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			back := Diff(statements(t, test.after...), statements(t, test.before...))
			if back.Empty() != change.Empty() {
				t.Errorf("one way differs, the other does not: %v", back.Items)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	const ar = `"sts:AssumeRole"`
	app := allow(`{"AWS":"`+roleApp+`"}`, ar, "")
	account := allow(`{"AWS":"111122223333"}`, ar, "")
	other := allow(`{"AWS":"`+otherApp+`"}`, ar, "")
	withID := func(value string) string {
		return allow(`{"AWS":"`+roleApp+`"}`, ar, `{"StringEquals":{"sts:ExternalId":`+value+`}}`)
	}
	org := func(id string) string {
		return allow(`"*"`, ar, `{"StringEquals":{"aws:PrincipalOrgID":"`+id+`"}}`)
	}
	mfaAge := func(age string) string {
		return allow(`{"AWS":"`+userAlice+`"}`, ar, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"`+age+`"}}`)
	}
	deny := func(statement string) string { return strings.Replace(statement, "Allow", "Deny", 1) }
	caller := Caller{ARN: sessionApp, RoleARN: roleApp}
	tests := []struct {
		name          string
		before, after []string
		caller        Caller
		want          Truth
	}{
		{"nothing changed", []string{app}, []string{app}, caller, False},
		{"nothing changed, but it hinges", []string{withID(`"a"`)}, []string{withID(`"a"`)}, caller, False},
		{"reordered", []string{app, other}, []string{other, app}, caller, False},
		{"another principal added", []string{app}, []string{other, app}, caller, False},
		{"another principal removed", []string{app, other}, []string{app}, caller, False},
		{"another principal added where it hinges", []string{withID(`"a"`)}, []string{withID(`"a"`), other}, caller, False},
		{"another ExternalId allowed as well", []string{withID(`"a"`)}, []string{withID(`["a","b"]`)}, caller, False},
		{"caller removed", []string{app, other}, []string{other}, caller, True},
		{"caller removed, others not", []string{app, other}, []string{other}, Caller{ARN: otherApp}, False},
		{"caller removed, it hinged before", []string{withID(`"a"`), other}, []string{other}, caller, True},
		{"caller known by role name only", []string{app, other}, []string{other}, Caller{ARN: sessionApp}, True},
		{"caller known by account only", []string{account, other}, []string{other}, Caller{Account: "111122223333"}, True},
		{"caller known by account only, role removed", []string{app, other}, []string{other}, Caller{Account: "111122223333"}, True},
		{"caller known by account only, one role of two removed", []string{app, strings.Replace(app, "role/app", "role/b", 1)}, []string{app}, Caller{Account: "111122223333"}, Unknown},
		{"role replaced by its account", []string{app}, []string{account}, caller, False},
		{"account replaced by the role", []string{account}, []string{app}, caller, False},
		{"account replaced by another role", []string{account}, []string{strings.Replace(app, "role/app", "role/b", 1)}, caller, True},
		{"role replaced by its deleted id", []string{app}, []string{strings.Replace(app, roleApp, roleAppID, 1)}, caller, True},
		{"condition added, key not known", []string{app}, []string{withID(`"a"`)}, caller, Unknown},
		{"condition added and met", []string{app}, []string{withID(`"a"`)}, caller.With("sts:ExternalId", "a"), False},
		{"condition added and not met", []string{app}, []string{withID(`"a"`)}, caller.With("sts:ExternalId", "b"), True},
		{"condition added, caller passes none", []string{app}, []string{withID(`"a"`)}, caller.With("sts:ExternalId"), True},
		{"condition removed", []string{withID(`"a"`)}, []string{app}, caller, False},
		{"ExternalId tightened, not known", []string{withID(`["a","b"]`)}, []string{withID(`"b"`)}, caller, Unknown},
		{"ExternalId tightened, kept one known", []string{withID(`["a","b"]`)}, []string{withID(`"b"`)}, caller.With("sts:ExternalId", "b"), False},
		{"ExternalId tightened, dropped one known", []string{withID(`["a","b"]`)}, []string{withID(`"b"`)}, caller.With("sts:ExternalId", "a"), True},
		{"caller never had the right ExternalId", []string{withID(`"a"`)}, []string{withID(`"b"`)}, caller.With("sts:ExternalId", "c"), False},
		{"organisation replaced", []string{org("o-a")}, []string{org("o-b")}, caller, Unknown},
		{"MFA age tightened", []string{mfaAge("28800")}, []string{mfaAge("3600")}, Caller{ARN: userAlice}, Unknown},
		{"MFA age tightened, known between", []string{mfaAge("28800")}, []string{mfaAge("3600")}, Caller{ARN: userAlice}.With("aws:MultiFactorAuthAge", "4000"), True},
		{"MFA age loosened", []string{mfaAge("3600")}, []string{mfaAge("28800")}, Caller{ARN: userAlice}, False},
		{"deny added for all", []string{app}, []string{app, deny(allow(`"*"`, ar, ""))}, caller, True},
		{"deny added for another", []string{app}, []string{app, deny(other)}, caller, False},
		{"deny added on an unknown key", []string{app}, []string{app, deny(withID(`"x"`))}, caller, Unknown},
		{"deny stays", []string{app, deny(withID(`"x"`))}, []string{app, deny(withID(`"x"`))}, caller, False},
		{"deny removed", []string{app, deny(withID(`"x"`))}, []string{app}, caller, False},
		{"another call removed", []string{allow(`{"AWS":"`+roleApp+`"}`, `["sts:AssumeRole","sts:TagSession"]`, "")}, []string{app}, caller, False},
		{"tagging removed for one who tags", []string{allow(`{"AWS":"`+roleApp+`"}`, `["sts:AssumeRole","sts:TagSession"]`, "")}, []string{app}, Caller{ARN: sessionApp, RoleARN: roleApp, Call: TagSession}, True},
		{"effect broken", []string{app}, []string{strings.Replace(app, "Allow", "ALLOW", 1)}, caller, Unknown},
		{"a statement that cannot be read is added", []string{withID(`"a"`)}, []string{withID(`"a"`), strings.Replace(app, "Allow", "ALLOW", 1)}, caller, Unknown},
		{"a statement that cannot be read is gone", []string{withID(`"a"`), strings.Replace(app, "Allow", "ALLOW", 1)}, []string{withID(`"a"`)}, caller, Unknown},
		{"a statement that cannot be read stays", []string{withID(`"a"`), strings.Replace(app, "Allow", "ALLOW", 1)}, []string{strings.Replace(app, "Allow", "ALLOW", 1), withID(`"a"`)}, caller, False},
		{"pattern replaced by a wider one", []string{strings.Replace(org("o-a?c"), "StringEquals", "StringLike", 1)}, []string{strings.Replace(org("o-a*c"), "StringEquals", "StringLike", 1)}, caller, False},
		{"pattern replaced by a narrower one", []string{strings.Replace(org("o-a*c"), "StringEquals", "StringLike", 1)}, []string{strings.Replace(org("o-a?c"), "StringEquals", "StringLike", 1)}, caller, Unknown},
		{"duration condition added kills the Allow", []string{app}, []string{allow(`{"AWS":"`+roleApp+`"}`, ar, `{"NumericLessThanEquals":{"sts:DurationSeconds":"3600"}}`)}, caller, True},
		{"never let in", []string{other}, []string{withID(`"a"`)}, caller, False},
		{"nothing known of the caller, one removed", []string{app, other}, []string{other}, Caller{}, Unknown},
		{"nothing known of the caller, one added", []string{app}, []string{app, other}, Caller{}, False},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change := Diff(statements(t, test.before...), statements(t, test.after...))
			got := change.Blocks(test.caller)
			if got.Truth != test.want {
				t.Errorf("got %v, want %v: %s", got.Truth, test.want, got.Reason)
			}
			if got.Reason == "" {
				t.Error("no reason")
			}
			restricting := slices.ContainsFunc(got.Items, func(i int) bool { return change.Items[i].Kind.Restricts() })
			if got.Truth != False && !restricting {
				t.Errorf("no restricting item is cited: %v of %+v", got.Items, change.Items)
			}
		})
	}
}

func TestChangeSurvivesJSON(t *testing.T) {
	before := statements(t, allow(`{"AWS":"`+roleApp+`"}`, `"sts:AssumeRole"`, ""))
	want := Diff(before, statements(t, allow(`{"AWS":"`+roleApp+`"}`, `"sts:AssumeRole"`, `{"StringEquals":{"sts:ExternalId":"a"}}`)))
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Change
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if a, b := got.Blocks(Caller{ARN: roleApp}), want.Blocks(Caller{ARN: roleApp}); !reflect.DeepEqual(a, b) {
		t.Errorf("blocks %+v after JSON, %+v before", a, b)
	}
}
