package trust

import (
	"reflect"
	"testing"
)

var seeds = []string{
	"", "{", "%7B%7D", `{"Statement":[]}`, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*"}}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":[7,true,null,{}]},"NotAction":["*"],"Condition":{"Bool":{"a":[]},"x":7}}]}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"aws:PrincipalArn":"${aws:userid, 'x'}*"}}}]}`,
}

func FuzzDecode(f *testing.F) {
	for _, text := range seeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Decode(text)
		if err != nil {
			if len(p.Statements) > 0 {
				t.Fatal("statements beside an error")
			}
			return
		}
		again, err := Decode(text)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("decoded differently the second time: %v", err)
		}
		Principals(p)
		RevokeTime(p)
		if got := len(Explain(p)); got != len(p.Statements) {
			t.Fatalf("%d clauses for %d statements", got, len(p.Statements))
		}
		if change := Diff(p, p); !change.Empty() {
			t.Fatalf("a policy differs from itself: %+v", change.Items)
		}
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, text := range seeds {
		f.Add(text, text, "arn:aws:sts::111122223333:assumed-role/app/x", "AROAAAAAAAAAAAAAAAAAA:x", "sts:ExternalId", "a")
	}
	f.Fuzz(func(t *testing.T, before, after, arn, id, key, value string) {
		p, err := Decode(before)
		if err != nil {
			return
		}
		q, err := Decode(after)
		if err != nil {
			q = Policy{}
		}
		c := Caller{ARN: arn, PrincipalID: id}.With(key, value)
		d := Evaluate(p, c)
		allow := false
		for _, s := range d.Statements {
			allow = allow || s.Effect == Allow && s.Applies == True
		}
		if d.Allowed == True && !allow {
			t.Fatalf("allowed without an Allow that applies: %+v", d)
		}
		if d.Reason == "" {
			t.Fatal("no reason")
		}
		if !reflect.DeepEqual(d, Evaluate(p, c)) {
			t.Fatal("decided differently the second time")
		}
		change := Diff(p, q)
		if blocks := change.Blocks(c); !reflect.DeepEqual(blocks, Diff(p, q).Blocks(c)) || blocks.Reason == "" {
			t.Fatal("judged differently the second time, or without a reason")
		}
		if blocks := Diff(p, p).Blocks(c); blocks.Truth != False {
			t.Fatalf("no change blocks: %+v", blocks)
		}
	})
}

func FuzzDenial(f *testing.F) {
	f.Add("User: arn:aws:iam::111122223333:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/b with an explicit deny in a service control policy: arn:x")
	f.Add("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	f.Add(`User: "" is not authorized to perform: a:* on resource: "\"`)
	f.Fuzz(func(t *testing.T, message string) {
		d, ok := EnrichedDenial(message)
		if !ok && d != (Denial{}) {
			t.Fatalf("%+v beside false", d)
		}
		if ok && d.Action == "" {
			t.Fatal("a denial of nothing")
		}
	})
}
